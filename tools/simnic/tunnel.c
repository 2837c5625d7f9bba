/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels: VXLAN (RFC 7348) and Geneve (RFC 8926, without options) put before a packet and taken
 * off. A packet that is anything but plain is handed up: flags or options that this eSwitch does
 * not know, ECN that it would have to hand on (RFC 6040, 4.2), a wrong checksum.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/hash.h"
#include "hal/mutation.h"
#include "tools/simnic/nic.h"

#define ETH_LEN 14u
#define UDP_LEN 8u
#define TUNNEL_HEADER 8u /* of VXLAN, and of Geneve without options */
#define VXLAN_VNI 0x08
#define VXLAN_GROUP 0x80 /* a group policy: flags in the next byte, its id in the two after */
#define GROUP_FLAGS 0x48
#define GENEVE_ETHERNET 0x6558
#define ECN 0x03

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

/* What the inner packet gives to the outer headers; ECN always (RFC 6040, 4.1). */
struct inner {
	uint8_t tos, tos_mask, ttl, ttl_mask;
	struct hal_flow_id id;
};

static void look_inside(struct nic_packet *p, uint8_t flags, struct inner *in)
{
	union nic_key key;
	unsigned type;

	nic_flow_id(p, &in->id);
	nic_parse(p, &key);
	type = get16(key.h.type);
	in->tos = key.h.tos;
	in->ttl = key.h.ttl;
	in->tos_mask = in->ttl_mask = 0;
	if (type != 0x0800 && type != 0x86dd)
		return;
	in->tos_mask = flags & HAL_TUNNEL_INHERIT_TOS ? 0xff : MUTATE(448, ECN, 0);
	in->ttl_mask = flags & HAL_TUNNEL_INHERIT_TTL ? 0xff : 0;
}

static uint8_t merge(uint8_t own, uint8_t given, uint8_t mask)
{
	return (uint8_t)((own & ~mask) | (given & mask));
}

static void finish_ip4(struct nic *nic, uint8_t *ip, uint32_t len, const struct inner *in)
{
	ip[1] = merge(ip[1], in->tos, in->tos_mask);
	ip[8] = merge(ip[8], in->ttl, in->ttl_mask);
	put16(ip + 2, len);
	put16(ip + 4, ++nic->ip_id);
	put16(ip + 10, 0);
	put16(ip + 10, ~nic_sum(0, ip, 20) & 0xffff);
}

static void finish_ip6(uint8_t *ip, uint32_t len, const struct inner *in)
{
	uint8_t tos = merge((uint8_t)(ip[0] << 4 | ip[1] >> 4), in->tos, in->tos_mask);

	ip[0] = (uint8_t)((ip[0] & 0xf0) | tos >> 4);
	ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0x0f));
	ip[7] = merge(ip[7], in->ttl, in->ttl_mask);
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

/* What follows sees a packet of our own: of its metadata only the mark stays. */
static void clear_metadata(struct sim_meta *m)
{
	struct sim_meta kept = {0};

	memcpy(kept.pkt_mark, m->pkt_mark, sizeof(kept.pkt_mark));
	*m = kept;
}

/* Puts the header before the frame, whose checksums are finished: nobody could do it later. */
static bool prepend(struct nic_packet *p, const uint8_t *header, uint32_t len)
{
	if (p->headroom < len)
		return false;
	nic_checksum_finish(p);
	memset(&p->vnet, 0, sizeof(p->vnet));
	p->data -= len;
	p->headroom -= len;
	p->len += len;
	memcpy(p->data, header, len);
	return true;
}

bool nic_tunnel_push(struct nic *nic, struct nic_packet *p, const uint8_t *arg)
{
	struct sim_act_tunnel_push push;
	uint32_t at, ip_len, len;
	struct nic_object *o;
	struct inner in;
	uint8_t *ip;
	bool ip6;

	memcpy(&push, arg, sizeof(push));
	o = nic_object_find(&nic->objects, HAL_OBJECT_TUNNEL, push.port);
	look_inside(p, push.flags, &in);
	len = p->len;
	if (!prepend(p, arg + sizeof(push), push.header_len))
		return false;
	at = outer_ip(p->data, push.header_len);
	ip = p->data + at;
	ip6 = ip[0] >> 4 == 6;
	ip_len = ip6 ? 40 : 20;
	if (at + ip_len + UDP_LEN > push.header_len || p->len - at > UINT16_MAX)
		return false;
	if (o) {
		o->stats.tx_packets++;
		o->stats.tx_bytes += len;
	}
	len = p->len - at;
	if (ip6)
		finish_ip6(ip, len, &in);
	else
		finish_ip4(nic, ip, len, &in);
	finish_udp(ip, ip6, ip + ip_len, len - ip_len, hal_tunnel_src_port(&in.id),
		ip6 || push.flags & HAL_TUNNEL_CSUM);
	clear_metadata(&p->meta);
	nic_parse(p, NULL);
	return true;
}

