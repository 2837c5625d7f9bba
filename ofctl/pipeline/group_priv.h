/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by group.c and group_mod.c.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_GROUP_PRIV_H
#define SLUICE_OFCTL_PIPELINE_GROUP_PRIV_H

#include "ofctl/pipeline/group.h"

/* A copy with one reference and the counters of `old` (NULL: new ones). NULL without memory. */
struct pl_group *group_new(const struct of_group *from, struct pl_group *old);

#endif
