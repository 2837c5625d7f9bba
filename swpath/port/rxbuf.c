/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/rxbuf.h"

#include <stdlib.h>
#include <string.h>

#include "swpath/port/port.h"

static struct swpath_rxbuf *sets[HAL_MAX_WORKERS];
static unsigned references;

void swpath_rxbuf_ref(void)
{
	references++;
}

static void free_set(struct swpath_rxbuf *b)
{
	for (unsigned i = 0; b && i < SWPATH_RXBUF_SLOTS; i++)
		for (unsigned k = b->slot[i].missing; k < SWPATH_RXBUF_SEGS; k++)
			rte_pktmbuf_free(b->slot[i].seg[k]);
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
	for (unsigned i = 0; i < SWPATH_RXBUF_SLOTS; i++) {
		struct swpath_rxbuf_slot *s = &b->slot[i];

		s->missing = SWPATH_RXBUF_SEGS;
		s->iov[0] = (struct iovec){&s->vnet, sizeof(s->vnet)};
		b->msg[i].msg_hdr.msg_iov = s->iov;
		b->msg[i].msg_hdr.msg_iovlen = 1 + SWPATH_RXBUF_SEGS;
		b->msg[i].msg_hdr.msg_control = s->control;
	}
	return b;
}

static int fill_slot(struct rte_mempool *pool, struct swpath_rxbuf_slot *s)
{
	if (rte_pktmbuf_alloc_bulk(pool, s->seg, s->missing) < 0)
		return -1;
	for (unsigned k = 0; k < s->missing; k++) {
		s->iov[1 + k].iov_base = rte_pktmbuf_mtod(s->seg[k], void *);
		s->iov[1 + k].iov_len = rte_pktmbuf_tailroom(s->seg[k]);
	}
	s->missing = 0;
	return 0;
}

struct swpath_rxbuf *swpath_rxbuf_get(unsigned worker, struct rte_mempool *pool, unsigned *n)
{
	struct swpath_rxbuf *b = sets[worker];

	if (!b || b->pool != pool) {
		free_set(b);
		b = sets[worker] = make_set(pool);
		if (!b)
			return NULL;
	}
	if (*n > SWPATH_RXBUF_SLOTS)
		*n = SWPATH_RXBUF_SLOTS;
	for (unsigned i = 0; i < *n; i++) {
		if (b->slot[i].missing > 0 && fill_slot(pool, &b->slot[i]) < 0) {
			*n = i;
			break;
		}
		b->msg[i].msg_hdr.msg_controllen = sizeof(b->slot[i].control);
		b->msg[i].msg_hdr.msg_flags = 0;
	}
	return b;
}

struct rte_mbuf *swpath_rxbuf_take(struct swpath_rxbuf *b, unsigned i, uint32_t len)
{
	struct swpath_rxbuf_slot *s = &b->slot[i];
	struct rte_mbuf *head = s->seg[0], *last = NULL;
	uint32_t left = len;
	unsigned k;

	for (k = 0; k < SWPATH_RXBUF_SEGS && left > 0; k++) {
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
