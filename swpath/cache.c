/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/cache.h"

#include <string.h>

#include <rte_common.h>
#include <rte_hash_crc.h>

#include "hal/mutation.h"
#include "swpath/classifier.h"

#define HOT_WORDS 16       /* two cache lines */
#define TRANSPORT_WORD 7   /* ports, tcp_flags, arp_op */
#define KEEP_BUSY_ONE_IN 8 /* a full bucket takes one newcomer in so many */

_Static_assert(offsetof(struct hal_key, tp_src) == TRANSPORT_WORD * 8, "word of tcp_flags");
_Static_assert(offsetof(struct hal_key, nd_target) == HOT_WORDS * 8, "the hot part");

uint32_t swpath_cache_signature(const struct hal_key *key)
{
	const uint64_t *k = (const uint64_t *)key;
	uint64_t flags = 0;
	uint32_t a = 1, b = 2, c = 3, d = 4;

	memcpy((uint8_t *)&flags + 4, (uint8_t[]){0xff, 0xff}, 2);
	/* Four independent chains: one CRC step waits for the one before it. */
	for (unsigned i = 0; i < HOT_WORDS; i += 4) {
		a = rte_hash_crc_8byte(k[i], a);
		b = rte_hash_crc_8byte(k[i + 1], b);
		c = rte_hash_crc_8byte(k[i + 2], c);
		d = rte_hash_crc_8byte(i + 3 == TRANSPORT_WORD ? k[i + 3] & ~flags : k[i + 3], d);
	}
	return rte_hash_crc_8byte((uint64_t)a << 32 | b, c) ^ rte_hash_crc_4byte(d, c);
}

static struct swpath_cache_bucket *bucket_of(const struct swpath_cache *cache, uint32_t sig)
{
	return (struct swpath_cache_bucket *)&cache->bucket[sig & (SWPATH_CACHE_BUCKETS - 1)];
}

struct hal_megaflow *swpath_cache_lookup(
	const struct swpath_cache *cache, uint32_t sig, const struct hal_key *key)
{
	const struct swpath_cache_bucket *b = bucket_of(cache, sig);

	for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++) {
		struct hal_megaflow *mf = b->mf[i];

		if (b->sig[i] == sig && mf && MUTATE(102, hal_megaflow_usable(mf), true) &&
			swpath_covers(mf, key))
			return mf;
	}
	return NULL;
}

void swpath_cache_insert(struct swpath_cache *cache, uint32_t sig, struct hal_megaflow *mf)
{
	struct swpath_cache_bucket *b = bucket_of(cache, sig);
	int free_way = -1, way;

	for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++) {
		if (b->mf[i] == mf && b->sig[i] == sig)
			return;
		if (!b->mf[i] || !hal_megaflow_usable(b->mf[i]))
			free_way = (int)i;
	}
	way = free_way;
	if (way < 0) {
		if (++cache->inserts % KEEP_BUSY_ONE_IN)
			return;
		way = (int)(cache->inserts / KEEP_BUSY_ONE_IN % SWPATH_CACHE_WAYS);
	}
	if (b->mf[way]) {
		if (cache->n_evicted == SWPATH_CACHE_EVICTED)
			return;
		cache->evicted[cache->n_evicted++] = b->mf[way];
	}
	hal_megaflow_ref(mf);
	b->mf[way] = mf;
	b->sig[way] = sig;
}

void swpath_cache_settle(struct swpath_cache *cache)
{
	while (cache->n_evicted)
		hal_megaflow_unref(cache->evicted[--cache->n_evicted]);
}

void swpath_cache_purge(struct swpath_cache *cache, uint32_t from, uint32_t n, bool all)
{
	uint32_t end = RTE_MIN(from + n, (uint32_t)SWPATH_CACHE_BUCKETS);

	for (; from < end; from++) {
		struct swpath_cache_bucket *b = &cache->bucket[from];

		for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++) {
			if (!b->mf[i] || (!all && hal_megaflow_usable(b->mf[i])))
				continue;
			hal_megaflow_unref(b->mf[i]);
			b->mf[i] = NULL;
		}
	}
}
