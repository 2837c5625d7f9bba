/* SPDX-License-Identifier: Apache-2.0
 *
 * Recirculation ids by themselves: names of states that come and go.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/rcu.h"
#include "tests/unit/pipeline/test.h"

/* A state that differs from others by `n`, with actions of its own. */
static struct pl_frozen state_of(uint32_t n)
{
	struct of_action out = {.type = OFACT_OUTPUT, .port = n % 7};
	struct pl_frozen s = {.bridge = 1, .n_frames = 1};

	memcpy(s.fields, &n, sizeof(n));
	s.frames = calloc(1, sizeof(*s.frames));
	if (!s.frames)
		abort();
	s.frames[0].type = FRAME_LIST;
	if (of_actions_copy(&s.frames[0].ins.apply, &(struct of_actions){1, &out}))
		abort();
	return s;
}

static struct pl_recirc *get(struct recirc_ids *ids, uint32_t n, int *error)
{
	struct pl_frozen s = state_of(n);

	return recirc_get(ids, &s, error);
}

static void settle(void)
{
	do
		rcu_drain();
	while (rcu_reclaim());
}

static void same_state_same_id(void)
{
	struct recirc_ids *ids = recirc_open(RECIRC_MAX);
	struct pl_recirc *a, *b, *c;
	int error;
	uint32_t id;

	a = get(ids, 1, &error);
	b = get(ids, 1, &error);
	c = get(ids, 2, &error);
	CU_ASSERT_FATAL(a && b && c);
	CU_ASSERT_PTR_EQUAL(a, b);
	CU_ASSERT_PTR_NOT_EQUAL(a, c);
	CU_ASSERT(a->id && c->id && a->id != c->id);
	CU_ASSERT_EQUAL(recirc_count(ids), 2);
	id = a->id;
	recirc_unref(a);
	settle();
	CU_ASSERT_PTR_EQUAL(recirc_find(ids, id), b);
	recirc_unref(b);
	recirc_unref(b);
	settle();
	CU_ASSERT_PTR_NULL(recirc_find(ids, id));
	CU_ASSERT_EQUAL(recirc_count(ids), 1);
	/* The same state again is a new id: who still has the old one does not find it. */
	a = get(ids, 1, &error);
	CU_ASSERT_FATAL(a != NULL);
	CU_ASSERT_NOT_EQUAL(a->id, id);
	CU_ASSERT_PTR_NULL(recirc_find(ids, id));
	recirc_unref(a);
	recirc_unref(c);
	settle();
	CU_ASSERT_EQUAL(recirc_count(ids), 0);
	recirc_close(ids);
}

/* Wherever a run begins. */
static void ids_fit_into_a_chain(void)
{
	for (unsigned i = 0; i < 8; i++) {
		struct recirc_ids *ids = recirc_open(RECIRC_MAX);
		struct pl_recirc *r;
		int error;

		r = get(ids, i, &error);
		CU_ASSERT_FATAL(r != NULL);
		CU_ASSERT(r->id < (1u << RECIRC_ID_BITS) - 1);
		recirc_unref(r);
		settle();
		recirc_close(ids);
	}
}

static void runs_out(void)
{
	struct recirc_ids *ids = recirc_open(3);
	struct pl_recirc *r[3];
	int error = 0;

	for (uint32_t i = 0; i < 3; i++)
		r[i] = get(ids, i, &error);
	CU_ASSERT_PTR_NULL(get(ids, 4, &error));
	CU_ASSERT_EQUAL(error, -ENOSPC);
	CU_ASSERT_PTR_EQUAL(get(ids, 1, &error), r[1]); /* what is there can be shared */
	recirc_unref(r[1]);
	recirc_unref(r[0]);
	settle();
	r[0] = get(ids, 4, &error);
	CU_ASSERT_PTR_NOT_NULL(r[0]);
	for (unsigned i = 0; i < 3; i++)
		recirc_unref(r[i]);
	settle();
	CU_ASSERT_EQUAL(recirc_count(ids), 0);
	recirc_close(ids);
}

