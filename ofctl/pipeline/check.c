/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/check_actions.h"

#include "hal/base/be.h"
#include "ofctl/pipeline/group.h"
#include "ofctl/pipeline/meter.h"

#define OF_VERSION_10 0x01
#define ETH_TYPE_PBB 0x88e7

/* The match, as actions change what is known of the packet's headers. */
static void assume_u64(struct hal_match *m, enum hal_field_id id, uint64_t value)
{
	hal_match_set_u64(m, id, value);
}

bool is_out_port(uint32_t port)
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

static enum of_error check_set(const struct of_action *a, struct hal_match *m, bool lenient)
{
	if (!hal_fields[a->field].writable)
		return OFERR_BAD_SET_TYPE;
	if ((a->field == FIELD_VLAN_VID || a->field == FIELD_VLAN_TCI) && !a->has_mask)
		return OFERR_OK; /* on an untagged packet it does nothing */
	if (!lenient && !hal_field_prereq_ok(a->field, &m->value, &m->mask))
		return OFERR_MATCH_INCONSISTENT;
	/* What follows is of another kind then. */
	if ((a->field == FIELD_ETH_TYPE || a->field == FIELD_IP_PROTO) && !a->has_mask)
		assume_u64(m, a->field, be_load(a->value, hal_field_bytes(a->field)));
	return OFERR_OK;
}

static enum of_error check_move(const struct of_action *a, const struct hal_match *m)
{
	struct of_subfield src = {a->field, a->src_ofs, a->n_bits};
	struct of_subfield dst = {a->dst_field, a->dst_ofs, a->n_bits};
	enum of_error error = check_source(&src, m);

	return error ? error : check_target(&dst, m);
}

static enum of_error check_push(const struct of_action *a, struct hal_match *m)
{
	if (a->type == OFACT_PUSH_VLAN) {
		if (a->eth_type != 0x8100 && a->eth_type != 0x88a8)
			return OFERR_BAD_ACTION_ARGUMENT;
		assume_u64(m, FIELD_VLAN_VID, HAL_VLAN_PRESENT);
		return OFERR_OK;
	}
	if (a->type == OFACT_PUSH_PBB)
		assume_u64(m, FIELD_VLAN_VID, 0); /* tags go inside */
	if (a->type == OFACT_PUSH_PBB ? a->eth_type != ETH_TYPE_PBB : !is_mpls(a->eth_type))
		return OFERR_BAD_ACTION_ARGUMENT;
	assume_u64(m, FIELD_ETH_TYPE, a->eth_type);
	return OFERR_OK;
}

/* What comes out of a backbone frame is not known. */
static enum of_error check_pop_pbb(struct hal_match *m)
{
	static const struct hal_vlan none;

	if (!hal_field_prereq_ok(FIELD_PBB_ISID, &m->value, &m->mask))
		return OFERR_MATCH_INCONSISTENT;
	m->value.dp.eth_type = m->mask.dp.eth_type = 0;
	for (unsigned i = 0; i < 2; i++)
		m->value.dp.vlan[i] = m->mask.dp.vlan[i] = none;
	return OFERR_OK;
}

static enum of_error check_one(
	const struct of_action *a, struct hal_match *m, const struct check *c)
{
	switch (a->type) {
	case OFACT_OUTPUT:
		return is_out_port(a->port) ? OFERR_OK : OFERR_BAD_OUT_PORT;
	case OFACT_SET_FIELD:
		return check_set(a, m, c->lenient);
	case OFACT_MOVE:
		return check_move(a, m);
	case OFACT_PUSH_VLAN:
	case OFACT_PUSH_MPLS:
	case OFACT_PUSH_PBB:
		return check_push(a, m);
	case OFACT_POP_PBB:
		return check_pop_pbb(m);
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
	case OFACT_COPY_TTL_IN:
	case OFACT_COPY_TTL_OUT:
	case OFACT_SET_MPLS_TTL:
	case OFACT_DEC_MPLS_TTL:
		return hal_field_prereq_ok(FIELD_MPLS_TTL, &m->value, &m->mask)
			       ? OFERR_OK
			       : OFERR_MATCH_INCONSISTENT;
	case OFACT_DEC_NW_TTL:
		return c->lenient || hal_field_prereq_ok(FIELD_IP_TTL, &m->value, &m->mask)
			       ? OFERR_OK
			       : OFERR_MATCH_INCONSISTENT;
	case OFACT_RESUBMIT:
		if (a->with_ct && !hal_field_prereq_ok(FIELD_CT_NW_PROTO, &m->value, &m->mask))
			return OFERR_MATCH_INCONSISTENT;
		return a->table == OF_TABLE_ALL || a->table < OF_TABLES ? OFERR_OK
									: OFERR_BAD_ACTION_ARGUMENT;
	case OFACT_SET_QUEUE:
	case OFACT_ENQUEUE:
		return OFERR_BAD_QUEUE; /* no port has queues */
	case OFACT_GROUP:
	case OFACT_METER:
		return OFERR_OK; /* group_check_actions() */
	default:
		return check_nx(a, m, c);
	}
}

