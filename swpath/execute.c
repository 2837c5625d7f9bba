/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs run on packets.
 *
 * A step either leaves the packet to the next one, consumes it (p->m becomes NULL), or names the
 * reason for which it is dropped. What is left after the last step is freed.
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_random.h>

#include "hal/hash.h"
#include "swpath/ct/step.h"
#include "swpath/meter.h"
#include "swpath/port/segment.h"
#include "swpath/tunnel.h"
#include "swpath/worker.h"

/* A packet of its own with the same bytes: the data are shared until somebody writes. */
static struct rte_mbuf *share(struct swpath_packet *p)
{
	return rte_pktmbuf_clone(p->m, p->pool);
}

/* The packet, or a clone of it if more steps follow. */
static struct rte_mbuf *take(struct swpath_packet *p, bool last)
{
	struct rte_mbuf *m = last ? p->m : share(p);

	if (last)
		p->m = NULL;
	return m;
}

/* A super-frame that is to be cut short is first segmented, a partial checksum completed: each
 * frame is cut as if it had come alone. */
static void output_cut(struct swpath_worker *w, struct swpath_packet *p, struct rte_mbuf *m,
	uint32_t port, uint32_t max_len)
{
	struct swpath_segmenter s;
	int drop = SWPATH_OK;

	if (!(m->ol_flags & SWPATH_SEG_FLAGS)) {
		struct rte_mbuf *own = swpath_has_offload(m) ? swpath_writable(m, p->pool) : m;

		if (!own) {
			swpath_drop(w, m, SWPATH_DROP_NO_MBUF);
			return;
		}
		if (swpath_has_offload(own))
			swpath_checksum_complete(own);
		swpath_mbuf_cut(own, max_len);
		swpath_output(w, own, port);
		return;
	}
	if (swpath_segmenter_start(&s, m))
		drop = SWPATH_DROP_HEADER;
	while (drop == SWPATH_OK && !swpath_segmenter_done(&s)) {
		struct rte_mbuf *frame = swpath_segmenter_next(&s, p->pool);

		if (!frame) {
			drop = SWPATH_DROP_NO_MBUF;
			break;
		}
		swpath_mbuf_cut(frame, max_len);
		swpath_output(w, frame, port);
	}
	if (drop != SWPATH_OK)
		swpath_count_drop(w, m, (enum swpath_drop)drop);
	rte_pktmbuf_free(m);
}

static int output(struct swpath_worker *w, struct swpath_packet *p,
	const struct hal_act_output *act, bool last)
{
	uint32_t max_len = p->max_len;
	struct rte_mbuf *m = take(p, last);

	p->max_len = 0;
	if (unlikely(!m)) { /* this copy is lost, the packet goes on */
		swpath_count_drop(w, p->m, SWPATH_DROP_NO_MBUF);
		return SWPATH_OK;
	}
	if (unlikely(max_len && max_len < m->pkt_len)) {
		output_cut(w, p, m, act->port, max_len);
		return SWPATH_OK;
	}
	swpath_output(w, m, act->port);
	return SWPATH_OK;
}

/* The control plane gets whole frames as they would be on a wire. */
static int controller(
	struct swpath_worker *w, struct swpath_packet *p, const struct hal_act_controller *act)
{
	const struct swpath_ops *ops = &w->sp->cfg.ops;
	struct swpath_segmenter s;
	struct rte_mbuf *m;

	swpath_packet_key(p);
	if (likely(!swpath_has_offload(p->m))) {
		ops->to_controller(ops->ctx, w->id, act, p->m, p->key);
		return SWPATH_OK;
	}
	if (!(p->m->ol_flags & SWPATH_SEG_FLAGS)) {
		m = rte_pktmbuf_copy(p->m, p->pool, 0, UINT32_MAX);
		if (!m)
			goto no_mbuf;
		swpath_checksum_complete(m);
		ops->to_controller(ops->ctx, w->id, act, m, p->key);
		rte_pktmbuf_free(m);
		return SWPATH_OK;
	}
	if (swpath_segmenter_start(&s, p->m)) {
		swpath_count_drop(w, p->m, SWPATH_DROP_HEADER);
		return SWPATH_OK;
	}
	while (!swpath_segmenter_done(&s)) {
		m = swpath_segmenter_next(&s, p->pool);
		if (!m)
			goto no_mbuf;
		ops->to_controller(ops->ctx, w->id, act, m, p->key);
		rte_pktmbuf_free(m);
	}
	return SWPATH_OK;

no_mbuf:
	swpath_count_drop(w, p->m, SWPATH_DROP_NO_MBUF);
	return SWPATH_OK;
}

