/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the OVSDB server share: a server on an event loop in this
 * process, clients on its socket, and JSON written with ' for ".
 */
#ifndef TESTS_UNIT_OVSDB_HARNESS_H
#define TESTS_UNIT_OVSDB_HARNESS_H

#include "ofctl/ovsdb/ovsdb.h"

#include <CUnit/CUnit.h>
#include <event2/event.h>
#include <jansson.h>

#define MESSAGE_TIMEOUT_MS 10000

struct server {
	struct event_base *base;
	struct ovsdb *db;
	char dir[64];
	char sock[96];
	char file[96];
};

struct client {
	struct server *server; /* NULL: in another process */
	int fd;
	char *buffer;
	size_t n, max;
	int next_id;
};

/* In memory, or in server->file if 'stored'. */
void server_start(struct server *server, bool stored);
/* As after a crash of nothing: close and open the same file. */
int server_restart(struct server *server);
void server_stop(struct server *server);
/* Run the event loop for a while. */
void server_run(struct server *server, int ms);

void client_open(struct client *client, struct server *server);
void client_connect(struct client *client, const char *path);
void client_close(struct client *client);
void client_send_text(struct client *client, const char *text);
/* The next message, or NULL: the connection is closed ('*closed'), or nothing
 * came for 'timeout_ms'. */
json_t *client_receive(struct client *client, int timeout_ms, bool *closed);
/* Send a request and return its whole reply; what comes before is put into
 * '*before' (an array) or dropped. */
json_t *client_call(struct client *client, const char *method, json_t *params, json_t **before);
/* The result of a transaction, given as operations without brackets. */
json_t *client_transact(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Is the connection closed within a while? */
bool client_is_closed(struct client *client);

/* JSON from a format with ' for ". */
json_t *json_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does 'actual' look like 'pattern'? In it, the string "*" stands for
 * anything, and the member "..." of an object for other members. Sets and
 * maps of OVSDB may be in any order. Prints both if not. Takes 'actual'. */
bool json_like(json_t *actual, const char *pattern);

/* CU_ASSERT on the result of a transaction. */
#define ASSERT_LIKE(ACTUAL, PATTERN) CU_ASSERT(json_like(ACTUAL, PATTERN))

/* The uuid that operation 'i' of a result inserted. */
const char *inserted(const json_t *result, size_t i);

/* A bridge "br0" with its port and interface; returns the uuid of the bridge
 * in 'bridge' (37 bytes). */
void add_bridge(struct client *client, char *bridge);

int suite_datum(void);
int suite_schema(void);
int suite_transact(void);
int suite_integrity(void);
int suite_monitor(void);
int suite_protocol(void);
int suite_store(void);
int suite_api(void);

#endif /* TESTS_UNIT_OVSDB_HARNESS_H */
