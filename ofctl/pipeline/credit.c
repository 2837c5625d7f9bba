/* SPDX-License-Identifier: Apache-2.0
 *
 * Credits: what megaflows carried, in software and in devices, is given to the OpenFlow flows,
 * tables, MAC entries and patch ports that they used.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* A megaflow that carried nothing for so long is retired, unless the database says otherwise. */
#define MEGAFLOW_IDLE_MS 10000

void pipeline_set_max_idle(struct pipeline *pl, uint32_t ms)
{
	pl->max_idle_ms = ms;
}

void megaflow_totals(
	const struct pl_megaflow *m, uint64_t *packets, uint64_t *bytes, uint64_t *used_ms)
{
	const struct hal_megaflow *mf = &m->mf;
	struct hal_megaflow_hw *hw = hal_megaflow_hw(mf);
	uint64_t p = 0, b = 0, used = 0;

	if (hw) {
		p = atomic_load_explicit(&hw->packets, memory_order_relaxed);
		b = atomic_load_explicit(&hw->bytes, memory_order_relaxed);
		used = atomic_load_explicit(&hw->used_ms, memory_order_relaxed);
	}
	for (unsigned i = 0; i < mf->n_sw; i++) {
		const struct hal_sw_counter *c = hal_megaflow_sw(mf, i);
		uint64_t u = atomic_load_explicit(&c->used_ms, memory_order_relaxed);

		p += atomic_load_explicit(&c->packets, memory_order_relaxed);
		b += atomic_load_explicit(&c->bytes, memory_order_relaxed);
		if (u > used)
			used = u;
	}
	*packets = p;
	*bytes = b;
	*used_ms = used;
}

static void credit_mac(const struct credit *c, uint64_t used_ms)
{
	struct mac_entry *e = (struct mac_entry *)(uintptr_t)bridge_mac(c->br, c->vlan, c->mac);

	if (e && e->port == c->port && used_ms > e->used_ms)
		e->used_ms = used_ms;
}

static void credit_patch(const struct credit *c, uint64_t packets, uint64_t bytes)
{
	const struct pl_port *port = bridge_port(c->br, c->port);

	if (!port || !port->patch)
		return;
	if (c->rx) {
		port->patch->rx_packets += packets;
		port->patch->rx_bytes += bytes;
	} else {
		port->patch->tx_packets += packets;
		port->patch->tx_bytes += bytes;
	}
}

/* When packets came: the last was counted then, and came after that. */
struct use {
	uint64_t last_ms, after_ms;
};

/* What was learned is in use; if it is gone it is learned again, through the ring: nothing changes
 * while credits are given. */
static void credit_learn(const struct credit *c, struct use use, bool alive)
{
	struct pl_learn *l = c->learn;
	struct note *n;

	if (learn_refresh(c->br, l, use.last_ms, use.after_ms) || !alive ||
		atomic_exchange(&l->queued, true))
		return;
	n = note_new(NOTE_EFFECT, 0);
	if (!n)
		return;
	learn_ref(l);
	n->effect = (struct effect){EFFECT_LEARN, .bridge = l->bridge, .learn = l};
	note_post(c->br->pl, n);
}

static void credit_one(
	const struct credit *c, uint64_t packets, uint64_t bytes, struct use use, bool alive)
{
	struct flow_table *t;

	switch (c->type) {
	case CREDIT_FLOW:
		t = &c->flow->br->tables[c->flow->table];
		t->lookups += packets;
		t->matched += packets;
		c->flow->counter->packets += packets;
		c->flow->counter->bytes += bytes;
		if (use.last_ms > c->flow->counter->used_ms)
			c->flow->counter->used_ms = use.last_ms;
		break;
	case CREDIT_MISS:
		c->br->tables[c->table].lookups += packets;
		break;
	case CREDIT_MAC:
		credit_mac(c, use.last_ms);
		break;
	case CREDIT_PATCH:
		credit_patch(c, packets, bytes);
		break;
	case CREDIT_LEARN:
		credit_learn(c, use, alive);
		break;
	case CREDIT_FIN:
		flow_mod_shorten(c->flow, c->fin_idle, c->fin_hard);
		break;
	case CREDIT_GROUP:
		group_credit(c->group, c->bucket, packets, bytes);
		break;
	}
}

