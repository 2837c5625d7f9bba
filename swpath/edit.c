/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits of many packets: programs that change packets and then send them all the same way run step
 * by step over the packets of a megaflow, not packet by packet.
 */
#include <string.h>

#include "swpath/checksum.h"
#include "swpath/port/segment.h"
#include "swpath/tunnel.h"
#include "swpath/worker.h"

/* ---- a SET that was made ready ---- */

/* `n` bytes, as a word that would be stored to them would have them. By parts: what was stored in
 * parts could not be read as a whole at once. */
static inline uint64_t load(const uint8_t *p, unsigned n)
{
	const unsigned high = RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? 64 - 8 * n : 0;
	uint64_t v = 0;
	uint32_t w;
	uint16_t h;

	switch (n) {
	case 1:
		return (uint64_t)*p << high;
	case 2:
		memcpy(&h, p, 2);
		return (uint64_t)h << high;
	case 4:
		memcpy(&w, p, 4);
		return (uint64_t)w << high;
	case 6:
		memcpy(&w, p, 4);
		memcpy(&h, p + 4, 2);
		return RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? (uint64_t)w << 32 | (uint64_t)h << 16
							: w | (uint64_t)h << 32;
	default:
		memcpy(&v, p, 8);
		return v;
	}
}

static inline void store(uint8_t *p, unsigned n, uint64_t v)
{
	const unsigned high = RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? 64 - 8 * n : 0;
	uint32_t w;
	uint16_t h;

	switch (n) {
	case 1:
		*p = (uint8_t)(v >> high);
		break;
	case 2:
		h = (uint16_t)(v >> high);
		memcpy(p, &h, 2);
		break;
	case 4:
		w = (uint32_t)(v >> high);
		memcpy(p, &w, 4);
		break;
	case 6:
		w = (uint32_t)(RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? v >> 32 : v);
		h = (uint16_t)(RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? v >> 16 : v >> 32);
		memcpy(p, &w, 4);
		memcpy(p + 4, &h, 2);
		break;
	default:
		memcpy(p, &v, 8);
		break;
	}
}

/* A member that is longer than a word, or one of SCTP. */
static void apply_long(struct swpath_packet *p, const struct swpath_edit *e)
{
	const uint8_t *old = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, e->at);
	uint8_t new[16];

	for (unsigned i = 0; i < e->size; i++)
		new[i] = (uint8_t)((old[i] & ~e->mask[i]) | e->value[i]);
	swpath_rewrite(p, e->at, new, e->size, (enum swpath_sum)e->sum);
}

static inline void apply_word(struct swpath_packet *p, const struct swpath_edit *e)
{
	uint8_t *at = rte_pktmbuf_mtod_offset(p->m, uint8_t *, e->at);
	uint64_t value, mask, old, new;

	memcpy(&value, e->value, 8);
	memcpy(&mask, e->mask, 8);
	old = load(at, e->size);
	new = (old & ~mask) | value;
	store(at, e->size, new);
	p->key_stale = true;
	if (e->sum != SWPATH_SUM_NONE)
		swpath_sum_changed(p, (enum swpath_sum)e->sum,
			swpath_csum_delta_word(old & e->summed, new & e->summed, e->summed));
}

static inline int apply(struct swpath_packet *p, const struct swpath_edit *e)
{
	/* A packet may be shorter than its transport header could be. */
	uint32_t need = RTE_MAX(e->at + e->size, RTE_MIN(e->need, rte_pktmbuf_pkt_len(p->m)));
	int drop;

	if (!e->size)
		return SWPATH_OK;
	drop = swpath_packet_writable(p, need);
	if (drop != SWPATH_OK)
		return drop;
	if (unlikely(!e->summed))
		apply_long(p, e);
	else
		apply_word(p, e);
	p->layers_stale |= e->moves;
	return SWPATH_OK;
}

int swpath_set_apply(struct swpath_packet *p, const struct swpath_edit *e)
{
	return apply(p, e);
}

/* ---- many packets ---- */

static void drop_edited(struct swpath_worker *w, struct swpath_packet *p, int drop)
{
	swpath_drop(w, p->m, (enum swpath_drop)drop);
	p->m = NULL;
}

/* A SET is made ready once for packets that are alike. */
static void set_many(
	struct swpath_worker *w, struct swpath_packet *p, unsigned n, const struct hal_act_set *act)
{
	struct swpath_layers like;
	struct swpath_edit e;
	bool ready = false;

