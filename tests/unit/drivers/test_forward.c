/* SPDX-License-Identifier: Apache-2.0
 *
 * Hits, misses, packets from the CPU, counters, statistics.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <rte_mbuf.h>

#include "fixture.h"
#include "frame.h"

static void *dev;
static struct hal_caps caps;

static void start(void)
{
	dev = device_open("nic", &caps);
	device_bind_all(dev);
}

static void stop(void)
{
	device_close(dev, "nic");
}

static void capabilities(void)
{
	CU_ASSERT_STRING_EQUAL(caps.name, "sim:nic");
	CU_ASSERT_EQUAL(caps.max_rules, 65536);
	CU_ASSERT(caps.match[FIELD_IPV6_DST] & HAL_MATCH_ANY);
	CU_ASSERT_FALSE(caps.action[ACTION_CONTROLLER]);
	CU_ASSERT(caps.survives_restart);
}

static void miss_goes_up(void)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct hal_rx_meta meta = {0};

	wire_send(2, sent, len);
	CU_ASSERT_EQUAL_FATAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
	CU_ASSERT_EQUAL(meta.port, 2);
	CU_ASSERT_EQUAL(meta.recirc_id, 0);
	CU_ASSERT_EQUAL(wire_recv(1, got, sizeof(got), 30), 0);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 0), 0);
}

static void cpu_sends_down(void)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, true, true, 60, false);

	device_send(dev, 3, sent, len);
	CU_ASSERT_EQUAL_FATAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
}

static void long_frames(void)
{
	static uint8_t sent[9000], got[9000];
	struct hal_rx_meta meta;
	size_t len;

	shell("for i in 1 2 3; do ip link set slu$i mtu 9000; ip link set slup$i mtu 9000; done");
	len = frame_make(sent, false, true, 8000, false);
	wire_send(1, sent, len); /* more than one buffer */
	CU_ASSERT_EQUAL_FATAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
}

static void hit_is_forwarded(void)
{
	struct hal_port_stats before, after;
	struct hal_raw_counter counter;
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct hal_completion c;
	struct hal_rx_meta meta;
	struct test_rule t;

	rule_make(&t, 10, 1, "udp,nw_dst=10.0.0.2,udp_dst=2000");
	rule_output(&t, 2);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	CU_ASSERT_EQUAL(sim_driver.port_stats(dev, 2, &before), 0);
	for (unsigned i = 0; i < 100; i++) {
		wire_send(1, sent, len);
		CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len);
		CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
	}
	CU_ASSERT_EQUAL(sim_driver.counters_read(dev, &t.rule.ufid, 1, &counter), 0);
	CU_ASSERT(counter.known && counter.hit);
	CU_ASSERT_EQUAL(counter.packets, 100);
	CU_ASSERT_EQUAL(counter.bytes, 100 * len);
	CU_ASSERT_EQUAL(sim_driver.counters_read(dev, &t.rule.ufid, 1, &counter), 0);
	CU_ASSERT_FALSE(counter.hit);
	CU_ASSERT_EQUAL(sim_driver.port_stats(dev, 2, &after), 0);
	CU_ASSERT_EQUAL(after.tx_packets - before.tx_packets, 100);
	CU_ASSERT_EQUAL(after.tx_bytes - before.tx_bytes, 100 * len);
	sent[36] ^= 1; /* another UDP port: a miss */
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(meta.port, 1);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, &c), 0);
	CU_ASSERT(c.final.known);
	CU_ASSERT_EQUAL(c.final.packets, 100);
	rule_free(&t);
}

/* The rule with the higher priority wins, whichever mask it has and whenever it came. */
static void priorities(void)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct test_rule wide, narrow;

	rule_make(&wide, 20, 1, "");
	rule_output(&wide, 2);
	rule_make(&narrow, 21, 1, "ip,nw_dst=10.0.0.0/8");
	rule_output(&narrow, 3);
	narrow.rule.priority = 5;
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &narrow, NULL), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &wide, NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 20), 0);
	wide.rule.priority = 9;
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_REPLACE, &wide, NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 20), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &wide, NULL), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &narrow, NULL), 0);
	rule_free(&wide);
	rule_free(&narrow);
}

/* Each bit of a mask counts, and no other. */
static void masks(void)
{
	static const struct {
		const char *match;
		size_t hit, miss; /* bytes of the frame to change: it still matches, or not */
	} cases[] = {
		{"eth_src=02:00:00:00:00:01", 5, 11},
		{"eth_dst=02:00:00:00:00:02/ff:ff:00:00:00:ff", 2, 5},
		{"ip,nw_dst=10.0.0.2", 29, 33},
		{"ip,nw_src=10.0.0.0/24", 29, 28},
		{"ip,nw_dst=10.0.0.2/255.0.0.255", 31, 33},
		{"udp,udp_src=1000,nw_tos=0", 37, 35},
	};
	uint8_t sent[200], got[200];
	struct hal_rx_meta meta;
	struct test_rule t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = frame_make(sent, false, false, 50, false);

		rule_make(&t, 70 + i, 1, cases[i].match);
		rule_output(&t, 2);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
		sent[cases[i].hit] ^= 4;
		wire_send(1, sent, len);
		CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
		sent[cases[i].hit] ^= 4;
		sent[cases[i].miss] ^= 4;
		wire_send(1, sent, len);
		CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
		CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 20), 0);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, NULL), 0);
		rule_free(&t);
	}
}

static void operations(void)
{
	struct hal_completion c;
	struct test_rule t;

	rule_make(&t, 30, 1, "ip,nw_dst=10.9.9.9");
	rule_output(&t, 2);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, NULL), -ENOENT);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_REPLACE, &t, NULL), -ENOENT);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), -EEXIST);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_REPLACE, &t, &c), 0);
	CU_ASSERT(c.final.known);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, NULL), 0);
	rule_free(&t);
}

