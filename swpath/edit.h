/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits made ready.
 *
 * What: a SET or DEC_TTL says what to do with a field; where that lies depends on the headers of
 * the packet. An edit is the answer, good for all packets whose headers lie the same way.
 * Successive edits are done together: a packet is made writable once and its checksums are
 * corrected once.
 *
 * Thread-safety: as the packet's.
 */
#ifndef SLUICE_SWPATH_EDIT_H
#define SLUICE_SWPATH_EDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "swpath/packet.h"

#define SWPATH_EDITS 8 /* that are done together */

struct swpath_edit {
	uint32_t at;    /* of the member in the frame */
	uint8_t size;   /* of it, bytes; 0: these packets are left as they are */
	uint8_t sum;    /* enum swpath_sum */
	bool moves;     /* afterwards other things may follow */
	bool decrement; /* a TTL: `value` is taken away, if that leaves something */
	union {
		uint64_t word; /* the first bytes as they lie in memory, 0 behind them */
		uint8_t byte[16];
	} value, mask;
	uint64_t bytes; /* its bytes, if it is no longer than a word and no CRC covers it; else 0 */
	uint32_t need;  /* bytes of the frame that are written to or read */
};

struct swpath_edits {
	unsigned n;
	uint32_t need;             /* the greatest of theirs */
	uint32_t sums;             /* bits of enum swpath_sum: those to be corrected */
	bool moves;                /* one of them does */
	struct swpath_layers like; /* where the headers of the packets have to be */
	struct swpath_edit edit[SWPATH_EDITS];
};

/* Whether a packet whose headers lie as `b` says is edited as one of `a`. */
static inline bool swpath_edited_alike(const struct swpath_layers *a, const struct swpath_layers *b)
{
	return !memcmp(a, b, offsetof(struct swpath_layers, l3_end));
}

/* A SET of metadata has nothing to be made ready: it is in the key. */
bool swpath_set_is_meta(const struct hal_act_set *act);

/* A SET of an ICMP type, an EtherType or an IP protocol: what follows may be something else then.
 */
bool swpath_set_moves(const struct hal_act_set *act);

/* After at, size, sum, value and mask are known. Not for a member that a CRC covers. */
void swpath_edit_widen(const struct swpath_packet *p, struct swpath_edit *e);

/* Make the step ready for packets like this one. SWPATH_OK, or why it drops them. */
int swpath_set_prepare(
	struct swpath_packet *p, const struct hal_act_set *act, struct swpath_edit *e);
int swpath_dec_ttl_prepare(struct swpath_packet *p, struct swpath_edit *e);

/* Do one edit, or several that were made ready for packets like this one. SWPATH_OK, or why the
 * packet has to be dropped. */
int swpath_edit_apply(struct swpath_packet *p, const struct swpath_edit *e);
int swpath_edits_apply(struct swpath_packet *p, const struct swpath_edits *edits);

#endif