/* 100,000 at once, and more than there are slots one after the other. */
static void come_and_go(void)
{
	enum { N = 100000 };
	struct recirc_ids *ids = recirc_open(RECIRC_MAX);
	struct pl_recirc **r = calloc(N, sizeof(struct pl_recirc *));
	int error;

	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i++) {
			r[i] = get(ids, i, &error);
			CU_ASSERT_FATAL(r[i] != NULL);
		}
		CU_ASSERT_EQUAL(recirc_count(ids), N);
		for (uint32_t i = 0; i < N; i += 997)
			if (recirc_find(ids, r[i]->id) == r[i])
				recirc_unref(r[i]);
			else
				CU_FAIL("an id that is not found");
		for (uint32_t i = 0; i < N; i++)
			recirc_unref(r[i]);
		settle();
		CU_ASSERT_EQUAL(recirc_count(ids), 0);
	}
	free(r);
	recirc_close(ids);
}

static void lingers(void)
{
	struct recirc_ids *ids = recirc_open(8);
	int error;
	struct pl_recirc *r = get(ids, 1, &error);
	uint32_t id = r->id;

	recirc_linger(r, 1000);
	recirc_linger(r, 2000);
	recirc_unref(r);
	recirc_sweep(ids, 1500);
	settle();
	CU_ASSERT_EQUAL(recirc_count(ids), 1);
	CU_ASSERT_PTR_EQUAL(recirc_find(ids, id), r);
	recirc_unref(r);
	recirc_sweep(ids, 2000);
	settle();
	CU_ASSERT_EQUAL(recirc_count(ids), 0);
	recirc_close(ids);
}

/* ---- many threads ---- */

struct racer {
	pthread_t thread;
	struct recirc_ids *ids;
	uint64_t seed;
	unsigned failures;
};

static void *race(void *arg)
{
	struct racer *rc = arg;
	struct pl_recirc *held[16] = {NULL};
	int reader = rcu_reader_register(), error;

	rnd_seed(rc->seed);
	for (unsigned i = 0; i < 30000; i++) {
		unsigned slot = rnd_below(16);
		uint32_t n = rnd_below(24), got;

		if (held[slot])
			recirc_unref(held[slot]);
		held[slot] = get(rc->ids, n, &error);
		if (!held[slot]) {
			rc->failures++;
			continue;
		}
		memcpy(&got, held[slot]->state.fields, sizeof(got));
		if (got != n || recirc_find(rc->ids, held[slot]->id) != held[slot])
			rc->failures++;
		else
			recirc_unref(held[slot]);
		if (!(i % 32))
			rcu_quiescent(reader);
	}
	for (unsigned i = 0; i < 16; i++)
		if (held[i])
			recirc_unref(held[i]);
	rcu_reader_unregister(reader);
	return NULL;
}

static void races(void)
{
	struct recirc_ids *ids = recirc_open(RECIRC_MAX);
	struct racer r[3];
	void *none;

	for (unsigned i = 0; i < 3; i++) {
		r[i] = (struct racer){.ids = ids, .seed = rnd()};
		CU_ASSERT_FATAL(!pthread_create(&r[i].thread, NULL, race, &r[i]));
	}
	for (unsigned i = 0; i < 2000; i++) {
		rcu_reclaim();
		usleep(50);
	}
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(r[i].thread, &none);
		CU_ASSERT_EQUAL(r[i].failures, 0);
	}
	settle();
	CU_ASSERT_EQUAL(recirc_count(ids), 0);
	recirc_close(ids);
}

CU_TestInfo recirc_tests[] = {
	{"equal states have one id", same_state_same_id},
	{"ids fit into a chain", ids_fit_into_a_chain},
	{"ids run out", runs_out},
	{"100,000 ids come and go", come_and_go},
	{"ids of packets on their way", lingers},
	{"threads make and drop ids", races},
	CU_TEST_INFO_NULL,
};
