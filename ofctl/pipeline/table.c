/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "ofctl/pipeline/flow.h"
#include "ofctl/pipeline/pipeline.h"

void flow_table_init(struct flow_table *t)
{
	memset(t, 0, sizeof(*t));
	TAILQ_INIT(&t->flows);
	hmap_init(&t->by_mask);
	t->limit = PL_FLOWS_MAX;
}

void flow_table_destroy(struct flow_table *t)
{
	free(atomic_load(&t->subtables));
	atomic_store(&t->subtables, NULL);
	hmap_destroy(&t->by_mask);
}

static struct subtable_vec *vec_of(const struct flow_table *t)
{
	return atomic_load_explicit(&t->subtables, memory_order_acquire);
}

static int by_rank(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a, *y = *(struct subtable *const *)b;

	return x->rank < y->rank ? 1 : x->rank > y->rank ? -1 : 0;
}

/* Publishes a new array: the old one with `add` put in and `drop` left out (either may be NULL), in
 * order of rank. */
static int vec_publish(struct flow_table *t, struct subtable *add, struct subtable *drop)
{
	struct subtable_vec *old = vec_of(t), *vec;
	unsigned n_old = old ? old->n : 0;

	vec = malloc(sizeof(*vec) + (n_old + 1) * sizeof(vec->sub[0]));
	if (!vec)
		return -ENOMEM;
	vec->n = 0;
	for (unsigned i = 0; i < n_old; i++)
		if (old->sub[i] != drop)
			vec->sub[vec->n++] = old->sub[i];
	if (add)
		vec->sub[vec->n++] = add;
	qsort(vec->sub, vec->n, sizeof(vec->sub[0]), by_rank);
	for (unsigned i = 0; i < vec->n; i++)
		vec->sub[i]->at = i;
	atomic_store_explicit(&t->subtables, vec, memory_order_release);
	if (old)
		rcu_defer(free, old);
	return 0;
}

/* ---- subtables by mask ---- */

static uint32_t mask_hash(const struct hal_cmatch *mask)
{
	uint32_t h = hash_bytes(mask->map, sizeof(mask->map), mask->n);

	return hash_bytes(mask->w, mask->n * sizeof(mask->w[0]), h);
}

struct subtable *flow_table_subtable(const struct flow_table *t, const struct hal_cmatch *mask)
{
	HMAP_FOR_EACH_HASH (s, struct subtable, by_mask, mask_hash(mask), &t->by_mask)
		if (hal_cmatch_same_mask(s->mask, mask))
			return s;
	return NULL;
}

static void subtable_free(void *arg)
{
	struct subtable *s = arg;

	hmap_destroy(&s->flows);
	free(s->priorities);
	free(s->mask);
	free(s);
}

static struct subtable *subtable_new(struct flow_table *t, const struct hal_cmatch *match)
{
	size_t len = sizeof(*match) + 2u * match->n * sizeof(uint64_t);
	struct subtable *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->mask = malloc(len);
	if (!s->mask)
		goto free_subtable;
	memcpy(s->mask, match, len);
	memset(s->mask->w + match->n, 0, match->n * sizeof(uint64_t));
	hmap_init(&s->flows);
	if (hmap_insert(&t->by_mask, &s->by_mask, mask_hash(s->mask)))
		goto free_subtable;
	return s;

free_subtable:
	subtable_free(s);
	return NULL;
}

/* ---- priorities of a subtable ---- */

