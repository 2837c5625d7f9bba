/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/datum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ovsdb_datum *ovsdb_datum_new(const struct ovsdb_type *type, size_t capacity)
{
	/* One block: the header, then the keys, then the values. */
	size_t columns = ovsdb_type_is_map(type) ? 2 : 1;
	struct ovsdb_datum *datum =
		calloc(1, sizeof(*datum) + capacity * columns * sizeof(union ovsdb_atom));
	if (!datum)
		return NULL;
	datum->refs = 1;
	datum->keys = (union ovsdb_atom *)(datum + 1);
	if (columns == 2)
		datum->values = datum->keys + capacity;
	return datum;
}

int ovsdb_datum_add(struct ovsdb_datum *datum, const struct ovsdb_type *type,
	const union ovsdb_atom *key, const union ovsdb_atom *value)
{
	if (ovsdb_atom_copy(&datum->keys[datum->n], key, type->key.type))
		return -ENOMEM;
	if (datum->values && ovsdb_atom_copy(&datum->values[datum->n], value, type->value.type)) {
		ovsdb_atom_clear(&datum->keys[datum->n], type->key.type);
		return -ENOMEM;
	}
	datum->n++;
	return 0;
}

struct sort_context {
	const struct ovsdb_datum *datum;
	enum ovsdb_atomic type;
};

static int compare_positions(const void *a, const void *b, void *context)
{
	const struct sort_context *sort = context;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = ovsdb_atom_compare(&sort->datum->keys[i], &sort->datum->keys[j], sort->type);

	return order ? order : (i > j) - (i < j);
}

static void permute(
	union ovsdb_atom *atoms, const uint32_t *order, uint32_t n, union ovsdb_atom *scratch)
{
	for (uint32_t i = 0; i < n; i++)
		scratch[i] = atoms[order[i]];
	memcpy(atoms, scratch, n * sizeof(*atoms));
}

static int sort_stable(struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	bool sorted = true;
	for (uint32_t i = 1; i < datum->n && sorted; i++)
		sorted = ovsdb_atom_compare(&datum->keys[i - 1], &datum->keys[i], type->key.type) <=
			 0;
	if (sorted)
		return 0;

	uint32_t *order = malloc(datum->n * sizeof(*order));
	union ovsdb_atom *scratch = malloc(datum->n * sizeof(*scratch));
	if (!order || !scratch) {
		free(order);
		free(scratch);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < datum->n; i++)
		order[i] = i;
	struct sort_context context = {datum, type->key.type};
	qsort_r(order, datum->n, sizeof(*order), compare_positions, &context);
	permute(datum->keys, order, datum->n, scratch);
	if (datum->values)
		permute(datum->values, order, datum->n, scratch);
	free(order);
	free(scratch);
	return 0;
}

static bool same_key(
	const struct ovsdb_datum *datum, uint32_t i, uint32_t j, const struct ovsdb_type *type)
{
	return !ovsdb_atom_compare(&datum->keys[i], &datum->keys[j], type->key.type);
}

int ovsdb_datum_sort(struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	int rc = sort_stable(datum, type);
	if (rc)
		return rc;
	for (uint32_t i = 1; i < datum->n; i++) {
		if (same_key(datum, i - 1, i, type))
			return -EEXIST;
	}
	return 0;
}

static void clear_element(struct ovsdb_datum *datum, uint32_t i, const struct ovsdb_type *type)
{
	ovsdb_atom_clear(&datum->keys[i], type->key.type);
	if (datum->values)
		ovsdb_atom_clear(&datum->values[i], type->value.type);
}

int ovsdb_datum_sort_unique(struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	int rc = sort_stable(datum, type);
	if (rc)
		return rc;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < datum->n; i++) {
		if (kept && same_key(datum, kept - 1, i, type)) {
			clear_element(datum, i, type);
			continue;
		}
		datum->keys[kept] = datum->keys[i];
		if (datum->values)
			datum->values[kept] = datum->values[i];
		kept++;
	}
	datum->n = kept;
	return 0;
}

struct ovsdb_datum *ovsdb_datum_one(const struct ovsdb_type *type, const union ovsdb_atom *key)
{
	struct ovsdb_datum *datum = ovsdb_datum_new(type, 1);

