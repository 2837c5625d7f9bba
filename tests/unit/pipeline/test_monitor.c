/* SPDX-License-Identifier: Apache-2.0
 *
 * What flow monitors are told: every change once, in order, when it is in force, and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/special.h"

static char told[4096];
static unsigned ends, lost;
static int someone;

/* "+cookie", "~cookie", "-cookie(reason)", with "!xid" if somebody's flow-mod did it. */
static void on_change(void *ctx, struct pl_bridge *br, const struct of_flow_change *c)
{
	size_t n = strlen(told);

	(void)ctx;
	CU_ASSERT_PTR_EQUAL(br, rig.br);
	CU_ASSERT_EQUAL(rig.pl->change_depth, 0);
	n += (size_t)snprintf(told + n, sizeof(told) - n, "%c%llu", "i+-~"[c->event],
		(unsigned long long)c -> flow.cookie);
	if (c->event == OF_FLOW_REMOVED)
		n += (size_t)snprintf(told + n, sizeof(told) - n, "(%u)", c->reason);
	if (c->by == &someone)
		n += (size_t)snprintf(told + n, sizeof(told) - n, "!%u", c->xid);
	snprintf(told + n, sizeof(told) - n, " ");
}

static void on_end(void *ctx, struct pl_bridge *br, bool is_lost)
{
	(void)ctx;
	(void)br;
	ends++;
	lost += is_lost;
}

static void watch(void)
{
	told[0] = 0;
	ends = lost = 0;
	rig.pl->ops.flow_changed = on_change;
	rig.pl->ops.flow_changes_end = on_end;
	pl_bridge_monitor(rig.br, true);
}

static const char *heard(void)
{
	static char text[sizeof(told)];
	size_t n = strlen(told);

	snprintf(text, sizeof(text), "%s", told);
	if (n)
		text[n - 1] = 0;
	told[0] = 0;
	return text;
}

static void unwatch(void)
{
	pl_bridge_monitor(rig.br, false);
	pl_flow_flush(rig.br);
	rig_settle();
	EXPECT_TEXT(heard(), "");
}

static void mods(void)
{
	struct of_flow_mod fm = {.version = 4,
		.cookie = 8,
		.buffer_id = OF_NO_BUFFER,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
		.by = &someone,
		.xid = 77};

	rig_ports(3);
	rig_flow("cookie=1,actions=output:1");
	watch();
	rig_flow("table=1,cookie=2,actions=output:1");
	EXPECT_TEXT(heard(), "+2");
	rig_flow("table=1,cookie=3,actions=output:1");
	EXPECT_TEXT(heard(), "+3");
	rig_mod(OF_FLOW_MODIFY, 4, "actions=output:1");
	EXPECT_TEXT(heard(), "");
	rig_mod(OF_FLOW_MODIFY, 4, "table=1,actions=output:2");
	EXPECT_TEXT(heard(), "~3");
	rig_mod(OF_FLOW_MODIFY, 1, "table=2,cookie=4,actions=output:2");
	EXPECT_TEXT(heard(), "+4");
	rig_mod(OF_FLOW_DELETE, 4, "table=9");
	EXPECT_TEXT(heard(), "");
	fm.table = 3;
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_OK);
	EXPECT_TEXT(heard(), "+8!77");
	rig_mod(OF_FLOW_DELETE, 4, "");
	EXPECT_TEXT(heard(), "-1(2) -3(2) -4(2) -8(2)");
	CU_ASSERT_EQUAL(lost, 0);
	unwatch();
}

/* A bundle is told as a whole when it is kept, and not at all when it is not. */
static void bundles(void)
{
	rig_ports(3);
	rig_flow("cookie=1,actions=output:1");
	watch();
	pl_bundle_begin(rig.br);
	rig_flow("table=1,cookie=2,actions=output:1");
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	rig_flow("table=1,cookie=3,actions=output:2");
	EXPECT_TEXT(heard(), "");
	pl_bundle_end(rig.br, false);
	EXPECT_TEXT(heard(), "");
	pl_bundle_begin(rig.br);
	rig_flow("table=1,cookie=2,actions=output:1");
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	rig_mod(OF_FLOW_MODIFY, 4, "table=1,actions=output:2");
	pl_bundle_end(rig.br, true);
	EXPECT_TEXT(heard(), "+2 -1(2) ~2");
	CU_ASSERT_EQUAL(ends, 1);
	unwatch();
}

