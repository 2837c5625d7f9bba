/* SPDX-License-Identifier: Apache-2.0
 *
 * LEARN: a flow to be, and specifications of what it matches and does.
 */
#include "ofctl/openflow/actions_nx.h"

#include <stdlib.h>
#include <string.h>

/* A specification's header: source, destination, and bits that it is about. */
#define SPEC_N_BITS 0x07ff
#define SPEC_IMMEDIATE 0x2000
#define SPEC_DST_SHIFT 11
#define SPEC_DST 0x3

#define FLAGS_LEARN (OF_LEARN_SEND_REMOVED | OF_LEARN_DELETE_LEARNED)

static enum of_error get_sub(struct of_rd *r, unsigned n_bits, bool write, struct of_subfield *sf)
{
	uint16_t ofs;

	*sf = of_nx_get_field(r);
	ofs = of_get_u16(r);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	return of_nx_part(sf, ofs, n_bits, write);
}

static enum of_error get_immediate(struct of_rd *r, struct of_learn_spec *s)
{
	size_t n = (s->n_bits + 15u) / 16 * 2,
	       skip = n > sizeof(s->value) ? n - sizeof(s->value) : 0;
	const uint8_t *p = of_get_bytes(r, n);

	s->immediate = true;
	if (!p)
		return OFERR_BAD_ACTION_LEN;
	if (s->n_bits > 128)
		return OFERR_BAD_SET_LEN;
	memcpy(s->value + sizeof(s->value) - (n - skip), p + skip, n - skip);
	for (unsigned bit = s->n_bits; bit < 128; bit++)
		s->value[15 - bit / 8] &= (uint8_t) ~(1u << bit % 8);
	return OFERR_OK;
}

/* Bits that a field does not have are wrong only if everything can be read. */
static bool is_late(enum of_error err)
{
	return err == OFERR_BAD_SET_LEN || err == OFERR_BAD_SET_ARGUMENT;
}

static enum of_error get_spec(struct of_rd *r, uint16_t header, struct of_learn_spec *s)
{
	unsigned dst = header >> SPEC_DST_SHIFT & SPEC_DST;
	enum of_error err, late;

	s->n_bits = header & SPEC_N_BITS;
	if (dst > OF_LEARN_OUTPUT || !s->n_bits ||
		(dst == OF_LEARN_OUTPUT && header & SPEC_IMMEDIATE))
		return OFERR_BAD_ACTION_ARGUMENT;
	s->dst_type = (enum of_learn_dst)dst;
	if (header & SPEC_IMMEDIATE)
		err = get_immediate(r, s);
	else
		err = get_sub(r, s->n_bits, false, &s->src);
	if ((err && !is_late(err)) || dst == OF_LEARN_OUTPUT)
		return err;
	late = err;
	err = get_sub(r, s->n_bits, dst == OF_LEARN_LOAD, &s->dst);
	return late && (!err || is_late(err)) ? late : err;
}

static enum of_error add_spec(struct of_learn **l, const struct of_learn_spec *s)
{
	struct of_learn *more =
		realloc(*l, sizeof(*more) + ((*l)->n_specs + 1) * sizeof(more->specs[0]));

	if (!more)
		return OFERR_TOO_MANY_ACTIONS;
	more->specs[more->n_specs++] = *s;
	*l = more;
	return OFERR_OK;
}

static enum of_error get_specs(struct of_rd *r, struct of_learn **l)
{
	enum of_error late = OFERR_OK;

	while (r->left >= 2) {
		uint16_t header = of_get_u16(r);
		struct of_learn_spec s;
		enum of_error err;

		if (!header)
			break;
		memset(&s, 0, sizeof(s)); /* compared as bytes */
		err = get_spec(r, header, &s);
		if (!err)
			err = add_spec(l, &s);
		if (err && !is_late(err))
			return err;
		late = late ? late : err;
	}
	return of_get_zeros(r, r->left) ? late : OFERR_BAD_ACTION_ARGUMENT;
}

/* What LEARN2 has between the fixed part and the specifications. */
static enum of_error get_limit(struct of_rd *r, struct of_learn *l)
{
	uint16_t ofs;

