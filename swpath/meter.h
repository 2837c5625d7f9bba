/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: how fast packets may come (OpenFlow 1.3, 5.7).
 *
 * What: a meter has bands, each a token bucket that every packet draws from. A packet that finds
 * too little in a band's bucket exceeds that band; of all that it exceeds the one with the highest
 * rate applies, and drops the packet or raises its drop precedence.
 * Why not rte_meter: its markers are one thread's, and a meter is shared by all workers. Here a
 * bucket is one word, the time at which it will be full again, moved on by compare-and-swap (the
 * generic cell rate algorithm, ITU-T I.371): no lock, no timer, and no rounding that adds up.
 * Thread-safety: swpath_meter_set(), _del() and _stats_read() are called by the control thread;
 * swpath_meter_run() by any worker under RCU.
 */
#ifndef SLUICE_SWPATH_METER_H
#define SLUICE_SWPATH_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/object.h"

struct swpath;
struct swpath_meter;
struct swpath_packet;
struct swpath_worker;

#define SWPATH_METER_MAX 65536 /* datapath ids are below */

/* Makes the meter `id` this one, or changes it: then its buckets are full again and its counters
 * go on. 0, -ENOMEM, or -EINVAL (an id or number of bands out of range). */
int swpath_meter_set(struct swpath *sp, uint32_t id, const struct hal_meter *cfg);

/* Takes it away; packets that come to it then pass. */
void swpath_meter_del(struct swpath *sp, uint32_t id);

/* 0, or -ENOENT. */
int swpath_meter_stats_read(struct swpath *sp, uint32_t id, struct hal_meter_stats *out);

void swpath_meters_close(struct swpath *sp); /* no worker is left */

/* ---- inside the software path ---- */

#define SWPATH_METER_PASS (-1)  /* no band is exceeded */
#define SWPATH_METER_SPLIT (-2) /* as one it exceeds a band, its segments might not */

/* Draws `packets` frames of `bytes` in all from the meter at `now_ns` (monotonic) and counts them.
 * Returns the band that applies, or SWPATH_METER_PASS. With `whole` a super-frame is tried: it
 * passes as one, or nothing is drawn and counted and SWPATH_METER_SPLIT says to come with its
 * segments. */
int swpath_meter_run(
	struct swpath_meter *m, uint64_t now_ns, uint32_t packets, uint32_t bytes, bool whole);

/* NULL without memory. The counters start from those of `old`, which may be NULL. */
struct swpath_meter *swpath_meter_new(const struct hal_meter *cfg, const struct swpath_meter *old);
void swpath_meter_free(struct swpath_meter *m);
void swpath_meter_stats(const struct swpath_meter *m, struct hal_meter_stats *out);
const struct hal_band *swpath_meter_band(const struct swpath_meter *m, int band);

/* The METER step, followed by `rest`, `len` bytes of steps: they are run here if the packet has to
 * be cut into its segments first. As swpath_execute()'s steps: SWPATH_OK or why it is dropped. */
int swpath_meter_step(struct swpath_worker *w, struct swpath_packet *p, uint32_t id,
	const void *rest, uint32_t len, unsigned nested);

#endif
