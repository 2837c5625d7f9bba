/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions of OpenFlow 1.3 (7.2.5) and of 1.5 (7.2.6).
 */
#include "ofctl/openflow/actions_nx.h"

#include <errno.h>
#include <string.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/wire.h"

#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8
#define ETH_MPLS 0x8847
#define ETH_MPLS_MCAST 0x8848
#define ETH_PBB 0x88e7

static enum of_error pushed(int err)
{
	return err ? OFERR_TOO_MANY_ACTIONS : OFERR_OK;
}

static enum of_error output(struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_OUTPUT};

	if (r->left != 12)
		return OFERR_BAD_ACTION_LEN;
	a.port = of_get_u32(r);
	a.max_len = of_get_u16(r);
	return of_out_port_ok(a.port) ? pushed(of_actions_push(acts, &a)) : OFERR_BAD_OUT_PORT;
}

/* Bits outside the mask are 0, and a VLAN id stays the id of a tag (OpenFlow 1.5, 7.2.6.7). */
static enum of_error check_set_mask(
	const struct of_oxm *h, unsigned width, const uint8_t *wire, const uint8_t *mask)
{
	if (hal_fields[h->field].maskable == MASK_NONE)
		return OFERR_BAD_SET_MASK;
	for (unsigned i = 0; i < width; i++)
		if (wire[i] & ~mask[i])
			return OFERR_BAD_WILDCARDS;
	if (h->field == FIELD_VLAN_VID && !(wire[0] & (HAL_VLAN_PRESENT >> 8)))
		return OFERR_BAD_SET_ARGUMENT;
	return OFERR_OK;
}

static enum of_error set_field(struct of_rd *r, uint8_t version, struct of_actions *acts)
{
	const uint8_t *wire, *mask = NULL;
	enum of_error err;
	struct of_oxm h;
	unsigned width;

	if (!of_oxm_get_header(r, &h))
		return OFERR_BAD_SET_LEN;
	if (h.field == FIELD_INVALID || !hal_fields[h.field].writable)
		return OFERR_BAD_SET_TYPE;
	if (h.has_mask && version < OFP15)
		return OFERR_BAD_SET_MASK;
	if (!h.width)
		return OFERR_INVALID_TLV_FIELD;
	width = h.len / (h.has_mask ? 2u : 1u);
	if ((width != h.width && h.field != FIELD_TUN_METADATA) ||
		h.len != width * (h.has_mask ? 2u : 1u))
		return OFERR_BAD_SET_LEN;
	wire = of_get_bytes(r, h.len);
	if (!wire || r->left >= 8)
		return OFERR_BAD_SET_LEN;
	if (!of_get_zeros(r, r->left))
		return OFERR_BAD_SET_ARGUMENT;
	if (h.has_mask) {
		mask = wire + width;
		err = check_set_mask(&h, width, wire, mask);
		if (err)
			return err;
	}
	return of_oxm_push_set(acts, &h, wire, mask);
}

static bool push_type_ok(enum of_action_type type, uint16_t eth_type)
{
	switch (type) {
	case OFACT_PUSH_VLAN:
		return eth_type == ETH_VLAN || eth_type == ETH_QINQ;
	case OFACT_PUSH_MPLS:
		return eth_type == ETH_MPLS || eth_type == ETH_MPLS_MCAST;
	case OFACT_PUSH_PBB:
		return eth_type == ETH_PBB;
	default:
		return true;
	}
}

/* Actions of 8 bytes: their type, and what their four bytes of body are. */
static const struct small {
	uint16_t wire;
	enum of_action_type type;
	enum { NOTHING, ETH_TYPE, U32_QUEUE, U32_GROUP, U32_METER, TTL } body;
	uint8_t since; /* wire version; 0: in all */
} smalls[] = {
	{OFPAT13_COPY_TTL_OUT, OFACT_COPY_TTL_OUT, NOTHING},
	{OFPAT13_COPY_TTL_IN, OFACT_COPY_TTL_IN, NOTHING},
	{OFPAT13_SET_MPLS_TTL, OFACT_SET_MPLS_TTL, TTL},
	{OFPAT13_DEC_MPLS_TTL, OFACT_DEC_MPLS_TTL, NOTHING},
	{OFPAT13_PUSH_VLAN, OFACT_PUSH_VLAN, ETH_TYPE},
	{OFPAT13_POP_VLAN, OFACT_POP_VLAN, NOTHING},
	{OFPAT13_PUSH_MPLS, OFACT_PUSH_MPLS, ETH_TYPE},
	{OFPAT13_POP_MPLS, OFACT_POP_MPLS, ETH_TYPE},
	{OFPAT13_SET_QUEUE, OFACT_SET_QUEUE, U32_QUEUE},
	{OFPAT13_GROUP, OFACT_GROUP, U32_GROUP},
	{OFPAT13_DEC_NW_TTL, OFACT_DEC_NW_TTL, NOTHING},
	{OFPAT13_PUSH_PBB, OFACT_PUSH_PBB, ETH_TYPE},
	{OFPAT13_POP_PBB, OFACT_POP_PBB, NOTHING},
	{OFPAT15_METER, OFACT_METER, U32_METER, OFP15},
};
#define N_SMALLS (sizeof(smalls) / sizeof(smalls[0]))

static enum of_error small_decode(const struct small *s, struct of_rd *r, struct of_actions *acts)
{
	struct of_action a = {.type = s->type};

