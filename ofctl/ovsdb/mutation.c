/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/mutation.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const mutator_names[] = {
	[OVSDB_M_ADD] = "+=",
	[OVSDB_M_SUBTRACT] = "-=",
	[OVSDB_M_MULTIPLY] = "*=",
	[OVSDB_M_DIVIDE] = "/=",
	[OVSDB_M_REMAINDER] = "%=",
	[OVSDB_M_INSERT] = "insert",
	[OVSDB_M_DELETE] = "delete",
};

static int parse_mutator(enum ovsdb_mutator *mutator, const json_t *json, struct ovsdb_error *error)
{
	const char *name = json_string_value(json);

	for (size_t i = 0; name && i < sizeof(mutator_names) / sizeof(mutator_names[0]); i++) {
		if (!strcmp(name, mutator_names[i])) {
			*mutator = (enum ovsdb_mutator)i;
			return 0;
		}
	}
	return ovsdb_fail(error, OVSDB_E_UNKNOWN_MUTATOR, "\"%.32s\" is not a mutator",
		name ? name : "(not a string)");
}

/* A mutation of a set or map takes any number of elements. */
static void any_number(struct ovsdb_type *type)
{
	type->n_min = 0;
	type->n_max = OVSDB_UNLIMITED;
}

static int mutation_type(struct ovsdb_mutation *mutation, const struct ovsdb_column *column,
	const json_t *json, struct ovsdb_error *error)
{
	struct ovsdb_type *type = &mutation->type;

	*type = column->type;
	switch (mutation->mutator) {
	case OVSDB_M_INSERT:
	case OVSDB_M_DELETE:
		if (ovsdb_type_is_scalar(type))
			break;
		any_number(type);
		/* From a map, pairs or keys may be deleted. */
		if (mutation->mutator == OVSDB_M_DELETE && ovsdb_type_is_map(type) &&
			!(json_array_size(json) == 2 && json_is_string(json_array_get(json, 0)) &&
				!strcmp(json_string_value(json_array_get(json, 0)), "map")))
			type->value = (struct ovsdb_base){.type = OVSDB_VOID};
		return 0;
	case OVSDB_M_REMAINDER:
		if (type->key.type != OVSDB_INTEGER || ovsdb_type_is_map(type))
			break;
		*type = (struct ovsdb_type){.key.type = OVSDB_INTEGER, .n_min = 1, .n_max = 1};
		return 0;
	default:
		if (ovsdb_type_is_map(type) ||
			(type->key.type != OVSDB_INTEGER && type->key.type != OVSDB_REAL))
			break;
		*type = (struct ovsdb_type){.key.type = type->key.type, .n_min = 1, .n_max = 1};
		return 0;
	}
	return ovsdb_fail(error, OVSDB_E_SYNTAX, "\"%s\" can't be applied to column %s",
		mutator_names[mutation->mutator], column->name);
}

int ovsdb_mutation_parse(struct ovsdb_mutation *mutation, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error)
{
	memset(mutation, 0, sizeof(*mutation));
	if (json_array_size(json) != 3)
		return ovsdb_fail(
			error, OVSDB_E_SYNTAX, "expected [column, mutator, value] as a mutation");
	int column = ovsdb_table_column_json(table, json_array_get(json, 0), error);
	if (column < 0)
		return column;
	mutation->column = (unsigned int)column;
	const struct ovsdb_column *schema = &table->columns[column];
	if (schema->flags & OVSDB_COLUMN_IMMUTABLE)
		return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
			"column %s of table %s can't be changed after insert", schema->name,
			table->schema->name);

	int rc = parse_mutator(&mutation->mutator, json_array_get(json, 1), error);
	if (!rc)
		rc = mutation_type(mutation, schema, json_array_get(json, 2), error);
	if (!rc)
		rc = ovsdb_datum_from_json(
			&mutation->datum, &mutation->type, json_array_get(json, 2), names, error);
	return rc;
}

void ovsdb_mutation_destroy(struct ovsdb_mutation *mutation)
{
	ovsdb_datum_unref(mutation->datum, &mutation->type);
	mutation->datum = NULL;
}

