/* SPDX-License-Identifier: Apache-2.0
 *
 * TTL and hop limit decremented.
 */
#include <string.h>

#include <rte_ip.h>

#include "swpath/packet.h"

/* Byte `at` of the frame, and what stands in the same 16 bits of the header after it. */
static int dec_at(struct swpath_packet *p, uint32_t at, enum swpath_sum sum)
{
	int drop = swpath_packet_writable(p, at + 2);
	uint16_t was, is;
	uint8_t *ttl;

	if (drop != SWPATH_OK)
		return drop;
	ttl = rte_pktmbuf_mtod_offset(p->m, uint8_t *, at);
	if (*ttl <= 1)
		return SWPATH_DROP_TTL;
	memcpy(&was, ttl, 2);
	is = (uint16_t)(was - RTE_BE16(0x0100));
	memcpy(ttl, &is, 2);
	p->key_stale = true;
	if (sum != SWPATH_SUM_NONE)
		swpath_sum_changed(p, sum, (uint32_t)(uint16_t)~was + is);
	return SWPATH_OK;
}

int swpath_dec_ttl(struct swpath_packet *p)
{
	swpath_packet_layers(p);
	if (p->ly.kind == SWPATH_L3_IPV4)
		return dec_at(
			p, p->ly.l3 + offsetof(struct rte_ipv4_hdr, time_to_live), SWPATH_SUM_IP);
	if (p->ly.kind == SWPATH_L3_IPV6)
		return dec_at(
			p, p->ly.l3 + offsetof(struct rte_ipv6_hdr, hop_limits), SWPATH_SUM_NONE);
	return SWPATH_DROP_HEADER;
}
