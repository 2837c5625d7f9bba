/* SPDX-License-Identifier: Apache-2.0
 *
 * CT and the NAT inside it, and CT_CLEAR.
 */
#include "ofctl/openflow/actions_nx.h"

#include <stdlib.h>
#include <string.h>

#include "hal/action.h"
#include "hal/base/mem.h"

#define NX_CT_F_COMMIT 0x1
#define NX_CT_F_FORCE 0x2

/* NAT: which ranges follow, in this order. */
#define NX_NAT_IPV4_MIN 0x01
#define NX_NAT_IPV4_MAX 0x02
#define NX_NAT_IPV6_MIN 0x04
#define NX_NAT_IPV6_MAX 0x08
#define NX_NAT_PROTO_MIN 0x10
#define NX_NAT_PROTO_MAX 0x20

#define NX_NAT_F_ALL 0x1f /* the same bits as HAL_NAT_SRC to HAL_NAT_RANDOM */

_Static_assert(HAL_NAT_SRC == 0x01 && HAL_NAT_DST == 0x02 && HAL_NAT_PERSISTENT == 0x04 &&
		       HAL_NAT_HASH == 0x08 && HAL_NAT_RANDOM == 0x10,
	"NAT flags are NX_NAT_F_*");

static bool nat_flags_ok(uint16_t flags)
{
	if (flags & ~NX_NAT_F_ALL)
		return false;
	if (flags & HAL_NAT_SRC && flags & HAL_NAT_DST)
		return false;
	return !(flags & HAL_NAT_HASH && flags & HAL_NAT_RANDOM);
}

static void get_address(struct of_rd *r, uint8_t *to, size_t n)
{
	const uint8_t *p = of_get_bytes(r, n);

	if (p)
		memcpy(to, p, n);
}

static bool ranges_ok(const struct of_ct *ct, uint16_t present, size_t address)
{
	bool has_min = present & (NX_NAT_IPV4_MIN | NX_NAT_IPV6_MIN);
	bool has_max = present & (NX_NAT_IPV4_MAX | NX_NAT_IPV6_MAX);

	if (has_max && (!has_min || memcmp(ct->nat_max, ct->nat_min, address) < 0))
		return false;
	if (present & NX_NAT_PROTO_MAX &&
		(!(present & NX_NAT_PROTO_MIN) || ct->nat_port_max < ct->nat_port_min))
		return false;
	/* Ports are translated together with an address. */
	return !(present & NX_NAT_PROTO_MIN) || has_min;
}

/* `r` is behind the subtype. */
static enum of_error get_nat(struct of_rd *r, struct of_ct *ct)
{
	uint16_t present;
	bool ipv6;

	of_skip(r, 2);
	ct->nat_flags = of_get_u16(r);
	present = of_get_u16(r);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	ipv6 = present & (NX_NAT_IPV6_MIN | NX_NAT_IPV6_MAX);
	if (!nat_flags_ok(ct->nat_flags) || (ipv6 && present & (NX_NAT_IPV4_MIN | NX_NAT_IPV4_MAX)))
		return OFERR_BAD_ACTION_ARGUMENT;
	if (present & (NX_NAT_IPV4_MIN | NX_NAT_IPV6_MIN))
		get_address(r, ct->nat_min, ipv6 ? 16 : 4);
	memcpy(ct->nat_max, ct->nat_min, sizeof(ct->nat_max));
	if (present & (NX_NAT_IPV4_MAX | NX_NAT_IPV6_MAX))
		get_address(r, ct->nat_max, ipv6 ? 16 : 4);
	if (present & NX_NAT_PROTO_MIN)
		ct->nat_port_min = of_get_u16(r);
	ct->nat_port_max = ct->nat_port_min;
	if (present & NX_NAT_PROTO_MAX)
		ct->nat_port_max = of_get_u16(r);
	if (r->bad || !ranges_ok(ct, present, ipv6 ? 16 : 4))
		return OFERR_BAD_ACTION_ARGUMENT;
	if (!(ct->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST))) { /* nothing to translate to */
		memset(ct->nat_min, 0, sizeof(ct->nat_min));
		memset(ct->nat_max, 0, sizeof(ct->nat_max));
		ct->nat_port_min = ct->nat_port_max = 0;
	} else if (ipv6) {
		ct->nat_flags |= HAL_NAT_IPV6;
	}
	ct->flags |= HAL_CT_NAT;
	return OFERR_OK;
}

/* True if the next action is NAT; then it is taken. */
static bool next_is_nat(struct of_rd *r, struct of_rd *body)
{
	struct of_rd peek = *r;
	uint16_t type = of_get_u16(&peek), len = of_get_u16(&peek);

	if (len < 16 || len % 8)
		return false;
	*body = of_get_rd(&peek, len - 4u);
	if (type != OFPAT_EXPERIMENTER || of_get_u32(body) != EXP_NICIRA ||
		of_get_u16(body) != NXAST_NAT || peek.bad || body->bad)
		return false;
	*r = peek;
	return true;
}

/* Nested actions, and one NAT among them. */
static enum of_error get_nested(struct of_rd *r, const struct of_decode *ctx, struct of_action *a)
{
	struct of_decode in = {ctx->version, NULL, NULL, ctx->depth + 1};

	while (r->left) {
		struct of_rd nat;
		enum of_error err;

		if (next_is_nat(r, &nat)) {
			if (a->ct->flags & HAL_CT_NAT)
				return OFERR_BAD_ACTION_ARGUMENT;
			a->ct->nat_at = (uint16_t)a->nested.n;
			err = get_nat(&nat, a->ct);
		} else {
			err = of_action_decode(&in, r, &a->nested);
		}
		if (err)
			return err;
	}
	return OFERR_OK;
}

