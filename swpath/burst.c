/* SPDX-License-Identifier: Apache-2.0
 *
 * A burst of packets: parsed, looked up, counted, executed.
 *
 * Each stage goes over the whole burst and fetches what the next one reads, so that the memory of
 * many packets is waited for at the same time. Where nothing of the packets is looked at (their
 * scope ends at the input port), one lookup serves them all and no packet is touched.
 *
 * Packets run in the order in which they came.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "swpath/ct/ct.h"
#include "swpath/ct/step.h"
#include "swpath/scope.h"
#include "swpath/tap.h"
#include "swpath/worker.h"

#define AHEAD 4 /* packets whose data are fetched before their turn */

/* Kept from burst to burst: what a packet did not make other than 0 need not be set to it. */
struct swpath_batch {
	struct hal_key key[SWPATH_BURST] __attribute__((aligned(64)));
	struct swpath_layers ly[SWPATH_BURST];
	struct rte_mbuf *m[SWPATH_BURST]; /* NULL: dropped, or done */
	struct hal_megaflow *mf[SWPATH_BURST];
	struct swpath_packet packet[SWPATH_BURST]; /* while programs of many steps run */
	struct ct_look look[SWPATH_BURST];
	uint32_t sig[SWPATH_BURST];
	bool cold[SWPATH_BURST]; /* key: something behind the hot part may not be 0 */
	struct swpath_scope joined;
};

_Static_assert(SWPATH_BURST <= 32, "packets of a burst are bits of a uint32_t");

struct swpath_batch *swpath_batch_create(void)
{
	struct swpath_batch *b = aligned_alloc(64, sizeof(*b));

	if (b)
		memset(b, 0, sizeof(*b));
	return b;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no need for a locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static void account(struct swpath_worker *w, struct hal_megaflow *mf, uint64_t packets,
	uint64_t bytes, rte_be16_t tcp_flags)
{
	struct hal_sw_counter *c = hal_megaflow_sw(mf, w->id);

	add(&c->packets, packets);
	add(&c->bytes, bytes);
	atomic_store_explicit(&c->used_ms, w->now_ms, memory_order_relaxed);
	if (tcp_flags)
		atomic_store_explicit(&c->tcp_flags,
			atomic_load_explicit(&c->tcp_flags, memory_order_relaxed) |
				rte_be_to_cpu_16(tcp_flags),
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
	/* The young table takes over the reference. It has no place for a megaflow that another
	 * worker made, nor for one that it has. What it does not have must not be cached: nobody
	 * would know yet what its mask looks at. */
	if (mf->maker != w->id || swpath_young_add(&w->young, mf))
		hal_megaflow_unref(mf);
	else
		swpath_cache_insert(&w->cache, sig, mf);
	return mf;
}

/* `key` is that of the whole packet, not only of what the scope looks at. */
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
	swpath_cache_insert(&w->cache, sig, mf);
	return mf;
}

/* What megaflows of this port look at: the shared ones', joined with this worker's young ones. */
static const struct swpath_scope *scope_of(
	struct swpath_worker *w, struct swpath_scope *joined, rte_be32_t in_port, bool chained)
{
	const struct swpath_scope *whole;

	if (!swpath_young_count(&w->young)) {
		if (likely(w->seen.scope && w->seen.in_port == in_port &&
			    w->seen.chained == chained))
			return w->seen.scope;
		whole = swpath_cls_scope_whole(&w->sp->cls, in_port, chained);
		if (likely(whole)) {
			w->seen.scope = whole;
			w->seen.in_port = in_port;
			w->seen.chained = chained;
			return whole;
		}
	}
	swpath_scope_init(joined);
	/* Young first: what becomes installed meanwhile is in the shared scope before it leaves the
	 * young table, which this worker does itself. */
	swpath_cls_scope(&w->young.cls, in_port, chained, joined);
	swpath_cls_scope(&w->sp->cls, in_port, chained, joined);
	return joined;
}

struct hal_megaflow *swpath_lookup(
	struct swpath_worker *w, const struct hal_key *key, const struct rte_mbuf *m)
{
	struct swpath_scope joined;
	uint32_t sig =
		swpath_scope_hash(scope_of(w, &joined, key->in_port, key->recirc_id != 0), key);
	struct hal_megaflow *mf = swpath_cache_lookup(&w->cache, sig, key);

