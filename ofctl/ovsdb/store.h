/* SPDX-License-Identifier: Apache-2.0
 *
 * The database on disk: an SQLite file written by a thread of its own.
 *
 * The event loop queues what a transaction changed and goes on; the writer
 * takes everything queued so far as one SQLite transaction (group commit:
 * one flush of the disk for many) and reports back through the event loop.
 * The file is in WAL mode with synchronous=FULL and locked exclusively while
 * it is open.
 *
 * A write that fails is reported, kept, and tried again every second together
 * with what came after it.
 *
 * Threads: all functions on the event-loop thread.
 */
#ifndef OFCTL_OVSDB_STORE_H
#define OFCTL_OVSDB_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;
struct ovsdb_store;

/* One row to write or, without columns, to delete. */
struct ovsdb_write {
	STAILQ_ENTRY(ovsdb_write) link;
	const char *table; /* from the schema: lives as long as the program */
	char uuid[37];
	char *columns; /* JSON object of stored columns, owned; NULL: delete */
};

STAILQ_HEAD(ovsdb_writes, ovsdb_write);

void ovsdb_write_free(struct ovsdb_write *write);

/* Called on the event loop when the writer is through with everything up to
 * ovsdb_store_settled(), with 0 or the -errno of that attempt. */
typedef void ovsdb_store_done_cb(void *aux, int error);

/* One stored row; what it returns other than 0 ends the loading. */
typedef int ovsdb_store_row_cb(void *aux, const char *table, const char *uuid, const char *columns);

/* Open or create 'path'. -errno as for ovsdb_open(). */
int ovsdb_store_open(struct ovsdb_store **store, const char *path);
/* Read all rows; between open and start. */
int ovsdb_store_load(struct ovsdb_store *store, ovsdb_store_row_cb *cb, void *aux);
/* Start the writer. */
int ovsdb_store_start(
	struct ovsdb_store *store, struct event_base *base, ovsdb_store_done_cb *cb, void *aux);
/* Write what is queued and close. NULL is allowed. */
void ovsdb_store_close(struct ovsdb_store *store);

/* Queue the writes of one transaction, emptying 'writes'. */
void ovsdb_store_submit(struct ovsdb_store *store, struct ovsdb_writes *writes);

/* Numbers of transactions: queued so far; those up to which writing was tried
 * at least once; and those up to which all are on disk. */
uint64_t ovsdb_store_submitted(const struct ovsdb_store *store);
uint64_t ovsdb_store_settled(const struct ovsdb_store *store);
uint64_t ovsdb_store_durable(const struct ovsdb_store *store);
/* 0, or why the file can't be written at present. */
int ovsdb_store_error(const struct ovsdb_store *store);

#endif /* OFCTL_OVSDB_STORE_H */
