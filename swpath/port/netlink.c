/* SPDX-License-Identifier: Apache-2.0
 *
 * The link watcher: rtnetlink's link group on the control thread's event loop.
 *
 * What: a table of the links that were reported, so that what vanished while the kernel's queue
 * overflowed (ENOBUFS) can still be reported as gone after a dump.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <linux/rtnetlink.h>

#include "hal/base/log.h"
#include "swpath/port/rtnl.h"

LOG_DEFINE(netlink);

/* Messages read in one run of the loop: others get their turn. */
enum { BATCH = 64 };

struct known {
	struct swpath_link link;
	bool seen; /* in the dump under way */
};

struct swpath_netlink {
	struct mnl_socket *sock;
	struct event *event;
	swpath_link_cb *cb;
	void *ctx;
	struct known *known;
	size_t n_known, room;
};

static struct known *find(struct swpath_netlink *nl, uint32_t ifindex)
{
	for (size_t i = 0; i < nl->n_known; i++)
		if (nl->known[i].link.ifindex == ifindex)
			return &nl->known[i];
	return NULL;
}

static struct known *add(struct swpath_netlink *nl)
{
	if (nl->n_known == nl->room) {
		size_t room = nl->room ? nl->room * 2 : 16;
		struct known *more = realloc(nl->known, room * sizeof(*more));

		if (!more)
			return NULL;
		nl->known = more;
		nl->room = room;
	}
	return &nl->known[nl->n_known++];
}

static void report_gone(struct swpath_netlink *nl, struct known *k)
{
	struct swpath_link link = k->link;

	*k = nl->known[--nl->n_known];
	link.gone = true;
	link.admin_up = link.link_up = false;
	nl->cb(nl->ctx, &link);
}

static bool same_link(const struct swpath_link *a, const struct swpath_link *b)
{
	return strcmp(a->name, b->name) == 0 && a->mtu == b->mtu && a->admin_up == b->admin_up &&
	       a->link_up == b->link_up && memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static void link_seen(void *ctx, const struct swpath_rtnl_link *l)
{
	struct swpath_netlink *nl = ctx;
	struct known *k = find(nl, l->link.ifindex);

	if (k && same_link(&k->link, &l->link)) {
		k->seen = true;
		return;
	}
	if (!k)
		k = add(nl);
	if (k)
		*k = (struct known){l->link, true};
	else
		log_err("no memory for link %s: its going will not be noticed", l->link.name);
	nl->cb(nl->ctx, &l->link);
}

static void begin_dump(void *ctx)
{
	struct swpath_netlink *nl = ctx;

	for (size_t i = 0; i < nl->n_known; i++)
		nl->known[i].seen = false;
}

/* Brings the table up to date with a dump and reports every difference. */
static int resync(struct swpath_netlink *nl)
{
	int rc = swpath_rtnl_dump_links(begin_dump, link_seen, nl);

	if (rc < 0) {
		log_err("reading the links failed: %s", strerror(-rc));
		return rc;
	}
	for (size_t i = 0; i < nl->n_known;) {
		if (nl->known[i].seen)
			i++;
		else
			report_gone(nl, &nl->known[i]);
	}
	return 0;
}

static void take_message(struct swpath_netlink *nl, const struct nlmsghdr *nlh)
{
	struct swpath_rtnl_link l;
	struct known *k;
	int rc = swpath_rtnl_parse_link(nlh, &l);

	if (rc == -EINVAL)
		log_warn("malformed link message of type %u, %u bytes", nlh->nlmsg_type,
			nlh->nlmsg_len);
	if (rc < 0)
		return;
	if (!l.link.gone) {
		link_seen(nl, &l);
		return;
	}
	k = find(nl, l.link.ifindex);
	if (k)
		report_gone(nl, k);
}

/* Events were lost: those still queued are older than the links as a dump shows them, so they are
 * thrown away first. */
static void recover(struct swpath_netlink *nl)
{
	char byte;

	while (recv(mnl_socket_get_fd(nl->sock), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
		errno == ENOBUFS || errno == EINTR)
		continue;
	resync(nl);
}

/* True if there may be more. */
static bool receive(struct swpath_netlink *nl)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	struct sockaddr_nl from;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got = recvmsg(mnl_socket_get_fd(nl->sock), &msg, MSG_DONTWAIT);
	int len;

	if (got < 0) {
		if (errno == ENOBUFS) {
			log_info("link events were lost, reading all links again");
			recover(nl);
			return true;
		}
		return errno == EINTR;
	}
	/* Only the kernel is believed. */
	if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
		return true;
	if (msg.msg_flags & MSG_TRUNC) {
		log_warn("a link message did not fit %zu bytes, reading all links again",
			sizeof(buf));
		recover(nl);
		return true;
	}
	for (len = (int)got; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		take_message(nl, nlh);
	return true;
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	for (unsigned i = 0; i < BATCH && receive(ctx); i++)
		continue;
}

int swpath_netlink_open(
	struct event_base *base, swpath_link_cb *cb, void *ctx, struct swpath_netlink **out)
{
	struct swpath_netlink *nl = calloc(1, sizeof(*nl));
	int size = 1 << 20, rc;

	if (!nl)
		return -ENOMEM;
	nl->cb = cb;
	nl->ctx = ctx;
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nl->sock) {
		rc = -errno;
		goto free_watcher;
	}
	if (setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_bind(nl->sock, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		goto close_socket;
	}
	rc = -ENOMEM;
	nl->event =
		event_new(base, mnl_socket_get_fd(nl->sock), EV_READ | EV_PERSIST, readable, nl);
	if (!nl->event || event_add(nl->event, NULL) < 0)
		goto free_event;
	rc = resync(nl);
	if (rc < 0)
		goto free_event;
	*out = nl;
	return 0;

free_event:
	if (nl->event)
		event_free(nl->event);
	free(nl->known);
close_socket:
	mnl_socket_close(nl->sock);
free_watcher:
	free(nl);
	return rc;
}

void swpath_netlink_close(struct swpath_netlink *nl)
{
	if (!nl)
		return;
	event_free(nl->event);
	mnl_socket_close(nl->sock);
	free(nl->known);
	free(nl);
}
