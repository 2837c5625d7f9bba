/* SPDX-License-Identifier: Apache-2.0
 *
 * A copy of the database that commands read and change.
 *
 * What: rows as they were read, and as the commands of this call want them. Nothing is sent while
 * commands run; transaction.h turns the difference into one transaction.
 * Ownership: rows live as long as the model. Values are in the form of value.h; functions that read
 * return borrowed references, row_set takes the reference.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_MODEL_H
#define SLUICE_TOOLS_SLUICECTL_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/sluicectl/schema.h"

struct row {
	const struct table *table;
	char *id;       /* the uuid, or the name that stands for it in this transaction */
	json_t *old;    /* column to value as read; NULL for a new row */
	json_t *now;    /* as wanted */
	json_t *relied; /* columns (of `old`) that a decision was based on, as an object's keys */
	bool deleted;
};

struct rows {
	struct row **list;
	size_t n;
};

/* A name "@NAME" of the command line. */
struct symbol {
	struct symbol *next;
	char *name;      /* with the @ */
	char *id;        /* of the row */
	struct row *row; /* NULL until a command makes it */
};

struct model {
	const struct schema *schema;
	struct rows *tables; /* by table->index */
	struct symbol *symbols;
	unsigned n_new;
};

void model_init(struct model *m, const struct schema *s);
void model_free(struct model *m);

/* Adds a row as a "select" returned it. */
void model_load(struct model *m, const struct table *t, const json_t *wire);

/* Sorts the rows of each table by name where it has one, else by uuid. */
void model_sort(struct model *m);

const struct rows *model_rows(const struct model *m, const char *table);

/* The only row of Open_vSwitch; ends the program if there is none. */
struct row *model_root(const struct model *m);

/* The row with this string in this column, or NULL. Deleted rows are not found. */
struct row *model_find(
	const struct model *m, const char *table, const char *column, const char *text);

struct row *model_by_id(const struct model *m, const char *table, const char *id);

/* The row that an atom of a reference names. */
struct row *model_referred(const struct model *m, const char *table, const json_t *atom);

struct row *model_insert(struct model *m, const char *table);

/* "@NAME", made if it is new. */
struct symbol *model_symbol(struct model *m, const char *name);

/* Lets it name the row. Ends the program if it names one already. */
void model_bind(struct symbol *s, struct row *r);

/* ---- rows ---- */

const json_t *row_get(const struct row *r, const char *column);
json_t *row_copy(const struct row *r, const char *column); /* a new list of the same elements */
const char *row_string(const struct row *r, const char *column); /* the first, or NULL */
json_int_t row_integer(const struct row *r, const char *column, json_int_t otherwise);
void row_set(struct row *r, const char *column, json_t *value);
void row_set_string(struct row *r, const char *column, const char *text); /* NULL: nothing */

/* The transaction shall fail, and be tried again, if the column changed since. */
void row_rely(struct row *r, const char *column);

/* References: sets of rows. */
json_t *row_atom(const struct row *r);
bool row_refers(const struct row *r, const char *column, const struct row *to);
void row_link(struct row *r, const char *column, const struct row *to);
void row_unlink(struct row *r, const char *column, const struct row *to);

/* A message's name for it: its name, or its uuid. */
const char *row_label(const struct row *r);

#endif
