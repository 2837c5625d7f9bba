/* SPDX-License-Identifier: Apache-2.0
 *
 * Several workers at once on one table, with collisions of every kind: what is left must add up.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "lab.h"
#include "swpath/eal.h"

#define THREADS 4
#define PACKETS 40000
#define MAX_CONNS 300 /* fewer than there are tuples, so that some are given up */

struct worker {
	struct lab *l;
	unsigned id;
	uint64_t seed;
	pthread_t thread;
	unsigned dropped;
	struct rte_mbuf *m; /* used again: rings of packet buffers bear no preempted threads */
};

static _Atomic bool stop;

static uint32_t roll(struct worker *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (uint32_t)(w->seed >> 20) % n;
}

/* A packet of few clients and servers, in either direction, through one of three steps. */
static void one(struct worker *w)
{
	static const char *const clients[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
	static const uint8_t flags[] = {2, 0x12, 0x10, 0x18, 0x11, 4};
	const struct hal_act_ct acts[] = {lab_ct(1, HAL_CT_COMMIT),
		lab_ct(1, HAL_CT_COMMIT | HAL_CT_FORCE), lab_ct(1, HAL_CT_NAT),
		lab_nat(1, HAL_NAT_SRC, "192.0.2.1", NULL, 1000, 1100)};
	struct ends there = {clients[roll(w, 3)], "10.1.0.1", (uint16_t)(1000 + roll(w, 150)), 80};
	struct ends back = {there.dst, roll(w, 2) ? "192.0.2.1" : there.src, 80, there.sport};
	const struct ends *e = roll(w, 2) ? &there : &back;
	struct hal_key key = {0};
	struct swpath_packet p = {.key = &key, .key_stale = true, .layers_stale = true};
	struct frame f;

	if (roll(w, 2))
		lab_udp(&f, e, 4);
	else
		lab_tcp(&f, e, flags[roll(w, 6)], roll(w, 3), roll(w, 3), 1000, -1, 0);
	rte_pktmbuf_reset(w->m);
	memcpy(rte_pktmbuf_append(w->m, (uint16_t)f.len), f.b, f.len);
	p.m = w->m;
	p.pool = p.m->pool;
	if (ct_process(w->l->ct, w->id, &p, NULL, &acts[roll(w, 4)], w->l->now_ms) != SWPATH_OK)
		w->dropped++;
	w->m = p.m;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	int reader = rcu_reader_register();

	for (unsigned i = 0; i < PACKETS; i++) {
		one(w);
		rcu_quiescent(reader);
	}
	rcu_reader_unregister(reader);
	return NULL;
}

static void *control(void *arg)
{
	struct lab *l = arg;
	struct conntrack_match m = {
		.has = CONNTRACK_HAS_PROTO | CONNTRACK_HAS_SRC_PORT, .entry.proto = 17};
	struct conntrack_entry e;

	for (uint16_t n = 0; !atomic_load(&stop); n++) {
		ct_tick(l->ct, l->now_ms);
		rcu_reclaim();
		m.entry.orig.src_port = rte_cpu_to_be_16((uint16_t)(1000 + n % 150));
		conntrack_flush(l->ct, &m);
		lab_only(l, -1, &e);
	}
	return NULL;
}

static bool count(void *ctx, const struct conntrack_entry *e)
{
	(void)e;
	++*(unsigned *)ctx;
	return true;
}

/* Nodes in buckets. */
static unsigned nodes(const struct conntrack *ct)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < CT_BUCKETS; i++)
		for (const struct ct_node *c = atomic_load(&ct->bucket[i]); c;
			c = atomic_load(&c->next))
			n++;
	return n;
}

static void test_threads(void)
{
	struct worker w[THREADS];
	unsigned n = 0, dropped = 0;
	uint32_t limit, in_zone;
	pthread_t ticks;
	struct lab l;

	lab_open(&l, MAX_CONNS);
	l.ct->ops = (struct ct_ops){NULL, NULL, NULL}; /* the lab's are of one thread */
	atomic_store(&stop, false);
	pthread_create(&ticks, NULL, control, &l);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.l = &l,
			.id = i,
			.seed = 77777 + i,
			.m = rte_pktmbuf_alloc(swpath_eal_pool())};
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		dropped += w[i].dropped;
		rte_pktmbuf_free(w[i].m);
	}
	atomic_store(&stop, true);
	pthread_join(ticks, NULL);
	CU_ASSERT_EQUAL(dropped, 0);
	conntrack_dump(l.ct, -1, count, &n);
	conntrack_get_limit(l.ct, 1, &limit, &in_zone);
	CU_ASSERT(n > 0 && n <= MAX_CONNS);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), n);
	CU_ASSERT_EQUAL(in_zone, n);
	CU_ASSERT(nodes(l.ct) >= n && nodes(l.ct) <= 2 * n);
	CU_ASSERT(conntrack_count(l.ct, CONNTRACK_N_EARLY_DROP) > 0);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, NULL), n);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 0);
	CU_ASSERT_EQUAL(nodes(l.ct), 0);
	lab_close(&l);
}

void suite_threads(void)
{
	CU_add_test(CU_add_suite("threads", NULL, NULL), "many at once", test_threads);
}
