/* SPDX-License-Identifier: Apache-2.0
 *
 * Captures: a ring for each worker, of which the worker is the only producer and the control thread
 * the only consumer. A copy takes as many elements of the ring as it needs.
 */
#include "swpath/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ring.h>
#include <rte_ring_peek_zc.h>

#include "hal/base/rcu.h"
#include "swpath/port/segment.h"
#include "swpath/tap.h"

#define ELEM 64u                      /* bytes of an element */
#define RING_BYTES (4u << 20)         /* by default */
#define NO_PORT RTE_MBUF_PORT_INVALID /* of an mbuf that came in by no port */

/* What one worker has put in. */
struct tap {
	struct rte_ring *ring;
	_Atomic uint64_t *lost; /* by port; written by the worker */
	_Atomic uint64_t lost_all;
};

struct swpath_capture {
	struct swpath *sp;
	const struct swpath_capture_config *cfg;
	unsigned slot; /* in swpath.capture; none when it is stopped */
	unsigned n_taps;
	struct tap tap[HAL_MAX_WORKERS];
};

/* Those that are open, as a worker finds them once. */
struct open_captures {
	unsigned n;
	struct swpath_capture *c[SWPATH_MAX_CAPTURES];
};

/* ---- workers ---- */

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts); /* no system call where the kernel has a vDSO */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void add(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

static unsigned elems_of(uint32_t caplen)
{
	return (unsigned)((sizeof(struct swpath_captured) + caplen + ELEM - 1) / ELEM);
}

/* Where in the ring the next byte goes. */
struct cursor {
	uint8_t *at, *second; /* `second`: where it goes on after `left` bytes */
	size_t left;
};

static void put_bytes(struct cursor *to, const void *from, uint32_t n)
{
	const uint8_t *bytes = from;

	if (n > to->left) {
		memcpy(to->at, bytes, to->left);
		bytes += to->left;
		n -= (uint32_t)to->left;
		*to = (struct cursor){to->second, NULL, SIZE_MAX};
	}
	memcpy(to->at, bytes, n);
	to->at += n;
	to->left -= n;
}

static void put_packet(struct cursor *to, const struct rte_mbuf *m, uint32_t n)
{
	for (; m && n; m = m->next) {
		uint32_t part = RTE_MIN(n, (uint32_t)m->data_len);

		put_bytes(to, rte_pktmbuf_mtod(m, void *), part);
		n -= part;
	}
}

static void put(struct swpath_capture *c, unsigned worker, const struct rte_mbuf *m,
	struct swpath_captured *rec)
{
	struct tap *t = &c->tap[worker];
	struct rte_ring_zc_data zc;
	struct cursor to;
	unsigned n;

	rec->len = m->pkt_len;
	rec->caplen = RTE_MIN(m->pkt_len, c->cfg->snaplen);
	n = elems_of(rec->caplen);
	if (!rte_ring_enqueue_zc_bulk_elem_start(t->ring, ELEM, n, &zc, NULL)) {
		add(&t->lost[rec->port]);
		add(&t->lost_all);
		return;
	}
	to = (struct cursor){zc.ptr1, zc.ptr2, (size_t)zc.n1 * ELEM};
	put_bytes(&to, rec, sizeof(*rec));
	put_packet(&to, m, rec->caplen);
	rte_ring_enqueue_zc_elem_finish(t->ring, n);
}

/* A checksum that our host has not finished is finished in the copy. */
static void copy(
	struct swpath_capture *c, unsigned worker, struct rte_mbuf *m, struct swpath_captured *rec)
{
	struct rte_mbuf *whole = NULL;

	if (swpath_has_offload(m) && !(m->ol_flags & SWPATH_SEG_FLAGS) &&
		m->pkt_len <= c->cfg->snaplen)
		whole = rte_pktmbuf_copy(m, c->sp->pool, 0, UINT32_MAX);
	if (whole)
		swpath_checksum_complete(whole);
	put(c, worker, whole ? whole : m, rec);
	rte_pktmbuf_free(whole);
}

static struct open_captures find_open(struct swpath *sp)
{
	struct open_captures all = {0};

	for (unsigned i = 0; i < SWPATH_MAX_CAPTURES; i++) {
		struct swpath_capture *c =
			atomic_load_explicit(&sp->capture[i], memory_order_acquire);

		if (c)
			all.c[all.n++] = c;
	}
	return all;
}

static void show_in(struct swpath_worker *w, const struct open_captures *all, struct rte_mbuf *m,
	const struct hal_key *key, struct swpath_captured *rec)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct swpath_capture *c = all->c[i];

		if (c->cfg->what == SWPATH_CAPTURE_DROPS ||
			!swpath_capture_has_port(c->cfg->ports, rec->port))
			continue;
		if (c->cfg->what == SWPATH_CAPTURE_PORTS ||
			hal_cmatch_covers_dp(c->cfg->match, key))
			copy(c, w->id, m, rec);
	}
}

