/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, one function each. */
#include "ofctl/ovsdb/execute.h"
#include "ofctl/ovsdb/mutation.h"
#include "ofctl/ovsdb/rowset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct ovsdb_error *error)
{
	return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
}

static struct ovsdb_table *find_table(struct ovsdb_execution *execution, const json_t *operation)
{
	const char *name = json_string_value(json_object_get(operation, "table"));
	struct ovsdb_table *table = NULL;

	if (!name) {
		ovsdb_fail(&execution->error, OVSDB_E_SYNTAX, "expected a string \"table\"");
		return NULL;
	}
	table = ovsdb_database_table(execution->txn->database, name);
	if (!table)
		ovsdb_fail(&execution->error, OVSDB_E_SYNTAX, "there is no table \"%.64s\"", name);
	return table;
}

/* "table" and "where", which most operations have. */
static struct ovsdb_table *find_where(struct ovsdb_execution *execution, const json_t *operation,
	struct ovsdb_condition *condition)
{
	struct ovsdb_table *table = find_table(execution, operation);

	memset(condition, 0, sizeof(*condition));
	if (!table || ovsdb_condition_parse(condition, table, json_object_get(operation, "where"),
			      execution->names, &execution->error))
		return NULL;
	return table;
}

static bool is_id(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static int parse_chosen_uuid(struct ovsdb_uuid *uuid, const json_t *json, struct ovsdb_error *error)
{
	const char *text = json_is_array(json) ? json_string_value(json_array_get(json, 1))
					       : json_string_value(json);

	if (!text || !ovsdb_uuid_parse(uuid, text) || ovsdb_uuid_is_nil(uuid))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected a UUID as \"uuid\"");
	return 0;
}

/* The uuid of the row to insert: chosen by the client, or by its name, or new. */
static int insert_uuid(struct ovsdb_execution *execution, const json_t *operation,
	const struct ovsdb_table *table, struct ovsdb_uuid *uuid)
{
	const json_t *chosen = json_object_get(operation, "uuid");
	const json_t *name = json_object_get(operation, "uuid-name");
	struct ovsdb_error *error = &execution->error;

	if (chosen && parse_chosen_uuid(uuid, chosen, error))
		return -EINVAL;
	if (name) {
		if (!json_is_string(name) || !is_id(json_string_value(name)))
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"\"uuid-name\" must be letters, digits and '_', no digit first");
		if (ovsdb_names_insert(
			    execution->names, json_string_value(name), uuid, chosen != NULL, error))
			return -EINVAL;
	} else if (!chosen) {
		*uuid = ovsdb_uuid_random();
	}
	if (ovsdb_table_find_any(table, uuid)) {
		char text[OVSDB_UUID_TEXT];
		return ovsdb_fail(error, OVSDB_E_DUPLICATE_UUID, "table %s already has row %s",
			table->schema->name, ovsdb_uuid_format(uuid, text));
	}
	return 0;
}

/* Put the values that are given into 'row'. */
static int set_values(
	struct ovsdb_execution *execution, struct ovsdb_row *row, struct ovsdb_datum **values)
{
	for (unsigned int i = 0; i < row->table->n_columns; i++) {
		if (values[i] &&
			ovsdb_transaction_set(execution->txn, row, i, ovsdb_datum_ref(values[i])))
			return no_memory(&execution->error);
	}
	return 0;
}

static int op_insert(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	struct ovsdb_table *table = find_table(execution, operation);
	struct ovsdb_datum *values[OVSDB_MAX_COLUMNS] = {NULL};
	struct ovsdb_uuid uuid;

	if (!table)
		return -EINVAL;
	int rc = insert_uuid(execution, operation, table, &uuid);
	if (!rc)
		rc = ovsdb_values_parse(execution, table, json_object_get(operation, "row"),
			OVSDB_FOR_INSERT, values);
	if (!rc) {
		struct ovsdb_row *row = ovsdb_transaction_insert(execution->txn, table, &uuid);
		rc = row ? set_values(execution, row, values) : no_memory(&execution->error);
	}
	ovsdb_values_clear(table, values);
	if (rc)
		return rc;
	union ovsdb_atom atom = {.uuid = uuid};
	json_object_set_new(result, "uuid", ovsdb_atom_to_json(&atom, OVSDB_UUID));
	return 0;
}

static int op_select(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	struct ovsdb_condition condition;
	struct ovsdb_rowset rows;
	struct ovsdb_table *table = find_where(execution, operation, &condition);

	if (!table)
		return -EINVAL;
	int rc = ovsdb_rowset_init(
		&rows, table, json_object_get(operation, "columns"), &execution->error);
	if (rc)
		goto destroy_condition;
	rc = ovsdb_rowset_query(&rows, &condition, &execution->error);
	if (!rc) {
		ovsdb_rowset_normalize(&rows);
		json_object_set_new(result, "rows", ovsdb_rowset_to_json(&rows));
	}
	ovsdb_rowset_destroy(&rows);
destroy_condition:
	ovsdb_condition_destroy(&condition);
	return rc;
}

