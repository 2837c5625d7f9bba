/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/pipeline.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "offload/offload.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/swpath.h"

LOG_DEFINE(pipeline);

#define SWEEP_MS 500
#define BIRTHS 65536
#define BIRTHS_A_TURN 1024 /* adopted in one turn of the event loop */
#define NOTES 16384

static struct rte_ring *ring_new(unsigned n)
{
	ssize_t size = rte_ring_get_memsize(n);
	struct rte_ring *r = size > 0 ? aligned_alloc(64, ((size_t)size + 63) & ~63ul) : NULL;

	if (r && rte_ring_init(r, "pipeline", n, RING_F_SC_DEQ)) {
		free(r);
		return NULL;
	}
	return r;
}

/* What is deferred is due soon after: look again while there is some. */
static void reclaim(struct pipeline *pl)
{
	struct timeval soon = {0, 5000};

	if (rcu_reclaim())
		event_add(pl->reclaim_event, &soon);
}

static void on_reclaim(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reclaim(arg);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *pl = arg;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n));
	atomic_store(&pl->woken, false);
	if (registry_take_some(pl, BIRTHS_A_TURN))
		pipeline_wake(pl);
	notes_run(pl);
	reclaim(pl);
}

static void free_bridge(void *br)
{
	bridge_free(br);
}

/* Bridges that were removed go when no translation can come upon them any more and no megaflow of
 * their time is left; behind the flows that those let go. */
static void free_gone_bridges(struct pipeline *pl)
{
	uint64_t oldest = UINT64_MAX;
	struct pl_bridge *br, *next;
	struct pl_megaflow *m;

	if (LIST_EMPTY(&pl->gone_bridges))
		return;
	registry_take_births(pl);
	TAILQ_FOREACH (m, &pl->all, link)
		if (m->version < oldest)
			oldest = m->version;
	for (br = LIST_FIRST(&pl->gone_bridges); br; br = next) {
		next = LIST_NEXT(br, link);
		if (!br->unreachable || oldest < br->gone_version)
			continue;
		LIST_REMOVE(br, link);
		rcu_defer(free_bridge, br);
	}
}

static void tell_limit(struct pipeline *pl)
{
	if (pl->limit_told || !atomic_load(&pl->limited))
		return;
	pl->limit_told = true;
	log_warn("there are %u megaflows, the limit: what misses is translated packet by packet",
		atomic_load(&pl->n_live));
}

static void on_slice(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	credit_slice(arg, clock_ms());
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *pl = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (!pl->sp)
		return;
	credit_sweep(pl, now);
	tell_limit(pl);
	recirc_sweep(pl->recircs, now);
	free_gone_bridges(pl);
	reclaim(pl);
}

int pipeline_open(struct event_base *base, const struct pipeline_ops *ops, struct pipeline **out)
{
	struct timeval interval = {SWEEP_MS / 1000, SWEEP_MS % 1000 * 1000};
	struct pipeline *pl = calloc(1, sizeof(*pl));

	if (!pl)
		return -ENOMEM;
	pl->base = base;
	if (ops)
		pl->ops = *ops;
	pl->control = pthread_self();
	pl->n_workers = HAL_MAX_WORKERS;
	pl->flow_limit = PL_FLOW_LIMIT;
	LIST_INIT(&pl->bridges);
	LIST_INIT(&pl->gone_bridges);
	STAILQ_INIT(&pl->found);
	TAILQ_INIT(&pl->all);
	TAILQ_INIT(&pl->stale);
	TAILQ_INIT(&pl->ended);
	TAILQ_INIT(&pl->ended_groups);
	TAILQ_INIT(&pl->waiting);
	hmap_init(&pl->megaflows);
	hmap_init(&pl->deps);
	hmap_init(&pl->visits);
	hmap_init(&pl->patches);
	hmap_init(&pl->bridge_ids);
	hmap_init(&pl->internals);
	hmap_init(&pl->tunnels);
	hmap_init(&pl->tunnel_peers);
	hmap_init(&pl->tunnel_ends);
	pl->births = ring_new(BIRTHS);
	pl->notes = ring_new(NOTES);
	pl->recircs = recirc_open(RECIRC_MAX);
	pl->oracle = oracle_open();
	if (!pl->births || !pl->notes || !pl->recircs)
		goto free_rings;
	if (getrandom(&pl->resume_secret, sizeof(pl->resume_secret), 0) < 0)
		goto free_rings;
	pl->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pl->wake_fd < 0)
		goto free_rings;
	pl->wake_event = event_new(base, pl->wake_fd, EV_READ | EV_PERSIST, on_wake, pl);
	pl->sweep_event = event_new(base, -1, EV_PERSIST, on_sweep, pl);
	pl->reclaim_event = event_new(base, -1, 0, on_reclaim, pl);
	pl->slice_event = event_new(base, -1, 0, on_slice, pl);
	if (!pl->slice_event || !pl->wake_event || !pl->sweep_event || !pl->reclaim_event ||
		turns_open(pl) || event_add(pl->wake_event, NULL) ||
		event_add(pl->sweep_event, &interval))
		goto free_events;
	*out = pl;
	return 0;

