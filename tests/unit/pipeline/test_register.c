/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers and other fields of the pipeline, the stack, output to a field, choices by hash,
 * resubmit and exit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/special.h"

#define OUT_REG(F, OFS, N)                                                              \
	{                                                                               \
		.type = OFACT_OUTPUT_REG, .field = (F), .src_ofs = (OFS), .n_bits = (N) \
	}

static void flow(const char *text)
{
	CU_ASSERT_EQUAL(rig_flow(text), OFERR_OK);
}

static void test_widths(void)
{
	rig_ports(4);
	/* Halves of a wide register are the narrow ones: the first is the high half. */
	flow("table=0 actions=set_field:0x0000000100000002->xreg1,resubmit(,1)");
	flow("table=1,reg2=1,reg3=2 actions=output:2,resubmit(,2)");
	flow("table=2,xxreg0=0x100000002 actions=output:3,"
	     "set_field:0xff00/0xff00->reg3,resubmit(,3)");
	flow("table=3,reg3=0xff02 actions=output:4,resubmit(,4)");
	flow("table=4,xreg1=0x10000ff02 actions=in_port");
	EXPECT_TEXT(outputs("in_port=1,tcp"), "2,3,4,1");
	/* None of it is the packet's. */
	EXPECT_TEXT(rig_match("in_port=1,tcp"), "dp_port=101");
}

static void test_move(void)
{
	rig_ports(4);
	flow("ip actions=move:NXM_OF_IP_SRC[0..7]->NXM_NX_REG0[8..15],resubmit(,1)");
	flow("table=1,reg0=0x200 actions=output:2");
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_src=10.9.9.2"), "2");
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_src=10.9.9.3"), "-");
	/* Only what was moved is needed. */
	CU_ASSERT_PTR_NOT_NULL(
		strstr(rig_match("in_port=1,tcp,nw_src=10.9.9.2"), "nw_src=0.0.0.2/0.0.0.255"));
}

static void test_stack(void)
{
	struct of_action acts[] = {
		{.type = OFACT_STACK_PUSH, .field = FIELD_IPV4_SRC, .n_bits = 8},
		{.type = OFACT_STACK_PUSH, .field = FIELD_IPV4_DST, .n_bits = 8},
		{.type = OFACT_STACK_POP, .field = FIELD_REG0, .n_bits = 32},
		{.type = OFACT_STACK_POP, .field = FIELD_REG1, .src_ofs = 16, .n_bits = 16},
		{.type = OFACT_STACK_POP, .field = FIELD_REG1, .n_bits = 32}, /* nothing left */
		OUT_REG(FIELD_REG0, 0, 16),
		OUT_REG(FIELD_REG1, 16, 16),
	};

	rig_ports(4);
	special_mod(OF_FLOW_ADD, "ip actions=", acts, 7);
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_src=10.0.0.2,nw_dst=10.0.0.3"), "3,2");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig_match("in_port=1,tcp,nw_src=10.0.0.2,nw_dst=10.0.0.3"),
		"nw_src=0.0.0.2/0.0.0.255,nw_dst=0.0.0.3/0.0.0.255"));
}

static void test_stack_is_bounded(void)
{
	struct of_action *acts = calloc(200, sizeof(*acts));

	CU_ASSERT_PTR_NOT_NULL_FATAL(acts);
	for (unsigned i = 0; i < 199; i++)
		acts[i] = (struct of_action){
			.type = OFACT_STACK_PUSH, .field = FIELD_REG0, .n_bits = 32};
	acts[199] = (struct of_action){.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 1};
	rig_ports(2);
	special_mod(OF_FLOW_ADD, "table=0 actions=", acts, 200);
	for (unsigned t = 1; t < 30; t++) {
		char text[64];

		snprintf(text, sizeof(text), "table=%u actions=", t);
		acts[199].table = (uint8_t)(t + 1);
		special_mod(OF_FLOW_ADD, text, acts, 200);
	}
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-");
	free(acts);
}

