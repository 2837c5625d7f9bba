/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of rows as some columns show them: what "select" answers and "wait"
 * compares.
 */
#ifndef OFCTL_OVSDB_ROWSET_H
#define OFCTL_OVSDB_ROWSET_H

#include "ofctl/ovsdb/condition.h"

struct ovsdb_rowset {
	const struct ovsdb_table *table;
	unsigned int *columns;
	unsigned int n_columns;
	struct ovsdb_datum *const **rows; /* each: all columns of a row, not owned */
	size_t n, max;
};

/* An empty set that shows the columns in the array 'names', or all when that
 * is NULL. On error nothing is to be destroyed. */
int ovsdb_rowset_init(struct ovsdb_rowset *set, const struct ovsdb_table *table,
	const json_t *names, struct ovsdb_error *error);
void ovsdb_rowset_destroy(struct ovsdb_rowset *set);

int ovsdb_rowset_add(struct ovsdb_rowset *set, struct ovsdb_datum *const *columns);
int ovsdb_rowset_query(struct ovsdb_rowset *set, const struct ovsdb_condition *condition,
	struct ovsdb_error *error);

/* Put in order and drop rows that look the same. */
void ovsdb_rowset_normalize(struct ovsdb_rowset *set);
/* Do two normalized sets of the same columns look the same? */
bool ovsdb_rowset_equal(const struct ovsdb_rowset *a, const struct ovsdb_rowset *b);
/* An array of <row>. */
json_t *ovsdb_rowset_to_json(const struct ovsdb_rowset *set);

#endif /* OFCTL_OVSDB_ROWSET_H */
