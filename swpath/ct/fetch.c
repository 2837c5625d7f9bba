/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of many packets fetched together. One after the other, each packet would wait for its
 * bucket, and then for its connection, out of tables that are larger than any cache.
 */
#include <rte_prefetch.h>

#include "swpath/ct/ct.h"

/* The lines of a connection that a packet reads and writes, by one of its nodes. */
static void fetch_conn(const struct ct_node *n)
{
	const uint8_t *line = (const uint8_t *)((uintptr_t)n & ~(uintptr_t)63);

	_Static_assert(offsetof(struct ct_conn, node) / 64 == 1 &&
			       offsetof(struct ct_conn, node[1]) / 64 == 1 &&
			       offsetof(struct ct_conn, flags) / 64 == 2,
		"nodes are in the second of three lines");
	rte_prefetch0(line - 64);
	rte_prefetch0(line);
	rte_prefetch0(line + 64);
}

void ct_fetch(struct conntrack *ct, unsigned worker, struct swpath_packet *p, unsigned n,
	uint16_t zone, struct ct_look *looks)
{
	for (unsigned i = 0; i < n; i++) {
		/* Fragments are looked at when all of them are there. */
		if (p[i].key->ip_frag)
			continue;
		looks[i].sound = ct_extract(ct, worker, &p[i], NULL, zone, &looks[i]);
		p[i].look = &looks[i];
		if (looks[i].sound)
			rte_prefetch0((const void *)ct_bucket(ct, looks[i].hash));
	}
	for (unsigned i = 0; i < n; i++) {
		const struct ct_node *first;

		if (!p[i].look || !looks[i].sound)
			continue;
		first = atomic_load_explicit(ct_bucket(ct, looks[i].hash), memory_order_acquire);
		if (first)
			fetch_conn(first);
	}
}
