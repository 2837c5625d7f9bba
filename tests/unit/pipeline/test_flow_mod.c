/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow-mods (OpenFlow 1.0, 4.6; 1.3, 6.4): which flows they touch and what becomes of counters.
 */
#include <string.h>

#include "tests/unit/pipeline/test.h"

#define V10 1
#define V11 2
#define V13 4

static void add_replaces(void)
{
	rig_ports(3);
	rig_flow("cookie=1,priority=5,tcp,actions=output:2");
	rig_send_text("in_port=1,tcp", 4);
	CU_ASSERT_EQUAL(rig_packets(1), 4);
	rig.ahead_ms += 5000;
	/* 1.3: the counts go on, the duration starts anew. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "cookie=2,priority=5,tcp,actions=output:3"), 0);
	CU_ASSERT_EQUAL(rig_packets(1), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_packets(2), 4);
	CU_ASSERT(rig_age_ms(2) < 2000);
	EXPECT_TEXT(rig_program("in_port=1,tcp"), "output(103)");
	CU_ASSERT_EQUAL(
		rig_mod(OF_FLOW_ADD, V13, "cookie=3,priority=5,tcp,reset_counts,actions=output:3"),
		0);
	CU_ASSERT_EQUAL(rig_packets(3), 0);
	rig_send_text("in_port=1,tcp", 1);
	/* 1.0: a new flow in the place of the old one. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V10, "cookie=4,priority=5,tcp,actions=output:3"), 0);
	CU_ASSERT_EQUAL(rig_packets(4), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	CU_ASSERT_EQUAL(rig.removed, 0);
}

static void modify(void)
{
	rig_ports(3);
	rig_flow("cookie=1,priority=5,tcp,nw_dst=10.0.0.1,idle_timeout=7,hard_timeout=9,"
		 "send_flow_rem,actions=output:2");
	rig_flow("cookie=2,priority=6,udp,actions=output:2");
	rig_send_text("in_port=1,tcp,nw_dst=10.0.0.1", 3);
	/* Loose: what the match contains, whatever the priority. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V13, "cookie=9,tcp,actions=output:3"), 0);
	EXPECT_TEXT(rig_program("in_port=1,tcp,nw_dst=10.0.0.1"), "output(103)");
	EXPECT_TEXT(rig_program("in_port=1,udp"), "output(102)");
	/* Cookie, timeouts, flags and counts stay. */
	CU_ASSERT_EQUAL(rig_packets(1), 3);
	CU_ASSERT_EQUAL(TAILQ_FIRST(&rig.br->tables[0].flows)->idle_timeout, 7);
	CU_ASSERT_EQUAL(TAILQ_FIRST(&rig.br->tables[0].flows)->hard_timeout, 9);
	CU_ASSERT_EQUAL(TAILQ_FIRST(&rig.br->tables[0].flows)->flags, OF_FLOW_SEND_REMOVED);
	/* Strict: this match and priority only. */
	CU_ASSERT_EQUAL(
		rig_mod(OF_FLOW_MODIFY_STRICT, V13, "priority=4,tcp,nw_dst=10.0.0.1,actions=drop"),
		0);
	EXPECT_TEXT(rig_program("in_port=1,tcp,nw_dst=10.0.0.1"), "output(103)");
	CU_ASSERT_EQUAL(
		rig_mod(OF_FLOW_MODIFY_STRICT, V13, "priority=5,tcp,nw_dst=10.0.0.1,actions=drop"),
		0);
	EXPECT_TEXT(rig_program("in_port=1,tcp,nw_dst=10.0.0.1"), "drop");
	CU_ASSERT_EQUAL(rig_packets(1), 3);
	CU_ASSERT_EQUAL(rig_flows(""), 2);
	CU_ASSERT_EQUAL(rig.removed, 0);
}

