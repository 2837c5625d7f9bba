/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/flow_text.h"
#include "tests/unit/openflow/test.h"

/* What is read, and what it is printed as (NULL: the same). */
static const struct {
	const char *in, *out;
} flows[] = {
	{"actions=drop", NULL},
	{"priority=0 actions=NORMAL", NULL},
	{"priority=100,tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80 actions=output:2,LOCAL", NULL},
	{"priority=1 actions=output:2,output:2,IN_PORT", NULL},
	{"ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:8,mod_nw_ttl:9,dec_ttl",
		"ip "
		"actions=mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:8,mod_nw_ttl:9,dec_ttl"},
	{"actions=mod_dl_src:02:00:00:00:00:01,mod_dl_dst:02:00:00:00:00:02", NULL},
	{"actions=set_field:02:00:00:00:00:01->eth_src", NULL},
	{"actions=mod_vlan_vid:5,mod_vlan_pcp:3,strip_vlan", NULL},
	{"actions=push_vlan:0x8100,set_field:4101->vlan_vid", NULL},
	{"actions=push_vlan:0x8100,set_field:5->vlan_vid",
		"actions=push_vlan:0x8100,set_field:4101->vlan_vid"},
	{"actions=pop_vlan", NULL},
	{"tcp actions=mod_tp_src:80,mod_tp_dst:81", NULL},
	{"actions=mod_tp_dst:81", NULL},
	{"actions=CONTROLLER:65535", NULL},
	{"actions=controller", "actions=CONTROLLER:65535"},
	{"actions=controller(max_len=100,reason=action)", "actions=CONTROLLER:100"},
	{"actions=controller:128", "actions=CONTROLLER:128"},
	{"actions=flood,all,normal,in_port,local", "actions=FLOOD,ALL,NORMAL,IN_PORT,LOCAL"},
	{"actions=move:NXM_OF_ETH_SRC[0..31]->NXM_NX_REG1[]", NULL},
	{"actions=move:NXM_NX_REG0[3]->NXM_NX_REG1[7]", NULL},
	{"actions=move:OXM_OF_METADATA[0..31]->NXM_NX_REG1[]", NULL},
	{"actions=load:0x5->NXM_NX_REG0[]", NULL},
	{"actions=load:5->NXM_NX_REG0[4..7]", "actions=load:0x5->NXM_NX_REG0[4..7]"},
	{"actions=set_field:5->reg0", "actions=set_field:0x5->reg0"},
	{"actions=set_field:0x11/0x55->reg1", NULL},
	{"actions=resubmit(,3)", NULL},
	{"actions=resubmit:4", NULL},
	{"actions=resubmit(4,3)", NULL},
	{"actions=enqueue:2:3", NULL},
	{"actions=enqueue(2,3)", "actions=enqueue:2:3"},
	{"actions=set_queue:7,output:1", NULL},
	{"actions=group:9", NULL},
	{"mpls actions=pop_mpls:0x0800,dec_mpls_ttl,set_mpls_ttl(5)", NULL},
	{"actions=output:1,clear_actions,write_actions(output:2,strip_vlan),"
	 "write_metadata:0x1/0xff,goto_table:9",
		NULL},
	{"actions=write_metadata:0x5,goto_table:9", NULL},
	{"actions=meter:3,output:1", NULL},
	{"actions=set_tunnel:7", "actions=set_tunnel:0x7"},
	{"send_flow_rem,priority=5,arp,arp_op=1,actions=1",
		"send_flow_rem priority=5,arp,arp_op=1 actions=output:1"},
	{"idle_timeout=5,hard_timeout=9,actions=drop",
		"idle_timeout=5, hard_timeout=9, actions=drop"},
	{"n_packets=7, n_bytes=9, idle_age=3, duration=1.5s, priority=3, ip, actions=drop",
		"priority=3,ip actions=drop"},
	{"metadata=0x1/0xff,reg3=7 actions=drop", "reg3=0x7,metadata=0x1/0xff actions=drop"},
};

