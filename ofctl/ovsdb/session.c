/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/session.h"

#include "hal/base/log.h"
#include "ofctl/ovsdb/lock.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

LOG_DEFINE(ovsdb_session);

/* Messages handled at a stretch, before other clients have their turn. */
#define BURST 16
#define INPUT_SLACK 65536

/* A message that waits for the disk. */
struct ovsdb_message {
	STAILQ_ENTRY(ovsdb_message) link;
	uint64_t barrier;
	char *text;      /* encoded, or: */
	json_t *id;      /* the reply to a transaction, encoded when it leaves, */
	json_t *results; /* as the disk may add an error to it */
	size_t bytes;
};

void ovsdb_session_doom(struct ovsdb_session *session, const char *why)
{
	if (session->doomed)
		return;
	log_warn("%s: dropping the client: %s", session->name, why);
	session->doomed = true;
	bufferevent_disable(session->bev, EV_READ | EV_WRITE);
	ovsdb_server_defer(session->ovsdb);
}

static void free_text(const void *text, size_t length, void *aux)
{
	(void)length;
	(void)aux;
	free((void *)text);
}

static void check_backlog(struct ovsdb_session *session)
{
	size_t waiting = evbuffer_get_length(bufferevent_get_output(session->bev));

	if (waiting + session->outbox_bytes > session->ovsdb->max_backlog)
		ovsdb_session_doom(session, "it doesn't read what it asked for");
}

/* Takes 'text'. */
static void write_text(struct ovsdb_session *session, char *text)
{
	struct evbuffer *output = bufferevent_get_output(session->bev);

	if (!text || evbuffer_add_reference(output, text, strlen(text), free_text, NULL)) {
		free(text);
		ovsdb_session_doom(session, "out of memory");
		return;
	}
	check_backlog(session);
}

void ovsdb_session_send_now(struct ovsdb_session *session, json_t *message)
{
	if (!session->doomed)
		write_text(session, json_dumps(message, JSON_COMPACT));
	json_decref(message);
}

static bool may_leave(const struct ovsdb_session *session, uint64_t barrier)
{
	return !session->ovsdb->store || barrier <= ovsdb_store_settled(session->ovsdb->store);
}

static struct ovsdb_message *enqueue(struct ovsdb_session *session, size_t bytes)
{
	struct ovsdb_message *message = calloc(1, sizeof(*message));

	if (!message) {
		ovsdb_session_doom(session, "out of memory");
		return NULL;
	}
	message->barrier = ovsdb_server_barrier(session->ovsdb);
	message->bytes = bytes;
	session->outbox_bytes += bytes;
	STAILQ_INSERT_TAIL(&session->outbox, message, link);
	check_backlog(session);
	return message;
}

void ovsdb_session_send(struct ovsdb_session *session, json_t *json)
{
	char *text = session->doomed ? NULL : json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (session->doomed)
		return;
	if (text && (!STAILQ_EMPTY(&session->outbox) ||
			    !may_leave(session, ovsdb_server_barrier(session->ovsdb)))) {
		struct ovsdb_message *message = enqueue(session, strlen(text));
		if (message)
			message->text = text;
		else
			free(text);
		return;
	}
	write_text(session, text);
}

void ovsdb_session_send_results(struct ovsdb_session *session, json_t *id, json_t *results)
{
	if (session->doomed || may_leave(session, ovsdb_server_barrier(session->ovsdb))) {
		ovsdb_session_send(session, ovsdb_jsonrpc_reply(id, results, NULL));
		return;
	}
	/* Only what a reply certainly has; the count is a bound, not an account. */
	struct ovsdb_message *message = enqueue(session, 16 * json_array_size(results));
	if (!message) {
		json_decref(results);
		return;
	}
	message->id = json_incref(id);
	message->results = results;
}

static void message_free(struct ovsdb_message *message)
{
	free(message->text);
	json_decref(message->id);
	json_decref(message->results);
	free(message);
}

static char *encode_results(const struct ovsdb *ovsdb, struct ovsdb_message *message)
{
	if (message->barrier > ovsdb_store_durable(ovsdb->store)) {
		struct ovsdb_error error = {0};
		ovsdb_fail(&error, OVSDB_E_IO, "the database file can't be written: %s",
			strerror(-ovsdb_disk_error(ovsdb)));
		json_array_append_new(message->results, ovsdb_error_json(&error));
	}
	json_t *reply = ovsdb_jsonrpc_reply(message->id, message->results, NULL);
	message->results = NULL;
	char *text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	return text;
}

static void flush(struct ovsdb_session *session)
{
	struct ovsdb_message *message;

	while ((message = STAILQ_FIRST(&session->outbox)) && !session->doomed &&
		may_leave(session, message->barrier)) {
		STAILQ_REMOVE_HEAD(&session->outbox, link);
		session->outbox_bytes -= message->bytes;
		char *text = message->text;
		message->text = NULL;
		if (!text)
			text = encode_results(session->ovsdb, message);
		write_text(session, text);
		message_free(message);
	}
}

