/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that run on a copy of the packet: another bridge behind a patch port, clone(), the
 * buckets of a group.
 *
 * Thread-safety: as xlate.h.
 */
#ifndef SLUICE_OFCTL_PIPELINE_XLATE_COPY_H
#define SLUICE_OFCTL_PIPELINE_XLATE_COPY_H

#include "ofctl/pipeline/xlate.h"

struct xlate_copy;
struct xlate_state;

/* From here on steps are the copy's, one level deeper. NULL with x->error set (too deep, no
 * memory). */
struct xlate_copy *xlate_copy_begin(struct xlate *x);

/* The packet is again what it was at the beginning: headers, registers, action set, bridge. Steps
 * that changed nothing are put into the list itself, those that do nothing are left out. */
void xlate_copy_end(struct xlate *x, struct xlate_copy *s);

/* Only what the packet is, for those that make other steps of it. NULL with x->error set. */
struct xlate_state *xlate_state_save(struct xlate *x);
void xlate_state_restore(struct xlate *x, struct xlate_state *s); /* once: it is freed */

#endif
