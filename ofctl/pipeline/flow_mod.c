/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow-mods (OpenFlow 1.3, 6.4), and what else takes flows in and out of tables.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/mutation.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/check.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/flow_select.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/monitor.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/undo.h"

LOG_DEFINE(flow);

#define OF_VERSION_11 0x02
#define OF_VERSION_12 0x03

static void link_timed(struct pl_bridge *br, struct flow *f)
{
	if (f->idle_timeout || f->hard_timeout)
		LIST_INSERT_HEAD(&br->timed, f, timed);
}

static void unlink_timed(struct flow *f)
{
	if (f->idle_timeout || f->hard_timeout)
		LIST_REMOVE(f, timed);
}

/* It is out of its table; translations may see it until the change ends. */
static void end_flow(struct flow *f)
{
	f->removed = true;
	TAILQ_INSERT_TAIL(&f->br->pl->ended, f, order);
}

void flow_mod_drop_ended(struct pipeline *pl)
{
	struct flow *f;

	while ((f = TAILQ_FIRST(&pl->ended))) {
		TAILQ_REMOVE(&pl->ended, f, order);
		flow_table_drop(&f->br->tables[f->table], f);
		flow_unref(f);
	}
}

static void changed(struct flow *f)
{
	struct dep_key key = dep_key_flow(f);

	pipeline_changed_dep(f->br->pl, &key);
}

void flow_mod_remove(struct flow *f, enum of_removed_reason reason)
{
	undo_flow_went(f);
	unlink_timed(f);
	flow_table_remove(&f->br->tables[f->table], f, next_version(f->br->pl));
	end_flow(f);
	f->removed_ms = clock_ms();
	f->removed_reason = (uint8_t)reason;
	f->announce = f->flags & OF_FLOW_SEND_REMOVED;
	monitor_note(f, NULL, OF_FLOW_REMOVED, reason);
	changed(f);
	learn_flow_removed(f);
}

/* Inside a change: `to` has the same match and priority. */
static void replace_flow(struct flow *from, struct flow *to, enum of_flow_event event)
{
	undo_flow_went(from);
	unlink_timed(from);
	flow_table_replace(&from->br->tables[from->table], from, to, next_version(from->br->pl));
	link_timed(from->br, to);
	end_flow(from);
	monitor_note(to, from, event, OF_REMOVED_DELETE);
	if (MUTATE(16, 1, 0))
		changed(from);
	/* A clause that was met is no dependency of what did not win by it. */
	if (from->clause || to->clause)
		pipeline_changed_flow_added(to->br->pl, to);
	learn_flow_added(to);
	learn_flow_removed(from);
}

/* Inside a change: nothing has its match and priority. 0 or -ENOMEM. */
static int insert_flow(struct flow *f)
{
	int error = undo_reserve(f->br->pl, 1);

	if (!error)
		error = flow_table_insert(&f->br->tables[f->table], f, next_version(f->br->pl));
	if (error)
		return error;
	undo_flow_added(f);
	monitor_note(f, NULL, OF_FLOW_ADDED, OF_REMOVED_DELETE);
	link_timed(f->br, f);
	pipeline_changed_flow_added(f->br->pl, f);
	learn_flow_added(f);
	return 0;
}

static enum of_error add(struct pl_bridge *br, const struct of_flow_mod *fm)
{
	bool reset = fm->version <= OF_VERSION_12 || fm->flags & OF_FLOW_RESET_COUNTS;
	struct flow_table *t;
	struct flow *old, *f;

	if (fm->table >= OF_TABLES)
		return OFERR_FLOW_MOD_BAD_TABLE;
	t = &br->tables[fm->table];
	f = flow_new(br, fm, fm->table, NULL);
	if (!f)
		return OFERR_TABLE_FULL;
	old = flow_table_find(t, f->match, fm->priority);
	if (fm->flags & OF_FLOW_CHECK_OVERLAP &&
		(old || flow_table_overlaps(t, f->match, fm->priority))) {
		flow_unref(f);
		return OFERR_OVERLAP;
	}
	if (!old && t->n >= t->limit) {
		flow_unref(f);
		return OFERR_TABLE_FULL;
	}
	if (old && undo_reserve(br->pl, 1)) {
		flow_unref(f);
		return OFERR_TABLE_FULL;
	}
	if (old) {
		if (MUTATE(15, !reset, reset)) {
			/* The counts go on; what old megaflows still bring is counted too. */
			old->counter->refs++;
			free(f->counter);
			f->counter = old->counter;
		}
		replace_flow(old, f, OF_FLOW_ADDED);
		f->counter->created_ms = f->counter->modified_ms = clock_ms();
		return OFERR_OK;
	}
	if (insert_flow(f)) {
		flow_unref(f);
		return OFERR_TABLE_FULL;
	}
	return OFERR_OK;
}

