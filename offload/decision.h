/* SPDX-License-Identifier: Apache-2.0
 *
 * The last decisions about rules: what was placed where, refused and why, lost, repaired, removed.
 *
 * What: a ring of OFFLOAD_DECISIONS entries, over all devices; each decision has a number, from 1
 * on. Refusals that say the same again are not told again.
 * Thread-safety: devices' threads write, anybody reads; a lock is held for one entry at a time.
 */
#ifndef SLUICE_OFFLOAD_DECISION_H
#define SLUICE_OFFLOAD_DECISION_H

#include <pthread.h>
#include <stdint.h>

#include "hal/match.h"
#include "hal/reason.h"
#include "hal/rule.h"

struct offload;

#define OFFLOAD_DECISIONS 10000

/* DECISION(ID, as it is told) */
#define OFFLOAD_DECISION_TYPES(DECISION)                                \
	DECISION(PLACED, "placed")                                      \
	DECISION(ADOPTED, "adopted from a former run")                  \
	DECISION(REPAIRED, "repaired")                                  \
	DECISION(REFUSED, "refused")                                    \
	DECISION(REMOVED, "removed")                                    \
	DECISION(LOST, "found missing by the audit")                    \
	DECISION(ALTERED, "found altered by the audit")                 \
	DECISION(UNWANTED, "found by the audit, and nobody wants it")   \
	DECISION(GONE, "the device is gone, and its rules are unknown") \
	DECISION(RESET, "the device lost its rules")                    \
	DECISION(BACK, "the device is back")

enum offload_decision_type {
#define DECISION(ID, ...) DECISION_##ID,
	OFFLOAD_DECISION_TYPES(DECISION)
#undef DECISION
		DECISION_MAX,
};

struct offload_decision {
	uint64_t number;
	uint64_t when_ms; /* wall clock */
	unsigned device;
	enum offload_decision_type type;
	struct hal_ufid ufid;
	uint32_t chain;
	struct hal_cmatch *match; /* NULL: about the device, or it is not known */
	struct hal_reason reason;
};

const char *offload_decision_name(enum offload_decision_type type);

/* The number of the oldest decision that is kept, and of the next that will be made. */
void offload_decisions_range(struct offload *ol, uint64_t *first, uint64_t *end);

/* A copy of one; the caller frees its match. 0, -ENOENT (it is not kept any more, or not yet made)
 * or -ENOMEM. */
int offload_decision_read(struct offload *ol, uint64_t number, struct offload_decision *out);

/* ---- for the engine ---- */

struct decisions {
	pthread_mutex_t lock; /* after all others */
	uint64_t next;        /* its number */
	struct offload_decision *ring;
};

int decisions_open(struct decisions *all); /* 0 or -ENOMEM */
void decisions_close(struct decisions *all);
/* Numbers, dates and enters it. `match` and `reason` are copied, and may be NULL. */
void decision_add(struct decisions *all, const struct offload_decision *d,
	const struct hal_cmatch *match, const struct hal_reason *reason);

#endif