static int overflow(struct ovsdb_error *error)
{
	return ovsdb_fail(error, OVSDB_E_RANGE, "the result of the mutation is out of range");
}

static int calculate_integer(
	int64_t *x, enum ovsdb_mutator mutator, int64_t y, struct ovsdb_error *error)
{
	switch (mutator) {
	case OVSDB_M_ADD:
		return __builtin_add_overflow(*x, y, x) ? overflow(error) : 0;
	case OVSDB_M_SUBTRACT:
		return __builtin_sub_overflow(*x, y, x) ? overflow(error) : 0;
	case OVSDB_M_MULTIPLY:
		return __builtin_mul_overflow(*x, y, x) ? overflow(error) : 0;
	default:
		break;
	}
	if (!y)
		return ovsdb_fail(error, OVSDB_E_DOMAIN, "division by zero");
	/* The one quotient that doesn't fit; its remainder traps as well. */
	if (*x == INT64_MIN && y == -1) {
		*x = 0;
		return mutator == OVSDB_M_REMAINDER ? 0 : overflow(error);
	}
	*x = mutator == OVSDB_M_REMAINDER ? *x % y : *x / y;
	return 0;
}

static int calculate_real(
	double *x, enum ovsdb_mutator mutator, double y, struct ovsdb_error *error)
{
	switch (mutator) {
	case OVSDB_M_ADD:
		*x += y;
		break;
	case OVSDB_M_SUBTRACT:
		*x -= y;
		break;
	case OVSDB_M_MULTIPLY:
		*x *= y;
		break;
	default:
		if (y == 0.0)
			return ovsdb_fail(error, OVSDB_E_DOMAIN, "division by zero");
		*x /= y;
		break;
	}
	return isfinite(*x) ? 0 : overflow(error);
}

/* Arithmetic applies to each element, and may not make two of them equal. */
static int calculate(const struct ovsdb_mutation *mutation, const struct ovsdb_type *type,
	const struct ovsdb_datum *old, struct ovsdb_datum **result, struct ovsdb_error *error)
{
	const union ovsdb_atom *operand = &mutation->datum->keys[0];
	struct ovsdb_datum *datum = ovsdb_datum_new(type, old->n);
	int rc = 0;

	if (!datum)
		return -ENOMEM;
	for (uint32_t i = 0; i < old->n && !rc; i++) {
		union ovsdb_atom atom = old->keys[i];
		if (type->key.type == OVSDB_INTEGER)
			rc = calculate_integer(
				&atom.integer, mutation->mutator, operand->integer, error);
		else
			rc = calculate_real(&atom.real, mutation->mutator, operand->real, error);
		if (!rc)
			rc = ovsdb_datum_add(datum, type, &atom, NULL);
	}
	if (!rc)
		rc = ovsdb_datum_sort(datum, type);
	if (rc == -EEXIST)
		rc = ovsdb_fail(error, OVSDB_E_CONSTRAINT,
			"the mutation makes two elements of the set equal");
	if (rc) {
		ovsdb_datum_unref(datum, type);
		return rc;
	}
	*result = datum;
	return 0;
}

int ovsdb_mutation_apply(const struct ovsdb_mutation *mutation, const struct ovsdb_table *table,
	const struct ovsdb_datum *old, struct ovsdb_datum **result, struct ovsdb_error *error)
{
	const struct ovsdb_column *column = &table->columns[mutation->column];
	const struct ovsdb_type *type = &column->type;
	int rc = 0;

	*result = NULL;
	if (mutation->mutator == OVSDB_M_INSERT)
		*result = ovsdb_datum_union(old, mutation->datum, type);
	else if (mutation->mutator == OVSDB_M_DELETE)
		*result = ovsdb_datum_subtract(old, mutation->datum, type);
	else
		rc = calculate(mutation, type, old, result, error);
	if (!rc && !*result)
		rc = -ENOMEM;
	if (rc == -ENOMEM)
		ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	if (!rc && ovsdb_datum_check(*result, type, error)) {
		ovsdb_datum_unref(*result, type);
		*result = NULL;
		rc = -EINVAL;
	}
	return rc ? -EINVAL : 0;
}
