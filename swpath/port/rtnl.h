/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the kernel's rtnetlink: links read and changed, and what TC needs.
 *
 * What: each call opens a socket of its own in the caller's network namespace, sends one request
 * and reads the answer.
 * Thread-safety: any thread; calls may take milliseconds.
 */
#ifndef SLUICE_SWPATH_PORT_RTNL_H
#define SLUICE_SWPATH_PORT_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "swpath/port/port.h"

/* Largest request that is built here, bytes. */
#define SWPATH_RTNL_BUF 1024

struct swpath_rtnl_link {
	struct swpath_link link;
	char kind[16];   /* "veth", "tun", ...; empty for hardware */
	char alias[256]; /* empty: none */
	bool ethernet;
	bool has_stats;
	uint64_t tx_dropped, rx_dropped;
};

/* Parses one RTM_NEWLINK or RTM_DELLINK. 0; -EINVAL if it is malformed; -EAGAIN if it is not about
 * the link itself (the bridge family sends messages of the same types). The bytes up to the next
 * multiple of 4 after the message must be readable. */
int swpath_rtnl_parse_link(const struct nlmsghdr *nlh, struct swpath_rtnl_link *out);

/* Starts a request in `buf` (SWPATH_RTNL_BUF bytes, aligned for a nlmsghdr). */
struct nlmsghdr *swpath_rtnl_begin(void *buf, uint16_t type, uint16_t flags);

/* Sends `nlh` and reads until its ACK, or the end of the dump; `cb` (may be NULL) sees each data
 * message, and ends the call by a negative return. 0 or -errno; the kernel's explanation, if it
 * gave one, in err (may be NULL). A dump that changed under way is -EINTR. */
typedef int swpath_rtnl_cb(const struct nlmsghdr *nlh, void *ctx);
int swpath_rtnl_request(struct nlmsghdr *nlh, swpath_rtnl_cb *cb, void *ctx, char *err, size_t n);

/* By name. 0, -ENODEV, or another -errno. */
int swpath_rtnl_get_link(const char *name, struct swpath_rtnl_link *out);

/* Calls `cb` for every link, all of one state: the dump is taken again when the links changed
 * meanwhile, so `begin` (may be NULL) is called before each attempt. 0 or -errno. */
typedef void swpath_rtnl_link_cb(void *ctx, const struct swpath_rtnl_link *link);
int swpath_rtnl_dump_links(void (*begin)(void *ctx), swpath_rtnl_link_cb *cb, void *ctx);

/* Changes to a link, 0 or -errno. */
int swpath_rtnl_set_admin(uint32_t ifindex, bool up);
int swpath_rtnl_set_mac(uint32_t ifindex, const uint8_t mac[6]);
int swpath_rtnl_set_mtu(uint32_t ifindex, uint32_t mtu);
int swpath_rtnl_set_alias(uint32_t ifindex, const char *alias);
int swpath_rtnl_delete_link(uint32_t ifindex);

/* Fills `out` for the netdev `name` (port status); `driver` has room for 32 bytes and lives as long
 * as *out is used. 0, or -ENODEV with out->exists false. */
int swpath_rtnl_status(const char *name, struct swpath_port_status *out, char driver[32]);

#endif
