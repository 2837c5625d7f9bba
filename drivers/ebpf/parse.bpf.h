/* SPDX-License-Identifier: Apache-2.0
 *
 * From a packet to a key and the places of its headers, in the software path's sense: what is cut
 * off or contradicts itself leaves its members and those above at 0.
 *
 * The outermost tag is not in the data: the kernel took it off.
 */
#ifndef SLUICE_DRIVERS_EBPF_PARSE_BPF_H
#define SLUICE_DRIVERS_EBPF_PARSE_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "drivers/ebpf/maps.bpf.h"

#define PRESENT bpf_htons(0x1000)
#define ETH_TYPE_MIN 0x0600
#define ETH_TYPE_NONE 0x05ff
#define ETH_TYPE_PBB 0x88e7
#define FRAG_ANY 0x01
#define FRAG_LATER 0x02
#define MAX_EXTHDRS 8
#define MAX_ND_OPTIONS 8

/* What comes of a packet, beside a verdict of TC's. */
#define GIVE_UP -1 /* it is handed up: more headers than can be gone over here, no rule */
#define GO_ON -2
#define AGAIN -3  /* to be looked up in another chain */
#define BROKEN -4 /* half altered */

static __always_inline const __u8 *at_head(const struct work *w, __u32 at)
{
	return w->head + (at & (HEAD - 1));
}

static __always_inline int load(
	struct __sk_buff *skb, const struct work *w, __u32 at, void *to, __u32 n)
{
	return (int)bpf_skb_load_bytes(skb, w->origin + at, to, n);
}

static __always_inline int is_tag(__u16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* With the tag that the kernel took off. */
static __always_inline __u32 bytes_of(const struct __sk_buff *skb)
{
	return skb->len + (skb->vlan_present ? 4 : 0);
}

/* Of the tag that the kernel took off. */
static __always_inline __u16 outer_tci(const struct __sk_buff *skb)
{
	return bpf_htons((__u16)skb->vlan_tci) | MUTATE(616, PRESENT, 0);
}

/* ---- transport ---- */

static __always_inline __u16 tcp_flags(const __u8 *l4)
{
	return load16(l4 + 12) & bpf_htons(MUTATE(628, 0x0fff, 0x00ff));
}

static __always_inline __u32 transport_min(__u8 proto, __u32 base)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		return base == EBPF_IPV4 ? 8 : 0;
	case IPPROTO_ICMPV6:
		return base == EBPF_IPV6 ? 8 : 0;
	default:
		return 0;
	}
}

static __always_inline void clear_nd(struct work *w)
{
	__builtin_memset(w->key.nd_target, 0, 16);
	__builtin_memset(w->key.arp_sha, 0, 12);
	w->nd = w->nd_sll = w->nd_tll = 0;
}

static __always_inline int is_zero(const __u8 *mac)
{
	return !(load16(mac) | load16(mac + 2) | load16(mac + 4));
}

/* An option that comes twice makes all of it void; one with a bad length ends the list. */
static __always_inline int parse_nd(struct __sk_buff *skb, struct work *w, __u32 at, __u32 end)
{
	if (end - at < 24 || load(skb, w, at + 8, w->key.nd_target, 16))
		return 0;
	w->nd = at + 8;
	at += 24;
	for (int i = 0; i < MAX_ND_OPTIONS; i++) {
		__u32 len;
		__u8 *mac;

		if (at + 8 > end || load(skb, w, at, w->part, 8))
			return 0;
		len = w->part[1] * 8u;
		if (!len || len > end - at)
			return 0;
		if (len == 8 && (w->part[0] == 1 || w->part[0] == 2)) {
			mac = w->part[0] == 1 ? w->key.arp_sha : w->key.arp_tha;
			if (MUTATE(625, !is_zero(mac), 0)) {
				clear_nd(w);
				return 0;
			}
			__builtin_memcpy(mac, w->part + 2, 6);
			if (w->part[0] == 1)
				w->nd_sll = at + 2;
			else
				w->nd_tll = at + 2;
		}
		at += len;
	}
	return at + 8 > end ? 0 : GIVE_UP;
}

