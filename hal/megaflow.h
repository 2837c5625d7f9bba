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
 * Memory: one block of hal/base/stable.h, which its owner allocates and frees after a grace period.
 * So whoever kept a pointer may look at `state` at any time, even after the megaflow was freed: it
 * is DEAD then, or is that of another one, complete and in force. What state says holds for the RCU
 * read side that it was read in. Its first cache line is all that a lookup
 * and the usual execution read; behind the struct lie the software counters of the other workers
 * (HAL_MEGAFLOW_SIZE), one cache line each. What devices count is allocated by offload when it
 * gives the megaflow to its first device, and freed by the owner with the rest.
 *
 * Thread-safety: match, program, output, chain, ufid are constant. state is atomic: the control
 * thread writes it, anyone reads. A worker's counter is written by that worker only. hw is set once
 * by the control thread; the sums in it are written by offload with relaxed atomics and never
 * decrease. refs is atomic.
 */
#ifndef SLUICE_HAL_MEGAFLOW_H
#define SLUICE_HAL_MEGAFLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/action.h"
#include "hal/base/hmap.h"
#include "hal/match.h"
#include "hal/port.h"
#include "hal/reason.h"
#include "hal/rule.h"

#define HAL_MAX_WORKERS 16
#define HAL_MAX_DEVICES 4
#define HAL_MAKER_NONE UINT16_MAX

enum hal_megaflow_state { MEGAFLOW_DEAD, MEGAFLOW_BORN, MEGAFLOW_LIVE, MEGAFLOW_RETIRING };

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
	bool in_kernel;             /* it is placed, but no hardware has it: the kernel runs it */
	uint64_t leaked;            /* packets that reached software although it was placed */
	uint64_t placed_sw_packets; /* software count when it was placed */
	uint64_t packets, bytes;
	uint64_t used_ms;
	struct hal_reason reason;
};

/* What all devices count of a megaflow, and what is known of it on each. */
struct hal_megaflow_hw {
	_Atomic uint64_t packets, bytes;
	_Atomic uint64_t used_ms;  /* when packets were counted last */
	_Atomic uint64_t after_ms; /* these came after this time: the reading before */
	struct hal_offload_slot slot[HAL_MAX_DEVICES];
};

#define HAL_CACHE_LINE 64

struct hal_megaflow {
	const struct hal_cmatch *match;
	const struct hal_program *program;
	uint32_t chain;         /* recirculation id, 0: from a port */
	uint32_t output;        /* hal_program_output() of the program */
	_Atomic uint32_t state; /* enum hal_megaflow_state */
	_Atomic uint32_t refs;
	struct hmap_node cls_node;   /* swpath's classifier (shared) */
	struct hmap_node young_node; /* swpath's young table of the worker that made it */
	void (*release)(struct hal_megaflow *mf); /* called when refs reaches 0 */
	uint64_t created_ms;                      /* monotonic */
	uint16_t maker;                           /* the worker that made it, or HAL_MAKER_NONE */
	uint8_t n_sw;                             /* workers that have a counter */
	_Atomic bool installed; /* in the shared classifier: the young table may drop it */
	/* The second line: cold, but for the counter of worker 0. */
	_Alignas(HAL_CACHE_LINE) struct hal_sw_counter sw0;
	struct hal_ufid ufid;
	_Atomic(struct hal_megaflow_hw *) hw; /* NULL: no device has ever been told of it */
	void *offload;                        /* offload's record of it, under a lock of its own */
};

_Static_assert(offsetof(struct hal_megaflow, sw0) == HAL_CACHE_LINE, "hot is one line");
_Static_assert(sizeof(struct hal_megaflow) == 2 * HAL_CACHE_LINE, "counters are a line apart");

/* Bytes of a megaflow with the counters of so many workers (at least 1). */
#define HAL_MEGAFLOW_SIZE(workers) (((size_t)(workers) + 1) * HAL_CACHE_LINE)

/* The counter of worker 0 to n_sw - 1. */
static inline struct hal_sw_counter *hal_megaflow_sw(const struct hal_megaflow *mf, unsigned worker)
{
	return (struct hal_sw_counter *)((uintptr_t)&mf->sw0 + (size_t)worker * HAL_CACHE_LINE);
}

/* Sums over all workers. */
uint64_t hal_megaflow_sw_packets(const struct hal_megaflow *mf);

static inline struct hal_megaflow_hw *hal_megaflow_hw(const struct hal_megaflow *mf)
{
	return atomic_load_explicit(
		&((struct hal_megaflow *)(uintptr_t)mf)->hw, memory_order_acquire);
}

/* The same, made if need be; NULL without memory. Control thread. */
struct hal_megaflow_hw *hal_megaflow_hw_make(struct hal_megaflow *mf);

/* The datapath port if the program is one OUTPUT step and no more, else HAL_PORT_NONE. */
uint32_t hal_program_output(const struct hal_program *p);

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
	uint32_t state = atomic_load_explicit(&mf->state, memory_order_acquire);

	return state == MEGAFLOW_BORN || state == MEGAFLOW_LIVE;
}

#endif