/* Many operations on one ufid at once complete in their order. */
static void order(void)
{
	struct hal_completion c[8];
	struct hal_op ops[6];
	struct test_rule t;
	unsigned done = 0;

	rule_make(&t, 40, 1, "ip,nw_dst=10.9.9.9");
	rule_output(&t, 2);
	for (unsigned i = 0; i < 6; i++)
		ops[i] = (struct hal_op){.type = i % 3 == 0   ? HAL_OP_ADD
						 : i % 3 == 1 ? HAL_OP_REPLACE
							      : HAL_OP_DEL,
			.token = i,
			.rule = t.rule};
	CU_ASSERT_EQUAL(sim_driver.submit(dev, ops, 6), 6);
	for (uint64_t end = now_ms() + 2000; done < 6 && now_ms() < end; doze(1)) {
		int n = sim_driver.poll(dev, c, 8);

		for (int i = 0; i < n; i++) {
			CU_ASSERT_EQUAL(c[i].token, done++);
			CU_ASSERT_EQUAL(c[i].error, 0);
		}
	}
	CU_ASSERT_EQUAL(done, 6);
	rule_free(&t);
}

static void checks(void)
{
	struct hal_port_handle h = {HAL_PORT_NETDEV, 0, "slu1"};
	struct hal_reason r = {0};
	struct test_rule t;

	rule_make(&t, 50, 1, "");
	rule_output(&t, 9);
	CU_ASSERT(sim_driver.check(dev, &t.rule, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNBOUND_PORT);
	CU_ASSERT_EQUAL(r.port, 9);
	CU_ASSERT(run_op(dev, HAL_OP_ADD, &t, NULL) < 0);
	rule_output(&t, 2);
	CU_ASSERT_EQUAL(sim_driver.check(dev, &t.rule, &r), 0);
	rule_free(&t);
	h.index = if_nametoindex("slu1");
	CU_ASSERT_EQUAL(sim_driver.port_bind(dev, 1, &h, &r), -EEXIST);
	h.index = 99999;
	CU_ASSERT_EQUAL(sim_driver.port_bind(dev, 7, &h, &r), -ENODEV);
	CU_ASSERT_EQUAL(sim_driver.port_unbind(dev, 7), -ENOENT);
	h.kind = HAL_PORT_DPDK;
	CU_ASSERT(sim_driver.port_bind(dev, 7, &h, &r) < 0);
}

/* A chain that misses goes up with its number, and with what was done before. */
static void chains(void)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct hal_act_recirc *recirc;
	struct hal_rx_meta meta;
	struct test_rule first, second;
	struct hal_builder b;

	rule_make(&first, 60, 1, "");
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_ETH_DST, mac, (const uint8_t *)"\xff\xff\xff\xff\xff\xff");
	recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
	recirc->id = 42;
	rule_program(&first, &b);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &first, NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL_FATAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(meta.recirc_id, 42);
	CU_ASSERT_EQUAL(meta.port, 1);
	CU_ASSERT_EQUAL(memcmp(got, mac, 6), 0);
	rule_make(&second, 61, 1, "eth_dst=02:00:00:00:00:09");
	second.rule.chain = 42;
	rule_output(&second, 3);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &second, NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &second, NULL), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &first, NULL), 0);
	rule_free(&first);
	rule_free(&second);
}

static void narrow_profile(void)
{
	struct hal_caps small;
	void *asic = device_open("asic-small", &small);
	struct hal_raw_counter counter;
	struct test_rule t;
	unsigned taken = 0;

	CU_ASSERT_EQUAL(small.max_rules, 512);
	CU_ASSERT_EQUAL(small.counter_bits, 32);
	CU_ASSERT_EQUAL(small.match[FIELD_IPV6_DST], 0);
	CU_ASSERT_EQUAL(small.match[FIELD_IPV4_DST], HAL_MATCH_EXACT | HAL_MATCH_PREFIX);
	for (unsigned i = 0; i < 513; i++) {
		struct hal_completion c;
		char match[64];
		int err;

		snprintf(match, sizeof(match), "ip,nw_dst=10.0.%u.%u", i / 256, i % 256);
		rule_make(&t, 1000 + i, 0, match);
		rule_output(&t, 0);
		err = run_op(asic, HAL_OP_ADD, &t, &c);
		taken += !err;
		if (err) {
			CU_ASSERT_EQUAL(err, -ENOSPC);
			CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_NO_ROOM);
		}
		if (i == 0)
			CU_ASSERT_EQUAL(
				sim_driver.counters_read(asic, &t.rule.ufid, 1, &counter), 0);
		rule_free(&t);
	}
	CU_ASSERT_EQUAL(taken, 512);
	device_close(asic, "asic-small");
}

void forward_suite(void)
{
	CU_pSuite s = CU_add_suite("forward", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "capabilities", capabilities);
	CU_add_test(s, "a miss goes up with its port", miss_goes_up);
	CU_add_test(s, "the CPU's packets go out", cpu_sends_down);
	CU_add_test(s, "long frames go up whole", long_frames);
	CU_add_test(s, "a hit is forwarded and counted", hit_is_forwarded);
	CU_add_test(s, "priorities", priorities);
	CU_add_test(s, "masks", masks);
	CU_add_test(s, "add, replace, delete and their errors", operations);
	CU_add_test(s, "operations on a ufid keep their order", order);
	CU_add_test(s, "ports are checked", checks);
	CU_add_test(s, "chains", chains);
	CU_add_test(s, "asic-small has 512 rules and few fields", narrow_profile);
	CU_add_test(s, "it ends", stop);
}
