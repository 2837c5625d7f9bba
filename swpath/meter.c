/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of a meter.
 *
 * A bucket that holds B and fills at rate R is the time T at which it will be full: what it holds
 * at time t is B - (T - t) * R, and to draw n is to move T on by n / R. Times are in 1/64 ns, so
 * that a frame of 64 bytes at 1 Tb/s still takes 32 of them; 64 bits last nine years.
 */
#include "swpath/meter.h"

#include <stdlib.h>

#include <rte_common.h>

#include "hal/mutation.h"

#define UNITS_PER_NS 64u
#define UNITS_PER_S (UNITS_PER_NS * 1000000000ull)
#define UNITS_MAX (UINT64_MAX / 4)

struct bucket {
	_Atomic uint64_t full_at; /* units */
	uint64_t depth;           /* units that it takes to fill it from nothing */
	_Atomic uint64_t packets, bytes;
} __rte_cache_aligned;

struct swpath_meter {
	struct hal_meter cfg;
	_Atomic uint64_t packets, bytes;
	struct bucket band[];
};

/* What `n` (packets, or bits) takes at the band's rate: units, rounded. */
static uint64_t units(const struct hal_meter *cfg, const struct hal_band *b, uint64_t n)
{
	uint64_t rate = cfg->pktps ? b->rate : b->rate * 1000ull;

	if (!rate)
		return UNITS_MAX;
	if (n < UINT64_MAX / UNITS_PER_S)
		return (n * UNITS_PER_S + rate / 2) / rate;
	return (uint64_t)RTE_MIN((double)n / (double)rate * (double)UNITS_PER_S, (double)UNITS_MAX);
}

/* The size of the bucket: with no burst given what comes in a second, as Open vSwitch has it. */
static uint64_t depth(const struct hal_meter *cfg, const struct hal_band *b)
{
	uint64_t burst = b->burst ? b->burst : b->rate;

	return b->rate ? units(cfg, b, cfg->pktps ? burst : burst * 1000ull) : 0;
}

struct swpath_meter *swpath_meter_new(const struct hal_meter *cfg, const struct swpath_meter *old)
{
	size_t size = sizeof(struct swpath_meter) + cfg->n_bands * sizeof(struct bucket);
	struct swpath_meter *m;
	struct hal_meter_stats s = {0};

	m = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
	if (!m)
		return NULL;
	if (old)
		swpath_meter_stats(old, &s);
	m->cfg = *cfg;
	atomic_init(&m->packets, s.packets);
	atomic_init(&m->bytes, s.bytes);
	for (unsigned i = 0; i < cfg->n_bands; i++) {
		m->band[i].depth = depth(cfg, &cfg->band[i]);
		atomic_init(&m->band[i].full_at, 0);
		atomic_init(&m->band[i].packets, s.band_packets[i]);
		atomic_init(&m->band[i].bytes, s.band_bytes[i]);
	}
	return m;
}

void swpath_meter_free(struct swpath_meter *m)
{
	free(m);
}

const struct hal_band *swpath_meter_band(const struct swpath_meter *m, int band)
{
	return &m->cfg.band[band];
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void swpath_meter_stats(const struct swpath_meter *m, struct hal_meter_stats *out)
{
	*out = (struct hal_meter_stats){.packets = get(&m->packets), .bytes = get(&m->bytes)};
	for (unsigned i = 0; i < m->cfg.n_bands; i++) {
		out->band_packets[i] = get(&m->band[i].packets);
		out->band_bytes[i] = get(&m->band[i].bytes);
	}
}

static void count(_Atomic uint64_t *packets, _Atomic uint64_t *bytes, uint32_t p, uint32_t b)
{
	atomic_fetch_add_explicit(packets, p, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, b, memory_order_relaxed);
}

/* Is there enough in the bucket? If so it is drawn, unless this is only a look. */
static bool draw(struct bucket *b, uint64_t now, uint64_t cost, bool look)
{
	uint64_t full_at = atomic_load_explicit(&b->full_at, memory_order_relaxed), next;

	do {
		next = (full_at > now ? full_at : now) + cost;
		if (MUTATE(431, cost > b->depth || next - now > b->depth, false))
			return false;
	} while (!look && !atomic_compare_exchange_weak_explicit(&b->full_at, &full_at, next,
				  memory_order_relaxed, memory_order_relaxed));
	return true;
}

int swpath_meter_run(
	struct swpath_meter *m, uint64_t now_ns, uint32_t packets, uint32_t bytes, bool whole)
{
	uint64_t n = m->cfg.pktps ? packets : bytes * 8ull, now = now_ns * UNITS_PER_NS;
	int applies = SWPATH_METER_PASS;

	for (unsigned i = 0; whole && i < m->cfg.n_bands; i++)
		if (!draw(&m->band[i], now, units(&m->cfg, &m->cfg.band[i], n), true))
			return SWPATH_METER_SPLIT;
	count(&m->packets, &m->bytes, packets, bytes);
	for (unsigned i = 0; i < m->cfg.n_bands; i++) {
		const struct hal_band *b = &m->cfg.band[i];

		if (!draw(&m->band[i], now, units(&m->cfg, b, n), false) &&
			(applies < 0 || MUTATE(432, b->rate > m->cfg.band[applies].rate, false)))
			applies = (int)i;
	}
	if (applies >= 0)
		count(&m->band[applies].packets, &m->band[applies].bytes, packets, bytes);
	return applies;
}
