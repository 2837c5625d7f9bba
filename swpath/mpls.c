/* SPDX-License-Identifier: Apache-2.0
 *
 * MPLS label stack entries pushed and popped (RFC 3032). They stand after all VLAN tags.
 */
#include <string.h>

#include <rte_mbuf.h>

#include "swpath/packet.h"

#define LSE_LEN 4

int swpath_push_mpls(struct swpath_packet *p, const struct hal_act_mpls *act)
{
	uint32_t payload;
	uint8_t *data;
	int drop;

	swpath_packet_layers(p);
	if (!p->ly.type) /* a length: there is no EtherType to say what follows */
		return SWPATH_DROP_HEADER;
	payload = p->ly.type + 2u;
	drop = swpath_packet_insert(p, payload, LSE_LEN);
	if (drop != SWPATH_OK)
		return drop;
	data = rte_pktmbuf_mtod(p->m, uint8_t *);
	memcpy(data + payload, &act->lse, LSE_LEN);
	memcpy(data + payload - 2, &act->eth_type, 2);
	return SWPATH_OK;
}

int swpath_pop_mpls(struct swpath_packet *p, const struct hal_act_mpls *act)
{
	uint32_t payload;
	int drop;

	swpath_packet_layers(p);
	if (p->ly.kind != SWPATH_L3_MPLS)
		return SWPATH_DROP_HEADER;
	payload = p->ly.type + 2u;
	drop = swpath_packet_delete(p, payload, LSE_LEN);
	if (drop == SWPATH_OK)
		memcpy(rte_pktmbuf_mtod_offset(p->m, uint8_t *, payload - 2), &act->eth_type, 2);
	return drop;
}
