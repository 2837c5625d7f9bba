/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables: what messages change in them. Readers see an entry whole or not at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/neighbour.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "ofctl/host/host_priv.h"

LOG_DEFINE(host);

/* The first change of a batch: from here on readers may see half of it. */
static void begin(struct host *h)
{
	if (h->changing)
		return;
	h->changing = true;
	if (h->ops.begin)
		h->ops.begin(h->ops.ctx);
}

static void routes_change(struct host *h)
{
	begin(h);
	h->routes_dirty = true;
}

void host_batch_end(struct host *h)
{
	if (!h->changing)
		return;
	if (h->routes_dirty && h->ops.routes_changed)
		h->ops.routes_changed(h->ops.ctx);
	h->changing = h->routes_dirty = false;
	if (h->ops.end)
		h->ops.end(h->ops.ctx);
}

static void no_memory(const char *what)
{
	log_err("no memory for %s: it will not be known", what);
}

/* ---- netdevs ---- */

static struct link_entry *find_link(const struct host *h, uint32_t ifindex)
{
	HMAP_FOR_EACH_HASH (l, struct link_entry, node, hash_mix(ifindex), &h->links)
		if (l->link.ifindex == ifindex)
			return l;
	return NULL;
}

static void drop_link(struct host *h, struct link_entry *l)
{
	routes_change(h);
	hmap_remove(&h->links, &l->node);
	rcu_defer(free, l);
	h->reread = true;
}

static bool same_link(const struct host_link *a, const struct host_link *b)
{
	return !strcmp(a->name, b->name) && !memcmp(a->mac, b->mac, 6) && a->mtu == b->mtu &&
	       a->admin_up == b->admin_up && a->link_up == b->link_up;
}

static void apply_link(struct host *h, const struct host_event *e)
{
	struct link_entry *old = find_link(h, e->link.ifindex), *l;

	if (e->gone) {
		if (old)
			drop_link(h, old);
		return;
	}
	if (old && same_link(&old->link, &e->link)) {
		old->seen = true;
		return;
	}
	l = malloc(sizeof(*l));
	if (!l) {
		no_memory(e->link.name);
		return;
	}
	*l = (struct link_entry){.link = e->link, .seen = true};
	routes_change(h);
	if (!old) {
		if (hmap_insert(&h->links, &l->node, hash_mix(l->link.ifindex))) {
			no_memory(l->link.name);
			free(l);
		}
		return;
	}
	/* The kernel drops the routes of a netdev that goes down, and does not say so. */
	h->reread |= old->link.admin_up && !l->link.admin_up;
	hmap_replace(&h->links, &old->node, &l->node);
	rcu_defer(free, old);
}

/* ---- addresses ---- */

static uint32_t address_hash(const struct host_address *a)
{
	return (uint32_t)host_neighbour_id(a, 0);
}

static void drop_local(struct host *h, struct local_entry *l)
{
	routes_change(h);
	hmap_remove(&h->locals, &l->node);
	rcu_defer(free, l);
	h->reread = true; /* routes that preferred it may be gone, too */
}

static void apply_local(struct host *h, const struct host_event *e)
{
	const struct host_local *n = &e->local;
	struct local_entry *old = NULL, *l;

	HMAP_FOR_EACH_HASH (i, struct local_entry, node, address_hash(&n->addr), &h->locals)
		if (host_address_equal(&i->local.addr, &n->addr) && i->local.ifindex == n->ifindex)
			old = i;
	if (e->gone) {
		if (old)
			drop_local(h, old);
		return;
	}
	if (old && old->local.prefix_len == n->prefix_len) {
		old->seen = true;
		return;
	}
	l = malloc(sizeof(*l));
	if (!l) {
		no_memory("an address");
		return;
	}
	*l = (struct local_entry){.local = *n, .order = ++h->order, .seen = true};
	routes_change(h);
	if (old) {
		hmap_replace(&h->locals, &old->node, &l->node);
		rcu_defer(free, old);
	} else if (hmap_insert(&h->locals, &l->node, address_hash(&n->addr))) {
		no_memory("an address");
		free(l);
	}
}

/* ---- routes ---- */

uint32_t host_prefix_hash(const struct host_address *prefix, uint8_t len)
{
	return (uint32_t)host_neighbour_id(prefix, len);
}

void host_prefix_mask(struct host_address *a, uint8_t len)
{
	unsigned whole = len / 8;

	if (whole >= sizeof(a->bytes))
		return;
	a->bytes[whole] &= (uint8_t)(0xff00 >> (len % 8));
	memset(a->bytes + whole + 1, 0, sizeof(a->bytes) - whole - 1);
}

static _Atomic uint32_t *length_count(struct host *h, const struct host_route *r)
{
	return &h->n_routes[r->prefix.version == 6][r->prefix_len];
}

static void drop_route(struct host *h, struct route_entry *r)
{
	routes_change(h);
	hmap_remove(&h->routes, &r->node);
	atomic_fetch_sub(length_count(h, &r->route), 1);
	rcu_defer(free, r);
}

static bool same_rank(const struct host_route *a, const struct host_route *b)
{
	return a->prefix_len == b->prefix_len && a->metric == b->metric &&
	       host_address_equal(&a->prefix, &b->prefix);
}

static bool same_route(const struct host_route *a, const struct host_route *b)
{
	return same_rank(a, b) && a->type == b->type && a->ifindex == b->ifindex &&
	       host_address_equal(&a->gateway, &b->gateway) &&
	       host_address_equal(&a->source, &b->source);
}

