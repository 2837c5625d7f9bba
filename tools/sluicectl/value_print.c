/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as text and as plain JSON.
 */
#include <ctype.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/uuid.h"
#include "tools/sluicectl/value.h"

/* Whether a string could be read as something else when it stands without quotes. */
static bool needs_quotes(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return true;
	if (!strcmp(s, "true") || !strcmp(s, "false") || uuid_is_valid(s))
		return true;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-.", *s))
			return true;
	return false;
}

void atom_print(FILE *f, const json_t *atom)
{
	const char *s = json_string_value(atom);

	if (json_is_array(atom))
		fputs(json_string_value(json_array_get(atom, 1)), f);
	else if (json_is_integer(atom))
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(atom));
	else if (json_is_real(atom))
		fprintf(f, "%.15g", json_real_value(atom));
	else if (json_is_boolean(atom))
		fputs(json_is_true(atom) ? "true" : "false", f);
	else if (s && needs_quotes(s))
		json_dumpf(atom, f, JSON_ENCODE_ANY);
	else if (s)
		fputs(s, f);
}

void value_print(FILE *f, const struct column *c, const json_t *value)
{
	size_t i;
	json_t *e;

	if (column_is_scalar(c) && json_array_size(value) == 1) {
		atom_print(f, json_array_get(value, 0));
		return;
	}
	fputc(c->is_map ? '{' : '[', f);
	json_array_foreach (value, i, e) {
		if (i)
			fputs(", ", f);
		if (!c->is_map) {
			atom_print(f, e);
			continue;
		}
		atom_print(f, json_array_get(e, 0));
		fputc('=', f);
		atom_print(f, json_array_get(e, 1));
	}
	fputc(c->is_map ? '}' : ']', f);
}

json_t *value_atom_to_plain(const json_t *atom)
{
	return need(json_deep_copy(json_is_array(atom) ? json_array_get(atom, 1) : atom));
}

/* A key of an object is a string. */
static void set_key(json_t *object, const json_t *key, json_t *value)
{
	char number[32];
	const char *s = json_string_value(json_is_array(key) ? json_array_get(key, 1) : key);

	if (!s) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(key));
		s = number;
	}
	json_object_set_new(object, s, value);
}

json_t *value_to_plain(const struct column *c, const json_t *value)
{
	json_t *plain, *e;
	size_t i;

	if (column_is_scalar(c))
		return json_array_size(value) ? value_atom_to_plain(json_array_get(value, 0))
					      : json_null();
	plain = need(c->is_map ? json_object() : json_array());
	json_array_foreach (value, i, e)
		if (c->is_map)
			set_key(plain, json_array_get(e, 0),
				value_atom_to_plain(json_array_get(e, 1)));
		else
			json_array_append_new(plain, value_atom_to_plain(e));
	return plain;
}
