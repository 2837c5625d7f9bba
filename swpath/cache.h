/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's cache of megaflows, before the classifier.
 *
 * What: a 4-way table from a signature of the whole key to a megaflow. No keys are kept: that the
 * megaflow covers the packet is checked by its own match, which also makes a wrong signature
 * harmless.
 *
 * References: the cache holds one for each entry, so that an entry can be looked at any time.
 * Megaflows that are retired are let go by swpath_cache_purge(), which the worker calls whenever
 * some were. What an insertion pushes out is let go only by swpath_cache_settle(), between bursts:
 * packets of the burst at hand may still have to run its program.
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

#define SWPATH_CACHE_WAYS 4
#define SWPATH_CACHE_BUCKETS 2048 /* a power of two */
#define SWPATH_CACHE_EVICTED 64   /* entries a burst can push out */

struct swpath_cache_bucket {
	uint32_t sig[SWPATH_CACHE_WAYS];
	struct hal_megaflow *mf[SWPATH_CACHE_WAYS];
} __attribute__((aligned(64)));

struct swpath_cache {
	struct swpath_cache_bucket bucket[SWPATH_CACHE_BUCKETS];
	uint32_t inserts;
	uint32_t n_evicted;
	struct hal_megaflow *evicted[SWPATH_CACHE_EVICTED];
};

/* Signature of the hot part of a key, without TCP flags, which change within a connection. */
uint32_t swpath_cache_signature(const struct hal_key *key);

static inline void swpath_cache_prefetch(const struct swpath_cache *cache, uint32_t sig)
{
	rte_prefetch0(&cache->bucket[sig & (SWPATH_CACHE_BUCKETS - 1)]);
}

/* A usable megaflow that covers the key, or NULL. */
struct hal_megaflow *swpath_cache_lookup(
	const struct swpath_cache *cache, uint32_t sig, const struct hal_key *key);

/* Remembers what the classifier found; takes a reference. A full bucket of live entries gives one
 * up only now and then, so that many short flows do not drive out the busy ones. */
void swpath_cache_insert(struct swpath_cache *cache, uint32_t sig, struct hal_megaflow *mf);

/* Lets go of what was pushed out since the last call. */
void swpath_cache_settle(struct swpath_cache *cache);

/* Lets go of entries of buckets `from` to `from + n - 1`: of unusable megaflows, or of all. */
void swpath_cache_purge(struct swpath_cache *cache, uint32_t from, uint32_t n, bool all);

#endif
