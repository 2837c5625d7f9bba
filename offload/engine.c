/* SPDX-License-Identifier: Apache-2.0
 *
 * The megaflows that offload knows: announced, withdrawn, done.
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload);

/* With ol->lock. */
static struct flow *flow_of(const struct hal_megaflow *mf)
{
	return mf->offload;
}

static void flow_forget(struct offload *ol, struct flow *flow)
{
	LIST_REMOVE(flow, link);
	ol->n_flows--;
	flow->mf->offload = NULL;
}

int offload_open(const struct offload_config *cfg, struct offload **out)
{
	struct offload *ol = calloc(1, sizeof(*ol));
	int err;

	if (!ol)
		return -ENOMEM;
	if (cfg)
		ol->cfg = *cfg;
	if (!ol->cfg.counter_interval_ms)
		ol->cfg.counter_interval_ms = 500;
	if (!ol->cfg.retry_interval_ms)
		ol->cfg.retry_interval_ms = 1000;
	if (!ol->cfg.adopt_grace_ms)
		ol->cfg.adopt_grace_ms = 10000;
	if (!ol->cfg.op_timeout_ms)
		ol->cfg.op_timeout_ms = 3000;
	atomic_init(&ol->audit_ms, OFFLOAD_AUDIT_MS);
	pthread_mutex_init(&ol->lock, NULL);
	LIST_INIT(&ol->flows);
	hmap_init(&ol->tunnels);
	meters_open(ol);
	holds_open(ol);
	err = decisions_open(&ol->decisions);
	if (err)
		goto destroy;
	err = barriers_open(ol);
	if (err)
		goto close_decisions;
	*out = ol;
	return 0;

close_decisions:
	decisions_close(&ol->decisions);
destroy:
	holds_close(ol);
	meters_close(ol);
	hmap_destroy(&ol->tunnels);
	pthread_mutex_destroy(&ol->lock);
	free(ol);
	return err;
}

/* With ol->lock. */
static int flow_new(struct offload *ol, struct hal_megaflow *mf, struct flow **out)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return -ENOMEM;
	flow->mf = mf;
	atomic_init(&flow->open, 1);
	LIST_INSERT_HEAD(&ol->flows, flow, link);
	ol->n_flows++;
	mf->offload = flow;
	hal_megaflow_ref(mf);
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		if (ol->devices[i])
			device_attach(ol->devices[i], flow);
	}
	*out = flow;
	return 0;
}

int offload_megaflow_live(struct offload *ol, struct hal_megaflow *mf)
{
	struct flow *flow;
	int err = -EEXIST;

	pthread_mutex_lock(&ol->lock);
	if (!flow_of(mf))
		err = flow_new(ol, mf, &flow);
	pthread_mutex_unlock(&ol->lock);
	return err;
}

static void flow_free(struct flow *flow)
{
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		claim_free(flow->claim[i]);
	free(flow);
}

/* Nobody has it any more. Its owner hears of it with its counters final. */
static void flow_done(struct offload *ol, struct flow *flow)
{
	struct hal_megaflow *mf = flow->mf;

	pthread_mutex_lock(&ol->lock);
	flow_forget(ol, flow);
	pthread_mutex_unlock(&ol->lock);
	flow_free(flow);
	if (ol->cfg.ops.withdrawn)
		ol->cfg.ops.withdrawn(ol->cfg.ops.ctx, mf);
	hal_megaflow_unref(mf);
}

void flow_put(struct offload *ol, struct flow *flow)
{
	if (atomic_fetch_sub_explicit(&flow->open, 1, memory_order_acq_rel) == 1)
		flow_done(ol, flow);
}

/* Tells the device's thread; or, if that has not even seen the claim, takes it back. True: the
 * claim is done with. */
static bool claim_withdraw(struct device *dev, struct claim *c)
{
	bool done = false;

	pthread_mutex_lock(&dev->lock);
	if (c->attached) {
		c->withdrawn = true;
		if (c->event.queued && !c->taken) {
			TAILQ_REMOVE(&dev->events, &c->event, link);
			c->event.queued = c->attached = false;
			done = true;
		} else if (!c->event.queued) {
			device_push(dev, &c->event);
		}
	}
	pthread_mutex_unlock(&dev->lock);
	return done;
}

int offload_megaflow_withdraw(
	struct offload *ol, struct hal_megaflow *mf, struct hal_megaflow *successor)
{
	struct flow *flow, *next;
	unsigned done = 1; /* the announcement */
	int err = -ENOENT;

	pthread_mutex_lock(&ol->lock);
	/* The successor comes first: with both wishes known, one is replaced by the other. */
	if (successor && !flow_of(successor) && flow_new(ol, successor, &next))
		log_warn("out of memory: a megaflow stays out of all devices");
	flow = flow_of(mf);
	if (flow && !flow->withdrawn) {
		flow->withdrawn = true;
		for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
			if (ol->devices[i] && flow->claim[i])
				done += claim_withdraw(ol->devices[i], flow->claim[i]);
		err = 0;
	}
	pthread_mutex_unlock(&ol->lock);
	for (unsigned i = 0; !err && i < done; i++)
		flow_put(ol, flow);
	return err;
}

void offload_close(struct offload *ol)
{
	struct flow *flow;

	if (!ol)
		return;
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		if (ol->devices[i])
			device_close(ol->devices[i]);
	barriers_close(ol);
	while ((flow = LIST_FIRST(&ol->flows))) {
		struct hal_megaflow *mf = flow->mf;

		flow_forget(ol, flow);
		flow_free(flow);
		hal_megaflow_unref(mf);
	}
	tunnels_free(ol);
	decisions_close(&ol->decisions);
	holds_close(ol);
	meters_close(ol);
	connections_free_rings(ol);
	pthread_mutex_destroy(&ol->lock);
	free(ol);
}
