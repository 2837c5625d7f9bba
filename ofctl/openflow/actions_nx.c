/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's extension actions, in every version: type, length, experimenter, subtype, body. Which
 * there are, how long they may be, and those of a line or two.
 */
#include "ofctl/openflow/actions_nx.h"

#include <errno.h>

enum of_error of_nx_error(int err)
{
	if (!err)
		return OFERR_OK;
	return err == -ENOMEM ? OFERR_TOO_MANY_ACTIONS : OFERR_BAD_ACTION_ARGUMENT;
}

enum of_error of_nx_push(struct of_actions *acts, struct of_action *a)
{
	int err = of_actions_push(acts, a);

	if (err)
		of_action_free(a);
	return of_nx_error(err);
}

static enum of_error simple(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_EXIT};

	(void)ctx;
	switch (subtype) {
	case NXAST_POP_QUEUE:
		a.type = OFACT_POP_QUEUE;
		break;
	case NXAST_SET_QUEUE:
		a.type = OFACT_SET_QUEUE;
		of_skip(r, 2);
		a.queue = of_get_u32(r);
		break;
	case NXAST_GROUP:
		a.type = OFACT_GROUP;
		of_skip(r, 2);
		a.group = of_get_u32(r);
		break;
	case NXAST_PUSH_MPLS:
	case NXAST_POP_MPLS:
		a.type = subtype == NXAST_PUSH_MPLS ? OFACT_PUSH_MPLS : OFACT_POP_MPLS;
		a.eth_type = of_get_u16(r);
		if (a.type == OFACT_PUSH_MPLS && a.eth_type != 0x8847 && a.eth_type != 0x8848)
			return OFERR_BAD_ACTION_ARGUMENT;
		break;
	case NXAST_SET_MPLS_TTL:
		a.type = OFACT_SET_MPLS_TTL;
		a.ttl = of_get_u8(r);
		break;
	case NXAST_DEC_MPLS_TTL:
		a.type = OFACT_DEC_MPLS_TTL;
		break;
	default:
		break;
	}
	return of_nx_push(acts, &a);
}

static enum of_error resubmit(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_RESUBMIT, .table = 0xff};

	(void)ctx;
	a.port = of_port_from16(of_get_u16(r));
	a.with_ct = subtype == NXAST_RESUBMIT_TABLE_CT;
	if (subtype != NXAST_RESUBMIT) {
		a.table = of_get_u8(r);
		if (!of_get_zeros(r, 3))
			return OFERR_BAD_ACTION_ARGUMENT;
	}
	return of_nx_push(acts, &a);
}

/* Setters of one field, from before there were fields. */
static enum of_error set_number(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	enum hal_field_id id = FIELD_TUNNEL_ID;
	uint64_t v;

	(void)ctx;
	if (subtype == NXAST_SET_TUNNEL64) {
		of_skip(r, 6);
		v = of_get_u64(r);
	} else if (subtype == NXAST_SET_MPLS_TC) {
		id = FIELD_MPLS_TC;
		v = of_get_u8(r);
	} else {
		if (subtype == NXAST_SET_MPLS_LABEL)
			id = FIELD_MPLS_LABEL;
		of_skip(r, 2);
		v = of_get_u32(r);
	}
	if (hal_fields[id].bits < 64 && v >> hal_fields[id].bits)
		return OFERR_BAD_ACTION_ARGUMENT;
	return of_nx_error(of_actions_push_mod_u64(acts, id, v));
}

/* An instruction in 1.1 and later, and so it is here: it may stand once, in a flow. */
static enum of_error write_metadata(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_instructions *ins = ctx->ins;

	(void)subtype;
	(void)acts;
	if (!ins || ctx->version != OFP10)
		return OFERR_UNSUP_INSTRUCTION;
	if (ins->has_metadata)
		return OFERR_DUP_INSTRUCTION;
	if (!of_get_zeros(r, 6))
		return OFERR_MUST_BE_ZERO;
	ins->has_metadata = true;
	ins->metadata = of_get_u64(r);
	ins->metadata_mask = of_get_u64(r);
	return ins->metadata & ~ins->metadata_mask ? OFERR_BAD_ACTION_ARGUMENT : OFERR_OK;
}

/* NAT is a part of CT. */
static enum of_error lone_nat(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	(void)r;
	(void)subtype;
	(void)ctx;
	(void)acts;
	return OFERR_BAD_SET_ARGUMENT;
}

#define ANY_LEN 0xffff