static void test_output_reg(void)
{
	struct of_action in_port = OUT_REG(FIELD_REG0, 0, 16);

	rig_ports(4);
	SPECIAL("priority=1 actions=", OUT_REG(FIELD_REG0, 0, 16));
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-"); /* port 0 is none */
	SPECIAL("priority=2 actions=load:0xfff8->NXM_NX_REG0[]", in_port);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "1");
	SPECIAL("priority=3 actions=load:0xfffe->NXM_NX_REG0[]", in_port);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "0");
	/* The input port is not sent to by its number. */
	SPECIAL("priority=4 actions=load:1->NXM_NX_REG0[]", in_port);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-");
	EXPECT_TEXT(outputs("in_port=2,tcp"), "1");
	/* Unless the packet came by none. */
	SPECIAL("priority=5 actions=load:1->NXM_NX_REG0[],load:0xffff->NXM_OF_IN_PORT[]", in_port);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "1");
}

/* Choices are the same every time, take all values, and need what they hash and no more. */
static void test_multipath(void)
{
	for (uint16_t algorithm = 0; algorithm < OF_MP_MAX; algorithm++) {
		unsigned n[4] = {0};
		struct of_choice c = {.fields = OF_HASH_NW_SRC,
			.basis = 50,
			.algorithm = algorithm,
			.max_link = 2,
			.arg = 8,
			.dst = {FIELD_REG0, 0, 16}};
		struct of_action acts[] = {
			{.type = OFACT_SET_FIELD, .field = FIELD_REG0},
			{.type = OFACT_MULTIPATH, .choice = &c},
			{.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 1},
		};

		rig_ports(4);
		special_mod(OF_FLOW_ADD, "ip actions=", acts, 3);
		flow("table=1,reg0=0 actions=output:2");
		flow("table=1,reg0=1 actions=output:3");
		flow("table=1,reg0=2 actions=output:4");
		for (unsigned i = 0; i < 64; i++) {
			char packet[64], first[16];

			snprintf(packet, sizeof(packet), "in_port=1,udp,nw_src=10.0.0.%u", i);
			snprintf(first, sizeof(first), "%s", outputs(packet));
			CU_ASSERT_FATAL(first[0] >= '2' && first[0] <= '4');
			n[first[0] - '2']++;
			EXPECT_TEXT(outputs(packet), first);
		}
		CU_ASSERT(n[0] && n[1] && n[2]);
		EXPECT_TEXT(rig_match("in_port=1,udp,nw_src=10.0.0.1,nw_dst=1.2.3.4"),
			"ip,dp_port=101,nw_src=10.0.0.1");
		rig_close();
		rig_open();
	}
}

static void test_symmetric(void)
{
	static const struct {
		enum of_hash_fields fields;
		const char *match;
	} want[] = {
		{OF_HASH_SYMMETRIC_L3L4, "nw_proto=17"},
		{OF_HASH_SYMMETRIC_L3L4_UDP, "udp_dst"},
		{OF_HASH_SYMMETRIC_L4, "vlan"},
		{OF_HASH_SYMMETRIC_L3, "nw_dst"},
	};

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct of_choice c = {.fields = want[i].fields,
			.algorithm = OF_MP_MODULO_N,
			.max_link = 1023,
			.dst = {FIELD_REG0, 0, 32}};
		struct of_action acts[] = {
			{.type = OFACT_MULTIPATH, .choice = &c},
			{.type = OFACT_SET_FIELD, .field = FIELD_IPV4_SRC},
			{.type = OFACT_MOVE,
				.field = FIELD_REG0,
				.dst_field = FIELD_IPV4_DST,
				.n_bits = 32},
			{.type = OFACT_OUTPUT, .port = OF_PORT_IN_PORT},
		};
		char there[512];

		rig_ports(2);
		special_mod(OF_FLOW_ADD, "ip actions=", acts, 4);
		snprintf(there, sizeof(there), "%s",
			rig_program("in_port=1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:"
				    "02,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=5,udp_dst=7"));
		EXPECT_TEXT(rig_program("in_port=1,udp,dl_src=02:00:00:00:00:02,dl_dst=02:00:00:00:"
					"00:01,nw_src=10.0.0.2,nw_dst=10.0.0.1,udp_src=7,"
					"udp_dst=5"),
			there);
		EXPECT(strcmp(rig_program("in_port=1,udp,dl_src=02:00:00:00:00:02,dl_dst=02:00:00:"
					  "00:00:01,nw_src=10.0.0.2,nw_dst=10.0.0.9,udp_src=7"),
			       there) != 0,
			"others choose otherwise");
		rig_close();
		rig_open();
	}
}

