/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/execute.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ovsdb_values_parse(struct ovsdb_execution *execution, const struct ovsdb_table *table,
	const json_t *row, enum ovsdb_values_for purpose, struct ovsdb_datum **values)
{
	struct ovsdb_error *error = &execution->error;
	const char *name;
	json_t *value;

	if (!json_is_object(row))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an object as a row");
	/* json_object_foreach() casts const away, and changes nothing. */
	json_object_foreach ((json_t *)row, name, value) {
		int column = ovsdb_table_column(table, name);
		if (column < 0)
			return ovsdb_fail(error, OVSDB_E_UNKNOWN_COLUMN,
				"table %s has no column \"%.64s\"", table->schema->name, name);
		if (column < OVSDB_N_IMPLICIT && purpose != OVSDB_FOR_COMPARISON)
			return ovsdb_fail(
				error, OVSDB_E_CONSTRAINT, "column %s can't be set", name);
		const struct ovsdb_column *schema = &table->columns[column];
		if (purpose == OVSDB_FOR_UPDATE && schema->flags & OVSDB_COLUMN_IMMUTABLE)
			return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
				"column %s of table %s can't be changed after insert", name,
				table->schema->name);
		int rc = ovsdb_datum_from_json(
			&values[column], &schema->type, value, execution->names, error);
		if (rc) {
			/* Say which column, where there is room. */
			char details[sizeof(error->details)];
			memcpy(details, error->details, sizeof(details));
			snprintf(error->details, sizeof(error->details), "column %s: %.200s", name,
				details);
			return rc;
		}
	}
	return 0;
}

void ovsdb_values_clear(const struct ovsdb_table *table, struct ovsdb_datum **values)
{
	for (unsigned int i = 0; i < table->n_columns; i++) {
		ovsdb_datum_unref(values[i], &table->columns[i].type);
		values[i] = NULL;
	}
}

static const struct ovsdb_operation *find_operation(const char *name)
{
	for (const struct ovsdb_operation *op = ovsdb_operations; op->name; op++) {
		if (!strcmp(op->name, name))
			return op;
	}
	return NULL;
}

static int check_members(
	const struct ovsdb_operation *op, const json_t *json, struct ovsdb_error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)json, name, value) {
		char word[32];
		if (!strcmp(name, "op"))
			continue;
		int length = snprintf(word, sizeof(word), " %s ", name);
		if (length >= (int)sizeof(word) || strchr(name, ' ') || !strstr(op->members, word))
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"\"%.64s\" is not a member of operation \"%s\"", name, op->name);
	}
	return 0;
}

static int run_one(struct ovsdb_execution *execution, const json_t *json, json_t *result)
{
	struct ovsdb_error *error = &execution->error;
	const char *name = json_string_value(json_object_get(json, "op"));

	if (!name)
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"expected an operation: an object with a string \"op\"");
	const struct ovsdb_operation *op = find_operation(name);
	if (!op)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "there is no operation \"%.64s\"", name);
	if (op->writes && execution->read_only)
		return ovsdb_fail(error, OVSDB_E_NOT_ALLOWED, "database %s can only be read",
			execution->txn->database->schema->name);
	int rc = check_members(op, json, error);
	return rc ? rc : op->run(execution, json, result);
}

/* The result of each operation, then the error, then null for the rest. */
static int run_all(struct ovsdb_execution *execution, const json_t *operations, size_t skip)
{
	size_t n = json_array_size(operations), i = skip;
	int rc = 0;

	for (; i < n && !rc; i++) {
		json_t *result = json_object();
		rc = run_one(execution, json_array_get(operations, i), result);
		if (!rc) {
			json_array_append_new(execution->results, result);
			continue;
		}
		json_decref(result);
		if (rc == -EAGAIN)
			return rc;
		json_array_append_new(execution->results, ovsdb_error_json(&execution->error));
	}
	for (; i < n; i++)
		json_array_append_new(execution->results, json_null());
	return rc;
}

int ovsdb_execute(struct ovsdb_execution *execution, const json_t *operations, size_t skip)
{
	memset(&execution->error, 0, sizeof(execution->error));
	execution->timeout_ms = -1;
	execution->durable = false;
	execution->results = json_array();
	execution->names = ovsdb_names_new();
	int rc = -ENOMEM;
	if (execution->results && execution->names)
		rc = run_all(execution, operations, skip);
	if (!rc && ovsdb_names_check(execution->names, &execution->error)) {
		json_array_append_new(execution->results, ovsdb_error_json(&execution->error));
		rc = -EINVAL;
	}
	ovsdb_names_free(execution->names);
	execution->names = NULL;
	if (rc == -EAGAIN) {
		json_decref(execution->results);
		execution->results = NULL;
		return rc;
	}
	return rc ? -EINVAL : 0;
}
