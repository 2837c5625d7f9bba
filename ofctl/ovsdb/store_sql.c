/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/store_sql.h"

#include "hal/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

LOG_DEFINE(ovsdb_store);

#define APPLICATION_ID 0x534c7553 /* "SLuS" */
#define LAYOUT_VERSION 1

static int sql_errno(sqlite3 *db, int rc)
{
	int system_error = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOTADB:
		return -EINVAL;
	case SQLITE_CORRUPT:
		return -EBADMSG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return system_error ? -system_error : -EIO;
	default:
		return -EIO;
	}
}

static int fail(struct ovsdb_sql *sql, const char *what, int rc)
{
	int error = sql_errno(sql->db, rc);

	log_err("%s: %s: %s (%s)", sqlite3_db_filename(sql->db, "main"), what,
		sqlite3_errmsg(sql->db), sqlite3_errstr(rc));
	return error;
}

static int execute(struct ovsdb_sql *sql, const char *text)
{
	int rc = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(sql, text, rc);
}

static int first_value(void *value, int n, char **columns, char **names)
{
	(void)names;
	if (n && columns[0])
		snprintf(value, 128, "%s", columns[0]);
	return 0;
}

/* The first column of the only row that 'text' gives. */
static int query(struct ovsdb_sql *sql, const char *text, char value[128])
{
	value[0] = '\0';
	int rc = sqlite3_exec(sql->db, text, first_value, value, NULL);
	return rc == SQLITE_OK ? 0 : fail(sql, text, rc);
}

/* Is the file ours? Before anything is changed in it. */
static int check_file(struct ovsdb_sql *sql, const char *path, bool *fresh)
{
	char id[128], version[128], objects[128], check[128];
	int rc = query(sql, "PRAGMA application_id", id);

	if (!rc)
		rc = query(sql, "PRAGMA user_version", version);
	if (!rc)
		rc = query(sql, "SELECT count(*) FROM sqlite_schema", objects);
	if (rc == -EINVAL)
		log_err("%s is not a database file", path);
	else if (rc == -EBUSY)
		log_err("%s is in use by another process", path);
	if (rc)
		return rc;

	*fresh = !atol(id) && !atol(objects);
	if (*fresh)
		return 0;
	if (atol(id) != APPLICATION_ID) {
		log_err("%s is a database of another program (application id %s, expected %d)",
			path, id, APPLICATION_ID);
		return -EINVAL;
	}
	if (atol(version) != LAYOUT_VERSION) {
		log_err("%s has layout version %s, this program reads version %d", path, version,
			LAYOUT_VERSION);
		return -EINVAL;
	}
	rc = query(sql, "PRAGMA quick_check(1)", check);
	if (!rc && strcmp(check, "ok")) {
		log_err("%s is damaged: %s", path, check);
		return -EBADMSG;
	}
	return rc;
}

/* A name in a directory is durable once the directory is. */
static void sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd))
		log_warn("%s: the directory can't be synchronized: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(copy);
}

static int set_up(struct ovsdb_sql *sql, const char *path)
{
	bool fresh;
	int rc = execute(sql, "PRAGMA locking_mode=EXCLUSIVE");

	if (!rc)
		rc = check_file(sql, path, &fresh);
	if (!rc)
		rc = execute(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
	if (rc)
		return rc;
	/* The first write takes the lock that keeps others out. */
	rc = execute(sql, "BEGIN IMMEDIATE; COMMIT");
	if (rc || !fresh)
		return rc;

	char text[512];
	snprintf(text, sizeof(text),
		"BEGIN IMMEDIATE;"
		"PRAGMA application_id=%d;"
		"PRAGMA user_version=%d;"
		"CREATE TABLE row(tbl TEXT NOT NULL, uuid TEXT NOT NULL, columns TEXT NOT NULL,"
		" PRIMARY KEY(tbl, uuid)) WITHOUT ROWID;"
		"COMMIT",
		APPLICATION_ID, LAYOUT_VERSION);
	rc = execute(sql, text);
	if (!rc)
		sync_directory(path);
	return rc;
}

static int prepare(struct ovsdb_sql *sql, sqlite3_stmt **statement, const char *text)
{
	int rc = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);

	return rc == SQLITE_OK ? 0 : fail(sql, text, rc);
}

