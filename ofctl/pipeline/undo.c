/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/undo.h"

#include <stdlib.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/group.h"
#include "ofctl/pipeline/monitor.h"
#include "ofctl/pipeline/pipeline_priv.h"

LOG_DEFINE(bundle);

/* One change, with a reference to its flow or group. */
struct undo_step {
	bool added; /* else it went */
	struct flow *flow;
	struct pl_group *group;
	uint64_t created_ms, modified_ms; /* of the flow that went */
};

struct undo {
	struct undo_step *steps;
	unsigned n, max;
	bool lost; /* no memory to note one */
};

static void note_step(struct pipeline *pl, struct undo_step step)
{
	struct undo *u = pl->undo;

	if (u->n == u->max) {
		unsigned max = u->max ? u->max * 2 : 64;
		struct undo_step *p = realloc(u->steps, max * sizeof(*p));

		if (!p) {
			u->lost = true;
			return;
		}
		u->steps = p;
		u->max = max;
	}
	if (step.flow ? flow_ref(step.flow) : group_ref(step.group))
		u->steps[u->n++] = step;
}

void undo_flow_added(struct flow *f)
{
	if (f->br->pl->undo)
		note_step(f->br->pl, (struct undo_step){.added = true, .flow = f});
}

void undo_flow_went(struct flow *f)
{
	if (f->br->pl->undo)
		note_step(f->br->pl, (struct undo_step){.flow = f,
					     .created_ms = f->counter->created_ms,
					     .modified_ms = f->counter->modified_ms});
}

void undo_group_added(struct pipeline *pl, struct pl_group *g)
{
	if (pl->undo)
		note_step(pl, (struct undo_step){.added = true, .group = g});
}

void undo_group_went(struct pipeline *pl, struct pl_group *g)
{
	if (pl->undo)
		note_step(pl, (struct undo_step){.group = g});
}

static int take_back(struct pl_bridge *br, const struct undo_step *s)
{
	int error;

	if (s->group && s->added)
		group_forget(br, s->group);
	else if (s->added)
		flow_mod_forget(s->flow);
	if (s->added)
		return 0;
	if (s->group)
		return group_restore(br, s->group);
	error = flow_mod_restore(s->flow);
	s->flow->counter->created_ms = s->created_ms;
	s->flow->counter->modified_ms = s->modified_ms;
	return error;
}

void pl_bundle_begin(struct pl_bridge *br)
{
	pipeline_change_begin(br->pl);
	br->pl->undo = calloc(1, sizeof(struct undo));
}

void pl_bundle_end(struct pl_bridge *br, bool keep)
{
	struct undo *u = br->pl->undo;
	bool lost = !u || u->lost;

	br->pl->undo = NULL;
	if (!keep)
		monitor_take_back(br->pl);
	for (unsigned i = u ? u->n : 0; i-- > 0;) {
		if (!keep && take_back(br, &u->steps[i]))
			lost = true;
		if (u->steps[i].flow)
			flow_unref(u->steps[i].flow);
		else
			group_unref(u->steps[i].group);
	}
	if (lost && !keep)
		log_err("%s: no memory to take back all of a bundle that failed", br->name);
	if (u)
		free(u->steps);
	free(u);
	monitor_taken_back(br->pl);
	pipeline_change_end_soon(br->pl);
}
