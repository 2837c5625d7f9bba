/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tc/pedit.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/tc_act/tc_csum.h>

#include "drivers/tc/flower_keys.h"
#include "drivers/tc/pedit_fields.h"
#include "hal/mutation.h"

/* The word that can still be written to, made if need be. NULL: no room. */
static struct tc_pedit_word *word_at(
	struct tc_edits *e, uint16_t header, uint16_t cmd, uint32_t offset)
{
	struct tc_pedit_word *w;

	for (unsigned i = e->n; i-- > 0;) {
		w = &e->word[i];
		if (w->header != header || w->offset != offset)
			continue;
		if (w->cmd == TCA_PEDIT_KEY_EX_CMD_SET && cmd == TCA_PEDIT_KEY_EX_CMD_SET)
			return w;
		if (MUTATE(515, false, true))
			continue;
		break; /* an addition has to see what was written before it */
	}
	if (e->n == TC_PEDIT_KEYS)
		return NULL;
	w = &e->word[e->n++];
	*w = (struct tc_pedit_word){.header = header, .cmd = cmd, .offset = offset};
	return w;
}

static int write_bytes(struct tc_edits *e, uint16_t header, uint32_t at, const uint8_t *value,
	const uint8_t *mask, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint32_t byte = (at + i) % 4;
		struct tc_pedit_word *w;

		if (!mask[i])
			continue;
		w = word_at(e, header, TCA_PEDIT_KEY_EX_CMD_SET, at + i - byte);
		if (!w)
			return -E2BIG;
		w->value[byte] = (uint8_t)((w->value[byte] & ~mask[i]) |
					   (MUTATE(510, value[i], 0) & mask[i]));
		w->bits[byte] |= MUTATE(543, mask[i], 0xff);
	}
	return 0;
}

/* The transport checksums that may be there. */
static uint32_t transport_sums(const struct hal_key *value, const struct hal_key *mask)
{
	const bool v6 = value->eth_type == RTE_BE16(ETH_P_IPV6);

	if (mask->ip_proto != 0xff)
		return TCA_CSUM_UPDATE_FLAG_TCP | TCA_CSUM_UPDATE_FLAG_UDP |
		       (v6 ? TCA_CSUM_UPDATE_FLAG_ICMP : 0);
	switch (value->ip_proto) {
	case IPPROTO_TCP:
		return TCA_CSUM_UPDATE_FLAG_TCP;
	case IPPROTO_UDP:
		return MUTATE(544, TCA_CSUM_UPDATE_FLAG_UDP, TCA_CSUM_UPDATE_FLAG_TCP);
	case IPPROTO_ICMPV6:
		return v6 ? TCA_CSUM_UPDATE_FLAG_ICMP : 0;
	default:
		return 0;
	}
}

/* Half a byte further on. */
static void shift4(uint8_t out[2], uint8_t in)
{
	out[0] = in >> 4;
	out[1] = (uint8_t)(in << 4);
}

static int write_field(struct tc_edits *e, const struct tc_pedit_field *f, const uint8_t *to,
	const uint8_t *bits, struct hal_reason *r)
{
	uint8_t v[2], m[2];
	int err;

	if (MUTATE(516, f->shift, 0)) {
		shift4(v, *to);
		shift4(m, *bits);
		err = write_bytes(e, f->header, f->offset, v, m, 2);
	} else {
		err = write_bytes(e, f->header, MUTATE(540, f->offset, f->offset + 4),
			MUTATE(538, to, bits), bits, f->size);
	}
	return err ? hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_SET,
			     "more than %u words of headers are written", TC_PEDIT_KEYS)
		   : 0;
}

/* TC works sums out anew, over what it takes for the whole packet. */
static int check_whole(const struct hal_key *value, const struct hal_key *mask,
	enum hal_field_id field, struct hal_reason *r)
{
	if ((mask->ip_frag & HAL_FRAG_ANY && !(value->ip_frag & HAL_FRAG_ANY)) ||
		MUTATE(514, false, true))
		return 0;
	return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION, field,
		"TC puts transport checksums right in packets that are known to be no fragment");
}

