/* SPDX-License-Identifier: Apache-2.0
 *
 * The action engine: rewrites a frame in place, step after step, and keeps its checksums right,
 * whole or partial.
 */
#include <string.h>

#include "hal/action.h"
#include "hal/mutation.h"
#include "tools/simnic/nic.h"

/* Before the frame is written to: outputs that still point at it leave. */
static void own(struct nic *nic, struct nic_packet *p)
{
	if (p->queued)
		nic_port_flush_all(nic);
	p->queued = false;
}

/* The headers behind a tag moved by `by` bytes. */
static void shift_offsets(struct nic_packet *p, int by)
{
	if (nic_partial(p))
		p->vnet.csum_start = (uint16_t)(p->vnet.csum_start + by);
	if (p->vnet.gso_type)
		p->vnet.hdr_len = (uint16_t)(p->vnet.hdr_len + by);
	nic_parse(p, NULL);
}

static void push_vlan(struct nic_packet *p, const struct sim_act_vlan *v)
{
	if (p->len < 14 || p->headroom < 4)
		return;
	p->data -= 4;
	p->headroom -= 4;
	p->len += 4;
	memmove(p->data, p->data + 4, 12);
	memcpy(p->data + 12, &v->tpid, 2);
	memcpy(p->data + 14, &v->tci, 2);
	shift_offsets(p, 4);
}

