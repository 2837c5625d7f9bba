/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches that operators type, in ovs-ofctl's syntax, over packets of the datapath.
 *
 * Thread-safety: control thread only.
 */
#ifndef SLUICE_OFCTL_BRIDGE_MATCH_TEXT_H
#define SLUICE_OFCTL_BRIDGE_MATCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct bridge;
struct bridges;
struct hal_match;

/* Reads "[BRIDGE ]MATCH"; without a bridge, port names and numbers are the first one's. An input
 * port that is open is put into the datapath's part of the match too. *named: the bridge was given.
 * 0, or -1 with a message. */
int match_text_read(struct bridges *b, const char *text, struct bridge **br, bool *named,
	struct hal_match *m, char *err, size_t n);

#endif
