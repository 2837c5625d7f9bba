/* SPDX-License-Identifier: Apache-2.0
 *
 * Bundles: all of their changes at once, or all as it was before.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ofctl/openflow/group_text.h"
#include "ofctl/pipeline/group.h"
#include "tests/unit/pipeline/special.h"

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
}

/* What a flow is and has counted, but for its place among others. */
static uint64_t flow_sum(const struct flow *f)
{
	uint64_t h = mix((uint64_t)f->table << 16 | f->priority, f->cookie);

	h = mix(h, hash_bytes(f->match->map, sizeof(f->match->map), f->match->n));
	h = mix(h, hash_bytes(f->match->w, 2u * f->match->n * sizeof(f->match->w[0]), 1));
	h = mix(h, (uint64_t)f->idle_timeout << 32 | (uint64_t)f->hard_timeout << 16 | f->flags);
	h = mix(h, (uint64_t)f->ins.apply.n << 8 | f->ins.write.n);
	for (unsigned i = 0; i < f->ins.apply.n; i++)
		h = mix(h, (uint64_t)f->ins.apply.a[i].type << 32 | f->ins.apply.a[i].port);
	h = mix(h, (uint64_t)(uintptr_t)f->counter);
	h = mix(h, f->counter->packets);
	return mix(mix(h, f->counter->created_ms), f->counter->modified_ms);
}

static uint64_t all_sum(void)
{
	uint64_t sum = 0;
	struct flow *f;

	for (unsigned t = 0; t < OF_TABLES; t++) {
		TAILQ_FOREACH (f, &rig.br->tables[t].flows, order)
			sum += flow_sum(f);
		sum = mix(sum, rig.br->tables[t].n);
	}
	HMAP_FOR_EACH (g, struct pl_group, node, &rig.br->groups)
		sum += mix(g->g.id, (uint64_t)g->g.type << 32 | g->g.n_buckets) +
		       (uint64_t)(uintptr_t)g->counter;
	return sum;
}

static void group_mod(enum of_group_command command, uint32_t id, unsigned port)
{
	struct of_group_mod gm = {.command = command, .group.id = id};
	char text[128], err[256];

	snprintf(text, sizeof(text), "group_id=%u,type=all,bucket=output:%u", id, port);
	if (command != OF_GROUP_DELETE)
		EXPECT(!of_group_mod_parse(text, command, NULL, &gm, err, sizeof(err)), text);
	pl_group_mod(rig.br, &gm);
	of_group_free(&gm.group);
}

static void change_something(void)
{
	static const enum of_flow_mod_command commands[] = {
		OF_FLOW_ADD, OF_FLOW_MODIFY_STRICT, OF_FLOW_MODIFY_STRICT, OF_FLOW_DELETE_STRICT};

	switch (rnd_below(8)) {
	case 0:
		group_mod(OF_GROUP_ADD, 1 + rnd_below(4), 1 + rnd_below(3));
		break;
	case 1:
		group_mod(OF_GROUP_MODIFY, 1 + rnd_below(4), 1 + rnd_below(3));
		break;
	case 2:
		group_mod(OF_GROUP_DELETE, 1 + rnd_below(4), 0);
		break;
	case 3:
	case 4:
		gen_flow_add();
		break;
	default:
		gen_flow_change(commands[rnd_below(4)], one_in(2) ? OF_FLOW_RESET_COUNTS : 0);
	}
}

static void clear(void)
{
	pl_flow_flush(rig.br);
	group_mod(OF_GROUP_DELETE, OF_GROUP_ALL_ID, 0);
	rig_settle();
}

/* Whatever a bundle did, nothing of it is left once it is taken back: not in tables, not in
 * counters, not in megaflows. */
