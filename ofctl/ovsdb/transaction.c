/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/transaction.h"

#include "hal/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

LOG_DEFINE(ovsdb_transaction);

void ovsdb_transaction_begin(struct ovsdb_transaction *txn, struct ovsdb_database *database)
{
	memset(txn, 0, sizeof(*txn));
	txn->database = database;
	TAILQ_INIT(&txn->changes);
}

static struct ovsdb_change *change_new(struct ovsdb_transaction *txn, struct ovsdb_row *row)
{
	struct ovsdb_change *change = calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	change->row = row;
	row->change = change;
	TAILQ_INSERT_TAIL(&txn->changes, change, link);
	return change;
}

struct ovsdb_change *ovsdb_transaction_change(struct ovsdb_transaction *txn, struct ovsdb_row *row)
{
	if (row->change)
		return row->change;

	unsigned int n = row->table->n_columns;
	struct ovsdb_datum **old = calloc(n, sizeof(struct ovsdb_datum *));
	struct ovsdb_change *change = old ? change_new(txn, row) : NULL;
	if (!change) {
		free(old);
		return NULL;
	}
	for (unsigned int i = 0; i < n; i++)
		old[i] = ovsdb_datum_ref(row->columns[i]);
	change->old = old;
	return change;
}

struct ovsdb_row *ovsdb_transaction_insert(
	struct ovsdb_transaction *txn, struct ovsdb_table *table, const struct ovsdb_uuid *uuid)
{
	struct ovsdb_row *row = ovsdb_row_new(table, uuid);

	if (row && !change_new(txn, row)) {
		ovsdb_row_destroy(row);
		return NULL;
	}
	return row;
}

int ovsdb_transaction_set(struct ovsdb_transaction *txn, struct ovsdb_row *row, unsigned int column,
	struct ovsdb_datum *datum)
{
	const struct ovsdb_type *type = &row->table->columns[column].type;

	if (!datum)
		return -ENOMEM;
	if (!ovsdb_transaction_change(txn, row)) {
		ovsdb_datum_unref(datum, type);
		return -ENOMEM;
	}
	ovsdb_datum_unref(row->columns[column], type);
	row->columns[column] = datum;
	return 0;
}

int ovsdb_transaction_delete(struct ovsdb_transaction *txn, struct ovsdb_row *row)
{
	if (!ovsdb_transaction_change(txn, row))
		return -ENOMEM;
	row->deleted = true;
	row->table->n_rows--;
	return 0;
}

bool ovsdb_change_touches(const struct ovsdb_change *change, unsigned int column)
{
	const struct ovsdb_row *row = change->row;

	return !change->old || row->deleted ||
	       !ovsdb_datum_equal(change->old[column], row->columns[column],
		       &row->table->columns[column].type);
}

static void change_free(struct ovsdb_transaction *txn, struct ovsdb_change *change)
{
	const struct ovsdb_table *table = change->row->table;

	TAILQ_REMOVE(&txn->changes, change, link);
	change->row->change = NULL;
	for (unsigned int i = 0; change->old && i < table->n_columns; i++)
		ovsdb_datum_unref(change->old[i], &table->columns[i].type);
	free(change->old);
	free(change);
}

/* Rows inserted and deleted by the same transaction, and rows that are as
 * they were, need not be told to anyone. */
static void drop_empty_changes(struct ovsdb_transaction *txn)
{
	struct ovsdb_change *change, *next;

	for (change = TAILQ_FIRST(&txn->changes); change; change = next) {
		struct ovsdb_row *row = change->row;
		next = TAILQ_NEXT(change, link);
		if (!change->old && row->deleted) {
			change_free(txn, change);
			ovsdb_row_destroy(row);
			continue;
		}
		bool touched = false;
		for (unsigned int i = OVSDB_N_IMPLICIT; i < row->table->n_columns && !touched; i++)
			touched = ovsdb_change_touches(change, i);
		if (!touched && change->old && !row->deleted)
			change_free(txn, change);
	}
}

