/* SPDX-License-Identifier: Apache-2.0
 *
 * The database's schema (RFC 7047 section 3.2), as the server describes it.
 *
 * What: tables and columns with their types, and finding them by what people type.
 * Ownership: all strings belong to the JSON text that schema_read was given.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_SCHEMA_H
#define SLUICE_TOOLS_SLUICECTL_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum atom_type { ATOM_INTEGER, ATOM_REAL, ATOM_BOOLEAN, ATOM_STRING, ATOM_UUID };

struct base_type {
	enum atom_type type;
	const json_t *choices; /* a list of atoms, or NULL: any */
	const char *ref_table; /* for uuids, or NULL */
	json_int_t min, max;   /* for integers */
};

struct column {
	const char *name;
	struct base_type key, value;
	bool is_map;
	unsigned min, max; /* elements; UINT_MAX is unlimited */
};

struct table {
	const char *name;
	struct column *columns; /* by name; "_uuid" is one of them */
	size_t n_columns;
	bool is_root;   /* rows live without being referred to */
	unsigned index; /* in the schema */
	bool one_row;   /* at most one row */
};

struct schema {
	json_t *json;
	struct table *tables;
	size_t n_tables;
};

/* Takes the reference to the <database-schema>. Ends the program if it is none. */
void schema_read(struct schema *s, json_t *json);
void schema_free(struct schema *s);

/* By exact name; NULL if there is none. */
const struct table *schema_table(const struct schema *s, const char *name);
const struct column *table_column(const struct table *t, const char *name);

/* By what was typed: case and "-" for "_" do not matter, and the beginning is enough where only
 * one begins so. Ends the program, naming the nearest, if there is none. */
const struct table *schema_table_typed(const struct schema *s, const char *text);
const struct column *table_column_typed(const struct table *t, const char *text);

/* At most one element: shown without brackets. */
bool column_is_scalar(const struct column *c);

#endif
