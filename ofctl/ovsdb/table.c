/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ovsdb_column implicit_columns[OVSDB_N_IMPLICIT] = {
	[OVSDB_COLUMN_UUID] =
		{
			.name = "_uuid",
			.type = {.key = {.type = OVSDB_UUID}, .n_min = 1, .n_max = 1},
			.flags = OVSDB_COLUMN_IMMUTABLE | OVSDB_COLUMN_EPHEMERAL,
		},
	[OVSDB_COLUMN_VERSION] =
		{
			.name = "_version",
			.type = {.key = {.type = OVSDB_UUID}, .n_min = 1, .n_max = 1},
			.flags = OVSDB_COLUMN_IMMUTABLE | OVSDB_COLUMN_EPHEMERAL,
		},
};

static int compare_names(const void *a, const void *b, void *columns_)
{
	const struct ovsdb_column *columns = columns_;

	return strcmp(
		columns[*(const unsigned int *)a].name, columns[*(const unsigned int *)b].name);
}

static int fill_columns(struct ovsdb_table *table)
{
	memcpy(table->columns, implicit_columns, sizeof(implicit_columns));
	memcpy(table->columns + OVSDB_N_IMPLICIT, table->schema->columns,
		table->schema->n_columns * sizeof(*table->columns));
	for (unsigned int i = 0; i < table->n_columns; i++) {
		table->by_name[i] = i;
		table->defaults[i] = ovsdb_datum_default(&table->columns[i].type);
		if (!table->defaults[i])
			return -ENOMEM;
	}
	qsort_r(table->by_name, table->n_columns, sizeof(*table->by_name), compare_names,
		table->columns);
	return 0;
}

static int table_init(struct ovsdb_table *table, struct ovsdb_database *database,
	const struct ovsdb_table_schema *schema)
{
	unsigned int n = schema->n_columns + OVSDB_N_IMPLICIT;

	if (n > OVSDB_MAX_COLUMNS)
		return -E2BIG;
	table->schema = schema;
	table->database = database;
	table->n_columns = n;
	hmap_init(&table->rows);
	hmap_init(&table->index);
	TAILQ_INIT(&table->list);
	table->columns = calloc(n, sizeof(*table->columns));
	table->defaults = calloc(n, sizeof(*table->defaults));
	table->key_refs = calloc(n, sizeof(*table->key_refs));
	table->value_refs = calloc(n, sizeof(*table->value_refs));
	table->by_name = calloc(n, sizeof(*table->by_name));
	if (!table->columns || !table->defaults || !table->key_refs || !table->value_refs ||
		!table->by_name)
		return -ENOMEM;
	int rc = fill_columns(table);
	if (rc)
		return rc;

	for (size_t i = 0; i < OVSDB_INDEX_COLUMNS && schema->index[i]; i++)
		table->index_columns[table->n_index++] =
			(unsigned int)ovsdb_table_column(table, schema->index[i]);
	return 0;
}

static void resolve_references(struct ovsdb_database *database, struct ovsdb_table *table)
{
	for (unsigned int i = 0; i < table->n_columns; i++) {
		const struct ovsdb_type *type = &table->columns[i].type;
		if (type->key.ref_table)
			table->key_refs[i] = ovsdb_database_table(database, type->key.ref_table);
		if (type->value.ref_table)
			table->value_refs[i] =
				ovsdb_database_table(database, type->value.ref_table);
		table->has_weak |= type->key.weak || type->value.weak;
	}
}

static void table_destroy(struct ovsdb_table *table)
{
	if (!table->schema)
		return;
	struct ovsdb_row *row;
	while ((row = TAILQ_FIRST(&table->list)))
		ovsdb_row_destroy(row);
	for (unsigned int i = 0; table->defaults && i < table->n_columns; i++)
		ovsdb_datum_unref(table->defaults[i], &table->columns[i].type);
	hmap_destroy(&table->rows);
	hmap_destroy(&table->index);
	free(table->columns);
	free(table->defaults);
	free(table->key_refs);
	free(table->value_refs);
	free(table->by_name);
}

int ovsdb_database_init(struct ovsdb_database *database, const struct ovsdb_schema *schema)
{
	memset(database, 0, sizeof(*database));
	database->schema = schema;
	database->commit_id = ovsdb_uuid_random();
	database->tables = calloc(schema->n_tables, sizeof(*database->tables));
	if (!database->tables)
		return -ENOMEM;
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		int rc = table_init(&database->tables[i], database, &schema->tables[i]);
		if (rc) {
			ovsdb_database_destroy(database);
			return rc;
		}
	}
	for (unsigned int i = 0; i < schema->n_tables; i++)
		resolve_references(database, &database->tables[i]);
	return 0;
}

void ovsdb_database_destroy(struct ovsdb_database *database)
{
	if (!database->tables)
		return;
	for (unsigned int i = 0; i < database->schema->n_tables; i++)
		table_destroy(&database->tables[i]);
	free(database->tables);
	database->tables = NULL;
}

struct ovsdb_table *ovsdb_database_table(const struct ovsdb_database *database, const char *name)
{
	for (unsigned int i = 0; i < database->schema->n_tables; i++) {
		if (!strcmp(database->schema->tables[i].name, name))
			return &database->tables[i];
	}
	return NULL;
}

