/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of flows, kept until the change that they are part of is in force, and then told to flow
 * monitors (struct pipeline_ops).
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_MONITOR_H
#define SLUICE_OFCTL_PIPELINE_MONITOR_H

#include "ofctl/pipeline/bridge.h"

struct pipeline;

void monitor_keep(
	struct flow *f, struct flow *old, enum of_flow_event event, enum of_removed_reason reason);

/* Inside a change. ADDED, MODIFIED: `f` takes the place of `old`, if not NULL; a MODIFIED that
 * changes neither instructions nor cookie is no change. REMOVED: for `reason`. */
static inline void monitor_note(
	struct flow *f, struct flow *old, enum of_flow_event event, enum of_removed_reason reason)
{
	if (f->br->n_monitors)
		monitor_keep(f, old, event, reason);
}

/* Around what takes a bundle, which is all of a change, back: what was noted is forgotten, and
 * nothing is noted. */
void monitor_take_back(struct pipeline *pl);
void monitor_taken_back(struct pipeline *pl);

/* At the end of a change. */
void monitor_tell(struct pipeline *pl);

#endif
