/* SPDX-License-Identifier: Apache-2.0
 *
 * A burst of packets: parsed, looked up, counted, grouped by megaflow, executed.
 *
 * Packets of one megaflow keep their order; groups run in the order of their first packets.
 */
#include <string.h>

#include <rte_ether.h>

#include "swpath/worker.h"

#define AHEAD 4 /* packets whose data are fetched before their turn */

struct batch {
	struct hal_key key[SWPATH_BURST];
	struct swpath_layers ly[SWPATH_BURST];
	struct rte_mbuf *m[SWPATH_BURST]; /* NULL: dropped, or done */
	struct hal_megaflow *mf[SWPATH_BURST];
	uint32_t sig[SWPATH_BURST];
};

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no need for a locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static void account(struct swpath_worker *w, struct hal_megaflow *mf, const struct hal_key *key,
	const struct rte_mbuf *m)
{
	struct hal_sw_counter *c = hal_megaflow_sw(mf, w->id);

	add(&c->packets, 1);
	add(&c->bytes, rte_pktmbuf_pkt_len(m));
	atomic_store_explicit(&c->used_ms, w->now_ms, memory_order_relaxed);
	if (key->tcp_flags)
		atomic_store_explicit(&c->tcp_flags,
			atomic_load_explicit(&c->tcp_flags, memory_order_relaxed) |
				rte_be_to_cpu_16(key->tcp_flags),
			memory_order_relaxed);
}

/* The control plane says what to do with a packet that nothing covers. */
static struct hal_megaflow *translate(
	struct swpath_worker *w, uint32_t sig, const struct hal_key *key, const struct rte_mbuf *m)
{
	const struct swpath_ops *ops = &w->sp->cfg.ops;
	struct hal_megaflow *mf;
	bool cache = false;

	mf = ops->translate(ops->ctx, w->id, key, m, &cache);
	if (!mf)
		return NULL;
	w->stats.translated++;
	if (!cache)
		return mf;
	swpath_cache_insert(w->cache, sig, mf);
	/* The young table takes over the reference. It has no place for a megaflow that another
	 * worker made, nor for one that it has. */
	if (mf->maker != w->id || swpath_young_add(&w->young, mf))
		hal_megaflow_unref(mf);
	return mf;
}

static struct hal_megaflow *lookup_slow(
	struct swpath_worker *w, uint32_t sig, const struct hal_key *key, const struct rte_mbuf *m)
{
	struct hal_megaflow *mf = swpath_cls_lookup(&w->sp->cls, key);

	if (mf) {
		w->stats.classifier_hits++;
	} else {
		mf = swpath_cls_lookup(&w->young.cls, key);
		if (!mf)
			return translate(w, sig, key, m);
		w->stats.young_hits++;
	}
	swpath_cache_insert(w->cache, sig, mf);
	return mf;
}

struct hal_megaflow *swpath_lookup(
	struct swpath_worker *w, const struct hal_key *key, const struct rte_mbuf *m)
{
	uint32_t sig = swpath_cache_signature(key);
	struct hal_megaflow *mf = swpath_cache_lookup(w->cache, sig, key);

	if (mf)
		w->stats.cache_hits++;
	else
		mf = lookup_slow(w, sig, key, m);
	if (mf)
		account(w, mf, key, m);
	return mf;
}

static void parse(struct swpath_worker *w, struct batch *b, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port)
{
	for (unsigned i = 0; i < RTE_MIN(n, (unsigned)AHEAD); i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->m[i], void *));
	for (unsigned i = 0; i < n; i++) {
		struct hal_key *key = &b->key[i];

		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(b->m[i + AHEAD], void *));
		if (unlikely(rte_pktmbuf_pkt_len(b->m[i]) < RTE_ETHER_HDR_LEN)) {
			swpath_drop(w, b->m[i], SWPATH_DROP_MALFORMED);
			b->m[i] = NULL;
			continue;
		}
		if (unlikely(meta[i].has_key))
			*key = *meta[i].key;
		else
			memset(key, 0, sizeof(*key));
		key->in_port = rte_cpu_to_be_32(meta[i].port ? meta[i].port : port);
		key->recirc_id = rte_cpu_to_be_32(meta[i].recirc_id);
		swpath_packet_parse(b->m[i], key, &b->ly[i]);
		b->sig[i] = swpath_cache_signature(key);
		swpath_cache_prefetch(w->cache, b->sig[i]);
	}
}

static void lookup(struct swpath_worker *w, struct batch *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		b->mf[i] = NULL;
		if (unlikely(!b->m[i]))
			continue;
		b->mf[i] = swpath_cache_lookup(w->cache, b->sig[i], &b->key[i]);
		if (likely(b->mf[i]))
			w->stats.cache_hits++;
		else
			b->mf[i] = lookup_slow(w, b->sig[i], &b->key[i], b->m[i]);
		if (unlikely(!b->mf[i])) {
			swpath_drop(w, b->m[i], SWPATH_DROP_TRANSLATION);
			b->m[i] = NULL;
			continue;
		}
		account(w, b->mf[i], &b->key[i], b->m[i]);
	}
}

static void run(struct swpath_worker *w, struct batch *b, unsigned i)
{
	const struct hal_program *program = b->mf[i]->program;
	const struct hal_act_output *out = (const struct hal_act_output *)program->steps;
	struct swpath_packet p;

	if (!program->len) {
		swpath_drop(w, b->m[i], SWPATH_DROP_ACTION);
	} else if (program->len == sizeof(*out) && out->a.type == ACTION_OUTPUT) {
		swpath_output(w, b->m[i], out->port);
	} else {
		p = (struct swpath_packet){.m = b->m[i],
			.pool = w->sp->pool,
			.key = &b->key[i],
			.ly = b->ly[i],
			.mf = b->mf[i]};
		swpath_execute(w, &p, program->steps, program->len, 0);
	}
	b->m[i] = NULL;
}

void swpath_burst(struct swpath_worker *w, struct rte_mbuf **pkts, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port)
{
	struct batch b;

	memcpy(b.m, pkts, n * sizeof(pkts[0]));
	w->stats.packets += n;
	parse(w, &b, meta, n, port);
	lookup(w, &b, n);
	for (unsigned i = 0; i < n; i++) {
		const struct hal_megaflow *mf = b.mf[i];

		if (!b.m[i])
			continue;
		for (unsigned j = i; j < n; j++)
			if (b.mf[j] == mf && b.m[j])
				run(w, &b, j);
	}
	swpath_flush(w);
	swpath_cache_settle(w->cache);
}
