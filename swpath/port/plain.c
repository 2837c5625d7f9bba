/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/plain.h"

#include <rte_ether.h>

#include "swpath/port/count.h"
#include "swpath/port/segment.h"

struct burst {
	struct swpath_port *port;
	unsigned worker;
	uint64_t *drops;
	const struct swpath_plain_output *output;
	struct rte_mbuf *frame[SWPATH_PLAIN_BURST];
	uint32_t len[SWPATH_PLAIN_BURST];
	unsigned n;
};

static void flush(struct burst *b)
{
	uint64_t bytes = 0;
	unsigned sent;

	if (b->n == 0)
		return;
	sent = b->output->send(b->port, b->worker, b->frame, b->n);
	for (unsigned i = 0; i < sent; i++)
		bytes += b->len[i];
	swpath_count_tx(&b->port->counter[b->worker], sent, bytes);
	swpath_drop_tx(
		b->port, b->worker, b->frame + sent, b->n - sent, SWPATH_DROP_TX_FULL, b->drops);
	b->n = 0;
}

static void drop(struct burst *b, struct rte_mbuf *m, enum swpath_drop why)
{
	swpath_drop_tx(b->port, b->worker, &m, 1, why, b->drops);
}

/* `m` itself or its copy; NULL if it was dropped. */
static struct rte_mbuf *writable(struct burst *b, struct rte_mbuf *m)
{
	struct rte_mbuf *own = swpath_writable(m, b->port->pool);

	if (!own)
		drop(b, m, SWPATH_DROP_NO_MBUF);
	return own;
}

static void add(struct burst *b, struct rte_mbuf *frame)
{
	if (b->output->linear && frame->nb_segs > 1) {
		frame = writable(b, frame);
		if (!frame)
			return;
		if (rte_pktmbuf_linearize(frame) < 0) {
			drop(b, frame, SWPATH_DROP_TX_ERROR);
			return;
		}
	}
	b->len[b->n] = frame->pkt_len;
	b->frame[b->n++] = frame;
	if (b->n == SWPATH_PLAIN_BURST)
		flush(b);
}

static void cut(struct burst *b, struct rte_mbuf *m, struct swpath_segmenter *s)
{
	while (!swpath_segmenter_done(s)) {
		struct rte_mbuf *frame = swpath_segmenter_next(s, b->port->pool);

		if (!frame) {
			drop(b, m, SWPATH_DROP_NO_MBUF);
			return;
		}
		add(b, frame);
	}
	rte_pktmbuf_free(m);
}

static void add_super(struct burst *b, struct rte_mbuf *m, uint32_t mtu)
{
	struct swpath_segmenter s;

	if (b->output->carry) {
		m = writable(b, m);
		if (!m)
			return;
	}
	if (swpath_segmenter_start(&s, m) < 0)
		drop(b, m, SWPATH_DROP_TX_ERROR);
	else if (mtu && swpath_segmenter_ip_len(&s) > mtu)
		drop(b, m, SWPATH_DROP_TOO_BIG);
	else if (b->output->carry && b->output->carry(b->port, m))
		add(b, m);
	else
		cut(b, m, &s);
}

static void add_frame(struct burst *b, struct rte_mbuf *m, uint32_t mtu)
{
	if (!swpath_frame_fits(m, mtu)) {
		drop(b, m, SWPATH_DROP_TOO_BIG);
		return;
	}
	if (swpath_has_offload(m)) {
		m = writable(b, m);
		if (!m)
			return;
		if (!(b->output->carry && b->output->carry(b->port, m)) &&
			swpath_checksum_complete(m) < 0) {
			drop(b, m, SWPATH_DROP_TX_ERROR);
			return;
		}
	}
	add(b, m);
}

/* Sends a burst of frames that can all go as they are; false, and nothing is done, if one cannot.
 */
static bool send_as_they_are(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	unsigned n, uint64_t drops[SWPATH_DROP_MAX], const struct swpath_plain_output *output,
	uint32_t mtu)
{
	uint32_t len[SWPATH_PLAIN_BURST], max = mtu ? mtu + RTE_ETHER_HDR_LEN : UINT32_MAX;
	uint64_t flags = 0, bytes = 0;
	uint32_t longest = 0;
	uint16_t segs = 1;
	unsigned sent;

	if (n > SWPATH_PLAIN_BURST)
		return false;
	for (unsigned i = 0; i < n; i++) {
		len[i] = pkts[i]->pkt_len;
		longest = RTE_MAX(longest, len[i]);
		flags |= pkts[i]->ol_flags;
		segs |= pkts[i]->nb_segs;
	}
	if (longest > max || flags & (SWPATH_SEG_FLAGS | RTE_MBUF_F_TX_L4_MASK) ||
		(output->linear && segs > 1))
		return false;
	sent = output->send(port, worker, pkts, n);
	for (unsigned i = 0; i < sent; i++)
		bytes += len[i];
	swpath_count_tx(&port->counter[worker], sent, bytes);
	swpath_drop_tx(port, worker, pkts + sent, n - sent, SWPATH_DROP_TX_FULL, drops);
	return true;
}

void swpath_plain_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX], const struct swpath_plain_output *output)
{
	const uint32_t mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed);
	struct burst b;

	if (likely(send_as_they_are(port, worker, pkts, n, drops, output, mtu)))
		return;
	b.port = port;
	b.worker = worker;
	b.drops = drops;
	b.output = output;
	b.n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (pkts[i]->ol_flags & SWPATH_SEG_FLAGS)
			add_super(&b, pkts[i], mtu);
		else
			add_frame(&b, pkts[i], mtu);
	}
	flush(&b);
}