static bool need_keys(const struct open_captures *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->c[i]->cfg->what == SWPATH_CAPTURE_MATCH)
			return true;
	return false;
}

/* The key by which a packet came in. */
static void make_key(const struct rte_mbuf *m, const struct hal_rx_meta *meta, uint32_t port,
	struct hal_key *key)
{
	struct swpath_layers ly;

	if (meta && meta->has_key)
		*key = *meta->key;
	else
		memset(key, 0, sizeof(*key));
	key->in_port = rte_cpu_to_be_32(port);
	key->recirc_id = meta ? rte_cpu_to_be_32(meta->recirc_id) : 0;
	swpath_packet_parse(m, key, &ly);
}

void swpath_tap_in(struct swpath_worker *w, struct rte_mbuf **pkts, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port)
{
	struct swpath_captured rec = {.time_ns = wall_ns(), .way = SWPATH_CAPTURED_IN};
	struct open_captures all = find_open(w->sp);
	bool parse = need_keys(&all);
	struct hal_key key;

	for (unsigned i = 0; i < n; i++) {
		const struct hal_rx_meta *mine = meta ? &meta[i] : NULL;

		rec.port = mine && mine->port ? mine->port : port;
		if (unlikely(rec.port > HAL_PORT_MAX)) /* a device's word for it */
			rec.port = HAL_PORT_NONE;
		pkts[i]->port = (uint16_t)rec.port;
		if (parse)
			make_key(pkts[i], mine, rec.port, &key);
		show_in(w, &all, pkts[i], &key, &rec);
	}
}

void swpath_tap_inner(struct swpath_worker *w, struct rte_mbuf *m, const struct hal_key *key)
{
	struct open_captures all = find_open(w->sp);
	struct swpath_captured rec = {.time_ns = wall_ns(),
		.way = SWPATH_CAPTURED_IN,
		.port = rte_be_to_cpu_32(key->in_port)};

	m->port = (uint16_t)rec.port;
	show_in(w, &all, m, key, &rec);
}

void swpath_tap_out(
	struct swpath_worker *w, struct rte_mbuf *const *pkts, unsigned n, uint32_t port)
{
	struct open_captures all = find_open(w->sp);
	struct swpath_captured rec = {
		.time_ns = wall_ns(), .way = SWPATH_CAPTURED_OUT, .port = port};

	for (unsigned i = 0; i < all.n; i++) {
		struct swpath_capture *c = all.c[i];

		if (c->cfg->what != SWPATH_CAPTURE_PORTS ||
			!swpath_capture_has_port(c->cfg->ports, port))
			continue;
		for (unsigned k = 0; k < n; k++)
			copy(c, w->id, pkts[k], &rec);
	}
}

bool swpath_has_captures(const struct swpath *sp)
{
	return swpath_is_captured(sp);
}

void swpath_tap_drop(struct swpath *sp, unsigned worker, struct rte_mbuf *const *pkts, unsigned n,
	enum swpath_drop why)
{
	struct open_captures all = find_open(sp);
	struct swpath_captured rec = {
		.time_ns = wall_ns(), .way = SWPATH_CAPTURED_DROP, .why = (uint8_t)why};

	for (unsigned i = 0; i < all.n; i++) {
		struct swpath_capture *c = all.c[i];

		if (c->cfg->what != SWPATH_CAPTURE_DROPS || !(c->cfg->drops >> why & 1))
			continue;
		for (unsigned k = 0; k < n; k++) {
			rec.port = pkts[k]->port == NO_PORT ? HAL_PORT_NONE : pkts[k]->port;
			copy(c, worker, pkts[k], &rec);
		}
	}
}

/* ---- the control thread ---- */

