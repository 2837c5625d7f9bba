/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections as text and JSON, in the layout of `ovs-appctl dpctl/dump-conntrack`, and tuples
 * read. Thread-safety: pure functions.
 */
#ifndef SLUICE_OFCTL_BRIDGE_CT_TEXT_H
#define SLUICE_OFCTL_BRIDGE_CT_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>

#include "swpath/conntrack.h"

/* One line. `more` adds what each direction is in, `timeout` how long it has left. */
void ct_text_entry(FILE *f, const struct conntrack_entry *e, bool more, bool timeout);
json_t *ct_text_json(const struct conntrack_entry *e); /* NULL without memory */

/* Reads "ct_nw_src=10.0.0.1,ct_nw_proto=6,..." into a match, of the original or the reply
 * direction. False with a message. */
bool ct_text_parse(const char *text, bool reply, struct conntrack_match *m, char *err, size_t n);

/* The name of a protocol, or NULL. */
const char *ct_text_proto(uint8_t proto);

/* The state that stands for both directions of a TCP connection. */
enum conntrack_tcp_state ct_text_tcp_state(const struct conntrack_entry *e);

#endif