/* A subprogram of its own, so that it is verified once and not for each way that leads here. */
__attribute__((noinline)) int parse_transport(struct __sk_buff *skb, __u32 at, __u32 end)
{
	struct work *w = get_work();
	const __u8 *l4;
	__u32 min;

	if (!w)
		return GIVE_UP;
	min = transport_min(w->key.ip_proto, w->base);
	if (!min || MUTATE(615, w->key.ip_frag & FRAG_LATER, 0) || end < at || end - at < min)
		return 0;
	if (at <= HEAD - 20) {
		l4 = at_head(w, at);
	} else {
		if (min == 20 ? load(skb, w, at, w->part, 20) : load(skb, w, at, w->part, 8))
			return 0;
		l4 = w->part;
	}
	w->l4 = at;
	w->proto = w->key.ip_proto;
	switch (w->key.ip_proto) {
	case IPPROTO_TCP:
		w->key.tcp_flags = tcp_flags(l4);
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		w->key.tp_src = load16(l4);
		w->key.tp_dst = load16(l4 + 2);
		return 0;
	default:
		break;
	}
	w->key.tp_src = bpf_htons(l4[0]);
	w->key.tp_dst = bpf_htons(l4[1]);
	if (w->key.ip_proto == IPPROTO_ICMPV6 && !l4[1] && (l4[0] == 135 || l4[0] == 136))
		return parse_nd(skb, w, at, end);
	return 0;
}

/* ---- IP ---- */

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct work *w, __u32 at, __u32 len)
{
	const __u8 *ip = at_head(w, at);
	__u32 header, total;
	__u16 frag;

	if (len < at + 20)
		return 0;
	header = (ip[0] & 0xf) * 4u;
	total = bpf_ntohs(load16(ip + 2));
	if (header < 20 || header > total || total > len - at || len - at - total > 0xffff)
		return 0;
	w->base = EBPF_IPV4;
	w->l3 = at;
	w->key.ipv4_src = load32(ip + 12);
	w->key.ipv4_dst = load32(ip + 16);
	w->key.ip_proto = ip[9];
	w->key.ip_tos = ip[1];
	w->key.ip_ttl = ip[8];
	frag = bpf_ntohs(load16(ip + 6));
	if (MUTATE(610, frag & 0x3fff, 0))
		w->key.ip_frag = FRAG_ANY | (frag & 0x1fff ? FRAG_LATER : 0);
	return parse_transport(skb, at + header, at + total);
}

/* Bits of ipv6_exthdr (OpenFlow 1.3.5, 7.2.3.8), and the order of RFC 8200, 4.1. */
enum {
	NONEXT = 1,
	ESP = 2,
	AUTH = 4,
	DEST = 8,
	FRAG = 16,
	ROUTER = 32,
	HOP = 64,
	UNREP = 128,
	UNSEQ = 256
};

static __always_inline void exthdr_seen(struct work *w, __u32 bit, __u32 rank)
{
	if (bit == DEST) /* before the routing header, or last of all */
		rank = w->rank < rank ? rank : MUTATE(627, 7, 2);
	else if (w->seen & bit)
		w->seen |= UNREP;
	if (rank < w->rank)
		w->seen |= UNSEQ;
	else
		w->rank = rank;
	w->seen |= bit;
}

static __always_inline __u32 exthdr_bit(__u8 proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
		return HOP;
	case IPPROTO_DSTOPTS:
		return DEST;
	case IPPROTO_ROUTING:
		return ROUTER;
	case IPPROTO_FRAGMENT:
		return FRAG;
	case IPPROTO_AH:
		return AUTH;
	case IPPROTO_ESP:
		return ESP;
	case IPPROTO_NONE:
		return NONEXT;
	default:
		return 0;
	}
}

static __always_inline __u32 exthdr_rank(__u32 bit)
{
	switch (bit) {
	case HOP:
		return 1;
	case DEST:
		return 2;
	case ROUTER:
		return 3;
	case FRAG:
		return 4;
	case AUTH:
		return 5;
	default:
		return 6;
	}
}

