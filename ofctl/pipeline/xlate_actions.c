/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow actions, one by one.
 */
#include <errno.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/xlate.h"
#include "ofctl/pipeline/xlate_more.h"

static void output_to(struct xlate *x, const struct pl_port *port)
{
	xlate_depend(x, dep_key_port(x->br, port->cfg.number));
	if (port->no_fwd)
		return;
	if (port->cfg.dp_port != HAL_PORT_NONE)
		xlate_emit_output(x, port);
	else
		xlate_enter_patch(x, port);
}

static uint32_t in_number(const struct xlate *x)
{
	return rte_be_to_cpu_32(x->key.in_port_of);
}

static void output_all(struct xlate *x, bool flood)
{
	xlate_depend(x, dep_key_bridge(x->br, DEP_PORT_SET));
	HMAP_FOR_EACH (p, struct pl_port, node, &x->br->ports)
		if (MUTATE(10, p->cfg.number != in_number(x), 1) && !(flood && p->no_flood))
			output_to(x, p);
}

void xlate_output(struct xlate *x, uint32_t number, uint16_t max_len)
{
	const struct pl_port *port;

	switch (number) {
	case OF_PORT_IN_PORT:
		if (x->in_port)
			output_to(x, x->in_port);
		return;
	case OF_PORT_TABLE:
		if (x->packet_out && x->depth < XLATE_MAX_DEPTH) {
			x->packet_out = false;
			xlate_table(x, 0, x->key.in_port_of);
			if (!x->stop && !x->error)
				xlate_action_set(x);
			x->packet_out = true;
		}
		return;
	case OF_PORT_NORMAL:
		xlate_normal(x);
		return;
	case OF_PORT_FLOOD:
	case OF_PORT_ALL:
		output_all(x, number == OF_PORT_FLOOD);
		return;
	case OF_PORT_CONTROLLER:
		xlate_emit_controller(x, max_len, x->pin_reason);
		return;
	case OF_PORT_ANY:
	case OF_PORT_UNSET:
		return;
	default:
		break;
	}
	port = bridge_port(x->br, number);
	if (!port) {
		/* It may come: then this has to be translated again. */
		xlate_depend(x, dep_key_port(x->br, number));
		return;
	}
	/* OpenFlow 1.3, 4.5: only IN_PORT sends a packet back where it came from. */
	if (number == in_number(x) && MUTATE(11, 1, 0))
		return;
	output_to(x, port);
}

static bool is_ip(const struct xlate *x)
{
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	return type == 0x0800 || type == 0x86dd;
}

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

static void pop_vlan(struct xlate *x)
{
	if (is_tagged(x))
		xlate_pop_vlan(x);
}

/* To write a TCI without the bit that says "present" is to take the tag off. */
static void set_vlan_field(struct xlate *x, const struct of_action *a)
{
	uint16_t value, mask = 0xffff;

	if (a->field == FIELD_VLAN_PCP) {
		value = (uint16_t)(a->value[0] << 13);
		mask = 0xe000;
	} else {
		value = two_bytes(a->value);
		if (a->has_mask)
			mask = two_bytes(a->mask);
		if (a->field == FIELD_VLAN_VID)
			mask &= 0x0fff;
	}
	if (a->field == FIELD_VLAN_TCI && mask & HAL_VLAN_PRESENT && !(value & HAL_VLAN_PRESENT))
		pop_vlan(x);
	else if (is_tagged(x))
		xlate_set_vlan_bits(x, value, mask);
	else if (a->field == FIELD_VLAN_TCI && value & HAL_VLAN_PRESENT)
		xlate_push_vlan(x, 0x8100, value);
}

static bool is_transport(enum hal_field_id id)
{
	uint16_t offset = hal_fields[id].offset;

	return offset == hal_fields[FIELD_TCP_SRC].offset ||
	       offset == hal_fields[FIELD_TCP_DST].offset;
}

static void set_field(struct xlate *x, const struct of_action *a)
{
	const struct hal_field *f = &hal_fields[a->field];
	const uint8_t *mask = a->has_mask ? a->mask : NULL;

	if (is_vlan_field(a->field)) {
		set_vlan_field(x, a);
		return;
	}
	if (f->prereq != PREREQ_NONE) {
		struct xlate_key need = {0}, ones;

		memset(&ones, 0xff, sizeof(ones));
		hal_field_prereq_mask(a->field, &need);
		xlate_need_mask(x, &need);
		if (!hal_field_prereq_ok(a->field, &x->key, &ones))
			return;
	}
	if (is_transport(a->field)) {
		/* A later fragment has no transport header to write to. */
		struct xlate_key need = {0};

		need.dp.ip_frag = HAL_FRAG_LATER;
		xlate_need_mask(x, &need);
		if (x->key.dp.ip_frag & HAL_FRAG_LATER)
			return;
	}
	xlate_emit_set(x, a->field, a->value, mask);
	xlate_write_field(x, a->field, a->value, mask);
}

