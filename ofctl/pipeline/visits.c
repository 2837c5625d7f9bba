/* SPDX-License-Identifier: Apache-2.0
 *
 * Table lookups of live megaflows, so found that a new flow meets only those that it may concern.
 *
 * What: the visits of a table lie in tuples: all that knew the same bits of their keys and had a
 * winner of the same priority (of about the same, if there are many). A flow passes over the
 * tuples of higher priority; in another the bits that both it and the tuple's visits have say
 * which of them it overlaps: a hash table over these bits is made when it is asked for the second
 * time, be it in turn with others. A tuple keeps two, for the masks of flows that come most.
 *
 * Control thread only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_hash_crc.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* Smaller tuples are walked. */
#define INDEX_MIN 32
/* Kinds of flows that may come in turn and still be remembered. */
#define WANTED 4
/* An index that was asked for within so many turns is not given up for another. */
#define INDEX_KEEP 64
/* So many tuples of a table have an exact priority; others take in CLASS priorities. */
#define EXACT_TUPLES 256
#define CLASS 1024

struct visit_index {
	struct visit_list *buckets; /* NULL: unused */
	uint32_t mask;              /* buckets - 1 */
	uint64_t used;              /* when it was last asked, in turns of the tuple */
	uint64_t *bits;             /* a word for each of the tuple's: what is hashed */
};

struct visit_tuple {
	struct hmap_node node; /* in its head's tuples */
	LIST_ENTRY(visit_tuple) link;
	struct visit_head *head;
	struct hal_cmatch *mask; /* values mean nothing */
	int lowest, highest;     /* priorities that it takes in */
	struct visit_list list;
	uint32_t n;
	uint64_t turns;
	struct visit_index index[VISIT_INDICES];
	uint64_t *wanted[WANTED]; /* bits that were asked for and have no index, or NULL */
	unsigned next_wanted;     /* the oldest */
};

/* The visits to one table. */
struct visit_head {
	struct hmap_node node;
	uint32_t bridge;
	uint8_t table;
	struct hmap tuples;
	LIST_HEAD(, visit_tuple) list;
};

/* ---- heads and tuples ---- */

static uint32_t head_hash(uint32_t bridge, uint8_t table)
{
	return hash_mix((uint64_t)bridge << 8 | table);
}

static struct visit_head *head_find(struct pipeline *pl, uint32_t bridge, uint8_t table)
{
	HMAP_FOR_EACH_HASH (h, struct visit_head, node, head_hash(bridge, table), &pl->visits)
		if (h->bridge == bridge && h->table == table)
			return h;
	return NULL;
}

static struct visit_head *head_make(struct pipeline *pl, uint32_t bridge, uint8_t table)
{
	struct visit_head *h = head_find(pl, bridge, table);

	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->bridge = bridge;
	h->table = table;
	hmap_init(&h->tuples);
	LIST_INIT(&h->list);
	if (hmap_insert(&pl->visits, &h->node, head_hash(bridge, table))) {
		free(h);
		return NULL;
	}
	return h;
}

static uint32_t words_hash(const uint64_t *w, unsigned n, uint64_t basis)
{
	uint32_t h = rte_hash_crc_8byte(basis, n);

	for (unsigned i = 0; i < n; i++)
		h = rte_hash_crc_8byte(w[i], h);
	return hash_mix(h);
}

static uint32_t tuple_hash(const struct hal_cmatch *known, int lowest)
{
	return words_hash(
		known->w, known->n, known->map[0] ^ known->map[1] ^ (uint64_t)lowest << 32);
}

static struct visit_tuple *tuple_find(
	const struct visit_head *h, const struct hal_cmatch *known, int lowest, int highest)
{
	HMAP_FOR_EACH_HASH (t, struct visit_tuple, node, tuple_hash(known, lowest), &h->tuples)
		if (t->lowest == lowest && t->highest == highest &&
			hal_cmatch_same_mask(t->mask, known))
			return t;
	return NULL;
}

static void index_free(struct visit_index *x)
{
	free(x->buckets);
	free(x->bits);
	*x = (struct visit_index){0};
}

static void tuple_free(struct visit_tuple *t)
{
	for (unsigned i = 0; i < VISIT_INDICES; i++)
		index_free(&t->index[i]);
	for (unsigned i = 0; i < WANTED; i++)
		free(t->wanted[i]);
	free(t->mask);
	free(t);
}

