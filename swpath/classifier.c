/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/hmap.h"
#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "swpath/scope.h"

struct subtable {
	struct hmap flows;
	_Atomic uint32_t hits; /* since the last sort; racing readers may lose one */
	uint32_t sorted_hits;  /* the writer's copy while it sorts */
	struct hal_cmatch *mask;
};

struct subtables {
	unsigned n;
	struct subtable *t[];
};

struct part_id {
	rte_be32_t in_port;
	bool chained;
	bool any; /* of those that do not look at the whole input port */
};

struct part {
	struct hmap_node node; /* in cls->parts */
	struct part_id id;
	_Atomic(struct subtables *) tables;   /* in the order in which they are searched */
	_Atomic(struct swpath_scope *) scope; /* of all tables */
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

/* ---- parts ---- */

static uint32_t part_hash(struct part_id id)
{
	return hash_mix((uint64_t)id.in_port << 2 | (unsigned)id.chained << 1 | id.any);
}

static struct part_id part_of(const struct hal_megaflow *mf)
{
	const struct hal_cmatch *cm = mf->match;
	const uint32_t all[2] = {UINT32_MAX, 0};
	uint64_t in_port;

	memcpy(&in_port, all, sizeof(in_port));
	if (!(cm->map[0] & 1) || (cm->w[0] & in_port) != in_port)
		return (struct part_id){.any = true};
	return (struct part_id){.in_port = ((const struct hal_key *)&cm->w[cm->n])->in_port,
		.chained = mf->chain != 0};
}

static struct part *part_find(const struct swpath_cls *cls, struct part_id id)
{
	HMAP_FOR_EACH_HASH (p, struct part, node, part_hash(id), &cls->parts)
		if (p->id.in_port == id.in_port && p->id.chained == id.chained &&
			p->id.any == id.any)
			return p;
	return NULL;
}

static struct part *part_make(struct swpath_cls *cls, struct part_id id)
{
	struct part *p = part_find(cls, id);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->id = id;
	if (hmap_insert(&cls->parts, &p->node, part_hash(id))) {
		free(p);
		return NULL;
	}
	return p;
}

static void part_free(void *arg)
{
	struct part *p = arg;

	free(atomic_load_explicit(&p->scope, memory_order_relaxed));
	free(p);
}

static void part_drop(struct swpath_cls *cls, struct part *p)
{
	hmap_remove(&cls->parts, &p->node);
	rcu_defer(part_free, p);
}

static struct subtables *tables_get(const struct part *p)
{
	return atomic_load_explicit(&p->tables, memory_order_acquire);
}

void swpath_cls_init(struct swpath_cls *cls, size_t node_at)
{
	hmap_init(&cls->parts);
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
	HMAP_FOR_EACH (p, struct part, node, &cls->parts) {
		struct subtables *tables = tables_get(p);

		for (unsigned i = 0; tables && i < tables->n; i++)
			subtable_free(tables->t[i]);
		free(tables);
		hmap_remove(&cls->parts, &p->node);
		part_free(p);
	}
	hmap_destroy(&cls->parts);
	swpath_cls_init(cls, cls->node_at);
}

/* ---- scopes ---- */

static void scope_publish(struct part *p, struct swpath_scope *scope)
{
	struct swpath_scope *old = atomic_load_explicit(&p->scope, memory_order_relaxed);

	atomic_store_explicit(&p->scope, scope, memory_order_release);
	if (old)
		rcu_defer(free, old);
}

/* Before the first megaflow with this mask. 0 or -ENOMEM. */
static int scope_widen(struct part *p, const struct hal_cmatch *match)
{
	const struct swpath_scope *old = atomic_load_explicit(&p->scope, memory_order_relaxed);
	struct swpath_scope *scope = malloc(sizeof(*scope));

	if (!scope)
		return -ENOMEM;
	if (old)
		*scope = *old;
	else
		swpath_scope_init(scope);
	if (swpath_scope_add(scope, match) || !old)
		scope_publish(p, scope);
	else
		free(scope);
	return 0;
}

/* After the last megaflow of some mask. One that is too wide does no harm. */
static void scope_narrow(struct part *p, const struct subtables *tables)
{
	struct swpath_scope *scope = malloc(sizeof(*scope));

	if (!scope)
		return;
	swpath_scope_init(scope);
	for (unsigned i = 0; i < tables->n; i++)
		swpath_scope_add(scope, tables->t[i]->mask);
	scope_publish(p, scope);
}

static const struct swpath_scope *part_scope(const struct swpath_cls *cls, struct part_id id)
{
	const struct part *p = part_find(cls, id);

	return p ? atomic_load_explicit(&p->scope, memory_order_acquire) : NULL;
}

void swpath_cls_scope(
	const struct swpath_cls *cls, rte_be32_t in_port, bool chained, struct swpath_scope *scope)
{
	const struct swpath_scope *own, *any;

	own = part_scope(cls, (struct part_id){.in_port = in_port, .chained = chained});
	any = part_scope(cls, (struct part_id){.any = true});
	if (own)
		swpath_scope_join(scope, own);
	if (any)
		swpath_scope_join(scope, any);
}

const struct swpath_scope *swpath_cls_scope_whole(
	const struct swpath_cls *cls, rte_be32_t in_port, bool chained)
{
	if (part_find(cls, (struct part_id){.any = true}))
		return NULL;
	return part_scope(cls, (struct part_id){.in_port = in_port, .chained = chained});
}

/* ---- subtables ---- */

static struct subtables *tables_new(unsigned n)
{
	struct subtables *tables;

