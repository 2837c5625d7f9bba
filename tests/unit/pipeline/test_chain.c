/* SPDX-License-Identifier: Apache-2.0
 *
 * Interrupted translations: what goes on when packets come back, and what keeps ids alive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ofctl/openflow/text.h"
#include "tests/unit/pipeline/test.h"

/* A flow as text ("...,actions=ACTIONS"), where "<n>" stands for acts[n]. Text before and after
 * is parsed as it is. */
static void flow(const char *text, const struct of_action *acts, unsigned n)
{
	struct of_flow_mod fm;
	char err[256];

	if (of_flow_mod_parse(text, OF_FLOW_ADD, NULL, &fm, err, sizeof(err))) {
		EXPECT(false, err);
		return;
	}
	fm.version = 4;
	of_actions_free(&fm.ins.apply);
	if (of_actions_copy(&fm.ins.apply, &(struct of_actions){n, (struct of_action *)acts}))
		EXPECT(false, "memory");
	EXPECT(!pl_flow_mod(rig.br, &fm), text);
	of_instructions_free(&fm.ins);
}
#define FLOW(TEXT, ...)                                       \
	flow((TEXT), (const struct of_action[]){__VA_ARGS__}, \
		sizeof((const struct of_action[]){__VA_ARGS__}) / sizeof(struct of_action))

#define OUT(PORT)                                  \
	{                                          \
		.type = OFACT_OUTPUT, .port = PORT \
	}
#define RESUBMIT(TABLE)                                                         \
	{                                                                       \
		.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = TABLE \
	}
#define REG(N, VALUE)                                                                           \
	{                                                                                       \
		.type = OFACT_SET_FIELD, .field = FIELD_REG0 + (N), .value = { 0, 0, 0, VALUE } \
	}
#define CT(...)                                         \
	{                                               \
		.type = OFACT_CT, .ct = &(struct of_ct) \
		{                                       \
			__VA_ARGS__                     \
		}                                       \
	}
#define NESTED(TYPE, ...)                                                                     \
	{                                                                                     \
		.type = TYPE, .nested = {                                                     \
			sizeof((struct of_action[]){__VA_ARGS__}) / sizeof(struct of_action), \
			(struct of_action[]){__VA_ARGS__}                                     \
		}                                                                             \
	}
#define POP_MPLS                                          \
	{                                                 \
		.type = OFACT_POP_MPLS, .eth_type = 0x800 \
	}
#define LARGER(REG_N)                                                                          \
	{                                                                                      \
		.type = OFACT_CHECK_PKT_LARGER, .pkt_len = 100, .field = FIELD_REG0 + (REG_N), \
		.n_bits = 1                                                                    \
	}

/* The n-th id that a list of steps recirculates to, lists within it included; 0: none. */
static uint32_t nth_id(const char *program, unsigned n)
{
	const char *p = program;
	unsigned id = 0;

	for (unsigned i = 0; i <= n; i++) {
		p = strstr(p, "recirc(0x");
		if (!p)
			return 0;
		p += strlen("recirc(");
		id = (unsigned)strtoul(p, NULL, 16);
	}
	return id;
}

struct chain {
	struct pl_megaflow *mf[8];
	struct hal_key key;
	unsigned n;
	char text[2048]; /* of the last program */
};

static void chain_end(struct chain *c)
{
	while (c->n)
		megaflow_free(&c->mf[--c->n]->mf);
	rig_settle();
}

static const char *translated(struct chain *c)
{
	c->mf[c->n] = rig_translate(&c->key);
	if (!c->mf[c->n])
		return "error";
	hal_program_format(c->mf[c->n]->mf.program, NULL, NULL, c->text, sizeof(c->text));
	EXPECT(!oracle_check(rig.pl, c->mf[c->n], &c->key, 50), c->text);
	c->n++;
	return c->text;
}

static const char *hidden(const char *text)
{
	static char copy[2048];
	char *id = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((id = strstr(id, "recirc("))) {
		char *end = strchr(id += 7, ')');

		*id++ = '#';
		memmove(id, end, strlen(end) + 1);
	}
	return copy;
}

static const char *begin(struct chain *c, const char *packet)
{
	memset(c, 0, sizeof(*c));
	c->key = rig_key(packet);
	return hidden(translated(c));
}

