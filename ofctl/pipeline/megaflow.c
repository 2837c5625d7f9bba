/* SPDX-License-Identifier: Apache-2.0
 *
 * A megaflow: made of a finished translation.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>

#include "hal/base/rcu.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"

static struct packed_key *key_pack(const struct hal_key *key)
{
	const uint64_t *w = (const uint64_t *)key;
	struct packed_key *p;
	uint64_t map = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if (w[i])
			map |= 1ull << i;
	p = malloc(sizeof(*p) + (size_t)__builtin_popcountll(map) * 8);
	if (!p)
		return NULL;
	p->map = map;
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if (w[i])
			p->w[n++] = w[i];
	return p;
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
	struct pl_megaflow *m = (struct pl_megaflow *)mf;

	for (unsigned i = 0; i < m->n_visits; i++)
		free(m->visits[i].visit.known);
	for (unsigned i = 0; i < m->n_credits; i++)
		credit_drop(&m->credits[i]);
	for (unsigned i = 0; i < m->n_recircs; i++)
		recirc_unref(m->recircs[i]);
	free(m->recircs);
	free(m->visits);
	free(m->deps);
	free(m->credits);
	free(m->sample);
	free((void *)(uintptr_t)mf->match);
	free((void *)(uintptr_t)mf->program);
	free(m);
}

static void free_deferred(void *arg)
{
	megaflow_free(arg);
}

void megaflow_free_later(struct pl_megaflow *m)
{
	rcu_defer(free_deferred, &m->mf);
}

static int take_lists(struct pl_megaflow *m, struct xlate *x)
{
	struct visit *visits = x->visits.data;
	struct dep_key *deps = x->deps.data;

	m->visits = calloc(x->visits.n + 1, sizeof(*m->visits));
	m->deps = calloc(x->deps.n + 1, sizeof(*m->deps));
	if (!m->visits || !m->deps)
		return -1;
	m->n_visits = x->visits.n;
	for (unsigned i = 0; i < x->visits.n; i++) {
		m->visits[i].visit = visits[i];
		m->visits[i].mf = m;
		visits[i].known = NULL;
	}
	m->n_deps = x->deps.n;
	for (unsigned i = 0; i < x->deps.n; i++) {
		m->deps[i].key = deps[i];
		m->deps[i].mf = m;
	}
	m->credits = x->credits.data;
	m->n_credits = x->credits.n;
	m->recircs = x->recircs.data;
	m->n_recircs = x->recircs.n;
	x->credits = x->recircs = (struct xlate_vec){0};
	return 0;
}

struct pl_megaflow *megaflow_new(struct pipeline *pl, struct xlate *x)
{
	struct pl_megaflow *m = calloc(1, sizeof(*m));

	if (!m)
		goto fail;
	m->pl = pl;
	m->bridge = x->br ? x->br->id : 0;
	m->mf.match = hal_cmatch_new_dp(x->orig, &x->wc);
	m->sample = key_pack(x->orig);
	m->mf.program = hal_builder_finish(&x->out);
	if (!m->mf.match || !m->sample || !m->mf.program || take_lists(m, x))
		goto free_megaflow;
	m->mf.chain = rte_be_to_cpu_32(x->orig->recirc_id);
	m->mf.ufid = ufid_of(m->mf.match, m->mf.chain);
	m->mf.created_ms = clock_ms();
	m->mf.release = megaflow_free;
	atomic_store(&m->mf.refs, 1);
	atomic_store(&m->mf.state, MEGAFLOW_BORN);
	xlate_clear(x);
	return m;

free_megaflow:
	megaflow_free(&m->mf);
fail:
	xlate_clear(x);
	return NULL;
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
