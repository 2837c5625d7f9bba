/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/flow_select.h"

#include <errno.h>
#include <stdlib.h>

static bool cookie_fits(const struct flow *f, uint64_t cookie, uint64_t mask)
{
	return !((f->cookie ^ cookie) & mask);
}

static int select_add(struct flow_selection *s, struct flow *f)
{
	if (s->n == s->capacity) {
		unsigned capacity = s->capacity ? s->capacity * 2 : 64;
		struct flow **p = realloc(s->flows, capacity * sizeof(struct flow *));

		if (!p)
			return -ENOMEM;
		s->flows = p;
		s->capacity = capacity;
	}
	s->flows[s->n++] = f;
	return 0;
}

struct wish {
	const struct of_flow_mod *fm;
	const struct hal_cmatch *match;
	struct flow_selection *s;
};

static int select_if(const struct wish *w, struct flow *f)
{
	if (!cookie_fits(f, w->fm->cookie, w->fm->cookie_mask) ||
		!of_instructions_send_to(&f->ins, w->fm->out_port, w->fm->out_group))
		return 0;
	return select_add(w->s, f);
}

static int by_seq(const void *a, const void *b)
{
	const struct flow *x = *(struct flow *const *)a, *y = *(struct flow *const *)b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int select_all(const struct wish *w, const struct flow_table *t)
{
	struct flow *f;
	int error = 0;

	TAILQ_FOREACH (f, &t->flows, order)
		if (!error)
			error = select_if(w, f);
	return error;
}

/* Flows that the match contains are in subtables whose masks contain its mask; in the one of its
 * own mask they have its values. */
static int select_loose(const struct wish *w, const struct flow_table *t)
{
	const struct subtable_vec *vec = atomic_load_explicit(&t->subtables, memory_order_acquire);
	unsigned first = w->s->n;
	int error = 0;

	for (unsigned i = 0; vec && i < vec->n; i++) {
		const struct subtable *s = vec->sub[i];

		if (hal_cmatch_same_mask(s->mask, w->match)) {
			HMAP_FOR_EACH_HASH (
				f, struct flow, node, hal_cmatch_value_hash(w->match), &s->flows)
				if (!error && !f->removed && hal_cmatch_equal(f->match, w->match))
					error = select_if(w, f);
		} else if (hal_cmatch_mask_contains(s->mask, w->match)) {
			HMAP_FOR_EACH (f, struct flow, node, &s->flows)
				if (!error && !f->removed &&
					hal_cmatch_contains(w->match, f->match))
					error = select_if(w, f);
		}
	}
	if (w->s->n > first + 1)
		qsort(w->s->flows + first, w->s->n - first, sizeof(struct flow *), by_seq);
	return error;
}

static int select_in(const struct wish *w, const struct flow_table *t, bool strict)
{
	struct flow *f;

	if (!strict)
		return w->match->n ? select_loose(w, t) : select_all(w, t);
	f = flow_table_find(t, w->match, w->fm->priority);
	return f ? select_if(w, f) : 0;
}

enum of_error flow_select(
	struct pl_bridge *br, const struct of_flow_mod *fm, bool strict, struct flow_selection *s)
{
	bool all = fm->table == OF_TABLE_ALL;
	struct hal_cmatch *match;
	enum of_error error = OFERR_OK;
	struct wish w;

	if (!all && fm->table >= OF_TABLES)
		return OFERR_FLOW_MOD_BAD_TABLE;
	match = hal_cmatch_new(&fm->match);
	if (!match)
		return OFERR_FLOW_MOD_UNKNOWN;
	w = (struct wish){fm, match, s};
	for (unsigned i = all ? 0 : fm->table; i <= (all ? OF_TABLES - 1u : fm->table); i++)
		if (br->tables[i].n && select_in(&w, &br->tables[i], strict))
			error = OFERR_FLOW_MOD_UNKNOWN;
	free(match);
	return error;
}
