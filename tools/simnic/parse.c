/* SPDX-License-Identifier: Apache-2.0
 *
 * The eSwitch's parser: Ethernet, two VLAN tags, MPLS, ARP, IPv4, IPv6 with extension headers, TCP,
 * UDP, SCTP, ICMP, ICMPv6 with neighbor discovery. A header that is cut short is as good as not
 * there.
 */
#include "tools/simnic/packet.h"

#include <netinet/in.h>
#include <string.h>

#define TYPE_IP4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_RARP 0x8035
#define TYPE_8021Q 0x8100
#define TYPE_8021AD 0x88a8
#define TYPE_IP6 0x86dd
#define TYPE_MPLS 0x8847
#define TYPE_MPLS_MULTICAST 0x8848
#define TYPE_NONE 0x05ff /* a length without SNAP */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool has(const struct nic_packet *p, uint32_t at, uint32_t bytes)
{
	return at <= p->len && bytes <= p->len - at;
}

static void put16(uint8_t out[2], unsigned v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

static bool is_tag(unsigned type)
{
	return type == TYPE_8021Q || type == TYPE_8021AD;
}

/* Reads tags from `at`, where an EtherType is. Returns where the innermost type is. */
static uint32_t parse_tags(struct nic_packet *p, struct nic_headers *h, uint32_t at)
{
	uint8_t *tpid[2] = {h->tpid, h->tpid2}, *tci[2] = {h->tci, h->tci2};

	p->tags = 0;
	while (p->tags < 2 && has(p, at, 6) && is_tag(get16(p->data + at))) {
		memcpy(tpid[p->tags], p->data + at, 2);
		memcpy(tci[p->tags], p->data + at + 2, 2);
		tci[p->tags][0] |= NIC_TAG_THERE;
		p->tags++;
		at += 4;
	}
	return at;
}

/* The EtherType at `at`, or the one in an LLC/SNAP header behind a length (IEEE 802, 10.5). */
static unsigned parse_type(struct nic_packet *p, uint32_t *at)
{
	static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
	unsigned type = get16(p->data + *at);

	p->type = *at;
	*at += 2;
	if (type >= 0x600)
		return type;
	p->type = 0;
	if (!has(p, *at, 8) || memcmp(p->data + *at, snap, sizeof(snap)))
		return TYPE_NONE;
	type = get16(p->data + *at + 6);
	if (type < 0x600)
		return TYPE_NONE;
	p->type = *at + 6;
	*at += 8;
	return type;
}

/* Up to three entries, the last one being the bottom of the stack or the third (RFC 3032). */
static void parse_mpls(struct nic_packet *p, struct nic_headers *h, uint32_t at)
{
	uint32_t first = at;

	for (unsigned i = 0; i < 3 && has(p, at, 4); i++, at += 4) {
		memcpy(h->mpls[i], p->data + at, 4);
		p->mpls = first;
		if (p->data[at + 2] & 1)
			return;
	}
}

static void parse_arp(const struct nic_packet *p, struct nic_headers *h, uint32_t at)
{
	static const uint8_t ethernet_ip4[6] = {0, 1, 8, 0, 6, 4};
	const uint8_t *arp = p->data + at;

	if (!has(p, at, 28) || memcmp(arp, ethernet_ip4, sizeof(ethernet_ip4)))
		return;
	memcpy(h->arp_op, arp + 6, 2);
	memcpy(h->sha, arp + 8, 6);
	memcpy(h->ip_src, arp + 14, 4);
	memcpy(h->tha, arp + 18, 6);
	memcpy(h->ip_dst, arp + 24, 4);
}

/* Options of a neighbor solicitation or advertisement (RFC 4861, 4.6). One that comes twice makes
 * the whole message void; one of a bad length ends the list. */
static void parse_nd(const struct nic_packet *p, struct nic_headers *h, uint32_t at, uint32_t end)
{
	static const uint8_t none[6];
	uint32_t opt = at + 24, bytes;

	if (end < opt)
		return;
	memcpy(h->nd_target, p->data + at + 8, 16);
	for (; opt + 8 <= end; opt += bytes) {
		const uint8_t *o = p->data + opt;
		uint8_t *slot = o[0] == 1 ? h->sha : o[0] == 2 ? h->tha : NULL;

		bytes = o[1] * 8u;
		if (!bytes || bytes > end - opt)
			return;
		if (!slot || bytes != 8)
			continue;
		if (memcmp(slot, none, sizeof(none))) {
			memset(h->nd_target, 0, sizeof(h->nd_target));
			memset(h->sha, 0, sizeof(h->sha));
			memset(h->tha, 0, sizeof(h->tha));
			return;
		}
		memcpy(slot, o + 2, 6);
	}
}

/* Transport header at `at`; the IP payload ends at `end`. */
static void parse_l4(struct nic_packet *p, struct nic_headers *h, uint32_t at, uint32_t end)
{
	const uint8_t *l4 = p->data + at;
	uint32_t bytes = end - at, need;

	switch (h->proto) {
	case IPPROTO_TCP:
		need = 20;
		break;
	case IPPROTO_UDP:
		need = 8;
		break;
	case IPPROTO_SCTP:
		need = 12;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		need = p->ip4 ? 8 : UINT32_MAX;
		break;
	case IPPROTO_ICMPV6:
		need = p->ip6 ? 8 : UINT32_MAX;
		break;
	default:
		return;
	}
	if (bytes < need)
		return;
	p->l4 = at;
	p->l4_proto = h->proto;
	p->payload = at + need;
	if (h->proto == IPPROTO_ICMP || h->proto == IPPROTO_IGMP || h->proto == IPPROTO_ICMPV6) {
		h->l4_src[1] = l4[0];
		h->l4_dst[1] = l4[1];
		if (p->ip6 && (l4[0] == 135 || l4[0] == 136) && l4[1] == 0)
			parse_nd(p, h, at, end);
		return;
	}
	memcpy(h->l4_src, l4, 2);
	memcpy(h->l4_dst, l4 + 2, 2);
	if (h->proto == IPPROTO_TCP) {
		h->tcp_flags[0] = l4[12] & 0x0f;
		h->tcp_flags[1] = l4[13];
		if (bytes >= (l4[12] >> 4) * 4u && (l4[12] >> 4) >= 5)
			p->payload = at + (l4[12] >> 4) * 4u;
	}
}

static void parse_ip4(struct nic_packet *p, struct nic_headers *h, uint32_t at)
{
	const uint8_t *ip = p->data + at;
	uint32_t hlen, total;
	unsigned frag;

	if (!has(p, at, 20))
		return;
	hlen = (ip[0] & 0x0fu) * 4;
	total = get16(ip + 2);
	if (hlen < 20 || !has(p, at, hlen) || total < hlen || !has(p, at, total))
		return;
	p->ip4 = true;
	p->l3 = at;
	h->tos = ip[1];
	h->ttl = ip[8];
	h->proto = ip[9];
	memcpy(h->ip_src, ip + 12, 4);
	memcpy(h->ip_dst, ip + 16, 4);
	frag = get16(ip + 6);
	if (frag & 0x3fff)
		h->frag = frag & 0x1fff ? NIC_FRAG_ANY | NIC_FRAG_LATER : NIC_FRAG_ANY;
	if (!(h->frag & NIC_FRAG_LATER))
		parse_l4(p, h, at + hlen, at + total);
}

/* Walks the extension headers (RFC 8200, 4.1). False if one is cut short. */
static bool parse_ip6_extensions(
	struct nic_packet *p, struct nic_headers *h, uint32_t *at, uint32_t end)
{
	for (;;) {
		const uint8_t *ext = p->data + *at;
		uint32_t bytes;

		switch (h->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_AH:
		case IPPROTO_FRAGMENT:
			break;
		default:
			return true;
		}
		if (end - *at < 8)
			return false;
		bytes = h->proto == IPPROTO_AH         ? (ext[1] + 2u) * 4
			: h->proto == IPPROTO_FRAGMENT ? 8
						       : (ext[1] + 1u) * 8;
		if (bytes > end - *at)
			return false;
		if (h->proto == IPPROTO_ROUTING && ext[3])
			p->routed = true;
		*at += bytes;
		if (h->proto != IPPROTO_FRAGMENT) {
			h->proto = ext[0];
			continue;
		}
		h->proto = ext[0];
		if (get16(ext + 2)) /* an atomic fragment is none (RFC 8200, 4.5) */
			h->frag = NIC_FRAG_ANY;
		if (get16(ext + 2) & 0xfff8) { /* its headers are not here */
			h->frag |= NIC_FRAG_LATER;
			h->proto = IPPROTO_FRAGMENT;
			return true;
		}
	}
}

static void parse_ip6(struct nic_packet *p, struct nic_headers *h, uint32_t at)
{
	const uint8_t *ip = p->data + at;
	uint32_t end, next = at + 40;

	if (!has(p, at, 40))
		return;
	/* A payload length of 0 comes with super-frames above 64 KiB only (RFC 2675). */
	if (!has(p, next, get16(ip + 4)))
		return;
	end = next + get16(ip + 4);
	p->ip6 = true;
	p->l3 = at;
	memcpy(h->ip6_src, ip + 8, 16);
	memcpy(h->ip6_dst, ip + 24, 16);
	h->proto = ip[6];
	if (!parse_ip6_extensions(p, h, &next, end)) {
		h->proto = h->frag = 0;
		return;
	}
	h->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	h->ttl = ip[7];
	h->flow_label[1] = ip[1] & 0x0f;
	h->flow_label[2] = ip[2];
	h->flow_label[3] = ip[3];
	if (!(h->frag & NIC_FRAG_LATER))
		parse_l4(p, h, next, end);
}

void nic_parse(struct nic_packet *p, union nic_key *key)
{
	union nic_key scratch;
	struct nic_headers *h = key ? &key->h : &scratch.h;
	uint32_t at;
	unsigned type;

	memset(key ? key : &scratch, 0, sizeof(scratch));
	p->type = p->mpls = p->l3 = p->l4 = p->payload = 0;
	p->ip4 = p->ip6 = p->routed = false;
	p->tags = 0;
	if (!has(p, 0, 14))
		return;
	put16(h->in_port, p->in_port >> 16);
	put16(h->in_port + 2, p->in_port & 0xffff);
	put16(h->recirc, p->recirc >> 16);
	put16(h->recirc + 2, p->recirc & 0xffff);
	h->meta = p->meta;
	memcpy(h->dst, p->data, 6);
	memcpy(h->src, p->data + 6, 6);
	at = parse_tags(p, h, 12);
	type = parse_type(p, &at);
	put16(h->type, type);
	if (type == TYPE_IP4)
		parse_ip4(p, h, at);
	else if (type == TYPE_IP6)
		parse_ip6(p, h, at);
	else if (type == TYPE_ARP || type == TYPE_RARP)
		parse_arp(p, h, at);
	else if (type == TYPE_MPLS || type == TYPE_MPLS_MULTICAST)
		parse_mpls(p, h, at);
}
