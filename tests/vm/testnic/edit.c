// SPDX-License-Identifier: GPL-2.0
/*
 * Headers written, and checksums worked out anew.
 */
#include <linux/icmpv6.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "testnic.h"

int testnic_l3_offset(struct sk_buff *skb, __be16 *proto)
{
	int at = ETH_HLEN;

	*proto = eth_hdr(skb)->h_proto;
	while (eth_type_vlan(*proto)) {
		struct vlan_hdr tag;

		if (skb_copy_bits(skb, at, &tag, sizeof(tag)))
			return -EINVAL;
		*proto = tag.h_vlan_encapsulated_proto;
		at += VLAN_HLEN;
	}
	return at;
}

/* Of the transport header, in the first fragment only; *l4 is its protocol. */
static int l4_offset(struct sk_buff *skb, u8 *l4)
{
	__be16 proto, fragment = 0;
	int l3 = testnic_l3_offset(skb, &proto);

	if (l3 < 0)
		return l3;
	if (proto == htons(ETH_P_IP)) {
		struct iphdr ip;

		if (skb_copy_bits(skb, l3, &ip, sizeof(ip)) || (ip.frag_off & htons(IP_OFFSET)))
			return -EINVAL;
		*l4 = ip.protocol;
		return l3 + ip.ihl * 4;
	}
	if (proto == htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;
		int at;

		if (skb_copy_bits(skb, l3, &ip, sizeof(ip)))
			return -EINVAL;
		*l4 = ip.nexthdr;
		at = ipv6_skip_exthdr(skb, l3 + (int)sizeof(ip), l4, &fragment);
		return at < 0 || (fragment & htons(~0x7)) ? -EINVAL : at;
	}
	return -EINVAL;
}

int testnic_mangle(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	int at = (int)entry->mangle.offset, base = 0;
	__be16 proto;
	u8 l4;
	u32 word;

	switch (entry->mangle.htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH:
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		base = testnic_l3_offset(skb, &proto);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		base = l4_offset(skb, &l4);
		break;
	default:
		return -EINVAL;
	}
	if (base < 0)
		return base;
	at += base;
	if (at < 0 || skb_copy_bits(skb, at, &word, sizeof(word)))
		return -EINVAL;
	if (entry->id == FLOW_ACTION_ADD)
		word = (word & entry->mangle.mask) |
		       ((word + entry->mangle.val) & ~entry->mangle.mask);
	else
		word = (word & entry->mangle.mask) ^ entry->mangle.val;
	return skb_store_bits(skb, at, &word, sizeof(word));
}

/* The sum of a packet's end, from `at` on, and of its pseudo-header. */
static __sum16 pseudo_sum(struct sk_buff *skb, int l3, int at, u8 l4, bool v6)
{
	int end, len;
	__wsum sum;

	if (v6) {
		const struct ipv6hdr *ip = (struct ipv6hdr *)(skb->data + l3);

		end = l3 + (int)sizeof(*ip) + ntohs(ip->payload_len);
		len = end - at;
		sum = skb_checksum(skb, at, len, 0);
		return csum_ipv6_magic(&ip->saddr, &ip->daddr, len, l4, sum);
	} else {
		const struct iphdr *ip = (struct iphdr *)(skb->data + l3);

		end = l3 + ntohs(ip->tot_len);
		len = end - at;
		sum = skb_checksum(skb, at, len, 0);
		if (l4 == IPPROTO_ICMP)
			return csum_fold(sum);
		return csum_tcpudp_magic(ip->saddr, ip->daddr, len, l4, sum);
	}
}

static void sum_l4(struct sk_buff *skb, int l3, bool v6, u32 flags)
{
	__sum16 *field, zero = 0;
	u8 l4;
	int at = l4_offset(skb, &l4);

	if (at < 0)
		return;
	if (l4 == IPPROTO_TCP && (flags & TCA_CSUM_UPDATE_FLAG_TCP)) {
		field = &((struct tcphdr *)(skb->data + at))->check;
	} else if (l4 == IPPROTO_UDP && (flags & TCA_CSUM_UPDATE_FLAG_UDP)) {
		field = &((struct udphdr *)(skb->data + at))->check;
		if (!*field) /* it has none */
			return;
	} else if (l4 == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) &&
		   (flags & TCA_CSUM_UPDATE_FLAG_ICMP)) {
		field = &((struct icmp6hdr *)(skb->data + at))->icmp6_cksum;
	} else {
		return;
	}
	*field = zero;
	*field = pseudo_sum(skb, l3, at, l4, v6);
	if (l4 == IPPROTO_UDP && !*field)
		*field = CSUM_MANGLED_0;
}

int testnic_checksum(struct sk_buff *skb, u32 flags)
{
	__be16 proto;
	int l3;

	if (skb_linearize(skb))
		return -ENOMEM;
	l3 = testnic_l3_offset(skb, &proto);
	if (l3 < 0)
		return l3;
	if (proto == htons(ETH_P_IP)) {
		if (flags & TCA_CSUM_UPDATE_FLAG_IPV4HDR)
			ip_send_check((struct iphdr *)(skb->data + l3));
		sum_l4(skb, l3, false, flags);
	} else if (proto == htons(ETH_P_IPV6)) {
		sum_l4(skb, l3, true, flags);
	}
	return 0;
}