static void test_bundle(void)
{
	struct of_choice *c = malloc(sizeof(*c) + 3 * sizeof(c->ports[0]));
	struct of_action acts[] = {{.type = OFACT_BUNDLE, .choice = c},
		{.type = OFACT_BUNDLE, .choice = c}, OUT_REG(FIELD_REG0, 0, 16)};
	static const uint8_t mac[6] = {2};
	struct hal_key key;
	char text[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	*c = (struct of_choice){.algorithm = OF_BD_ACTIVE_BACKUP, .n_ports = 3};
	c->ports[0] = 9; /* there is none */
	c->ports[1] = 2;
	c->ports[2] = 3;
	rig_ports(4);
	for (uint32_t i = 1; i <= 4; i++)
		pl_port_set_status(rig.br, i, true, true, mac, 0);
	special_mod(OF_FLOW_ADD, "actions=", acts, 1);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "2");
	rig_send_text("in_port=1,tcp", 1);
	rig_settle();
	key = rig_key("in_port=1,tcp");
	pl_port_set_status(rig.br, 2, true, false, mac, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig_live(&key));
	hal_program_format(rig_live(&key)->mf.program, NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, "output(103)");
	/* Loaded, it says that there is none. */
	pl_port_set_status(rig.br, 3, true, false, mac, 0);
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-");
	c->load = true;
	c->dst = (struct of_subfield){FIELD_REG0, 0, 16};
	special_mod(OF_FLOW_ADD, "actions=", acts, 1);
	flow("table=1,reg0=0xffff actions=output:4");
	SPECIAL("actions=", acts[0], {.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 1});
	EXPECT_TEXT(outputs("in_port=1,tcp"), "4");
	rig_check_live("bundles");
	/* The highest weight: the others keep theirs when one goes. */
	c->load = false;
	c->algorithm = OF_BD_HRW;
	c->fields = OF_HASH_ETH_SRC;
	c->ports[0] = 4;
	special_mod(OF_FLOW_ADD, "actions=", acts, 1);
	pl_port_set_status(rig.br, 2, true, true, mac, 0);
	pl_port_set_status(rig.br, 3, true, true, mac, 0);
	for (unsigned i = 0; i < 32; i++) {
		char packet[64], all[16];

		snprintf(packet, sizeof(packet), "in_port=1,dl_src=02:00:00:00:00:%02x", i);
		snprintf(all, sizeof(all), "%s", outputs(packet));
		pl_port_set_status(rig.br, 2, true, false, mac, 0);
		if (strcmp(all, "2") != 0)
			EXPECT_TEXT(outputs(packet), all);
		else
			CU_ASSERT_STRING_NOT_EQUAL(outputs(packet), "2");
		pl_port_set_status(rig.br, 2, true, true, mac, 0);
	}
	free(c);
}

static void test_exit(void)
{
	rig_ports(4);
	flow("table=0 actions=write_actions(output:4),resubmit(,1),output:3,goto_table:5");
	SPECIAL("table=1 actions=output:2", {.type = OFACT_EXIT},
		{.type = OFACT_OUTPUT, .port = 3});
	flow("table=5 actions=output:3");
	/* All that led to it ends; what the action set has is sent. */
	EXPECT_TEXT(outputs("in_port=1,tcp"), "2");
	flow("table=0 actions=write_actions(output:4),goto_table:1");
	EXPECT_TEXT(outputs("in_port=1,tcp"), "2,4");
	/* TTL that runs out ends only its own list. */
	flow("table=0,priority=40000,ip actions=resubmit(,1),output:3");
	flow("table=1,priority=40000,ip actions=dec_ttl,output:2");
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_ttl=1"), "3");
}

static void test_depth(void)
{
	char text[128];

	rig_ports(4);
	/* To itself: an endless loop is a drop, and one that is remembered. */
	flow("table=0 actions=output:2,resubmit(,0)");
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-");
	/* Forward through all tables is no depth. */
	flow("table=0 actions=resubmit(,1)");
	for (unsigned t = 1; t < 200; t++) {
		snprintf(text, sizeof(text), "table=%u actions=resubmit(,%u)", t, t + 1);
		flow(text);
	}
	flow("table=200 actions=output:2");
	EXPECT_TEXT(outputs("in_port=1,tcp"), "2");
	/* But all lookups together are bounded: 2 to the power of the table. */
	for (unsigned t = 1; t < 20; t++) {
		snprintf(text, sizeof(text), "table=%u actions=resubmit(,%u),resubmit(,%u)", t,
			t + 1, t + 1);
		flow(text);
	}
	flow("table=20 actions=output:2");
	EXPECT_TEXT(outputs("in_port=1,tcp"), "-");
}