	if (mf)
		w->stats.cache_hits++;
	else
		mf = lookup_slow(w, sig, key, m);
	if (mf)
		account(w, mf, 1, rte_pktmbuf_pkt_len(m), key->tcp_flags);
	return mf;
}

/* ---- stages ---- */

/* Drops what is no frame at all; returns how many are left. */
static unsigned drop_short(struct swpath_worker *w, struct rte_mbuf **m, unsigned n)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		if (likely(rte_pktmbuf_pkt_len(m[i]) >= RTE_ETHER_HDR_LEN))
			m[left++] = m[i];
		else
			swpath_drop(w, m[i], SWPATH_DROP_MALFORMED);
	}
	return left;
}

static void key_clear(struct swpath_batch *b, unsigned i)
{
	if (b->cold[i])
		memset(&b->key[i], 0, sizeof(b->key[i]));
	else
		memset(&b->key[i], 0, SWPATH_KEY_HOT);
	b->cold[i] = false;
}

static void key_clear_cold(struct swpath_batch *b, unsigned i)
{
	if (unlikely(b->cold[i]))
		key_clear(b, i);
}

static void parse_any(struct swpath_batch *b, unsigned i)
{
	swpath_packet_parse(b->m[i], &b->key[i], &b->ly[i]);
	b->cold[i] = true;
}

static void prefetch_data(const struct swpath_batch *b, unsigned from, unsigned to)
{
	for (; from < to; from++)
		rte_prefetch0(rte_pktmbuf_mtod(b->m[from], void *));
}

/* Packets of one port. */
static void parse(struct swpath_worker *w, struct swpath_batch *b, unsigned n, rte_be32_t in_port,
	const struct swpath_scope *scope)
{
	prefetch_data(b, 0, RTE_MIN(n, (unsigned)AHEAD));
	for (unsigned i = 0; i < n; i++) {
		if (i + AHEAD < n)
			prefetch_data(b, i + AHEAD, i + AHEAD + 1);
		key_clear_cold(b, i);
		if (unlikely(
			    !swpath_packet_parse_common(b->m[i], in_port, &b->key[i], &b->ly[i]))) {
			key_clear(b, i);
			b->key[i].in_port = in_port;
			parse_any(b, i);
		}
		b->sig[i] = swpath_scope_hash(scope, &b->key[i]);
		swpath_cache_prefetch(&w->cache, b->sig[i]);
	}
}

/* Packets of a device: of several ports and chains. Returns how many are left. */
static unsigned parse_mixed(struct swpath_worker *w, struct swpath_batch *b,
	const struct hal_rx_meta *meta, unsigned n, uint32_t port)
{
	unsigned left = 0;

	prefetch_data(b, 0, n);
	for (unsigned i = 0; i < n; i++, meta++) {
		struct hal_key *key = &b->key[left];

		b->m[left] = b->m[i];
		if (!drop_short(w, &b->m[left], 1))
			continue;
		key_clear(b, left);
		if (unlikely(meta->has_key))
			*key = *meta->key;
		key->in_port = rte_cpu_to_be_32(meta->port ? meta->port : port);
		key->recirc_id = rte_cpu_to_be_32(meta->recirc_id);
		parse_any(b, left);
		b->sig[left] = swpath_scope_hash(
			scope_of(w, &b->joined, key->in_port, key->recirc_id != 0), key);
		swpath_cache_prefetch(&w->cache, b->sig[left]);
		left++;
	}
	return left;
}

/* What the cache says, unchecked: fetches it. Packets of one flow often come one after the other.
 */
