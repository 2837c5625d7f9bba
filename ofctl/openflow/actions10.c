/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions of OpenFlow 1.0 (5.2.4).
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

static enum of_error output(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_OUTPUT};

	a.port = of_port_from16(of_get_u16(r));
	a.max_len = of_get_u16(r);
	return of_out_port_ok(a.port) ? pushed(of_actions_push(acts, &a)) : OFERR_BAD_OUT_PORT;
}

static enum of_error enqueue(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_ENQUEUE};

	a.port = of_port_from16(of_get_u16(r));
	of_skip(r, 6);
	a.queue = of_get_u32(r);
	if (!of_out_port_ok(a.port) ||
		(a.port >= OF_PORT_MAX && a.port != OF_PORT_IN_PORT && a.port != OF_PORT_LOCAL))
		return OFERR_BAD_OUT_PORT;
	return pushed(of_actions_push(acts, &a));
}

static enum of_error vlan(struct of_actions *acts, enum of_action_type type, unsigned v)
{
	struct of_action a = {.type = type, .vlan = (uint16_t)v};

	if (v > (type == OFACT_SET_VLAN_VID_10 ? 0xfff : 7))
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push(acts, &a));
}

/* Bytes of an action's body, after type and length. */
static unsigned body_len(uint16_t type)
{
	return type == OFPAT10_SET_DL_SRC || type == OFPAT10_SET_DL_DST || type == OFPAT10_ENQUEUE
		       ? 12
		       : 4;
}

enum of_error of_action10_decode(
	uint16_t type, struct of_rd r, const struct hal_match *match, struct of_actions *acts)
{
	struct of_action pop = {.type = OFACT_POP_VLAN, .form = OF_SET_MOD};
	uint8_t tos;

	if (type > OFPAT10_ENQUEUE)
		return OFERR_BAD_ACTION_TYPE;
	if (r.left != body_len(type))
		return OFERR_BAD_ACTION_LEN;
	switch (type) {
	case OFPAT_OUTPUT:
		return output(&r, acts);
	case OFPAT10_SET_VLAN_VID:
		return vlan(acts, OFACT_SET_VLAN_VID_10, of_get_u16(&r));
	case OFPAT10_SET_VLAN_PCP:
		return vlan(acts, OFACT_SET_VLAN_PCP_10, of_get_u8(&r));
	case OFPAT10_STRIP_VLAN:
		return pushed(of_actions_push(acts, &pop));
	case OFPAT10_SET_DL_SRC:
		return pushed(of_actions_push_mod(acts, FIELD_ETH_SRC, r.p));
	case OFPAT10_SET_DL_DST:
		return pushed(of_actions_push_mod(acts, FIELD_ETH_DST, r.p));
	case OFPAT10_SET_NW_SRC:
		return pushed(of_actions_push_mod(acts, FIELD_IPV4_SRC, r.p));
	case OFPAT10_SET_NW_DST:
		return pushed(of_actions_push_mod(acts, FIELD_IPV4_DST, r.p));
	case OFPAT10_SET_NW_TOS:
		tos = of_get_u8(&r);
		if (tos & 3)
			return OFERR_BAD_ACTION_ARGUMENT;
		return pushed(of_actions_push_mod_u64(acts, FIELD_IP_DSCP, tos >> 2));
	case OFPAT10_SET_TP_SRC:
		return pushed(of_actions_push_set_tp(acts, false, of_get_u16(&r), match));
	case OFPAT10_SET_TP_DST:
		return pushed(of_actions_push_set_tp(acts, true, of_get_u16(&r), match));
	default:
		return enqueue(&r, acts);
	}
}

/* Nicira's, from before there were fields. */
static bool put_mpls(struct of_buf *b, const struct of_action *a)
{
	bool label = a->field == FIELD_MPLS_LABEL;
	size_t start = of_action_nx_begin(b, label ? NXAST_SET_MPLS_LABEL : NXAST_SET_MPLS_TC);

	if (label)
		of_put_zeros(b, 3);
	of_put_bytes(b, a->value, hal_field_bytes(a->field));
	of_action_end(b, start);
	return true;
}