int tc_pedit_set(struct tc_edits *e, const struct hal_act_set *set, const struct hal_key *value,
	const struct hal_key *mask, struct hal_reason *r)
{
	struct hal_key to = {0}, bits = {0};
	struct tc_pedit_list list[TC_PEDIT_HEADERS];

	hal_field_set(set->field, &to, set->value, set->mask);
	hal_field_set(set->field, &bits, set->mask, set->mask);
	tc_pedit_fields(value, mask, list);
	for (unsigned h = 0; h < TC_PEDIT_HEADERS; h++) {
		for (unsigned i = 0; i < list[h].n; i++) {
			const struct tc_pedit_field *f = &list[h].field[i];
			uint8_t *m = (uint8_t *)&bits + f->at;
			int err = 0;

			if (!tc_any(m, f->size))
				continue;
			if (f->transport)
				err = check_whole(value, mask, set->field, r);
			if (!err)
				err = write_field(e, f, (uint8_t *)&to + f->at, m, r);
			if (err)
				return err;
			e->sums |=
				MUTATE(512, f->ipv4_sum, false) ? TCA_CSUM_UPDATE_FLAG_IPV4HDR : 0;
			e->sums |=
				MUTATE(513, f->transport, false) ? transport_sums(value, mask) : 0;
			memset(m, 0, f->size);
		}
	}
	if (tc_any(&bits, sizeof(bits)))
		return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION, set->field,
			"TC does not write it in packets that are known to be no more than this");
	return 0;
}

int tc_pedit_dec_ttl(struct tc_edits *e, const struct hal_key *value, const struct hal_key *mask,
	struct hal_reason *r)
{
	const bool known = mask->eth_type == RTE_BE16(0xffff);
	struct tc_pedit_word *w;
	unsigned byte;

	if (known && value->eth_type == RTE_BE16(ETH_P_IP)) {
		w = word_at(e, TCA_PEDIT_KEY_EX_HDR_TYPE_IP4, TCA_PEDIT_KEY_EX_CMD_ADD, 8);
		byte = MUTATE(541, 0, 1);
		e->sums |= MUTATE(511, TCA_CSUM_UPDATE_FLAG_IPV4HDR, 0);
	} else if (known && value->eth_type == RTE_BE16(ETH_P_IPV6)) {
		w = word_at(e, TCA_PEDIT_KEY_EX_HDR_TYPE_IP6, TCA_PEDIT_KEY_EX_CMD_ADD, 4);
		byte = MUTATE(517, 3, 2);
	} else {
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_DEC_TTL,
			"the packet is not known to be IP");
	}
	if (!w)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_DEC_TTL,
			"more than %u words of headers are written", TC_PEDIT_KEYS);
	w->bits[byte] = w->value[byte] = MUTATE(537, 0xff, 0xfe); /* -1 */
	return 0;
}

/* ---- to and from netlink ---- */

static void to_key(const struct tc_pedit_word *w, struct tc_pedit_key *key)
{
	uint32_t bits, value;

	memcpy(&bits, w->bits, sizeof(bits));
	memcpy(&value, w->value, sizeof(value));
	*key = (struct tc_pedit_key){.mask = ~bits, .val = value, .off = w->offset};
}

int tc_pedit_put(struct nl_msg *msg, const struct tc_edits *e)
{
	struct {
		struct tc_pedit_sel sel;
		struct tc_pedit_key key[TC_PEDIT_KEYS];
	} parms = {.sel = {.action = TC_ACT_PIPE, .nkeys = (unsigned char)e->n}};
	struct nlattr *list;

	for (unsigned i = 0; i < e->n; i++)
		to_key(&e->word[i], &parms.key[i]);
	if (nla_put(msg, TCA_PEDIT_PARMS_EX, (int)(sizeof(parms.sel) + e->n * sizeof(parms.key[0])),
		    &parms))
		return -ENOMEM;
	list = nla_nest_start(msg, TCA_PEDIT_KEYS_EX);
	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < e->n; i++) {
		struct nlattr *one = nla_nest_start(msg, TCA_PEDIT_KEY_EX);

		if (!one || nla_put_u16(msg, TCA_PEDIT_KEY_EX_HTYPE, e->word[i].header) ||
			nla_put_u16(msg, TCA_PEDIT_KEY_EX_CMD, e->word[i].cmd))
			return -ENOMEM;
		nla_nest_end(msg, one);
	}
	nla_nest_end(msg, list);
	return 0;
}

