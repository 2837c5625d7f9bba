/* SPDX-License-Identifier: Apache-2.0 */
/* The in-process API for reading: rows and typed columns. */
#include "ofctl/ovsdb/server.h"

#include "hal/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

LOG_DEFINE(ovsdb_reader);

static struct ovsdb_table *find_table(const struct ovsdb *ovsdb, const char *name)
{
	struct ovsdb_table *table = ovsdb_database_table(&ovsdb->vswitch, name);

	if (!table)
		log_err("a table that does not exist was asked for: %s", name);
	return table;
}

/* The column if its keys and values have these types (OVSDB_VOID as 'value':
 * whatever they are), else NULL. */
static const struct ovsdb_datum *find_column(const struct ovsdb_row *row, const char *name,
	enum ovsdb_atomic key, enum ovsdb_atomic value)
{
	const struct ovsdb_table *table = row->table;
	int column = ovsdb_table_column(table, name);

	if (column < 0) {
		log_err("table %s was asked for a column it doesn't have: %s", table->schema->name,
			name);
		return NULL;
	}
	const struct ovsdb_type *type = &table->columns[column].type;
	if ((key != OVSDB_VOID && type->key.type != key) ||
		(value != OVSDB_VOID && type->value.type != value)) {
		log_err("column %s of table %s was read as a type it doesn't have", name,
			table->schema->name);
		return NULL;
	}
	return row->columns[column];
}

static const struct ovsdb_datum *find_set(
	const struct ovsdb_row *row, const char *name, enum ovsdb_atomic key)
{
	return find_column(row, name, key, OVSDB_VOID);
}

uint64_t ovsdb_table_seqno(const struct ovsdb *ovsdb, const char *name)
{
	const struct ovsdb_table *table = find_table(ovsdb, name);

	return table ? table->seqno : 0;
}

uint64_t ovsdb_row_seqno(const struct ovsdb_row *row)
{
	return row->seqno;
}

const struct ovsdb_row *ovsdb_first(const struct ovsdb *ovsdb, const char *name)
{
	const struct ovsdb_table *table = find_table(ovsdb, name);

	return table ? ovsdb_table_first(table) : NULL;
}

const struct ovsdb_row *ovsdb_next(const struct ovsdb_row *row)
{
	return ovsdb_table_next(row);
}

size_t ovsdb_n_rows(const struct ovsdb *ovsdb, const char *name)
{
	const struct ovsdb_table *table = find_table(ovsdb, name);

	return table ? table->n_rows : 0;
}

const struct ovsdb_row *ovsdb_find(
	const struct ovsdb *ovsdb, const char *name, const struct ovsdb_uuid *uuid)
{
	const struct ovsdb_table *table = find_table(ovsdb, name);

	return table ? ovsdb_table_find(table, uuid) : NULL;
}

const struct ovsdb_row *ovsdb_find_name(
	const struct ovsdb *ovsdb, const char *table_name, const char *name)
{
	const struct ovsdb_table *table = find_table(ovsdb, table_name);

	if (!table)
		return NULL;
	int column = ovsdb_table_column(table, "name");
	if (column < 0 || table->n_index != 1 || table->index_columns[0] != (unsigned int)column) {
		log_err("table %s has no index by name", table_name);
		return NULL;
	}
	/* The hash is that of the index's only datum, one string. */
	union ovsdb_atom atom = {.string = (char *)name};
	uint32_t hash = ovsdb_atom_hash(&atom, OVSDB_STRING, 0);
	HMAP_FOR_EACH_HASH (row, struct ovsdb_row, by_index, hash, &table->index) {
		if (!strcmp(row->columns[column]->keys[0].string, name))
			return row;
	}
	return NULL;
}

const struct ovsdb_uuid *ovsdb_row_uuid(const struct ovsdb_row *row)
{
	return ovsdb_row_id(row);
}

const char *ovsdb_row_table(const struct ovsdb_row *row)
{
	return row->table->schema->name;
}

size_t ovsdb_count(const struct ovsdb_row *row, const char *column)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_VOID);

	return datum ? datum->n : 0;
}

int64_t ovsdb_integer(const struct ovsdb_row *row, const char *column, int64_t dflt)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_INTEGER);

	return datum && datum->n ? datum->keys[0].integer : dflt;
}

bool ovsdb_bool(const struct ovsdb_row *row, const char *column, bool dflt)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_BOOLEAN);

	return datum && datum->n ? datum->keys[0].boolean : dflt;
}

