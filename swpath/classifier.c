/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/hmap.h"
#include "hal/base/rcu.h"
#include "hal/mutation.h"

struct subtable {
	struct hmap flows;
	_Atomic uint32_t hits; /* since the last sort; racing readers may lose one */
	uint32_t sorted_hits;  /* the writer's copy while it sorts */
	struct hal_cmatch *mask;
};

struct swpath_subtables {
	unsigned n;
	struct subtable *t[];
};

static struct hmap_node *node_of(const struct swpath_cls *cls, struct hal_megaflow *mf)
{
	return (struct hmap_node *)(void *)((char *)mf + cls->node_at);
}

static struct hal_megaflow *flow_of(const struct swpath_cls *cls, struct hmap_node *node)
{
	return node ? (struct hal_megaflow *)(void *)((char *)node - cls->node_at) : NULL;
}

#ifdef SLUICE_MUTATIONS
/* The seeded fault: the last word of the mask is forgotten. */
static bool covers_but_last(const struct hal_megaflow *mf, const struct hal_key *key)
{
	const struct hal_cmatch *cm = mf->match;
	const uint64_t *k = (const uint64_t *)key;
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, cm->map) {
		if (j + 1 < cm->n && (k[i] & cm->w[j]) != cm->w[cm->n + j])
			return false;
		j++;
	}
	return rte_cpu_to_be_32(mf->chain) == key->recirc_id;
}

static uint32_t hash_but_last(const struct hal_cmatch *cm, const void *key)
{
	const uint64_t *k = key;
	unsigned i, j = 0;
	uint32_t hash = 0;

	WORDS_FOR_EACH (i, cm->map) {
		if (j + 1 < cm->n)
			hash = hash_mix((k ? k[i] & cm->w[j] : cm->w[cm->n + j]) ^ hash);
		j++;
	}
	return hash;
}
#endif

/* The chain is part of the key even where the match leaves it out. */
static uint32_t hash_with_chain(uint32_t hash, rte_be32_t chain)
{
	return chain ? hash_mix((uint64_t)chain << 32 | hash) : hash;
}

static uint32_t flow_hash(const struct hal_megaflow *mf)
{
	uint32_t hash =
		MUTATE(101, hal_cmatch_value_hash(mf->match), hash_but_last(mf->match, NULL));

	return hash_with_chain(hash, rte_cpu_to_be_32(mf->chain));
}

static struct swpath_subtables *tables_get(const struct swpath_cls *cls)
{
	return atomic_load_explicit(&cls->tables, memory_order_acquire);
}

void swpath_cls_init(struct swpath_cls *cls, size_t node_at)
{
	atomic_init(&cls->tables, NULL);
	cls->node_at = node_at;
	atomic_init(&cls->n_masks, 0);
	atomic_init(&cls->n_flows, 0);
}

static void subtable_free(void *arg)
{
	struct subtable *t = arg;

	hmap_destroy(&t->flows);
	free(t->mask);
	free(t);
}

void swpath_cls_destroy(struct swpath_cls *cls)
{
	struct swpath_subtables *tables = tables_get(cls);

	for (unsigned i = 0; tables && i < tables->n; i++)
		subtable_free(tables->t[i]);
	free(tables);
	swpath_cls_init(cls, cls->node_at);
}

static struct swpath_subtables *tables_new(unsigned n)
{
	struct swpath_subtables *tables;

	tables = malloc(sizeof(*tables) + n * sizeof(tables->t[0]));
	if (tables)
		tables->n = n;
	return tables;
}

static void tables_publish(struct swpath_cls *cls, struct swpath_subtables *tables)
{
	struct swpath_subtables *old = tables_get(cls);

	atomic_store_explicit(&cls->tables, tables, memory_order_release);
	atomic_store_explicit(&cls->n_masks, tables ? tables->n : 0, memory_order_relaxed);
	if (old)
		rcu_defer(free, old);
}

static struct subtable *subtable_find(const struct swpath_cls *cls, const struct hal_cmatch *match)
{
	struct swpath_subtables *tables = tables_get(cls);

	for (unsigned i = 0; tables && i < tables->n; i++)
		if (hal_cmatch_same_mask(tables->t[i]->mask, match))
			return tables->t[i];
	return NULL;
}

static struct subtable *subtable_add(struct swpath_cls *cls, const struct hal_cmatch *match)
{
	struct swpath_subtables *old = tables_get(cls), *tables;
	size_t size = sizeof(*match) + 2 * match->n * sizeof(match->w[0]);
	unsigned n = old ? old->n : 0;
	struct subtable *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	hmap_init(&t->flows);
	t->mask = malloc(size);
	if (!t->mask)
		goto free_subtable;
	memcpy(t->mask, match, size);
	tables = tables_new(n + 1);
	if (!tables)
		goto free_subtable;
	if (n)
		memcpy(tables->t, old->t, n * sizeof(old->t[0]));
	tables->t[n] = t;
	tables_publish(cls, tables);
	return t;

free_subtable:
	subtable_free(t);
	return NULL;
}

/* Takes an empty subtable out; it stays, harmless, if memory for the shorter list is lacking. */
static void subtable_drop(struct swpath_cls *cls, struct subtable *t)
{
	struct swpath_subtables *old = tables_get(cls), *tables = NULL;

	if (old->n > 1) {
		unsigned n = 0;

		tables = tables_new(old->n - 1);
		if (!tables)
			return;
		for (unsigned i = 0; i < old->n; i++)
			if (old->t[i] != t)
				tables->t[n++] = old->t[i];
	}
	tables_publish(cls, tables);
	rcu_defer(subtable_free, t);
}