static int parse_extended(struct nlattr *one, struct tc_pedit_word *w)
{
	struct nlattr *ex[TCA_PEDIT_KEY_EX_MAX + 1];

	if (nla_parse_nested(ex, TCA_PEDIT_KEY_EX_MAX, one, NULL) || !ex[TCA_PEDIT_KEY_EX_HTYPE] ||
		!ex[TCA_PEDIT_KEY_EX_CMD] || nla_len(ex[TCA_PEDIT_KEY_EX_HTYPE]) < 2 ||
		nla_len(ex[TCA_PEDIT_KEY_EX_CMD]) < 2)
		return -EINVAL;
	w->header = nla_get_u16(ex[TCA_PEDIT_KEY_EX_HTYPE]);
	w->cmd = nla_get_u16(ex[TCA_PEDIT_KEY_EX_CMD]);
	return 0;
}

static int parse_key(const struct tc_pedit_key *key, struct tc_pedit_word *w)
{
	const uint32_t bits = ~key->mask;

	if (key->offmask || key->off % 4 || key->val & key->mask)
		return -EINVAL;
	memcpy(w->bits, &bits, sizeof(bits));
	memcpy(w->value, &key->val, sizeof(w->value));
	w->offset = key->off;
	return 0;
}

int tc_pedit_parse(struct nlattr *options, struct tc_edits *e)
{
	struct nlattr *a[TCA_PEDIT_MAX + 1], *one;
	struct tc_pedit_sel sel;
	int left, len;
	unsigned n = 0;

	memset(e, 0, sizeof(*e));
	if (nla_parse_nested(a, TCA_PEDIT_MAX, options, NULL) || !a[TCA_PEDIT_PARMS_EX] ||
		!a[TCA_PEDIT_KEYS_EX])
		return -EINVAL;
	len = nla_len(a[TCA_PEDIT_PARMS_EX]);
	if (len < (int)sizeof(sel))
		return -EINVAL;
	memcpy(&sel, nla_data(a[TCA_PEDIT_PARMS_EX]), sizeof(sel));
	if (sel.nkeys > TC_PEDIT_KEYS || sel.action != TC_ACT_PIPE ||
		len < (int)(sizeof(sel) + sel.nkeys * sizeof(struct tc_pedit_key)))
		return -EINVAL;
	nla_for_each_nested(one, a[TCA_PEDIT_KEYS_EX], left)
	{
		struct tc_pedit_key key;
		const uint8_t *at = nla_data(a[TCA_PEDIT_PARMS_EX]);

		if (n == sel.nkeys)
			return -EINVAL;
		memcpy(&key, at + sizeof(sel) + n * sizeof(key), sizeof(key));
		if (parse_extended(one, &e->word[n]) || parse_key(&key, &e->word[n]))
			return -EINVAL;
		n++;
	}
	e->n = n;
	return n == sel.nkeys ? 0 : -EINVAL;
}

/* ---- back to steps ---- */

/* The bytes of a field that words write, taken off them. True if there are any. */
static bool take_field(
	struct tc_edits *e, const struct tc_pedit_field *f, uint8_t *value, uint8_t *mask)
{
	const unsigned n = f->size + (f->shift ? 1u : 0u);
	uint8_t v[17] = {0}, m[17] = {0};

	for (unsigned i = 0; i < e->n; i++) {
		struct tc_pedit_word *w = &e->word[i];

		if (w->header != f->header || w->cmd != TCA_PEDIT_KEY_EX_CMD_SET)
			continue;
		for (unsigned b = 0; b < 4; b++) {
			const unsigned at = w->offset + b - f->offset;
			uint8_t own = 0xff;

			if (at >= n)
				continue;
			if (f->shift)
				own = at ? 0xf0 : 0x0f;
			else if (f->size == 4 && f->at == offsetof(struct hal_key, ipv6_flabel))
				own = at == 0 ? 0 : at == 1 ? 0x0f : 0xff;
			m[at] |= w->bits[b] & own;
			v[at] |= w->value[b] & own;
			w->bits[b] &= (uint8_t)~own;
			w->value[b] &= (uint8_t)~own;
		}
	}
	if (f->shift) {
		m[0] = (uint8_t)(m[0] << 4 | m[1] >> 4);
		v[0] = (uint8_t)(v[0] << 4 | v[1] >> 4);
	}
	memcpy(value, v, f->size);
	memcpy(mask, m, f->size);
	return tc_any(m, f->size);
}

