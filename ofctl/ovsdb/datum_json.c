/* SPDX-License-Identifier: Apache-2.0 */
/* Datums as JSON: <value>, <set> and <map> of RFC 7047, 5.1. */
#include "ofctl/ovsdb/datum.h"

#include <errno.h>
#include <string.h>

/* The array X of ["set", X] or ["map", X], or NULL. */
static const json_t *tagged_array(const json_t *json, const char *tag)
{
	const char *found = json_string_value(json_array_get(json, 0));
	const json_t *array = json_array_get(json, 1);

	if (json_array_size(json) != 2 || !found || strcmp(found, tag) || !json_is_array(array))
		return NULL;
	return array;
}

static int set_element(struct ovsdb_datum *datum, const struct ovsdb_type *type, const json_t *json,
	struct ovsdb_names *names, struct ovsdb_error *error)
{
	int rc = ovsdb_atom_from_json(&datum->keys[datum->n], &type->key, json, names, error);
	if (!rc)
		datum->n++;
	return rc;
}

static int map_element(struct ovsdb_datum *datum, const struct ovsdb_type *type, const json_t *json,
	struct ovsdb_names *names, struct ovsdb_error *error)
{
	if (json_array_size(json) != 2)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected a [key, value] pair in a map");

	union ovsdb_atom *key = &datum->keys[datum->n];
	int rc = ovsdb_atom_from_json(key, &type->key, json_array_get(json, 0), names, error);
	if (rc)
		return rc;
	rc = ovsdb_atom_from_json(
		&datum->values[datum->n], &type->value, json_array_get(json, 1), names, error);
	if (rc) {
		ovsdb_atom_clear(key, type->key.type);
		return rc;
	}
	datum->n++;
	return 0;
}

static int elements(struct ovsdb_datum *datum, const struct ovsdb_type *type, const json_t *array,
	const json_t *bare, struct ovsdb_names *names, struct ovsdb_error *error)
{
	const json_t *element;
	size_t i;

	if (!array)
		return set_element(datum, type, bare, names, error);
	json_array_foreach (array, i, element) {
		int rc = ovsdb_type_is_map(type) ? map_element(datum, type, element, names, error)
						 : set_element(datum, type, element, names, error);
		if (rc)
			return rc;
	}
	return 0;
}

static int finish(
	struct ovsdb_datum *datum, const struct ovsdb_type *type, struct ovsdb_error *error)
{
	int rc = ovsdb_datum_sort(datum, type);
	if (rc == -EEXIST)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "%s contains a duplicate",
			ovsdb_type_is_map(type) ? "map" : "set");
	if (rc)
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	if (datum->n < type->n_min || datum->n > type->n_max)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "a set or map of %u elements, where %s",
			datum->n, datum->n ? "so many are not allowed" : "one is needed");
	return 0;
}

int ovsdb_datum_from_json(struct ovsdb_datum **datump, const struct ovsdb_type *type,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error)
{
	const json_t *array = tagged_array(json, ovsdb_type_is_map(type) ? "map" : "set");

	*datump = NULL;
	if (ovsdb_type_is_map(type) && !array)
		return ovsdb_fail(error, OVSDB_E_SYNTAX, "expected [\"map\", [[key, value], ...]]");

	struct ovsdb_datum *datum = ovsdb_datum_new(type, array ? json_array_size(array) : 1);
	if (!datum)
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	int rc = elements(datum, type, array, json, names, error);
	if (!rc)
		rc = finish(datum, type, error);
	if (rc) {
		ovsdb_datum_unref(datum, type);
		return rc;
	}
	*datump = datum;
	return 0;
}

json_t *ovsdb_datum_to_json(const struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	bool map = ovsdb_type_is_map(type);

	if (!map && datum->n == 1)
		return ovsdb_atom_to_json(&datum->keys[0], type->key.type);

	json_t *array = json_array();
	for (uint32_t i = 0; i < datum->n; i++) {
		json_t *key = ovsdb_atom_to_json(&datum->keys[i], type->key.type);
		if (map)
			key = json_pack("[o, o]", key,
				ovsdb_atom_to_json(&datum->values[i], type->value.type));
		json_array_append_new(array, key);
	}
	return json_pack("[s, o]", map ? "map" : "set", array);
}
