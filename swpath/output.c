/* SPDX-License-Identifier: Apache-2.0
 *
 * Output: packets collected for each port and sent together at the end of a burst.
 */
#include "swpath/port/segment.h"
#include "swpath/worker.h"

static void send_batch(struct swpath_worker *w, struct swpath_tx_batch *b)
{
	unsigned n = b->n;

	b->n = 0;
	b->port->class->tx(b->port, (uint16_t)w->id, b->pkts, n, w->drops);
}

void swpath_output(struct swpath_worker *w, struct rte_mbuf *m, uint32_t port)
{
	struct swpath_port_entry *entry = swpath_port_get(w->sp, port);
	struct swpath_tx_batch *b;

	if (unlikely(!entry)) {
		swpath_drop(w, m, SWPATH_DROP_NO_PORT);
		return;
	}
	if (unlikely(!atomic_load_explicit(&entry->port.up, memory_order_relaxed))) {
		swpath_drop(w, m, SWPATH_DROP_PORT_DOWN);
		return;
	}
	if (unlikely(!(m->ol_flags & SWPATH_SEG_FLAGS) &&
		     !swpath_frame_fits(
			     m, atomic_load_explicit(&entry->port.mtu, memory_order_relaxed)))) {
		swpath_drop(w, m, SWPATH_DROP_TOO_BIG);
		return;
	}
	b = &entry->tx[w->id];
	if (b->n == SWPATH_BURST) {
		send_batch(w, b);
	} else if (!b->n) {
		b->next = w->tx_dirty;
		w->tx_dirty = b;
	}
	b->pkts[b->n++] = m;
}

void swpath_flush(struct swpath_worker *w)
{
	struct swpath_tx_batch *b = w->tx_dirty;

	w->tx_dirty = NULL;
	for (; b; b = b->next)
		if (b->n)
			send_batch(w, b);
}
