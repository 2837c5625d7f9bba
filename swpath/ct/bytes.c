/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/ct/bytes.h"

#include <netinet/in.h>

#define IPV6_HEADER 40u
#define CHAIN_MAX 16 /* headers followed */

/* Bytes of an extension header, 0 for what is none. */
static uint32_t header_len(uint8_t proto, const uint8_t *hdr)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_ROUTING:
		return (hdr[1] + 1u) * 8;
	case IPPROTO_AH:
		return (hdr[1] + 2u) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t proto)
{
	static const uint8_t any[2];

	return header_len(proto, any) != 0;
}

bool ct_ipv6_walk(
	const struct swpath_packet *p, uint32_t l3, uint32_t end, struct ct_ipv6_chain *chain)
{
	uint8_t scratch[8];
	const uint8_t *hdr = ct_bytes(p, l3 + 6, 1, end, scratch);

	if (!hdr)
		return false;
	*chain = (struct ct_ipv6_chain){.proto = *hdr, .l4 = l3 + IPV6_HEADER};
	for (unsigned i = 0; i < CHAIN_MAX && is_extension(chain->proto); i++) {
		uint8_t this = chain->proto;

		hdr = ct_bytes(p, chain->l4, 8, end, scratch);
		if (!hdr)
			return false;
		if (this == IPPROTO_FRAGMENT)
			chain->frag_at = chain->l4;
		chain->proto = hdr[0];
		chain->l4 += header_len(this, hdr);
		if (this != IPPROTO_FRAGMENT || !(hdr[2] | hdr[3]))
			continue;
		chain->fragmented = true;
		if (hdr[2] || hdr[3] & 0xf8)
			break; /* what follows is not a header */
	}
	return chain->l4 <= end;
}