static void set_vlan_10(struct xlate *x, const struct of_action *a)
{
	bool pcp = a->type == OFACT_SET_VLAN_PCP_10;
	uint16_t tci = (uint16_t)(pcp ? a->vlan << 13 : a->vlan & 0xfff);

	if (is_tagged(x))
		xlate_set_vlan_bits(x, tci, pcp ? 0xe000 : 0xfff);
	else
		xlate_push_vlan(x, 0x8100, tci);
}

/* Reads `n_bits` of a field from bit `ofs` on as the low bits of 16 bytes; and back. */
static void bits_get(const uint8_t *v, unsigned len, unsigned ofs, unsigned n_bits, uint8_t out[16])
{
	memset(out, 0, 16);
	for (unsigned i = 0; i < n_bits && i < 128; i++) {
		unsigned from = ofs + i;

		if (v[len - 1 - from / 8] >> (from % 8) & 1)
			out[15 - i / 8] |= (uint8_t)(1u << (i % 8));
	}
}

static void bits_put(const uint8_t in[16], unsigned n_bits, unsigned ofs, unsigned len, uint8_t *v,
	uint8_t *mask)
{
	for (unsigned i = 0; i < n_bits && i < 128; i++) {
		unsigned to = ofs + i;

		mask[len - 1 - to / 8] |= (uint8_t)(1u << (to % 8));
		if (in[15 - i / 8] >> (i % 8) & 1)
			v[len - 1 - to / 8] |= (uint8_t)(1u << (to % 8));
	}
}

static void move_field(struct xlate *x, const struct of_action *a)
{
	uint8_t v[HAL_VALUE_MAX], bits[16];
	struct of_action set = {.type = OFACT_SET_FIELD, .field = a->dst_field, .has_mask = true};
	unsigned src_len = hal_field_bytes(a->field), dst_len = hal_field_bytes(a->dst_field);

	if (src_len > 16 || dst_len > 16)
		return;
	xlate_need_field(x, a->field);
	hal_field_get(a->field, &x->key, v);
	bits_get(v, src_len, a->src_ofs, a->n_bits, bits);
	bits_put(bits, a->n_bits, a->dst_ofs, dst_len, set.value, set.mask);
	set_field(x, &set);
}

static void resubmit(struct xlate *x, const struct of_action *a)
{
	uint8_t table = a->table == OF_TABLE_ALL ? x->table : a->table;

	if (x->depth >= XLATE_MAX_DEPTH) {
		x->error = -ELOOP;
		return;
	}
	x->depth++;
	xlate_table(x, table,
		a->port == OF_PORT_IN_PORT ? x->key.in_port_of : rte_cpu_to_be_32(a->port));
	x->depth--;
}

static void dec_nw_ttl(struct xlate *x)
{
	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!is_ip(x) || xlate_dec_ttl(x))
		return;
	xlate_emit_controller(x, 128, OF_REASON_INVALID_TTL);
	x->stop = true;
}

static void mpls_ttl(struct xlate *x, const struct of_action *a)
{
	uint8_t ttl = a->ttl;

	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	xlate_need_field(x, FIELD_ETH_TYPE);
	if (type != 0x8847 && type != 0x8848)
		return;
	if (a->type == OFACT_DEC_MPLS_TTL) {
		xlate_need_field(x, FIELD_MPLS_TTL);
		ttl = (uint8_t)hal_field_get_u64(FIELD_MPLS_TTL, &x->key);
		if (ttl <= 1) {
			xlate_emit_controller(x, 128, OF_REASON_INVALID_TTL);
			x->stop = true;
			return;
		}
		ttl--;
	}
	xlate_emit_set(x, FIELD_MPLS_TTL, &ttl, NULL);
	xlate_write_field(x, FIELD_MPLS_TTL, &ttl, NULL);
}

