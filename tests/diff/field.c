/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const struct field fields[D_MAX] = {
#define FIELD(ID, ...) [D_##ID] = {__VA_ARGS__},
	DIFF_FIELDS(FIELD)
#undef FIELD
};

const char *const mask_kind_name[] = {"exact", "prefix", "any"};

/* Bit i of the field, counted from its most significant one. */
static void bit_set(struct value *v, enum fid id, unsigned i)
{
	unsigned at = fields[id].bytes * 8u - fields[id].bits + i;

	v->b[at / 8] |= (uint8_t)(0x80 >> (at % 8));
}

static bool bit_get(const struct value *v, enum fid id, unsigned i)
{
	unsigned at = fields[id].bytes * 8u - fields[id].bits + i;

	return v->b[at / 8] & (0x80 >> (at % 8));
}

struct value field_full(enum fid id)
{
	struct value v = {{0}};

	for (unsigned i = 0; i < fields[id].bits; i++)
		bit_set(&v, id, i);
	return v;
}

struct value field_mask(struct rng *r, enum fid id, enum mask_kind kind)
{
	unsigned bits = fields[id].bits;
	struct value v = {{0}};

	if (kind == K_EXACT || bits < 3)
		return field_full(id);
	if (kind == K_PREFIX) {
		/* Whole bytes and odd lengths alike; rarely very short ones. */
		unsigned len = rng_chance(r, 50) ? 8 * rng_range(r, 1, bits / 8 ? bits / 8 : 1)
						 : rng_range(r, bits > 8 ? bits / 3 : 1, bits - 1);

		if (len >= bits)
			len = bits - 1;
		for (unsigned i = 0; i < len; i++)
			bit_set(&v, id, i);
		return v;
	}
	do {
		memset(&v, 0, sizeof(v));
		for (unsigned i = 0; i < bits; i++)
			if (rng_chance(r, 50))
				bit_set(&v, id, i);
		if (id == D_VLAN_VID)
			bit_set(&v, id, 0); /* "a tag is there" */
		/* ovs-ofctl takes a mask that begins with a decimal digit for a prefix length. */
		if (fields[id].format == F_IPV6)
			v.b[0] |= 0xf0;
	} while (field_mask_kind(id, &v) != K_ANY);
	return v;
}

enum mask_kind field_mask_kind(enum fid id, const struct value *mask)
{
	unsigned i = 0, ones;

	while (i < fields[id].bits && bit_get(mask, id, i))
		i++;
	ones = i;
	for (; i < fields[id].bits; i++)
		if (bit_get(mask, id, i))
			return K_ANY;
	return ones == fields[id].bits ? K_EXACT : ones ? K_PREFIX : K_ANY;
}

static int print_one(char *buf, size_t n, enum fid id, const struct value *v, enum format fmt)
{
	char text[INET6_ADDRSTRLEN];
	int at;

	switch (fmt) {
	case F_DEC:
		return snprintf(buf, n, "%llu", (unsigned long long)value_get(id, v));
	case F_MAC:
		return snprintf(buf, n, "%02x:%02x:%02x:%02x:%02x:%02x", v->b[0], v->b[1], v->b[2],
			v->b[3], v->b[4], v->b[5]);
	case F_IPV4:
		return snprintf(buf, n, "%s", inet_ntop(AF_INET, v->b, text, sizeof(text)));
	case F_IPV6:
		return snprintf(buf, n, "%s", inet_ntop(AF_INET6, v->b, text, sizeof(text)));
	default:
		at = snprintf(buf, n, "0x");
		for (unsigned i = 0; i < fields[id].bytes; i++)
			at += snprintf(buf + at, n - (size_t)at, "%02x", v->b[i]);
		return at;
	}
}

void field_print(char *buf, size_t n, enum fid id, const struct value *v, const struct value *mask)
{
	static const char *const frag[] = {"no", "first", "later", "not_later"};
	int at;

	if (fields[id].format == F_FRAG) {
		snprintf(buf, n, "%s", frag[v->b[0] & 3]);
		return;
	}
	at = print_one(buf, n, id, v, fields[id].format);
	if (mask && field_mask_kind(id, mask) != K_EXACT) {
		enum format fmt = fields[id].format == F_DEC ? F_HEX : fields[id].format;

		at += snprintf(buf + at, n - (size_t)at, "/");
		print_one(buf + at, n - (size_t)at, id, mask, fmt);
	}
}

struct value value_u64(enum fid id, uint64_t v)
{
	struct value out = {{0}};

	for (unsigned i = fields[id].bytes; i-- > 0; v >>= 8)
		out.b[i] = (uint8_t)v;
	return out;
}

uint64_t value_get(enum fid id, const struct value *v)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < fields[id].bytes; i++)
		out = out << 8 | v->b[i];
	return out;
}

bool layer_holds(enum layer l, uint16_t eth_type, uint8_t proto, uint8_t icmp_type)
{
	bool v4 = eth_type == 0x0800, v6 = eth_type == 0x86dd;

	switch (l) {
	case L_NONE:
		return true;
	case L_VLAN:
		return false;
	case L_IP:
		return v4 || v6;
	case L_IPV4:
		return v4;
	case L_IPV6:
		return v6;
	case L_ARP:
		return eth_type == 0x0806;
	case L_TCP:
		return (v4 || v6) && proto == 6;
	case L_UDP:
		return (v4 || v6) && proto == 17;
	case L_SCTP:
		return (v4 || v6) && proto == 132;
	case L_ICMP:
		return v4 && proto == 1;
	case L_ICMP6:
		return v6 && proto == 58;
	case L_ND:
		return v6 && proto == 58 && (icmp_type == 135 || icmp_type == 136);
	case L_NS:
		return v6 && proto == 58 && icmp_type == 135;
	case L_NA:
		return v6 && proto == 58 && icmp_type == 136;
	}
	return false;
}
