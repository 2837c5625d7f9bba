/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/recirc.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_random.h>
#include <rte_ring.h>

#include "hal/base/rcu.h"

#define BUCKETS (1u << 17)
#define SLOT(ID) ((ID) & (RECIRC_MAX - 1))
#define ID_MASK ((1u << RECIRC_ID_BITS) - 1)

struct recirc_ids {
	unsigned max;
	uint32_t first_slot;       /* slots are used from here on, round once */
	uint32_t first_generation; /* of this run: ids of a former one are not to be met again */
	_Atomic uint32_t fresh;    /* slots that have been used at least once */
	_Atomic uint32_t count;    /* ids in use */
	struct rte_ring *again;    /* slots that were given back, oldest first */
	struct pl_recirc *linger;  /* control thread */
	uint32_t generation[RECIRC_MAX]; /* ids that the slot has had; written by its holder */
	_Atomic(struct pl_recirc *) slots[RECIRC_MAX];
	_Atomic(struct pl_recirc *) buckets[BUCKETS];
};

struct recirc_ids *recirc_open(unsigned max)
{
	/* Memory that is never touched costs nothing. */
	struct recirc_ids *ids = calloc(1, sizeof(*ids));
	ssize_t size = rte_ring_get_memsize(RECIRC_MAX * 2);

	if (!ids || size < 0)
		goto free_ids;
	ids->again = aligned_alloc(64, ((size_t)size + 63) & ~63ul);
	if (!ids->again)
		goto free_ids;
	if (rte_ring_init(ids->again, "recirc", RECIRC_MAX * 2, RING_F_SP_ENQ))
		goto free_ring;
	ids->max = max;
	ids->first_slot = (uint32_t)rte_rand_max(RECIRC_MAX);
	ids->first_generation = (uint32_t)rte_rand();
	return ids;

free_ring:
	free(ids->again);
free_ids:
	free(ids);
	return NULL;
}

void recirc_close(struct recirc_ids *ids)
{
	if (!ids)
		return;
	free(ids->again);
	free(ids);
}

unsigned recirc_count(const struct recirc_ids *ids)
{
	return atomic_load_explicit(&ids->count, memory_order_relaxed);
}

/* ---- references ---- */

void recirc_ref(struct pl_recirc *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
}

/* An id whose last reference is gone never comes back. */
static bool try_ref(struct pl_recirc *r)
{
	uint32_t refs = atomic_load_explicit(&r->refs, memory_order_relaxed);

	while (refs)
		if (atomic_compare_exchange_weak(&r->refs, &refs, refs + 1))
			return true;
	return false;
}

/* Takes it out of its hash chain. Others only add, at the front. */
static void unchain(struct pl_recirc *r)
{
	_Atomic(struct pl_recirc *) *link = &r->ids->buckets[r->hash % BUCKETS];
	struct pl_recirc *first = r, *next = atomic_load(&r->next);

	if (atomic_compare_exchange_strong(link, &first, next))
		return;
	while (atomic_load(link) != r)
		link = &atomic_load(link)->next;
	atomic_store(link, next);
}

/* Nobody can come upon it any more. */
static void bury(void *arg)
{
	struct pl_recirc *r = arg;
	struct recirc_ids *ids = r->ids;

	/* The ring has room for every slot. */
	rte_ring_sp_enqueue(ids->again, (void *)(uintptr_t)(SLOT(r->id) + 1));
	atomic_fetch_sub_explicit(&ids->count, 1, memory_order_relaxed);
	frozen_clear(&r->state);
	free(r);
}

static void take_out(void *arg)
{
	struct pl_recirc *r = arg;

	unchain(r);
	atomic_store_explicit(&r->ids->slots[SLOT(r->id)], NULL, memory_order_release);
	rcu_defer(bury, r);
}

void recirc_unref(struct pl_recirc *r)
{
	if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
		rcu_defer(take_out, r);
}

/* ---- making and finding ---- */