/* The packet comes back by the n-th id of the last program. */
static const char *back(struct chain *c, unsigned n)
{
	uint32_t id = nth_id(c->text, n);

	EXPECT(id, "there is such an id");
	c->key.recirc_id = rte_cpu_to_be_32(id);
	return hidden(translated(c));
}

/* Now that the packet has been to conntrack. */
static void found(struct chain *c, uint32_t state)
{
	c->key.ct_state = rte_cpu_to_be_32(state);
	c->key.ct_zone = rte_cpu_to_be_16(5);
}

#define TRK 0x20
#define NEW 0x01
#define EST 0x02

#define MOVE_IN_PORT_TO_REG2                                                                      \
	{                                                                                         \
		.type = OFACT_MOVE, .field = FIELD_IN_PORT, .dst_field = FIELD_REG2, .n_bits = 16 \
	}

/* Registers, metadata, action set and input port come back with the packet; what follows in the
 * list sees it untracked. */
static void ct_forks(void)
{
	struct chain c;

	rig_ports(4);
	FLOW("table=0,tcp,actions=goto_table:3", REG(0, 7), CT(.recirc_table = 1, .zone = 5),
		RESUBMIT(2));
	rig_flow("table=2,ct_state=+trk,tcp,actions=output:4");
	rig_flow("table=2,ct_state=-trk,tcp,actions=output:3");
	rig_flow("table=1,ct_state=+trk+new,reg0=7,in_port=1,tcp,actions=output:2");
	rig_flow("table=1,ct_state=+trk-new+est,tcp,actions=IN_PORT");
	rig_flow("table=3,actions=output:4");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "ct(zone=5),recirc(#),output(103),output(104)");
	CU_ASSERT_EQUAL(c.mf[0]->mf.chain, 0);
	found(&c, TRK | NEW);
	EXPECT_TEXT(back(&c, 0), "output(102)");
	CU_ASSERT_EQUAL(c.mf[1]->mf.chain, rte_be_to_cpu_32(c.key.recirc_id));
	EXPECT(!hal_ufid_equal(&c.mf[0]->mf.ufid, &c.mf[1]->mf.ufid), "different megaflows");
	found(&c, TRK | EST);
	EXPECT_TEXT(hidden(translated(&c)), "output(101)");
	chain_end(&c);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

