/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection: hello, order of requests, probes.
 *
 *   connecting --(transport)--> greeting --(hello)--> serving --> closed
 *
 * Each may go to closed: the peer ends the stream, speaks no common version, sends a message that
 * cannot be delimited, or does not answer a probe. While greeting, nothing but hello is accepted.
 */
#include "ofctl/openflow/monitor.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/log.h"

LOG_DEFINE(openflow);

void of_conn_close_soon(struct of_conn *conn, const char *why)
{
	conn->end = why;
	event_active(conn->probe_timer, EV_TIMEOUT, 0);
}

static void on_connected(void *ctx);
static void on_message(void *ctx, const uint8_t *msg, size_t len);
static void on_closed(void *ctx, const char *why);
static void on_drained(void *ctx);

static const struct of_channel_ops channel_ops = {
	.connected = on_connected,
	.message = on_message,
	.closed = on_closed,
	.drained = on_drained,
};

void of_conn_send(struct of_conn *conn, struct of_buf *b)
{
	if (b->failed)
		log_warn("%s: a message to %s could not be built and was not sent",
			pl_bridge_name(conn->agent->br), conn->remote->target);
	conn->agent->stats.tx_messages++;
	of_channel_send(conn->ch, b);
}

static void send_error(
	struct of_conn *conn, enum of_error err, const uint8_t *msg, size_t len, const char *text)
{
	uint8_t version = conn->version ? conn->version : msg[0];
	struct of_buf b = {0};

	if (version != OFP10 && version != OFP13 && version != OFP14 && version != OFP15)
		version = conn->agent->versions & 1u << OFP13 ? OFP13 : OFP10;
	log_dbg("%s: %s sent a message of type %u that is refused: %s",
		pl_bridge_name(conn->agent->br), conn->remote->target, msg[1], of_error_text(err));
	conn->agent->stats.errors_sent++;
	of_error_encode(&b, version, of_msg_xid(msg), err, msg, len, text);
	of_conn_send(conn, &b);
}

void of_conn_error(struct of_conn *conn, enum of_error err, const uint8_t *msg, size_t len)
{
	send_error(conn, err, msg, len, NULL);
}

static void arm_probe(struct of_conn *conn, uint64_t ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (conn->probe_ms)
		event_add(conn->probe_timer, &tv);
}

/* After an idle interval an echo request goes out; after another one without any answer the peer
 * counts as gone. Before its hello a peer gets one interval. */
static void on_probe(evutil_socket_t fd, short what, void *arg)
{
	struct of_conn *conn = arg;
	uint64_t idle = conn->up ? of_channel_idle_ms(conn->ch) : conn->probe_ms;
	struct of_buf b = {0};

	(void)fd;
	(void)what;
	if (conn->end) {
		of_conn_close(conn, conn->end);
		return;
	}
	if (idle < conn->probe_ms) {
		conn->probing = false;
		arm_probe(conn, conn->probe_ms - idle);
		return;
	}
	if (!conn->up || !conn->version || conn->probing) {
		of_conn_close(conn,
			conn->up ? "no response to inactivity probe" : "connecting took too long");
		return;
	}
	conn->probing = true;
	of_end(&b, of_begin(&b, conn->version, OFPT_ECHO_REQUEST, 0));
	of_conn_send(conn, &b);
	arm_probe(conn, conn->probe_ms);
}

static void say_hello(struct of_conn *conn)
{
	struct of_buf b = {0};

	conn->up = true;
	of_hello_encode(&b, of_conn_versions(conn), 1);
	of_conn_send(conn, &b);
}

struct of_conn *of_conn_new(
	struct of_remote *remote, int fd, const struct of_target *t, struct ssl_st *ssl, int *errp)
{
	struct of_agent *agent = remote->agent;
	struct of_conn *conn = calloc(1, sizeof(*conn));

	*errp = -ENOMEM;
	if (!conn)
		goto close_fd;
	conn->agent = agent;
	conn->remote = remote;
	conn->service = remote->service || remote->t.passive;
	conn->no_async = remote->no_async;
	conn->rate = remote->rate;
	conn->burst = remote->burst ? remote->burst : remote->rate / 4;
	conn->tokens = conn->burst;
	conn->tokens_ms = of_now_ms();
	conn->probe_ms = remote->probe_ms;
	conn->miss_send_len = conn->service ? 0 : 128;
	of_async_default(&conn->async);
	LIST_INIT(&conn->bundles);
	conn->probe_timer = event_new(agent->all->base, -1, 0, on_probe, conn);
	if (!conn->probe_timer)
		goto free_conn;
	LIST_INSERT_HEAD(&agent->conns, conn, entry);
	if (t) {
		remote->conn = conn;
		*errp = of_channel_connect(
			agent->all->base, agent->all->dns, t, ssl, &channel_ops, conn, &conn->ch);
		ssl = NULL;
		if (*errp)
			goto unlink;
		if (remote->conn != conn) /* failed at once, and said so */
			return NULL;
	} else {
		bool tls = ssl != NULL;

		conn->ch = of_channel_accept(agent->all->base, fd, ssl, &channel_ops, conn);
		fd = -1;
		ssl = NULL;
		if (!conn->ch)
			goto unlink;
		if (!tls)
			say_hello(conn);
	}
	arm_probe(conn, conn->probe_ms);
	*errp = 0;
	return conn;

unlink:
	LIST_REMOVE(conn, entry);
	if (remote->conn == conn)
		remote->conn = NULL;
	event_free(conn->probe_timer);
free_conn:
	free(conn);
close_fd:
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
	return NULL;
}

