/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters by their numbers, and packets that come to them.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_ether.h>

#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "swpath/meter.h"
#include "swpath/port/segment.h"
#include "swpath/worker.h"

/* By datapath id; replaced by a longer one when it has to grow. */
struct swpath_meters {
	uint32_t n;
	_Atomic(struct swpath_meter *) meter[];
};

static struct swpath_meter *find(struct swpath *sp, uint32_t id)
{
	struct swpath_meters *all = atomic_load_explicit(&sp->meters, memory_order_acquire);

	return all && id < all->n ? atomic_load_explicit(&all->meter[id], memory_order_acquire)
				  : NULL;
}

/* ---- control thread ---- */

static int grow(struct swpath *sp, uint32_t id)
{
	struct swpath_meters *old = atomic_load(&sp->meters), *all;
	uint32_t n = old ? old->n : 16;

	if (old && id < old->n)
		return 0;
	while (n <= id)
		n *= 2;
	all = calloc(1, sizeof(*all) + n * sizeof(all->meter[0]));
	if (!all)
		return -ENOMEM;
	all->n = n;
	for (uint32_t i = 0; old && i < old->n; i++)
		atomic_init(&all->meter[i], atomic_load(&old->meter[i]));
	atomic_store_explicit(&sp->meters, all, memory_order_release);
	if (old)
		rcu_defer(free, old);
	return 0;
}

static void free_meter(void *m)
{
	swpath_meter_free(m);
}

int swpath_meter_set(struct swpath *sp, uint32_t id, const struct hal_meter *cfg)
{
	struct swpath_meter *old, *m;

	if (id >= SWPATH_METER_MAX || cfg->n_bands > HAL_METER_BANDS)
		return -EINVAL;
	if (grow(sp, id))
		return -ENOMEM;
	old = find(sp, id);
	m = swpath_meter_new(cfg, old);
	if (!m)
		return -ENOMEM;
	atomic_store_explicit(&atomic_load(&sp->meters)->meter[id], m, memory_order_release);
	if (old)
		rcu_defer(free_meter, old);
	return 0;
}

void swpath_meter_del(struct swpath *sp, uint32_t id)
{
	struct swpath_meter *m = find(sp, id);

	if (!m)
		return;
	atomic_store_explicit(&atomic_load(&sp->meters)->meter[id], NULL, memory_order_release);
	rcu_defer(free_meter, m);
}

int swpath_meter_stats_read(struct swpath *sp, uint32_t id, struct hal_meter_stats *out)
{
	const struct swpath_meter *m = find(sp, id);

	if (!m)
		return -ENOENT;
	swpath_meter_stats(m, out);
	return 0;
}

void swpath_meters_close(struct swpath *sp)
{
	struct swpath_meters *all = atomic_load(&sp->meters);

	for (uint32_t i = 0; all && i < all->n; i++)
		swpath_meter_free(atomic_load(&all->meter[i]));
	free(all);
}

/* ---- workers ---- */

/* RFC 2597, 6: an assured-forwarding class is 1 to 4, its drop precedence 1 to 3, the DSCP is
 * class * 8 + precedence * 2. Another DSCP has no precedence to raise. */
static int remark(struct swpath_packet *p, uint32_t levels)
{
	struct hal_act_set set = {.a = {.type = ACTION_SET, .len = sizeof(set)},
		.field = FIELD_IP_DSCP,
		.mask = {0x3f}};
	uint8_t dscp, class, precedence;

	swpath_packet_key(p);
	if (p->key->eth_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) &&
		p->key->eth_type != RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return SWPATH_OK;
	dscp = p->key->ip_tos >> 2;
	class = dscp >> 3;
	precedence = dscp >> 1 & 3;
	if (class < 1 || class > 4 || !precedence || dscp & 1)
		return SWPATH_OK;
	precedence = (uint8_t)RTE_MIN(precedence + MUTATE(433, levels, 0), 3u);
	set.value[0] = (uint8_t)(class << 3 | precedence << 1);
	return swpath_set_field(p, &set);
}

static int apply(struct swpath_packet *p, const struct hal_band *band)
{
	if (band->type == HAL_BAND_DSCP_REMARK)
		return remark(p, band->prec_level);
	return SWPATH_DROP_METER;
}

/* Every segment comes to the meter as if it had come alone, and goes on alone. */
static int run_segments(struct swpath_worker *w, struct swpath_packet *p, struct swpath_meter *m,
	const void *rest, uint32_t len, unsigned nested)
{
	struct swpath_segmenter s;

	if (swpath_segmenter_start(&s, p->m))
		return SWPATH_DROP_HEADER;
	while (!swpath_segmenter_done(&s)) {
		struct rte_mbuf *frame = swpath_segmenter_next(&s, p->pool);
		struct swpath_packet one = *p;
		struct hal_key key = *p->key;
		int band, drop = SWPATH_OK;

		if (!frame)
			return SWPATH_DROP_NO_MBUF;
		one.m = frame;
		one.key = &key;
		one.key_stale = one.layers_stale = true;
		band = swpath_meter_run(m, w->now_ns, 1, rte_pktmbuf_pkt_len(frame), false);
		if (band >= 0)
			drop = apply(&one, swpath_meter_band(m, band));
		if (drop != SWPATH_OK)
			swpath_drop(w, one.m, (enum swpath_drop)drop);
		else
			swpath_execute(w, &one, rest, len, nested + 1);
	}
	rte_pktmbuf_free(p->m);
	p->m = NULL;
	return SWPATH_OK;
}

/* What the frames of a super-frame are on the wire. 0 if it cannot be cut. */
static uint32_t count_segments(const struct rte_mbuf *m, uint32_t *bytes)
{
	struct swpath_segmenter s;
	uint32_t n;

	if (swpath_segmenter_start(&s, m))
		return 0;
	n = (s.payload_left + s.size - 1) / s.size;
	*bytes = n * s.frame.payload_off + s.payload_left;
	return n;
}

int swpath_meter_step(struct swpath_worker *w, struct swpath_packet *p, uint32_t id,
	const void *rest, uint32_t len, unsigned nested)
{
	struct swpath_meter *m = find(w->sp, id);
	uint32_t packets = 1, bytes = rte_pktmbuf_pkt_len(p->m);
	bool super = p->m->ol_flags & SWPATH_SEG_FLAGS;
	int band;

	if (unlikely(!m))
		return SWPATH_OK;
	if (super)
		packets = count_segments(p->m, &bytes);
	if (unlikely(!packets))
		return SWPATH_DROP_HEADER;
	band = swpath_meter_run(m, w->now_ns, packets, bytes, super && packets > 1);
	if (band == SWPATH_METER_SPLIT)
		return run_segments(w, p, m, rest, len, nested);
	return band >= 0 ? apply(p, swpath_meter_band(m, band)) : SWPATH_OK;
}
