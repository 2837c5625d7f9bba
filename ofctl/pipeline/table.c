/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "ofctl/pipeline/flow.h"

void flow_table_init(struct flow_table *t)
{
	memset(t, 0, sizeof(*t));
	TAILQ_INIT(&t->flows);
}

void flow_table_destroy(struct flow_table *t)
{
	free(atomic_load(&t->subtables));
	atomic_store(&t->subtables, NULL);
}

static struct subtable_vec *vec_of(const struct flow_table *t)
{
	return atomic_load_explicit(&t->subtables, memory_order_acquire);
}

static int by_priority(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a, *y = *(struct subtable *const *)b;
	uint32_t px = atomic_load(&x->max_priority), py = atomic_load(&y->max_priority);

	return px < py ? 1 : px > py ? -1 : 0;
}

/* Publishes a new array: the old one with `add` put in and `drop` left out (either may be NULL), in
 * order of priority. */
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
	qsort(vec->sub, vec->n, sizeof(vec->sub[0]), by_priority);
	atomic_store_explicit(&t->subtables, vec, memory_order_release);
	if (old)
		rcu_defer(free, old);
	return 0;
}

static struct subtable *subtable_find(const struct flow_table *t, const struct hal_cmatch *match)
{
	struct subtable_vec *vec = vec_of(t);

	for (unsigned i = 0; vec && i < vec->n; i++)
		if (hal_cmatch_same_mask(vec->sub[i]->mask, match))
			return vec->sub[i];
	return NULL;
}

static struct subtable *subtable_new(const struct hal_cmatch *match)
{
	size_t len = sizeof(*match) + 2u * match->n * sizeof(uint64_t);
	struct subtable *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->mask = malloc(len);
	if (!s->mask) {
		free(s);
		return NULL;
	}
	memcpy(s->mask, match, len);
	memset(s->mask->w + match->n, 0, match->n * sizeof(uint64_t));
	hmap_init(&s->flows);
	return s;
}

static void subtable_free(void *arg)
{
	struct subtable *s = arg;

	hmap_destroy(&s->flows);
	free(s->mask);
	free(s);
}

int flow_table_insert(struct flow_table *t, struct flow *f)
{
	struct subtable *s = subtable_find(t, f->match), *fresh = NULL;
	int error;

	if (!s) {
		s = fresh = subtable_new(f->match);
		if (!s)
			return -ENOMEM;
	}
	error = hmap_insert(&s->flows, &f->node, hal_cmatch_value_hash(f->match));
	if (error)
		goto free_subtable;
	atomic_fetch_add(&s->n, 1);
	if (fresh || f->priority > atomic_load(&s->max_priority)) {
		if (fresh || f->priority > atomic_load(&s->max_priority))
			atomic_store(&s->max_priority, f->priority);
		error = vec_publish(t, fresh, NULL);
		if (error)
			goto remove_node;
	}
	TAILQ_INSERT_TAIL(&t->flows, f, order);
	t->n++;
	atomic_fetch_add(&t->n_clauses, f->clause);
	return 0;

remove_node:
	hmap_remove(&s->flows, &f->node);
	atomic_fetch_sub(&s->n, 1);
free_subtable:
	if (fresh)
		subtable_free(fresh);
	return error;
}

static void subtable_lower_priority(struct flow_table *t, struct subtable *s)
{
	uint32_t max = 0;

	HMAP_FOR_EACH (f, struct flow, node, &s->flows)
		if (f->priority > max)
			max = f->priority;
	if (max != atomic_load(&s->max_priority)) {
		atomic_store(&s->max_priority, max);
		/* Without memory the old order stays: a bound that is too high is still a bound,
		 * but it must not come behind a lower one, so put it back. */
		if (vec_publish(t, NULL, NULL))
			atomic_store(&s->max_priority, UINT16_MAX);
	}
}

void flow_table_remove(struct flow_table *t, struct flow *f)
{
	struct subtable *s = subtable_find(t, f->match);

	hmap_remove(&s->flows, &f->node);
	TAILQ_REMOVE(&t->flows, f, order);
	t->n--;
	atomic_fetch_sub(&t->n_clauses, f->clause);
	if (atomic_fetch_sub(&s->n, 1) == 1) {
		if (!vec_publish(t, NULL, s))
			rcu_defer(subtable_free, s);
	} else if (f->priority == atomic_load(&s->max_priority)) {
		subtable_lower_priority(t, s);
	}
}

void flow_table_replace(struct flow_table *t, struct flow *from, struct flow *to)
{
	struct subtable *s = subtable_find(t, from->match);

	hmap_replace(&s->flows, &from->node, &to->node);
	atomic_fetch_add(&t->n_clauses, to->clause);
	atomic_fetch_sub(&t->n_clauses, from->clause);
	TAILQ_INSERT_AFTER(&t->flows, from, to, order);
	TAILQ_REMOVE(&t->flows, from, order);
}

struct flow *flow_table_find(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority)
{
	struct subtable *s = subtable_find(t, match);

	if (!s)
		return NULL;
	HMAP_FOR_EACH_HASH (f, struct flow, node, hal_cmatch_value_hash(match), &s->flows)
		if (f->priority == priority && hal_cmatch_equal(f->match, match))
			return f;
	return NULL;
}

struct flow *flow_table_lookup(const struct flow_table *t, const struct xlate_key *key)
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
			f, struct flow, node, hal_cmatch_key_hash(s->mask, key), &s->flows)
			if ((!best || MUTATE(2, f->priority > best->priority, 1)) &&
				hal_cmatch_covers(f->match, key) && !f->clause)
				best = f;
	}
	return best;
}

bool flow_table_overlaps(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority)
{
	const struct flow *f;

	TAILQ_FOREACH (f, &t->flows, order)
		if (f->priority == priority && hal_cmatch_overlap(f->match, match))
			return true;
	return false;
}
