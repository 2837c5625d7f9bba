/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/rxbuf.h"

#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "hal/base/log.h"
#include "swpath/port/port.h"

LOG_DEFINE(rxbuf);

enum {
	BIG_ROOM = UINT16_MAX, /* as much as an mbuf can say */
	BIG_CACHE = 32,        /* of a worker: what was sent last is in its cache and comes first */
	BIG_PER_WORKER = 2 * SWPATH_RXBUF_SLOTS, /* in its slots, and on their way */
};

static struct swpath_rxbuf *sets[HAL_MAX_WORKERS];
static unsigned references;
static struct rte_mempool *big;

/* It outlives the ports, since packets may. */
static void make_big(unsigned n_workers)
{
	const unsigned n = n_workers * BIG_PER_WORKER + BIG_CACHE;

	big = rte_pktmbuf_pool_create("sluice_frames", n, BIG_CACHE, 0, BIG_ROOM, SOCKET_ID_ANY);
	if (!big)
		log_warn(
			"no memory for %u packet buffers of 64 KB (%s): TCP over kernel ports will "
			"be slower",
			n, rte_strerror(rte_errno));
}

void swpath_rxbuf_ref(unsigned n_workers)
{
	static bool tried;

	if (!tried)
		make_big(n_workers);
	tried = true;
	references++;
}

static void free_segs(struct swpath_rxbuf_slot *s)
{
	for (unsigned k = s->missing; k < s->n_segs; k++)
		rte_pktmbuf_free_seg(s->seg[k]);
	s->n_segs = s->missing = 0;
}

static void free_set(struct swpath_rxbuf *b)
{
	for (unsigned i = 0; b && i < SWPATH_RXBUF_SLOTS; i++)
		free_segs(&b->slot[i]);
	free(b);
}

void swpath_rxbuf_unref(void)
{
	if (--references > 0)
		return;
	for (unsigned w = 0; w < HAL_MAX_WORKERS; w++) {
		free_set(sets[w]);
		sets[w] = NULL;
	}
}

static struct swpath_rxbuf *make_set(struct rte_mempool *pool)
{
	struct swpath_rxbuf *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->pool = pool;
	b->dirty = SWPATH_RXBUF_SLOTS;
	for (unsigned i = 0; i < SWPATH_RXBUF_SLOTS; i++) {
		struct swpath_rxbuf_slot *s = &b->slot[i];

		s->iov[0] = (struct iovec){&s->vnet, sizeof(s->vnet)};
		b->msg[i].msg_hdr.msg_iov = s->iov;
		b->msg[i].msg_hdr.msg_control = s->control;
	}
	return b;
}

static void set_iov(struct swpath_rxbuf_slot *s, unsigned k)
{
	s->iov[1 + k].iov_base = rte_pktmbuf_mtod(s->seg[k], void *);
	s->iov[1 + k].iov_len = rte_pktmbuf_tailroom(s->seg[k]);
}

/* The mbufs behind the first: one big one, or many. */
static int fill_rest(struct rte_mempool *pool, struct swpath_rxbuf_slot *s)
{
	s->seg[1] = big ? rte_pktmbuf_alloc(big) : NULL;
	if (s->seg[1]) {
		s->seg[1]->data_off = 0;
		s->n_segs = 2;
	} else {
		if (rte_pktmbuf_alloc_bulk(pool, s->seg + 1, SWPATH_RXBUF_SEGS - 1) < 0)
			return -1;
		s->n_segs = SWPATH_RXBUF_SEGS;
	}
	for (unsigned k = 1; k < s->n_segs; k++)
		set_iov(s, k);
	return 0;
}

static int fill_slot(struct rte_mempool *pool, struct swpath_rxbuf_slot *s)
{
	struct rte_mbuf *first;

	/* What is left of a chain makes room for a big one, should there be one again. */
	if (s->missing > 1)
		free_segs(s);
	first = rte_pktmbuf_alloc(pool);
	if (!first)
		return -1;
	s->seg[0] = first;
	set_iov(s, 0);
	if (s->n_segs == 0 && fill_rest(pool, s) < 0) {
		rte_pktmbuf_free_seg(first);
		return -1;
	}
	s->missing = 0;
	return 0;
}

/* False when there are no mbufs. */
static bool make_ready(struct swpath_rxbuf *b, unsigned i)
{
	struct swpath_rxbuf_slot *s = &b->slot[i];
	struct msghdr *msg = &b->msg[i].msg_hdr;

	if ((s->missing > 0 || s->n_segs == 0) && fill_slot(b->pool, s) < 0)
		return false;
	msg->msg_iovlen = 1 + s->n_segs;
	msg->msg_controllen = sizeof(s->control);
	msg->msg_flags = 0;
	return true;
}

struct swpath_rxbuf *swpath_rxbuf_get(unsigned worker, struct rte_mempool *pool, unsigned *n)
{
	struct swpath_rxbuf *b = sets[worker];
	unsigned i = 0;

	if (!b || b->pool != pool) {
		free_set(b);
		b = sets[worker] = make_set(pool);
		if (!b)
			return NULL;
	}
	while (i < b->dirty && make_ready(b, i))
		i++;
	if (i == b->dirty) {
		b->dirty = 0;
		i = SWPATH_RXBUF_SLOTS;
	}
	*n = RTE_MIN(*n, i);
	return b;
}

struct rte_mbuf *swpath_rxbuf_take(struct swpath_rxbuf *b, unsigned i, uint32_t len)
{
	struct swpath_rxbuf_slot *s = &b->slot[i];
	struct rte_mbuf *head = s->seg[0], *last = NULL;
	uint32_t left = len;
	unsigned k;

	for (k = 0; k < s->n_segs && left > 0; k++) {
		uint32_t n = RTE_MIN(left, (uint32_t)s->iov[1 + k].iov_len);

		s->seg[k]->data_len = (uint16_t)n;
		if (last)
			last->next = s->seg[k];
		last = s->seg[k];
		left -= n;
	}
	if (k == 0)
		return NULL;
	head->nb_segs = (uint16_t)k;
	head->pkt_len = len - left;
	s->missing = k;
	if (left > 0) {
		rte_pktmbuf_free(head);
		return NULL;
	}
	return head;
}

struct rte_mempool *swpath_rxbuf_big(void)
{
	return big;
}
