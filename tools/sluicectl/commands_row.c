/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that change any row of the database.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/condition.h"

static void need_writable(const struct column *c)
{
	if (*c->name == '_')
		fail("%s: the database sets it, nobody else", c->name);
}

void set_column(struct session *s, struct row *r, const char *text)
{
	struct value_reader reader = session_reader(s);
	struct column_name n;

	column_name_read(s, r->table, text, &n);
	need_writable(n.column);
	if (*n.rest != '=')
		fail("%s: expected COLUMN=VALUE or COLUMN:KEY=VALUE", text);
	if (n.key) {
		json_t *value = row_copy(r, n.column->name), *pair;

		if (!n.rest[1])
			fail("%s: expected a value; an empty string is written '\"\"', and "
			     "\"sluicectl remove %s %s %s KEY\" takes the key away",
				text, r->table->name, row_label(r), n.column->name);
		pair = need(json_pack("[[O, o]]", n.key,
			atom_read(&reader, n.column, &n.column->value, n.rest + 1)));
		value_add(n.column, value, pair, true);
		value_check_count(n.column, value);
		json_decref(pair);
		row_set(r, n.column->name, value);
	} else {
		row_set(r, n.column->name, value_read(&reader, n.column, n.rest + 1));
	}
	json_decref(n.key);
	free(n.text);
}

/* The row that the first two arguments name; NULL if --if-exists allows that. */
static struct row *target_row(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);

	return find_record(s, t, w->args[1], !(w->with & WITH_IF_EXISTS));
}

static void set(struct session *s, const struct words *w)
{
	struct row *r = target_row(s, w);

	for (unsigned i = 2; r && i < w->n; i++)
		set_column(s, r, w->args[i]);
}

static void add(struct session *s, const struct words *w)
{
	struct value_reader reader = session_reader(s);
	struct row *r = target_row(s, w);
	const struct column *c;
	json_t *value;

	if (!r)
		return;
	c = table_column_typed(r->table, w->args[2]);
	need_writable(c);
	value = row_copy(r, c->name);
	for (unsigned i = 3; i < w->n; i++) {
		json_t *more = value_read_some(&reader, c, w->args[i], false);

		value_add(c, value, more, false);
		json_decref(more);
	}
	value_check_count(c, value);
	row_set(r, c->name, value);
}

/* Takes elements away: by key in a map, unless a value stands behind it, which must fit then. */
static void remove_elements(
	struct session *s, const struct column *c, json_t *value, const char *text)
{
	struct value_reader reader = session_reader(s);
	bool keys_only = !c->is_map || !strchr(text, '=');
	json_t *gone = value_read_some(&reader, c, text, keys_only), *e;
	size_t i;

	json_array_foreach (gone, i, e) {
		size_t at = value_find(c, value, keys_only ? e : json_array_get(e, 0));

		if (at != SIZE_MAX && (keys_only || json_equal(json_array_get(value, at), e)))
			json_array_remove(value, at);
	}
	json_decref(gone);
}

static void remove_(struct session *s, const struct words *w)
{
	struct row *r = target_row(s, w);
	const struct column *c;
	json_t *value;

	if (!r)
		return;
	c = table_column_typed(r->table, w->args[2]);
	need_writable(c);
	value = row_copy(r, c->name);
	for (unsigned i = 3; i < w->n; i++)
		remove_elements(s, c, value, w->args[i]);
	value_check_count(c, value);
	row_set(r, c->name, value);
}

static void clear(struct session *s, const struct words *w)
{
	struct row *r = target_row(s, w);

	for (unsigned i = 2; r && i < w->n; i++) {
		const struct column *c = table_column_typed(r->table, w->args[i]);

		need_writable(c);
		if (c->min > 0)
			fail("%s: it cannot be empty, so it cannot be cleared", c->name);
		row_set(r, c->name, json_array());
	}
}

