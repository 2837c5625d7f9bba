/* SPDX-License-Identifier: Apache-2.0
 *
 * References between rows: strong ones keep their target alive (and must
 * have one), weak ones go away with it.
 *
 * Every row counts the references to it. A transaction applies only the
 * difference between the old and the new version of what it changed, so the
 * work is proportional to the change, whatever the size of the database. A
 * reference to a row that doesn't exist counts nowhere; it does so again
 * when the change is undone, which keeps both in step.
 */
#include "ofctl/ovsdb/transaction.h"

#include <errno.h>
#include <stdlib.h>

/* The first strong reference found without a target. */
struct dangling {
	const struct ovsdb_row *row;
	unsigned int column;
	const struct ovsdb_table *table;
	struct ovsdb_uuid uuid;
};

struct count_context {
	struct ovsdb_transaction *txn;
	const struct ovsdb_row *row;
	unsigned int column;
	struct dangling *dangling; /* NULL while undoing */
	bool out_of_memory;
};

static int remember_unreferenced(struct ovsdb_transaction *txn, struct ovsdb_row *row)
{
	if (txn->n_unreferenced == txn->max_unreferenced) {
		size_t max = txn->max_unreferenced ? 2 * txn->max_unreferenced : 16;
		struct ovsdb_row **rows = realloc(txn->unreferenced, max * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		txn->unreferenced = rows;
		txn->max_unreferenced = max;
	}
	txn->unreferenced[txn->n_unreferenced++] = row;
	return 0;
}

static void count_one(struct count_context *context, const struct ovsdb_table *target,
	const struct ovsdb_base *base, const struct ovsdb_uuid *uuid, bool add)
{
	if (!target)
		return;
	struct ovsdb_row *row = ovsdb_table_find_any(target, uuid);
	if (!row) {
		struct dangling *dangling = context->dangling;
		if (add && !base->weak && dangling && !dangling->row)
			*dangling = (struct dangling){context->row, context->column, target, *uuid};
		return;
	}
	size_t *n = base->weak ? &row->n_weak : &row->n_strong;
	*n += add ? 1 : (size_t)-1;
	if (!add && !base->weak && !*n && context->dangling &&
		remember_unreferenced(context->txn, row))
		context->out_of_memory = true;
}

static void count_element(
	struct count_context *context, const struct ovsdb_datum *datum, uint32_t i, bool add)
{
	const struct ovsdb_table *table = context->row->table;
	const struct ovsdb_type *type = &table->columns[context->column].type;

	count_one(context, table->key_refs[context->column], &type->key, &datum->keys[i].uuid, add);
	if (datum->values)
		count_one(context, table->value_refs[context->column], &type->value,
			&datum->values[i].uuid, add);
}

static bool same_value(const struct ovsdb_datum *a, uint32_t i, const struct ovsdb_datum *b,
	uint32_t j, const struct ovsdb_type *type)
{
	return !a->values || !ovsdb_atom_compare(&a->values[i], &b->values[j], type->value.type);
}

/* Count the step from 'a' to 'b', either of which may be NULL: no row. */
static void count_column(
	struct count_context *context, const struct ovsdb_datum *a, const struct ovsdb_datum *b)
{
	const struct ovsdb_type *type = &context->row->table->columns[context->column].type;
	uint32_t i = 0, j = 0, n = a ? a->n : 0, m = b ? b->n : 0;

	if (a == b)
		return;
	while (i < n || j < m) {
		int order = i == n   ? 1
			    : j == m ? -1
				     : ovsdb_atom_compare(&a->keys[i], &b->keys[j], type->key.type);
		if (order || !same_value(a, i, b, j, type)) {
			if (order <= 0)
				count_element(context, a, i, false);
			if (order >= 0)
				count_element(context, b, j, true);
		}
		i += order <= 0;
		j += order >= 0;
	}
}

static int count_row(struct ovsdb_transaction *txn, const struct ovsdb_row *row,
	struct ovsdb_datum *const *a, struct ovsdb_datum *const *b, struct dangling *dangling)
{
	const struct ovsdb_table *table = row->table;
	struct count_context context = {.txn = txn, .row = row, .dangling = dangling};

	for (unsigned int i = OVSDB_N_IMPLICIT; i < table->n_columns; i++) {
		if (!table->key_refs[i] && !table->value_refs[i])
			continue;
		context.column = i;
		count_column(&context, a ? a[i] : NULL, b ? b[i] : NULL);
	}
	return context.out_of_memory ? -ENOMEM : 0;
}

static int count_change(
	struct ovsdb_transaction *txn, struct ovsdb_change *change, struct dangling *dangling)
{
	struct ovsdb_row *row = change->row;

	change->counted = row->deleted ? OVSDB_COUNTED_NONE : OVSDB_COUNTED_NEW;
	int rc = count_row(txn, row, change->old, row->deleted ? NULL : row->columns, dangling);
	if (!rc && !row->n_strong)
		rc = remember_unreferenced(txn, row);
	return rc;
}

void ovsdb_references_undo(struct ovsdb_transaction *txn, struct ovsdb_change *change)
{
	struct ovsdb_row *row = change->row;

	if (change->counted == OVSDB_COUNTED_NEW)
		count_row(txn, row, row->columns, change->old, NULL);
	else if (change->counted == OVSDB_COUNTED_NONE)
		count_row(txn, row, NULL, change->old, NULL);
	change->counted = OVSDB_COUNTED_OLD;
}

static int report_dangling(const struct dangling *dangling, struct ovsdb_error *error)
{
	char from[OVSDB_UUID_TEXT], to[OVSDB_UUID_TEXT];

	return ovsdb_fail(error, OVSDB_E_REFERENCE,
		"column %s of row %s in table %s refers to row %s, which table %s does not have",
		dangling->row->table->columns[dangling->column].name,
		ovsdb_uuid_format(ovsdb_row_id(dangling->row), from),
		dangling->row->table->schema->name, ovsdb_uuid_format(&dangling->uuid, to),
		dangling->table->schema->name);
}

/* Delete rows that need a reference and have none, and so on with those
 * that they referred to. */
static int collect_garbage(struct ovsdb_transaction *txn)
{
	struct dangling ignored = {0};

	while (txn->n_unreferenced) {
		struct ovsdb_row *row = txn->unreferenced[--txn->n_unreferenced];
		if (row->deleted || row->n_strong || row->table->schema->root)
			continue;
		struct ovsdb_change *change = ovsdb_transaction_change(txn, row);
		if (!change || ovsdb_transaction_delete(txn, row))
			return -ENOMEM;
		change->counted = OVSDB_COUNTED_NONE;
		if (count_row(txn, row, row->columns, NULL, &ignored))
			return -ENOMEM;
	}
	return 0;
}

static int check_deleted(const struct ovsdb_transaction *txn, struct ovsdb_error *error)
{
	const struct ovsdb_change *change;
	char text[OVSDB_UUID_TEXT];

	TAILQ_FOREACH (change, &txn->changes, link) {
		const struct ovsdb_row *row = change->row;
		if (row->deleted && row->n_strong)
			return ovsdb_fail(error, OVSDB_E_REFERENCE,
				"row %s of table %s can't be deleted: %zu reference%s to it "
				"remain%s",
				ovsdb_uuid_format(ovsdb_row_id(row), text),
				row->table->schema->name, row->n_strong,
				row->n_strong == 1 ? "" : "s", row->n_strong == 1 ? "s" : "");
	}
	return 0;
}

static bool is_dead(const struct ovsdb_table *target, const struct ovsdb_base *base,
	const union ovsdb_atom *atom)
{
	return target && base->weak && !ovsdb_table_find(target, &atom->uuid);
}

static bool element_is_dead(const struct ovsdb_row *row, unsigned int column,
	const struct ovsdb_datum *datum, uint32_t i)
{
	const struct ovsdb_type *type = &row->table->columns[column].type;

	return is_dead(row->table->key_refs[column], &type->key, &datum->keys[i]) ||
	       (datum->values &&
		       is_dead(row->table->value_refs[column], &type->value, &datum->values[i]));
}

/* Replace a column by itself without the elements whose target is gone. */
static int prune_column(struct ovsdb_transaction *txn, struct ovsdb_row *row, unsigned int column,
	struct ovsdb_error *error)
{
	const struct ovsdb_column *schema = &row->table->columns[column];
	const struct ovsdb_type *type = &schema->type;
	struct ovsdb_datum *datum = row->columns[column];
	uint32_t n_dead = 0;

	for (uint32_t i = 0; i < datum->n; i++)
		n_dead += element_is_dead(row, column, datum, i);
	if (!n_dead)
		return 0;
	if (datum->n - n_dead < type->n_min)
		return ovsdb_fail(error, OVSDB_E_CONSTRAINT,
			"column %s of table %s would be empty: what it refers to is deleted",
			schema->name, row->table->schema->name);

	struct ovsdb_change *change = ovsdb_transaction_change(txn, row);
	struct ovsdb_datum *pruned = ovsdb_datum_new(type, datum->n - n_dead);
	bool failed = !change || !pruned;
	for (uint32_t i = 0; i < datum->n && !failed; i++) {
		if (!element_is_dead(row, column, datum, i))
			failed = ovsdb_datum_add(pruned, type, &datum->keys[i],
				datum->values ? &datum->values[i] : NULL);
	}
	if (failed) {
		ovsdb_datum_unref(pruned, type);
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	}

	struct count_context context = {.txn = txn, .row = row, .column = column};
	change->counted = OVSDB_COUNTED_NEW;
	count_column(&context, datum, pruned);
	return ovsdb_transaction_set(txn, row, column, pruned);
}

static int prune_row(struct ovsdb_transaction *txn, struct ovsdb_row *row,
	const struct ovsdb_table *gone_from, struct ovsdb_error *error)
{
	for (unsigned int i = 0; i < row->table->n_columns; i++) {
		const struct ovsdb_type *type = &row->table->columns[i].type;
		if (!type->key.weak && !type->value.weak)
			continue;
		if (gone_from && row->table->key_refs[i] != gone_from &&
			row->table->value_refs[i] != gone_from)
			continue;
		int rc = prune_column(txn, row, i, error);
		if (rc)
			return rc;
	}
	return 0;
}

/* Visit the rows that may hold weak references to rows deleted from 'table'. */
static int prune_referrers(
	struct ovsdb_transaction *txn, const struct ovsdb_table *table, struct ovsdb_error *error)
{
	for (unsigned int i = 0; i < txn->database->schema->n_tables; i++) {
		struct ovsdb_table *from = &txn->database->tables[i];
		if (!from->has_weak)
			continue;
		OVSDB_TABLE_FOR_EACH(row, from)
		{
			int rc = prune_row(txn, row, table, error);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int prune_weak(struct ovsdb_transaction *txn, struct ovsdb_error *error)
{
	const struct ovsdb_table *done = NULL;
	struct ovsdb_change *change;
	int rc = 0;

	/* Pruning appends changes, which are visited in their turn. */
	TAILQ_FOREACH (change, &txn->changes, link) {
		struct ovsdb_row *row = change->row;
		if (!row->deleted && row->table->has_weak) {
			rc = prune_row(txn, row, NULL, error);
		} else if (row->deleted && row->n_weak && row->table != done) {
			rc = prune_referrers(txn, row->table, error);
			done = row->table;
		}
		if (rc)
			return rc;
	}
	return 0;
}

int ovsdb_references_update(struct ovsdb_transaction *txn, struct ovsdb_error *error)
{
	struct dangling dangling = {0};
	struct ovsdb_change *change;
	int rc = 0;

	TAILQ_FOREACH (change, &txn->changes, link) {
		if (count_change(txn, change, &dangling))
			rc = -ENOMEM;
	}
	if (dangling.row)
		return report_dangling(&dangling, error);
	if (!rc)
		rc = collect_garbage(txn);
	if (rc)
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	rc = check_deleted(txn, error);
	return rc ? rc : prune_weak(txn, error);
}
