/* SPDX-License-Identifier: Apache-2.0
 *
 * Datums: the value of one column of one row, a set or a map of atoms
 * (RFC 7047, 5.1: a scalar is a set of exactly one).
 *
 * A datum is sorted by key and never changes once it is built: rows,
 * old and new versions of them, share it by reference count. Event-loop
 * thread only.
 */
#ifndef OFCTL_OVSDB_DATUM_H
#define OFCTL_OVSDB_DATUM_H

#include "ofctl/ovsdb/atom.h"

#include <limits.h>

/* The type of a column. */
struct ovsdb_type {
	struct ovsdb_base key;
	struct ovsdb_base value; /* OVSDB_VOID for a set */
	unsigned int n_min;      /* 0 or 1 */
	unsigned int n_max;      /* at least 1 */
};

#define OVSDB_UNLIMITED UINT_MAX

struct ovsdb_datum {
	uint32_t refs;
	uint32_t n;
	union ovsdb_atom *keys;
	union ovsdb_atom *values; /* NULL for a set */
};

static inline bool ovsdb_type_is_map(const struct ovsdb_type *type)
{
	return type->value.type != OVSDB_VOID;
}

static inline bool ovsdb_type_is_scalar(const struct ovsdb_type *type)
{
	return !ovsdb_type_is_map(type) && type->n_min == 1 && type->n_max == 1;
}

/* Every function that returns a datum returns a reference, which the caller
 * drops with ovsdb_datum_unref(), or NULL without memory. */

/* An empty datum with room for 'capacity' elements, for ovsdb_datum_add(). */
struct ovsdb_datum *ovsdb_datum_new(const struct ovsdb_type *type, size_t capacity);
/* Append copies of 'key' and, for a map, 'value'. Room must have been asked
 * for; call ovsdb_datum_sort() at the end unless added in order. */
int ovsdb_datum_add(struct ovsdb_datum *datum, const struct ovsdb_type *type,
	const union ovsdb_atom *key, const union ovsdb_atom *value);
/* Sort by key; -EEXIST if two keys are equal, -ENOMEM. */
int ovsdb_datum_sort(struct ovsdb_datum *datum, const struct ovsdb_type *type);
/* Sort, and drop all but the first of equal keys; 0 or -ENOMEM. */
int ovsdb_datum_sort_unique(struct ovsdb_datum *datum, const struct ovsdb_type *type);
struct ovsdb_datum *ovsdb_datum_default(const struct ovsdb_type *type);
struct ovsdb_datum *ovsdb_datum_one(const struct ovsdb_type *type, const union ovsdb_atom *key);

struct ovsdb_datum *ovsdb_datum_ref(struct ovsdb_datum *datum);
/* NULL is allowed. */
void ovsdb_datum_unref(struct ovsdb_datum *datum, const struct ovsdb_type *type);

bool ovsdb_datum_equal(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type);
/* A total order: by size, then by elements. */
int ovsdb_datum_compare(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type);
bool ovsdb_datum_is_default(const struct ovsdb_datum *datum, const struct ovsdb_type *type);
uint32_t ovsdb_datum_hash(
	const struct ovsdb_datum *datum, const struct ovsdb_type *type, uint32_t basis);

/* Position of 'key', or -1. */
ssize_t ovsdb_datum_find(const struct ovsdb_datum *datum, const struct ovsdb_type *type,
	const union ovsdb_atom *key);
/* Are all elements of 'a' (pairs, for maps) in 'b'? Are none? */
bool ovsdb_datum_includes(
	const struct ovsdb_datum *b, const struct ovsdb_datum *a, const struct ovsdb_type *type);
bool ovsdb_datum_excludes(
	const struct ovsdb_datum *b, const struct ovsdb_datum *a, const struct ovsdb_type *type);

/* 'a' and the elements of 'b' whose key 'a' hasn't. */
struct ovsdb_datum *ovsdb_datum_union(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type);
/* 'a' without the elements of 'b'; when that is a map, only pairs equal in
 * key and value go, when it is a set of keys, these. */
struct ovsdb_datum *ovsdb_datum_subtract(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type);
/* What "modify" of update2 and update3 carries to get from 'a' to 'b': 'b'
 * itself when the column holds at most one element, else the elements found
 * in one of them, and for keys found in both with different values, 'b's. */
struct ovsdb_datum *ovsdb_datum_diff(
	struct ovsdb_datum *a, struct ovsdb_datum *b, const struct ovsdb_type *type);

/* The number of elements and each atom fit 'type'? */
int ovsdb_datum_check(
	const struct ovsdb_datum *datum, const struct ovsdb_type *type, struct ovsdb_error *error);

/* Decode <value>; named-uuids as in ovsdb_atom_from_json(). */
int ovsdb_datum_from_json(struct ovsdb_datum **datum, const struct ovsdb_type *type,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error);
/* A new reference; one element of a set is a bare atom. */
json_t *ovsdb_datum_to_json(const struct ovsdb_datum *datum, const struct ovsdb_type *type);

#endif /* OFCTL_OVSDB_DATUM_H */
