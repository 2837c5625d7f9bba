/* SPDX-License-Identifier: Apache-2.0
 *
 * Classifier, cache and young table against a plain list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "swpath/cache.h"
#include "swpath/classifier.h"
#include "swpath/scope.h"
#include "swpath/young.h"
#include "test_swpath.h"

#define FLOWS 400
#define MASKS 12
#define PARTS 8 /* input ports, and chains apart */

static void random_bytes(void *p, size_t n)
{
	for (uint8_t *b = p; n--; b++)
		*b = (uint8_t)test_rand();
}

/* Keys from a small world, so that many of them match something. */
static void random_key(struct hal_key *key)
{
	memset(key, 0, sizeof(*key));
	key->in_port = test_rand() % 4;
	key->recirc_id = test_rand() % 2;
	key->eth_type = rte_cpu_to_be_16(0x0800);
	key->ip_proto = 6;
	key->ipv4_src = test_rand() % 8;
	key->ipv4_dst = test_rand() % 8;
	key->tp_dst = (uint16_t)(test_rand() % 8);
	key->nd_target[15] = (uint8_t)(test_rand() % 2);
}

/* Masks that all contain in_port, with the megaflow's number in it, so that no two overlap, are not
 * needed: the brute force accepts any megaflow that covers the key. */
static void random_mask(struct hal_key *mask, unsigned i)
{
	memset(mask, 0, sizeof(*mask));
	mask->in_port = UINT32_MAX;
	if (i & 1)
		mask->ipv4_src = 3;
	if (i & 2)
		mask->ipv4_dst = UINT32_MAX;
	if (i & 4)
		mask->tp_dst = UINT16_MAX;
	if (i & 8)
		mask->nd_target[15] = 0xff;
}

static bool covers(const struct hal_megaflow *mf, const struct hal_key *key)
{
	struct hal_match m;
	const uint8_t *k = (const uint8_t *)key, *v, *w;

	if (rte_cpu_to_be_32(mf->chain) != key->recirc_id)
		return false;
	hal_cmatch_expand(mf->match, &m);
	v = (const uint8_t *)&m.value.dp;
	w = (const uint8_t *)&m.mask.dp;
	for (size_t i = 0; i < sizeof(*key); i++)
		if ((k[i] & w[i]) != v[i])
			return false;
	return true;
}

static void check_all(struct swpath_cls *cls, struct hal_megaflow **flows, unsigned n)
{
	for (unsigned round = 0; round < 2000; round++) {
		const struct hal_megaflow *found;
		struct hal_key key;
		bool any = false;

		random_key(&key);
		found = swpath_cls_lookup(cls, &key);
		for (unsigned i = 0; i < n && !any; i++)
			any = flows[i] && hal_megaflow_usable(flows[i]) && covers(flows[i], &key);
		CU_ASSERT_EQUAL(found != NULL, any);
		if (found)
			CU_ASSERT(covers(found, &key));
	}
}

static void against_list(void)
{
	struct hal_megaflow *flows[FLOWS] = {NULL};
	struct swpath_cls cls;

	swpath_cls_init(&cls, SWPATH_CLS_SHARED);
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < FLOWS; i++) {
			struct hal_key key, mask;

			if (flows[i] && test_rand() % 2) {
				CU_ASSERT_EQUAL(swpath_cls_remove(&cls, flows[i]), 0);
				rcu_drain();
				hal_megaflow_unref(flows[i]);
				flows[i] = NULL;
			}
			if (flows[i])
				continue;
			random_key(&key);
			random_mask(&mask, test_rand() % MASKS);
			flows[i] = test_megaflow(&key, &mask, NULL);
			if (swpath_cls_insert(&cls, flows[i]) == -EEXIST) {
				hal_megaflow_unref(flows[i]);
				flows[i] = NULL;
			}
		}
		CU_ASSERT(cls.n_masks <= MASKS * PARTS);
		check_all(&cls, flows, FLOWS);
		swpath_cls_sort(&cls);
		check_all(&cls, flows, FLOWS);
		for (unsigned i = 0; i < FLOWS; i += 3)
			if (flows[i])
				flows[i]->state = MEGAFLOW_RETIRING;
		check_all(&cls, flows, FLOWS);
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		if (!flows[i])
			continue;
		CU_ASSERT_EQUAL(swpath_cls_remove(&cls, flows[i]), 0);
		CU_ASSERT_EQUAL(swpath_cls_remove(&cls, flows[i]), -ENOENT);
		hal_megaflow_unref(flows[i]);
	}
	CU_ASSERT_EQUAL(cls.n_masks, 0);
	CU_ASSERT_EQUAL(cls.n_flows, 0);
	CU_ASSERT_PTR_NULL(swpath_cls_first(&cls));
	rcu_drain();
	swpath_cls_destroy(&cls);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 0);
}

