/* SPDX-License-Identifier: Apache-2.0
 *
 * SET: a header field or metadata written under a mask.
 *
 * A transport field of a packet that has no whole transport header (a later fragment, a truncated
 * packet) is left out silently: the packet goes on as it is, as it would through a device.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "hal/base/be.h"
#include "hal/field.h"
#include "hal/mutation.h"
#include "swpath/edit.h"

/* Where a field lies: in which header, how many bytes into it, in a member of how many bytes. */
enum base {
	BASE_NONE, /* not to be set by us */
	BASE_META, /* in the key alone */
	BASE_FRAME,
	BASE_TYPE, /* the EtherType, after tags */
	BASE_VLAN,
	BASE_PBB,
	BASE_MPLS,
	BASE_IPV4,
	BASE_IPV6,
	BASE_IP,    /* IPV4, or its counterpart in ipv6_place() */
	BASE_PROTO, /* the byte that says the IP protocol */
	BASE_ARP,
	BASE_L4,
	BASE_ND_TARGET,
	BASE_ND_SLL,
	BASE_ND_TLL,
};

struct place {
	uint8_t base;
	uint8_t at;
	uint8_t size;
	uint8_t shift; /* of the field's lowest bit in the member */
	uint8_t sum;   /* enum swpath_sum */
	uint8_t proto; /* of BASE_L4 */
};

#define TCP_HEADER 20u

