/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel ports on the running kernel, in a network namespace of the test's own:
 *
 *   port a -- slua0 (10.9.9.1) ===veth=== slub0 -- port b        slui0: internal port
 *
 * Skipped, and said so, where namespaces may not be made.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <event2/event.h>

#include "swpath/port/rtnl.h"
#include "swpath/port/segment.h"
#include "swpath/port/tc_drop.h"
#include "tests/unit/swpath_port/frames.h"

enum { WAIT_MS = 2000, QUIET_MS = 300 };

static struct built f;
static bool allowed;
static struct swpath_port *a, *b;

#define NEEDS_NAMESPACE()       \
	do {                    \
		if (!allowed)   \
			return; \
	} while (0)

static int run(const char *fmt, ...)
{
	char cmd[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, args);
	va_end(args);
	return system(cmd);
}

/* Lines that a command prints with `word` in them. */
static unsigned count_lines(const char *cmd, const char *word)
{
	FILE *p = popen(cmd, "r");
	char line[512];
	unsigned n = 0;

	while (p && fgets(line, sizeof(line), p))
		n += strstr(line, word) != NULL;
	if (p)
		pclose(p);
	return n;
}

/* The kernel opens the queue of a netdev a moment after its carrier came. */
static void wait_carrier(const char *name)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "ip -o link show %s", name);
	for (unsigned i = 0; i < WAIT_MS / 10 && !count_lines(cmd, "state UP"); i++)
		poll(NULL, 0, 10);
}

static int set_up(void)
{
	allowed = unshare(CLONE_NEWNET) == 0 && run("ip link set lo up") == 0 &&
		  run("ip link add slua0 type veth peer name slub0") == 0;
	if (!allowed) {
		printf("\n  skipped: no network namespace (%s)", strerror(errno));
		return 0;
	}
	/* Nothing of the kernel's own on the wire. */
	run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
	run("ip link set slua0 up");
	run("ip link set slub0 up");
	wait_carrier("slua0");
	wait_carrier("slub0");
	return 0;
}

static struct swpath_port *netdev(const char *name)
{
	struct swpath_port_config cfg = {.name = name};

	return port_open(&swpath_netdev_class, &cfg);
}

static void open_both(void)
{
	a = netdev("slua0");
	b = netdev("slub0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_TRUE(a->up && b->up && a->mtu == 1500);
}

static void close_both(void)
{
	port_close(a, false);
	port_close(b, false);
}

static struct rte_mbuf *receive(struct swpath_port *p, int timeout_ms)
{
	struct pollfd fd = {.fd = p->class->rx_fd(p), .events = POLLIN};
	struct hal_rx_meta meta[1] = {0};
	struct rte_mbuf *m;

	while (poll(&fd, 1, timeout_ms) > 0)
		if (p->class->rx(p, 0, &m, meta, 1) == 1)
			return m;
	return NULL;
}

/* Sends `m` by one port; true if `want` comes in at the other. */
static bool crosses(struct swpath_port *from, struct swpath_port *to, struct rte_mbuf *m,
	const uint8_t *want, unsigned len)
{
	static uint8_t flat[FRAME_MAX];
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	const uint64_t flags = m->ol_flags & SWPATH_OFFLOAD_FLAGS;
	const uint16_t size = m->tso_segsz;
	struct rte_mbuf *got;
	bool same;

	from->class->tx(from, 1, &m, 1, drops);
	got = receive(to, WAIT_MS);
	if (!got)
		return false;
	frame_flat(got, flat);
	same = got->pkt_len == len && memcmp(flat, want, len) == 0 && got->tso_segsz == size &&
	       (got->ol_flags & SWPATH_OFFLOAD_FLAGS) == flags;
	rte_pktmbuf_free(got);
	return same;
}

/* Tags, that the kernel strips, are there again, with their TPID; partial checksums stay so. */
static void frames_cross_unchanged(void)
{
	NEEDS_NAMESPACE();
	open_both();
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
		CU_ASSERT_TRUE(crosses(a, b, m, f.data, f.len));
	}
	close_both();
}

