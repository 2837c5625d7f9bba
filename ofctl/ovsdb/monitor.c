/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: what clients ask for, and their conditions. */
#include "ofctl/ovsdb/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct ovsdb_error *error)
{
	return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
}

static int select_bit(const json_t *select, const char *name, unsigned int bit, unsigned int *bits,
	struct ovsdb_error *error)
{
	const json_t *value = json_object_get(select, name);

	if (value && !json_is_boolean(value))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "\"%s\" must be true or false", name);
	if (!value || json_is_true(value))
		*bits |= bit;
	return 0;
}

/* <monitor-select>, all by default. */
static int parse_select(const json_t *select, unsigned int *bits, struct ovsdb_error *error)
{
	*bits = 0;
	if (select && !json_is_object(select))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an object as \"select\"");
	int rc = select_bit(select, "initial", OVSDB_SELECT_INITIAL, bits, error);
	if (!rc)
		rc = select_bit(select, "insert", OVSDB_SELECT_INSERT, bits, error);
	if (!rc)
		rc = select_bit(select, "delete", OVSDB_SELECT_DELETE, bits, error);
	if (!rc)
		rc = select_bit(select, "modify", OVSDB_SELECT_MODIFY, bits, error);
	return rc;
}

static int add_column(struct ovsdb_monitor_table *monitored, unsigned int column,
	unsigned int select, struct ovsdb_error *error)
{
	for (size_t i = 0; i < monitored->n_columns; i++) {
		if (monitored->columns[i].column == column)
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"column %s of table %s is monitored twice",
				monitored->table->columns[column].name,
				monitored->table->schema->name);
	}
	monitored->columns[monitored->n_columns++] = (struct ovsdb_monitor_column){column, select};
	return 0;
}

static int parse_columns(struct ovsdb_monitor_table *monitored, const json_t *names,
	unsigned int select, struct ovsdb_error *error)
{
	const json_t *name;
	size_t i;
	int rc = 0;

	if (!names) {
		for (unsigned int j = OVSDB_COLUMN_VERSION; j < monitored->table->n_columns && !rc;
			j++)
			rc = add_column(monitored, j, select, error);
		return rc;
	}
	if (!json_is_array(names))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an array as \"columns\"");
	json_array_foreach (names, i, name) {
		int column = ovsdb_table_column_json(monitored->table, name, error);
		if (column < 0) {
			error->tag = OVSDB_E_SYNTAX;
			return column;
		}
		rc = add_column(monitored, (unsigned int)column, select, error);
		if (rc)
			return rc;
	}
	return 0;
}

/* One <monitor-request>; 'monitored' has room for its condition. */
static int parse_request(struct ovsdb_monitor_table *monitored, enum ovsdb_monitor_version version,
	const json_t *request, struct ovsdb_error *error)
{
	unsigned int select;
	const char *name;
	json_t *value;

	if (!json_is_object(request))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an object as monitor request");
	json_object_foreach ((json_t *)request, name, value) {
		bool where = version != OVSDB_MONITOR_V1 && !strcmp(name, "where");
		if (strcmp(name, "columns") && strcmp(name, "select") && !where)
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"\"%.64s\" is not a member of a monitor request", name);
	}

	int rc = parse_select(json_object_get(request, "select"), &select, error);
	if (!rc)
		rc = parse_columns(monitored, json_object_get(request, "columns"), select, error);
	if (rc)
		return rc;
	monitored->select |= select;
	const json_t *where = json_object_get(request, "where");
	struct ovsdb_condition *condition = &monitored->conditions[monitored->n_conditions];
	condition->table = monitored->table;
	if (where)
		rc = ovsdb_condition_parse(condition, monitored->table, where, NULL, error);
	if (!rc)
		monitored->n_conditions++;
	return rc;
}

/* Room for a condition per request; requests are an array, or a lone one. */
static int conditions_new(
	struct ovsdb_condition **conditions, const json_t *requests, struct ovsdb_error *error)
{
	size_t n = json_is_array(requests) ? json_array_size(requests) : 1;

	*conditions = calloc(n + 1, sizeof(**conditions));
	return *conditions ? 0 : no_memory(error);
}

static void conditions_free(struct ovsdb_condition *conditions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ovsdb_condition_destroy(&conditions[i]);
	free(conditions);
}

static int parse_table(struct ovsdb_monitor *monitor, const char *name, const json_t *requests,
	struct ovsdb_error *error)
{
	struct ovsdb_table *table = ovsdb_database_table(monitor->database, name);
	const json_t *request;
	size_t i;

	if (!table)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "there is no table \"%.64s\"", name);
	struct ovsdb_monitor_table *monitored = &monitor->tables[monitor->n_tables++];
	monitored->table = table;
	monitored->columns = calloc(table->n_columns, sizeof(*monitored->columns));
	if (!monitored->columns)
		return no_memory(error);
	if (conditions_new(&monitored->conditions, requests, error))
		return -EINVAL;
	if (!json_is_array(requests))
		return parse_request(monitored, monitor->version, requests, error);
	json_array_foreach (requests, i, request) {
		int rc = parse_request(monitored, monitor->version, request, error);
		if (rc)
			return rc;
	}
	return 0;
}