static int tap_open(struct tap *t, uint32_t bytes)
{
	unsigned count = rte_align32pow2(bytes / ELEM);
	ssize_t size = rte_ring_get_memsize_elem(ELEM, count);

	if (size < 0)
		return (int)size;
	t->lost = calloc(HAL_PORT_MAX + 1, sizeof(*t->lost));
	t->ring = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN((size_t)size, RTE_CACHE_LINE_SIZE));
	if (!t->lost || !t->ring)
		return -ENOMEM;
	return rte_ring_init(t->ring, "capture", count, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void taps_free(struct swpath_capture *c)
{
	for (unsigned i = 0; i < c->n_taps; i++) {
		free(c->tap[i].ring);
		free(c->tap[i].lost);
	}
	free(c);
}

int swpath_capture_open(
	struct swpath *sp, const struct swpath_capture_config *cfg, struct swpath_capture **out)
{
	struct swpath_capture *c;
	unsigned slot = 0;
	int err = 0;

	while (slot < SWPATH_MAX_CAPTURES && atomic_load(&sp->capture[slot]))
		slot++;
	if (slot == SWPATH_MAX_CAPTURES)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->sp = sp;
	c->cfg = cfg;
	c->slot = slot;
	while (!err && c->n_taps < sp->n_workers)
		err = tap_open(
			&c->tap[c->n_taps++], cfg->ring_bytes ? cfg->ring_bytes : RING_BYTES);
	if (err) {
		taps_free(c);
		return err;
	}
	atomic_store_explicit(&sp->capture[slot], c, memory_order_release);
	atomic_fetch_add(&sp->n_captures, 1);
	*out = c;
	return 0;
}

void swpath_capture_stop(struct swpath_capture *c)
{
	if (c->slot == SWPATH_MAX_CAPTURES)
		return;
	atomic_fetch_sub(&c->sp->n_captures, 1);
	atomic_store(&c->sp->capture[c->slot], NULL);
	c->slot = SWPATH_MAX_CAPTURES;
	rcu_drain();
}

void swpath_capture_close(struct swpath_capture *c)
{
	if (!c)
		return;
	swpath_capture_stop(c);
	taps_free(c);
}

/* What is to be read of one ring. */
struct part {
	struct rte_ring_zc_data zc;
	unsigned n, at; /* elements */
};

static const void *elem(const struct part *p, unsigned i)
{
	return i < p->zc.n1 ? (const uint8_t *)p->zc.ptr1 + (size_t)i * ELEM
			    : (const uint8_t *)p->zc.ptr2 + (size_t)(i - p->zc.n1) * ELEM;
}

static const struct swpath_captured *head(const struct part *p)
{
	return elem(p, p->at);
}

/* The part whose next copy is the oldest, or NULL. */
static struct part *oldest(struct part *parts, unsigned n)
{
	struct part *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (parts[i].at < parts[i].n &&
			(!best || head(&parts[i])->time_ns < head(best)->time_ns))
			best = &parts[i];
	return best;
}

static void give(const struct part *p, swpath_captured_cb *cb, void *ctx)
{
	const struct swpath_captured *rec = head(p);
	const uint8_t *from = (const uint8_t *)(rec + 1);
	struct swpath_captured_data data = {.part = {from, p->zc.ptr2}, .len = {rec->caplen, 0}};
	uint32_t here;

	if (p->at < p->zc.n1) {
		here = (p->zc.n1 - p->at) * ELEM - (uint32_t)sizeof(*rec);
		data.len[0] = RTE_MIN(rec->caplen, here);
		data.len[1] = rec->caplen - data.len[0];
	}
	cb(ctx, rec, &data);
}

unsigned swpath_capture_read(
	struct swpath_capture *c, size_t max_bytes, swpath_captured_cb *cb, void *ctx)
{
	struct part parts[HAL_MAX_WORKERS], *p;
	unsigned taken = 0;
	size_t bytes = 0;

	for (unsigned i = 0; i < c->n_taps; i++) {
		parts[i].at = 0;
		parts[i].n = rte_ring_dequeue_zc_burst_elem_start(c->tap[i].ring, ELEM,
			rte_ring_get_size(c->tap[i].ring), &parts[i].zc, NULL);
	}
	while (bytes < max_bytes && (p = oldest(parts, c->n_taps))) {
		give(p, cb, ctx);
		bytes += head(p)->caplen;
		p->at += elems_of(head(p)->caplen);
		taken++;
	}
	for (unsigned i = 0; i < c->n_taps; i++)
		rte_ring_dequeue_zc_elem_finish(c->tap[i].ring, parts[i].at);
	return taken;
}

uint64_t swpath_capture_lost(const struct swpath_capture *c, uint32_t port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->n_taps; i++)
		n += atomic_load_explicit(&c->tap[i].lost[port], memory_order_relaxed);
	return n;
}

uint64_t swpath_capture_lost_all(const struct swpath_capture *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->n_taps; i++)
		n += atomic_load_explicit(&c->tap[i].lost_all, memory_order_relaxed);
	return n;
}