static int check_row_numbers(const struct ovsdb_database *database, struct ovsdb_error *error)
{
	for (unsigned int i = 0; i < database->schema->n_tables; i++) {
		const struct ovsdb_table *table = &database->tables[i];
		if (table->schema->max_rows && table->n_rows > table->schema->max_rows)
			return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
				"table %s would have %zu rows, of which it allows %u",
				table->schema->name, table->n_rows, table->schema->max_rows);
	}
	return 0;
}

static bool index_touched(const struct ovsdb_change *change)
{
	const struct ovsdb_table *table = change->row->table;

	for (unsigned int i = 0; i < table->n_index; i++) {
		if (ovsdb_change_touches(change, table->index_columns[i]))
			return true;
	}
	return false;
}

static int duplicate(const struct ovsdb_row *row, struct ovsdb_error *error)
{
	const struct ovsdb_table *table = row->table;
	unsigned int column = table->index_columns[0];
	char text[OVSDB_UUID_TEXT];
	json_t *value = ovsdb_datum_to_json(row->columns[column], &table->columns[column].type);
	char *shown = json_dumps(value, JSON_ENCODE_ANY);

	ovsdb_fail(error, OVSDB_E_CONSTRAINT,
		"two rows of table %s would have the same %s%s, %.64s; one is %s",
		table->schema->name, table->columns[column].name,
		table->n_index > 1 ? " (and the rest of the index)" : "", shown ? shown : "",
		ovsdb_uuid_format(ovsdb_row_id(row), text));
	free(shown);
	json_decref(value);
	return -EINVAL;
}

/* Places are given up before any is taken, so that rows can swap values. */
static int update_indexes(struct ovsdb_transaction *txn, struct ovsdb_error *error)
{
	struct ovsdb_change *change;

	TAILQ_FOREACH (change, &txn->changes, link) {
		if (!index_touched(change))
			continue;
		change->reindexed = true;
		ovsdb_index_remove(change->row);
	}
	TAILQ_FOREACH (change, &txn->changes, link) {
		if (!change->reindexed || change->row->deleted)
			continue;
		if (ovsdb_index_find_same(change->row))
			return duplicate(change->row, error);
		if (ovsdb_index_insert(change->row))
			return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	}
	return 0;
}

int ovsdb_transaction_check(struct ovsdb_transaction *txn, struct ovsdb_error *error)
{
	if (TAILQ_EMPTY(&txn->changes))
		return 0;
	int rc = ovsdb_references_update(txn, error);
	if (!rc)
		rc = check_row_numbers(txn->database, error);
	if (rc)
		return rc;
	drop_empty_changes(txn);
	return update_indexes(txn, error);
}

void ovsdb_transaction_commit(struct ovsdb_transaction *txn)
{
	struct ovsdb_change *change;

	while ((change = TAILQ_FIRST(&txn->changes))) {
		struct ovsdb_row *row = change->row;
		change_free(txn, change);
		if (row->deleted)
			ovsdb_row_destroy(row);
	}
	free(txn->unreferenced);
}

/* The row's own columns become the old ones again. */
static void restore_columns(struct ovsdb_change *change)
{
	struct ovsdb_row *row = change->row;

	for (unsigned int i = 0; i < row->table->n_columns; i++) {
		struct ovsdb_datum *old = change->old[i];
		change->old[i] = row->columns[i];
		row->columns[i] = old;
	}
	if (row->deleted) {
		row->deleted = false;
		row->table->n_rows++;
	}
}

void ovsdb_transaction_rollback(struct ovsdb_transaction *txn)
{
	struct ovsdb_change *change;

	TAILQ_FOREACH (change, &txn->changes, link)
		ovsdb_references_undo(txn, change);
	TAILQ_FOREACH (change, &txn->changes, link) {
		if (change->reindexed)
			ovsdb_index_remove(change->row);
		if (change->old)
			restore_columns(change);
	}
	while ((change = TAILQ_FIRST(&txn->changes))) {
		struct ovsdb_row *row = change->row;
		bool inserted = !change->old;
		if (change->reindexed && !inserted && ovsdb_index_insert(row))
			log_err("out of memory: a row of %s lost its index entry",
				row->table->schema->name);
		change_free(txn, change);
		if (inserted)
			ovsdb_row_destroy(row);
	}
	free(txn->unreferenced);
}
