/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas as JSON, for get_schema and for _Server's Database rows. */
#include "ofctl/ovsdb/schema.h"

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

/* <base-type>: its bare name where nothing limits it. */
static json_t *base_to_json(const struct ovsdb_base *base)
{
	bool ranged = base->min < base->max;
	json_t *name = json_string(ovsdb_atomic_name(base->type));

	if (!ranged && !base->choices && !base->ref_table)
		return name;

	json_t *json = json_object();
	set(json, "type", name);
	if (ranged && base->min != OVSDB_MIN_INT)
		set(json, "minInteger", json_integer(base->min));
	if (ranged && base->max != OVSDB_MAX_INT)
		set(json, "maxInteger", json_integer(base->max));
	if (base->choices) {
		json_t *choices = json_array();
		for (const char *const *choice = base->choices; *choice; choice++)
			json_array_append_new(choices, json_string(*choice));
		set(json, "enum", json_pack("[s, o]", "set", choices));
	}
	if (base->ref_table) {
		set(json, "refTable", json_string(base->ref_table));
		if (base->weak)
			set(json, "refType", json_string("weak"));
	}
	return json;
}

static json_t *type_to_json(const struct ovsdb_type *type)
{
	json_t *key = base_to_json(&type->key);

	if (ovsdb_type_is_scalar(type) && json_is_string(key))
		return key;

	json_t *json = json_object();
	set(json, "key", key);
	if (ovsdb_type_is_map(type))
		set(json, "value", base_to_json(&type->value));
	if (type->n_min != 1)
		set(json, "min", json_integer(type->n_min));
	if (type->n_max == OVSDB_UNLIMITED)
		set(json, "max", json_string("unlimited"));
	else if (type->n_max != 1)
		set(json, "max", json_integer(type->n_max));
	return json;
}

static json_t *column_to_json(const struct ovsdb_column *column)
{
	json_t *json = json_object();

	set(json, "type", type_to_json(&column->type));
	if (column->flags & OVSDB_COLUMN_EPHEMERAL)
		set(json, "ephemeral", json_true());
	if (column->flags & OVSDB_COLUMN_IMMUTABLE)
		set(json, "mutable", json_false());
	return json;
}

static json_t *index_to_json(const struct ovsdb_table_schema *table)
{
	json_t *names = json_array();

	for (size_t i = 0; i < OVSDB_INDEX_COLUMNS && table->index[i]; i++)
		json_array_append_new(names, json_string(table->index[i]));
	return json_pack("[o]", names);
}

static json_t *table_to_json(const struct ovsdb_table_schema *table)
{
	json_t *json = json_object();
	json_t *columns = json_object();

	for (unsigned int i = 0; i < table->n_columns; i++)
		set(columns, table->columns[i].name, column_to_json(&table->columns[i]));
	set(json, "columns", columns);
	if (table->max_rows)
		set(json, "maxRows", json_integer(table->max_rows));
	if (table->root)
		set(json, "isRoot", json_true());
	if (table->index[0])
		set(json, "indexes", index_to_json(table));
	return json;
}

json_t *ovsdb_schema_to_json(const struct ovsdb_schema *schema)
{
	json_t *tables = json_object();

	for (unsigned int i = 0; i < schema->n_tables; i++)
		set(tables, schema->tables[i].name, table_to_json(&schema->tables[i]));
	return json_pack("{s:s, s:s, s:o}", "name", schema->name, "version", schema->version,
		"tables", tables);
}
