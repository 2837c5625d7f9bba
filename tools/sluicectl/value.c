/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/value.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/fail.h"

static bool is_tagged(const json_t *wire, const char *tag)
{
	const char *s = json_string_value(json_array_get(wire, 0));

	return s && !strcmp(s, tag) && json_array_size(wire) == 2;
}

static json_t *atom_from_wire(const struct base_type *b, const json_t *wire)
{
	/* A real may be sent as an integer; one form compares better. */
	if (b->type == ATOM_REAL)
		return need(json_real(json_number_value(wire)));
	return json_incref((json_t *)(uintptr_t)wire);
}

json_t *value_from_wire(const struct column *c, const json_t *wire)
{
	json_t *value = need(json_array()), *e;
	size_t i;

	if (c->is_map) {
		json_array_foreach (json_array_get(wire, 1), i, e)
			json_array_append_new(
				value, need(json_pack("[o, o]",
					       atom_from_wire(&c->key, json_array_get(e, 0)),
					       atom_from_wire(&c->value, json_array_get(e, 1)))));
	} else if (is_tagged(wire, "set")) {
		json_array_foreach (json_array_get(wire, 1), i, e)
			json_array_append_new(value, atom_from_wire(&c->key, e));
	} else if (wire) {
		json_array_append_new(value, atom_from_wire(&c->key, wire));
	}
	value_sort(value);
	return value;
}

json_t *value_to_wire(const struct column *c, const json_t *value)
{
	if (c->is_map)
		return need(json_pack("[s, O]", "map", value));
	if (json_array_size(value) == 1)
		return json_incref(json_array_get(value, 0));
	return need(json_pack("[s, O]", "set", value));
}

json_t *value_default(const struct column *c)
{
	json_t *value = need(json_array());

	if (c->is_map || c->min == 0)
		return value;
	switch (c->key.type) {
	case ATOM_INTEGER:
		json_array_append_new(value, json_integer(0));
		break;
	case ATOM_REAL:
		json_array_append_new(value, json_real(0));
		break;
	case ATOM_BOOLEAN:
		json_array_append_new(value, json_false());
		break;
	case ATOM_STRING:
		json_array_append_new(value, json_string(""));
		break;
	case ATOM_UUID:
		break;
	}
	return value;
}

bool value_is_default(const struct column *c, const json_t *value)
{
	json_t *d = value_default(c);
	bool same = json_equal(d, value);

	json_decref(d);
	return same;
}

static const char *text_of(const json_t *atom)
{
	return json_string_value(json_is_array(atom) ? json_array_get(atom, 1) : atom);
}

int atom_compare(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b))
		return (json_integer_value(a) > json_integer_value(b)) -
		       (json_integer_value(a) < json_integer_value(b));
	if (json_is_number(a) && json_is_number(b))
		return (json_number_value(a) > json_number_value(b)) -
		       (json_number_value(a) < json_number_value(b));
	if (json_is_boolean(a) && json_is_boolean(b))
		return json_is_true(a) - json_is_true(b);
	if (text_of(a) && text_of(b))
		return strcmp(text_of(a), text_of(b));
	return (int)json_typeof(a) - (int)json_typeof(b);
}

/* An atom of a set, or a pair of a map; a uuid is an array too, but begins with its tag. */
static const json_t *atom_of(const json_t *element)
{
	if (!json_is_array(element) || is_tagged(element, "uuid") ||
		is_tagged(element, "named-uuid"))
		return element;
	return json_array_get(element, 0);
}

static int element_compare(const void *a, const void *b)
{
	return atom_compare(atom_of(*(json_t *const *)a), atom_of(*(json_t *const *)b));
}

void value_sort(json_t *value)
{
	size_t n = json_array_size(value);
	json_t **all = need(malloc((n + 1) * sizeof(json_t *))), *last = NULL;

	for (size_t i = 0; i < n; i++)
		all[i] = json_incref(json_array_get(value, i));
	json_array_clear(value);
	qsort(all, n, sizeof(json_t *), element_compare);
	for (size_t i = 0; i < n; i++) {
		if (!last || element_compare(&last, &all[i]))
			json_array_append(value, all[i]);
		last = all[i];
	}
	for (size_t i = 0; i < n; i++)
		json_decref(all[i]);
	free(all);
}

size_t value_find(const struct column *c, const json_t *value, const json_t *atom)
{
	size_t i;
	json_t *e;

	json_array_foreach (value, i, e)
		if (!atom_compare(c->is_map ? json_array_get(e, 0) : e, atom))
			return i;
	return SIZE_MAX;
}

void value_add(const struct column *c, json_t *value, const json_t *more, bool replace)
{
	size_t i;
	json_t *e;

	json_array_foreach (more, i, e) {
		size_t at = value_find(c, value, c->is_map ? json_array_get(e, 0) : e);

		if (at == SIZE_MAX)
			json_array_append(value, e);
		else if (replace)
			json_array_set(value, at, e);
	}
	value_sort(value);
}

json_t *value_minus(const json_t *value, const json_t *other)
{
	json_t *left = need(json_array()), *e, *o;
	size_t i, k;

	json_array_foreach (value, i, e) {
		bool there = false;

		json_array_foreach (other, k, o)
			there = there || json_equal(e, o);
		if (!there)
			json_array_append(left, e);
	}
	return left;
}