	l->limit = of_get_u32(r);
	ofs = of_get_u16(r);
	if (!of_get_zeros(r, 2))
		return OFERR_ACTION_MUST_BE_ZERO;
	if (!(l->flags & OF_LEARN_WRITE_RESULT))
		return ofs ? OFERR_BAD_ACTION_ARGUMENT : OFERR_OK;
	l->has_result = true;
	l->result = of_nx_get_field(r);
	return of_nx_part(&l->result, ofs, 1, true);
}

static enum of_error get_learn(struct of_rd *r, bool with_limit, struct of_learn **lp)
{
	struct of_learn *l = *lp;
	enum of_error err = OFERR_OK;

	l->idle_timeout = of_get_u16(r);
	l->hard_timeout = of_get_u16(r);
	l->priority = of_get_u16(r);
	l->cookie = of_get_u64(r);
	l->flags = of_get_u16(r);
	l->table = of_get_u8(r);
	if (!of_get_zeros(r, 1))
		return OFERR_BAD_ACTION_ARGUMENT;
	l->fin_idle_timeout = of_get_u16(r);
	l->fin_hard_timeout = of_get_u16(r);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	if (l->flags & ~(FLAGS_LEARN | (with_limit ? OF_LEARN_WRITE_RESULT : 0)) ||
		l->table >= OF_TABLES)
		return OFERR_BAD_ACTION_ARGUMENT;
	if (with_limit)
		err = get_limit(r, l);
	if (!err && r->bad)
		err = OFERR_BAD_ACTION_LEN;
	return err ? err : get_specs(r, lp);
}

enum of_error of_nx_learn_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_LEARN};
	enum of_error err;

	(void)ctx;
	a.learn = calloc(1, sizeof(*a.learn));
	if (!a.learn)
		return OFERR_TOO_MANY_ACTIONS;
	err = get_learn(r, subtype == NXAST_LEARN2, &a.learn);
	if (!err)
		return of_nx_push(acts, &a);
	free(a.learn);
	return err;
}

/* ---- writing ---- */

static void put_spec(struct of_buf *b, const struct of_learn_spec *s)
{
	size_t n = (s->n_bits + 15u) / 16 * 2;

	of_put_u16(b, (uint16_t)((s->immediate ? SPEC_IMMEDIATE : 0) |
				 (unsigned)s->dst_type << SPEC_DST_SHIFT | s->n_bits));
	if (s->immediate) {
		of_put_bytes(b, s->value + sizeof(s->value) - n, n);
	} else {
		of_nx_put_field(b, &s->src);
		of_put_u16(b, (uint16_t)of_nx_ofs(&s->src));
	}
	if (s->dst_type != OF_LEARN_OUTPUT) {
		of_nx_put_field(b, &s->dst);
		of_put_u16(b, (uint16_t)of_nx_ofs(&s->dst));
	}
}

void of_nx_learn_encode(struct of_buf *b, const struct of_action *a)
{
	const struct of_learn *l = a->learn;
	bool with_limit = l->limit || l->has_result;
	size_t start = of_action_nx_begin(b, with_limit ? NXAST_LEARN2 : NXAST_LEARN);

	of_put_u16(b, l->idle_timeout);
	of_put_u16(b, l->hard_timeout);
	of_put_u16(b, l->priority);
	of_put_u64(b, l->cookie);
	of_put_u16(b, l->flags);
	of_put_u8(b, l->table);
	of_put_u8(b, 0);
	of_put_u16(b, l->fin_idle_timeout);
	of_put_u16(b, l->fin_hard_timeout);
	if (with_limit) {
		of_put_u32(b, l->limit);
		of_put_u16(b, (uint16_t)(l->has_result ? of_nx_ofs(&l->result) : 0));
		of_put_zeros(b, 2);
		if (l->has_result)
			of_nx_put_field(b, &l->result);
	}
	for (unsigned i = 0; i < l->n_specs; i++)
		put_spec(b, &l->specs[i]);
	of_action_end(b, start);
}