static void pop_vlan(struct nic_packet *p)
{
	/* The outermost tag is the one behind the addresses. */
	uint32_t before = MUTATE(204, 12u, p->tags > 1 ? 16u : 12u);

	if (!p->tags)
		return;
	memmove(p->data + 4, p->data, before);
	p->data += 4;
	p->headroom += 4;
	p->len -= 4;
	shift_offsets(p, -4);
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

static void set_tci(struct nic_packet *p, unsigned value, unsigned mask)
{
	unsigned tci;

	if (!p->tags)
		return;
	mask &= 0xefff; /* the bit that says "tagged" in a key is the drop-eligible bit here */
	tci = (unsigned)p->data[14] << 8 | p->data[15];
	tci = (tci & ~mask) | (value & mask);
	p->data[14] = (uint8_t)(tci >> 8);
	p->data[15] = (uint8_t)tci;
}

static void set_ip4_address(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[4], to[4];

	if (!p->ip4)
		return;
	write_masked(p->data + p->l3 + offset, value, mask, 4, from, to);
	nic_checksum_ip(p, from, to, 4);
	nic_checksum_l4(p, from, to, 4, true);
}

static void set_ip6_address(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[16], to[16];

	if (!p->ip6)
		return;
	write_masked(p->data + p->l3 + offset, value, mask, 16, from, to);
	if (offset == 8 || !p->routed)
		nic_checksum_l4(p, from, to, 16, true);
}

static void set_tos(struct nic_packet *p, uint8_t value, uint8_t mask)
{
	uint8_t from[2], to[2], v[2] = {0, value}, m[2] = {0, mask};

	if (p->ip6) { /* the traffic class lies across two bytes */
		v[0] = (uint8_t)(value >> 4);
		v[1] = (uint8_t)(value << 4);
		m[0] = (uint8_t)(mask >> 4);
		m[1] = (uint8_t)(mask << 4);
	}
	if (!p->l3)
		return;
	write_masked(p->data + p->l3, v, m, 2, from, to);
	nic_checksum_ip(p, from, to, 2);
}

static void set_ttl(struct nic_packet *p, uint8_t value, uint8_t mask)
{
	uint8_t from[2], to[2], v[2] = {value, 0}, m[2] = {mask, 0};

	if (p->ip4) {
		write_masked(p->data + p->l3 + 8, v, m, 2, from, to);
		if (MUTATE(207, true, false))
			nic_checksum_ip(p, from, to, 2);
	} else if (p->ip6) {
		write_masked(p->data + p->l3 + 7, v, m, 1, from, to);
	}
}

static void dec_ttl(struct nic_packet *p)
{
	uint8_t ttl;

	if (!p->l3)
		return;
	ttl = p->data[p->l3 + (p->ip4 ? 8 : 7)];
	if (ttl > 1)
		set_ttl(p, (uint8_t)(ttl - 1), 0xff);
}

static void set_l4_port(
	struct nic_packet *p, uint32_t offset, const uint8_t *value, const uint8_t *mask)
{
	uint8_t from[2], to[2];

	if (!p->l4)
		return;
	write_masked(p->data + p->l4 + offset, value, mask, 2, from, to);
	nic_checksum_l4(p, from, to, 2, false);
}

static void set_field(struct nic_packet *p, const struct sim_act_set *s)
{
	uint8_t unused[2][6];

	switch (s->field) {
	case FIELD_ETH_DST:
		write_masked(p->data, s->value, s->mask, 6, unused[0], unused[1]);
		break;
	case FIELD_ETH_SRC:
		write_masked(p->data + 6, s->value, s->mask, 6, unused[0], unused[1]);
		break;
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID:
		set_tci(p, (unsigned)s->value[0] << 8 | s->value[1],
			(unsigned)s->mask[0] << 8 | s->mask[1]);
		break;
	case FIELD_VLAN_PCP:
		set_tci(p, (unsigned)s->value[0] << 13, (unsigned)s->mask[0] << 13);
		break;
	case FIELD_IPV4_SRC:
		set_ip4_address(p, 12, s->value, s->mask);
		break;
	case FIELD_IPV4_DST:
		set_ip4_address(p, 16, s->value, s->mask);
		break;
	case FIELD_IPV6_SRC:
		set_ip6_address(p, 8, s->value, s->mask);
		break;
	case FIELD_IPV6_DST:
		set_ip6_address(p, 24, s->value, s->mask);
		break;
	case FIELD_IP_DSCP:
		set_tos(p, (uint8_t)(s->value[0] << 2), (uint8_t)(s->mask[0] << 2));
		break;
	case FIELD_IP_ECN:
		set_tos(p, s->value[0], s->mask[0] & 3);
		break;
	case FIELD_NW_TOS:
		set_tos(p, s->value[0], s->mask[0]);
		break;
	case FIELD_IP_TTL:
		set_ttl(p, s->value[0], s->mask[0]);
		break;
	case FIELD_TCP_SRC:
	case FIELD_UDP_SRC:
		set_l4_port(p, 0, s->value, s->mask);
		break;
	case FIELD_TCP_DST:
	case FIELD_UDP_DST:
		set_l4_port(p, 2, s->value, s->mask);
		break;
	default: /* control.c takes no rule with another one */
		break;
	}
}

static void output(struct nic *nic, struct nic_packet *p, uint32_t id)
{
	struct nic_port *port = nic_port_find(nic, id);

	if (!port) {
		nic->drops++;
		return;
	}
	nic_port_send(nic, port, p);
	p->queued = true;
}

bool nic_actions_run(
	struct nic *nic, struct nic_packet *p, const uint8_t *tlvs, uint32_t len, uint32_t *chain)
{
	const uint8_t *end = tlvs + len;
	union {
		struct sim_act_vlan vlan;
		struct sim_act_set set;
		uint32_t number;
	} arg;
	struct sim_tlv tlv;

	for (; tlvs < end; tlvs += sizeof(tlv) + tlv.len) {
		memcpy(&tlv, tlvs, sizeof(tlv));
		memcpy(&arg, tlvs + sizeof(tlv), tlv.len < sizeof(arg) ? tlv.len : sizeof(arg));
		if (tlv.type == ACTION_OUTPUT) {
			output(nic, p, arg.number);
			continue;
		}
		if (tlv.type == ACTION_RECIRC) {
			*chain = arg.number;
			return true;
		}
		own(nic, p);
		if (tlv.type == ACTION_PUSH_VLAN)
			push_vlan(p, &arg.vlan);
		else if (tlv.type == ACTION_POP_VLAN)
			pop_vlan(p);
		else if (tlv.type == ACTION_SET)
			set_field(p, &arg.set);
		else if (tlv.type == ACTION_DEC_TTL)
			dec_ttl(p);
	}
	return false;
}
