/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel ports and the host's own ports, as translation looks them up.
 *
 * What: all tunnels of a type and UDP port share one end, which is what the datapath receives
 * them by; which of them a packet came through is for translation to find out, from the tunnel
 * fields. Of those that fit, one with a key of its own comes before one that takes any, then one
 * with a remote address of its own, then one with a local one.
 * Thread-safety: the control thread writes, inside a change; workers read under RCU.
 */
#ifndef SLUICE_OFCTL_PIPELINE_TUNNEL_H
#define SLUICE_OFCTL_PIPELINE_TUNNEL_H

#include "ofctl/pipeline/bridge.h"

/* How a tunnel is configured to receive: one bit for each part that it leaves open. In this order
 * they are asked. */
#define TUNNEL_ANY_LOCAL 1u
#define TUNNEL_ANY_REMOTE 2u
#define TUNNEL_ANY_KEY 4u
#define TUNNEL_KINDS 8u

struct pl_tunnel_end {
	struct hmap_node node; /* in pl->tunnel_ends, by id */
	uint32_t id;           /* datapath port id */
	uint8_t type;          /* enum hal_tunnel_type */
	uint16_t udp_dst;
	_Atomic uint32_t n[TUNNEL_KINDS]; /* tunnels of each kind */
	_Atomic uint32_t n_gbp;           /* with group policy */
};

/* Of a packet: from whom, to which of our addresses, with which key. */
struct pl_tunnel_id {
	struct host_address remote, local;
	uint64_t key;
};

const struct pl_tunnel_end *tunnel_end(const struct pipeline *pl, uint32_t id);
/* By UDP port, or NULL. */
const struct pl_tunnel_end *tunnel_end_by_port(const struct pipeline *pl, uint16_t udp_dst);

/* A tunnel of this kind that fits what its kind looks at. */
const struct pl_port *tunnel_find(const struct pipeline *pl, const struct pl_tunnel_end *end,
	unsigned kind, const struct pl_tunnel_id *id);
/* The same whatever the key; of `kind` TUNNEL_ANY_KEY does not count. */
const struct pl_port *tunnel_find_peer(const struct pipeline *pl, const struct pl_tunnel_end *end,
	unsigned kind, const struct pl_tunnel_id *id);

/* The port that is the host's netdev of this name. */
const struct pl_port *internal_port(const struct pipeline *pl, const char *netdev);

/* Control thread, inside a change: lets lookups find a port, if it is a tunnel or internal, and
 * says that they would now. 0, -EEXIST (another tunnel receives the same), -ENOMEM. */
int tunnel_publish(struct pl_port *p);
void tunnel_unpublish(struct pl_port *p);

#endif