/* RFC 8200, 4.5. True if it is a later fragment, which ends the chain of headers. */
static __always_inline int fragment_header(struct work *w, const __u8 *hdr)
{
	const __u16 field = (__u16)(hdr[2] << 8 | hdr[3]);

	if (field)
		w->key.ip_frag = FRAG_ANY;
	if (!(field & 0xfff8))
		return 0;
	w->key.ip_frag |= FRAG_LATER;
	return 1;
}

/* One extension header, at w->next: 1 if another may follow, 0 if the transport header does, or -1
 * if it is cut off. */
__attribute__((noinline)) int parse_exthdr(struct __sk_buff *skb, __u32 end)
{
	struct work *w = get_work();
	__u32 at, bit, len;
	const __u8 *hdr;
	int later = 0;

	if (!w)
		return -1;
	hdr = w->part;
	at = w->next;
	bit = exthdr_bit(w->key.ip_proto);
	if (!bit)
		return 0;
	if (bit == NONEXT) {
		w->seen |= NONEXT;
		return 0;
	}
	exthdr_seen(w, bit, exthdr_rank(bit));
	if (bit == ESP)
		return 0;
	if (end < at || end - at < 8 || load(skb, w, at, w->part, 8))
		return -1;
	len = bit == FRAG ? 8 : bit == AUTH ? (hdr[1] + 2u) * 4 : (hdr[1] + 1u) * 8;
	if (bit == ROUTER && hdr[3])
		w->routed = 1;
	if (bit == FRAG)
		later = fragment_header(w, hdr);
	if (len > end - at)
		return -1;
	w->next = at + len;
	w->key.ip_proto = later ? IPPROTO_FRAGMENT : hdr[0];
	return !later;
}

/* The same return values, of all of them; 1: there are more than can be gone over. */
static __always_inline int parse_exthdrs(struct __sk_buff *skb, struct work *w, __u32 end)
{
	int more = 1;

	w->seen = w->rank = 0;
	for (int i = 0; i <= MAX_EXTHDRS; i++) {
		more = parse_exthdr(skb, end);
		if (more <= 0)
			break;
	}
	if (!more)
		w->key.ipv6_exthdr = bpf_htons((__u16)w->seen);
	return more;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct work *w, __u32 at, __u32 len)
{
	const __u8 *ip = at_head(w, at);
	__u32 flow, payload;
	int more = 0;

	if (len < at + 40)
		return 0;
	payload = bpf_ntohs(load16(ip + 4));
	if (payload > len - at - 40 || len - at - 40 - payload > 0xffff)
		return 0;
	w->base = EBPF_IPV6;
	w->l3 = at;
	__builtin_memcpy(w->key.ipv6_src, ip + 8, 32);
	w->key.ip_proto = ip[6];
	w->next = at + 40;
	if (exthdr_bit(ip[6]))
		more = parse_exthdrs(skb, w, at + 40 + payload);
	if (more) {
		w->key.ip_proto = w->key.ip_frag = 0;
		return more > 0 ? GIVE_UP : 0;
	}
	flow = bpf_ntohl(load32(ip));
	w->key.ipv6_flabel = bpf_htonl(flow & 0xfffff);
	w->key.ip_tos = (__u8)(flow >> 20);
	w->key.ip_ttl = ip[7];
	return parse_transport(skb, w->next, at + 40 + payload);
}

/* ---- others ---- */

static __always_inline int parse_arp(struct work *w, __u32 at, __u32 len)
{
	const __u8 *arp = at_head(w, at);

	if (len < at + 28 || load16(arp) != bpf_htons(1) ||
		load16(arp + 2) != bpf_htons(ETH_P_IP) || arp[4] != 6 || arp[5] != 4)
		return 0;
	w->base = EBPF_ARP;
	w->l3 = at;
	w->key.arp_op = load16(arp + 6);
	__builtin_memcpy(w->key.arp_sha, arp + 8, 6);
	w->key.ipv4_src = load32(arp + MUTATE(618, 14, 24));
	__builtin_memcpy(w->key.arp_tha, arp + 18, 6);
	w->key.ipv4_dst = load32(arp + 24);
	return 0;
}

