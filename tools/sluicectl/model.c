/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/value.h"

void model_init(struct model *m, const struct schema *s)
{
	*m = (struct model){.schema = s};
	m->tables = need(calloc(s->n_tables, sizeof(*m->tables)));
}

static void row_free(struct row *r)
{
	free(r->id);
	json_decref(r->old);
	json_decref(r->now);
	json_decref(r->relied);
	free(r);
}

void model_free(struct model *m)
{
	struct symbol *s, *next;

	for (size_t t = 0; t < m->schema->n_tables; t++) {
		for (size_t i = 0; i < m->tables[t].n; i++)
			row_free(m->tables[t].list[i]);
		free(m->tables[t].list);
	}
	for (s = m->symbols; s; s = next) {
		next = s->next;
		free(s->name);
		free(s->id);
		free(s);
	}
	free(m->tables);
	*m = (struct model){0};
}

static struct row *add_row(struct model *m, const struct table *t, const char *id)
{
	struct rows *rows = &m->tables[t->index];
	struct row *r = need(calloc(1, sizeof(*r)));

	/* Room doubles whenever the number is a power of two. */
	if (!(rows->n & (rows->n - 1)))
		rows->list = need(
			realloc(rows->list, (rows->n ? rows->n * 2 : 1) * sizeof(struct row *)));
	r->table = t;
	r->id = need(strdup(id));
	r->now = need(json_object());
	r->relied = need(json_object());
	rows->list[rows->n++] = r;
	return r;
}

void model_load(struct model *m, const struct table *t, const json_t *wire)
{
	const char *id = json_string_value(json_array_get(json_object_get(wire, "_uuid"), 1));
	struct row *r;

	if (!id)
		fail("the database sent a row of %s without a UUID", t->name);
	r = add_row(m, t, id);
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *c = &t->columns[i];

		json_object_set_new(
			r->now, c->name, value_from_wire(c, json_object_get(wire, c->name)));
	}
	r->old = need(json_copy(r->now));
}

static int by_label(const void *a, const void *b)
{
	return strcmp(row_label(*(struct row *const *)a), row_label(*(struct row *const *)b));
}

void model_sort(struct model *m)
{
	for (size_t t = 0; t < m->schema->n_tables; t++)
		if (m->tables[t].n)
			qsort(m->tables[t].list, m->tables[t].n, sizeof(struct row *), by_label);
}

static const struct table *known_table(const struct model *m, const char *name)
{
	const struct table *t = schema_table(m->schema, name);

	if (!t)
		fail("the database has no table %s: is it a switch's?", name);
	return t;
}

const struct rows *model_rows(const struct model *m, const char *table)
{
	return &m->tables[known_table(m, table)->index];
}

struct row *model_root(const struct model *m)
{
	const struct rows *rows = model_rows(m, "Open_vSwitch");

	if (!rows->n)
		fail("the database is empty: its table Open_vSwitch has no row");
	return rows->list[0];
}

struct row *model_find(
	const struct model *m, const char *table, const char *column, const char *text)
{
	const struct rows *rows = model_rows(m, table);

	for (size_t i = 0; i < rows->n; i++) {
		const char *s = row_string(rows->list[i], column);

		if (s && !rows->list[i]->deleted && !strcmp(s, text))
			return rows->list[i];
	}
	return NULL;
}

struct row *model_by_id(const struct model *m, const char *table, const char *id)
{
	const struct rows *rows = model_rows(m, table);

	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted && !strcmp(rows->list[i]->id, id))
			return rows->list[i];
	return NULL;
}

struct row *model_referred(const struct model *m, const char *table, const json_t *atom)
{
	const char *id = json_string_value(json_array_get(atom, 1));

	return id ? model_by_id(m, table, id) : NULL;
}

struct row *model_insert(struct model *m, const char *table)
{
	const struct table *t = known_table(m, table);
	char id[40];
	struct row *r;

	snprintf(id, sizeof(id), "sluicectl_new_row_%u_", m->n_new++);
	r = add_row(m, t, id);
	for (size_t i = 0; i < t->n_columns; i++)
		json_object_set_new(r->now, t->columns[i].name, value_default(&t->columns[i]));
	row_set(r, "_uuid", json_pack("[o]", row_atom(r)));
	return r;
}

struct symbol *model_symbol(struct model *m, const char *name)
{
	struct symbol *s;
	char id[40];

	for (s = m->symbols; s; s = s->next)
		if (!strcmp(s->name, name))
			return s;
	s = need(calloc(1, sizeof(*s)));
	snprintf(id, sizeof(id), "sluicectl_new_row_%u_", m->n_new++);
	s->name = need(strdup(name));
	s->id = need(strdup(id));
	s->next = m->symbols;
	m->symbols = s;
	return s;
}

void model_bind(struct symbol *s, struct row *r)
{
	if (s->row)
		fail("%s: it names another row already", s->name);
	s->row = r;
	if (r->old)
		return;
	/* Commands before this one may have referred to the name. */
	free(r->id);
	r->id = need(strdup(s->id));
	row_set(r, "_uuid", json_pack("[o]", row_atom(r)));
}

/* ---- rows ---- */

const json_t *row_get(const struct row *r, const char *column)
{
	const json_t *value = json_object_get(r->now, column);

	if (!value)
		fail("the database's table %s has no column %s", r->table->name, column);
	return value;
}

json_t *row_copy(const struct row *r, const char *column)
{
	return need(json_copy((json_t *)(uintptr_t)row_get(r, column)));
}

const char *row_string(const struct row *r, const char *column)
{
	return json_string_value(json_array_get(json_object_get(r->now, column), 0));
}

json_int_t row_integer(const struct row *r, const char *column, json_int_t otherwise)
{
	const json_t *atom = json_array_get(row_get(r, column), 0);

	return json_is_integer(atom) ? json_integer_value(atom) : otherwise;
}

void row_set(struct row *r, const char *column, json_t *value)
{
	json_object_set_new(r->now, column, need(value));
}

void row_set_string(struct row *r, const char *column, const char *text)
{
	json_t *value = text ? json_pack("[s]", text) : json_array();

	if (!value)
		fail("%s: the value is not UTF-8", column);
	row_set(r, column, value);
}

void row_rely(struct row *r, const char *column)
{
	if (r->old)
		json_object_set_new(r->relied, column, json_true());
}

json_t *row_atom(const struct row *r)
{
	return need(json_pack("[s, s]", r->old ? "uuid" : "named-uuid", r->id));
}

static size_t find_reference(const json_t *value, const struct row *to)
{
	size_t i;
	json_t *e;

	json_array_foreach (value, i, e)
		if (!strcmp(json_string_value(json_array_get(e, 1)), to->id))
			return i;
	return SIZE_MAX;
}

bool row_refers(const struct row *r, const char *column, const struct row *to)
{
	return find_reference(row_get(r, column), to) != SIZE_MAX;
}

void row_link(struct row *r, const char *column, const struct row *to)
{
	json_t *value = row_copy(r, column);

	json_array_append_new(value, row_atom(to));
	value_sort(value);
	row_set(r, column, value);
}

void row_unlink(struct row *r, const char *column, const struct row *to)
{
	json_t *value = row_copy(r, column);
	size_t i = find_reference(value, to);

	if (i != SIZE_MAX)
		json_array_remove(value, i);
	row_set(r, column, value);
}

const char *row_label(const struct row *r)
{
	const char *s = row_string(r, "name");

	return s && *s ? s : r->id;
}