static int slot_take(struct recirc_ids *ids, uint32_t *slot)
{
	void *given;

	if (atomic_fetch_add_explicit(&ids->count, 1, memory_order_relaxed) >= ids->max)
		goto full;
	if (atomic_load_explicit(&ids->fresh, memory_order_relaxed) < RECIRC_MAX) {
		uint32_t n = atomic_fetch_add(&ids->fresh, 1);

		if (n < RECIRC_MAX) {
			*slot = SLOT(ids->first_slot + n);
			return 0;
		}
		atomic_store(&ids->fresh, RECIRC_MAX);
	}
	if (rte_ring_mc_dequeue(ids->again, &given))
		goto full;
	*slot = (uint32_t)(uintptr_t)given - 1;
	return 0;

full:
	atomic_fetch_sub_explicit(&ids->count, 1, memory_order_relaxed);
	return -ENOSPC;
}

static uint32_t slot_id(struct recirc_ids *ids, uint32_t slot)
{
	uint32_t id;

	do
		id = ((ids->first_generation + ids->generation[slot]++) << RECIRC_SLOT_BITS |
			     slot) &
		     ID_MASK;
	while (!id || id == ID_MASK);
	return id;
}

/* Between `from` and `end` of a hash chain. */
static struct pl_recirc *find_equal(struct pl_recirc *from, const struct pl_recirc *end,
	const struct pl_frozen *state, uint32_t hash)
{
	for (struct pl_recirc *r = from; r != end && r;
		r = atomic_load_explicit(&r->next, memory_order_acquire))
		if (r->hash == hash && frozen_equal(&r->state, state) && try_ref(r))
			return r;
	return NULL;
}

static struct pl_recirc *make(struct recirc_ids *ids, struct pl_frozen *state, int *error)
{
	struct pl_recirc *r = calloc(1, sizeof(*r));
	uint32_t slot;

	*error = r ? slot_take(ids, &slot) : -ENOMEM;
	if (*error) {
		free(r);
		return NULL;
	}
	r->id = slot_id(ids, slot);
	r->ids = ids;
	atomic_store(&r->refs, 1);
	r->state = *state;
	return r;
}

struct pl_recirc *recirc_get(struct recirc_ids *ids, struct pl_frozen *state, int *error)
{
	uint32_t hash = frozen_hash(state);
	_Atomic(struct pl_recirc *) *bucket = &ids->buckets[hash % BUCKETS];
	struct pl_recirc *head = atomic_load(bucket), *seen = NULL, *r, *same;

	same = find_equal(head, NULL, state, hash);
	if (same) {
		frozen_clear(state);
		return same;
	}
	r = make(ids, state, error);
	if (!r) {
		frozen_clear(state);
		return NULL;
	}
	r->hash = hash;
	atomic_store(&r->next, head);
	atomic_store_explicit(&ids->slots[SLOT(r->id)], r, memory_order_release);
	while (!atomic_compare_exchange_weak(bucket, &head, r)) {
		/* Somebody else was faster, perhaps with the same. */
		same = find_equal(head, seen, state, hash);
		if (same)
			break;
		seen = head;
		atomic_store(&r->next, head);
	}
	if (!same)
		return r;
	/* Nobody has seen ours. */
	atomic_store_explicit(&ids->slots[SLOT(r->id)], NULL, memory_order_release);
	rcu_defer(bury, r);
	return same;
}

struct pl_recirc *recirc_find(struct recirc_ids *ids, uint32_t id)
{
	struct pl_recirc *r = atomic_load_explicit(&ids->slots[SLOT(id)], memory_order_acquire);

	return r && r->id == id && try_ref(r) ? r : NULL;
}

/* ---- lingering ---- */

void recirc_linger(struct pl_recirc *r, uint64_t until_ms)
{
	if (!r->linger_until_ms) {
		recirc_ref(r);
		r->lingering_next = r->ids->linger;
		r->ids->linger = r;
	}
	if (until_ms > r->linger_until_ms)
		r->linger_until_ms = until_ms;
}

void recirc_sweep(struct recirc_ids *ids, uint64_t now_ms)
{
	struct pl_recirc **link = &ids->linger, *r;

	while ((r = *link)) {
		if (r->linger_until_ms > now_ms) {
			link = &r->lingering_next;
			continue;
		}
		*link = r->lingering_next;
		r->linger_until_ms = 0;
		recirc_unref(r);
	}
}
