/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tc/flower_keys.h"

#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include <rte_common.h>
#include <rte_ether.h>

#define AT(MEMBER) offsetof(struct hal_key, MEMBER)
#define KEY(NAME, MEMBER)                                                        \
	{                                                                        \
		TCA_FLOWER_KEY_##NAME, TCA_FLOWER_KEY_##NAME##_MASK, AT(MEMBER), \
			sizeof(((struct hal_key *)0)->MEMBER)                    \
	}
/* One byte on the wire, the lower one of a member of two. */
#define LOW_BYTE(NAME, MEMBER)                                                         \
	{                                                                              \
		TCA_FLOWER_KEY_##NAME, TCA_FLOWER_KEY_##NAME##_MASK, AT(MEMBER) + 1, 1 \
	}
#define KEYS(LIST)                    \
	(struct tc_flower_keys)       \
	{                             \
		(LIST), RTE_DIM(LIST) \
	}

static const struct tc_flower_key ethernet[] = {KEY(ETH_DST, eth_dst), KEY(ETH_SRC, eth_src)};
const struct tc_flower_keys tc_flower_ethernet = {ethernet, RTE_DIM(ethernet)};

static const struct tc_flower_key arp[] = {KEY(ARP_SIP, ipv4_src), KEY(ARP_TIP, ipv4_dst),
	KEY(ARP_SHA, arp_sha), KEY(ARP_THA, arp_tha), LOW_BYTE(ARP_OP, arp_op)};
const struct tc_flower_keys tc_flower_arp = {arp, RTE_DIM(arp)};

#define IP_KEYS                                             \
	KEY(IP_TOS, ip_tos), KEY(IP_TTL, ip_ttl),           \
	{                                                   \
		TCA_FLOWER_KEY_IP_PROTO, 0, AT(ip_proto), 1 \
	}
static const struct tc_flower_key ipv4[] = {
	KEY(IPV4_SRC, ipv4_src), KEY(IPV4_DST, ipv4_dst), IP_KEYS};
static const struct tc_flower_key ipv6[] = {
	KEY(IPV6_SRC, ipv6_src), KEY(IPV6_DST, ipv6_dst), IP_KEYS};

static const struct tc_flower_key tcp[] = {
	KEY(TCP_SRC, tp_src), KEY(TCP_DST, tp_dst), KEY(TCP_FLAGS, tcp_flags)};
static const struct tc_flower_key udp[] = {KEY(UDP_SRC, tp_src), KEY(UDP_DST, tp_dst)};
static const struct tc_flower_key sctp[] = {KEY(SCTP_SRC, tp_src), KEY(SCTP_DST, tp_dst)};
static const struct tc_flower_key icmp[] = {
	LOW_BYTE(ICMPV4_TYPE, tp_src), LOW_BYTE(ICMPV4_CODE, tp_dst)};
static const struct tc_flower_key icmpv6[] = {
	LOW_BYTE(ICMPV6_TYPE, tp_src), LOW_BYTE(ICMPV6_CODE, tp_dst)};

struct tc_flower_keys tc_flower_ip(rte_be16_t eth_type)
{
	if (eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return KEYS(ipv4);
	if (eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return KEYS(ipv6);
	return (struct tc_flower_keys){NULL, 0};
}

struct tc_flower_keys tc_flower_l4(rte_be16_t eth_type, uint8_t proto)
{
	const bool v4 = eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV4);

	switch (proto) {
	case IPPROTO_TCP:
		return KEYS(tcp);
	case IPPROTO_UDP:
		return KEYS(udp);
	case IPPROTO_SCTP:
		return KEYS(sctp);
	case IPPROTO_ICMP:
		return v4 ? KEYS(icmp) : (struct tc_flower_keys){NULL, 0};
	case IPPROTO_ICMPV6:
		return v4 ? (struct tc_flower_keys){NULL, 0} : KEYS(icmpv6);
	default:
		return (struct tc_flower_keys){NULL, 0};
	}
}