/* ---- modify, delete ---- */

/* A flow like `old`, but with these instructions and this cookie. `counter` NULL: new ones. */
static struct flow *flow_like(const struct flow *old, const struct of_instructions *ins,
	uint64_t cookie, struct flow_counter *counter)
{
	struct of_flow_mod like = {
		.priority = old->priority,
		.cookie = cookie,
		.idle_timeout = old->idle_timeout,
		.hard_timeout = old->hard_timeout,
		.flags = old->flags,
		.importance = old->importance,
		.ins = *ins,
	};

	hal_cmatch_expand(old->match, &like.match);
	return flow_new(old->br, &like, old->table, counter);
}

static uint64_t modified_cookie(const struct flow *old, const struct of_flow_mod *fm)
{
	if (fm->has_new_cookie)
		return fm->new_cookie;
	return fm->version <= OF_VERSION_11 && !fm->cookie_mask ? fm->cookie : old->cookie;
}

static struct flow *modified(struct flow *old, const struct of_flow_mod *fm)
{
	bool reset = fm->flags & OF_FLOW_RESET_COUNTS;
	/* Counts that start anew are others: what old megaflows still bring goes to the old ones.
	 */
	struct flow *f =
		flow_like(old, &fm->ins, modified_cookie(old, fm), reset ? NULL : old->counter);

	if (f && reset) {
		f->counter->created_ms = old->counter->created_ms;
		f->counter->used_ms = old->counter->used_ms;
	}
	return f;
}

enum of_error flow_mod_learn(struct pl_bridge *br, const struct of_flow_mod *fm, struct flow *old)
{
	enum of_error error = check_instructions(br, fm);
	struct flow *f;

	if (error)
		return error;
	if (!old)
		return add(br, fm);
	f = modified(old, fm);
	if (!f)
		return OFERR_FLOW_MOD_UNKNOWN;
	f->cookie = fm->cookie;
	replace_flow(old, f, OF_FLOW_MODIFIED);
	f->counter->modified_ms = clock_ms();
	return OFERR_OK;
}

static uint16_t shorter(uint16_t timeout, uint16_t max)
{
	return max && (!timeout || timeout > max) ? max : timeout;
}

void flow_mod_shorten(struct flow *f, uint16_t idle_s, uint16_t hard_s)
{
	if (f->removed)
		return;
	unlink_timed(f);
	f->idle_timeout = shorter(f->idle_timeout, idle_s);
	f->hard_timeout = shorter(f->hard_timeout, hard_s);
	link_timed(f->br, f);
}

static enum of_error modify(struct pl_bridge *br, const struct of_flow_mod *fm, bool strict)
{
	struct of_flow_mod any = *fm;
	struct flow_selection s = {0};
	struct flow **fresh;
	enum of_error error;

	any.out_port = OF_PORT_ANY;
	any.out_group = OF_GROUP_ANY;
	error = flow_select(br, &any, strict, &s);
	if (error)
		goto free_selection;
	/* With every table selected, check.c could not say this. */
	for (unsigned i = 0; i < s.n && fm->ins.has_goto; i++)
		if (fm->ins.goto_table <= s.flows[i]->table) {
			error = OFERR_BAD_GOTO_TABLE;
			goto free_selection;
		}
	if (!s.n) {
		if (fm->version <= OF_VERSION_11 && !fm->cookie_mask)
			error = add(br, fm);
		goto free_selection;
	}
	fresh = undo_reserve(br->pl, s.n) ? NULL : calloc(s.n, sizeof(struct flow *));
	for (unsigned i = 0; fresh && i < s.n; i++) {
		fresh[i] = modified(s.flows[i], fm);
		if (!fresh[i])
			error = OFERR_FLOW_MOD_UNKNOWN;
	}
	if (!fresh || error) {
		for (unsigned i = 0; fresh && i < s.n; i++)
			if (fresh[i])
				flow_unref(fresh[i]);
		free(fresh);
		error = OFERR_FLOW_MOD_UNKNOWN;
		goto free_selection;
	}
	for (unsigned i = 0; i < s.n; i++) {
		replace_flow(s.flows[i], fresh[i], OF_FLOW_MODIFIED);
		fresh[i]->counter->modified_ms = clock_ms();
	}
	free(fresh);
free_selection:
	free(s.flows);
	return error;
}

