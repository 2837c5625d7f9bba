/* SPDX-License-Identifier: Apache-2.0
 *
 * What a bundle changed, so that it can be taken back.
 *
 * What: while a bundle is applied (pl_bundle_begin()), each flow and group that comes or goes is
 * noted with what was there before it, and each port whose configuration changes.
 * Why: whether a message can be applied shows only once those before it are.
 * Thread-safety: control thread, inside a change.
 */
#ifndef SLUICE_OFCTL_PIPELINE_UNDO_H
#define SLUICE_OFCTL_PIPELINE_UNDO_H

#include <stdint.h>

struct flow;
struct pipeline;
struct pl_bridge;
struct pl_group;

/* Outside of bundles these do nothing. Room for so many further notes: 0 or -ENOMEM. It is made
 * before what is to be noted is done. */
int undo_reserve(struct pipeline *pl, unsigned n);
void undo_flow_added(struct flow *f);
void undo_flow_went(struct flow *f); /* removed, or another one takes its place */
void undo_group_added(struct pipeline *pl, struct pl_group *g);
void undo_group_went(struct pipeline *pl, struct pl_group *g);
void undo_port_changed(struct pipeline *pl, uint32_t number, uint32_t config); /* it was this */

/* The ways back, of flow_mod.c and group_mod.c. What comes back is a copy, for workers may still be
 * looking at what went; it shares its counters. 0 or -ENOMEM. */
int flow_mod_restore(struct flow *f);
void flow_mod_forget(struct flow *f); /* what has its match and priority now; nobody is told */
int group_restore(struct pl_bridge *br, struct pl_group *g);
void group_forget(struct pl_bridge *br, struct pl_group *g);
int port_restore(struct pl_bridge *br, uint32_t number, uint32_t config);

/* The bundle is in force: controllers and the datapath hear of what became of the port. */
void port_mod_told(struct pl_bridge *br, uint32_t number, uint32_t config);

#endif
