/* SPDX-License-Identifier: Apache-2.0
 *
 * The embedded OVSDB server (RFC 7047): what the rest of the daemon uses.
 *
 * One struct ovsdb serves the database "Open_vSwitch" (and "_Server", which
 * describes it) to clients on unix and TCP sockets, keeps it in memory, and
 * stores it in an SQLite file. Inside the daemon the same rows are read
 * through the typed readers below and written through struct ovsdb_txn.
 *
 * Threads: every function here is called on the thread that runs the event
 * base given to ovsdb_open(). The disk has a thread of its own, so no call
 * waits for it, except ovsdb_open() (loads the file) and ovsdb_close()
 * (writes what is still queued). The process must ignore SIGPIPE.
 *
 * Lifetimes: a row pointer, and every string read from it, is good until
 * control goes back to the event loop or a transaction is committed,
 * whichever is first. Keep the uuid, not the row.
 *
 * Column names are those of the schema. Asking for a column that the table
 * doesn't have, or with the wrong type, reads as "empty" and is logged.
 */
#ifndef OFCTL_OVSDB_OVSDB_H
#define OFCTL_OVSDB_OVSDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct ovsdb;
struct ovsdb_row;
struct ovsdb_txn;
struct ovsdb_edit;

struct ovsdb_uuid {
	uint8_t bytes[16]; /* in the order of the text form */
};

#define OVSDB_UUID_TEXT 37 /* text form with its NUL */

/* Write the text form of 'uuid' into 'text'; returns 'text'. */
const char *ovsdb_uuid_format(const struct ovsdb_uuid *uuid, char text[OVSDB_UUID_TEXT]);
bool ovsdb_uuid_equal(const struct ovsdb_uuid *a, const struct ovsdb_uuid *b);

/*
 * Opening and serving
 */

/* Open the database file 'path', made when it isn't there; NULL keeps the
 * database in memory only. An empty database gets its one Open_vSwitch row.
 * On failure nothing is left open, the cause is logged, and the result is
 * -EBUSY (another process has the file), -EINVAL (not a database of ours),
 * -EBADMSG (damaged), -EIO, -ENOMEM or what open(2) said. */
int ovsdb_open(struct ovsdb **db, struct event_base *base, const char *path);

/* Drop all clients, write what is queued, close the file. NULL is allowed. */
void ovsdb_close(struct ovsdb *db);

/* Accept clients at 'remote': "punix:PATH" (or a bare path that has a '/'),
 * or "ptcp:PORT[:IP]" with IP 0.0.0.0 by default, IPv6 in brackets. A stale
 * socket file is replaced, one with a live server behind it is -EADDRINUSE.
 * Listening twice at the same remote is fine. -EAFNOSUPPORT: unknown form. */
int ovsdb_listen(struct ovsdb *db, const char *remote);

/* Stop accepting at 'remote', as given to ovsdb_listen(); its clients stay.
 * -ENOENT: not listening there. */
int ovsdb_unlisten(struct ovsdb *db, const char *remote);

/* Bounds against bad clients: bytes of one message, and bytes waiting for a
 * client that doesn't read. Past either, the client is dropped. */
void ovsdb_set_limits(struct ovsdb *db, size_t message_bytes, size_t backlog_bytes);

/* Number of clients connected now. */
size_t ovsdb_n_clients(const struct ovsdb *db);

/* 0, or the -errno with which the disk last failed and hasn't recovered.
 * While it is set, client transactions that change stored data get the RFC's
 * "I/O error"; the write is tried again every second. */
int ovsdb_disk_error(const struct ovsdb *db);

/*
 * Hearing of changes
 */

/* 'cb' runs from the event loop soon after one or more *client*
 * transactions were committed in memory, never from inside another call of
 * this header. It isn't called for transactions made with ovsdb_txn_commit().
 * One callback; NULL takes it away. */
typedef void ovsdb_commit_cb(struct ovsdb *db, void *aux);
void ovsdb_on_commit(struct ovsdb *db, ovsdb_commit_cb *cb, void *aux);

/* Number of client commits so far. A row's (or table's) number is that of
 * the last client commit that inserted or changed it (for a table, also
 * deleted from it): what is greater than the number seen last time is new. */
uint64_t ovsdb_seqno(const struct ovsdb *db);
uint64_t ovsdb_table_seqno(const struct ovsdb *db, const char *table);
uint64_t ovsdb_row_seqno(const struct ovsdb_row *row);

/*
 * Finding rows
 */

/* Walk the rows of 'table', in no particular order. NULL at the end. */
const struct ovsdb_row *ovsdb_first(const struct ovsdb *db, const char *table);
const struct ovsdb_row *ovsdb_next(const struct ovsdb_row *row);
#define OVSDB_FOR_EACH(ROW, DB, TABLE) \
	for (const struct ovsdb_row *ROW = ovsdb_first(DB, TABLE); ROW; ROW = ovsdb_next(ROW))

size_t ovsdb_n_rows(const struct ovsdb *db, const char *table);
/* Hashed lookups; NULL when there is none. */
const struct ovsdb_row *ovsdb_find(
	const struct ovsdb *db, const char *table, const struct ovsdb_uuid *uuid);
/* By the column "name", for tables indexed by it (Bridge, Port, Interface). */
const struct ovsdb_row *ovsdb_find_name(
	const struct ovsdb *db, const char *table, const char *name);

