/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/transaction.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/value.h"

#define DATABASE "Open_vSwitch"

struct builder {
	json_t *ops;
	json_t *inserted; /* position of an insert, as text, to the new row's id */
};

static void add(struct builder *b, json_t *op)
{
	json_array_append_new(b->ops, need(op));
}

static json_t *where_row(const struct row *r)
{
	return need(json_pack("[[s, s, [s, s]]]", "_uuid", "==", "uuid", r->id));
}

static const struct column *column_of(const struct row *r, const char *name)
{
	const struct column *c = table_column(r->table, name);

	if (!c)
		fail("the database's table %s has no column %s", r->table->name, name);
	return c;
}

/* The row still exists, and what was relied on is as it was. */
static void add_wait(struct builder *b, const struct row *r)
{
	json_t *columns = need(json_array()), *was = need(json_object()), *unused;
	const char *name;

	json_array_append_new(columns, json_string("_uuid"));
	json_object_set_new(was, "_uuid", json_pack("[s, s]", "uuid", r->id));
	json_object_foreach (r->relied, name, unused) {
		json_array_append_new(columns, json_string(name));
		json_object_set_new(was, name,
			value_to_wire(column_of(r, name), json_object_get(r->old, name)));
	}
	add(b, json_pack("{s:s, s:s, s:i, s:o, s:o, s:s, s:[o]}", "op", "wait", "table",
		       r->table->name, "timeout", 0, "where", where_row(r), "columns", columns,
		       "until", "==", "rows", was));
}

static void add_insert(struct builder *b, const struct row *r)
{
	json_t *wire = need(json_object());
	char position[24];

	for (size_t i = 0; i < r->table->n_columns; i++) {
		const struct column *c = &r->table->columns[i];
		const json_t *value = row_get(r, c->name);

		if (strcmp(c->name, "_uuid") && !value_is_default(c, value))
			json_object_set_new(wire, c->name, value_to_wire(c, value));
	}
	snprintf(position, sizeof(position), "%zu", json_array_size(b->ops));
	json_object_set_new(b->inserted, position, json_string(r->id));
	add(b, json_pack("{s:s, s:s, s:s, s:o}", "op", "insert", "table", r->table->name,
		       "uuid-name", r->id, "row", wire));
}

static void append_mutation(json_t *list, const struct column *c, const char *mutator,
	const char *tag, json_t *elements)
{
	if (json_array_size(elements))
		json_array_append_new(
			list, need(json_pack("[s, s, [s, O]]", c->name, mutator, tag, elements)));
	json_decref(elements);
}

/* A change of a large set or of a map touches only the elements that change, so that others may
 * change the rest at the same time. */
static void mutate(json_t *list, const struct column *c, const json_t *old, const json_t *now)
{
	json_t *gone = value_minus(old, now), *keys, *e;
	size_t i;

	if (!c->is_map) {
		append_mutation(list, c, "delete", "set", gone);
	} else {
		keys = need(json_array());
		json_array_foreach (gone, i, e)
			json_array_append(keys, json_array_get(e, 0));
		json_decref(gone);
		append_mutation(list, c, "delete", "set", keys);
	}
	append_mutation(list, c, "insert", c->is_map ? "map" : "set", value_minus(now, old));
}

static bool is_mutated(const struct column *c)
{
	return c->is_map || c->max == UINT_MAX;
}

static void add_changes(struct builder *b, const struct row *r)
{
	json_t *update = need(json_object()), *mutations = need(json_array());

	for (size_t i = 0; i < r->table->n_columns; i++) {
		const struct column *c = &r->table->columns[i];
		const json_t *old = json_object_get(r->old, c->name), *now = row_get(r, c->name);

		if (json_equal(old, now))
			continue;
		if (is_mutated(c))
			mutate(mutations, c, old, now);
		else
			json_object_set_new(update, c->name, value_to_wire(c, now));
	}
	if (json_object_size(update))
		add(b, json_pack("{s:s, s:s, s:o, s:O}", "op", "update", "table", r->table->name,
			       "where", where_row(r), "row", update));
	if (json_array_size(mutations))
		add(b, json_pack("{s:s, s:s, s:o, s:O}", "op", "mutate", "table", r->table->name,
			       "where", where_row(r), "mutations", mutations));
	json_decref(update);
	json_decref(mutations);
}