/* Where the priority is, or where it would be. */
static unsigned priority_at(const struct subtable *s, uint16_t priority)
{
	unsigned low = 0, high = s->n_priorities;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (s->priorities[mid].priority > priority)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int priority_add(struct subtable *s, uint16_t priority)
{
	unsigned at = priority_at(s, priority);

	if (at < s->n_priorities && s->priorities[at].priority == priority) {
		s->priorities[at].n++;
		return 0;
	}
	if (s->n_priorities == s->max_priorities) {
		unsigned max = s->max_priorities ? s->max_priorities * 2 : 4;
		struct priority_count *p = realloc(s->priorities, max * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->priorities = p;
		s->max_priorities = max;
	}
	memmove(&s->priorities[at + 1], &s->priorities[at],
		(s->n_priorities - at) * sizeof(s->priorities[0]));
	s->priorities[at] = (struct priority_count){priority, 1};
	s->n_priorities++;
	return 0;
}

static void priority_remove(struct subtable *s, uint16_t priority)
{
	unsigned at = priority_at(s, priority);

	if (--s->priorities[at].n)
		return;
	s->n_priorities--;
	memmove(&s->priorities[at], &s->priorities[at + 1],
		(s->n_priorities - at) * sizeof(s->priorities[0]));
}

static bool has_priority(const struct subtable *s, uint16_t priority)
{
	unsigned at = priority_at(s, priority);

	return at < s->n_priorities && s->priorities[at].priority == priority;
}

/* Is the array in order with this subtable's rank? */
static bool in_order(const struct flow_table *t, const struct subtable *s)
{
	const struct subtable_vec *vec = vec_of(t);

	return (!s->at || vec->sub[s->at - 1]->rank >= s->rank) &&
	       (s->at + 1 == vec->n || vec->sub[s->at + 1]->rank <= s->rank);
}

/* A bound that is too high is still a bound, so it is raised before the order changes and lowered
 * after it. Without memory for a new order both stay as they were. */
static int update_max_priority(struct flow_table *t, struct subtable *s)
{
	uint32_t was = s->rank;

	s->rank = s->priorities[0].priority;
	if (s->rank > was)
		atomic_store(&s->max_priority, s->rank);
	if (s->rank != was && !in_order(t, s) && vec_publish(t, NULL, NULL)) {
		s->rank = was;
		atomic_store(&s->max_priority, was);
		return -ENOMEM;
	}
	atomic_store(&s->max_priority, s->rank);
	return 0;
}

/* ---- flows ---- */

static int add_to(struct flow_table *t, struct subtable *s, struct flow *f, bool fresh)
{
	int error = priority_add(s, f->priority);

	if (error)
		return error;
	error = hmap_insert(&s->flows, &f->node, hal_cmatch_value_hash(f->match));
	if (error)
		goto forget_priority;
	if (fresh) {
		s->rank = f->priority;
		atomic_store(&s->max_priority, f->priority);
	}
	error = fresh ? vec_publish(t, s, NULL) : update_max_priority(t, s);
	if (!error)
		return 0;
	hmap_remove(&s->flows, &f->node);
forget_priority:
	priority_remove(s, f->priority);
	return error;
}

/* What is in the subtable with exactly this match and priority, though it may have ended. */
static struct flow *find_in(
	const struct subtable *s, const struct hal_cmatch *match, uint16_t priority)
{
	HMAP_FOR_EACH_HASH (f, struct flow, node, hal_cmatch_value_hash(match), &s->flows)
		if (f->priority == priority && hal_cmatch_equal(f->match, match))
			return f;
	return NULL;
}

static void append(struct flow_table *t, struct flow *f)
{
	f->seq = ++t->last_seq;
	TAILQ_INSERT_TAIL(&t->flows, f, order);
	t->n++;
	atomic_fetch_add(&t->n_clauses, f->clause);
}

/* `to` is seen from `version` on, `from` before it. */
static void supersede(struct subtable *s, struct flow *from, struct flow *to, uint64_t version)
{
	atomic_store(&to->since, version);
	atomic_store(&to->older, from);
	from->newer = to;
	hmap_replace(&s->flows, &from->node, &to->node);
}

int flow_table_insert(struct flow_table *t, struct flow *f, uint64_t version)
{
	struct subtable *s = flow_table_subtable(t, f->match), *fresh = NULL;
	struct flow *ended = s ? find_in(s, f->match, f->priority) : NULL;
	int error;

	if (ended) {
		supersede(s, ended, f, version);
		append(t, f);
		return 0;
	}
	atomic_store(&f->since, version);
	if (!s) {
		s = fresh = subtable_new(t, f->match);
		if (!s)
			return -ENOMEM;
	}
	atomic_fetch_add(&s->n, 1);
	error = add_to(t, s, f, fresh);
	if (error)
		goto free_subtable;
	append(t, f);
	return 0;

free_subtable:
	atomic_fetch_sub(&s->n, 1);
	if (fresh) {
		hmap_remove(&t->by_mask, &fresh->by_mask);
		subtable_free(fresh);
	}
	return error;
}

void flow_table_remove(struct flow_table *t, struct flow *f, uint64_t version)
{
	atomic_store(&f->until, version);
	TAILQ_REMOVE(&t->flows, f, order);
	t->n--;
}

void flow_table_replace(struct flow_table *t, struct flow *from, struct flow *to, uint64_t version)
{
	supersede(flow_table_subtable(t, from->match), from, to, version);
	atomic_store(&from->until, version);
	atomic_fetch_add(&t->n_clauses, to->clause);
	to->seq = from->seq;
	TAILQ_INSERT_AFTER(&t->flows, from, to, order);
	TAILQ_REMOVE(&t->flows, from, order);
}

void flow_table_drop(struct flow_table *t, struct flow *f)
{
	struct subtable *s;

	atomic_fetch_sub(&t->n_clauses, f->clause);
	if (f->newer) { /* it has the place in the subtable */
		atomic_store(&f->newer->older, NULL);
		return;
	}
	s = flow_table_subtable(t, f->match);
	hmap_remove(&s->flows, &f->node);
	priority_remove(s, f->priority);
	if (atomic_fetch_sub(&s->n, 1) != 1) {
		update_max_priority(t, s);
		return;
	}
	if (vec_publish(t, NULL, s))
		return; /* stays, empty, for flows to come */
	hmap_remove(&t->by_mask, &s->by_mask);
	rcu_defer(subtable_free, s);
}

struct flow *flow_table_find(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority)
{
	struct subtable *s = flow_table_subtable(t, match);

	return s ? flow_seen(find_in(s, match, priority), VERSION_NOW) : NULL;
}

struct flow *flow_table_lookup(
	const struct flow_table *t, const struct xlate_key *key, uint64_t version)
{
	const struct subtable_vec *vec = vec_of(t);
	struct flow *best = NULL;

	for (unsigned i = 0; vec && i < vec->n; i++) {
		const struct subtable *s = vec->sub[i];
		uint32_t max = atomic_load_explicit(&s->max_priority, memory_order_relaxed);

		/* Not ">=": two flows of one priority may both match, and then either is right. */
		if (best && MUTATE(1, max <= best->priority, i > 0))
			break;
		HMAP_FOR_EACH_HASH (
			head, struct flow, node, hal_cmatch_key_hash(s->mask, key), &s->flows) {
			struct flow *f = flow_seen(head, version);

			if (f && (!best || MUTATE(2, f->priority > best->priority, 1)) &&
				hal_cmatch_covers(f->match, key) && !f->clause)
				best = f;
		}
	}
	return best;
}

bool flow_table_overlaps(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority)
{
	const struct subtable_vec *vec = vec_of(t);

	for (unsigned i = 0; vec && i < vec->n; i++) {
		if (!has_priority(vec->sub[i], priority))
			continue;
		HMAP_FOR_EACH (f, struct flow, node, &vec->sub[i]->flows)
			if (f->priority == priority && flow_seen(f, VERSION_NOW) &&
				hal_cmatch_overlap(f->match, match))
				return true;
	}
	return false;
}