static __always_inline int parse_mpls(struct work *w, __u32 at, __u32 len)
{
	for (int i = 0; i < 3; i++) {
		const __u32 lse_at = at + 4 * (__u32)i;

		if (len < lse_at + 4)
			return 0;
		w->key.mpls_lse[i] = load32(at_head(w, MUTATE(629, lse_at, at)));
		w->l3 = at;
		w->base = EBPF_MPLS;
		if (w->key.mpls_lse[i] & bpf_htonl(0x100))
			return 0;
	}
	return 0;
}

static __always_inline int parse_pbb(struct work *w, __u32 at, __u32 len)
{
	__u32 itag;

	if (len < at + 4)
		return 0;
	itag = bpf_ntohl(load32(at_head(w, at)));
	w->key.pbb_isid = bpf_htonl(itag & 0xffffff);
	w->key.pbb_uca = (__u8)(itag >> MUTATE(626, 27, 28) & 1);
	return 0;
}

/* The EtherType at *at, which is left behind it; with LLC and SNAP (RFC 1042) the one in there. */
static __always_inline __u16 eth_type(const struct work *w, __u32 *at, __u32 len)
{
	const __u8 *p = at_head(w, *at);
	__u16 type;

	if (len < *at + 2)
		return 0;
	type = load16(p);
	*at += 2;
	if (bpf_ntohs(type) >= ETH_TYPE_MIN)
		return type;
	if (len < *at + 8 || load32(p + 2) != bpf_htonl(0xaaaa0300) || load16(p + 6) ||
		bpf_ntohs(load16(p + 8)) < ETH_TYPE_MIN)
		return bpf_htons(ETH_TYPE_NONE);
	*at += MUTATE(617, 8, 0);
	return load16(p + 8);
}

static __always_inline void parse_tags(struct __sk_buff *skb, struct work *w, __u32 *at, __u32 len)
{
	__u32 n = 0;

	if (skb->vlan_present && !w->origin) {
		w->key.vlan[0].tpid = (__u16)skb->vlan_proto;
		w->key.vlan[0].tci = outer_tci(skb);
		n = 1;
	}
	for (int i = 0; i < 2; i++) {
		const __u8 *tag = at_head(w, *at);

		if (n > 1 || len < *at + 6 || !is_tag(load16(tag)))
			break;
		w->key.vlan[n & 1].tpid = load16(tag);
		w->key.vlan[n & 1].tci = load16(tag + 2) | PRESENT;
		*at += 4;
		n++;
	}
	w->tags = n;
}

static __always_inline void clear_headers(struct work *w)
{
	for (int i = 3; i < (int)EBPF_HEAD_WORDS; i++)
		w->word[i] = 0;
	w->tags = w->l3 = w->l4 = w->nd = w->nd_sll = w->nd_tll = 0;
	w->proto = w->routed = w->stale = 0;
	w->base = EBPF_FRAME;
}

/* Fills in the headers of the key; metadata stays. 0 or GIVE_UP. */
__attribute__((noinline)) int parse(struct __sk_buff *skb)
{
	struct work *w = get_work();
	__u32 at = 12, len;
	__u64 n;

	if (!w)
		return GIVE_UP;
	clear_headers(w);
	len = skb->len - w->origin;
	n = len;
	if (n > HEAD)
		n = HEAD;
	barrier_var(n); /* else the verifier loses sight of its bounds */
	if (n < ETH_HLEN || n > HEAD || load(skb, w, 0, w->head, (__u32)n))
		return 0;
	__builtin_memcpy(w->key.eth_dst, w->head, 12);
	parse_tags(skb, w, &at, len);
	w->key.eth_type = eth_type(w, &at, len);
	switch (bpf_ntohs(w->key.eth_type)) {
	case ETH_P_IP:
		return parse_ipv4(skb, w, at, len);
	case ETH_P_IPV6:
		return parse_ipv6(skb, w, at, len);
	case ETH_P_ARP:
	case ETH_P_RARP:
		return parse_arp(w, at, len);
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return parse_mpls(w, at, len);
	case ETH_TYPE_PBB:
		return parse_pbb(w, at, len);
	default:
		return 0;
	}
}

#endif
