/* SPDX-License-Identifier: Apache-2.0
 *
 * Link layer, MPLS and ARP; parse_ip.c goes on from there.
 */
#include "swpath/parse.h"

#include <string.h>

#include <rte_arp.h>
#include <rte_ether.h>

#include "swpath/parse_cursor.h"
#include "swpath/swpath.h"

#define ETH_TYPE_MIN 0x0600 /* smaller: a length (IEEE 802.3, 3.2.6) */
#define ETH_TYPE_PBB 0x88e7 /* 802.1ah I-TAG */
#define MPLS_BOTTOM 0x00000100u

/* LLC and SNAP of RFC 1042, behind a length. */
struct llc_snap {
	uint8_t dsap, ssap, control, oui[3];
	rte_be16_t type;
} __rte_packed;

void swpath_key_clear_headers(struct hal_key *key)
{
	uint8_t ct_nw_proto = key->ct_nw_proto;
	size_t from = offsetof(struct hal_key, eth_dst);

	/* The header members lie together, but for this one of conntrack. */
	memset((uint8_t *)key + from, 0, offsetof(struct hal_key, ct_label) - from);
	key->ct_nw_proto = ct_nw_proto;
}

/* Up to two tags: the cursor stands before the first EtherType and ends before the last one. A
 * tag counts only when an EtherType follows it. */
static void parse_vlans(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	for (unsigned i = 0; i < RTE_DIM(key->vlan); i++) {
		const struct tag {
			rte_be16_t tpid, tci, next;
		} __rte_packed *tag = cursor_peek(c, sizeof(*tag));

		if (!tag || (tag->tpid != RTE_BE16(RTE_ETHER_TYPE_VLAN) &&
				    tag->tpid != RTE_BE16(RTE_ETHER_TYPE_QINQ)))
			return;
		key->vlan[i].tpid = tag->tpid;
		key->vlan[i].tci = tag->tci | RTE_BE16(HAL_VLAN_PRESENT);
		ly->vlans++;
		cursor_pull(c, 4);
	}
}

static rte_be16_t parse_eth_type(struct cursor *c, struct swpath_layers *ly)
{
	const struct llc_snap *llc;
	const unaligned_uint16_t *type;
	uint32_t at = c->at;

	type = cursor_pull(c, sizeof(*type));
	if (!type)
		return 0;
	if (rte_be_to_cpu_16(*type) >= ETH_TYPE_MIN) {
		ly->type = (uint16_t)at;
		return *type;
	}
	llc = cursor_peek(c, sizeof(*llc));
	if (!llc || llc->dsap != 0xaa || llc->ssap != 0xaa || llc->control != 3 || llc->oui[0] ||
		llc->oui[1] || llc->oui[2] || rte_be_to_cpu_16(llc->type) < ETH_TYPE_MIN)
		return RTE_BE16(HAL_ETH_TYPE_NONE);
	cursor_pull(c, sizeof(*llc));
	ly->type = (uint16_t)(c->at - 2);
	return llc->type;
}

static void parse_mpls(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	uint16_t start = (uint16_t)c->at;

	for (unsigned i = 0; i < RTE_DIM(key->mpls_lse); i++) {
		const void *lse = cursor_pull(c, 4);

		if (!lse)
			return;
		memcpy(&key->mpls_lse[i], lse, 4);
		ly->l3 = start;
		ly->kind = SWPATH_L3_MPLS;
		if (key->mpls_lse[i] & RTE_BE32(MPLS_BOTTOM))
			return;
	}
}

/* IEEE 802.1ah, 9.7: PCP, DEI, UCA, reserved bits, I-SID. */
static void parse_pbb(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	uint16_t at = (uint16_t)c->at;
	const uint8_t *itag = cursor_pull(c, 4);

	if (!itag)
		return;
	ly->l3 = at;
	ly->kind = SWPATH_L3_PBB;
	memcpy(&key->pbb_isid, itag, 4);
	key->pbb_isid &= RTE_BE32(0x00ffffff);
	key->pbb_uca = itag[0] >> 3 & 1;
}

/* RFC 826 over Ethernet and IPv4. */
static void parse_arp(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	uint16_t at = (uint16_t)c->at;
	const struct rte_arp_hdr *arp = cursor_pull(c, sizeof(*arp));

	if (!arp || arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
		arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != 4)
		return;
	ly->l3 = at;
	ly->kind = SWPATH_L3_ARP;
	key->arp_op = arp->arp_opcode;
	key->ipv4_src = arp->arp_data.arp_sip;
	key->ipv4_dst = arp->arp_data.arp_tip;
	memcpy(key->arp_sha, &arp->arp_data.arp_sha, 6);
	memcpy(key->arp_tha, &arp->arp_data.arp_tha, 6);
}

void swpath_parse_frame(const void *data, uint32_t avail, uint32_t len, struct hal_key *key,
	struct swpath_layers *ly)
{
	/* Offsets are 16 bits wide; no header that counts lies further back. */
	struct cursor c = {data, 0, RTE_MIN(avail, UINT16_MAX), len};
	const struct rte_ether_addr *mac;

	memset(ly, 0, sizeof(*ly));
	mac = cursor_pull(&c, 2 * sizeof(*mac));
	if (!mac)
		return;
	memcpy(key->eth_dst, &mac[0], 6);
	memcpy(key->eth_src, &mac[1], 6);
	parse_vlans(&c, key, ly);
	key->eth_type = parse_eth_type(&c, ly);
	switch (rte_be_to_cpu_16(key->eth_type)) {
	case RTE_ETHER_TYPE_IPV4:
		swpath_parse_ipv4(&c, key, ly);
		break;
	case RTE_ETHER_TYPE_IPV6:
		swpath_parse_ipv6(&c, key, ly);
		break;
	case RTE_ETHER_TYPE_ARP:
	case RTE_ETHER_TYPE_RARP:
		parse_arp(&c, key, ly);
		break;
	case RTE_ETHER_TYPE_MPLS:
	case RTE_ETHER_TYPE_MPLSM:
		parse_mpls(&c, key, ly);
		break;
	case ETH_TYPE_PBB:
		parse_pbb(&c, key, ly);
		break;
	default:
		break;
	}
}

void swpath_parse(const void *data, size_t len, struct hal_key *key)
{
	struct swpath_layers ly;

	memset(key, 0, sizeof(*key));
	swpath_parse_frame(data, (uint32_t)len, (uint32_t)len, key, &ly);
}
