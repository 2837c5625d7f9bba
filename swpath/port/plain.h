/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending through something that takes plain frames only: whole checksums, no longer than the MTU.
 * Thread-safety: any worker; works on the stack.
 */
#ifndef SLUICE_SWPATH_PORT_PLAIN_H
#define SLUICE_SWPATH_PORT_PLAIN_H

#include "swpath/port/port.h"

enum { SWPATH_PLAIN_BURST = 32 };

/* Sends a burst; returns how many it took, from the front: those are its own, the others stay the
 * caller's. */
typedef unsigned swpath_plain_send(
	struct swpath_port *port, unsigned worker, struct rte_mbuf **frames, unsigned n);

/* What the output can do. */
struct swpath_plain_output {
	swpath_plain_send *send;
	/* Or NULL. Takes a writable packet with a partial checksum or a super-frame that fits the
	 * MTU; true if the output does the rest, the packet is then prepared for it. */
	bool (*carry)(struct swpath_port *port, struct rte_mbuf *m);
	bool linear; /* it takes no chains */
};

/* Sends packets of any kind as plain frames, in order, and consumes them all: completes checksums,
 * cuts super-frames, drops what exceeds port->mtu, and counts (TX_FULL for what `send` did not
 * take). */
void swpath_plain_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX], const struct swpath_plain_output *output);

#endif
