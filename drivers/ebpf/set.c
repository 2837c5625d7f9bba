/* SPDX-License-Identifier: Apache-2.0
 *
 * SETs as steps: where a field lies, and which checksums cover it.
 *
 * A field that a checksum covers is written in whole 16-bit words, one of 16 bytes in two steps.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "drivers/ebpf/code.h"
#include "hal/base/be.h"
#include "hal/mutation.h"

#define SUM_ADDRESS (EBPF_SUM_IP | EBPF_SUM_PSEUDO)

enum kind { KIND_NONE, KIND_HEADER, KIND_IP, KIND_VLAN, KIND_MARK };

struct place {
	uint8_t kind;
	uint8_t base; /* enum ebpf_base; KIND_IP: by the match */
	uint8_t at, size;
	uint8_t shift; /* of the field's lowest bit in the member */
	uint8_t sum;
	uint8_t proto;
};

#define HEADER(BASE, AT, SIZE, SHIFT, SUM)                        \
	{                                                         \
		KIND_HEADER, EBPF_##BASE, AT, SIZE, SHIFT, SUM, 0 \
	}
#define PORTS(ID)                                                                        \
	[FIELD_##ID##_SRC] = {KIND_HEADER, EBPF_L4, 0, 2, 0, EBPF_SUM_L4, IPPROTO_##ID}, \
	[FIELD_##ID##_DST] = {KIND_HEADER, EBPF_L4, 2, 2, 0, EBPF_SUM_L4, IPPROTO_##ID}
#define MESSAGE(ID, PROTO)                                                         \
	[FIELD_##ID##_TYPE] = {KIND_HEADER, EBPF_L4, 0, 2, 8, EBPF_SUM_L4, PROTO}, \
	[FIELD_##ID##_CODE] = {KIND_HEADER, EBPF_L4, 0, 2, 0, EBPF_SUM_L4, PROTO}

static const struct place places[FIELD_MAX] = {
	[FIELD_PKT_MARK] = {.kind = KIND_MARK},
	[FIELD_ETH_DST] = HEADER(FRAME, 0, 6, 0, 0),
	[FIELD_ETH_SRC] = HEADER(FRAME, 6, 6, 0, 0),
	[FIELD_VLAN_TCI] = {.kind = KIND_VLAN},
	[FIELD_VLAN_VID] = {.kind = KIND_VLAN},
	[FIELD_VLAN_PCP] = {.kind = KIND_VLAN, .shift = 13},
	[FIELD_MPLS_LABEL] = HEADER(MPLS, 0, 4, 12, 0),
	[FIELD_MPLS_TC] = HEADER(MPLS, 0, 4, 9, 0),
	[FIELD_MPLS_BOS] = HEADER(MPLS, 0, 4, 8, 0),
	[FIELD_MPLS_TTL] = HEADER(MPLS, 0, 4, 0, 0),
	[FIELD_IPV4_SRC] = HEADER(IPV4, 12, 4, 0, SUM_ADDRESS),
	[FIELD_IPV4_DST] = HEADER(IPV4, 16, 4, 0, SUM_ADDRESS),
	[FIELD_IPV6_SRC] = HEADER(IPV6, 8, 16, 0, EBPF_SUM_PSEUDO),
	[FIELD_IPV6_DST] = HEADER(IPV6, 24, 16, 0, EBPF_SUM_PSEUDO),
	[FIELD_IPV6_FLABEL] = HEADER(IPV6, 0, 4, 0, 0),
	/* By the match's EtherType: ip_place(). */
	[FIELD_IP_DSCP] = {.kind = KIND_IP, .shift = 2},
	[FIELD_IP_ECN] = {.kind = KIND_IP},
	[FIELD_NW_TOS] = {.kind = KIND_IP},
	[FIELD_IP_TTL] = {.kind = KIND_IP},
	[FIELD_ARP_OP] = HEADER(ARP, 6, 2, 0, 0),
	[FIELD_ARP_SHA] = HEADER(ARP, 8, 6, 0, 0),
	[FIELD_ARP_SPA] = HEADER(ARP, 14, 4, 0, 0),
	[FIELD_ARP_THA] = HEADER(ARP, 18, 6, 0, 0),
	[FIELD_ARP_TPA] = HEADER(ARP, 24, 4, 0, 0),
	PORTS(TCP),
	PORTS(UDP),
	MESSAGE(ICMPV4, IPPROTO_ICMP),
	MESSAGE(ICMPV6, IPPROTO_ICMPV6),
	[FIELD_ND_TARGET] = HEADER(ND_TARGET, 0, 16, 0, EBPF_SUM_L4),
	[FIELD_ND_SLL] = HEADER(ND_SLL, 0, 6, 0, EBPF_SUM_L4),
	[FIELD_ND_TLL] = HEADER(ND_TLL, 0, 6, 0, EBPF_SUM_L4),
};

bool ebpf_set_can(enum hal_field_id field)
{
	return field < FIELD_MAX && places[field].kind != KIND_NONE;
}

static bool is_eth_type(const struct hal_match *m, uint16_t type)
{
	return m->mask.dp.eth_type == RTE_BE16(0xffff) &&
	       m->value.dp.eth_type == rte_cpu_to_be_16(type);
}

/* The fields that both versions of IP have. IPv6's traffic class begins in the middle of a byte. */
static int ip_place(const struct hal_cmatch *match, enum hal_field_id field, struct place *p,
	struct hal_reason *r)
{
	const bool ttl = field == FIELD_IP_TTL;
	struct hal_match m;

	hal_cmatch_expand(match, &m);
	if (is_eth_type(&m, RTE_ETHER_TYPE_IPV4)) {
		*p = (struct place){KIND_HEADER, EBPF_IPV4, ttl ? 8 : 0, 2,
			(uint8_t)(p->shift + (ttl ? 8 : 0)), MUTATE(611, EBPF_SUM_IP, 0), 0};
		return 0;
	}
	if (is_eth_type(&m, RTE_ETHER_TYPE_IPV6)) {
		*p = (struct place){KIND_HEADER, EBPF_IPV6, ttl ? 7 : 0, ttl ? 1 : 2,
			(uint8_t)(p->shift + (ttl ? 0 : MUTATE(612, 4, 0))), 0, 0};
		return 0;
	}
	return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION, field,
		"it is written into a header whose IP version the match leaves open");
}

/* Bits of the member that may be written. */
static uint64_t writable_bits(enum hal_field_id field)
{
	switch (field) {
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID: /* "present" in a key, drop eligible in a packet */
		return ~(uint64_t)HAL_VLAN_PRESENT;
	case FIELD_NW_TOS: /* written as a byte, but ECN is not its own */
		return ~(uint64_t)3;
	default:
		return UINT64_MAX;
	}
}

/* The next step, NULL if there is no room. */
static struct ebpf_step *add(
	struct ebpf_code *code, uint8_t op, enum hal_field_id field, struct hal_reason *r)
{
	struct ebpf_step *s = &code->step[code->n];

	if (code->n == EBPF_STEPS) {
		hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_SET,
			"a rule has at most %u steps here", EBPF_STEPS);
		return NULL;
	}
	code->n++;
	*s = (struct ebpf_step){.op = op, .field = (uint8_t)field};
	return s;
}

/* A value as it lies in memory, and that of a number. */
static uint64_t in_memory(const uint8_t *bytes, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, bytes, n);
	return v;
}

static uint64_t stored(uint64_t number, unsigned n)
{
	uint8_t bytes[8];

	be_store(bytes, n, number);
	return in_memory(bytes, n);
}

static void fill(struct ebpf_step *s, const struct place *p)
{
	s->base = p->base;
	s->at = p->at;
	s->size = p->size;
	s->sum = p->sum;
	s->proto = p->proto;
}

static int add_long(
	struct ebpf_code *code, const struct hal_act_set *set, struct place p, struct hal_reason *r)
{
	p.size = 8;
	for (unsigned half = 0; half < 2; half++) {
		struct ebpf_step *s = add(code, EBPF_SET, set->field, r);

		if (!s)
			return -EOPNOTSUPP;
		fill(s, &p);
		s->arg = half;
		s->mask = in_memory(set->mask + 8 * half, 8);
		s->value = in_memory(set->value + 8 * half, 8) & s->mask;
		p.at = (uint8_t)(p.at + 8);
	}
	return 0;
}

int ebpf_set_encode(const struct hal_cmatch *match, const struct hal_act_set *set,
	struct ebpf_code *code, struct hal_reason *r)
{
	const unsigned bytes = hal_field_bytes(set->field);
	struct place p = places[set->field];
	struct ebpf_step *s;
	uint64_t v, m;
	int err = 0;

	if (p.kind == KIND_IP)
		err = ip_place(match, set->field, &p, r);
	if (err)
		return err;
	if (p.kind == KIND_HEADER && p.size == 16)
		return add_long(code, set, p, r);
	s = add(code,
		p.kind == KIND_VLAN   ? EBPF_SET_VLAN
		: p.kind == KIND_MARK ? EBPF_SET_MARK
				      : EBPF_SET,
		set->field, r);
	if (!s)
		return -EOPNOTSUPP;
	v = be_load(set->value, bytes);
	m = be_load(set->mask, bytes);
	if (bytes <= 4) { /* as it was asked for */
		s->arg = (uint32_t)v;
		s->arg2 = (uint32_t)m;
	}
	m &= MUTATE(613, writable_bits(set->field), UINT64_MAX);
	v = (v & m) << MUTATE(614, p.shift, 0);
	m <<= MUTATE(614, p.shift, 0);
	switch ((enum kind)p.kind) {
	case KIND_VLAN:
		s->value = v;
		s->mask = m;
		break;
	case KIND_MARK:
		s->value = stored(v, 4);
		s->mask = stored(m, 4);
		break;
	default:
		fill(s, &p);
		s->value = stored(v, p.size);
		s->mask = stored(m, p.size);
		break;
	}
	return 0;
}

unsigned ebpf_set_decode(const struct ebpf_code *code, unsigned i, struct hal_act_set *out)
{
	const struct ebpf_step *s = &code->step[i];
	const enum hal_field_id field = s->field;
	unsigned bytes;

	memset(out, 0, sizeof(*out));
	if (!ebpf_set_can(field))
		return 0;
	out->field = (uint16_t)field;
	bytes = hal_field_bytes(field);
	if (bytes == 16) {
		if (i + 1 >= code->n || s[1].field != field)
			return 0;
		for (unsigned half = 0; half < 2; half++) {
			memcpy(out->value + 8 * half, &s[half].value, 8);
			memcpy(out->mask + 8 * half, &s[half].mask, 8);
		}
		return 2;
	}
	if (bytes <= 4) {
		be_store(out->value, bytes, s->arg);
		be_store(out->mask, bytes, s->arg2);
		return 1;
	}
	memcpy(out->value, &s->value, bytes);
	memcpy(out->mask, &s->mask, bytes);
	return 1;
}
