/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's addresses, routes and neighbours: where a tunnel's packets go.
 *
 * What: what the kernel's main routing tables, its neighbour tables and its netdevs say, read at
 * start and followed over rtnetlink. Of routes to the same prefix the one with the lowest metric
 * counts, of several next hops the first; routing policy rules are not looked at.
 * Why: translation asks for every megaflow that leaves by a tunnel; it must not ask the kernel.
 * Thread-safety: the control thread feeds and changes it. Lookups are any thread's, under RCU.
 */
#ifndef SLUICE_OFCTL_HOST_HOST_H
#define SLUICE_OFCTL_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct host;
struct nlmsghdr;

/* An address of either family; unused bytes are 0, so that it can be compared and hashed whole. */
struct host_address {
	uint8_t version;   /* 4 or 6; 0: none */
	uint8_t bytes[16]; /* network order, IPv4 in the first 4 */
};

bool host_address_equal(const struct host_address *a, const struct host_address *b);
struct host_address host_address_4(const void *bytes);
struct host_address host_address_6(const void *bytes);
/* False if the text is no address. */
bool host_address_parse(const char *text, struct host_address *out);
#define HOST_ADDRESS_TEXT 46
const char *host_address_text(const struct host_address *a, char text[HOST_ADDRESS_TEXT]);

/* Called on the control thread. What readers see changes only between begin and end, which say in
 * between what it was. */
struct host_ops {
	void (*begin)(void *ctx);
	void (*routes_changed)(void *ctx); /* routes, addresses or netdevs */
	void (*neighbour_changed)(void *ctx, uint64_t id);
	void (*end)(void *ctx);
	/* Is somebody still interested in this neighbour? */
	bool (*neighbour_wanted)(void *ctx, uint64_t id);
	void *ctx;
};

/* Reads everything and follows it on the event loop. 0 or -errno. */
int host_open(struct event_base *base, const struct host_ops *ops, struct host **out);
void host_close(struct host *h);

/* ---- lookups ---- */

struct host_hop {
	uint32_t ifindex;
	char netdev[16];
	uint8_t mac[6]; /* of the netdev */
	uint32_t mtu;
	bool link_up;
	struct host_address next;   /* gateway, or the destination itself */
	struct host_address source; /* what the host would send from */
};

/* False: there is no route, or none that packets can take. A hop without any source address is
 * none. */
bool host_route_lookup(const struct host *h, const struct host_address *dst, struct host_hop *out);

/* The link-layer address of a neighbour, or false: it is not known (yet). */
bool host_neighbour(
	const struct host *h, const struct host_address *addr, uint32_t ifindex, uint8_t mac[6]);
/* Names a neighbour to host_ops; two may share one. */
uint64_t host_neighbour_id(const struct host_address *addr, uint32_t ifindex);

/* Is this an address of the netdev? Its own link-layer address comes with it. */
bool host_has_address(
	const struct host *h, const struct host_address *addr, const char *netdev, uint8_t mac[6]);

/* Control thread: asks the kernel to find a neighbour, now and again as long as it is wanted. */
void host_resolve(struct host *h, const struct host_address *addr, uint32_t ifindex);

/* ---- what users ask ---- */

struct host_route_info {
	const struct host_address *prefix, *gateway, *source; /* version 0: none */
	uint8_t prefix_len;
	uint32_t metric;
	const char *netdev;
	const char *type; /* "unicast", "blackhole", ... */
};
void host_routes(
	const struct host *h, void (*cb)(void *ctx, const struct host_route_info *r), void *ctx);
void host_addresses(const struct host *h,
	void (*cb)(void *ctx, const struct host_address *a, uint8_t prefix_len, const char *netdev),
	void *ctx);
void host_neighbours(const struct host *h,
	void (*cb)(
		void *ctx, const struct host_address *a, const uint8_t mac[6], const char *netdev),
	void *ctx);

/* ---- without a kernel ---- */

/* A host that hears only what host_feed() tells it. NULL: no memory. */
struct host *host_new(const struct host_ops *ops);

/* Takes rtnetlink messages, as the kernel sends them when something changes. Those that are
 * malformed are left out: the number of them is returned. */
unsigned host_feed(struct host *h, const void *messages, size_t len);

#endif
