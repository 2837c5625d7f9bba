/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/bridge.h"

#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/group.h"
#include "ofctl/pipeline/meter.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"

LOG_DEFINE(bridge);

struct pl_bridge *pipeline_bridge_add(struct pipeline *pl, const char *name, uint64_t dpid)
{
	struct pl_bridge *br = calloc(1, sizeof(*br));

	if (!br)
		return NULL;
	br->pl = pl;
	br->id = ++pl->next_bridge_id;
	br->dpid = dpid;
	snprintf(br->name, sizeof(br->name), "%s", name);
	for (unsigned i = 0; i < OF_TABLES; i++)
		flow_table_init(&br->tables[i]);
	hmap_init(&br->ports);
	hmap_init(&br->macs);
	hmap_init(&br->groups);
	hmap_init(&br->meters);
	hmap_init(&br->learn_cookies);
	LIST_INIT(&br->timed);
	pl_bridge_set_mac_aging(br, 0, 0);
	if (hmap_insert(&pl->bridge_ids, &br->id_node, hash_mix(br->id))) {
		free(br);
		return NULL;
	}
	LIST_INSERT_HEAD(&pl->bridges, br, link);
	return br;
}

struct pl_bridge *pipeline_bridge_by_id(struct pipeline *pl, uint32_t id)
{
	HMAP_FOR_EACH_HASH (br, struct pl_bridge, id_node, hash_mix(id), &pl->bridge_ids)
		if (br->id == id)
			return br;
	return NULL;
}

static void set_unreachable(void *arg)
{
	struct pl_bridge *br = arg;

	br->unreachable = true;
}

void pipeline_bridge_remove(struct pipeline *pl, struct pl_bridge *br)
{
	struct dep_key key = dep_key_bridge(br, DEP_BRIDGE);

	br->closing = true;
	pipeline_change_begin(pl);
	HMAP_FOR_EACH (p, struct pl_port, node, &br->ports)
		pl_port_remove(br, p->cfg.number);
	pl_flow_flush(br);
	bridge_groups_clear(br);
	bridge_meters_clear(br);
	bridge_mac_destroy(br);
	pipeline_changed_dep(pl, &key);
	LIST_REMOVE(br, link);
	hmap_remove(&pl->bridge_ids, &br->id_node);
	pipeline_change_end(pl);
	/* Megaflows made before now may still credit it. */
	br->gone_version = atomic_load(&pl->version);
	LIST_INSERT_HEAD(&pl->gone_bridges, br, link);
	rcu_defer(set_unreachable, br);
}

void bridge_free(struct pl_bridge *br)
{
	for (unsigned i = 0; i < OF_TABLES; i++)
		flow_table_destroy(&br->tables[i]);
	hmap_destroy(&br->ports);
	hmap_destroy(&br->macs);
	hmap_destroy(&br->groups);
	hmap_destroy(&br->meters);
	learn_destroy(br);
	free(br);
}

struct pl_bridge *pipeline_bridge_find(struct pipeline *pl, const char *name)
{
	struct pl_bridge *br;

	LIST_FOREACH (br, &pl->bridges, link)
		if (!strcmp(br->name, name))
			return br;
	return NULL;
}

void pipeline_bridges(struct pipeline *pl, void (*cb)(void *ctx, struct pl_bridge *br), void *ctx)
{
	struct pl_bridge *br, *next;

	for (br = LIST_FIRST(&pl->bridges); br; br = next) {
		next = LIST_NEXT(br, link);
		cb(ctx, br);
	}
}

const char *pl_bridge_name(const struct pl_bridge *br)
{
	return br->name;
}

uint64_t pl_bridge_dpid(const struct pl_bridge *br)
{
	return br->dpid;
}

void pl_bridge_set_dpid(struct pl_bridge *br, uint64_t dpid)
{
	br->dpid = dpid;
}

static void set_flag(struct pl_bridge *br, _Atomic bool *flag, bool on)
{
	struct dep_key key = dep_key_bridge(br, DEP_BRIDGE);

	if (atomic_load(flag) == on)
		return;
	pipeline_change_begin(br->pl);
	atomic_store(flag, on);
	pipeline_changed_dep(br->pl, &key);
	pipeline_change_end(br->pl);
}

void pl_bridge_set_standalone(struct pl_bridge *br, bool on)
{
	set_flag(br, &br->standalone, on);
}

void pl_bridge_set_table(struct pl_bridge *br, uint8_t table, const char *name, uint64_t limit)
{
	struct flow_table *t = &br->tables[table];

	snprintf(t->name, sizeof(t->name), "%s", name ? name : "");
	t->limit = limit > PL_FLOWS_MAX ? PL_FLOWS_MAX : (uint32_t)limit;
}

void pl_bridge_set_table_miss(struct pl_bridge *br, bool to_controller)
{
	set_flag(br, &br->miss_to_controller, to_controller);
}

void pl_bridge_set_drop_fragments(struct pl_bridge *br, bool on)
{
	set_flag(br, &br->drop_fragments, on);
}
