/* SPDX-License-Identifier: Apache-2.0
 *
 * The shapes that most frames have, parsed without a cursor: everything is at a known place once a
 * few bytes were looked at. parse.c, parse_ip.c and parse_l4.c say the same for all frames, and a
 * test holds the two together.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "swpath/parse.h"

#define UDP_LEN 8
#define TCP_LEN 20
#define MACS 12 /* bytes */

_Static_assert(offsetof(struct hal_key, eth_type) == offsetof(struct hal_key, eth_dst) + MACS,
	"addresses and type lie as in a frame");
_Static_assert(offsetof(struct hal_key, tp_dst) == offsetof(struct hal_key, tp_src) + 2,
	"ports lie as in a header");
_Static_assert(
	offsetof(struct hal_key, ipv4_dst) == offsetof(struct hal_key, ipv4_src) + 4 &&
		offsetof(struct hal_key, ipv6_dst) == offsetof(struct hal_key, ipv6_src) + 16,
	"addresses lie as in a header");

/* Two bytes as they lie there. */
static uint16_t raw16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t be16(const uint8_t *p)
{
	return rte_be_to_cpu_16(raw16(p));
}

static uint32_t transport_len(uint8_t proto)
{
	return proto == IPPROTO_UDP ? UDP_LEN : proto == IPPROTO_TCP ? TCP_LEN : UINT32_MAX / 2;
}

static void take_link(const uint8_t *d, uint32_t l3, struct hal_key *key)
{
	memcpy(key->eth_dst, d, MACS);
	key->eth_type = raw16(d + l3 - 2);
	if (l3 == RTE_ETHER_HDR_LEN)
		return;
	key->vlan[0].tpid = raw16(d + MACS);
	key->vlan[0].tci = raw16(d + MACS + 2) | RTE_BE16(HAL_VLAN_PRESENT);
}

static void take_transport(const uint8_t *l4, uint8_t proto, struct hal_key *key)
{
	memcpy(&key->tp_src, l4, 4);
	if (proto == IPPROTO_TCP)
		key->tcp_flags = rte_cpu_to_be_16((uint16_t)((l4[12] & 0x0f) << 8 | l4[13]));
}

static void take_layers(struct swpath_layers *ly, uint32_t l3, uint32_t l4, uint32_t l3_end,
	enum swpath_l3 kind, uint8_t proto)
{
	*ly = (struct swpath_layers){.type = (uint16_t)(l3 - 2),
		.l3 = (uint16_t)l3,
		.l4 = (uint16_t)l4,
		.l3_end = l3_end,
		.kind = (uint8_t)kind,
		.proto = proto,
		.vlans = l3 != RTE_ETHER_HDR_LEN};
}

static bool common_ipv4(
	const uint8_t *d, uint32_t len, uint32_t l3, struct hal_key *key, struct swpath_layers *ly)
{
	const uint8_t *ip = d + l3;
	uint32_t total, l4 = l3 + sizeof(struct rte_ipv4_hdr);
	uint8_t proto;

	if (len < l4 || ip[0] != 0x45)
		return false;
	total = be16(ip + 2);
	proto = ip[9];
	if (total > len - l3 || len - l3 - total > UINT16_MAX ||
		total < sizeof(struct rte_ipv4_hdr) + transport_len(proto) ||
		(raw16(ip + 6) & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	take_link(d, l3, key);
	key->ip_proto = proto;
	key->ip_tos = ip[1];
	key->ip_ttl = ip[8];
	memcpy(&key->ipv4_src, ip + 12, 8);
	take_transport(d + l4, proto, key);
	take_layers(ly, l3, l4, l3 + total, SWPATH_L3_IPV4, proto);
	return true;
}

static bool common_ipv6(
	const uint8_t *d, uint32_t len, uint32_t l3, struct hal_key *key, struct swpath_layers *ly)
{
	const uint8_t *ip = d + l3;
	uint32_t payload, flow, l4 = l3 + sizeof(struct rte_ipv6_hdr);
	uint8_t proto;

	if (len < l4)
		return false;
	payload = be16(ip + 4);
	proto = ip[6];
	if (payload > len - l4 || len - l4 - payload > UINT16_MAX || payload < transport_len(proto))
		return false;
	take_link(d, l3, key);
	memcpy(&flow, ip, sizeof(flow));
	flow = rte_be_to_cpu_32(flow);
	key->ipv6_flabel = rte_cpu_to_be_32(flow & RTE_IPV6_HDR_FL_MASK);
	key->ip_tos = (uint8_t)(flow >> RTE_IPV6_HDR_TC_SHIFT);
	key->ip_proto = proto;
	key->ip_ttl = ip[7];
	memcpy(key->ipv6_src, ip + 8, 32);
	take_transport(d + l4, proto, key);
	take_layers(ly, l3, l4, l4 + payload, SWPATH_L3_IPV6, proto);
	return true;
}

bool swpath_parse_common(
	const uint8_t *data, uint32_t len, struct hal_key *key, struct swpath_layers *ly)
{
	uint32_t l3 = RTE_ETHER_HDR_LEN;
	uint16_t type;

	if (len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN || len > UINT16_MAX)
		return false;
	type = raw16(data + MACS);
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ)) {
		l3 += RTE_VLAN_HLEN;
		type = raw16(data + l3 - 2);
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return common_ipv4(data, len, l3, key, ly);
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return common_ipv6(data, len, l3, key, ly);
	return false;
}
