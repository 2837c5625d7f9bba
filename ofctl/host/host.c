/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's side: dumps, notifications, and requests to find neighbours.
 */
#include "ofctl/host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "hal/base/log.h"
#include "ofctl/host/host_priv.h"
#include "swpath/port/rtnl.h"

LOG_DEFINE(host_netlink);

#define BATCH 64 /* datagrams of a run of the loop: others get their turn */
#define TICK_MS 1000
#define DUMP_ATTEMPTS 10
#define ASKED_MAX 1024 /* neighbours asked for at the same time */

/* ---- messages ---- */

unsigned host_feed(struct host *h, const void *messages, size_t len)
{
	const struct nlmsghdr *nlh = messages;
	unsigned malformed = 0;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		struct host_event e;
		int rc = host_parse(nlh, &e);

		if (!rc)
			host_apply(h, &e);
		malformed += rc == -EINVAL;
	}
	host_batch_end(h);
	return malformed;
}

/* ---- dumps ---- */

static int take_dumped(const struct nlmsghdr *nlh, void *ctx)
{
	struct host_event e;

	if (!host_parse(nlh, &e) && !e.gone) {
		e.replaces = false;
		host_apply(ctx, &e);
	}
	return 0;
}

static int dump(struct host *h, uint16_t type, enum host_event_type what)
{
	int rc = -EINTR;

	for (unsigned i = 0; i < DUMP_ATTEMPTS && rc == -EINTR; i++) {
		_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
		struct nlmsghdr *nlh = swpath_rtnl_begin(buf, type, NLM_F_DUMP);

		/* Long enough for the header of any of these requests: all begin with a family. */
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
		host_mark(h, what);
		rc = swpath_rtnl_request(nlh, take_dumped, h, NULL, 0);
	}
	if (!rc)
		host_sweep(h, what);
	return rc;
}

static int dump_all(struct host *h)
{
	static const struct {
		uint16_t type;
		enum host_event_type what;
	} dumps[] = {{RTM_GETLINK, HOST_LINK}, {RTM_GETADDR, HOST_LOCAL},
		{RTM_GETROUTE, HOST_ROUTE}, {RTM_GETNEIGH, HOST_NEAR}};
	int rc = 0;

	for (unsigned i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && !rc; i++)
		rc = dump(h, dumps[i].type, dumps[i].what);
	h->reread = false;
	host_batch_end(h);
	if (rc)
		log_err("reading the host's routes failed: %s", strerror(-rc));
	return rc;
}

/* ---- notifications ---- */

/* What is still queued is older than what a dump shows now. */
static void recover(struct host *h)
{
	char byte;

	while (recv(mnl_socket_get_fd(h->sock), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
		errno == EINTR || errno == ENOBUFS)
		continue;
	dump_all(h);
}

/* False: nothing is left to be read. */
static bool receive(struct host *h)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	struct sockaddr_nl from = {0};
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got = recvmsg(mnl_socket_get_fd(h->sock), &msg, MSG_DONTWAIT);
	unsigned malformed;

	if (got < 0 && errno != ENOBUFS)
		return errno == EINTR;
	if (got < 0 || msg.msg_flags & MSG_TRUNC) {
		log_info("messages about routes were lost, reading all again");
		recover(h);
		return true;
	}
	/* Only the kernel is believed. */
	if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
		return true;
	malformed = host_feed(h, buf, (size_t)got);
	if (malformed)
		log_warn("%u malformed messages about routes", malformed);
	return true;
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct host *h = ctx;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < BATCH && receive(h); i++)
		continue;
	if (!h->reread)
		return;
	h->reread = false;
	if (dump(h, RTM_GETROUTE, HOST_ROUTE))
		h->reread = true;
	host_batch_end(h);
}

/* ---- neighbours ---- */

/* The kernel sends a request for the address, or confirms the one that it has. */
static void ask(struct host *h, const struct host_address *addr, uint32_t ifindex)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_NEWNEIGH, NLM_F_CREATE);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	char answer[1024];

	ndm->ndm_family = addr->version == 4 ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_state = NUD_NONE;
	ndm->ndm_flags = NTF_USE;
	mnl_attr_put(nlh, NDA_DST, addr->version == 4 ? 4 : 16, addr->bytes);
	/* Errors of former requests: a netdev that is gone, too many neighbours. They are asked for
	 * again anyway. */
	while (recv(mnl_socket_get_fd(h->ask), answer, sizeof(answer), MSG_DONTWAIT) >= 0)
		continue;
	if (mnl_socket_sendto(h->ask, nlh, nlh->nlmsg_len) < 0)
		log_dbg("asking for a neighbour failed: %s", strerror(errno));
}

