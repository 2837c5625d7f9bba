/* SPDX-License-Identifier: Apache-2.0
 *
 * Group-mods (OpenFlow 1.3, 6.5), judged before anything changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/check.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/group_priv.h"
#include "ofctl/pipeline/meter.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/undo.h"

static bool sends_to(const struct of_actions *acts, uint32_t group)
{
	for (unsigned i = 0; i < acts->n; i++)
		if ((acts->a[i].type == OFACT_GROUP && acts->a[i].group == group) ||
			sends_to(&acts->a[i].nested, group))
			return true;
	return false;
}

enum of_error group_check_actions(const struct pl_bridge *br, const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];
		enum of_error error;

		if (a->type == OFACT_GROUP && !bridge_group(br, a->group))
			return OFERR_BAD_OUT_GROUP;
		if (a->type == OFACT_METER && !bridge_meter(br, a->meter))
			return OFERR_BAD_METER;
		error = group_check_actions(br, &a->nested);
		if (error)
			return error;
	}
	return OFERR_OK;
}

/* ---- chains ---- */

struct search {
	const struct pl_bridge *br;
	uint32_t target; /* the group that is being changed */
	uint32_t mark;
	bool loop;
};

static unsigned behind_bucket(struct search *s, const struct of_bucket *b, unsigned depth);

/* Groups one behind another from `g` on. */
static unsigned distance(struct search *s, struct pl_group *g, unsigned depth)
{
	unsigned most = 0;

	if (depth > PL_GROUP_CHAIN_MAX)
		return 1;
	if (g->mark == s->mark)
		return g->distance;
	for (unsigned i = 0; i < g->g.n_buckets && !s->loop; i++) {
		unsigned n = behind_bucket(s, &g->g.buckets[i], depth);

		most = n > most ? n : most;
	}
	g->mark = s->mark;
	g->distance = most + 1;
	return most + 1;
}

static unsigned step_to(struct search *s, uint32_t id, unsigned depth)
{
	struct pl_group *g = bridge_group(s->br, id);

	if (id == s->target)
		s->loop = true;
	return g && !s->loop ? distance(s, g, depth + 1) : 0;
}

static unsigned behind_actions(struct search *s, const struct of_actions *acts, unsigned depth)
{
	unsigned most = 0;

	for (unsigned i = 0; i < acts->n && !s->loop; i++) {
		const struct of_action *a = &acts->a[i];
		unsigned n = a->type == OFACT_GROUP ? step_to(s, a->group, depth)
						    : behind_actions(s, &a->nested, depth);

		most = n > most ? n : most;
	}
	return most;
}

/* To watch a group leads to it as well as to send to it. */
static unsigned behind_bucket(struct search *s, const struct of_bucket *b, unsigned depth)
{
	unsigned sent = behind_actions(s, &b->actions, depth);
	unsigned watched = b->watch_group == OF_GROUP_ANY ? 0 : step_to(s, b->watch_group, depth);

	return sent > watched ? sent : watched;
}

static enum of_error check_chain(struct pl_bridge *br, const struct of_group *g)
{
	static uint32_t mark;
	struct search s = {.br = br, .target = g->id, .mark = ++mark};
	unsigned behind = 0;

	for (unsigned i = 0; i < g->n_buckets && !s.loop; i++) {
		unsigned n = behind_bucket(&s, &g->buckets[i], 1);

		behind = n > behind ? n : behind;
	}
	if (s.loop)
		return OFERR_GROUP_LOOP;
	if (behind >= PL_GROUP_CHAIN_MAX)
		return OFERR_GROUP_CHAINING_UNSUPPORTED;
	return OFERR_OK;
}

/* ---- buckets ---- */

static bool has_watch(const struct of_bucket *b)
{
	return b->watch_port != OF_PORT_ANY || b->watch_group != OF_GROUP_ANY;
}

static enum of_error check_watch(
	struct pl_bridge *br, const struct of_group *g, const struct of_bucket *b)
{
	if (g->type == OF_GROUP_ALL || g->type == OF_GROUP_INDIRECT)
		return has_watch(b) ? OFERR_GROUP_WATCH_UNSUPPORTED : OFERR_OK;
	if (g->type == OF_GROUP_FF && !has_watch(b))
		return OFERR_GROUP_INVALID;
	/* A port may come later. */
	if (b->watch_port != OF_PORT_ANY && b->watch_port != OF_PORT_LOCAL &&
		(!b->watch_port || b->watch_port >= OF_PORT_MAX))
		return OFERR_GROUP_BAD_WATCH;
	if (b->watch_group != OF_GROUP_ANY && !bridge_group(br, b->watch_group))
		return OFERR_GROUP_BAD_WATCH;
	return OFERR_OK;
}

