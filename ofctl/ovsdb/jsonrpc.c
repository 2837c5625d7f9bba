/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/jsonrpc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Look at one byte; true when it ends a message. The parser checks the rest:
 * here only braces and brackets outside of strings matter. */
static bool scan_byte(struct ovsdb_framer *framer, char c)
{
	if (framer->in_string) {
		if (framer->escaped)
			framer->escaped = false;
		else if (c == '\\')
			framer->escaped = true;
		else if (c == '"')
			framer->in_string = false;
		return false;
	}
	if (c == '"')
		framer->in_string = true;
	else if (c == '{' || c == '[')
		framer->depth++;
	else if (c == '}' || c == ']')
		return framer->depth && !--framer->depth;
	return false;
}

/* Scan what is new in 'input'; true when a message ends at framer->scanned. */
static bool scan(struct ovsdb_framer *framer, struct evbuffer *input)
{
	while (framer->scanned < evbuffer_get_length(input)) {
		struct evbuffer_ptr at;
		struct evbuffer_iovec vec;
		evbuffer_ptr_set(input, &at, framer->scanned, EVBUFFER_PTR_SET);
		if (evbuffer_peek(input, -1, &at, &vec, 1) < 1)
			return false;
		const char *bytes = vec.iov_base;
		for (size_t i = 0; i < vec.iov_len; i++) {
			framer->scanned++;
			if (scan_byte(framer, bytes[i]))
				return true;
		}
	}
	return false;
}

/* Drop white space between messages. -EPROTO if no object starts then. */
static int skip_space(struct evbuffer *input, char why[128])
{
	char c;

	while (evbuffer_copyout(input, &c, 1) == 1) {
		if (!is_space(c)) {
			if (c == '{')
				return 0;
			snprintf(why, 128, "expected '{', found byte 0x%02x", (unsigned char)c);
			return -EPROTO;
		}
		evbuffer_drain(input, 1);
	}
	return 0;
}

int ovsdb_framer_next(struct ovsdb_framer *framer, struct evbuffer *input, size_t max,
	json_t **message, char why[128])
{
	json_error_t error;

	*message = NULL;
	if (!framer->scanned && skip_space(input, why))
		return -EPROTO;
	bool whole = scan(framer, input);
	if (framer->scanned > max) {
		snprintf(why, 128, "message longer than %zu bytes", max);
		return -EMSGSIZE;
	}
	if (!whole)
		return 0;

	size_t length = framer->scanned;
	memset(framer, 0, sizeof(*framer));
	const unsigned char *text = evbuffer_pullup(input, (ev_ssize_t)length);
	if (!text)
		return -ENOMEM;
	*message = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, &error);
	evbuffer_drain(input, length);
	if (!*message) {
		snprintf(why, 128, "%.100s (byte %d)", error.text, error.position);
		return -EPROTO;
	}
	return 0;
}

json_t *ovsdb_jsonrpc_reply(json_t *id, json_t *result, json_t *error)
{
	json_t *reply = json_object();

	json_object_set(reply, "id", id);
	json_object_set_new(reply, "result", result ? result : json_null());
	json_object_set_new(reply, "error", error ? error : json_null());
	return reply;
}