	tables = malloc(sizeof(*tables) + n * sizeof(tables->t[0]));
	if (tables)
		tables->n = n;
	return tables;
}

static void tables_publish(struct part *p, struct subtables *tables)
{
	struct subtables *old = tables_get(p);

	atomic_store_explicit(&p->tables, tables, memory_order_release);
	if (old)
		rcu_defer(free, old);
}

static struct subtable *subtable_find(const struct part *p, const struct hal_cmatch *match)
{
	struct subtables *tables = p ? tables_get(p) : NULL;

	for (unsigned i = 0; tables && i < tables->n; i++)
		if (hal_cmatch_same_mask(tables->t[i]->mask, match))
			return tables->t[i];
	return NULL;
}

static struct subtable *subtable_add(
	struct swpath_cls *cls, struct part *p, const struct hal_cmatch *match)
{
	struct subtables *old = tables_get(p), *tables;
	size_t size = sizeof(*match) + 2 * match->n * sizeof(match->w[0]);
	unsigned n = old ? old->n : 0;
	struct subtable *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	hmap_init(&t->flows);
	t->mask = malloc(size);
	if (!t->mask || scope_widen(p, match))
		goto free_subtable;
	memcpy(t->mask, match, size);
	tables = tables_new(n + 1);
	if (!tables)
		goto free_subtable;
	if (n)
		memcpy(tables->t, old->t, n * sizeof(old->t[0]));
	tables->t[n] = t;
	tables_publish(p, tables);
	atomic_fetch_add_explicit(&cls->n_masks, 1, memory_order_relaxed);
	return t;

free_subtable:
	subtable_free(t);
	return NULL;
}

/* Takes an empty subtable out, and the part with its last one; it stays, harmless, if memory for
 * the shorter list is lacking. */
static void subtable_drop(struct swpath_cls *cls, struct part *p, struct subtable *t)
{
	struct subtables *old = tables_get(p), *tables = NULL;

	if (old->n > 1) {
		unsigned n = 0;

		tables = tables_new(old->n - 1);
		if (!tables)
			return;
		for (unsigned i = 0; i < old->n; i++)
			if (old->t[i] != t)
				tables->t[n++] = old->t[i];
	}
	tables_publish(p, tables);
	if (tables)
		scope_narrow(p, tables);
	else
		part_drop(cls, p);
	rcu_defer(subtable_free, t);
	atomic_fetch_sub_explicit(&cls->n_masks, 1, memory_order_relaxed);
}

/* ---- megaflows ---- */

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
	struct part *p = part_make(cls, part_of(mf));
	struct subtable *t = subtable_find(p, mf->match);
	uint32_t hash = flow_hash(mf);
	int err;

	if (!p)
		return -ENOMEM;
	if (t && has_equal(cls, t, mf, hash))
		return -EEXIST;
	if (!t)
		t = subtable_add(cls, p, mf->match);
	if (!t) {
		if (!tables_get(p))
			part_drop(cls, p);
		return -ENOMEM;
	}
	err = hmap_insert(&t->flows, node_of(cls, mf), hash);
	if (err) {
		if (!hmap_count(&t->flows))
			subtable_drop(cls, p, t);
		return err;
	}
	atomic_fetch_add_explicit(&cls->n_flows, 1, memory_order_relaxed);
	return 0;
}

