/* SPDX-License-Identifier: Apache-2.0
 *
 * The other end of a unix socket that speaks JSON-RPC 1.0 (RFC 7047 section 4.1).
 *
 * What: connects, sends requests, receives messages one by one. Echo requests of the other side are
 * answered on the way. What goes wrong with the connection ends the program with advice.
 * Thread-safety: the program has one thread.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_PEER_H
#define SLUICE_TOOLS_SLUICECTL_PEER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct peer {
	int fd;
	double timeout_s;     /* for each answer; 0 waits for ever */
	const char *awaiting; /* what for, for the message when time is up */
	long long next_id;
	char *buf; /* received and not taken yet */
	size_t n, room;
	size_t scanned; /* so much of buf was looked at for the end of the message */
	int depth;      /* of braces and brackets there */
	bool in_string, escaped;
};

/* Connects to `path` in `rundir`. */
void peer_open(struct peer *p, const char *rundir, const char *path, double timeout_s);
void peer_close(struct peer *p);

/* Sends a request and returns its id. Takes the reference to params. */
long long peer_send(struct peer *p, const char *method, json_t *params);

/* The next message that is no echo: a new reference. */
json_t *peer_receive(struct peer *p);

/* Sends a request and waits for its reply: a new reference to the whole message. */
json_t *peer_call(struct peer *p, const char *method, json_t *params);

/* Ends the program: no daemon answers in `rundir`, `error` is the errno; says how to start one. */
_Noreturn void peer_not_running(const char *rundir, int error);

#endif
