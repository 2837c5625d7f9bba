/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ofctl/openflow/tls.h"
#include "ofctl/openflow/wire.h"

/* Bytes of input kept unread by us; a message has at most 65535. */
#define INPUT_MAX (256 * 1024)
/* Bytes of output at which requests wait, and at which they are read again. */
#define OUTPUT_HIGH (1024 * 1024)
#define OUTPUT_LOW (256 * 1024)
/* Bytes of output at which asynchronous messages are dropped. */
#define OUTPUT_ASYNC (512 * 1024)
/* Messages handled before other connections get a turn. */
#define TURN 64

struct of_channel {
	struct bufferevent *bev;
	struct event *more; /* activated when messages are left over */
	const struct of_channel_ops *ops;
	void *ctx;
	uint64_t last_rx_ms;
	uint64_t queued; /* bytes, since it began */
	bool tls;
	bool suspended;
	bool eof;
	bool busy;   /* inside process() */
	bool doomed; /* freed while busy */
	bool over;   /* `closed` was called */
};

uint64_t of_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void destroy(struct of_channel *ch)
{
	if (ch->more)
		event_free(ch->more);
	if (ch->bev)
		bufferevent_free(ch->bev);
	free(ch);
}

static void over(struct of_channel *ch, const char *why)
{
	if (ch->over)
		return;
	ch->over = true;
	bufferevent_disable(ch->bev, EV_READ);
	event_del(ch->more);
	ch->ops->closed(ch->ctx, why);
}

static size_t output_len(const struct of_channel *ch)
{
	return evbuffer_get_length(bufferevent_get_output(ch->bev));
}

/* Length of the first message if it is all there, 0 if not yet, -EPROTO if no message can have this
 * header. */
static int first_message(struct evbuffer *in)
{
	uint8_t header[OFP_HEADER_LEN];
	int len;

	if (evbuffer_copyout(in, header, sizeof(header)) < (ev_ssize_t)sizeof(header))
		return 0;
	len = header[2] << 8 | header[3];
	if (len < OFP_HEADER_LEN)
		return -EPROTO;
	return evbuffer_get_length(in) >= (size_t)len ? len : 0;
}

/* Delivers one message. False if there is none, or none may be delivered now. */
static bool deliver(struct of_channel *ch)
{
	struct evbuffer *in = bufferevent_get_input(ch->bev);
	const uint8_t *msg;
	int len;

	if (ch->suspended || ch->over || ch->doomed || output_len(ch) > OUTPUT_HIGH)
		return false;
	len = first_message(in);
	if (len < 0)
		over(ch, "a message is shorter than its header");
	if (len <= 0)
		return false;
	msg = evbuffer_pullup(in, len);
	if (!msg) {
		over(ch, "out of memory");
		return false;
	}
	ch->ops->message(ch->ctx, msg, (size_t)len);
	evbuffer_drain(in, (size_t)len);
	return true;
}

static void process(struct of_channel *ch)
{
	unsigned n = 0;

	if (ch->busy)
		return;
	ch->busy = true;
	while (n < TURN && deliver(ch))
		n++;
	if (n == TURN)
		event_active(ch->more, EV_TIMEOUT, 0);
	else if (ch->eof && !ch->suspended && !ch->doomed)
		over(ch, ch->tls && of_tls_in_handshake(ch->bev)
				 ? "TLS: the peer closed the connection during the handshake"
				 : "the peer closed the connection");
	ch->busy = false;
	if (ch->doomed)
		destroy(ch);
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	process(arg);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct of_channel *ch = arg;

	(void)bev;
	ch->last_rx_ms = of_now_ms();
	process(ch);
}

/* The queue has shrunk below OUTPUT_LOW. */
static void on_write(struct bufferevent *bev, void *arg)
{
	struct of_channel *ch = arg;

	(void)bev;
	if (!ch->over)
		ch->ops->drained(ch->ctx);
	process(ch);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct of_channel *ch = arg;

	if (what & BEV_EVENT_CONNECTED) {
		int one = 1;

		ch->last_rx_ms = of_now_ms();
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		bufferevent_enable(bev, EV_READ | EV_WRITE);
		ch->ops->connected(ch->ctx);
	} else if (what & BEV_EVENT_ERROR) {
		int dns = bufferevent_socket_get_dns_error(bev);
		int err = EVUTIL_SOCKET_ERROR();
		char text[128];

		if (ch->tls && of_tls_error(bev, text, sizeof(text)))
			over(ch, text);
		else
			over(ch, dns ? evutil_gai_strerror(dns)
				     : evutil_socket_error_to_string(err ? err : ECONNRESET));
	} else if (what & BEV_EVENT_EOF) {
		ch->eof = true;
		process(ch);
	}
}

