/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions: changes to rows of one database that take place together or
 * not at all.
 *
 * Changes are made in place and seen at once by whoever reads the tables, so
 * a transaction is begun, carried out and ended without returning to the
 * event loop, one at a time:
 *
 *	begin -> insert, set, delete ... -> check -> commit
 *	                      \-> rollback <-/ (failed)
 */
#ifndef OFCTL_OVSDB_TRANSACTION_H
#define OFCTL_OVSDB_TRANSACTION_H

#include "ofctl/ovsdb/table.h"

/* Which version of a row its outgoing references are counted for. */
enum ovsdb_counted { OVSDB_COUNTED_OLD, OVSDB_COUNTED_NEW, OVSDB_COUNTED_NONE };

/* What a transaction does to one row. */
struct ovsdb_change {
	TAILQ_ENTRY(ovsdb_change) link;
	struct ovsdb_row *row;    /* with the new values, even if deleted */
	struct ovsdb_datum **old; /* all columns, or NULL: the row is inserted */
	enum ovsdb_counted counted;
	bool reindexed; /* its place in the index was given up */
};

TAILQ_HEAD(ovsdb_changes, ovsdb_change);

struct ovsdb_transaction {
	struct ovsdb_database *database;
	struct ovsdb_changes changes;
	struct ovsdb_row **unreferenced; /* rows whose last strong reference went */
	size_t n_unreferenced, max_unreferenced;
};

void ovsdb_transaction_begin(struct ovsdb_transaction *txn, struct ovsdb_database *database);

/* A new row with default values, or NULL without memory. */
struct ovsdb_row *ovsdb_transaction_insert(
	struct ovsdb_transaction *txn, struct ovsdb_table *table, const struct ovsdb_uuid *uuid);
/* Give a column a new value; takes over the reference to 'datum', which may
 * be NULL to pass on a failed allocation. 0 or -ENOMEM. */
int ovsdb_transaction_set(struct ovsdb_transaction *txn, struct ovsdb_row *row, unsigned int column,
	struct ovsdb_datum *datum);
int ovsdb_transaction_delete(struct ovsdb_transaction *txn, struct ovsdb_row *row);

/* The change of 'row', begun if there is none; NULL without memory. */
struct ovsdb_change *ovsdb_transaction_change(struct ovsdb_transaction *txn, struct ovsdb_row *row);

/* Make the result consistent: count references, collect rows that nothing
 * refers to, drop weak references to rows that are gone; then check
 * references, indexes and numbers of rows. Changes that change nothing are
 * forgotten. After a failure only rollback may follow. */
int ovsdb_transaction_check(struct ovsdb_transaction *txn, struct ovsdb_error *error);

/* Does 'column' differ between the two versions of the row? */
bool ovsdb_change_touches(const struct ovsdb_change *change, unsigned int column);

/* Forget the old versions, after everybody interested has read txn->changes. */
void ovsdb_transaction_commit(struct ovsdb_transaction *txn);
/* Put everything back. */
void ovsdb_transaction_rollback(struct ovsdb_transaction *txn);

/*
 * Between transaction.c, references.c and index.c
 */

/* Count, collect and prune, as ovsdb_transaction_check() says. */
int ovsdb_references_update(struct ovsdb_transaction *txn, struct ovsdb_error *error);
/* Count the references of 'change' for its old version again. */
void ovsdb_references_undo(struct ovsdb_transaction *txn, struct ovsdb_change *change);

#endif /* OFCTL_OVSDB_TRANSACTION_H */
