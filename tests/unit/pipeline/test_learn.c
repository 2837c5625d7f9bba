/* SPDX-License-Identifier: Apache-2.0
 *
 * learn, with all that keeps what was learned and takes it away, and fin_timeout.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/clock.h"
#include "tests/unit/pipeline/special.h"

#define MAX_SPECS 8

/* A learn action of specifications, with what else a test sets; of_learn_free() is free(). */
static struct of_learn *learn(
	const struct of_learn *like, const struct of_learn_spec *s, unsigned n)
{
	struct of_learn *l = malloc(sizeof(*l) + MAX_SPECS * sizeof(l->specs[0]));

	if (!l)
		abort();
	*l = *like;
	memcpy(l->specs, s, n * sizeof(*s));
	l->n_specs = n;
	return l;
}

#define MATCH(SRC, DST, BITS)                                                                     \
	{                                                                                         \
		.src = {(SRC), 0, (BITS)}, .dst_type = OF_LEARN_MATCH, .dst = {(DST), 0, (BITS)}, \
		.n_bits = (BITS),                                                                 \
	}
#define OUTPUT(SRC, BITS)                                                                \
	{                                                                                \
		.src = {(SRC), 0, (BITS)}, .dst_type = OF_LEARN_OUTPUT, .n_bits = (BITS) \
	}

/* What a learning switch has: where a source address is, that is where to send to it. */
static const struct of_learn_spec to_source[] = {
	MATCH(FIELD_VLAN_TCI, FIELD_VLAN_TCI, 12),
	MATCH(FIELD_ETH_SRC, FIELD_ETH_DST, 48),
	OUTPUT(FIELD_IN_PORT, 16),
};

static void add_learning(const char *text, const struct of_learn *like,
	const struct of_learn_spec *s, unsigned n, const struct of_action *then, unsigned n_then)
{
	struct of_action acts[4] = {{.type = OFACT_LEARN, .learn = learn(like, s, n)}};

	if (n_then)
		memcpy(acts + 1, then, n_then * sizeof(*then));
	CU_ASSERT_EQUAL(special_mod(OF_FLOW_ADD, text, acts, 1 + n_then), OFERR_OK);
	free(acts[0].learn);
}

static void learning_switch(const struct of_learn *like)
{
	static const struct of_action resubmit = {
		.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 1};

	rig_ports(4);
	add_learning("cookie=1,table=0 actions=", like, to_source, 3, &resubmit, 1);
	CU_ASSERT_EQUAL(rig_flow("cookie=2,table=1,priority=0 actions=flood"), OFERR_OK);
}

#define A_TO_B "in_port=1,dl_src=00:00:00:00:00:0a,dl_dst=00:00:00:00:00:0b"
#define B_TO_A "in_port=2,dl_src=00:00:00:00:00:0b,dl_dst=00:00:00:00:00:0a"

static void send(const char *packet, unsigned n)
{
	CU_ASSERT_PTR_NOT_NULL(rig_send_text(packet, n));
	rig_settle();
}

static void test_switch(void)
{
	learning_switch(&(struct of_learn){.table = 1, .priority = 50, .cookie = 0x10});
	EXPECT_TEXT(outputs(A_TO_B), "2,3,4,0");
	CU_ASSERT_EQUAL(rig_flows("table=1,cookie=0x10/-1"), 0); /* translation changes nothing */
	send(A_TO_B, 1);
	CU_ASSERT_EQUAL(
		rig_flows("table=1,cookie=0x10/-1,dl_dst=00:00:00:00:00:0a,vlan_tci=0/0xfff"), 1);
	EXPECT_TEXT(outputs(B_TO_A), "1");
	send(B_TO_A, 1);
	EXPECT_TEXT(outputs(A_TO_B), "2");
	/* The station moves. */
	send("in_port=3,dl_src=00:00:00:00:00:0a,dl_dst=00:00:00:00:00:0b", 1);
	CU_ASSERT_EQUAL(rig_flows("table=1,cookie=0x10/-1"), 2);
	EXPECT_TEXT(outputs(B_TO_A), "3");
	CU_ASSERT(rig_check_live("after learning") > 0);
	/* What was read is matched, and no more. */
	CU_ASSERT_PTR_NOT_NULL(strstr(rig_match(A_TO_B), "dl_src=00:00:00:00:00:0a"));
	CU_ASSERT_PTR_NULL(strstr(rig_match("in_port=1,udp"), "udp"));
}