static void super_frames_cross_whole(void)
{
	NEEDS_NAMESPACE();
	open_both();
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
		CU_ASSERT_TRUE(crosses(a, b, m, f.data, f.len));
	}
	CU_ASSERT_EQUAL(a->counter[1].tx_packets, 16);
	CU_ASSERT_EQUAL(b->counter[0].rx_packets, 16);
	close_both();
}

/* Behind an MPLS label the kernel cannot cut: it is done here. */
static void labelled_super_frame_is_cut(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 4000, .labels = 1, .tcp_flags = 0x18};
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	open_both();
	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = 1000;
	a->class->tx(a, 0, &m, 1, drops);
	for (unsigned i = 0; i < 4; i++) {
		m = receive(b, WAIT_MS);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(m->pkt_len, f.body + 1000);
		CU_ASSERT_TRUE(
			checksums_right(&f, rte_pktmbuf_mtod(m, uint8_t *), f.body - f.l4 + 1000));
		rte_pktmbuf_free(m);
	}
	close_both();
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
	open_both();
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
	close_both();
}

static uint64_t tx_drop(struct swpath_port *p, struct rte_mbuf *m, enum swpath_drop why)
{
	uint64_t drops[SWPATH_DROP_MAX] = {0}, all = 0;

	p->class->tx(p, 0, &m, 1, drops);
	for (unsigned i = 0; i < SWPATH_DROP_MAX; i++)
		all += drops[i];
	CU_ASSERT_EQUAL(all, drops[why]);
	return drops[why];
}

static void drops_have_reasons(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 1480};
	struct swpath_port_status st;
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	open_both();
	frame_build(&s, &f);
	CU_ASSERT_EQUAL(tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_TOO_BIG), 1);
	atomic_store(&a->mtu, 0); /* the kernel says it, too */
	CU_ASSERT_EQUAL(tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_TOO_BIG), 1);
	m = frame_mbuf(&f, 0);
	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - 9)); /* a runt */
	m->ol_flags = 0;
	CU_ASSERT_EQUAL(tx_drop(a, m, SWPATH_DROP_TX_ERROR), 1);
	CU_ASSERT_EQUAL(a->class->set_admin(a, false), 0);
	CU_ASSERT_EQUAL(tx_drop(a, frame_mbuf(&f, 300), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(a->class->status(a, &st), 0);
	CU_ASSERT_TRUE(st.exists && !st.admin_up && strcmp(st.driver, "veth") == 0);
	CU_ASSERT_EQUAL(a->class->set_admin(a, true), 0);
	CU_ASSERT_EQUAL(a->counter[0].tx_dropped, 3);
	CU_ASSERT_EQUAL(a->counter[0].tx_errors, 1);
	close_both();
}

/* Who has 10.9.9.1? */
static struct rte_mbuf *arp_request(void)
{
	static const uint8_t arp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 9, 9, 2, 0, 0, 0, 0, 0, 0, 10, 9, 9,
		1};
	struct rte_mbuf *m = rte_pktmbuf_alloc(test_pool);

	memcpy(rte_pktmbuf_append(m, sizeof(arp)), arp, sizeof(arp));
	return m;
}

/* Does the host answer for an address on the far end of `from`? */
static bool host_answers(struct swpath_port *from, int wait_ms)
{
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct rte_mbuf *m = arp_request();
	bool reply = false;

	from->class->tx(from, 0, &m, 1, drops);
	while (!reply && (m = receive(from, wait_ms))) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		reply = m->pkt_len >= 42 && get16(p + 12) == 0x806 && p[21] == 2;
		rte_pktmbuf_free(m);
	}
	return reply;
}

static void host_does_not_see_frames(void)
{
	struct rte_mbuf *m;

	NEEDS_NAMESPACE();
	run("ip addr add 10.9.9.1/24 dev slua0");
	open_both();
	CU_ASSERT_FALSE(host_answers(b, QUIET_MS));
	m = receive(a, WAIT_MS); /* but the port did */
	CU_ASSERT_PTR_NOT_NULL(m);
	rte_pktmbuf_free(m);
	port_close(a, false);
	CU_ASSERT_TRUE(host_answers(b, WAIT_MS));
	port_close(b, false);
	run("ip addr flush dev slua0");
	CU_ASSERT_EQUAL(count_lines("tc qdisc show", "clsact"), 0);
}