static void others(void)
{
	struct of_group_mod gm = {.command = OF_GROUP_ADD, .group.id = 1};

	rig_ports(3);
	CU_ASSERT_EQUAL(pl_group_mod(rig.br, &gm), OFERR_OK);
	watch();
	rig_flow("cookie=1,table=1,actions=group:1");
	rig_flow("cookie=2,table=2,hard_timeout=1,actions=drop");
	rig_flow("cookie=3,table=2,idle_timeout=1,priority=3,actions=drop");
	heard();
	gm.command = OF_GROUP_DELETE;
	CU_ASSERT_EQUAL(pl_group_mod(rig.br, &gm), OFERR_OK);
	EXPECT_TEXT(heard(), "-1(3)");
	rig_sweep(1100);
	rig_sweep(1100);
	CU_ASSERT(strstr(told, "-2(1)") && strstr(told, "-3(0)"));
	heard();
	rig_flow("cookie=4,actions=learn(table=5,cookie=7,delete_learned,"
		 "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])");
	rig_send_text("in_port=1,dl_src=02:00:00:00:00:01", 1);
	rig_settle();
	rig_send_text("in_port=2,dl_src=02:00:00:00:00:01", 1);
	rig_settle();
	EXPECT_TEXT(heard(), "+4 +7 ~7");
	rig_mod(OF_FLOW_DELETE, 4, "");
	EXPECT_TEXT(heard(), "-4(2) -7(2)");
	unwatch();
}

/* Which flows came and were changed after which change. */
static void collect(void *ctx, const struct of_flow_stats *fs)
{
	*(struct of_flow_stats *)ctx = *fs;
}

static void numbers(void)
{
	const struct of_flow_filter all = {
		.table = OF_TABLE_ALL, .out_port = OF_PORT_ANY, .out_group = OF_GROUP_ANY};
	struct of_flow_stats a, b, c;

	rig_ports(3);
	watch();
	rig_flow("cookie=1,actions=output:1");
	pl_flow_list(rig.br, &all, collect, &a);
	CU_ASSERT_EQUAL(a.added_seq, a.changed_seq);
	rig_flow("cookie=2,actions=output:2");
	pl_flow_list(rig.br, &all, collect, &b);
	CU_ASSERT_EQUAL(b.added_seq, a.added_seq);
	CU_ASSERT(b.changed_seq > a.changed_seq);
	pl_bundle_begin(rig.br);
	rig_mod(OF_FLOW_DELETE, 4, "");
	pl_bundle_end(rig.br, false);
	pl_flow_list(rig.br, &all, collect, &c);
	CU_ASSERT_EQUAL(c.added_seq, b.added_seq);
	CU_ASSERT_EQUAL(c.changed_seq, b.changed_seq);
	heard();
	unwatch();
}

static void no_memory(void)
{
	struct of_flow_mod fm = {.version = 4,
		.cookie = 1,
		.buffer_id = OF_NO_BUFFER,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY};

	rig_ports(3);
	watch();
	for (unsigned n = 1; n < 20 && !lost; n++) {
		pl_flow_flush(rig.br);
		free(rig.pl->changes.list);
		rig.pl->changes.list = NULL;
		rig.pl->changes.max = 0;
		rig_fail_allocation(n);
		pl_flow_mod(rig.br, &fm);
		rig_fail_allocation(0);
	}
	CU_ASSERT_EQUAL(lost, 1);
	CU_ASSERT_EQUAL(rig_flows("cookie=1/-1"), 1);
	heard();
	rig_flow("cookie=2,actions=output:1");
	EXPECT_TEXT(heard(), "+2");
	CU_ASSERT_EQUAL(lost, 1);
	unwatch();
}

CU_TestInfo monitor_tests[] = {
	{"flow-mods are told", mods},
	{"bundles are told at their end", bundles},
	{"groups, timeouts and learning are told", others},
	{"numbers of changes", numbers},
	{"no memory to keep a change", no_memory},
	CU_TEST_INFO_NULL,
};
