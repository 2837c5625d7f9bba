/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's extension actions, in every version: type, length, experimenter, subtype, body.
 */
#include "ofctl/openflow/actions.h"

#include <errno.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

static enum of_error pushed(int err)
{
	if (!err)
		return OFERR_OK;
	return err == -ENOMEM ? OFERR_TOO_MANY_ACTIONS : OFERR_BAD_ACTION_ARGUMENT;
}

static enum of_error simple(struct of_actions *acts, enum of_action_type type)
{
	return pushed(of_actions_push(acts, &(struct of_action){.type = type}));
}

static enum of_error resubmit(struct of_rd *r, bool with_table, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_RESUBMIT, .table = 0xff};

	a.port = of_port_from16(of_get_u16(r));
	if (with_table)
		a.table = of_get_u8(r);
	return pushed(of_actions_push(acts, &a));
}

/* A header in an action: no mask, a field that is known, its full length. */
static enum hal_field_id get_field(struct of_rd *r)
{
	struct of_oxm h;

	if (!of_oxm_get_header(r, &h) || h.has_mask || h.len != h.width)
		return FIELD_INVALID;
	return h.field;
}

static enum of_error reg_move(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_MOVE};

	a.n_bits = of_get_u16(r);
	a.src_ofs = of_get_u16(r);
	a.dst_ofs = of_get_u16(r);
	a.field = get_field(r);
	a.dst_field = get_field(r);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	if (a.field == FIELD_INVALID || a.dst_field == FIELD_INVALID ||
		!of_move_ok(a.field, a.src_ofs, a.dst_field, a.dst_ofs, a.n_bits))
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push(acts, &a));
}

static enum of_error reg_load(struct of_rd *r, struct of_actions *acts)
{
	uint16_t ofs_bits = of_get_u16(r);
	enum hal_field_id field = get_field(r);
	uint64_t value = of_get_u64(r);

	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	if (field == FIELD_INVALID)
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(
		of_actions_push_load(acts, field, ofs_bits >> 6, (ofs_bits & 63) + 1u, value));
}

/* A field as in a match, with or without mask, then padding. */
static enum of_error reg_load2(struct of_rd *r, struct of_actions *acts)
{
	struct of_oxm h;
	uint8_t value[16], mask[16];
	const uint8_t *wire, *wire_mask = NULL;

	if (!of_oxm_get_header(r, &h))
		return OFERR_BAD_ACTION_LEN;
	if (h.field == FIELD_INVALID || !hal_fields[h.field].writable)
		return OFERR_BAD_SET_TYPE;
	if (h.len != h.width * (h.has_mask ? 2 : 1))
		return OFERR_BAD_SET_LEN;
	wire = of_get_bytes(r, h.width);
	if (h.has_mask)
		wire_mask = of_get_bytes(r, h.width);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	if (!of_oxm_value(&h, wire, value) || (wire_mask && !of_oxm_value(&h, wire_mask, mask)))
		return OFERR_BAD_SET_ARGUMENT;
	for (unsigned i = 0; wire_mask && i < hal_field_bytes(h.field); i++)
		if (value[i] & ~mask[i])
			return OFERR_BAD_SET_ARGUMENT;
	return pushed(of_actions_push_set(acts, h.field, value, wire_mask ? mask : NULL));
}

/* A controller has one connection here: no id selects another, and the reason is "action". */
static enum of_error controller(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_OUTPUT, .port = OF_PORT_CONTROLLER};
	uint16_t id;
	uint8_t reason;

	a.max_len = of_get_u16(r);
	id = of_get_u16(r);
	reason = of_get_u8(r);
	if (id || reason != OF_REASON_ACTION)
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push(acts, &a));
}

static enum of_error mpls(struct of_rd *r, enum of_action_type type, struct of_actions *acts)
{
	struct of_action a = {.type = type};

	a.eth_type = of_get_u16(r);
	if (type == OFACT_PUSH_MPLS && a.eth_type != 0x8847 && a.eth_type != 0x8848)
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push(acts, &a));
}

static enum of_error set_queue(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_SET_QUEUE};

	of_skip(r, 2);
	a.queue = of_get_u32(r);
	return pushed(of_actions_push(acts, &a));
}

static enum of_error mpls_ttl(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_SET_MPLS_TTL, .ttl = of_get_u8(r)};

	return pushed(of_actions_push(acts, &a));
}

static enum of_error set_u64(struct of_actions *acts, enum hal_field_id id, uint64_t v)
{
	if (hal_fields[id].bits < 64 && v >> hal_fields[id].bits)
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push_set_u64(acts, id, v));
}

/* An instruction in 1.1 and later, and so it is here: it may stand once, in a flow. */
static enum of_error write_metadata(struct of_rd *r, struct of_instructions *ins)
{
	if (!ins)
		return OFERR_BAD_ACTION_EXP_TYPE;
	if (ins->has_metadata)
		return OFERR_DUP_INSTRUCTION;
	of_skip(r, 6);
	ins->has_metadata = true;
	ins->metadata = of_get_u64(r);
	ins->metadata_mask = of_get_u64(r);
	return ins->metadata & ~ins->metadata_mask ? OFERR_BAD_ACTION_ARGUMENT : OFERR_OK;
}

/* Bytes of the body after the subtype; 0: any length. */
static unsigned body_len(uint16_t subtype)
{
	switch (subtype) {
	case NXAST_REG_MOVE:
	case NXAST_REG_LOAD:
	case NXAST_SET_TUNNEL64:
		return 14;
	case NXAST_WRITE_METADATA:
		return 22;
	case NXAST_NOTE:
	case NXAST_REG_LOAD2:
		return 0;
	default:
		return 6;
	}
}

