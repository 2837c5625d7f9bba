/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/hmap.h"
#include "hal/base/rcu.h"
#include "tests/unit/hal/test.h"

#define ITEMS 512u

struct item {
	unsigned id;
	struct hmap_node node;
	bool in;         /* the model */
	unsigned visits; /* by an iteration */
};

/* Few hash values, so that chains form, and such that wrap around the end of the array. */
static uint32_t hash_of(unsigned id)
{
	static const uint32_t low[] = {0, 1, 2, 6, 7, 0xffffffff, 0x80000007, 0x12345678};

	return id % 3 ? low[id % 8] : id * 0x9e3779b9u;
}

/* What the map says of every item agrees with the model. */
static void check(const struct hmap *map, struct item *items)
{
	unsigned n = 0, wrong = 0;

	for (unsigned i = 0; i < ITEMS; i++) {
		unsigned found = 0;

		n += items[i].in;
		items[i].visits = 0;
		HMAP_FOR_EACH_HASH (it, struct item, node, hash_of(i), map) {
			wrong += hash_of(it->id) != hash_of(i);
			found += it == &items[i];
		}
		wrong += found != items[i].in;
	}
	HMAP_FOR_EACH (it, struct item, node, map)
		it->visits++;
	for (unsigned i = 0; i < ITEMS; i++)
		wrong += items[i].visits != items[i].in;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(hmap_count(map), n);
}

static void test_model(void)
{
	struct item *items = calloc(ITEMS, sizeof(*items));
	struct hmap map;

	hmap_init(&map);
	for (unsigned i = 0; i < ITEMS; i++)
		items[i].id = i;
	check(&map, items);
	for (unsigned i = 0; i < N_ROUNDS(40000); i++) {
		/* the number of items waxes and wanes */
		struct item *it = &items[rnd_below(i / N_ROUNDS(4000) % 2 ? 20 : ITEMS)];

		if (it->in)
			hmap_remove(&map, &it->node);
		else
			CU_ASSERT_EQUAL(hmap_insert(&map, &it->node, hash_of(it->id)), 0);
		it->in = !it->in;
		if (i % 100 == 0)
			check(&map, items);
		if (i % 1000 == 0)
			rcu_reclaim();
	}
	check(&map, items);
	/* the current node may be removed while iterating */
	HMAP_FOR_EACH (it, struct item, node, &map) {
		hmap_remove(&map, &it->node);
		it->in = false;
	}
	check(&map, items);
	CU_ASSERT_EQUAL(map.used, 0);
	hmap_remove(&map, &items[0].node); /* is not there: nothing happens */
	hmap_destroy(&map);
	rcu_drain();
	free(items);
}

static void test_replace(void)
{
	struct item a = {.id = 1}, b = {.id = 1}, c = {.id = 1};
	struct hmap map;
	unsigned n = 0;

	hmap_init(&map);
	hmap_insert(&map, &a.node, 5);
	hmap_insert(&map, &c.node, 5);
	hmap_replace(&map, &a.node, &b.node);
	HMAP_FOR_EACH_HASH (it, struct item, node, 5, &map) {
		CU_ASSERT(it == &b || it == &c);
		n++;
	}
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(hmap_count(&map), 2);
	hmap_destroy(&map);
}

/* Insertions and removals in turn must not fill the array with tombs. */
static void test_churn(void)
{
	struct item items[64];
	struct hmap map;
	const struct hmap_array *array;

	hmap_init(&map);
	for (unsigned i = 0; i < 64; i++)
		hmap_insert(&map, &items[i].node, i * 0x9e3779b9u);
	for (unsigned i = 0; i < N_ROUNDS(100000); i++) {
		struct item *it = &items[i % 64];

		hmap_remove(&map, &it->node);
		CU_ASSERT_EQUAL(hmap_insert(&map, &it->node, (uint32_t)rnd()), 0);
		if (i % 1000 == 0)
			rcu_reclaim();
	}
	array = atomic_load(&map.array);
	CU_ASSERT(array->mask < 256);
	CU_ASSERT_EQUAL(hmap_count(&map), 64);
	hmap_destroy(&map);
	rcu_drain();
}

/*
 * A writer against readers. Items are either stable (always in the map: a reader must find them
 * at every moment) or come and go; those that went are poisoned and freed after a grace period.
 */
#define STABLE 200u
#define ALIVE 0x600dbeefu