static void ct_arguments(void)
{
	struct chain c;
	struct of_action mark = {
		.type = OFACT_SET_FIELD, .field = FIELD_CT_MARK, .value = {0, 0, 0, 9}};
	struct of_action label = {.type = OFACT_MOVE,
		.field = FIELD_REG1,
		.dst_field = FIELD_CT_LABEL,
		.n_bits = 8,
		.dst_ofs = 8};
	struct of_action nested[] = {mark, label};
	struct of_ct ct = {.flags = HAL_CT_COMMIT | HAL_CT_NAT,
		.recirc_table = OF_TABLE_ALL,
		.zone_from_field = true,
		.zone_src = {FIELD_REG2, 0, 16},
		.nat_flags = HAL_NAT_SRC,
		.nat_min = {10, 0, 0, 1},
		.nat_max = {10, 0, 0, 1}};
	struct of_action commit = {.type = OFACT_CT, .ct = &ct, .nested = {2, nested}};

	rig_ports(4);
	/* A commit counts although nothing is sent; what it found out is nobody's. */
	FLOW("table=0,tcp,actions=drop", REG(1, 0x55), MOVE_IN_PORT_TO_REG2, commit);
	EXPECT_TEXT(begin(&c, "in_port=3,tcp"),
		"ct(commit,zone=3,ct_mark=0x9,ct_label=0x5500/0xff00,nat(src=10.0.0.1))");
	chain_end(&c);
	/* A packet-in tells of a packet that is not tracked. */
	pl_flow_flush(rig.br);
	FLOW("table=0,cookie=1,priority=1,tcp,actions=drop", commit,
		{.type = OFACT_OUTPUT, .port = OF_PORT_CONTROLLER, .max_len = 9}, OUT(2));
	EXPECT(strstr(begin(&c, "in_port=1,tcp"), "ct_clear,controller("), c.text);
	chain_end(&c);
	/* There is nothing to clear but after ct(). */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=drop", {.type = OFACT_CT_CLEAR}, CT(.recirc_table = 1), OUT(2));
	FLOW("table=1,ct_state=+trk,tcp,actions=drop", {.type = OFACT_CT_CLEAR}, RESUBMIT(2));
	rig_flow("table=2,ct_state=-trk,tcp,actions=output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "ct(zone=0),recirc(#),output(102)");
	found(&c, TRK | EST);
	EXPECT_TEXT(back(&c, 0), "ct_clear,output(103)");
	chain_end(&c);
}

/* What is still to be done, in every place where it can be. */
static void frames(void)
{
	struct chain c;

	rig_ports(4);
	FLOW("table=0,mpls,cookie=4,actions=write_metadata:5,goto_table:1", REG(0, 3), RESUBMIT(4),
		OUT(2));
	FLOW("table=4,mpls,actions=drop", POP_MPLS, OUT(1),
		{.type = OFACT_SET_FIELD, .field = FIELD_IPV4_DST, .value = {10, 9, 9, 9}}, OUT(3));
	rig_flow("table=1,metadata=5,reg0=3,ip,nw_dst=10.9.9.9,actions=write_actions(output:4)");
	EXPECT_TEXT(begin(&c, "in_port=1,mpls,mpls_bos=1"), "pop_mpls(eth_type=0x0800),recirc(#)");
	c.key = rig_key("in_port=1,ip,nw_dst=10.0.0.1");
	EXPECT_TEXT(back(&c, 0), "set(ipv4_dst=10.9.9.9),output(103),output(102),output(104)");
	chain_end(&c);
	/* A TTL that runs out ends the list and what follows it in its flow, not the list that led
	 * to it. */
	pl_flow_flush(rig.br);
	FLOW("table=0,mpls,cookie=4,actions=drop", RESUBMIT(4), OUT(2));
	FLOW("table=4,mpls,cookie=6,priority=5,actions=goto_table:5", POP_MPLS,
		{.type = OFACT_DEC_NW_TTL}, OUT(3));
	rig_flow("table=5,actions=output:4");
	EXPECT_TEXT(begin(&c, "in_port=1,mpls,mpls_bos=1"), "pop_mpls(eth_type=0x0800),recirc(#)");
	c.key = rig_key("in_port=1,ip,nw_ttl=1");
	EXPECT_TEXT(back(&c, 0),
		"controller(reason=2,max_len=128,id=0,table=4,cookie=0x6),output(102)");
	c.n--;
	megaflow_free(&c.mf[c.n]->mf);
	snprintf(c.text, sizeof(c.text), "recirc(0x%x)", rte_be_to_cpu_32(c.key.recirc_id));
	c.key.ip_ttl = 64;
	EXPECT_TEXT(back(&c, 0), "dec_ttl,output(103),output(104),output(102)");
	chain_end(&c);
}

/* Twice in a row; and what was to be done after the first time is done after the second. */
static void again(void)
{
	struct chain c;

	rig_ports(4);
	FLOW("table=0,tcp,actions=drop", CT(.recirc_table = 1, .zone = 1), OUT(4));
	FLOW("table=1,tcp,actions=drop", REG(3, 1), CT(.recirc_table = 2, .zone = 2), OUT(3));
	rig_flow("table=2,reg3=1,tcp,actions=output:2");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "ct(zone=1),recirc(#),output(104)");
	found(&c, TRK | NEW);
	EXPECT_TEXT(back(&c, 0), "ct(zone=2),recirc(#),output(103)");
	EXPECT_TEXT(back(&c, 0), "output(102)");
	chain_end(&c);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

static void clones(void)
{
	struct chain c;

	rig_ports(4);
	/* Headers and registers are what they were. */
	FLOW("table=0,tcp,actions=drop",
		NESTED(OFACT_CLONE, {.type = OFACT_DEC_NW_TTL}, REG(0, 5), RESUBMIT(1)),
		RESUBMIT(1));
	rig_flow("table=1,reg0=5,actions=output:2");
	rig_flow("table=1,reg0=0,actions=output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp,nw_ttl=64"), "clone(dec_ttl,output(102)),output(103)");
	chain_end(&c);
	/* A translation that is interrupted in a clone goes on outside. */
	pl_flow_flush(rig.br);
	FLOW("table=0,mpls,actions=drop", NESTED(OFACT_CLONE, POP_MPLS, RESUBMIT(1)), OUT(2));
	rig_flow("table=1,ip,actions=output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,mpls,mpls_bos=1"),
		"clone(pop_mpls(eth_type=0x0800),recirc(#)),output(102)");
	c.key = rig_key("in_port=1,ip");
	EXPECT_TEXT(back(&c, 0), "output(103)");
	chain_end(&c);
	/* So does ct, whose steps are the clone's alone; the action set is executed in both. */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=write_actions(output:4),goto_table:1", OUT(1));
	FLOW("table=1,tcp,actions=drop", NESTED(OFACT_CLONE, CT(.recirc_table = 2)), OUT(2));
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"),
		"clone(ct(zone=0),recirc(#),output(104)),output(102),output(104)");
	found(&c, TRK | EST);
	EXPECT_TEXT(back(&c, 0), "output(104)");
	chain_end(&c);
	/* Nothing comes of it. */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=drop", NESTED(OFACT_CLONE, REG(0, 1)), OUT(2));
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "output(102)");
	chain_end(&c);
}