static struct visit_tuple *tuple_new(
	struct visit_head *h, const struct hal_cmatch *known, int lowest, int highest)
{
	size_t len = sizeof(*known) + 2 * known->n * sizeof(known->w[0]);
	struct visit_tuple *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->head = h;
	t->lowest = lowest;
	t->highest = highest;
	LIST_INIT(&t->list);
	t->mask = malloc(len);
	if (!t->mask)
		goto free_tuple;
	memcpy(t->mask, known, len);
	if (hmap_insert(&h->tuples, &t->node, tuple_hash(known, lowest)))
		goto free_tuple;
	LIST_INSERT_HEAD(&h->list, t, link);
	return t;

free_tuple:
	tuple_free(t);
	return NULL;
}

static struct visit_tuple *tuple_make(struct visit_head *h, const struct visit *v)
{
	int class = v->priority < 0 ? -1 : v->priority / CLASS * CLASS;
	struct visit_tuple *t = tuple_find(h, v->known, v->priority, v->priority);

	if (t)
		return t;
	if (hmap_count(&h->tuples) < EXACT_TUPLES)
		return tuple_new(h, v->known, v->priority, v->priority);
	t = tuple_find(h, v->known, class, class + CLASS - 1);
	return t ? t : tuple_new(h, v->known, class, class + CLASS - 1);
}

/* ---- hash tables of a tuple ---- */

static struct visit_list *bucket_of(
	const struct visit_index *x, const struct visit_tuple *t, const struct hal_cmatch *known)
{
	uint32_t h = 0;

	for (unsigned i = 0; i < t->mask->n; i++)
		h = rte_hash_crc_8byte(known->w[known->n + i] & x->bits[i], h);
	return &x->buckets[hash_mix(h) & x->mask];
}

static void index_fill(struct visit_tuple *t, unsigned which)
{
	struct visit_index *x = &t->index[which];
	struct visit_node *v;

	LIST_FOREACH (v, &t->list, link)
		LIST_INSERT_HEAD(bucket_of(x, t, v->visit.known), v, bucket[which]);
}

/* With room for twice as many visits as there are. Without memory it is as before. */
static bool index_make(struct visit_tuple *t, unsigned which, uint64_t *bits)
{
	struct visit_index *x = &t->index[which];
	struct visit_list *buckets;
	uint32_t n = INDEX_MIN;

	while (n < 2 * t->n)
		n *= 2;
	buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return false;
	free(x->buckets);
	x->buckets = buckets;
	x->mask = n - 1;
	if (x->bits != bits)
		free(x->bits);
	x->bits = bits;
	index_fill(t, which);
	return true;
}

/* The bits asked for go into the place of the index that was not asked for the longest. */
static struct visit_index *index_replace(struct visit_tuple *t, uint64_t **wanted)
{
	unsigned which = 0;
	struct visit_index *x;

	for (unsigned i = 1; i < VISIT_INDICES; i++)
		if (!t->index[i].buckets || t->index[i].used < t->index[which].used)
			which = i;
	if (!t->index[0].buckets)
		which = 0;
	x = &t->index[which];
	if ((x->buckets && t->turns - x->used < INDEX_KEEP) || !index_make(t, which, *wanted))
		return NULL;
	*wanted = NULL;
	x->used = t->turns;
	return x;
}

/* Remembers bits that were asked for and have no index; makes one if it is not the first time. */
static struct visit_index *index_want(struct visit_tuple *t, const uint64_t *bits)
{
	size_t len = t->mask->n * sizeof(*bits);
	uint64_t **slot;

	for (unsigned i = 0; i < WANTED; i++)
		if (t->wanted[i] && !memcmp(t->wanted[i], bits, len))
			return index_replace(t, &t->wanted[i]);
	slot = &t->wanted[t->next_wanted++ % WANTED];
	if (!*slot)
		*slot = malloc(len);
	if (*slot)
		memcpy(*slot, bits, len);
	return NULL;
}

static bool subset(const uint64_t *bits, const uint64_t *of, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (bits[i] & ~of[i])
			return false;
	return true;
}

/* An index that is good for flows which have these bits, or NULL: walk. */
static struct visit_index *index_for(struct visit_tuple *t, const uint64_t *bits)
{
	size_t len = t->mask->n * sizeof(*bits);
	struct visit_index *x;

	t->turns++;
	for (unsigned i = 0; i < VISIT_INDICES; i++)
		if (t->index[i].buckets && !memcmp(t->index[i].bits, bits, len)) {
			t->index[i].used = t->turns;
			return &t->index[i];
		}
	x = index_want(t, bits);
	for (unsigned i = 0; !x && i < VISIT_INDICES; i++)
		if (t->index[i].buckets && subset(t->index[i].bits, bits, t->mask->n))
			x = &t->index[i];
	return x;
}

