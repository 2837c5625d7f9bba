/* SPDX-License-Identifier: Apache-2.0
 *
 * A translation that was interrupted, as a value.
 *
 * What: everything that a translation needs to go on with a packet that comes back: what is still
 * to be done, as a list of frames from the innermost out, and the pipeline's own state. What the
 * packet's key holds is not part of it: the packet brings that along.
 *
 * It refers to nothing that could go away: actions are copies, the bridge is named by its id.
 *
 * Thread-safety: plain data; constant once it has a recirculation id (recirc.h).
 */
#ifndef SLUICE_OFCTL_PIPELINE_FROZEN_H
#define SLUICE_OFCTL_PIPELINE_FROZEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/key.h"
#include "ofctl/openflow/message.h"

/* The members of a translation key that are not the packet's. */
#define FROZEN_FIELDS (sizeof(struct xlate_key) - sizeof(struct hal_key))

/* The members of a datapath key that belong to a tunnel: its end. */
#define FROZEN_TUNNEL (sizeof(struct hal_key) - offsetof(struct hal_key, tun_flags))

enum pl_frame_type {
	FRAME_LIST,  /* the rest of a list of actions, then of the instructions beside it */
	FRAME_TABLE, /* look up a table */
	FRAME_SET,   /* execute the action set */
};

struct pl_frame {
	uint8_t type; /* enum pl_frame_type */
	bool ends;    /* what stops a list of actions stops no frame behind this one */
	bool packet_out;
	uint8_t table; /* of the flow; TABLE: to look up */
	uint8_t pin_reason;
	rte_be32_t in_port; /* TABLE: the OpenFlow port that the lookup takes for the input port */
	uint64_t cookie;    /* of the flow */
	struct of_instructions ins; /* LIST: `apply` is the rest; owned */
};

/* What dp_hash was computed with. */
struct pl_hash_basis {
	bool valid;
	uint32_t algorithm; /* enum hal_hash */
	uint32_t basis;
};

struct pl_frozen {
	uint32_t bridge;                           /* id */
	_Alignas(8) uint8_t fields[FROZEN_FIELDS]; /* read by words, as `tun` is */
	_Alignas(8) uint8_t tun[FROZEN_TUNNEL], tun_mask[FROZEN_TUNNEL]; /* that actions wrote */
	bool tracked, ct_stale;                                          /* as in struct xlate */
	struct pl_hash_basis hash;
	struct of_actions set; /* the action set; owned */
	unsigned n_stack, n_frames;
	uint8_t (*stack)[16];    /* values as in struct xlate_stack_entry; owned */
	struct pl_frame *frames; /* owned */
	bool pauses;             /* a controller says when it goes on */
	/* Of what a packet-in says, without frames: what the action gave it, owned, and the id of
	 * what goes on after it, 0: nothing. */
	uint8_t *data;
	uint32_t data_len, paused;
};

int frame_copy(struct pl_frame *to, const struct pl_frame *from); /* 0 or -ENOMEM */
void frame_clear(struct pl_frame *f);

uint32_t frozen_hash(const struct pl_frozen *f);
bool frozen_equal(const struct pl_frozen *a, const struct pl_frozen *b);
void frozen_clear(struct pl_frozen *f); /* frees what it owns */

#endif
