/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's short cut: TCP and UDP over IPv4 and IPv6 with nothing unusual in between, read
 * where they lie. It leaves the same behind as parse(), but for the bytes of the head, and leaves
 * to it whatever it does not know.
 *
 * Words of the key are put together in registers: a processor that reads a word which was written
 * in parts has to wait for all of them.
 */
#ifndef SLUICE_DRIVERS_EBPF_USUAL_BPF_H
#define SLUICE_DRIVERS_EBPF_USUAL_BPF_H

#include "drivers/ebpf/parse.bpf.h"

#define MIN_TCP 20
#define MIN_UDP 8

/* A value of so many bytes, as it was read from memory, at a byte of a word. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AT(VALUE, SIZE, BYTE) ((__u64)(VALUE) << 8 * (BYTE))
#else
#define AT(VALUE, SIZE, BYTE) ((__u64)(VALUE) << 8 * (8 - (BYTE) - (SIZE)))
#endif

/* Words of a struct ebpf_headers: byte N of one is byte N of the other. */
#define WORD(MEMBER) (__builtin_offsetof(struct ebpf_headers, MEMBER) / 8)
#define BYTE(MEMBER) (__builtin_offsetof(struct ebpf_headers, MEMBER) % 8)
#define PUT(MEMBER, VALUE) AT(VALUE, sizeof(((struct ebpf_headers *)0)->MEMBER), BYTE(MEMBER))
_Static_assert(WORD(eth_src) == 4 && WORD(vlan) == 5 && WORD(vlan[1]) == 6 && WORD(ip_frag) == 6 &&
		       WORD(arp_op) == 7 && WORD(ipv4_dst) == 8 && WORD(ipv6_src) == 9 &&
		       WORD(ipv6_dst) == 11 && WORD(ipv6_flabel) == 13,
	"words are put together here");

/* The transport header, which ends by `end` and by `data_end`. True if it is one of the two. */
static __always_inline int usual_transport(
	struct work *w, const __u8 *l4, const void *data_end, __u8 proto, __u32 room)
{
	__u64 word;

	if (l4 + MIN_UDP > (const __u8 *)data_end || room < MIN_UDP)
		return 0;
	word = AT(load32(l4), 4, BYTE(tp_src));
	if (proto == IPPROTO_TCP) {
		if (l4 + MIN_TCP > (const __u8 *)data_end || room < MIN_TCP)
			return 0;
		word |= PUT(tcp_flags, tcp_flags(l4));
	} else if (proto != IPPROTO_UDP) {
		return 0;
	}
	w->word[7] = word;
	return 1;
}

/* True if there is one, which is no fragment and has no options. */
static __always_inline int usual_ipv4(
	struct work *w, const __u8 *ip, const void *data_end, __u32 len)
{
	__u32 total;

	if (ip + 20 > (const __u8 *)data_end || ip[0] != 0x45 ||
		load16(ip + 6) & bpf_htons(MUTATE(691, 0x3fff, 0)))
		return 0;
	total = bpf_ntohs(load16(ip + 2));
	if (total < 20 || total > len || len - total > 0xffff ||
		!usual_transport(w, ip + 20, data_end, ip[9], total - 20))
		return 0;
	w->word[6] = PUT(ip_proto, ip[9]) | PUT(ip_tos, ip[1]) | PUT(ip_ttl, ip[8]);
	w->word[8] = load64(ip + 12);
	w->word[9] = w->word[10] = w->word[11] = w->word[12] = w->word[13] = 0;
	w->l4 = ETH_HLEN + 20;
	w->proto = ip[9];
	w->base = EBPF_IPV4;
	return 1;
}

/* True if there is one without extension headers. */
static __always_inline int usual_ipv6(
	struct work *w, const __u8 *ip, const void *data_end, __u32 len)
{
	__u32 flow, payload;

	if (ip + 40 > (const __u8 *)data_end || len < 40)
		return 0;
	payload = bpf_ntohs(load16(ip + 4));
	if (payload > len - 40 || len - 40 - payload > 0xffff ||
		!usual_transport(w, ip + MUTATE(693, 40, 20), data_end, ip[6], payload))
		return 0;
	flow = bpf_ntohl(load32(ip));
	w->word[6] = PUT(ip_proto, ip[6]) | PUT(ip_tos, flow >> 20 & 0xff) | PUT(ip_ttl, ip[7]);
	w->word[8] = 0;
	w->word[9] = load64(ip + 8);
	w->word[10] = load64(ip + 16);
	w->word[11] = load64(ip + 24);
	w->word[12] = load64(ip + 32);
	w->word[13] = PUT(ipv6_flabel, bpf_htonl(flow & 0xfffff));
	w->l4 = ETH_HLEN + MUTATE(692, 40, 20);
	w->proto = ip[6];
	w->base = EBPF_IPV6;
	return 1;
}

/* True if the packet is parsed. */
static __always_inline int parse_usual(struct __sk_buff *skb, struct work *w)
{
	const __u8 *data = (const void *)(long)skb->data, *ip = data + ETH_HLEN;
	const void *data_end = (const void *)(long)skb->data_end;
	const __u32 tags = skb->vlan_present;
	__u32 len = skb->len;
	__u64 tag = 0;

	if (ip > (const __u8 *)data_end || len < ETH_HLEN)
		return 0;
	len -= ETH_HLEN;
	if (load16(data + 12) == bpf_htons(ETH_P_IP)) {
		if (!usual_ipv4(w, ip, data_end, len))
			return 0;
	} else if (load16(data + 12) == bpf_htons(ETH_P_IPV6)) {
		if (!usual_ipv6(w, ip, data_end, len))
			return 0;
	} else {
		return 0;
	}
	if (tags)
		tag = PUT(vlan[0].tpid, (__u16)skb->vlan_proto) | PUT(vlan[0].tci, outer_tci(skb));
	w->word[3] = AT(load16(data), 2, BYTE(eth_dst));
	w->word[4] = load64(data + 2);
	w->word[5] = AT(load32(data + 10), 4, 0) | tag;
	for (int i = 14; i < (int)EBPF_HEAD_WORDS; i++)
		w->word[i] = 0;
	w->tags = tags;
	w->l3 = ETH_HLEN;
	w->nd = w->nd_sll = w->nd_tll = 0;
	w->routed = w->stale = 0;
	return 1;
}

#endif
