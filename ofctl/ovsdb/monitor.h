/* SPDX-License-Identifier: Apache-2.0
 *
 * Monitors: what a client wants to be told of (RFC 7047, 4.1.5, and the
 * extensions monitor_cond and monitor_cond_since), and the messages that
 * tell it.
 */
#ifndef OFCTL_OVSDB_MONITOR_H
#define OFCTL_OVSDB_MONITOR_H

#include "ofctl/ovsdb/condition.h"
#include "ofctl/ovsdb/transaction.h"

enum ovsdb_monitor_version {
	OVSDB_MONITOR_V1, /* monitor: update, with old and new rows */
	OVSDB_MONITOR_V2, /* monitor_cond: update2, with differences */
	OVSDB_MONITOR_V3, /* monitor_cond_since: update3, also with an id */
};

enum {
	OVSDB_SELECT_INITIAL = 1 << 0,
	OVSDB_SELECT_INSERT = 1 << 1,
	OVSDB_SELECT_DELETE = 1 << 2,
	OVSDB_SELECT_MODIFY = 1 << 3,
	OVSDB_SELECT_ALL = 15,
};

struct ovsdb_monitor_column {
	unsigned int column;
	unsigned int select;
};

/* What is monitored of one table. */
struct ovsdb_monitor_table {
	struct ovsdb_table *table;
	struct ovsdb_monitor_column *columns;
	size_t n_columns;
	unsigned int select;                /* of all columns */
	struct ovsdb_condition *conditions; /* a row that meets any is seen */
	size_t n_conditions;
};

struct ovsdb_monitor {
	TAILQ_ENTRY(ovsdb_monitor) link; /* in the client's list */
	struct ovsdb_database *database;
	enum ovsdb_monitor_version version;
	json_t *id; /* chosen by the client */
	struct ovsdb_monitor_table *tables;
	size_t n_tables;
};

/* A monitor for 'requests', the object that a monitor method has per table.
 * Takes its own reference to 'id'. */
int ovsdb_monitor_new(struct ovsdb_monitor **monitor, struct ovsdb_database *database,
	enum ovsdb_monitor_version version, json_t *id, const json_t *requests,
	struct ovsdb_error *error);
void ovsdb_monitor_free(struct ovsdb_monitor *monitor);

/* Replace the conditions of the tables in 'requests', and say what comes and
 * goes in the client's view: '*updates' is NULL where nothing does. */
int ovsdb_monitor_change(struct ovsdb_monitor *monitor, const json_t *requests, json_t **updates,
	struct ovsdb_error *error);

/* <table-updates> (or updates2) for all rows there are; and for what a
 * transaction changes, NULL when this client sees nothing of it. */
json_t *ovsdb_monitor_initial(const struct ovsdb_monitor *monitor);
json_t *ovsdb_monitor_update(
	const struct ovsdb_monitor *monitor, const struct ovsdb_changes *changes);
/* The notification that carries 'updates', of which it takes the reference. */
json_t *ovsdb_monitor_notification(const struct ovsdb_monitor *monitor, json_t *updates);

/*
 * Between monitor.c and monitor_update.c
 */

/* Is the row with these columns (NULL: no row) in the client's view? */
bool ovsdb_monitor_sees(
	const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns);
/* Add 'update' for a row to 'updates', made on first use. NULLs are ignored. */
void ovsdb_monitor_add(json_t **updates, const struct ovsdb_row *row, json_t *update);
/* <row-update> for a row that comes into view, for 'select' INITIAL or INSERT,
 * and for one that goes; NULL where the client didn't select it. */
json_t *ovsdb_monitor_row_new(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns,
	unsigned int select);
json_t *ovsdb_monitor_row_gone(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns);

#endif /* OFCTL_OVSDB_MONITOR_H */