free_events:
	if (pl->slice_event)
		event_free(pl->slice_event);
	turns_close(pl);
	if (pl->wake_event)
		event_free(pl->wake_event);
	if (pl->sweep_event)
		event_free(pl->sweep_event);
	if (pl->reclaim_event)
		event_free(pl->reclaim_event);
	close(pl->wake_fd);
free_rings:
	recirc_close(pl->recircs);
	free(pl->oracle);
	free(pl->births);
	free(pl->notes);
	free(pl);
	return -ENOMEM;
}

void pipeline_set_workers(struct pipeline *pl, unsigned n)
{
	pl->n_workers = n && n < HAL_MAX_WORKERS ? n : HAL_MAX_WORKERS;
}

void pipeline_set_flow_limit(struct pipeline *pl, uint32_t n)
{
	atomic_store(&pl->flow_limit, n ? n : PL_FLOW_LIMIT);
	pl->limit_told = false;
}

void pipeline_set_restore_wait(struct pipeline *pl, bool on)
{
	atomic_store(&pl->restore_wait, on);
}

void pipeline_set_paths(struct pipeline *pl, struct swpath *sp, struct offload *ol)
{
	pl->sp = sp;
	pl->ol = ol;
}

int pipeline_set_need(struct pipeline *pl, const struct hal_caps *caps)
{
	struct pl_need *need = NULL, *was;

	if (caps && caps->n_needs) {
		need = malloc(sizeof(*need));
		if (!need)
			return -ENOMEM;
		need->n = caps->n_needs;
		memcpy(need->need, caps->need, sizeof(need->need));
	}
	was = atomic_exchange(&pl->need, need);
	if (was)
		rcu_defer(free, was);
	return 0;
}

/* Runs what was deferred, and what that defers. */
static void settle_deferred(void)
{
	do
		rcu_drain();
	while (rcu_reclaim());
}

/* Births that nobody adopts any more, and all megaflows. */
static void drop_megaflows(struct pipeline *pl)
{
	struct pl_megaflow *m;
	void *born;

	while (!rte_ring_sc_dequeue(pl->births, &born)) {
		m = born;
		TAILQ_INSERT_TAIL(&pl->all, m, link);
	}
	/* Those whose last reference is gone bury themselves. */
	settle_deferred();
	while ((m = TAILQ_FIRST(&pl->all))) {
		depend_unindex(pl, m);
		TAILQ_REMOVE(&pl->all, m, link);
		megaflow_free(&m->mf);
	}
}

/* The layers below are closed by now: no thread but ours is left. */
void pipeline_close(struct pipeline *pl)
{
	struct pl_bridge *br;

	pl->ops = (struct pipeline_ops){0};
	pl->sp = NULL;
	pl->ol = NULL;
	event_free(pl->wake_event);
	event_free(pl->sweep_event);
	event_free(pl->reclaim_event);
	event_free(pl->slice_event);
	turns_close(pl);
	pl->sweep_next = NULL;
	drop_megaflows(pl);
	recirc_sweep(pl->recircs, UINT64_MAX);
	notes_drop(pl);
	found_drop(pl);
	while ((br = LIST_FIRST(&pl->bridges)))
		pipeline_bridge_remove(pl, br);
	settle_deferred();
	while ((br = LIST_FIRST(&pl->gone_bridges))) {
		LIST_REMOVE(br, link);
		bridge_free(br);
	}
	depend_destroy(pl);
	recirc_close(pl->recircs);
	free(pl->oracle);
	hmap_destroy(&pl->bridge_ids);
	hmap_destroy(&pl->patches);
	hmap_destroy(&pl->internals);
	hmap_destroy(&pl->tunnels);
	hmap_destroy(&pl->tunnel_peers);
	hmap_destroy(&pl->tunnel_ends);
	hmap_destroy(&pl->megaflows);
	close(pl->wake_fd);
	free(pl->changed_deps);
	free(pl->added_flows);
	free(pl->changes.list);
	free(pl->need);
	free(pl->births);
	free(pl->notes);
	free(pl);
}

void pipeline_withdrawn(void *ctx, struct hal_megaflow *mf)
{
	/* The reference that goes with it is what counts. */
	(void)mf;
	pipeline_wake(ctx);
}
