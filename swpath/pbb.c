/* SPDX-License-Identifier: Apache-2.0
 *
 * Backbone headers pushed and popped (IEEE 802.1ah: a frame with its addresses inside another one).
 *
 *     dst src [tags] type ...                             what is carried
 *     dst src [tags] 88e7 I-TAG dst src [tags] type ...   and in what
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "swpath/packet.h"

#define MACS (2 * RTE_ETHER_ADDR_LEN)
#define ITAG_LEN 4
#define HEADER (2 + ITAG_LEN + MACS) /* from the EtherType to the addresses of what is carried */

/* The tags stay with what is carried. */
int swpath_push_pbb(struct swpath_packet *p, const struct hal_act_pbb *act)
{
	int drop = swpath_packet_insert(p, MACS, HEADER);
	uint8_t *data;

	if (drop != SWPATH_OK)
		return drop;
	data = rte_pktmbuf_mtod(p->m, uint8_t *);
	memcpy(data + MACS, &act->eth_type, 2);
	memcpy(data + MACS + 2, &act->itag, ITAG_LEN);
	memcpy(data + MACS + 2 + ITAG_LEN, data, MACS);
	return SWPATH_OK;
}

/* A backbone tag, which should have been popped before, stays where it is. */
int swpath_pop_pbb(struct swpath_packet *p)
{
	uint8_t macs[MACS];
	uint32_t at;
	int drop;

	swpath_packet_layers(p);
	if (p->ly.kind != SWPATH_L3_PBB)
		return SWPATH_DROP_HEADER;
	at = p->ly.type;
	/* The EtherType of what is carried is the least that there has to be of it. */
	drop = swpath_packet_writable(p, at + HEADER + 2);
	if (drop != SWPATH_OK)
		return drop;
	memcpy(macs, rte_pktmbuf_mtod_offset(p->m, uint8_t *, at + 2 + ITAG_LEN), MACS);
	drop = swpath_packet_delete(p, at, HEADER);
	if (drop == SWPATH_OK)
		memcpy(rte_pktmbuf_mtod(p->m, uint8_t *), macs, MACS);
	return drop;
}