static uint32_t ifindex_of(const char *name)
{
	struct swpath_rtnl_link link;

	return swpath_rtnl_get_link(name, &link) == 0 ? link.link.ifindex : 0;
}

static void drop_owns_only_what_it_made(void)
{
	static const char filters[] = "tc filter show dev slua0 ingress";
	static const char qdiscs[] = "tc qdisc show dev slua0";
	uint32_t i;
	char err[200];

	NEEDS_NAMESPACE();
	i = ifindex_of("slua0");
	/* Twice is once; and it goes with its qdisc. */
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(count_lines(filters, "sluice-drop"), 1);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(count_lines(qdiscs, "clsact"), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	/* Somebody else's qdisc stays. */
	run("tc qdisc add dev slua0 clsact");
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(count_lines(qdiscs, "clsact"), 1);
	CU_ASSERT_EQUAL(count_lines(filters, "sluice-drop"), 0);
	run("tc qdisc del dev slua0 clsact");
	/* Ours stays under somebody else's filter. */
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(i, "slua0", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(
		run("tc filter add dev slua0 egress pref 7 bpf da bytecode '1,6 0 0 0,'"), 0);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(i), 0);
	CU_ASSERT_EQUAL(count_lines(qdiscs, "clsact"), 1);
	CU_ASSERT_EQUAL(count_lines("tc filter show dev slua0 egress", "pref 7"), 2);
	run("tc qdisc del dev slua0 clsact");
	CU_ASSERT_EQUAL(swpath_tc_drop_attach(999999, "none", err, sizeof(err)), -ENODEV);
	CU_ASSERT_EQUAL(swpath_tc_drop_detach(999999), 0);
}

static void link_changed(void *ctx, const struct swpath_link *link)
{
	(void)ctx;
	a->class->link_changed(a, link);
}

static void turn(struct event_base *base, bool up)
{
	const struct timeval tick = {.tv_usec = 20000};

	event_base_loop(base, EVLOOP_NONBLOCK); /* what ip(8) did is queued already */
	for (unsigned i = 0; i < WAIT_MS / 20 && atomic_load(&a->up) != up; i++) {
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
	}
	CU_ASSERT_EQUAL(atomic_load(&a->up), up);
}

static void netdev_comes_back(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 100};
	struct event_base *base;
	struct swpath_netlink *nl;
	struct swpath_port_status st;
	int fd;

	NEEDS_NAMESPACE();
	base = event_base_new();
	open_both();
	fd = a->class->rx_fd(a);
	CU_ASSERT_EQUAL_FATAL(swpath_netlink_open(base, link_changed, NULL, &nl), 0);
	frame_build(&s, &f);
	/* Down and up. */
	run("ip link set slua0 down");
	turn(base, false);
	run("ip link set slua0 up mtu 1400");
	turn(base, true);
	CU_ASSERT_EQUAL(atomic_load(&a->mtu), 1400);
	wait_carrier("slub0");
	CU_ASSERT_TRUE(crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	/* Away and back, as another device. */
	port_close(b, false);
	run("ip link del slua0");
	turn(base, false);
	CU_ASSERT_EQUAL(tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(a->class->status(a, &st), -ENODEV);
	CU_ASSERT_FALSE(st.exists);
	run("ip link add slua0 type veth peer name slub0");
	run("ip link set slub0 up");
	run("ip link set slua0 up");
	turn(base, true);
	wait_carrier("slua0");
	wait_carrier("slub0");
	b = netdev("slub0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(a->class->rx_fd(a), fd);
	CU_ASSERT_TRUE(crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	CU_ASSERT_TRUE(crosses(a, b, frame_mbuf(&f, 0), f.data, f.len));
	/* Under another name it is another's. */
	run("ip link set slua0 down");
	run("ip link set slua0 name slux0");
	run("ip link set slux0 up");
	turn(base, false);
	{
		uint64_t drops[SWPATH_DROP_MAX] = {0};
		struct rte_mbuf *m = frame_mbuf(&f, 0);

		b->class->tx(b, 0, &m, 1, drops);
		CU_ASSERT_PTR_NULL(receive(a, QUIET_MS));
	}
	CU_ASSERT_EQUAL(count_lines("tc qdisc show dev slux0", "clsact"), 0);
	run("ip link set slux0 down");
	run("ip link set slux0 name slua0");
	run("ip link set slua0 up");
	turn(base, true);
	wait_carrier("slub0");
	CU_ASSERT_TRUE(crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	swpath_netlink_close(nl);
	event_base_free(base);
	close_both();
}

/* A device's port that is a netdev has the netdev's link. */
static void device_has_its_netdevs_link(void)
{
	static int device;
	struct swpath_port_config cfg = {.name = "slua0", .device = (struct hal_device *)&device};
	struct swpath_link link = {.mtu = 1400, .admin_up = true};
	struct swpath_port_status st;
	struct swpath_port *p;

	NEEDS_NAMESPACE();
	p = port_open(&swpath_device_class, &cfg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL_FATAL(p->class->status(p, &st), 0);
	CU_ASSERT_TRUE(st.exists && st.link_up && st.ifindex == ifindex_of("slua0"));
	CU_ASSERT_STRING_EQUAL(st.driver, "test:device");
	CU_ASSERT_TRUE(st.mac[0] || st.mac[5]);
	CU_ASSERT_FALSE(p->class->link_changed(p, &link));
	link.ifindex = st.ifindex;
	CU_ASSERT_TRUE(p->class->link_changed(p, &link));
	CU_ASSERT_EQUAL(atomic_load(&p->mtu), 1400);
	frame_build(&(struct spec){.payload = 10}, &f);
	CU_ASSERT_EQUAL(tx_drop(p, frame_mbuf(&f, 0), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(p->class->set_admin(p, false), 0);
	CU_ASSERT_EQUAL(p->class->status(p, &st), 0);
	CU_ASSERT_FALSE(st.admin_up || st.link_up);
	CU_ASSERT_EQUAL(p->class->set_admin(p, true), 0);
	port_close(p, false);
	wait_carrier("slua0");
}

struct seen {
	unsigned events;
	uint32_t mtu; /* of slue0, 0: gone */
	bool other_gone;
};

static void see_link(void *ctx, const struct swpath_link *link)
{
	struct seen *seen = ctx;

	seen->events++;
	if (strcmp(link->name, "slue0") == 0)
		seen->mtu = link->gone ? 0 : link->mtu;
	if (strcmp(link->name, "sluf0") == 0)
		seen->other_gone = link->gone;
}

/* More events than the socket holds: what is true in the end is known all the same. */
static void lost_events_are_made_up_for(void)
{
	enum { CHANGES = 4000 };
	struct event_base *base;
	struct swpath_netlink *nl;
	struct seen seen = {0};
	FILE *ip;

	NEEDS_NAMESPACE();
	base = event_base_new();
	run("ip link add slue0 type veth peer name slue1");
	run("ip link add sluf0 type veth peer name sluf1");
	CU_ASSERT_EQUAL_FATAL(swpath_netlink_open(base, see_link, &seen, &nl), 0);
	CU_ASSERT_EQUAL(seen.mtu, 1500);
	seen.events = 0;
	ip = popen("ip -batch -", "w");
	for (unsigned i = 0; i < CHANGES; i++)
		fprintf(ip, "link set slue0 mtu %u\n", 1000 + i % 2);
	fprintf(ip, "link del sluf0\nlink set slue0 mtu 1234\n");
	CU_ASSERT_EQUAL(pclose(ip), 0);
	for (unsigned i = 0; i < CHANGES / 32 && seen.mtu != 1234; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	CU_ASSERT_TRUE(seen.events < CHANGES); /* they were lost */
	CU_ASSERT_EQUAL(seen.mtu, 1234);
	CU_ASSERT_TRUE(seen.other_gone);
	swpath_netlink_close(nl);
	event_base_free(base);
	run("ip link del slue0");
}

static const uint8_t mac[6] = {2, 0x51, 0, 0, 0, 1};

static struct swpath_port *internal(const char *name)
{
	struct swpath_port_config cfg = {.name = name, .mac = mac, .mtu = 1400};

	return port_open(&swpath_internal_class, &cfg);
}

static void list_cb(void *ctx, const char *name)
{
	strcat(strcat(ctx, name), " ");
}

static void internal_port_outlives_us(void)
{
	struct swpath_port_status st;
	struct swpath_port *p;
	char names[200] = "";

	NEEDS_NAMESPACE();
	p = internal("slui0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	run("ip addr add 10.9.9.1/24 dev slui0");
	CU_ASSERT_EQUAL(p->class->status(p, &st), 0);
	CU_ASSERT_EQUAL(memcmp(st.mac, mac, 6), 0);
	CU_ASSERT_EQUAL(st.mtu, 1400);
	CU_ASSERT_EQUAL(p->class->set_admin(p, true), 0);
	CU_ASSERT_PTR_NULL(internal("slui0")); /* while it is open */
	CU_ASSERT_EQUAL(errno, EBUSY);
	port_close(p, false);
	CU_ASSERT_EQUAL(count_lines("ip -o addr show slui0", "10.9.9.1"), 1);
	run("ip tuntap add slufor0 mode tap");
	swpath_internal_netdevs(NULL, list_cb, names);
	CU_ASSERT_STRING_EQUAL(names, "slui0 ");
	CU_ASSERT_PTR_NULL(internal("slufor0"));
	CU_ASSERT_EQUAL(errno, EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(test_err, "slufor0"));
	CU_ASSERT_PTR_NULL(internal("slua0"));
	CU_ASSERT_EQUAL(errno, EEXIST);
	CU_ASSERT_EQUAL(swpath_internal_netdev_delete(NULL, "slufor0"), -EPERM);
	/* Another run directory's is as foreign. */
	strcat(test_rundir, "x");
	CU_ASSERT_PTR_NULL(internal("slui0"));
	test_rundir[strlen(test_rundir) - 1] = '\0';
	p = internal("slui0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(p->up);
	CU_ASSERT_TRUE(host_answers(p, WAIT_MS));
	port_close(p, true);
	CU_ASSERT_EQUAL(ifindex_of("slui0"), 0);
	p = internal("slui1");
	port_close(p, false);
	CU_ASSERT_EQUAL(swpath_internal_netdev_delete(NULL, "slui1"), 0);
	CU_ASSERT_EQUAL(ifindex_of("slui1"), 0);
}

static void refuses_what_is_no_netdev(void)
{
	NEEDS_NAMESPACE();
	CU_ASSERT_PTR_NULL(netdev("slunone"));
	CU_ASSERT_EQUAL(errno, ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(test_err, "slunone"));
	CU_ASSERT_PTR_NULL(netdev("a-name-too-long-for-a-netdev"));
	CU_ASSERT_PTR_NULL(internal("a-name-too-long-for-a-netdev"));
	run("ip tuntap add slutun0 mode tun");
	CU_ASSERT_PTR_NULL(netdev("slutun0"));
	CU_ASSERT_EQUAL(errno, EPFNOSUPPORT);
}

void add_kernel_suite(void)
{
	CU_pSuite s = CU_add_suite("kernel", set_up, NULL);

	CU_add_test(s, "frames cross unchanged", frames_cross_unchanged);
	CU_add_test(s, "super-frames cross whole", super_frames_cross_whole);
	CU_add_test(s, "a labelled super-frame is cut", labelled_super_frame_is_cut);
	CU_add_test(s, "says when it is drained", says_when_it_is_drained);
	CU_add_test(s, "drops have reasons", drops_have_reasons);
	CU_add_test(s, "the host does not see frames", host_does_not_see_frames);
	CU_add_test(s, "the drop owns only what it made", drop_owns_only_what_it_made);
	CU_add_test(s, "a netdev comes back", netdev_comes_back);
	CU_add_test(s, "a device has its netdev's link", device_has_its_netdevs_link);
	CU_add_test(s, "lost events are made up for", lost_events_are_made_up_for);
	CU_add_test(s, "an internal port outlives us", internal_port_outlives_us);
	CU_add_test(s, "refuses what is no netdev", refuses_what_is_no_netdev);
}