const char *ovsdb_string(const struct ovsdb_row *row, const char *column)
{
	return ovsdb_string_at(row, column, 0);
}

int64_t ovsdb_integer_at(const struct ovsdb_row *row, const char *column, size_t i)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_INTEGER);

	return datum && i < datum->n ? datum->keys[i].integer : 0;
}

const char *ovsdb_string_at(const struct ovsdb_row *row, const char *column, size_t i)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_STRING);

	return datum && i < datum->n ? datum->keys[i].string : NULL;
}

const struct ovsdb_uuid *ovsdb_uuid_at(const struct ovsdb_row *row, const char *column, size_t i)
{
	const struct ovsdb_datum *datum = find_set(row, column, OVSDB_UUID);

	return datum && i < datum->n ? &datum->keys[i].uuid : NULL;
}

const char *ovsdb_value_at(const struct ovsdb_row *row, const char *column, size_t i)
{
	const struct ovsdb_datum *datum = find_column(row, column, OVSDB_VOID, OVSDB_STRING);

	return datum && i < datum->n ? datum->values[i].string : NULL;
}

int64_t ovsdb_value_integer_at(const struct ovsdb_row *row, const char *column, size_t i)
{
	const struct ovsdb_datum *datum = find_column(row, column, OVSDB_VOID, OVSDB_INTEGER);

	return datum && i < datum->n ? datum->values[i].integer : 0;
}

const struct ovsdb_row *ovsdb_ref(const struct ovsdb_row *row, const char *name, size_t i)
{
	const struct ovsdb_table *table = row->table;
	int column = ovsdb_table_column(table, name);

	if (column < 0 || (!table->key_refs[column] && !table->value_refs[column])) {
		log_err("column %s of table %s holds no references", name, table->schema->name);
		return NULL;
	}
	const struct ovsdb_datum *datum = row->columns[column];
	if (i >= datum->n)
		return NULL;
	return table->value_refs[column]
		       ? ovsdb_table_find(table->value_refs[column], &datum->values[i].uuid)
		       : ovsdb_table_find(table->key_refs[column], &datum->keys[i].uuid);
}

static ssize_t find_key(
	const struct ovsdb_datum *datum, enum ovsdb_atomic type, const union ovsdb_atom *key)
{
	const struct ovsdb_type key_type = {.key.type = type};

	return datum ? ovsdb_datum_find(datum, &key_type, key) : -1;
}

const struct ovsdb_row *ovsdb_map_ref(const struct ovsdb_row *row, const char *column, int64_t key)
{
	const struct ovsdb_datum *datum = find_column(row, column, OVSDB_INTEGER, OVSDB_UUID);
	union ovsdb_atom atom = {.integer = key};
	ssize_t i = find_key(datum, OVSDB_INTEGER, &atom);

	return i < 0 ? NULL : ovsdb_ref(row, column, (size_t)i);
}

bool ovsdb_set_has_string(const struct ovsdb_row *row, const char *column, const char *value)
{
	union ovsdb_atom atom = {.string = (char *)value};

	return find_key(find_set(row, column, OVSDB_STRING), OVSDB_STRING, &atom) >= 0;
}

bool ovsdb_set_has_integer(const struct ovsdb_row *row, const char *column, int64_t value)
{
	union ovsdb_atom atom = {.integer = value};

	return find_key(find_set(row, column, OVSDB_INTEGER), OVSDB_INTEGER, &atom) >= 0;
}

const char *ovsdb_map_string(const struct ovsdb_row *row, const char *column, const char *key)
{
	const struct ovsdb_datum *datum = find_column(row, column, OVSDB_STRING, OVSDB_STRING);
	union ovsdb_atom atom = {.string = (char *)key};
	ssize_t i = find_key(datum, OVSDB_STRING, &atom);

	return i < 0 ? NULL : datum->values[i].string;
}

int64_t ovsdb_map_integer(
	const struct ovsdb_row *row, const char *column, const char *key, int64_t dflt)
{
	const char *text = ovsdb_map_string(row, column, key);
	char *end;

	if (!text || !*text)
		return dflt;
	errno = 0;
	long long value = strtoll(text, &end, 0);
	return *end || errno ? dflt : value;
}

bool ovsdb_map_bool(const struct ovsdb_row *row, const char *column, const char *key, bool dflt)
{
	const char *text = ovsdb_map_string(row, column, key);

	return text ? !strcmp(text, "true") : dflt;
}
