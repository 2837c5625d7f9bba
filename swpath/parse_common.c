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

/* The key is written in whole words, each once: what is read right after as a word (to be hashed)
 * would otherwise wait until its parts have reached the cache. */
#define WORD(member) (offsetof(struct hal_key, member) / 8)
#define SHIFT(member)                                                           \
	(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN                                    \
			? offsetof(struct hal_key, member) % 8 * 8              \
			: 64 - (offsetof(struct hal_key, member) % 8 +          \
				       sizeof(((struct hal_key *)0)->member)) * \
					  8)
#define AT(member, value) ((uint64_t)(value) << SHIFT(member))

_Static_assert(WORD(eth_dst) + 1 == WORD(eth_src) && WORD(eth_type) == WORD(vlan[0].tci),
	"addresses, type and tag lie in three words");
_Static_assert(WORD(ip_proto) == WORD(ip_ttl) && WORD(tp_src) == WORD(tcp_flags) &&
		       WORD(ipv4_src) == WORD(ipv4_dst) &&
		       WORD(ipv6_src) * 8 == offsetof(struct hal_key, ipv6_src),
	"IP and transport lie in words of their own");

static uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t be16(const uint8_t *p)
{
	return rte_be_to_cpu_16(load16(p));
}

static uint32_t transport_len(uint8_t proto)
{
	return proto == IPPROTO_UDP ? UDP_LEN : proto == IPPROTO_TCP ? TCP_LEN : UINT32_MAX / 2;
}

/* Input port to tag. */
static void put_link(const uint8_t *d, uint32_t l3, uint64_t *w)
{
	const bool little = RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN;
	uint64_t type = AT(eth_type, load16(d + l3 - 2));

	w[1] = w[2] = 0;
	/* The last two bytes of a word, and the first two of another. */
	w[WORD(eth_dst)] = little ? (uint64_t)load16(d) << 48 : load16(d);
	w[WORD(eth_src)] = load64(d + 2);
	if (l3 != RTE_ETHER_HDR_LEN)
		type |= AT(vlan[0].tpid, load16(d + MACS)) |
			AT(vlan[0].tci, load16(d + MACS + 2) | RTE_BE16(HAL_VLAN_PRESENT));
	w[WORD(eth_type)] = type | (uint64_t)load16(d + 10) << (little ? 0 : 48);
}

static void put_transport(const uint8_t *l4, uint8_t proto, uint64_t *w)
{
	uint64_t word = AT(tp_src, load16(l4)) | AT(tp_dst, load16(l4 + 2));

	if (proto == IPPROTO_TCP)
		word |= AT(tcp_flags, rte_cpu_to_be_16((uint16_t)((l4[12] & 0x0f) << 8 | l4[13])));
	w[WORD(tp_src)] = word;
}

static void put_layers(struct swpath_layers *ly, uint32_t l3, uint32_t l4, uint32_t l3_end,
	enum swpath_l3 kind, uint8_t proto)
{
	*ly = (struct swpath_layers){.type = (uint16_t)(l3 - 2),
		.l3 = (uint16_t)l3,
		.l4 = (uint16_t)l4,
		.proto_at =
			(uint16_t)(l3 +
				   (kind == SWPATH_L3_IPV4
						   ? offsetof(struct rte_ipv4_hdr, next_proto_id)
						   : offsetof(struct rte_ipv6_hdr, proto))),
		.l3_end = l3_end,
		.kind = (uint8_t)kind,
		.proto = proto,
		.vlans = l3 != RTE_ETHER_HDR_LEN};
}

static bool common_ipv4(
	const uint8_t *d, uint32_t len, uint32_t l3, uint64_t *w, struct swpath_layers *ly)
{
	const uint8_t *ip = d + l3;
	uint32_t total, l4 = l3 + sizeof(struct rte_ipv4_hdr);
	uint8_t proto;

	if (len < l4 || ip[0] != 0x45)
		return false;
	total = be16(ip + 2);
	proto = ip[9];
	if (total > len - l3 || total < sizeof(struct rte_ipv4_hdr) + transport_len(proto) ||
		(load16(ip + 6) & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	put_link(d, l3, w);
	w[WORD(ip_proto)] = AT(ip_proto, proto) | AT(ip_tos, ip[1]) | AT(ip_ttl, ip[8]);
	put_transport(d + l4, proto, w);
	w[WORD(ipv4_src)] = load64(ip + 12);
	for (unsigned i = 0; i < 5; i++)
		w[WORD(ipv6_src) + i] = 0;
	put_layers(ly, l3, l4, l3 + total, SWPATH_L3_IPV4, proto);
	return true;
}

static bool common_ipv6(
	const uint8_t *d, uint32_t len, uint32_t l3, uint64_t *w, struct swpath_layers *ly)
{
	const uint8_t *ip = d + l3;
	uint32_t payload, flow, l4 = l3 + sizeof(struct rte_ipv6_hdr);
	uint8_t proto;

	if (len < l4)
		return false;
	payload = be16(ip + 4);
	proto = ip[6];
	if (payload > len - l4 || payload < transport_len(proto))
		return false;
	put_link(d, l3, w);
	flow = rte_be_to_cpu_32(load32(ip));
	w[WORD(ip_proto)] = AT(ip_proto, proto) | AT(ip_tos, flow >> RTE_IPV6_HDR_TC_SHIFT & 0xff) |
			    AT(ip_ttl, ip[7]);
	put_transport(d + l4, proto, w);
	w[WORD(ipv4_src)] = 0;
	for (unsigned i = 0; i < 4; i++)
		w[WORD(ipv6_src) + i] = load64(ip + 8 + 8 * i);
	w[WORD(ipv6_flabel)] = AT(ipv6_flabel, rte_cpu_to_be_32(flow & RTE_IPV6_HDR_FL_MASK));
	put_layers(ly, l3, l4, l4 + payload, SWPATH_L3_IPV6, proto);
	return true;
}

bool swpath_parse_common(const uint8_t *data, uint32_t len, rte_be32_t in_port, struct hal_key *key,
	struct swpath_layers *ly)
{
	uint64_t *w = (uint64_t *)key;
	uint32_t l3 = RTE_ETHER_HDR_LEN;
	uint16_t type;

	if (len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN || len > UINT16_MAX)
		return false;
	type = load16(data + MACS);
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ)) {
		l3 += RTE_VLAN_HLEN;
		type = load16(data + l3 - 2);
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		if (!common_ipv4(data, len, l3, w, ly))
			return false;
	} else if (type != RTE_BE16(RTE_ETHER_TYPE_IPV6) || !common_ipv6(data, len, l3, w, ly)) {
		return false;
	}
	w[WORD(in_port)] = AT(in_port, in_port);
	for (unsigned i = WORD(ipv6_flabel) + 1; i < WORD(nd_target); i++)
		w[i] = 0;
	return true;
}