/* ---- pop ---- */

/* True if the tunnel's header at `h` is a plain one; its VNI lies at h + 4 in both. */
static bool is_plain(const uint8_t *h, uint32_t type, bool gbp)
{
	if (h[7])
		return false;
	if (type == HAL_TUNNEL_VXLAN && gbp && h[0] == (VXLAN_VNI | VXLAN_GROUP))
		return !(h[1] & ~GROUP_FLAGS);
	if (type == HAL_TUNNEL_VXLAN)
		return h[0] == VXLAN_VNI && !h[1] && !h[2] && !h[3];
	return type == HAL_TUNNEL_GENEVE && !h[0] && !h[1] && get16(h + 2) == GENEVE_ETHERNET;
}

/* What the outer headers say, for the key of what is within. */
static void fill(
	const struct nic_packet *p, const uint8_t *header, uint32_t type, struct sim_meta *m)
{
	const uint8_t *ip = p->data + p->l3;

	memset(m, 0, sizeof(*m));
	memcpy(m->tun_id + 5, header + 4, 3);
	if (type == HAL_TUNNEL_VXLAN && header[0] & VXLAN_GROUP) {
		m->gbp_flags[0] = header[1];
		memcpy(m->gbp_id, header + 2, 2);
	}
	if (p->ip4) {
		memcpy(m->tun_src, ip + MUTATE(449, 12, 16), 4);
		memcpy(m->tun_dst, ip + 16, 4);
		m->tun_tos[0] = ip[1];
		m->tun_ttl[0] = ip[8];
	} else {
		memcpy(m->tun_src6, ip + 8, 16);
		memcpy(m->tun_dst6, ip + 24, 16);
		m->tun_tos[0] = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		m->tun_ttl[0] = ip[7];
	}
}

/* Takes off `n` bytes of headers, and what is padding behind `len` bytes. */
static void take_off(struct nic_packet *p, uint32_t n, uint32_t len)
{
	p->data += n;
	p->headroom += n;
	p->len = len;
	if (nic_partial(p) && p->vnet.csum_start >= n) {
		p->vnet.csum_start = (uint16_t)(p->vnet.csum_start - n);
	} else {
		p->vnet.flags = 0; /* it was the outer one's, which is gone */
		p->vnet.csum_start = p->vnet.csum_offset = 0;
	}
	if (p->vnet.gso_type)
		p->vnet.hdr_len = (uint16_t)(p->vnet.hdr_len - n);
}

/* Bytes of the inner packet, 0 if the headers disagree. */
static uint32_t inner_len(const struct nic_packet *p)
{
	uint32_t head = p->l4 + UDP_LEN + TUNNEL_HEADER, len;

	if (p->len < head + ETH_LEN)
		return 0;
	if (p->vnet.gso_type)
		return p->len - head;
	len = get16(p->data + p->l4 + 4);
	return len >= UDP_LEN + TUNNEL_HEADER + ETH_LEN && p->l4 + len <= p->len
		       ? len - UDP_LEN - TUNNEL_HEADER
		       : 0;
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
	const uint8_t *header;
	uint32_t len;

	memcpy(&pop, arg, sizeof(pop));
	o = nic_object_find(&nic->objects, HAL_OBJECT_TUNNEL, pop.port);
	nic_parse(p, &key);
	if (!o || !p->l4 || p->l4_proto != IPPROTO_UDP || key.h.frag ||
		get16(key.h.l4_dst) != o->u.tunnel.udp_dst)
		return NIC_HAND_UP;
	len = inner_len(p);
	header = p->data + p->l4 + UDP_LEN;
	if (!len || !is_plain(header, o->u.tunnel.type, pop.flags & HAL_TUNNEL_GBP) ||
		key.h.tos & 1 || !sums_right(p))
		return NIC_HAND_UP;
	fill(p, header, o->u.tunnel.type, &meta);
	take_off(p, p->l4 + UDP_LEN + TUNNEL_HEADER, len);
	p->meta = meta;
	p->in_port = pop.port;
	p->recirc = 0;
	p->max_len = 0;
	o->stats.packets++;
	o->stats.bytes += p->len;
	return NIC_AGAIN;
}
