/* SPDX-License-Identifier: Apache-2.0
 *
 * What flower can match, by field, and for which protocols. Combinations are judged when a rule is
 * written (flower_encode.c).
 */
#include <linux/if_ether.h>
#include <string.h>

#include <rte_common.h>

#include "drivers/tc/flower.h"

static const struct {
	enum hal_field_id field;
	uint8_t kinds;
} fields[] = {
	{FIELD_DP_PORT, HAL_MATCH_EXACT},
	{FIELD_RECIRC_ID, HAL_MATCH_EXACT},
	{FIELD_PACKET_TYPE, HAL_MATCH_EXACT},
	{FIELD_ETH_DST, HAL_MATCH_ANY},
	{FIELD_ETH_SRC, HAL_MATCH_ANY},
	{FIELD_ETH_TYPE, HAL_MATCH_EXACT},
	/* By parts: which of them is told apart when the rule is written. */
	{FIELD_VLAN_TCI, HAL_MATCH_ANY},
	{FIELD_VLAN_VID, HAL_MATCH_ANY},
	{FIELD_VLAN_PCP, HAL_MATCH_EXACT},
	{FIELD_VLAN_TPID, HAL_MATCH_EXACT},
	{FIELD_VLAN2_TCI, HAL_MATCH_ANY},
	{FIELD_VLAN2_TPID, HAL_MATCH_EXACT},
	{FIELD_MPLS_LABEL, HAL_MATCH_EXACT},
	{FIELD_MPLS_TC, HAL_MATCH_EXACT},
	{FIELD_MPLS_BOS, HAL_MATCH_EXACT},
	{FIELD_MPLS_TTL, HAL_MATCH_EXACT},
	{FIELD_IPV4_SRC, HAL_MATCH_ANY},
	{FIELD_IPV4_DST, HAL_MATCH_ANY},
	{FIELD_IPV6_SRC, HAL_MATCH_ANY},
	{FIELD_IPV6_DST, HAL_MATCH_ANY},
	{FIELD_IP_PROTO, HAL_MATCH_EXACT},
	{FIELD_IP_DSCP, HAL_MATCH_ANY},
	{FIELD_IP_ECN, HAL_MATCH_ANY},
	{FIELD_NW_TOS, HAL_MATCH_ANY},
	{FIELD_IP_TTL, HAL_MATCH_ANY},
	{FIELD_IP_FRAG, HAL_MATCH_ANY},
	{FIELD_ARP_OP, HAL_MATCH_EXACT},
	{FIELD_ARP_SPA, HAL_MATCH_ANY},
	{FIELD_ARP_TPA, HAL_MATCH_ANY},
	{FIELD_ARP_SHA, HAL_MATCH_ANY},
	{FIELD_ARP_THA, HAL_MATCH_ANY},
	{FIELD_TCP_SRC, HAL_MATCH_ANY},
	{FIELD_TCP_DST, HAL_MATCH_ANY},
	{FIELD_TCP_FLAGS, HAL_MATCH_ANY},
	{FIELD_UDP_SRC, HAL_MATCH_ANY},
	{FIELD_UDP_DST, HAL_MATCH_ANY},
	{FIELD_SCTP_SRC, HAL_MATCH_ANY},
	{FIELD_SCTP_DST, HAL_MATCH_ANY},
	{FIELD_ICMPV4_TYPE, HAL_MATCH_ANY},
	{FIELD_ICMPV4_CODE, HAL_MATCH_ANY},
	{FIELD_ICMPV6_TYPE, HAL_MATCH_ANY},
	{FIELD_ICMPV6_CODE, HAL_MATCH_ANY},
};

/* Which tag comes first, since the bytes of a tag are not counted; and before an EtherType is asked
 * for, all tags. Transport headers are looked at, and checksums written, in whole packets; members
 * of ARP, in what is known to be a request or a reply. */
static void need(struct hal_caps *caps)
{
	struct hal_need *tags = &caps->need[0], *rest = &caps->need[1], *arp = &caps->need[2];

	caps->n_needs = 3;
	memset(caps->need, 0, sizeof(caps->need));
	tags->when.in_port = UINT32_MAX;
	tags->bits.vlan[0] = (struct hal_vlan){RTE_BE16(0xffff), RTE_BE16(HAL_VLAN_PRESENT)};
	rest->when.eth_type = RTE_BE16(0xffff);
	rest->bits.vlan[1] = tags->bits.vlan[0];
	rest->bits.ip_frag = HAL_FRAG_ANY | HAL_FRAG_LATER;
	arp->eth_type = RTE_BE16(ETH_P_ARP);
	arp->when.ipv4_src = arp->when.ipv4_dst = UINT32_MAX;
	memset(arp->when.arp_sha, 0xff, sizeof(arp->when.arp_sha));
	memset(arp->when.arp_tha, 0xff, sizeof(arp->when.arp_tha));
	arp->bits.arp_op = RTE_BE16(0xffff);
}

void tc_flower_caps(struct hal_caps *caps)
{
	for (unsigned i = 0; i < RTE_DIM(fields); i++)
		caps->match[fields[i].field] = fields[i].kinds;
	caps->max_vlan_tags = 2;
	need(caps);
}

static const uint16_t slots[TC_FLOWER_SLOTS] = {0, ETH_P_IP, ETH_P_IPV6, ETH_P_ARP, ETH_P_8021Q,
	ETH_P_8021AD, ETH_P_MPLS_UC, ETH_P_MPLS_MC};

unsigned tc_flower_slot(rte_be16_t protocol)
{
	for (unsigned i = 1; i < TC_FLOWER_SLOTS; i++)
		if (slots[i] == rte_be_to_cpu_16(protocol))
			return i;
	return 0;
}
