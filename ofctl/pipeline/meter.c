/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters and meter-mods (OpenFlow 1.3, 6.7).
 */
#include "ofctl/pipeline/meter.h"

#include <errno.h>
#include <stdlib.h>

#include "hal/base/rcu.h"
#include "offload/objects.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/meter.h"

#define OFPMF_ALL (OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS)

_Static_assert(PL_METERS_MAX < SWPATH_METER_MAX, "every meter has a datapath id");

struct pl_meter *bridge_meter(const struct pl_bridge *br, uint32_t id)
{
	HMAP_FOR_EACH_HASH (m, struct pl_meter, node, hash_mix(id), &br->meters)
		if (m->id == id)
			return m;
	return NULL;
}

bool meter_remarks(const struct pl_meter *m)
{
	for (unsigned i = 0; i < m->cfg.n_bands; i++)
		if (m->cfg.band[i].type == HAL_BAND_DSCP_REMARK)
			return true;
	return false;
}

/* ---- datapath ids ---- */

/* One that is free, the longest unused first: packets on their way may still name one that was
 * given back. 0 if there is none. */
static uint32_t dp_id_take(struct pipeline *pl)
{
	for (uint32_t i = 1; i < SWPATH_METER_MAX; i++) {
		uint32_t id = (pl->last_meter + i) % SWPATH_METER_MAX;

		if (!id || pl->meter_ids[id / 64] >> (id % 64) & 1)
			continue;
		pl->meter_ids[id / 64] |= 1ull << (id % 64);
		pl->last_meter = id;
		return id;
	}
	return 0;
}

static void dp_id_give(struct pipeline *pl, uint32_t id)
{
	pl->meter_ids[id / 64] &= ~(1ull << (id % 64));
}

/* ---- changes ---- */

static void changed(struct pl_bridge *br, uint32_t id)
{
	struct dep_key key = {DEP_METER, br->id, id};

	pipeline_changed_dep(br->pl, &key);
}

/* A number of flows' meters, or the meter of packet-ins. There is no slow path apart from the
 * software path, so OFPM_SLOWPATH is none. */
static bool is_meter(uint32_t id)
{
	return (id && id <= OF_METER_MAX) || id == OF_METER_CONTROLLER;
}

static enum of_error check(const struct of_meter_mod *mm)
{
	if (!is_meter(mm->id))
		return OFERR_METER_INVALID;
	if (mm->flags & ~OFPMF_ALL || (mm->flags & OFPMF_KBPS && mm->flags & OFPMF_PKTPS))
		return OFERR_METER_BAD_FLAGS;
	if (mm->meter.n_bands > HAL_METER_BANDS)
		return OFERR_METER_OUT_OF_BANDS;
	for (unsigned i = 0; i < mm->meter.n_bands; i++)
		if (mm->meter.band[i].type > HAL_BAND_DSCP_REMARK)
			return OFERR_METER_BAD_BAND;
	for (unsigned i = 0; i < mm->meter.n_bands; i++)
		if (!mm->meter.band[i].rate)
			return OFERR_METER_BAD_RATE;
	/* A packet-in is sent or not; nothing is done with the packet. */
	for (unsigned i = 0; mm->id == OF_METER_CONTROLLER && i < mm->meter.n_bands; i++)
		if (mm->meter.band[i].type != HAL_BAND_DROP)
			return OFERR_METER_BAD_BAND;
	return OFERR_OK;
}

static struct pl_meter *meter_new(const struct of_meter_mod *mm)
{
	struct pl_meter *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = mm->id;
	m->flags = mm->flags & OFPMF_PKTPS ? mm->flags : mm->flags | OFPMF_KBPS;
	m->cfg = mm->meter;
	m->cfg.pktps = mm->flags & OFPMF_PKTPS;
	for (unsigned i = 0; i < m->cfg.n_bands; i++) {
		if (!(mm->flags & OFPMF_BURST))
			m->cfg.band[i].burst = 0;
		if (m->cfg.band[i].type == HAL_BAND_DROP)
			m->cfg.band[i].prec_level = 0;
	}
	m->created_ms = clock_ms();
	return m;
}

