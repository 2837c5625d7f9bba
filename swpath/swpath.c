/* SPDX-License-Identifier: Apache-2.0
 *
 * The software path opened, closed, and brought to a known point.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "hal/base/rcu.h"
#include "swpath/ct/ct.h"
#include "swpath/eal.h"
#include "swpath/meter.h"
#include "swpath/worker.h"

#define TICK_US 200000   /* the classifier is put in order, deferred releases run */
#define CT_TICK_US 50000 /* connections are looked after */

const char *swpath_rundir(const struct swpath *sp)
{
	return sp->rundir;
}

unsigned swpath_n_workers(const struct swpath *sp)
{
	return sp->n_workers;
}

struct rte_mempool *swpath_mbuf_pool(struct swpath *sp)
{
	return sp->pool;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct swpath *sp = arg;

	(void)fd;
	(void)what;
	swpath_cls_sort(&sp->cls);
	rcu_reclaim();
}

static void on_ct_tick(evutil_socket_t fd, short what, void *arg)
{
	struct swpath *sp = arg;
	struct timespec ts;

	(void)fd;
	(void)what;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ct_tick(sp->ct, (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
	rcu_reclaim();
}

struct conntrack *swpath_conntrack(struct swpath *sp)
{
	return sp->ct;
}

void swpath_ct_touch(struct swpath *sp, uint64_t id, uint64_t packets)
{
	if (packets)
		ct_touch(sp->ct, id);
}

static int start_events(struct swpath *sp, char *err, size_t n)
{
	const struct timeval every = {.tv_usec = TICK_US}, often = {.tv_usec = CT_TICK_US};
	int error;

	if (!sp->cfg.base)
		return 0;
	error = swpath_netlink_open(sp->cfg.base, swpath_ports_link_changed, sp, &sp->netlink);
	if (error) {
		snprintf(err, n, "cannot watch network devices: %s", strerror(-error));
		return error;
	}
	sp->tick = event_new(sp->cfg.base, -1, EV_PERSIST, on_tick, sp);
	sp->ct_tick = event_new(sp->cfg.base, -1, EV_PERSIST, on_ct_tick, sp);
	if (!sp->tick || event_add(sp->tick, &every) || !sp->ct_tick ||
		event_add(sp->ct_tick, &often)) {
		snprintf(err, n, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int start_workers(struct swpath *sp, char *err, size_t n)
{
	for (unsigned i = 0; i < sp->cfg.n_workers; i++) {
		int error = swpath_worker_start(&sp->worker[i], sp, i, err, n);

		if (error)
			return error;
		sp->n_workers++;
	}
	return 0;
}

/* Also takes apart what was only half made. */
void swpath_close(struct swpath *sp, bool keep_netdevs)
{
	struct hal_megaflow *mf;

	if (sp->netlink)
		swpath_netlink_close(sp->netlink);
	if (sp->tick)
		event_free(sp->tick);
	if (sp->ct_tick)
		event_free(sp->ct_tick);
	for (unsigned i = 0; i < sp->n_workers; i++)
		swpath_worker_stop(&sp->worker[i]);
	swpath_ports_close(sp, !keep_netdevs);
	while ((mf = swpath_cls_first(&sp->cls))) {
		swpath_cls_remove(&sp->cls, mf);
		hal_megaflow_unref(mf);
	}
	rcu_drain();
	swpath_cls_destroy(&sp->cls);
	ct_close(sp->ct);
	sem_destroy(&sp->sync_answer);
	swpath_meters_close(sp);
	free((void *)sp->ports);
	free(sp);
	swpath_eal_use(-1);
}

int swpath_open(const struct swpath_config *cfg, struct swpath **out, char *err, size_t n)
{
	struct swpath *sp;
	int error;

	if (cfg->n_workers < 1 || cfg->n_workers > HAL_MAX_WORKERS) {
		snprintf(err, n, "%u workers: expected 1 to %d", cfg->n_workers, HAL_MAX_WORKERS);
		return -EINVAL;
	}
	error = rcu_init();
	if (error) {
		snprintf(err, n, "out of memory");
		return error;
	}
	error = swpath_eal_start(cfg, err, n);
	if (error)
		return error;
	sp = calloc(1, sizeof(*sp));
	if (!sp) {
		snprintf(err, n, "out of memory");
		return -ENOMEM;
	}
	swpath_eal_use(1);
	sp->cfg = *cfg;
	snprintf(sp->rundir, sizeof(sp->rundir), "%s", cfg->rundir ? cfg->rundir : "");
	sp->cfg.rundir = sp->rundir;
	sp->cfg.dpdk_extra = NULL; /* the EAL has it, and the caller's is going */
	sp->pool = swpath_eal_pool();
	sp->next_port = 1;
	sem_init(&sp->sync_answer, 0, 0);
	swpath_cls_init(&sp->cls, SWPATH_CLS_SHARED);
	sp->ports = calloc(HAL_PORT_MAX + 1, sizeof(sp->ports[0]));
	if (!sp->ports) {
		snprintf(err, n, "out of memory");
		error = -ENOMEM;
		goto close_half;
	}
	sp->ct = ct_open(CONNTRACK_MAX_CONNS,
		&(struct ct_ops){cfg->ops.ct_established, cfg->ops.ct_gone, cfg->ops.ctx});
	if (!sp->ct) {
		snprintf(err, n, "out of memory");
		error = -ENOMEM;
		goto close_half;
	}
	error = start_workers(sp, err, n);
	if (!error)
		error = start_events(sp, err, n);
	if (error)
		goto close_half;
	*out = sp;
	return 0;

close_half:
	swpath_close(sp, true);
	return error;
}

static bool all_synced(const struct swpath *sp)
{
	for (unsigned i = 0; i < sp->n_workers; i++)
		if (atomic_load_explicit(&sp->worker[i].sync_done, memory_order_acquire) <
			sp->sync_last)
			return false;
	return true;
}

int swpath_sync(struct swpath *sp, unsigned timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	sp->sync_last++;
	for (unsigned i = 0; i < sp->n_workers; i++) {
		atomic_store(&sp->worker[i].sync_wanted, sp->sync_last);
		swpath_worker_wake(&sp->worker[i]);
	}
	/* Late answers to a call that timed out make this wake in vain. */
	while (!all_synced(sp))
		if (sem_clockwait(&sp->sync_answer, CLOCK_MONOTONIC, &until) && errno == ETIMEDOUT)
			return all_synced(sp) ? 0 : -ETIMEDOUT;
	rcu_reclaim();
	return 0;
}