static void one_action(struct xlate *x, const struct of_action *a)
{
	switch (a->type) {
	case OFACT_OUTPUT:
	case OFACT_ENQUEUE:
		xlate_output(x, a->port, a->max_len);
		break;
	case OFACT_SET_FIELD:
		set_field(x, a);
		break;
	case OFACT_SET_VLAN_VID_10:
	case OFACT_SET_VLAN_PCP_10:
		set_vlan_10(x, a);
		break;
	case OFACT_PUSH_VLAN: {
		/* OpenFlow 1.3, 5.13: the new tag copies VID and PCP of the outermost one. Open
		 * vSwitch starts with zeros instead, and so do we: its users rely on it. */
		xlate_push_vlan(x, a->eth_type, 0);
		break;
	}
	case OFACT_POP_VLAN:
		pop_vlan(x);
		break;
	case OFACT_PUSH_MPLS:
		xlate_push_mpls(x, a->eth_type);
		break;
	case OFACT_POP_MPLS:
		xlate_pop_mpls(x, a->eth_type);
		break;
	case OFACT_DEC_NW_TTL:
		dec_nw_ttl(x);
		break;
	case OFACT_SET_MPLS_TTL:
	case OFACT_DEC_MPLS_TTL:
		mpls_ttl(x, a);
		break;
	case OFACT_MOVE:
		move_field(x, a);
		break;
	case OFACT_RESUBMIT:
		resubmit(x, a);
		break;
	case OFACT_PUSH_PBB:
	case OFACT_POP_PBB:
	case OFACT_COPY_TTL_IN:
	case OFACT_COPY_TTL_OUT:
	case OFACT_SET_QUEUE:
	case OFACT_DELETE_FIELD:
	case OFACT_MAX:
		/* Refused when the flow was added (check.c). */
		x->error = -EOPNOTSUPP;
		break;
	case OFACT_GROUP:
		xlate_group(x, a->group);
		break;
	case OFACT_METER:
		xlate_meter(x, a->meter);
		break;
	case OFACT_CT:
		xlate_ct(x, a);
		break;
	case OFACT_CT_CLEAR:
		xlate_ct_clear(x);
		break;
	case OFACT_CLONE:
		xlate_clone(x, &a->nested);
		break;
	case OFACT_CHECK_PKT_LARGER:
		xlate_check_pkt_larger(x, a);
		break;
	case OFACT_OUTPUT_TRUNC:
		xlate_output_trunc(x, a);
		break;
	case OFACT_CONTROLLER:
		xlate_controller(x, a);
		break;
	case OFACT_OUTPUT_REG:
		xlate_output_reg(x, a);
		break;
	case OFACT_STACK_PUSH:
	case OFACT_STACK_POP:
		xlate_stack(x, a);
		break;
	case OFACT_LEARN:
		xlate_learn(x, a);
		break;
	case OFACT_MULTIPATH:
		xlate_multipath(x, a->choice);
		break;
	case OFACT_BUNDLE:
		xlate_bundle(x, a->choice);
		break;
	case OFACT_FIN_TIMEOUT:
		xlate_fin_timeout(x, a);
		break;
	case OFACT_SAMPLE:      /* for flow export: nobody collects */
	case OFACT_CONJUNCTION: /* is of the lookup, not an action */
	case OFACT_NOTE:        /* says nothing to the switch */
		break;
	case OFACT_EXIT:
		x->stop = true;
		break;
	}
}

void xlate_actions(struct xlate *x, const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n && !x->error && !x->stop; i++)
		one_action(x, &acts->a[i]);
}

/* OpenFlow 1.3, 5.10: the order in which an action set is executed. */
static const enum of_action_type set_order[] = {
	OFACT_COPY_TTL_IN,
	OFACT_POP_VLAN,
	OFACT_POP_MPLS,
	OFACT_POP_PBB,
	OFACT_PUSH_MPLS,
	OFACT_PUSH_PBB,
	OFACT_PUSH_VLAN,
	OFACT_COPY_TTL_OUT,
	OFACT_DEC_MPLS_TTL,
	OFACT_DEC_NW_TTL,
	OFACT_SET_MPLS_TTL,
	OFACT_SET_VLAN_VID_10,
	OFACT_SET_VLAN_PCP_10,
	OFACT_SET_FIELD,
	OFACT_MOVE,
	OFACT_SET_QUEUE,
	OFACT_GROUP,
	OFACT_OUTPUT,
	OFACT_RESUBMIT,
};

void xlate_action_set(struct xlate *x)
{
	struct of_action set[32];
	unsigned n = x->n_set;
	bool sends = false;

	memcpy(set, x->set, n * sizeof(set[0]));
	x->n_set = 0;
	for (unsigned i = 0; i < n; i++)
		if (set[i].type == OFACT_OUTPUT || set[i].type == OFACT_GROUP ||
			set[i].type == OFACT_RESUBMIT)
			sends = true;
	if (!sends)
		return;
	/* Also after a table-miss flow: another flow may have written the set. */
	x->pin_reason = OF_REASON_ACTION_SET;
	for (unsigned o = 0; o < sizeof(set_order) / sizeof(set_order[0]); o++)
		for (unsigned i = 0; i < n && !x->error && !x->stop; i++)
			if (set[i].type == set_order[o])
				one_action(x, &set[i]);
}