static void peek(struct swpath_worker *w, struct swpath_batch *b, unsigned n)
{
	const struct hal_megaflow *last = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (i && b->sig[i] == b->sig[i - 1]) {
			b->mf[i] = b->mf[i - 1];
			continue;
		}
		b->mf[i] = swpath_cache_peek(&w->cache, b->sig[i]);
		if (likely(b->mf[i]))
			rte_prefetch0(b->mf[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		const struct hal_megaflow *mf = b->mf[i];

		if (!mf || mf == last)
			continue;
		if (unlikely(!swpath_cache_good(&w->cache, mf))) {
			b->mf[i] = NULL;
			continue;
		}
		rte_prefetch0(mf->match);
		rte_prefetch0((const uint8_t *)mf->match + RTE_CACHE_LINE_SIZE);
		rte_prefetch0(hal_megaflow_sw(mf, w->id));
		if (mf->output == HAL_PORT_NONE)
			rte_prefetch0(mf->program);
		last = mf;
	}
}

/* Of packets with one megaflow, bits of those that it does not cover. Word by word: each word of
 * the match is read once for all of them. */
static uint32_t uncovered(const struct swpath_batch *b, unsigned from, unsigned to)
{
	const struct hal_megaflow *mf = b->mf[from];
	const uint64_t *mask, *value;
	uint64_t differ[SWPATH_BURST];
	uint32_t out = 0;

	if (to - from == 1)
		return (uint32_t) !(mf && swpath_covers(mf, &b->key[from])) << from;
	if (!mf)
		return (uint32_t)(((UINT64_C(1) << (to - from)) - 1) << from);
	for (unsigned i = from; i < to; i++)
		differ[i] = b->key[i].recirc_id ^ rte_cpu_to_be_32(mf->chain);
	mask = mf->match->w;
	value = mask + mf->match->n;
	for (uint64_t map = mf->match->map[0]; map; map &= map - 1, mask++, value++) {
		unsigned word = (unsigned)__builtin_ctzll(map);

		for (unsigned i = from; i < to; i++)
			differ[i] |= (((const uint64_t *)&b->key[i])[word] & *mask) ^ *value;
	}
	for (unsigned i = from; i < to; i++)
		out |= (uint32_t)(differ[i] != 0) << i;
	return out;
}

static void lookup(struct swpath_worker *w, struct swpath_batch *b, unsigned n)
{
	uint32_t misses = 0;

	for (unsigned i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && b->mf[j] == b->mf[i];)
			j++;
		misses |= uncovered(b, i, j);
	}
	w->stats.cache_hits += n - (unsigned)__builtin_popcount(misses);
	for (; unlikely(misses); misses &= misses - 1) {
		unsigned i = (unsigned)__builtin_ctz(misses);

		b->mf[i] = lookup_slow(w, b->sig[i], &b->key[i], b->m[i]);
		if (unlikely(!b->mf[i])) {
			swpath_drop(w, b->m[i], SWPATH_DROP_TRANSLATION);
			b->m[i] = NULL;
		}
	}
}

static void count(struct swpath_worker *w, const struct swpath_batch *b, unsigned n)
{
	struct hal_megaflow *mf = NULL;
	uint64_t packets = 0, bytes = 0;
	rte_be16_t flags = 0;

	for (unsigned i = 0; i < n; i++) {
		if (unlikely(!b->m[i]))
			continue;
		if (b->mf[i] != mf) {
			if (mf)
				account(w, mf, packets, bytes, flags);
			mf = b->mf[i];
			packets = bytes = flags = 0;
		}
		packets++;
		bytes += rte_pktmbuf_pkt_len(b->m[i]);
		flags |= b->key[i].tcp_flags;
	}
	if (mf)
		account(w, mf, packets, bytes, flags);
}

/* `parsed`: key and layers are the packet's. */
static void make_packet(struct swpath_worker *w, struct swpath_batch *b, unsigned i, bool parsed)
{
	struct swpath_packet *p = &b->packet[i];

	/* Each member by itself: clearing all of it first would take longer than the rest. */
	p->m = b->m[i];
	p->pool = w->sp->pool;
	p->key = &b->key[i];
	p->key_stale = p->layers_stale = !parsed;
	p->lean = !b->cold[i];
	p->recircs = 0;
	p->max_len = 0;
	p->mf = b->mf[i];
	p->ct = (struct swpath_ct_seen){NULL, false, false};
	p->look = NULL;
	p->ly = b->ly[i];
}

