/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, against the stock one where it is installed. */
#include "ofctl/ovsdb/table.h"
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOCK "/usr/share/openvswitch/vswitch.ovsschema"

static int compare_strings(const void *a, const void *b)
{
	return strcmp(
		json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* An enum's strings in order. */
static json_t *sorted(const json_t *array)
{
	size_t n = json_array_size(array), i;
	json_t **elements = calloc(n + 1, sizeof(*elements)), *element;

	json_array_foreach (array, i, element)
		elements[i] = element;
	qsort(elements, n, sizeof(*elements), compare_strings);
	json_t *result = json_array();
	for (i = 0; i < n; i++)
		json_array_append(result, elements[i]);
	free(elements);
	return result;
}

/* One way to say each base type. */
static json_t *normal_base(json_t *base)
{
	if (json_is_string(base))
		return json_pack("{s:O}", "type", base);
	json_t *copy = json_copy(base);
	json_t *choices = json_object_get(base, "enum");
	if (choices)
		json_object_set_new(copy, "enum", sorted(json_array_get(choices, 1)));
	return copy;
}

/* One way to say each type. */
static json_t *normal_type(json_t *type)
{
	if (json_is_string(type))
		return json_pack("{s:{s:O}, s:i, s:i}", "key", "type", type, "min", 1, "max", 1);
	json_t *normal = json_pack("{s:o}", "key", normal_base(json_object_get(type, "key")));
	json_t *value = json_object_get(type, "value");
	json_t *min = json_object_get(type, "min"), *max = json_object_get(type, "max");
	if (value)
		json_object_set_new(normal, "value", normal_base(value));
	json_object_set_new(normal, "min", min ? json_incref(min) : json_integer(1));
	json_object_set_new(normal, "max", max ? json_incref(max) : json_integer(1));
	return normal;
}

/* Every type of a schema in its normal form, in place. */
static void normalize(json_t *schema)
{
	const char *table_name, *name;
	json_t *table, *column;

	json_object_foreach (json_object_get(schema, "tables"), table_name, table) {
		json_object_foreach (json_object_get(table, "columns"), name, column)
			json_object_set_new(
				column, "type", normal_type(json_object_get(column, "type")));
	}
}

static void compare_table(const char *name, const json_t *ours, const json_t *theirs)
{
	const char *column;
	json_t *value;
	json_t *a = json_object_get(ours, "columns"), *b = json_object_get(theirs, "columns");

	json_object_foreach (b, column, value) {
		if (json_equal(json_object_get(a, column), value))
			continue;
		fprintf(stderr, "\n  %s.%s differs from the stock schema\n", name, column);
		CU_FAIL("column differs");
	}
	CU_ASSERT(json_equal(ours, theirs));
}

static void test_stock(void)
{
	if (access(STOCK, R_OK)) {
		fprintf(stderr, "\n  %s is not there: not compared\n", STOCK);
		return;
	}
	json_error_t error;
	json_t *theirs = json_load_file(STOCK, 0, &error);
	json_t *ours = ovsdb_schema_to_json(&ovsdb_schema_vswitch);
	CU_ASSERT_PTR_NOT_NULL_FATAL(theirs);
	json_object_del(theirs, "cksum");
	normalize(theirs);
	normalize(ours);

	const char *name;
	json_t *table;
	json_object_foreach (json_object_get(theirs, "tables"), name, table)
		compare_table(name, json_object_get(json_object_get(ours, "tables"), name), table);
	CU_ASSERT(json_equal(ours, theirs));
	json_decref(ours);
	json_decref(theirs);
}

static void test_tables(void)
{
	struct ovsdb_database database;

	CU_ASSERT_EQUAL_FATAL(ovsdb_database_init(&database, &ovsdb_schema_vswitch), 0);
	CU_ASSERT_EQUAL(database.schema->n_tables, 19);
	for (unsigned int i = 0; i < database.schema->n_tables; i++) {
		struct ovsdb_table *table = &database.tables[i];
		CU_ASSERT(ovsdb_database_table(&database, table->schema->name) == table);
		for (unsigned int j = 0; j < table->n_columns; j++) {
			const struct ovsdb_column *column = &table->columns[j];
			CU_ASSERT_EQUAL(ovsdb_table_column(table, column->name), (int)j);
			/* What a reference names exists. */
			CU_ASSERT(!column->type.key.ref_table || table->key_refs[j]);
			CU_ASSERT(!column->type.value.ref_table || table->value_refs[j]);
		}
		CU_ASSERT(ovsdb_table_column(table, "no_such_column") < 0);
	}
	ovsdb_database_destroy(&database);
}

int suite_schema(void)
{
	CU_pSuite suite = CU_add_suite("schema", NULL, NULL);

	return !suite || !CU_add_test(suite, "equal to the stock schema", test_stock) ||
	       !CU_add_test(suite, "tables and columns", test_tables);
}