int ovsdb_monitor_new(struct ovsdb_monitor **monitorp, struct ovsdb_database *database,
	enum ovsdb_monitor_version version, json_t *id, const json_t *requests,
	struct ovsdb_error *error)
{
	const char *name;
	json_t *value;

	*monitorp = NULL;
	if (!json_is_object(requests))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an object of tables to monitor");
	struct ovsdb_monitor *monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return no_memory(error);
	monitor->database = database;
	monitor->version = version;
	monitor->id = json_incref(id);
	monitor->tables = calloc(json_object_size(requests) + 1, sizeof(*monitor->tables));
	if (!monitor->tables) {
		ovsdb_monitor_free(monitor);
		return no_memory(error);
	}
	json_object_foreach ((json_t *)requests, name, value) {
		int rc = parse_table(monitor, name, value, error);
		if (rc) {
			ovsdb_monitor_free(monitor);
			return rc;
		}
	}
	*monitorp = monitor;
	return 0;
}

void ovsdb_monitor_free(struct ovsdb_monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_tables; i++) {
		struct ovsdb_monitor_table *monitored = &monitor->tables[i];
		conditions_free(monitored->conditions, monitored->n_conditions);
		free(monitored->columns);
	}
	json_decref(monitor->id);
	free(monitor->tables);
	free(monitor);
}

bool ovsdb_monitor_sees(const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns)
{
	if (!columns)
		return false;
	for (size_t i = 0; i < table->n_conditions; i++) {
		if (ovsdb_condition_any(&table->conditions[i], columns))
			return true;
	}
	return !table->n_conditions;
}

static struct ovsdb_monitor_table *find_table(const struct ovsdb_monitor *monitor, const char *name)
{
	for (size_t i = 0; i < monitor->n_tables; i++) {
		if (!strcmp(monitor->tables[i].table->schema->name, name))
			return &monitor->tables[i];
	}
	return NULL;
}

/* New conditions for one table from an array of {"where": ...}. */
struct new_conditions {
	struct ovsdb_monitor_table *monitored;
	struct ovsdb_condition *conditions;
	size_t n;
};

static int parse_conditions(
	struct new_conditions *new, const json_t *requests, struct ovsdb_error *error)
{
	size_t n = json_is_array(requests) ? json_array_size(requests) : 1;

	if (conditions_new(&new->conditions, requests, error))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const json_t *request =
			json_is_array(requests) ? json_array_get(requests, i) : requests;
		const json_t *where = json_object_get(request, "where");
		if (!json_is_object(request) || json_object_size(request) > (where ? 1 : 0))
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"expected {\"where\": [...]} as a condition change");
		new->conditions[new->n].table = new->monitored->table;
		if (where && ovsdb_condition_parse(&new->conditions[new->n], new->monitored->table,
				     where, NULL, error))
			return -EINVAL;
		new->n++;
	}
	return 0;
}

/* Switch to the new conditions and tell of rows that they show or hide. */
static void apply_conditions(
	const struct ovsdb_monitor *monitor, struct new_conditions *new, json_t **updates)
{
	struct ovsdb_monitor_table *monitored = new->monitored;
	struct ovsdb_monitor_table before = *monitored;

	monitored->conditions = new->conditions;
	monitored->n_conditions = new->n;
	new->conditions = before.conditions;
	new->n = before.n_conditions;
	OVSDB_TABLE_FOR_EACH(row, monitored->table)
	{
		bool seen = ovsdb_monitor_sees(&before, row->columns);
		bool sees = ovsdb_monitor_sees(monitored, row->columns);
		if (!seen && sees)
			ovsdb_monitor_add(updates, row,
				ovsdb_monitor_row_new(
					monitor, monitored, row->columns, OVSDB_SELECT_INSERT));
		else if (seen && !sees)
			ovsdb_monitor_add(updates, row,
				ovsdb_monitor_row_gone(monitor, monitored, row->columns));
	}
}

int ovsdb_monitor_change(struct ovsdb_monitor *monitor, const json_t *requests, json_t **updates,
	struct ovsdb_error *error)
{
	size_t n = 0, max = json_object_size(requests);
	const char *name;
	json_t *value;
	int rc = 0;

	*updates = NULL;
	if (!json_is_object(requests))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an object of tables");
	struct new_conditions *new = calloc(max + 1, sizeof(*new));
	if (!new)
		return no_memory(error);
	json_object_foreach ((json_t *)requests, name, value) {
		new[n].monitored = find_table(monitor, name);
		if (!new[n].monitored) {
			rc = ovsdb_fail(error, OVSDB_E_SYNTAX,
				"table \"%.64s\" is not one that this monitor watches", name);
			break;
		}
		rc = parse_conditions(&new[n++], value, error);
		if (rc)
			break;
	}
	for (size_t i = 0; i < n; i++) {
		if (!rc)
			apply_conditions(monitor, &new[i], updates);
		conditions_free(new[i].conditions, new[i].n);
	}
	free(new);
	return rc;
}
