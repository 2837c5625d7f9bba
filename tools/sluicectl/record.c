/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the row that a text names.
 */
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/nearest.h"
#include "tools/sluicectl/uuid.h"

#define MIN_UUID 4 /* characters of a uuid that are enough */

/* Tables whose rows are also known by the row that refers to them. */
static const struct {
	const char *table, *by, *column;
} referrers[] = {
	{"Controller", "Bridge", "controller"},
	{"NetFlow", "Bridge", "netflow"},
	{"sFlow", "Bridge", "sflow"},
	{"IPFIX", "Bridge", "ipfix"},
	{"QoS", "Port", "qos"},
};

/* Columns that name a row. */
static const char *const naming[] = {"name", "target"};

struct search {
	struct session *s;
	const struct table *t;
	const char *text;
	struct row *found;
};

static void found(struct search *q, struct row *r)
{
	if (q->found && q->found != r)
		fail("%s: more than one row of %s is meant; use its UUID (sluicectl list %s)",
			q->text, q->t->name, q->t->name);
	q->found = r;
}

static void search_names(struct search *q)
{
	const struct rows *rows = model_rows(&q->s->model, q->t->name);

	for (size_t n = 0; n < sizeof(naming) / sizeof(naming[0]); n++)
		for (size_t i = 0; i < rows->n; i++) {
			const char *name = row_string(rows->list[i], naming[n]);

			if (name && !rows->list[i]->deleted && !strcmp(name, q->text))
				found(q, rows->list[i]);
		}
}

static void search_referrers(struct search *q)
{
	const struct model *m = &q->s->model;

	for (size_t i = 0; i < sizeof(referrers) / sizeof(referrers[0]); i++) {
		const struct row *by;
		const json_t *atom;
		size_t k;

		if (strcmp(referrers[i].table, q->t->name))
			continue;
		by = model_find(m, referrers[i].by, "name", q->text);
		if (by)
			json_array_foreach (row_get(by, referrers[i].column), k, atom)
				found(q, model_referred(m, q->t->name, atom));
	}
}

static void search_uuids(struct search *q)
{
	const struct rows *rows = model_rows(&q->s->model, q->t->name);
	size_t n = strlen(q->text);

	if (n < MIN_UUID || !uuid_is_beginning(q->text))
		return;
	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted && !strncmp(rows->list[i]->id, q->text, n))
			found(q, rows->list[i]);
}

static _Noreturn void nothing(const struct search *q)
{
	const struct rows *rows = model_rows(&q->s->model, q->t->name);
	struct nearest near;

	nearest_start(&near, q->text);
	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted)
			nearest_try(&near, row_label(rows->list[i]));
	fail("%s: %s has no such row%s", q->text, q->t->name, nearest_hint(&near));
}

static struct row *by_symbol(struct session *s, const struct table *t, const char *text)
{
	struct symbol *sym = model_symbol(&s->model, text);

	if (!sym->row)
		fail("%s: no command before this one makes it", text);
	if (sym->row->table != t)
		fail("%s: it is a row of %s, not of %s", text, sym->row->table->name, t->name);
	return sym->row;
}

struct row *find_record(struct session *s, const struct table *t, const char *text, bool must)
{
	struct search q = {.s = s, .t = t, .text = text};

	if (*text == '@')
		return by_symbol(s, t, text);
	if (!strcmp(text, ".")) {
		const struct rows *rows = model_rows(&s->model, t->name);

		if (!t->one_row)
			fail("%s .: \".\" names the row of a table that has only one", t->name);
		if (rows->n)
			q.found = rows->list[0];
	}
	if (!q.found)
		search_names(&q);
	if (!q.found)
		search_referrers(&q);
	if (!q.found)
		search_uuids(&q);
	if (!q.found && must)
		nothing(&q);
	return q.found;
}

/* A reference inside a value. */
static json_t *refer(void *ctx, const char *table, const char *text)
{
	struct session *s = ctx;
	const struct table *t = table ? schema_table(&s->schema, table) : NULL;
	struct row *r;

	if (*text == '@') {
		struct symbol *sym = model_symbol(&s->model, text);

		/* A command further on may make it. */
		return sym->row ? row_atom(sym->row)
				: need(json_pack("[s, s]", "named-uuid", sym->id));
	}
	r = t ? find_record(s, t, text, false) : NULL;
	if (r)
		return row_atom(r);
	return uuid_is_valid(text) ? need(json_pack("[s, s]", "uuid", text)) : NULL;
}

struct value_reader session_reader(struct session *s)
{
	return (struct value_reader){refer, s};
}
