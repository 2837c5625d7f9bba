/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels: VXLAN (RFC 7348) and Geneve (RFC 8926, without options on the way in).
 *
 * The program itself puts the ready headers before a packet and takes them off. A netdev of the
 * kernel's that does it by metadata would choose source port, TTL and next hop by itself, and would
 * take in what the host's routes lead to it only.
 *
 * A packet that cannot be handled exactly is handed up as it came: before the first step where it
 * goes into a tunnel, and where it comes out of one, before anything of it is altered, whatever the
 * rule for what is inside. A super-frame of TCP stays whole.
 *
 * The kernel goes on to take a packet for one in a tunnel of its own if it came, over a virtual
 * wire, out of a tunnel netdev of this host (skb->encapsulation). It is cut right all the same;
 * into another tunnel it does not go as a super-frame.
 */
#ifndef SLUICE_DRIVERS_EBPF_TUNNEL_BPF_H
#define SLUICE_DRIVERS_EBPF_TUNNEL_BPF_H

#include "drivers/ebpf/parse.bpf.h"

#define UDP_LEN 8u
#define TUNNEL_LEN 8u /* of VXLAN, and of Geneve without options */
#define ECN 0x03
#define EINVAL 22
#define EALREADY 114

static __always_inline void forget_tunnel(struct work *w)
{
	for (int i = EBPF_HEAD_WORDS; i < (int)EBPF_WORDS; i++)
		w->word[i] = 0;
}

static __always_inline struct ebpf_traffic *get_tunnel(__u32 name)
{
	const __u32 at = name & (EBPF_TUNNELS - 1);

	return bpf_map_lookup_elem(&tunnels, &at);
}

/* The kernel takes the packet for what its EtherType says, now that this was written: a tag goes in
 * and comes out again, and with it one that is in the frame comes out, too. */
static __always_inline int retype(struct __sk_buff *skb)
{
	for (int i = 0; i < 2; i++)
		if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 1))
			return -1;
	for (int i = 0; i < 2; i++)
		if (bpf_skb_vlan_pop(skb))
			return -1;
	return 0;
}

/* ---- the UDP source port: hal/hash.h ---- */

static __always_inline __u64 hash_word(__u64 h, __u64 word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

static __always_inline __u64 load48(const __u8 *p)
{
	return load32(p) | (__u64)load16(p + 4) << 32;
}

static __always_inline __u16 source_port(const struct work *w)
{
	__u64 src[2] = {0, 0}, dst[2] = {0, 0}, h = 0, tail;

	tail = (__u64)w->key.ip_proto << 16 | bpf_ntohs(w->key.eth_type);
	tail <<= 32;
	if (w->key.ip_proto == IPPROTO_TCP || w->key.ip_proto == IPPROTO_UDP ||
		w->key.ip_proto == IPPROTO_SCTP)
		tail |= (__u64)bpf_ntohs(w->key.tp_src) << 16 | bpf_ntohs(w->key.tp_dst);
	if (!w->key.ip_proto) {
		src[0] = load48(w->key.eth_src);
		dst[0] = load48(w->key.eth_dst);
	} else if (w->key.eth_type == bpf_htons(ETH_P_IP)) {
		src[0] = w->key.ipv4_src;
		dst[0] = w->key.ipv4_dst;
	} else {
		for (int i = 0; i < 2; i++) {
			src[i] = load64(w->key.ipv6_src + 8 * i);
			dst[i] = load64(w->key.ipv6_dst + 8 * i);
		}
	}
	h = hash_word(h, dst[0]);
	if (dst[1])
		h = hash_word(h, dst[1]);
	h = hash_word(h, src[0]);
	if (src[1])
		h = hash_word(h, src[1]);
	h = hash_word(h, tail) * 0xc4ceb9fe1a85ec53ull;
	h ^= h >> 32;
	if (!(__u32)h)
		h = 1;
	return (__u16)(0xc000 | (h & 0x3fff));
}

/* ---- in ---- */

/* Whether the kernel takes the packet for one in a tunnel: it says so before it finds that there is
 * nothing to be done. */
static __always_inline int is_encapsulated(struct __sk_buff *skb)
{
	return bpf_skb_adjust_room(skb, 0, BPF_ADJ_ROOM_MAC,
		       BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
			       BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN)) != -EINVAL;
}

