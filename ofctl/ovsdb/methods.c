/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that clients call (RFC 7047, 4.1, and extensions). */
#include "ofctl/ovsdb/session.h"

#include "ofctl/ovsdb/lock.h"

#include <errno.h>
#include <string.h>

/* One request. A method sets 'result', or fails and fills 'error', or sets
 * 'answered' when it replies by itself, now or later. */
struct call {
	struct ovsdb_session *session;
	json_t *id, *params;
	json_t *result;
	struct ovsdb_error error;
	const char *bare_error; /* an error that is a plain string, as tools expect */
	bool answered;
};

typedef int method_fn(struct call *call);

static int syntax(struct call *call, const char *expected)
{
	return ovsdb_fail(&call->error, OVSDB_E_SYNTAX, "expected parameters %s", expected);
}

/* The database that the first parameter names. */
static struct ovsdb_database *find_database(struct call *call)
{
	const char *name = json_string_value(json_array_get(call->params, 0));
	struct ovsdb_database *database = NULL;

	if (!name) {
		syntax(call, "that begin with the name of a database");
		return NULL;
	}
	database = ovsdb_server_database(call->session->ovsdb, name);
	if (!database) {
		ovsdb_fail(&call->error, OVSDB_E_UNKNOWN_DATABASE, "there is no database \"%.64s\"",
			name);
	}
	return database;
}

static int method_echo(struct call *call)
{
	ovsdb_session_send_now(
		call->session, ovsdb_jsonrpc_reply(call->id, json_incref(call->params), NULL));
	call->answered = true;
	return 0;
}

static int method_list_dbs(struct call *call)
{
	struct ovsdb *ovsdb = call->session->ovsdb;

	call->result = json_pack("[s, s]", ovsdb->vswitch.schema->name, ovsdb->server.schema->name);
	return 0;
}

static int method_get_schema(struct call *call)
{
	struct ovsdb_database *database = find_database(call);

	if (!database)
		return -EINVAL;
	call->result = ovsdb_schema_to_json(database->schema);
	return 0;
}

static int method_get_server_id(struct call *call)
{
	char text[OVSDB_UUID_TEXT];

	call->result = json_string(ovsdb_uuid_format(&call->session->ovsdb->server_id, text));
	return 0;
}

/* Databases come and go with the server only: there is nothing to tell. */
static int method_set_db_change_aware(struct call *call)
{
	if (json_array_size(call->params) != 1 || !json_is_boolean(json_array_get(call->params, 0)))
		return syntax(call, "[true] or [false]");
	call->result = json_object();
	return 0;
}

static int method_transact(struct call *call)
{
	struct ovsdb_database *database = find_database(call);

	if (!database)
		return -EINVAL;
	ovsdb_session_transact(call->session, call->id, call->params, database);
	call->answered = true;
	return 0;
}

static int method_cancel(struct call *call)
{
	const json_t *id = json_array_get(call->params, 0);

	if (json_array_size(call->params) != 1)
		return syntax(call, "[id of a transact request]");
	ovsdb_session_cancel(call->session, id);
	/* It has no reply of its own. */
	call->answered = true;
	return 0;
}

static struct ovsdb_monitor *find_monitor(struct ovsdb_session *session, const json_t *id)
{
	struct ovsdb_monitor *monitor;

	TAILQ_FOREACH (monitor, &session->monitors, link) {
		if (json_equal(monitor->id, id))
			return monitor;
	}
	return NULL;
}

static int unknown_monitor(struct call *call)
{
	call->bare_error = OVSDB_E_UNKNOWN_MONITOR;
	return ovsdb_fail(&call->error, OVSDB_E_UNKNOWN_MONITOR, "this client has no such monitor");
}

/* [database, id, requests], to which monitor_cond_since adds the last id. */
static int monitor_new(
	struct call *call, enum ovsdb_monitor_version version, struct ovsdb_monitor **monitor)
{
	struct ovsdb_session *session = call->session;
	size_t n = version == OVSDB_MONITOR_V3 ? 4 : 3;
	struct ovsdb_database *database = find_database(call);

	if (!database)
		return -EINVAL;
	if (json_array_size(call->params) != n)
		return syntax(call,
			n == 4 ? "[database, id, requests, last id]" : "[database, id, requests]");
	json_t *id = json_array_get(call->params, 1);
	if (find_monitor(session, id))
		return ovsdb_fail(
			&call->error, OVSDB_E_SYNTAX, "this client has a monitor of that id");
	int rc = ovsdb_monitor_new(
		monitor, database, version, id, json_array_get(call->params, 2), &call->error);
	if (!rc)
		TAILQ_INSERT_TAIL(&session->monitors, *monitor, link);
	return rc;
}

static int method_monitor(struct call *call)
{
	struct ovsdb_monitor *monitor;
	int rc = monitor_new(call, OVSDB_MONITOR_V1, &monitor);

	if (!rc)
		call->result = ovsdb_monitor_initial(monitor);
	return rc;
}

static int method_monitor_cond(struct call *call)
{
	struct ovsdb_monitor *monitor;
	int rc = monitor_new(call, OVSDB_MONITOR_V2, &monitor);

	if (!rc)
		call->result = ovsdb_monitor_initial(monitor);
	return rc;
}

/* A client that has seen the last commit needs no rows again. Older ones get
 * everything: no history is kept. */
