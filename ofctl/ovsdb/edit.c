/* SPDX-License-Identifier: Apache-2.0 */
/* The in-process API for writing: edits, collected and then committed. */
#include "ofctl/ovsdb/server.h"

#include "hal/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

LOG_DEFINE(ovsdb_edit);

/* One column's new value; of a map, maybe only one key's. */
struct assignment {
	STAILQ_ENTRY(assignment) link;
	unsigned int column;
	struct ovsdb_datum *datum;
	bool merge;    /* 'datum' adds to the map, replacing equal keys, */
	bool subtract; /* or only its keys are taken out of it */
};

struct ovsdb_edit {
	STAILQ_ENTRY(ovsdb_edit) link;
	struct ovsdb_txn *txn;
	struct ovsdb_table *table; /* NULL after an error */
	struct ovsdb_uuid uuid;
	bool insert, delete;
	STAILQ_HEAD(, assignment) assignments;
};

struct ovsdb_txn {
	struct ovsdb *ovsdb;
	int error; /* the first, as -errno */
	STAILQ_HEAD(, ovsdb_edit) edits;
	struct ovsdb_edit broken; /* stands for edits that couldn't be made */
};

struct ovsdb_txn *ovsdb_txn_new(struct ovsdb *ovsdb)
{
	struct ovsdb_txn *txn = calloc(1, sizeof(*txn));

	if (!txn)
		return NULL;
	txn->ovsdb = ovsdb;
	STAILQ_INIT(&txn->edits);
	txn->broken.txn = txn;
	STAILQ_INIT(&txn->broken.assignments);
	return txn;
}

static void fail(struct ovsdb_txn *txn, int error)
{
	if (!txn->error)
		txn->error = error;
}

static struct ovsdb_edit *edit_new(
	struct ovsdb_txn *txn, const char *table_name, const struct ovsdb_uuid *uuid)
{
	struct ovsdb_table *table = ovsdb_database_table(&txn->ovsdb->vswitch, table_name);
	struct ovsdb_edit *edit = table ? calloc(1, sizeof(*edit)) : NULL;

	if (!table)
		log_err("an edit names a table that does not exist: %s", table_name);
	if (!edit) {
		fail(txn, table ? -ENOMEM : -EINVAL);
		return &txn->broken;
	}
	edit->txn = txn;
	edit->table = table;
	edit->uuid = *uuid;
	STAILQ_INIT(&edit->assignments);
	STAILQ_INSERT_TAIL(&txn->edits, edit, link);
	return edit;
}

struct ovsdb_edit *ovsdb_edit(struct ovsdb_txn *txn, const struct ovsdb_row *row)
{
	return edit_new(txn, row->table->schema->name, ovsdb_row_id(row));
}

struct ovsdb_edit *ovsdb_edit_uuid(
	struct ovsdb_txn *txn, const char *table, const struct ovsdb_uuid *uuid)
{
	return edit_new(txn, table, uuid);
}

struct ovsdb_edit *ovsdb_insert(struct ovsdb_txn *txn, const char *table)
{
	struct ovsdb_uuid uuid = ovsdb_uuid_random();
	struct ovsdb_edit *edit = edit_new(txn, table, &uuid);

	edit->insert = true;
	return edit;
}

const struct ovsdb_uuid *ovsdb_edit_row_uuid(const struct ovsdb_edit *edit)
{
	return &edit->uuid;
}

void ovsdb_delete(struct ovsdb_edit *edit)
{
	edit->delete = true;
}

/* The type of a column that is to be set, if its keys and values are of
 * these types; OVSDB_VOID as 'value' means a set. */
static const struct ovsdb_type *find_type(struct ovsdb_edit *edit, const char *name,
	enum ovsdb_atomic key, enum ovsdb_atomic value, unsigned int *column)
{
	if (!edit->table)
		return NULL;
	int found = ovsdb_table_column(edit->table, name);
	const struct ovsdb_type *type = found < 0 ? NULL : &edit->table->columns[found].type;
	if (!type || found < OVSDB_N_IMPLICIT || type->key.type != key ||
		type->value.type != value) {
		log_err("an edit sets column %s of table %s, which has no such column or another "
			"type",
			name, edit->table->schema->name);
		fail(edit->txn, -EINVAL);
		return NULL;
	}
	*column = (unsigned int)found;
	return type;
}

/* Takes 'datum', which may be NULL: no memory. */
static struct assignment *assign(
	struct ovsdb_edit *edit, unsigned int column, struct ovsdb_datum *datum)
{
	struct assignment *assignment = datum ? calloc(1, sizeof(*assignment)) : NULL;

