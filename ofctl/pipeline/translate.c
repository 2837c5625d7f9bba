/* SPDX-License-Identifier: Apache-2.0
 *
 * A miss, translated on the worker that has it.
 */
#include <errno.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* Tables that keep changing while we translate make us try so often, then use what we have for
 * this packet only. */
#define ATTEMPTS 3

static void count_failure(struct pipeline *pl, int error)
{
	atomic_fetch_add_explicit(&pl->failed, 1, memory_order_relaxed);
	if (error == -ENOSPC)
		atomic_fetch_add_explicit(&pl->failed_recirc, 1, memory_order_relaxed);
	if (error == -ENOENT)
		atomic_fetch_add_explicit(&pl->failed_gone, 1, memory_order_relaxed);
}

/* Beyond the limit each packet is translated for itself. */
static bool is_full(struct pipeline *pl)
{
	uint32_t n = atomic_load_explicit(&pl->n_live, memory_order_relaxed);

	if (n + rte_ring_count(pl->births) <
		atomic_load_explicit(&pl->flow_limit, memory_order_relaxed))
		return false;
	atomic_fetch_add_explicit(&pl->limited, 1, memory_order_relaxed);
	return true;
}

static void adopt_late(void *arg)
{
	struct pl_megaflow *m = arg;

	atomic_fetch_sub_explicit(&m->pl->n_late, 1, memory_order_relaxed);
	registry_adopt(m->pl, m);
}

/* The control thread is behind: what is made now serves its packet only, which is not dropped for
 * that. Memory is the bound. */
#define LATE_MAX 65536

static struct hal_megaflow *come_late(struct pipeline *pl, struct pl_megaflow *m)
{
	if (!m->transient)
		hal_megaflow_unref(&m->mf);
	m->transient = true;
	if (atomic_fetch_add_explicit(&pl->n_late, 1, memory_order_relaxed) < LATE_MAX) {
		rcu_defer(adopt_late, m);
		return &m->mf;
	}
	atomic_fetch_sub_explicit(&pl->n_late, 1, memory_order_relaxed);
	megaflow_free_later(m);
	atomic_fetch_add_explicit(&pl->effects_dropped, 1, memory_order_relaxed);
	return NULL;
}

static struct pl_megaflow *attempt(struct pipeline *pl, unsigned worker, const struct hal_key *key,
	uint64_t version, bool even)
{
	struct pl_megaflow *m;
	struct xlate x;

	xlate_packet(&x, pl, key);
	atomic_fetch_add_explicit(&pl->translations, 1, memory_order_relaxed);
	if (x.error) {
		count_failure(pl, x.error);
		xlate_clear(&x);
		return NULL;
	}
	effects_post(pl, &x);
	bound_mask(pl, worker, x.orig, &x.wc);
	m = megaflow_new(pl, &x);
	if (!m)
		return NULL;
	m->version = version;
	m->mf.maker = (uint16_t)worker;
	m->transient = !even || x.raced || is_full(pl);
	if (!m->transient)
		oracle_look(pl, m, key);
	return m;
}

struct hal_megaflow *pipeline_translate(void *ctx, unsigned worker, const struct hal_key *key,
	const struct rte_mbuf *pkt, bool *cache)
{
	struct pipeline *pl = ctx;
	struct pl_megaflow *m = NULL;

	(void)pkt;
	*cache = false;
	if (atomic_load_explicit(&pl->restore_wait, memory_order_relaxed))
		return NULL;
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		uint64_t version = atomic_load(&pl->version);
		uint32_t born = MEGAFLOW_BORN;
		bool even = !(version & 1) && i < ATTEMPTS - 1;

		m = attempt(pl, worker, key, version, even);
		if (!m)
			return NULL;
		/* The change ended that we looked behind: what it took away may be gone by half. */
		if (!even && i < ATTEMPTS - 1 && atomic_load(&pl->version) != version) {
			megaflow_free_later(m);
			continue;
		}
		if (!m->transient)
			hal_megaflow_ref(&m->mf); /* for the young table */
		if (rte_ring_mp_enqueue(pl->births, m))
			return come_late(pl, m);
		pipeline_wake(pl);
		if (m->transient)
			return &m->mf;
		if (atomic_load(&pl->version) == version) {
			*cache = true;
			return &m->mf;
		}
		atomic_fetch_add_explicit(&pl->raced, 1, memory_order_relaxed);
		atomic_compare_exchange_strong(&m->mf.state, &born, MEGAFLOW_RETIRING);
		hal_megaflow_unref(&m->mf);
	}
	return NULL;
}
