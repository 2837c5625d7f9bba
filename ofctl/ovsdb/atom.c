/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/atom.h"

#include "hal/base/hmap.h"
#include "ofctl/ovsdb/names.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const atomic_names[] = {
	[OVSDB_VOID] = "void",
	[OVSDB_INTEGER] = "integer",
	[OVSDB_REAL] = "real",
	[OVSDB_BOOLEAN] = "boolean",
	[OVSDB_STRING] = "string",
	[OVSDB_UUID] = "uuid",
};

const char *ovsdb_atomic_name(enum ovsdb_atomic type)
{
	return atomic_names[type];
}

int ovsdb_atom_compare(const union ovsdb_atom *a, const union ovsdb_atom *b, enum ovsdb_atomic type)
{
	switch (type) {
	case OVSDB_INTEGER:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case OVSDB_REAL:
		return (a->real > b->real) - (a->real < b->real);
	case OVSDB_BOOLEAN:
		return a->boolean - b->boolean;
	case OVSDB_STRING:
		return strcmp(a->string, b->string);
	case OVSDB_UUID:
		return ovsdb_uuid_compare(&a->uuid, &b->uuid);
	case OVSDB_VOID:
		break;
	}
	return 0;
}

uint32_t ovsdb_atom_hash(const union ovsdb_atom *atom, enum ovsdb_atomic type, uint32_t basis)
{
	switch (type) {
	case OVSDB_INTEGER:
		return hash_bytes(&atom->integer, sizeof(atom->integer), basis);
	case OVSDB_REAL:
		return hash_bytes(&atom->real, sizeof(atom->real), basis);
	case OVSDB_BOOLEAN:
		return hash_bytes(&atom->boolean, sizeof(atom->boolean), basis);
	case OVSDB_STRING:
		return hash_bytes(atom->string, strlen(atom->string), basis);
	case OVSDB_UUID:
		return hash_bytes(&atom->uuid, sizeof(atom->uuid), basis);
	case OVSDB_VOID:
		break;
	}
	return basis;
}

int ovsdb_atom_default(union ovsdb_atom *atom, enum ovsdb_atomic type)
{
	memset(atom, 0, sizeof(*atom));
	if (type != OVSDB_STRING)
		return 0;
	atom->string = strdup("");
	return atom->string ? 0 : -ENOMEM;
}

bool ovsdb_atom_is_default(const union ovsdb_atom *atom, enum ovsdb_atomic type)
{
	switch (type) {
	case OVSDB_INTEGER:
		return atom->integer == 0;
	case OVSDB_REAL:
		return atom->real == 0.0;
	case OVSDB_BOOLEAN:
		return !atom->boolean;
	case OVSDB_STRING:
		return atom->string[0] == '\0';
	case OVSDB_UUID:
		return ovsdb_uuid_is_nil(&atom->uuid);
	case OVSDB_VOID:
		break;
	}
	return true;
}

int ovsdb_atom_copy(union ovsdb_atom *to, const union ovsdb_atom *from, enum ovsdb_atomic type)
{
	*to = *from;
	if (type != OVSDB_STRING)
		return 0;
	to->string = strdup(from->string);
	return to->string ? 0 : -ENOMEM;
}

void ovsdb_atom_clear(union ovsdb_atom *atom, enum ovsdb_atomic type)
{
	if (type == OVSDB_STRING)
		free(atom->string);
}

/* ["uuid", TEXT] or ["named-uuid", NAME] */
static int uuid_from_json(struct ovsdb_uuid *uuid, const json_t *json, struct ovsdb_names *names,
	struct ovsdb_error *error)
{
	const char *tag = json_string_value(json_array_get(json, 0));
	const char *text = json_string_value(json_array_get(json, 1));

	if (json_array_size(json) != 2 || !tag || !text)
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"expected [\"uuid\", UUID] or [\"named-uuid\", NAME]");
	if (!strcmp(tag, "uuid")) {
		if (!ovsdb_uuid_parse(uuid, text))
			return ovsdb_fail(
				error, OVSDB_E_SYNTAX, "\"%.64s\" is not a valid UUID", text);
		return 0;
	}
	if (strcmp(tag, "named-uuid"))
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"expected \"uuid\" or \"named-uuid\", not \"%.64s\"", tag);
	if (!names)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "a named-uuid is not allowed here");
	if (ovsdb_names_lookup(names, text, uuid))
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	return 0;
}

