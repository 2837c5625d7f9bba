/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/netdev/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

/* Room for the answers to a batch, bytes: the kernel does not wait for a reader. */
#define RECEIVE_BUFFER (4 << 20)
#define DATAGRAM (64u << 10)

struct netdev_channel {
	int fd;
	uint32_t seq;
	char *datagram;
	struct netdev_batch dump; /* its answer is `dumped`; n 0: none is on its way */
	struct netdev_answer dumped;
};

uint64_t netdev_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int set_up(int fd)
{
	const struct sockaddr_nl us = {.nl_family = AF_NETLINK};
	const int bytes = RECEIVE_BUFFER, one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) ||
		bind(fd, (const struct sockaddr *)&us, sizeof(us)))
		return -errno;
	/* Older kernels dump without it. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

int netdev_channel_open(struct netdev_channel **out)
{
	struct netdev_channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return -ENOMEM;
	ch->datagram = malloc(DATAGRAM);
	if (!ch->datagram) {
		err = -ENOMEM;
		goto free_channel;
	}
	ch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	err = ch->fd < 0 ? -errno : 0;
	if (err)
		goto free_datagram;
	err = set_up(ch->fd);
	if (err)
		goto close_socket;
	ch->seq = (uint32_t)netdev_now_ms();
	*out = ch;
	return 0;

close_socket:
	close(ch->fd);
free_datagram:
	free(ch->datagram);
free_channel:
	free(ch);
	return err;
}

void netdev_channel_close(struct netdev_channel *ch)
{
	if (!ch)
		return;
	close(ch->fd);
	free(ch->datagram);
	free(ch);
}

/* One datagram, for at most `ms`. Its length, or -errno. */
static ssize_t receive(struct netdev_channel *ch, unsigned ms)
{
	struct pollfd p = {.fd = ch->fd, .events = POLLIN};
	struct sockaddr_nl from = {0};
	struct iovec iov = {ch->datagram, DATAGRAM};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(ch->fd, &msg, 0);

	if (n < 0 && errno == EAGAIN) {
		if (poll(&p, 1, (int)ms) == 0)
			return -ETIMEDOUT;
		n = recvmsg(ch->fd, &msg, 0);
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (from.nl_pid) /* not the kernel */
		return 0;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

static int collect(struct netdev_channel *ch, struct netdev_batch *b)
{
	const uint64_t end = netdev_now_ms() + NETDEV_CHANNEL_MS;

	while (b->n_done < b->n) {
		const uint64_t now = netdev_now_ms();
		ssize_t n = now < end ? receive(ch, (unsigned)(end - now)) : -ETIMEDOUT;

		if (n < 0)
			return (int)n;
		netdev_batch_take(b, ch->datagram, (size_t)n);
	}
	return 0;
}

static int transmit(struct netdev_channel *ch, struct nl_msg *const *msgs, struct netdev_batch *b)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec iov[NETDEV_BATCH];
	struct msghdr msg = {.msg_name = (void *)(uintptr_t)&kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = iov,
		.msg_iovlen = b->n};

	for (unsigned i = 0; i < b->n; i++) {
		struct nlmsghdr *h = nlmsg_hdr(msgs[i]);

		h->nlmsg_seq = b->seq + i;
		h->nlmsg_flags |= NLM_F_REQUEST | (b->dump ? NLM_F_DUMP : NLM_F_ACK);
		iov[i] = (struct iovec){h, NLMSG_ALIGN(h->nlmsg_len)};
		memset(&b->answer[i], 0, sizeof(b->answer[i]));
	}
	ch->seq += b->n;
	return sendmsg(ch->fd, &msg, 0) < 0 ? -errno : 0;
}

int netdev_channel_run(struct netdev_channel *ch, struct nl_msg *const *msgs, unsigned n,
	struct netdev_answer *answers, int (*object)(void *ctx, unsigned i, struct nlmsghdr *h),
	void *ctx)
{
	struct netdev_batch b = {
		.seq = ch->seq, .n = n, .answer = answers, .object = object, .ctx = ctx};
	int err = n ? transmit(ch, msgs, &b) : 0;

	return err ? err : collect(ch, &b);
}

int netdev_channel_dump_begin(struct netdev_channel *ch, struct nl_msg *msg)
{
	int err;

	while (ch->dump.n)
		(void)netdev_channel_dump_more(ch, NULL, NULL);
	ch->dump =
		(struct netdev_batch){.seq = ch->seq, .n = 1, .answer = &ch->dumped, .dump = true};
	err = transmit(ch, &msg, &ch->dump);
	if (err)
		ch->dump.n = 0;
	return err;
}

int netdev_channel_dump_more(struct netdev_channel *ch,
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx)
{
	struct netdev_batch *b = &ch->dump;
	ssize_t n = receive(ch, NETDEV_CHANNEL_MS);

	b->object = object;
	b->ctx = ctx;
	if (n >= 0)
		netdev_batch_take(b, ch->datagram, (size_t)n);
	if (n >= 0 && !b->n_done)
		return 1;
	b->n = 0;
	if (n < 0)
		return (int)n;
	return b->interrupted && !ch->dumped.error ? -EINTR : ch->dumped.error;
}

int netdev_channel_dump(struct netdev_channel *ch, struct nl_msg *msg,
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx)
{
	int err = netdev_channel_dump_begin(ch, msg);

	if (err)
		return err;
	do {
		err = netdev_channel_dump_more(ch, object, ctx);
	} while (err > 0);
	return err;
}
