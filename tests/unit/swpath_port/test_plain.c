/* SPDX-License-Identifier: Apache-2.0
 *
 * The device class: what reaches a device is plain frames, in order, and what is dropped is counted
 * with its reason.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "tests/unit/swpath_port/frames.h"

static struct built f;
static struct swpath_port *port;
static uint64_t drops[SWPATH_DROP_MAX];

static int set_up(void)
{
	static int device;
	struct swpath_port_config cfg = {.name = "dev", .device = (struct hal_device *)&device};

	port = port_open(&swpath_device_class, &cfg);
	return port ? 0 : -1;
}

static int tear_down(void)
{
	port_close(port, false);
	return 0;
}

static void reset(unsigned room)
{
	rte_pktmbuf_free_bulk(device_sent, device_n_sent);
	device_n_sent = 0;
	device_room = room;
	memset(drops, 0, sizeof(drops));
	memset(port->counter, 0, sizeof(port->counter));
}

static struct rte_mbuf *packet(unsigned payload, unsigned size)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = payload, .vlans = 1};
	struct rte_mbuf *m;

	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	if (size) {
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = (uint16_t)size;
	}
	return m;
}

static void sends_plain_frames_in_order(void)
{
	struct rte_mbuf *pkts[3] = {packet(100, 0), packet(60000, 1000), packet(200, 0)};

	reset(SENT_MAX);
	port->class->tx(port, 1, pkts, 3, drops);
	CU_ASSERT_EQUAL_FATAL(device_n_sent, 62);
	for (unsigned i = 0; i < device_n_sent; i++) {
		CU_ASSERT_FALSE(swpath_has_offload(device_sent[i]));
		CU_ASSERT_EQUAL(device_sent[i]->pkt_len, f.body + (i == 0           ? 100u
									  : i == 61 ? 200u
										    : 1000u));
	}
	CU_ASSERT_EQUAL(port->counter[1].tx_packets, 62);
	CU_ASSERT_EQUAL(port->counter[1].tx_bytes, 62 * f.body + 60300);
	reset(SENT_MAX);
}

static void drops_have_reasons(void)
{
	struct rte_mbuf *pkts[4] = {
		packet(1461, 0), packet(3000, 1461), packet(1460, 0), packet(3000, 1460)};

	reset(SENT_MAX);
	pkts[2]->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM; /* which it is not */
	port->class->tx(port, 0, pkts, 4, drops);
	CU_ASSERT_EQUAL(device_n_sent, 3);
	CU_ASSERT_EQUAL(drops[SWPATH_DROP_TOO_BIG], 2);
	CU_ASSERT_EQUAL(drops[SWPATH_DROP_TX_ERROR], 1);
	CU_ASSERT_EQUAL(port->counter[0].tx_dropped, 2);
	CU_ASSERT_EQUAL(port->counter[0].tx_errors, 1);
	reset(1);
	pkts[0] = packet(3000, 1000);
	port->class->tx(port, 0, pkts, 1, drops);
	CU_ASSERT_EQUAL(device_n_sent, 1);
	CU_ASSERT_EQUAL(drops[SWPATH_DROP_TX_FULL], 2);
	CU_ASSERT_EQUAL(port->counter[0].tx_packets, 1);
	port->class->set_admin(port, false);
	pkts[0] = packet(10, 0);
	port->class->tx(port, 0, pkts, 1, drops);
	CU_ASSERT_EQUAL(drops[SWPATH_DROP_PORT_DOWN], 1);
	port->class->set_admin(port, true);
	reset(SENT_MAX);
}

/* Flooding hands the same data to several ports. */
static void leaves_shared_data_alone(void)
{
	struct rte_mbuf *m = packet(100, 0), *clone = rte_pktmbuf_clone(m, test_pool);

	reset(SENT_MAX);
	clone->ol_flags |= m->ol_flags & SWPATH_OFFLOAD_FLAGS;
	port->class->tx(port, 0, &clone, 1, drops);
	CU_ASSERT_EQUAL(device_n_sent, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), f.data, f.len), 0);
	CU_ASSERT_TRUE(
		checksums_right(&f, rte_pktmbuf_mtod(device_sent[0], uint8_t *), f.end - f.l4));
	rte_pktmbuf_free(m);
	reset(SENT_MAX);
}

void add_plain_suite(void)
{
	CU_pSuite s = CU_add_suite("plain", set_up, tear_down);

	CU_add_test(s, "sends plain frames in order", sends_plain_frames_in_order);
	CU_add_test(s, "drops have reasons", drops_have_reasons);
	CU_add_test(s, "leaves shared data alone", leaves_shared_data_alone);
}