static void every_word_counts(void)
{
	struct hal_key key, mask, other;
	struct hal_megaflow *mf;
	struct swpath_cls cls;

	swpath_cls_init(&cls, SWPATH_CLS_SHARED);
	random_bytes(&key, sizeof(key));
	memset(&mask, 0xff, sizeof(mask));
	mf = test_megaflow(&key, &mask, NULL);
	CU_ASSERT_EQUAL(swpath_cls_insert(&cls, mf), 0);
	CU_ASSERT_PTR_EQUAL(swpath_cls_lookup(&cls, &key), mf);
	for (size_t i = 0; i < sizeof(key); i++) {
		other = key;
		((uint8_t *)&other)[i] ^= 1;
		CU_ASSERT_PTR_NULL(swpath_cls_lookup(&cls, &other));
	}
	CU_ASSERT_EQUAL(swpath_cls_remove(&cls, mf), 0);
	hal_megaflow_unref(mf);
	rcu_drain();
	swpath_cls_destroy(&cls);
}

static void replacing(void)
{
	struct hal_megaflow *a, *b, *c;
	struct hal_key key, mask;
	struct swpath_cls cls;

	swpath_cls_init(&cls, SWPATH_CLS_SHARED);
	random_key(&key);
	random_mask(&mask, 7);
	a = test_megaflow(&key, &mask, NULL);
	b = test_megaflow(&key, &mask, NULL);
	mask.ip_proto = 0xff;
	c = test_megaflow(&key, &mask, NULL);
	CU_ASSERT_EQUAL(swpath_cls_insert(&cls, a), 0);
	CU_ASSERT_EQUAL(swpath_cls_insert(&cls, b), -EEXIST);
	CU_ASSERT_EQUAL(swpath_cls_replace(&cls, a, c), -EINVAL);
	CU_ASSERT_EQUAL(swpath_cls_replace(&cls, b, a), -ENOENT);
	CU_ASSERT_EQUAL(swpath_cls_replace(&cls, a, b), 0);
	CU_ASSERT_PTR_EQUAL(swpath_cls_lookup(&cls, &key), b);
	CU_ASSERT_EQUAL(swpath_cls_remove(&cls, a), -ENOENT);
	CU_ASSERT_EQUAL(swpath_cls_remove(&cls, b), 0);
	hal_megaflow_unref(a);
	hal_megaflow_unref(b);
	hal_megaflow_unref(c);
	rcu_drain();
	swpath_cls_destroy(&cls);
}

