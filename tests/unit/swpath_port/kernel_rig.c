/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/swpath_port/kernel_rig.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/rtnl.h"
#include "swpath/port/segment.h"

bool rig_allowed;

int rig_run(const char *fmt, ...)
{
	char cmd[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, args);
	va_end(args);
	return system(cmd);
}

/* Lines that a command prints with `word` in them. */
unsigned rig_lines(const char *cmd, const char *word)
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
void rig_wait_carrier(const char *name)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "ip -o link show %s", name);
	for (unsigned i = 0; i < WAIT_MS / 10 && !rig_lines(cmd, "state UP"); i++)
		poll(NULL, 0, 10);
}

int rig_set_up(void)
{
	rig_allowed = unshare(CLONE_NEWNET) == 0 && rig_run("ip link set lo up") == 0 &&
		      rig_run("ip link add slua0 type veth peer name slub0") == 0;
	if (!rig_allowed) {
		printf("\n  skipped: no network namespace (%s)", strerror(errno));
		return 0;
	}
	/* Nothing of the kernel's own on the wire. */
	rig_run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
	rig_run("ip link set slua0 up");
	rig_run("ip link set slub0 up");
	rig_wait_carrier("slua0");
	rig_wait_carrier("slub0");
	return 0;
}

struct swpath_port *rig_netdev(const char *name)
{
	struct swpath_port_config cfg = {.name = name};

	return port_open(&swpath_netdev_class, &cfg);
}

void rig_open(struct swpath_port **a, struct swpath_port **b)
{
	*a = rig_netdev("slua0");
	*b = rig_netdev("slub0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(*a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*b);
	CU_ASSERT_TRUE((*a)->up && (*b)->up && (*a)->mtu == 1500);
}

void rig_close(struct swpath_port *a, struct swpath_port *b)
{
	port_close(a, false);
	port_close(b, false);
}

struct rte_mbuf *rig_receive(struct swpath_port *p, int timeout_ms)
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
bool rig_crosses(struct swpath_port *from, struct swpath_port *to, struct rte_mbuf *m,
	const uint8_t *want, unsigned len)
{
	static uint8_t flat[FRAME_MAX];
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	const uint64_t flags = m->ol_flags & SWPATH_OFFLOAD_FLAGS;
	const uint16_t size = m->tso_segsz;
	struct rte_mbuf *got;
	bool same;

	from->class->tx(from, 1, &m, 1, drops);
	got = rig_receive(to, WAIT_MS);
	if (!got)
		return false;
	frame_flat(got, flat);
	same = got->pkt_len == len && memcmp(flat, want, len) == 0 && got->tso_segsz == size &&
	       (got->ol_flags & SWPATH_OFFLOAD_FLAGS) == flags;
	rte_pktmbuf_free(got);
	return same;
}

uint64_t rig_tx_drop(struct swpath_port *p, struct rte_mbuf *m, enum swpath_drop why)
{
	uint64_t drops[SWPATH_DROP_MAX] = {0}, all = 0;

	p->class->tx(p, 0, &m, 1, drops);
	for (unsigned i = 0; i < SWPATH_DROP_MAX; i++)
		all += drops[i];
	CU_ASSERT_EQUAL(all, drops[why]);
	return drops[why];
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
bool rig_host_answers(struct swpath_port *from, int wait_ms)
{
	uint64_t drops[SWPATH_DROP_MAX] = {0};
	struct rte_mbuf *m = arp_request();
	bool reply = false;

	from->class->tx(from, 0, &m, 1, drops);
	while (!reply && (m = rig_receive(from, wait_ms))) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		reply = m->pkt_len >= 42 && get16(p + 12) == 0x806 && p[21] == 2;
		rte_pktmbuf_free(m);
	}
	return reply;
}

uint32_t rig_ifindex(const char *name)
{
	struct swpath_rtnl_link link;

	return swpath_rtnl_get_link(name, &link) == 0 ? link.link.ifindex : 0;
}
