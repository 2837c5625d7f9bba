/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/young.h"

#include <errno.h>
#include <stdlib.h>

int swpath_young_init(struct swpath_young *y)
{
	swpath_cls_init(&y->cls, SWPATH_CLS_YOUNG);
	y->head = y->tail = 0;
	y->queue = malloc(SWPATH_YOUNG_MAX * sizeof(y->queue[0]));
	return y->queue ? 0 : -ENOMEM;
}

static struct hal_megaflow **slot(struct swpath_young *y, uint32_t i)
{
	return &y->queue[i & (SWPATH_YOUNG_MAX - 1)];
}

static void take_front(struct swpath_young *y)
{
	struct hal_megaflow *mf = *slot(y, y->head++);

	swpath_cls_remove(&y->cls, mf);
	hal_megaflow_unref(mf);
}

void swpath_young_destroy(struct swpath_young *y)
{
	if (!y->queue)
		return;
	while (swpath_young_count(y))
		take_front(y);
	swpath_cls_destroy(&y->cls);
	free(y->queue);
	y->queue = NULL;
}

int swpath_young_add(struct swpath_young *y, struct hal_megaflow *mf)
{
	int err;

	if (swpath_young_count(y) == SWPATH_YOUNG_MAX)
		return -ENOSPC;
	err = swpath_cls_insert(&y->cls, mf);
	if (!err)
		*slot(y, y->tail++) = mf;
	return err;
}

void swpath_young_settle(struct swpath_young *y)
{
	while (swpath_young_count(y)) {
		const struct hal_megaflow *mf = *slot(y, y->head);

		if (hal_megaflow_usable(mf) &&
			!atomic_load_explicit(&mf->installed, memory_order_acquire))
			return;
		take_front(y);
	}
}