static void modify_resets(void)
{
	rig_ports(2);
	rig_flow("cookie=1,tcp,actions=output:2");
	rig_send_text("in_port=1,tcp", 3);
	rig_settle();
	/* Packets that were forwarded before, but not yet counted, are not counted after. */
	rig_send_text("in_port=1,tcp", 8);
	rig.ahead_ms += 3000;
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V13, "tcp,reset_counts,actions=output:2"), 0);
	CU_ASSERT_EQUAL(rig_packets(1), 0);
	CU_ASSERT(rig_age_ms(1) >= 3000);
	rig_send_text("in_port=1,tcp", 2);
	CU_ASSERT_EQUAL(rig_packets(1), 2);
}

static void modify_missing(void)
{
	rig_ports(2);
	/* 1.0 and 1.1 add a flow when none is there, later versions do nothing. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V13, "tcp,actions=output:2"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V10, "cookie=1,tcp,actions=output:2"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	CU_ASSERT_EQUAL(
		rig_mod(OF_FLOW_MODIFY_STRICT, V11, "cookie=2,priority=3,udp,actions=drop"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 2);
	/* They also change the cookie. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V10, "cookie=7,tcp,actions=output:1"), 0);
	CU_ASSERT_EQUAL(rig_packets(7), 0);
	CU_ASSERT_EQUAL(rig_packets(1), UINT64_MAX);
}

static void delete_selects(void)
{
	rig_ports(4);
	rig_flow("table=0,cookie=0x11,priority=1,tcp,actions=output:2");
	rig_flow("table=0,cookie=0x12,priority=2,tcp,nw_dst=10.0.0.0/8,actions=output:3");
	rig_flow("table=1,cookie=0x21,priority=1,tcp,actions=write_actions(output:2)");
	rig_flow("table=2,cookie=0x22,priority=1,actions=output:2");
	CU_ASSERT_EQUAL(rig_flows("out_port=2"), 3);
	CU_ASSERT_EQUAL(rig_flows("table=0,out_port=2"), 1);
	CU_ASSERT_EQUAL(rig_flows("cookie=0x10/0xf0"), 2);
	CU_ASSERT_EQUAL(rig_flows("tcp"), 3);
	CU_ASSERT_EQUAL(rig_flows("tcp,nw_dst=10.0.0.0/8"), 1);
	CU_ASSERT_EQUAL(rig_flows("tcp,nw_dst=10.0.0.0/16"), 0);
	/* Nothing is that narrow, nothing has that priority. */
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE, V13, "table=0,tcp,nw_dst=10.1.0.0/16"), 0);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE_STRICT, V13, "table=0,priority=9,tcp"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 4);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE, V13, "cookie=0x10/0xf0,out_port=3"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 3);
	CU_ASSERT_EQUAL(rig_packets(0x12), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE_STRICT, V13, "table=0,priority=1,tcp"), 0);
	CU_ASSERT_EQUAL(rig_packets(0x11), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE, V13, "table=2"), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_DELETE, V13, ""), 0);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
}

static void overlap(void)
{
	rig_ports(2);
	rig_flow("priority=5,tcp,nw_dst=10.0.0.1,actions=output:1");
	CU_ASSERT_EQUAL(
		rig_flow("priority=5,check_overlap,tcp,tp_dst=80,actions=drop"), OFERR_OVERLAP);
	CU_ASSERT_EQUAL(rig_flow("priority=5,check_overlap,tcp,nw_dst=10.0.0.1,actions=drop"),
		OFERR_OVERLAP);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	EXPECT_TEXT(rig_program("in_port=2,tcp,nw_dst=10.0.0.1"), "output(101)");
	CU_ASSERT_EQUAL(rig_flow("priority=6,check_overlap,tcp,tp_dst=80,actions=drop"), 0);
	CU_ASSERT_EQUAL(rig_flow("priority=5,check_overlap,udp,tp_dst=80,actions=drop"), 0);
	CU_ASSERT_EQUAL(
		rig_flow("priority=5,check_overlap,tcp,nw_dst=10.0.0.2,tp_dst=80,actions=drop"), 0);
	CU_ASSERT_EQUAL(rig_flow("priority=5,tcp,tp_dst=81,actions=drop"), 0);
}

