/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending on a packet socket in batches.
 * Thread-safety: any worker at the same time: one sendmmsg() each, the socket needs no lock.
 */
#ifndef SLUICE_SWPATH_PORT_NETDEV_TX_H
#define SLUICE_SWPATH_PORT_NETDEV_TX_H

#include "swpath/port/count.h"
#include "swpath/port/port.h"
#include "swpath/port/rx_cut.h"
#include "swpath/port/vnet.h"

struct swpath_netdev {
	int fd;                   /* sends; receives too unless misses come by another netdev */
	int rx_fd;                /* receives */
	uint32_t miss_ifindex;    /* where packets arrive that a device left to us, 0: here */
	_Atomic uint32_t ifindex; /* 0: the netdev is gone */
	_Atomic bool uso;         /* the kernel takes UDP super-frames, as far as is known */
	uint64_t socket_drops;    /* frames lost because the socket's buffer was full */
	char driver[32];
	struct swpath_rx_cut cut; /* the receiving worker's */
};

void swpath_netdev_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX]);

#endif