static enum of_error remove_flows(struct pl_bridge *br, const struct of_flow_mod *fm, bool strict)
{
	struct flow_selection s = {0};
	enum of_error error = flow_select(br, fm, strict, &s);

	if (!error && undo_reserve(br->pl, s.n))
		error = OFERR_FLOW_MOD_UNKNOWN;
	for (unsigned i = 0; !error && i < s.n; i++)
		flow_mod_remove(s.flows[i], OF_REMOVED_DELETE);
	free(s.flows);
	return error;
}

static enum of_error apply(struct pl_bridge *br, const struct of_flow_mod *fm)
{
	switch (fm->command) {
	case OF_FLOW_ADD:
		return add(br, fm);
	case OF_FLOW_MODIFY:
		return modify(br, fm, false);
	case OF_FLOW_MODIFY_STRICT:
		return modify(br, fm, true);
	case OF_FLOW_DELETE:
		return remove_flows(br, fm, false);
	case OF_FLOW_DELETE_STRICT:
		return remove_flows(br, fm, true);
	}
	return OFERR_BAD_COMMAND;
}

enum of_error pl_flow_mod(struct pl_bridge *br, const struct of_flow_mod *fm)
{
	enum of_error error = OFERR_OK;

	if (fm->flags & OF_FLOW_EMERGENCY_10)
		return OFERR_BAD_FLAGS;
	if (fm->command != OF_FLOW_DELETE && fm->command != OF_FLOW_DELETE_STRICT)
		error = check_instructions(br, fm);
	if (error)
		return error;
	pipeline_change_begin(br->pl);
	br->pl->mod = fm;
	error = apply(br, fm);
	br->pl->mod = NULL;
	pipeline_change_end_soon(br->pl);
	return error;
}

int flow_mod_restore(struct flow *f)
{
	struct flow *now = flow_table_find(&f->br->tables[f->table], f->match, f->priority);
	struct flow *again = flow_like(f, &f->ins, f->cookie, f->counter);
	int error = 0;

	f->announce = false;
	if (!again)
		return -ENOMEM;
	again->added_seq = f->added_seq;
	again->changed_seq = f->changed_seq;
	if (now)
		replace_flow(now, again, OF_FLOW_MODIFIED);
	else
		error = insert_flow(again);
	if (error)
		flow_unref(again);
	return error;
}

void flow_mod_forget(struct flow *f)
{
	struct flow *now = flow_table_find(&f->br->tables[f->table], f->match, f->priority);

	if (!now || !flow_ref(now))
		return;
	flow_mod_remove(now, OF_REMOVED_DELETE);
	now->announce = false;
	flow_unref(now);
}

int bridge_remove_flows_if(struct pl_bridge *br, bool (*which)(const struct flow *f, void *arg),
	void *arg, enum of_removed_reason reason)
{
	struct flow *f, *next;
	unsigned n = 0;

	for (unsigned i = 0; br->pl->undo && i < OF_TABLES; i++)
		TAILQ_FOREACH (f, &br->tables[i].flows, order)
			n += which(f, arg);
	if (undo_reserve(br->pl, n))
		return -ENOMEM;
	for (unsigned i = 0; i < OF_TABLES; i++)
		for (f = TAILQ_FIRST(&br->tables[i].flows); f; f = next) {
			next = TAILQ_NEXT(f, order);
			if (which(f, arg))
				flow_mod_remove(f, reason);
		}
	return 0;
}

static bool is_any(const struct flow *f, void *none)
{
	(void)f;
	(void)none;
	return true;
}

void pl_flow_flush(struct pl_bridge *br)
{
	pipeline_change_begin(br->pl);
	bridge_remove_flows_if(br, is_any, NULL, OF_REMOVED_DELETE);
	pipeline_change_end_soon(br->pl);
}

/* Use is credited by sweeps: only until the last one began it is known that there was none. */
static bool is_idle(const struct flow *f)
{
	const struct flow_counter *c = f->counter;
	uint64_t used = c->used_ms > c->modified_ms ? c->used_ms : c->modified_ms;

	return f->br->pl->swept_ms >= used + f->idle_timeout * 1000ull;
}

void bridge_flow_expire(struct pl_bridge *br, uint64_t now_ms)
{
	struct flow *f, *next;

	for (f = LIST_FIRST(&br->timed); f; f = next) {
		const struct flow_counter *c = f->counter;

		next = LIST_NEXT(f, timed);
		if (f->hard_timeout && now_ms >= c->modified_ms + f->hard_timeout * 1000ull)
			flow_mod_remove(f, OF_REMOVED_HARD);
		else if (f->idle_timeout && is_idle(f))
			flow_mod_remove(f, OF_REMOVED_IDLE);
	}
}
