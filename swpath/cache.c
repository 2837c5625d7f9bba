/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/cache.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "swpath/classifier.h"

#define KEEP_BUSY_ONE_IN 8 /* a full bucket takes one newcomer in so many */

/* Address space for the largest size: memory is only what was touched. */
int swpath_cache_init(struct swpath_cache *cache, unsigned worker)
{
	const size_t size = SWPATH_CACHE_MAX * sizeof(cache->bucket[0]);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	memset(cache, 0, sizeof(*cache));
	if (p == MAP_FAILED)
		return -ENOMEM;
	madvise(p, size, MADV_HUGEPAGE); /* where the kernel has them: fewer TLB misses */
	cache->bucket = p;
	cache->mask = SWPATH_CACHE_MIN - 1;
	cache->worker = worker;
	return 0;
}

void swpath_cache_destroy(struct swpath_cache *cache)
{
	if (cache->bucket)
		munmap(cache->bucket, SWPATH_CACHE_MAX * sizeof(cache->bucket[0]));
	cache->bucket = NULL;
}

struct hal_megaflow *swpath_cache_lookup(
	const struct swpath_cache *cache, uint32_t sig, const struct hal_key *key)
{
	const struct swpath_cache_bucket *b = swpath_cache_bucket(cache, sig);

	for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++) {
		struct hal_megaflow *mf = b->mf[i];

		if (b->sig[i] == sig && mf && swpath_cache_good(cache, mf) &&
			swpath_covers(mf, key))
			return mf;
	}
	return NULL;
}

/* Entries whose place is another one in the larger table are found by the classifier once more. */
static void grow_under_pressure(struct swpath_cache *cache)
{
	if (++cache->pressure <= cache->mask / 4 || cache->mask == SWPATH_CACHE_MAX - 1)
		return;
	cache->pressure = 0;
	cache->mask = cache->mask * 2 + 1;
}

void swpath_cache_insert(struct swpath_cache *cache, uint32_t sig, struct hal_megaflow *mf)
{
	struct swpath_cache_bucket *b = swpath_cache_bucket(cache, sig);
	int way = -1;

	for (unsigned i = 0; i < SWPATH_CACHE_WAYS; i++) {
		if (b->sig[i] == sig && b->mf[i]) {
			way = (int)i; /* one signature has one place */
			break;
		}
		if (!b->mf[i] || !swpath_cache_good(cache, b->mf[i]))
			way = (int)i;
	}
	if (way < 0) {
		grow_under_pressure(cache);
		if (++cache->inserts % KEEP_BUSY_ONE_IN)
			return;
		way = (int)(cache->inserts / KEEP_BUSY_ONE_IN % SWPATH_CACHE_WAYS);
	}
	b->mf[way] = mf;
	b->sig[way] = sig;
}
