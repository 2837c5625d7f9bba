/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that rewrite a frame in place and keep its checksums right, whole or partial. A step
 * returns false when the frame lacks the header that it is about: the frame then ends there.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/action.h"
#include "hal/mutation.h"
#include "tools/simnic/nic.h"

/* The headers behind a tag moved by `by` bytes. */
static void shift_offsets(struct nic_packet *p, int by)
{
	if (nic_partial(p))
		p->vnet.csum_start = (uint16_t)(p->vnet.csum_start + by);
	if (p->vnet.gso_type)
		p->vnet.hdr_len = (uint16_t)(p->vnet.hdr_len + by);
	nic_parse(p, NULL);
}

static bool push_vlan(struct nic_packet *p, const struct sim_act_vlan *v)
{
	if (p->len < 14 || p->headroom < 4)
		return false;
	p->data -= 4;
	p->headroom -= 4;
	p->len += 4;
	memmove(p->data, p->data + 4, 12);
	memcpy(p->data + 12, &v->tpid, 2);
	memcpy(p->data + 14, &v->tci, 2);
	shift_offsets(p, 4);
	return true;
}

static bool pop_vlan(struct nic_packet *p)
{
	/* The outermost tag is the one behind the addresses. */
	uint32_t before = MUTATE(204, 12u, p->tags > 1 ? 16u : 12u);

	if (!p->tags)
		return false;
	memmove(p->data + 4, p->data, before);
	p->data += 4;
	p->headroom += 4;
	p->len -= 4;
	shift_offsets(p, -4);
	return true;
}

static bool push_mpls(struct nic_packet *p, const struct sim_act_mpls *m)
{
	uint32_t at = p->type + 2;

	if (!p->type || p->headroom < 4)
		return false;
	p->data -= 4;
	p->headroom -= 4;
	p->len += 4;
	memmove(p->data, p->data + 4, at);
	memcpy(p->data + at - 2, &m->eth_type, 2);
	memcpy(p->data + at, &m->lse, 4);
	shift_offsets(p, 4);
	return true;
}

static bool pop_mpls(struct nic_packet *p, const struct sim_act_mpls *m)
{
	uint32_t at = p->type + 2;

	if (!p->mpls)
		return false;
	memmove(p->data + 4, p->data, at);
	p->data += 4;
	p->headroom += 4;
	p->len -= 4;
	memcpy(p->data + at - 2, &m->eth_type, 2);
	shift_offsets(p, -4);
	return true;
}

/* Writes `n` bytes at `at` under a mask; says what they were and are. */
static void write_masked(uint8_t *at, const uint8_t *value, const uint8_t *mask, unsigned n,
	uint8_t *from, uint8_t *to)
{
	memcpy(from, at, n);
	for (unsigned i = 0; i < n; i++)
		at[i] = (uint8_t)((at[i] & ~mask[i]) | (value[i] & mask[i]));
	memcpy(to, at, n);
}

static bool set_tci(struct nic_packet *p, unsigned value, unsigned mask)
{
	unsigned tci;

	if (!p->tags)
		return false;
	mask &= 0xefff; /* the bit that says "tagged" in a key is the drop-eligible bit here */
	tci = (unsigned)p->data[14] << 8 | p->data[15];
	tci = (tci & ~mask) | (value & mask);
	p->data[14] = (uint8_t)(tci >> 8);
	p->data[15] = (uint8_t)tci;
	return true;
}

static bool set_ip4_address(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[4], to[4];

	if (!p->ip4)
		return false;
	write_masked(p->data + p->l3 + offset, value, mask, 4, from, to);
	nic_checksum_ip(p, from, to, 4);
	nic_checksum_l4(p, from, to, 4, true);
	return true;
}

static bool set_ip6_address(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[16], to[16];

	if (!p->ip6)
		return false;
	write_masked(p->data + p->l3 + offset, value, mask, 16, from, to);
	if (offset == 8 || !p->routed)
		nic_checksum_l4(p, from, to, 16, true);
	return true;
}

static bool set_tos(struct nic_packet *p, uint8_t value, uint8_t mask)
{
	uint8_t from[2], to[2], v[2] = {0, value}, m[2] = {0, mask};

	if (p->ip6) { /* the traffic class lies across two bytes */
		v[0] = (uint8_t)(value >> 4);
		v[1] = (uint8_t)(value << 4);
		m[0] = (uint8_t)(mask >> 4);
		m[1] = (uint8_t)(mask << 4);
	}
	if (!p->l3)
		return false;
	write_masked(p->data + p->l3, v, m, 2, from, to);
	nic_checksum_ip(p, from, to, 2);
	return true;
}

static bool set_ttl(struct nic_packet *p, uint8_t value, uint8_t mask)
{
	uint8_t from[2], to[2], v[2] = {value, 0}, m[2] = {mask, 0};

	if (p->ip4) {
		write_masked(p->data + p->l3 + 8, v, m, 2, from, to);
		if (MUTATE(207, true, false))
			nic_checksum_ip(p, from, to, 2);
	} else if (p->ip6) {
		write_masked(p->data + p->l3 + 7, v, m, 1, from, to);
	}
	return p->l3;
}

static bool dec_ttl(struct nic_packet *p)
{
	uint8_t ttl;

	if (!p->l3)
		return false;
	ttl = p->data[p->l3 + (p->ip4 ? 8 : 7)];
	return ttl > 1 && set_ttl(p, (uint8_t)(ttl - 1), 0xff);
}

