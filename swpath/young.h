/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's young megaflows: translated by it, not yet put into the shared classifier by the
 * control thread.
 *
 * What: a classifier of its own, and the megaflows in the order in which they were born: the
 * control thread installs them in that order, so the table is emptied from the front. References:
 * the table holds the one that translation took for it. Thread-safety: one worker.
 */
#ifndef SLUICE_SWPATH_YOUNG_H
#define SLUICE_SWPATH_YOUNG_H

#include <stdint.h>

#include "swpath/classifier.h"

#define SWPATH_YOUNG_MAX 16384 /* a power of two */

struct swpath_young {
	struct swpath_cls cls;
	struct hal_megaflow **queue; /* ring of SWPATH_YOUNG_MAX */
	uint32_t head, tail;
};

int swpath_young_init(struct swpath_young *y);
void swpath_young_destroy(struct swpath_young *y); /* gives all references back */

/* 0; -ENOSPC, -ENOMEM or -EEXIST: the reference stays with the caller. */
int swpath_young_add(struct swpath_young *y, struct hal_megaflow *mf);

/* Lets go of those that are installed or no longer usable, from the front on. */
void swpath_young_settle(struct swpath_young *y);

static inline uint32_t swpath_young_count(const struct swpath_young *y)
{
	return y->tail - y->head;
}

#endif