void of_conn_close(struct of_conn *conn, const char *why)
{
	struct of_remote *remote = conn->remote;

	if (conn->wait)
		conn->wait->conn = NULL;
	LIST_REMOVE(conn, entry);
	of_bundles_free(conn);
	of_monitors_free(conn);
	event_free(conn->probe_timer);
	of_channel_free(conn->ch);
	if (conn->version) {
		conn->agent->stats.connections--;
		if (why && remote->service)
			log_dbg("%s: %s: a connection ended: %s", pl_bridge_name(conn->agent->br),
				remote->target, why);
		else if (why)
			log_info("%s: %s disconnected: %s", pl_bridge_name(conn->agent->br),
				remote->target, why);
	}
	if (why)
		of_remote_down(remote, conn, why);
	free(conn);
}

static void on_connected(void *ctx)
{
	say_hello(ctx);
}

static void on_drained(void *ctx)
{
	struct of_conn *conn = ctx;

	if (conn->monitors)
		of_monitors_resume(conn);
}

static void on_closed(void *ctx, const char *why)
{
	of_conn_close(ctx, why);
}

static void negotiate(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	uint32_t theirs, ours = of_conn_versions(conn);
	enum of_error err;
	char text[96];

	if (msg[1] != OFPT_HELLO) {
		send_error(conn, OFERR_HELLO_INCOMPATIBLE, msg, len,
			"the first message has to be a hello");
		of_conn_close(conn, "the first message is not a hello");
		return;
	}
	err = of_hello_decode(msg, len, &theirs);
	if (err || !(theirs & ours)) {
		snprintf(text, sizeof(text), "versions offered: %#x, versions allowed: %#x",
			err ? 0 : theirs, ours);
		send_error(conn, OFERR_HELLO_INCOMPATIBLE, msg, len, text);
		of_conn_close(conn, "no common version of OpenFlow");
		return;
	}
	conn->version = (uint8_t)(31 - __builtin_clz(theirs & ours));
	if (conn->remote->main && conn->remote->main->conn)
		conn->role = conn->remote->main->conn->role;
	conn->agent->stats.connections++;
	if (!conn->remote->service)
		log_info("%s: %s connected, speaking OpenFlow wire version %#x",
			pl_bridge_name(conn->agent->br), conn->remote->target, conn->version);
	of_remote_up(conn->remote);
}

static void on_message(void *ctx, const uint8_t *msg, size_t len)
{
	struct of_conn *conn = ctx;
	enum of_error err;

	conn->agent->stats.rx_messages++;
	conn->probing = false;
	if (!conn->version) {
		negotiate(conn, msg, len);
		return;
	}
	if (msg[1] == OFPT_HELLO)
		return; /* says nothing new */
	err = msg[0] == conn->version ? of_serve(conn, msg, len) : OFERR_BAD_VERSION;
	if (err)
		of_conn_error(conn, err, msg, len);
}

/* ---- waiting for the pipeline ---- */

static void wait_done(void *arg)
{
	struct of_wait *w = arg;
	struct of_conn *conn = w->conn;

	if (conn) {
		conn->wait = NULL;
		w->answer(conn, w->msg, w->len);
		of_channel_resume(conn->ch);
	}
	free(w);
}

static struct of_wait *wait_new(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len))
{
	struct of_wait *w = malloc(sizeof(*w) + len);

	if (!w) {
		of_conn_error(conn, OFERR_EPERM, msg, len);
		return NULL;
	}
	w->conn = conn;
	w->answer = answer;
	w->len = len;
	memcpy(w->msg, msg, len);
	conn->wait = w;
	of_channel_suspend(conn->ch);
	return w;
}

void of_conn_after_barrier(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len))
{
	struct of_wait *w = wait_new(conn, msg, len, answer);

	if (w)
		pipeline_barrier(conn->agent->pl, wait_done, w);
}

void of_conn_after_refresh(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len))
{
	struct of_wait *w = wait_new(conn, msg, len, answer);

	if (w)
		pipeline_refresh(conn->agent->pl, wait_done, w);
}

void of_conn_set_role(struct of_conn *conn, enum of_role role)
{
	struct of_conn *other;

	if (conn->role == role)
		return;
	LIST_FOREACH (other, &conn->agent->conns, entry)
		if (of_conn_same_controller(conn, other)) {
			other->role = role;
			of_remote_changed(other->remote);
		}
}

const char *of_conn_state(const struct of_conn *conn)
{
	if (!conn->version)
		return "CONNECTING";
	return conn->probing ? "IDLE" : "ACTIVE";
}
