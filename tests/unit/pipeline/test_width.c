/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a megaflow no wider than the decision? Every packet that its match covers must be translated
 * to the same program and credit the same flows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/pipeline/test.h"

#define PROGRAMS 220
#define PACKETS 40
#define LIKE 8

struct tally {
	unsigned packets, errors, empty, like, wide, steps[ACTION_MAX];
};

static void mask_of(const struct hal_cmatch *cm, struct hal_key *mask)
{
	struct hal_match m;

	hal_cmatch_expand(cm, &m);
	*mask = m.mask.dp;
}

static void show(const char *name, const struct hal_key *key, const struct pl_megaflow *m)
{
	static const struct hal_key ones;
	struct hal_key all = ones;
	char text[4096];

	memset(&all, 0xff, sizeof(all));
	hal_match_format(key, &all, true, text, sizeof(text));
	printf("\n%s packet %s", name, text);
	if (!m) {
		printf("\n  not translated");
		return;
	}
	hal_cmatch_format(m->mf.match, text, sizeof(text));
	printf("\n  match %s", text);
	hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	printf("\n  program %s, %u credits", text, m->n_credits);
}

static bool compare(const struct hal_key *key, const struct pl_megaflow *m,
	const struct hal_key *like, unsigned program)
{
	struct pl_megaflow *n = rig_translate(like);
	bool ok =
		n && hal_program_equal(m->mf.program, n->mf.program) && megaflow_same_credits(m, n);

	if (!ok) {
		printf("\nprogram %u: one megaflow, two decisions", program);
		show("first", key, m);
		show("second", like, n);
		EXPECT(ok, "same program, same credits");
	}
	if (n)
		megaflow_free(&n->mf);
	return ok;
}

static bool one_packet(unsigned program, struct tally *t)
{
	struct hal_key key, mask, like;
	struct pl_megaflow *m;
	bool ok = true;

	gen_key(&key);
	m = rig_translate(&key);
	t->packets++;
	if (!m) {
		t->errors++;
		return true;
	}
	EXPECT(hal_cmatch_covers(m->mf.match, &key), "a megaflow covers its packet");
	t->empty += !m->mf.program->len;
	t->wide += m->mf.match->n < 6;
	ACTION_FOR_EACH (a, m->mf.program)
		t->steps[a->type]++;
	mask_of(m->mf.match, &mask);
	for (unsigned i = 0; i < LIKE && ok; i++)
		if (gen_key_like(&key, &mask, &like)) {
			t->like++;
			ok = compare(&key, m, &like, program);
		}
	megaflow_free(&m->mf);
	return ok;
}

/* The steps that the pipeline makes so far. */
static bool made(unsigned action)
{
	return action <= ACTION_POP_MPLS || action == ACTION_SET || action == ACTION_DEC_TTL ||
	       action == ACTION_CLONE;
}

/* Many flows of one mask: then the whole mask is needed, not what tells flows apart. */
static void gen_crowd(void)
{
	for (unsigned i = 0; i < 100; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			"priority=%u,tcp,nw_dst=10.0.%u.%u,tp_dst=%u,actions=output:%u", 20 + i % 3,
			i % 2, i % 5, i, 1 + i % 5);
		rig_flow(text);
	}
}

static void random_widths(void)
{
	uint64_t begin = rnd();
	struct tally t = {0};
	bool ok = true;

	for (unsigned p = 0; p < PROGRAMS && ok; p++) {
		unsigned flows = 4 + rnd_below(40);

		rig_close();
		rig_open();
		rnd_seed(begin + p * 7919ull);
		gen_ports();
		if (one_in(10))
			gen_crowd();
		while (flows--)
			gen_flow_add();
		for (unsigned i = 0; i < PACKETS && ok; i++)
			ok = one_packet(p, &t);
		rig_settle();
	}
	printf("%u packets, %u like them, %u drop, %u errors ... ", t.packets, t.like, t.empty,
		t.errors);
	CU_ASSERT(ok);
	/* Worth something only if packets are forwarded and megaflows leave something open. */
	CU_ASSERT(t.empty + t.errors < t.packets * 2 / 3);
	CU_ASSERT(t.errors < t.packets / 5);
	CU_ASSERT(t.like > t.packets * LIKE / 2);
	CU_ASSERT(t.wide > t.packets / 4);
	for (unsigned a = 0; a < ACTION_MAX; a++)
		if (made(a))
			EXPECT(t.steps[a] > 20, hal_action_name((enum hal_action_type)a));
}

CU_TestInfo width_tests[] = {
	{"a megaflow's packets are all treated alike", random_widths},
	CU_TEST_INFO_NULL,
};
