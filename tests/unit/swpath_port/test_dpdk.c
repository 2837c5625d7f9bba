/* SPDX-License-Identifier: Apache-2.0
 *
 * DPDK ports by virtual devices.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "tests/unit/swpath_port/frames.h"

static struct built f;

static struct swpath_port *open_dev(const char *name, const char *devargs)
{
	struct swpath_port_config cfg = {.name = name, .devargs = devargs};

	return port_open(&swpath_dpdk_class, &cfg);
}

/* net_ring gives back what it was sent. */
static void ring_gets_plain_frames(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .ipv6 = true, .extensions = 5, .payload = 4000};
	struct swpath_port *p = open_dev("r", "net_ring_plain");
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct hal_rx_meta meta[32] = {0};
	struct hal_port_stats stats;
	struct rte_mbuf *m, *got[32];
	unsigned n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	m->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
	m->tso_segsz = 1300;
	p->class->tx(p, 0, &m, 1, drops); /* its queues are rings each */
	n = p->class->rx(p, 0, got, meta, 32);
	CU_ASSERT_EQUAL_FATAL(n, 4);
	for (unsigned i = 0; i < n; i++) {
		unsigned bytes = i < 3 ? 1300 : 100;

		CU_ASSERT_EQUAL(got[i]->pkt_len, f.body + bytes);
		CU_ASSERT_EQUAL(got[i]->nb_segs, 1);
		CU_ASSERT_TRUE(checksums_right(
			&f, rte_pktmbuf_mtod(got[i], uint8_t *), f.body - f.l4 + bytes));
	}
	rte_pktmbuf_free_bulk(got, n);
	CU_ASSERT_EQUAL(p->class->stats(p, &stats), 0);
	CU_ASSERT_EQUAL(stats.tx_packets, 4);
	CU_ASSERT_EQUAL(stats.rx_packets, 4);
	CU_ASSERT_EQUAL(stats.tx_bytes, 4 * f.body + 4000);
	port_close(p, false);
}

static void one_device_one_port(void)
{
	struct swpath_port *p = open_dev("first", "net_null_once,no-rx=1"), *q;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	q = open_dev("second", "net_null_once,no-rx=1");
	CU_ASSERT_PTR_NULL(q);
	CU_ASSERT_EQUAL(errno, EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(test_err, "first"));
	port_close(p, false);
}

/* The device goes with its port, and its name can be used again. */
static void comes_and_goes(void)
{
	for (unsigned i = 0; i < 5; i++) {
		struct swpath_port *p = open_dev("again", "net_null_again,no-rx=1");
		struct swpath_port_status st;

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(p->class->status(p, &st), 0);
		CU_ASSERT_TRUE(st.exists && st.admin_up && st.link_up);
		CU_ASSERT_STRING_EQUAL(st.driver, "net_null");
		CU_ASSERT_EQUAL(st.mtu, 1500);
		port_close(p, false);
	}
}

static void names_what_it_cannot_open(void)
{
	static const char *const bad[] = {
		"net_nosuchthing0", "0000:99:00.0", "", ",", "net_pcap_x"};

	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_PTR_NULL(open_dev("bad", bad[i]));
		CU_ASSERT_PTR_NOT_NULL(strstr(test_err, bad[i]));
		CU_ASSERT_NOT_EQUAL(test_err[0], '\0');
	}
}

/* A capture file is received as it is, and written whole. */
static void pcap_in_and_out(void)
{
	char in[100], out[100], args[256];
	struct spec s = {.proto = IPPROTO_TCP, .payload = 60};
	static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct hal_rx_meta meta[32] = {0};
	struct swpath_port *p;
	struct rte_mbuf *got[32];
	uint32_t record[4] = {0};
	FILE *file;
	unsigned n;

	frame_build(&s, &f);
	snprintf(in, sizeof(in), "%s.in", test_rundir);
	snprintf(out, sizeof(out), "%s.out", test_rundir);
	file = fopen(in, "wb");
	record[2] = record[3] = f.len;
	CU_ASSERT_EQUAL(fwrite(header, sizeof(header), 1, file), 1);
	CU_ASSERT_EQUAL(fwrite(record, sizeof(record), 1, file), 1);
	CU_ASSERT_EQUAL(fwrite(f.data, f.len, 1, file), 1);
	fclose(file);
	snprintf(args, sizeof(args), "net_pcap_io,rx_pcap=%s,tx_pcap=%s", in, out);
	p = open_dev("cap", args);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	n = p->class->rx(p, 0, got, meta, 32);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(got[0]->pkt_len, f.len);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(got[0], void *), f.data, f.len), 0);
	got[0]->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	p->class->tx(p, 0, got, 1, drops);
	port_close(p, false);
	file = fopen(out, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, sizeof(header) + sizeof(record), SEEK_SET), 0);
	CU_ASSERT_EQUAL(fread(f.data, f.len, 1, file), 1);
	CU_ASSERT_TRUE(checksums_right(&f, f.data, f.end - f.l4));
	fclose(file);
	remove(in);
	remove(out);
}

void add_dpdk_suite(void)
{
	CU_pSuite s = CU_add_suite("dpdk", NULL, NULL);

	CU_add_test(s, "a ring gets plain frames", ring_gets_plain_frames);
	CU_add_test(s, "one device, one port", one_device_one_port);
	CU_add_test(s, "comes and goes", comes_and_goes);
	CU_add_test(s, "names what it cannot open", names_what_it_cannot_open);
	CU_add_test(s, "pcap in and out", pcap_in_and_out);
}
