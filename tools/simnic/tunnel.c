/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels: VXLAN (RFC 7348) and Geneve (RFC 8926, without options) put before a packet and taken
 * off. A packet that is anything but plain is handed up: flags or options that this eSwitch does
 * not know, congestion that it would have to hand on (RFC 6040), a wrong checksum.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/hash.h"
#include "tools/simnic/nic.h"

#define ETH_LEN 14u
#define UDP_LEN 8u
#define TUNNEL_HEADER 8u /* of VXLAN, and of Geneve without options */
#define VXLAN_VNI 0x08
#define GENEVE_ETHERNET 0x6558
#define TTL_ANY 64

/* tun_flags */
#define FLAG_DF 0x02
#define FLAG_CSUM 0x04
#define FLAG_KEY 0x08

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* ---- push ---- */

/* TOS and TTL of an IP packet; zero and TTL_ANY of any other. */
static void inner_tos_ttl(const struct nic_packet *p, uint8_t *tos, uint8_t *ttl)
{
	const uint8_t *ip = p->data + p->l3;

	*tos = 0;
	*ttl = TTL_ANY;
	if (p->ip4) {
		*tos = ip[1];
		*ttl = ip[8];
	} else if (p->ip6) {
		*tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		*ttl = ip[7];
	}
}

static void finish_ip4(
	struct nic *nic, uint8_t *ip, uint32_t len, const uint8_t *tos, const uint8_t *ttl)
{
	if (tos)
		ip[1] = *tos;
	if (ttl)
		ip[8] = *ttl;
	put16(ip + 2, len);
	if (!(ip[6] & 0x40)) /* one that may be fragmented is told from others (RFC 6864) */
		put16(ip + 4, ++nic->ip_id);
	put16(ip + 10, 0);
	put16(ip + 10, ~nic_sum(0, ip, 20) & 0xffff);
}

static void finish_ip6(uint8_t *ip, uint32_t len, const uint8_t *tos, const uint8_t *ttl)
{
	if (tos) {
		ip[0] = (uint8_t)((ip[0] & 0xf0) | *tos >> 4);
		ip[1] = (uint8_t)(*tos << 4 | (ip[1] & 0x0f));
	}
	if (ttl)
		ip[7] = *ttl;
	put16(ip + 4, len - 40);
}

static void finish_udp(
	uint8_t *ip, bool ip6, uint8_t *udp, uint32_t len, uint16_t src, bool with_sum)
{
	uint32_t sum;

	put16(udp, src);
	put16(udp + 4, len);
	put16(udp + 6, 0);
	if (!with_sum)
		return;
	sum = nic_sum(nic_sum_pseudo(ip, ip6, IPPROTO_UDP, len), udp, len);
	sum = ~sum & 0xffff;
	put16(udp + 6, sum ? sum : 0xffff);
}

/* Where the outer IP header begins: behind Ethernet and its tags. */
static uint32_t outer_ip(const uint8_t *header, uint32_t len)
{
	uint32_t at = 12;

	while (at + 4 < len && (get16(header + at) == 0x8100 || get16(header + at) == 0x88a8))
		at += 4;
	return at + 2;
}

bool nic_tunnel_push(struct nic *nic, struct nic_packet *p, const uint8_t *arg)
{
	struct sim_act_tunnel_push push;
	uint8_t tos, ttl, *ip;
	struct nic_object *o;
	struct hal_flow_id id;
	uint32_t at, ip_len, len;
	bool ip6;

	memcpy(&push, arg, sizeof(push));
	o = nic_object_find(&nic->objects, HAL_OBJECT_TUNNEL, push.port);
	nic_flow_id(p, &id);
	inner_tos_ttl(p, &tos, &ttl);
	nic_checksum_finish(p);
	memset(&p->vnet, 0, sizeof(p->vnet));
	at = outer_ip(arg + sizeof(push), push.header_len);
	if (p->headroom < push.header_len || at + 20 > push.header_len)
		return false;
	if (o) {
		o->stats.tx_packets++;
		o->stats.tx_bytes += p->len;
	}
	p->data -= push.header_len;
	p->headroom -= push.header_len;
	p->len += push.header_len;
	memcpy(p->data, arg + sizeof(push), push.header_len);
	ip = p->data + at;
	ip6 = ip[0] >> 4 == 6;
	ip_len = ip6 ? 40 : 20;
	len = p->len - at;
	if (at + ip_len + UDP_LEN > push.header_len || len > UINT16_MAX)
		return false;
	if (ip6)
		finish_ip6(ip, len, push.flags & HAL_TUNNEL_INHERIT_TOS ? &tos : NULL,
			push.flags & HAL_TUNNEL_INHERIT_TTL ? &ttl : NULL);
	else
		finish_ip4(nic, ip, len, push.flags & HAL_TUNNEL_INHERIT_TOS ? &tos : NULL,
			push.flags & HAL_TUNNEL_INHERIT_TTL ? &ttl : NULL);
	finish_udp(ip, ip6, ip + ip_len, len - ip_len, hal_tunnel_src_port(&id),
		ip6 || push.flags & HAL_TUNNEL_CSUM);
	nic_parse(p, NULL);
	return true;
}

