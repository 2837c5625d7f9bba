/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON-RPC on a stream (RFC 7047, 4): messages follow each other with no
 * delimiter but their own braces.
 */
#ifndef OFCTL_OVSDB_JSONRPC_H
#define OFCTL_OVSDB_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct evbuffer;

/* Where the scan of the first message in a buffer has got to. */
struct ovsdb_framer {
	size_t scanned; /* bytes looked at */
	unsigned int depth;
	bool in_string, escaped;
};

/* Take the first whole message off 'input'. 0: '*message' is it (a new
 * reference, always an object), or NULL when more bytes are needed. -EPROTO:
 * what came is not JSON-RPC ('why' says how), -EMSGSIZE: it is longer than
 * 'max'; the stream can't be used further. */
int ovsdb_framer_next(struct ovsdb_framer *framer, struct evbuffer *input, size_t max,
	json_t **message, char why[128]);

/* A reply; takes the references to 'result' and 'error', of which one is
 * NULL, and its own to 'id'. */
json_t *ovsdb_jsonrpc_reply(json_t *id, json_t *result, json_t *error);

#endif /* OFCTL_OVSDB_JSONRPC_H */