/* Runs nested steps on the packet itself if it is the last that happens to it, else on a copy with
 * a key of its own. */
static int nested_copy(struct swpath_worker *w, struct swpath_packet *p, const void *steps,
	uint32_t len, unsigned nested, bool last)
{
	struct swpath_packet copy = *p;
	struct hal_key key;

	if (!len)
		return SWPATH_OK;
	copy.m = take(p, last);
	if (unlikely(!copy.m)) {
		swpath_count_drop(w, p->m, SWPATH_DROP_NO_MBUF);
		return SWPATH_OK;
	}
	if (!last) {
		key = *p->key;
		copy.key = &key;
	}
	swpath_execute(w, &copy, steps, len, nested + 1);
	p->lean &= copy.lean;
	return SWPATH_OK;
}

/* Consumes the packet; its key is that of what it is now. */
static void recirc_here(
	struct swpath_worker *w, struct swpath_packet *p, uint32_t id, unsigned nested)
{
	const struct hal_program *program;

	p->key->recirc_id = rte_cpu_to_be_32(id);
	p->recircs++;
	p->mf = swpath_lookup(w, p->key, p->m);
	program = p->mf ? p->mf->program : NULL;
	if (likely(program && program->len)) {
		swpath_execute(w, p, program->steps, program->len, nested + 1);
		return;
	}
	swpath_drop(w, p->m, program ? SWPATH_DROP_ACTION : SWPATH_DROP_TRANSLATION);
	p->m = NULL;
}

static int recirc(struct swpath_worker *w, struct swpath_packet *p,
	const struct hal_act_recirc *act, unsigned nested, bool last)
{
	struct swpath_packet copy;
	struct hal_key key;

	if (p->recircs >= SWPATH_MAX_RECIRC)
		return SWPATH_DROP_RECURSION;
	swpath_packet_key(p);
	if (last) {
		recirc_here(w, p, act->id, nested);
		return SWPATH_OK;
	}
	copy = *p;
	copy.m = share(p);
	if (unlikely(!copy.m)) {
		swpath_count_drop(w, p->m, SWPATH_DROP_NO_MBUF);
		return SWPATH_OK;
	}
	key = *p->key;
	copy.key = &key;
	recirc_here(w, &copy, act->id, nested);
	return SWPATH_OK;
}

static int hash(struct swpath_packet *p, const struct hal_act_hash *act)
{
	struct hal_flow_id id;

	swpath_packet_key(p);
	hal_flow_id(p->key, &id);
	p->key->dp_hash =
		rte_cpu_to_be_32(hal_flow_hash(&id, (enum hal_hash)act->algorithm, act->basis));
	return SWPATH_OK;
}

static int check_pkt_len(struct swpath_worker *w, struct swpath_packet *p,
	const struct hal_act_check_len *act, unsigned nested, bool last)
{
	const uint8_t *lists = (const uint8_t *)(act + 1);

	if (swpath_packet_frame_len(p) > act->max_len)
		return nested_copy(w, p, lists, act->greater_len, nested, last);
	return nested_copy(w, p, lists + act->greater_len, act->less_len, nested, last);
}

static void ct_clear(struct swpath_packet *p)
{
	struct hal_key *key = p->key;

	p->ct.conn = NULL;
	key->ct_state = key->ct_mark = 0;
	key->ct_zone = 0;
	key->ct_nw_proto = 0;
	memset(key->ct_label, 0,
		offsetof(struct hal_key, tun_flags) - offsetof(struct hal_key, ct_label));
}

