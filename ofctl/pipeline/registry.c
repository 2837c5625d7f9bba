/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of all megaflows: how they are born, replaced and retired.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "offload/offload.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/swpath.h"

LOG_DEFINE(megaflow);

static uint32_t ufid_hash(const struct hal_ufid *u)
{
	return hash_mix(u->u[0] ^ u->u[1]);
}

struct pl_megaflow *registry_find(struct pipeline *pl, const struct hal_ufid *ufid)
{
	HMAP_FOR_EACH_HASH (m, struct pl_megaflow, node, ufid_hash(ufid), &pl->megaflows)
		if (hal_ufid_equal(&m->mf.ufid, ufid))
			return m;
	return NULL;
}

/* The last reference is gone: the counters are final. Control thread, after a grace period. */
static void bury(void *arg)
{
	struct pl_megaflow *m = arg;

	atomic_store(&m->mf.state, MEGAFLOW_DEAD);
	credit_megaflow(m, false);
	if (m->pl->sweep_next == m)
		m->pl->sweep_next = TAILQ_NEXT(m, link);
	TAILQ_REMOVE(&m->pl->all, m, link);
	megaflow_free(&m->mf);
}

/* Any thread. */
static void released(struct hal_megaflow *mf)
{
	rcu_defer(bury, pl_megaflow_of(mf));
}

static int live_insert(struct pipeline *pl, struct pl_megaflow *m)
{
	int error = hmap_insert(&pl->megaflows, &m->node, ufid_hash(&m->mf.ufid));

	if (!error)
		atomic_fetch_add_explicit(&pl->n_live, 1, memory_order_relaxed);
	return error;
}

static void live_remove(struct pipeline *pl, struct pl_megaflow *m)
{
	hmap_remove(&pl->megaflows, &m->node);
	atomic_fetch_sub_explicit(&pl->n_live, 1, memory_order_relaxed);
}

/* Makes a registered megaflow live: from now on its dependencies count. */
static int go_live(struct pipeline *pl, struct pl_megaflow *m)
{
	int error = depend_index(pl, m);

	if (error)
		return error;
	error = live_insert(pl, m);
	if (error)
		depend_unindex(pl, m);
	return error;
}

void registry_adopt(struct pipeline *pl, struct pl_megaflow *m)
{
	uint32_t born = MEGAFLOW_BORN;

	m->mf.release = released;
	TAILQ_INSERT_TAIL(&pl->all, m, link);
	/* What was translated before the last change and comes only now has not been compared with
	 * that change. */
	if (m->transient || m->version < pl->settled || registry_find(pl, &m->mf.ufid) ||
		go_live(pl, m)) {
		atomic_compare_exchange_strong(&m->mf.state, &born, MEGAFLOW_RETIRING);
		if (!m->transient)
			swpath_megaflow_remove(pl->sp, &m->mf); /* caches let it go */
		goto drop;
	}
	if (!atomic_compare_exchange_strong(&m->mf.state, &born, MEGAFLOW_LIVE))
		goto undo_live; /* its maker saw a newer version */
	if (swpath_megaflow_install(pl->sp, &m->mf)) {
		atomic_store(&m->mf.state, MEGAFLOW_RETIRING);
		goto undo_live;
	}
	if (pl->ol)
		offload_megaflow_live(pl->ol, &m->mf);
	return;

undo_live:
	live_remove(pl, m);
	depend_unindex(pl, m);
drop:
	hal_megaflow_unref(&m->mf);
}

unsigned registry_take_some(struct pipeline *pl, unsigned max)
{
	unsigned left = rte_ring_count(pl->births), n;
	void *batch[64];

	if (left > max)
		left = max;
	while (left) {
		n = rte_ring_sc_dequeue_burst(pl->births, batch, left < 64 ? left : 64, NULL);
		if (!n)
			break;
		left -= n;
		for (unsigned i = 0; i < n; i++)
			registry_adopt(pl, batch[i]);
	}
	return rte_ring_count(pl->births);
}

/* No more than were there: workers may make them faster than we take them. */
void registry_take_births(struct pipeline *pl)
{
	registry_take_some(pl, UINT_MAX);
}

void registry_retire(struct pipeline *pl, struct pl_megaflow *m, struct pl_megaflow *successor)
{
	int gap;

	if (!m->indexed)
		return;
	mark_fresh(pl, m);
	depend_unindex(pl, m);
	pl->retired++;
	if (pl->last_successor == m)
		pl->last_successor = NULL;
	if (successor) {
		hmap_replace(&pl->megaflows, &m->node, &successor->node);
		gap = swpath_megaflow_replace(pl->sp, &m->mf, &successor->mf);
		atomic_store(&m->mf.state, MEGAFLOW_RETIRING);
		if (gap) { /* no memory: one after the other, then */
			swpath_megaflow_remove(pl->sp, &m->mf);
			swpath_megaflow_install(pl->sp, &successor->mf);
		}
	} else {
		live_remove(pl, m);
		atomic_store(&m->mf.state, MEGAFLOW_RETIRING);
		swpath_megaflow_remove(pl->sp, &m->mf);
	}
	if (pl->ol && MUTATE(13, 1, 0))
		offload_megaflow_withdraw(pl->ol, &m->mf, successor ? &successor->mf : NULL);
	hal_megaflow_unref(&m->mf);
}