static void create(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);
	struct row *r = model_insert(&s->model, t->name);

	if (w->id)
		model_bind(model_symbol(&s->model, w->id), r);
	else if (!t->is_root)
		warn("create %s: without --id=@NAME nothing can refer to the new row, and the "
		     "database drops rows of this table that nothing refers to",
			t->name);
	for (unsigned i = 1; i < w->n; i++)
		set_column(s, r, w->args[i]);
	if (!print_json(s, json_string(r->id)))
		fprintf(s->out, "%s\n", r->id);
}

static void destroy(struct session *s, const struct words *w)
{
	const struct table *t = schema_table_typed(&s->schema, w->args[0]);
	const struct rows *rows = model_rows(&s->model, t->name);
	bool all = w->with & WITH_ALL;

	if (all == (w->n > 1))
		fail_usage("destroy %s: name the rows, or say --all", t->name);
	for (size_t i = 0; all && i < rows->n; i++)
		rows->list[i]->deleted = true;
	for (unsigned i = 1; i < w->n; i++) {
		struct row *r = find_record(s, t, w->args[i], !(w->with & WITH_IF_EXISTS));

		if (r)
			r->deleted = true;
	}
}

const struct command row_commands[] = {
	{"set", "TABLE ROW COLUMN[:KEY]=VALUE...", "set columns, or keys of maps",
		"Sets are written 1,2 or [1,2], maps k=v,k=v or {k=v,k=v}, and strings bare or in "
		"double quotes.\n\n"
		"Examples:\n"
		"  sluicectl set Interface p1 type=internal\n"
		"  sluicectl set Port eth1 tag=10\n"
		"  sluicectl set Port eth1 trunks=10,20-29\n"
		"  sluicectl set Open_vSwitch . other_config:hw-offload=true "
		"other_config:sluice-device=sim:nic\n"
		"      put flows into a device\n"
		"  sluicectl set Interface br0 'mac=\"02:00:00:00:00:01\"'\n",
		3, ANY_NUMBER, WITH_IF_EXISTS, set, NULL},
	{"add", "TABLE ROW COLUMN [KEY=]VALUE...", "add to a set or a map",
		"Keys that a map has already keep their values.\n\n"
		"Examples:\n"
		"  sluicectl add Port eth1 trunks 30 40\n"
		"  sluicectl add Bridge br0 other_config mac-aging-time=60\n",
		4, ANY_NUMBER, WITH_IF_EXISTS, add, NULL},
	{"remove", "TABLE ROW COLUMN KEY|VALUE|KEY=VALUE...", "take from a set or a map",
		"Examples:\n"
		"  sluicectl remove Port eth1 trunks 30\n"
		"  sluicectl remove Open_vSwitch . other_config hw-offload\n",
		4, ANY_NUMBER, WITH_IF_EXISTS, remove_, NULL},
	{"clear", "TABLE ROW COLUMN...", "empty columns",
		"Examples:\n"
		"  sluicectl clear Port eth1 tag trunks\n",
		3, ANY_NUMBER, WITH_IF_EXISTS, clear, NULL},
	{"create", "TABLE [COLUMN[:KEY]=VALUE]...", "make a row, and print its UUID",
		"Most rows live only while another refers to them: give the new row a name with "
		"--id=@NAME and\nuse that in another command of the same transaction.\n\n"
		"Examples:\n"
		"  sluicectl -- --id=@m create Mirror name=m select_all=true output_port=eth3 \\\n"
		"      -- add Bridge br0 mirrors @m\n",
		1, ANY_NUMBER, WITH_ID, create, NULL},
	{"destroy", "TABLE ROW...", "delete rows",
		"The database refuses if something still refers to the row.\n\n"
		"Examples:\n"
		"  sluicectl destroy QoS 5a1864ce\n"
		"  sluicectl --all destroy QoS\n",
		1, ANY_NUMBER, WITH_IF_EXISTS | WITH_ALL, destroy, NULL},
	{NULL},
};
