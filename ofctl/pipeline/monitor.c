/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/monitor.h"

#include <stdlib.h>

#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* So many are kept room for from one change to the next. */
#define CHANGES_KEPT 4096

/* With references to the flows. */
struct flow_change {
	struct flow *flow;
	struct flow *old; /* that it took the place of; NULL: none */
	enum of_flow_event event;
	enum of_removed_reason reason;
	uint32_t xid;
	const void *by;
	uint64_t seq;
};

void pl_bridge_monitor(struct pl_bridge *br, bool on)
{
	br->n_monitors += on ? 1u : -1u;
}

static struct flow_change *append(struct flow_changes *c)
{
	if (c->n == c->max) {
		unsigned max = c->max ? c->max * 2 : 64;
		struct flow_change *p = realloc(c->list, max * sizeof(*p));

		if (!p) {
			c->lost = true;
			return NULL;
		}
		c->list = p;
		c->max = max;
	}
	return &c->list[c->n++];
}

static bool is_same(const struct flow *a, const struct flow *b)
{
	return a->cookie == b->cookie && of_instructions_equal(&a->ins, &b->ins);
}

void monitor_keep(
	struct flow *f, struct flow *old, enum of_flow_event event, enum of_removed_reason reason)
{
	struct flow_changes *all = &f->br->pl->changes;
	const struct of_flow_mod *mod = f->br->pl->mod;
	struct flow_change *c;

	if (all->off)
		return;
	if (old) {
		f->added_seq = old->added_seq;
		f->changed_seq = old->changed_seq;
		if (event == OF_FLOW_MODIFIED && is_same(f, old))
			return;
	}
	all->last++;
	if (event != OF_FLOW_REMOVED)
		f->changed_seq = all->last;
	if (event == OF_FLOW_ADDED && !old)
		f->added_seq = all->last;
	c = append(all);
	if (!c)
		return;
	*c = (struct flow_change){
		f, old, event, reason, mod ? mod->xid : 0, mod ? mod->by : NULL, all->last};
	flow_ref(f); /* the table has one */
	if (old)
		flow_ref(old);
}

static void let_go(struct flow_change *c)
{
	flow_unref(c->flow);
	if (c->old)
		flow_unref(c->old);
}

void monitor_take_back(struct pipeline *pl)
{
	while (pl->changes.n)
		let_go(&pl->changes.list[--pl->changes.n]);
	pl->changes.lost = false;
	pl->changes.off = true;
}

void monitor_taken_back(struct pipeline *pl)
{
	pl->changes.off = false;
}

static void tell(struct pipeline *pl, const struct flow_change *c, uint64_t now_ms)
{
	struct pl_bridge *br = c->flow->br;
	struct of_flow_change told = {
		.event = c->event,
		.reason = c->reason,
		.old = c->old ? &c->old->ins : NULL,
		.by = c->by,
		.xid = c->xid,
		.seq = c->seq,
	};

	if (!br->n_monitors || !pl->ops.flow_changed)
		return;
	flow_to_stats(c->flow, now_ms, &told.flow);
	pl->ops.flow_changed(pl->ops.ctx, br, &told);
}

void monitor_tell(struct pipeline *pl)
{
	struct flow_changes *all = &pl->changes;
	uint64_t now = clock_ms();
	struct pl_bridge *br;

	for (unsigned i = 0; i < all->n; i++)
		tell(pl, &all->list[i], now);
	LIST_FOREACH (br, &pl->bridges, link)
		if (br->n_monitors && pl->ops.flow_changes_end)
			pl->ops.flow_changes_end(pl->ops.ctx, br, all->lost);
	while (all->n)
		let_go(&all->list[--all->n]);
	all->lost = false;
	if (all->max > CHANGES_KEPT) {
		free(all->list);
		all->list = NULL;
		all->max = 0;
	}
}