static void lengths(void)
{
	struct chain c;

	rig_ports(4);
	FLOW("table=0,tcp,actions=goto_table:1", LARGER(0), OUT(4));
	rig_flow("table=1,reg0=1,actions=output:2");
	rig_flow("table=1,reg0=0,actions=output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"),
		"check_pkt_len(size=100,gt(output(104),output(102)),le(output(104),output(103)))");
	chain_end(&c);
	/* What led to the flow goes on behind, with the bit as it was. */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=drop", RESUBMIT(2), RESUBMIT(1));
	FLOW("table=2,tcp,actions=drop", LARGER(0), RESUBMIT(1));
	rig_flow("table=1,reg0=1,actions=output:2");
	rig_flow("table=1,reg0=0,tcp,actions=dec_ttl,output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,tcp,nw_ttl=9"),
		"check_pkt_len(size=100,gt(output(102)),le(dec_ttl,output(103))),dec_ttl,"
		"output(103)");
	chain_end(&c);
	/* Each way may be interrupted. */
	pl_flow_flush(rig.br);
	FLOW("table=0,mpls,actions=drop", POP_MPLS, LARGER(0), RESUBMIT(1), OUT(4));
	rig_flow("table=1,reg0=1,ip,actions=output:2");
	rig_flow("table=1,reg0=0,ip,actions=output:3");
	EXPECT_TEXT(begin(&c, "in_port=1,mpls,mpls_bos=1"),
		"pop_mpls(eth_type=0x0800),check_pkt_len(size=100,gt(recirc(#)),le(recirc(#)))");
	c.key = rig_key("in_port=1,ip");
	EXPECT_TEXT(back(&c, 1), "output(103),output(104)");
	chain_end(&c);
	/* The action set is executed once. */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=write_actions(output:4)", LARGER(0), RESUBMIT(1));
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"),
		"check_pkt_len(size=100,gt(output(104)),le(output(104)))");
	chain_end(&c);
	/* Without a difference to anybody it is left out. */
	pl_flow_flush(rig.br);
	FLOW("table=0,tcp,actions=drop", OUT(2), LARGER(0), REG(1, 1));
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "output(102)");
	chain_end(&c);
}

/* Lists within lists, each of which could double the work: it may not hold a worker up. */
static void bounded(void)
{
	struct of_action many[40] = {0};
	clock_t began = clock(); /* of the processor */
	struct chain c;

	rig_ports(4);
	for (unsigned i = 0; i < 40; i++)
		many[i] = (struct of_action)LARGER(0);
	flow("table=0,tcp,actions=drop", many, 40);
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "drop");
	CU_ASSERT(clock() - began < CLOCKS_PER_SEC);
	chain_end(&c);
}

static void truncation(void)
{
	struct chain c;
	struct of_action to[] = {{.type = OFACT_OUTPUT_TRUNC, .port = 2, .trunc = 64},
		{.type = OFACT_OUTPUT_TRUNC, .port = 1, .trunc = 64}, /* where it came from */
		{.type = OFACT_OUTPUT_TRUNC, .port = OF_PORT_IN_PORT, .trunc = 65},
		{.type = OFACT_OUTPUT_TRUNC, .port = 8, .trunc = 66}, /* a patch port */
		{.type = OFACT_OUTPUT_TRUNC, .port = 9, .trunc = 66}, /* none */
		OUT(3), {.type = OFACT_OUTPUT_TRUNC, .port = OF_PORT_LOCAL, .trunc = 14}};

	rig_ports(4);
	rig_patch(rig.br, 8, "to", "fro");
	rig_patch(rig.br2, 8, "fro", "to");
	flow("table=0,actions=drop", to, 7);
	EXPECT_TEXT(begin(&c, "in_port=1"),
		"trunc(64),output(102),trunc(65),output(101),output(103),trunc(14),output(100)");
	chain_end(&c);
}

