/* SPDX-License-Identifier: Apache-2.0 */
/* Combining two datums: one walk over both in key order. */
#include "ofctl/ovsdb/datum.h"

#include <stdlib.h>

/* Which elements a merge keeps. */
enum keep {
	KEEP_A = 1 << 0,         /* those with a key only in the first */
	KEEP_B = 1 << 1,         /* those with a key only in the second */
	KEEP_SAME = 1 << 2,      /* those in both, with equal values */
	KEEP_CHANGED_A = 1 << 3, /* keys in both with different values: the first's */
	KEEP_CHANGED_B = 1 << 4, /* ... the second's */
};

static int copy_from(struct ovsdb_datum *result, const struct ovsdb_datum *from, uint32_t i,
	const struct ovsdb_type *type)
{
	return ovsdb_datum_add(
		result, type, &from->keys[i], from->values ? &from->values[i] : NULL);
}

/* Merge one step: what to do with a[i] and b[j], of which 'order' says how
 * their keys compare. */
static int keep_one(struct ovsdb_datum *result, const struct ovsdb_datum *a, uint32_t i,
	const struct ovsdb_datum *b, uint32_t j, int order, const struct ovsdb_type *type,
	unsigned int keep)
{
	if (order < 0)
		return keep & KEEP_A ? copy_from(result, a, i, type) : 0;
	if (order > 0)
		return keep & KEEP_B ? copy_from(result, b, j, type) : 0;

	bool same = !a->values || !b->values ||
		    !ovsdb_atom_compare(&a->values[i], &b->values[j], type->value.type);
	if (same)
		return keep & KEEP_SAME ? copy_from(result, a, i, type) : 0;
	if (keep & KEEP_CHANGED_A)
		return copy_from(result, a, i, type);
	return keep & KEEP_CHANGED_B ? copy_from(result, b, j, type) : 0;
}

static struct ovsdb_datum *merge(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
	const struct ovsdb_type *type, unsigned int keep)
{
	struct ovsdb_datum *result = ovsdb_datum_new(type, (size_t)a->n + b->n);
	if (!result)
		return NULL;

	uint32_t i = 0, j = 0;
	while (i < a->n || j < b->n) {
		int order = i == a->n ? 1
			    : j == b->n
				    ? -1
				    : ovsdb_atom_compare(&a->keys[i], &b->keys[j], type->key.type);
		if (keep_one(result, a, i, b, j, order, type, keep)) {
			ovsdb_datum_unref(result, type);
			return NULL;
		}
		i += order <= 0;
		j += order >= 0;
	}
	return result;
}

struct ovsdb_datum *ovsdb_datum_union(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	return merge(a, b, type, KEEP_A | KEEP_B | KEEP_SAME | KEEP_CHANGED_A);
}

struct ovsdb_datum *ovsdb_datum_subtract(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	return merge(a, b, type, KEEP_A | KEEP_CHANGED_A);
}

struct ovsdb_datum *ovsdb_datum_diff(
	struct ovsdb_datum *a, struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	if (type->n_max == 1)
		return ovsdb_datum_ref(b);
	return merge(a, b, type, KEEP_A | KEEP_B | KEEP_CHANGED_B);
}
