/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients: a connection, its monitors, and the transactions of it that wait.
 *
 * What a client is told never runs ahead of the disk: a message composed
 * after commit N leaves only when the disk has N, and messages leave in
 * order, so that a client sees the update for its own transaction, then the
 * reply, and neither before both would survive a crash. Replies to echo
 * don't wait.
 */
#ifndef OFCTL_OVSDB_SESSION_H
#define OFCTL_OVSDB_SESSION_H

#include "ofctl/ovsdb/jsonrpc.h"
#include "ofctl/ovsdb/server.h"

struct bufferevent;
struct ovsdb_pending;
struct ovsdb_message;

struct ovsdb_session {
	TAILQ_ENTRY(ovsdb_session) link;
	struct ovsdb *ovsdb;
	struct bufferevent *bev;
	struct ovsdb_framer framer;
	char name[64]; /* for the log */
	TAILQ_HEAD(, ovsdb_monitor) monitors;
	TAILQ_HEAD(, ovsdb_pending) pendings; /* transactions in a "wait" */
	STAILQ_HEAD(, ovsdb_message) outbox;  /* waiting for the disk */
	size_t outbox_bytes;
	bool doomed; /* freed by the next ovsdb_sessions_reap() */
};

/* Serve a connected socket, which the session owns from now on. */
int ovsdb_session_new(struct ovsdb *ovsdb, int fd, const char *name);

/* Send 'message', of which it takes the reference. */
void ovsdb_session_send(struct ovsdb_session *session, json_t *message);
/* The same without waiting for the disk. */
void ovsdb_session_send_now(struct ovsdb_session *session, json_t *message);
/* The reply to a transaction that changed what is stored, with 'results', of
 * which it takes the reference; if the disk fails it, the RFC's "I/O error" is appended. */
void ovsdb_session_send_results(struct ovsdb_session *session, json_t *id, json_t *results);
/* Have it dropped soon, for the reason logged. */
void ovsdb_session_doom(struct ovsdb_session *session, const char *why);

/* All sessions: tell their monitors of the changes of 'txn'; send what
 * waited for the disk; try blocked transactions again; free doomed ones;
 * free all. */
void ovsdb_sessions_notify(struct ovsdb *ovsdb, const struct ovsdb_transaction *txn);
void ovsdb_sessions_flush(struct ovsdb *ovsdb);
void ovsdb_sessions_retry(struct ovsdb *ovsdb);
void ovsdb_sessions_reap(struct ovsdb *ovsdb);
void ovsdb_sessions_close(struct ovsdb *ovsdb);

/* methods.c: act on one message from the client. */
void ovsdb_session_receive(struct ovsdb_session *session, json_t *message);

/* transact.c */
void ovsdb_session_transact(
	struct ovsdb_session *session, json_t *id, json_t *params, struct ovsdb_database *database);
/* Forget the waiting transaction with request id 'id': false if there is none. */
bool ovsdb_session_cancel(struct ovsdb_session *session, const json_t *id);
void ovsdb_session_cancel_all(struct ovsdb_session *session);
/* Try the waiting transactions again. */
void ovsdb_session_retry(struct ovsdb_session *session);

#endif /* OFCTL_OVSDB_SESSION_H */