/* Packets of one megaflow. */
static void run_alike_steps(
	struct swpath_worker *w, struct swpath_batch *b, unsigned from, unsigned to, bool parsed)
{
	const struct hal_program *program = b->mf[from]->program;
	const struct hal_action *first = (const struct hal_action *)program->steps;

	if (unlikely(!program->len)) {
		for (unsigned i = from; i < to; i++)
			swpath_drop(w, b->m[i], SWPATH_DROP_ACTION);
		return;
	}
	for (unsigned i = from; i < to; i++)
		make_packet(w, b, i, parsed);
	if (first->type == ACTION_CT)
		swpath_ct_fetch(w, &b->packet[from], to - from, (const struct hal_act_ct *)first,
			&b->look[from]);
	swpath_execute_many(w, &b->packet[from], to - from, program->steps, program->len);
	for (unsigned i = from; i < to; i++)
		b->cold[i] = !b->packet[i].lean;
}

static void run(struct swpath_worker *w, struct swpath_batch *b, unsigned n, bool parsed)
{
	unsigned i = 0;

	while (i < n) {
		uint32_t port;
		unsigned j = i + 1;

		if (unlikely(!b->m[i])) {
			i++;
			continue;
		}
		port = b->mf[i]->output;
		if (port == HAL_PORT_NONE) {
			while (j < n && b->m[j] && b->mf[j] == b->mf[i])
				j++;
			run_alike_steps(w, b, i, j, parsed);
			i = j;
			continue;
		}
		while (j < n && b->m[j] && (b->mf[j] == b->mf[i] || b->mf[j]->output == port))
			j++;
		swpath_output_many(w, b->m + i, j - i, port);
		i = j;
	}
}

/* Of a key that nobody has asked for yet (stale): what it has without the headers. */
static void key_begin(struct swpath_batch *b, unsigned i, rte_be32_t in_port)
{
	struct hal_key *key = &b->key[i];

	key_clear_cold(b, i);
	memset(key, 0, offsetof(struct hal_key, eth_dst));
	key->in_port = in_port;
	key->ct_nw_proto = 0;
}

/* All packets are one to the scope: a single lookup. False if nothing is known of them yet. */
static bool run_alike(struct swpath_worker *w, struct swpath_batch *b, unsigned n,
	rte_be32_t in_port, const struct swpath_scope *scope)
{
	struct hal_key *key = &b->key[0];
	struct hal_megaflow *mf;
	uint64_t bytes = 0;

	key_clear(b, 0);
	key->in_port = in_port;
	mf = swpath_cache_lookup(&w->cache, swpath_scope_hash(scope, key), key);
	if (!mf)
		return false;
	for (unsigned i = 0; i < n; i++)
		bytes += rte_pktmbuf_pkt_len(b->m[i]);
	w->stats.cache_hits += n;
	account(w, mf, n, bytes, 0);
	if (mf->output != HAL_PORT_NONE) {
		swpath_output_many(w, b->m, n, mf->output);
		return true;
	}
	if (swpath_execute_unseen(w, b->m, n, mf->program))
		return true;
	for (unsigned i = 0; i < n; i++) {
		key_begin(b, i, in_port);
		b->mf[i] = mf;
	}
	run(w, b, n, false);
	return true;
}

void swpath_burst(struct swpath_worker *w, struct rte_mbuf **pkts, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port)
{
	const rte_be32_t in_port = rte_cpu_to_be_32(port);
	struct swpath_batch *b = w->batch;
	const struct swpath_scope *scope;

	w->stats.packets += n;
	if (swpath_is_captured(w->sp))
		swpath_tap_in(w, pkts, meta, n, port);
	memcpy(b->m, pkts, n * sizeof(pkts[0]));
	if (meta) {
		n = parse_mixed(w, b, meta, n, port);
	} else {
		n = drop_short(w, b->m, n);
		scope = scope_of(w, &b->joined, in_port, false);
		if (!scope->parse && run_alike(w, b, n, in_port, scope))
			goto flush;
		parse(w, b, n, in_port, scope);
	}
	peek(w, b, n);
	lookup(w, b, n);
	count(w, b, n);
	run(w, b, n, true);
flush:
	swpath_flush(w);
}
