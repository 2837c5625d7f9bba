/* SPDX-License-Identifier: Apache-2.0
 *
 * Where packets pass by open captures: workers call these, if there is a capture.
 */
#ifndef SLUICE_SWPATH_TAP_H
#define SLUICE_SWPATH_TAP_H

#include "swpath/worker.h"

/* Received by a port; the id is noted in the mbufs, for drops later on. With `meta`, as a device
 * says. */
void swpath_tap_in(struct swpath_worker *w, struct rte_mbuf **pkts, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port);

/* The same for a packet that came out of a tunnel, and whose key is known. */
void swpath_tap_inner(struct swpath_worker *w, struct rte_mbuf *m, const struct hal_key *key);

/* On their way out of a port. */
void swpath_tap_out(
	struct swpath_worker *w, struct rte_mbuf *const *pkts, unsigned n, uint32_t port);

#endif
