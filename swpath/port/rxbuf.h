/* SPDX-License-Identifier: Apache-2.0
 *
 * Where frames of the kernel are received: slots, each of which holds the longest super-frame.
 *
 * What: a worker's set of slots with their iovecs, shared by all ports that it receives from with
 * recvmmsg() or readv(). A slot is an ordinary mbuf for the headers and all of an ordinary frame,
 * and one of 64 KB behind it: a frame takes only what it needs, the rest stays. A super-frame in
 * two pieces costs the kernel and us a fraction of one in 33.
 * When none of 64 KB is left (somebody holds many, or there was no memory for them), a slot is a
 * chain of ordinary mbufs.
 * Thread-safety: ref and unref on the control thread; a set is used by its worker only. When the
 * last reference goes, no worker may be receiving any more.
 */
#ifndef SLUICE_SWPATH_PORT_RXBUF_H
#define SLUICE_SWPATH_PORT_RXBUF_H

#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <rte_mbuf.h>

enum {
	SWPATH_RXBUF_SLOTS = 32,
	/* 64 KB and headers in mbufs of 2 KB. */
	SWPATH_RXBUF_SEGS = 33,
};

struct swpath_rxbuf_slot {
	struct virtio_net_hdr vnet;
	unsigned n_segs, missing; /* segs [0, missing) were taken, [missing, n_segs) are there */
	struct iovec iov[1 + SWPATH_RXBUF_SEGS]; /* vnet, then the mbufs */
	struct rte_mbuf *seg[SWPATH_RXBUF_SEGS];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct swpath_rxbuf {
	struct rte_mempool *pool;
	unsigned dirty; /* slots [0, dirty) may have been written: whoever receives raises it */
	struct swpath_rxbuf_slot slot[SWPATH_RXBUF_SLOTS];
	struct mmsghdr msg[SWPATH_RXBUF_SLOTS]; /* slot by slot */
};

/* A port that receives this way holds a reference: sets are kept while there is one. The first
 * call makes the mbufs of 64 KB, enough for `n_workers`, which last as long as the process. */
void swpath_rxbuf_ref(unsigned n_workers);
void swpath_rxbuf_unref(void);

/* The worker's set, with slots [0, *n) filled; *n is lowered when mbufs run out. NULL without
 * memory. */
struct swpath_rxbuf *swpath_rxbuf_get(unsigned worker, struct rte_mempool *pool, unsigned *n);

/* The frame of `len` bytes (without the vnet header) that was read into slot `i`; the caller's.
 * NULL if it is empty or longer than a slot. */
struct rte_mbuf *swpath_rxbuf_take(struct swpath_rxbuf *b, unsigned i, uint32_t len);

/* The pool of the mbufs of 64 KB, NULL if there is none: for tests. */
struct rte_mempool *swpath_rxbuf_big(void);

#endif
