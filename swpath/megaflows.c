/* SPDX-License-Identifier: Apache-2.0
 *
 * Megaflows put into the shared classifier and taken out, by the control thread.
 */
#include <errno.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "swpath/scope.h"
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

bool swpath_masks_full(struct swpath *sp, unsigned worker, const struct hal_key *key,
	const struct hal_key *mask, struct hal_key *all)
{
	const struct swpath_cls *young =
		worker < sp->n_workers ? &sp->worker[worker].young.cls : NULL;
	const bool chained = key->recirc_id != 0;
	struct swpath_scope scope;
	bool known, known_young = false;
	unsigned n = swpath_cls_masks(&sp->cls, key->in_port, chained, mask, &known);

	if (young)
		n += swpath_cls_masks(young, key->in_port, chained, mask, &known_young);
	if (known || known_young || n < SWPATH_MAX_MASKS)
		return false;
	swpath_scope_init(&scope);
	swpath_cls_scope(&sp->cls, key->in_port, chained, &scope);
	if (young)
		swpath_cls_scope(young, key->in_port, chained, &scope);
	memset(all, 0, sizeof(*all));
	for (unsigned i = 0; i < scope.n; i++)
		((uint64_t *)all)[scope.word[i]] = scope.mask[i];
	all->recirc_id = 0; /* the chain is no part of a match */
	return true;
}
