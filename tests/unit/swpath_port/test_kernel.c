/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets through kernel ports.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "swpath/port/tc_drop.h"
#include "tests/unit/swpath_port/kernel_rig.h"

static struct built f;
static struct swpath_port *a, *b;

/* Tags, that the kernel strips, are there again, with their TPID; partial checksums stay so. */
static void frames_cross_unchanged(void)
{
	NEEDS_NAMESPACE();
	rig_open(&a, &b);
	for (unsigned i = 0; i < 60; i++) {
		struct spec s;
		struct rte_mbuf *m;

		spec_random(&s);
		s.vlans = i % 2; /* two tags and a whole MTU are one too many for the kernel */
		s.labels = 0;
		s.pbb = false;
		s.padding = 0;
		s.payload = 60 + rnd_below(1200);
		frame_build(&s, &f);
		if (i % 4 == 3)
			f.data[12] = 0x88, f.data[13] = 0xa8;
		m = frame_mbuf(&f, i % 3 ? 500 : 0);
		if (i % 5 == 0)
			m->ol_flags = 0;
		CU_ASSERT_TRUE(rig_crosses(a, b, m, f.data, f.len));
	}
	rig_close(a, b);
}

static void super_frames_cross_whole(void)
{
	NEEDS_NAMESPACE();
	rig_open(&a, &b);
	for (unsigned i = 0; i < 16; i++) {
		struct spec s = {.proto = i & 1 ? IPPROTO_UDP : IPPROTO_TCP,
			.ipv6 = i & 2,
			.vlans = i & 4 ? 1 : 0,
			.payload = i & 8 ? 60000 : 5000,
			.tcp_flags = 0x18};
		struct rte_mbuf *m;

		frame_build(&s, &f);
		m = frame_mbuf(&f, 0);
		m->ol_flags |= i & 1 ? RTE_MBUF_F_TX_UDP_SEG : RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = 1400;
		CU_ASSERT_TRUE(rig_crosses(a, b, m, f.data, f.len));
	}
	CU_ASSERT_EQUAL(a->counter[1].tx_packets, 16);
	CU_ASSERT_EQUAL(b->counter[0].rx_packets, 16);
	rig_close(a, b);
}

/* Behind an MPLS label the kernel cannot cut: it is done here. */
static void labelled_super_frame_is_cut(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 4000, .labels = 1, .tcp_flags = 0x18};
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	rig_open(&a, &b);
	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = 1000;
	a->class->tx(a, 0, &m, 1, drops);
	for (unsigned i = 0; i < 4; i++) {
		m = rig_receive(b, WAIT_MS);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(m->pkt_len, f.body + 1000);
		CU_ASSERT_TRUE(
			checksums_right(&f, rte_pktmbuf_mtod(m, uint8_t *), f.body - f.l4 + 1000));
		rte_pktmbuf_free(m);
	}
	rig_close(a, b);
}

/* A port says that it is drained when, and only when, nothing is left in the kernel. */
static void says_when_it_is_drained(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 100};
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct hal_rx_meta meta[4] = {0};
	struct rte_mbuf *m[4];
	struct pollfd fd;

	NEEDS_NAMESPACE();
	rig_open(&a, &b);
	frame_build(&s, &f);
	for (unsigned i = 0; i < 3; i++)
		m[i] = frame_mbuf(&f, 0);
	a->class->tx(a, 1, m, 3, drops);
	fd = (struct pollfd){.fd = b->class->rx_fd(b), .events = POLLIN};
	CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL_FATAL(b->class->rx(b, 0, m, meta, 3), 3);
	CU_ASSERT_FALSE(b->drained);
	rte_pktmbuf_free_bulk(m, 3);
	CU_ASSERT_EQUAL(b->class->rx(b, 0, m, meta, 4), 0);
	CU_ASSERT_TRUE(b->drained);
	rig_close(a, b);
}