enum of_error of_action_nx_decode(
	struct of_rd r, uint8_t version, struct of_actions *acts, struct of_instructions *ins)
{
	uint16_t subtype = of_get_u16(&r);

	if (r.bad)
		return OFERR_BAD_ACTION_LEN;
	if (body_len(subtype) && r.left < body_len(subtype))
		return OFERR_BAD_ACTION_LEN;
	switch (subtype) {
	case NXAST_RESUBMIT:
		return resubmit(&r, false, acts);
	case NXAST_RESUBMIT_TABLE:
		return resubmit(&r, true, acts);
	case NXAST_REG_MOVE:
		return reg_move(&r, acts);
	case NXAST_REG_LOAD:
		return reg_load(&r, acts);
	case NXAST_REG_LOAD2:
		return reg_load2(&r, acts);
	case NXAST_NOTE: /* says nothing to the switch */
		return OFERR_OK;
	case NXAST_SET_TUNNEL:
		of_skip(&r, 2);
		return set_u64(acts, FIELD_TUNNEL_ID, of_get_u32(&r));
	case NXAST_SET_TUNNEL64:
		of_skip(&r, 6);
		return set_u64(acts, FIELD_TUNNEL_ID, of_get_u64(&r));
	case NXAST_SET_QUEUE:
		return set_queue(&r, acts);
	case NXAST_DEC_TTL:
		return simple(acts, OFACT_DEC_NW_TTL);
	case NXAST_CONTROLLER:
		return controller(&r, acts);
	case NXAST_WRITE_METADATA:
		return version == OFP10 ? write_metadata(&r, ins) : OFERR_BAD_ACTION_EXP_TYPE;
	case NXAST_PUSH_MPLS:
		return mpls(&r, OFACT_PUSH_MPLS, acts);
	case NXAST_POP_MPLS:
		return mpls(&r, OFACT_POP_MPLS, acts);
	case NXAST_SET_MPLS_TTL:
		return mpls_ttl(&r, acts);
	case NXAST_DEC_MPLS_TTL:
		return simple(acts, OFACT_DEC_MPLS_TTL);
	case NXAST_SET_MPLS_LABEL:
		of_skip(&r, 2);
		return set_u64(acts, FIELD_MPLS_LABEL, of_get_u32(&r));
	case NXAST_SET_MPLS_TC:
		return set_u64(acts, FIELD_MPLS_TC, of_get_u8(&r));
	default:
		return OFERR_BAD_ACTION_EXP_TYPE;
	}
}

size_t of_action_nx_begin(struct of_buf *b, uint16_t subtype)
{
	size_t start = of_begin_tlv(b, OFPAT_EXPERIMENTER);

	of_put_u32(b, EXP_NICIRA);
	of_put_u16(b, subtype);
	return start;
}

void of_action_end(struct of_buf *b, size_t start)
{
	of_put_pad8(b, start);
	of_end_tlv(b, start);
}

static void put_set(struct of_buf *b, const struct of_action *a)
{
	unsigned ofs, n_bits;
	uint64_t value;
	size_t start;

	if (of_set_as_load(a, &ofs, &n_bits, &value) && ofs < 1024) {
		start = of_action_nx_begin(b, NXAST_REG_LOAD);
		of_put_u16(b, (uint16_t)(ofs << 6 | (n_bits - 1)));
		of_oxm_put_header(b, OF_OXM_NX, a->field, false);
		of_put_u64(b, value);
	} else {
		start = of_action_nx_begin(b, NXAST_REG_LOAD2);
		of_oxm_put(b, OF_OXM_NX, a->field, a->value, a->has_mask ? a->mask : NULL);
	}
	of_action_end(b, start);
}

void of_action_nx_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start;

	switch (a->type) {
	case OFACT_SET_FIELD:
		put_set(b, a);
		return;
	case OFACT_MOVE:
		start = of_action_nx_begin(b, NXAST_REG_MOVE);
		of_put_u16(b, a->n_bits);
		of_put_u16(b, a->src_ofs);
		of_put_u16(b, a->dst_ofs);
		of_oxm_put_header(b, OF_OXM_NX, a->field, false);
		of_oxm_put_header(b, OF_OXM_NX, a->dst_field, false);
		break;
	case OFACT_RESUBMIT:
		start = of_action_nx_begin(
			b, a->table == 0xff ? NXAST_RESUBMIT : NXAST_RESUBMIT_TABLE);
		of_put_u16(b, of_port_to16(a->port));
		of_put_u8(b, a->table == 0xff ? 0 : a->table);
		of_put_zeros(b, 3);
		break;
	case OFACT_DEC_NW_TTL:
	case OFACT_DEC_MPLS_TTL:
		start = of_action_nx_begin(
			b, a->type == OFACT_DEC_NW_TTL ? NXAST_DEC_TTL : NXAST_DEC_MPLS_TTL);
		break;
	case OFACT_PUSH_MPLS:
	case OFACT_POP_MPLS:
		start = of_action_nx_begin(
			b, a->type == OFACT_PUSH_MPLS ? NXAST_PUSH_MPLS : NXAST_POP_MPLS);
		of_put_u16(b, a->eth_type);
		break;
	case OFACT_SET_MPLS_TTL:
		start = of_action_nx_begin(b, NXAST_SET_MPLS_TTL);
		of_put_u8(b, a->ttl);
		break;
	case OFACT_SET_QUEUE:
		start = of_action_nx_begin(b, NXAST_SET_QUEUE);
		of_put_zeros(b, 2);
		of_put_u32(b, a->queue);
		break;
	default:
		return;
	}
	of_action_end(b, start);
}