int swpath_cls_remove(struct swpath_cls *cls, struct hal_megaflow *mf)
{
	struct part *p = part_find(cls, part_of(mf));
	struct subtable *t = subtable_find(p, mf->match);

	if (!t || !is_in(cls, t, mf))
		return -ENOENT;
	hmap_remove(&t->flows, node_of(cls, mf));
	atomic_fetch_sub_explicit(&cls->n_flows, 1, memory_order_relaxed);
	if (!hmap_count(&t->flows))
		subtable_drop(cls, p, t);
	return 0;
}

int swpath_cls_replace(struct swpath_cls *cls, struct hal_megaflow *from, struct hal_megaflow *to)
{
	struct subtable *t = subtable_find(part_find(cls, part_of(from)), from->match);

	if (from->chain != to->chain || !hal_cmatch_equal(from->match, to->match))
		return -EINVAL;
	if (!t || !is_in(cls, t, from))
		return -ENOENT;
	hmap_replace(&t->flows, node_of(cls, from), node_of(cls, to));
	return 0;
}

static struct hal_megaflow *subtable_lookup(
	const struct swpath_cls *cls, const struct subtable *t, const struct hal_key *key)
{
	struct hmap_cursor c;
	uint32_t hash;

	hash = MUTATE(101, hal_cmatch_key_hash(t->mask, key), hash_but_last(t->mask, key));
	hash = hash_with_chain(hash, key->recirc_id);
	for (struct hmap_node *node = hmap_first_hash(&t->flows, hash, &c); node;
		node = hmap_next_hash(&c)) {
		struct hal_megaflow *mf = flow_of(cls, node);

		if (MUTATE(101, swpath_covers(mf, key), covers_but_last(mf, key)) &&
			hal_megaflow_usable(mf))
			return mf;
	}
	return NULL;
}

static struct hal_megaflow *part_lookup(
	const struct swpath_cls *cls, const struct part *p, const struct hal_key *key)
{
	struct subtables *tables = p ? tables_get(p) : NULL;

	for (unsigned i = 0; tables && i < tables->n; i++) {
		struct subtable *t = tables->t[i];
		struct hal_megaflow *mf = subtable_lookup(cls, t, key);

		if (!mf)
			continue;
		atomic_store_explicit(&t->hits,
			atomic_load_explicit(&t->hits, memory_order_relaxed) + 1,
			memory_order_relaxed);
		return mf;
	}
	return NULL;
}

struct hal_megaflow *swpath_cls_lookup(struct swpath_cls *cls, const struct hal_key *key)
{
	const struct part_id own = {.in_port = key->in_port, .chained = key->recirc_id != 0};
	struct hal_megaflow *mf = part_lookup(cls, part_find(cls, own), key);

	return mf ? mf : part_lookup(cls, part_find(cls, (struct part_id){.any = true}), key);
}

static bool is_mask(const struct hal_cmatch *cm, const struct hal_key *mask)
{
	const uint64_t *m = (const uint64_t *)mask;
	unsigned j = 0;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if (m[i] != (cm->map[0] >> i & 1 ? cm->w[j++] : 0))
			return false;
	return true;
}

unsigned swpath_cls_masks(const struct swpath_cls *cls, rte_be32_t in_port, bool chained,
	const struct hal_key *mask, bool *known)
{
	const struct part *p =
		part_find(cls, (struct part_id){.in_port = in_port, .chained = chained});
	const struct subtables *tables = p ? tables_get(p) : NULL;

	*known = false;
	for (unsigned i = 0; tables && i < tables->n && !*known; i++)
		*known = is_mask(tables->t[i]->mask, mask);
	return tables ? tables->n : 0;
}

static int by_hits(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a, *y = *(struct subtable *const *)b;

	return (x->sorted_hits < y->sorted_hits) - (x->sorted_hits > y->sorted_hits);
}

static void part_sort(struct part *p)
{
	struct subtables *old = tables_get(p), *tables;
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
	tables_publish(p, tables);
}

void swpath_cls_sort(struct swpath_cls *cls)
{
	HMAP_FOR_EACH (p, struct part, node, &cls->parts)
		part_sort(p);
}

struct hal_megaflow *swpath_cls_first(const struct swpath_cls *cls)
{
	HMAP_FOR_EACH (p, struct part, node, &cls->parts) {
		const struct subtables *tables = tables_get(p);
		struct hmap_cursor c;

		for (unsigned i = 0; tables && i < tables->n; i++) {
			struct hmap_node *node = hmap_first(&tables->t[i]->flows, &c);

			if (node)
				return flow_of(cls, node);
		}
	}
	return NULL;
}
