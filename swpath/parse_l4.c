/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport headers, ICMP, and neighbour discovery (RFC 4861).
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "swpath/parse_cursor.h"

#define ND_TARGET_AT 8 /* bytes into the ICMPv6 message */
#define ND_OPTIONS_AT 24

/* Smallest header that counts, bytes; 0: no transport known to us. */
static uint32_t header_min(uint8_t proto, uint8_t l3)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		return l3 == SWPATH_L3_IPV4 ? 8 : 0;
	case IPPROTO_ICMPV6:
		return l3 == SWPATH_L3_IPV6 ? 8 : 0;
	default:
		return 0;
	}
}

static bool mac_is_zero(const uint8_t mac[6])
{
	return rte_is_zero_ether_addr((const struct rte_ether_addr *)mac);
}

/* Link-layer address options of a solicitation or advertisement. An option that comes twice makes
 * all of it void; one with a bad length ends the list. */
static bool parse_nd_options(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	const uint8_t *opt;

	while ((opt = cursor_peek(c, 8))) {
		uint32_t len = opt[1] * 8u;
		uint8_t *mac = NULL;
		uint16_t *place = NULL;

		if (!len || len > cursor_left(c))
			break;
		if (opt[0] == ND_OPT_SOURCE_LINKADDR && len == 8) {
			mac = key->arp_sha;
			place = &ly->nd_sll;
		} else if (opt[0] == ND_OPT_TARGET_LINKADDR && len == 8) {
			mac = key->arp_tha;
			place = &ly->nd_tll;
		}
		if (mac) {
			if (!mac_is_zero(mac))
				return false;
			memcpy(mac, opt + 2, 6);
			*place = (uint16_t)(c->at + 2);
		}
		if (!cursor_pull(c, len))
			break;
	}
	return true;
}

static void parse_nd(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	const uint8_t *message = cursor_pull(c, ND_OPTIONS_AT);

	if (!message)
		return;
	memcpy(key->nd_target, message + ND_TARGET_AT, 16);
	ly->nd = (uint16_t)(ly->l4 + ND_TARGET_AT);
	if (parse_nd_options(c, key, ly))
		return;
	memset(key->nd_target, 0, sizeof(key->nd_target));
	memset(key->arp_sha, 0, sizeof(key->arp_sha));
	memset(key->arp_tha, 0, sizeof(key->arp_tha));
	ly->nd = ly->nd_sll = ly->nd_tll = 0;
}

void swpath_parse_l4(struct cursor *c, struct hal_key *key, struct swpath_layers *ly)
{
	uint32_t min = header_min(key->ip_proto, ly->kind);
	const uint8_t *l4;
	uint16_t word[2];

	if (!min || (key->ip_frag & HAL_FRAG_LATER))
		return;
	l4 = cursor_peek(c, min);
	if (!l4)
		return;
	ly->l4 = (uint16_t)c->at;
	ly->proto = key->ip_proto;
	switch (key->ip_proto) {
	case IPPROTO_TCP:
		key->tcp_flags = rte_cpu_to_be_16((uint16_t)((l4[12] & 0x0f) << 8 | l4[13]));
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		memcpy(word, l4, sizeof(word));
		key->tp_src = word[0];
		key->tp_dst = word[1];
		break;
	default: /* type and code */
		key->tp_src = rte_cpu_to_be_16(l4[0]);
		key->tp_dst = rte_cpu_to_be_16(l4[1]);
		if (key->ip_proto == IPPROTO_ICMPV6 && !l4[1] &&
			(l4[0] == ND_NEIGHBOR_SOLICIT || l4[0] == ND_NEIGHBOR_ADVERT))
			parse_nd(c, key, ly);
		break;
	}
}
