/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows in and out of tables, for those that are no controller's flow-mod. Inside a change.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_FLOW_MOD_H
#define SLUICE_OFCTL_PIPELINE_FLOW_MOD_H

#include "ofctl/pipeline/bridge.h"

struct pipeline;

/* At the end of a change: nothing sees flows that it took out of their tables any more. */
void flow_mod_drop_ended(struct pipeline *pl);

void flow_mod_remove(struct flow *f, enum of_removed_reason reason);

/* Adds the flow, or gives `old`, which has the same match and priority, its instructions and
 * cookie; counters and timeouts of that stay. */
enum of_error flow_mod_learn(struct pl_bridge *br, const struct of_flow_mod *fm, struct flow *old);

/* Makes timeouts shorter; 0 leaves one as it is. */
void flow_mod_shorten(struct flow *f, uint16_t idle_s, uint16_t hard_s);

/* Removes those flows of which `which` says so. 0, or -ENOMEM: a bundle could not take it back, and
 * nothing is done. */
int bridge_remove_flows_if(struct pl_bridge *br, bool (*which)(const struct flow *f, void *arg),
	void *arg, enum of_removed_reason reason);

#endif