const struct ovsdb_uuid *ovsdb_row_uuid(const struct ovsdb_row *row);
const char *ovsdb_row_table(const struct ovsdb_row *row);

/*
 * Reading columns. A column is a set (a scalar is a set of one, an unset
 * optional column a set of none) or a map; both are sorted.
 */

/* Elements in the column. */
size_t ovsdb_count(const struct ovsdb_row *row, const char *column);

/* The first element, or 'dflt' (NULL for a string) when it is empty. */
int64_t ovsdb_integer(const struct ovsdb_row *row, const char *column, int64_t dflt);
bool ovsdb_bool(const struct ovsdb_row *row, const char *column, bool dflt);
const char *ovsdb_string(const struct ovsdb_row *row, const char *column);

/* Element 'i' of a set, or key 'i' of a map. */
int64_t ovsdb_integer_at(const struct ovsdb_row *row, const char *column, size_t i);
const char *ovsdb_string_at(const struct ovsdb_row *row, const char *column, size_t i);
const struct ovsdb_uuid *ovsdb_uuid_at(const struct ovsdb_row *row, const char *column, size_t i);
/* Value 'i' of a map from strings to strings, for walking it. */
const char *ovsdb_value_at(const struct ovsdb_row *row, const char *column, size_t i);
/* Value 'i' of a map to integers. */
int64_t ovsdb_value_integer_at(const struct ovsdb_row *row, const char *column, size_t i);

/* The row that element 'i' refers to (for a map: that its value 'i' refers
 * to, or its key where only that is a reference), NULL when there is none. */
const struct ovsdb_row *ovsdb_ref(const struct ovsdb_row *row, const char *column, size_t i);
/* The row that a map from integers to rows has for 'key' (queues,
 * flow_tables). */
const struct ovsdb_row *ovsdb_map_ref(const struct ovsdb_row *row, const char *column, int64_t key);

bool ovsdb_set_has_string(const struct ovsdb_row *row, const char *column, const char *value);
bool ovsdb_set_has_integer(const struct ovsdb_row *row, const char *column, int64_t value);

/* Value for 'key' in a map from strings to strings (other_config:KEY), NULL
 * when it has none; and read as a number or truth value ("true"; anything
 * else that is set is false), 'dflt' when it isn't there or isn't a number. */
const char *ovsdb_map_string(const struct ovsdb_row *row, const char *column, const char *key);
int64_t ovsdb_map_integer(
	const struct ovsdb_row *row, const char *column, const char *key, int64_t dflt);
bool ovsdb_map_bool(const struct ovsdb_row *row, const char *column, const char *key, bool dflt);

/*
 * Writing: collect edits, then commit them as one transaction. An edit is of
 * one row, existing or new, and is owned by its transaction. Arguments are
 * copied. The first error (unknown column, wrong type, no memory) is
 * remembered and returned by ovsdb_txn_commit().
 */
struct ovsdb_pair {
	const char *key;
	const char *value;
};

struct ovsdb_count {
	const char *key;
	int64_t value;
};

struct ovsdb_txn *ovsdb_txn_new(struct ovsdb *db);
/* Edit 'row', or the row 'uuid' of 'table'. A row that is gone at commit is
 * skipped without error. */
struct ovsdb_edit *ovsdb_edit(struct ovsdb_txn *txn, const struct ovsdb_row *row);
struct ovsdb_edit *ovsdb_edit_uuid(
	struct ovsdb_txn *txn, const char *table, const struct ovsdb_uuid *uuid);
/* A new row. It must be referred to, from the same transaction at the
 * latest, unless its table is a root table. */
struct ovsdb_edit *ovsdb_insert(struct ovsdb_txn *txn, const char *table);
/* The uuid of the edited row; of a new one, what it will have. */
const struct ovsdb_uuid *ovsdb_edit_row_uuid(const struct ovsdb_edit *edit);

void ovsdb_set_integer(struct ovsdb_edit *edit, const char *column, int64_t value);
void ovsdb_set_bool(struct ovsdb_edit *edit, const char *column, bool value);
/* NULL empties an optional column. */
void ovsdb_set_string(struct ovsdb_edit *edit, const char *column, const char *value);
void ovsdb_set_strings(
	struct ovsdb_edit *edit, const char *column, const char *const *values, size_t n);
void ovsdb_set_integers(
	struct ovsdb_edit *edit, const char *column, const int64_t *values, size_t n);
void ovsdb_set_uuids(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_uuid *values, size_t n);
/* Replace a whole map of strings to strings, or to integers (statistics). */
void ovsdb_set_map(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_pair *pairs, size_t n);
void ovsdb_set_counts(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_count *counts, size_t n);
/* Set one key of a map of strings to strings; NULL removes it. */
void ovsdb_set_key(struct ovsdb_edit *edit, const char *column, const char *key, const char *value);
/* Back to the column's default: empty, 0, "" or false. */
void ovsdb_clear(struct ovsdb_edit *edit, const char *column);
void ovsdb_delete(struct ovsdb_edit *edit);

/* Apply all edits, or none; frees 'txn' either way. A commit that changes
 * nothing costs nothing and notifies nobody. -EINVAL: an edit was wrong or
 * the result breaks a constraint (logged, with the constraint). */
int ovsdb_txn_commit(struct ovsdb_txn *txn);
/* Forget the edits; frees 'txn'. */
void ovsdb_txn_abort(struct ovsdb_txn *txn);

#endif /* OFCTL_OVSDB_OVSDB_H */
