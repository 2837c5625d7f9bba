/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs out of the form of drivers/sim/protocol.h.
 */
#include <errno.h>

#include "drivers/sim/wire.h"
#include "hal/action.h"

#define MAX_NESTED 16

static int get_steps(struct hal_builder *b, const uint8_t *p, size_t len, unsigned depth);

static int get_number(struct hal_builder *b, uint16_t type, const uint8_t *arg)
{
	struct {
		struct hal_action a;
		uint32_t number, pad;
	} *step = hal_builder_add(b, type, sizeof(*step));

	if (step)
		memcpy(&step->number, arg, sizeof(step->number));
	return b->error;
}

static int get_set(struct hal_builder *b, const uint8_t *arg)
{
	struct sim_act_set set;

	memcpy(&set, arg, sizeof(set));
	if (set.field >= FIELD_MAX || set.bytes > 16 || set.bytes != hal_field_bytes(set.field))
		return -EBADMSG;
	hal_build_set(b, set.field, set.value, set.mask);
	return b->error;
}

static int get_mpls(struct hal_builder *b, uint16_t type, const uint8_t *arg)
{
	struct hal_act_mpls *mpls = hal_builder_add(b, type, sizeof(*mpls));
	struct sim_act_mpls in;

	memcpy(&in, arg, sizeof(in));
	if (mpls) {
		mpls->eth_type = in.eth_type;
		mpls->lse = in.lse;
	}
	return b->error;
}

static int get_ct(struct hal_builder *b, const uint8_t *arg)
{
	struct hal_act_ct *ct = hal_builder_add(b, ACTION_CT, sizeof(*ct));
	struct sim_act_ct in;

	if (!ct)
		return b->error;
	memcpy(&in, arg, sizeof(in));
	ct->zone = in.zone;
	ct->flags = in.flags;
	ct->mark = in.mark;
	ct->mark_mask = in.mark_mask;
	memcpy(ct->label, in.label, sizeof(ct->label));
	memcpy(ct->label_mask, in.label_mask, sizeof(ct->label_mask));
	memcpy(ct->nat_min, in.nat_min, sizeof(ct->nat_min));
	memcpy(ct->nat_max, in.nat_max, sizeof(ct->nat_max));
	ct->nat_port_min = in.nat_port_min;
	ct->nat_port_max = in.nat_port_max;
	ct->nat_flags = in.nat_flags;
	ct->alg = in.alg;
	return 0;
}

static int get_tunnel_push(struct hal_builder *b, const uint8_t *arg, size_t len)
{
	struct sim_act_tunnel_push in;
	struct hal_act_tunnel_push *push;

	if (len < sizeof(in))
		return -EBADMSG;
	memcpy(&in, arg, sizeof(in));
	if (in.header_len != len - sizeof(in))
		return -EBADMSG;
	push = hal_builder_add(b, ACTION_TUNNEL_PUSH, sizeof(*push) + in.header_len);
	if (!push)
		return b->error;
	push->port = in.port;
	push->type = in.type;
	push->flags = in.flags;
	push->header_len = in.header_len;
	memcpy(push->header, arg + sizeof(in), in.header_len);
	return 0;
}

static int get_tunnel_pop(struct hal_builder *b, const uint8_t *arg)
{
	struct hal_act_tunnel_pop *pop = hal_builder_add(b, ACTION_TUNNEL_POP, sizeof(*pop));
	struct sim_act_tunnel_pop in;

	memcpy(&in, arg, sizeof(in));
	if (pop) {
		pop->port = in.port;
		pop->type = in.type;
		pop->flags = in.flags;
	}
	return b->error;
}

static int get_hash(struct hal_builder *b, const uint8_t *arg)
{
	struct hal_act_hash *hash = hal_builder_add(b, ACTION_HASH, sizeof(*hash));
	struct sim_act_hash in;

	memcpy(&in, arg, sizeof(in));
	if (hash) {
		hash->algorithm = in.algorithm;
		hash->basis = in.basis;
	}
	return b->error;
}

static int get_vlan(struct hal_builder *b, const uint8_t *arg)
{
	struct sim_act_vlan vlan;

	memcpy(&vlan, arg, sizeof(vlan));
	hal_build_push_vlan(b, vlan.tpid, vlan.tci);
	return b->error;
}

