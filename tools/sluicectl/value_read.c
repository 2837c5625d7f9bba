/* SPDX-License-Identifier: Apache-2.0
 *
 * Values from text, in ovs-vsctl's syntax: atoms bare or in double quotes, sets "[a, b]" or "a,b",
 * maps "{k=v, k=v}" or "k=v,k=v", integers also as ranges "1-5".
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/nearest.h"
#include "tools/sluicectl/value.h"

/* Where in the text the reader is; `c` and `whole` are for messages. */
struct cursor {
	const struct value_reader *r;
	const struct column *c;
	const char *whole, *at;
};

static void check_choice(const struct column *c, const struct base_type *b, const json_t *atom)
{
	struct nearest near;
	char list[512] = "";
	size_t i;
	json_t *e;

	if (!b->choices)
		return;
	nearest_start(&near, json_is_string(atom) ? json_string_value(atom) : "");
	json_array_foreach (b->choices, i, e) {
		size_t used = strlen(list);

		if (!atom_compare(e, atom))
			return;
		if (!json_is_string(e))
			continue;
		nearest_try(&near, json_string_value(e));
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
			json_string_value(e));
	}
	fail("%s=%s: expected one of %s%s", c->name,
		json_is_string(atom) ? json_string_value(atom) : "?", list, nearest_hint(&near));
}

static json_int_t read_integer(
	const struct column *c, const struct base_type *b, const char *text, char **end)
{
	long long v;

	errno = 0;
	v = strtoll(text, end, 0);
	if (*end == text)
		fail("%s=%s: expected an integer", c->name, text);
	if (errno || v < b->min || v > b->max)
		fail("%s=%s: expected an integer from %lld to %lld", c->name, text,
			(long long)b->min, (long long)b->max);
	return v;
}

static json_t *read_real(const struct column *c, const char *text)
{
	char *end;
	double v = strtod(text, &end);
	json_t *atom = *text && !*end ? json_real(v) : NULL;

	if (!atom)
		fail("%s=%s: expected a number", c->name, text);
	return atom;
}

static json_t *read_boolean(const struct column *c, const char *text)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(text, yes[i]))
			return json_true();
		if (!strcmp(text, no[i]))
			return json_false();
	}
	fail("%s=%s: expected true or false", c->name, text);
}

static json_t *read_string(const struct column *c, const char *text)
{
	json_error_t why;
	json_t *atom;

	if (*text != '"') {
		atom = json_string(text);
		if (!atom)
			fail("%s: the value is not UTF-8", c->name);
		return atom;
	}
	atom = json_loads(text, JSON_DECODE_ANY, &why);
	if (!json_is_string(atom))
		fail("%s=%s: a quoted string that does not end, or with a wrong escape", c->name,
			text);
	return atom;
}

static json_t *read_reference(const struct value_reader *r, const struct column *c,
	const struct base_type *b, const char *text)
{
	json_t *atom = r->refer ? r->refer(r->ctx, b->ref_table, text) : NULL;

	if (!atom)
		fail("%s=%s: expected a row%s%s: its UUID, its name, or @NAME of a row made by "
		     "\"--id=@NAME create\" in the same command",
			c->name, text, b->ref_table ? " of " : "",
			b->ref_table ? b->ref_table : "");
	return atom;
}

json_t *atom_read(const struct value_reader *r, const struct column *c, const struct base_type *b,
	const char *text)
{
	json_t *atom = NULL;
	char *end;

	switch (b->type) {
	case ATOM_INTEGER:
		atom = json_integer(read_integer(c, b, text, &end));
		if (*end)
			fail("%s=%s: expected an integer", c->name, text);
		break;
	case ATOM_REAL:
		atom = read_real(c, text);
		break;
	case ATOM_BOOLEAN:
		atom = read_boolean(c, text);
		break;
	case ATOM_STRING:
		atom = read_string(c, text);
		break;
	case ATOM_UUID:
		return read_reference(r, c, b, text);
	}
	need(atom);
	check_choice(c, b, atom);
	return atom;
}

/* ---- several ---- */

static void skip_spaces(struct cursor *u)
{
	u->at += strspn(u->at, " \t\n");
}

