/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/conjunction.h"

#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"

/* A clause that the packet meets. */
struct met {
	const struct flow *flow;
	uint32_t id;
	uint8_t clause, n_clauses;
};

bool conj_is_clause(const struct of_instructions *ins)
{
	for (unsigned i = 0; i < ins->apply.n; i++)
		if (ins->apply.a[i].type == OFACT_CONJUNCTION)
			return true;
	return false;
}

bool conj_only_of(const struct flow *f, uint32_t id)
{
	const struct of_actions *acts = &f->ins.apply;

	for (unsigned i = 0; i < acts->n; i++)
		if (acts->a[i].type == OFACT_CONJUNCTION && acts->a[i].conj_id != id)
			return false;
	return f->clause;
}

static void add_clauses(struct xlate *x, struct xlate_vec *v, const struct flow *f)
{
	for (unsigned i = 0; i < f->ins.apply.n; i++) {
		const struct of_action *a = &f->ins.apply.a[i];
		struct met *m;

		if (a->type != OFACT_CONJUNCTION)
			continue;
		m = xlate_vec_add(x, v, sizeof(*m));
		if (m)
			*m = (struct met){f, a->conj_id, a->clause, a->n_clauses};
	}
}

/* Collects the clauses of a higher priority than `floor` that the packet meets. */
static void collect(struct xlate *x, const struct flow_table *t, int floor, struct xlate_vec *v)
{
	const struct subtable_vec *vec = atomic_load_explicit(&t->subtables, memory_order_acquire);

	for (unsigned i = 0; vec && i < vec->n; i++) {
		const struct subtable *s = vec->sub[i];

		if ((int)atomic_load(&s->max_priority) <= floor)
			break;
		HMAP_FOR_EACH_HASH (
			head, struct flow, node, hal_cmatch_key_hash(s->mask, &x->key), &s->flows) {
			const struct flow *f = flow_seen(head, x->version);

			if (f && f->clause && f->priority > floor &&
				hal_cmatch_covers(f->match, &x->key))
				add_clauses(x, v, f);
		}
	}
}

/* Highest priority first, then by id and clause. */
static int by_rank(const void *a, const void *b)
{
	const struct met *p = a, *q = b;

	if (p->flow->priority != q->flow->priority)
		return MUTATE(413, (int)q->flow->priority - (int)p->flow->priority,
			p->flow->priority - q->flow->priority);
	if (p->id != q->id)
		return p->id < q->id ? -1 : 1;
	return (int)p->clause - (int)q->clause;
}

/* The clauses from `m` on that belong to one conjunction: how many entries, and whether all are
 * there. */
static unsigned group(const struct met *m, unsigned left, bool *complete)
{
	uint64_t all = m->n_clauses < 64 ? (1ull << m->n_clauses) - 1 : UINT64_MAX, have = 0;
	unsigned n;

	for (n = 0; n < left && m[n].id == m->id && m[n].flow->priority == m->flow->priority; n++)
		have |= 1ull << (m[n].clause & 63);
	*complete = all && MUTATE(412, (have & all) == all, true);
	return n;
}

/* The second lookup: the ordinary flow that wins with the id set, or NULL. */
static struct flow *lookup_id(struct xlate *x, uint8_t table, uint32_t id)
{
	rte_be32_t was = x->key.conj_id;
	struct flow *winner;

	x->key.conj_id = rte_cpu_to_be_32(id);
	winner = xlate_find(x, &x->br->tables[table]);
	x->key.conj_id = was;
	return winner;
}

/* Notes the second lookup. */
static void visit_id(struct xlate *x, uint8_t table, uint32_t id, struct flow *winner)
{
	rte_be32_t was = x->key.conj_id;

	x->key.conj_id = rte_cpu_to_be_32(id);
	xlate_unwildcard(x, &x->br->tables[table], winner, NULL, true);
	xlate_visit(x, table, winner, winner ? winner->priority : -1);
	x->key.conj_id = was;
}

/* The conjunction won: one flow for each of its clauses is what it rests on. */
static void rest_on(struct xlate *x, uint8_t table, const struct met *m, unsigned n)
{
	struct conj_won won = {m->flow->priority, m->id};

	for (unsigned i = 0; i < n; i++) {
		unsigned w, j = 0;

		if (i && m[i].clause == m[i - 1].clause)
			continue;
		WORDS_FOR_EACH (w, m[i].flow->match->map)
			xlate_need_word(x, w, m[i].flow->match->w[j++]);
		xlate_depend(x, dep_key_flow(m[i].flow));
	}
	xlate_unwildcard(x, &x->br->tables[table], NULL, &won, false);
	xlate_visit(x, table, NULL, won.priority);
}

static struct flow *try_all(struct xlate *x, uint8_t table, const struct met *m, unsigned n_met)
{
	for (unsigned i = 0, n; i < n_met; i += n) {
		struct flow *winner;
		bool complete;

		n = group(&m[i], n_met - i, &complete);
		if (!complete)
			continue;
		xlate_trace(
			x, "%2u. conjunction %u, priority %u", table, m[i].id, m[i].flow->priority);
		winner = lookup_id(x, table, m[i].id);
		if (winner)
			rest_on(x, table, &m[i], n);
		visit_id(x, table, m[i].id, winner);
		if (winner)
			return winner;
	}
	return NULL;
}

struct flow *conj_lookup(struct xlate *x, uint8_t table)
{
	const struct flow_table *t = &x->br->tables[table];
	struct flow *plain = xlate_find(x, t), *winner = NULL;
	struct xlate_vec v = {0};

	collect(x, t, plain ? plain->priority : -1, &v);
	if (v.n && !x->error) {
		qsort(v.data, v.n, sizeof(struct met), by_rank);
		winner = try_all(x, table, v.data, v.n);
	}
	free(v.data);
	if (winner) {
		if (plain)
			flow_unref(plain);
		return winner;
	}
	xlate_unwildcard(x, t, plain, NULL, false);
	xlate_visit(x, table, plain, plain ? plain->priority : -1);
	return plain;
}
