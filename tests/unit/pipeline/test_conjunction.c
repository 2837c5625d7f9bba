/* SPDX-License-Identifier: Apache-2.0
 *
 * Conjunctive matches: what wins, how wide its megaflow is, what makes it another, who is credited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/special.h"

#define SRC(N) "priority=100,ip,nw_src=10.0.0." #N " actions="
#define DST(N) "priority=100,ip,nw_dst=10.0.1." #N " actions="

static void flow(const char *text)
{
	CU_ASSERT_EQUAL(rig_flow(text), OFERR_OK);
}

/* {1,2} x {1,2} x {80,443} go to port 2; what else is IP to port 3. */
static void three_dimensions(void)
{
	rig_ports(4);
	CU_ASSERT_EQUAL(SPECIAL(SRC(1), CLAUSE(7, 1, 3)), OFERR_OK);
	SPECIAL(SRC(2), CLAUSE(7, 1, 3));
	SPECIAL(DST(1), CLAUSE(7, 2, 3));
	SPECIAL(DST(2), CLAUSE(7, 2, 3));
	SPECIAL("priority=100,tcp,tp_dst=80 actions=", CLAUSE(7, 3, 3));
	SPECIAL("priority=100,tcp,tp_dst=443 actions=", CLAUSE(7, 3, 3));
	flow("cookie=5,priority=10,conj_id=7,ip actions=output:2");
	flow("cookie=6,priority=1,ip actions=output:3");
}

#define PACKET(S, D, P) \
	"in_port=1,tcp,nw_src=10.0.0." #S ",nw_dst=10.0.1." #D ",tcp_src=999,tcp_dst=" #P

static void test_product(void)
{
	three_dimensions();
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "2");
	EXPECT_TEXT(outputs(PACKET(2, 2, 443)), "2");
	EXPECT_TEXT(outputs(PACKET(3, 1, 80)), "3");
	EXPECT_TEXT(outputs(PACKET(1, 3, 80)), "3");
	EXPECT_TEXT(outputs(PACKET(1, 1, 22)), "3");
	EXPECT_TEXT(outputs("in_port=1,arp"), "-");
	/* Nothing of it is needed that no clause asks for. */
	CU_ASSERT_PTR_NULL(strstr(rig_match(PACKET(1, 1, 80)), "tcp_src"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig_match(PACKET(1, 1, 80)), "nw_src=10.0.0.1,"));
}

static void test_priorities(void)
{
	three_dimensions();
	/* An ordinary flow of the clauses' priority comes before them, one below after. */
	flow("priority=100,tcp,tp_dst=443 actions=output:4");
	EXPECT_TEXT(outputs(PACKET(1, 1, 443)), "4");
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "2");
	flow("priority=99,tcp,tp_dst=80 actions=output:4");
	/* With the id set it is looked up among all ordinary flows. */
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "4");
	EXPECT_TEXT(outputs(PACKET(3, 1, 80)), "4");
	rig_mod(OF_FLOW_DELETE, 4, "tcp,tp_dst=80");
	flow("priority=200,conj_id=7,tcp,tp_dst=80 actions=output:1,in_port");
	SPECIAL("priority=100,tcp,tp_dst=80 actions=", CLAUSE(7, 3, 3));
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "1");
}

static void test_fallback(void)
{
	rig_ports(4);
	/* The one above is met, but has no flow; the one below has. */
	SPECIAL("priority=50,ip,nw_src=10.0.0.1 actions=", CLAUSE(1, 1, 2));
	SPECIAL("priority=50,ip,nw_dst=10.0.1.1 actions=", CLAUSE(1, 2, 2));
	SPECIAL("priority=40,ip,nw_proto=6 actions=", CLAUSE(2, 1, 2));
	SPECIAL("priority=40,ip,nw_dst=10.0.1.0/24 actions=", CLAUSE(2, 2, 2));
	flow("priority=5,conj_id=2,ip actions=output:2");
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "2");
	EXPECT_TEXT(outputs("in_port=1,udp,nw_src=10.0.0.1,nw_dst=10.0.1.1"), "-");
	/* Its clauses at different priorities are no conjunction. */
	SPECIAL("priority=30,ip,nw_src=10.0.0.9 actions=", CLAUSE(3, 1, 2));
	SPECIAL("priority=31,udp,tp_dst=9 actions=", CLAUSE(3, 2, 2));
	flow("priority=5,conj_id=3,ip actions=output:3");
	EXPECT_TEXT(outputs("in_port=1,udp,nw_src=10.0.0.9,tp_dst=9"), "-");
}