static int datapath_set(struct pl_bridge *br, const struct pl_meter *m)
{
	int error = br->pl->sp ? swpath_meter_set(br->pl->sp, m->dp_id, &m->cfg) : 0;

	if (!error && br->pl->ol)
		error = offload_meter_set(br->pl->ol, m->dp_id, &m->cfg);
	return error;
}

static void datapath_del(struct pl_bridge *br, uint32_t dp_id)
{
	if (br->pl->sp)
		swpath_meter_del(br->pl->sp, dp_id);
	if (br->pl->ol)
		offload_meter_del(br->pl->ol, dp_id);
	dp_id_give(br->pl, dp_id);
}

/* A meter is in one place at a time, but may have moved: what it counted anywhere is its own. */
static void datapath_stats(struct pl_bridge *br, uint32_t dp_id, struct hal_meter_stats *out)
{
	struct hal_meter_stats hw = {0};

	*out = hw;
	if (br->pl->sp)
		swpath_meter_stats_read(br->pl->sp, dp_id, out);
	if (!br->pl->ol || offload_meter_stats(br->pl->ol, dp_id, &hw))
		return;
	out->packets += hw.packets;
	out->bytes += hw.bytes;
	out->no_band_bytes |= hw.no_band_bytes;
	for (unsigned i = 0; i < HAL_METER_BANDS; i++) {
		out->band_packets[i] += hw.band_packets[i];
		out->band_bytes[i] += hw.band_bytes[i];
	}
}

static enum of_error add(struct pl_bridge *br, const struct of_meter_mod *mm)
{
	enum of_error error = check(mm);
	struct pl_meter *m;

	if (error)
		return error;
	if (bridge_meter(br, mm->id))
		return OFERR_METER_EXISTS;
	m = meter_new(mm);
	if (!m)
		return OFERR_METER_OUT_OF_METERS;
	m->dp_id = dp_id_take(br->pl);
	if (!m->dp_id)
		goto free_meter;
	if (datapath_set(br, m) || hmap_insert(&br->meters, &m->node, hash_mix(m->id)))
		goto unset;
	changed(br, m->id);
	return OFERR_OK;

unset:
	datapath_del(br, m->dp_id);
free_meter:
	free(m);
	return OFERR_METER_OUT_OF_METERS;
}

static enum of_error modify(struct pl_bridge *br, const struct of_meter_mod *mm)
{
	enum of_error error = check(mm);
	struct pl_meter *old, *m;

	if (error)
		return error;
	old = bridge_meter(br, mm->id);
	if (!old)
		return OFERR_METER_UNKNOWN;
	m = meter_new(mm);
	if (!m)
		return OFERR_METER_OUT_OF_METERS;
	m->dp_id = old->dp_id;
	m->created_ms = old->created_ms;
	if (datapath_set(br, m)) {
		free(m);
		return OFERR_METER_OUT_OF_METERS;
	}
	hmap_replace(&br->meters, &old->node, &m->node);
	rcu_defer(free, old);
	changed(br, m->id);
	return OFERR_OK;
}

/* ---- who uses them ---- */

static bool names_meter(const struct of_actions *acts, uint32_t id)
{
	for (unsigned i = 0; i < acts->n; i++)
		if ((acts->a[i].type == OFACT_METER &&
			    (id == OF_METER_ALL || acts->a[i].meter == id)) ||
			names_meter(&acts->a[i].nested, id))
			return true;
	return false;
}

static bool flow_uses(const struct flow *f, void *arg)
{
	uint32_t id = *(const uint32_t *)arg;

	return (f->ins.has_meter && (id == OF_METER_ALL || f->ins.meter == id)) ||
	       names_meter(&f->ins.apply, id) || names_meter(&f->ins.write, id);
}

