/* SPDX-License-Identifier: Apache-2.0
 *
 * The RPC socket: JSON-RPC in the form that ovs-appctl speaks. A request names a command and a list
 * of string arguments; the result is text.
 *
 * What: `<rundir>/sluiced.<pid>.ctl`, and `<rundir>/sluiced.pid` by which clients find it. A
 * command is an entry of a table; its handler answers now or later.
 * Thread-safety: control thread only.
 */
#ifndef SLUICE_OFCTL_BRIDGE_RPC_H
#define SLUICE_OFCTL_BRIDGE_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct bridges;
struct bufferevent;
struct rpc_call;

typedef void rpc_handler(struct rpc_call *call);

struct rpc_command {
	const char *name;
	const char *usage; /* arguments, as list-commands shows them */
	int min_args, max_args;
	rpc_handler *handler;
};

/* Commands by theme, ended by a NULL name. */
extern const struct rpc_command rpc_flow_commands[], rpc_group_commands[], rpc_ct_commands[],
	rpc_offload_commands[], rpc_audit_commands[], rpc_daemon_commands[], rpc_tunnel_commands[],
	rpc_capture_commands[], rpc_capabilities_commands[];

struct bridges *rpc_bridges(const struct rpc_call *call);

/* Arguments without "--json", which sets rpc_wants_json(). NULL behind the last. */
const char *rpc_arg(const struct rpc_call *call, int i);
int rpc_n_args(const struct rpc_call *call);
bool rpc_wants_json(const struct rpc_call *call);

/* Answer; the call is gone after. rpc_reply_json takes the reference. */
void rpc_reply(struct rpc_call *call, const char *text);
void rpc_reply_json(struct rpc_call *call, json_t *json);
void rpc_error(struct rpc_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Answers as rpc_reply_json() does, and gives the connection to the caller for what follows: the
 * call is gone, and no further one is read. NULL: the client went away. */
struct bufferevent *rpc_reply_stream(struct rpc_call *call, json_t *json);

/* A stream for a long answer, which rpc_reply_written() closes and sends. NULL: memory ran out, and
 * the call was answered. */
FILE *rpc_writer(struct rpc_call *call);
void rpc_reply_written(struct rpc_call *call);

/* Answers with the JSON, or with what `print` makes of it. Takes the reference; NULL: memory ran
 * out. */
void rpc_reply_printed(struct rpc_call *call, json_t *j, void (*print)(FILE *f, const json_t *j));

/* A member of an object as it is printed: "" and 0 where there is none. */
static inline const char *rpc_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static inline long long rpc_number(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

/* Milliseconds since the epoch as "2024-05-01 13:02:11.123", local time. */
void rpc_time(long long ms, char buf[32]);

/* Runs `then` with the call once statistics are fresh (pipeline_refresh). */
void rpc_after_refresh(struct rpc_call *call, rpc_handler *then);

/* The same once changes are in force everywhere (pipeline_barrier). */
void rpc_after_barrier(struct rpc_call *call, rpc_handler *then);

/* The bridge that argument `i` names, or NULL, and then the call was answered. */
struct bridge *rpc_bridge(struct rpc_call *call, int i);

/* All commands, for list-commands. */
void rpc_list(FILE *f);

#endif
