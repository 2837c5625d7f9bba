/* SPDX-License-Identifier: Apache-2.0
 *
 * IPv4 (RFC 791) and IPv6 (RFC 8200) with extension headers.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>

#include "hal/mutation.h"
#include "swpath/parse_cursor.h"

/* Bits of ipv6_exthdr (OpenFlow 1.3.5, 7.2.3.8). */
enum {
	EXTHDR_NONEXT = 1 << 0,
	EXTHDR_ESP = 1 << 1,
	EXTHDR_AUTH = 1 << 2,
	EXTHDR_DEST = 1 << 3,
	EXTHDR_FRAG = 1 << 4,
	EXTHDR_ROUTER = 1 << 5,
	EXTHDR_HOP = 1 << 6,
	EXTHDR_UNREP = 1 << 7,
	EXTHDR_UNSEQ = 1 << 8,
};

void swpath_parse_ipv4(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	const struct rte_ipv4_hdr *ip = cursor_peek(c, sizeof(*ip));
	uint32_t header, total;
	uint16_t frag;

	if (!ip)
		return;
	header = (ip->version_ihl & 0xf) * 4u;
	total = rte_be_to_cpu_16(ip->total_length);
	if (header < sizeof(*ip) || header > total || total > cursor_left(c) ||
		cursor_left(c) - total > UINT16_MAX)
		return;
	ly->kind = SWPATH_L3_IPV4;
	ly->l3 = (uint16_t)c->at;
	ly->l3_end = c->end = c->at + total;
	key->ipv4_src = ip->src_addr;
	key->ipv4_dst = ip->dst_addr;
	key->ip_proto = ip->next_proto_id;
	key->ip_tos = ip->type_of_service;
	key->ip_ttl = ip->time_to_live;
	ly->proto_at = (uint16_t)(c->at + offsetof(struct rte_ipv4_hdr, next_proto_id));
	frag = rte_be_to_cpu_16(ip->fragment_offset);
	if (frag & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		key->ip_frag = HAL_FRAG_ANY;
	if (MUTATE(105, frag & RTE_IPV4_HDR_OFFSET_MASK, 0))
		key->ip_frag |= HAL_FRAG_LATER;
	if (cursor_pull(c, header))
		swpath_parse_l4(c, key, ly);
}

/* Which extension headers there were, and whether they came in the order of RFC 8200, 4.1. */
struct exthdrs {
	uint16_t bits;
	uint8_t rank; /* of the last one in that order */
};

static void exthdr_seen(struct exthdrs *seen, uint16_t bit, uint8_t rank)
{
	if (bit == EXTHDR_DEST) /* comes before the routing header, or last of all */
		rank = seen->rank < rank ? rank : 7;
	else if (seen->bits & bit)
		seen->bits |= EXTHDR_UNREP;
	if (rank < seen->rank)
		seen->bits |= EXTHDR_UNSEQ;
	else
		seen->rank = rank;
	seen->bits |= bit;
}

/* RFC 8200, 4.5. False when it is a later fragment, which ends the chain of headers. */
static bool fragment_header(const uint8_t *hdr, uint8_t *proto, struct hal_key *key)
{
	uint16_t field = (uint16_t)(hdr[2] << 8 | hdr[3]);

	*proto = hdr[0];
	if (field)
		key->ip_frag = HAL_FRAG_ANY;
	if (!(field & 0xfff8))
		return true;
	key->ip_frag |= HAL_FRAG_LATER;
	*proto = IPPROTO_FRAGMENT;
	return false;
}

/* Goes over the extension headers. False when one of them is cut off. */
static bool parse_exthdrs(
	struct cursor *c, uint8_t *proto, struct hal_key *key, struct swpath_layers *ly)
{
	struct exthdrs seen = {0, 0};
	bool more = true;

	while (more) {
		const uint8_t *hdr = cursor_peek(c, 8);
		uint8_t this = *proto;
		uint32_t len;

		switch (this) {
		case IPPROTO_HOPOPTS:
			exthdr_seen(&seen, EXTHDR_HOP, 1);
			break;
		case IPPROTO_DSTOPTS:
			exthdr_seen(&seen, EXTHDR_DEST, 2);
			break;
		case IPPROTO_ROUTING:
			exthdr_seen(&seen, EXTHDR_ROUTER, 3);
			break;
		case IPPROTO_FRAGMENT:
			exthdr_seen(&seen, EXTHDR_FRAG, 4);
			break;
		case IPPROTO_AH:
			exthdr_seen(&seen, EXTHDR_AUTH, 5);
			break;
		case IPPROTO_ESP:
			exthdr_seen(&seen, EXTHDR_ESP, 6);
			more = false;
			continue;
		case IPPROTO_NONE:
			seen.bits |= EXTHDR_NONEXT;
			more = false;
			continue;
		default:
			more = false;
			continue;
		}
		if (!hdr)
			return false;
		if (this == IPPROTO_ROUTING && hdr[3])
			ly->routed = true;
		if (this == IPPROTO_FRAGMENT) {
			len = 8;
			more = fragment_header(hdr, proto, key);
		} else {
			len = this == IPPROTO_AH ? (hdr[1] + 2u) * 4 : (hdr[1] + 1u) * 8;
			*proto = hdr[0];
		}
		ly->proto_at = this == IPPROTO_FRAGMENT && !more ? 0 : (uint16_t)c->at;
		if (!cursor_pull(c, len))
			return false;
	}
	key->ipv6_exthdr = rte_cpu_to_be_16(seen.bits);
	return true;
}

void swpath_parse_ipv6(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	uint16_t at = (uint16_t)c->at;
	const struct rte_ipv6_hdr *ip = cursor_pull(c, sizeof(*ip));
	uint32_t flow;
	uint16_t payload;
	uint8_t proto;

	if (!ip)
		return;
	payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > cursor_left(c) || cursor_left(c) - payload > UINT16_MAX)
		return;
	ly->kind = SWPATH_L3_IPV6;
	ly->l3 = at;
	ly->l3_end = c->end = c->at + payload;
	memcpy(key->ipv6_src, ip->src_addr, 16);
	memcpy(key->ipv6_dst, ip->dst_addr, 16);
	proto = ip->proto;
	ly->proto_at = (uint16_t)(at + offsetof(struct rte_ipv6_hdr, proto));
	if (!parse_exthdrs(c, &proto, key, ly)) {
		key->ip_frag = 0;
		ly->proto_at = 0;
		return;
	}
	flow = rte_be_to_cpu_32(ip->vtc_flow);
	key->ipv6_flabel = rte_cpu_to_be_32(flow & RTE_IPV6_HDR_FL_MASK);
	key->ip_tos = (uint8_t)(flow >> RTE_IPV6_HDR_TC_SHIFT);
	key->ip_ttl = ip->hop_limits;
	key->ip_proto = proto;
	swpath_parse_l4(c, key, ly);
}