static void add_packets(void *sum, const struct of_flow_stats *fs)
{
	*(uint64_t *)sum += fs->packets;
}

static uint64_t learned_packets(void)
{
	struct of_flow_filter all = {.table = 1,
		.cookie = 0x10,
		.cookie_mask = UINT64_MAX,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY};
	uint64_t sum = 0;

	rig_settle();
	credit_all(rig.pl);
	pl_flow_list(rig.br, &all, add_packets, &sum);
	return sum;
}

/* The same flow again is no change: its counters go on, its megaflow stays. */
static void test_again(void)
{
	struct hal_key key = rig_key(A_TO_B);
	struct pl_megaflow *m;

	learning_switch(&(struct of_learn){.table = 1, .priority = 50, .cookie = 0x10});
	send(A_TO_B, 1);
	send(B_TO_A, 4);
	send(A_TO_B, 1);
	CU_ASSERT_EQUAL(learned_packets(), 4 + 1);
	m = rig_live(&key);
	CU_ASSERT_PTR_NOT_NULL(m);
	send("in_port=1,dl_src=00:00:00:00:00:0a,dl_dst=00:00:00:00:00:0c", 1);
	CU_ASSERT_PTR_EQUAL(m, rig_live(&key));
	CU_ASSERT_EQUAL(learned_packets(), 4 + 1);
}

static void test_timeouts(void)
{
	learning_switch(&(struct of_learn){
		.table = 1, .priority = 50, .cookie = 0x10, .idle_timeout = 5, .hard_timeout = 20});
	send(A_TO_B, 1);
	/* Traffic that only learns keeps it, without a translation. */
	for (unsigned i = 0; i < 8; i++) {
		uint64_t translations = atomic_load(&rig.pl->translations);

		rig_sweep(4000);
		CU_ASSERT_EQUAL(rig_flows("table=1,cookie=0x10/-1"), 1);
		send(A_TO_B, 1);
		CU_ASSERT_EQUAL(atomic_load(&rig.pl->translations), translations);
	}
	rig_sweep(0);
	rig_sweep(5500);
	CU_ASSERT_EQUAL(rig_flows("table=1,cookie=0x10/-1"), 0);
}

/* What is removed while the traffic goes on is learned again. */
static void test_relearn(void)
{
	learning_switch(&(struct of_learn){.table = 1, .priority = 50, .cookie = 0x10});
	send(A_TO_B, 1);
	rig_sweep(600);
	rig_mod(OF_FLOW_DELETE, 4, "cookie=0x10/-1");
	CU_ASSERT_EQUAL(rig_flows("cookie=0x10/-1"), 0);
	rig_sweep(600);
	CU_ASSERT_EQUAL(rig_flows("cookie=0x10/-1"), 0);
	send(A_TO_B, 1);
	rig_sweep(600);
	CU_ASSERT_EQUAL(rig_flows("cookie=0x10/-1"), 1);
	/* But not by traffic of before its flow went. */
	send(A_TO_B, 7);
	rig_mod(OF_FLOW_DELETE, 4, "");
	rig_sweep(600);
	rig_sweep(600);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
}