/* A TLS session's callbacks are deferred: they would otherwise come from within our own calls. */
static struct bufferevent *stream_new(struct event_base *base, int fd, struct ssl_st *ssl)
{
	if (!ssl)
		return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	return bufferevent_openssl_socket_new(base, fd, ssl,
		fd < 0 ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING,
		BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
}

static struct of_channel *channel_new(struct event_base *base, int fd, struct ssl_st *ssl,
	const struct of_channel_ops *ops, void *ctx)
{
	struct of_channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		goto close_fd;
	ch->tls = ssl != NULL;
	ch->ops = ops;
	ch->ctx = ctx;
	ch->last_rx_ms = of_now_ms();
	ch->more = event_new(base, -1, 0, on_more, ch);
	ch->bev = stream_new(base, fd, ssl);
	ssl = NULL; /* freed with it, and if there is none */
	if (!ch->more || !ch->bev)
		goto destroy_channel;
	bufferevent_setcb(ch->bev, on_read, on_write, on_event, ch);
	bufferevent_setwatermark(ch->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(ch->bev, EV_WRITE, OUTPUT_LOW, 0);
	return ch;

destroy_channel:
	if (ch->bev)
		fd = -1; /* closed with it */
	destroy(ch);
close_fd:
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct of_channel *of_channel_accept(struct event_base *base, int fd, struct ssl_st *ssl,
	const struct of_channel_ops *ops, void *ctx)
{
	struct of_channel *ch = channel_new(base, fd, ssl, ops, ctx);
	int one = 1;

	if (!ch)
		return NULL;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* fails on unix sockets */
	bufferevent_enable(ch->bev, EV_READ | EV_WRITE);
	return ch;
}

static int connect_local(struct of_channel *ch, const struct of_target *t)
{
	struct sockaddr_un un;

	of_target_sockaddr(t, &un);
	return bufferevent_socket_connect(ch->bev, (struct sockaddr *)&un, sizeof(un));
}

int of_channel_connect(struct event_base *base, struct evdns_base *dns, const struct of_target *t,
	struct ssl_st *ssl, const struct of_channel_ops *ops, void *ctx, struct of_channel **out)
{
	struct of_channel *ch = channel_new(base, -1, ssl, ops, ctx);
	int err;

	*out = ch;
	if (!ch)
		return -ENOMEM;
	/* Errors that come at once may be told before this returns; the caller sees one way. */
	ch->busy = true;
	errno = 0;
	if (t->local)
		err = connect_local(ch, t);
	else
		err = bufferevent_socket_connect_hostname(
			ch->bev, dns, AF_UNSPEC, t->host, t->port);
	ch->busy = false;
	if (ch->doomed) { /* by its owner, who may be gone with `out` */
		destroy(ch);
		return 0;
	}
	if (err && !ch->over) {
		err = errno ? -errno : -ECONNREFUSED;
		destroy(ch);
		*out = NULL;
		return err;
	}
	return 0;
}

/* What is queued, as far as the socket takes it at once. */
static void flush(struct of_channel *ch)
{
	struct evbuffer *out = bufferevent_get_output(ch->bev);

	if (bufferevent_getfd(ch->bev) < 0)
		return;
	bufferevent_lock(ch->bev);
	evbuffer_unfreeze(out, 1);
	if (ch->tls)
		of_tls_flush(ch->bev, out);
	else if (evbuffer_get_length(out))
		evbuffer_write(out, bufferevent_getfd(ch->bev));
	bufferevent_unlock(ch->bev);
}

void of_channel_free(struct of_channel *ch)
{
	if (!ch)
		return;
	if (!ch->over || !ch->tls)
		flush(ch);
	ch->over = true;
	if (ch->busy)
		ch->doomed = true;
	else
		destroy(ch);
}

void of_channel_send(struct of_channel *ch, struct of_buf *b)
{
	if (!b->failed && b->len && !ch->over && !bufferevent_write(ch->bev, b->data, b->len))
		ch->queued += b->len;
	of_buf_free(b);
}

uint64_t of_channel_queued(const struct of_channel *ch)
{
	return ch->queued;
}

uint64_t of_channel_sent(const struct of_channel *ch)
{
	return ch->queued - output_len(ch);
}

bool of_channel_congested(const struct of_channel *ch)
{
	return output_len(ch) > OUTPUT_ASYNC;
}

void of_channel_suspend(struct of_channel *ch)
{
	ch->suspended = true;
}

void of_channel_resume(struct of_channel *ch)
{
	ch->suspended = false;
	if (!ch->over)
		event_active(ch->more, EV_TIMEOUT, 0);
}

uint64_t of_channel_idle_ms(const struct of_channel *ch)
{
	return of_now_ms() - ch->last_rx_ms;
}
