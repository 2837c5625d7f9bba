/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/field.h"

#include <netinet/in.h>

#include <rte_ether.h>

#include "hal/ct_state.h"

#define ETH_TYPE_PBB 0x88e7
#define ETH_TYPE_MPLS 0x8847
#define ETH_TYPE_MPLS_MCAST 0x8848

#define ND_TYPE_SOLICIT 135 /* RFC 4861, 4.3 */
#define ND_TYPE_ADVERT 136  /* RFC 4861, 4.4 */

/* A match, or with a mask of all ones a packet. */
struct view {
	const struct hal_key *value, *mask;
};

/* OpenFlow 1.5, 7.2.3.11: a packet that begins behind the Ethernet header says by its packet type
 * which Ethernet type it would have. */
#define PACKET_TYPE_ETHERTYPE 1

static bool has_ethernet(const struct view *v)
{
	return v->mask->packet_type != RTE_BE32(UINT32_MAX) || !v->value->packet_type;
}

bool hal_match_eth_type(const void *value, const void *mask, uint16_t *type)
{
	const struct view v = {value, mask};
	uint32_t packet_type;

	if (has_ethernet(&v)) {
		*type = rte_be_to_cpu_16(v.value->eth_type);
		return hal_field_all(FIELD_ETH_TYPE, mask);
	}
	packet_type = rte_be_to_cpu_32(v.value->packet_type);
	*type = (uint16_t)packet_type;
	return packet_type >> 16 == PACKET_TYPE_ETHERTYPE;
}

static bool eth_type_is(const struct view *v, uint16_t type)
{
	uint16_t is;

	return hal_match_eth_type(v->value, v->mask, &is) && is == type;
}

static bool is_ip(const struct view *v)
{
	return eth_type_is(v, RTE_ETHER_TYPE_IPV4) || eth_type_is(v, RTE_ETHER_TYPE_IPV6);
}

/* The transport header of a protocol, which later fragments do not have. */
static bool is_proto(const struct view *v, uint8_t proto)
{
	return v->mask->ip_proto == 0xff && v->value->ip_proto == proto &&
	       !(v->value->ip_frag & v->mask->ip_frag & HAL_FRAG_LATER);
}

static bool is_icmpv6(const struct view *v)
{
	return eth_type_is(v, RTE_ETHER_TYPE_IPV6) && is_proto(v, IPPROTO_ICMPV6);
}

/* Neighbor discovery messages have code 0; a match that says nothing of the code is taken. */
static bool is_nd(const struct view *v, uint64_t type)
{
	return is_icmpv6(v) && hal_field_all(FIELD_ICMPV6_TYPE, v->mask) &&
	       hal_field_get_u64(FIELD_ICMPV6_TYPE, v->value) == type &&
	       !(v->value->tp_dst & v->mask->tp_dst);
}

/* The packet was tracked and is not invalid, or a bit is set that only such packets have. */
static bool is_tracked(const struct view *v)
{
	uint32_t state = rte_be_to_cpu_32(v->value->ct_state & v->mask->ct_state);
	uint32_t known = rte_be_to_cpu_32(v->mask->ct_state);

	if (state & (HAL_CS_NEW | HAL_CS_EST | HAL_CS_REL | HAL_CS_RPL | HAL_CS_SNAT | HAL_CS_DNAT))
		return true;
	return state & HAL_CS_TRK && known & HAL_CS_INV && !(state & HAL_CS_INV);
}

