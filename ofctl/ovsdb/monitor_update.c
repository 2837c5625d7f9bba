/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: the messages, in the form that each version of the protocol has. */
#include "ofctl/ovsdb/monitor.h"

void ovsdb_monitor_add(json_t **updates, const struct ovsdb_row *row, json_t *update)
{
	const char *table = row->table->schema->name;
	char uuid[OVSDB_UUID_TEXT];

	if (!update)
		return;
	if (!*updates)
		*updates = json_object();
	json_t *rows = json_object_get(*updates, table);
	if (!rows) {
		rows = json_object();
		json_object_set_new(*updates, table, rows);
	}
	json_object_set_new_nocheck(rows, ovsdb_uuid_format(ovsdb_row_id(row), uuid), update);
}

/* <row>: the columns selected for 'select', without defaults if 'brief'. */
static json_t *encode_row(const struct ovsdb_monitor_table *table,
	struct ovsdb_datum *const *columns, unsigned int select, bool brief)
{
	json_t *row = json_object();

	for (size_t i = 0; i < table->n_columns; i++) {
		unsigned int column = table->columns[i].column;
		const struct ovsdb_column *schema = &table->table->columns[column];
		if (!(table->columns[i].select & select))
			continue;
		if (brief && ovsdb_datum_is_default(columns[column], &schema->type))
			continue;
		json_object_set_new_nocheck(
			row, schema->name, ovsdb_datum_to_json(columns[column], &schema->type));
	}
	return row;
}

json_t *ovsdb_monitor_row_new(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns,
	unsigned int select)
{
	if (!(table->select & select))
		return NULL;
	if (monitor->version == OVSDB_MONITOR_V1)
		return json_pack("{s:o}", "new", encode_row(table, columns, select, false));
	return json_pack("{s:o}", select == OVSDB_SELECT_INITIAL ? "initial" : "insert",
		encode_row(table, columns, select, true));
}

json_t *ovsdb_monitor_row_gone(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, struct ovsdb_datum *const *columns)
{
	if (!(table->select & OVSDB_SELECT_DELETE))
		return NULL;
	if (monitor->version == OVSDB_MONITOR_V1)
		return json_pack(
			"{s:o}", "old", encode_row(table, columns, OVSDB_SELECT_DELETE, false));
	return json_pack("{s:n}", "delete");
}

/* The changed columns of a row: as they were (V1), or as differences. */
static json_t *encode_modify(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, const struct ovsdb_change *change)
{
	json_t *row = NULL;

	for (size_t i = 0; i < table->n_columns; i++) {
		unsigned int column = table->columns[i].column;
		const struct ovsdb_column *schema = &table->table->columns[column];
		if (!(table->columns[i].select & OVSDB_SELECT_MODIFY) ||
			!ovsdb_change_touches(change, column))
			continue;

		struct ovsdb_datum *old = change->old[column];
		struct ovsdb_datum *shown =
			monitor->version == OVSDB_MONITOR_V1
				? ovsdb_datum_ref(old)
				: ovsdb_datum_diff(
					  old, change->row->columns[column], &schema->type);
		if (!shown)
			continue;
		if (!row)
			row = json_object();
		json_object_set_new_nocheck(
			row, schema->name, ovsdb_datum_to_json(shown, &schema->type));
		ovsdb_datum_unref(shown, &schema->type);
	}
	return row;
}

static json_t *encode_change(const struct ovsdb_monitor *monitor,
	const struct ovsdb_monitor_table *table, const struct ovsdb_change *change)
{
	struct ovsdb_row *row = change->row;
	bool seen = ovsdb_monitor_sees(table, change->old);
	bool sees = ovsdb_monitor_sees(table, row->deleted ? NULL : row->columns);

	if (!seen)
		return sees ? ovsdb_monitor_row_new(
				      monitor, table, row->columns, OVSDB_SELECT_INSERT)
			    : NULL;
	if (!sees)
		return ovsdb_monitor_row_gone(monitor, table, change->old);
	json_t *modified = encode_modify(monitor, table, change);
	if (!modified)
		return NULL;
	if (monitor->version != OVSDB_MONITOR_V1)
		return json_pack("{s:o}", "modify", modified);
	return json_pack("{s:o, s:o}", "old", modified, "new",
		encode_row(table, row->columns, OVSDB_SELECT_MODIFY, false));
}

json_t *ovsdb_monitor_initial(const struct ovsdb_monitor *monitor)
{
	json_t *updates = json_object();

	for (size_t i = 0; i < monitor->n_tables; i++) {
		const struct ovsdb_monitor_table *table = &monitor->tables[i];
		if (!(table->select & OVSDB_SELECT_INITIAL))
			continue;
		OVSDB_TABLE_FOR_EACH(row, table->table)
		{
			if (ovsdb_monitor_sees(table, row->columns))
				ovsdb_monitor_add(&updates, row,
					ovsdb_monitor_row_new(monitor, table, row->columns,
						OVSDB_SELECT_INITIAL));
		}
	}
	return updates;
}

json_t *ovsdb_monitor_update(
	const struct ovsdb_monitor *monitor, const struct ovsdb_changes *changes)
{
	const struct ovsdb_change *change;
	json_t *updates = NULL;

	TAILQ_FOREACH (change, changes, link) {
		for (size_t i = 0; i < monitor->n_tables; i++) {
			const struct ovsdb_monitor_table *table = &monitor->tables[i];
			if (table->table == change->row->table)
				ovsdb_monitor_add(&updates, change->row,
					encode_change(monitor, table, change));
		}
	}
	return updates;
}

json_t *ovsdb_monitor_notification(const struct ovsdb_monitor *monitor, json_t *updates)
{
	static const char *const methods[] = {"update", "update2", "update3"};
	const char *method = methods[monitor->version];
	char id[OVSDB_UUID_TEXT];

	if (monitor->version != OVSDB_MONITOR_V3)
		return json_pack("{s:n, s:s, s:[O, o]}", "id", "method", method, "params",
			monitor->id, updates);
	ovsdb_uuid_format(&monitor->database->commit_id, id);
	return json_pack("{s:n, s:s, s:[O, s, o]}", "id", "method", method, "params", monitor->id,
		id, updates);
}
