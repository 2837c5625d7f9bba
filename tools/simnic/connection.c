/* SPDX-License-Identifier: Apache-2.0
 *
 * The CT step: what a connection object says is written into the packet's metadata, and its tuple
 * is translated. Whatever the object does not settle is the software's: the packet is handed up.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/ct_state.h"
#include "hal/mutation.h"
#include "tools/simnic/nic.h"

#define TCP_FIN_SYN_RST 0x07

static bool tuple_of(struct nic_packet *p, uint16_t zone, struct hal_connection *tuple)
{
	union nic_key key;

	nic_parse(p, &key);
	if (!p->l4 || key.h.frag || !nic_checksum_right(p))
		return false;
	if (p->l4_proto == IPPROTO_TCP && key.h.tcp_flags[1] & TCP_FIN_SYN_RST)
		return false;
	memset(tuple, 0, sizeof(*tuple));
	tuple->zone = zone;
	tuple->ip_proto = p->l4_proto;
	tuple->ipv6 = p->ip6;
	memcpy(&tuple->tp_src, key.h.l4_src, 2);
	memcpy(&tuple->tp_dst, key.h.l4_dst, 2);
	memcpy(tuple->src, p->ip6 ? key.h.ip6_src : key.h.ip_src, p->ip6 ? 16 : 4);
	memcpy(tuple->dst, p->ip6 ? key.h.ip6_dst : key.h.ip_dst, p->ip6 ? 16 : 4);
	return true;
}

static bool translates(const struct hal_connection *c)
{
	return c->tp_src != c->new_tp_src || c->tp_dst != c->new_tp_dst ||
	       memcmp(c->src, c->new_src, 16) || memcmp(c->dst, c->new_dst, 16) ||
	       c->ct_state & (HAL_CS_SNAT | HAL_CS_DNAT);
}

/* True if the step asks nothing of the connection that it has not got. */
static bool settled(const struct hal_connection *c, const struct sim_act_ct *act)
{
	if (act->alg || (translates(c) && !(act->flags & HAL_CT_NAT)))
		return false;
	if (act->flags & HAL_CT_FORCE && c->ct_state & HAL_CS_RPL)
		return false;
	if ((c->mark ^ act->mark) & act->mark_mask)
		return false;
	for (unsigned i = 0; i < sizeof(c->label); i++) {
		if ((c->label[i] ^ act->label[i]) & act->label_mask[i])
			return false;
	}
	return true;
}

/* A packet that was translated in this zone before is known there by what it was. */
static bool was_translated(const struct sim_meta *m, uint16_t zone)
{
	return m->ct_zone[0] == zone >> 8 && m->ct_zone[1] == (zone & 0xff) &&
	       m->ct_state[3] & (HAL_CS_SNAT | HAL_CS_DNAT);
}

static void put32(uint8_t out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void fill(struct sim_meta *m, const struct hal_connection *c)
{
	put32(m->ct_state, c->ct_state);
	put32(m->ct_mark, MUTATE(450, c->mark, 0));
	memcpy(m->ct_label, c->label, sizeof(m->ct_label));
	m->ct_zone[0] = (uint8_t)(c->zone >> 8);
	m->ct_zone[1] = (uint8_t)c->zone;
	m->ct_proto[0] = c->ip_proto;
	memset(m->ct_src, 0, 4);
	memset(m->ct_dst, 0, 4);
	memset(m->ct_src6, 0, 16);
	memset(m->ct_dst6, 0, 16);
	memcpy(c->ipv6 ? m->ct_src6 : m->ct_src, c->orig_src, c->ipv6 ? 16 : 4);
	memcpy(c->ipv6 ? m->ct_dst6 : m->ct_dst, c->orig_dst, c->ipv6 ? 16 : 4);
	memcpy(m->ct_sport, &c->orig_tp_src, 2);
	memcpy(m->ct_dport, &c->orig_tp_dst, 2);
}

enum nic_outcome nic_ct_run(struct nic *nic, struct nic_packet *p, const uint8_t *arg)
{
	struct hal_connection tuple;
	struct nic_object *o;
	struct sim_act_ct act;

	memcpy(&act, arg, sizeof(act));
	if (was_translated(&p->meta, act.zone) || !tuple_of(p, act.zone, &tuple))
		return NIC_HAND_UP;
	o = nic_connection_find(&nic->objects, &tuple);
	if (!o || !settled(&o->u.connection, &act) || nic->n_charged == NIC_MAX_CHARGED)
		return NIC_HAND_UP;
	o->stats.packets++;
	o->stats.bytes += p->len;
	nic->charged[nic->n_charged].object = o;
	nic->charged[nic->n_charged++].len = p->len;
	fill(&p->meta, &o->u.connection);
	if (MUTATE(451, translates(&o->u.connection), false))
		nic_rewrite_tuple(p, &o->u.connection);
	return NIC_DONE;
}

void nic_ct_uncount(struct nic *nic)
{
	while (nic->n_charged) {
		struct nic_object *o = nic->charged[--nic->n_charged].object;

		o->stats.packets--;
		o->stats.bytes -= nic->charged[nic->n_charged].len;
	}
}
