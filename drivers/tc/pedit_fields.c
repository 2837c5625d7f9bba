/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tc/pedit_fields.h"
#include "hal/mutation.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stddef.h>

#include <linux/pkt_cls.h>
#include <rte_common.h>

#include <linux/tc_act/tc_pedit.h>

#define AT(MEMBER) \
	.at = offsetof(struct hal_key, MEMBER), .size = sizeof(((struct hal_key *)0)->MEMBER)

static const struct tc_pedit_field ethernet[] = {
	{AT(eth_dst), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_ETH, .offset = 0},
	{AT(eth_src), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_ETH, .offset = 6},
};

#define IP4 .header = TCA_PEDIT_KEY_EX_HDR_TYPE_IP4, .ipv4_sum = true
static const struct tc_pedit_field ipv4[] = {
	{AT(ip_tos), IP4, .offset = 1},
	{AT(ip_ttl), IP4, .offset = 8},
	{AT(ipv4_src), IP4, .offset = 12, .transport = true},
	{AT(ipv4_dst), IP4, .offset = 16, .transport = true},
};

#define IP6 .header = TCA_PEDIT_KEY_EX_HDR_TYPE_IP6
static const struct tc_pedit_field ipv6[] = {
	{AT(ip_tos), IP6, .offset = 0, .shift = 4},
	{AT(ipv6_flabel), IP6, .offset = 0},
	{AT(ip_ttl), IP6, .offset = 7},
	{AT(ipv6_src), IP6, .offset = 8, .transport = true},
	{AT(ipv6_dst), IP6, .offset = 24, .transport = true},
};

#define NETWORK .header = TCA_PEDIT_KEY_EX_HDR_TYPE_NETWORK
static const struct tc_pedit_field arp[] = {
	{AT(arp_op), NETWORK, .offset = 6},
	{AT(arp_sha), NETWORK, .offset = 8},
	{AT(ipv4_src), NETWORK, .offset = 14},
	{AT(arp_tha), NETWORK, .offset = 18},
	{AT(ipv4_dst), NETWORK, .offset = 24},
};

static const struct tc_pedit_field tcp[] = {
	{AT(tp_src), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_TCP, .offset = 0, .transport = true},
	{AT(tp_dst), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_TCP, .offset = 2, .transport = true},
};

static const struct tc_pedit_field udp[] = {
	{AT(tp_src), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_UDP, .offset = 0, .transport = true},
	{AT(tp_dst), .header = TCA_PEDIT_KEY_EX_HDR_TYPE_UDP, .offset = 2, .transport = true},
};

#define LIST(ARRAY) ((struct tc_pedit_list){(ARRAY), RTE_DIM(ARRAY)})

static struct tc_pedit_list transport(const struct hal_key *value, const struct hal_key *mask)
{
	if (mask->ip_proto == 0xff && value->ip_proto == IPPROTO_TCP)
		return LIST(tcp);
	if (mask->ip_proto == 0xff && value->ip_proto == IPPROTO_UDP)
		return LIST(udp);
	return (struct tc_pedit_list){0};
}

void tc_pedit_fields(const struct hal_key *value, const struct hal_key *mask,
	struct tc_pedit_list list[TC_PEDIT_HEADERS])
{
	list[0] = LIST(ethernet);
	list[1] = list[2] = (struct tc_pedit_list){0};
	if (mask->eth_type != RTE_BE16(0xffff) || MUTATE(518, false, value->vlan[0].tpid != 0))
		return;
	switch (rte_be_to_cpu_16(value->eth_type)) {
	case ETH_P_IP:
		list[1] = LIST(ipv4);
		break;
	case ETH_P_IPV6:
		list[1] = LIST(ipv6);
		break;
	case ETH_P_ARP:
		list[1] = LIST(arp);
		return;
	default:
		return;
	}
	list[2] = transport(value, mask);
}
