/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that write fields: set_field, load, move.
 */
#include <string.h>

#include "hal/tlv.h"
#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_more.h"

static bool is_vlan_field(enum hal_field_id id)
{
	return id == FIELD_VLAN_VID || id == FIELD_VLAN_PCP || id == FIELD_VLAN_TCI;
}

static uint16_t two_bytes(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* All that these need of the packet is whether it has a tag. */
static bool is_tagged(struct xlate *x)
{
	struct xlate_key need = {0};

	need.dp.vlan[0].tci = rte_cpu_to_be_16(HAL_VLAN_PRESENT);
	xlate_need_mask(x, &need);
	return x->key.dp.vlan[0].tci & rte_cpu_to_be_16(HAL_VLAN_PRESENT);
}

void xlate_pop_vlan_action(struct xlate *x)
{
	if (is_tagged(x))
		xlate_pop_vlan(x);
}

/* Bits of the outermost TCI that the actions which come next write. */
static uint16_t written_next(const struct xlate_list *l)
{
	uint16_t bits = 0;

	for (unsigned i = l ? l->next : 0; l && i < l->acts->n; i++) {
		const struct of_action *a = &l->acts->a[i];

		if (a->type != OFACT_SET_FIELD || a->has_mask)
			break;
		if (a->field == FIELD_VLAN_VID)
			bits |= 0x0fff;
		else if (a->field == FIELD_VLAN_PCP)
			bits |= 0xe000;
	}
	return bits;
}

/* OpenFlow 1.3.5, 5.13: id and priority are those of the outermost tag, or 0. What is written right
 * after does not have to be known. */
void xlate_push_vlan_action(struct xlate *x, uint16_t tpid)
{
	uint16_t tci = 0;

	if (is_tagged(x)) {
		struct xlate_key need = {0};

		need.dp.vlan[0].tci = rte_cpu_to_be_16((uint16_t)~written_next(x->list));
		xlate_need_mask(x, &need);
		tci = rte_be_to_cpu_16(x->key.dp.vlan[0].tci & need.dp.vlan[0].tci);
	}
	xlate_push_vlan(x, tpid, tci);
}

/* To write a TCI without the bit that says "present" is to take the tag off. */
static void set_vlan_field(struct xlate *x, enum hal_field_id id, const uint8_t *value_bytes,
	const uint8_t *mask_bytes)
{
	uint16_t value, mask = 0xffff;

	if (id == FIELD_VLAN_PCP) {
		value = (uint16_t)(value_bytes[0] << 13);
		mask = 0xe000;
	} else {
		value = two_bytes(value_bytes);
		if (mask_bytes)
			mask = two_bytes(mask_bytes);
		if (id == FIELD_VLAN_VID)
			mask &= 0x0fff;
	}
	if (id == FIELD_VLAN_TCI && mask & HAL_VLAN_PRESENT && !(value & HAL_VLAN_PRESENT))
		xlate_pop_vlan_action(x);
	else if (is_tagged(x))
		xlate_set_vlan_bits(x, value, mask);
	else if (id == FIELD_VLAN_TCI && value & HAL_VLAN_PRESENT)
		xlate_push_vlan(x, 0x8100, value);
}

void xlate_set_vlan_10(struct xlate *x, const struct of_action *a)
{
	bool pcp = a->type == OFACT_SET_VLAN_PCP_10;
	uint16_t tci = (uint16_t)(pcp ? a->vlan << 13 : a->vlan & 0xfff);

	if (is_tagged(x))
		xlate_set_vlan_bits(x, tci, pcp ? 0xe000 : 0xfff);
	else
		xlate_push_vlan(x, 0x8100, tci);
}

static bool is_transport(enum hal_field_id id)
{
	uint16_t offset = hal_fields[id].offset;

	return offset == hal_fields[FIELD_TCP_SRC].offset ||
	       offset == hal_fields[FIELD_TCP_DST].offset;
}

/* True if the packet has the field. */
static bool has_field(struct xlate *x, enum hal_field_id id)
{
	struct xlate_key need = {0}, ones;

	if (hal_fields[id].prereq == PREREQ_NONE)
		return true;
	memset(&ones, 0xff, sizeof(ones));
	hal_field_prereq_mask(id, &need);
	/* A later fragment has no transport header to write to. */
	if (is_transport(id))
		need.dp.ip_frag |= HAL_FRAG_LATER;
	xlate_need_mask(x, &need);
	return hal_field_prereq_ok(id, &x->key, &ones) &&
	       !(is_transport(id) && x->key.dp.ip_frag & HAL_FRAG_LATER);
}

/* The packet is from now on as if it had come in by another port. */
static void set_in_port(struct xlate *x, const uint8_t *value)
{
	uint32_t v = (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | two_bytes(value + 2);
	uint32_t number = subfield_port(v);

	x->key.in_port_of = rte_cpu_to_be_32(number);
	xlate_depend(x, dep_key_port(x->br, number));
	x->in_port = bridge_port(x->br, number);
}

void xlate_set_field(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	if (is_vlan_field(id)) {
		set_vlan_field(x, id, value, mask);
		return;
	}
	if (!has_field(x, id))
		return;
	if (id == FIELD_IN_PORT) {
		set_in_port(x, value);
		return;
	}
	xlate_emit_set(x, id, value, mask);
	xlate_write_field(x, id, value, mask);
	/* What follows is of another kind now: the packet has to be looked at again. */
	if (id == FIELD_ETH_TYPE || id == FIELD_IP_PROTO)
		xlate_freeze_after(x, NULL, NULL);
	if (id == FIELD_TUN_METADATA && mask)
		xlate_tun_metadata_written(x, mask);
}

/* An option's value lies where the TLV table puts it. */
static void set_option(struct xlate *x, const struct of_action *a)
{
	const struct hal_tlv *e = &hal_tlv_table()->entry[a->option];
	uint8_t value[HAL_VALUE_MAX] = {0}, mask[HAL_VALUE_MAX] = {0};

	if (!e->used || a->data_len != 2 * e->len)
		return;
	memcpy(value + e->offset, a->data, e->len);
	memcpy(mask + e->offset, a->data + e->len, e->len);
	xlate_set_field(x, FIELD_TUN_METADATA, value, mask);
}

void xlate_delete_field(struct xlate *x, const struct of_action *a)
{
	const struct hal_tlv *e = &hal_tlv_table()->entry[a->option];
	uint8_t none[HAL_VALUE_MAX] = {0}, mask[HAL_VALUE_MAX] = {0};
	rte_be64_t bit = rte_cpu_to_be_64(UINT64_C(1) << a->option);

	if (!e->used)
		return;
	memset(mask + e->offset, 0xff, e->len);
	xlate_set_field(x, FIELD_TUN_METADATA, none, mask);
	xlate_write_field(x, FIELD_TUN_OPTS_PRESENT, none, (const uint8_t *)&bit);
}

void xlate_set_field_action(struct xlate *x, const struct of_action *a)
{
	if (a->field == FIELD_TUN_METADATA) {
		set_option(x, a);
		return;
	}
	xlate_set_field(x, a->field, a->value, a->has_mask ? a->mask : NULL);
}

void xlate_move(struct xlate *x, const struct of_action *a)
{
	struct of_subfield src = {a->field, a->src_ofs, a->n_bits};
	struct of_subfield dst = {a->dst_field, a->dst_ofs, a->n_bits};
	uint8_t value[SUBFIELD_BYTES];

	subfield_read(x, &src, value);
	subfield_write(x, &dst, value);
}
