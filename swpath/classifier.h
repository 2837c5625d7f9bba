/* SPDX-License-Identifier: Apache-2.0
 *
 * The megaflow classifier: tuple space search with one hash table (subtable) for each mask, apart
 * for each input port.
 *
 * What: finds a megaflow that covers a key. Megaflows do not overlap, so the first one found is
 * the answer. One instance is shared by all workers; each worker has a further one of its own for
 * young megaflows. A megaflow has a node for each kind.
 *
 * Parts: megaflows of one input port, with those behind a recirculation apart, are a part of their
 * own, so that the masks of one port cost nothing to packets of another. Those that do not look at
 * the whole input port are in a further part, which is searched for every key. A part says what
 * its masks look at (swpath/scope.h): a mask is in the scope before a megaflow with it can be
 * found, and leaves it only after the last one was retired.
 *
 * References: the classifier takes none; the caller keeps a megaflow alive until a grace period
 * after its removal.
 *
 * Thread-safety: one writer; readers under RCU.
 */
#ifndef SLUICE_SWPATH_CLASSIFIER_H
#define SLUICE_SWPATH_CLASSIFIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/key.h"
#include "hal/megaflow.h"

struct swpath_scope;

struct swpath_cls {
	struct hmap parts;
	size_t node_at; /* of the hmap_node in struct hal_megaflow */
	_Atomic uint32_t n_masks, n_flows;
};

#define SWPATH_CLS_SHARED offsetof(struct hal_megaflow, cls_node)
#define SWPATH_CLS_YOUNG offsetof(struct hal_megaflow, young_node)

void swpath_cls_init(struct swpath_cls *cls, size_t node_at);
void swpath_cls_destroy(struct swpath_cls *cls); /* no readers may be left */

/* 0, -ENOMEM, or -EEXIST if there is a usable one with an equal match and chain. */
int swpath_cls_insert(struct swpath_cls *cls, struct hal_megaflow *mf);
/* -ENOENT if it is not there. */
int swpath_cls_remove(struct swpath_cls *cls, struct hal_megaflow *mf);
/* -EINVAL if match or chain differ, -ENOENT if `from` is not there. */
int swpath_cls_replace(struct swpath_cls *cls, struct hal_megaflow *from, struct hal_megaflow *to);

/* A usable megaflow that covers the key, or NULL. */
struct hal_megaflow *swpath_cls_lookup(struct swpath_cls *cls, const struct hal_key *key);

/* Joins to `scope` what megaflows of this port look at; `chained`: those behind a recirculation. */
void swpath_cls_scope(
	const struct swpath_cls *cls, rte_be32_t in_port, bool chained, struct swpath_scope *scope);

/* The scope of a port, where it is published as a whole: NULL if it has to be joined from several
 * parts, or nothing is there. Good for the RCU read side that it was asked in. */
const struct swpath_scope *swpath_cls_scope_whole(
	const struct swpath_cls *cls, rte_be32_t in_port, bool chained);

/* The number of masks at this port. `known`: `mask` is one of them. */
unsigned swpath_cls_masks(const struct swpath_cls *cls, rte_be32_t in_port, bool chained,
	const struct hal_key *mask, bool *known);

/* Writer: puts the subtables that were hit most since the last call first. */
void swpath_cls_sort(struct swpath_cls *cls);

/* Writer: any megaflow that is in it, or NULL when it is empty. */
struct hal_megaflow *swpath_cls_first(const struct swpath_cls *cls);

/* True if `mf` is what to do with packets of this key: of the same chain, and matching. */
static inline bool swpath_covers(const struct hal_megaflow *mf, const struct hal_key *key)
{
	return rte_cpu_to_be_32(mf->chain) == key->recirc_id &&
	       hal_cmatch_covers_dp(mf->match, key);
}

#endif
