/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of flows and tables, and a flow's last words.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/flow_select.h"
#include "ofctl/pipeline/pipeline_priv.h"

void flow_to_stats(const struct flow *f, uint64_t now_ms, struct of_flow_stats *fs)
{
	const struct flow_counter *c = f->counter;

	*fs = (struct of_flow_stats){
		.table = f->table,
		.priority = f->priority,
		.match = f->match,
		.ins = &f->ins,
		.cookie = f->cookie,
		.packets = c->unknown ? UINT64_MAX : c->packets,
		.bytes = c->unknown ? UINT64_MAX : c->bytes,
		.duration_ns = (now_ms - c->created_ms) * 1000000ull,
		.idle_age_ms = now_ms > c->used_ms ? now_ms - c->used_ms : 0,
		.hard_age_ms = now_ms - c->modified_ms,
		.idle_timeout = f->idle_timeout,
		.hard_timeout = f->hard_timeout,
		.flags = f->flags,
		.importance = f->importance,
		.added_seq = f->added_seq,
		.changed_seq = f->changed_seq,
	};
}

void bridge_flow_gone(struct pl_bridge *br, struct flow *f)
{
	struct of_flow_removed fr = {.reason = (enum of_removed_reason)f->removed_reason};

	if (!f->announce || br->closing || !br->pl->ops.flow_removed)
		return;
	flow_to_stats(f, f->removed_ms, &fr.stats);
	br->pl->ops.flow_removed(br->pl->ops.ctx, br, &fr);
}

void pl_flow_list(struct pl_bridge *br, const struct of_flow_filter *filter,
	void (*cb)(void *ctx, const struct of_flow_stats *fs), void *ctx)
{
	struct of_flow_mod fm = {
		.table = filter->table,
		.match = filter->match,
		.cookie = filter->cookie,
		.cookie_mask = filter->cookie_mask,
		.out_port = filter->out_port,
		.out_group = filter->out_group,
	};
	uint64_t now = clock_ms();
	struct flow_selection s = {0};

	if (!flow_select(br, &fm, false, &s)) {
		for (unsigned i = 0; i < s.n; i++) {
			struct of_flow_stats fs;

			flow_to_stats(s.flows[i], now, &fs);
			cb(ctx, &fs);
		}
	}
	free(s.flows);
}

void pl_table_stats(struct pl_bridge *br, uint8_t table, struct of_table_stats *out)
{
	const struct flow_table *t = &br->tables[table];

	*out = (struct of_table_stats){.table = table,
		.active = t->n,
		.max_entries = t->limit,
		.lookups = t->lookups,
		.matched = t->matched};
	memcpy(out->name, t->name, sizeof(out->name));
}
