/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 *
 * Entries are immutable once readers can find them: what changes is replaced.
 */
#ifndef SLUICE_OFCTL_HOST_PRIV_H
#define SLUICE_OFCTL_HOST_PRIV_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "hal/base/hmap.h"
#include "ofctl/host/host.h"

struct event;
struct mnl_socket;

/* What an rtnetlink message says. */
struct host_link {
	uint32_t ifindex;
	char name[16];
	uint8_t mac[6];
	uint32_t mtu;
	bool admin_up, link_up;
};

struct host_local {
	struct host_address addr;
	uint8_t prefix_len;
	uint32_t ifindex;
};

struct host_route {
	struct host_address prefix; /* version is always set */
	uint8_t prefix_len;
	uint8_t type; /* RTN_* */
	uint32_t metric;
	uint32_t ifindex; /* 0 for those that lead nowhere */
	struct host_address gateway, source;
};

struct host_near {
	struct host_address addr;
	uint32_t ifindex;
	uint8_t mac[6];
	uint16_t state; /* NUD_* */
};

enum host_event_type { HOST_LINK, HOST_LOCAL, HOST_ROUTE, HOST_NEAR };

struct host_event {
	enum host_event_type type;
	bool gone;
	bool replaces; /* ROUTE: in the place of another to the same prefix with the same metric */
	union {
		struct host_link link;
		struct host_local local;
		struct host_route route;
		struct host_near near;
	};
};

/* parse.c: 0; -EINVAL if it is malformed; -EAGAIN if it is about nothing that concerns us. The
 * bytes up to the next multiple of 4 after the message must be readable. */
int host_parse(const struct nlmsghdr *nlh, struct host_event *out);

struct link_entry {
	struct hmap_node node;
	struct host_link link;
	bool seen; /* in the dump under way; of all entries the control thread's */
};
struct local_entry {
	struct hmap_node node;
	struct host_local local;
	uint64_t order; /* in which they came: the first is preferred */
	bool seen;
};
struct route_entry {
	struct hmap_node node;
	struct host_route route;
	uint64_t order;
	bool seen;
};
struct near_entry {
	struct hmap_node node;
	struct host_near near;
	bool seen;
};

/* A neighbour that was asked for and is not known. */
struct asked {
	LIST_ENTRY(asked) link;
	struct host_address addr;
	uint32_t ifindex;
};

struct host {
	struct host_ops ops;
	struct hmap links;                 /* by ifindex */
	struct hmap locals;                /* by address */
	struct hmap routes;                /* by prefix and length */
	struct hmap nears;                 /* by address and netdev */
	_Atomic uint32_t n_routes[2][129]; /* of each length: IPv4, IPv6 */
	uint64_t order;
	bool changing, routes_dirty; /* in this batch of messages */
	bool reread;                 /* the kernel dropped routes without a word */
	LIST_HEAD(, asked) asked;
	struct mnl_socket *sock, *ask;
	struct event *event, *tick;
};

uint32_t host_prefix_hash(const struct host_address *prefix, uint8_t len);
void host_prefix_mask(struct host_address *a, uint8_t len);
static inline uint32_t host_near_hash(const struct host_address *a, uint32_t ifindex)
{
	return (uint32_t)host_neighbour_id(a, ifindex);
}

/* table.c: control thread */
void host_apply(struct host *h, const struct host_event *e);
void host_batch_end(struct host *h);
void host_mark(struct host *h, enum host_event_type type);  /* nothing of it was seen yet */
void host_sweep(struct host *h, enum host_event_type type); /* drops what was not */
void host_tables_clear(struct host *h);
const struct near_entry *host_near_find(
	const struct host *h, const struct host_address *a, uint32_t ifindex);

#endif
