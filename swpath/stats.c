/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of all workers added up.
 */
#include <string.h>

#include "swpath/worker.h"

/* A worker's counter, read while it counts. */
static uint64_t get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void swpath_stats_read(struct swpath *sp, struct swpath_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < sp->n_workers; i++) {
		const struct swpath_worker *w = &sp->worker[i];

		for (unsigned d = 0; d < SWPATH_DROP_MAX; d++)
			out->drops[d] += get(&w->drops[d]);
		out->packets += get(&w->stats.packets);
		out->cache_hits += get(&w->stats.cache_hits);
		out->classifier_hits += get(&w->stats.classifier_hits);
		out->young_hits += get(&w->stats.young_hits);
		out->translated += get(&w->stats.translated);
		out->worker_sleeps += get(&w->stats.sleeps);
	}
	out->masks = atomic_load_explicit(&sp->cls.n_masks, memory_order_relaxed);
	out->megaflows = atomic_load_explicit(&sp->cls.n_flows, memory_order_relaxed);
}