/* Behind a patch port the packet is the other bridge's, also when it comes back. */
static void patches(void)
{
	struct pl_bridge *was = rig.br;
	struct chain c;
	char want[64];

	rig_ports(4);
	rig_port(rig.br2, 1, PL_VLAN_TRUNK, 0, "");
	rig_patch(rig.br, 8, "to", "fro");
	rig_patch(rig.br2, 8, "fro", "to");
	FLOW("table=0,tcp,actions=drop", REG(0, 1), OUT(8), OUT(2));
	rig.br = rig.br2;
	FLOW("table=0,reg0=0,in_port=8,tcp,actions=drop", REG(1, 1), CT(.recirc_table = 1));
	rig_flow("table=1,reg1=1,in_port=8,ct_state=+trk,tcp,actions=output:1,IN_PORT");
	rig.br = was;
	EXPECT_TEXT(begin(&c, "in_port=1,tcp"), "clone(ct(zone=0),recirc(#)),output(102)");
	found(&c, TRK | EST);
	/* By the patch port it goes back to the first bridge, and from there to port 2. */
	snprintf(want, sizeof(want), "output(%u),output(102)", rig_dp_port(rig.br2, 1));
	EXPECT_TEXT(back(&c, 0), want);
	chain_end(&c);
}

/* ---- living megaflows ---- */

static uint32_t id_of(const struct hal_megaflow *mf)
{
	char text[2048];

	hal_program_format(mf->program, NULL, NULL, text, sizeof(text));
	return nth_id(text, 0);
}

/* Both megaflows of a chain keep its id; flows are credited by the part that used them. */
static void life(void)
{
	struct hal_key key;
	struct hal_megaflow *mf;
	uint32_t id;

	rig_ports(4);
	FLOW("table=0,cookie=1,tcp,actions=drop", REG(0, 7), CT(.recirc_table = 1));
	rig_flow("table=1,cookie=2,tcp,actions=output:2");
	key = rig_key("in_port=1,tcp");
	mf = rig_send(&key, 3);
	CU_ASSERT_FATAL(mf != NULL);
	id = id_of(mf);
	rig_settle();
	key.recirc_id = rte_cpu_to_be_32(id);
	key.ct_state = RTE_BE32(TRK | EST);
	CU_ASSERT_PTR_NOT_NULL(rig_send(&key, 2));
	CU_ASSERT_EQUAL(rig_packets(1), 3);
	CU_ASSERT_EQUAL(rig_packets(2), 2);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 1);
	CU_ASSERT_EQUAL(rig_check_live("a chain"), 2);
	/* The chain follows a change of its table, under the same id. */
	rig_flow("table=1,cookie=3,priority=40000,tcp,actions=output:3");
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("a change behind"), 2);
	CU_ASSERT_PTR_NOT_NULL(rig_live(&key));
	/* A change before it names another state; packets of the old one still find theirs. */
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	FLOW("table=0,cookie=1,tcp,actions=drop", REG(0, 8), CT(.recirc_table = 1));
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("a change before"), 2);
	key.recirc_id = 0;
	CU_ASSERT_NOT_EQUAL(id_of(&rig_live(&key)->mf), id);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 2);
	/* In the end nothing is left. */
	rig_sweep(60000);
	CU_ASSERT_EQUAL(rig_check_live("idle"), 0);
	rig_settle();
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

static void unknown_id(void)
{
	struct hal_key key = rig_key("in_port=1,tcp");
	struct pipeline_stats st;

	rig_ports(4);
	key = rig_key("in_port=1,tcp");
	key.recirc_id = RTE_BE32(0x1234567);
	CU_ASSERT_PTR_NULL(rig_send(&key, 1));
	pipeline_stats_read(rig.pl, &st);
	CU_ASSERT_EQUAL(st.failed, 1);
	CU_ASSERT_EQUAL(st.failed_gone, 1);
}