/* The line without what the test does not give. */
static char *print(const struct of_flow_mod *fm)
{
	struct hal_cmatch *cm = hal_cmatch_new(&fm->match);
	struct of_flow_stats fs = {
		.table = fm->table,
		.priority = fm->priority,
		.match = cm,
		.ins = &fm->ins,
		.cookie = 0xabc,
		.packets = 7,
		.bytes = UINT64_MAX,
		.duration_ns = 12340000000,
		.idle_age_ms = 2500,
		.hard_age_ms = 12000,
		.idle_timeout = fm->idle_timeout,
		.hard_timeout = fm->hard_timeout,
		.flags = fm->flags,
	};
	char *line = of_flow_stats_format(&fs, NULL), *rest = NULL;
	static const char head[] =
		"cookie=0xabc, duration=12.34s, table=0, n_packets=7, n_bytes=?, ";
	static const char age[] = "idle_age=2, ";
	const char *at;

	free(cm);
	if (!line)
		return NULL;
	at = strstr(line, age);
	if (at && !strncmp(line, head, strlen(head)) &&
		asprintf(&rest, "%.*s%s", (int)(at - line - (int)strlen(head)), line + strlen(head),
			at + strlen(age)) < 0)
		rest = NULL;
	EXPECT(rest != NULL, line);
	free(line);
	return rest;
}

static void test_flows(void)
{
	for (unsigned i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		const char *want = flows[i].out ? flows[i].out : flows[i].in;
		struct of_flow_mod fm;
		char err[256] = "";
		char *got;

		EXPECT(!of_flow_mod_parse(flows[i].in, OF_FLOW_ADD, NULL, &fm, err, sizeof(err)),
			flows[i].in);
		if (*err) {
			printf("  %s\n", err);
			continue;
		}
		got = print(&fm);
		EXPECT(got && !strcmp(got, want), got ? got : want);
		of_instructions_free(&fm.ins);
		free(got);
	}
}

/* What is refused, and a part of what is said about it. */
static const struct {
	const char *in, *says;
} errors[] = {
	{"tcp", "actions="},
	{"priority=70000,actions=drop", "70000"},
	{"table=254,actions=drop", "254"},
	{"priority=x,actions=drop", "\"x\""},
	{"nonsense=1,actions=drop", "nonsense"},
	{"actions=nonsense", "nonsense"},
	{"actions=output", "output:VALUE"},
	{"actions=output:nosuch", "nosuch"},
	{"actions=output:0", "0"},
	{"actions=drop,output:1", "alone"},
	{"nw_dst=1.2.3.4,actions=drop", "ipv4_dst"},
	{"actions=mod_vlan_vid:5000", "5000"},
	{"actions=push_vlan:0x0800", "0x0800"},
	{"actions=goto_table:0", "after 0"},
	{"table=5,actions=goto_table:5", "after 5"},
	{"actions=goto_table:1,goto_table:2", "twice"},
	{"actions=write_actions(goto_table:2)", "cannot stand here"},
	{"actions=set_field:1->nosuch", "nosuch"},
	{"actions=set_field:1->ipv6_exthdr", "ipv6_exthdr"},
	{"actions=set_field:1", "->"},
	{"actions=load:256->NXM_NX_REG0[0..7]", "256"},
	{"actions=load:1->NXM_NX_REG0[8..7]", "bits"},
	{"actions=load:1->NXM_NX_REG0[0..32]", "bits"},
	{"actions=move:NXM_NX_REG0[]->NXM_OF_ETH_SRC[]", "bits"},
	{"actions=resubmit(,254)", "254"},
	{"actions=controller(max_len=5", "parenthesis"},
	{"actions=controller(reason=whatever)", "reason"},
	{"cookie=1/2,actions=drop", "mask"},
	{"actions=mod_nw_tos:3", "multiple of 4"},
	{"ip,tp_dst=80,actions=drop", "protocol"},
	{"actions=write_metadata:2/1", "mask"},
};

static void test_errors(void)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct of_flow_mod fm;
		char err[256] = "";

		EXPECT(of_flow_mod_parse(errors[i].in, OF_FLOW_ADD, NULL, &fm, err, sizeof(err)) ==
				-EINVAL,
			errors[i].in);
		EXPECT(strstr(err, errors[i].says) != NULL, err);
	}
}