static void taken_back(void)
{
	unsigned removed;
	struct hal_key key;

	gen_ports();
	for (unsigned i = 0; i < 60; i++)
		gen_flow_add();
	for (unsigned round = 0; round < 60; round++) {
		uint64_t before;

		for (unsigned i = 0; i < 6; i++)
			change_something();
		for (unsigned i = 0; i < 20; i++) {
			gen_key(&key);
			rig_send(&key, 1);
		}
		rig_settle();
		credit_all(rig.pl);
		before = all_sum();
		removed = rig.removed;
		pl_bundle_begin(rig.br);
		for (unsigned i = rnd_below(30); i-- > 0;)
			change_something();
		if (one_in(8))
			pl_flow_flush(rig.br);
		pl_bundle_end(rig.br, false);
		rig_settle();
		CU_ASSERT_EQUAL(all_sum(), before);
		CU_ASSERT_EQUAL(rig.removed, removed);
		rig_check_live("after a bundle that was taken back");
	}
	clear();
}

/* A packet sees either nothing or all of a bundle; what is removed is told once it is in force. */
static void kept(void)
{
	rig_ports(3);
	rig_flow("table=0,cookie=1,send_flow_rem,actions=output:2");
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	pl_bundle_begin(rig.br);
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	group_mod(OF_GROUP_ADD, 1, 3);
	rig_flow("table=0,cookie=2,actions=goto_table:1");
	rig_flow("table=1,cookie=3,actions=group:1");
	rig_settle();
	CU_ASSERT_EQUAL(rig.removed, 0);
	pl_bundle_end(rig.br, true);
	rig_settle();
	CU_ASSERT_EQUAL(rig.removed, 1);
	EXPECT_TEXT(rig_program("in_port=1"), "output(103)");
	clear();
}

/* Counters and ages go on where they were, for flows that were modified, replaced and deleted. */
static void counters(void)
{
	rig_ports(3);
	rig_flow("cookie=1,in_port=1,actions=output:2");
	rig_send_text("in_port=1", 3);
	rig_sweep(5000);
	CU_ASSERT_EQUAL(rig_packets(1), 3);
	pl_bundle_begin(rig.br);
	rig_mod(OF_FLOW_MODIFY, 4, "reset_counts,in_port=1,actions=output:3");
	rig_mod(OF_FLOW_DELETE, 4, "in_port=1");
	rig_flow("cookie=9,in_port=1,actions=drop");
	pl_bundle_end(rig.br, false);
	rig_settle();
	CU_ASSERT_EQUAL(rig_packets(1), 3);
	CU_ASSERT(rig_age_ms(1) >= 5000);
	CU_ASSERT_EQUAL(rig_packets(9), UINT64_MAX);
	rig_send_text("in_port=1", 2);
	rig_sweep(1);
	CU_ASSERT_EQUAL(rig_packets(1), 5);
	clear();
}

/* What learned flows are kept for is known again. */
static void learned(void)
{
	rig_ports(3);
	rig_flow("table=0,cookie=1,actions=learn(table=5,cookie=7,delete_learned,"
		 "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])");
	rig_flow("table=5,cookie=7,actions=output:2");
	pl_bundle_begin(rig.br);
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	pl_bundle_end(rig.br, false);
	rig_settle();
	CU_ASSERT_EQUAL(rig_flows("table=5"), 1);
	rig_mod(OF_FLOW_DELETE, 4, "table=0");
	rig_settle();
	CU_ASSERT_EQUAL(rig_flows("table=5"), 0);
	clear();
}

static struct of_port_mod port_mod(uint32_t number, uint32_t config)
{
	struct of_port_mod pm = {.number = number,
		.config = config,
		.mask = OF_PORT_CONFIG_NO_FWD | OF_PORT_CONFIG_DOWN};
	struct of_port_desc d = {0};

	CU_ASSERT(pl_port_desc(rig.br, number, &d));
	memcpy(pm.mac, d.mac, 6);
	return pm;
}