/* Whether the field has these bytes, is there in packets like this, and can be written so that no
 * other bits are. */
static bool fits(enum hal_field_id id, const struct tc_pedit_field *f, const struct hal_key *value,
	const struct hal_key *mask, const struct hal_key *bits)
{
	const struct hal_field *hf = &hal_fields[id];

	if (hf->offset != f->at || hf->size != f->size || !hf->writable ||
		!hal_field_prereq_ok(id, value, mask))
		return false;
	return hf->maskable == MASK_NONE ? hal_field_all(id, bits) : hal_field_any(id, bits);
}

static int add_steps(const struct tc_pedit_field *f, const struct hal_key *value,
	const struct hal_key *mask, const uint8_t *v, const uint8_t *m, struct hal_builder *b)
{
	static const uint8_t zero[HAL_VALUE_MAX];
	struct hal_key to = {0}, bits = {0};

	memcpy((uint8_t *)&to + f->at, v, f->size);
	memcpy((uint8_t *)&bits + f->at, m, f->size);
	for (enum hal_field_id id = 0; id < FIELD_MAX; id++) {
		uint8_t wire_value[HAL_VALUE_MAX] = {0}, wire_mask[HAL_VALUE_MAX] = {0};

		if (!fits(id, f, value, mask, &bits))
			continue;
		hal_field_get(id, &to, wire_value);
		hal_field_get(id, &bits, wire_mask);
		hal_build_set(b, id, wire_value, wire_mask);
		hal_field_set(id, &bits, zero, NULL);
	}
	return tc_any(&bits, sizeof(bits)) ? -EINVAL : 0;
}

static bool is_dec_ttl(const struct tc_pedit_word *w, const struct hal_key *value)
{
	const bool v4 = value->eth_type == RTE_BE16(ETH_P_IP);
	const uint8_t v4_bits[4] = {0xff}, v6_bits[4] = {0, 0, 0, 0xff};

	return w->cmd == TCA_PEDIT_KEY_EX_CMD_ADD &&
	       w->header == (v4 ? TCA_PEDIT_KEY_EX_HDR_TYPE_IP4 : TCA_PEDIT_KEY_EX_HDR_TYPE_IP6) &&
	       w->offset == (v4 ? 8 : 4) && !memcmp(w->bits, v4 ? v4_bits : v6_bits, 4) &&
	       !memcmp(w->value, w->bits, 4);
}

/* What words that only set write, field by field. */
static int set_steps(struct tc_edits *e, const struct hal_key *value, const struct hal_key *mask,
	struct hal_builder *b)
{
	struct tc_pedit_list list[TC_PEDIT_HEADERS];

	tc_pedit_fields(value, mask, list);
	for (unsigned h = 0; h < TC_PEDIT_HEADERS; h++) {
		for (unsigned i = 0; i < list[h].n; i++) {
			const struct tc_pedit_field *f = &list[h].field[i];
			uint8_t v[16], m[16];

			if (take_field(e, f, v, m) && add_steps(f, value, mask, v, m, b))
				return -EINVAL;
		}
	}
	for (unsigned i = 0; i < e->n; i++)
		if (tc_any(e->word[i].bits, sizeof(e->word[i].bits)))
			return -EINVAL;
	return 0;
}

int tc_pedit_steps(const struct tc_edits *edits, const struct hal_key *value,
	const struct hal_key *mask, struct hal_builder *b)
{
	struct tc_edits run = {0};
	int err;

	for (unsigned i = 0; i < edits->n; i++) {
		const struct tc_pedit_word *w = &edits->word[i];

		if (w->cmd == TCA_PEDIT_KEY_EX_CMD_SET) {
			run.word[run.n++] = *w;
			continue;
		}
		if (!is_dec_ttl(w, value))
			return -EINVAL;
		err = set_steps(&run, value, mask, b);
		if (err)
			return err;
		run.n = 0;
		hal_build_plain(b, ACTION_DEC_TTL);
	}
	return set_steps(&run, value, mask, b);
}