static bool has_changes(const struct row *r)
{
	return r->old ? r->deleted || !json_equal(r->old, r->now) : !r->deleted;
}

static void add_row_ops(struct builder *b, const struct row *r, bool waits)
{
	if (waits) {
		if (r->old && (has_changes(r) || json_object_size(r->relied)))
			add_wait(b, r);
	} else if (!r->old && !r->deleted) {
		add_insert(b, r);
	} else if (r->deleted && r->old) {
		add(b, json_pack("{s:s, s:s, s:o}", "op", "delete", "table", r->table->name,
			       "where", where_row(r)));
	} else if (r->old && has_changes(r)) {
		add_changes(b, r);
	}
}

/* False: there is nothing to change. */
static bool build(struct builder *b, const struct model *m)
{
	bool any = false;

	b->ops = need(json_pack("[s]", DATABASE));
	b->inserted = need(json_object());
	for (int waits = 1; waits >= 0; waits--)
		for (size_t t = 0; t < m->schema->n_tables; t++)
			for (size_t i = 0; i < m->tables[t].n; i++) {
				add_row_ops(b, m->tables[t].list[i], waits);
				any = any || has_changes(m->tables[t].list[i]);
			}
	return any;
}

/* Refused; true: only because something changed in between. */
static bool refused(const json_t *result)
{
	const char *error = json_string_value(json_object_get(result, "error"));
	const char *details = json_string_value(json_object_get(result, "details"));

	if (!error)
		return false;
	if (!strcmp(error, "timed out"))
		return true;
	fail("the database refuses: %s%s%s", error, details ? ": " : "", details ? details : "");
}

static void read_results(struct builder *b, const json_t *results, struct db_outcome *out)
{
	const char *position;
	json_t *id;

	json_object_foreach (b->inserted, position, id) {
		/* The operations stand behind the database's name. */
		size_t i = strtoul(position, NULL, 10) - 1;
		json_t *uuid = json_object_get(json_array_get(results, i), "uuid");

		json_object_set(out->ids, json_string_value(id), json_array_get(uuid, 1));
	}
}

static json_t *call(struct peer *p, const char *method, json_t *params)
{
	json_t *reply = peer_call(p, method, params);
	json_t *error = json_object_get(reply, "error"), *result;

	if (error && !json_is_null(error)) {
		char *text = json_dumps(error, JSON_ENCODE_ANY);

		fail("the database refuses %s: %s", method, text ? text : "");
	}
	result = json_incref(json_object_get(reply, "result"));
	json_decref(reply);
	return result;
}

bool db_commit(struct peer *p, const struct model *m, const char *comment, bool reconfigure,
	struct db_outcome *out)
{
	struct builder b;
	json_t *results, *result;
	size_t i, next_cfg = 0;
	bool again = false;

	*out = (struct db_outcome){.ids = need(json_object())};
	out->sent = build(&b, m);
	if (!out->sent) {
		json_decref(b.ops);
		json_decref(b.inserted);
		return true;
	}
	if (reconfigure) {
		add(&b, json_pack("{s:s, s:s, s:[], s:[[s, s, i]]}", "op", "mutate", "table",
				DATABASE, "where", "mutations", "next_cfg", "+=", 1));
		next_cfg = json_array_size(b.ops) - 1;
		add(&b, json_pack("{s:s, s:s, s:[], s:[s]}", "op", "select", "table", DATABASE,
				"where", "columns", "next_cfg"));
	}
	add(&b, json_pack("{s:s, s:s}", "op", "comment", "comment", comment));
	results = call(p, "transact", b.ops);
	json_array_foreach (results, i, result)
		again = refused(result) || again;
	if (!again) {
		read_results(&b, results, out);
		result = json_object_get(json_array_get(results, next_cfg), "rows");
		if (reconfigure)
			out->next_cfg = json_integer_value(
				json_object_get(json_array_get(result, 0), "next_cfg"));
	}
	json_decref(results);
	json_decref(b.inserted);
	return !again;
}

