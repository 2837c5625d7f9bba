/* SPDX-License-Identifier: Apache-2.0 */
/* The transact method, with transactions that wait for others. */
#include "ofctl/ovsdb/session.h"

#include "ofctl/ovsdb/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct ovsdb_pending {
	TAILQ_ENTRY(ovsdb_pending) link;
	struct ovsdb_session *session;
	struct ovsdb_database *database;
	json_t *id, *params;
	int64_t since_ms;    /* when the request came */
	struct event *timer; /* of the "wait" that blocks it, or NULL */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool owns_lock(void *session_, const char *lock)
{
	const struct ovsdb_session *session = session_;

	return ovsdb_lock_owned(session->ovsdb, session, lock);
}

/* Carry out the request and reply, unless a "wait" blocks it: -EAGAIN, with
 * the time at which it gives up (or -1) in '*timeout_ms'. */
static int attempt(struct ovsdb_session *session, json_t *id, json_t *params,
	struct ovsdb_database *database, int64_t waited_ms, int64_t *timeout_ms)
{
	struct ovsdb_transaction txn;
	struct ovsdb_execution execution = {
		.txn = &txn,
		.read_only = database == &session->ovsdb->server,
		.waited_ms = waited_ms,
		.owns_lock = owns_lock,
		.context = session,
	};

	ovsdb_transaction_begin(&txn, database);
	int rc = ovsdb_execute(&execution, params, 1);
	*timeout_ms = execution.timeout_ms;
	if (rc) {
		ovsdb_transaction_rollback(&txn);
		if (rc != -EAGAIN)
			ovsdb_session_send(
				session, ovsdb_jsonrpc_reply(id, execution.results, NULL));
		return rc;
	}

	uint64_t barrier = ovsdb_server_barrier(session->ovsdb);
	rc = ovsdb_transaction_check(&txn, &execution.error);
	if (rc)
		ovsdb_transaction_rollback(&txn);
	else
		rc = ovsdb_server_commit(session->ovsdb, &txn, true, &execution.error);
	if (rc)
		json_array_append_new(execution.results, ovsdb_error_json(&execution.error));
	if (ovsdb_server_barrier(session->ovsdb) == barrier)
		ovsdb_session_send(session, ovsdb_jsonrpc_reply(id, execution.results, NULL));
	else
		ovsdb_session_send_results(session, id, execution.results);
	return rc;
}

static void pending_free(struct ovsdb_pending *pending)
{
	TAILQ_REMOVE(&pending->session->pendings, pending, link);
	if (pending->timer)
		event_free(pending->timer);
	json_decref(pending->id);
	json_decref(pending->params);
	free(pending);
}

static int set_timer(struct ovsdb_pending *pending, int64_t timeout_ms);

static void pending_retry(struct ovsdb_pending *pending)
{
	int64_t timeout_ms;
	int rc = attempt(pending->session, pending->id, pending->params, pending->database,
		now_ms() - pending->since_ms, &timeout_ms);

	if (rc != -EAGAIN || set_timer(pending, timeout_ms))
		pending_free(pending);
}

static void on_timer(evutil_socket_t fd, short what, void *pending)
{
	(void)fd;
	(void)what;
	pending_retry(pending);
}

/* Try again 'timeout_ms' after the request came; never if that is negative. */
static int set_timer(struct ovsdb_pending *pending, int64_t timeout_ms)
{
	if (pending->timer)
		event_free(pending->timer);
	pending->timer = NULL;
	if (timeout_ms < 0)
		return 0;

	int64_t left = pending->since_ms + timeout_ms - now_ms();
	/* Longer than the clock can say is as good as never. */
	const int64_t longest = INT64_C(1000) * 86400 * 365;
	left = left < 0 ? 0 : left > longest ? longest : left;
	/* The clock is read in whole milliseconds: one more, to be past it. */
	left++;
	struct timeval delay = {left / 1000, left % 1000 * 1000};
	pending->timer = evtimer_new(pending->session->ovsdb->base, on_timer, pending);
	return pending->timer && !evtimer_add(pending->timer, &delay) ? 0 : -ENOMEM;
}

void ovsdb_session_transact(
	struct ovsdb_session *session, json_t *id, json_t *params, struct ovsdb_database *database)
{
	int64_t since_ms = now_ms(), timeout_ms;

	if (attempt(session, id, params, database, 0, &timeout_ms) != -EAGAIN)
		return;
	struct ovsdb_pending *pending = calloc(1, sizeof(*pending));
	if (!pending) {
		ovsdb_session_doom(session, "out of memory");
		return;
	}
	pending->session = session;
	pending->database = database;
	pending->id = json_incref(id);
	pending->params = json_incref(params);
	pending->since_ms = since_ms;
	TAILQ_INSERT_TAIL(&session->pendings, pending, link);
	if (set_timer(pending, timeout_ms)) {
		pending_free(pending);
		ovsdb_session_doom(session, "out of memory");
	}
}

bool ovsdb_session_cancel(struct ovsdb_session *session, const json_t *id)
{
	struct ovsdb_pending *pending;

	TAILQ_FOREACH (pending, &session->pendings, link) {
		if (!json_equal(pending->id, id))
			continue;
		ovsdb_session_send(
			session, ovsdb_jsonrpc_reply(pending->id, NULL, json_string("canceled")));
		pending_free(pending);
		return true;
	}
	return false;
}

void ovsdb_session_cancel_all(struct ovsdb_session *session)
{
	struct ovsdb_pending *pending;

	while ((pending = TAILQ_FIRST(&session->pendings)))
		pending_free(pending);
}

void ovsdb_session_retry(struct ovsdb_session *session)
{
	struct ovsdb_pending *pending, *next;

	for (pending = TAILQ_FIRST(&session->pendings); pending && !session->doomed;
		pending = next) {
		next = TAILQ_NEXT(pending, link);
		pending_retry(pending);
	}
}
