/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/check.h"

#include <string.h>

#define OF_VERSION_10 0x01

/* The match, as actions change what is known of the packet's headers. */
static void assume_u64(struct hal_match *m, enum hal_field_id id, uint64_t value)
{
	hal_match_set_u64(m, id, value);
}

static bool is_port(uint32_t port)
{
	switch (port) {
	case OF_PORT_IN_PORT:
	case OF_PORT_TABLE:
	case OF_PORT_NORMAL:
	case OF_PORT_FLOOD:
	case OF_PORT_ALL:
	case OF_PORT_CONTROLLER:
	case OF_PORT_LOCAL:
		return true;
	default:
		return port > 0 && port < OF_PORT_MAX;
	}
}

static bool is_mpls(uint32_t eth_type)
{
	return eth_type == 0x8847 || eth_type == 0x8848;
}

/* `lenient`: OpenFlow 1.0 lets a flow set fields that its packets may lack; there it does nothing.
 */
static enum of_error check_set(const struct of_action *a, const struct hal_match *m, bool lenient)
{
	if (!hal_fields[a->field].writable)
		return OFERR_BAD_SET_TYPE;
	if ((a->field == FIELD_VLAN_VID || a->field == FIELD_VLAN_TCI) && !a->has_mask)
		return OFERR_OK; /* on an untagged packet it does nothing */
	if (lenient)
		return OFERR_OK;
	return hal_field_prereq_ok(a->field, &m->value, &m->mask) ? OFERR_OK
								  : OFERR_MATCH_INCONSISTENT;
}

static enum of_error check_move(const struct of_action *a, const struct hal_match *m)
{
	const struct hal_field *src = &hal_fields[a->field], *dst = &hal_fields[a->dst_field];

	if (!dst->writable)
		return OFERR_BAD_SET_TYPE;
	if (!a->n_bits || a->src_ofs + a->n_bits > src->bits ||
		a->dst_ofs + a->n_bits > dst->bits || a->n_bits > 128 || src->bits > 128 ||
		dst->bits > 128)
		return OFERR_BAD_SET_LEN;
	if (!hal_field_prereq_ok(a->field, &m->value, &m->mask) ||
		!hal_field_prereq_ok(a->dst_field, &m->value, &m->mask))
		return OFERR_MATCH_INCONSISTENT;
	return OFERR_OK;
}

static enum of_error check_push(const struct of_action *a, struct hal_match *m)
{
	if (a->type == OFACT_PUSH_VLAN) {
		if (a->eth_type != 0x8100 && a->eth_type != 0x88a8)
			return OFERR_BAD_ACTION_ARGUMENT;
		assume_u64(m, FIELD_VLAN_VID, HAL_VLAN_PRESENT);
		return OFERR_OK;
	}
	if (!is_mpls(a->eth_type))
		return OFERR_BAD_ACTION_ARGUMENT;
	assume_u64(m, FIELD_ETH_TYPE, a->eth_type);
	return OFERR_OK;
}

/* The cut is made by one output: ports that stand for several, or for none, cannot have it. */
static enum of_error check_trunc(const struct of_action *a)
{
	if (a->trunc < 14)
		return OFERR_BAD_ACTION_ARGUMENT;
	return a->port == OF_PORT_IN_PORT || a->port == OF_PORT_LOCAL ||
			       (a->port > 0 && a->port < OF_PORT_MAX)
		       ? OFERR_OK
		       : OFERR_BAD_OUT_PORT;
}

/* In ct() the connection's mark and label can be written, and nothing else. */
static enum of_error check_ct(const struct of_action *a, const struct hal_match *m)
{
	const struct of_ct *ct = a->ct;

	if (!ct || (ct->recirc_table != OF_TABLE_ALL && ct->recirc_table >= OF_TABLES))
		return OFERR_BAD_ACTION_ARGUMENT;
	for (unsigned i = 0; i < a->nested.n; i++) {
		const struct of_action *n = &a->nested.a[i];
		enum hal_field_id dst = n->type == OFACT_MOVE ? n->dst_field : n->field;

		if (n->type != OFACT_SET_FIELD && n->type != OFACT_MOVE)
			return OFERR_BAD_ACTION_TYPE;
		if (dst != FIELD_CT_MARK && dst != FIELD_CT_LABEL)
			return OFERR_BAD_SET_TYPE;
		if (n->type == OFACT_MOVE && check_move(n, m))
			return check_move(n, m);
	}
	return OFERR_OK;
}

static enum of_error check_all(
	const struct of_actions *acts, const struct hal_match *match, bool lenient);