/* Whether the packet, as it is before the first step, can be put into a tunnel at the end. */
static __always_inline int fits(
	struct __sk_buff *skb, const struct work *w, const struct ebpf_step *s)
{
	if (w->tags > s->arg || skb->len - w->origin + s->arg2 > 0xffff)
		return 0;
	return !skb->gso_size || (w->l4 && w->proto == IPPROTO_TCP && !is_encapsulated(skb));
}

static __always_inline int keep_header(struct work *w, const struct ebpf_step *s)
{
	__u64 at = s->at * EBPF_DATA;

	barrier_var(at);
	if (at > EBPF_HEADER_MAX)
		return TC_ACT_SHOT;
	__builtin_memcpy(w->outer + at, &s->arg, EBPF_DATA);
	return GO_ON;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/* What depends on the packet, in an IPv4 header and the UDP header behind it. */
static __always_inline void finish_outer(struct work *w, __u32 flags, __u32 len)
{
	const __u16 type = w->key.eth_type;
	__u8 *ip = w->outer + ETH_HLEN, *udp = ip + 20, inherit = MUTATE(661, ECN, 0);
	__s64 sum;

	if (type == bpf_htons(ETH_P_IP) || type == bpf_htons(ETH_P_IPV6)) {
		if (flags & EBPF_INHERIT_TOS)
			inherit = 0xff;
		ip[1] = (ip[1] & ~inherit) | (w->key.ip_tos & inherit);
		if (flags & EBPF_INHERIT_TTL)
			ip[8] = w->key.ip_ttl;
	}
	*(__u16 *)(ip + 2) = bpf_htons((__u16)len);
	*(__u16 *)(ip + 4) = bpf_htons((__u16)++w->ip_id);
	*(__u16 *)(ip + 10) = 0;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)ip, 20, 0);
	*(__u16 *)(ip + 10) = (__u16)~fold((__u64)sum & 0xffffffff);
	*(__u16 *)udp = bpf_htons(MUTATE(662, source_port(w), 4789));
	*(__u16 *)(udp + 4) = bpf_htons((__u16)(len - 20));
	*(__u16 *)(udp + 6) = 0;
}

/* The frame's own addresses and EtherType go behind the headers, and between them the tag that the
 * kernel keeps beside the packet. Bytes of headers then, or 0. */
static __always_inline __u32 append_frame(struct __sk_buff *skb, struct work *w, __u64 size)
{
	if (bpf_skb_load_bytes(skb, 0, w->outer + size, 12))
		return 0;
	if (skb->vlan_present) {
		*(__u16 *)(w->outer + size + 12) = (__u16)skb->vlan_proto;
		*(__u16 *)(w->outer + size + 14) = bpf_htons((__u16)skb->vlan_tci);
		if (bpf_skb_vlan_pop(skb))
			return 0;
		size += 4;
	}
	if (bpf_skb_load_bytes(skb, 12, w->outer + size + 12, 2))
		return 0;
	return (__u32)size + ETH_HLEN;
}

/* Room for the headers. The kernel makes it for IP only, as which the frame is passed off. */
static __always_inline int make_room(struct __sk_buff *skb, __u32 n, __u32 tagged)
{
	const __u16 ip = bpf_htons(ETH_P_IP);
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
		      BPF_F_ADJ_ROOM_ENCAP_L2_ETH | BPF_F_ADJ_ROOM_FIXED_GSO;
	long err;

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_store_bytes(skb, 12, &ip, 2, 0) || retype(skb))
			return -1;
	}
	flags |= tagged ? BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN + 4) : BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN);
	err = bpf_skb_adjust_room(skb, (__s32)n, BPF_ADJ_ROOM_MAC, flags);
	if (err == -EALREADY && !skb->gso_size)
		err = bpf_skb_adjust_room(
			skb, (__s32)n, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
	return (int)err;
}

