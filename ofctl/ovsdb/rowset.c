/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/rowset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_columns(struct ovsdb_rowset *set, const json_t *names, struct ovsdb_error *error)
{
	const json_t *name;
	size_t i;

	if (!json_is_array(names) || json_array_size(names) > set->table->n_columns)
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"expected an array of distinct columns as \"columns\"");
	json_array_foreach (names, i, name) {
		int column = ovsdb_table_column_json(set->table, name, error);
		if (column < 0) {
			error->tag = OVSDB_E_SYNTAX;
			return column;
		}
		for (unsigned int j = 0; j < set->n_columns; j++) {
			if (set->columns[j] == (unsigned int)column)
				return ovsdb_fail(error, OVSDB_E_SYNTAX,
					"column %s is named twice in \"columns\"",
					set->table->columns[column].name);
		}
		set->columns[set->n_columns++] = (unsigned int)column;
	}
	return 0;
}

int ovsdb_rowset_init(struct ovsdb_rowset *set, const struct ovsdb_table *table,
	const json_t *names, struct ovsdb_error *error)
{
	memset(set, 0, sizeof(*set));
	set->table = table;
	set->columns = calloc(table->n_columns, sizeof(*set->columns));
	if (!set->columns)
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	if (names) {
		int rc = parse_columns(set, names, error);
		if (rc)
			ovsdb_rowset_destroy(set);
		return rc;
	}
	for (unsigned int i = 0; i < table->n_columns; i++)
		set->columns[set->n_columns++] = i;
	return 0;
}

void ovsdb_rowset_destroy(struct ovsdb_rowset *set)
{
	free(set->columns);
	free(set->rows);
	memset(set, 0, sizeof(*set));
}

int ovsdb_rowset_add(struct ovsdb_rowset *set, struct ovsdb_datum *const *columns)
{
	if (set->n == set->max) {
		size_t max = set->max ? 2 * set->max : 8;
		struct ovsdb_datum *const **rows = realloc(set->rows, max * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		set->rows = rows;
		set->max = max;
	}
	set->rows[set->n++] = columns;
	return 0;
}

static int add_visited(struct ovsdb_row *row, void *set)
{
	return ovsdb_rowset_add(set, row->columns);
}

int ovsdb_rowset_query(struct ovsdb_rowset *set, const struct ovsdb_condition *condition,
	struct ovsdb_error *error)
{
	if (ovsdb_condition_visit(condition, add_visited, set))
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	return 0;
}

static int compare_rows(const void *a_, const void *b_, void *set_)
{
	const struct ovsdb_rowset *set = set_;
	struct ovsdb_datum *const *a = *(struct ovsdb_datum *const *const *)a_;
	struct ovsdb_datum *const *b = *(struct ovsdb_datum *const *const *)b_;

	for (unsigned int i = 0; i < set->n_columns; i++) {
		unsigned int column = set->columns[i];
		int order = ovsdb_datum_compare(
			a[column], b[column], &set->table->columns[column].type);
		if (order)
			return order;
	}
	return 0;
}

static int compare_columns(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

void ovsdb_rowset_normalize(struct ovsdb_rowset *set)
{
	/* With _uuid first, and in it, the first comparison decides. */
	if (set->n_columns)
		qsort(set->columns, set->n_columns, sizeof(*set->columns), compare_columns);
	if (set->n < 2)
		return;
	qsort_r(set->rows, set->n, sizeof(*set->rows), compare_rows, set);
	size_t kept = 1;
	for (size_t i = 1; i < set->n; i++) {
		if (compare_rows(&set->rows[kept - 1], &set->rows[i], set))
			set->rows[kept++] = set->rows[i];
	}
	set->n = kept;
}

bool ovsdb_rowset_equal(const struct ovsdb_rowset *a, const struct ovsdb_rowset *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (compare_rows(&a->rows[i], &b->rows[i], (void *)a))
			return false;
	}
	return true;
}

json_t *ovsdb_rowset_to_json(const struct ovsdb_rowset *set)
{
	json_t *array = json_array();

	for (size_t i = 0; i < set->n; i++) {
		json_t *row = json_object();
		for (unsigned int j = 0; j < set->n_columns; j++) {
			unsigned int column = set->columns[j];
			const struct ovsdb_column *schema = &set->table->columns[column];
			json_object_set_new(row, schema->name,
				ovsdb_datum_to_json(set->rows[i][column], &schema->type));
		}
		json_array_append_new(array, row);
	}
	return array;
}
