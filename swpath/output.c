/* SPDX-License-Identifier: Apache-2.0
 *
 * Output: packets collected for each port and sent together at the end of a burst.
 */
#include <rte_ether.h>

#include "swpath/port/segment.h"
#include "swpath/tap.h"
#include "swpath/worker.h"

static void send_batch(struct swpath_worker *w, struct swpath_tx_batch *b)
{
	unsigned n = b->n;

	b->n = 0;
	if (swpath_is_captured(w->sp))
		swpath_tap_out(w, b->pkts, n, b->port->id);
	b->port->class->tx(b->port, (uint16_t)w->id, b->pkts, n, w->drops);
}

/* Super-frames are cut to what fits by the port. */
static bool fits(const struct rte_mbuf *m, uint32_t mtu)
{
	return likely(m->pkt_len <= mtu + RTE_ETHER_HDR_LEN) || (m->ol_flags & SWPATH_SEG_FLAGS) ||
	       swpath_frame_fits(m, mtu);
}

/* Room for at least one packet more. */
static unsigned batch_room(struct swpath_worker *w, struct swpath_tx_batch *b)
{
	if (b->n == SWPATH_BURST) {
		send_batch(w, b);
	} else if (!b->n) {
		b->next = w->tx_dirty;
		w->tx_dirty = b;
	}
	return SWPATH_BURST - b->n;
}

void swpath_output_many(struct swpath_worker *w, struct rte_mbuf **pkts, unsigned n, uint32_t port)
{
	struct swpath_port_entry *entry = swpath_port_get(w->sp, port);
	enum swpath_drop why = SWPATH_DROP_NO_PORT;
	struct swpath_tx_batch *b;
	uint32_t mtu;

	if (unlikely(!entry))
		goto drop;
	why = SWPATH_DROP_PORT_DOWN;
	if (unlikely(!atomic_load_explicit(&entry->port.up, memory_order_relaxed)))
		goto drop;
	mtu = atomic_load_explicit(&entry->port.mtu, memory_order_relaxed);
	b = &entry->tx[w->id];
	while (n) {
		unsigned part = RTE_MIN(n, batch_room(w, b));

		for (unsigned i = 0; i < part; i++) {
			if (likely(fits(pkts[i], mtu)))
				b->pkts[b->n++] = pkts[i];
			else
				swpath_drop(w, pkts[i], SWPATH_DROP_TOO_BIG);
		}
		pkts += part;
		n -= part;
	}
	return;

drop:
	for (unsigned i = 0; i < n; i++)
		swpath_drop(w, pkts[i], why);
}

void swpath_output(struct swpath_worker *w, struct rte_mbuf *m, uint32_t port)
{
	swpath_output_many(w, &m, 1, port);
}

void swpath_flush(struct swpath_worker *w)
{
	struct swpath_tx_batch *b = w->tx_dirty;

	w->tx_dirty = NULL;
	for (; b; b = b->next)
		if (b->n)
			send_batch(w, b);
}