/* Keys that agree under all masks have one signature; each mask is in the scope of its port. */
static void scopes(void)
{
	struct hal_megaflow *flows[40];
	struct swpath_cls cls;

	swpath_cls_init(&cls, SWPATH_CLS_SHARED);
	for (unsigned i = 0; i < 40; i++) {
		const struct swpath_scope *scope;
		struct hal_key key, mask, other;

		random_key(&key);
		key.in_port = i % 4;
		random_mask(&mask, i % MASKS);
		flows[i] = test_megaflow(&key, &mask, NULL);
		if (swpath_cls_insert(&cls, flows[i])) {
			hal_megaflow_unref(flows[i]);
			flows[i] = NULL;
			continue;
		}
		scope = swpath_cls_scope_whole(&cls, key.in_port, key.recirc_id != 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(scope);
		random_bytes(&other, sizeof(other));
		for (unsigned j = 0; j < HAL_KEY_WORDS; j++) {
			const uint64_t m = ((const uint64_t *)&mask)[j];
			bool seen = false;

			for (unsigned k = 0; k < scope->n; k++)
				if (scope->word[k] == j) {
					uint64_t *w = (uint64_t *)&other + j;

					seen = true;
					CU_ASSERT_EQUAL(m & ~scope->mask[k], 0);
					*w = (*w & ~scope->mask[k]) |
					     (((const uint64_t *)&key)[j] & scope->mask[k]);
				}
			CU_ASSERT(seen || !m);
		}
		CU_ASSERT_EQUAL(scope->parse, scope->n > 1);
		CU_ASSERT_EQUAL(swpath_scope_hash(scope, &key), swpath_scope_hash(scope, &other));
	}
	/* Masks leave the scope with their last megaflow. */
	for (unsigned i = 0; i < 40; i++) {
		if (!flows[i])
			continue;
		CU_ASSERT_EQUAL(swpath_cls_remove(&cls, flows[i]), 0);
		hal_megaflow_unref(flows[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_PTR_NULL(swpath_cls_scope_whole(&cls, i / 2, i % 2));
	rcu_drain();
	swpath_cls_destroy(&cls);
}

static void scope_narrows(void)
{
	struct hal_key key, mask = {.in_port = UINT32_MAX}, narrow = mask;
	struct hal_megaflow *wide, *deep;
	struct swpath_cls cls;

	swpath_cls_init(&cls, SWPATH_CLS_SHARED);
	random_key(&key);
	key.recirc_id = 0;
	narrow.tp_dst = UINT16_MAX;
	wide = test_megaflow(&key, &mask, NULL);
	deep = test_megaflow(&key, &narrow, NULL);
	CU_ASSERT_EQUAL(swpath_cls_insert(&cls, wide), 0);
	CU_ASSERT(!swpath_cls_scope_whole(&cls, key.in_port, false)->parse);
	CU_ASSERT_EQUAL(swpath_cls_insert(&cls, deep), 0);
	CU_ASSERT(swpath_cls_scope_whole(&cls, key.in_port, false)->parse);
	CU_ASSERT_EQUAL(swpath_cls_remove(&cls, deep), 0);
	CU_ASSERT(!swpath_cls_scope_whole(&cls, key.in_port, false)->parse);
	CU_ASSERT_EQUAL(swpath_cls_remove(&cls, wide), 0);
	hal_megaflow_unref(wide);
	hal_megaflow_unref(deep);
	rcu_drain();
	swpath_cls_destroy(&cls);
}

/* What a cache remembers is looked at only as long as it is in force. */
static void cache_of_what_is_good(void)
{
	struct hal_key key, mask;
	struct swpath_cache cache;
	struct hal_megaflow *mf;
	const uint32_t sig = 77;

	CU_ASSERT_EQUAL_FATAL(swpath_cache_init(&cache, 1), 0);
	random_key(&key);
	random_mask(&mask, 7);
	mf = test_megaflow(&key, &mask, NULL);
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key));
	swpath_cache_insert(&cache, sig, mf);
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key)); /* born to another worker */
	mf->maker = 1;
	CU_ASSERT_PTR_EQUAL(swpath_cache_lookup(&cache, sig, &key), mf);
	mf->maker = 0;
	mf->state = MEGAFLOW_LIVE;
	CU_ASSERT_PTR_EQUAL(swpath_cache_lookup(&cache, sig, &key), mf);

	key.ipv4_dst ^= 1; /* a wrong signature does no harm */
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key));
	key.ipv4_dst ^= 1;
	key.recirc_id ^= 1;
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key));
	key.recirc_id ^= 1;

	mf->state = MEGAFLOW_RETIRING;
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key));
	hal_megaflow_unref(mf);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 0);
	CU_ASSERT_PTR_NULL(swpath_cache_lookup(&cache, sig, &key)); /* freed: its memory stays */
	swpath_cache_destroy(&cache);
}