	for (unsigned i = 0; i < n; i++) {
		int drop = SWPATH_OK;

		if (unlikely(!p[i].m))
			continue;
		swpath_packet_layers(&p[i]);
		if (unlikely(!ready || memcmp(&like, &p[i].ly, sizeof(like)) != 0)) {
			like = p[i].ly;
			drop = swpath_set_prepare(&p[i], act, &e);
			ready = drop == SWPATH_OK;
		}
		if (drop == SWPATH_OK)
			drop = apply(&p[i], &e);
		if (unlikely(drop != SWPATH_OK))
			drop_edited(w, &p[i], drop);
	}
}

/* Calls an edit for each packet that is left. */
#define EDIT_EACH(call)                                         \
	for (unsigned i = 0; i < n; i++) {                      \
		int drop = likely(p[i].m) ? (call) : SWPATH_OK; \
                                                                \
		if (unlikely(drop != SWPATH_OK))                \
			drop_edited(w, &p[i], drop);            \
	}

/* Steps that change a packet, and do nothing else to it but drop it. False: it is none. With n 0 it
 * only says so. */
static bool edit_many(
	struct swpath_worker *w, struct swpath_packet *p, unsigned n, const struct hal_action *a)
{
	switch ((enum hal_action_type)a->type) {
	case ACTION_SET:
		if (swpath_set_is_meta((const struct hal_act_set *)a))
			EDIT_EACH(swpath_set_field(&p[i], (const struct hal_act_set *)a))
		else
			set_many(w, p, n, (const struct hal_act_set *)a);
		return true;
	case ACTION_PUSH_VLAN:
		EDIT_EACH(swpath_push_vlan(&p[i], (const struct hal_act_vlan *)a))
		return true;
	case ACTION_POP_VLAN:
		EDIT_EACH(swpath_pop_vlan(&p[i]))
		return true;
	case ACTION_PUSH_MPLS:
		EDIT_EACH(swpath_push_mpls(&p[i], (const struct hal_act_mpls *)a))
		return true;
	case ACTION_POP_MPLS:
		EDIT_EACH(swpath_pop_mpls(&p[i], (const struct hal_act_mpls *)a))
		return true;
	case ACTION_DEC_TTL:
		EDIT_EACH(swpath_dec_ttl(&p[i]))
		return true;
	case ACTION_TUNNEL_PUSH:
		EDIT_EACH(swpath_tunnel_push(w, &p[i], (const struct hal_act_tunnel_push *)a))
		return true;
	default:
		return false;
	}
}

/* The step behind some edits, if it is the last one and an OUTPUT; else NULL. */
static const struct hal_action *output_after_edits(
	const uint8_t *at, const uint8_t *end, bool *tunnel)
{
	const struct hal_action *a = (const struct hal_action *)at;

	*tunnel = false;
	for (; edit_many(NULL, NULL, 0, a); a = (const struct hal_action *)at) {
		*tunnel |= a->type == ACTION_TUNNEL_PUSH;
		at += a->len;
		if (at >= end)
			return NULL;
	}
	return a->type == ACTION_OUTPUT && at + a->len == end ? a : NULL;
}

static bool any_super_frame(const struct swpath_packet *p, unsigned n)
{
	uint64_t flags = 0;

	for (unsigned i = 0; i < n; i++)
		flags |= p[i].m->ol_flags;
	return flags & SWPATH_SEG_FLAGS;
}

void swpath_execute_many(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const void *steps, uint32_t len)
{
	const uint8_t *at = steps;
	struct rte_mbuf *m[SWPATH_BURST];
	const struct hal_action *out = NULL;
	unsigned left = 0;
	bool tunnel;

	if (n > 1)
		out = output_after_edits(at, at + len, &tunnel);
	if (!out || (tunnel && any_super_frame(p, n))) {
		for (unsigned i = 0; i < n; i++)
			swpath_execute(w, &p[i], steps, len, 0);
		return;
	}
	for (; at < (const uint8_t *)out; at += ((const struct hal_action *)at)->len)
		edit_many(w, p, n, (const struct hal_action *)at);
	for (unsigned i = 0; i < n; i++)
		if (likely(p[i].m))
			m[left++] = p[i].m;
	swpath_output_many(w, m, left, ((const struct hal_act_output *)out)->port);
}
