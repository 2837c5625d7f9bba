/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs in the form of drivers/sim/protocol.h.
 */
#include <errno.h>

#include "drivers/sim/wire.h"
#include "hal/action.h"
#include "hal/mutation.h"

#define MAX_NESTED 16

static int put_steps(
	struct sim_writer *w, const uint8_t *at, size_t len, struct hal_reason *r, unsigned depth);

/* Begins a TLV: where its length is to be written by end_tlv(). */
static size_t begin_tlv(struct sim_writer *w, uint16_t type)
{
	const struct sim_tlv tlv = {.type = type};
	size_t at = w->len;

	sim_put(w, &tlv, sizeof(tlv));
	return at;
}

static int end_tlv(struct sim_writer *w, size_t at, struct hal_reason *r)
{
	struct sim_tlv tlv;
	size_t len = w->len - at - sizeof(tlv);

	if (w->full)
		return 0; /* whoever made the writer looks at that */
	if (len > UINT16_MAX)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"a step of %zu bytes does not fit a message", len);
	memcpy(&tlv, w->buf + at, sizeof(tlv));
	tlv.len = (uint16_t)len;
	memcpy(w->buf + at, &tlv, sizeof(tlv));
	return 0;
}

static int put_tlv(
	struct sim_writer *w, uint16_t type, const void *data, size_t len, struct hal_reason *r)
{
	size_t at = begin_tlv(w, type);

	sim_put(w, data, len);
	return end_tlv(w, at, r);
}

static int put_set(struct sim_writer *w, const struct hal_act_set *set, struct hal_reason *r)
{
	struct sim_act_set out = {.field = set->field};

	out.bytes = (uint16_t)hal_field_bytes(set->field);
	memcpy(out.value, set->value, sizeof(out.value));
	memcpy(out.mask, set->mask, sizeof(out.mask));
	if (MUTATE(210, false, true))
		memset(out.value, 0, sizeof(out.value));
	return put_tlv(w, ACTION_SET, &out, sizeof(out), r);
}

static int put_ct(struct sim_writer *w, const struct hal_act_ct *ct, struct hal_reason *r)
{
	struct sim_act_ct out = {.zone = ct->zone,
		.flags = ct->flags,
		.mark = ct->mark,
		.mark_mask = ct->mark_mask,
		.nat_port_min = ct->nat_port_min,
		.nat_port_max = ct->nat_port_max,
		.nat_flags = ct->nat_flags,
		.alg = ct->alg};

	memcpy(out.label, ct->label, sizeof(out.label));
	memcpy(out.label_mask, ct->label_mask, sizeof(out.label_mask));
	memcpy(out.nat_min, ct->nat_min, sizeof(out.nat_min));
	memcpy(out.nat_max, ct->nat_max, sizeof(out.nat_max));
	return put_tlv(w, ACTION_CT, &out, sizeof(out), r);
}

static int put_tunnel_push(
	struct sim_writer *w, const struct hal_act_tunnel_push *push, struct hal_reason *r)
{
	const struct sim_act_tunnel_push out = {
		push->port, push->type, push->flags, push->header_len};
	size_t at = begin_tlv(w, ACTION_TUNNEL_PUSH);

	if (push->header_len > push->a.len - sizeof(*push))
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_TUNNEL_PUSH,
			"its header is longer than the step");
	sim_put(w, &out, sizeof(out));
	sim_put(w, push->header, push->header_len);
	return end_tlv(w, at, r);
}

/* A step with lists: `head` bytes of the step's own struct, then up to two lists. */
static int put_nested(struct sim_writer *w, const struct hal_action *a, size_t head,
	const void *arg, size_t arg_len, const uint32_t lists[2], struct hal_reason *r,
	unsigned depth)
{
	const uint8_t *at = (const uint8_t *)a + head;
	size_t tlv = begin_tlv(w, a->type), start, first = 0;
	int err;

	sim_put(w, arg, arg_len);
	if (a->len < head || (uint64_t)lists[0] + lists[1] > a->len - head)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"its lists are longer than the step");
	start = w->len;
	err = put_steps(w, at, lists[0], r, depth + 1);
	first = w->len - start;
	if (!err)
		err = put_steps(w, at + lists[0], lists[1], r, depth + 1);
	if (err)
		return err;
	if (a->type == ACTION_CHECK_PKT_LEN && !w->full) {
		struct sim_act_check_len out;

		memcpy(&out, w->buf + start - sizeof(out), sizeof(out));
		out.greater_len = (uint32_t)first;
		memcpy(w->buf + start - sizeof(out), &out, sizeof(out));
	}
	return end_tlv(w, tlv, r);
}

