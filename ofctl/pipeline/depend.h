/* SPDX-License-Identifier: Apache-2.0
 *
 * What a translation read, and which megaflows a change concerns.
 *
 * What: a megaflow carries a list of dependencies, each named by a struct dep_key: a flow that won
 * a lookup, a MAC entry (known or not), a port, the set of ports of a bridge. Table lookups are
 * kept as visits (the known bits of the key there, and the winner), against which a new flow is
 * compared.
 *
 * A change is made between pipeline_change_begin() and pipeline_change_end(). In between the
 * version is odd and workers do not cache what they translate; the changes are collected, and
 * _end() translates again exactly the megaflows that depended on one of them. _end_soon() does so
 * too, but where many megaflows depend on the change the rest is left for later turns of the event
 * loop: until then they do what was right before. A barrier waits for them.
 *
 * Thread-safety: control thread only. The version is read by workers.
 */
#ifndef SLUICE_OFCTL_PIPELINE_DEPEND_H
#define SLUICE_OFCTL_PIPELINE_DEPEND_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ofctl/pipeline/bridge.h"

enum dep_type {
	DEP_FLOW,
	DEP_MAC,
	DEP_PORT,
	DEP_LIVE, /* a: number of a port whose link may go up or down */
	DEP_PORT_SET,
	DEP_BRIDGE,
	DEP_GROUP,     /* a: its id */
	DEP_METER,     /* a: its id */
	DEP_ROUTE,     /* the host's routes and addresses, all of them */
	DEP_LEARN,     /* a: table and cookie of learned flows */
	DEP_NEIGHBOUR, /* a: of its address and netdev */
	DEP_TUNNELS    /* which tunnel ports there are, and the TLV table */
};

struct dep_key {
	uint32_t type;   /* enum dep_type */
	uint32_t bridge; /* id */
	uint64_t a;      /* flow: its address; MAC: VLAN and address; port: number */
};

static inline struct dep_key dep_key_mac(
	const struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6])
{
	uint64_t a = vlan;

	for (int i = 0; i < 6; i++)
		a = a << 8 | mac[i];
	return (struct dep_key){DEP_MAC, br->id, a};
}

static inline struct dep_key dep_key_port(const struct pl_bridge *br, uint32_t number)
{
	return (struct dep_key){DEP_PORT, br->id, number};
}

static inline struct dep_key dep_key_live(const struct pl_bridge *br, uint32_t number)
{
	return (struct dep_key){DEP_LIVE, br->id, number};
}

static inline struct dep_key dep_key_flow(const struct flow *f)
{
	return (struct dep_key){DEP_FLOW, f->br->id, (uint64_t)(uintptr_t)f};
}

static inline struct dep_key dep_key_bridge(const struct pl_bridge *br, enum dep_type type)
{
	return (struct dep_key){type, br->id, 0};
}

/* Of what belongs to no bridge. */
static inline struct dep_key dep_key_host(enum dep_type type, uint64_t a)
{
	return (struct dep_key){type, 0, a};
}

static inline bool dep_key_equal(const struct dep_key *a, const struct dep_key *b)
{
	return a->type == b->type && a->bridge == b->bridge && a->a == b->a;
}

static inline uint32_t dep_key_hash(const struct dep_key *k)
{
	return hash_mix(k->a * 31 + ((uint64_t)k->type << 56 ^ (uint64_t)k->bridge << 32));
}

/* Nest: only the outermost pair counts. */
void pipeline_change_begin(struct pipeline *pl);
void pipeline_change_end(struct pipeline *pl);
void pipeline_change_end_soon(struct pipeline *pl);

/* Inside a change: this was changed. */
void pipeline_changed_dep(struct pipeline *pl, const struct dep_key *key);
/* Does any megaflow depend on it? */
bool pipeline_has_dep(struct pipeline *pl, const struct dep_key *key);
void pipeline_changed_flow_added(struct pipeline *pl, struct flow *f);

#endif