static void test_several_ids(void)
{
	rig_ports(4);
	SPECIAL("priority=9,ip,nw_src=10.0.0.1 actions=", CLAUSE(1, 1, 2));
	SPECIAL("priority=9,ip,nw_src=10.0.0.2 actions=", CLAUSE(1, 1, 2), CLAUSE(2, 1, 2));
	SPECIAL("priority=9,ip,nw_src=10.0.0.3 actions=", CLAUSE(2, 1, 2));
	SPECIAL("priority=9,ip,nw_dst=10.0.1.1 actions=", CLAUSE(1, 2, 2));
	SPECIAL("priority=9,ip,nw_dst=10.0.1.2 actions=", CLAUSE(2, 2, 2));
	flow("priority=9,conj_id=1,ip actions=output:2");
	flow("priority=9,conj_id=2,ip actions=output:3");
	EXPECT_TEXT(outputs(PACKET(1, 1, 80)), "2");
	EXPECT_TEXT(outputs(PACKET(2, 1, 80)), "2");
	EXPECT_TEXT(outputs(PACKET(2, 2, 80)), "3");
	EXPECT_TEXT(outputs(PACKET(3, 2, 80)), "3");
	EXPECT_TEXT(outputs(PACKET(1, 2, 80)), "-");
	EXPECT_TEXT(outputs(PACKET(3, 1, 80)), "-");
}

static const struct hal_program *live(const char *packet)
{
	struct hal_key key = rig_key(packet);
	struct pl_megaflow *m = rig_live(&key);

	return m ? m->mf.program : NULL;
}

static void expect_live(const char *packet, const char *want)
{
	char text[256] = "none";

	if (live(packet))
		hal_program_format(live(packet), NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, want);
}

static void test_changes(void)
{
	three_dimensions();
	rig_send_text(PACKET(1, 1, 80), 3);
	rig_send_text(PACKET(3, 1, 80), 1);
	rig_settle();
	expect_live(PACKET(1, 1, 80), "output(102)");
	expect_live(PACKET(3, 1, 80), "output(103)");
	/* A clause more, a clause less. */
	SPECIAL(SRC(3), CLAUSE(7, 1, 3));
	expect_live(PACKET(3, 1, 80), "output(102)");
	rig_mod(OF_FLOW_DELETE_STRICT, 4, "priority=100,ip,nw_src=10.0.0.1");
	expect_live(PACKET(1, 1, 80), "output(103)");
	SPECIAL(SRC(1), CLAUSE(7, 1, 3));
	expect_live(PACKET(1, 1, 80), "output(102)");
	/* The clause becomes one of another conjunction, and an ordinary flow. */
	special_mod(OF_FLOW_MODIFY_STRICT, SRC(1), &(struct of_action)CLAUSE(8, 1, 2), 1);
	expect_live(PACKET(1, 1, 80), "output(103)");
	special_mod(OF_FLOW_MODIFY_STRICT, SRC(1), &(struct of_action)CLAUSE(7, 1, 3), 1);
	expect_live(PACKET(1, 1, 80), "output(102)");
	rig_mod(OF_FLOW_MODIFY_STRICT, 4, "priority=100,ip,nw_src=10.0.0.1 actions=output:4");
	expect_live(PACKET(1, 1, 80), "output(104)");
	special_mod(OF_FLOW_MODIFY_STRICT, SRC(1), &(struct of_action)CLAUSE(7, 1, 3), 1);
	/* The flow with the id goes and comes. */
	rig_mod(OF_FLOW_DELETE, 4, "conj_id=7");
	expect_live(PACKET(1, 1, 80), "output(103)");
	flow("cookie=5,priority=10,conj_id=7,ip actions=output:4");
	expect_live(PACKET(1, 1, 80), "output(104)");
	rig_check_live("after changes of conjunctions");
}