/* What a packet is that comes to a group is not known here: fields are judged when it does. */
static enum of_error check_bucket(
	struct pl_bridge *br, const struct of_group *g, const struct of_bucket *b)
{
	enum of_error error = check_watch(br, g, b);

	if (error)
		return error;
	if (b->weight && g->type != OF_GROUP_SELECT)
		return OFERR_GROUP_INVALID;
	error = check_bucket_actions(br, &b->actions);
	for (unsigned i = 0; !error && &g->buckets[i] != b; i++)
		if (g->buckets[i].id == b->id)
			error = OFERR_GROUP_BAD_BUCKET;
	return error;
}

static enum of_error check_group(struct pl_bridge *br, const struct of_group *g)
{
	if (g->id > OF_GROUP_MAX)
		return OFERR_GROUP_INVALID;
	if (g->type > OF_GROUP_FF)
		return OFERR_GROUP_BAD_TYPE;
	if (g->type == OF_GROUP_INDIRECT && g->n_buckets != 1)
		return OFERR_GROUP_INVALID;
	if (g->n_buckets > PL_GROUP_BUCKETS_MAX)
		return OFERR_GROUP_OUT_OF_BUCKETS;
	for (unsigned i = 0; i < g->n_buckets; i++) {
		enum of_error error = check_bucket(br, g, &g->buckets[i]);

		if (error)
			return error;
	}
	return check_chain(br, g);
}

/* ---- changes ---- */

/* Translations may see it until the change ends. */
static void end_group(struct pl_bridge *br, struct pl_group *g)
{
	atomic_store(&g->until, next_version(br->pl));
	g->br = br;
	TAILQ_INSERT_TAIL(&br->pl->ended_groups, g, ended);
}

void group_mod_drop_ended(struct pipeline *pl)
{
	struct pl_group *g;

	while ((g = TAILQ_FIRST(&pl->ended_groups))) {
		TAILQ_REMOVE(&pl->ended_groups, g, ended);
		if (g->newer)
			atomic_store(&g->newer->older, NULL);
		else
			hmap_remove(&g->br->groups, &g->node);
		group_unref(g);
	}
}

/* In the place of what has the id, if anything has. 0 or -ENOMEM. */
static int put_group(struct pl_bridge *br, struct pl_group *g)
{
	struct pl_group *head = bridge_group_head(br, g->g.id);
	bool replaces = group_seen(head, VERSION_NOW) != NULL;

	atomic_store(&g->since, next_version(br->pl));
	if (!head && hmap_insert(&br->groups, &g->node, hash_mix(g->g.id)))
		return -ENOMEM;
	br->n_groups += !replaces;
	if (!head)
		return 0;
	if (replaces)
		end_group(br, head);
	atomic_store(&g->older, head);
	head->newer = g;
	hmap_replace(&br->groups, &head->node, &g->node);
	return 0;
}

static void changed(struct pl_bridge *br, uint32_t id)
{
	struct dep_key key = {DEP_GROUP, br->id, id};

	pipeline_changed_dep(br->pl, &key);
}

static enum of_error add(struct pl_bridge *br, const struct of_group *from)
{
	enum of_error error;
	struct pl_group *g;

	if (bridge_group(br, from->id))
		return OFERR_GROUP_EXISTS;
	error = check_group(br, from);
	if (error)
		return error;
	if (br->n_groups >= PL_GROUPS_MAX)
		return OFERR_GROUP_OUT_OF_GROUPS;
	g = undo_reserve(br->pl, 1) ? NULL : group_new(from, NULL);
	if (!g)
		return OFERR_GROUP_OUT_OF_GROUPS;
	if (put_group(br, g)) {
		group_unref(g);
		return OFERR_GROUP_OUT_OF_GROUPS;
	}
	undo_group_added(br->pl, g);
	changed(br, from->id);
	return OFERR_OK;
}

static enum of_error modify(struct pl_bridge *br, const struct of_group *from)
{
	struct pl_group *old = bridge_group(br, from->id), *g;
	enum of_error error;