/* Ports are changed with the rest, and told of once it is in force. */
static void ports(void)
{
	struct of_port_mod pm;
	unsigned told;

	rig_ports(3);
	rig_flow("actions=output:2");
	told = rig.port_events;
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	pm = port_mod(2, OF_PORT_CONFIG_NO_FWD | OF_PORT_CONFIG_DOWN);
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_OK);
	pl_bundle_end(rig.br, false);
	rig_settle();
	CU_ASSERT_EQUAL(rig.port_events, told);
	CU_ASSERT_EQUAL(paths.admin_port, 0);
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	pm = port_mod(2, OF_PORT_CONFIG_NO_FWD | OF_PORT_CONFIG_DOWN);
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_OK);
	rig_flow("priority=5,actions=output:3");
	pm.number = 99;
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_PORT_MOD_BAD_PORT);
	CU_ASSERT_EQUAL(rig.port_events, told);
	pl_bundle_end(rig.br, true);
	rig_settle();
	CU_ASSERT_EQUAL(rig.port_events, told + 1);
	CU_ASSERT_EQUAL(rig.port_desc.config, OF_PORT_CONFIG_NO_FWD | OF_PORT_CONFIG_DOWN);
	CU_ASSERT_EQUAL(paths.admin_port, rig_dp_port(rig.br, 2));
	CU_ASSERT_FALSE(paths.admin_up);
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	clear();
}

/* As long as a bundle is being applied, every packet sees what was there before it. */
static void unseen(void)
{
	static const char *const wins[] = {"tcp", "udp", "arp"};

	rig_ports(3);
	group_mod(OF_GROUP_ADD, 1, 2);
	group_mod(OF_GROUP_ADD, 2, 2);
	rig_flow("priority=1,tcp,actions=output:2");
	rig_flow("priority=1,udp,actions=group:1");
	rig_flow("priority=1,arp,actions=group:2");
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	for (unsigned step = 0; step < 9; step++) {
		switch (step) {
		case 0:
			rig_mod(OF_FLOW_DELETE, 4, "tcp");
			break;
		case 1:
			rig_flow("priority=1,tcp,actions=drop");
			break;
		case 2:
			rig_mod(OF_FLOW_MODIFY, 4, "tcp,actions=output:3");
			break;
		case 3:
			rig_flow("priority=9,udp,actions=output:3");
			break;
		case 4:
			group_mod(OF_GROUP_MODIFY, 1, 3);
			break;
		case 5:
			group_mod(OF_GROUP_DELETE, 1, 0);
			group_mod(OF_GROUP_ADD, 1, 1);
			break;
		case 6:
			group_mod(OF_GROUP_MODIFY, 2, 1);
			break;
		case 7:
			group_mod(OF_GROUP_MODIFY, 2, 3);
			break;
		case 8:
			rig_mod(OF_FLOW_DELETE, 4, "udp");
			rig_flow("priority=1,udp,actions=output:3");
		}
		for (unsigned i = 0; i < 3; i++)
			EXPECT_TEXT(rig_program(wins[i]), "output(102)");
	}
	pl_bundle_end(rig.br, true);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_TEXT(rig_program(wins[i]), "output(103)");
	rig_settle();
	rig_check_live("after a bundle");
	clear();
}

/* What could not be taken back is not done. */
static void memory(void)
{
	struct of_flow_mod fm = {.version = 4,
		.buffer_id = OF_NO_BUFFER,
		.priority = 3,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY};
	struct of_flow_mod modify = fm, delete = fm;
	struct of_group_mod gm = {.command = OF_GROUP_DELETE, .group.id = 1};
	uint64_t before;

	modify.command = OF_FLOW_MODIFY;
	delete.command = OF_FLOW_DELETE;
	rig_ports(3);
	group_mod(OF_GROUP_ADD, 1, 2);
	rig_flow("priority=1,cookie=1,actions=output:2");
	rig_flow("priority=2,ip,cookie=2,actions=group:1");
	rig_settle();
	before = all_sum();
	rig_fail_allocation(1);
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), -ENOMEM);
	CU_ASSERT_PTR_NULL(rig.pl->undo);
	CU_ASSERT_EQUAL(rig.pl->change_depth, 0);
	for (unsigned n = 1; n < 40; n++) {
		unsigned failed = 0;

		CU_ASSERT_EQUAL_FATAL(pl_bundle_begin(rig.br), 0);
		rig_fail_allocation(n);
		failed += pl_flow_mod(rig.br, &fm) != OFERR_OK;
		failed += pl_flow_mod(rig.br, &modify) != OFERR_OK;
		failed += pl_group_mod(rig.br, &gm) != OFERR_OK;
		failed += pl_flow_mod(rig.br, &delete) != OFERR_OK;
		rig_fail_allocation(0);
		pl_bundle_end(rig.br, false);
		rig_settle();
		CU_ASSERT_EQUAL(all_sum(), before);
		CU_ASSERT(failed || n > 4);
	}
	clear();
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#define MANY 100000u
#define MANY_SECONDS 10.0         /* generous: sanitizers, busy machines */
#define MANY_BYTES (200ull << 20) /* of heap: 2 KB a flow */