/* A megaflow of the same match and chain that is still good. */
static bool has_equal(const struct swpath_cls *cls, const struct subtable *t,
	const struct hal_megaflow *mf, uint32_t hash)
{
	struct hmap_cursor c;

	for (struct hmap_node *node = hmap_first_hash(&t->flows, hash, &c); node;
		node = hmap_next_hash(&c)) {
		const struct hal_megaflow *other = flow_of(cls, node);

		if (other->chain == mf->chain && hal_cmatch_equal(other->match, mf->match) &&
			hal_megaflow_usable(other))
			return true;
	}
	return false;
}

static bool is_in(const struct swpath_cls *cls, const struct subtable *t, struct hal_megaflow *mf)
{
	struct hmap_cursor c;
	struct hmap_node *node;

	for (node = hmap_first_hash(&t->flows, flow_hash(mf), &c); node; node = hmap_next_hash(&c))
		if (flow_of(cls, node) == mf)
			return true;
	return false;
}

int swpath_cls_insert(struct swpath_cls *cls, struct hal_megaflow *mf)
{
	struct subtable *t = subtable_find(cls, mf->match);
	uint32_t hash = flow_hash(mf);
	int err;

	if (t && has_equal(cls, t, mf, hash))
		return -EEXIST;
	if (!t)
		t = subtable_add(cls, mf->match);
	if (!t)
		return -ENOMEM;
	err = hmap_insert(&t->flows, node_of(cls, mf), hash);
	if (err) {
		if (!hmap_count(&t->flows))
			subtable_drop(cls, t);
		return err;
	}
	atomic_fetch_add_explicit(&cls->n_flows, 1, memory_order_relaxed);
	return 0;
}

int swpath_cls_remove(struct swpath_cls *cls, struct hal_megaflow *mf)
{
	struct subtable *t = subtable_find(cls, mf->match);

	if (!t || !is_in(cls, t, mf))
		return -ENOENT;
	hmap_remove(&t->flows, node_of(cls, mf));
	atomic_fetch_sub_explicit(&cls->n_flows, 1, memory_order_relaxed);
	if (!hmap_count(&t->flows))
		subtable_drop(cls, t);
	return 0;
}

int swpath_cls_replace(struct swpath_cls *cls, struct hal_megaflow *from, struct hal_megaflow *to)
{
	struct subtable *t = subtable_find(cls, from->match);

	if (from->chain != to->chain || !hal_cmatch_equal(from->match, to->match))
		return -EINVAL;
	if (!t || !is_in(cls, t, from))
		return -ENOENT;
	hmap_replace(&t->flows, node_of(cls, from), node_of(cls, to));
	return 0;
}

struct hal_megaflow *swpath_cls_lookup(struct swpath_cls *cls, const struct hal_key *key)
{
	struct swpath_subtables *tables = tables_get(cls);

	for (unsigned i = 0; tables && i < tables->n; i++) {
		struct subtable *t = tables->t[i];
		struct hmap_cursor c;
		uint32_t hash;

		hash = MUTATE(101, hal_cmatch_key_hash(t->mask, key), hash_but_last(t->mask, key));
		hash = hash_with_chain(hash, key->recirc_id);
		for (struct hmap_node *node = hmap_first_hash(&t->flows, hash, &c); node;
			node = hmap_next_hash(&c)) {
			struct hal_megaflow *mf = flow_of(cls, node);

			if (!MUTATE(101, swpath_covers(mf, key), covers_but_last(mf, key)) ||
				!hal_megaflow_usable(mf))
				continue;
			atomic_store_explicit(&t->hits,
				atomic_load_explicit(&t->hits, memory_order_relaxed) + 1,
				memory_order_relaxed);
			return mf;
		}
	}
	return NULL;
}

static int by_hits(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a, *y = *(struct subtable *const *)b;

	return (x->sorted_hits < y->sorted_hits) - (x->sorted_hits > y->sorted_hits);
}

void swpath_cls_sort(struct swpath_cls *cls)
{
	struct swpath_subtables *old = tables_get(cls), *tables;
	bool sorted = true;

	if (!old || old->n < 2)
		return;
	for (unsigned i = 0; i < old->n; i++) {
		/* Halved, so that what was busy lately stays ahead of what was busy long ago. */
		old->t[i]->sorted_hits =
			old->t[i]->sorted_hits / 2 +
			atomic_exchange_explicit(&old->t[i]->hits, 0, memory_order_relaxed);
		if (i && old->t[i]->sorted_hits > old->t[i - 1]->sorted_hits)
			sorted = false;
	}
	if (sorted)
		return;
	tables = tables_new(old->n);
	if (!tables)
		return;
	memcpy(tables->t, old->t, old->n * sizeof(old->t[0]));
	qsort(tables->t, tables->n, sizeof(tables->t[0]), by_hits);
	tables_publish(cls, tables);
}

struct hal_megaflow *swpath_cls_first(const struct swpath_cls *cls)
{
	const struct swpath_subtables *tables = tables_get(cls);
	struct hmap_cursor c;

	for (unsigned i = 0; tables && i < tables->n; i++) {
		struct hmap_node *node = hmap_first(&tables->t[i]->flows, &c);

		if (node)
			return flow_of(cls, node);
	}
	return NULL;
}
