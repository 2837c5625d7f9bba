/* SPDX-License-Identifier: Apache-2.0
 *
 * A megaflow: made of a finished translation.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>

#include "hal/base/rcu.h"
#include "hal/base/stable.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"

static size_t packed_size(const struct hal_key *key)
{
	const uint64_t *w = (const uint64_t *)key;
	size_t n = 0;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		n += w[i] != 0;
	return sizeof(struct packed_key) + n * sizeof(uint64_t);
}

static void key_pack(struct packed_key *p, const struct hal_key *key)
{
	const uint64_t *w = (const uint64_t *)key;
	unsigned n = 0;

	p->map = 0;
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if (w[i]) {
			p->map |= 1ull << i;
			p->w[n++] = w[i];
		}
}

void megaflow_sample(const struct pl_megaflow *m, struct hal_key *key)
{
	uint64_t *w = (uint64_t *)key;
	unsigned n = 0;

	memset(key, 0, sizeof(*key));
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if (m->sample->map >> i & 1)
			w[i] = m->sample->w[n++];
}

/* Equal matches have equal ufids, in every run: rules found in a device are known by it. */
static struct hal_ufid ufid_of(const struct hal_cmatch *cm, uint32_t chain)
{
	uint32_t h[4] = {chain, 0x9e3779b9, chain ^ 0x85ebca6b, 0xc2b2ae35};
	uint32_t len = 2 * cm->n * (uint32_t)sizeof(uint64_t);

	rte_jhash_2hashes(cm->w, len, &h[0], &h[1]);
	h[0] ^= rte_jhash(cm->map, sizeof(cm->map), h[1]);
	rte_jhash_2hashes(cm->w, len, &h[2], &h[3]);
	h[2] ^= rte_jhash(cm->map, sizeof(cm->map), h[3]);
	return (struct hal_ufid){{(uint64_t)h[0] << 32 | h[1], (uint64_t)h[2] << 32 | h[3]}};
}

void megaflow_free(struct hal_megaflow *mf)
{
	struct pl_megaflow *m = pl_megaflow_of(mf);

	for (unsigned i = 0; i < m->n_credits; i++)
		credit_drop(&m->credits[i]);
	for (unsigned i = 0; i < m->n_recircs; i++)
		recirc_unref(m->recircs[i]);
	if (m->visits)
		stable_free(STABLE_DEPENDENCY, m->visits, m->lists_size);
	free(hal_megaflow_hw(mf));
	atomic_store(&mf->state, MEGAFLOW_DEAD);
	stable_free(STABLE_MEGAFLOW, m, m->size);
}

static void free_deferred(void *arg)
{
	megaflow_free(arg);
}

void megaflow_free_later(struct pl_megaflow *m)
{
	rcu_defer(free_deferred, &m->mf);
}

static size_t known_size(const struct visit *v)
{
	return sizeof(*v->known) + 2 * v->known->n * sizeof(v->known->w[0]);
}

/* Visits, dependencies and what was known lie in one block, which begins with the visits. */
static int take_lists(struct pl_megaflow *m, const struct xlate *x)
{
	const struct visit *visits = x->visits.data;
	const struct dep_key *deps = x->deps.data;
	size_t size = x->visits.n * sizeof(*m->visits) + x->deps.n * sizeof(*m->deps);
	uint8_t *at;

	for (unsigned i = 0; i < x->visits.n; i++)
		size += known_size(&visits[i]);
	m->lists_size = (uint32_t)size + 1;
	m->visits = stable_alloc(STABLE_DEPENDENCY, m->lists_size);
	if (!m->visits)
		return -1;
	memset(m->visits, 0, x->visits.n * sizeof(*m->visits) + x->deps.n * sizeof(*m->deps));
	m->n_visits = x->visits.n;
	m->deps = (struct dep_node *)(void *)(m->visits + m->n_visits);
	m->n_deps = x->deps.n;
	at = (uint8_t *)(m->deps + m->n_deps);
	for (unsigned i = 0; i < x->visits.n; i++) {
		m->visits[i].visit = visits[i];
		m->visits[i].visit.known = (struct hal_cmatch *)(void *)at;
		m->visits[i].mf = m;
		memcpy(at, visits[i].known, known_size(&visits[i]));
		at += known_size(&visits[i]);
	}
	for (unsigned i = 0; i < x->deps.n; i++) {
		m->deps[i].key = deps[i];
		m->deps[i].mf = m;
	}
	return 0;
}

