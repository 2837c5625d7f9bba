/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting in struct swpath_port_counter, and dropping with a reason.
 * Thread-safety: a worker writes only its own entry, so no atomic add is needed.
 */
#ifndef SLUICE_SWPATH_PORT_COUNT_H
#define SLUICE_SWPATH_PORT_COUNT_H

#include <rte_mbuf.h>

#include "swpath/port/port.h"

static inline void swpath_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline void swpath_count_rx(struct swpath_port_counter *c, uint64_t packets, uint64_t bytes)
{
	swpath_count(&c->rx_packets, packets);
	swpath_count(&c->rx_bytes, bytes);
}

static inline void swpath_count_tx(struct swpath_port_counter *c, uint64_t packets, uint64_t bytes)
{
	swpath_count(&c->tx_packets, packets);
	swpath_count(&c->tx_bytes, bytes);
}

/* Frees packets that will not be sent. */
static inline void swpath_drop_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	unsigned n, enum swpath_drop why, uint64_t drops[SWPATH_DROP_MAX])
{
	struct swpath_port_counter *c = &port->counter[worker];

	if (n == 0)
		return;
	swpath_count(why == SWPATH_DROP_TX_ERROR ? &c->tx_errors : &c->tx_dropped, n);
	drops[why] += n;
	if (swpath_has_captures(port->sp))
		swpath_tap_drop(port->sp, worker, pkts, n, why);
	rte_pktmbuf_free_bulk(pkts, n);
}

/* Sum over the workers. */
static inline void swpath_count_sum(struct swpath_port *port, struct hal_port_stats *out)
{
	*out = (struct hal_port_stats){0};
	for (unsigned w = 0; w < HAL_MAX_WORKERS; w++) {
		const struct swpath_port_counter *c = &port->counter[w];

		out->rx_packets += atomic_load_explicit(&c->rx_packets, memory_order_relaxed);
		out->rx_bytes += atomic_load_explicit(&c->rx_bytes, memory_order_relaxed);
		out->tx_packets += atomic_load_explicit(&c->tx_packets, memory_order_relaxed);
		out->tx_bytes += atomic_load_explicit(&c->tx_bytes, memory_order_relaxed);
		out->rx_dropped += atomic_load_explicit(&c->rx_dropped, memory_order_relaxed);
		out->tx_dropped += atomic_load_explicit(&c->tx_dropped, memory_order_relaxed);
		out->rx_errors += atomic_load_explicit(&c->rx_errors, memory_order_relaxed);
		out->tx_errors += atomic_load_explicit(&c->tx_errors, memory_order_relaxed);
	}
}

#endif