static void add_route(struct host *h, const struct host_route *n)
{
	struct route_entry *r = malloc(sizeof(*r));

	if (!r) {
		no_memory("a route");
		return;
	}
	*r = (struct route_entry){.route = *n, .order = ++h->order, .seen = true};
	routes_change(h);
	if (hmap_insert(&h->routes, &r->node, host_prefix_hash(&n->prefix, n->prefix_len))) {
		no_memory("a route");
		free(r);
		return;
	}
	atomic_fetch_add(length_count(h, n), 1);
}

static void apply_route(struct host *h, const struct host_event *e)
{
	const struct host_route *n = &e->route;
	uint32_t hash = host_prefix_hash(&n->prefix, n->prefix_len);
	struct route_entry *same = NULL, *first = NULL;

	HMAP_FOR_EACH_HASH (i, struct route_entry, node, hash, &h->routes) {
		if (!same && same_route(&i->route, n))
			same = i;
		if (same_rank(&i->route, n) && (!first || i->order < first->order))
			first = i;
	}
	if (e->gone) {
		if (same)
			drop_route(h, same);
		else if (first)
			h->reread = true; /* of several next hops one went */
		return;
	}
	if (e->replaces && first && first != same)
		drop_route(h, first);
	if (same)
		same->seen = true;
	else
		add_route(h, n);
}

/* ---- neighbours ---- */

const struct near_entry *host_near_find(
	const struct host *h, const struct host_address *a, uint32_t ifindex)
{
	HMAP_FOR_EACH_HASH (n, struct near_entry, node, host_near_hash(a, ifindex), &h->nears)
		if (n->near.ifindex == ifindex && host_address_equal(&n->near.addr, a))
			return n;
	return NULL;
}

static void near_change(struct host *h, const struct host_near *n)
{
	begin(h);
	if (h->ops.neighbour_changed)
		h->ops.neighbour_changed(h->ops.ctx, host_neighbour_id(&n->addr, n->ifindex));
}

static void drop_near(struct host *h, struct near_entry *n)
{
	near_change(h, &n->near);
	hmap_remove(&h->nears, &n->node);
	rcu_defer(free, n);
}

static void apply_near(struct host *h, const struct host_event *e)
{
	const struct host_near *n = &e->near;
	struct near_entry *old =
		(struct near_entry *)(uintptr_t)host_near_find(h, &n->addr, n->ifindex);
	struct near_entry *new;

	if (e->gone) {
		if (old)
			drop_near(h, old);
		return;
	}
	if (old && !memcmp(old->near.mac, n->mac, 6)) {
		old->near.state = n->state; /* no reader looks at it */
		old->seen = true;
		return;
	}
	new = malloc(sizeof(*new));
	if (!new) {
		no_memory("a neighbour");
		return;
	}
	*new = (struct near_entry){.near = *n, .seen = true};
	near_change(h, n);
	if (old) {
		hmap_replace(&h->nears, &old->node, &new->node);
		rcu_defer(free, old);
	} else if (hmap_insert(&h->nears, &new->node, host_near_hash(&n->addr, n->ifindex))) {
		no_memory("a neighbour");
		free(new);
	}
}

/* ---- all ---- */

void host_apply(struct host *h, const struct host_event *e)
{
	switch (e->type) {
	case HOST_LINK:
		apply_link(h, e);
		break;
	case HOST_LOCAL:
		apply_local(h, e);
		break;
	case HOST_ROUTE:
		apply_route(h, e);
		break;
	case HOST_NEAR:
		apply_near(h, e);
		break;
	}
}

void host_mark(struct host *h, enum host_event_type type)
{
	switch (type) {
	case HOST_LINK:
		HMAP_FOR_EACH (l, struct link_entry, node, &h->links)
			l->seen = false;
		break;
	case HOST_LOCAL:
		HMAP_FOR_EACH (l, struct local_entry, node, &h->locals)
			l->seen = false;
		break;
	case HOST_ROUTE:
		HMAP_FOR_EACH (r, struct route_entry, node, &h->routes)
			r->seen = false;
		break;
	case HOST_NEAR:
		HMAP_FOR_EACH (n, struct near_entry, node, &h->nears)
			n->seen = false;
		break;
	}
}

void host_sweep(struct host *h, enum host_event_type type)
{
	switch (type) {
	case HOST_LINK:
		HMAP_FOR_EACH (l, struct link_entry, node, &h->links)
			if (!l->seen)
				drop_link(h, l);
		break;
	case HOST_LOCAL:
		HMAP_FOR_EACH (l, struct local_entry, node, &h->locals)
			if (!l->seen)
				drop_local(h, l);
		break;
	case HOST_ROUTE:
		HMAP_FOR_EACH (r, struct route_entry, node, &h->routes)
			if (!r->seen)
				drop_route(h, r);
		break;
	case HOST_NEAR:
		HMAP_FOR_EACH (n, struct near_entry, node, &h->nears)
			if (!n->seen)
				drop_near(h, n);
		break;
	}
}

void host_tables_clear(struct host *h)
{
	for (enum host_event_type t = HOST_LINK; t <= HOST_NEAR; t++) {
		host_mark(h, t);
		host_sweep(h, t);
	}
	hmap_destroy(&h->links);
	hmap_destroy(&h->locals);
	hmap_destroy(&h->routes);
	hmap_destroy(&h->nears);
}