/* What a device counts came some time since it was last asked. */
static void test_moved_behind_a_device(void)
{
	struct hal_megaflow_hw *hw;
	struct hal_megaflow *mf;

	learning_switch(&(struct of_learn){.table = 1, .priority = 50, .cookie = 0x10});
	send(A_TO_B, 1);
	mf = rig_send_text(A_TO_B, 1);
	rig_sweep(600);
	hw = hal_megaflow_hw_make(mf);
	rig.ahead_ms += 100;
	/* The station moves. */
	send("in_port=3,dl_src=00:00:00:00:00:0a,dl_dst=00:00:00:00:00:0b", 1);
	EXPECT_TEXT(outputs(B_TO_A), "3");
	/* Packets of some time before or after that: they may be from before. */
	atomic_store(&hw->packets, 5);
	atomic_store(&hw->after_ms, clock_ms() - 50);
	atomic_store(&hw->used_ms, clock_ms() + 50);
	rig_sweep(600);
	rig_settle();
	EXPECT_TEXT(outputs(B_TO_A), "3");
	/* These are not. */
	atomic_store(&hw->packets, 9);
	atomic_store(&hw->after_ms, clock_ms() + 50);
	rig_sweep(600);
	rig_settle();
	EXPECT_TEXT(outputs(B_TO_A), "1");
}

static void test_delete_learned(void)
{
	struct of_learn l = {
		.table = 1, .priority = 50, .cookie = 0x10, .flags = OF_LEARN_DELETE_LEARNED};

	learning_switch(&l);
	add_learning("cookie=3,table=2 actions=", &l, to_source, 3, NULL, 0);
	send(A_TO_B, 1);
	send(B_TO_A, 1);
	CU_ASSERT_EQUAL(rig_flows("table=1"), 3);
	rig_mod(OF_FLOW_DELETE, 4, "cookie=1/-1");
	CU_ASSERT_EQUAL(rig_flows("table=1"), 3);
	/* Replaced by itself it holds its cookie on. */
	add_learning("cookie=3,table=2 actions=", &l, to_source, 3, NULL, 0);
	CU_ASSERT_EQUAL(rig_flows("table=1"), 3);
	rig_mod(OF_FLOW_DELETE, 4, "cookie=3/-1");
	CU_ASSERT_EQUAL(rig_flows("table=1"), 1);
	rig_check_live("without what was learned");
}

static void test_limit(void)
{
	static const struct of_action say = {
		.type = OFACT_OUTPUT_REG, .field = FIELD_REG0, .n_bits = 16};
	struct of_learn l = {.table = 1,
		.priority = 50,
		.cookie = 0x10,
		.limit = 2,
		.has_result = true,
		.result = {FIELD_REG0, 1, 1}};

	rig_ports(4);
	add_learning("cookie=1,table=0 actions=", &l, to_source, 3, &say, 1);
	/* Bit 1 of the register is port 2. */
	EXPECT_TEXT(outputs("in_port=1,dl_src=00:00:00:00:00:01"), "2");
	send("in_port=1,dl_src=00:00:00:00:00:01", 1);
	send("in_port=1,dl_src=00:00:00:00:00:02", 1);
	send("in_port=1,dl_src=00:00:00:00:00:03", 1);
	CU_ASSERT_EQUAL(rig_flows("table=1"), 2);
	EXPECT_TEXT(outputs("in_port=1,dl_src=00:00:00:00:00:01"), "2");
	EXPECT_TEXT(outputs("in_port=1,dl_src=00:00:00:00:00:03"), "-");
	rig_check_live("full");
	/* There is room again. */
	rig_mod(OF_FLOW_DELETE, 4, "table=1,dl_dst=00:00:00:00:00:01");
	rig_settle();
	EXPECT_TEXT(outputs("in_port=1,dl_src=00:00:00:00:00:03"), "2");
	send("in_port=1,dl_src=00:00:00:00:00:03", 1);
	CU_ASSERT_EQUAL(rig_flows("table=1,dl_dst=00:00:00:00:00:03"), 1);
	EXPECT_TEXT(outputs("in_port=1,dl_src=00:00:00:00:00:01"), "-");
	rig_check_live("full again");
}