/* Bytes of the body behind the subtype, which make the action a multiple of 8. */
static const struct {
	uint16_t subtype, min, max;
	of_nx_decode_fn *decode;
	bool v10; /* later versions have an action of their own */
} subtypes[] = {
	{NXAST_RESUBMIT, 6, 6, resubmit},
	{NXAST_SET_TUNNEL, 6, 6, set_number},
	{NXAST_SET_QUEUE, 6, 6, simple, true},
	{NXAST_POP_QUEUE, 6, 6, simple},
	{NXAST_REG_MOVE, 14, ANY_LEN, of_nx_move_decode},
	{NXAST_REG_LOAD, 14, ANY_LEN, of_nx_load_decode},
	{NXAST_NOTE, 6, ANY_LEN, of_nx_note_decode},
	{NXAST_SET_TUNNEL64, 14, 14, set_number},
	{NXAST_MULTIPATH, 22, ANY_LEN, of_nx_multipath_decode},
	{NXAST_BUNDLE, 22, ANY_LEN, of_nx_bundle_decode},
	{NXAST_BUNDLE_LOAD, 22, ANY_LEN, of_nx_bundle_decode},
	{NXAST_RESUBMIT_TABLE, 6, 6, resubmit},
	{NXAST_OUTPUT_REG, 14, 14, of_nx_output_reg_decode},
	{NXAST_LEARN, 22, ANY_LEN, of_nx_learn_decode},
	{NXAST_EXIT, 6, 6, simple},
	{NXAST_DEC_TTL, 6, 6, of_nx_dec_ttl_decode, true},
	{NXAST_FIN_TIMEOUT, 6, 6, of_nx_fin_timeout_decode},
	{NXAST_CONTROLLER, 6, 6, of_nx_controller_decode},
	{NXAST_DEC_TTL_CNT_IDS, 6, ANY_LEN, of_nx_dec_ttl_decode},
	{NXAST_WRITE_METADATA, 22, 22, write_metadata},
	{NXAST_PUSH_MPLS, 6, 6, simple, true},
	{NXAST_POP_MPLS, 6, 6, simple, true},
	{NXAST_SET_MPLS_TTL, 6, 6, simple, true},
	{NXAST_DEC_MPLS_TTL, 6, 6, simple, true},
	{NXAST_STACK_PUSH, 14, ANY_LEN, of_nx_stack_decode},
	{NXAST_STACK_POP, 14, ANY_LEN, of_nx_stack_decode},
	{NXAST_SAMPLE, 14, 14, of_nx_sample_decode},
	{NXAST_SET_MPLS_LABEL, 6, 6, set_number, true},
	{NXAST_SET_MPLS_TC, 6, 6, set_number, true},
	{NXAST_OUTPUT_REG2, 14, ANY_LEN, of_nx_output_reg_decode},
	{NXAST_REG_LOAD2, 6, ANY_LEN, of_nx_load2_decode},
	{NXAST_CONJUNCTION, 6, 6, of_nx_conjunction_decode},
	{NXAST_CT, 14, ANY_LEN, of_nx_ct_decode},
	{NXAST_NAT, 6, ANY_LEN, lone_nat},
	{NXAST_CONTROLLER2, 6, ANY_LEN, of_nx_controller_decode},
	{NXAST_SAMPLE2, 22, 22, of_nx_sample_decode},
	{NXAST_OUTPUT_TRUNC, 6, 6, of_nx_output_trunc_decode},
	{NXAST_GROUP, 6, 6, simple, true},
	{NXAST_SAMPLE3, 22, 22, of_nx_sample_decode},
	{NXAST_CLONE, 6, ANY_LEN, of_nx_clone_decode},
	{NXAST_CT_CLEAR, 6, 6, of_nx_ct_decode},
	{NXAST_RESUBMIT_TABLE_CT, 6, 6, resubmit},
	{NXAST_LEARN2, 30, ANY_LEN, of_nx_learn_decode},
	{NXAST_CHECK_PKT_LARGER, 14, ANY_LEN, of_nx_check_pkt_larger_decode},
	{NXAST_DELETE_FIELD, 14, ANY_LEN, of_nx_delete_field_decode},
};

enum of_error of_action_nx_decode(
	struct of_rd r, const struct of_decode *ctx, struct of_actions *acts)
{
	uint16_t subtype = of_get_u16(&r);
	unsigned before = acts->n;
	enum of_error err;

