/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/base/stable.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#define GRAIN 128u            /* bytes; block sizes up to GRAINS of it are multiples */
#define GRAINS 16u            /* above, powers of two */
#define SIZES (GRAINS + 12u)  /* up to 8 MB */
#define CHUNK_MIN (64u << 10) /* bytes of a size's first chunk */
#define CHUNK_MAX (2u << 20)  /* and, doubling, at most so many: a huge page */

struct link {
	struct link *next;
};

struct pool {
	pthread_mutex_t lock;
	struct link *free;
	uint8_t *next; /* of the last chunk: not used so far */
	size_t left, chunk;
};

static struct pool pools[STABLE_TYPES][SIZES] = {
	[0 ... STABLE_TYPES - 1] = {
		[0 ... SIZES - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER, .chunk = CHUNK_MIN}}};

static unsigned size_class(size_t size)
{
	unsigned n = (unsigned)((size + GRAIN - 1) / GRAIN), class = GRAINS;

	if (n <= GRAINS)
		return n ? n - 1 : 0;
	while ((size_t)GRAIN * GRAINS << (class - GRAINS + 1) < size)
		class ++;
	return class;
}

static size_t class_size(unsigned class)
{
	return class < GRAINS ? (size_t)GRAIN * (class + 1)
			      : (size_t)GRAIN * GRAINS << (class - GRAINS + 1);
}

/* Chunks of a whole huge page lie so that they can be one. */
static uint8_t *chunk_map(size_t size)
{
	size_t extra = size >= CHUNK_MAX ? CHUNK_MAX : 0, before;
	uint8_t *p = mmap(
		NULL, size + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (!extra)
		return p;
	before = (CHUNK_MAX - (uintptr_t)p % CHUNK_MAX) % CHUNK_MAX;
	if (before)
		munmap(p, before);
	if (extra - before)
		munmap(p + before + size, extra - before);
	madvise(p + before, size, MADV_HUGEPAGE);
	return p + before;
}

static void *cut(struct pool *pool, size_t size)
{
	uint8_t *block;

	if (pool->left < size) {
		size_t chunk = pool->chunk < size ? size : pool->chunk;

		pool->next = chunk_map(chunk);
		pool->left = pool->next ? chunk : 0;
		if (!pool->next)
			return NULL;
		if (pool->chunk < CHUNK_MAX)
			pool->chunk *= 2;
	}
	block = pool->next;
	pool->next += size;
	pool->left -= size;
	return block;
}

void *stable_alloc(enum stable_type type, size_t size)
{
	unsigned class = size_class(size);
	struct pool *pool;
	void *block;

	if (class >= SIZES)
		return NULL;
	pool = &pools[type][class];
	pthread_mutex_lock(&pool->lock);
	block = pool->free;
	if (block)
		pool->free = pool->free->next;
	else
		block = cut(pool, class_size(class));
	pthread_mutex_unlock(&pool->lock);
	return block;
}

void stable_free(enum stable_type type, void *block, size_t size)
{
	struct pool *pool = &pools[type][size_class(size)];
	struct link *link = block;

	pthread_mutex_lock(&pool->lock);
	link->next = pool->free;
	pool->free = link;
	pthread_mutex_unlock(&pool->lock);
}