	if (datum && ovsdb_datum_add(datum, type, key, NULL)) {
		free(datum);
		return NULL;
	}
	return datum;
}

struct ovsdb_datum *ovsdb_datum_default(const struct ovsdb_type *type)
{
	struct ovsdb_datum *datum = ovsdb_datum_new(type, type->n_min);

	if (!datum || !type->n_min)
		return datum;
	if (ovsdb_atom_default(&datum->keys[0], type->key.type)) {
		free(datum);
		return NULL;
	}
	datum->n = 1;
	return datum;
}

struct ovsdb_datum *ovsdb_datum_ref(struct ovsdb_datum *datum)
{
	datum->refs++;
	return datum;
}

void ovsdb_datum_unref(struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	if (!datum || --datum->refs)
		return;
	if (type->key.type == OVSDB_STRING || type->value.type == OVSDB_STRING) {
		for (uint32_t i = 0; i < datum->n; i++)
			clear_element(datum, i, type);
	}
	free(datum);
}

int ovsdb_datum_compare(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	if (a == b)
		return 0;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint32_t i = 0; i < a->n; i++) {
		int order = ovsdb_atom_compare(&a->keys[i], &b->keys[i], type->key.type);
		if (!order && a->values)
			order = ovsdb_atom_compare(&a->values[i], &b->values[i], type->value.type);
		if (order)
			return order;
	}
	return 0;
}

bool ovsdb_datum_equal(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	return !ovsdb_datum_compare(a, b, type);
}

bool ovsdb_datum_is_default(const struct ovsdb_datum *datum, const struct ovsdb_type *type)
{
	if (datum->n != type->n_min)
		return false;
	return !datum->n || (ovsdb_atom_is_default(&datum->keys[0], type->key.type) &&
				    (!datum->values || ovsdb_atom_is_default(&datum->values[0],
							       type->value.type)));
}

uint32_t ovsdb_datum_hash(
	const struct ovsdb_datum *datum, const struct ovsdb_type *type, uint32_t basis)
{
	for (uint32_t i = 0; i < datum->n; i++) {
		basis = ovsdb_atom_hash(&datum->keys[i], type->key.type, basis);
		if (datum->values)
			basis = ovsdb_atom_hash(&datum->values[i], type->value.type, basis);
	}
	return basis;
}

ssize_t ovsdb_datum_find(
	const struct ovsdb_datum *datum, const struct ovsdb_type *type, const union ovsdb_atom *key)
{
	uint32_t low = 0, high = datum->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = ovsdb_atom_compare(key, &datum->keys[middle], type->key.type);
		if (!order)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* Is element 'i' of 'a' in 'b', value and all? */
static bool has_element(const struct ovsdb_datum *b, const struct ovsdb_datum *a, uint32_t i,
	const struct ovsdb_type *type)
{
	ssize_t at = ovsdb_datum_find(b, type, &a->keys[i]);

	if (at < 0)
		return false;
	return !a->values || !b->values ||
	       !ovsdb_atom_compare(&a->values[i], &b->values[at], type->value.type);
}

bool ovsdb_datum_includes(
	const struct ovsdb_datum *b, const struct ovsdb_datum *a, const struct ovsdb_type *type)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (!has_element(b, a, i, type))
			return false;
	}
	return true;
}

bool ovsdb_datum_excludes(
	const struct ovsdb_datum *b, const struct ovsdb_datum *a, const struct ovsdb_type *type)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (has_element(b, a, i, type))
			return false;
	}
	return true;
}

int ovsdb_datum_check(
	const struct ovsdb_datum *datum, const struct ovsdb_type *type, struct ovsdb_error *error)
{
	if (datum->n < type->n_min || datum->n > type->n_max)
		return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
			"a set or map of %u elements, where %s", datum->n,
			datum->n ? "so many are not allowed" : "one is needed");
	for (uint32_t i = 0; i < datum->n; i++) {
		int rc = ovsdb_atom_check(&datum->keys[i], &type->key, error);
		if (!rc && datum->values)
			rc = ovsdb_atom_check(&datum->values[i], &type->value, error);
		if (rc)
			return rc;
	}
	return 0;
}
