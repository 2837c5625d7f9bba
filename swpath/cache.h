/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's cache of megaflows, before the classifier.
 *
 * What: a 4-way table from a signature (swpath_scope_hash() of the key) to a megaflow. No keys are
 * kept: that the megaflow covers the packet is checked by its own match, which also makes a wrong
 * signature harmless.
 *
 * References: the cache holds none and need not be told when megaflows go. Their memory is
 * type-stable (hal/megaflow.h), so an entry can always be looked at; swpath_cache_good() says
 * whether what is there now may be used. What it says holds for the burst at hand.
 *
 * Size: it starts small and doubles while live entries push each other out, so that a few flows
 * stay in the fast levels of memory and very many are still found.
 *
 * Thread-safety: each worker has its own.
 */
#ifndef SLUICE_SWPATH_CACHE_H
#define SLUICE_SWPATH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_prefetch.h>

#include "hal/key.h"
#include "hal/megaflow.h"
#include "hal/mutation.h"

#define SWPATH_CACHE_WAYS 4
#define SWPATH_CACHE_MIN (1u << 11) /* buckets */
#define SWPATH_CACHE_MAX (1u << 19)

struct swpath_cache_bucket {
	uint32_t sig[SWPATH_CACHE_WAYS];
	struct hal_megaflow *mf[SWPATH_CACHE_WAYS];
} __attribute__((aligned(64)));

struct swpath_cache {
	struct swpath_cache_bucket *bucket; /* room for SWPATH_CACHE_MAX of them */
	uint32_t mask;                      /* buckets in use - 1 */
	uint32_t inserts;
	uint32_t pressure; /* insertions that found a full bucket, since it last grew */
	unsigned worker;   /* whose it is */
};

int swpath_cache_init(struct swpath_cache *cache, unsigned worker); /* 0 or -ENOMEM */
void swpath_cache_destroy(struct swpath_cache *cache);

static inline struct swpath_cache_bucket *swpath_cache_bucket(
	const struct swpath_cache *cache, uint32_t sig)
{
	return &cache->bucket[sig & cache->mask];
}

static inline void swpath_cache_prefetch(const struct swpath_cache *cache, uint32_t sig)
{
	rte_prefetch0(swpath_cache_bucket(cache, sig));
}

/* The entry with this signature, or NULL; what is in it is to be checked. */
static inline struct hal_megaflow *swpath_cache_peek(const struct swpath_cache *cache, uint32_t sig)
{
	const struct swpath_cache_bucket *b = swpath_cache_bucket(cache, sig);

	for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++)
		if (b->sig[i] == sig && b->mf[i])
			return b->mf[i];
	return NULL;
}

/* True for a megaflow in force: one that is live, or that this worker made and found good. A
 * megaflow of another worker that was just born may yet turn out to be outdated. */
static inline bool swpath_cache_good(
	const struct swpath_cache *cache, const struct hal_megaflow *mf)
{
	uint32_t state = atomic_load_explicit(&mf->state, memory_order_acquire);

	return MUTATE(102,
		state == MEGAFLOW_LIVE || (state == MEGAFLOW_BORN && mf->maker == cache->worker),
		state != MEGAFLOW_DEAD);
}

/* A good megaflow that covers the key, or NULL. */
struct hal_megaflow *swpath_cache_lookup(
	const struct swpath_cache *cache, uint32_t sig, const struct hal_key *key);

/* Remembers what the classifier found. A full bucket of live entries gives one up only now and
 * then, so that many short flows do not drive out the busy ones. */
void swpath_cache_insert(struct swpath_cache *cache, uint32_t sig, struct hal_megaflow *mf);

#endif