struct live {
	struct hmap_node node;
	unsigned key;
	_Atomic uint32_t magic;
};

struct race {
	struct hmap map;
	atomic_bool stop;
	atomic_uint missed, poisoned, wrong, reads;
};

static void bury(void *arg)
{
	struct live *l = arg;

	atomic_store(&l->magic, 0xdead);
	free(l);
}

static uint32_t live_hash(unsigned key)
{
	return hash_mix(key) & 0xff0000ff; /* chains */
}

static void read_one(struct race *r, unsigned key)
{
	bool found = false;

	HMAP_FOR_EACH_HASH (l, struct live, node, live_hash(key), &r->map) {
		if (atomic_load(&l->magic) != ALIVE)
			atomic_fetch_add(&r->poisoned, 1);
		if (live_hash(l->key) != live_hash(key))
			atomic_fetch_add(&r->wrong, 1);
		found = found || l->key == key;
	}
	if (!found && key < STABLE)
		atomic_fetch_add(&r->missed, 1);
	atomic_fetch_add(&r->reads, 1);
}

static void *reader(void *arg)
{
	struct race *r = arg;
	int me = rcu_reader_register();
	unsigned key = 0;

	while (!atomic_load(&r->stop)) {
		for (unsigned i = 0; i < 64; i++)
			read_one(r, key++ % (2 * STABLE));
		HMAP_FOR_EACH (l, struct live, node, &r->map)
			if (atomic_load(&l->magic) != ALIVE)
				atomic_fetch_add(&r->poisoned, 1);
		rcu_quiescent(me);
	}
	rcu_reader_unregister(me);
	return NULL;
}

static struct live *live_add(struct race *r, unsigned key)
{
	struct live *l = calloc(1, sizeof(*l));

	l->key = key;
	atomic_store(&l->magic, ALIVE);
	hmap_insert(&r->map, &l->node, live_hash(key));
	return l;
}

static void churn(struct race *r)
{
	struct live *coming[2000] = {NULL};

	for (unsigned round = 0; round < 60 || atomic_load(&r->reads) < 2000; round++) {
		unsigned n = 1 + rnd_below(2000);

		for (unsigned i = 0; i < n; i++)
			coming[i] = live_add(r, STABLE + rnd_below(STABLE));
		for (unsigned i = 0; i < n; i++) {
			hmap_remove(&r->map, &coming[i]->node);
			rcu_defer(bury, coming[i]);
		}
		rcu_reclaim();
	}
}

static void test_race(void)
{
	struct race *r = calloc(1, sizeof(*r));
	struct live *stable[STABLE];
	pthread_t threads[2];

	hmap_init(&r->map);
	for (unsigned i = 0; i < STABLE; i++)
		stable[i] = live_add(r, i);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, reader, r), 0);
	churn(r);
	atomic_store(&r->stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(atomic_load(&r->missed), 0);
	CU_ASSERT_EQUAL(atomic_load(&r->poisoned), 0);
	CU_ASSERT_EQUAL(atomic_load(&r->wrong), 0);
	CU_ASSERT_EQUAL(hmap_count(&r->map), STABLE);
	rcu_drain();
	CU_ASSERT_EQUAL(rcu_reclaim(), 0);
	for (unsigned i = 0; i < STABLE; i++)
		free(stable[i]);
	hmap_destroy(&r->map);
	free(r);
}

static void test_hash_bytes(void)
{
	unsigned bucket[256] = {0}, worst = 0;

	for (uint32_t i = 0; i < 256 * 64; i++)
		bucket[hash_bytes(&i, sizeof(i), 0) & 255]++;
	for (unsigned i = 0; i < 256; i++)
		worst = bucket[i] > worst ? bucket[i] : worst;
	CU_ASSERT(worst < 128);
	CU_ASSERT_NOT_EQUAL(hash_bytes("a", 1, 0), hash_bytes("a\0", 2, 0));
	CU_ASSERT_NOT_EQUAL(hash_bytes("a", 1, 0), hash_bytes("a", 1, 1));
	CU_ASSERT_EQUAL(hash_bytes("abc", 3, 7), hash_bytes("abcd", 3, 7));
}

CU_TestInfo hmap_tests[] = {
	{"against a model", test_model},
	{"replace", test_replace},
	{"tombs are cleared away", test_churn},
	{"a writer against readers", test_race},
	{"hash of bytes", test_hash_bytes},
	CU_TEST_INFO_NULL,
};