/* What visitors of matching rows need. */
struct visit {
	struct ovsdb_execution *execution;
	struct ovsdb_datum **values;
	struct ovsdb_mutation *mutations;
	size_t n_mutations;
	json_int_t count;
};

static int update_row(struct ovsdb_row *row, void *visit_)
{
	struct visit *visit = visit_;

	visit->count++;
	return set_values(visit->execution, row, visit->values);
}

static int op_update(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	struct ovsdb_datum *values[OVSDB_MAX_COLUMNS] = {NULL};
	struct ovsdb_condition condition;
	struct ovsdb_table *table = find_where(execution, operation, &condition);

	if (!table)
		return -EINVAL;
	struct visit visit = {.execution = execution, .values = values};
	int rc = ovsdb_values_parse(
		execution, table, json_object_get(operation, "row"), OVSDB_FOR_UPDATE, values);
	if (!rc)
		rc = ovsdb_condition_visit(&condition, update_row, &visit);
	if (!rc)
		json_object_set_new(result, "count", json_integer(visit.count));
	ovsdb_values_clear(table, values);
	ovsdb_condition_destroy(&condition);
	return rc;
}

static int mutate_row(struct ovsdb_row *row, void *visit_)
{
	struct visit *visit = visit_;
	struct ovsdb_error *error = &visit->execution->error;

	visit->count++;
	for (size_t i = 0; i < visit->n_mutations; i++) {
		const struct ovsdb_mutation *mutation = &visit->mutations[i];
		struct ovsdb_datum *datum;
		int rc = ovsdb_mutation_apply(
			mutation, row->table, row->columns[mutation->column], &datum, error);
		if (rc)
			return rc;
		if (ovsdb_transaction_set(visit->execution->txn, row, mutation->column, datum))
			return no_memory(error);
	}
	return 0;
}

static int parse_mutations(struct visit *visit, const struct ovsdb_table *table, const json_t *json)
{
	struct ovsdb_error *error = &visit->execution->error;
	const json_t *element;
	size_t i;

	if (!json_is_array(json))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an array as \"mutations\"");
	visit->mutations = calloc(json_array_size(json) + 1, sizeof(*visit->mutations));
	if (!visit->mutations)
		return no_memory(error);
	json_array_foreach (json, i, element) {
		int rc = ovsdb_mutation_parse(
			&visit->mutations[i], table, element, visit->execution->names, error);
		if (rc)
			return rc;
		visit->n_mutations++;
	}
	return 0;
}

static int op_mutate(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	struct ovsdb_condition condition;
	struct ovsdb_table *table = find_where(execution, operation, &condition);

	if (!table)
		return -EINVAL;
	struct visit visit = {.execution = execution};
	int rc = parse_mutations(&visit, table, json_object_get(operation, "mutations"));
	if (!rc)
		rc = ovsdb_condition_visit(&condition, mutate_row, &visit);
	if (!rc)
		json_object_set_new(result, "count", json_integer(visit.count));
	for (size_t i = 0; i < visit.n_mutations; i++)
		ovsdb_mutation_destroy(&visit.mutations[i]);
	free(visit.mutations);
	ovsdb_condition_destroy(&condition);
	return rc;
}

static int delete_row(struct ovsdb_row *row, void *visit_)
{
	struct visit *visit = visit_;

	visit->count++;
	if (ovsdb_transaction_delete(visit->execution->txn, row))
		return no_memory(&visit->execution->error);
	return 0;
}

static int op_delete(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	struct ovsdb_condition condition;
	struct ovsdb_table *table = find_where(execution, operation, &condition);

	if (!table)
		return -EINVAL;
	struct visit visit = {.execution = execution};
	int rc = ovsdb_condition_visit(&condition, delete_row, &visit);
	if (!rc)
		json_object_set_new(result, "count", json_integer(visit.count));
	ovsdb_condition_destroy(&condition);
	return rc;
}

/* The rows that a "wait" expects: each an array of datums, defaults where
 * the client says nothing. */
static int parse_expected(struct ovsdb_execution *execution, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_rowset *expected)
{
	const json_t *element;
	size_t i;

	if (!json_is_array(json))
		return ovsdb_fail(
			&execution->error, OVSDB_E_SYNTAX, "expected an array as \"rows\"");
	json_array_foreach (json, i, element) {
		struct ovsdb_datum **values = calloc(table->n_columns, sizeof(*values));
		if (!values || ovsdb_rowset_add(expected, values)) {
			free(values);
			return no_memory(&execution->error);
		}
		int rc =
			ovsdb_values_parse(execution, table, element, OVSDB_FOR_COMPARISON, values);
		if (rc)
			return rc;
		for (unsigned int j = 0; j < table->n_columns; j++) {
			if (!values[j])
				values[j] = ovsdb_datum_ref(table->defaults[j]);
		}
	}
	return 0;
}

