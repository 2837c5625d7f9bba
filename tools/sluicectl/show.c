/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/show.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 4 /* columns a level */

/* What is shown of a table's rows: the column that names one, and the others in order. A column
 * that refers to one of these tables is shown as what it refers to. */
static const struct show_table {
	const char *table, *title;
	const char *columns[6];
} tables[] = {
	{"Open_vSwitch", NULL, {"manager_options", "bridges", "ovs_version"}},
	{"Bridge", "name", {"controller", "fail_mode", "datapath_type", "ports"}},
	{"Port", "name", {"tag", "trunks", "interfaces"}},
	{"Interface", "name", {"type", "options", "error"}},
	{"Controller", "target", {"is_connected"}},
	{"Manager", "target", {"is_connected"}},
};

static const struct show_table *shown(const char *table)
{
	for (size_t i = 0; table && i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!strcmp(tables[i].table, table))
			return &tables[i];
	return NULL;
}

static void show_row(struct session *s, const struct show_table *t, const struct row *r, int level);

static int by_label(const void *a, const void *b)
{
	return strcmp(row_label(*(struct row *const *)a), row_label(*(struct row *const *)b));
}

/* The rows that a column refers to, by name; `n` of them, the caller frees the array. */
static const struct row **referred_rows(
	const struct session *s, const struct row *r, const struct column *c, size_t *n)
{
	const json_t *value = row_get(r, c->name);
	const struct row **list =
		need(calloc(json_array_size(value) + 1, sizeof(const struct row *)));
	size_t i;
	json_t *atom;

	*n = 0;
	json_array_foreach (value, i, atom) {
		list[*n] = model_referred(&s->model, c->key.ref_table, atom);
		if (list[*n])
			(*n)++;
	}
	qsort(list, *n, sizeof(const struct row *), by_label);
	return list;
}

static void show_column(struct session *s, const struct row *r, const struct column *c, int level)
{
	const struct show_table *to = shown(c->key.ref_table);
	const struct row **list;
	size_t n;

	if (!to) {
		if (value_is_default(c, row_get(r, c->name)))
			return;
		fprintf(s->out, "%*s%s: ", level * INDENT, "", c->name);
		value_print(s->out, c, row_get(r, c->name));
		fputc('\n', s->out);
		return;
	}
	list = referred_rows(s, r, c, &n);
	for (size_t i = 0; i < n; i++)
		show_row(s, to, list[i], level);
	free(list);
}

static void show_row(struct session *s, const struct show_table *t, const struct row *r, int level)
{
	if (t->title) {
		fprintf(s->out, "%*s%s ", level * INDENT, "", t->table);
		atom_print(s->out, json_array_get(row_get(r, t->title), 0));
		fputc('\n', s->out);
	} else {
		fprintf(s->out, "%s\n", r->id);
	}
	for (size_t i = 0; t->columns[i]; i++) {
		const struct column *c = table_column(r->table, t->columns[i]);

		if (c)
			show_column(s, r, c, level + 1);
	}
}

/* ---- as JSON ---- */

static json_t *row_json(struct session *s, const struct show_table *t, const struct row *r)
{
	json_t *j = need(json_object());

	json_object_set_new(j, "_uuid", json_string(r->id));
	if (t->title)
		json_object_set_new(j, t->title, json_string(row_string(r, t->title)));
	for (size_t i = 0; t->columns[i]; i++) {
		const struct column *c = table_column(r->table, t->columns[i]);
		const struct show_table *to = c ? shown(c->key.ref_table) : NULL;
		const struct row **list;
		json_t *inner;
		size_t n;

		if (!c)
			continue;
		if (!to) {
			json_object_set_new(j, c->name, value_to_plain(c, row_get(r, c->name)));
			continue;
		}
		inner = need(json_array());
		list = referred_rows(s, r, c, &n);
		for (size_t k = 0; k < n; k++)
			json_array_append_new(inner, row_json(s, to, list[k]));
		free(list);
		json_object_set_new(j, c->name, inner);
	}
	return j;
}

void show(struct session *s)
{
	const struct row *root = model_root(&s->model);

	if (s->o->json)
		print_json(s, row_json(s, &tables[0], root));
	else
		show_row(s, &tables[0], root, 0);
}
