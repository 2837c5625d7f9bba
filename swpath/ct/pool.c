/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of connections: chunks, a list of free ones, and limbo.
 *
 * The list of free connections is a stack with a tag beside its head, so that a head that was taken
 * and given back in between is not taken for the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/base/rcu.h"
#include "hal/base/stable.h"
#include "swpath/ct/ct.h"

#define CHUNKS_MAX ((uint32_t)(CONNTRACK_MAX_CONNS_LIMIT / 8 * 9 / CT_CHUNK + 2))
#define AHEAD_MIN 16384u /* connections made ahead of need */
#define AHEAD_MAX 262144u
#define SPARE_MIN 16384u /* beyond the maximum: for those that wait in limbo */

struct batch {
	struct ct_pool *pool;
	uint32_t first;
};

struct ct_conn *ct_pool_get(const struct ct_pool *pool, uint32_t index)
{
	struct ct_conn *chunk =
		atomic_load_explicit(&pool->chunk[index / CT_CHUNK], memory_order_acquire);

	return &chunk[index % CT_CHUNK];
}

static int grow(struct ct_pool *pool)
{
	uint32_t made = atomic_load_explicit(&pool->made, memory_order_relaxed);
	struct ct_conn *chunk;

	if (made / CT_CHUNK >= CHUNKS_MAX)
		return -ENOSPC;
	chunk = stable_alloc(STABLE_CONNECTION, CT_CHUNK_BYTES);
	if (!chunk)
		return -ENOMEM;
	memset(chunk, 0, CT_CHUNK_BYTES); /* the pages are there before a worker needs them */
	for (uint32_t i = 0; i < CT_CHUNK; i++)
		chunk[i].index = made + i;
	atomic_store_explicit(&pool->chunk[made / CT_CHUNK], chunk, memory_order_release);
	atomic_store_explicit(&pool->made, made + CT_CHUNK, memory_order_release);
	return 0;
}

static void grow_ahead(struct ct_pool *pool)
{
	uint32_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
	uint32_t ahead = RTE_MIN(RTE_MAX(taken, AHEAD_MIN), AHEAD_MAX);
	uint32_t want = RTE_MIN(taken + ahead, pool->max);

	while (atomic_load_explicit(&pool->made, memory_order_relaxed) < want)
		if (grow(pool))
			return;
}

void ct_pool_set_max(struct ct_pool *pool, uint32_t max_conns)
{
	uint32_t max = max_conns + RTE_MAX(max_conns / 8, SPARE_MIN);

	pool->max = RTE_MIN(max, CHUNKS_MAX * CT_CHUNK);
}

int ct_pool_init(struct ct_pool *pool)
{
	pool->chunk = calloc(CHUNKS_MAX, sizeof(pool->chunk[0]));
	if (!pool->chunk)
		return -ENOMEM;
	grow_ahead(pool);
	return atomic_load(&pool->made) ? 0 : -ENOMEM;
}

void ct_pool_destroy(struct ct_pool *pool)
{
	for (uint32_t i = 0; i < pool->made / CT_CHUNK; i++)
		stable_free(STABLE_CONNECTION, atomic_load(&pool->chunk[i]), CT_CHUNK_BYTES);
	free((void *)pool->chunk);
	pool->chunk = NULL;
}

static uint64_t head_of(uint64_t old, uint32_t first)
{
	return ((old >> 32) + 1) << 32 | first;
}

static struct ct_conn *pop(struct ct_pool *pool)
{
	uint64_t head = atomic_load_explicit(&pool->free, memory_order_acquire);
	struct ct_conn *c;
	uint32_t next;

	do {
		if (!(uint32_t)head)
			return NULL;
		c = ct_pool_get(pool, (uint32_t)head - 1);
		next = atomic_load_explicit(&c->next_free, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&pool->free, &head, head_of(head, next),
		memory_order_acquire, memory_order_acquire));
	return c;
}

/* Puts a chain of connections, from index + 1 `first` to `last`, back. */
static void push(struct ct_pool *pool, uint32_t first, struct ct_conn *last)
{
	uint64_t head = atomic_load_explicit(&pool->free, memory_order_relaxed);

	do {
		atomic_store_explicit(&last->next_free, (uint32_t)head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&pool->free, &head, head_of(head, first),
		memory_order_release, memory_order_relaxed));
}

static struct ct_conn *take_fresh(struct ct_pool *pool)
{
	uint32_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);

	do {
		if (taken >= atomic_load_explicit(&pool->made, memory_order_acquire))
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(
		&pool->taken, &taken, taken + 1, memory_order_relaxed, memory_order_relaxed));
	return ct_pool_get(pool, taken);
}

struct ct_conn *ct_pool_take(struct ct_pool *pool)
{
	struct ct_conn *c = pop(pool);

	if (!c)
		c = take_fresh(pool);
	if (!c)
		return NULL;
	/* But for the flags, at which the control thread looks any time. */
	memset(c, 0, offsetof(struct ct_conn, flags));
	memset(&c->label, 0, offsetof(struct ct_conn, index) - offsetof(struct ct_conn, label));
	c->list = CT_LISTS;
	atomic_fetch_add_explicit(&c->generation, 1, memory_order_relaxed);
	return c;
}

void ct_pool_untake(struct ct_pool *pool, struct ct_conn *c)
{
	push(pool, c->index + 1, c);
}

void ct_pool_give(struct ct_pool *pool, struct ct_conn *c)
{
	uint32_t head = atomic_load_explicit(&pool->limbo, memory_order_relaxed);

	do {
		atomic_store_explicit(&c->next_free, head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&pool->limbo, &head, c->index + 1, memory_order_release, memory_order_relaxed));
}

/* A grace period has passed. */
static void recycle(void *arg)
{
	struct batch *b = arg;
	struct ct_conn *c = ct_pool_get(b->pool, b->first - 1);
	uint32_t next;

	atomic_store_explicit(&c->flags, 0, memory_order_relaxed);
	while ((next = atomic_load_explicit(&c->next_free, memory_order_relaxed))) {
		c = ct_pool_get(b->pool, next - 1);
		atomic_store_explicit(&c->flags, 0, memory_order_relaxed);
	}
	push(b->pool, b->first, c);
	free(b);
}

void ct_pool_tick(struct ct_pool *pool)
{
	struct batch *b;

	grow_ahead(pool);
	if (!atomic_load_explicit(&pool->limbo, memory_order_relaxed))
		return;
	b = malloc(sizeof(*b));
	if (!b)
		return;
	b->pool = pool;
	b->first = atomic_exchange_explicit(&pool->limbo, 0, memory_order_acquire);
	rcu_defer(recycle, b);
}
