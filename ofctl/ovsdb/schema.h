/* SPDX-License-Identifier: Apache-2.0
 *
 * Schemas: which tables and columns a database has, as const data made from
 * schema.def and server_schema.def.
 */
#ifndef OFCTL_OVSDB_SCHEMA_H
#define OFCTL_OVSDB_SCHEMA_H

#include "ofctl/ovsdb/datum.h"

enum {
	OVSDB_COLUMN_EPHEMERAL = 1 << 0, /* forgotten when the server stops */
	OVSDB_COLUMN_IMMUTABLE = 1 << 1, /* set at insert only */
};

struct ovsdb_column {
	const char *name;
	struct ovsdb_type type;
	unsigned int flags; /* OVSDB_COLUMN_* */
};

#define OVSDB_INDEX_COLUMNS 2

struct ovsdb_table_schema {
	const char *name;
	const struct ovsdb_column *columns;
	unsigned int n_columns;
	unsigned int max_rows; /* 0: any number */
	bool root;             /* rows live without being referred to */
	/* Columns whose values are unique together; all NULL: no index. Each
	 * table of these databases has one index at most. */
	const char *index[OVSDB_INDEX_COLUMNS];
};

struct ovsdb_schema {
	const char *name;
	const char *version;
	const struct ovsdb_table_schema *tables;
	unsigned int n_tables;
};

extern const struct ovsdb_schema ovsdb_schema_vswitch; /* "Open_vSwitch" */
extern const struct ovsdb_schema ovsdb_schema_server;  /* "_Server" */

/* <database-schema> of RFC 7047, 3.2; a new reference. */
json_t *ovsdb_schema_to_json(const struct ovsdb_schema *schema);

#endif /* OFCTL_OVSDB_SCHEMA_H */
