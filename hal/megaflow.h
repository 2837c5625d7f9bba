/* SPDX-License-Identifier: Apache-2.0
 *
 * Megaflows, as the layers share them.
 *
 * What: match with mask, action program, counters, and where the megaflow is. ofctl/pipeline makes
 * and owns every megaflow (as the head of its own larger struct); swpath and offload hold
 * references.
 *
 * Life:
 *
 *   state     | meaning                                             | next
 *   BORN      | translated and registered; the worker that made it  | LIVE, DEAD
 *             | may use it                                          |
 *   LIVE      | in the shared classifier, known to offload          | RETIRING
 *   RETIRING  | out of the classifier; caches must not use it;      | DEAD
 *             | devices remove it; counters may still move          |
 *   DEAD      | no reader is left, counters are final               | freed
 *
 * Thread-safety: match, program, ufid, key are constant. state is atomic: the control thread
 * writes it, anyone reads. sw[] has one entry a worker, which only that worker writes. hw_packets
 * and hw_bytes are written by offload with relaxed atomics and never decrease. refs is atomic.
 */
#ifndef SLUICE_HAL_MEGAFLOW_H
#define SLUICE_HAL_MEGAFLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/action.h"
#include "hal/base/hmap.h"
#include "hal/match.h"
#include "hal/reason.h"
#include "hal/rule.h"

#define HAL_MAX_WORKERS 16
#define HAL_MAX_DEVICES 4

enum hal_megaflow_state { MEGAFLOW_BORN, MEGAFLOW_LIVE, MEGAFLOW_RETIRING, MEGAFLOW_DEAD };

/* Software counters of one worker. */
struct hal_sw_counter {
	_Atomic uint64_t packets, bytes;
	_Atomic uint64_t used_ms;   /* monotonic clock of the last packet, 0: none */
	_Atomic uint16_t tcp_flags; /* all flags seen, host order */
};

enum hal_placement {
	PLACEMENT_NONE,     /* not yet judged */
	PLACEMENT_PENDING,  /* submitted */
	PLACEMENT_PLACED,   /* in the device */
	PLACEMENT_REFUSED,  /* `reason` says why */
	PLACEMENT_REMOVING, /* DEL submitted */
	PLACEMENT_REMOVED,
};

/* What offload knows of a megaflow on one device. Written by the device's thread under `lock` of
 * the device; read by others through offload's functions. */
struct hal_offload_slot {
	enum hal_placement placement;
	bool verified;              /* its counter moved, or an audit read it back */
	uint64_t leaked;            /* packets that reached software although it was placed */
	uint64_t placed_sw_packets; /* software count when it was placed */
	uint64_t packets, bytes;
	uint64_t used_ms;
	struct hal_reason reason;
};

struct hal_megaflow {
	struct hal_ufid ufid;
	const struct hal_cmatch *match;
	const struct hal_program *program;
	uint32_t chain;         /* recirculation id, 0: from a port */
	_Atomic uint32_t state; /* enum hal_megaflow_state */
	_Atomic uint32_t refs;
	void (*release)(struct hal_megaflow *mf); /* called when refs reaches 0 */
	uint64_t created_ms;                      /* monotonic */
	struct hmap_node cls_node;                /* swpath's classifier (shared) */
	struct hmap_node young_node; /* swpath's young table of the worker that made it */
	uint16_t maker;              /* that worker */
	_Atomic bool installed;      /* in the shared classifier: the young table may drop it */
	_Atomic uint64_t hw_packets, hw_bytes, hw_used_ms;
	struct hal_offload_slot offload[HAL_MAX_DEVICES];
	struct hal_sw_counter sw[HAL_MAX_WORKERS];
};

static inline void hal_megaflow_ref(struct hal_megaflow *mf)
{
	atomic_fetch_add_explicit(&mf->refs, 1, memory_order_relaxed);
}

static inline void hal_megaflow_unref(struct hal_megaflow *mf)
{
	if (atomic_fetch_sub_explicit(&mf->refs, 1, memory_order_acq_rel) == 1)
		mf->release(mf);
}

static inline bool hal_megaflow_usable(const struct hal_megaflow *mf)
{
	return atomic_load_explicit(&mf->state, memory_order_acquire) <= MEGAFLOW_LIVE;
}

#endif
