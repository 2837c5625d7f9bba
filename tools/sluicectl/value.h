/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of database columns.
 *
 * What: a value is a JSON array of its elements, sorted and without doubles, whatever the column's
 * type: atoms, or [key, value] pairs for a map. An atom is a JSON string, integer, real or boolean,
 * or for a uuid ["uuid", ID] or ["named-uuid", NAME] (a row of this transaction).
 * Ownership: functions return new references and borrow their arguments, unless they say otherwise.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_VALUE_H
#define SLUICE_TOOLS_SLUICECTL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/sluicectl/schema.h"

/* From and to the form of RFC 7047 section 5.1. */
json_t *value_from_wire(const struct column *c, const json_t *wire);
json_t *value_to_wire(const struct column *c, const json_t *value);

/* The value that an unset column has. */
json_t *value_default(const struct column *c);
bool value_is_default(const struct column *c, const json_t *value);

int atom_compare(const json_t *a, const json_t *b);
void value_sort(json_t *value);

/* The position of the element with this atom (a map's key) or SIZE_MAX. */
size_t value_find(const struct column *c, const json_t *value, const json_t *atom);

/* Adds elements; a key that a map has already gets the new value if `replace`. */
void value_add(const struct column *c, json_t *value, const json_t *more, bool replace);

/* What is in `value` and not, the same, in `other`. */
json_t *value_minus(const json_t *value, const json_t *other);

/* ---- text, in ovs-vsctl's form ---- */

void atom_print(FILE *f, const json_t *atom);
void value_print(FILE *f, const struct column *c, const json_t *value);

/* For --json: plain values, lists and objects; null for an empty optional one. */
json_t *value_to_plain(const struct column *c, const json_t *value);
json_t *value_atom_to_plain(const json_t *atom);

/* Finds the row that a text names for a reference: a uuid atom, or NULL to refuse. */
typedef json_t *value_refer(void *ctx, const char *table, const char *text);

struct value_reader {
	value_refer *refer;
	void *ctx;
};

/* Each ends the program with a message if the text is no such value. */
json_t *atom_read(const struct value_reader *r, const struct column *c, const struct base_type *b,
	const char *text);
json_t *value_read(const struct value_reader *r, const struct column *c, const char *text);

/* A set of keys or of pairs, whatever number of them the column allows: for "remove". */
json_t *value_read_some(
	const struct value_reader *r, const struct column *c, const char *text, bool keys_only);

/* Ends the program if the column cannot hold so many elements. */
void value_check_count(const struct column *c, const json_t *value);

#endif
