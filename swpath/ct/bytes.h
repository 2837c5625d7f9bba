/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of packets that lie in several segments, and IPv6's chain of headers (RFC 8200, 4.1).
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_SWPATH_CT_BYTES_H
#define SLUICE_SWPATH_CT_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "swpath/packet.h"

/* `n` bytes at `at`, where the packet holds `end` bytes that count; copied to `scratch` if they are
 * not in one place. NULL if there are not as many. */
static inline const uint8_t *ct_bytes(
	const struct swpath_packet *p, uint32_t at, uint32_t n, uint32_t end, void *scratch)
{
	if (at > end || n > end - at)
		return NULL;
	return rte_pktmbuf_read(p->m, at, n, scratch);
}

static inline uint32_t ct_be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

struct ct_ipv6_chain {
	uint8_t proto;    /* what follows the extension headers that are known */
	bool fragmented;  /* a fragment header that is not of a whole packet */
	uint32_t frag_at; /* that header, or 0 */
	uint32_t l4;      /* what follows; of a later fragment its part of the payload */
};

/* Follows the chain of the header at `l3`. False if it is cut off. */
bool ct_ipv6_walk(
	const struct swpath_packet *p, uint32_t l3, uint32_t end, struct ct_ipv6_chain *chain);

#endif
