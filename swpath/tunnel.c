/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel steps, as a worker runs them.
 */
#include "swpath/tunnel.h"

#include <string.h>

#include "swpath/port/count.h"
#include "swpath/port/segment.h"
#include "swpath/tap.h"
#include "swpath/worker.h"

static struct swpath_port_counter *counter(const struct swpath_worker *w, uint32_t port)
{
	struct swpath_port_entry *e = swpath_port_get(w->sp, port);

	return e ? &e->port.counter[w->id] : NULL;
}

int swpath_tunnel_push(
	struct swpath_worker *w, struct swpath_packet *p, const struct hal_act_tunnel_push *act)
{
	struct swpath_port_counter *c = counter(w, act->port);
	uint32_t len = rte_pktmbuf_pkt_len(p->m);
	int drop;

	if (!c)
		return SWPATH_DROP_NO_PORT;
	if (swpath_is_captured(w->sp))
		swpath_tap_out(w, &p->m, 1, act->port);
	drop = swpath_tunnel_encapsulate(p, act, w->ip_id++);
	if (drop == SWPATH_OK) {
		swpath_count(&c->tx_packets, 1);
		swpath_count(&c->tx_bytes, len);
	} else {
		swpath_count(&c->tx_dropped, 1);
	}
	return drop;
}

int swpath_tunnel_pop(struct swpath_worker *w, struct swpath_packet *p,
	const struct hal_act_tunnel_pop *act, unsigned nested)
{
	struct swpath_port_counter *c = counter(w, act->port);
	struct hal_megaflow *mf;
	int drop;

	if (!c)
		return SWPATH_DROP_NO_PORT;
	if (p->recircs >= SWPATH_MAX_RECIRC)
		return SWPATH_DROP_RECURSION;
	drop = swpath_tunnel_decapsulate(p, act);
	if (drop != SWPATH_OK) {
		swpath_count(&c->rx_errors, 1);
		return drop;
	}
	swpath_count_rx(c, 1, rte_pktmbuf_pkt_len(p->m));
	if (swpath_is_captured(w->sp))
		swpath_tap_inner(w, p->m, p->key);
	p->recircs++;
	p->ct = (struct swpath_ct_seen){NULL, false, false}; /* of the outer packet */
	mf = p->mf = swpath_lookup(w, p->key, p->m);
	if (!mf)
		return SWPATH_DROP_TRANSLATION;
	if (!mf->program->len)
		return SWPATH_DROP_ACTION;
	swpath_execute(w, p, mf->program->steps, mf->program->len, nested + 1);
	return SWPATH_OK;
}

void swpath_tunnel_segments(struct swpath_worker *w, struct swpath_packet *p, const void *steps,
	uint32_t len, unsigned nested)
{
	struct swpath_segmenter s;
	int drop = SWPATH_OK;

	swpath_packet_key(p);
	if (swpath_segmenter_start(&s, p->m))
		drop = SWPATH_DROP_HEADER;
	while (drop == SWPATH_OK && !swpath_segmenter_done(&s)) {
		struct swpath_packet one = *p;
		struct hal_key key = *p->key;

		one.m = swpath_segmenter_next(&s, p->pool);
		one.key = &key;
		if (one.m)
			swpath_execute(w, &one, steps, len, nested + 1);
		else
			drop = SWPATH_DROP_NO_MBUF;
	}
	if (drop != SWPATH_OK)
		swpath_count_drop(w, p->m, (enum swpath_drop)drop);
	rte_pktmbuf_free(p->m);
	p->m = NULL;
}