/* In one version, within bounds of time and memory, and back again. */
static void many(void)
{
	struct of_flow_mod fm = {.version = 4,
		.buffer_id = OF_NO_BUFFER,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
		.priority = 7};
	uint64_t version = atomic_load(&rig.pl->version);
	size_t before = mallinfo2().uordblks;
	double began = seconds();

	rig_ports(3);
	version = atomic_load(&rig.pl->version);
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	hal_match_set_u64(&fm.match, FIELD_ETH_TYPE, 0x0800);
	for (unsigned i = 0; i < MANY; i++) {
		hal_match_set_u64(&fm.match, FIELD_IPV4_DST, 0x0a000000 + i);
		if (pl_flow_mod(rig.br, &fm))
			break;
	}
	CU_ASSERT_EQUAL(atomic_load(&rig.pl->version), version + 1);
	pl_bundle_end(rig.br, true);
	CU_ASSERT_EQUAL(atomic_load(&rig.pl->version), version + 2);
	CU_ASSERT_EQUAL(rig_flows("priority=7"), MANY);
	CU_ASSERT(mallinfo2().uordblks - before < MANY_BYTES);
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	rig_mod(OF_FLOW_DELETE, 4, "");
	pl_bundle_end(rig.br, false);
	CU_ASSERT_EQUAL(rig_flows("priority=7"), MANY);
	CU_ASSERT(seconds() - began < MANY_SECONDS);
	clear();
}

static enum of_error add_group(uint32_t id)
{
	struct of_group_mod gm = {.command = OF_GROUP_ADD, .group.id = id};

	return pl_group_mod(rig.br, &gm);
}

/* What a bundle took away leaves its room to what it adds. */
static void group_limit(void)
{
	const unsigned room = 10, others = PL_GROUPS_MAX - room;

	rig.br->n_groups += others; /* as if there were so many */
	for (unsigned i = 0; i < room; i++)
		CU_ASSERT_EQUAL(add_group(i), OFERR_OK);
	CU_ASSERT_EQUAL(add_group(room), OFERR_GROUP_OUT_OF_GROUPS);
	CU_ASSERT_EQUAL(pl_bundle_begin(rig.br), 0);
	group_mod(OF_GROUP_DELETE, 7, 0);
	CU_ASSERT_EQUAL(add_group(room), OFERR_OK);
	CU_ASSERT_EQUAL(add_group(room + 1), OFERR_GROUP_OUT_OF_GROUPS);
	group_mod(OF_GROUP_MODIFY, 8, 1);
	CU_ASSERT_EQUAL(add_group(room + 1), OFERR_GROUP_OUT_OF_GROUPS);
	group_mod(OF_GROUP_DELETE, 8, 0);
	CU_ASSERT_EQUAL(add_group(8), OFERR_OK);
	CU_ASSERT_EQUAL(add_group(room + 1), OFERR_GROUP_OUT_OF_GROUPS);
	pl_bundle_end(rig.br, false);
	CU_ASSERT_EQUAL(add_group(room), OFERR_GROUP_OUT_OF_GROUPS);
	group_mod(OF_GROUP_DELETE, 7, 0);
	CU_ASSERT_EQUAL(add_group(room), OFERR_OK);
	clear();
	CU_ASSERT_EQUAL(rig.br->n_groups, others);
	rig.br->n_groups = 0;
}

CU_TestInfo bundle_tests[] = {
	{"a bundle is taken back", taken_back},
	{"a bundle is kept", kept},
	{"counters of what came back", counters},
	{"learned flows of what came back", learned},
	{"ports in a bundle", ports},
	{"a bundle is not seen before its end", unseen},
	{"no memory to take a bundle back", memory},
	{"100,000 flows at once", many},
	{"room for groups in a bundle", group_limit},
	CU_TEST_INFO_NULL,
};