/* A full bucket gives up one entry in KEEP_BUSY_ONE_IN insertions; many flows make it grow. */
static void cache_overflows(void)
{
	static struct hal_megaflow *mf[60000];
	struct swpath_cache cache;
	struct hal_key key, mask;
	unsigned found = 0;

	CU_ASSERT_EQUAL_FATAL(swpath_cache_init(&cache, 0), 0);
	random_mask(&mask, 7);
	random_key(&key);
	for (unsigned i = 0; i < RTE_DIM(mf); i++) {
		key.ipv4_src = i;
		mf[i] = test_megaflow(&key, &mask, NULL);
		mf[i]->state = MEGAFLOW_LIVE;
	}
	for (unsigned i = 0; i < 40; i++)
		swpath_cache_insert(&cache, 5 + (i << 20), mf[i]); /* all into one bucket */
	for (unsigned i = 0; i < 40; i++)
		found += swpath_cache_peek(&cache, 5 + (i << 20)) == mf[i];
	CU_ASSERT_EQUAL(found, SWPATH_CACHE_WAYS);
	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < RTE_DIM(mf); i++)
			swpath_cache_insert(&cache, i * 2654435761u, mf[i]);
	CU_ASSERT(cache.mask >= RTE_DIM(mf) / SWPATH_CACHE_WAYS);
	found = 0;
	for (unsigned i = 0; i < RTE_DIM(mf); i++)
		found += swpath_cache_peek(&cache, i * 2654435761u) == mf[i];
	CU_ASSERT(found > RTE_DIM(mf) * 9 / 10);
	for (unsigned i = 0; i < RTE_DIM(mf); i++)
		hal_megaflow_unref(mf[i]);
	swpath_cache_destroy(&cache);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 0);
}

static void young_in_order(void)
{
	struct hal_megaflow *mf[3];
	struct hal_key key[3], mask;
	struct swpath_young y;

	CU_ASSERT_EQUAL(swpath_young_init(&y), 0);
	random_mask(&mask, 7);
	for (unsigned i = 0; i < 3; i++) {
		random_key(&key[i]);
		key[i].in_port = i;
		mf[i] = test_megaflow(&key[i], &mask, NULL);
		CU_ASSERT_EQUAL(swpath_young_add(&y, mf[i]), 0);
	}
	CU_ASSERT_PTR_EQUAL(swpath_cls_lookup(&y.cls, &key[1]), mf[1]);
	mf[1]->installed = true;
	swpath_young_settle(&y);
	CU_ASSERT_EQUAL(swpath_young_count(&y), 3);
	mf[0]->state = MEGAFLOW_DEAD;
	swpath_young_settle(&y);
	CU_ASSERT_EQUAL(swpath_young_count(&y), 1);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 1);
	CU_ASSERT_PTR_EQUAL(swpath_cls_lookup(&y.cls, &key[2]), mf[2]);
	swpath_young_destroy(&y);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 0);
	rcu_drain();
}

void suite_classifier(void)
{
	CU_pSuite s = CU_add_suite("classifier", NULL, NULL);

	CU_add_test(s, "against a list", against_list);
	CU_add_test(s, "every word counts", every_word_counts);
	CU_add_test(s, "replacing", replacing);
	CU_add_test(s, "scopes", scopes);
	CU_add_test(s, "a scope narrows", scope_narrows);
	CU_add_test(s, "cache of what is good", cache_of_what_is_good);
	CU_add_test(s, "cache overflows", cache_overflows);
	CU_add_test(s, "young in order", young_in_order);
}
