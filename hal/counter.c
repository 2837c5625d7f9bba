/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters that never run backwards: raw readings of a device, of any width and generation,
 * extended to 64 bits.
 */
#include <errno.h>
#include <string.h>

#include "hal/device.h"

/* What was counted between two raw readings of the same generation. A counter narrower than 64
 * bits that went down has wrapped; one of 64 bits cannot have, so the device was wrong and what it
 * says now is taken as the new start. */
static uint64_t moved(uint64_t from, uint64_t to, unsigned bits)
{
	if (bits < 64)
		return (to - from) & ((1ull << bits) - 1);
	return to >= from ? to - from : 0;
}

void hal_extend(struct hal_extender *e, const struct hal_raw_counter *raw, unsigned bits,
	struct hal_counter *out)
{
	uint64_t packets = 0, bytes = 0;

	if (raw->known) {
		if (e->started && e->last.generation == raw->generation) {
			packets = moved(e->last.packets, raw->packets, bits);
			bytes = moved(e->last.bytes, raw->bytes, bits);
		} else { /* the device has counted from 0 since */
			packets = raw->packets;
			bytes = raw->bytes;
		}
		e->packets += packets;
		e->bytes += bytes;
		e->last = *raw;
		e->started = true;
	}
	if (!out)
		return;
	out->packets = e->packets;
	out->bytes = e->bytes;
	out->known = raw->known;
	out->hit = raw->known && (raw->hit || packets);
	out->in_kernel = raw->in_kernel;
}

#define SLICE 64

int hal_counters_read(
	struct hal_device *dev, const struct hal_ufid *ufids, unsigned n, struct hal_counter *out)
{
	struct hal_raw_counter raw[SLICE];

	memset(out, 0, n * sizeof(*out));
	for (unsigned at = 0; at < n; at += SLICE) {
		unsigned k = n - at < SLICE ? n - at : SLICE;
		int err;

		memset(raw, 0, sizeof(raw));
		err = dev->drv.counters_read(dev->priv, ufids + at, k, raw);
		if (err)
			return err;
		for (unsigned i = 0; i < k; i++) {
			struct hal_held *h = hal_held_find(dev, &ufids[at + i]);

			if (h && h->match)
				hal_extend(
					&h->counter, &raw[i], dev->caps.counter_bits, &out[at + i]);
		}
	}
	return 0;
}

int hal_counter_final(struct hal_device *dev, const struct hal_ufid *ufid, struct hal_counter *out)
{
	struct hal_held *h = hal_held_find(dev, ufid);

	if (!h || !h->has_final)
		return -ENOENT;
	*out = h->final;
	return 0;
}

void hal_counter_forget(struct hal_device *dev, const struct hal_ufid *ufid)
{
	struct hal_held *h = hal_held_find(dev, ufid);

	if (!h)
		return;
	h->has_final = false;
	if (!h->match) {
		hmap_remove(&dev->held, &h->node);
		hal_held_free(h);
	}
}
