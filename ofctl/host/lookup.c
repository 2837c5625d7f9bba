/* SPDX-License-Identifier: Apache-2.0
 *
 * What translation asks, under RCU; and what users ask.
 */
#include <arpa/inet.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "ofctl/host/host_priv.h"

bool host_address_equal(const struct host_address *a, const struct host_address *b)
{
	return a->version == b->version && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

struct host_address host_address_4(const void *bytes)
{
	struct host_address a = {.version = 4};

	memcpy(a.bytes, bytes, 4);
	return a;
}

struct host_address host_address_6(const void *bytes)
{
	struct host_address a = {.version = 6};

	memcpy(a.bytes, bytes, 16);
	return a;
}

bool host_address_parse(const char *text, struct host_address *out)
{
	*out = (struct host_address){.version = 4};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct host_address){.version = 6};
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

const char *host_address_text(const struct host_address *a, char text[HOST_ADDRESS_TEXT])
{
	text[0] = '\0';
	if (a->version)
		inet_ntop(a->version == 4 ? AF_INET : AF_INET6, a->bytes, text, HOST_ADDRESS_TEXT);
	return text;
}

uint64_t host_neighbour_id(const struct host_address *addr, uint32_t ifindex)
{
	uint64_t w[3] = {(uint64_t)addr->version << 32 | ifindex};

	memcpy(&w[1], addr->bytes, sizeof(addr->bytes));
	return (uint64_t)hash_bytes(w, sizeof(w), 1) << 32 | hash_bytes(w, sizeof(w), 2);
}

static const struct host_link *link_of(const struct host *h, uint32_t ifindex)
{
	HMAP_FOR_EACH_HASH (l, struct link_entry, node, hash_mix(ifindex), &h->links)
		if (l->link.ifindex == ifindex)
			return &l->link;
	return NULL;
}

static bool is_ours(const struct host *h, const struct host_address *a)
{
	HMAP_FOR_EACH_HASH (
		l, struct local_entry, node, (uint32_t)host_neighbour_id(a, 0), &h->locals)
		if (host_address_equal(&l->local.addr, a))
			return true;
	return false;
}

/* The best route to one prefix: the lowest metric, then the oldest. */
static const struct route_entry *best_of(
	const struct host *h, const struct host_address *prefix, uint8_t len)
{
	const struct route_entry *best = NULL;
	uint32_t hash = host_prefix_hash(prefix, len);

	HMAP_FOR_EACH_HASH (r, struct route_entry, node, hash, &h->routes) {
		if (r->route.prefix_len != len || !host_address_equal(&r->route.prefix, prefix))
			continue;
		if (!best || r->route.metric < best->route.metric ||
			(r->route.metric == best->route.metric && r->order < best->order))
			best = r;
	}
	return best;
}

static const struct host_route *longest_prefix(const struct host *h, const struct host_address *dst)
{
	const _Atomic uint32_t *count = h->n_routes[dst->version == 6];
	struct host_address prefix = *dst;

	for (int len = dst->version == 4 ? 32 : 128; len >= 0; len--) {
		const struct route_entry *r;

		if (!atomic_load_explicit(&count[len], memory_order_relaxed))
			continue;
		host_prefix_mask(&prefix, (uint8_t)len);
		r = best_of(h, &prefix, (uint8_t)len);
		if (r)
			return &r->route;
	}
	return NULL;
}

static bool is_link_local(const struct host_address *a)
{
	return a->version == 6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool covers(const struct host_local *l, const struct host_address *a)
{
	struct host_address mine = l->addr, other = *a;

	host_prefix_mask(&mine, l->prefix_len);
	host_prefix_mask(&other, l->prefix_len);
	return host_address_equal(&mine, &other);
}

/* Of the netdev's addresses the oldest, but before all one of the next hop's subnet. */
static struct host_address pick_source(const struct host *h, uint32_t ifindex,
	const struct host_address *next, const struct host_address *dst)
{
	const struct local_entry *best = NULL;
	bool best_covers = false;

	HMAP_FOR_EACH (l, struct local_entry, node, &h->locals) {
		bool c;

		if (l->local.ifindex != ifindex || l->local.addr.version != dst->version ||
			is_link_local(&l->local.addr) != is_link_local(dst))
			continue;
		c = covers(&l->local, next);
		if (!best || c > best_covers || (c == best_covers && l->order < best->order)) {
			best = l;
			best_covers = c;
		}
	}
	return best ? best->local.addr : (struct host_address){0};
}

bool host_route_lookup(const struct host *h, const struct host_address *dst, struct host_hop *out)
{
	const struct host_route *r;
	const struct host_link *l;

	*out = (struct host_hop){0};
	/* What is sent to ourselves does not leave. */
	if (!dst->version || is_ours(h, dst))
		return false;
	r = longest_prefix(h, dst);
	if (!r || r->type != RTN_UNICAST)
		return false;
	l = link_of(h, r->ifindex);
	if (!l || !l->admin_up)
		return false;
	out->ifindex = l->ifindex;
	memcpy(out->netdev, l->name, sizeof(out->netdev));
	memcpy(out->mac, l->mac, sizeof(out->mac));
	out->mtu = l->mtu;
	out->link_up = l->link_up;
	out->next = r->gateway.version ? r->gateway : *dst;
	out->source = r->source.version ? r->source : pick_source(h, r->ifindex, &out->next, dst);
	return out->source.version != 0;
}

bool host_neighbour(
	const struct host *h, const struct host_address *addr, uint32_t ifindex, uint8_t mac[6])
{
	const struct near_entry *n = host_near_find(h, addr, ifindex);

	if (n)
		memcpy(mac, n->near.mac, 6);
	return n != NULL;
}

bool host_has_address(
	const struct host *h, const struct host_address *addr, const char *netdev, uint8_t mac[6])
{
	HMAP_FOR_EACH_HASH (
		i, struct local_entry, node, (uint32_t)host_neighbour_id(addr, 0), &h->locals) {
		const struct host_link *l;

		if (!host_address_equal(&i->local.addr, addr))
			continue;
		l = link_of(h, i->local.ifindex);
		if (l && !strcmp(l->name, netdev)) {
			memcpy(mac, l->mac, 6);
			return true;
		}
	}
	return false;
}

/* ---- listings: control thread ---- */

static const char *name_of(const struct host *h, uint32_t ifindex)
{
	const struct host_link *l = link_of(h, ifindex);

	return l ? l->name : "";
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return "unicast";
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	default:
		return "other";
	}
}

void host_routes(
	const struct host *h, void (*cb)(void *ctx, const struct host_route_info *r), void *ctx)
{
	HMAP_FOR_EACH (r, struct route_entry, node, &h->routes)
		cb(ctx, &(struct host_route_info){.prefix = &r->route.prefix,
				.gateway = &r->route.gateway,
				.source = &r->route.source,
				.prefix_len = r->route.prefix_len,
				.metric = r->route.metric,
				.netdev = name_of(h, r->route.ifindex),
				.type = type_name(r->route.type)});
}

void host_addresses(const struct host *h,
	void (*cb)(void *ctx, const struct host_address *a, uint8_t prefix_len, const char *netdev),
	void *ctx)
{
	HMAP_FOR_EACH (l, struct local_entry, node, &h->locals)
		cb(ctx, &l->local.addr, l->local.prefix_len, name_of(h, l->local.ifindex));
}

void host_neighbours(const struct host *h,
	void (*cb)(
		void *ctx, const struct host_address *a, const uint8_t mac[6], const char *netdev),
	void *ctx)
{
	HMAP_FOR_EACH (n, struct near_entry, node, &h->nears)
		cb(ctx, &n->near.addr, n->near.mac, name_of(h, n->near.ifindex));
}
