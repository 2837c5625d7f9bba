/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <string.h>

struct writer {
	uint8_t *p;
	unsigned len;
};

static void put(struct writer *w, const void *data, unsigned n)
{
	memcpy(w->p + w->len, data, n);
	w->len += n;
}

static void put8(struct writer *w, unsigned v)
{
	w->p[w->len++] = (uint8_t)v;
}

static void put16(struct writer *w, unsigned v)
{
	put8(w, v >> 8);
	put8(w, v);
}

static void put32(struct writer *w, uint32_t v)
{
	put16(w, v >> 16);
	put16(w, v & 0xffff);
}

static void patch16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint64_t get(const struct model *m, enum fid id)
{
	return value_get(id, &m->f[id]);
}

uint16_t model_eth_type(const struct model *m)
{
	return (uint16_t)get(m, D_ETH_TYPE);
}

uint8_t model_proto(const struct model *m)
{
	return m->f[D_IP_PROTO].b[0];
}

/* RFC 1071. */
static uint32_t sum(const uint8_t *p, unsigned n, uint32_t s)
{
	for (; n > 1; n -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	if (n)
		s += (uint32_t)p[0] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* RFC 9260 appendix A. */
static uint32_t crc32c(const uint8_t *p, unsigned n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void put_payload(struct writer *w, const struct model *m, const uint8_t *id)
{
	for (unsigned i = 0; i < m->payload; i++)
		put8(w, (m->salt >> (i % 4 * 8)) + i);
	if (id)
		put(w, id, PACKET_ID_LEN);
}

static void put_tcp(struct writer *w, const struct model *m)
{
	put16(w, (unsigned)get(m, D_TCP_SRC));
	put16(w, (unsigned)get(m, D_TCP_DST));
	put32(w, m->salt);
	put32(w, ~m->salt);
	put16(w, 5u << 12 | (get(m, D_TCP_FLAGS) & 0xfff));
	put16(w, 8192);
	put32(w, 0);
}

static void put_udp(struct writer *w, const struct model *m)
{
	put16(w, (unsigned)get(m, D_UDP_SRC));
	put16(w, (unsigned)get(m, D_UDP_DST));
	put32(w, 0);
}

/* A DATA chunk (RFC 9260, 3.3.1) around the payload, whose length it needs to know. */
static void put_sctp(struct writer *w, const struct model *m)
{
	put16(w, (unsigned)get(m, D_SCTP_SRC));
	put16(w, (unsigned)get(m, D_SCTP_DST));
	put32(w, m->salt);
	put32(w, 0);
	put16(w, 0x0003);
	put16(w, 16 + m->payload + (m->trailer ? 0 : PACKET_ID_LEN));
	put32(w, m->salt);
	put32(w, 0);
	put32(w, 0);
}

static void put_icmp6(struct writer *w, const struct model *m)
{
	uint8_t type = m->f[D_ICMP6_TYPE].b[0];

	put8(w, type);
	put8(w, m->f[D_ICMP6_CODE].b[0]);
	put16(w, 0);
	put32(w, type == 135 || type == 136 ? 0 : m->salt);
	if (type != 135 && type != 136)
		return;
	put(w, m->f[D_ND_TARGET].b, 16);
	if (m->no_nd_option)
		return;
	put8(w, type == 135 ? 1 : 2);
	put8(w, 1);
	put(w, m->f[type == 135 ? D_ND_SLL : D_ND_TLL].b, 6);
}

/* The transport header, payload and id, with the checksum over them. `pseudo` is the sum of the
 * pseudo header's addresses. */
static void put_transport(
	struct writer *w, const struct model *m, uint32_t pseudo, const uint8_t *id)
{
	uint8_t *l4 = w->p + w->len;
	unsigned start = w->len, len;
	uint8_t proto = model_proto(m);
	bool v6 = model_eth_type(m) == 0x86dd;
	uint32_t crc;

	if (m->f[D_IP_FRAG].b[0] == FRAG_LATER)
		proto = 255;
	switch (proto) {
	case 6:
		put_tcp(w, m);
		break;
	case 17:
		put_udp(w, m);
		break;
	case 132:
		put_sctp(w, m);
		break;
	case 1:
	case 58:
		if ((proto == 58) != v6)
			break;
		if (v6) {
			put_icmp6(w, m);
			break;
		}
		put8(w, m->f[D_ICMP_TYPE].b[0]);
		put8(w, m->f[D_ICMP_CODE].b[0]);
		put16(w, 0);
		put32(w, m->salt);
		break;
	}
	put_payload(w, m, m->trailer ? NULL : id);
	len = w->len - start;
	pseudo += proto + len;
	switch (proto) {
	case 6:
		patch16(l4 + 16, fold(sum(l4, len, pseudo)));
		break;
	case 17:
		patch16(l4 + 4, len);
		if (!m->udp_no_checksum || v6) {
			uint16_t c = fold(sum(l4, len, pseudo));

			patch16(l4 + 6, c ? c : 0xffff);
		}
		break;
	case 132:
		crc = crc32c(l4, len);
		for (int i = 0; i < 4; i++)
			l4[8 + i] = (uint8_t)(crc >> (8 * i));
		break;
	case 1:
		if (!v6)
			patch16(l4 + 2, fold(sum(l4, len, 0)));
		break;
	case 58:
		if (v6)
			patch16(l4 + 2, fold(sum(l4, len, pseudo)));
		break;
	}
}

static uint8_t tos(const struct model *m)
{
	return (uint8_t)(get(m, D_IP_DSCP) << 2 | (get(m, D_IP_ECN) & 3));
}

static void put_ipv4(struct writer *w, const struct model *m, const uint8_t id[PACKET_ID_LEN])
{
	uint8_t *ip = w->p + w->len;
	unsigned start = w->len, hlen = m->ip_options ? 24 : 20;
	uint8_t frag = m->f[D_IP_FRAG].b[0];
	uint32_t pseudo;

	put8(w, 0x40 | hlen / 4);
	put8(w, tos(m));
	put16(w, 0);
	put16(w, m->salt & 0xffff);
	put16(w, frag == FRAG_FIRST ? 0x2000 : frag == FRAG_LATER ? 0x0020 : 0);
	put8(w, m->f[D_IP_TTL].b[0]);
	put8(w, model_proto(m));
	put16(w, 0);
	put(w, m->f[D_IPV4_SRC].b, 4);
	put(w, m->f[D_IPV4_DST].b, 4);
	pseudo = sum(ip + 12, 8, 0);
	if (m->ip_options)
		put32(w, 0x01010100);
	put_transport(w, m, pseudo, id);
	patch16(ip + 2, w->len - start);
	patch16(ip + 10, fold(sum(ip, hlen, 0)));
}

/* An extension header of 8 bytes whose content is one PadN option. */
static void put_options(struct writer *w, unsigned next)
{
	put8(w, next);
	put8(w, 0);
	put16(w, 0x0104);
	put32(w, 0);
}

static void put_ipv6(struct writer *w, const struct model *m, const uint8_t id[PACKET_ID_LEN])
{
	uint8_t *ip = w->p + w->len;
	uint8_t frag = m->f[D_IP_FRAG].b[0], proto = model_proto(m);
	unsigned start, after_dst = frag ? 44 : proto;
	unsigned after_hop = m->destination_options ? 60 : after_dst;
	uint32_t pseudo;

	put32(w, 6u << 28 | (uint32_t)tos(m) << 20 | (get(m, D_IPV6_FLABEL) & 0xfffff));
	put16(w, 0);
	put8(w, m->hop_by_hop ? 0 : after_hop);
	put8(w, m->f[D_IP_TTL].b[0]);
	put(w, m->f[D_IPV6_SRC].b, 16);
	put(w, m->f[D_IPV6_DST].b, 16);
	pseudo = sum(ip + 8, 32, 0);
	start = w->len;
	if (m->hop_by_hop)
		put_options(w, after_hop);
	if (m->destination_options)
		put_options(w, after_dst);
	if (frag) {
		put8(w, proto);
		put8(w, 0);
		put16(w, frag == FRAG_FIRST ? 1 : 0x0100);
		put32(w, m->salt);
	}
	put_transport(w, m, pseudo, id);
	patch16(ip + 4, w->len - start);
}

static void put_arp(struct writer *w, const struct model *m)
{
	put32(w, 0x00010800);
	put16(w, 0x0604);
	put16(w, (unsigned)get(m, D_ARP_OP));
	put(w, m->f[D_ARP_SHA].b, 6);
	put(w, m->f[D_ARP_SPA].b, 4);
	put(w, m->f[D_ARP_THA].b, 6);
	put(w, m->f[D_ARP_TPA].b, 4);
}

static void make_id(uint8_t id[PACKET_ID_LEN], uint16_t program, uint32_t seq)
{
	struct writer w = {id, 0};

	put16(&w, 0x534c);
	put16(&w, program);
	put32(&w, seq);
}

unsigned packet_render(
	const struct model *m, uint16_t program, uint32_t seq, uint8_t out[PACKET_MAX])
{
	struct writer w = {out, 0};
	uint8_t id[PACKET_ID_LEN];

	make_id(id, program, seq);
	put(&w, m->f[D_ETH_DST].b, 6);
	put(&w, m->f[D_ETH_SRC].b, 6);
	if (m->n_tags) {
		put16(&w, m->outer_tpid);
		put16(&w, (unsigned)(get(m, D_VLAN_PCP) << 13 | (get(m, D_VLAN_VID) & 0xfff)));
	}
	if (m->n_tags > 1) {
		put16(&w, 0x8100);
		put16(&w, m->inner_tci);
	}
	put16(&w, model_eth_type(m));
	switch (model_eth_type(m)) {
	case 0x0800:
		put_ipv4(&w, m, id);
		break;
	case 0x86dd:
		put_ipv6(&w, m, id);
		break;
	case 0x0806:
		put_arp(&w, m);
		put(&w, id, PACKET_ID_LEN);
		return w.len;
	default:
		put_payload(&w, m, id);
		return w.len;
	}
	if (m->trailer)
		put(&w, id, PACKET_ID_LEN);
	return w.len;
}

bool packet_id(const uint8_t *frame, unsigned len, uint16_t *program, uint32_t *seq)
{
	const uint8_t *id = frame + len - PACKET_ID_LEN;

	if (len < 14 + PACKET_ID_LEN || id[0] != 0x53 || id[1] != 0x4c)
		return false;
	*program = (uint16_t)(id[2] << 8 | id[3]);
	*seq = (uint32_t)id[4] << 24 | (uint32_t)id[5] << 16 | (uint32_t)id[6] << 8 | id[7];
	return true;
}

unsigned packet_fence(uint16_t program, uint32_t seq, uint8_t out[PACKET_MAX])
{
	struct model m = {.payload = 38};

	m.f[D_ETH_TYPE] = value_u64(D_ETH_TYPE, FENCE_ETH_TYPE);
	m.f[D_ETH_DST] = value_u64(D_ETH_DST, 0x060000000001);
	m.f[D_ETH_SRC] = value_u64(D_ETH_SRC, 0x020000000001);
	return packet_render(&m, program, seq, out);
}
