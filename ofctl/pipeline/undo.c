/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/undo.h"

#include <errno.h>
#include <stdlib.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/group.h"
#include "ofctl/pipeline/monitor.h"
#include "ofctl/pipeline/pipeline_priv.h"

LOG_DEFINE(bundle);

enum kind { FLOW, GROUP, PORT };

/* One change, with a reference to its flow or group. */
struct undo_step {
	enum kind kind;
	bool added; /* else it went */
	union {
		struct flow *flow;
		struct pl_group *group;
		uint32_t port;
	};
	uint64_t created_ms, modified_ms; /* of the flow that went */
	uint32_t config;                  /* of the port, before */
};

struct undo {
	struct undo_step *steps;
	unsigned n, max;
};

int undo_reserve(struct pipeline *pl, unsigned n)
{
	struct undo *u = pl->undo;
	struct undo_step *p;
	unsigned max;

	if (!u || n <= u->max - u->n)
		return 0;
	max = n > u->max ? u->max + n : u->max * 2;
	p = realloc(u->steps, max * sizeof(*p));
	if (!p)
		return -ENOMEM;
	u->steps = p;
	u->max = max;
	return 0;
}

/* The table has a reference to what comes or goes. */
static void note_step(struct pipeline *pl, struct undo_step step)
{
	if (step.kind == FLOW)
		flow_ref(step.flow);
	else if (step.kind == GROUP)
		group_ref(step.group);
	pl->undo->steps[pl->undo->n++] = step;
}

void undo_flow_added(struct flow *f)
{
	if (f->br->pl->undo)
		note_step(f->br->pl, (struct undo_step){FLOW, true, .flow = f});
}

void undo_flow_went(struct flow *f)
{
	if (f->br->pl->undo)
		note_step(f->br->pl,
			(struct undo_step){FLOW, .flow = f, .created_ms = f->counter->created_ms,
				.modified_ms = f->counter->modified_ms});
}

void undo_group_added(struct pipeline *pl, struct pl_group *g)
{
	if (pl->undo)
		note_step(pl, (struct undo_step){GROUP, true, .group = g});
}

void undo_group_went(struct pipeline *pl, struct pl_group *g)
{
	if (pl->undo)
		note_step(pl, (struct undo_step){GROUP, .group = g});
}

void undo_port_changed(struct pipeline *pl, uint32_t number, uint32_t config)
{
	if (pl->undo)
		note_step(pl, (struct undo_step){PORT, .port = number, .config = config});
}

static int take_back(struct pl_bridge *br, const struct undo_step *s)
{
	int error;

	switch (s->kind) {
	case PORT:
		return port_restore(br, s->port, s->config);
	case GROUP:
		if (!s->added)
			return group_restore(br, s->group);
		group_forget(br, s->group);
		return 0;
	case FLOW:
		if (s->added) {
			flow_mod_forget(s->flow);
			return 0;
		}
		break;
	}
	error = flow_mod_restore(s->flow);
	s->flow->counter->created_ms = s->created_ms;
	s->flow->counter->modified_ms = s->modified_ms;
	return error;
}

int pl_bundle_begin(struct pl_bridge *br)
{
	struct undo *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	pipeline_change_begin(br->pl);
	br->pl->undo = u;
	return 0;
}

static void forget(struct undo *u)
{
	for (unsigned i = u->n; i-- > 0;) {
		if (u->steps[i].kind == FLOW)
			flow_unref(u->steps[i].flow);
		else if (u->steps[i].kind == GROUP)
			group_unref(u->steps[i].group);
	}
	free(u->steps);
	free(u);
}

void pl_bundle_end(struct pl_bridge *br, bool keep)
{
	struct undo *u = br->pl->undo;
	bool lost = false;

	br->pl->undo = NULL;
	if (!keep)
		monitor_take_back(br->pl);
	for (unsigned i = u->n; !keep && i-- > 0;)
		lost |= take_back(br, &u->steps[i]) != 0;
	if (lost)
		log_err("%s: no memory to take back all of a bundle that failed", br->name);
	monitor_taken_back(br->pl);
	pipeline_change_end_soon(br->pl);
	for (unsigned i = 0; keep && i < u->n; i++)
		if (u->steps[i].kind == PORT)
			port_mod_told(br, u->steps[i].port, u->steps[i].config);
	forget(u);
}
