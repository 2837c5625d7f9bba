/* SPDX-License-Identifier: Apache-2.0
 *
 * What writes fields: REG_MOVE and 1.5's copy_field, REG_LOAD, REG_LOAD2, DELETE_FIELD.
 */
#include "ofctl/openflow/actions_nx.h"

#include <errno.h>
#include <string.h>

#include "ofctl/openflow/oxm.h"

/* `pad`: bytes between the numbers and the fields. */
static enum of_error move_decode(struct of_rd *r, unsigned pad, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_MOVE};
	uint16_t n_bits = of_get_u16(r), src_ofs = of_get_u16(r), dst_ofs = of_get_u16(r);
	struct of_subfield src, dst;
	enum of_error err;

	of_skip(r, pad);
	src = of_nx_get_field(r);
	dst = of_nx_get_field(r);
	if (src.field == FIELD_INVALID || dst.field == FIELD_INVALID)
		return OFERR_BAD_MATCH_FIELD;
	err = of_nx_part(&src, src_ofs, n_bits, false);
	if (!err)
		err = of_nx_part(&dst, dst_ofs, n_bits, true);
	if (err)
		return err;
	of_nx_set_sub(&a, &src);
	a.dst_field = dst.field;
	a.dst_ofs = dst.ofs;
	return of_nx_push(acts, &a);
}

enum of_error of_nx_move_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	(void)subtype;
	(void)ctx;
	return move_decode(r, 0, acts);
}

enum of_error of_copy_field_decode(struct of_rd *r, struct of_actions *acts)
{
	unsigned before = acts->n;
	enum of_error err = move_decode(r, 2, acts);

	if (!err && !r->bad && of_get_zeros(r, r->left))
		return OFERR_OK;
	acts->n = before; /* it owns nothing */
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	return err ? err : OFERR_MUST_BE_ZERO;
}

static void move_encode(
	struct of_buf *b, enum of_oxm_form form, unsigned pad, const struct of_action *a)
{
	struct of_subfield src = of_nx_sub(a), dst = {a->dst_field, a->dst_ofs, a->n_bits};

	of_put_u16(b, a->n_bits);
	of_put_u16(b, (uint16_t)of_nx_ofs(&src));
	of_put_u16(b, (uint16_t)of_nx_ofs(&dst));
	of_put_zeros(b, pad);
	of_put_field(b, form, &src);
	of_put_field(b, form, &dst);
}

void of_nx_move_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_REG_MOVE);

	move_encode(b, OF_OXM_NX, 0, a);
	of_action_end(b, start);
}

void of_copy_field_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_begin_tlv(b, OFPAT15_COPY_FIELD);

	move_encode(b, OF_OXM_15, 2, a);
	of_action_end(b, start);
}

enum of_error of_nx_load_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	uint16_t ofs_bits = of_get_u16(r);
	struct of_subfield sf = of_nx_get_field(r);
	uint64_t value = of_get_u64(r);
	enum of_error err = of_nx_part16(&sf, ofs_bits, true);

	(void)subtype;
	(void)ctx;
	if (err)
		return err;
	return of_nx_error(of_actions_push_load(acts, &sf, value));
}

/* A field as in a match, with or without mask, then padding. */
enum of_error of_nx_load2_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_oxm h;
	const uint8_t *wire, *wire_mask = NULL;
	unsigned width;
	enum of_error err;

	(void)subtype;
	(void)ctx;
	if (!of_oxm_get_header(r, &h))
		return OFERR_BAD_SET_LEN;
	wire = of_get_bytes(r, h.len);
	if (r->bad || h.field == FIELD_INVALID)
		return OFERR_BAD_SET_LEN;
	if (!h.width)
		return OFERR_INVALID_TLV_FIELD;
	width = h.field == FIELD_TUN_METADATA ? h.len / (h.has_mask ? 2u : 1u) : h.width;
	if (h.len != width * (h.has_mask ? 2u : 1u))
		return OFERR_BAD_SET_LEN;
	if (h.has_mask)
		wire_mask = wire + width;
	for (unsigned i = 0; wire_mask && i < width; i++)
		if (wire[i] & ~wire_mask[i])
			return OFERR_BAD_WILDCARDS;
	if (!of_get_zeros(r, r->left) || !hal_fields[h.field].writable)
		return OFERR_BAD_SET_ARGUMENT;
	err = of_oxm_push_set(acts, &h, wire, wire_mask);
	if (!err)
		acts->a[acts->n - 1].form = OF_SET_LOAD2;
	return err;
}

enum of_error of_nx_delete_field_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_DELETE_FIELD};
	struct of_oxm h;

	(void)subtype;
	(void)ctx;
	if (!of_oxm_get_header(r, &h))
		return OFERR_BAD_ACTION_LEN;
	if (h.field != FIELD_TUN_METADATA)
		return h.field == FIELD_INVALID ? OFERR_BAD_MATCH_FIELD : OFERR_BAD_ACTION_ARGUMENT;
	if (!h.width)
		return OFERR_INVALID_TLV_FIELD;
	a.field = h.field;
	a.option = h.option;
	return of_nx_push(acts, &a);
}

void of_nx_delete_field_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_DELETE_FIELD);

	of_oxm_put_option(b, a->option, OF_OXM_OPTION_MAX, false);
	of_put_zeros(b, 10);
	of_action_end(b, start);
}

static void put_load(struct of_buf *b, const struct of_load *l)
{
	size_t start = of_action_nx_begin(b, NXAST_REG_LOAD);

	of_put_u16(b, of_nx_ofs_bits(&l->to));
	of_nx_put_field(b, &l->to);
	of_put_u64(b, l->value);
	of_action_end(b, start);
}

void of_nx_set_encode(struct of_buf *b, const struct of_action *a)
{
	struct of_load l = {0};
	size_t start;

	if (a->form == OF_SET_LOAD2 || a->field == FIELD_TUN_METADATA) {
		start = of_action_nx_begin(b, NXAST_REG_LOAD2);
		of_oxm_put_set(b, OF_OXM_NX, a);
		of_action_end(b, start);
		return;
	}
	while (of_next_load(a, &l))
		put_load(b, &l);
}
