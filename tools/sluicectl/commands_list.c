/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that read any row of the database.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/condition.h"

/* The columns that --columns names, or all; ended by NULL, the caller frees the array. */
static const struct column **chosen_columns(const struct table *t, const char *names)
{
	const struct column **list = need(calloc(t->n_columns + 1, sizeof(const struct column *)));
	char *copy, *save, *name;
	size_t n = 0;

	if (!names) {
		for (; n < t->n_columns; n++)
			list[n] = &t->columns[n];
		return list;
	}
	copy = need(strdup(names));
	for (name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		if (n == t->n_columns)
			fail("--columns=%s: more columns than %s has", names, t->name);
		list[n++] = table_column_typed(t, name);
	}
	free(copy);
	return list;
}

/* One row, in the listing's form. */
static void print_row(struct session *s, const struct row *r, const struct column **columns)
{
	for (; *columns; columns++) {
		const struct column *c = *columns;

		fprintf(s->out, "%-20s: ", c->name);
		value_print(s->out, c, row_get(r, c->name));
		fputc('\n', s->out);
	}
}

static json_t *row_plain(const struct row *r, const struct column **columns)
{
	json_t *j = need(json_object());

	for (; *columns; columns++)
		json_object_set_new(j, (*columns)->name,
			value_to_plain(*columns, row_get(r, (*columns)->name)));
	return j;
}

/* A listing that rows are added to one by one. */
struct listing {
	struct session *s;
	const struct column **columns;
	json_t *json;
	bool any;
};

static void listing_start(
	struct listing *l, struct session *s, const struct table *t, const struct words *w)
{
	*l = (struct listing){s, chosen_columns(t, w->columns), need(json_array()), false};
}

static void listing_add(struct listing *l, const struct row *r)
{
	if (l->s->o->json) {
		json_array_append_new(l->json, row_plain(r, l->columns));
		return;
	}
	if (l->any)
		fputc('\n', l->s->out);
	l->any = true;
	print_row(l->s, r, l->columns);
}

static void listing_end(struct listing *l)
{
	print_json(l->s, l->json);
	free(l->columns);
}

static void list(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);
	const struct rows *rows = model_rows(&s->model, t->name);
	struct listing l;

	listing_start(&l, s, t, w);
	for (unsigned i = 1; i < w->n; i++) {
		const struct row *r = find_record(s, t, w->args[i], !(w->with & WITH_IF_EXISTS));

		if (r)
			listing_add(&l, r);
	}
	for (size_t i = 0; w->n == 1 && i < rows->n; i++)
		if (!rows->list[i]->deleted)
			listing_add(&l, rows->list[i]);
	listing_end(&l);
}

static void find(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);
	const struct rows *rows = model_rows(&s->model, t->name);
	struct listing l;

	listing_start(&l, s, t, w);
	for (size_t i = 0; i < rows->n; i++) {
		bool fits = !rows->list[i]->deleted;

		for (unsigned k = 1; fits && k < w->n; k++)
			fits = condition_holds(s, rows->list[i], w->args[k]);
		if (fits)
			listing_add(&l, rows->list[i]);
	}
	listing_end(&l);
}

/* ---- get ---- */

/* The value of a map's key as a list of one, or of none if `may_lack`. */
static json_t *value_of_key(
	const struct row *r, const struct column_name *n, const char *text, bool may_lack)
{
	const json_t *value = row_get(r, n->column->name);
	size_t at = value_find(n->column, value, n->key);

	if (at == SIZE_MAX && !may_lack)
		fail("%s: %s of %s has no such key (--if-exists prints an empty line then)", text,
			n->column->name, row_label(r));
	if (at == SIZE_MAX)
		return need(json_array());
	return need(json_pack("[O]", json_array_get(json_array_get(value, at), 1)));
}

/* Prints COLUMN or COLUMN:KEY of the row; with --json appends it to `json` instead. */
static void get_one(
	struct session *s, const struct row *r, const char *text, bool may_lack, json_t *json)
{
	struct column_name n;
	const json_t *value;
	json_t *of_key;

	column_name_read(s, r->table, text, &n);
	value = row_get(r, n.column->name);
	of_key = n.key ? value_of_key(r, &n, text, may_lack) : NULL;
	if (s->o->json) {
		json_t *first = json_array_get(of_key, 0);

		json_array_append_new(json, first    ? value_atom_to_plain(first)
					    : of_key ? json_null()
						     : value_to_plain(n.column, value));
	} else {
		if (!of_key)
			value_print(s->out, n.column, value);
		else if (json_array_size(of_key))
			atom_print(s->out, json_array_get(of_key, 0));
		fputc('\n', s->out);
	}
	json_decref(of_key);
	json_decref(n.key);
	free(n.text);
}

static void get(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);
	bool may_lack = w->with & WITH_IF_EXISTS;
	struct row *r = find_record(s, t, w->args[1], !may_lack);
	json_t *json;

	if (!r)
		return;
	if (w->id)
		model_bind(model_symbol(&s->model, w->id), r);
	json = need(json_array());
	for (unsigned i = 2; i < w->n; i++)
		get_one(s, r, w->args[i], may_lack, json);
	if (w->n > 2)
		print_json(s, w->n == 3 ? json_incref(json_array_get(json, 0)) : json_incref(json));
	json_decref(json);
}

const struct command list_commands[] = {
	{"list", "TABLE [ROW]...", "rows with all their columns",
		"A row is known by its name, its UUID or the first characters of it, or \".\" in a "
		"table with\none row. Tables and columns may be shortened: \"int\" is "
		"Interface.\n\n"
		"Examples:\n"
		"  sluicectl list Interface\n"
		"  sluicectl list Interface eth1\n"
		"  sluicectl --columns=name,ofport,error list Interface\n"
		"  sluicectl list Open_vSwitch\n"
		"  sluicectl list Bridge --json\n",
		1, ANY_NUMBER, WITH_IF_EXISTS | WITH_COLUMNS, list, NULL},
	{"find", "TABLE [COLUMN[:KEY]=VALUE]...", "rows for which all conditions hold",
		"Conditions: = and !=, and for numbers < <= > >=.\n\n"
		"Examples:\n"
		"  sluicectl find Port tag=10\n"
		"  sluicectl --columns=name,error find Interface error!=[]\n"
		"  sluicectl find Interface options:device=sim\n"
		"  sluicectl find Interface \"mtu>1500\"\n",
		1, ANY_NUMBER, WITH_COLUMNS, find, NULL},
	{"get", "TABLE ROW [COLUMN[:KEY]]...", "values, one a line",
		"Examples:\n"
		"  sluicectl get Interface eth1 ofport\n"
		"  sluicectl get Interface eth1 statistics:rx_packets statistics:tx_packets\n"
		"  sluicectl --if-exists get Open_vSwitch . other_config:hw-offload\n"
		"      an empty line if it is not set\n",
		2, ANY_NUMBER, WITH_IF_EXISTS | WITH_ID, get, NULL},
	{NULL},
};