/* The lookup takes the addresses of the connection's first packet for the packet's; actions do not.
 */
static void test_first_tuple(void)
{
	struct of_ct ct = {.recirc_table = 1};
	struct of_action again = {
		.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 2, .with_ct = true};
	struct of_action then = {.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 3};
	struct hal_key key = rig_key("in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tcp_dst=80");
	struct pl_megaflow *first, *m;
	char text[512];

	rig_ports(4);
	CU_ASSERT_EQUAL(SPECIAL("tcp actions=", {.type = OFACT_CT, .ct = &ct}), OFERR_OK);
	CU_ASSERT_EQUAL(SPECIAL("table=1,ct_state=+trk-inv,tcp actions=", again, then), OFERR_OK);
	flow("table=2,tcp,nw_src=10.9.9.9,tcp_dst=8080 actions=output:2");
	flow("table=3,tcp,nw_src=10.0.0.1 actions=output:3");
	first = rig_translate(&key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_EQUAL_FATAL(first->n_recircs, 1);
	key.recirc_id = rte_cpu_to_be_32(first->recircs[0]->id);
	key.ct_state = RTE_BE32(0x20);
	key.ct_nw_proto = 6;
	key.ct_nw_src = RTE_BE32(0x0a090909);
	key.ct_tp_dst = RTE_BE16(8080);
	m = rig_translate(&key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, "output(102),output(103)");
	hal_cmatch_format(m->mf.match, text, sizeof(text));
	EXPECT(strstr(text, "ct_nw_src=10.9.9.9") && strstr(text, "ct_tp_dst=8080"), text);
	EXPECT(strstr(text, ",nw_src=10.0.0.1") && !strstr(text, ",tcp_dst"), text);
	megaflow_free(&m->mf);
	/* A packet without a connection does not go there. */
	key.ct_nw_proto = 0;
	key.ct_nw_src = 0;
	key.ct_tp_dst = 0;
	m = rig_translate(&key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, "output(103)");
	megaflow_free(&m->mf);
	megaflow_free(&first->mf);
}

static void test_fragments(void)
{
	rig_ports(4);
	flow("priority=2,tcp,tcp_dst=80 actions=drop");
	flow("priority=1,ip actions=output:2");
	flow("priority=0 actions=output:3");
	/* A first fragment has its ports, a later one has none. */
	EXPECT_TEXT(outputs("in_port=1,tcp,tcp_dst=80,nw_frag=first"), "-");
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_frag=later"), "2");
	rig_send_text("in_port=1,tcp,nw_frag=first", 1);
	rig_settle();
	pl_bridge_set_drop_fragments(rig.br, true);
	EXPECT_TEXT(outputs("in_port=1,tcp,nw_frag=first"), "-");
	EXPECT_TEXT(outputs("in_port=1,udp,nw_frag=first"), "-");
	EXPECT_TEXT(outputs("in_port=1,udp"), "2");
	EXPECT_TEXT(outputs("in_port=1,arp"), "3");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig_match("in_port=1,udp"), "nw_frag=no"));
	rig_check_live("without fragments");
	pl_bridge_set_drop_fragments(rig.br, false);
	EXPECT_TEXT(outputs("in_port=1,udp,nw_frag=later"), "2");
}

CU_TestInfo register_tests[] = {
	{"fragments", test_fragments},
	{"resubmit with the connection's tuple", test_first_tuple},
	{"registers of all widths", test_widths},
	{"move", test_move},
	{"push and pop", test_stack},
	{"a stack that is too deep", test_stack_is_bounded},
	{"output to a field", test_output_reg},
	{"multipath", test_multipath},
	{"symmetric hashes", test_symmetric},
	{"bundle", test_bundle},
	{"exit", test_exit},
	{"depth and number of lookups", test_depth},
	CU_TEST_INFO_NULL,
};
