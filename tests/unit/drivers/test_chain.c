/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains: packets that go on in them, and that are handed up half-way.
 */
#include <string.h>

#include "fixture.h"
#include "frame.h"
#include "hal/hash.h"

static void *dev;
static uint8_t sent[200], got[200];
static size_t len;
static struct hal_key key;
static struct hal_rx_meta meta;

static void start(void)
{
	dev = device_open("nic", NULL);
	device_bind_all(dev);
	len = frame_make(sent, false, true, 50, false);
	meta.key = &key;
}

static void stop(void)
{
	device_close(dev, "nic");
}

static void add_chain(struct test_rule *t, uint64_t ufid, uint32_t chain, const char *match,
	struct hal_builder *b)
{
	rule_make(t, ufid, 0, match);
	t->rule.chain = chain;
	rule_add(dev, t, b);
}

static uint32_t expected_hash(enum hal_hash algorithm, uint32_t basis)
{
	struct hal_key k = {.eth_type = RTE_BE16(0x0800),
		.ip_proto = 6,
		.ipv4_src = RTE_BE32(0x0a000001),
		.ipv4_dst = RTE_BE32(0x0a000002),
		.tp_src = RTE_BE16(1000),
		.tp_dst = RTE_BE16(2000)};
	struct hal_flow_id id;

	hal_flow_id(&k, &id);
	return hal_flow_hash(&id, algorithm, basis);
}

/* A miss in a chain comes up as the steps left it, with what they found out. */
static void miss_in_a_chain(void)
{
	struct hal_act_hash *hash;
	struct test_rule t, on;
	struct hal_builder b;

	rule_make(&t, 300, 1, "tcp");
	hal_builder_init(&b);
	build_set(&b, FIELD_PKT_MARK, 0x1234);
	hash = hal_builder_add(&b, ACTION_HASH, sizeof(*hash));
	hash->algorithm = HAL_HASH_L4;
	hash->basis = 9;
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(5));
	build_number(&b, ACTION_RECIRC, 77);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len + 4);
	CU_ASSERT_EQUAL(meta.port, 1);
	CU_ASSERT_EQUAL(meta.recirc_id, 77);
	CU_ASSERT(meta.has_key);
	CU_ASSERT_EQUAL(key.pkt_mark, RTE_BE32(0x1234));
	CU_ASSERT_EQUAL(key.dp_hash, rte_cpu_to_be_32(expected_hash(HAL_HASH_L4, 9)));
	CU_ASSERT_EQUAL(key.eth_type, 0);
	CU_ASSERT_EQUAL(memcmp(got + 12, "\x81\x00\x00\x05\x08\x00", 6), 0);

	/* With a rule in the chain it goes on, and what was found out can be matched. */
	hal_builder_init(&b);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 2);
	add_chain(&on, 301, 77, "pkt_mark=0x1234,dl_vlan=5", &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	rule_drop(dev, &on, 1);
	rule_drop(dev, &t, 2);
}

/* A RECIRC that is not the last step sends a copy on. */
static void half_way(void)
{
	struct test_rule t, on;
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(9));
	hal_build_output(&b, 2);
	add_chain(&on, 310, 5, "ip", &b);
	rule_make(&t, 311, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_RECIRC, 5);
	hal_build_output(&b, 3);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len + 4);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	rule_drop(dev, &t, 1);
	rule_drop(dev, &on, 1);
}

static void loops_end(void)
{
	struct hal_device_stats before, after;
	struct test_rule t, on;
	struct hal_builder b;

	hal_builder_init(&b);
	build_number(&b, ACTION_RECIRC, 6);
	add_chain(&on, 320, 6, "", &b);
	rule_make(&t, 321, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_RECIRC, 6);
	rule_add(dev, &t, &b);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &before), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 50), 0);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &after), 0);
	CU_ASSERT_EQUAL(after.dropped_packets, before.dropped_packets + 1);
	rule_drop(dev, &t, 1);
	rule_drop(dev, &on, 8);
}

/* A device that does not resume keeps what misses half-way to itself, and counts it. */
static void no_resumption(void)
{
	struct hal_device_stats before, after;
	struct hal_caps caps;
	struct test_rule t;
	struct hal_builder b;

	stop();
	dev = device_open("nic-noresume", &caps);
	device_bind_all(dev);
	CU_ASSERT(caps.chains && !caps.resumes && !caps.action[ACTION_TUNNEL_POP]);
	rule_make(&t, 330, 1, "tcp");
	hal_builder_init(&b);
	build_number(&b, ACTION_RECIRC, 7);
	rule_add(dev, &t, &b);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &before), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 50), 0);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &after), 0);
	CU_ASSERT_EQUAL(after.miss_packets, before.miss_packets + 1);
	CU_ASSERT_EQUAL(after.dropped_packets, before.dropped_packets + 1);
	rule_drop(dev, &t, 1);
	wire_send(1, sent, len); /* one that misses at once comes up */
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_FALSE(meta.has_key);
	device_close(dev, "nic-noresume");
	start();
}

static void mpls(void)
{
	struct hal_act_mpls *step;
	struct test_rule t, on;
	struct hal_builder b;

	hal_builder_init(&b);
	build_set(&b, FIELD_MPLS_TTL, 9);
	hal_build_output(&b, 2);
	step = hal_builder_add(&b, ACTION_POP_MPLS, sizeof(*step));
	step->eth_type = RTE_BE16(0x0800);
	hal_build_output(&b, 3);
	add_chain(&on, 340, 8, "dl_type=0x8847,mpls_label=500,mpls_bos=1", &b);
	rule_make(&t, 341, 1, "");
	hal_builder_init(&b);
	step = hal_builder_add(&b, ACTION_PUSH_MPLS, sizeof(*step));
	step->eth_type = RTE_BE16(0x8847);
	step->lse = RTE_BE32(500 << 12 | 1 << 8 | 64);
	build_number(&b, ACTION_RECIRC, 8);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len + 4);
	CU_ASSERT_EQUAL(memcmp(got + 12, "\x88\x47\x00\x1f\x41\x09\x45", 7), 0);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	rule_drop(dev, &t, 1);
	rule_drop(dev, &on, 1);
}

void chain_suite(void)
{
	CU_pSuite s = CU_add_suite("chains", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "a miss in a chain", miss_in_a_chain);
	CU_add_test(s, "a copy goes on in a chain", half_way);
	CU_add_test(s, "loops end", loops_end);
	CU_add_test(s, "a device that does not resume", no_resumption);
	CU_add_test(s, "MPLS", mpls);
	CU_add_test(s, "it ends", stop);
}