static int get_lists(
	struct hal_builder *b, uint16_t type, const uint8_t *arg, size_t len, unsigned depth)
{
	struct sim_act_check_len check = {0};
	struct sim_act_sample sample = {0};
	size_t head = 0, first;
	uint32_t at;
	int err;

	if (type == ACTION_SAMPLE)
		head = sizeof(sample);
	else if (type == ACTION_CHECK_PKT_LEN)
		head = sizeof(check);
	if (len < head)
		return -EBADMSG;
	first = len - head;
	if (type == ACTION_SAMPLE) {
		memcpy(&sample, arg, head);
	} else if (type == ACTION_CHECK_PKT_LEN) {
		memcpy(&check, arg, head);
		if (check.greater_len > first)
			return -EBADMSG;
		first = check.greater_len;
	}
	at = hal_build_nested_begin(
		b, type, type == ACTION_SAMPLE ? sample.probability : check.max_len);
	err = get_steps(b, arg + head, first, depth + 1);
	if (!err && type == ACTION_CHECK_PKT_LEN) {
		hal_build_nested_else(b, at);
		err = get_steps(b, arg + head + first, len - head - first, depth + 1);
	}
	if (err)
		return err;
	hal_build_nested_end(b, at);
	return b->error;
}

/* Bytes of the argument of a step whose argument is always as long. */
static size_t argument_bytes(uint16_t type)
{
	switch (type) {
	case ACTION_PUSH_VLAN:
		return sizeof(struct sim_act_vlan);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		return sizeof(struct sim_act_mpls);
	case ACTION_SET:
		return sizeof(struct sim_act_set);
	case ACTION_HASH:
		return sizeof(struct sim_act_hash);
	case ACTION_CT:
		return sizeof(struct sim_act_ct);
	case ACTION_TUNNEL_POP:
		return sizeof(struct sim_act_tunnel_pop);
	case ACTION_OUTPUT:
	case ACTION_RECIRC:
	case ACTION_METER:
	case ACTION_TRUNC:
	case ACTION_GROUP:
	case ACTION_MIRROR:
		return sizeof(uint32_t);
	default:
		return 0;
	}
}

static int get_fixed(struct hal_builder *b, uint16_t type, const uint8_t *arg)
{
	switch (type) {
	case ACTION_PUSH_VLAN:
		return get_vlan(b, arg);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		return get_mpls(b, type, arg);
	case ACTION_SET:
		return get_set(b, arg);
	case ACTION_HASH:
		return get_hash(b, arg);
	case ACTION_CT:
		return get_ct(b, arg);
	case ACTION_TUNNEL_POP:
		return get_tunnel_pop(b, arg);
	default:
		return get_number(b, type, arg);
	}
}

static int get_step(
	struct hal_builder *b, uint16_t type, const uint8_t *arg, size_t len, unsigned depth)
{
	switch (type) {
	case ACTION_SAMPLE:
	case ACTION_CLONE:
	case ACTION_CHECK_PKT_LEN:
		return get_lists(b, type, arg, len, depth);
	case ACTION_TUNNEL_PUSH:
		return get_tunnel_push(b, arg, len);
	case ACTION_POP_VLAN:
	case ACTION_DEC_TTL:
	case ACTION_CT_CLEAR:
		if (len)
			return -EBADMSG;
		hal_build_plain(b, type);
		return b->error;
	default:
		if (!argument_bytes(type) || len != argument_bytes(type))
			return -EBADMSG;
		return get_fixed(b, type, arg);
	}
}

static int get_steps(struct hal_builder *b, const uint8_t *p, size_t len, unsigned depth)
{
	struct sim_tlv tlv;
	int err;

	if (depth > MAX_NESTED)
		return -EBADMSG;
	while (len) {
		if (len < sizeof(tlv))
			return -EBADMSG;
		memcpy(&tlv, p, sizeof(tlv));
		p += sizeof(tlv);
		len -= sizeof(tlv);
		if (len < tlv.len)
			return -EBADMSG;
		err = get_step(b, tlv.type, p, tlv.len, depth);
		if (err)
			return err;
		p += tlv.len;
		len -= tlv.len;
	}
	return 0;
}

int sim_get_steps(struct hal_builder *b, const uint8_t *tlvs, size_t len)
{
	return get_steps(b, tlvs, len, 0);
}