int ovsdb_table_column(const struct ovsdb_table *table, const char *name)
{
	unsigned int low = 0, high = table->n_columns;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		unsigned int column = table->by_name[middle];
		int order = strcmp(name, table->columns[column].name);
		if (!order)
			return (int)column;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

int ovsdb_table_column_json(
	const struct ovsdb_table *table, const json_t *name, struct ovsdb_error *error)
{
	if (!json_is_string(name))
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected the name of a column");
	int column = ovsdb_table_column(table, json_string_value(name));
	if (column < 0)
		return ovsdb_fail(error, OVSDB_E_UNKNOWN_COLUMN, "table %s has no column \"%.64s\"",
			table->schema->name, json_string_value(name));
	return column;
}

struct ovsdb_row *ovsdb_table_find_any(
	const struct ovsdb_table *table, const struct ovsdb_uuid *uuid)
{
	HMAP_FOR_EACH_HASH (row, struct ovsdb_row, by_uuid, ovsdb_uuid_hash(uuid), &table->rows) {
		if (ovsdb_uuid_equal(ovsdb_row_id(row), uuid))
			return row;
	}
	return NULL;
}

struct ovsdb_row *ovsdb_table_find(const struct ovsdb_table *table, const struct ovsdb_uuid *uuid)
{
	struct ovsdb_row *row = ovsdb_table_find_any(table, uuid);

	return row && !row->deleted ? row : NULL;
}

static struct ovsdb_row *skip_deleted(struct ovsdb_row *row)
{
	while (row && row->deleted)
		row = TAILQ_NEXT(row, link);
	return row;
}

struct ovsdb_row *ovsdb_table_first(const struct ovsdb_table *table)
{
	return skip_deleted(TAILQ_FIRST(&table->list));
}

struct ovsdb_row *ovsdb_table_next(const struct ovsdb_row *row)
{
	return skip_deleted(TAILQ_NEXT(row, link));
}

struct ovsdb_row *ovsdb_row_new(struct ovsdb_table *table, const struct ovsdb_uuid *uuid)
{
	struct ovsdb_row *row =
		calloc(1, sizeof(*row) + table->n_columns * sizeof(row->columns[0]));
	if (!row)
		return NULL;

	union ovsdb_atom atom = {.uuid = *uuid};
	const struct ovsdb_type *type = &table->columns[OVSDB_COLUMN_UUID].type;
	row->table = table;
	row->columns[OVSDB_COLUMN_UUID] = ovsdb_datum_one(type, &atom);
	if (!row->columns[OVSDB_COLUMN_UUID] ||
		hmap_insert(&table->rows, &row->by_uuid, ovsdb_uuid_hash(uuid))) {
		ovsdb_datum_unref(row->columns[OVSDB_COLUMN_UUID], type);
		free(row);
		return NULL;
	}
	for (unsigned int i = OVSDB_COLUMN_VERSION; i < table->n_columns; i++)
		row->columns[i] = ovsdb_datum_ref(table->defaults[i]);
	TAILQ_INSERT_TAIL(&table->list, row, link);
	table->n_rows++;
	return row;
}

void ovsdb_row_destroy(struct ovsdb_row *row)
{
	struct ovsdb_table *table = row->table;

	ovsdb_index_remove(row);
	hmap_remove(&table->rows, &row->by_uuid);
	TAILQ_REMOVE(&table->list, row, link);
	if (!row->deleted)
		table->n_rows--;
	for (unsigned int i = 0; i < table->n_columns; i++)
		ovsdb_datum_unref(row->columns[i], &table->columns[i].type);
	free(row);
}

uint32_t ovsdb_index_hash(const struct ovsdb_row *row)
{
	const struct ovsdb_table *table = row->table;
	uint32_t hash = 0;

	for (unsigned int i = 0; i < table->n_index; i++) {
		unsigned int column = table->index_columns[i];
		hash = ovsdb_datum_hash(row->columns[column], &table->columns[column].type, hash);
	}
	return hash;
}

static bool same_index(const struct ovsdb_row *a, const struct ovsdb_row *b)
{
	const struct ovsdb_table *table = a->table;

	for (unsigned int i = 0; i < table->n_index; i++) {
		unsigned int column = table->index_columns[i];
		if (!ovsdb_datum_equal(
			    a->columns[column], b->columns[column], &table->columns[column].type))
			return false;
	}
	return true;
}

struct ovsdb_row *ovsdb_index_find_same(const struct ovsdb_row *row)
{
	HMAP_FOR_EACH_HASH (
		other, struct ovsdb_row, by_index, ovsdb_index_hash(row), &row->table->index) {
		if (other != row && same_index(row, other))
			return other;
	}
	return NULL;
}

int ovsdb_index_insert(struct ovsdb_row *row)
{
	if (!row->table->n_index || row->indexed)
		return 0;
	int rc = hmap_insert(&row->table->index, &row->by_index, ovsdb_index_hash(row));
	row->indexed = !rc;
	return rc;
}

void ovsdb_index_remove(struct ovsdb_row *row)
{
	if (row->indexed)
		hmap_remove(&row->table->index, &row->by_index);
	row->indexed = false;
}
