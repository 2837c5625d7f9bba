/* SPDX-License-Identifier: Apache-2.0
 *
 * Received super-frames inside tunnels, cut before anybody sees them.
 *
 * What: a queue of what one system call received, from the first such super-frame on, so that the
 * order stays; each call of a port's rx takes as many frames as fit.
 * Why: port.h has no flags for them, and the host's own tunnels over a port make them all the time.
 * Thread-safety: the receiving worker's; clear when it receives no more.
 */
#ifndef SLUICE_SWPATH_PORT_RX_CUT_H
#define SLUICE_SWPATH_PORT_RX_CUT_H

#include "swpath/port/rxbuf.h"
#include "swpath/port/segment.h"

struct swpath_rx_cut {
	unsigned next, n; /* waiting [next, n) */
	struct {
		struct rte_mbuf *m;
		uint32_t inner; /* offset of its inner transport header, 0: not to be cut */
	} waiting[SWPATH_RXBUF_SLOTS];
	bool cutting; /* the first one is under way */
	struct swpath_segmenter segmenter;
};

static inline bool swpath_rx_cut_empty(const struct swpath_rx_cut *c)
{
	return c->next == c->n;
}

/* There is room for the frames of one system call, after an empty queue. */
void swpath_rx_cut_push(struct swpath_rx_cut *c, struct rte_mbuf *m, uint32_t inner);

/* Up to `max` frames. Adds to *errors the super-frames that were lost for want of mbufs. */
unsigned swpath_rx_cut_take(struct swpath_rx_cut *c, struct rte_mempool *pool,
	struct rte_mbuf **pkts, unsigned max, uint64_t *errors);

void swpath_rx_cut_clear(struct swpath_rx_cut *c);

#endif