static enum of_error get_zone(struct of_rd *r, struct of_ct *ct)
{
	struct of_rd imm = *r;
	uint16_t ofs_bits;

	if (!of_get_u32(&imm)) {
		of_skip(r, 4);
		ct->zone = of_get_u16(r);
		return OFERR_OK;
	}
	ct->zone_from_field = true;
	ct->zone_src = of_nx_get_field(r);
	ofs_bits = of_get_u16(r);
	if (ct->zone_src.field != FIELD_INVALID && (ofs_bits & 63) != 15)
		return OFERR_BAD_SET_LEN;
	return of_nx_part16(&ct->zone_src, ofs_bits, false);
}

/* Of its nested actions, those that change the connection's entry need one: NAT without a range
 * translates by an entry that there is. */
static bool needs_commit(const struct of_action *a)
{
	return a->nested.n || a->ct->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST);
}

static enum of_error get_ct(struct of_rd *r, const struct of_decode *ctx, struct of_action *a)
{
	struct of_ct *ct = a->ct;
	uint16_t flags = of_get_u16(r);
	enum of_error err = get_zone(r, ct);

	if (err)
		return err;
	ct->recirc_table = of_get_u8(r);
	of_skip(r, 3);
	ct->alg = of_get_u16(r);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	ct->flags = (flags & NX_CT_F_COMMIT ? HAL_CT_COMMIT : 0) |
		    (flags & NX_CT_F_FORCE ? HAL_CT_FORCE : 0);
	if (flags & NX_CT_F_FORCE && !(flags & NX_CT_F_COMMIT))
		return OFERR_BAD_ACTION_ARGUMENT;
	err = get_nested(r, ctx, a);
	if (!err && needs_commit(a) && !(flags & NX_CT_F_COMMIT))
		err = OFERR_BAD_ACTION_ARGUMENT;
	return err;
}

enum of_error of_nx_ct_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = subtype == NXAST_CT ? OFACT_CT : OFACT_CT_CLEAR};
	enum of_error err;

	if (a.type == OFACT_CT_CLEAR)
		return of_nx_push(acts, &a);
	a.ct = calloc(1, sizeof(*a.ct));
	if (!a.ct)
		return OFERR_TOO_MANY_ACTIONS;
	err = get_ct(r, ctx, &a);
	if (!err)
		return of_nx_push(acts, &a);
	of_action_free(&a);
	return err;
}

/* ---- writing ---- */

static void put_nat(struct of_buf *b, const struct of_ct *ct)
{
	size_t start = of_action_nx_begin(b, NXAST_NAT), n = ct->nat_flags & HAL_NAT_IPV6 ? 16 : 4;
	bool has_min = !mem_is_zero(ct->nat_min, n), has_max = memcmp(ct->nat_max, ct->nat_min, n);
	uint16_t present = 0;

	if (has_min)
		present |= n == 16 ? NX_NAT_IPV6_MIN : NX_NAT_IPV4_MIN;
	if (has_min && has_max)
		present |= n == 16 ? NX_NAT_IPV6_MAX : NX_NAT_IPV4_MAX;
	if (ct->nat_port_min)
		present |= NX_NAT_PROTO_MIN;
	if (ct->nat_port_min && ct->nat_port_max != ct->nat_port_min)
		present |= NX_NAT_PROTO_MAX;
	of_put_zeros(b, 2);
	of_put_u16(b, ct->nat_flags & NX_NAT_F_ALL);
	of_put_u16(b, present);
	if (present & (NX_NAT_IPV4_MIN | NX_NAT_IPV6_MIN))
		of_put_bytes(b, ct->nat_min, n);
	if (present & (NX_NAT_IPV4_MAX | NX_NAT_IPV6_MAX))
		of_put_bytes(b, ct->nat_max, n);
	if (present & NX_NAT_PROTO_MIN)
		of_put_u16(b, ct->nat_port_min);
	if (present & NX_NAT_PROTO_MAX)
		of_put_u16(b, ct->nat_port_max);
	of_action_end(b, start);
}

static void put_zone(struct of_buf *b, const struct of_ct *ct)
{
	if (ct->zone_from_field) {
		of_nx_put_field(b, &ct->zone_src);
		of_put_u16(b, of_nx_ofs_bits(&ct->zone_src));
	} else {
		of_put_zeros(b, 4);
		of_put_u16(b, ct->zone);
	}
}

void of_nx_ct_encode(struct of_buf *b, uint8_t version, const struct of_action *a)
{
	const struct of_ct *ct = a->ct;
	size_t start = of_action_nx_begin(b, NXAST_CT);
	unsigned before = ct->nat_at < a->nested.n ? ct->nat_at : a->nested.n;

	of_put_u16(b, (uint16_t)((ct->flags & HAL_CT_COMMIT ? NX_CT_F_COMMIT : 0) |
				 (ct->flags & HAL_CT_FORCE ? NX_CT_F_FORCE : 0)));
	put_zone(b, ct);
	of_put_u8(b, ct->recirc_table);
	of_put_zeros(b, 3);
	of_put_u16(b, ct->alg);
	if (ct->flags & HAL_CT_NAT) {
		struct of_actions head = {before, a->nested.a};
		struct of_actions tail = {
			a->nested.n - before, a->nested.a ? a->nested.a + before : NULL};

		of_actions_encode(b, version, &head);
		put_nat(b, ct);
		of_actions_encode(b, version, &tail);
	} else {
		of_actions_encode(b, version, &a->nested);
	}
	of_end_tlv(b, start);
}
