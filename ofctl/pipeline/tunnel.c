/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* ---- lookups ---- */

const struct pl_tunnel_end *tunnel_end(const struct pipeline *pl, uint32_t id)
{
	HMAP_FOR_EACH_HASH (e, struct pl_tunnel_end, node, hash_mix(id), &pl->tunnel_ends)
		if (e->id == id)
			return e;
	return NULL;
}

/* There are as many as the configuration has different UDP ports: a few. */
const struct pl_tunnel_end *tunnel_end_by_port(const struct pipeline *pl, uint16_t udp_dst)
{
	HMAP_FOR_EACH (e, struct pl_tunnel_end, node, &pl->tunnel_ends)
		if (e->udp_dst == udp_dst)
			return e;
	return NULL;
}

static unsigned kind_of(const struct pl_tunnel *t)
{
	return (t->local.version ? 0 : TUNNEL_ANY_LOCAL) |
	       (t->remote.version ? 0 : TUNNEL_ANY_REMOTE) | (t->in_key_flow ? TUNNEL_ANY_KEY : 0);
}

static uint32_t hash_of(uint32_t end, unsigned kind, const struct pl_tunnel_id *id)
{
	struct {
		uint32_t end, kind;
		uint64_t key;
		uint8_t remote[24], local[24];
	} h = {.end = end, .kind = kind};

	if (!(kind & TUNNEL_ANY_KEY))
		h.key = id->key;
	if (!(kind & TUNNEL_ANY_REMOTE))
		memcpy(h.remote, &id->remote, sizeof(id->remote));
	if (!(kind & TUNNEL_ANY_LOCAL))
		memcpy(h.local, &id->local, sizeof(id->local));
	return hash_bytes(&h, sizeof(h), 0);
}

static bool fits(
	const struct pl_port *p, uint32_t end, unsigned kind, const struct pl_tunnel_id *id)
{
	const struct pl_tunnel *t = &p->cfg.tunnel;

	return t->end == end && ((kind & TUNNEL_ANY_KEY) || t->in_key == id->key) &&
	       ((kind & TUNNEL_ANY_REMOTE) || host_address_equal(&t->remote, &id->remote)) &&
	       ((kind & TUNNEL_ANY_LOCAL) || host_address_equal(&t->local, &id->local));
}

const struct pl_port *tunnel_find(const struct pipeline *pl, const struct pl_tunnel_end *end,
	unsigned kind, const struct pl_tunnel_id *id)
{
	uint32_t hash = hash_of(end->id, kind, id);

	HMAP_FOR_EACH_HASH (p, struct pl_port, tunnel_node, hash, &pl->tunnels)
		if (kind_of(&p->cfg.tunnel) == kind && fits(p, end->id, kind, id))
			return p;
	return NULL;
}

const struct pl_port *tunnel_find_peer(const struct pipeline *pl, const struct pl_tunnel_end *end,
	unsigned kind, const struct pl_tunnel_id *id)
{
	uint32_t hash;

	kind |= TUNNEL_ANY_KEY;
	hash = hash_of(end->id, kind, id);
	HMAP_FOR_EACH_HASH (p, struct pl_port, peer_node, hash, &pl->tunnel_peers)
		if ((kind_of(&p->cfg.tunnel) | TUNNEL_ANY_KEY) == kind &&
			fits(p, end->id, kind, id))
			return p;
	return NULL;
}

static uint32_t name_hash(const char *name)
{
	return hash_bytes(name, strlen(name), 0);
}

const struct pl_port *internal_port(const struct pipeline *pl, const char *netdev)
{
	HMAP_FOR_EACH_HASH (p, struct pl_port, internal_node, name_hash(netdev), &pl->internals)
		if (!strcmp(p->cfg.name, netdev))
			return p;
	return NULL;
}

/* ---- changes ---- */

static void changed(struct pipeline *pl, enum dep_type type)
{
	struct dep_key key = dep_key_host(type, 0);

	pipeline_changed_dep(pl, &key);
}

static struct pl_tunnel_end *make_end(struct pipeline *pl, const struct pl_tunnel *t)
{
	struct pl_tunnel_end *e = (struct pl_tunnel_end *)(uintptr_t)tunnel_end(pl, t->end);

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->id = t->end;
	e->type = t->type;
	e->udp_dst = t->udp_dst;
	if (hmap_insert(&pl->tunnel_ends, &e->node, hash_mix(e->id))) {
		free(e);
		return NULL;
	}
	return e;
}

static void drop_end_if_unused(struct pipeline *pl, struct pl_tunnel_end *e)
{
	for (unsigned i = 0; i < TUNNEL_KINDS; i++)
		if (atomic_load(&e->n[i]))
			return;
	hmap_remove(&pl->tunnel_ends, &e->node);
	rcu_defer(free, e);
}

