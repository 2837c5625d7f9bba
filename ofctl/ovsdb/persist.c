/* SPDX-License-Identifier: Apache-2.0 */
/* Between rows and what the store keeps of them. */
#include "ofctl/ovsdb/server.h"

#include "hal/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

LOG_DEFINE(ovsdb_persist);

static bool is_stored(const struct ovsdb_column *column)
{
	return !(column->flags & OVSDB_COLUMN_EPHEMERAL);
}

static bool touches_stored(const struct ovsdb_change *change)
{
	const struct ovsdb_table *table = change->row->table;

	if (!change->old || change->row->deleted)
		return true;
	for (unsigned int i = 0; i < table->n_columns; i++) {
		if (is_stored(&table->columns[i]) && ovsdb_change_touches(change, i))
			return true;
	}
	return false;
}

static char *stored_columns(const struct ovsdb_row *row)
{
	const struct ovsdb_table *table = row->table;
	json_t *json = json_object();

	for (unsigned int i = 0; i < table->n_columns; i++) {
		const struct ovsdb_column *column = &table->columns[i];
		if (!is_stored(column) || ovsdb_datum_is_default(row->columns[i], &column->type))
			continue;
		json_object_set_new_nocheck(
			json, column->name, ovsdb_datum_to_json(row->columns[i], &column->type));
	}
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

static int persist_change(const struct ovsdb_change *change, struct ovsdb_writes *writes)
{
	const struct ovsdb_row *row = change->row;
	struct ovsdb_write *write = calloc(1, sizeof(*write));

	if (!write)
		return -ENOMEM;
	write->table = row->table->schema->name;
	ovsdb_uuid_format(ovsdb_row_id(row), write->uuid);
	if (!row->deleted) {
		write->columns = stored_columns(row);
		if (!write->columns) {
			free(write);
			return -ENOMEM;
		}
	}
	STAILQ_INSERT_TAIL(writes, write, link);
	return 0;
}

int ovsdb_persist_changes(const struct ovsdb_changes *changes, struct ovsdb_writes *writes)
{
	const struct ovsdb_change *change;

	TAILQ_FOREACH (change, changes, link) {
		int rc = touches_stored(change) ? persist_change(change, writes) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

struct load {
	struct ovsdb_execution execution;
	struct ovsdb_transaction txn;
};

static int damaged(const char *table, const char *uuid, const char *why)
{
	log_err("the stored row %s of table %s can't be used: %s", uuid, table, why);
	return -EBADMSG;
}

static int load_values(
	struct load *load, struct ovsdb_table *table, struct ovsdb_row *row, const json_t *json)
{
	struct ovsdb_datum *values[OVSDB_MAX_COLUMNS] = {NULL};
	int rc = ovsdb_values_parse(&load->execution, table, json, OVSDB_FOR_INSERT, values);

	for (unsigned int i = 0; i < table->n_columns && !rc; i++) {
		if (values[i])
			rc = ovsdb_transaction_set(&load->txn, row, i, ovsdb_datum_ref(values[i]));
	}
	ovsdb_values_clear(table, values);
	return rc;
}

static int load_row(void *load_, const char *table_name, const char *uuid_text, const char *columns)
{
	struct load *load = load_;
	struct ovsdb_table *table = ovsdb_database_table(load->txn.database, table_name);
	struct ovsdb_uuid uuid;

	if (!table)
		return damaged(table_name, uuid_text, "there is no such table");
	if (!ovsdb_uuid_parse(&uuid, uuid_text) || ovsdb_table_find_any(table, &uuid))
		return damaged(table_name, uuid_text, "bad or repeated uuid");
	json_error_t json_error;
	json_t *json = json_loads(columns, 0, &json_error);
	if (!json)
		return damaged(table_name, uuid_text, json_error.text);
	struct ovsdb_row *row = ovsdb_transaction_insert(&load->txn, table, &uuid);
	int rc = row ? load_values(load, table, row, json) : -ENOMEM;
	json_decref(json);
	if (rc == -EINVAL)
		return damaged(table_name, uuid_text, load->execution.error.details);
	return rc;
}

int ovsdb_persist_load(struct ovsdb *ovsdb)
{
	struct load load = {.execution.txn = &load.txn};
	struct ovsdb_error error = {0};

	ovsdb_transaction_begin(&load.txn, &ovsdb->vswitch);
	int rc = ovsdb_store_load(ovsdb->store, load_row, &load);
	if (!rc && ovsdb_transaction_check(&load.txn, &error)) {
		log_err("the stored rows don't fit together: %s: %s", error.tag, error.details);
		rc = -EBADMSG;
	}
	if (rc)
		ovsdb_transaction_rollback(&load.txn);
	else
		ovsdb_transaction_commit(&load.txn);
	return rc;
}
