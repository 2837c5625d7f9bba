/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/server.h"

#include "hal/base/log.h"
#include "ofctl/ovsdb/listener.h"
#include "ofctl/ovsdb/lock.h"
#include "ofctl/ovsdb/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

LOG_DEFINE(ovsdb);

struct ovsdb_database *ovsdb_server_database(struct ovsdb *ovsdb, const char *name)
{
	if (!strcmp(name, ovsdb->vswitch.schema->name))
		return &ovsdb->vswitch;
	return strcmp(name, ovsdb->server.schema->name) ? NULL : &ovsdb->server;
}

uint64_t ovsdb_server_barrier(const struct ovsdb *ovsdb)
{
	return ovsdb->store ? ovsdb_store_submitted(ovsdb->store) : 0;
}

void ovsdb_server_defer(struct ovsdb *ovsdb)
{
	event_active(ovsdb->deferred, EV_TIMEOUT, 0);
}

static void on_deferred(evutil_socket_t fd, short what, void *ovsdb_)
{
	struct ovsdb *ovsdb = ovsdb_;

	(void)fd;
	(void)what;
	if (ovsdb->commit_to_retry) {
		ovsdb->commit_to_retry = false;
		ovsdb_sessions_retry(ovsdb);
	}
	if (ovsdb->commit_to_tell) {
		ovsdb->commit_to_tell = false;
		if (ovsdb->commit_cb)
			ovsdb->commit_cb(ovsdb, ovsdb->commit_aux);
	}
	ovsdb_sessions_reap(ovsdb);
}

static void on_disk(void *ovsdb_, int error)
{
	(void)error;
	ovsdb_sessions_flush(ovsdb_);
}

/* Give each changed row its new version, and the commit its numbers. */
static int number(struct ovsdb *ovsdb, struct ovsdb_transaction *txn, bool by_client)
{
	struct ovsdb_change *change;
	uint64_t seqno = ovsdb->seqno + by_client;

	TAILQ_FOREACH (change, &txn->changes, link) {
		struct ovsdb_row *row = change->row;
		union ovsdb_atom version = {.uuid = ovsdb_uuid_random()};
		const struct ovsdb_type *type = &row->table->columns[OVSDB_COLUMN_VERSION].type;
		int rc = ovsdb_transaction_set(
			txn, row, OVSDB_COLUMN_VERSION, ovsdb_datum_one(type, &version));
		if (rc)
			return rc;
	}
	ovsdb->seqno = seqno;
	txn->database->commit_id = ovsdb_uuid_random();
	TAILQ_FOREACH (change, &txn->changes, link) {
		if (by_client)
			change->row->seqno = change->row->table->seqno = seqno;
	}
	return 0;
}

static void free_writes(struct ovsdb_writes *writes)
{
	struct ovsdb_write *write;

	while ((write = STAILQ_FIRST(writes))) {
		STAILQ_REMOVE_HEAD(writes, link);
		ovsdb_write_free(write);
	}
}

int ovsdb_server_commit(struct ovsdb *ovsdb, struct ovsdb_transaction *txn, bool by_client,
	struct ovsdb_error *error)
{
	struct ovsdb_writes writes = STAILQ_HEAD_INITIALIZER(writes);
	int rc = 0;

	if (TAILQ_EMPTY(&txn->changes)) {
		ovsdb_transaction_commit(txn);
		return 0;
	}
	if (ovsdb->store)
		rc = ovsdb_persist_changes(&txn->changes, &writes);
	int disk_error = ovsdb_disk_error(ovsdb);
	if (!rc && by_client && disk_error && !STAILQ_EMPTY(&writes)) {
		ovsdb_fail(error, OVSDB_E_IO, "the database file can't be written: %s",
			strerror(-disk_error));
		goto rollback;
	}
	if (!rc)
		rc = number(ovsdb, txn, by_client);
	if (rc) {
		ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
		goto rollback;
	}

	if (!STAILQ_EMPTY(&writes))
		ovsdb_store_submit(ovsdb->store, &writes);
	ovsdb_sessions_notify(ovsdb, txn);
	ovsdb_transaction_commit(txn);
	ovsdb->commit_to_retry = true;
	ovsdb->commit_to_tell |= by_client;
	ovsdb_server_defer(ovsdb);
	return 0;

rollback:
	free_writes(&writes);
	ovsdb_transaction_rollback(txn);
	return -EINVAL;
}