static struct pl_tunnel_id id_of(const struct pl_tunnel *t)
{
	return (struct pl_tunnel_id){.remote = t->remote, .local = t->local, .key = t->in_key};
}

static int publish_tunnel(struct pl_port *p)
{
	struct pipeline *pl = p->br->pl;
	const struct pl_tunnel *t = &p->cfg.tunnel;
	struct pl_tunnel_id id = id_of(t);
	unsigned kind = kind_of(t);
	struct pl_tunnel_end *e = make_end(pl, t);

	if (!e)
		return -ENOMEM;
	if (tunnel_find(pl, e, kind, &id))
		return -EEXIST;
	if (hmap_insert(&pl->tunnels, &p->tunnel_node, hash_of(e->id, kind, &id)))
		goto drop_end;
	if (hmap_insert(
		    &pl->tunnel_peers, &p->peer_node, hash_of(e->id, kind | TUNNEL_ANY_KEY, &id)))
		goto remove_tunnel;
	atomic_fetch_add(&e->n[kind], 1);
	atomic_fetch_add(&e->n_gbp, t->gbp);
	changed(pl, DEP_TUNNELS);
	return 0;

remove_tunnel:
	hmap_remove(&pl->tunnels, &p->tunnel_node);
drop_end:
	drop_end_if_unused(pl, e);
	return -ENOMEM;
}

int tunnel_publish(struct pl_port *p)
{
	struct pipeline *pl = p->br->pl;

	if (p->cfg.internal) {
		changed(pl, DEP_ROUTE);
		return hmap_insert(&pl->internals, &p->internal_node, name_hash(p->cfg.name));
	}
	return p->cfg.tunnel.on ? publish_tunnel(p) : 0;
}

void tunnel_unpublish(struct pl_port *p)
{
	struct pipeline *pl = p->br->pl;
	struct pl_tunnel_end *e;

	if (p->cfg.internal) {
		changed(pl, DEP_ROUTE);
		hmap_remove(&pl->internals, &p->internal_node);
	}
	if (!p->cfg.tunnel.on)
		return;
	hmap_remove(&pl->tunnels, &p->tunnel_node);
	hmap_remove(&pl->tunnel_peers, &p->peer_node);
	e = (struct pl_tunnel_end *)(uintptr_t)tunnel_end(pl, p->cfg.tunnel.end);
	atomic_fetch_sub(&e->n[kind_of(&p->cfg.tunnel)], 1);
	atomic_fetch_sub(&e->n_gbp, p->cfg.tunnel.gbp);
	drop_end_if_unused(pl, e);
	changed(pl, DEP_TUNNELS);
}

/* ---- the host ---- */

static void host_begin(void *ctx)
{
	pipeline_change_begin(ctx);
}

static void host_end(void *ctx)
{
	pipeline_change_end(ctx);
}

static void routes_changed(void *ctx)
{
	changed(ctx, DEP_ROUTE);
}

static void neighbour_changed(void *ctx, uint64_t id)
{
	struct dep_key key = dep_key_host(DEP_NEIGHBOUR, id);

	pipeline_changed_dep(ctx, &key);
}

static bool neighbour_wanted(void *ctx, uint64_t id)
{
	struct dep_key key = dep_key_host(DEP_NEIGHBOUR, id);

	return pipeline_has_dep(ctx, &key);
}

struct host_ops pipeline_host_ops(struct pipeline *pl)
{
	return (struct host_ops){.begin = host_begin,
		.routes_changed = routes_changed,
		.neighbour_changed = neighbour_changed,
		.end = host_end,
		.neighbour_wanted = neighbour_wanted,
		.ctx = pl};
}

void pipeline_set_host(struct pipeline *pl, struct host *host)
{
	pl->host = host;
}

void pipeline_tlv_change_begin(struct pipeline *pl)
{
	pipeline_change_begin(pl);
}

void pipeline_tlv_change_end(struct pipeline *pl)
{
	changed(pl, DEP_TUNNELS);
	pipeline_change_end(pl);
}

bool pl_tunnel_equal(const struct pl_tunnel *a, const struct pl_tunnel *b)
{
	return a->on == b->on && a->type == b->type && a->udp_dst == b->udp_dst &&
	       a->end == b->end && host_address_equal(&a->remote, &b->remote) &&
	       host_address_equal(&a->local, &b->local) && a->in_key_flow == b->in_key_flow &&
	       a->out_key_flow == b->out_key_flow && a->in_key == b->in_key &&
	       a->out_key == b->out_key && a->inherit_tos == b->inherit_tos &&
	       a->inherit_ttl == b->inherit_ttl && a->csum == b->csum && a->df == b->df &&
	       a->gbp == b->gbp && a->has_mark == b->has_mark && a->tos == b->tos &&
	       a->ttl == b->ttl && a->local_flow == b->local_flow && a->mark == b->mark;
}
