/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/condition.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The length of a key: bare, or in quotes. */
static size_t key_length(const char *p)
{
	size_t n = 1;

	if (*p != '"')
		return strcspn(p, "=!<>");
	while (p[n] && p[n] != '"')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return p[n] ? n + 1 : n;
}

void column_name_read(
	struct session *s, const struct table *t, const char *text, struct column_name *n)
{
	struct value_reader reader = session_reader(s);
	size_t length = strcspn(text, ":=!<>");
	char *key;

	*n = (struct column_name){.text = need(strndup(text, length)), .rest = text + length};
	if (!length)
		fail("%s: expected a column's name first", text);
	n->column = table_column_typed(t, n->text);
	if (*n->rest != ':')
		return;
	if (!n->column->is_map)
		fail("%s: %s is no map, so it has no keys", text, n->column->name);
	length = key_length(n->rest + 1);
	key = need(strndup(n->rest + 1, length));
	n->rest += 1 + length;
	n->key = atom_read(&reader, n->column, &n->column->key, key);
	free(key);
}

/* ---- comparing ---- */

enum operator{ EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };

static enum operator read_operator(const char **p, const char *whole)
{
	static const struct {
		const char *text;
		enum operator op;
	} list[] = {{"!=", UNEQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"=", EQUAL},
		{"<", LESS}, {">", GREATER}};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (!strncmp(*p, list[i].text, strlen(list[i].text))) {
			*p += strlen(list[i].text);
			return list[i].op;
		}
	fail("%s: expected COLUMN[:KEY] and = != < <= > or >= and a value", whole);
}

static bool decide(enum operator op, int order)
{
	switch (op) {
	case EQUAL:
		return order == 0;
	case UNEQUAL:
		return order != 0;
	case LESS:
		return order < 0;
	case LESS_EQUAL:
		return order <= 0;
	case GREATER:
		return order > 0;
	case GREATER_EQUAL:
		return order >= 0;
	}
	return false;
}

/* A key that is not there is unequal to everything, and neither smaller nor larger. */
static bool key_holds(struct session *s, const struct row *r, const struct column_name *n,
	enum operator op, const char *text)
{
	struct value_reader reader = session_reader(s);
	const json_t *value = row_get(r, n->column->name);
	size_t at = value_find(n->column, value, n->key);
	json_t *want;
	bool holds;

	if (at == SIZE_MAX)
		return op == UNEQUAL;
	want = atom_read(&reader, n->column, &n->column->value, text);
	holds = decide(op, atom_compare(json_array_get(json_array_get(value, at), 1), want));
	json_decref(want);
	return holds;
}

static bool value_holds(struct session *s, const struct row *r, const struct column *c,
	enum operator op, const char *text)
{
	struct value_reader reader = session_reader(s);
	const json_t *value = row_get(r, c->name);
	json_t *want = value_read(&reader, c, text);
	bool holds;

	if (op == EQUAL || op == UNEQUAL)
		holds = (json_equal(value, want) != 0) == (op == EQUAL);
	else
		holds = json_array_size(value) == 1 && json_array_size(want) == 1 &&
			decide(op, atom_compare(json_array_get(value, 0), json_array_get(want, 0)));
	json_decref(want);
	return holds;
}

bool condition_holds(struct session *s, const struct row *r, const char *text)
{
	struct column_name n;
	enum operator op;
	bool holds;

	column_name_read(s, r->table, text, &n);
	op = read_operator(&n.rest, text);
	holds = n.key ? key_holds(s, r, &n, op, n.rest) : value_holds(s, r, n.column, op, n.rest);
	json_decref(n.key);
	free(n.text);
	return holds;
}