void host_resolve(struct host *h, const struct host_address *addr, uint32_t ifindex)
{
	struct asked *a;
	unsigned n = 0;

	if (!h->ask || host_near_find(h, addr, ifindex))
		return;
	LIST_FOREACH (a, &h->asked, link) {
		if (a->ifindex == ifindex && host_address_equal(&a->addr, addr))
			return; /* the tick asks again */
		n++;
	}
	a = n < ASKED_MAX ? malloc(sizeof(*a)) : NULL;
	if (a) {
		a->addr = *addr;
		a->ifindex = ifindex;
		LIST_INSERT_HEAD(&h->asked, a, link);
	}
	ask(h, addr, ifindex);
}

static bool wanted(const struct host *h, const struct host_address *addr, uint32_t ifindex)
{
	return h->ops.neighbour_wanted &&
	       h->ops.neighbour_wanted(h->ops.ctx, host_neighbour_id(addr, ifindex));
}

/* The kernel does not see the packets that we send to a neighbour, so what it would do for its own
 * is done here: it asks again for those that did not answer, and confirms those that are old. */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct host *h = ctx;
	struct asked *a, *next;

	(void)fd;
	(void)what;
	for (a = LIST_FIRST(&h->asked); a; a = next) {
		next = LIST_NEXT(a, link);
		if (!host_near_find(h, &a->addr, a->ifindex) && wanted(h, &a->addr, a->ifindex)) {
			ask(h, &a->addr, a->ifindex);
			continue;
		}
		LIST_REMOVE(a, link);
		free(a);
	}
	HMAP_FOR_EACH (n, struct near_entry, node, &h->nears)
		if (n->near.state == NUD_STALE && wanted(h, &n->near.addr, n->near.ifindex))
			ask(h, &n->near.addr, n->near.ifindex);
}

/* ---- life ---- */

struct host *host_new(const struct host_ops *ops)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	if (ops)
		h->ops = *ops;
	hmap_init(&h->links);
	hmap_init(&h->locals);
	hmap_init(&h->routes);
	hmap_init(&h->nears);
	LIST_INIT(&h->asked);
	return h;
}

static int subscribe(struct mnl_socket *sock)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
				RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	int size = 1 << 20, fd = mnl_socket_get_fd(sock);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return mnl_socket_bind(sock, groups, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static int open_sockets(struct host *h, struct event_base *base)
{
	struct timeval interval = {TICK_MS / 1000, TICK_MS % 1000 * 1000};
	int rc;

	h->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	h->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!h->sock || !h->ask)
		return -errno;
	rc = subscribe(h->sock);
	if (!rc && mnl_socket_bind(h->ask, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	if (rc)
		return rc;
	h->event = event_new(base, mnl_socket_get_fd(h->sock), EV_READ | EV_PERSIST, readable, h);
	h->tick = event_new(base, -1, EV_PERSIST, on_tick, h);
	if (!h->event || !h->tick || event_add(h->event, NULL) || event_add(h->tick, &interval))
		return -ENOMEM;
	return 0;
}

int host_open(struct event_base *base, const struct host_ops *ops, struct host **out)
{
	struct host *h = host_new(ops);
	int rc;

	if (!h)
		return -ENOMEM;
	rc = open_sockets(h, base);
	if (!rc)
		rc = dump_all(h);
	if (rc) {
		host_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

void host_close(struct host *h)
{
	struct asked *a;

	h->ops = (struct host_ops){0};
	if (h->event)
		event_free(h->event);
	if (h->tick)
		event_free(h->tick);
	if (h->sock)
		mnl_socket_close(h->sock);
	if (h->ask)
		mnl_socket_close(h->ask);
	while ((a = LIST_FIRST(&h->asked))) {
		LIST_REMOVE(a, link);
		free(a);
	}
	host_tables_clear(h);
	free(h);
}