/* Where the parts of a megaflow's block lie, in bytes; each begins on 8. */
struct layout {
	size_t match, program, sample, credits, recircs, end;
};

static struct layout lay_out(const struct pipeline *pl, const struct xlate *x)
{
	struct layout l;

	l.match = offsetof(struct pl_megaflow, mf) + HAL_MEGAFLOW_SIZE(pl->n_workers);
	l.program = l.match + hal_cmatch_size_dp(&x->wc);
	l.sample = l.program + sizeof(struct hal_program) + x->out.program->len;
	l.credits = l.sample + packed_size(x->orig);
	l.recircs = l.credits + x->credits.n * sizeof(struct credit);
	l.end = l.recircs + x->recircs.n * sizeof(struct pl_recirc *);
	return l;
}

static void *take_vec(struct xlate_vec *v, size_t size, void *to)
{
	if (v->n)
		memcpy(to, v->data, v->n * size);
	v->n = 0;
	return to;
}

static struct pl_megaflow *make(struct pipeline *pl, struct xlate *x)
{
	struct layout l = lay_out(pl, x);
	struct hal_cmatch *match;
	struct hal_program *program;
	struct pl_megaflow *m;
	uint8_t *block;

	block = stable_alloc(STABLE_MEGAFLOW, l.end);
	if (!block)
		return NULL;
	memset(block, 0, l.match); /* DEAD until it is whole */
	m = (struct pl_megaflow *)(void *)block;
	m->size = (uint32_t)l.end;
	if (take_lists(m, x)) {
		megaflow_free(&m->mf);
		return NULL;
	}
	match = (struct hal_cmatch *)(void *)(block + l.match);
	hal_cmatch_init_dp(match, x->orig, &x->wc);
	program = (struct hal_program *)(void *)(block + l.program);
	memcpy(program, x->out.program, sizeof(*program) + x->out.program->len);
	m->mf.match = match;
	m->mf.program = program;
	m->mf.output = hal_program_output(program);
	m->mf.n_sw = (uint8_t)pl->n_workers;
	m->sample = (struct packed_key *)(void *)(block + l.sample);
	key_pack(m->sample, x->orig);
	m->n_credits = x->credits.n;
	m->credits = take_vec(&x->credits, sizeof(struct credit), block + l.credits);
	m->n_recircs = x->recircs.n;
	m->recircs = take_vec(&x->recircs, sizeof(struct pl_recirc *), block + l.recircs);
	return m;
}

struct pl_megaflow *megaflow_new(struct pipeline *pl, struct xlate *x)
{
	struct pl_megaflow *m = NULL;

	if (!hal_builder_end(&x->out)) {
		xlate_visits_end(x);
		m = make(pl, x);
	}
	if (!m)
		goto clear;
	m->pl = pl;
	m->bridge = x->br ? x->br->id : 0;
	m->mf.chain = rte_be_to_cpu_32(x->orig->recirc_id);
	m->mf.ufid = ufid_of(m->mf.match, m->mf.chain);
	m->mf.created_ms = clock_ms();
	m->mf.release = megaflow_free;
	m->mf.maker = HAL_MAKER_NONE;
	atomic_store(&m->mf.refs, 1);
	atomic_store(&m->mf.state, MEGAFLOW_BORN);
clear:
	xlate_clear(x);
	return m;
}

static bool same_credit(const struct credit *a, const struct credit *b)
{
	/* A group that was modified has the same counters still. */
	if (a->type == CREDIT_GROUP && b->type == CREDIT_GROUP)
		return a->group->counter == b->group->counter && a->bucket == b->bucket;
	return a->type == b->type && a->br == b->br && a->flow == b->flow && a->port == b->port &&
	       a->vlan == b->vlan && !memcmp(a->mac, b->mac, 6) && a->table == b->table &&
	       a->rx == b->rx && a->fin_idle == b->fin_idle && a->fin_hard == b->fin_hard &&
	       (a->type != CREDIT_LEARN || learn_equal(a->learn, b->learn));
}

bool megaflow_same_credits(const struct pl_megaflow *a, const struct pl_megaflow *b)
{
	if (a->n_credits != b->n_credits)
		return false;
	for (unsigned i = 0; i < a->n_credits; i++)
		if (!same_credit(&a->credits[i], &b->credits[i]))
			return false;
	return true;
}