/* In the shorter of Nicira's forms. */
static bool put_tunnel(struct of_buf *b, const struct of_action *a)
{
	bool wide = a->value[0] || a->value[1] || a->value[2] || a->value[3];
	size_t start = of_action_nx_begin(b, wide ? NXAST_SET_TUNNEL64 : NXAST_SET_TUNNEL);

	of_put_zeros(b, wide ? 6 : 2);
	of_put_bytes(b, wide ? a->value : a->value + 4, wide ? 8 : 4);
	of_action_end(b, start);
	return true;
}

/* True, and put, if 1.0 has an action for a whole field. */
static bool put_set10(struct of_buf *b, const struct of_action *a)
{
	static const struct {
		enum hal_field_id field;
		uint16_t type;
	} sets[] = {
		{FIELD_ETH_SRC, OFPAT10_SET_DL_SRC},
		{FIELD_ETH_DST, OFPAT10_SET_DL_DST},
		{FIELD_IPV4_SRC, OFPAT10_SET_NW_SRC},
		{FIELD_IPV4_DST, OFPAT10_SET_NW_DST},
		{FIELD_TCP_SRC, OFPAT10_SET_TP_SRC},
		{FIELD_TCP_DST, OFPAT10_SET_TP_DST},
		{FIELD_UDP_SRC, OFPAT10_SET_TP_SRC},
		{FIELD_UDP_DST, OFPAT10_SET_TP_DST},
		{FIELD_SCTP_SRC, OFPAT10_SET_TP_SRC},
		{FIELD_SCTP_DST, OFPAT10_SET_TP_DST},
	};
	size_t start;

	if (a->has_mask || a->form > OF_SET_MOD)
		return false;
	if (a->field == FIELD_IP_DSCP) {
		start = of_begin_tlv(b, OFPAT10_SET_NW_TOS);
		of_put_u8(b, (uint8_t)(a->value[0] << 2));
		of_action_end(b, start);
		return true;
	}
	if (a->field == FIELD_TUNNEL_ID && a->form == OF_SET_MOD)
		return put_tunnel(b, a);
	if (a->field == FIELD_MPLS_LABEL || a->field == FIELD_MPLS_TC)
		return put_mpls(b, a);
	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (sets[i].field != a->field)
			continue;
		start = of_begin_tlv(b, sets[i].type);
		of_put_bytes(b, a->value, hal_field_bytes(a->field));
		of_action_end(b, start);
		return true;
	}
	return false;
}

void of_action10_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start;

	switch (a->type) {
	case OFACT_OUTPUT:
		start = of_begin_tlv(b, OFPAT_OUTPUT);
		of_put_u16(b, of_port_to16(a->port));
		of_put_u16(b, a->max_len);
		break;
	case OFACT_SET_VLAN_VID_10:
		start = of_begin_tlv(b, OFPAT10_SET_VLAN_VID);
		of_put_u16(b, a->vlan);
		break;
	case OFACT_SET_VLAN_PCP_10:
		start = of_begin_tlv(b, OFPAT10_SET_VLAN_PCP);
		of_put_u8(b, (uint8_t)a->vlan);
		break;
	case OFACT_POP_VLAN:
		start = of_begin_tlv(b, OFPAT10_STRIP_VLAN);
		of_put_zeros(b, 4);
		break;
	case OFACT_ENQUEUE:
		start = of_begin_tlv(b, OFPAT10_ENQUEUE);
		of_put_u16(b, of_port_to16(a->port));
		of_put_zeros(b, 6);
		of_put_u32(b, a->queue);
		break;
	case OFACT_SET_FIELD:
		if (!put_set10(b, a))
			of_action_nx_encode(b, OFP10, a);
		return;
	default:
		of_action_nx_encode(b, OFP10, a);
		return;
	}
	of_action_end(b, start);
}