/* Gives `m` the dependencies of `n`, which are newer; nothing else differs. */
static void refresh_dependencies(struct pipeline *pl, struct pl_megaflow *m, struct pl_megaflow *n)
{
	struct visit_node *visits = m->visits;
	struct dep_node *deps = m->deps;
	unsigned n_visits = m->n_visits, n_deps = m->n_deps;
	uint32_t size = m->lists_size;

	depend_unindex(pl, m);
	m->visits = n->visits;
	m->deps = n->deps;
	m->n_visits = n->n_visits;
	m->n_deps = n->n_deps;
	m->lists_size = n->lists_size;
	n->lists_size = size;
	n->visits = visits;
	n->deps = deps;
	n->n_visits = n_visits;
	n->n_deps = n_deps;
	for (unsigned i = 0; i < m->n_visits; i++)
		m->visits[i].mf = m;
	for (unsigned i = 0; i < m->n_deps; i++)
		m->deps[i].mf = m;
	if (depend_index(pl, m)) {
		/* Without its dependencies known it cannot stay. */
		m->indexed = true;
		m->n_visits = m->n_deps = 0;
		registry_retire(pl, m, NULL);
	}
	megaflow_free(&n->mf);
}

/* Puts a successor, not known to anybody yet, into the world. */
static void succeed(struct pipeline *pl, struct pl_megaflow *m, struct pl_megaflow *n, bool same)
{
	n->mf.release = released;
	atomic_store(&n->mf.installed, true);
	TAILQ_INSERT_TAIL(&pl->all, n, link);
	if (same) {
		if (depend_index(pl, n)) {
			registry_retire(pl, m, NULL);
			goto drop;
		}
		atomic_store(&n->mf.state, MEGAFLOW_LIVE);
		registry_retire(pl, m, n);
		return;
	}
	registry_retire(pl, m, NULL);
	if (registry_find(pl, &n->mf.ufid) || go_live(pl, n))
		goto drop;
	atomic_store(&n->mf.state, MEGAFLOW_LIVE);
	if (swpath_megaflow_install(pl->sp, &n->mf)) {
		live_remove(pl, n);
		depend_unindex(pl, n);
		goto drop;
	}
	if (pl->ol)
		offload_megaflow_live(pl->ol, &n->mf);
	pl->last_successor = n;
	return;

drop:
	atomic_store(&n->mf.state, MEGAFLOW_RETIRING);
	hal_megaflow_unref(&n->mf);
}

/* What was translated last has all of its packets: a flow that takes many addresses out of one with
 * more makes one megaflow of those of many. */
static bool is_covered(const struct pipeline *pl, const struct pl_megaflow *m)
{
	const struct pl_megaflow *n = pl->last_successor;

	return n && n != m && !n->stale && n->mf.chain == m->mf.chain &&
	       hal_cmatch_contains(n->mf.match, m->mf.match);
}

void registry_retranslate(struct pipeline *pl, struct pl_megaflow *m)
{
	struct pl_megaflow *n;
	struct hal_key key;
	struct xlate x;
	bool same;

	if (!m->indexed)
		return;
	if (is_covered(pl, m)) {
		registry_retire(pl, m, NULL);
		return;
	}
	pl->retranslations++;
	megaflow_sample(m, &key);
	xlate_packet(&x, pl, &key);
	/* What wants to learn something has to see a packet again. */
	if (x.error || x.raced || x.n_effects) {
		xlate_clear(&x);
		registry_retire(pl, m, NULL);
		return;
	}
	bound_mask(pl, HAL_MAX_WORKERS, x.orig, &x.wc);
	n = megaflow_new(pl, &x);
	if (!n) {
		registry_retire(pl, m, NULL);
		return;
	}
	n->version = atomic_load(&pl->version);
	oracle_look(pl, n, &key);
	same = hal_cmatch_equal(m->mf.match, n->mf.match);
	if (same && hal_program_equal(m->mf.program, n->mf.program) &&
		megaflow_same_credits(m, n)) {
		refresh_dependencies(pl, m, n);
		return;
	}
	log_dbg("megaflow translated again: %s", same ? "new actions" : "new match");
	succeed(pl, m, n, same);
}
