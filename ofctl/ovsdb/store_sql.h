/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store says to SQLite. Layout of the file: one table, one row for
 * each row of the database, its columns as a JSON object in the encoding of
 * RFC 7047 with default values left out.
 */
#ifndef OFCTL_OVSDB_STORE_SQL_H
#define OFCTL_OVSDB_STORE_SQL_H

#include "ofctl/ovsdb/store.h"

#include <sqlite3.h>

struct ovsdb_sql {
	sqlite3 *db;
	sqlite3_stmt *put, *del, *begin, *commit, *rollback;
};

/* Open, check, lock and prepare. Errors are logged. */
int ovsdb_sql_open(struct ovsdb_sql *sql, const char *path);
void ovsdb_sql_close(struct ovsdb_sql *sql);
int ovsdb_sql_load(struct ovsdb_sql *sql, ovsdb_store_row_cb *cb, void *aux);
/* Write all of 'writes' durably, or nothing. */
int ovsdb_sql_write(struct ovsdb_sql *sql, const struct ovsdb_writes *writes);

#endif /* OFCTL_OVSDB_STORE_SQL_H */