/* ---- pop ---- */

/* True if the tunnel's header at `h` is a plain one; its VNI lies at h + 4 in both. */
static bool is_plain(const uint8_t *h, uint32_t type)
{
	if (h[7])
		return false;
	if (type == HAL_TUNNEL_VXLAN)
		return h[0] == VXLAN_VNI && !h[1] && !h[2] && !h[3];
	return type == HAL_TUNNEL_GENEVE && !h[0] && !h[1] && get16(h + 2) == GENEVE_ETHERNET;
}

/* What the outer headers say, for the key of what is within. */
static void fill(const struct nic_packet *p, const uint8_t *header, struct sim_meta *m)
{
	const uint8_t *ip = p->data + p->l3, *udp = p->data + p->l4;
	unsigned flags = FLAG_KEY;

	memset(m, 0, sizeof(*m));
	memcpy(m->tun_id + 5, header + 4, 3);
	if (p->ip4) {
		memcpy(m->tun_src, ip + 12, 4);
		memcpy(m->tun_dst, ip + 16, 4);
		flags |= ip[6] & 0x40 ? FLAG_DF : 0;
		m->tun_tos[0] = ip[1];
		m->tun_ttl[0] = ip[8];
	} else {
		memcpy(m->tun_src6, ip + 8, 16);
		memcpy(m->tun_dst6, ip + 24, 16);
		m->tun_tos[0] = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		m->tun_ttl[0] = ip[7];
	}
	flags |= udp[6] || udp[7] ? FLAG_CSUM : 0;
	put16(m->tun_flags, flags);
}

static void take_off(struct nic_packet *p, uint32_t n)
{
	p->data += n;
	p->headroom += n;
	p->len -= n;
	if (nic_partial(p) && p->vnet.csum_start >= n) {
		p->vnet.csum_start = (uint16_t)(p->vnet.csum_start - n);
	} else {
		p->vnet.flags = 0; /* it was the outer one's, which is gone */
		p->vnet.csum_start = p->vnet.csum_offset = 0;
	}
	if (p->vnet.gso_type)
		p->vnet.hdr_len = (uint16_t)(p->vnet.hdr_len - n);
}

/* A partial checksum that is further in says nothing of the outer one, which whoever sent it left
 * right or out. */
static bool sums_right(const struct nic_packet *p)
{
	if (nic_partial(p) && p->vnet.csum_start > p->l4)
		return true;
	return nic_checksum_right(p);
}

enum nic_outcome nic_tunnel_pop(struct nic *nic, struct nic_packet *p, const uint8_t *arg)
{
	struct sim_act_tunnel_pop pop;
	struct nic_object *o;
	struct sim_meta meta;
	union nic_key key;
	uint32_t at;

	memcpy(&pop, arg, sizeof(pop));
	o = nic_object_find(&nic->objects, HAL_OBJECT_TUNNEL, pop.port);
	nic_parse(p, &key);
	at = p->l4 + UDP_LEN;
	if (!o || !p->l4 || p->l4_proto != IPPROTO_UDP || key.h.frag ||
		get16(key.h.l4_dst) != o->u.tunnel.udp_dst || p->len < at + TUNNEL_HEADER + ETH_LEN)
		return NIC_HAND_UP;
	if (!is_plain(p->data + at, o->u.tunnel.type) || (key.h.tos & 3) == 3 || !sums_right(p))
		return NIC_HAND_UP;
	fill(p, p->data + at, &meta);
	take_off(p, at + TUNNEL_HEADER);
	p->meta = meta;
	p->in_port = pop.port;
	p->recirc = 0;
	o->stats.packets++;
	o->stats.bytes += p->len;
	return NIC_AGAIN;
}
