/* SPDX-License-Identifier: Apache-2.0
 *
 * CLONE, SAMPLE, CONJUNCTION, FIN_TIMEOUT, NOTE, and DEC_TTL with the controllers that hear of it.
 */
#include "ofctl/openflow/actions_nx.h"

#include <stdlib.h>
#include <string.h>

enum of_error of_nx_clone_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_decode in = {ctx->version, ctx->match, NULL, ctx->depth + 1};
	struct of_action a = {.type = OFACT_CLONE};

	(void)subtype;
	of_skip(r, 6);
	while (r->left) {
		enum of_error err = of_action_decode(&in, r, &a.nested);

		if (err) {
			of_action_free(&a);
			return err;
		}
	}
	return of_nx_push(acts, &a);
}

void of_nx_clone_encode(struct of_buf *b, uint8_t version, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_CLONE);

	of_put_zeros(b, 6);
	of_actions_encode(b, version, &a->nested);
	of_end_tlv(b, start);
}

static enum of_error get_sample(
	struct of_rd *r, uint16_t subtype, struct of_action *a, struct of_sample *s)
{
	a->probability = of_get_u16(r);
	s->collector_set = of_get_u32(r);
	s->obs_domain = of_get_u32(r);
	s->obs_point = of_get_u32(r);
	s->sampling_port = OF_PORT_ANY;
	if (subtype != NXAST_SAMPLE)
		s->sampling_port = of_port_from16(of_get_u16(r));
	if (subtype == NXAST_SAMPLE3)
		s->direction = of_get_u8(r);
	if (!a->probability)
		return OFERR_BAD_ACTION_ARGUMENT;
	if (subtype == NXAST_SAMPLE3 && !of_get_zeros(r, r->left))
		return OFERR_MUST_BE_ZERO;
	return s->direction > 2 ? OFERR_BAD_ACTION_ARGUMENT : OFERR_OK;
}

enum of_error of_nx_sample_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_SAMPLE};
	enum of_error err;

	(void)ctx;
	a.sample = calloc(1, sizeof(*a.sample));
	if (!a.sample)
		return OFERR_TOO_MANY_ACTIONS;
	err = get_sample(r, subtype, &a, a.sample);
	if (!err)
		return of_nx_push(acts, &a);
	free(a.sample);
	return err;
}

void of_nx_sample_encode(struct of_buf *b, const struct of_action *a)
{
	const struct of_sample *s = a->sample;
	bool with_port = s->sampling_port != OF_PORT_ANY;
	uint16_t subtype = s->direction ? NXAST_SAMPLE3 : with_port ? NXAST_SAMPLE2 : NXAST_SAMPLE;
	size_t start = of_action_nx_begin(b, subtype);

	of_put_u16(b, a->probability);
	of_put_u32(b, s->collector_set);
	of_put_u32(b, s->obs_domain);
	of_put_u32(b, s->obs_point);
	if (subtype != NXAST_SAMPLE)
		of_put_u16(b, of_port_to16(s->sampling_port));
	if (subtype == NXAST_SAMPLE3)
		of_put_u8(b, s->direction);
	of_action_end(b, start);
}

enum of_error of_nx_conjunction_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_CONJUNCTION};

	(void)subtype;
	(void)ctx;
	a.clause = of_get_u8(r);
	a.n_clauses = of_get_u8(r);
	a.conj_id = of_get_u32(r);
	if (a.n_clauses < 2 || a.n_clauses > 64 || a.clause >= a.n_clauses)
		return OFERR_BAD_CONJUNCTION;
	return of_nx_push(acts, &a);
}

void of_nx_conjunction_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_CONJUNCTION);

	of_put_u8(b, a->clause);
	of_put_u8(b, a->n_clauses);
	of_put_u32(b, a->conj_id);
	of_action_end(b, start);
}

enum of_error of_nx_fin_timeout_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_FIN_TIMEOUT};

	(void)subtype;
	(void)ctx;
	a.fin_idle = of_get_u16(r);
	a.fin_hard = of_get_u16(r);
	return of_nx_push(acts, &a);
}

void of_nx_fin_timeout_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_FIN_TIMEOUT);

	of_put_u16(b, a->fin_idle);
	of_put_u16(b, a->fin_hard);
	of_action_end(b, start);
}

/* Takes `n` bytes off `r` for the action. */
static enum of_error get_data(struct of_rd *r, size_t n, struct of_action *a)
{
	const uint8_t *p = of_get_bytes(r, n);

	if (!p)
		return OFERR_BAD_ACTION_LEN;
	a->data = malloc(n ? n : 1);
	if (!a->data)
		return OFERR_TOO_MANY_ACTIONS;
	memcpy(a->data, p, n);
	a->data_len = (uint16_t)n;
	return OFERR_OK;
}

enum of_error of_nx_note_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_NOTE};
	enum of_error err = get_data(r, r->left, &a);

	(void)subtype;
	(void)ctx;
	return err ? err : of_nx_push(acts, &a);
}

void of_nx_note_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, NXAST_NOTE);

	/* Never shorter than the fixed part of any Nicira action. */
	of_put_bytes(b, a->data, a->data_len);
	if (a->data_len < 6)
		of_put_zeros(b, 6u - a->data_len);
	of_action_end(b, start);
}

enum of_error of_nx_dec_ttl_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_DEC_NW_TTL};
	enum of_error err = OFERR_OK;

	(void)ctx;
	if (subtype == NXAST_DEC_TTL_CNT_IDS) {
		size_t n = of_get_u16(r) * 2u;

		if (!of_get_zeros(r, 4))
			return OFERR_MUST_BE_ZERO;
		err = r->left < n ? OFERR_BAD_ACTION_LEN : get_data(r, n, &a);
	}
	return err ? err : of_nx_push(acts, &a);
}

void of_nx_dec_ttl_encode(struct of_buf *b, const struct of_action *a)
{
	size_t start = of_action_nx_begin(b, a->data ? NXAST_DEC_TTL_CNT_IDS : NXAST_DEC_TTL);

	if (a->data) {
		of_put_u16(b, a->data_len / 2);
		of_put_zeros(b, 4);
		of_put_bytes(b, a->data, a->data_len);
	}
	of_action_end(b, start);
}