	if (!assignment) {
		ovsdb_datum_unref(datum, &edit->table->columns[column].type);
		fail(edit->txn, -ENOMEM);
		return NULL;
	}
	assignment->column = column;
	assignment->datum = datum;
	STAILQ_INSERT_TAIL(&edit->assignments, assignment, link);
	return assignment;
}

/* Where the element of each kind of array is turned into atoms. */
typedef void element_fn(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value);

static struct ovsdb_datum *build(
	const struct ovsdb_type *type, const void *array, size_t n, element_fn *element)
{
	struct ovsdb_datum *datum = ovsdb_datum_new(type, n);
	int rc = datum ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !rc; i++) {
		union ovsdb_atom key, value;
		element(array, i, &key, &value);
		rc = ovsdb_datum_add(datum, type, &key, &value);
	}
	if (!rc)
		rc = ovsdb_datum_sort_unique(datum, type);
	if (rc) {
		ovsdb_datum_unref(datum, type);
		return NULL;
	}
	return datum;
}

static void set(struct ovsdb_edit *edit, const char *name, enum ovsdb_atomic key,
	enum ovsdb_atomic value, const void *array, size_t n, element_fn *element)
{
	unsigned int column;
	const struct ovsdb_type *type = find_type(edit, name, key, value, &column);

	if (type)
		assign(edit, column, build(type, array, n, element));
}

static void integer_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	(void)value;
	key->integer = ((const int64_t *)array)[i];
}

static void bool_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	(void)value;
	key->boolean = ((const bool *)array)[i];
}

static void string_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	(void)value;
	key->string = (char *)((const char *const *)array)[i];
}

static void uuid_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	(void)value;
	key->uuid = ((const struct ovsdb_uuid *)array)[i];
}

static void pair_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	const struct ovsdb_pair *pair = (const struct ovsdb_pair *)array + i;

	key->string = (char *)pair->key;
	value->string = (char *)pair->value;
}

static void count_element(
	const void *array, size_t i, union ovsdb_atom *key, union ovsdb_atom *value)
{
	const struct ovsdb_count *count = (const struct ovsdb_count *)array + i;

	key->string = (char *)count->key;
	value->integer = count->value;
}

void ovsdb_set_integer(struct ovsdb_edit *edit, const char *column, int64_t value)
{
	set(edit, column, OVSDB_INTEGER, OVSDB_VOID, &value, 1, integer_element);
}

void ovsdb_set_bool(struct ovsdb_edit *edit, const char *column, bool value)
{
	set(edit, column, OVSDB_BOOLEAN, OVSDB_VOID, &value, 1, bool_element);
}

void ovsdb_set_string(struct ovsdb_edit *edit, const char *column, const char *value)
{
	set(edit, column, OVSDB_STRING, OVSDB_VOID, &value, value ? 1 : 0, string_element);
}

void ovsdb_set_strings(
	struct ovsdb_edit *edit, const char *column, const char *const *values, size_t n)
{
	set(edit, column, OVSDB_STRING, OVSDB_VOID, values, n, string_element);
}

void ovsdb_set_integers(
	struct ovsdb_edit *edit, const char *column, const int64_t *values, size_t n)
{
	set(edit, column, OVSDB_INTEGER, OVSDB_VOID, values, n, integer_element);
}

void ovsdb_set_uuids(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_uuid *values, size_t n)
{
	set(edit, column, OVSDB_UUID, OVSDB_VOID, values, n, uuid_element);
}

void ovsdb_set_map(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_pair *pairs, size_t n)
{
	set(edit, column, OVSDB_STRING, OVSDB_STRING, pairs, n, pair_element);
}

void ovsdb_set_counts(
	struct ovsdb_edit *edit, const char *column, const struct ovsdb_count *counts, size_t n)
{
	set(edit, column, OVSDB_STRING, OVSDB_INTEGER, counts, n, count_element);
}

void ovsdb_set_key(struct ovsdb_edit *edit, const char *name, const char *key, const char *value)
{
	struct ovsdb_pair pair = {key, value ? value : ""};
	unsigned int column;
	const struct ovsdb_type *type = find_type(edit, name, OVSDB_STRING, OVSDB_STRING, &column);

	if (!type)
		return;
	struct assignment *assignment = assign(edit, column, build(type, &pair, 1, pair_element));
	if (assignment) {
		assignment->merge = value != NULL;
		assignment->subtract = !value;
	}
}