static int put_lists(
	struct sim_writer *w, const struct hal_action *a, struct hal_reason *r, unsigned depth)
{
	if (a->type == ACTION_SAMPLE) {
		const struct hal_act_sample *s = (const struct hal_act_sample *)a;
		const struct sim_act_sample out = {s->probability};

		return put_nested(w, a, sizeof(*s), &out, sizeof(out),
			(uint32_t[2]){s->nested_len, 0}, r, depth);
	}
	if (a->type == ACTION_CLONE) {
		const struct hal_act_clone *c = (const struct hal_act_clone *)a;

		return put_nested(
			w, a, sizeof(*c), NULL, 0, (uint32_t[2]){c->nested_len, 0}, r, depth);
	}
	const struct hal_act_check_len *c = (const struct hal_act_check_len *)a;
	const struct sim_act_check_len out = {c->max_len, 0};

	return put_nested(w, a, sizeof(*c), &out, sizeof(out),
		(uint32_t[2]){c->greater_len, c->less_len}, r, depth);
}

static int put_step(
	struct sim_writer *w, const struct hal_action *a, struct hal_reason *r, unsigned depth)
{
	const struct hal_act_vlan *vlan = (const struct hal_act_vlan *)a;
	const struct hal_act_mpls *mpls = (const struct hal_act_mpls *)a;
	const struct hal_act_hash *hash = (const struct hal_act_hash *)a;
	const struct hal_act_tunnel_pop *pop = (const struct hal_act_tunnel_pop *)a;

	switch (a->type) {
	case ACTION_OUTPUT:
	case ACTION_RECIRC:
	case ACTION_METER:
	case ACTION_TRUNC:
	case ACTION_GROUP:
	case ACTION_MIRROR: /* a number behind the header */
		return put_tlv(w, a->type, a + 1, sizeof(uint32_t), r);
	case ACTION_PUSH_VLAN:
		return put_tlv(w, a->type,
			&(const struct sim_act_vlan){vlan->tpid, MUTATE(209, vlan->tci, 0)},
			sizeof(struct sim_act_vlan), r);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		return put_tlv(w, a->type,
			&(const struct sim_act_mpls){mpls->eth_type, 0, mpls->lse},
			sizeof(struct sim_act_mpls), r);
	case ACTION_SET:
		return put_set(w, (const struct hal_act_set *)a, r);
	case ACTION_HASH:
		return put_tlv(w, a->type,
			&(const struct sim_act_hash){hash->algorithm, hash->basis},
			sizeof(struct sim_act_hash), r);
	case ACTION_CT:
		return put_ct(w, (const struct hal_act_ct *)a, r);
	case ACTION_TUNNEL_PUSH:
		return put_tunnel_push(w, (const struct hal_act_tunnel_push *)a, r);
	case ACTION_TUNNEL_POP:
		return put_tlv(w, a->type,
			&(const struct sim_act_tunnel_pop){pop->port, pop->type, pop->flags, {0}},
			sizeof(struct sim_act_tunnel_pop), r);
	case ACTION_SAMPLE:
	case ACTION_CLONE:
	case ACTION_CHECK_PKT_LEN:
		return put_lists(w, a, r, depth);
	case ACTION_POP_VLAN:
	case ACTION_DEC_TTL:
	case ACTION_CT_CLEAR:
		return put_tlv(w, a->type, NULL, 0, r);
	default:
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"the model eSwitch has no such step");
	}
}

static int put_steps(
	struct sim_writer *w, const uint8_t *at, size_t len, struct hal_reason *r, unsigned depth)
{
	if (depth > MAX_NESTED)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"lists of steps are nested more than %u deep", MAX_NESTED);
	while (len) {
		const struct hal_action *a = (const struct hal_action *)at;
		int err;

		if (len < sizeof(*a) || a->len < sizeof(*a) || a->len > len)
			return hal_refuse(
				r, HAL_REASON_UNSUPPORTED_ACTION, "the program is malformed");
		err = put_step(w, a, r, depth);
		if (err)
			return err;
		at += a->len;
		len -= a->len;
	}
	return 0;
}

int sim_put_steps(struct sim_writer *w, const void *steps, size_t len, struct hal_reason *r)
{
	return put_steps(w, steps, len, r, 0);
}