	if (!old)
		return OFERR_GROUP_UNKNOWN;
	error = check_group(br, from);
	if (error)
		return error;
	g = undo_reserve(br->pl, 1) ? NULL : group_new(from, old);
	if (!g)
		return OFERR_GROUP_OUT_OF_BUCKETS;
	undo_group_went(br->pl, old);
	put_group(br, g); /* there is one whose place it takes */
	changed(br, from->id);
	return OFERR_OK;
}

static enum of_error change_buckets(struct pl_bridge *br, const struct of_group_mod *gm)
{
	const struct pl_group *old = bridge_group(br, gm->group.id);
	enum of_error error;
	struct of_group g;

	if (!old)
		return OFERR_GROUP_UNKNOWN;
	error = group_with_buckets(&old->g, gm, &g);
	if (error)
		return error;
	error = modify(br, &g);
	free(g.buckets); /* what they own is not theirs */
	return error;
}

/* Is another group in its way? (OpenFlow 1.3, 6.5: a group that others forward to stays.) */
static bool is_chained(struct pl_bridge *br, uint32_t id)
{
	HMAP_FOR_EACH (g, struct pl_group, node, &br->groups)
		for (unsigned i = 0; group_seen(g, VERSION_NOW) && i < g->g.n_buckets; i++)
			if (sends_to(&g->g.buckets[i].actions, id))
				return true;
	return false;
}

static bool flow_uses(const struct flow *f, void *id)
{
	uint32_t group = *(const uint32_t *)id;

	return sends_to(&f->ins.apply, group) || sends_to(&f->ins.write, group);
}

static bool has_group(const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++)
		if (acts->a[i].type == OFACT_GROUP || has_group(&acts->a[i].nested))
			return true;
	return false;
}

static bool flow_uses_any(const struct flow *f, void *none)
{
	(void)none;
	return has_group(&f->ins.apply) || has_group(&f->ins.write);
}

static void remove_group(struct pl_bridge *br, struct pl_group *g)
{
	undo_group_went(br->pl, g);
	end_group(br, g);
	br->n_groups--;
	changed(br, g->g.id);
}

int group_restore(struct pl_bridge *br, struct pl_group *g)
{
	struct pl_group *again = group_new(&g->g, g);
	int error;

	if (!again)
		return -ENOMEM;
	error = put_group(br, again);
	if (error)
		group_unref(again);
	changed(br, g->g.id);
	return error;
}

void group_forget(struct pl_bridge *br, struct pl_group *g)
{
	struct pl_group *now = bridge_group(br, g->g.id);

	if (now)
		remove_group(br, now);
}

static enum of_error remove_groups(struct pl_bridge *br, uint32_t id)
{
	struct pl_group *one = bridge_group(br, id);

	if (id == OF_GROUP_ALL_ID) {
		if (bridge_remove_flows_if(br, flow_uses_any, NULL, OF_REMOVED_GROUP) ||
			undo_reserve(br->pl, hmap_count(&br->groups)))
			return OFERR_GROUP_OUT_OF_GROUPS;
		HMAP_FOR_EACH (g, struct pl_group, node, &br->groups)
			if (group_seen(g, VERSION_NOW))
				remove_group(br, g);
		return OFERR_OK;
	}
	if (id > OF_GROUP_MAX)
		return OFERR_GROUP_INVALID;
	if (!one)
		return OFERR_OK;
	if (is_chained(br, id))
		return OFERR_GROUP_CHAINED;
	if (bridge_remove_flows_if(br, flow_uses, &id, OF_REMOVED_GROUP) || undo_reserve(br->pl, 1))
		return OFERR_GROUP_OUT_OF_GROUPS;
	remove_group(br, one);
	return OFERR_OK;
}

enum of_error pl_group_mod(struct pl_bridge *br, const struct of_group_mod *gm)
{
	enum of_error error = OFERR_GROUP_BAD_COMMAND;

	pipeline_change_begin(br->pl);
	switch (gm->command) {
	case OF_GROUP_ADD_OR_MODIFY:
		error = bridge_group(br, gm->group.id) ? modify(br, &gm->group)
						       : add(br, &gm->group);
		break;
	case OF_GROUP_ADD:
		error = add(br, &gm->group);
		break;
	case OF_GROUP_MODIFY:
		error = modify(br, &gm->group);
		break;
	case OF_GROUP_DELETE:
		error = remove_groups(br, gm->group.id);
		break;
	case OF_GROUP_INSERT_BUCKET:
	case OF_GROUP_REMOVE_BUCKET:
		error = change_buckets(br, gm);
		break;
	}
	pipeline_change_end(br->pl);
	return error;
}
