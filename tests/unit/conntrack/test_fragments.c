/* SPDX-License-Identifier: Apache-2.0
 *
 * Fragments: held, tracked as one datagram, translated, bounded.
 */
#include <arpa/inet.h>
#include <string.h>

#include <rte_ip.h>

#include "lab.h"
#include "swpath/eal.h"

#define PIECE 1256 /* bytes of payload: no fragment but the last is too small */

static const struct ends ab = {"10.0.0.1", "10.0.0.2", 1000, 53};
static const struct ends ab6 = {"2001:db8::1", "2001:db8::2", 1000, 53};
static const uint64_t steps[2] = {0x1122334455667788, 0x99aabbccddeeff00};
static const struct ct_resume after = {NULL, steps, sizeof(steps), 3};

struct piece {
	struct swpath_packet p;
	struct hal_key key;
};

static enum ct_frag_result give(
	struct lab *l, struct piece *s, const struct frame *f, struct ct_datagram **whole)
{
	memset(s, 0, sizeof(*s));
	s->p = (struct swpath_packet){.m = lab_mbuf(f),
		.pool = swpath_eal_pool(),
		.key = &s->key,
		.key_stale = true,
		.layers_stale = true};
	return ct_frag_take(l->frags, l->ct, 0, &s->p, 1, &after, l->now_ms, whole);
}

/* Gives the pieces of a datagram in the order named, all of which make it whole. */
static struct ct_datagram *give_all(struct lab *l, const struct frame *f, const char *order)
{
	struct ct_datagram *whole = NULL;

	for (; *order; order++) {
		enum ct_frag_result want = order[1] ? CT_FRAG_TAKEN : CT_FRAG_DONE;
		struct frame part;
		struct piece s;

		lab_fragment(&part, f, (unsigned)(*order - '0'), PIECE);
		CU_ASSERT_EQUAL(give(l, &s, &part, &whole), want);
		CU_ASSERT_PTR_NULL(s.p.m);
	}
	return whole;
}

/* The datagram put together from what its fragments are now; checksums must be right. */
static bool right(const struct ct_datagram *d, const struct frame *like)
{
	struct frame f = *like, again;
	size_t l4 = like->l4;

	for (const struct ct_held *h = d->first; h; h = h->next) {
		const uint8_t *b = rte_pktmbuf_mtod(h->p.m, const uint8_t *);

		memcpy(f.b + l4 + h->off, b + h->at, h->len);
		if (like->v6) {
			memcpy(f.b + f.l3 + 8, b + f.l3 + 8, 32);
			continue;
		}
		memcpy(f.b + f.l3 + 12, b + f.l3 + 12, 8);
		if (rte_raw_cksum(b + f.l3, 20) != 0xffff)
			return false;
	}
	again = f;
	frame_checksums(&again);
	if (!like->v6)
		memcpy(again.b + f.l3 + 10, f.b + f.l3 + 10, 2);
	return !memcmp(again.b, f.b, f.len);
}

static void datagram(const struct ends *e, const char *order, size_t payload)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct ct_datagram *d;
	struct ct_held *h;
	struct frame f;
	struct lab l;
	unsigned n = 0;

	lab_open(&l, 1000);
	lab_udp(&f, e, payload);
	d = give_all(&l, &f, order);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	h = d->first;
	CU_ASSERT_EQUAL(ct_process(l.ct, 0, &h->p, d, &act, l.now_ms), SWPATH_OK);
	CU_ASSERT_EQUAL(h->key.ct_state, htonl(NEW));
	for (; h; h = h->next, n++) {
		CU_ASSERT_EQUAL(h->off, n * PIECE);
		CU_ASSERT_EQUAL(h->resume.len, sizeof(steps));
		CU_ASSERT_EQUAL(memcmp(h->resume.steps, steps, sizeof(steps)), 0);
		CU_ASSERT_EQUAL(ct_follow(&h->p, &d->first->p), SWPATH_OK);
		CU_ASSERT_EQUAL(h->key.ct_state, htonl(NEW));
		CU_ASSERT_EQUAL(h->key.ct_tp_dst, htons(53));
	}
	CU_ASSERT_EQUAL(n, strlen(order));
	CU_ASSERT(right(d, &f));
	ct_frag_release(l.frags, d);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 1);
	lab_close(&l);
}

static void test_orders(void)
{
	static const char *const orders[] = {"012", "021", "102", "120", "201", "210"};

	for (unsigned i = 0; i < RTE_DIM(orders); i++) {
		datagram(&ab, orders[i], 2 * PIECE + 100);
		datagram(&ab6, orders[i], 2 * PIECE + 101);
	}
	datagram(&ab, "01", 2 * PIECE - 8);
}