/* The text up to one of `ends`, quotes kept: the caller frees it. */
static char *take_token(struct cursor *u, const char *ends)
{
	const char *p = u->at;
	char *token;

	if (*p == '"') {
		for (p++; *p && *p != '"'; p++)
			if (*p == '\\' && p[1])
				p++;
		if (*p)
			p++;
	} else {
		p += strcspn(p, ends);
		while (p > u->at && p[-1] == ' ')
			p--;
	}
	if (p == u->at)
		fail("%s=%s: expected a value at \"%s\"", u->c->name, u->whole, u->at);
	token = need(strndup(u->at, (size_t)(p - u->at)));
	u->at = p;
	skip_spaces(u);
	return token;
}

/* Appends the integers of "LOW-HIGH"; false: it is none. */
static bool take_range(const struct cursor *u, const char *token, json_t *value)
{
	char *end;
	json_int_t low, high;

	if (u->c->key.type != ATOM_INTEGER || !*token || !strchr(token + 1, '-'))
		return false;
	low = read_integer(u->c, &u->c->key, token, &end);
	if (*end != '-')
		return false;
	high = read_integer(u->c, &u->c->key, end + 1, &end);
	if (*end || low > high || high - low > 65535)
		fail("%s=%s: expected a range LOW-HIGH", u->c->name, token);
	for (json_int_t i = low; i <= high; i++)
		json_array_append_new(value, json_integer(i));
	return true;
}

static void take_element(struct cursor *u, json_t *value, bool keys_only)
{
	const struct column *c = u->c;
	bool pairs = c->is_map && !keys_only;
	char *token = take_token(u, pairs ? "=,]}" : ",]}");
	json_t *key, *v;

	if (!pairs) {
		if (!take_range(u, token, value))
			json_array_append_new(value, atom_read(u->r, c, &c->key, token));
		free(token);
		return;
	}
	if (*u->at != '=')
		fail("%s=%s: expected KEY=VALUE, \"=\" is missing after \"%s\"", c->name, u->whole,
			token);
	key = atom_read(u->r, c, &c->key, token);
	free(token);
	u->at++;
	skip_spaces(u);
	token = take_token(u, ",}");
	v = atom_read(u->r, c, &c->value, token);
	free(token);
	json_array_append_new(value, need(json_pack("[o, o]", key, v)));
}

static json_t *read_elements(
	const struct value_reader *r, const struct column *c, const char *text, bool keys_only)
{
	struct cursor u = {r, c, text, text};
	json_t *value = need(json_array());
	char close = '\0';

	skip_spaces(&u);
	if (*u.at == '[' || *u.at == '{') {
		close = *u.at == '[' ? ']' : '}';
		u.at++;
		skip_spaces(&u);
	}
	while (*u.at && *u.at != close) {
		take_element(&u, value, keys_only);
		if (*u.at == ',')
			u.at++;
		else if (*u.at && *u.at != close)
			fail("%s=%s: expected \",\" at \"%s\"", c->name, text, u.at);
		skip_spaces(&u);
	}
	if (close && *u.at != close)
		fail("%s=%s: \"%c\" is missing at the end", c->name, text, close);
	if (close && u.at[1])
		fail("%s=%s: \"%s\" stands behind the end", c->name, text, u.at + 1);
	value_sort(value);
	return value;
}

json_t *value_read(const struct value_reader *r, const struct column *c, const char *text)
{
	json_t *value;

	/* A single value is taken as it stands: a MAC address needs no quotes. */
	if (column_is_scalar(c) && *text && !strchr("[{", *text)) {
		value = need(json_array());
		json_array_append_new(value, atom_read(r, c, &c->key, text));
		return value;
	}
	if (!*text && column_is_scalar(c) && c->key.type == ATOM_STRING && c->min)
		fail("%s=: expected a value; an empty string is written '\"\"'", c->name);
	value = read_elements(r, c, text, false);
	value_check_count(c, value);
	return value;
}

json_t *value_read_some(
	const struct value_reader *r, const struct column *c, const char *text, bool keys_only)
{
	return read_elements(r, c, text, keys_only);
}

void value_check_count(const struct column *c, const json_t *value)
{
	size_t n = json_array_size(value);

	if (n < c->min)
		fail("%s: needs %sa value", c->name, c->max > 1 ? "at least " : "");
	if (n > c->max && c->max == 1)
		fail("%s: takes one value, not %zu", c->name, n);
	if (n > c->max)
		fail("%s: takes at most %u values, not %zu", c->name, c->max, n);
}
