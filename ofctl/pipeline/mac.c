/* SPDX-License-Identifier: Apache-2.0
 *
 * MAC learning (IEEE 802.1Q, 8.7): stations by VLAN and address, with ageing.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/depend.h"

LOG_DEFINE(mac);

static uint32_t mac_hash(uint16_t vlan, const uint8_t mac[6])
{
	uint64_t x = vlan;

	for (int i = 0; i < 6; i++)
		x = x << 8 | mac[i];
	return hash_mix(x);
}

static struct mac_entry *find(const struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6])
{
	HMAP_FOR_EACH_HASH (e, struct mac_entry, node, mac_hash(vlan, mac), &br->macs)
		if (e->vlan == vlan && !memcmp(e->mac, mac, 6))
			return e;
	return NULL;
}

const struct mac_entry *bridge_mac(const struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6])
{
	return find(br, vlan, mac);
}

/* The station that was not seen for longest, to make room. */
static struct mac_entry *oldest(const struct pl_bridge *br)
{
	struct mac_entry *old = NULL;

	HMAP_FOR_EACH (e, struct mac_entry, node, &br->macs)
		if (!old || e->used_ms < old->used_ms)
			old = e;
	return old;
}

static void forget(struct pl_bridge *br, struct mac_entry *e)
{
	struct dep_key key = dep_key_mac(br, e->vlan, e->mac);

	hmap_remove(&br->macs, &e->node);
	pipeline_changed_dep(br->pl, &key);
	rcu_defer(free, e);
}

void bridge_mac_learn(struct pl_bridge *br, uint16_t vlan, const uint8_t mac[6], uint32_t port)
{
	struct mac_entry *old = find(br, vlan, mac), *e;
	struct dep_key key = dep_key_mac(br, vlan, mac);

	if (old && old->port == port) {
		old->used_ms = clock_ms();
		return;
	}
	if (!bridge_port(br, port))
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	memcpy(e->mac, mac, 6);
	e->vlan = vlan;
	e->port = port;
	e->used_ms = clock_ms();
	if (old) {
		hmap_replace(&br->macs, &old->node, &e->node);
		rcu_defer(free, old);
	} else {
		if (hmap_count(&br->macs) >= br->mac_max)
			forget(br, oldest(br));
		if (hmap_insert(&br->macs, &e->node, mac_hash(vlan, mac))) {
			free(e);
			return;
		}
	}
	log_dbg("%s: %02x:%02x:%02x:%02x:%02x:%02x in VLAN %u is behind port %u", br->name, mac[0],
		mac[1], mac[2], mac[3], mac[4], mac[5], vlan, port);
	pipeline_changed_dep(br->pl, &key);
}

void bridge_mac_expire(struct pl_bridge *br, uint64_t now_ms)
{
	HMAP_FOR_EACH (e, struct mac_entry, node, &br->macs)
		if (now_ms > e->used_ms && now_ms - e->used_ms > br->mac_aging_s * 1000ull)
			forget(br, e);
}

void bridge_mac_flush_port(struct pl_bridge *br, uint32_t port)
{
	HMAP_FOR_EACH (e, struct mac_entry, node, &br->macs)
		if (port == OF_PORT_ANY || e->port == port)
			forget(br, e);
}

void bridge_mac_destroy(struct pl_bridge *br)
{
	HMAP_FOR_EACH (e, struct mac_entry, node, &br->macs) {
		hmap_remove(&br->macs, &e->node);
		rcu_defer(free, e);
	}
}

void pl_bridge_set_mac_aging(struct pl_bridge *br, unsigned seconds, unsigned max_entries)
{
	br->mac_aging_s = seconds ? seconds : 300;
	br->mac_max = max_entries ? max_entries : 8192;
}

void pl_fdb_list(
	struct pl_bridge *br, void (*cb)(void *ctx, const struct pl_fdb_entry *e), void *ctx)
{
	uint64_t now = clock_ms();

	HMAP_FOR_EACH (e, struct mac_entry, node, &br->macs) {
		struct pl_fdb_entry out = {.port = e->port, .vlan = e->vlan};

		memcpy(out.mac, e->mac, 6);
		out.age_s = now > e->used_ms ? (unsigned)((now - e->used_ms) / 1000) : 0;
		cb(ctx, &out);
	}
}

void pl_fdb_flush(struct pl_bridge *br)
{
	pipeline_change_begin(br->pl);
	bridge_mac_flush_port(br, OF_PORT_ANY);
	pipeline_change_end(br->pl);
}
