/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/names.h"

#include "ofctl/ovsdb/uuid.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

/* name -> [uuid text, inserted?]: jansson's object is the hash table. */
struct ovsdb_names {
	json_t *table;
};

struct ovsdb_names *ovsdb_names_new(void)
{
	struct ovsdb_names *names = malloc(sizeof(*names));
	if (!names)
		return NULL;
	names->table = json_object();
	if (!names->table) {
		free(names);
		return NULL;
	}
	return names;
}

void ovsdb_names_free(struct ovsdb_names *names)
{
	if (!names)
		return;
	json_decref(names->table);
	free(names);
}

static int add(
	struct ovsdb_names *names, const char *name, const struct ovsdb_uuid *uuid, bool inserted)
{
	char text[OVSDB_UUID_TEXT];
	json_t *entry = json_pack("[s, b]", ovsdb_uuid_format(uuid, text), inserted);

	return json_object_set_new(names->table, name, entry) ? -ENOMEM : 0;
}

int ovsdb_names_lookup(struct ovsdb_names *names, const char *name, struct ovsdb_uuid *uuid)
{
	const json_t *entry = json_object_get(names->table, name);
	if (entry) {
		ovsdb_uuid_parse(uuid, json_string_value(json_array_get(entry, 0)));
		return 0;
	}
	*uuid = ovsdb_uuid_random();
	return add(names, name, uuid, false);
}

int ovsdb_names_insert(struct ovsdb_names *names, const char *name, struct ovsdb_uuid *uuid,
	bool chosen, struct ovsdb_error *error)
{
	const json_t *entry = json_object_get(names->table, name);

	if (entry && json_is_true(json_array_get(entry, 1)))
		return ovsdb_fail(error, OVSDB_E_DUPLICATE_NAME,
			"uuid-name \"%.64s\" is used by two inserts", name);
	if (entry && chosen)
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"\"%.64s\" is inserted with a uuid after it was referred to", name);
	if (entry)
		ovsdb_uuid_parse(uuid, json_string_value(json_array_get(entry, 0)));
	else if (!chosen)
		*uuid = ovsdb_uuid_random();
	if (add(names, name, uuid, true))
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	return 0;
}

int ovsdb_names_check(const struct ovsdb_names *names, struct ovsdb_error *error)
{
	const char *name;
	json_t *entry;

	json_object_foreach (names->table, name, entry) {
		if (!json_is_true(json_array_get(entry, 1)))
			return ovsdb_fail(error, OVSDB_E_REFERENCE,
				"no insert of this transaction has the uuid-name \"%.64s\"", name);
	}
	return 0;
}
