/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions: the "where" of operations (RFC 7047, 5.1) and of monitors.
 */
#ifndef OFCTL_OVSDB_CONDITION_H
#define OFCTL_OVSDB_CONDITION_H

#include "ofctl/ovsdb/table.h"

enum ovsdb_function {
	OVSDB_F_FALSE,
	OVSDB_F_TRUE,
	OVSDB_F_LT,
	OVSDB_F_LE,
	OVSDB_F_EQ,
	OVSDB_F_NE,
	OVSDB_F_GE,
	OVSDB_F_GT,
	OVSDB_F_INCLUDES,
	OVSDB_F_EXCLUDES,
};

struct ovsdb_clause {
	enum ovsdb_function function;
	unsigned int column;
	struct ovsdb_type type; /* of 'datum' */
	struct ovsdb_datum *datum;
};

struct ovsdb_condition {
	const struct ovsdb_table *table;
	struct ovsdb_clause *clauses;
	size_t n;
};

/* Decode an array of <condition>; a bare true or false is one too. On error
 * 'condition' is empty. */
int ovsdb_condition_parse(struct ovsdb_condition *condition, const struct ovsdb_table *table,
	const json_t *json, struct ovsdb_names *names, struct ovsdb_error *error);
void ovsdb_condition_destroy(struct ovsdb_condition *condition);

/* Do all clauses hold for these columns of a row? (Operations.) */
bool ovsdb_condition_all(
	const struct ovsdb_condition *condition, struct ovsdb_datum *const *columns);
/* Does any, or are there none? (Monitors.) */
bool ovsdb_condition_any(
	const struct ovsdb_condition *condition, struct ovsdb_datum *const *columns);

/* Call 'visit' for each row that meets all clauses, until it returns other
 * than 0; a condition on one _uuid costs one lookup. Returns what the last
 * call did. 'visit' may change or delete the row. */
int ovsdb_condition_visit(const struct ovsdb_condition *condition,
	int (*visit)(struct ovsdb_row *row, void *context), void *context);

#endif /* OFCTL_OVSDB_CONDITION_H */
