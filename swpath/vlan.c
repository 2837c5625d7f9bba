/* SPDX-License-Identifier: Apache-2.0
 *
 * VLAN tags pushed and popped (IEEE 802.1Q, 9.5).
 */
#include <string.h>

#include <rte_ether.h>

#include "hal/mutation.h"
#include "swpath/packet.h"

#define TAG_AT (2 * RTE_ETHER_ADDR_LEN)
#define TAG_LEN 4

int swpath_push_vlan(struct swpath_packet *p, const struct hal_act_vlan *act)
{
	const rte_be16_t tag[2] = {MUTATE(107, act->tpid, RTE_BE16(RTE_ETHER_TYPE_VLAN)),
		act->tci & ~RTE_BE16(HAL_VLAN_PRESENT)};
	int drop = swpath_packet_insert(p, TAG_AT, TAG_LEN);

	if (drop == SWPATH_OK)
		memcpy(rte_pktmbuf_mtod_offset(p->m, uint8_t *, TAG_AT), tag, sizeof(tag));
	return drop;
}

int swpath_pop_vlan(struct swpath_packet *p)
{
	swpath_packet_layers(p);
	if (!p->ly.vlans)
		return SWPATH_DROP_HEADER;
	return swpath_packet_delete(
		p, MUTATE(104, TAG_AT, p->ly.vlans > 1 ? TAG_AT + TAG_LEN : TAG_AT), TAG_LEN);
}
