/* SPDX-License-Identifier: Apache-2.0
 *
 * Which flows a flow-mod or a statistics request means (OpenFlow 1.3, 6.4).
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_FLOW_SELECT_H
#define SLUICE_OFCTL_PIPELINE_FLOW_SELECT_H

#include "ofctl/pipeline/bridge.h"

struct flow_selection {
	struct flow **flows; /* the caller frees the array */
	unsigned n, capacity;
};

/* Adds to `s` the flows that match, cookie, out_port and out_group of `fm` select, by table, then
 * in order of insertion. Strict: those of the same match and priority; else those that the match
 * contains. */
enum of_error flow_select(
	struct pl_bridge *br, const struct of_flow_mod *fm, bool strict, struct flow_selection *s);

#endif