/* `end` is that of the list of steps. */
static int step(struct swpath_worker *w, struct swpath_packet *p, const struct hal_action *a,
	const uint8_t *end, unsigned nested)
{
	const uint8_t *next = (const uint8_t *)a + a->len;
	bool last = next >= end;
	const struct hal_act_sample *sample = (const struct hal_act_sample *)a;
	const struct hal_act_clone *clone = (const struct hal_act_clone *)a;

	switch ((enum hal_action_type)a->type) {
	case ACTION_OUTPUT:
		return output(w, p, (const struct hal_act_output *)a, last);
	case ACTION_CONTROLLER:
		return controller(w, p, (const struct hal_act_controller *)a);
	case ACTION_PUSH_VLAN:
		return swpath_push_vlan(p, (const struct hal_act_vlan *)a);
	case ACTION_POP_VLAN:
		return swpath_pop_vlan(p);
	case ACTION_PUSH_MPLS:
		return swpath_push_mpls(p, (const struct hal_act_mpls *)a);
	case ACTION_POP_MPLS:
		return swpath_pop_mpls(p, (const struct hal_act_mpls *)a);
	case ACTION_PUSH_PBB:
		return swpath_push_pbb(p, (const struct hal_act_pbb *)a);
	case ACTION_POP_PBB:
		return swpath_pop_pbb(p);
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN:
		return swpath_copy_ttl(p, a->type == ACTION_COPY_TTL_IN);
	case ACTION_SET:
		return swpath_set_field(p, (const struct hal_act_set *)a);
	case ACTION_DEC_TTL:
		return swpath_dec_ttl(p);
	case ACTION_RECIRC:
		return recirc(w, p, (const struct hal_act_recirc *)a, nested, last);
	case ACTION_HASH:
		return hash(p, (const struct hal_act_hash *)a);
	case ACTION_CT:
		return swpath_ct(
			w, p, (const struct hal_act_ct *)a, next, (uint32_t)(end - next), nested);
	case ACTION_METER:
		return swpath_meter_step(w, p, ((const struct hal_act_meter *)a)->meter, next,
			(uint32_t)(end - next), nested);
	case ACTION_CT_CLEAR:
		ct_clear(p);
		return SWPATH_OK;
	case ACTION_TRUNC:
		p->max_len = ((const struct hal_act_trunc *)a)->max_len;
		return SWPATH_OK;
	case ACTION_SAMPLE:
		/* The whole range is certain, 0 is never. */
		if (sample->probability != UINT32_MAX &&
			(uint32_t)rte_rand() >= sample->probability)
			return SWPATH_OK;
		return nested_copy(w, p, sample + 1, sample->nested_len, nested, last);
	case ACTION_CLONE:
		return nested_copy(w, p, clone + 1, clone->nested_len, nested, last);
	case ACTION_TUNNEL_PUSH:
		return swpath_tunnel_push(w, p, (const struct hal_act_tunnel_push *)a);
	case ACTION_TUNNEL_POP:
		return swpath_tunnel_pop(w, p, (const struct hal_act_tunnel_pop *)a, nested);
	case ACTION_CHECK_PKT_LEN:
		return check_pkt_len(w, p, (const struct hal_act_check_len *)a, nested, last);
	case ACTION_GROUP:
	case ACTION_MIRROR:
	case ACTION_MAX:
		break;
	}
	return SWPATH_DROP_UNSUPPORTED;
}

static bool is_tunnel_step(const struct hal_action *a)
{
	return a->type == ACTION_TUNNEL_PUSH || a->type == ACTION_TUNNEL_POP;
}

void swpath_execute(struct swpath_worker *w, struct swpath_packet *p, const void *steps,
	uint32_t len, unsigned nested)
{
	const uint8_t *at = steps, *end = at + len;
	int drop = nested > SWPATH_MAX_NESTED ? SWPATH_DROP_RECURSION : SWPATH_OK;

	while (drop == SWPATH_OK && p->m && at < end) {
		const struct hal_action *a = (const struct hal_action *)at;

		if (unlikely(is_tunnel_step(a) && p->m->ol_flags & SWPATH_SEG_FLAGS)) {
			swpath_tunnel_segments(w, p, at, (uint32_t)(end - at), nested);
			return;
		}
		at += a->len;
		drop = step(w, p, a, end, nested);
	}
	if (!p->m)
		return;
	if (drop != SWPATH_OK)
		swpath_count_drop(w, p->m, (enum swpath_drop)drop);
	rte_pktmbuf_free(p->m);
	p->m = NULL;
}
