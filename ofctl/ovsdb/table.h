/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases, tables and rows in memory.
 *
 * A row has one datum for each column; the first two columns of every table
 * are the RFC's "_uuid" and "_version". Rows are changed through
 * transaction.h only, in place, with the old version kept until the
 * transaction ends; a row deleted by the running transaction stays in its
 * table, marked, until then. Event-loop thread only.
 */
#ifndef OFCTL_OVSDB_TABLE_H
#define OFCTL_OVSDB_TABLE_H

#include "hal/base/hmap.h"
#include "ofctl/ovsdb/schema.h"

#include <sys/queue.h>

enum { OVSDB_COLUMN_UUID, OVSDB_COLUMN_VERSION, OVSDB_N_IMPLICIT };

/* Bound of arrays with a place for each column; tables have some forty. */
#define OVSDB_MAX_COLUMNS 64

struct ovsdb_change;

struct ovsdb_row {
	struct hmap_node by_uuid;
	struct hmap_node by_index;
	TAILQ_ENTRY(ovsdb_row) link;
	struct ovsdb_table *table;
	struct ovsdb_change *change; /* by the running transaction, or NULL */
	size_t n_strong, n_weak;     /* references from other rows, and itself */
	uint64_t seqno;              /* client commit that changed it last */
	bool indexed;
	bool deleted;
	struct ovsdb_datum *columns[];
};

struct ovsdb_table {
	const struct ovsdb_table_schema *schema;
	struct ovsdb_database *database;
	struct ovsdb_column *columns; /* those of the schema after the implicit ones */
	struct ovsdb_datum **defaults;
	struct ovsdb_table **key_refs, **value_refs; /* per column, or NULL */
	unsigned int *by_name;                       /* columns sorted by name */
	unsigned int n_columns;
	unsigned int index_columns[OVSDB_INDEX_COLUMNS];
	unsigned int n_index;
	bool has_weak;     /* some column holds weak references */
	struct hmap rows;  /* by uuid */
	struct hmap index; /* by index columns */
	TAILQ_HEAD(, ovsdb_row) list;
	size_t n_rows; /* those not marked deleted */
	uint64_t seqno;
};

struct ovsdb_database {
	const struct ovsdb_schema *schema;
	struct ovsdb_table *tables;
	struct ovsdb_uuid commit_id; /* of the last commit, for monitor_cond_since */
};

int ovsdb_database_init(struct ovsdb_database *database, const struct ovsdb_schema *schema);
void ovsdb_database_destroy(struct ovsdb_database *database);
/* NULL when there is none of that name. */
struct ovsdb_table *ovsdb_database_table(const struct ovsdb_database *database, const char *name);

/* The number of the column 'name', or -ENOENT. */
int ovsdb_table_column(const struct ovsdb_table *table, const char *name);
/* The same for a client's input, else -EINVAL with "unknown column". */
int ovsdb_table_column_json(
	const struct ovsdb_table *table, const json_t *name, struct ovsdb_error *error);

static inline const struct ovsdb_uuid *ovsdb_row_id(const struct ovsdb_row *row)
{
	return &row->columns[OVSDB_COLUMN_UUID]->keys[0].uuid;
}

/* Rows that are not marked deleted; and the lookup that finds these too. */
struct ovsdb_row *ovsdb_table_find(const struct ovsdb_table *table, const struct ovsdb_uuid *uuid);
struct ovsdb_row *ovsdb_table_find_any(
	const struct ovsdb_table *table, const struct ovsdb_uuid *uuid);
struct ovsdb_row *ovsdb_table_first(const struct ovsdb_table *table);
struct ovsdb_row *ovsdb_table_next(const struct ovsdb_row *row);
#define OVSDB_TABLE_FOR_EACH(ROW, TABLE) \
	for (struct ovsdb_row *ROW = ovsdb_table_first(TABLE); ROW; ROW = ovsdb_table_next(ROW))

/* A new row of defaults in the table; NULL without memory. */
struct ovsdb_row *ovsdb_row_new(struct ovsdb_table *table, const struct ovsdb_uuid *uuid);
/* Out of the table, and freed. */
void ovsdb_row_destroy(struct ovsdb_row *row);

/* The index: rows enter and leave it when a transaction commits. */
uint32_t ovsdb_index_hash(const struct ovsdb_row *row);
/* The row with the same values in the index's columns, or NULL. */
struct ovsdb_row *ovsdb_index_find_same(const struct ovsdb_row *row);
int ovsdb_index_insert(struct ovsdb_row *row);
void ovsdb_index_remove(struct ovsdb_row *row);

#endif /* OFCTL_OVSDB_TABLE_H */
