/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by group.c and group_mod.c.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_GROUP_PRIV_H
#define SLUICE_OFCTL_PIPELINE_GROUP_PRIV_H

#include "ofctl/pipeline/group.h"

struct pipeline;

/* A copy with one reference and the counters of `old` (NULL: new ones). NULL without memory. */
struct pl_group *group_new(const struct of_group *from, struct pl_group *old);

/* `old` with buckets inserted or removed, as `gm` says. `to` owns its array of buckets (free()),
 * but nothing in them. */
enum of_error group_with_buckets(
	const struct of_group *old, const struct of_group_mod *gm, struct of_group *to);

/* What the bridge has under the id, though it may have ended; and what a version sees of it. */
struct pl_group *bridge_group_head(const struct pl_bridge *br, uint32_t id);
struct pl_group *group_seen(struct pl_group *g, uint64_t version);

/* At the end of a change: nothing sees groups that it took away any more. */
void group_mod_drop_ended(struct pipeline *pl);

#endif