/* Loads, a constant in the match, send_flow_rem. */
static void test_loads(void)
{
	static const struct of_learn_spec specs[] = {
		{.immediate = true,
			.value = {[14] = 0x08},
			.dst_type = OF_LEARN_MATCH,
			.dst = {FIELD_ETH_TYPE, 0, 16},
			.n_bits = 16},
		MATCH(FIELD_IPV4_SRC, FIELD_IPV4_DST, 32),
		{.src = {FIELD_IN_PORT, 0, 16},
			.dst_type = OF_LEARN_LOAD,
			.dst = {FIELD_REG1, 8, 16},
			.n_bits = 16},
		{.immediate = true,
			.value = {[15] = 5},
			.dst_type = OF_LEARN_LOAD,
			.dst = {FIELD_REG0, 0, 32},
			.n_bits = 32},
	};
	struct of_learn l = {.table = 1,
		.priority = 50,
		.cookie = 0x10,
		.idle_timeout = 2,
		.flags = OF_LEARN_SEND_REMOVED};
	static const struct of_action say = {
		.type = OFACT_OUTPUT_REG, .field = FIELD_REG1, .src_ofs = 8, .n_bits = 16};

	rig_ports(4);
	add_learning("table=0,ip actions=", &l, specs, 4, NULL, 0);
	SPECIAL("table=0,priority=40000,in_port=2,ip actions=resubmit(,1)", say);
	send("in_port=3,tcp,nw_src=10.0.0.9", 1);
	CU_ASSERT_EQUAL(rig_flows("table=1,ip,nw_dst=10.0.0.9"), 1);
	EXPECT_TEXT(outputs("in_port=2,udp,nw_dst=10.0.0.9"), "3");
	EXPECT_TEXT(outputs("in_port=2,udp,nw_dst=10.0.0.8"), "-");
	rig_sweep(100);
	rig_sweep(2500);
	CU_ASSERT_EQUAL(rig.removed, 1);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_IDLE);
}

static void test_overflow(void)
{
	unsigned n = 0;
	uint64_t lost;

	learning_switch(&(struct of_learn){.table = 1, .priority = 50, .cookie = 0x10});
	/* Nobody takes notes out while these come. */
	for (n = 0; n < 20000; n++) {
		struct hal_key key = rig_key(A_TO_B);
		struct xlate x;

		key.eth_src[4] = (uint8_t)(n >> 8);
		key.eth_src[5] = (uint8_t)n;
		xlate_packet(&x, rig.pl, &key);
		effects_post(rig.pl, &x);
		xlate_clear(&x);
	}
	lost = atomic_load(&rig.pl->effects_dropped);
	CU_ASSERT(lost > 0);
	for (unsigned i = 0; i < 20; i++)
		rig_settle();
	CU_ASSERT_EQUAL(rig_flows("cookie=0x10/-1"), n - lost);
}

static void test_fin(void)
{
	static const struct of_action fin = {
		.type = OFACT_FIN_TIMEOUT, .fin_idle = 2, .fin_hard = 7};

	rig_ports(4);
	CU_ASSERT_EQUAL(SPECIAL("cookie=1,tcp,idle_timeout=60 actions=output:2", fin), OFERR_OK);
	send("in_port=1,tcp,tcp_src=9,tcp_flags=+syn", 1);
	send("in_port=1,tcp,tcp_src=9,tcp_flags=+ack", 1);
	rig_sweep(5000);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	send("in_port=1,tcp,tcp_src=9,tcp_flags=+fin+ack", 1);
	rig_sweep(100);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	rig_sweep(2200);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
	/* The same for what has no timeouts. */
	CU_ASSERT_EQUAL(SPECIAL("cookie=1,tcp actions=output:2", fin), OFERR_OK);
	send("in_port=1,tcp,tcp_flags=+rst", 1);
	for (unsigned i = 0; i < 6; i++) {
		rig_sweep(1000);
		CU_ASSERT_EQUAL(rig_flows(""), 1);
		send("in_port=1,tcp,tcp_flags=+ack", 1);
	}
	rig_sweep(1500);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
}

CU_TestInfo learn_tests[] = {
	{"a learning switch", test_switch},
	{"what is known already", test_again},
	{"timeouts", test_timeouts},
	{"learned again", test_relearn},
	{"moved behind a device", test_moved_behind_a_device},
	{"deleted with its maker", test_delete_learned},
	{"limit", test_limit},
	{"loads and notices", test_loads},
	{"more than the ring holds", test_overflow},
	{"the end of a connection", test_fin},
	CU_TEST_INFO_NULL,
};
