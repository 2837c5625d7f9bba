/* SPDX-License-Identifier: Apache-2.0
 *
 * What a flow-mod may ask for, judged before anything changes.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_CHECK_H
#define SLUICE_OFCTL_PIPELINE_CHECK_H

#include "ofctl/pipeline/bridge.h"

/* Instructions of a flow-mod that adds or modifies (OpenFlow 1.3, 6.4 and 5.9). */
enum of_error check_instructions(struct pl_bridge *br, const struct of_flow_mod *fm);

/* Actions of a group's bucket. What packets come there is not known, so what they lack is no error:
 * an action on it does nothing. */
enum of_error check_bucket_actions(struct pl_bridge *br, const struct of_actions *acts);

#endif
