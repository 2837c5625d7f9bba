/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: clients, messages in and out. A client that does not read its answers is not
 * read from either, so no answer is ever dropped and memory stays bounded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/simnic/nic.h"

#define MAX_CLIENTS 16
#define MESSAGES_A_TURN 64

struct pending {
	STAILQ_ENTRY(pending) next;
	size_t len;
	uint8_t data[];
};

struct nic_client {
	struct nic_source source; /* first */
	LIST_ENTRY(nic_client) next;
	STAILQ_HEAD(, pending) pending;
};

static int socket_path(const struct nic *nic, struct sockaddr_un *addr)
{
	int n;

	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/simnic-%s.sock", nic->rundir,
		nic->name);
	return n < (int)sizeof(addr->sun_path) ? 0 : -ENAMETOOLONG;
}

static void client_close(struct nic *nic, struct nic_client *c)
{
	struct pending *p;

	if (nic->driver == c) {
		nic->driver = NULL;
		nic_uplink_detach(nic);
	}
	nic_control_forget(nic, c);
	nic_unwatch(nic, &c->source);
	close(c->source.fd);
	LIST_REMOVE(c, next);
	while ((p = STAILQ_FIRST(&c->pending))) {
		STAILQ_REMOVE_HEAD(&c->pending, next);
		free(p);
	}
	free(c);
}

static void watch_for(struct nic *nic, struct nic_client *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = &c->source};

	epoll_ctl(nic->epoll, EPOLL_CTL_MOD, c->source.fd, &ev);
}

void nic_client_send(struct nic *nic, struct nic_client *c, const void *msg, size_t len)
{
	struct pending *p;

	if (STAILQ_EMPTY(&c->pending)) {
		if (send(c->source.fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return;
		if (errno != EAGAIN)
			return; /* gone: its end is read next */
	}
	p = malloc(sizeof(*p) + len);
	if (!p)
		return; /* the driver asks again for what it misses */
	p->len = len;
	memcpy(p->data, msg, len);
	STAILQ_INSERT_TAIL(&c->pending, p, next);
	watch_for(nic, c, EPOLLOUT);
}

static void send_pending(struct nic *nic, struct nic_client *c)
{
	struct pending *p;

	while ((p = STAILQ_FIRST(&c->pending))) {
		if (send(c->source.fd, p->data, p->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
		STAILQ_REMOVE_HEAD(&c->pending, next);
		free(p);
	}
	watch_for(nic, c, EPOLLIN);
}

/* Reads a message with the descriptors that came along. Bytes, 0 at the end, or -errno. */
static ssize_t receive(int fd, uint8_t *buf, size_t n, int fds[SIM_FDS], unsigned *n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SIM_FDS * sizeof(int))];
	struct iovec iov = {buf, n};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*n_fds = 0;
	if (len < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *n_fds * sizeof(int));
	}
	return len;
}

static void client_ready(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct nic_client *c = (struct nic_client *)source;
	static uint8_t buf[SIM_MSG_MAX + 1];
	int fds[SIM_FDS];
	unsigned n_fds;

	if (events & EPOLLOUT)
		send_pending(nic, c);
	for (unsigned i = 0; i < MESSAGES_A_TURN && STAILQ_EMPTY(&c->pending); i++) {
		ssize_t len = receive(source->fd, buf, sizeof(buf), fds, &n_fds);

		if (len == -EAGAIN || len == -EINTR)
			return;
		if (len < (ssize_t)sizeof(struct sim_msg)) {
			client_close(nic, c);
			return;
		}
		nic_control(nic, c, buf, (size_t)len, fds, n_fds);
	}
}

static void listener_ready(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct nic_client *c;
	unsigned n = 0;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	LIST_FOREACH (c, &nic->clients, next)
		n++;
	c = n < MAX_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->source = (struct nic_source){.fd = fd, .ready = client_ready};
	STAILQ_INIT(&c->pending);
	if (nic_watch(nic, &c->source, EPOLLIN)) {
		close(fd);
		free(c);
		return;
	}
	LIST_INSERT_HEAD(&nic->clients, c, next);
}

int nic_server_open(struct nic *nic)
{
	struct sockaddr_un addr;
	int err = socket_path(nic, &addr);
	int fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* The caller holds the name's lock, so a socket that is there belongs to nobody. */
	unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || chmod(addr.sun_path, 0600) ||
		listen(fd, 8)) {
		err = -errno;
		close(fd);
		return err;
	}
	nic->listener = (struct nic_source){.fd = fd, .ready = listener_ready};
	return nic_watch(nic, &nic->listener, EPOLLIN);
}

void nic_server_close(struct nic *nic)
{
	struct sockaddr_un addr;
	struct nic_client *c;

	while ((c = LIST_FIRST(&nic->clients)))
		client_close(nic, c);
	if (!socket_path(nic, &addr))
		unlink(addr.sun_path);
	close(nic->listener.fd);
}

bool nic_server_reachable(const struct nic *nic)
{
	struct sockaddr_un addr;

	return !socket_path(nic, &addr) && !access(addr.sun_path, F_OK);
}
