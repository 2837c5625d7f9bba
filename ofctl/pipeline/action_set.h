/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of an action set (OpenFlow 1.3, 5.10), which is how a bucket's actions are executed.
 *
 * Thread-safety: plain functions.
 */
#ifndef SLUICE_OFCTL_PIPELINE_ACTION_SET_H
#define SLUICE_OFCTL_PIPELINE_ACTION_SET_H

#include "ofctl/openflow/message.h"

/* Makes `list` what is executed of `set`, in order: of each type that a set has once the last one;
 * of group, output, resubmit and ct only the first of these that is there; nothing at all if there
 * is none. What is not known to sets is executed before these. The array is the caller's to free();
 * its actions belong to `set`. 0 or -ENOMEM. */
int action_set_sort(const struct of_actions *set, struct of_actions *list);

#endif
