/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs to what a field says and of a part of the packet; the stack; the packet's length.
 */
#include "ofctl/openflow/actions_nx.h"

#define ETH_HEADER 14 /* bytes: less than it is not a packet */

enum of_error of_nx_output_reg_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	bool second = subtype == NXAST_OUTPUT_REG2;
	struct of_action a = {.type = OFACT_OUTPUT_REG};
	uint16_t ofs_bits = of_get_u16(r);
	struct of_subfield sf;
	enum of_error err;

	(void)ctx;
	if (second)
		a.max_len = of_get_u16(r);
	sf = of_nx_get_field(r);
	if (!second)
		a.max_len = of_get_u16(r);
	if (!of_get_zeros(r, r->left))
		return second ? OFERR_MUST_BE_ZERO : OFERR_BAD_ACTION_ARGUMENT;
	err = of_nx_part16(&sf, ofs_bits, false);
	if (err)
		return err;
	of_nx_set_sub(&a, &sf);
	return of_nx_push(acts, &a);
}

void of_nx_output_reg_encode(struct of_buf *b, const struct of_action *a)
{
	struct of_subfield sf = of_nx_sub(a);
	size_t start = of_action_nx_begin(b, NXAST_OUTPUT_REG);

	of_put_u16(b, of_nx_ofs_bits(&sf));
	of_nx_put_field(b, &sf);
	of_put_u16(b, a->max_len);
	of_action_end(b, start);
}

enum of_error of_nx_output_trunc_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_OUTPUT_TRUNC};

	(void)subtype;
	(void)ctx;
	a.port = of_port_from16(of_get_u16(r));
	a.trunc = of_get_u32(r);
	if (a.trunc < ETH_HEADER)
		return OFERR_BAD_ACTION_ARGUMENT;
	return of_nx_push(acts, &a);
}

void of_nx_output_trunc_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_OUTPUT_TRUNC);

	of_put_u16(b, of_port_to16(a->port));
	of_put_u32(b, a->trunc);
	of_action_end(b, start);
}

enum of_error of_nx_stack_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	bool pop = subtype == NXAST_STACK_POP;
	struct of_action a = {.type = pop ? OFACT_STACK_POP : OFACT_STACK_PUSH};
	uint16_t ofs = of_get_u16(r), n_bits;
	struct of_subfield sf = of_nx_get_field(r);
	enum of_error err;

	(void)ctx;
	if (sf.field == FIELD_INVALID)
		return OFERR_BAD_MATCH_FIELD;
	n_bits = of_get_u16(r);
	if (!of_get_zeros(r, r->left))
		return OFERR_MUST_BE_ZERO;
	err = of_nx_part(&sf, ofs, n_bits, pop);
	if (err)
		return err;
	of_nx_set_sub(&a, &sf);
	return of_nx_push(acts, &a);
}

void of_nx_stack_encode(struct of_buf *b, const struct of_action *a)
{
	struct of_subfield sf = of_nx_sub(a);
	size_t start = of_action_nx_begin(
		b, a->type == OFACT_STACK_POP ? NXAST_STACK_POP : NXAST_STACK_PUSH);

	of_put_u16(b, (uint16_t)of_nx_ofs(&sf));
	of_nx_put_field(b, &sf);
	of_put_u16(b, sf.n_bits);
	of_action_end(b, start);
}

enum of_error of_nx_check_pkt_larger_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_CHECK_PKT_LARGER};
	struct of_subfield sf;
	uint16_t ofs;
	enum of_error err;

	(void)subtype;
	(void)ctx;
	a.pkt_len = of_get_u16(r);
	ofs = of_get_u16(r);
	sf = of_nx_get_field(r);
	if (sf.field == FIELD_INVALID)
		return OFERR_BAD_MATCH_FIELD;
	if (!of_get_zeros(r, r->left))
		return OFERR_MUST_BE_ZERO;
	err = of_nx_part(&sf, ofs, 1, true);
	if (err)
		return err;
	of_nx_set_sub(&a, &sf);
	return of_nx_push(acts, &a);
}

void of_nx_check_pkt_larger_encode(struct of_buf *b, const struct of_action *a)
{
	struct of_subfield sf = of_nx_sub(a);
	size_t start = of_action_nx_begin(b, NXAST_CHECK_PKT_LARGER);

	of_put_u16(b, a->pkt_len);
	of_put_u16(b, (uint16_t)of_nx_ofs(&sf));
	of_nx_put_field(b, &sf);
	of_action_end(b, start);
}
