/* SPDX-License-Identifier: Apache-2.0
 *
 * Atoms: the single values that OVSDB columns are made of (RFC 7047, 5.1),
 * and the base types that say which atoms a column takes.
 */
#ifndef OFCTL_OVSDB_ATOM_H
#define OFCTL_OVSDB_ATOM_H

#include "ofctl/ovsdb/error.h"
#include "ofctl/ovsdb/ovsdb.h"
#include "ofctl/ovsdb/uuid.h"

struct ovsdb_names;

enum ovsdb_atomic {
	OVSDB_VOID, /* a set's value type */
	OVSDB_INTEGER,
	OVSDB_REAL,
	OVSDB_BOOLEAN,
	OVSDB_STRING,
	OVSDB_UUID,
};

union ovsdb_atom {
	int64_t integer;
	double real;
	bool boolean;
	char *string; /* owned, UTF-8 without NULs */
	struct ovsdb_uuid uuid;
};

/* What an atom may be. Limits hold for integers where min < max. */
struct ovsdb_base {
	enum ovsdb_atomic type;
	int64_t min, max;
	const char *const *choices; /* strings allowed, NULL-terminated, or NULL: any */
	const char *ref_table;      /* the table that a uuid refers to, or NULL */
	bool weak;                  /* the reference goes away with its target */
};

#define OVSDB_MIN_INT INT64_MIN
#define OVSDB_MAX_INT INT64_MAX

const char *ovsdb_atomic_name(enum ovsdb_atomic type);

/* Order within a type: as numbers, false < true, strings and uuids by bytes. */
int ovsdb_atom_compare(
	const union ovsdb_atom *a, const union ovsdb_atom *b, enum ovsdb_atomic type);
uint32_t ovsdb_atom_hash(const union ovsdb_atom *atom, enum ovsdb_atomic type, uint32_t basis);

/* 0, "", false or the nil uuid. A default string holds memory like any. */
int ovsdb_atom_default(union ovsdb_atom *atom, enum ovsdb_atomic type);
bool ovsdb_atom_is_default(const union ovsdb_atom *atom, enum ovsdb_atomic type);
int ovsdb_atom_copy(union ovsdb_atom *to, const union ovsdb_atom *from, enum ovsdb_atomic type);
void ovsdb_atom_clear(union ovsdb_atom *atom, enum ovsdb_atomic type);

/* Decode <atom>; a ["named-uuid", NAME] is resolved through 'names', and
 * refused when that is NULL. Limits of 'base' are checked. */
int ovsdb_atom_from_json(union ovsdb_atom *atom, const struct ovsdb_base *base, const json_t *json,
	struct ovsdb_names *names, struct ovsdb_error *error);
json_t *ovsdb_atom_to_json(const union ovsdb_atom *atom, enum ovsdb_atomic type);

/* Is 'atom' one that 'base' allows? */
int ovsdb_atom_check(
	const union ovsdb_atom *atom, const struct ovsdb_base *base, struct ovsdb_error *error);

#endif /* OFCTL_OVSDB_ATOM_H */
