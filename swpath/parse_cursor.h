/* SPDX-License-Identifier: Apache-2.0
 *
 * A cursor over a frame that never reads past its end; shared by the parser's files.
 */
#ifndef SLUICE_SWPATH_PARSE_CURSOR_H
#define SLUICE_SWPATH_PARSE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "swpath/parse.h"

struct cursor {
	const uint8_t *data;
	uint32_t at;
	uint32_t avail; /* bytes that may be read */
	uint32_t end;   /* end of the frame, or of the IP packet: may lie behind avail */
};

static inline uint32_t cursor_left(const struct cursor *c)
{
	return c->end - c->at;
}

/* The next `n` bytes, or NULL if the frame has not that many. */
static inline const void *cursor_peek(const struct cursor *c, uint32_t n)
{
	if (n > c->end - c->at || c->at + n > c->avail)
		return NULL;
	return c->data + c->at;
}

static inline const void *cursor_pull(struct cursor *c, uint32_t n)
{
	const void *p = cursor_peek(c, n);

	if (p)
		c->at += n;
	return p;
}

/* The cursor stands at the IP header. */
void swpath_parse_ipv4(struct cursor *c, struct hal_key *key, struct swpath_layers *ly);
void swpath_parse_ipv6(struct cursor *c, struct hal_key *key, struct swpath_layers *ly);

/* The cursor stands behind the IP headers; key->ip_proto and ip_frag are set. */
void swpath_parse_l4(struct cursor *c, struct hal_key *key, struct swpath_layers *ly);

#endif
