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

static void move(uint16_t *offset, int by)
{
	if (*offset)
		*offset = (uint16_t)(*offset + by);
}

/* Where the headers are after a tag came or went before them: all the same, but for the distance.
 * Only what was parsed to the network layer is known so well: behind tags that were not recognised
 * there may be more. */
static void move_layers(struct swpath_packet *p, int by)
{
	struct swpath_layers *ly = &p->ly;

	if (ly->kind == SWPATH_L3_NONE)
		return;
	move(&ly->type, by);
	move(&ly->l3, by);
	move(&ly->l4, by);
	move(&ly->nd, by);
	move(&ly->nd_sll, by);
	move(&ly->nd_tll, by);
	move(&ly->proto_at, by);
	if (ly->l3_end)
		ly->l3_end = (uint32_t)((int)ly->l3_end + by);
	ly->vlans = (uint8_t)(ly->vlans + by / TAG_LEN);
	p->layers_stale = false;
}

static bool is_tag(rte_be16_t tpid)
{
	return tpid == RTE_BE16(RTE_ETHER_TYPE_VLAN) || tpid == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

int swpath_mbuf_push_vlan(
	struct rte_mbuf **m, struct rte_mempool *pool, const struct hal_act_vlan *act)
{
	const rte_be16_t tag[2] = {MUTATE(107, act->tpid, RTE_BE16(RTE_ETHER_TYPE_VLAN)),
		act->tci & ~RTE_BE16(HAL_VLAN_PRESENT)};
	int drop = swpath_mbuf_insert(m, pool, TAG_AT, TAG_LEN);

	if (drop == SWPATH_OK)
		memcpy(rte_pktmbuf_mtod_offset(*m, uint8_t *, TAG_AT), tag, sizeof(tag));
	return drop;
}

int swpath_push_vlan(struct swpath_packet *p, const struct hal_act_vlan *act)
{
	const bool known = !p->layers_stale && p->ly.vlans < 2 && is_tag(act->tpid);
	int drop = swpath_mbuf_push_vlan(&p->m, p->pool, act);

	if (drop != SWPATH_OK)
		return drop;
	p->key_stale = p->layers_stale = true;
	if (known)
		move_layers(p, TAG_LEN);
	return SWPATH_OK;
}

int swpath_pop_vlan(struct swpath_packet *p)
{
	int drop;

	swpath_packet_layers(p);
	if (!p->ly.vlans)
		return SWPATH_DROP_HEADER;
	drop = swpath_packet_delete(
		p, MUTATE(104, TAG_AT, p->ly.vlans > 1 ? TAG_AT + TAG_LEN : TAG_AT), TAG_LEN);
	if (drop == SWPATH_OK)
		move_layers(p, -TAG_LEN);
	return drop;
}
