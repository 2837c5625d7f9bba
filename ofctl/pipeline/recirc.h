/* SPDX-License-Identifier: Apache-2.0
 *
 * Recirculation ids: names of frozen translations, by which packets that come back are known.
 *
 * What: equal states have one id, so that what follows is translated once for all of them. A
 * megaflow whose program holds RECIRC(id) has a reference to the id, and so has a megaflow of the
 * chain; when the last goes, the id is free again. An id is a slot (the lower 20 bits) and a
 * generation, which grows each time that the slot is used again and starts anywhere: an id that
 * somebody still holds from before, or from another run, names nothing. 0 is no id.
 *
 * Thread-safety: any thread, under RCU, may look up, make and let go of ids: slots and hash chains
 * are atomics. Only deferred calls (rcu_reclaim(), the control thread) take ids out.
 */
#ifndef SLUICE_OFCTL_PIPELINE_RECIRC_H
#define SLUICE_OFCTL_PIPELINE_RECIRC_H

#include <stdatomic.h>
#include <stdint.h>

#include "ofctl/pipeline/frozen.h"

#define RECIRC_ID_BITS 28 /* as many as a chain of TC has */
#define RECIRC_SLOT_BITS 20
#define RECIRC_MAX (1u << RECIRC_SLOT_BITS)

struct recirc_ids;

struct pl_recirc {
	uint32_t id;
	uint32_t hash;
	_Atomic uint32_t refs;
	_Atomic(struct pl_recirc *) next; /* in its hash chain */
	struct recirc_ids *ids;
	struct pl_frozen state;
	/* The control thread's: */
	struct pl_recirc *lingering_next;
	uint64_t linger_until_ms; /* 0: not in the list of those that linger */
};

/* At most `max` ids at a time, RECIRC_MAX or fewer. NULL without memory. */
struct recirc_ids *recirc_open(unsigned max);
/* All references are gone, and what was deferred has run. */
void recirc_close(struct recirc_ids *ids);

/* Takes over what `state` owns, whatever comes of it. Returns a reference to its id, or NULL with
 * *error -ENOMEM or -ENOSPC (all ids are in use). */
struct pl_recirc *recirc_get(struct recirc_ids *ids, struct pl_frozen *state, int *error);

/* A reference to an id, or NULL if there is no such id. */
struct pl_recirc *recirc_find(struct recirc_ids *ids, uint32_t id);

void recirc_ref(struct pl_recirc *r); /* the caller has one already */
void recirc_unref(struct pl_recirc *r);

unsigned recirc_count(const struct recirc_ids *ids);

/* Keeps an id until then although nothing refers to it: for packets that are on their way. Control
 * thread. */
void recirc_linger(struct pl_recirc *r, uint64_t until_ms);
/* Lets those go whose time is over. Control thread. */
void recirc_sweep(struct recirc_ids *ids, uint64_t now_ms);

#endif
