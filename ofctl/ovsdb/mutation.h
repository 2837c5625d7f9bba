/* SPDX-License-Identifier: Apache-2.0
 *
 * Mutations: changes of a column relative to its value (RFC 7047, 5.1).
 */
#ifndef OFCTL_OVSDB_MUTATION_H
#define OFCTL_OVSDB_MUTATION_H

#include "ofctl/ovsdb/table.h"

enum ovsdb_mutator {
	OVSDB_M_ADD,
	OVSDB_M_SUBTRACT,
	OVSDB_M_MULTIPLY,
	OVSDB_M_DIVIDE,
	OVSDB_M_REMAINDER,
	OVSDB_M_INSERT,
	OVSDB_M_DELETE,
};

struct ovsdb_mutation {
	enum ovsdb_mutator mutator;
	unsigned int column;
	struct ovsdb_type type; /* of 'datum' */
	struct ovsdb_datum *datum;
};

/* Decode one <mutation>. On error nothing is to be destroyed. */
int ovsdb_mutation_parse(struct ovsdb_mutation *mutation, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error);
void ovsdb_mutation_destroy(struct ovsdb_mutation *mutation);

/* The value of the mutation's column, now 'old', after it: '*result' is a
 * reference. Fails when the result breaks the column's constraints. */
int ovsdb_mutation_apply(const struct ovsdb_mutation *mutation, const struct ovsdb_table *table,
	const struct ovsdb_datum *old, struct ovsdb_datum **result, struct ovsdb_error *error);

#endif /* OFCTL_OVSDB_MUTATION_H */