static enum of_error check_one(const struct of_action *a, struct hal_match *m, bool lenient)
{
	switch (a->type) {
	case OFACT_OUTPUT:
		return is_port(a->port) ? OFERR_OK : OFERR_BAD_OUT_PORT;
	case OFACT_SET_FIELD:
		return check_set(a, m, lenient);
	case OFACT_MOVE:
		return check_move(a, m);
	case OFACT_PUSH_VLAN:
	case OFACT_PUSH_MPLS:
		return check_push(a, m);
	case OFACT_POP_VLAN:
		return OFERR_OK;
	case OFACT_SET_VLAN_VID_10:
		if (a->vlan > 0xfff)
			return OFERR_BAD_ACTION_ARGUMENT;
		assume_u64(m, FIELD_VLAN_VID, HAL_VLAN_PRESENT);
		return OFERR_OK;
	case OFACT_SET_VLAN_PCP_10:
		if (a->vlan > 7)
			return OFERR_BAD_ACTION_ARGUMENT;
		assume_u64(m, FIELD_VLAN_VID, HAL_VLAN_PRESENT);
		return OFERR_OK;
	case OFACT_POP_MPLS:
		if (!hal_field_prereq_ok(FIELD_MPLS_LABEL, &m->value, &m->mask))
			return OFERR_MATCH_INCONSISTENT;
		assume_u64(m, FIELD_ETH_TYPE, a->eth_type);
		return OFERR_OK;
	case OFACT_SET_MPLS_TTL:
	case OFACT_DEC_MPLS_TTL:
		return hal_field_prereq_ok(FIELD_MPLS_TTL, &m->value, &m->mask)
			       ? OFERR_OK
			       : OFERR_MATCH_INCONSISTENT;
	case OFACT_DEC_NW_TTL:
		return hal_field_prereq_ok(FIELD_IP_TTL, &m->value, &m->mask)
			       ? OFERR_OK
			       : OFERR_MATCH_INCONSISTENT;
	case OFACT_RESUBMIT:
		return a->table == OF_TABLE_ALL || a->table < OF_TABLES ? OFERR_OK
									: OFERR_BAD_ACTION_ARGUMENT;
	case OFACT_SET_QUEUE:
	case OFACT_ENQUEUE:
		return OFERR_BAD_QUEUE; /* no port has queues */
	case OFACT_GROUP:
		return OFERR_BAD_OUT_GROUP; /* there are no groups */
	case OFACT_OUTPUT_TRUNC:
		return check_trunc(a);
	case OFACT_CT:
		return check_ct(a, m);
	case OFACT_CT_CLEAR:
		return OFERR_OK;
	case OFACT_CLONE:
		return check_all(&a->nested, m, lenient);
	case OFACT_CHECK_PKT_LARGER:
		return hal_fields[a->field].writable &&
				       a->src_ofs + a->n_bits <= hal_fields[a->field].bits
			       ? OFERR_OK
			       : OFERR_BAD_SET_TYPE;
	case OFACT_PUSH_PBB:
	case OFACT_POP_PBB:
	case OFACT_COPY_TTL_IN:
	case OFACT_COPY_TTL_OUT:
		return OFERR_BAD_ACTION_TYPE;
	case OFACT_CONTROLLER:
	case OFACT_OUTPUT_REG:
	case OFACT_METER:
	case OFACT_SAMPLE:
	case OFACT_STACK_PUSH:
	case OFACT_STACK_POP:
	case OFACT_LEARN:
	case OFACT_CONJUNCTION:
	case OFACT_MULTIPATH:
	case OFACT_BUNDLE:
	case OFACT_FIN_TIMEOUT:
	case OFACT_DELETE_FIELD:
	case OFACT_NOTE:
	case OFACT_EXIT:
	case OFACT_MAX:
		break;
	}
	return OFERR_BAD_ACTION_TYPE;
}

static enum of_error check_all(
	const struct of_actions *acts, const struct hal_match *match, bool lenient)
{
	struct hal_match m = *match;
	enum of_error error = OFERR_OK;

	for (unsigned i = 0; i < acts->n && !error; i++)
		error = check_one(&acts->a[i], &m, lenient);
	return error;
}

enum of_error pl_actions_check(
	struct pl_bridge *br, const struct of_actions *acts, const struct hal_match *match)
{
	(void)br;
	return check_all(acts, match, false);
}

/* Only a packet-out may (OpenFlow 1.3, 4.5). */
static bool sends_to_table(const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++)
		if (acts->a[i].type == OFACT_OUTPUT && acts->a[i].port == OF_PORT_TABLE)
			return true;
	return false;
}

enum of_error check_instructions(const struct of_flow_mod *fm)
{
	const struct of_instructions *ins = &fm->ins;
	enum of_error error;

	if (ins->has_goto && (ins->goto_table >= OF_TABLES ||
				     (fm->table != OF_TABLE_ALL && ins->goto_table <= fm->table)))
		return OFERR_BAD_GOTO_TABLE;
	if (ins->has_meter)
		return OFERR_METER_UNKNOWN;
	if (sends_to_table(&ins->apply) || sends_to_table(&ins->write))
		return OFERR_BAD_OUT_PORT;
	error = check_all(&ins->apply, &fm->match, fm->version == OF_VERSION_10);
	return error ? error : check_all(&ins->write, &fm->match, false);
}