/* ---- visits ---- */

int visit_add(struct pipeline *pl, struct visit_node *v)
{
	struct visit_head *h = head_make(pl, v->visit.br->id, v->visit.table);
	struct visit_tuple *t = h ? tuple_make(h, &v->visit) : NULL;

	if (!t)
		return -ENOMEM;
	v->tuple = t;
	LIST_INSERT_HEAD(&t->list, v, link);
	t->n++;
	for (unsigned i = 0; i < VISIT_INDICES; i++) {
		struct visit_index *x = &t->index[i];

		if (!x->buckets)
			continue;
		/* A fuller one only gets slower. */
		if (t->n > 2 * (x->mask + 1) && index_make(t, i, x->bits))
			continue;
		LIST_INSERT_HEAD(bucket_of(x, t, v->visit.known), v, bucket[i]);
	}
	return 0;
}

void visit_remove(struct visit_node *v)
{
	struct visit_tuple *t = v->tuple;

	LIST_REMOVE(v, link);
	for (unsigned i = 0; i < VISIT_INDICES; i++)
		if (t->index[i].buckets)
			LIST_REMOVE(v, bucket[i]);
	if (--t->n)
		return;
	hmap_remove(&t->head->tuples, &t->node);
	LIST_REMOVE(t, link);
	tuple_free(t);
}

static void meet(struct pipeline *pl, struct visit_node *v, const struct flow *f,
	void (*cb)(struct pipeline *pl, struct pl_megaflow *m))
{
	if (v->visit.priority <= f->priority && hal_cmatch_overlap(v->visit.known, f->match) &&
		MUTATE(12, 1, 0))
		cb(pl, v->mf);
}

/* Word i of a match, which has it. */
static unsigned word_at(const struct hal_cmatch *m, unsigned i)
{
	uint64_t below = (UINT64_C(1) << i % 64) - 1;
	unsigned n = (unsigned)__builtin_popcountll(m->map[i / 64] & below);

	return i < 64 ? n : n + (unsigned)__builtin_popcountll(m->map[0]);
}

/* The visits that the flow may overlap, and the index that has them, or NULL: any of the tuple. */
static struct visit_list *bucket_for(struct visit_tuple *t, const struct flow *f, unsigned *which)
{
	uint64_t bits[XLATE_KEY_WORDS], values[XLATE_KEY_WORDS], all = 0;
	const struct hal_cmatch *m = f->match;
	const struct visit_index *x;
	unsigned i, j = 0;
	uint32_t h = 0;

	WORDS_FOR_EACH (i, t->mask->map) {
		bits[j] = values[j] = 0;
		if (m->map[i / 64] >> i % 64 & 1) {
			unsigned k = word_at(m, i);

			bits[j] = t->mask->w[j] & m->w[k];
			values[j] = m->w[m->n + k];
		}
		all |= bits[j++];
	}
	if (!all)
		return NULL;
	x = index_for(t, bits);
	if (!x)
		return NULL;
	for (i = 0; i < t->mask->n; i++)
		h = rte_hash_crc_8byte(values[i] & x->bits[i], h);
	*which = (unsigned)(x - t->index);
	return &x->buckets[hash_mix(h) & x->mask];
}

void visits_meet(struct pipeline *pl, const struct flow *f,
	void (*cb)(struct pipeline *pl, struct pl_megaflow *m))
{
	struct visit_head *h = head_find(pl, f->br->id, f->table);
	struct visit_tuple *t;
	struct visit_node *v;

	if (!h)
		return;
	LIST_FOREACH (t, &h->list, link) {
		struct visit_list *bucket;
		unsigned which = 0;

		if (t->lowest > f->priority)
			continue;
		bucket = t->n >= INDEX_MIN ? bucket_for(t, f, &which) : NULL;
		if (!bucket) {
			LIST_FOREACH (v, &t->list, link)
				meet(pl, v, f, cb);
			continue;
		}
		LIST_FOREACH (v, bucket, bucket[which])
			meet(pl, v, f, cb);
	}
}

void visits_destroy(struct pipeline *pl)
{
	HMAP_FOR_EACH (h, struct visit_head, node, &pl->visits) {
		hmap_remove(&pl->visits, &h->node);
		hmap_destroy(&h->tuples);
		free(h);
	}
	hmap_destroy(&pl->visits);
}
