/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes from workers and device threads to the control thread, over a bounded ring: effects of
 * translations, packets for controllers, and calls.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"

struct note *note_new(enum note_type type, size_t extra)
{
	struct note *n = malloc(sizeof(*n) + extra);

	if (n)
		n->type = type;
	return n;
}

void pipeline_wake(struct pipeline *pl)
{
	uint64_t one = 1;

	if (!atomic_exchange(&pl->woken, true))
		(void)!write(pl->wake_fd, &one, sizeof(one));
}

void note_free(struct note *n)
{
	if (n->type == NOTE_EFFECT && n->effect.learn) {
		atomic_store(&n->effect.learn->queued, false);
		learn_unref(n->effect.learn);
	}
	if (n->type == NOTE_PACKET_IN && n->pin.says)
		recirc_unref(n->pin.says);
	free(n);
}

bool note_post(struct pipeline *pl, struct note *n)
{
	if (rte_ring_mp_enqueue(pl->notes, n)) {
		note_free(n);
		atomic_fetch_add_explicit(&pl->effects_dropped, 1, memory_order_relaxed);
		return false;
	}
	pipeline_wake(pl);
	return true;
}

void effects_post(struct pipeline *pl, const struct xlate *x)
{
	for (unsigned i = 0; i < x->n_effects; i++) {
		struct note *n = note_new(NOTE_EFFECT, 0);

		if (!n)
			continue;
		n->effect = x->effects[i];
		if (n->effect.learn)
			learn_ref(n->effect.learn);
		note_post(pl, n);
	}
	if (x->effects_lost)
		atomic_fetch_add_explicit(
			&pl->effects_dropped, x->effects_lost, memory_order_relaxed);
}

void pipeline_to_controller(void *ctx, unsigned worker, const struct hal_act_controller *act,
	const struct rte_mbuf *pkt, const struct hal_key *key)
{
	struct pipeline *pl = ctx;
	uint32_t total = rte_pktmbuf_pkt_len(pkt);
	/* All of it: max_len is for switches with buffers, where the rest can be had (OpenFlow 1.0,
	 * 5.4.1; 1.3, 7.4.1). Controllers send what they get here back in a packet-out. */
	struct note *n = note_new(NOTE_PACKET_IN, total);
	const void *data;

	(void)worker;
	if (!n)
		return;
	n->pin.act = *act;
	n->pin.key = *key;
	n->pin.says = act->note ? recirc_find(pl->recircs, act->note) : NULL;
	n->pin.len = n->pin.total_len = total;
	data = rte_pktmbuf_read(pkt, 0, total, n->data);
	if (data && data != n->data)
		memcpy(n->data, data, total);
	note_post(pl, n);
}

static struct pl_bridge *bridge_by_id(struct pipeline *pl, uint32_t id)
{
	struct pl_bridge *br;

	LIST_FOREACH (br, &pl->bridges, link)
		if (br->id == id)
			return br;
	return NULL;
}

void effect_run(struct pipeline *pl, const struct effect *e)
{
	struct pl_bridge *br = bridge_by_id(pl, e->bridge);

	if (e->type == EFFECT_NEIGHBOUR && pl->host)
		host_resolve(pl->host, &e->addr, e->ifindex);
	if (br && e->type == EFFECT_MAC)
		bridge_mac_learn(br, e->vlan, e->mac, e->port);
	else if (br && e->type == EFFECT_LEARN)
		learn_run(br, e->learn);
}

/* What is learned is learned in one change; all else is done outside, since workers cache nothing
 * while something changes. */
static void run_effects(struct pipeline *pl, struct note *const *batch, unsigned n)
{
	unsigned i;

	for (i = 0; i < n && batch[i]->type != NOTE_EFFECT; i++)
		;
	if (i == n)
		return;
	pipeline_change_begin(pl);
	for (; i < n; i++)
		if (batch[i]->type == NOTE_EFFECT)
			effect_run(pl, &batch[i]->effect);
	pipeline_change_end_soon(pl);
}

static void run(struct pipeline *pl, struct note *n)
{
	struct pl_bridge *br;

	switch (n->type) {
	case NOTE_EFFECT: /* run_effects() did it */
		break;
	case NOTE_PACKET_IN:
		br = bridge_by_id(pl, n->pin.act.bridge);
		if (br)
			packet_in_send(pl, br, n);
		break;
	case NOTE_CALL:
		n->call.fn(n->call.arg);
		break;
	}
	note_free(n);
}

/* So many at a time, so that a flood of packet-ins leaves room for everything else. */
#define NOTES_AT_ONCE 256

void notes_run(struct pipeline *pl)
{
	struct note *batch[NOTES_AT_ONCE];
	unsigned n = rte_ring_sc_dequeue_burst(pl->notes, (void **)batch, NOTES_AT_ONCE, NULL);

	run_effects(pl, batch, n);
	for (unsigned i = 0; i < n; i++)
		run(pl, batch[i]);
	if (n == NOTES_AT_ONCE)
		pipeline_wake(pl);
}

void notes_drop(struct pipeline *pl)
{
	void *note;

	while (!rte_ring_sc_dequeue(pl->notes, &note)) {
		struct note *n = note;

		if (n->type == NOTE_CALL)
			free(n->call.arg);
		note_free(n);
	}
}