static void write_port(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[2], to[2];

	write_masked(p->data + p->l4 + offset, value, mask, 2, from, to);
	nic_checksum_l4(p, from, to, 2, false);
}

/* A frame without a whole transport header (a later fragment, say) goes on as it is. */
static bool set_l4_port(
	struct nic_packet *p, const struct sim_act_set *s, uint8_t proto, uint32_t offset)
{
	if (!p->l4)
		return true;
	if (p->l4_proto != proto)
		return false;
	write_port(p, offset, s->value, s->mask);
	return true;
}

/* The outermost label stack entry; the field's lowest bit is `shift` above the entry's. */
static bool set_mpls(struct nic_packet *p, const struct sim_act_set *s, unsigned shift)
{
	uint32_t value = 0, mask = 0, lse = 0;
	uint8_t *at = p->data + p->mpls;

	if (!p->mpls)
		return false;
	for (unsigned i = 0; i < s->bytes; i++) {
		value = value << 8 | s->value[i];
		mask = mask << 8 | s->mask[i];
	}
	for (unsigned i = 0; i < 4; i++)
		lse = lse << 8 | at[i];
	lse = (lse & ~(mask << shift)) | ((value & mask) << shift);
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(lse >> (24 - 8 * i));
	return true;
}

static bool set_eth(struct nic_packet *p, const struct sim_act_set *s, uint32_t offset)
{
	uint8_t unused[2][6];

	write_masked(p->data + offset, s->value, s->mask, 6, unused[0], unused[1]);
	return true;
}

static bool set_field(struct nic_packet *p, const struct sim_act_set *s)
{
	const uint8_t *v = s->value, *m = s->mask;

	switch (s->field) {
	case FIELD_ETH_DST:
		return set_eth(p, s, 0);
	case FIELD_ETH_SRC:
		return set_eth(p, s, 6);
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID:
		return set_tci(p, (unsigned)v[0] << 8 | v[1], (unsigned)m[0] << 8 | m[1]);
	case FIELD_VLAN_PCP:
		return set_tci(p, (unsigned)v[0] << 13, (unsigned)m[0] << 13);
	case FIELD_IPV4_SRC:
		return set_ip4_address(p, 12, v, m);
	case FIELD_IPV4_DST:
		return set_ip4_address(p, 16, v, m);
	case FIELD_IPV6_SRC:
		return set_ip6_address(p, 8, v, m);
	case FIELD_IPV6_DST:
		return set_ip6_address(p, 24, v, m);
	case FIELD_IP_DSCP:
		return set_tos(p, (uint8_t)(v[0] << 2), (uint8_t)(m[0] << 2));
	case FIELD_IP_ECN:
		return set_tos(p, v[0], m[0] & 3);
	case FIELD_NW_TOS: /* the byte without its ECN bits */
		return set_tos(p, v[0], m[0] & 0xfc);
	case FIELD_IP_TTL:
		return set_ttl(p, v[0], m[0]);
	case FIELD_TCP_SRC:
		return set_l4_port(p, s, IPPROTO_TCP, 0);
	case FIELD_TCP_DST:
		return set_l4_port(p, s, IPPROTO_TCP, 2);
	case FIELD_UDP_SRC:
		return set_l4_port(p, s, IPPROTO_UDP, 0);
	case FIELD_UDP_DST:
		return set_l4_port(p, s, IPPROTO_UDP, 2);
	case FIELD_MPLS_LABEL:
		return set_mpls(p, s, 12);
	case FIELD_MPLS_TC:
		return set_mpls(p, s, 9);
	case FIELD_MPLS_BOS:
		return set_mpls(p, s, 8);
	case FIELD_MPLS_TTL:
		return set_mpls(p, s, 0);
	default: /* check.c takes no rule with another one */
		if (!nic_field_is_meta(s->field))
			return false;
		nic_meta_set(s->field, &p->meta, v, m);
		return true;
	}
}

bool nic_rewrite(struct nic_packet *p, uint16_t type, const uint8_t *arg)
{
	struct sim_act_vlan vlan;
	struct sim_act_mpls mpls;
	struct sim_act_set set;

	switch (type) {
	case ACTION_PUSH_VLAN:
		memcpy(&vlan, arg, sizeof(vlan));
		return push_vlan(p, &vlan);
	case ACTION_POP_VLAN:
		return pop_vlan(p);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		memcpy(&mpls, arg, sizeof(mpls));
		return type == ACTION_PUSH_MPLS ? push_mpls(p, &mpls) : pop_mpls(p, &mpls);
	case ACTION_SET:
		memcpy(&set, arg, sizeof(set));
		return set_field(p, &set);
	case ACTION_DEC_TTL:
		return dec_ttl(p);
	default:
		return false;
	}
}

void nic_rewrite_tuple(struct nic_packet *p, const struct hal_connection *c)
{
	static const uint8_t all[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (p->ip4) {
		set_ip4_address(p, 12, c->new_src, all);
		set_ip4_address(p, 16, c->new_dst, all);
	} else {
		set_ip6_address(p, 8, c->new_src, all);
		set_ip6_address(p, 24, c->new_dst, all);
	}
	write_port(p, 0, (const uint8_t *)&c->new_tp_src, all);
	write_port(p, 2, (const uint8_t *)&c->new_tp_dst, all);
}

bool nic_rewrite_dscp(struct nic_packet *p, uint8_t dscp)
{
	return set_tos(p, (uint8_t)(dscp << 2), 0xfc);
}