/* What an action set may hold: one of each, in an order of its own (OpenFlow 1.3, 5.10). */
static bool fits_set(const struct of_action *a)
{
	switch (a->type) {
	case OFACT_CONTROLLER:
	case OFACT_OUTPUT_REG:
	case OFACT_OUTPUT_TRUNC:
	case OFACT_CLONE:
	case OFACT_CHECK_PKT_LARGER:
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
	case OFACT_POP_QUEUE:
		return false;
	default:
		return true;
	}
}

enum of_error check_actions(
	const struct of_actions *acts, struct hal_match *m, const struct check *c)
{
	enum of_error error = OFERR_OK;

	for (unsigned i = 0; i < acts->n && !error; i++) {
		if (c->in_set && !fits_set(&acts->a[i]))
			return OFERR_BAD_ACTION_TYPE;
		error = check_place(&acts->a[i], c->in_ct);
		if (!error)
			error = check_one(&acts->a[i], m, c);
		if (error == OFERR_MATCH_INCONSISTENT && c->any_packet)
			error = OFERR_OK;
	}
	return error;
}

enum of_error pl_actions_check(
	struct pl_bridge *br, const struct of_actions *acts, const struct hal_match *match)
{
	struct hal_match m = *match;
	enum of_error error = check_actions(acts, &m, &(struct check){0});

	return error ? error : group_check_actions(br, acts);
}

enum of_error check_bucket_actions(struct pl_bridge *br, const struct of_actions *acts)
{
	struct hal_match m = {0};
	enum of_error error = check_actions(acts, &m, &(struct check){.any_packet = true});

	return error ? error : group_check_actions(br, acts);
}

/* Only a packet-out may (OpenFlow 1.3, 4.5). */
static bool sends_to_table(const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++)
		if (acts->a[i].type == OFACT_OUTPUT && acts->a[i].port == OF_PORT_TABLE)
			return true;
	return false;
}

/* A conjunction's flow is a part of another's match: it does nothing itself. */
static bool conjunction_ok(const struct of_instructions *ins)
{
	unsigned n = 0, notes = 0;

	for (unsigned i = 0; i < ins->apply.n; i++) {
		n += ins->apply.a[i].type == OFACT_CONJUNCTION;
		notes += ins->apply.a[i].type == OFACT_NOTE;
	}
	if (!n)
		return true;
	return n + notes == ins->apply.n && !ins->write.n && !ins->clear && !ins->has_goto &&
	       !ins->has_metadata && !ins->has_meter;
}

enum of_error check_instructions(struct pl_bridge *br, const struct of_flow_mod *fm)
{
	const struct of_instructions *ins = &fm->ins;
	bool lenient = fm->version == OF_VERSION_10;
	struct hal_match m = fm->match;
	enum of_error error;

	if (ins->has_goto && (ins->goto_table >= OF_TABLES ||
				     (fm->table != OF_TABLE_ALL && ins->goto_table <= fm->table)))
		return OFERR_BAD_GOTO_TABLE;
	if (ins->has_meter && !bridge_meter(br, ins->meter))
		return OFERR_BAD_METER;
	if (sends_to_table(&ins->apply) || sends_to_table(&ins->write))
		return OFERR_BAD_OUT_PORT;
	if (!conjunction_ok(ins))
		return OFERR_BAD_CONJUNCTION;
	error = check_actions(&ins->apply, &m, &(struct check){.lenient = lenient});
	m = fm->match;
	if (!error)
		error = check_actions(&ins->write, &m, &(struct check){.in_set = true});
	if (!error)
		error = group_check_actions(br, &ins->apply);
	return error ? error : group_check_actions(br, &ins->write);
}
