/* SPDX-License-Identifier: Apache-2.0
 *
 * Talking to the kernel's traffic control: requests in batches, and what it answers.
 *
 * What: a channel is one routing netlink socket. A batch goes out in one system call, and each
 * request in it is answered by an acknowledgement, an error with the kernel's own words, or an
 * object and an acknowledgement (netlink(7), NLM_F_ACK, NETLINK_EXT_ACK).
 * Why not libnl's receiver: it has no room for the kernel's words, and asks the socket twice for
 * each datagram.
 * Thread-safety: one thread at a time uses a channel.
 */
#ifndef SLUICE_DRIVERS_NETDEV_CHANNEL_H
#define SLUICE_DRIVERS_NETDEV_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netlink/msg.h>

#define NETDEV_BATCH 64u       /* requests in one */
#define NETDEV_CHANNEL_MS 5000 /* an answer does not take longer */

struct netdev_answer {
	bool done;
	int error;      /* 0 or -errno */
	char text[120]; /* the kernel's words, or "" */
};

/* What was sent, and is being answered. */
struct netdev_batch {
	uint32_t seq; /* of the first request */
	unsigned n, n_done;
	struct netdev_answer *answer; /* n of them */
	/* Hears of each object that answers request `i`; a negative value ends a dump. */
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h);
	void *ctx;
	bool dump;        /* one request, answered by many objects */
	bool interrupted; /* what it told is not one state of things */
};

uint64_t netdev_now_ms(void); /* monotonic */

struct netdev_channel;

/* 0 or -errno. */
int netdev_channel_open(struct netdev_channel **ch);
void netdev_channel_close(struct netdev_channel *ch);

/* Sends at most NETDEV_BATCH requests and waits for their answers. `object` may be NULL. 0, or
 * -errno if there was no answer: then the answers that are not done are unknown. */
int netdev_channel_run(struct netdev_channel *ch, struct nl_msg *const *msgs, unsigned n,
	struct netdev_answer *answers, int (*object)(void *ctx, unsigned i, struct nlmsghdr *h),
	void *ctx);

/* One request for many objects. 0, -EINTR if they are not of one state of things, or -errno. */
int netdev_channel_dump(struct netdev_channel *ch, struct nl_msg *msg,
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx);

/* The same in pieces of a datagram each: the request, then the objects. Nothing else is asked on
 * the channel until 0 or -errno has come; a dump that was left unfinished is ended first. The
 * first gives 0 or -errno; the second 1 while there is more. */
int netdev_channel_dump_begin(struct netdev_channel *ch, struct nl_msg *msg);
int netdev_channel_dump_more(struct netdev_channel *ch,
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx);

/* Takes in one datagram: pure but for what it does to `b`. Whatever is not an answer to the batch
 * is passed over. */
void netdev_batch_take(struct netdev_batch *b, void *datagram, size_t len);

#endif