	if (r->left != 4)
		return OFERR_BAD_ACTION_LEN;
	switch (s->body) {
	case NOTHING:
		break;
	case ETH_TYPE:
		a.eth_type = of_get_u16(r);
		break;
	case U32_QUEUE:
		a.queue = of_get_u32(r);
		break;
	case U32_GROUP:
		a.group = of_get_u32(r);
		break;
	case U32_METER:
		a.meter = of_get_u32(r);
		break;
	case TTL:
		a.ttl = of_get_u8(r);
		break;
	}
	if (!push_type_ok(a.type, a.eth_type))
		return OFERR_BAD_ACTION_ARGUMENT;
	return pushed(of_actions_push(acts, &a));
}

enum of_error of_action13_decode(
	uint16_t type, struct of_rd r, uint8_t version, struct of_actions *acts)
{
	switch (type) {
	case OFPAT_OUTPUT:
		return output(&r, acts);
	case OFPAT13_SET_FIELD:
		return set_field(&r, version, acts);
	case OFPAT15_COPY_FIELD:
		return version >= OFP15 ? of_copy_field_decode(&r, acts) : OFERR_BAD_ACTION_TYPE;
	case OFPAT13_SET_NW_TTL:
		if (r.left != 4)
			return OFERR_BAD_ACTION_LEN;
		return pushed(of_actions_push_mod_u64(acts, FIELD_IP_TTL, of_get_u8(&r)));
	default:
		break;
	}
	for (unsigned i = 0; i < N_SMALLS; i++)
		if (smalls[i].wire == type && version >= smalls[i].since)
			return small_decode(&smalls[i], &r, acts);
	return OFERR_BAD_ACTION_TYPE;
}

static void put_small(struct of_buf *b, const struct small *s, const struct of_action *a)
{
	size_t start = of_begin_tlv(b, s->wire);

	switch (s->body) {
	case NOTHING:
		of_put_zeros(b, 4);
		break;
	case ETH_TYPE:
		of_put_u16(b, a->eth_type);
		break;
	case U32_QUEUE:
		of_put_u32(b, a->queue);
		break;
	case U32_GROUP:
		of_put_u32(b, a->group);
		break;
	case U32_METER:
		of_put_u32(b, a->meter);
		break;
	case TTL:
		of_put_u8(b, a->ttl);
		break;
	}
	of_action_end(b, start);
}

static void put_set_field(struct of_buf *b, uint8_t version, const struct of_action *a)
{
	bool ttl = a->field == FIELD_IP_TTL && a->form == OF_SET_MOD;
	size_t start;

	/* In 1.5 a set_field can be masked, and says what a load does. */
	if (version < OFP15 && (a->has_mask || a->form > OF_SET_MOD)) {
		of_action_nx_encode(b, version, a);
		return;
	}
	start = of_begin_tlv(b, ttl ? OFPAT13_SET_NW_TTL : OFPAT13_SET_FIELD);
	if (ttl)
		of_put_u8(b, a->value[0]);
	else
		of_oxm_put_set(b, of_oxm_form(version), a);
	of_action_end(b, start);
}

/* 1.0's setting of a VLAN id or priority, which pushes a tag onto a packet that has none, is set by
 * a field here: what is left of it on a packet with a tag is the same. */
static void put_set_vlan(struct of_buf *b, const struct of_action *a)
{
	bool vid = a->type == OFACT_SET_VLAN_VID_10;
	uint8_t vid_value[2] = {(uint8_t)((a->vlan | HAL_VLAN_PRESENT) >> 8), (uint8_t)a->vlan};
	uint8_t pcp_value = (uint8_t)a->vlan;
	size_t start = of_begin_tlv(b, OFPAT13_SET_FIELD);

	of_oxm_put(b, OF_OXM_13, vid ? FIELD_VLAN_VID : FIELD_VLAN_PCP,
		vid ? vid_value : &pcp_value, NULL);
	of_action_end(b, start);
}

static void put_output(struct of_buf *b, uint32_t port, uint16_t max_len)
{
	size_t start = of_begin_tlv(b, OFPAT_OUTPUT);

	of_put_u32(b, port);
	of_put_u16(b, max_len);
	of_put_zeros(b, 6);
	of_action_end(b, start);
}

static void put_queue(struct of_buf *b, uint32_t queue)
{
	size_t start = of_begin_tlv(b, OFPAT13_SET_QUEUE);

	of_put_u32(b, queue);
	of_action_end(b, start);
}

void of_action13_encode(struct of_buf *b, uint8_t version, const struct of_action *a)
{
	switch (a->type) {
	case OFACT_OUTPUT:
		put_output(b, a->port, a->max_len);
		return;
	case OFACT_SET_FIELD:
		put_set_field(b, version, a);
		return;
	case OFACT_SET_VLAN_VID_10:
	case OFACT_SET_VLAN_PCP_10:
		put_set_vlan(b, a);
		return;
	case OFACT_MOVE:
		if (version < OFP15)
			break;
		of_copy_field_encode(b, a);
		return;
	case OFACT_ENQUEUE:
		put_queue(b, a->queue);
		put_output(b, a->port, 0);
		return;
	default:
		break;
	}
	for (unsigned i = 0; i < N_SMALLS; i++) {
		if (smalls[i].type == a->type && version >= smalls[i].since &&
			!a->data) { /* DEC_NW_TTL may name controllers */
			put_small(b, &smalls[i], a);
			return;
		}
	}
	of_action_nx_encode(b, version, a);
}