/* `size` bytes of headers are in w->outer; what follows sees a packet of our own. */
__attribute__((noinline)) int encapsulate(
	struct __sk_buff *skb, __u32 name, __u32 size, __u32 flags)
{
	struct ebpf_traffic *count = get_tunnel(name);
	struct work *w = get_work();
	__u64 n = size;
	__u32 len;

	if (!w || !count)
		return TC_ACT_SHOT;
	len = bytes_of(skb);
	barrier_var(n);
	if (n > EBPF_HEADER_MAX)
		return TC_ACT_SHOT;
	n = append_frame(skb, w, n);
	if (n < ETH_HLEN + 20 + UDP_LEN || n > sizeof(w->outer))
		return TC_ACT_SHOT;
	finish_outer(w, flags, len + size - ETH_HLEN);
	if (make_room(skb, (__u32)n - ETH_HLEN, n - ETH_HLEN > size))
		return TC_ACT_SHOT;
	n -= ETH_HLEN;
	barrier_var(n);
	if (n < UDP_LEN || n > sizeof(w->outer) - ETH_HLEN ||
		bpf_skb_store_bytes(skb, 0, w->outer, ETH_HLEN, 0) ||
		bpf_skb_store_bytes(
			skb, ETH_HLEN, w->outer + ETH_HLEN, (__u32)n, BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	count->tx_packets++;
	count->tx_bytes += len;
	forget_tunnel(w);
	w->key.dp_hash = 0;
	w->stale = 1;
	return GO_ON;
}

/* ---- out ---- */

/* Whether the tunnel's header is a plain one; its VNI lies at h + 4 in both. */
static __always_inline int is_plain(const __u8 *h, __u32 type, __u32 flags)
{
	if (h[7])
		return 0;
	if (type == EBPF_GENEVE)
		return !load16(h) && load16(h + 2) == bpf_htons(ETH_P_TEB);
	if (flags & EBPF_GBP && h[0] == 0x88)
		return !(h[1] & ~0x48);
	return load32(h) == bpf_htonl(0x08000000);
}

/* The length that the IP header gives, if nothing but its fixed part is there and its sum is right.
 */
static __always_inline __u32 ip_len(struct __sk_buff *skb, struct work *w)
{
	__u8 *ip = w->part;

	if (load(skb, w, w->l3, ip, 20))
		return 0;
	if (w->base == EBPF_IPV6)
		return w->l4 == w->l3 + 40 ? bpf_ntohs(load16(ip + 4)) : 0;
	if (w->base != EBPF_IPV4 || w->l4 != w->l3 + 20 ||
		fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)ip, 20, 0) & 0xffffffff) != 0xffff)
		return 0;
	return bpf_ntohs(load16(ip + 2)) - 20u;
}

/* The sum over a piece of the packet, of 1 to PIECE bytes. */
__attribute__((noinline)) __u32 sum_piece(struct __sk_buff *skb, __u32 at, __u32 len)
{
	struct work *w = get_work();
	__u64 n = len - 1u;

	barrier_var(n);
	n = (n & (PIECE - 1)) + 1; /* in bounds that every verifier sees */
	if (!w || bpf_skb_load_bytes(skb, at, w->piece, (__u32)n))
		return 0;
	*(__u32 *)(w->piece + n) = 0;
	return fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)w->piece, ((__u32)n + 3) & ~3u, 0) &
		    0xffffffff);
}

/* That over the UDP datagram and its pseudo-header (RFC 768, RFC 8200 8.1). */
static __always_inline __u16 sum_datagram(struct __sk_buff *skb, struct work *w, __u32 len)
{
	__u64 sum = bpf_htons(IPPROTO_UDP) + bpf_htons((__u16)len);
	__u32 at = w->l4, left = len;

	if (w->base == EBPF_IPV4)
		sum += fold((__u64)w->key.ipv4_src + w->key.ipv4_dst);
	else
		sum += sum_piece(skb, w->l3 + 8, 32);
	for (__u32 i = 0; i < 0x10000 / PIECE; i++) {
		if (left <= PIECE)
			break;
		sum += sum_piece(skb, at, PIECE);
		at += PIECE;
		left -= PIECE;
	}
	return fold(sum + sum_piece(skb, at, left));
}

