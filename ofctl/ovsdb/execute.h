/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out the operations of a "transact" request (RFC 7047, 5.2).
 */
#ifndef OFCTL_OVSDB_EXECUTE_H
#define OFCTL_OVSDB_EXECUTE_H

#include "ofctl/ovsdb/transaction.h"
#include "ofctl/ovsdb/names.h"

struct ovsdb_execution {
	/* Set by the caller. */
	struct ovsdb_transaction *txn;
	bool read_only;
	int64_t waited_ms; /* since the request came */
	/* Does the client own this lock? For "assert". */
	bool (*owns_lock)(void *context, const char *lock);
	void *context;

	/* Set by ovsdb_execute(). */
	json_t *results;          /* the result array, owned by the caller */
	int64_t timeout_ms;       /* -EAGAIN: give up after this in all; -1 never */
	struct ovsdb_error error; /* of the operation that failed */
	bool durable;             /* a "commit" operation asked for it */

	/* Inside. */
	struct ovsdb_names *names;
};

/* Carry out 'operations', an array of which the first 'skip' elements are
 * something else. 0: done, and ovsdb_transaction_check() comes next. -EINVAL:
 * failed, 'results' ends with the error and nulls. -EAGAIN: a "wait" is not
 * met, try again after the next commit ('results' is NULL). In the latter two
 * cases the caller rolls back. */
int ovsdb_execute(struct ovsdb_execution *execution, const json_t *operations, size_t skip);

/*
 * Between execute.c and operations.c
 */

/* One operation: its JSON in, members of its result out. */
typedef int ovsdb_operation_fn(
	struct ovsdb_execution *execution, const json_t *operation, json_t *result);

struct ovsdb_operation {
	const char *name;
	ovsdb_operation_fn *run;
	const char *members; /* allowed beside "op", with spaces around each */
	bool writes;
};

extern const struct ovsdb_operation ovsdb_operations[]; /* ends with a NULL name */

/* Columns of 'row' (a <row>) as datums in 'values', one slot a column of
 * 'table', NULL where 'row' says nothing; the caller drops them with
 * ovsdb_values_clear(), after errors too. */
enum ovsdb_values_for { OVSDB_FOR_INSERT, OVSDB_FOR_UPDATE, OVSDB_FOR_COMPARISON };
int ovsdb_values_parse(struct ovsdb_execution *execution, const struct ovsdb_table *table,
	const json_t *row, enum ovsdb_values_for purpose, struct ovsdb_datum **values);
void ovsdb_values_clear(const struct ovsdb_table *table, struct ovsdb_datum **values);

#endif /* OFCTL_OVSDB_EXECUTE_H */