/* ---- reading ---- */

void db_read_schema(struct peer *p, struct schema *s)
{
	p->awaiting = "the database's schema";
	schema_read(s, call(p, "get_schema", json_pack("[s]", DATABASE)));
}

void db_read_rows(struct peer *p, struct model *m)
{
	json_t *params = need(json_pack("[s]", DATABASE)), *results, *row;
	size_t t, i;

	for (t = 0; t < m->schema->n_tables; t++)
		json_array_append_new(
			params, need(json_pack("{s:s, s:s, s:[]}", "op", "select", "table",
					m->schema->tables[t].name, "where")));
	p->awaiting = "the database's content";
	results = call(p, "transact", params);
	for (t = 0; t < m->schema->n_tables; t++) {
		const json_t *result = json_array_get(results, t);

		refused(result);
		json_array_foreach (json_object_get(result, "rows"), i, row)
			model_load(m, &m->schema->tables[t], row);
	}
	json_decref(results);
	model_sort(m);
}

/* ---- waiting ---- */

/* cur_cfg out of a monitor's <table-updates>, or -1. */
static json_int_t cur_cfg_of(const json_t *updates)
{
	json_t *rows = json_object_get(updates, DATABASE), *row;
	json_int_t cur = -1;
	const char *id;

	json_object_foreach (rows, id, row) {
		const json_t *v = json_object_get(json_object_get(row, "new"), "cur_cfg");

		if (json_is_integer(v))
			cur = json_integer_value(v);
	}
	return cur;
}

void db_wait_applied(struct peer *p, const struct db_outcome *o)
{
	json_t *initial;
	json_int_t cur;

	if (!o->sent)
		return;
	p->awaiting = "the change is stored, but the switch's word that it has applied it";
	initial = call(p, "monitor",
		json_pack("[s, n, {s:[{s:[s]}]}]", DATABASE, DATABASE, "columns", "cur_cfg"));
	cur = cur_cfg_of(initial);
	json_decref(initial);
	while (cur < o->next_cfg) {
		json_t *msg = peer_receive(p);
		json_int_t now = cur_cfg_of(json_array_get(json_object_get(msg, "params"), 1));

		cur = now > cur ? now : cur;
		json_decref(msg);
	}
}

/* ---- errors of interfaces ---- */

static void report_one(const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *error = json_string_value(json_object_get(row, "error"));
	const json_t *ofport = json_object_get(row, "ofport");
	bool failed = !json_is_integer(ofport) || json_integer_value(ofport) == -1;

	if (error && *error)
		warn("Error detected while setting up '%s': %s.  sluiced's log may say more.", name,
			error);
	else if (failed)
		warn("Error detected while setting up '%s'.  sluiced's log may say more.", name);
}

void db_report_interfaces(struct peer *p, const struct model *m)
{
	const struct rows *rows = model_rows(m, "Interface");
	json_t *params = need(json_pack("[s]", DATABASE)), *results, *result;
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (has_changes(rows->list[i]) && !rows->list[i]->deleted)
			json_array_append_new(
				params, need(json_pack("{s:s, s:s, s:[[s, s, s]], s:[s, s, s]}",
						"op", "select", "table", "Interface", "where",
						"name", "==", row_string(rows->list[i], "name"),
						"columns", "name", "ofport", "error")));
	if (json_array_size(params) == 1) {
		json_decref(params);
		return;
	}
	p->awaiting = "the state of interfaces";
	results = call(p, "transact", params);
	json_array_foreach (results, i, result) {
		const json_t *row = json_array_get(json_object_get(result, "rows"), 0);

		if (row)
			report_one(row);
	}
	json_decref(results);
}