static bool prereq_ok(enum hal_prereq prereq, const struct view *v)
{
	switch (prereq) {
	case PREREQ_NONE:
		return true;
	case PREREQ_VLAN:
		return v->value->vlan[0].tci & v->mask->vlan[0].tci & RTE_BE16(HAL_VLAN_PRESENT);
	case PREREQ_PBB:
		return eth_type_is(v, ETH_TYPE_PBB);
	case PREREQ_MPLS:
		return eth_type_is(v, ETH_TYPE_MPLS) || eth_type_is(v, ETH_TYPE_MPLS_MCAST);
	case PREREQ_IPV4:
		return eth_type_is(v, RTE_ETHER_TYPE_IPV4);
	case PREREQ_IPV6:
		return eth_type_is(v, RTE_ETHER_TYPE_IPV6);
	case PREREQ_IP:
		return is_ip(v);
	case PREREQ_ARP: /* RARP has the same format (RFC 903) */
		return eth_type_is(v, RTE_ETHER_TYPE_ARP) || eth_type_is(v, RTE_ETHER_TYPE_RARP);
	case PREREQ_TCP:
		return is_ip(v) && is_proto(v, IPPROTO_TCP);
	case PREREQ_UDP:
		return is_ip(v) && is_proto(v, IPPROTO_UDP);
	case PREREQ_SCTP:
		return is_ip(v) && is_proto(v, IPPROTO_SCTP);
	case PREREQ_ICMPV4:
		return eth_type_is(v, RTE_ETHER_TYPE_IPV4) && is_proto(v, IPPROTO_ICMP);
	case PREREQ_ICMPV6:
		return is_icmpv6(v);
	case PREREQ_ND:
		return is_nd(v, ND_TYPE_SOLICIT) || is_nd(v, ND_TYPE_ADVERT);
	case PREREQ_ND_SOLICIT:
		return is_nd(v, ND_TYPE_SOLICIT);
	case PREREQ_ND_ADVERT:
		return is_nd(v, ND_TYPE_ADVERT);
	case PREREQ_CT:
		return is_tracked(v);
	case PREREQ_CT_IPV4:
		return is_tracked(v) && eth_type_is(v, RTE_ETHER_TYPE_IPV4);
	case PREREQ_CT_IPV6:
		return is_tracked(v) && eth_type_is(v, RTE_ETHER_TYPE_IPV6);
	}
	return false;
}

bool hal_field_prereq_ok(enum hal_field_id id, const void *value, const void *mask)
{
	const struct view v = {value, mask};

	switch (id) {
	case FIELD_ETH_SRC:
	case FIELD_ETH_DST:
	case FIELD_ETH_TYPE:
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID:
	case FIELD_VLAN_PCP:
		if (!has_ethernet(&v))
			return false;
		break;
	default:
		break;
	}
	return prereq_ok(hal_fields[id].prereq, &v);
}

void hal_field_prereq_mask(enum hal_field_id id, void *mask)
{
	struct hal_key *m = mask;

	switch (hal_fields[id].prereq) {
	case PREREQ_NONE:
		break;
	case PREREQ_VLAN:
		m->vlan[0].tci |= RTE_BE16(HAL_VLAN_PRESENT);
		break;
	case PREREQ_ND:
	case PREREQ_ND_SOLICIT:
	case PREREQ_ND_ADVERT:
		m->tp_src = RTE_BE16(0xffff);
		m->tp_dst = RTE_BE16(0xffff);
		/* fall through */
	case PREREQ_TCP:
	case PREREQ_UDP:
	case PREREQ_SCTP:
	case PREREQ_ICMPV4:
	case PREREQ_ICMPV6:
		m->ip_proto = 0xff;
		m->ip_frag |= HAL_FRAG_LATER;
		/* fall through */
	case PREREQ_PBB:
	case PREREQ_MPLS:
	case PREREQ_IPV4:
	case PREREQ_IPV6:
	case PREREQ_IP:
	case PREREQ_ARP:
		m->eth_type = RTE_BE16(0xffff);
		break;
	case PREREQ_CT_IPV4:
	case PREREQ_CT_IPV6:
		m->eth_type = RTE_BE16(0xffff);
		/* fall through */
	case PREREQ_CT:
		m->ct_state |= RTE_BE32(HAL_CS_NEW | HAL_CS_EST | HAL_CS_REL | HAL_CS_RPL |
					HAL_CS_SNAT | HAL_CS_DNAT | HAL_CS_TRK | HAL_CS_INV);
		break;
	}
}
