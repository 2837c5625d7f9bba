/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: the arithmetic is that of the software path (swpath/meter.c).
 *
 * A super-frame counts as the frames that it will be on a wire, but it cannot be cut here. It
 * passes or goes as a whole: where it is more than a full bucket has, it passes with what the
 * bucket has to come, so that the rate is kept.
 */
#ifndef SLUICE_DRIVERS_EBPF_METER_BPF_H
#define SLUICE_DRIVERS_EBPF_METER_BPF_H

#include "drivers/ebpf/parse.bpf.h"

#define SIZE_BY_FRAGMENTS 0xffffu /* gso_size: the frames are of any sizes */

/* What a packet is on a wire. */
struct load {
	__u32 frames, bytes;
};

static __always_inline struct load load_of(struct __sk_buff *skb, const struct work *w)
{
	const __u32 beside = skb->vlan_present ? 4 : 0, size = skb->gso_size;
	struct load l = {1, skb->len + beside};
	__u32 head = w->l4 + (w->proto == IPPROTO_SCTP ? 12 : 8);
	__u8 offset;

	if (MUTATE(652, !size, 1) || !w->l4)
		return l;
	if (w->proto == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, w->l4 + 12, &offset, sizeof(offset)))
			return l;
		head = w->l4 + (__u32)(offset >> 4) * 4;
	}
	if (skb->len <= head)
		return l;
	l.frames = size == SIZE_BY_FRAGMENTS ? skb->gso_segs : (skb->len - head + size - 1) / size;
	if (!l.frames)
		l.frames = 1;
	l.bytes += (l.frames - 1) * (head + beside);
	return l;
}

/* Draws from the bucket; false if there is too little in it. */
static __always_inline int draw(
	const struct ebpf_band *b, __u64 *full_at, __u64 now, __u64 n, __u32 frames)
{
	const __u64 start = *full_at > now ? *full_at : now;
	__u64 cost;

	if (!b->rate)
		return 0;
	cost = (n * EBPF_UNITS_PER_S + b->rate / 2) / b->rate;
	if (MUTATE(653, start + cost - now > b->depth, 0) &&
		(start > now || frames == 1 || cost / frames > b->depth))
		return 0;
	*full_at = start + MUTATE(654, cost, cost / 2);
	return 1;
}

/* The band that applies is left in w->band, EBPF_BANDS: none. What is in memory the verifier takes
 * to be anything, so that it looks at each turn of the loop once. */
static __always_inline void draw_all(struct ebpf_meter *m, struct work *w, struct load l)
{
	const __u64 now = bpf_ktime_get_ns() * EBPF_UNITS_PER_NS;
	__u64 n;

	w->band = EBPF_BANDS;
	w->highest = 0;
	bpf_spin_lock(&m->lock);
	n = m->pktps ? l.frames : l.bytes * 8ull;
	for (__u32 i = 0; i < EBPF_BANDS; i++) {
		if (i >= m->n)
			break;
		if (draw(&m->band[i], &m->full_at[i], now, n, l.frames))
			continue;
		if (w->band == EBPF_BANDS || MUTATE(655, m->band[i].rate > w->highest, 0)) {
			w->band = i;
			w->highest = m->band[i].rate;
		}
	}
	bpf_spin_unlock(&m->lock);
}

__attribute__((noinline)) int meter(struct __sk_buff *skb, __u32 number)
{
	struct ebpf_meter *m = bpf_map_lookup_elem(&meters, &number);
	struct ebpf_meter_count *c = bpf_map_lookup_elem(&meter_counts, &number);
	struct work *w = get_work();
	__u32 applies;
	struct load l;

	if (!m || !c || !w)
		return TC_ACT_SHOT;
	l = load_of(skb, w);
	draw_all(m, w, l);
	applies = w->band;
	__sync_fetch_and_add(&c->packets, l.frames);
	__sync_fetch_and_add(&c->bytes, l.bytes);
	if (applies >= EBPF_BANDS)
		return GO_ON;
	__sync_fetch_and_add(&c->band[applies].packets, MUTATE(656, l.frames, 0));
	__sync_fetch_and_add(&c->band[applies].bytes, l.bytes);
	return TC_ACT_SHOT;
}

#endif
