/* SPDX-License-Identifier: Apache-2.0
 *
 * TTL and hop limit decremented.
 */
#include <rte_ip.h>

#include "swpath/packet.h"

int swpath_dec_ttl(struct swpath_packet *p)
{
	enum swpath_sum sum;
	uint32_t at;
	uint8_t ttl;
	int drop;

	swpath_packet_layers(p);
	if (p->ly.kind == SWPATH_L3_IPV4) {
		at = p->ly.l3 + offsetof(struct rte_ipv4_hdr, time_to_live);
		sum = SWPATH_SUM_IP;
	} else if (p->ly.kind == SWPATH_L3_IPV6) {
		at = p->ly.l3 + offsetof(struct rte_ipv6_hdr, hop_limits);
		sum = SWPATH_SUM_NONE;
	} else {
		return SWPATH_DROP_HEADER;
	}
	drop = swpath_packet_writable(p, at + 1);
	if (drop != SWPATH_OK)
		return drop;
	ttl = *rte_pktmbuf_mtod_offset(p->m, const uint8_t *, at);
	if (ttl <= 1)
		return SWPATH_DROP_TTL;
	ttl--;
	swpath_rewrite(p, at, &ttl, 1, sum);
	return SWPATH_OK;
}