static void refused(void)
{
	struct of_flow_mod fm = {.command = OF_FLOW_ADD, .version = V13};
	struct of_action bad_port = {.type = OFACT_OUTPUT, .port = 0xffffff55};

	rig_ports(2);
	fm.table = 3;
	fm.ins.has_goto = true;
	for (fm.ins.goto_table = 2; fm.ins.goto_table <= 3; fm.ins.goto_table++)
		CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_GOTO_TABLE);
	fm.ins.goto_table = 254;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_GOTO_TABLE);
	fm.ins.has_goto = false;
	fm.ins.apply = (struct of_actions){1, &bad_port};
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_OUT_PORT);
	fm.ins.apply = (struct of_actions){0};
	CU_ASSERT_EQUAL(rig_flow("actions=TABLE"), OFERR_BAD_OUT_PORT);
	CU_ASSERT_EQUAL(rig_flow("actions=write_actions(TABLE)"), OFERR_BAD_OUT_PORT);
	CU_ASSERT_EQUAL(rig_flow("arp,actions=dec_ttl"), OFERR_MATCH_INCONSISTENT);
	CU_ASSERT_EQUAL(rig_flow("udp,actions=set_field:1->tcp_dst"), OFERR_MATCH_INCONSISTENT);
	CU_ASSERT_EQUAL(rig_flow("actions=pop_mpls:0x800"), OFERR_MATCH_INCONSISTENT);
	CU_ASSERT_EQUAL(rig_flow("tcp,actions=ct(commit,alg=ftp)"), OFERR_BAD_ACTION_ARGUMENT);
	CU_ASSERT_EQUAL(rig_flow("udp,actions=ct(commit,alg=tftp)"), OFERR_BAD_ACTION_ARGUMENT);
	CU_ASSERT_EQUAL(rig_flow("tcp,actions=clone(ct(alg=7))"), OFERR_BAD_ACTION_ARGUMENT);
	CU_ASSERT_EQUAL(rig_flow("actions=group:1"), OFERR_BAD_OUT_GROUP);
	CU_ASSERT_EQUAL(rig_flow("actions=set_queue:1"), OFERR_BAD_QUEUE);
	fm.table = OF_TABLE_ALL;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_FLOW_MOD_BAD_TABLE);
	fm.table = 254;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_FLOW_MOD_BAD_TABLE);
	fm.table = 0;
	fm.flags = OF_FLOW_EMERGENCY_10;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_FLAGS);
	fm.flags = 0;
	fm.ins.has_meter = true;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_METER);
	fm.ins.has_meter = false;
	fm.command = (enum of_flow_mod_command)77;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_COMMAND);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
}

/* A modify of every table must not send a packet back. */
static void modify_goto(void)
{
	struct of_flow_mod fm = {.command = OF_FLOW_MODIFY,
		.version = V13,
		.table = OF_TABLE_ALL,
		.ins = {.has_goto = true, .goto_table = 3}};

	rig_ports(2);
	rig_flow("table=1,actions=output:1");
	rig_flow("table=3,actions=output:2");
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_BAD_GOTO_TABLE);
	CU_ASSERT_EQUAL(rig_flows("out_port=1"), 1);
	fm.table = 1;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_OK);
	CU_ASSERT_EQUAL(rig_flows("out_port=1"), 0);
}

static void timeouts(void)
{
	rig_ports(2);
	rig_flow("cookie=1,tcp,idle_timeout=4,send_flow_rem,actions=output:2");
	rig_flow("cookie=2,udp,hard_timeout=6,send_flow_rem,actions=output:2");
	rig_flow("cookie=3,arp,idle_timeout=2,actions=output:2");
	for (unsigned i = 0; i < 2; i++) {
		rig_send_text("in_port=1,tcp", 1);
		rig_send_text("in_port=1,udp", 1);
		rig_sweep(3000);
	}
	/* The idle one was used; the hard one's time is over; the quiet one went in silence. */
	CU_ASSERT_EQUAL(rig_packets(1), 2);
	CU_ASSERT_EQUAL(rig_packets(2), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_packets(3), UINT64_MAX);
	CU_ASSERT_EQUAL(rig.removed, 1);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_HARD);
	CU_ASSERT_EQUAL(rig.gone.stats.cookie, 2);
	CU_ASSERT_EQUAL(rig.gone.stats.packets, 2);
	rig_sweep(4000);
	CU_ASSERT_EQUAL(rig.removed, 2);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_IDLE);
	CU_ASSERT_EQUAL(rig.gone.stats.packets, 2);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
	EXPECT_TEXT(rig_program("in_port=1,tcp"), "drop");
}