/* Nothing but the packet on its way refers to the id. */
static void packet_out(void)
{
	uint8_t frame[64] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0, 0, 20, 0, 0, 0, 0, 9, 17};
	struct of_ct ct = {.recirc_table = 1, .zone = 5};
	struct of_action act = {.type = OFACT_CT, .ct = &ct};
	struct of_packet_out po = {
		.in_port = OF_PORT_CONTROLLER, .actions = {1, &act}, .data = frame, .len = 64};
	struct hal_key key = {.eth_type = RTE_BE16(0x0800), .ct_state = RTE_BE32(TRK)};
	struct pl_megaflow *m;
	char text[256];

	rig_ports(4);
	rig_flow("table=1,in_port=CONTROLLER,actions=output:2");
	CU_ASSERT_EQUAL(pl_packet_out(rig.br, &po), OFERR_OK);
	rig_settle();
	EXPECT_TEXT(hidden(paths.injected), "ct(zone=5),recirc(#)");
	key.recirc_id = rte_cpu_to_be_32(nth_id(paths.injected, 0));
	m = rig_translate(&key);
	CU_ASSERT_FATAL(m != NULL);
	hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, "output(102)");
	megaflow_free(&m->mf);
	rig_sweep(60000);
	rig_sweep(1000);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

/* A trace goes on where the packet comes back, as often as it does. */
static void tracing(void)
{
	static const uint32_t est = TRK | EST;
	struct hal_megaflow *mfs[8];
	struct hal_match m = {0};
	unsigned n;
	char err[128], *text;

	rig_ports(4);
	FLOW("table=0,tcp,actions=drop", CT(.recirc_table = 1, .zone = 5));
	FLOW("table=1,ct_state=+trk-new+est,ct_zone=5,tcp,actions=drop",
		CT(.recirc_table = 2, .zone = 6));
	rig_flow("table=1,ct_state=+trk+new-est,tcp,actions=output:4");
	rig_flow("table=2,ct_state=+trk+new,tcp,actions=output:2");
	CU_ASSERT_EQUAL(of_match_parse("in_port=1,tcp", NULL, &m, err, sizeof(err)), 0);
	text = pipeline_trace(rig.br, &m.value, &est, 1, NULL, NULL);
	CU_ASSERT_FATAL(text != NULL);
	EXPECT(strstr(text, "back from connection tracking with ct_state=est|trk"), text);
	EXPECT(strstr(text, "back from connection tracking with ct_state=new|trk"), text);
	EXPECT(strstr(text, "Datapath actions: output(102)"), text);
	EXPECT(!strstr(text, "output(104)"), text);
	free(text);
	n = pipeline_probe(rig.br, &m.value, mfs, 8);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT(n == 2 && mfs[0]->chain == 0 && mfs[1]->chain != 0);
	while (n)
		pipeline_probe_free(mfs[--n]);
	rig_settle();
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

/* The oracle finds a megaflow that is too wide. */
static void oracle(void)
{
	struct hal_key key, mask = {.in_port = 0xffffffff}, like;
	struct hal_cmatch *wide;
	struct pl_megaflow *m;

	rig_ports(4);
	rig_flow("priority=5,tcp,actions=output:2");
	rig_flow("priority=1,actions=output:3");
	key = rig_key("in_port=1,tcp");
	m = rig_translate(&key);
	CU_ASSERT_EQUAL(oracle_check(rig.pl, m, &key, 200), 0);
	m->mf.match = wide = hal_cmatch_new_dp(&key, &mask);
	CU_ASSERT(oracle_check(rig.pl, m, &key, 200) > 20);
	megaflow_free(&m->mf);
	free(wide);
	/* What it tries are packets. */
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned w = 0; w < HAL_KEY_WORDS; w++)
			((uint64_t *)&like)[w] = rnd();
		key_make_plausible(&like);
		key = like;
		gen_key_tidy(&key);
		EXPECT(!memcmp(&key, &like, sizeof(key)), "plausible");
	}
}

CU_TestInfo chain_tests[] = {
	{"ct forks", ct_forks},
	{"arguments of ct, ct_clear", ct_arguments},
	{"what was still to be done", frames},
	{"twice", again},
	{"clone", clones},
	{"by length", lengths},
	{"bounded work", bounded},
	{"truncated output", truncation},
	{"patch ports", patches},
	{"life of a chain", life},
	{"an id that is gone", unknown_id},
	{"packet-out", packet_out},
	{"trace and probe", tracing},
	{"the width oracle", oracle},
	CU_TEST_INFO_NULL,
};