/* The system's own words when the file can't be had at all. */
static int probe(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0) {
		int error = errno;
		log_err("%s: %s", path, strerror(error));
		return -error;
	}
	close(fd);
	return 0;
}

int ovsdb_sql_open(struct ovsdb_sql *sql, const char *path)
{
	memset(sql, 0, sizeof(*sql));
	int rc = probe(path);
	if (rc)
		return rc;
	int sql_rc =
		sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (sql_rc != SQLITE_OK) {
		rc = sql_errno(sql->db, sql_rc);
		log_err("%s: %s", path, sqlite3_errstr(sql_rc));
		ovsdb_sql_close(sql);
		return rc;
	}

	rc = set_up(sql, path);
	if (!rc)
		rc = prepare(sql, &sql->put,
			"INSERT OR REPLACE INTO row(tbl, uuid, columns) VALUES(?1, ?2, ?3)");
	if (!rc)
		rc = prepare(sql, &sql->del, "DELETE FROM row WHERE tbl = ?1 AND uuid = ?2");
	if (!rc)
		rc = prepare(sql, &sql->begin, "BEGIN IMMEDIATE");
	if (!rc)
		rc = prepare(sql, &sql->commit, "COMMIT");
	if (!rc)
		rc = prepare(sql, &sql->rollback, "ROLLBACK");
	if (rc)
		ovsdb_sql_close(sql);
	return rc;
}

void ovsdb_sql_close(struct ovsdb_sql *sql)
{
	sqlite3_finalize(sql->put);
	sqlite3_finalize(sql->del);
	sqlite3_finalize(sql->begin);
	sqlite3_finalize(sql->commit);
	sqlite3_finalize(sql->rollback);
	sqlite3_close(sql->db);
	memset(sql, 0, sizeof(*sql));
}

int ovsdb_sql_load(struct ovsdb_sql *sql, ovsdb_store_row_cb *cb, void *aux)
{
	sqlite3_stmt *statement;
	int rc = prepare(sql, &statement, "SELECT tbl, uuid, columns FROM row");

	if (rc)
		return rc;
	int sql_rc;
	while (!rc && (sql_rc = sqlite3_step(statement)) == SQLITE_ROW)
		rc = cb(aux, (const char *)sqlite3_column_text(statement, 0),
			(const char *)sqlite3_column_text(statement, 1),
			(const char *)sqlite3_column_text(statement, 2));
	if (!rc && sql_rc != SQLITE_DONE)
		rc = fail(sql, "reading rows", sql_rc);
	sqlite3_finalize(statement);
	return rc;
}

static int step(struct ovsdb_sql *sql, sqlite3_stmt *statement, const char *what)
{
	int rc = sqlite3_step(statement);
	int error = rc == SQLITE_DONE ? 0 : fail(sql, what, rc);

	sqlite3_reset(statement);
	return error;
}

static int write_one(struct ovsdb_sql *sql, const struct ovsdb_write *write)
{
	sqlite3_stmt *statement = write->columns ? sql->put : sql->del;

	sqlite3_bind_text(statement, 1, write->table, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, write->uuid, -1, SQLITE_STATIC);
	if (write->columns)
		sqlite3_bind_text(statement, 3, write->columns, -1, SQLITE_STATIC);
	int rc = step(sql, statement, "writing a row");
	sqlite3_clear_bindings(statement);
	return rc;
}

int ovsdb_sql_write(struct ovsdb_sql *sql, const struct ovsdb_writes *writes)
{
	const struct ovsdb_write *write;
	int rc = step(sql, sql->begin, "beginning a transaction");

	if (rc)
		return rc;
	STAILQ_FOREACH (write, writes, link) {
		rc = write_one(sql, write);
		if (rc)
			break;
	}
	if (!rc)
		rc = step(sql, sql->commit, "committing a transaction");
	/* Some errors have rolled back already. */
	if (rc && !sqlite3_get_autocommit(sql->db))
		step(sql, sql->rollback, "rolling back a transaction");
	return rc;
}