/* Describe 'database' in _Server. */
static int describe(struct ovsdb *ovsdb, const struct ovsdb_database *database)
{
	json_t *schema = ovsdb_schema_to_json(database->schema);
	char *text = json_dumps(schema, JSON_COMPACT);
	struct ovsdb_transaction txn;
	struct ovsdb_execution execution = {.txn = &txn};

	json_t *operations = json_pack("[{s:s, s:s, s:{s:s, s:s, s:b, s:b, s:s}}]", "op", "insert",
		"table", "Database", "row", "name", database->schema->name, "model", "standalone",
		"connected", 1, "leader", 1, "schema", text);
	ovsdb_transaction_begin(&txn, &ovsdb->server);
	int rc = ovsdb_execute(&execution, operations, 0);
	if (!rc)
		rc = ovsdb_transaction_check(&txn, &execution.error);
	if (rc)
		ovsdb_transaction_rollback(&txn);
	else
		ovsdb_transaction_commit(&txn);
	json_decref(execution.results);
	json_decref(operations);
	json_decref(schema);
	free(text);
	return rc ? -ENOMEM : 0;
}

static int open_databases(struct ovsdb *ovsdb, const char *path)
{
	int rc = ovsdb_database_init(&ovsdb->vswitch, &ovsdb_schema_vswitch);

	if (!rc)
		rc = ovsdb_database_init(&ovsdb->server, &ovsdb_schema_server);
	if (!rc)
		rc = describe(ovsdb, &ovsdb->vswitch);
	if (!rc)
		rc = describe(ovsdb, &ovsdb->server);
	if (!rc && path)
		rc = ovsdb_store_open(&ovsdb->store, path);
	if (!rc && path)
		rc = ovsdb_persist_load(ovsdb);
	if (!rc && path)
		rc = ovsdb_store_start(ovsdb->store, ovsdb->base, on_disk, ovsdb);
	return rc;
}

static int insert_first_row(struct ovsdb *ovsdb)
{
	if (ovsdb_n_rows(ovsdb, "Open_vSwitch"))
		return 0;
	struct ovsdb_txn *txn = ovsdb_txn_new(ovsdb);
	if (!txn)
		return -ENOMEM;
	ovsdb_insert(txn, "Open_vSwitch");
	return ovsdb_txn_commit(txn);
}

int ovsdb_open(struct ovsdb **ovsdbp, struct event_base *base, const char *path)
{
	struct ovsdb *ovsdb = calloc(1, sizeof(*ovsdb));

	if (!ovsdb)
		return -ENOMEM;
	ovsdb->base = base;
	ovsdb->server_id = ovsdb_uuid_random();
	ovsdb->max_message = OVSDB_DEFAULT_MAX_MESSAGE;
	ovsdb->max_backlog = OVSDB_DEFAULT_MAX_BACKLOG;
	TAILQ_INIT(&ovsdb->sessions);
	LIST_INIT(&ovsdb->listeners);
	LIST_INIT(&ovsdb->locks);
	ovsdb->deferred = event_new(base, -1, 0, on_deferred, ovsdb);
	int rc = ovsdb->deferred ? open_databases(ovsdb, path) : -ENOMEM;
	if (!rc)
		rc = insert_first_row(ovsdb);
	if (rc) {
		ovsdb_close(ovsdb);
		return rc;
	}
	*ovsdbp = ovsdb;
	return 0;
}

void ovsdb_close(struct ovsdb *ovsdb)
{
	if (!ovsdb)
		return;
	ovsdb_listeners_close(ovsdb);
	ovsdb_sessions_close(ovsdb);
	ovsdb_store_close(ovsdb->store);
	ovsdb_database_destroy(&ovsdb->vswitch);
	ovsdb_database_destroy(&ovsdb->server);
	if (ovsdb->deferred)
		event_free(ovsdb->deferred);
	free(ovsdb);
}

void ovsdb_set_limits(struct ovsdb *ovsdb, size_t message_bytes, size_t backlog_bytes)
{
	ovsdb->max_message = message_bytes;
	ovsdb->max_backlog = backlog_bytes;
}

size_t ovsdb_n_clients(const struct ovsdb *ovsdb)
{
	return ovsdb->n_sessions;
}

int ovsdb_disk_error(const struct ovsdb *ovsdb)
{
	return ovsdb->store ? ovsdb_store_error(ovsdb->store) : 0;
}

void ovsdb_on_commit(struct ovsdb *ovsdb, ovsdb_commit_cb *cb, void *aux)
{
	ovsdb->commit_cb = cb;
	ovsdb->commit_aux = aux;
}

uint64_t ovsdb_seqno(const struct ovsdb *ovsdb)
{
	return ovsdb->seqno;
}
