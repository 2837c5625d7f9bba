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
enum of_error check_instructions(const struct of_flow_mod *fm);

#endif
