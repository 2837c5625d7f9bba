/* SPDX-License-Identifier: Apache-2.0
 *
 * TTL and hop limit decremented.
 */
#include <string.h>

#include <rte_ip.h>

#include "swpath/edit.h"

int swpath_dec_ttl_prepare(struct swpath_packet *p, struct swpath_edit *e)
{
	swpath_packet_layers(p);
	*e = (struct swpath_edit){.size = 1, .decrement = true, .value.byte = {1}};
	switch (p->ly.kind) {
	case SWPATH_L3_IPV4:
		e->at = p->ly.l3 + (uint32_t)offsetof(struct rte_ipv4_hdr, time_to_live);
		e->sum = SWPATH_SUM_IP;
		break;
	case SWPATH_L3_IPV6:
		e->at = p->ly.l3 + (uint32_t)offsetof(struct rte_ipv6_hdr, hop_limits);
		e->sum = SWPATH_SUM_NONE;
		break;
	default:
		return SWPATH_DROP_HEADER;
	}
	swpath_edit_widen(p, e);
	return SWPATH_OK;
}

int swpath_dec_ttl(struct swpath_packet *p)
{
	struct swpath_edit e;
	int drop = swpath_dec_ttl_prepare(p, &e);

	return drop == SWPATH_OK ? swpath_edit_apply(p, &e) : drop;
}
