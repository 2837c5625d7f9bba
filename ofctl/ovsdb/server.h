/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's inside: databases, clients, and what passes between them.
 * Event-loop thread only.
 *
 * Who may be freed when: while a commit is told to clients, a client can
 * turn out to be too slow. It is then only marked (session.h), and freed
 * by the deferred event, which also retries blocked transactions and runs
 * the commit callback, so that none of these runs inside another.
 */
#ifndef OFCTL_OVSDB_SERVER_H
#define OFCTL_OVSDB_SERVER_H

#include "ofctl/ovsdb/execute.h"
#include "ofctl/ovsdb/monitor.h"
#include "ofctl/ovsdb/store.h"

#include <event2/event.h>

struct ovsdb_session;
struct ovsdb_listener;
struct ovsdb_lock;

struct ovsdb {
	struct event_base *base;
	struct ovsdb_database vswitch;
	struct ovsdb_database server;
	struct ovsdb_store *store; /* NULL: memory only */
	struct ovsdb_uuid server_id;

	TAILQ_HEAD(, ovsdb_session) sessions;
	size_t n_sessions;
	LIST_HEAD(, ovsdb_listener) listeners;
	LIST_HEAD(, ovsdb_lock) locks;
	size_t max_message, max_backlog;

	struct event *deferred;
	bool commit_to_tell;  /* a client's commit, for the callback */
	bool commit_to_retry; /* any commit, for blocked transactions */
	ovsdb_commit_cb *commit_cb;
	void *commit_aux;
	uint64_t seqno;
};

#define OVSDB_DEFAULT_MAX_MESSAGE (32u << 20)
#define OVSDB_DEFAULT_MAX_BACKLOG (64u << 20)

/* NULL when there is none of that name. */
struct ovsdb_database *ovsdb_server_database(struct ovsdb *ovsdb, const char *name);

/* Have the deferred event run soon. */
void ovsdb_server_defer(struct ovsdb *ovsdb);

/* Finish a transaction that passed ovsdb_transaction_check(): number it,
 * queue it for the disk, tell the monitors. 'by_client' as in ovsdb_seqno().
 * Always ends 'txn'; -EINVAL, with 'error', when it had to be rolled back
 * because the disk fails. */
int ovsdb_server_commit(struct ovsdb *ovsdb, struct ovsdb_transaction *txn, bool by_client,
	struct ovsdb_error *error);

/* The number that a message composed now must wait for on disk. */
uint64_t ovsdb_server_barrier(const struct ovsdb *ovsdb);

/* persist.c: rows to and from the store. */

/* What of 'changes' is to be stored, added to 'writes'. */
int ovsdb_persist_changes(const struct ovsdb_changes *changes, struct ovsdb_writes *writes);
/* Fill the empty database from the store. */
int ovsdb_persist_load(struct ovsdb *ovsdb);

#endif /* OFCTL_OVSDB_SERVER_H */