static void test_credit(void)
{
	three_dimensions();
	rig_mod(OF_FLOW_DELETE_STRICT, 4, "priority=100,ip,nw_src=10.0.0.1");
	SPECIAL("cookie=9," SRC(1), CLAUSE(7, 1, 3));
	rig_send_text(PACKET(1, 1, 80), 5);
	CU_ASSERT_EQUAL(rig_packets(5), 5);
	CU_ASSERT_EQUAL(rig_packets(9), 0);
	CU_ASSERT_EQUAL(rig_packets(6), 0);
}

/* ---- against the definition, on random tables ---- */

#define IDS 4
#define FLOWS 40

static void random_flow(void)
{
	static const char *const matches[] = {"ip", "tcp", "udp", "ip,nw_src=10.0.0.%u",
		"ip,nw_dst=10.0.1.%u", "ip,nw_src=10.0.0.0/3%u", "tcp,tp_dst=%u", "udp,tp_dst=%u",
		"in_port=%u", "conj_id=%u,ip", "conj_id=%u,tcp"};
	unsigned kind = rnd_below(sizeof(matches) / sizeof(matches[0]));
	unsigned priority = 1 + rnd_below(6);
	char match[64], text[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(match, sizeof(match), matches[kind], 1 + rnd_below(kind == 5 ? 2 : IDS));
#pragma GCC diagnostic pop
	snprintf(text, sizeof(text), "priority=%u,%s actions=", priority, match);
	if (kind >= 9 || one_in(4)) {
		/* Flows of one priority overlap, and do the same. */
		struct of_action out = {.type = OFACT_OUTPUT, .port = priority};

		special_mod(OF_FLOW_ADD, text, &out, 1);
	} else {
		struct of_action c[2] = {
			CLAUSE(1 + rnd_below(IDS), 1 + rnd_below(2), 2),
			CLAUSE(1 + rnd_below(IDS), 1 + rnd_below(2), 2),
		};

		special_mod(
			OF_FLOW_ADD, text, c, one_in(3) && c[0].conj_id != c[1].conj_id ? 2 : 1);
	}
}

static void random_packet(char *text, size_t n)
{
	snprintf(text, n, "in_port=%u,%s,nw_src=10.0.0.%u,nw_dst=10.0.1.%u,tp_dst=%u", 8,
		one_in(2) ? "tcp" : "udp", 1 + rnd_below(IDS), 1 + rnd_below(IDS),
		1 + rnd_below(IDS));
}

/* The highest priority at which an ordinary flow matches with the id; -1: none. */
static int ordinary(const struct xlate_key *key, uint32_t id, int *n)
{
	struct xlate_key k = *key;
	struct flow *f;
	int best = -1;

	k.conj_id = rte_cpu_to_be_32(id);
	TAILQ_FOREACH (f, &rig.br->tables[0].flows, order) {
		if (f->clause || !hal_cmatch_covers(f->match, &k) || f->priority < best)
			continue;
		*n = f->priority == best ? *n + 1 : 1;
		best = f->priority;
	}
	return best;
}

static bool complete(const struct xlate_key *key, int priority, uint32_t id)
{
	unsigned met = 0;
	struct flow *f;

	TAILQ_FOREACH (f, &rig.br->tables[0].flows, order)
		for (unsigned i = 0; f->priority == priority && i < f->ins.apply.n; i++)
			if (f->clause && f->ins.apply.a[i].conj_id == id &&
				hal_cmatch_covers(f->match, key))
				met |= 1u << f->ins.apply.a[i].clause;
	return met == 3;
}

/* The priority of the winner as ovs-fields(7) has it; -1: a miss. `n`: how many of that priority
 * match, `id`: with what conj_id. */
static int definition(const struct xlate_key *key, int *n, uint32_t *id)
{
	int floor = ordinary(key, 0, n);

	*id = 0;
	for (int p = 6; p > floor; p--)
		for (uint32_t i = 1; i <= IDS; i++) {
			int m, second = complete(key, p, i) ? ordinary(key, i, &m) : -1;

			if (second >= 0) {
				*n = m;
				*id = i;
				return second;
			}
		}
	return floor;
}

static void test_definition(void)
{
	unsigned by_id = 0, plain = 0;

	rig_ports(8);
	for (unsigned round = 0; round < 40; round++) {
		rig_mod(OF_FLOW_DELETE, 4, "");
		for (unsigned i = 0; i < FLOWS; i++)
			random_flow();
		for (unsigned i = 0; i < 50; i++) {
			char packet[128];
			struct hal_key key;
			struct xlate x;
			const struct visit *v;
			int want, n = 0;
			uint32_t id;

			random_packet(packet, sizeof(packet));
			key = rig_key(packet);
			xlate_packet(&x, rig.pl, &key);
			CU_ASSERT_EQUAL_FATAL(x.error, 0);
			v = (const struct visit *)x.visits.data + x.visits.n - 1;
			want = definition(&x.key, &n, &id);
			EXPECT(v->priority == want, packet);
			id ? by_id++ : plain++;
			xlate_clear(&x);
		}
	}
	EXPECT(by_id > 100 && plain > 100, "both kinds occur");
}

static void test_width(void)
{
	unsigned alike = 0;

	rig_ports(8);
	for (unsigned round = 0; round < 40; round++) {
		rig_mod(OF_FLOW_DELETE, 4, "");
		for (unsigned i = 0; i < FLOWS; i++)
			random_flow();
		for (unsigned i = 0; i < 30; i++) {
			char packet[128], other[128];
			struct hal_key key, like;
			struct pl_megaflow *m, *o;

			random_packet(packet, sizeof(packet));
			random_packet(other, sizeof(other));
			key = rig_key(packet);
			like = rig_key(other);
			m = rig_translate(&key);
			CU_ASSERT_PTR_NOT_NULL_FATAL(m);
			if (hal_cmatch_covers(m->mf.match, &like)) {
				o = rig_translate(&like);
				EXPECT(o && hal_program_equal(o->mf.program, m->mf.program),
					packet);
				alike++;
				if (o)
					megaflow_free(&o->mf);
			}
			megaflow_free(&m->mf);
		}
	}
	EXPECT(alike > 30, "some are of one megaflow");
}

/* Whatever is added, removed or modified: live megaflows are what they would be if made now. */
static void test_random_changes(void)
{
	rig_ports(8);
	for (unsigned i = 0; i < FLOWS; i++)
		random_flow();
	for (unsigned i = 0; i < 400; i++) {
		struct flow_table *t = &rig.br->tables[0];
		char packet[128];

		random_packet(packet, sizeof(packet));
		rig_send_text(packet, 1);
		rig_settle();
		if (one_in(2) && t->n) {
			struct of_flow_mod fm = {.command = OF_FLOW_DELETE_STRICT,
				.version = 4,
				.out_port = OF_PORT_ANY,
				.out_group = OF_GROUP_ANY};
			struct flow *f = TAILQ_FIRST(&t->flows);

			for (unsigned skip = rnd_below(t->n); skip; skip--)
				f = TAILQ_NEXT(f, order);
			fm.priority = f->priority;
			hal_cmatch_expand(f->match, &fm.match);
			pl_flow_mod(rig.br, &fm);
		} else {
			random_flow();
		}
		rig_settle();
	}
	CU_ASSERT(rig_check_live("conjunctions change") > 0);
}

CU_TestInfo conjunction_tests[] = {
	{"the product of its dimensions", test_product},
	{"priorities", test_priorities},
	{"a conjunction without a flow", test_fallback},
	{"a clause of several", test_several_ids},
	{"changes", test_changes},
	{"credits", test_credit},
	{"lookup by definition", test_definition},
	{"width", test_width},
	{"random changes", test_random_changes},
	CU_TEST_INFO_NULL,
};
