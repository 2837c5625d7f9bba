/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/schema.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/nearest.h"

static enum atom_type read_atom_type(const char *text)
{
	static const char *const names[] = {"integer", "real", "boolean", "string", "uuid"};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], text))
			return (enum atom_type)i;
	fail("the database's schema has a type that sluicectl does not know: %s",
		text ? text : "none");
}

static json_int_t number_or(const json_t *json, const char *key, json_int_t otherwise)
{
	const json_t *v = json_object_get(json, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static void read_base(struct base_type *b, const json_t *json)
{
	const json_t *choices = json_object_get(json, "enum");

	*b = (struct base_type){.min = INT64_MIN, .max = INT64_MAX};
	if (json_is_string(json)) {
		b->type = read_atom_type(json_string_value(json));
		return;
	}
	b->type = read_atom_type(json_string_value(json_object_get(json, "type")));
	b->min = number_or(json, "minInteger", INT64_MIN);
	b->max = number_or(json, "maxInteger", INT64_MAX);
	b->ref_table = json_string_value(json_object_get(json, "refTable"));
	if (json_is_array(choices))
		b->choices = json_array_get(choices, 1);
}

static void read_column(struct column *c, const char *name, const json_t *json)
{
	const json_t *type = json_object_get(json, "type"), *max;

	*c = (struct column){.name = name, .min = 1, .max = 1};
	if (json_is_string(type) || !json_object_get(type, "key")) {
		read_base(&c->key, type);
		return;
	}
	read_base(&c->key, json_object_get(type, "key"));
	if (json_object_get(type, "value")) {
		c->is_map = true;
		read_base(&c->value, json_object_get(type, "value"));
	}
	c->min = (unsigned)number_or(type, "min", 1);
	max = json_object_get(type, "max");
	c->max = json_is_string(max) ? UINT_MAX : (unsigned)number_or(type, "max", 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct column *)a)->name, ((const struct column *)b)->name);
}

static void read_table(struct table *t, const char *name, const json_t *json)
{
	json_t *columns = json_object_get(json, "columns"), *column;
	const char *key;

	*t = (struct table){.name = name};
	t->is_root = json_is_true(json_object_get(json, "isRoot"));
	t->one_row = number_or(json, "maxRows", 0) == 1;
	t->columns = need(calloc(json_object_size(columns) + 1, sizeof(*t->columns)));
	t->columns[t->n_columns++] =
		(struct column){.name = "_uuid", .key.type = ATOM_UUID, .min = 1, .max = 1};
	json_object_foreach (columns, key, column)
		read_column(&t->columns[t->n_columns++], key, column);
	qsort(t->columns, t->n_columns, sizeof(*t->columns), by_name);
}

void schema_read(struct schema *s, json_t *json)
{
	json_t *tables = json_object_get(json, "tables"), *table;
	const char *key;

	if (!json_is_object(tables))
		fail("the database described itself in a way that sluicectl does not understand");
	*s = (struct schema){.json = json};
	s->tables = need(calloc(json_object_size(tables), sizeof(*s->tables)));
	json_object_foreach (tables, key, table) {
		read_table(&s->tables[s->n_tables], key, table);
		s->tables[s->n_tables].index = (unsigned)s->n_tables;
		s->n_tables++;
	}
}

void schema_free(struct schema *s)
{
	for (size_t i = 0; i < s->n_tables; i++)
		free(s->tables[i].columns);
	free(s->tables);
	json_decref(s->json);
	*s = (struct schema){0};
}

const struct table *schema_table(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (!strcmp(s->tables[i].name, name))
			return &s->tables[i];
	return NULL;
}

const struct column *table_column(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (!strcmp(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

/* How well `text` names `name`: 3 exactly, 2 but for case and dashes, 1 as its beginning, 0 not. */
static int fit(const char *name, const char *text)
{
	size_t i;

	if (!strcmp(name, text))
		return 3;
	for (i = 0; text[i]; i++) {
		char a = name[i] == '-' ? '_' : (char)tolower((unsigned char)name[i]);
		char b = text[i] == '-' ? '_' : (char)tolower((unsigned char)text[i]);

		if (a != b)
			return 0;
	}
	return name[i] ? 1 : 2;
}

/* What a list of names says about a text. */
struct choice {
	const char *text;
	int best, n_best;
	size_t index; /* of the best */
	struct nearest near;
};

static void consider(struct choice *c, const char *name, size_t index)
{
	int f = fit(name, c->text);

	nearest_try(&c->near, name);
	if (f && f == c->best)
		c->n_best++;
	if (f > c->best) {
		c->best = f;
		c->n_best = 1;
		c->index = index;
	}
}

const struct table *schema_table_typed(const struct schema *s, const char *text)
{
	struct choice c = {.text = text};

	nearest_start(&c.near, text);
	for (size_t i = 0; i < s->n_tables; i++)
		consider(&c, s->tables[i].name, i);
	if (c.n_best > 1)
		fail("%s: more than one table begins so", text);
	if (!c.n_best)
		fail("%s: there is no such table%s", text, nearest_hint(&c.near));
	return &s->tables[c.index];
}

const struct column *table_column_typed(const struct table *t, const char *text)
{
	struct choice c = {.text = text};

	nearest_start(&c.near, text);
	for (size_t i = 0; i < t->n_columns; i++)
		consider(&c, t->columns[i].name, i);
	if (c.n_best > 1)
		fail("%s: more than one column of %s begins so", text, t->name);
	if (!c.n_best)
		fail("%s: %s has no such column%s", text, t->name, nearest_hint(&c.near));
	return &t->columns[c.index];
}

bool column_is_scalar(const struct column *c)
{
	return !c->is_map && c->max == 1;
}