/* A partial checksum, of a packet that our host has not finished, cannot be told from a wrong one.
 */
static __always_inline int sum_is_right(struct __sk_buff *skb, struct work *w, __u32 len)
{
	if (!load16(w->part + 6) || bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return 1;
	return !skb->gso_size && sum_datagram(skb, w, len) == MUTATE(666, 0xffff, 0);
}

/* The key's part about tunnels, from the outer headers and the tunnel's own. */
static __always_inline void note_tunnel(struct work *w, const __u8 *h)
{
	struct ebpf_tunnel *tun = &w->key.tun;

	tun->tos = w->key.ip_tos;
	tun->ttl = w->key.ip_ttl;
	if (w->base == EBPF_IPV4) {
		tun->ipv4_src = MUTATE(663, w->key.ipv4_src, w->key.ipv4_dst);
		tun->ipv4_dst = w->key.ipv4_dst;
	} else {
		__builtin_memcpy(tun->ipv6_src, w->key.ipv6_src, 32);
	}
	__builtin_memcpy(tun->id + 5, h + 4, 3);
	if (h[0] == 0x88) {
		tun->gbp_flags = h[1];
		tun->gbp_id = load16(h + 2);
	}
}

/* Parses what is inside of a tunnel's packet, where it is. 0, or GIVE_UP if it is anything but
 * plain: flags or options that are not known here, congestion that would have to be told to it (RFC
 * 6040, 4.2), padding. */
__attribute__((noinline)) int look_inside(
	struct __sk_buff *skb, __u32 name, __u32 type, __u32 flags)
{
	struct work *w = get_work();
	__u32 len, least;
	const __u8 *udp;

	if (!w || w->tags || !w->l4 || w->proto != IPPROTO_UDP || w->key.ip_frag ||
		w->key.ip_tos & MUTATE(664, 1, 0))
		return GIVE_UP;
	udp = w->part;
	len = ip_len(skb, w);
	least = UDP_LEN + TUNNEL_LEN + ETH_HLEN + (w->base == EBPF_IPV6 ? 40 : 20);
	if (len < least || w->l4 + len != skb->len || load(skb, w, w->l4, w->part, 16) ||
		load16(udp + 4) != bpf_htons((__u16)len) || !is_plain(udp + UDP_LEN, type, flags) ||
		!sum_is_right(skb, w, len))
		return GIVE_UP;
	note_tunnel(w, udp + UDP_LEN);
	w->key.in_port = name;
	w->key.pkt_mark = 0;
	w->origin = w->l4 + UDP_LEN + TUNNEL_LEN;
	if (parse(skb))
		return GIVE_UP;
	return skb->gso_size && (!w->l4 || w->proto != IPPROTO_TCP) ? GIVE_UP : 0;
}

/* Takes off the headers that were looked behind. `base`: of the outer IP header. */
__attribute__((noinline)) int take_off(struct __sk_buff *skb, __u32 name, __u32 base)
{
	struct ebpf_traffic *count = get_tunnel(name);
	struct work *w = get_work();
	__u16 type;

	if (!w || !count)
		return -1;
	type = load16(w->head + 12);
	if (bpf_skb_adjust_room(
		    skb, -(__s32)w->origin, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) ||
		bpf_skb_store_bytes(skb, 0, w->head, ETH_HLEN, 0))
		return -1;
	count->rx_packets++;
	count->rx_bytes += skb->len;
	if (type != bpf_htons(base == EBPF_IPV4 ? ETH_P_IP : ETH_P_IPV6) && retype(skb))
		return -1;
	w->origin = 0;
	w->popped = 1;
	w->stale = w->tags;
	return 0;
}

#endif