static void free_expected(const struct ovsdb_table *table, struct ovsdb_rowset *expected)
{
	for (size_t i = 0; i < expected->n; i++) {
		struct ovsdb_datum **values = (struct ovsdb_datum **)expected->rows[i];
		ovsdb_values_clear(table, values);
		free(values);
	}
	ovsdb_rowset_destroy(expected);
}

/* Is the "until" of a wait met? 1, 0 or -EINVAL. */
static int wait_is_met(struct ovsdb_execution *execution, const json_t *operation,
	const struct ovsdb_condition *condition, const struct ovsdb_table *table)
{
	const json_t *columns = json_object_get(operation, "columns");
	const char *until = json_string_value(json_object_get(operation, "until"));
	struct ovsdb_error *error = &execution->error;
	struct ovsdb_rowset expected, actual;

	if (!until || (strcmp(until, "==") && strcmp(until, "!=")))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "\"until\" must be \"==\" or \"!=\"");
	if (ovsdb_rowset_init(&expected, table, columns, error))
		return -EINVAL;
	int rc = ovsdb_rowset_init(&actual, table, columns, error);
	if (rc)
		goto free_expected;
	rc = parse_expected(execution, table, json_object_get(operation, "rows"), &expected);
	if (!rc)
		rc = ovsdb_rowset_query(&actual, condition, error);
	if (!rc) {
		/* Normalizing drops rows, which must be freed all the same. */
		struct ovsdb_rowset distinct = expected;
		distinct.columns = actual.columns;
		distinct.rows = malloc((expected.n + 1) * sizeof(*distinct.rows));
		if (distinct.rows) {
			if (expected.n)
				memcpy(distinct.rows, expected.rows,
					expected.n * sizeof(*distinct.rows));
			ovsdb_rowset_normalize(&actual);
			ovsdb_rowset_normalize(&distinct);
			rc = ovsdb_rowset_equal(&actual, &distinct) == !strcmp(until, "==");
			free(distinct.rows);
		} else {
			rc = no_memory(error);
		}
	}
	ovsdb_rowset_destroy(&actual);
free_expected:
	free_expected(table, &expected);
	return rc;
}

static int op_wait(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	const json_t *timeout = json_object_get(operation, "timeout");
	struct ovsdb_condition condition;
	struct ovsdb_table *table = find_where(execution, operation, &condition);

	(void)result;
	if (!table)
		return -EINVAL;
	int rc = 0;
	if (timeout && (!json_is_integer(timeout) || json_integer_value(timeout) < 0))
		rc = ovsdb_fail(&execution->error, OVSDB_E_SYNTAX,
			"\"timeout\" must be a number of milliseconds");
	if (!rc)
		rc = wait_is_met(execution, operation, &condition, table);
	ovsdb_condition_destroy(&condition);
	if (rc)
		return rc > 0 ? 0 : rc;

	if (timeout && execution->waited_ms >= json_integer_value(timeout))
		return ovsdb_fail(&execution->error, OVSDB_E_TIMED_OUT,
			"\"wait\" timed out after %lld ms", (long long)execution->waited_ms);
	execution->timeout_ms = timeout ? json_integer_value(timeout) : -1;
	return -EAGAIN;
}

static int op_commit(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	const json_t *durable = json_object_get(operation, "durable");

	(void)result;
	if (!json_is_boolean(durable))
		return ovsdb_fail(
			&execution->error, OVSDB_E_SYNTAX, "\"durable\" must be true or false");
	execution->durable |= json_is_true(durable);
	return 0;
}

static int op_abort(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	(void)operation;
	(void)result;
	return ovsdb_fail(&execution->error, OVSDB_E_ABORTED, "aborted by request");
}

static int op_comment(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	(void)result;
	if (!json_is_string(json_object_get(operation, "comment")))
		return ovsdb_fail(
			&execution->error, OVSDB_E_SYNTAX, "expected a string \"comment\"");
	return 0;
}

static int op_assert(struct ovsdb_execution *execution, const json_t *operation, json_t *result)
{
	const char *lock = json_string_value(json_object_get(operation, "lock"));

	(void)result;
	if (!lock)
		return ovsdb_fail(&execution->error, OVSDB_E_SYNTAX, "expected a string \"lock\"");
	if (!execution->owns_lock || !execution->owns_lock(execution->context, lock))
		return ovsdb_fail(&execution->error, OVSDB_E_NOT_OWNER,
			"this client does not own the lock \"%.64s\"", lock);
	return 0;
}

const struct ovsdb_operation ovsdb_operations[] = {
	{"insert", op_insert, " table row uuid uuid-name ", true},
	{"select", op_select, " table where columns ", false},
	{"update", op_update, " table where row ", true},
	{"mutate", op_mutate, " table where mutations ", true},
	{"delete", op_delete, " table where ", true},
	{"wait", op_wait, " table where columns until rows timeout ", false},
	{"commit", op_commit, " durable ", false},
	{"abort", op_abort, "", false},
	{"comment", op_comment, " comment ", false},
	{"assert", op_assert, " lock ", false},
	{NULL, NULL, NULL, false},
};