	if (r.bad)
		return OFERR_BAD_ACTION_LEN;
	if (ctx->depth > OF_MAX_DEPTH)
		return OFERR_TOO_MANY_ACTIONS;
	for (unsigned i = 0; i < sizeof(subtypes) / sizeof(subtypes[0]); i++) {
		if (subtypes[i].subtype != subtype || (subtypes[i].v10 && ctx->version != OFP10))
			continue;
		if (r.left < subtypes[i].min || r.left > subtypes[i].max)
			return OFERR_BAD_ACTION_LEN;
		err = subtypes[i].decode(&r, subtype, ctx, acts);
		if (err || !r.bad)
			return err;
		while (acts->n > before) /* it made do with bytes that are not there */
			of_action_free(&acts->a[--acts->n]);
		return OFERR_BAD_ACTION_LEN;
	}
	return OFERR_BAD_ACTION_EXP_TYPE;
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

/* Those of one number. True if `a` is one of them. */
static bool put_simple(struct of_buf *b, const struct of_action *a)
{
	static const struct {
		enum of_action_type type;
		uint16_t subtype;
	} simples[] = {
		{OFACT_DEC_MPLS_TTL, NXAST_DEC_MPLS_TTL},
		{OFACT_PUSH_MPLS, NXAST_PUSH_MPLS},
		{OFACT_POP_MPLS, NXAST_POP_MPLS},
		{OFACT_SET_MPLS_TTL, NXAST_SET_MPLS_TTL},
		{OFACT_SET_QUEUE, NXAST_SET_QUEUE},
		{OFACT_POP_QUEUE, NXAST_POP_QUEUE},
		{OFACT_GROUP, NXAST_GROUP},
		{OFACT_CT_CLEAR, NXAST_CT_CLEAR},
		{OFACT_EXIT, NXAST_EXIT},
	};
	size_t start;

	for (unsigned i = 0; i < sizeof(simples) / sizeof(simples[0]); i++) {
		if (simples[i].type != a->type)
			continue;
		start = of_action_nx_begin(b, simples[i].subtype);
		if (a->type == OFACT_PUSH_MPLS || a->type == OFACT_POP_MPLS) {
			of_put_u16(b, a->eth_type);
		} else if (a->type == OFACT_SET_MPLS_TTL) {
			of_put_u8(b, a->ttl);
		} else if (a->type == OFACT_SET_QUEUE || a->type == OFACT_GROUP) {
			of_put_zeros(b, 2);
			of_put_u32(b, a->type == OFACT_GROUP ? a->group : a->queue);
		}
		of_action_end(b, start);
		return true;
	}
	return false;
}

static void put_resubmit(struct of_buf *b, const struct of_action *a)
{
	size_t start =
		of_action_nx_begin(b, a->with_ct ? NXAST_RESUBMIT_TABLE_CT : NXAST_RESUBMIT_TABLE);

	of_put_u16(b, of_port_to16(a->port));
	of_put_u8(b, a->table);
	of_action_end(b, start);
}

void of_action_nx_encode(struct of_buf *b, uint8_t version, const struct of_action *a)
{
	static const struct {
		enum of_action_type type;
		void (*encode)(struct of_buf *b, const struct of_action *a);
	} encoders[] = {
		{OFACT_SET_FIELD, of_nx_set_encode},
		{OFACT_MOVE, of_nx_move_encode},
		{OFACT_RESUBMIT, put_resubmit},
		{OFACT_DEC_NW_TTL, of_nx_dec_ttl_encode},
		{OFACT_SAMPLE, of_nx_sample_encode},
		{OFACT_CONTROLLER, of_nx_controller_encode},
		{OFACT_LEARN, of_nx_learn_encode},
		{OFACT_MULTIPATH, of_nx_multipath_encode},
		{OFACT_BUNDLE, of_nx_bundle_encode},
		{OFACT_OUTPUT_REG, of_nx_output_reg_encode},
		{OFACT_OUTPUT_TRUNC, of_nx_output_trunc_encode},
		{OFACT_STACK_PUSH, of_nx_stack_encode},
		{OFACT_STACK_POP, of_nx_stack_encode},
		{OFACT_CONJUNCTION, of_nx_conjunction_encode},
		{OFACT_CHECK_PKT_LARGER, of_nx_check_pkt_larger_encode},
		{OFACT_FIN_TIMEOUT, of_nx_fin_timeout_encode},
		{OFACT_NOTE, of_nx_note_encode},
		{OFACT_DELETE_FIELD, of_nx_delete_field_encode},
	};

	if (put_simple(b, a))
		return;
	if (a->type == OFACT_CT)
		of_nx_ct_encode(b, version, a);
	if (a->type == OFACT_CLONE)
		of_nx_clone_encode(b, version, a);
	for (unsigned i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		if (encoders[i].type == a->type)
			encoders[i].encode(b, a);
}
