/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/condition.h"

#include <stdlib.h>
#include <string.h>

static const char *const function_names[] = {
	[OVSDB_F_LT] = "<",
	[OVSDB_F_LE] = "<=",
	[OVSDB_F_EQ] = "==",
	[OVSDB_F_NE] = "!=",
	[OVSDB_F_GE] = ">=",
	[OVSDB_F_GT] = ">",
	[OVSDB_F_INCLUDES] = "includes",
	[OVSDB_F_EXCLUDES] = "excludes",
};

static int parse_function(
	enum ovsdb_function *function, const json_t *json, struct ovsdb_error *error)
{
	const char *name = json_string_value(json);

	for (size_t i = OVSDB_F_LT; name && i <= OVSDB_F_EXCLUDES; i++) {
		if (!strcmp(name, function_names[i])) {
			*function = (enum ovsdb_function)i;
			return 0;
		}
	}
	return ovsdb_fail(error, OVSDB_E_UNKNOWN_FUNCTION,
		"\"%.32s\" is not a function of a condition", name ? name : "(not a string)");
}

static bool is_ordering(enum ovsdb_function function)
{
	return function == OVSDB_F_LT || function == OVSDB_F_LE || function == OVSDB_F_GE ||
	       function == OVSDB_F_GT;
}

/* The type that the value of a clause must have. */
static int clause_type(
	struct ovsdb_clause *clause, const struct ovsdb_column *column, struct ovsdb_error *error)
{
	clause->type = column->type;
	if (is_ordering(clause->function)) {
		/* Also for optional numbers: an empty one is in no order. */
		const struct ovsdb_type *type = &column->type;
		bool number = type->key.type == OVSDB_INTEGER || type->key.type == OVSDB_REAL;
		if (!number || ovsdb_type_is_map(type) || type->n_max != 1)
			return ovsdb_fail(error, OVSDB_E_SYNTAX,
				"\"%s\" needs a column that is a number, which %s isn't",
				function_names[clause->function], column->name);
		clause->type.n_min = 1;
	} else if (clause->function == OVSDB_F_INCLUDES || clause->function == OVSDB_F_EXCLUDES) {
		if (!ovsdb_type_is_scalar(&column->type))
			clause->type.n_min = 0;
		if (clause->function == OVSDB_F_EXCLUDES)
			clause->type.n_max = OVSDB_UNLIMITED;
	}

	/* What is compared need not be a value that the column could have. */
	clause->type.key.choices = clause->type.value.choices = NULL;
	clause->type.key.min = clause->type.key.max = 0;
	clause->type.value.min = clause->type.value.max = 0;
	return 0;
}

static int parse_clause(struct ovsdb_clause *clause, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error)
{
	if (json_is_boolean(json)) {
		clause->function = json_is_true(json) ? OVSDB_F_TRUE : OVSDB_F_FALSE;
		return 0;
	}
	if (json_array_size(json) != 3)
		return ovsdb_fail(
			error, OVSDB_E_SYNTAX, "expected [column, function, value] as a condition");

	int column = ovsdb_table_column_json(table, json_array_get(json, 0), error);
	if (column < 0)
		return column;
	clause->column = (unsigned int)column;
	int rc = parse_function(&clause->function, json_array_get(json, 1), error);
	if (!rc)
		rc = clause_type(clause, &table->columns[column], error);
	if (!rc)
		rc = ovsdb_datum_from_json(
			&clause->datum, &clause->type, json_array_get(json, 2), names, error);
	return rc;
}

int ovsdb_condition_parse(struct ovsdb_condition *condition, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error)
{
	const json_t *element;
	size_t i;

	memset(condition, 0, sizeof(*condition));
	condition->table = table;
	if (!json_is_array(json))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected an array as \"where\"");
	if (!json_array_size(json))
		return 0;
	condition->clauses = calloc(json_array_size(json), sizeof(*condition->clauses));
	if (!condition->clauses)
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	json_array_foreach (json, i, element) {
		int rc = parse_clause(&condition->clauses[i], table, element, names, error);
		if (rc) {
			ovsdb_condition_destroy(condition);
			return rc;
		}
		condition->n++;
	}
	return 0;
}

void ovsdb_condition_destroy(struct ovsdb_condition *condition)
{
	for (size_t i = 0; i < condition->n; i++)
		ovsdb_datum_unref(condition->clauses[i].datum, &condition->clauses[i].type);
	free(condition->clauses);
	condition->clauses = NULL;
	condition->n = 0;
}

static bool clause_holds(const struct ovsdb_clause *clause, struct ovsdb_datum *const *columns)
{
	const struct ovsdb_datum *have = columns[clause->column], *want = clause->datum;
	const struct ovsdb_type *type = &clause->type;

	if (clause->function == OVSDB_F_FALSE || clause->function == OVSDB_F_TRUE)
		return clause->function == OVSDB_F_TRUE;
	if (is_ordering(clause->function) && have->n != 1)
		return false;
	int order = 0;
	if (is_ordering(clause->function))
		order = ovsdb_atom_compare(&have->keys[0], &want->keys[0], type->key.type);

	switch (clause->function) {
	case OVSDB_F_LT:
		return order < 0;
	case OVSDB_F_LE:
		return order <= 0;
	case OVSDB_F_GE:
		return order >= 0;
	case OVSDB_F_GT:
		return order > 0;
	case OVSDB_F_EQ:
		return ovsdb_datum_equal(have, want, type);
	case OVSDB_F_NE:
		return !ovsdb_datum_equal(have, want, type);
	case OVSDB_F_INCLUDES:
		return ovsdb_datum_includes(have, want, type);
	case OVSDB_F_EXCLUDES:
		return ovsdb_datum_excludes(have, want, type);
	case OVSDB_F_TRUE:
	case OVSDB_F_FALSE:
		break;
	}
	return false;
}

bool ovsdb_condition_all(
	const struct ovsdb_condition *condition, struct ovsdb_datum *const *columns)
{
	for (size_t i = 0; i < condition->n; i++) {
		if (!clause_holds(&condition->clauses[i], columns))
			return false;
	}
	return true;
}

bool ovsdb_condition_any(
	const struct ovsdb_condition *condition, struct ovsdb_datum *const *columns)
{
	for (size_t i = 0; i < condition->n; i++) {
		if (clause_holds(&condition->clauses[i], columns))
			return true;
	}
	return !condition->n;
}

static const struct ovsdb_clause *uuid_clause(const struct ovsdb_condition *condition)
{
	for (size_t i = 0; i < condition->n; i++) {
		const struct ovsdb_clause *clause = &condition->clauses[i];
		if (clause->function == OVSDB_F_EQ && clause->column == OVSDB_COLUMN_UUID)
			return clause;
	}
	return NULL;
}

int ovsdb_condition_visit(const struct ovsdb_condition *condition,
	int (*visit)(struct ovsdb_row *row, void *context), void *context)
{
	const struct ovsdb_clause *clause = uuid_clause(condition);

	if (clause) {
		struct ovsdb_row *row =
			ovsdb_table_find(condition->table, &clause->datum->keys[0].uuid);
		if (row && ovsdb_condition_all(condition, row->columns))
			return visit(row, context);
		return 0;
	}
	OVSDB_TABLE_FOR_EACH(row, condition->table)
	{
		int rc = ovsdb_condition_all(condition, row->columns) ? visit(row, context) : 0;
		if (rc)
			return rc;
	}
	return 0;
}
