/* SPDX-License-Identifier: Apache-2.0
 *
 * Megaflows put into the shared classifier and taken out, by the control thread.
 */
#include <errno.h>

#include "hal/base/rcu.h"
#include "swpath/worker.h"

static void unref(void *mf)
{
	hal_megaflow_unref(mf);
}

int swpath_megaflow_install(struct swpath *sp, struct hal_megaflow *mf)
{
	int error;

	hal_megaflow_ref(mf);
	error = swpath_cls_insert(&sp->cls, mf);
	if (error) {
		hal_megaflow_unref(mf);
		return error;
	}
	atomic_store_explicit(&mf->installed, true, memory_order_release);
	return 0;
}

void swpath_megaflow_remove(struct swpath *sp, struct hal_megaflow *mf)
{
	if (!swpath_cls_remove(&sp->cls, mf))
		rcu_defer(unref, mf);
}

int swpath_megaflow_replace(struct swpath *sp, struct hal_megaflow *from, struct hal_megaflow *to)
{
	int error;

	hal_megaflow_ref(to);
	error = swpath_cls_replace(&sp->cls, from, to);
	if (error) {
		hal_megaflow_unref(to);
		return error;
	}
	atomic_store_explicit(&to->installed, true, memory_order_release);
	rcu_defer(unref, from);
	return 0;
}
