/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs run on many packets at once: those that change packets and then send them all the same
 * way run step by step over the packets of a megaflow, not packet by packet.
 */
#include <string.h>

#include "swpath/edit.h"
#include "swpath/port/segment.h"
#include "swpath/tunnel.h"
#include "swpath/worker.h"

#define UNSEEN 2 /* tags that are pushed on packets of which nothing is looked at */

static void drop_edited(struct swpath_worker *w, struct swpath_packet *p, int drop)
{
	swpath_drop(w, p->m, (enum swpath_drop)drop);
	p->m = NULL;
}

/* Whether the step is one that can be made ready. */
static bool is_edit(const struct hal_action *a)
{
	return a->type == ACTION_DEC_TTL ||
	       (a->type == ACTION_SET && !swpath_set_is_meta((const struct hal_act_set *)a));
}

static int prepare(struct swpath_packet *p, const struct hal_action *a, struct swpath_edit *e)
{
	return a->type == ACTION_SET ? swpath_set_prepare(p, (const struct hal_act_set *)a, e)
				     : swpath_dec_ttl_prepare(p, e);
}

/* Makes the edits of [at, end) ready for packets like this one. False: it is to be dropped at one
 * of them. */
static bool prepare_all(
	struct swpath_packet *p, const uint8_t *at, const uint8_t *end, struct swpath_edits *edits)
{
	edits->like = p->ly;
	edits->n = 0;
	edits->need = edits->sums = 0;
	edits->moves = false;
	for (; at < end; at += ((const struct hal_action *)at)->len) {
		struct swpath_edit *e = &edits->edit[edits->n];

		if (prepare(p, (const struct hal_action *)at, e) != SWPATH_OK)
			return false;
		if (!e->size)
			continue;
		edits->need = RTE_MAX(edits->need, e->need);
		edits->sums |= e->bytes ? e->sum : 0;
		edits->moves |= e->moves;
		edits->n++;
	}
	return true;
}

/* One after the other, as far as it gets. */
static int edit_singly(struct swpath_packet *p, const uint8_t *at, const uint8_t *end)
{
	int drop = SWPATH_OK;

	for (; at < end && drop == SWPATH_OK; at += ((const struct hal_action *)at)->len) {
		struct swpath_edit e;

		drop = prepare(p, (const struct hal_action *)at, &e);
		if (drop == SWPATH_OK)
			drop = swpath_edit_apply(p, &e);
	}
	return drop;
}

/* The end of the edits that begin at `at` and can be made ready together: behind one that moves
 * what follows, headers have to be looked at again. */
static const uint8_t *edits_end(const uint8_t *at, const uint8_t *end)
{
	for (unsigned i = 0; i < SWPATH_EDITS && at < end; i++) {
		const struct hal_action *a = (const struct hal_action *)at;

		if (!is_edit(a))
			break;
		at += a->len;
		if (a->type == ACTION_SET && swpath_set_moves((const struct hal_act_set *)a))
			break;
	}
	return at;
}

/* Edits are made ready once for packets that are alike. */
static void edits_many(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const uint8_t *at, const uint8_t *end)
{
	struct swpath_edits edits;
	bool ready = false;

	for (unsigned i = 0; i < n; i++) {
		int drop;

		if (unlikely(!p[i].m))
			continue;
		swpath_packet_layers(&p[i]);
		if (unlikely(!ready || !swpath_edited_alike(&edits.like, &p[i].ly)))
			ready = prepare_all(&p[i], at, end, &edits);
		drop = likely(ready) ? swpath_edits_apply(&p[i], &edits)
				     : edit_singly(&p[i], at, end);
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
		EDIT_EACH(swpath_set_field(&p[i], (const struct hal_act_set *)a))
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
	while (at < (const uint8_t *)out) {
		const uint8_t *end = edits_end(at, (const uint8_t *)out);

		if (end > at) {
			edits_many(w, p, n, at, end);
			at = end;
			continue;
		}
		edit_many(w, p, n, (const struct hal_action *)at);
		at += ((const struct hal_action *)at)->len;
	}
	for (unsigned i = 0; i < n; i++)
		if (likely(p[i].m))
			m[left++] = p[i].m;
	swpath_output_many(w, m, left, ((const struct hal_act_output *)out)->port);
}

bool swpath_execute_unseen(
	struct swpath_worker *w, struct rte_mbuf **m, unsigned n, const struct hal_program *program)
{
	const struct hal_act_vlan *push[UNSEEN];
	unsigned pushes = 0, left = 0;
	const struct hal_act_output *out = NULL;

	if (program->n_outputs != 1)
		return false;
	ACTION_FOR_EACH (a, program) {
		if (out || (a->type == ACTION_PUSH_VLAN && pushes == UNSEEN))
			return false;
		if (a->type == ACTION_PUSH_VLAN)
			push[pushes++] = (const struct hal_act_vlan *)a;
		else if (a->type == ACTION_OUTPUT)
			out = (const struct hal_act_output *)a;
		else
			return false;
	}
	for (unsigned i = 0; i < n; i++) {
		int drop = SWPATH_OK;

		for (unsigned j = 0; j < pushes && drop == SWPATH_OK; j++)
			drop = swpath_mbuf_push_vlan(&m[i], w->sp->pool, push[j]);
		if (likely(drop == SWPATH_OK))
			m[left++] = m[i];
		else
			swpath_drop(w, m[i], (enum swpath_drop)drop);
	}
	swpath_output_many(w, m, left, out->port);
	return true;
}