/* A time after which packets came for certain: software notes each, of a device it is known only
 * that they came between two readings. */
static uint64_t used_after(const struct pl_megaflow *m)
{
	const struct hal_megaflow_hw *hw = hal_megaflow_hw(&m->mf);
	uint64_t after = hw ? atomic_load_explicit(&hw->after_ms, memory_order_relaxed) : 0;

	for (unsigned i = 0; i < m->mf.n_sw; i++) {
		uint64_t used = atomic_load_explicit(
			&hal_megaflow_sw(&m->mf, i)->used_ms, memory_order_relaxed);

		if (used > after)
			after = used;
	}
	return after;
}

void credit_megaflow(struct pl_megaflow *m, bool alive)
{
	uint64_t packets, bytes, p, b;
	struct use use;

	megaflow_totals(m, &packets, &bytes, &use.last_ms);
	p = packets - m->credited_packets;
	b = bytes - m->credited_bytes;
	if (!p && !b)
		return;
	m->credited_packets = packets;
	m->credited_bytes = bytes;
	use.after_ms = used_after(m);
	for (unsigned i = 0; i < m->n_credits; i++)
		credit_one(&m->credits[i], MUTATE(14, p, i ? 0 : p), b, use, alive);
}

void credit_packet(const struct xlate *x, uint64_t bytes, uint64_t now_ms)
{
	const struct credit *c = x->credits.data;

	for (unsigned i = 0; i < x->credits.n; i++)
		credit_one(&c[i], 1, bytes, (struct use){now_ms, now_ms}, false);
}

void credit_all(struct pipeline *pl)
{
	struct pl_megaflow *m;

	registry_take_births(pl);
	rcu_reclaim();
	TAILQ_FOREACH (m, &pl->all, link)
		credit_megaflow(m, m->indexed);
}

/* ---- the sweep ---- */

/* A share of a sweep, a few milliseconds; and the time between two. */
#define SLICE 8192
#define SLICE_MS 4

static void sweep_one(struct pipeline *pl, struct pl_megaflow *m, uint64_t now_ms)
{
	const uint64_t max_idle = pl->max_idle_ms ? pl->max_idle_ms : MEGAFLOW_IDLE_MS;
	uint64_t packets, bytes, used;

	credit_megaflow(m, m->indexed);
	if (!m->indexed)
		return;
	megaflow_totals(m, &packets, &bytes, &used);
	if (used < m->mf.created_ms)
		used = m->mf.created_ms;
	if (now_ms > used && now_ms - used > max_idle)
		registry_retire(pl, m, NULL);
}

void credit_slice(struct pipeline *pl, uint64_t now_ms)
{
	const struct timeval later = {0, SLICE_MS * 1000};
	struct pl_megaflow *m;

	for (unsigned i = 0; i < SLICE && (m = pl->sweep_next); i++) {
		pl->sweep_next = TAILQ_NEXT(m, link);
		sweep_one(pl, m, now_ms);
	}
	if (pl->sweep_next)
		event_add(pl->slice_event, &later);
	else
		pl->swept_ms = pl->sweep_began_ms;
}

void credit_sweep(struct pipeline *pl, uint64_t now_ms)
{
	struct pl_bridge *br;

	registry_take_births(pl);
	rcu_reclaim();
	/* One that has not come to its end goes on by itself. */
	if (!pl->sweep_next) {
		pl->sweep_next = TAILQ_FIRST(&pl->all);
		pl->sweep_began_ms = now_ms;
		credit_slice(pl, now_ms);
	}
	pipeline_change_begin(pl);
	LIST_FOREACH (br, &pl->bridges, link) {
		bridge_mac_expire(br, now_ms);
		bridge_flow_expire(br, now_ms);
	}
	pipeline_change_end_soon(pl);
}