static int method_monitor_cond_since(struct call *call)
{
	const char *last = json_string_value(json_array_get(call->params, 3));
	struct ovsdb_monitor *monitor;
	struct ovsdb_uuid last_id;
	char text[OVSDB_UUID_TEXT];

	if (json_array_size(call->params) == 4 && (!last || !ovsdb_uuid_parse(&last_id, last)))
		return syntax(call, "that end with a UUID, the last transaction's id");
	int rc = monitor_new(call, OVSDB_MONITOR_V3, &monitor);
	if (rc)
		return rc;
	const struct ovsdb_uuid *current = &monitor->database->commit_id;
	bool found = ovsdb_uuid_equal(&last_id, current);
	call->result = json_pack("[b, s, o]", found, ovsdb_uuid_format(current, text),
		found ? json_object() : ovsdb_monitor_initial(monitor));
	return 0;
}

static int method_monitor_cond_change(struct call *call)
{
	struct ovsdb_session *session = call->session;
	json_t *new_id = json_array_get(call->params, 1);
	json_t *updates;

	if (json_array_size(call->params) != 3)
		return syntax(call, "[id, new id, conditions]");
	struct ovsdb_monitor *monitor = find_monitor(session, json_array_get(call->params, 0));
	if (!monitor || monitor->version == OVSDB_MONITOR_V1)
		return ovsdb_fail(&call->error, OVSDB_E_SYNTAX,
			"this client has no monitor of that id with conditions");
	if (!json_equal(monitor->id, new_id) && find_monitor(session, new_id))
		return ovsdb_fail(
			&call->error, OVSDB_E_SYNTAX, "this client has a monitor of the new id");
	int rc = ovsdb_monitor_change(
		monitor, json_array_get(call->params, 2), &updates, &call->error);
	if (rc)
		return rc;
	json_decref(monitor->id);
	monitor->id = json_incref(new_id);
	if (updates)
		ovsdb_session_send(session, ovsdb_monitor_notification(monitor, updates));
	call->result = json_object();
	return 0;
}

static int method_monitor_cancel(struct call *call)
{
	if (json_array_size(call->params) != 1)
		return syntax(call, "[id]");
	struct ovsdb_monitor *monitor =
		find_monitor(call->session, json_array_get(call->params, 0));
	if (!monitor)
		return unknown_monitor(call);
	TAILQ_REMOVE(&call->session->monitors, monitor, link);
	ovsdb_monitor_free(monitor);
	call->result = json_object();
	return 0;
}

static const char *lock_name(struct call *call)
{
	const char *name = json_string_value(json_array_get(call->params, 0));

	if (json_array_size(call->params) != 1 || !name) {
		syntax(call, "[name of a lock]");
		return NULL;
	}
	return name;
}

static int take_lock(struct call *call, bool steal)
{
	struct ovsdb_session *session = call->session;
	const char *name = lock_name(call);
	bool locked;

	if (!name)
		return -EINVAL;
	int rc = ovsdb_lock_take(session->ovsdb, session, name, steal, &locked, &call->error);
	if (!rc)
		call->result = json_pack("{s:b}", "locked", locked);
	return rc;
}

static int method_lock(struct call *call)
{
	return take_lock(call, false);
}

static int method_steal(struct call *call)
{
	return take_lock(call, true);
}

static int method_unlock(struct call *call)
{
	struct ovsdb_session *session = call->session;
	const char *name = lock_name(call);

	if (!name)
		return -EINVAL;
	int rc = ovsdb_lock_drop(session->ovsdb, session, name, &call->error);
	if (!rc)
		call->result = json_object();
	return rc;
}

static const struct {
	const char *name;
	method_fn *run;
} methods[] = {
	{"echo", method_echo},
	{"transact", method_transact},
	{"get_schema", method_get_schema},
	{"monitor", method_monitor},
	{"monitor_cond", method_monitor_cond},
	{"monitor_cond_since", method_monitor_cond_since},
	{"monitor_cond_change", method_monitor_cond_change},
	{"monitor_cancel", method_monitor_cancel},
	{"cancel", method_cancel},
	{"lock", method_lock},
	{"steal", method_steal},
	{"unlock", method_unlock},
	{"list_dbs", method_list_dbs},
	{"get_server_id", method_get_server_id},
	{"set_db_change_aware", method_set_db_change_aware},
};

static method_fn *find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i].name, name))
			return methods[i].run;
	}
	return NULL;
}

static void run(struct call *call, const char *name)
{
	method_fn *method = find_method(name);
	int rc = -EINVAL;

	if (!method)
		call->bare_error = "unknown method";
	else if (!json_is_array(call->params))
		syntax(call, "in an array");
	else
		rc = method(call);

	json_t *error = NULL;
	if (rc)
		error = call->bare_error ? json_string(call->bare_error)
					 : ovsdb_error_json(&call->error);
	/* A notification (id null) has no reply. */
	if (call->answered || json_is_null(call->id)) {
		json_decref(error);
		json_decref(call->result);
		return;
	}
	ovsdb_session_send(call->session, ovsdb_jsonrpc_reply(call->id, call->result, error));
}

void ovsdb_session_receive(struct ovsdb_session *session, json_t *message)
{
	const json_t *method = json_object_get(message, "method");
	json_t *id = json_object_get(message, "id");

	/* Replies (to requests that this server never sends) are of no interest. */
	if (!method && json_object_get(message, "result"))
		return;
	if (!json_is_string(method) || !id) {
		ovsdb_session_doom(session, "sent something that is no JSON-RPC request");
		return;
	}
	struct call call = {
		.session = session,
		.id = id,
		.params = json_object_get(message, "params"),
	};
	run(&call, json_string_value(method));
}
