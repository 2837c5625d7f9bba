/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters (OpenFlow 1.3, 5.7): a token bucket for each band. A band whose bucket has too little for
 * the packet is exceeded; of those that are, the one with the highest rate applies.
 */
#include <time.h>

#include "hal/mutation.h"
#include "tools/simnic/nic.h"

#define MICRO UINT64_C(1000000)
#define NANO UINT64_C(1000000000)
#define MAX_AF_PRECEDENCE 3

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NANO + (uint64_t)ts.tv_nsec;
}

/* Tokens of a full bucket. One kilobit a second is one millionth of a bit in a nanosecond. */
static uint64_t capacity(const struct hal_meter *m, const struct hal_band *band)
{
	uint64_t burst = band->burst ? band->burst : band->rate;

	if (!band->rate)
		return 0; /* it never fills */
	return m->pktps ? burst * NANO : burst * 1000 * MICRO;
}

static uint64_t price(const struct hal_meter *m, uint32_t packets, uint32_t bytes)
{
	return m->pktps ? packets * NANO : (uint64_t)bytes * 8 * MICRO;
}

void nic_meter_start(struct nic_meter *m)
{
	m->filled_ns = now_ns();
	for (uint32_t i = 0; i < m->config.n_bands; i++)
		m->tokens[i] = capacity(&m->config, &m->config.band[i]);
}

static void fill(struct nic_meter *m)
{
	uint64_t now = now_ns(), ns = now - m->filled_ns;

	m->filled_ns = now;
	for (uint32_t i = 0; i < m->config.n_bands; i++) {
		const struct hal_band *band = &m->config.band[i];
		uint64_t full = capacity(&m->config, band), missing = full - m->tokens[i];

		if (band->rate && ns >= missing / band->rate + 1)
			m->tokens[i] = full;
		else
			m->tokens[i] += (uint64_t)band->rate * ns;
	}
}

/* The band that applies, or n_bands. */
static uint32_t exceeded(struct nic_meter *m, uint64_t need)
{
	uint32_t worst = m->config.n_bands;

	for (uint32_t i = 0; i < m->config.n_bands; i++) {
		if (MUTATE(446, m->tokens[i] >= need, true)) {
			m->tokens[i] -= need;
			continue;
		}
		if (worst == m->config.n_bands ||
			m->config.band[i].rate > m->config.band[worst].rate)
			worst = i;
	}
	return worst;
}

/* Assured forwarding (RFC 2597, 6): class in the upper three bits, drop precedence 1 to 3 in the
 * next two. Other code points are left alone. */
static void remark(struct nic_packet *p, uint32_t levels)
{
	const uint8_t *ip = p->data + p->l3;
	uint8_t tos, class, drop;

	if (!p->l3)
		return;
	tos = p->ip4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	class = tos >> 5;
	drop = tos >> 3 & 3;
	if (class < 1 || class > 4 || !drop || tos >> 2 & 1)
		return;
	drop = levels < (uint32_t)(MAX_AF_PRECEDENCE - drop) ? (uint8_t)(drop + levels)
							     : MAX_AF_PRECEDENCE;
	nic_rewrite_dscp(p, (uint8_t)(class << 3 | drop << 1));
}

static bool all_have(const struct nic_meter *m, uint64_t need)
{
	for (uint32_t i = 0; i < m->config.n_bands; i++) {
		if (m->tokens[i] < need)
			return false;
	}
	return true;
}

bool nic_meter_takes(struct nic_object *o, const struct nic_packet *p)
{
	uint32_t frames = nic_frames(p), bytes = p->len + (frames - 1) * p->payload;

	fill(&o->u.meter);
	return all_have(&o->u.meter, price(&o->u.meter.config, frames, bytes));
}

bool nic_meter_run(struct nic_object *o, struct nic_packet *p)
{
	uint32_t frames = nic_frames(p), bytes = p->len + (frames - 1) * p->payload, band;
	struct hal_meter_stats *stats = &o->stats.meter;
	struct nic_meter *m = &o->u.meter;

	fill(m);
	band = exceeded(m, price(&m->config, frames, bytes));
	stats->packets += frames;
	stats->bytes += bytes;
	if (band == m->config.n_bands)
		return true;
	stats->band_packets[band] += frames;
	stats->band_bytes[band] += bytes;
	if (m->config.band[band].type == HAL_BAND_DROP)
		return false;
	remark(p, MUTATE(447, m->config.band[band].prec_level, 0));
	return true;
}