static void translated(const struct ends *e, const char *to)
{
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, to, NULL, 7000, 7000);
	struct ct_datagram *d;
	struct frame f;
	struct lab l;
	uint8_t addr[16];

	lab_open(&l, 1000);
	lab_udp(&f, e, 2 * PIECE + 100);
	inet_pton(f.v6 ? AF_INET6 : AF_INET, to, addr);
	d = give_all(&l, &f, "102");
	CU_ASSERT_EQUAL(ct_process(l.ct, 0, &d->first->p, d, &act, l.now_ms), SWPATH_OK);
	for (struct ct_held *h = d->first; h; h = h->next) {
		const uint8_t *src;

		CU_ASSERT_EQUAL(ct_follow(&h->p, &d->first->p), SWPATH_OK);
		CU_ASSERT_EQUAL(h->key.ct_state, htonl(NEW | HAL_CS_SNAT));
		src = rte_pktmbuf_mtod_offset(h->p.m, const uint8_t *, f.l3 + (f.v6 ? 8 : 12));
		CU_ASSERT_EQUAL(memcmp(src, addr, f.v6 ? 16 : 4), 0);
	}
	CU_ASSERT(right(d, &f));
	ct_frag_release(l.frags, d);
	lab_close(&l);
}

static void test_nat(void)
{
	translated(&ab, "192.0.2.7");
	translated(&ab6, "2001:db8:7::7");
}

/* A wrong checksum shows only over all of them. */
static void test_checksum(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct ct_datagram *d;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 2 * PIECE);
	f.b[f.len - 1] ^= 1;
	d = give_all(&l, &f, "012");
	ct_process(l.ct, 0, &d->first->p, d, &act, l.now_ms);
	CU_ASSERT_EQUAL(d->first->key.ct_state, htonl(INV));
	ct_frag_release(l.frags, d);
	lab_close(&l);
}

static void test_refused(void)
{
	struct ct_datagram *whole = NULL;
	struct frame f, part;
	struct piece s;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 100);
	CU_ASSERT_EQUAL(give(&l, &s, &f, &whole), CT_FRAG_NONE);
	rte_pktmbuf_free(s.p.m);
	lab_udp(&f, &ab, 2 * PIECE);
	lab_fragment(&part, &f, 0, 800);
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_INVALID);
	CU_ASSERT_PTR_NOT_NULL(s.p.m);
	rte_pktmbuf_free(s.p.m);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FRAG_SMALL), 1);
	lab_fragment(&part, &f, 0, PIECE);
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_TAKEN);
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_INVALID); /* twice */
	rte_pktmbuf_free(s.p.m);
	lab_fragment(&part, &f, 1, PIECE - 8); /* begins inside of the first */
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_INVALID);
	rte_pktmbuf_free(s.p.m);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FRAG_OVERLAP), 2);
	lab_fragment(&part, &f, 1, PIECE);
	part.b[part.l3 + 10] ^= 1; /* the header's checksum */
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_INVALID);
	rte_pktmbuf_free(s.p.m);
	/* A fragment of the same datagram that comes too late begins another. */
	CU_ASSERT_EQUAL(ct_frag_expire(l.frags, l.ct, 0, l.now_ms + 14999, NULL, NULL), 0);
	CU_ASSERT_EQUAL(ct_frag_expire(l.frags, l.ct, 0, l.now_ms + 15000, NULL, NULL), 1);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FRAG_TIMEOUT), 1);
	part.b[part.l3 + 10] ^= 1;
	CU_ASSERT_EQUAL(give(&l, &s, &part, &whole), CT_FRAG_TAKEN);
	lab_close(&l);
}

/* Datagrams that never end take so much and no more, and give it back. */
static void test_bounded(void)
{
	unsigned before = rte_mempool_avail_count(swpath_eal_pool()), taken = 0, refused = 0;
	struct ct_datagram *whole = NULL;
	struct frame f, part;
	struct piece s;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 2 * PIECE);
	for (unsigned i = 0; i < 2 * CT_DATAGRAMS; i++) {
		f.b[f.l3 + 4] = (uint8_t)(i >> 8);
		f.b[f.l3 + 5] = (uint8_t)i;
		lab_fragment(&part, &f, 0, PIECE);
		if (give(&l, &s, &part, &whole) == CT_FRAG_TAKEN)
			taken++;
		else
			refused++;
		rte_pktmbuf_free(s.p.m);
	}
	CU_ASSERT_EQUAL(taken, CT_DATAGRAMS);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FRAG_FULL), refused);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(swpath_eal_pool()), before - taken);
	lab_sleep(&l, 16000);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(swpath_eal_pool()), before);
	lab_close(&l);
}

void suite_fragments(void)
{
	CU_pSuite s = CU_add_suite("fragments", NULL, NULL);

	CU_add_test(s, "in any order", test_orders);
	CU_add_test(s, "translated", test_nat);
	CU_add_test(s, "checksum over all", test_checksum);
	CU_add_test(s, "refused", test_refused);
	CU_add_test(s, "bounded", test_bounded);
}