static void remove_meter(struct pl_bridge *br, struct pl_meter *m)
{
	hmap_remove(&br->meters, &m->node);
	changed(br, m->id);
	datapath_del(br, m->dp_id);
	rcu_defer(free, m);
}

static enum of_error remove_meters(struct pl_bridge *br, uint32_t id)
{
	struct pl_meter *one = bridge_meter(br, id);

	if (id == OF_METER_ALL) {
		bridge_remove_flows_if(br, flow_uses, &id, OF_REMOVED_METER);
		HMAP_FOR_EACH (m, struct pl_meter, node, &br->meters)
			remove_meter(br, m);
		return OFERR_OK;
	}
	if (!is_meter(id))
		return OFERR_METER_INVALID;
	if (!one)
		return OFERR_OK;
	bridge_remove_flows_if(br, flow_uses, &id, OF_REMOVED_METER);
	remove_meter(br, one);
	return OFERR_OK;
}

enum of_error pl_meter_mod(struct pl_bridge *br, const struct of_meter_mod *mm)
{
	enum of_error error = OFERR_METER_BAD_COMMAND;

	pipeline_change_begin(br->pl);
	switch (mm->command) {
	case OF_METER_ADD:
		error = add(br, mm);
		break;
	case OF_METER_MODIFY:
		error = modify(br, mm);
		break;
	case OF_METER_DELETE:
		error = remove_meters(br, mm->id);
		break;
	}
	pipeline_change_end(br->pl);
	return error;
}

void bridge_meters_clear(struct pl_bridge *br)
{
	HMAP_FOR_EACH (m, struct pl_meter, node, &br->meters)
		remove_meter(br, m);
}

/* ---- statistics ---- */

static void count_flows(struct pl_bridge *br)
{
	struct flow *f;

	HMAP_FOR_EACH (m, struct pl_meter, node, &br->meters)
		m->flows = 0;
	for (unsigned t = 0; t < OF_TABLES; t++)
		TAILQ_FOREACH (f, &br->tables[t].flows, order) {
			struct pl_meter *m =
				f->ins.has_meter ? bridge_meter(br, f->ins.meter) : NULL;

			if (m)
				m->flows++;
			for (unsigned i = 0; i < f->ins.apply.n; i++) {
				const struct of_action *a = &f->ins.apply.a[i];

				if (a->type == OFACT_METER && (m = bridge_meter(br, a->meter)))
					m->flows++;
			}
		}
}

static void list_one(struct pl_bridge *br, const struct pl_meter *m, uint64_t now_ms,
	void (*cb)(void *ctx, const struct of_meter_stats *ms), void *ctx)
{
	struct of_meter_stats ms = {
		.id = m->id,
		.flags = m->flags,
		.meter = &m->cfg,
		.flow_count = m->flows,
		.duration_ns = (now_ms - m->created_ms) * 1000000ull,
	};

	datapath_stats(br, m->dp_id, &ms.counters);
	cb(ctx, &ms);
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = (*(struct pl_meter *const *)a)->id, y = (*(struct pl_meter *const *)b)->id;

	return x < y ? -1 : x > y;
}

int pl_meter_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_meter_stats *ms), void *ctx)
{
	struct pl_meter *one = bridge_meter(br, id), **all;
	uint64_t now = clock_ms();
	unsigned n = 0;

	if (id != OF_METER_ALL && !one)
		return -ENOENT;
	count_flows(br);
	if (one) {
		list_one(br, one, now, cb, ctx);
		return 0;
	}
	all = calloc(hmap_count(&br->meters) + 1, sizeof(struct pl_meter *));
	if (!all)
		return -ENOMEM;
	HMAP_FOR_EACH (m, struct pl_meter, node, &br->meters)
		all[n++] = m;
	qsort(all, n, sizeof(struct pl_meter *), by_id);
	for (unsigned i = 0; i < n; i++)
		list_one(br, all[i], now, cb, ctx);
	free(all);
	return 0;
}
