/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ovsdb/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* CUnit's assertions may not be used while a suite is set up. */
static void require(bool condition)
{
	if (condition)
		return;
	fprintf(stderr, "the test's own set-up failed: %s\n", strerror(errno));
	abort();
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void server_start(struct server *server, bool stored)
{
	memset(server, 0, sizeof(*server));
	snprintf(server->dir, sizeof(server->dir), "/tmp/unit-ovsdb.XXXXXX");
	if (!mkdtemp(server->dir))
		abort();
	snprintf(server->sock, sizeof(server->sock), "%s/db.sock", server->dir);
	snprintf(server->file, sizeof(server->file), "%s/conf.db", server->dir);
	server->base = event_base_new();
	int rc = ovsdb_open(&server->db, server->base, stored ? server->file : NULL);
	require(!(rc));
	require(!(ovsdb_listen(server->db, server->sock)));
}

int server_restart(struct server *server)
{
	ovsdb_close(server->db);
	server->db = NULL;
	int rc = ovsdb_open(&server->db, server->base, server->file);
	return rc ? rc : ovsdb_listen(server->db, server->sock);
}

void server_stop(struct server *server)
{
	char path[128];

	ovsdb_close(server->db);
	event_base_free(server->base);
	unlink(server->file);
	unlink(server->sock);
	snprintf(path, sizeof(path), "%s-wal", server->file);
	unlink(path);
	require(!rmdir(server->dir));
}

void server_run(struct server *server, int ms)
{
	int64_t end = now_ms() + ms;

	do {
		event_base_loop(server->base, EVLOOP_NONBLOCK);
		if (ms)
			poll(NULL, 0, 1);
	} while (now_ms() < end);
}

void client_connect(struct client *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(client, 0, sizeof(*client));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = connect(client->fd, (struct sockaddr *)&address, sizeof(address));
	require(!(rc));
}

void client_open(struct client *client, struct server *server)
{
	client_connect(client, server->sock);
	client->server = server;
}

void client_close(struct client *client)
{
	close(client->fd);
	free(client->buffer);
	if (client->server)
		server_run(client->server, 0);
}

static void let_server_run(struct client *client, short events)
{
	struct pollfd pollfd = {client->fd, events, 0};

	if (client->server)
		event_base_loop(client->server->base, EVLOOP_NONBLOCK);
	poll(&pollfd, 1, client->server ? 1 : 100);
}

void client_send_text(struct client *client, const char *text)
{
	size_t left = strlen(text);
	int64_t end = now_ms() + MESSAGE_TIMEOUT_MS;

	while (left && now_ms() < end) {
		ssize_t sent = send(client->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			text += sent;
			left -= (size_t)sent;
		} else if (errno != EAGAIN) {
			return;
		}
		if (left)
			let_server_run(client, POLLOUT);
	}
}

/* The first message in the buffer, taken out of it. */
static json_t *take_message(struct client *client)
{
	json_error_t error;

	if (!client->n)
		return NULL;
	json_t *message = json_loadb(client->buffer, client->n, JSON_DISABLE_EOF_CHECK, &error);
	if (!message)
		return NULL;
	client->n -= (size_t)error.position;
	memmove(client->buffer, client->buffer + error.position, client->n);
	return message;
}

static ssize_t fill(struct client *client)
{
	if (client->max - client->n < 65536) {
		client->max = client->max * 2 + 65536;
		client->buffer = realloc(client->buffer, client->max);
	}
	ssize_t got =
		recv(client->fd, client->buffer + client->n, client->max - client->n, MSG_DONTWAIT);
	if (got > 0)
		client->n += (size_t)got;
	return got;
}

json_t *client_receive(struct client *client, int timeout_ms, bool *closed)
{
	int64_t end = now_ms() + timeout_ms;

	if (closed)
		*closed = false;
	do {
		json_t *message = take_message(client);
		if (message)
			return message;
		ssize_t got = fill(client);
		if (!got || (got < 0 && errno != EAGAIN)) {
			if (closed)
				*closed = true;
			return NULL;
		}
		if (got < 0)
			let_server_run(client, POLLIN);
	} while (now_ms() < end);
	return NULL;
}

bool client_is_closed(struct client *client)
{
	bool closed = false;
	json_t *message;

	while ((message = client_receive(client, 2000, &closed)))
		json_decref(message);
	return closed;
}

json_t *client_call(struct client *client, const char *method, json_t *params, json_t **before)
{
	int id = ++client->next_id;
	json_t *request =
		json_pack("{s:i, s:s, s:o}", "id", id, "method", method, "params", params);
	char *text = json_dumps(request, 0);
	json_t *message;

	if (before)
		*before = json_array();
	client_send_text(client, text);
	free(text);
	json_decref(request);
	while ((message = client_receive(client, MESSAGE_TIMEOUT_MS, NULL))) {
		if (json_integer_value(json_object_get(message, "id")) == id &&
			!json_object_get(message, "method"))
			return message;
		if (before)
			json_array_append_new(*before, message);
		else
			json_decref(message);
	}
	return NULL;
}

static json_t *parse_quoted(const char *format, va_list args)
{
	char *text;
	json_error_t error;

	if (vasprintf(&text, format, args) < 0)
		abort();
	for (char *p = text; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
	if (!json) {
		fprintf(stderr, "bad JSON in a test: %s at %d: %s\n", error.text, error.position,
			text);
		abort();
	}
	free(text);
	return json;
}

json_t *json_format(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_t *json = parse_quoted(format, args);
	va_end(args);
	return json;
}

json_t *client_transact(struct client *client, const char *format, ...)
{
	char *whole;
	va_list args;

	if (asprintf(&whole, "['Open_vSwitch',%s]", format) < 0)
		abort();
	va_start(args, format);
/* The format is the caller's, checked there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	json_t *params = parse_quoted(whole, args);
#pragma GCC diagnostic pop
	va_end(args);
	free(whole);
	json_t *reply = client_call(client, "transact", params, NULL);
	json_t *result = json_incref(json_object_get(reply, "result"));
	json_decref(reply);
	return result;
}

static bool like(const json_t *actual, const json_t *pattern);

static bool arrays_like(const json_t *actual, const json_t *pattern)
{
	const json_t *element;
	size_t i;

	if (json_array_size(actual) != json_array_size(pattern))
		return false;
	json_array_foreach (pattern, i, element) {
		if (!like(json_array_get(actual, i), element))
			return false;
	}
	return true;
}

/* Each element of the pattern is like some element of the other. */
static bool sets_like(const json_t *actual, const json_t *pattern)
{
	const json_t *wanted, *found;
	size_t i, j;

	if (json_array_size(actual) != json_array_size(pattern))
		return false;
	json_array_foreach (pattern, i, wanted) {
		bool any = false;
		json_array_foreach (actual, j, found)
			any |= like(found, wanted);
		if (!any)
			return false;
	}
	return true;
}

static bool is_tagged(const json_t *json)
{
	const char *tag = json_string_value(json_array_get(json, 0));

	return tag && (!strcmp(tag, "set") || !strcmp(tag, "map")) &&
	       json_is_array(json_array_get(json, 1));
}

static bool objects_like(const json_t *actual, const json_t *pattern)
{
	const char *name;
	json_t *value;
	bool open = json_object_get(pattern, "...");

	json_object_foreach ((json_t *)pattern, name, value) {
		const json_t *found = json_object_get(actual, name);
		if (strcmp(name, "...") && (!found || !like(found, value)))
			return false;
	}
	return open || json_object_size(actual) == json_object_size(pattern);
}

static bool like(const json_t *actual, const json_t *pattern)
{
	if (json_is_string(pattern) && !strcmp(json_string_value(pattern), "*"))
		return true;
	if (is_tagged(pattern) && is_tagged(actual))
		return like(json_array_get(actual, 0), json_array_get(pattern, 0)) &&
		       sets_like(json_array_get(actual, 1), json_array_get(pattern, 1));
	if (json_is_array(pattern) && json_is_array(actual))
		return arrays_like(actual, pattern);
	if (json_is_object(pattern) && json_is_object(actual))
		return objects_like(actual, pattern);
	return json_equal(actual, pattern);
}

bool json_like(json_t *actual, const char *pattern)
{
	json_t *wanted = json_format("%s", pattern);
	bool result = actual && like(actual, wanted);

	if (!result) {
		char *text = actual ? json_dumps(actual, JSON_ENCODE_ANY) : strdup("nothing");
		fprintf(stderr, "\n  expected %s\n  got      %s\n", pattern, text);
		free(text);
	}
	json_decref(wanted);
	json_decref(actual);
	return result;
}

const char *inserted(const json_t *result, size_t i)
{
	const json_t *uuid = json_object_get(json_array_get(result, i), "uuid");

	return json_string_value(json_array_get(uuid, 1));
}

void add_bridge(struct client *client, char *bridge)
{
	json_t *result =
		client_transact(client, "{'op':'insert','table':'Bridge','uuid-name':'b',"
					" 'row':{'name':'br0','ports':['named-uuid','p']}},"
					"{'op':'insert','table':'Port','uuid-name':'p',"
					" 'row':{'name':'br0','interfaces':['named-uuid','i']}},"
					"{'op':'insert','table':'Interface','uuid-name':'i',"
					" 'row':{'name':'br0','type':'internal'}},"
					"{'op':'mutate','table':'Open_vSwitch','where':[],"
					" 'mutations':[['bridges','insert',['named-uuid','b']]]}");
	const char *uuid = inserted(result, 0);

	require(uuid != NULL);
	if (bridge)
		snprintf(bridge, OVSDB_UUID_TEXT, "%s", uuid);
	json_decref(result);
}