/* Take one message off the input: false when there is none. */
static bool receive_one(struct ovsdb_session *session)
{
	struct evbuffer *input = bufferevent_get_input(session->bev);
	char why[128] = "out of memory";
	json_t *message;
	int rc = ovsdb_framer_next(
		&session->framer, input, session->ovsdb->max_message, &message, why);

	if (rc) {
		ovsdb_session_doom(session, why);
		return false;
	}
	if (!message)
		return false;
	ovsdb_session_receive(session, message);
	json_decref(message);
	return !session->doomed;
}

static void on_read(struct bufferevent *bev, void *session_)
{
	struct ovsdb_session *session = session_;
	int left = BURST;

	while (!session->doomed && left && receive_one(session))
		left--;
	if (!left && !session->doomed)
		bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_event(struct bufferevent *bev, short what, void *session_)
{
	struct ovsdb_session *session = session_;

	(void)bev;
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) || session->doomed)
		return;
	log_dbg("%s: the client has gone", session->name);
	session->doomed = true;
	bufferevent_disable(session->bev, EV_READ | EV_WRITE);
	ovsdb_server_defer(session->ovsdb);
}

int ovsdb_session_new(struct ovsdb *ovsdb, int fd, const char *name)
{
	struct ovsdb_session *session = calloc(1, sizeof(*session));

	if (!session)
		goto close_fd;
	/* Deferred: no callback may run inside a call into the bufferevent. */
	session->bev = bufferevent_socket_new(
		ovsdb->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!session->bev)
		goto free_session;
	session->ovsdb = ovsdb;
	snprintf(session->name, sizeof(session->name), "%s", name);
	TAILQ_INIT(&session->monitors);
	TAILQ_INIT(&session->pendings);
	STAILQ_INIT(&session->outbox);
	TAILQ_INSERT_TAIL(&ovsdb->sessions, session, link);
	ovsdb->n_sessions++;
	/* A whole message must fit; what is beyond stays in the socket. */
	bufferevent_setwatermark(session->bev, EV_READ, 0, ovsdb->max_message + INPUT_SLACK);
	bufferevent_setcb(session->bev, on_read, NULL, on_event, session);
	bufferevent_enable(session->bev, EV_READ | EV_WRITE);
	return 0;

free_session:
	free(session);
close_fd:
	close(fd);
	return -ENOMEM;
}

static void session_free(struct ovsdb_session *session)
{
	struct ovsdb *ovsdb = session->ovsdb;
	struct ovsdb_message *message;
	struct ovsdb_monitor *monitor;

	session->doomed = true;
	TAILQ_REMOVE(&ovsdb->sessions, session, link);
	ovsdb->n_sessions--;
	ovsdb_lock_drop_all(ovsdb, session);
	ovsdb_session_cancel_all(session);
	while ((monitor = TAILQ_FIRST(&session->monitors))) {
		TAILQ_REMOVE(&session->monitors, monitor, link);
		ovsdb_monitor_free(monitor);
	}
	while ((message = STAILQ_FIRST(&session->outbox))) {
		STAILQ_REMOVE_HEAD(&session->outbox, link);
		message_free(message);
	}
	bufferevent_free(session->bev);
	free(session);
}

void ovsdb_sessions_notify(struct ovsdb *ovsdb, const struct ovsdb_transaction *txn)
{
	struct ovsdb_session *session;
	struct ovsdb_monitor *monitor;

	TAILQ_FOREACH (session, &ovsdb->sessions, link) {
		TAILQ_FOREACH (monitor, &session->monitors, link) {
			if (monitor->database != txn->database || session->doomed)
				continue;
			json_t *updates = ovsdb_monitor_update(monitor, &txn->changes);
			if (updates)
				ovsdb_session_send(
					session, ovsdb_monitor_notification(monitor, updates));
		}
	}
}

void ovsdb_sessions_flush(struct ovsdb *ovsdb)
{
	struct ovsdb_session *session;

	TAILQ_FOREACH (session, &ovsdb->sessions, link)
		flush(session);
}

void ovsdb_sessions_retry(struct ovsdb *ovsdb)
{
	struct ovsdb_session *session;

	TAILQ_FOREACH (session, &ovsdb->sessions, link)
		ovsdb_session_retry(session);
}

void ovsdb_sessions_reap(struct ovsdb *ovsdb)
{
	struct ovsdb_session *session, *next;

	for (session = TAILQ_FIRST(&ovsdb->sessions); session; session = next) {
		next = TAILQ_NEXT(session, link);
		if (session->doomed)
			session_free(session);
	}
}

void ovsdb_sessions_close(struct ovsdb *ovsdb)
{
	struct ovsdb_session *session;

	while ((session = TAILQ_FIRST(&ovsdb->sessions)))
		session_free(session);
}