void ovsdb_clear(struct ovsdb_edit *edit, const char *name)
{
	if (!edit->table)
		return;
	int column = ovsdb_table_column(edit->table, name);
	if (column < OVSDB_N_IMPLICIT) {
		log_err("an edit clears column %s of table %s, which has no such column", name,
			edit->table->schema->name);
		fail(edit->txn, -EINVAL);
		return;
	}
	assign(edit, (unsigned int)column, ovsdb_datum_ref(edit->table->defaults[column]));
}

/* 'old' with one pair put in, or one key taken out. */
static struct ovsdb_datum *changed_map(const struct ovsdb_datum *old,
	const struct assignment *assignment, const struct ovsdb_type *type)
{
	/* As a set of keys: the value doesn't matter. */
	struct ovsdb_datum keys = *assignment->datum;
	keys.values = NULL;
	struct ovsdb_datum *rest = ovsdb_datum_subtract(old, &keys, type);
	if (!rest || assignment->subtract)
		return rest;
	struct ovsdb_datum *all = ovsdb_datum_union(rest, assignment->datum, type);
	ovsdb_datum_unref(rest, type);
	return all;
}

static int apply_assignment(struct ovsdb_transaction *txn, struct ovsdb_row *row,
	const struct assignment *assignment, struct ovsdb_error *error)
{
	const struct ovsdb_column *column = &row->table->columns[assignment->column];
	const struct ovsdb_type *type = &column->type;
	const struct ovsdb_datum *old = row->columns[assignment->column];
	struct ovsdb_datum *datum;

	if (assignment->merge || assignment->subtract)
		datum = changed_map(old, assignment, type);
	else
		datum = ovsdb_datum_ref(assignment->datum);
	if (!datum)
		return -ENOMEM;
	if (ovsdb_datum_check(datum, type, error)) {
		log_err("column %s of table %s: %s", column->name, row->table->schema->name,
			error->details);
		ovsdb_datum_unref(datum, type);
		return -EINVAL;
	}
	/* The usual case for status that is written every few seconds. */
	if (ovsdb_datum_equal(old, datum, type)) {
		ovsdb_datum_unref(datum, type);
		return 0;
	}
	return ovsdb_transaction_set(txn, row, assignment->column, datum);
}

static int apply_edit(
	struct ovsdb_transaction *txn, const struct ovsdb_edit *edit, struct ovsdb_error *error)
{
	struct ovsdb_row *row = edit->insert
					? ovsdb_transaction_insert(txn, edit->table, &edit->uuid)
					: ovsdb_table_find(edit->table, &edit->uuid);
	const struct assignment *assignment;
	int rc = 0;

	if (!row)
		return edit->insert ? -ENOMEM : 0;
	if (edit->delete)
		return ovsdb_transaction_delete(txn, row);
	STAILQ_FOREACH (assignment, &edit->assignments, link) {
		rc = apply_assignment(txn, row, assignment, error);
		if (rc)
			return rc;
	}
	return 0;
}

static void txn_free(struct ovsdb_txn *txn)
{
	struct ovsdb_edit *edit;

	while ((edit = STAILQ_FIRST(&txn->edits))) {
		struct assignment *assignment;
		STAILQ_REMOVE_HEAD(&txn->edits, link);
		while ((assignment = STAILQ_FIRST(&edit->assignments))) {
			STAILQ_REMOVE_HEAD(&edit->assignments, link);
			ovsdb_datum_unref(
				assignment->datum, &edit->table->columns[assignment->column].type);
			free(assignment);
		}
		free(edit);
	}
	free(txn);
}

static int apply(struct ovsdb_txn *txn)
{
	struct ovsdb_transaction transaction;
	struct ovsdb_error error = {0};
	const struct ovsdb_edit *edit;
	int rc = 0;

	ovsdb_transaction_begin(&transaction, &txn->ovsdb->vswitch);
	STAILQ_FOREACH (edit, &txn->edits, link) {
		rc = apply_edit(&transaction, edit, &error);
		if (rc)
			break;
	}
	if (!rc)
		rc = ovsdb_transaction_check(&transaction, &error);
	if (rc) {
		log_err("an internal transaction failed: %s: %s", error.tag ? error.tag : "error",
			error.tag ? error.details : strerror(-rc));
		ovsdb_transaction_rollback(&transaction);
		return rc;
	}
	rc = ovsdb_server_commit(txn->ovsdb, &transaction, false, &error);
	if (rc)
		log_err("an internal transaction failed: %s: %s", error.tag, error.details);
	return rc;
}

int ovsdb_txn_commit(struct ovsdb_txn *txn)
{
	int rc = txn->error ? txn->error : apply(txn);

	txn_free(txn);
	return rc;
}

void ovsdb_txn_abort(struct ovsdb_txn *txn)
{
	txn_free(txn);
}
