/* SPDX-License-Identifier: Apache-2.0
 *
 * Receive slots, filled here as the kernel would fill them.
 */
#include "tests/unit/swpath_port/test.h"

#include <string.h>

#include <CUnit/CUnit.h>
#include <rte_mempool.h>

#include "swpath/port/rxbuf.h"
#include "tests/unit/swpath_port/frames.h"

enum { FIRST = 2048, LONGEST = FIRST + 65535, WORKER = 3 };

static uint8_t wire[LONGEST + 2];

static struct swpath_rxbuf *slots(unsigned want, unsigned *n)
{
	*n = want;
	return swpath_rxbuf_get(WORKER, test_pool, n);
}

/* What recvmmsg() does with the message of a slot: what does not fit is lost. */
static void arrive(struct swpath_rxbuf *b, unsigned i, uint32_t len)
{
	const struct msghdr *msg = &b->msg[i].msg_hdr;
	uint32_t done = 0;

	b->dirty = RTE_MAX(b->dirty, i + 1);
	for (uint32_t k = 0; k < len; k++)
		wire[k] = (uint8_t)rnd();
	for (size_t k = 1; k < msg->msg_iovlen && done < len; k++) {
		uint32_t n = RTE_MIN(len - done, (uint32_t)msg->msg_iov[k].iov_len);

		memcpy(msg->msg_iov[k].iov_base, wire + done, n);
		done += n;
	}
}

static void gives(struct swpath_rxbuf *b, unsigned i, uint32_t len, unsigned segs)
{
	static uint8_t flat[LONGEST + 1];
	struct rte_mbuf *m;

	arrive(b, i, len);
	m = swpath_rxbuf_take(b, i, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->nb_segs, segs);
	CU_ASSERT_EQUAL(m->pkt_len, len);
	rte_mbuf_sanity_check(m, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(m, 0, len, flat), wire, len), 0);
	rte_pktmbuf_free(m);
}

static void takes_what_it_needs(void)
{
	static const uint32_t len[] = {1, 60, FIRST, FIRST + 1, 60000, 65535 + 14 + 4, LONGEST};
	struct rte_mbuf *rest;
	struct swpath_rxbuf *b;
	unsigned n;

	swpath_rxbuf_ref(1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(swpath_rxbuf_big());
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < RTE_DIM(len); i++) {
			b = slots(32, &n);
			CU_ASSERT_EQUAL_FATAL(n, 32);
			gives(b, i, len[i], len[i] > FIRST ? 2 : 1);
		}
	b = slots(32, &n);
	rest = b->slot[5].seg[1];
	gives(b, 5, 100, 1);
	b = slots(32, &n);
	CU_ASSERT_PTR_EQUAL(b->slot[5].seg[1], rest);
	swpath_rxbuf_unref();
}

static void refuses_what_is_too_long(void)
{
	struct swpath_rxbuf *b;
	unsigned n;

	swpath_rxbuf_ref(1);
	b = slots(1, &n);
	arrive(b, 0, LONGEST + 1);
	CU_ASSERT_PTR_NULL(swpath_rxbuf_take(b, 0, LONGEST + 1));
	b = slots(1, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_PTR_NULL(swpath_rxbuf_take(b, 0, 0));
	gives(b, 0, LONGEST, 2);
	swpath_rxbuf_unref();
}

static unsigned drain(struct rte_mempool *pool, struct rte_mbuf **out, unsigned max)
{
	unsigned n = 0;

	while (n < max && (out[n] = rte_pktmbuf_alloc(pool)))
		n++;
	return n;
}

/* Somebody holds all big mbufs: chains of small ones, until there are big ones again. */
static void chains_without_big_ones(void)
{
	static struct rte_mbuf *held[4096];
	struct swpath_rxbuf *b;
	unsigned n, n_held;

	swpath_rxbuf_ref(1);
	n_held = drain(swpath_rxbuf_big(), held, RTE_DIM(held));
	CU_ASSERT_TRUE(n_held > 0);
	b = slots(32, &n);
	CU_ASSERT_EQUAL_FATAL(n, 32);
	gives(b, 0, 60000, 30);
	gives(b, 1, 90, 1);
	gives(b, 2, FIRST * SWPATH_RXBUF_SEGS, SWPATH_RXBUF_SEGS);
	arrive(b, 3, FIRST * SWPATH_RXBUF_SEGS + 1);
	CU_ASSERT_PTR_NULL(swpath_rxbuf_take(b, 3, FIRST * SWPATH_RXBUF_SEGS + 1));
	b = slots(32, &n);
	CU_ASSERT_EQUAL_FATAL(n, 32);
	gives(b, 0, 60000, 30);
	rte_pktmbuf_free_bulk(held, n_held);
	b = slots(32, &n);
	gives(b, 0, 60000, 2);
	gives(b, 1, 60000, 30);
	b = slots(32, &n);
	gives(b, 1, 60000, 2);
	swpath_rxbuf_unref();
}

/* Without mbufs at all there are fewer slots, and then none; nothing is lost by it. */
static void fewer_slots_without_mbufs(void)
{
	static struct rte_mbuf *held[8192];
	struct swpath_rxbuf *b;
	unsigned n, n_held;

	swpath_rxbuf_ref(1);
	b = slots(32, &n);
	CU_ASSERT_EQUAL_FATAL(n, 32);
	n_held = drain(test_pool, held, RTE_DIM(held));
	b = slots(32, &n);
	CU_ASSERT_EQUAL(n, 32);
	arrive(b, 0, 50);
	arrive(b, 4, 60000);
	held[n_held++] = swpath_rxbuf_take(b, 0, 50);
	held[n_held++] = swpath_rxbuf_take(b, 4, 60000);
	b = slots(32, &n);
	CU_ASSERT_EQUAL(n, 0);
	rte_pktmbuf_free(held[--n_held]);
	b = slots(32, &n);
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_PTR_NOT_NULL(b);
	rte_pktmbuf_free_bulk(held, n_held);
	b = slots(32, &n);
	CU_ASSERT_EQUAL(n, 32);
	gives(b, 31, 60000, 2);
	swpath_rxbuf_unref();
}

void add_rxbuf_suite(void)
{
	CU_pSuite s = CU_add_suite("receive slots", NULL, NULL);

	CU_add_test(s, "a frame takes what it needs", takes_what_it_needs);
	CU_add_test(s, "refuses what is too long", refuses_what_is_too_long);
	CU_add_test(s, "chains without big ones", chains_without_big_ones);
	CU_add_test(s, "fewer slots without mbufs", fewer_slots_without_mbufs);
}
