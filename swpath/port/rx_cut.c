/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/rx_cut.h"

void swpath_rx_cut_push(struct swpath_rx_cut *c, struct rte_mbuf *m, uint32_t inner)
{
	if (swpath_rx_cut_empty(c))
		c->next = c->n = 0;
	c->waiting[c->n].m = m;
	c->waiting[c->n++].inner = inner;
}

/* The next frame of the first super-frame; NULL if it is lost. */
static struct rte_mbuf *cut(struct swpath_rx_cut *c, struct rte_mempool *pool)
{
	struct rte_mbuf *super = c->waiting[c->next].m, *m = NULL;

	if (!c->cutting)
		c->cutting = swpath_segmenter_start_inner(
				     &c->segmenter, super, c->waiting[c->next].inner) == 0;
	if (c->cutting)
		m = swpath_segmenter_next(&c->segmenter, pool);
	if (!m || swpath_segmenter_done(&c->segmenter)) {
		rte_pktmbuf_free(super);
		c->cutting = false;
		c->next++;
	}
	return m;
}

unsigned swpath_rx_cut_take(struct swpath_rx_cut *c, struct rte_mempool *pool,
	struct rte_mbuf **pkts, unsigned max, uint64_t *errors)
{
	unsigned n = 0;

	while (n < max && !swpath_rx_cut_empty(c)) {
		struct rte_mbuf *m;

		if (c->waiting[c->next].inner) {
			m = cut(c, pool);
			*errors += !m;
		} else {
			m = c->waiting[c->next++].m;
		}
		if (m)
			pkts[n++] = m;
	}
	return n;
}

void swpath_rx_cut_clear(struct swpath_rx_cut *c)
{
	while (!swpath_rx_cut_empty(c))
		rte_pktmbuf_free(c->waiting[c->next++].m);
	c->cutting = false;
}
