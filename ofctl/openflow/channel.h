/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream of OpenFlow messages.
 *
 * What: a connected or connecting socket, cut into messages by the length in their headers. Replies
 * are queued; while the peer leaves too many of them unread, no more of its requests are read, so
 * that the queue stays bounded. Asynchronous messages are to be dropped by the caller then.
 * Threads: the control thread.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_CHANNEL_H
#define SLUICE_OFCTL_OPENFLOW_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ofctl/openflow/buf.h"
#include "ofctl/openflow/target.h"

struct event_base;
struct evdns_base;
struct of_channel;
struct ssl_st;

struct of_channel_ops {
	/* A connecting channel is connected, or a TLS session of either side is set up. */
	void (*connected)(void *ctx);
	/* One whole message; `msg` lasts until the call returns. */
	void (*message)(void *ctx, const uint8_t *msg, size_t len);
	/* The stream ended, for `why`; the channel does nothing more and is to be freed. */
	void (*closed)(void *ctx, const char *why);
	/* Some of what was queued was sent. It may send, and closes nothing. */
	void (*drained)(void *ctx);
};

/* Over an accepted socket, which it owns, and a TLS session if it is to be one (NULL: none);
 * without one `connected` is not called. NULL if memory ran out (the socket is closed, the session
 * freed). */
struct of_channel *of_channel_accept(struct event_base *base, int fd, struct ssl_st *ssl,
	const struct of_channel_ops *ops, void *ctx);

/* Starts to connect. Names are resolved through `dns` (NULL: addresses only). 0 or -errno. Consumes
 * the TLS session in any case. */
int of_channel_connect(struct event_base *base, struct evdns_base *dns, const struct of_target *t,
	struct ssl_st *ssl, const struct of_channel_ops *ops, void *ctx, struct of_channel **out);

/* May be called from within the channel's own callbacks. What is queued is sent if that needs no
 * waiting. */
void of_channel_free(struct of_channel *ch);

/* Queues what `b` holds and empties it; a failed buffer is dropped. */
void of_channel_send(struct of_channel *ch, struct of_buf *b);

/* Bytes that were queued since it began, and those of them that were sent. */
uint64_t of_channel_queued(const struct of_channel *ch);
uint64_t of_channel_sent(const struct of_channel *ch);

/* True if the peer is so far behind that asynchronous messages should be dropped. */
bool of_channel_congested(const struct of_channel *ch);

/* Between the two no message is delivered. */
void of_channel_suspend(struct of_channel *ch);
void of_channel_resume(struct of_channel *ch);

/* Milliseconds since the peer sent anything. */
uint64_t of_channel_idle_ms(const struct of_channel *ch);

/* Milliseconds of the monotonic clock. */
uint64_t of_now_ms(void);

#endif
