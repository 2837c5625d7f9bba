/* SPDX-License-Identifier: Apache-2.0
 *
 * Bridges, their ports and their MAC tables, as the pipeline keeps them.
 *
 * Thread-safety: the control thread writes. Workers read, under RCU: ports (immutable objects that
 * are replaced when they change), tables, MAC entries, and the atomics.
 */
#ifndef SLUICE_OFCTL_PIPELINE_BRIDGE_H
#define SLUICE_OFCTL_PIPELINE_BRIDGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "hal/base/hmap.h"
#include "ofctl/pipeline/flow.h"
#include "ofctl/pipeline/pipeline.h"

/* A port of a bridge. Immutable once published, but for the counters at the end. */
struct pl_port {
	struct hmap_node node;          /* in br->ports, by number */
	struct hmap_node patch_node;    /* in pl->patches, by name, if it has a peer */
	struct hmap_node internal_node; /* in pl->internals, by name, if it is one */
	struct hmap_node tunnel_node;   /* in pl->tunnels, by what it receives, if it is one */
	struct hmap_node peer_node;     /* in pl->tunnel_peers: the same without the key */
	struct pl_bridge *br;
	struct pl_port_config cfg;
	struct of_port_desc desc;
	bool no_flood, no_recv, no_fwd, no_packet_in;
	bool up;
	bool announced;              /* controllers know of it */
	struct patch_counter *patch; /* a patch or tunnel port's counters; control thread */
	uint64_t created_ms;
	struct hal_port_stats told; /* by its device, last; control thread */
	struct hal_port_stats kept; /* internal: what a device that it was on had told */
};

/* Traffic of a patch or tunnel port, credited from megaflows. Outlives changes of the port. */
struct patch_counter {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

struct mac_entry {
	struct hmap_node node; /* in br->macs, by vlan and address */
	uint8_t mac[6];
	uint16_t vlan;
	uint32_t port;    /* OpenFlow number */
	uint64_t used_ms; /* control thread */
};

LIST_HEAD(flow_timed, flow);

struct pl_bridge {
	struct pipeline *pl;
	struct hmap_node id_node; /* in pl->bridge_ids */
	uint32_t id;              /* 1 and up, never used again */
	char name[64];
	uint64_t dpid;
	struct flow_table tables[OF_TABLES];
	struct hmap ports;
	struct hmap macs;
	struct hmap groups, meters; /* workers, under RCU */
	struct flow_timed timed;
	_Atomic bool standalone;
	_Atomic bool miss_to_controller;
	_Atomic bool drop_fragments;
	bool closing;
	unsigned n_groups;         /* control: without those that have ended */
	unsigned n_monitors;       /* pl_bridge_monitor() */
	bool learn_flush_due;      /* learn.h: */
	struct hmap learn_cookies; /* struct learn_cookie */
	unsigned mac_aging_s, mac_max;
	uint64_t gone_version; /* from which on no translation can have found it */
	bool unreachable;      /* those from before have all come to their end */
	LIST_ENTRY(pl_bridge) link;
};

/* Under RCU. */
const struct pl_port *bridge_port(const struct pl_bridge *br, uint32_t number);
const struct pl_port *bridge_patch_peer(const struct pl_port *port);
const struct mac_entry *bridge_mac(const struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6]);

/* True if the port carries the VLAN (0: untagged traffic of a trunk). */
bool port_carries_vlan(const struct pl_port *port, uint16_t vlan);

/* Control thread: a station was seen. Makes megaflows that knew better be translated again. */
void bridge_mac_learn(struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6], uint32_t port);
void bridge_mac_expire(struct pl_bridge *br, uint64_t now_ms);
void bridge_mac_flush_port(struct pl_bridge *br, uint32_t port);
void bridge_mac_destroy(struct pl_bridge *br);

/* Frees a bridge that nothing refers to any more. */
void bridge_free(struct pl_bridge *br);

/* A flow's last reference is gone: its counters are final. */
void bridge_flow_gone(struct pl_bridge *br, struct flow *f);

/* Takes a flow out of its table; what depended on it is translated again by the caller. */
void bridge_flow_expire(struct pl_bridge *br, uint64_t now_ms);

void flow_to_stats(const struct flow *f, uint64_t now_ms, struct of_flow_stats *fs);

#endif
