/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the daemon's RPC socket.
 *
 * What: finds the socket by the pid file of the run directory, sends a method with string
 * arguments, and prints the answer.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_RPC_H
#define SLUICE_TOOLS_SLUICECTL_RPC_H

#include "tools/sluicectl/options.h"
#include "tools/sluicectl/peer.h"

void rpc_open(struct peer *p, const struct options *o);

/* Sends a call without waiting; `args` are `n` strings. Returns the request's id. */
long long rpc_send(struct peer *p, const char *method, const char *const *args, unsigned n);

/* The text that the daemon answers (the caller frees it). NULL if it answers with an error, which
 * is copied to `err` (the caller frees it). */
char *rpc_ask(struct peer *p, const char *method, const char *const *args, unsigned n, char **err);

/* One call on a connection of its own: prints the answer, or the error. With --json the daemon is
 * asked for JSON. Returns the exit status. */
int rpc_run(const struct options *o, const char *method, const char *const *args, unsigned n);

/* The same for a method that knows no --json: with --json its text becomes a JSON string under
 * `key`. */
int rpc_run_text(const struct options *o, const char *key, const char *method,
	const char *const *args, unsigned n);

#endif
