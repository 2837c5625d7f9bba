/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/netdev_tx.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "swpath/port/segment.h"

enum {
	BATCH = 32,
	IOVECS = 256,
	CUT_SEGS = 32, /* mbufs of a frame that was cut here: even with an MTU of 64 KB */
};

/* Messages under construction, on the worker's stack. */
struct batch {
	struct swpath_port *port;
	unsigned worker;
	uint64_t *drops;
	struct swpath_vnet_peer peer;
	unsigned n, n_iov;
	struct rte_mbuf *pkt[BATCH];
	struct mmsghdr msg[BATCH];
	struct virtio_net_hdr vnet[BATCH];
	struct iovec iov[IOVECS];
};

static void drop(struct batch *b, struct rte_mbuf *m, enum swpath_drop why)
{
	swpath_drop_tx(b->port, b->worker, &m, 1, why, b->drops);
}

static enum swpath_drop reason_of(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return SWPATH_DROP_TX_FULL;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		return SWPATH_DROP_PORT_DOWN;
	case EMSGSIZE:
		return SWPATH_DROP_TOO_BIG;
	default:
		return SWPATH_DROP_TX_ERROR;
	}
}

/* Does the error of one message hold for those behind it too? */
static bool is_lasting(int error)
{
	return error == EAGAIN || error == ENETDOWN || error == ENXIO || error == ENODEV;
}

static void send_cut(struct batch *b, struct rte_mbuf *super);

/* The message at `i` was refused. Returns the index of the next one to try. */
static unsigned refused(struct batch *b, unsigned i, int error)
{
	struct swpath_netdev *nd = b->port->priv;

	if (error == EINTR)
		return i;
	/* Kernels before 6.2 know no UDP super-frames: found out once. */
	if (error == EINVAL && (b->pkt[i]->ol_flags & RTE_MBUF_F_TX_UDP_SEG) && b->peer.uso) {
		atomic_store_explicit(&nd->uso, false, memory_order_relaxed);
		send_cut(b, b->pkt[i]);
		return i + 1;
	}
	if (is_lasting(error) || atomic_load_explicit(&nd->ifindex, memory_order_relaxed) == 0) {
		swpath_drop_tx(
			b->port, b->worker, b->pkt + i, b->n - i, reason_of(error), b->drops);
		return b->n;
	}
	drop(b, b->pkt[i], reason_of(error));
	return i + 1;
}

static void flush(struct batch *b)
{
	const struct swpath_netdev *nd = b->port->priv;
	uint64_t packets = 0, bytes = 0;
	unsigned i = 0;

	while (i < b->n) {
		int sent = sendmmsg(nd->fd, b->msg + i, b->n - i, MSG_DONTWAIT);

		if (sent <= 0) {
			i = refused(b, i, errno);
			continue;
		}
		for (unsigned k = i; k < i + (unsigned)sent; k++)
			bytes += b->pkt[k]->pkt_len;
		rte_pktmbuf_free_bulk(b->pkt + i, (unsigned)sent);
		packets += (unsigned)sent;
		i += (unsigned)sent;
	}
	swpath_count_tx(&b->port->counter[b->worker], packets, bytes);
	b->n = b->n_iov = 0;
}

/* Appends a packet whose header is `vnet`. */
static void append(struct batch *b, struct rte_mbuf *m, const struct virtio_net_hdr *vnet)
{
	struct iovec *iov;

	if (m->nb_segs + 1u > IOVECS) {
		drop(b, m, SWPATH_DROP_TX_ERROR);
		return;
	}
	if (b->n == BATCH || b->n_iov + m->nb_segs + 1u > IOVECS)
		flush(b);
	iov = b->iov + b->n_iov;
	b->vnet[b->n] = *vnet;
	memset(&b->msg[b->n], 0, sizeof(b->msg[b->n]));
	b->msg[b->n].msg_hdr.msg_iov = iov;
	b->msg[b->n].msg_hdr.msg_iovlen = m->nb_segs + 1u;
	*iov++ = (struct iovec){&b->vnet[b->n], sizeof(*vnet)};
	for (const struct rte_mbuf *s = m; s; s = s->next)
		*iov++ = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	b->n_iov += m->nb_segs + 1u;
	b->pkt[b->n++] = m;
}

/* Sends a plain frame at once. */
static void send_one(struct batch *b, struct rte_mbuf *m)
{
	const struct swpath_netdev *nd = b->port->priv;
	struct virtio_net_hdr vnet = {0};
	struct iovec iov[1 + CUT_SEGS] = {{&vnet, sizeof(vnet)}};
	const struct rte_mbuf *s;
	int n = 1;

	for (s = m; s && n <= CUT_SEGS; s = s->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	if (s || writev(nd->fd, iov, n) < 0) {
		drop(b, m, s ? SWPATH_DROP_TX_ERROR : reason_of(errno));
		return;
	}
	swpath_count_tx(&b->port->counter[b->worker], 1, m->pkt_len);
	rte_pktmbuf_free(m);
}

/* Cuts a super-frame here and sends it: for the rare one that the kernel cannot cut. */
static void send_cut(struct batch *b, struct rte_mbuf *super)
{
	struct swpath_segmenter s;

	if (swpath_segmenter_start(&s, super) < 0) {
		drop(b, super, SWPATH_DROP_TX_ERROR);
		return;
	}
	while (!swpath_segmenter_done(&s)) {
		struct rte_mbuf *m = swpath_segmenter_next(&s, b->port->pool);

		if (!m) {
			drop(b, super, SWPATH_DROP_NO_MBUF);
			return;
		}
		send_one(b, m);
	}
	rte_pktmbuf_free(super);
}

static void add(struct batch *b, struct rte_mbuf *m)
{
	struct virtio_net_hdr vnet;

	switch (swpath_vnet_from_mbuf(m, &b->peer, &vnet)) {
	case 0:
		append(b, m, &vnet);
		break;
	case -EOPNOTSUPP:
		flush(b); /* keeps the order */
		send_cut(b, m);
		break;
	case -EMSGSIZE:
		drop(b, m, SWPATH_DROP_TOO_BIG);
		break;
	default:
		drop(b, m, SWPATH_DROP_TX_ERROR);
		break;
	}
}

void swpath_netdev_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX])
{
	const struct swpath_netdev *nd = port->priv;
	struct batch b;

	if (!atomic_load_explicit(&port->up, memory_order_relaxed)) {
		swpath_drop_tx(port, worker, pkts, n, SWPATH_DROP_PORT_DOWN, drops);
		return;
	}
	b.port = port;
	b.worker = worker;
	b.drops = drops;
	b.peer.mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed);
	b.peer.uso = atomic_load_explicit(&nd->uso, memory_order_relaxed);
	b.n = b.n_iov = 0;
	for (unsigned i = 0; i < n; i++)
		add(&b, pkts[i]);
	flush(&b);
}
