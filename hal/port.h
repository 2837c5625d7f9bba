/* SPDX-License-Identifier: Apache-2.0
 *
 * Datapath ports, as the layers name them to each other.
 *
 * What: a datapath port id is one number for a port on every bridge and in every device; 0 is
 * never a port. struct hal_port_handle is the neutral way to say which real thing a driver has to
 * bind to it.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_PORT_H
#define SLUICE_HAL_PORT_H

#include <stdint.h>

#define HAL_PORT_NONE 0u
#define HAL_PORT_MAX 65535u /* largest datapath port id */

enum hal_port_kind {
	HAL_PORT_NETDEV,   /* a kernel network device: ifindex and name */
	HAL_PORT_DPDK,     /* a DPDK port: ethdev id and name */
	HAL_PORT_PCI,      /* a PCI function: address in name */
	HAL_PORT_INTERNAL, /* the host's own: a netdev on which it sends what the switch receives */
};

struct hal_port_handle {
	enum hal_port_kind kind;
	uint32_t index; /* ifindex, or ethdev port id */
	char name[64];  /* netdev's name, devargs, or PCI address */
};

struct hal_port_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_dropped, tx_dropped, rx_errors, tx_errors;
};

static inline void hal_port_stats_add(struct hal_port_stats *to, const struct hal_port_stats *from)
{
	to->rx_packets += from->rx_packets;
	to->tx_packets += from->tx_packets;
	to->rx_bytes += from->rx_bytes;
	to->tx_bytes += from->tx_bytes;
	to->rx_dropped += from->rx_dropped;
	to->tx_dropped += from->tx_dropped;
	to->rx_errors += from->rx_errors;
	to->tx_errors += from->tx_errors;
}

#endif