static void test_selection(void)
{
	struct of_flow_filter f;
	struct of_flow_mod fm;
	char err[256];

	CU_ASSERT_EQUAL(of_flow_filter_parse("", NULL, &f, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(f.table, OF_TABLE_ALL);
	CU_ASSERT_EQUAL(f.out_port, OF_PORT_ANY);
	CU_ASSERT_EQUAL(f.cookie_mask, 0);
	CU_ASSERT_EQUAL(of_flow_filter_parse("table=3,cookie=0x12/0xf0,out_port=LOCAL", NULL, &f,
				err, sizeof(err)),
		0);
	CU_ASSERT_EQUAL(f.table, 3);
	CU_ASSERT_EQUAL(f.cookie, 0x10);
	CU_ASSERT_EQUAL(f.cookie_mask, 0xf0);
	CU_ASSERT_EQUAL(f.out_port, OF_PORT_LOCAL);
	CU_ASSERT_EQUAL(of_flow_filter_parse("actions=drop", NULL, &f, err, sizeof(err)), -EINVAL);
	CU_ASSERT_EQUAL(
		of_flow_mod_parse("cookie=5/-1", OF_FLOW_DELETE, NULL, &fm, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(fm.table, OF_TABLE_ALL);
	CU_ASSERT_EQUAL(fm.cookie_mask, UINT64_MAX);
	CU_ASSERT_EQUAL(
		of_flow_mod_parse("tcp,actions=drop", OF_FLOW_DELETE, NULL, &fm, err, sizeof(err)),
		-EINVAL);
}

static uint32_t by_name(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "eth0") ? OF_PORT_ANY : 9;
}

static const char *by_number(void *ctx, uint32_t port)
{
	(void)ctx;
	return port == 9 ? "eth0" : NULL;
}

static void test_names(void)
{
	struct of_port_names names = {by_name, by_number, NULL};
	struct of_flow_mod fm;
	struct of_flow_stats fs = {.priority = 5};
	struct hal_cmatch *cm;
	char err[256], *line;

	CU_ASSERT_EQUAL_FATAL(of_flow_mod_parse("in_port=eth0,ip,nw_src=1.1.1.1,actions=eth0,3",
				      OF_FLOW_ADD, &names, &fm, err, sizeof(err)),
		0);
	cm = hal_cmatch_new(&fm.match);
	fs.match = cm;
	fs.ins = &fm.ins;
	line = of_flow_stats_format(&fs, &names);
	EXPECT(strstr(line,
		       "priority=5,ip,in_port=eth0,nw_src=1.1.1.1 actions=output:eth0,output:3"),
		line);
	free(line);
	free(cm);
	of_instructions_free(&fm.ins);
}

/* Random actions print as what reads as the same. */
static void test_random_actions(void)
{
	for (unsigned i = 0; i < 3000; i++) {
		struct of_instructions in = {0}, out;
		char err[256] = "", *text;

		rnd_actions(&in.apply, i % 2);
		text = of_instructions_format(&in, NULL);
		EXPECT(!of_instructions_parse(text, NULL, &out, err, sizeof(err)), text);
		if (*err)
			printf("  %s\n", err);
		else if (!strstr(text, "mod_tp_dst")) /* which says less than the action */
			EXPECT(of_instructions_equal(&in, &out), text);
		free(text);
		of_instructions_free(&in);
		of_instructions_free(&out);
	}
}

/* Any bytes: an error or a flow, and nothing touched that should not be. */
static void test_noise(void)
{
	static const char alphabet[] = "actions=,()[]:->/output0x19.tcp*set_field reg0move";

	for (unsigned i = 0; i < 20000; i++) {
		struct of_flow_mod fm;
		char text[64], err[32];
		unsigned n = rnd_below(sizeof(text));

		for (unsigned j = 0; j < n; j++)
			text[j] = alphabet[rnd_below(sizeof(alphabet) - 1)];
		text[n ? n - 1 : 0] = '\0';
		if (i % 2)
			memcpy(text, "actions=", n > 9 ? 8 : 0);
		if (!of_flow_mod_parse(text, OF_FLOW_ADD, NULL, &fm, err, sizeof(err)))
			of_instructions_free(&fm.ins);
	}
}

CU_TestInfo text_tests[] = {
	{"flows", test_flows},
	{"errors", test_errors},
	{"selection", test_selection},
	{"names of ports", test_names},
	{"random actions", test_random_actions},
	{"noise", test_noise},
	CU_TEST_INFO_NULL,
};