#define ARP_AT(M) offsetof(struct rte_arp_hdr, M)
#define IPV4_AT(M) offsetof(struct rte_ipv4_hdr, M)
#define IPV6_AT(M) offsetof(struct rte_ipv6_hdr, M)
#define PORTS(ID, PROTO)                                               \
	[FIELD_##ID##_SRC] = {BASE_L4, 0, 2, 0, SWPATH_SUM_L4, PROTO}, \
	[FIELD_##ID##_DST] = {BASE_L4, 2, 2, 0, SWPATH_SUM_L4, PROTO}
#define ICMP(ID, PROTO)                                                 \
	[FIELD_##ID##_TYPE] = {BASE_L4, 0, 1, 0, SWPATH_SUM_L4, PROTO}, \
	[FIELD_##ID##_CODE] = {BASE_L4, 1, 1, 0, SWPATH_SUM_L4, PROTO}

static const struct place places[FIELD_MAX] = {
	[FIELD_PKT_MARK] = {.base = BASE_META},
	[FIELD_DP_HASH] = {.base = BASE_META},
	[FIELD_ETH_DST] = {BASE_FRAME, 0, 6, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ETH_SRC] = {BASE_FRAME, 6, 6, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ETH_TYPE] = {BASE_TYPE, 0, 2, 0, SWPATH_SUM_NONE, 0},
	[FIELD_VLAN_TCI] = {BASE_VLAN, 2, 2, 0, SWPATH_SUM_NONE, 0},
	[FIELD_VLAN_VID] = {BASE_VLAN, 2, 2, 0, SWPATH_SUM_NONE, 0},
	[FIELD_VLAN_PCP] = {BASE_VLAN, 2, 2, 13, SWPATH_SUM_NONE, 0},
	[FIELD_PBB_ISID] = {BASE_PBB, 0, 4, 0, SWPATH_SUM_NONE, 0},
	[FIELD_PBB_UCA] = {BASE_PBB, 0, 4, 27, SWPATH_SUM_NONE, 0},
	[FIELD_MPLS_LABEL] = {BASE_MPLS, 0, 4, 12, SWPATH_SUM_NONE, 0},
	[FIELD_MPLS_TC] = {BASE_MPLS, 0, 4, 9, SWPATH_SUM_NONE, 0},
	[FIELD_MPLS_BOS] = {BASE_MPLS, 0, 4, 8, SWPATH_SUM_NONE, 0},
	[FIELD_MPLS_TTL] = {BASE_MPLS, 0, 4, 0, SWPATH_SUM_NONE, 0},
	[FIELD_IPV4_SRC] = {BASE_IPV4, IPV4_AT(src_addr), 4, 0, SWPATH_SUM_ADDR, 0},
	[FIELD_IPV4_DST] = {BASE_IPV4, IPV4_AT(dst_addr), 4, 0, SWPATH_SUM_ADDR, 0},
	[FIELD_IPV6_SRC] = {BASE_IPV6, IPV6_AT(src_addr), 16, 0, SWPATH_SUM_PSEUDO, 0},
	[FIELD_IPV6_DST] = {BASE_IPV6, IPV6_AT(dst_addr), 16, 0, SWPATH_SUM_PSEUDO, 0},
	[FIELD_IPV6_FLABEL] = {BASE_IPV6, 0, 4, 0, SWPATH_SUM_NONE, 0},
	[FIELD_IP_DSCP] = {BASE_IP, IPV4_AT(type_of_service), 1, 2, SWPATH_SUM_IP, 0},
	[FIELD_IP_ECN] = {BASE_IP, IPV4_AT(type_of_service), 1, 0, SWPATH_SUM_IP, 0},
	[FIELD_NW_TOS] = {BASE_IP, IPV4_AT(type_of_service), 1, 0, SWPATH_SUM_IP, 0},
	[FIELD_IP_TTL] = {BASE_IP, IPV4_AT(time_to_live), 1, 0, SWPATH_SUM_IP, 0},
	[FIELD_IP_PROTO] = {BASE_PROTO, 0, 1, 0, SWPATH_SUM_ADDR, 0},
	[FIELD_ARP_OP] = {BASE_ARP, ARP_AT(arp_opcode), 2, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ARP_SPA] = {BASE_ARP, ARP_AT(arp_data.arp_sip), 4, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ARP_TPA] = {BASE_ARP, ARP_AT(arp_data.arp_tip), 4, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ARP_SHA] = {BASE_ARP, ARP_AT(arp_data.arp_sha), 6, 0, SWPATH_SUM_NONE, 0},
	[FIELD_ARP_THA] = {BASE_ARP, ARP_AT(arp_data.arp_tha), 6, 0, SWPATH_SUM_NONE, 0},
	PORTS(TCP, IPPROTO_TCP),
	PORTS(UDP, IPPROTO_UDP),
	PORTS(SCTP, IPPROTO_SCTP),
	ICMP(ICMPV4, IPPROTO_ICMP),
	ICMP(ICMPV6, IPPROTO_ICMPV6),
	[FIELD_ND_TARGET] = {BASE_ND_TARGET, 0, 16, 0, SWPATH_SUM_L4, 0},
	[FIELD_ND_SLL] = {BASE_ND_SLL, 0, 6, 0, SWPATH_SUM_L4, 0},
	[FIELD_ND_TLL] = {BASE_ND_TLL, 0, 6, 0, SWPATH_SUM_L4, 0},
};

/* The IPv6 place of a field that both versions have: the traffic class is part of the first word.
 */
static struct place ipv6_place(enum hal_field_id id)
{
	struct place place = {BASE_IPV6, 0, 4, RTE_IPV6_HDR_TC_SHIFT, SWPATH_SUM_NONE, 0};

	if (id == FIELD_IP_TTL)
		return (struct place){BASE_IPV6, IPV6_AT(hop_limits), 1, 0, SWPATH_SUM_NONE, 0};
	if (id == FIELD_IP_DSCP)
		place.shift += 2;
	return place;
}

/* Offset of the member in the frame. *drop says that the packet lacks the header, *leave that it is
 * to go on unchanged. */
static uint32_t resolve(
	const struct swpath_layers *ly, const struct place *place, int *drop, bool *leave)
{
	uint8_t kind = SWPATH_L3_NONE;

	*drop = SWPATH_OK;
	*leave = false;
	switch ((enum base)place->base) {
	case BASE_FRAME:
		return place->at;
	case BASE_VLAN:
		if (ly->vlans)
			return 2 * RTE_ETHER_ADDR_LEN + place->at;
		break;
	case BASE_TYPE:
		*leave = !ly->type;
		return ly->type;
	case BASE_PBB:
		kind = SWPATH_L3_PBB;
		break;
	case BASE_MPLS:
		kind = SWPATH_L3_MPLS;
		break;
	case BASE_IP:
	case BASE_IPV4:
		kind = SWPATH_L3_IPV4;
		break;
	case BASE_IPV6:
		kind = SWPATH_L3_IPV6;
		break;
	case BASE_ARP:
		kind = SWPATH_L3_ARP;
		break;
	case BASE_PROTO:
		*leave = !ly->proto_at;
		return ly->proto_at;
	case BASE_L4:
		*leave = !ly->l4;
		if (ly->proto == place->proto)
			return (uint32_t)ly->l4 + place->at;
		break;
	case BASE_ND_TARGET:
		*leave = !ly->nd;
		return ly->nd;
	case BASE_ND_SLL:
		*leave = !ly->nd_sll;
		return ly->nd_sll;
	case BASE_ND_TLL:
		*leave = !ly->nd_tll;
		return ly->nd_tll;
	case BASE_NONE:
	case BASE_META:
		break;
	}
	if (kind != SWPATH_L3_NONE && ly->kind == kind)
		return (uint32_t)ly->l3 + place->at;
	*drop = SWPATH_DROP_HEADER;
	return 0;
}

/* Bits of the wire member that the step may write. */
static uint64_t writable_bits(enum hal_field_id id)
{
	switch (id) {
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID: /* the drop eligible bit says "present" in a key only */
		return ~(uint64_t)HAL_VLAN_PRESENT;
	case FIELD_NW_TOS: /* written as a byte, but ECN is not its own */
		return ~(uint64_t)3;
	default:
		return UINT64_MAX;
	}
}

/* The member's value and mask, as they lie in the packet. */
static void place_value(
	const struct hal_act_set *act, const struct place *place, struct swpath_edit *e)
{
	unsigned bytes = hal_field_bytes(act->field), shift = MUTATE(106, place->shift, 0);
	uint64_t v, m;

	if (place->size > 8) {
		for (unsigned i = 0; i < place->size; i++) {
			e->mask.byte[i] = act->mask[i];
			e->value.byte[i] = act->value[i] & act->mask[i];
		}
		return;
	}
	v = be_load(act->value, bytes);
	m = be_load(act->mask, bytes) & writable_bits(act->field);
	be_store(e->mask.byte, place->size, m << shift);
	be_store(e->value.byte, place->size, (v & m) << shift);
}

bool swpath_set_is_meta(const struct hal_act_set *act)
{
	return act->field < FIELD_MAX && places[act->field].base == BASE_META;
}

bool swpath_set_moves(const struct hal_act_set *act)
{
	if (act->field >= FIELD_MAX)
		return false;
	switch ((enum base)places[act->field].base) {
	case BASE_TYPE:
	case BASE_PROTO:
		return true;
	case BASE_L4:
		return places[act->field].size == 1;
	default:
		return false;
	}
}

int swpath_set_prepare(
	struct swpath_packet *p, const struct hal_act_set *act, struct swpath_edit *e)
{
	struct place place;
	bool leave;
	int drop;

	if (act->field >= FIELD_MAX || places[act->field].base == BASE_NONE)
		return SWPATH_DROP_UNSUPPORTED;
	place = places[act->field];
	swpath_packet_layers(p);
	if (place.base == BASE_IP && p->ly.kind == SWPATH_L3_IPV6)
		place = ipv6_place(act->field);
	e->at = resolve(&p->ly, &place, &drop, &leave);
	e->size = 0;
	if (leave || drop != SWPATH_OK)
		return leave ? SWPATH_OK : drop;
	e->size = place.size;
	e->sum = place.sum;
	if (place.base == BASE_PROTO && p->ly.kind == SWPATH_L3_IPV6)
		e->sum = SWPATH_SUM_PSEUDO; /* there is no other */
	/* The pseudo-header has the final destination, not the next stop of a source route. */
	if (act->field == FIELD_IPV6_DST && p->ly.routed)
		e->sum = SWPATH_SUM_NONE;
	e->moves = swpath_set_moves(act);
	e->decrement = false;
	/* The checksums of the transport header are written, too. */
	e->need = RTE_MAX(e->at + e->size, p->ly.l4 ? p->ly.l4 + TCP_HEADER : 0);
	place_value(act, &place, e);
	e->bytes = 0;
	if (e->size <= 8 && !(e->sum == SWPATH_SUM_L4 && p->ly.proto == IPPROTO_SCTP))
		swpath_edit_widen(p, e);
	return SWPATH_OK;
}

static int set_meta(struct swpath_packet *p, const struct hal_act_set *act)
{
	hal_field_set(act->field, p->key, act->value, act->mask);
	p->lean = false;
	return SWPATH_OK;
}

int swpath_set_field(struct swpath_packet *p, const struct hal_act_set *act)
{
	struct swpath_edit e;
	int drop;

	if (swpath_set_is_meta(act))
		return set_meta(p, act);
	drop = swpath_set_prepare(p, act, &e);
	return drop == SWPATH_OK ? swpath_edit_apply(p, &e) : drop;
}