static int number_from_json(union ovsdb_atom *atom, enum ovsdb_atomic type, const json_t *json)
{
	if (type == OVSDB_REAL && json_is_number(json)) {
		atom->real = json_number_value(json);
		return 0;
	}
	if (json_is_integer(json)) {
		atom->integer = json_integer_value(json);
		return 0;
	}
	/* 1e3 and 5.0 are integers too, in JSON. */
	double real = json_real_value(json);
	if (!json_is_real(json) || real != floor(real) || real < -0x1p63 || real >= 0x1p63)
		return -EINVAL;
	atom->integer = (int64_t)real;
	return 0;
}

static int parse_atom(union ovsdb_atom *atom, enum ovsdb_atomic type, const json_t *json,
	struct ovsdb_names *names, struct ovsdb_error *error)
{
	switch (type) {
	case OVSDB_INTEGER:
	case OVSDB_REAL:
		if (!number_from_json(atom, type, json))
			return 0;
		break;
	case OVSDB_BOOLEAN:
		if (json_is_boolean(json)) {
			atom->boolean = json_is_true(json);
			return 0;
		}
		break;
	case OVSDB_STRING:
		if (json_is_string(json)) {
			atom->string = strdup(json_string_value(json));
			if (atom->string)
				return 0;
			return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
		}
		break;
	case OVSDB_UUID:
		return uuid_from_json(&atom->uuid, json, names, error);
	case OVSDB_VOID:
		break;
	}
	return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected %s", ovsdb_atomic_name(type));
}

int ovsdb_atom_from_json(union ovsdb_atom *atom, const struct ovsdb_base *base, const json_t *json,
	struct ovsdb_names *names, struct ovsdb_error *error)
{
	memset(atom, 0, sizeof(*atom));
	int rc = parse_atom(atom, base->type, json, names, error);
	if (rc)
		return rc;
	rc = ovsdb_atom_check(atom, base, error);
	if (rc)
		ovsdb_atom_clear(atom, base->type);
	return rc;
}

json_t *ovsdb_atom_to_json(const union ovsdb_atom *atom, enum ovsdb_atomic type)
{
	char text[OVSDB_UUID_TEXT];

	switch (type) {
	case OVSDB_INTEGER:
		return json_integer(atom->integer);
	case OVSDB_REAL:
		return json_real(atom->real);
	case OVSDB_BOOLEAN:
		return json_boolean(atom->boolean);
	case OVSDB_STRING:
		return json_string_nocheck(atom->string);
	case OVSDB_UUID:
		return json_pack("[s, s]", "uuid", ovsdb_uuid_format(&atom->uuid, text));
	case OVSDB_VOID:
		break;
	}
	return json_null();
}

static int check_choice(const char *string, const char *const *choices, struct ovsdb_error *error)
{
	for (const char *const *choice = choices; *choice; choice++) {
		if (!strcmp(string, *choice))
			return 0;
	}

	char list[192] = "";
	size_t used = 0;
	for (const char *const *choice = choices; *choice && used < sizeof(list); choice++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
			choice == choices ? "" : ", ", *choice);
	return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
		"\"%.40s\" is not one of the allowed values (%s)", string, list);
}

int ovsdb_atom_check(
	const union ovsdb_atom *atom, const struct ovsdb_base *base, struct ovsdb_error *error)
{
	if (base->type == OVSDB_STRING && base->choices)
		return check_choice(atom->string, base->choices, error);
	if (base->type != OVSDB_INTEGER || base->min >= base->max)
		return 0;
	if (atom->integer >= base->min && atom->integer <= base->max)
		return 0;
	if (base->max == OVSDB_MAX_INT)
		return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
			"%" PRId64 " is less than the minimum, %" PRId64, atom->integer, base->min);
	return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
		"%" PRId64 " is not in the valid range, %" PRId64 " to %" PRId64, atom->integer,
		base->min, base->max);
}
