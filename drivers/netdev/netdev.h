/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel network devices, as drivers whose ports they are deal with them.
 *
 * What: their names, counters and relations (link.c), the qdisc that filters at the ingress hang on
 * (qdisc.c), and netdevs of ours for packets that no rule took (miss.c).
 * Thread-safety: one thread at a time uses a channel.
 */
#ifndef SLUICE_DRIVERS_NETDEV_NETDEV_H
#define SLUICE_DRIVERS_NETDEV_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/netdev/channel.h"
#include "hal/port.h"
#include "hal/reason.h"

/* ---- link.c ---- */

struct netdev_switch_id {
	uint8_t len, id[32];
};

struct netdev_link {
	uint32_t ifindex, master; /* master 0: none */
	char name[IFNAMSIZ];
	bool is_bond, is_loopback;
	struct netdev_switch_id switch_id;
	uint32_t peer; /* of a veth: ifindex of its other end, 0: in another namespace */
	struct hal_port_stats stats;
};

/* 0 or -errno */
int netdev_link_get(struct netdev_channel *ch, uint32_t ifindex, struct netdev_link *out);
/* Calls back with the links whose master it is. 0 or -errno. */
int netdev_link_members(struct netdev_channel *ch, uint32_t master,
	void (*found)(void *ctx, const struct netdev_link *member), void *ctx);
/* What a message says, if it is about a link. */
bool netdev_link_take(struct netdev_link *out, struct nlmsghdr *h);
int netdev_link_up(struct netdev_channel *ch, uint32_t ifindex);

/* What the link counted since `base`. */
void netdev_stats_since(struct hal_port_stats *stats, const struct hal_port_stats *base);

/* ---- qdisc.c ---- */

/* Sees to it that the netdev has a clsact qdisc; *made: it had none. 0 or -errno with a reason. */
int netdev_qdisc_make(
	struct netdev_channel *ch, uint32_t ifindex, bool *made, struct hal_reason *r);
/* Takes it away if there is no filter left. */
void netdev_qdisc_drop(struct netdev_channel *ch, uint32_t ifindex);
/* The netdevs that have one: calls back with ifindexes. 0 or -errno. */
int netdev_qdisc_dump(
	struct netdev_channel *ch, int (*found)(void *ctx, uint32_t ifindex), void *ctx);

/* What a message says, if it is about a clsact qdisc: what `found` returns, or 0. */
int netdev_qdisc_take(struct nlmsghdr *h, int (*found)(void *ctx, uint32_t ifindex), void *ctx);

/* ---- miss.c ---- */

struct netdev_miss {
	int fd; /* the netdev lives as long as this, -1: none */
	uint32_t ifindex;
	char name[IFNAMSIZ];
};

/* A netdev for what no rule of the port takes. 0 or -errno with a reason. */
int netdev_miss_open(struct netdev_channel *ch, uint32_t port_ifindex, struct netdev_miss *miss,
	struct hal_reason *r);
void netdev_miss_close(struct netdev_miss *miss);

#endif
