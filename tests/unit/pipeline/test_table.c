/* SPDX-License-Identifier: Apache-2.0
 *
 * Lookup against a walk over all flows, and statistics of tables.
 */
#include <stdio.h>
#include <string.h>

#include "ofctl/openflow/flow_text.h"
#include "tests/unit/pipeline/test.h"

static const struct flow *walk(const struct flow_table *t, const struct xlate_key *key)
{
	const struct flow *f, *best = NULL;

	TAILQ_FOREACH (f, &t->flows, order)
		if ((!best || f->priority > best->priority) && hal_cmatch_covers(f->match, key))
			best = f;
	return best;
}

static void compare_lookups(unsigned n, unsigned hits[2])
{
	while (n--) {
		unsigned table = rnd_below(GEN_TABLES);
		struct xlate_key key = {0};
		const struct flow *want, *got;

		gen_key(&key.dp);
		key.in_port_of = rte_cpu_to_be_32(1 + rnd_below(GEN_PORTS));
		key.metadata = rte_cpu_to_be_64(rnd_below(8));
		key.reg[0] = rte_cpu_to_be_32(rnd_below(4));
		want = walk(&rig.br->tables[table], &key);
		got = flow_table_lookup(&rig.br->tables[table], &key, VERSION_NOW);
		hits[want != NULL]++;
		/* Flows of one priority do not overlap here, so there is one right answer. */
		EXPECT(got == want, "the flow of the highest priority that matches");
	}
}

static void check_order(void)
{
	for (unsigned i = 0; i < GEN_TABLES; i++) {
		const struct flow_table *t = &rig.br->tables[i];
		const struct subtable_vec *vec = atomic_load(&t->subtables);
		uint32_t last = UINT32_MAX, n = 0;

		for (unsigned s = 0; vec && s < vec->n; s++) {
			uint32_t max = 0;

			HMAP_FOR_EACH (f, struct flow, node, &vec->sub[s]->flows)
				max = f->priority > max ? f->priority : max;
			EXPECT(max == atomic_load(&vec->sub[s]->max_priority), "bound is exact");
			EXPECT(max <= last, "highest bound first");
			EXPECT(hmap_count(&vec->sub[s]->flows) == atomic_load(&vec->sub[s]->n),
				"count of a subtable");
			last = max;
			n += atomic_load(&vec->sub[s]->n);
		}
		EXPECT(n == t->n, "count of a table");
	}
}

static void remove_one(void)
{
	struct flow *f = gen_some_flow(GEN_TABLES);
	struct of_flow_mod fm = {.command = OF_FLOW_DELETE_STRICT,
		.version = 4,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY};

	if (!f)
		return;
	fm.table = f->table;
	fm.priority = f->priority;
	hal_cmatch_expand(f->match, &fm.match);
	CU_ASSERT_EQUAL(pl_flow_mod(rig.br, &fm), OFERR_OK);
}

static void lookup(void)
{
	unsigned hits[2] = {0, 0};

	gen_ports();
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned i = rnd_below(6); i--;)
			gen_flow_add();
		for (unsigned i = rnd_below(round < 200 ? 3 : 8); i--;)
			remove_one();
		check_order();
		compare_lookups(60, hits);
		if (!(round % 16))
			rig_settle();
	}
	CU_ASSERT(hits[1] > hits[0] / 8);
}

/* A table of many priorities under two masks: the first hit is not the best. */
static void priorities(void)
{
	struct xlate_key key = {0};
	const struct flow *f;

	rig_ports(3);
	rig_flow("priority=10,tcp,nw_dst=10.0.0.1,actions=output:1");
	rig_flow("priority=30,tcp,nw_dst=10.0.0.2,actions=output:1");
	rig_flow("priority=20,tcp,tp_dst=80,actions=output:2");
	rig_flow("priority=5,tcp,nw_dst=10.0.0.1,actions=output:3");
	key.dp = rig_key("in_port=1,tcp,nw_dst=10.0.0.1,tp_dst=80");
	f = flow_table_lookup(&rig.br->tables[0], &key, VERSION_NOW);
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(f->priority, 20);
	key.dp = rig_key("in_port=1,tcp,nw_dst=10.0.0.1,tp_dst=81");
	f = flow_table_lookup(&rig.br->tables[0], &key, VERSION_NOW);
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(f->priority, 10);
	rig_mod(OF_FLOW_DELETE_STRICT, 4, "priority=30,tcp,nw_dst=10.0.0.2");
	key.dp = rig_key("in_port=1,tcp,nw_dst=10.0.0.1,tp_dst=80");
	f = flow_table_lookup(&rig.br->tables[0], &key, VERSION_NOW);
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(f->priority, 20);
}

static void statistics(void)
{
	struct of_table_stats ts;

	rig_ports(2);
	rig_flow("table=0,ip,actions=goto_table:3");
	rig_flow("table=3,tcp,actions=output:2");
	rig_send_text("in_port=1,tcp", 5);
	rig_send_text("in_port=1,udp", 3);
	rig_send_text("in_port=1,arp", 2);
	rig_packets(0);
	pl_table_stats(rig.br, 0, &ts);
	CU_ASSERT_EQUAL(ts.active, 1);
	CU_ASSERT_EQUAL(ts.lookups, 10);
	CU_ASSERT_EQUAL(ts.matched, 8);
	pl_table_stats(rig.br, 3, &ts);
	CU_ASSERT_EQUAL(ts.lookups, 8);
	CU_ASSERT_EQUAL(ts.matched, 5);
	pl_table_stats(rig.br, 253, &ts);
	CU_ASSERT_EQUAL(ts.lookups, 0);
	CU_ASSERT_EQUAL(ts.active, 0);
}

CU_TestInfo table_tests[] = {
	{"lookup finds what a walk finds", lookup},
	{"a later mask may hold the higher priority", priorities},
	{"lookups and matches are counted", statistics},
	CU_TEST_INFO_NULL,
};