static void drops_have_reasons(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 1480};
	struct swpath_port_status st;
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	rig_open(&a, &b);
	frame_build(&s, &f);
	CU_ASSERT_EQUAL(rig_tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_TOO_BIG), 1);
	atomic_store(&a->mtu, 0); /* the kernel says it, too */
	CU_ASSERT_EQUAL(rig_tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_TOO_BIG), 1);
	m = frame_mbuf(&f, 0);
	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - 9)); /* a runt */
	m->ol_flags = 0;
	CU_ASSERT_EQUAL(rig_tx_drop(a, m, SWPATH_DROP_TX_ERROR), 1);
	CU_ASSERT_EQUAL(a->class->set_admin(a, false), 0);
	CU_ASSERT_EQUAL(rig_tx_drop(a, frame_mbuf(&f, 300), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(a->class->status(a, &st), 0);
	CU_ASSERT_TRUE(st.exists && !st.admin_up && strcmp(st.driver, "veth") == 0);
	CU_ASSERT_EQUAL(a->class->set_admin(a, true), 0);
	CU_ASSERT_EQUAL(a->counter[0].tx_dropped, 3);
	CU_ASSERT_EQUAL(a->counter[0].tx_errors, 1);
	rig_close(a, b);
}

static void host_does_not_see_frames(void)
{
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	rig_run("ip addr add 10.9.9.1/24 dev slua0");
	rig_open(&a, &b);
	CU_ASSERT_FALSE(rig_host_answers(b, QUIET_MS));
	m = rig_receive(a, WAIT_MS); /* but the port did */
	CU_ASSERT_PTR_NOT_NULL(m);
	rte_pktmbuf_free(m);
	port_close(a, false);
	CU_ASSERT_TRUE(rig_host_answers(b, WAIT_MS));
	port_close(b, false);
	rig_run("ip addr flush dev slua0");
	CU_ASSERT_EQUAL(rig_lines("tc qdisc show", "clsact"), 0);
}

static void drop_owns_only_what_it_made(void)
{
	static const char filters[] = "tc filter show dev slua0 ingress";
	static const char qdiscs[] = "tc qdisc show dev slua0";
	uint32_t i;
	char err[200];

	NEEDS_NAMESPACE();
	i = rig_ifindex("slua0");
	/* Twice is once; and it goes with its qdisc. */
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(rig_lines(filters, "sluice-drop"), 1);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(rig_lines(qdiscs, "clsact"), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	/* Somebody else's qdisc stays. */
	rig_run("tc qdisc add dev slua0 clsact");
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(rig_lines(qdiscs, "clsact"), 1);
	CU_ASSERT_EQUAL(rig_lines(filters, "sluice-drop"), 0);
	rig_run("tc qdisc del dev slua0 clsact");
	/* Ours stays under somebody else's filter. */
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(
		rig_run("tc filter add dev slua0 egress pref 7 bpf da bytecode '1,6 0 0 0,'"), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(rig_lines(qdiscs, "clsact"), 1);
	CU_ASSERT_EQUAL(rig_lines("tc filter show dev slua0 egress", "pref 7"), 2);
	rig_run("tc qdisc del dev slua0 clsact");
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(999999, "none", err, sizeof(err)), -ENODEV);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(999999), 0);
}

void add_kernel_suite(void)
{
	CU_pSuite s = CU_add_suite("kernel", rig_set_up, NULL);

	CU_add_test(s, "frames cross unchanged", frames_cross_unchanged);
	CU_add_test(s, "super-frames cross whole", super_frames_cross_whole);
	CU_add_test(s, "a labelled super-frame is cut", labelled_super_frame_is_cut);
	CU_add_test(s, "says when it is drained", says_when_it_is_drained);
	CU_add_test(s, "drops have reasons", drops_have_reasons);
	CU_add_test(s, "the host does not see frames", host_does_not_see_frames);
	CU_add_test(s, "the drop owns only what it made", drop_owns_only_what_it_made);
}