static void removed_event(void)
{
	rig_ports(2);
	rig_flow("cookie=5,tcp,send_flow_rem,actions=output:2");
	rig_send_text("in_port=1,tcp", 2);
	rig_settle();
	/* These are counted by nobody yet when the flow goes. */
	rig_send_text("in_port=1,tcp", 7);
	rig.ahead_ms += 2000;
	rig_mod(OF_FLOW_DELETE, V13, "");
	rig.ahead_ms += 5000;
	rig_settle();
	CU_ASSERT_EQUAL(rig.removed, 1);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_DELETE);
	CU_ASSERT_EQUAL(rig.gone.stats.packets, 9);
	CU_ASSERT_EQUAL(rig.gone.stats.bytes, 900);
	/* The duration ends when the flow goes, not when its counts are final. */
	CU_ASSERT(rig.gone.stats.duration_ns / 1000000 >= 2000);
	CU_ASSERT(rig.gone.stats.duration_ns / 1000000 < 5000);
	rig_flow("cookie=6,tcp,actions=output:2");
	rig_mod(OF_FLOW_DELETE, V13, "");
	rig_settle();
	CU_ASSERT_EQUAL(rig.removed, 1);
}

/* What is there may be changed and replaced, and goes on even if the limit sinks. */
static void table_limit(void)
{
	struct of_table_stats ts;

	rig_ports(2);
	pl_bridge_set_table(rig.br, 4, "short", 2);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "table=4,priority=1,actions=drop"), OFERR_OK);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "table=4,priority=2,actions=drop"), OFERR_OK);
	CU_ASSERT_EQUAL(
		rig_mod(OF_FLOW_ADD, V13, "table=4,priority=3,actions=drop"), OFERR_TABLE_FULL);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "table=5,priority=3,actions=drop"), OFERR_OK);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "table=4,priority=2,actions=output:2"), OFERR_OK);
	pl_bridge_set_table(rig.br, 4, "short", 1);
	CU_ASSERT_EQUAL(rig_flows("table=4"), 2);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_MODIFY, V13, "table=4,actions=output:1"), OFERR_OK);
	pl_table_stats(rig.br, 4, &ts);
	CU_ASSERT_EQUAL(ts.max_entries, 1);
	CU_ASSERT_STRING_EQUAL(ts.name, "short");
	pl_bridge_set_table(rig.br, 4, NULL, UINT64_MAX);
	CU_ASSERT_EQUAL(rig_mod(OF_FLOW_ADD, V13, "table=4,priority=3,actions=drop"), OFERR_OK);
	pl_table_stats(rig.br, 4, &ts);
	CU_ASSERT_EQUAL(ts.max_entries, PL_FLOWS_MAX);
	CU_ASSERT_STRING_EQUAL(ts.name, "");
}

CU_TestInfo flow_mod_tests[] = {
	{"an add replaces the same flow", add_replaces},
	{"modify, loose and strict", modify},
	{"modify may reset the counts", modify_resets},
	{"modify of what is not there", modify_missing},
	{"what a delete and a filter select", delete_selects},
	{"overlap check", overlap},
	{"a table's limit", table_limit},
	{"what is refused changes nothing", refused},
	{"modify never leads back", modify_goto},
	{"idle and hard timeouts", timeouts},
	{"flow-removed has the final counts", removed_event},
	CU_TEST_INFO_NULL,
};
