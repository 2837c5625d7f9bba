/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operator asks of offload, as JSON.
 *
 * Thread-safety: control thread only.
 */
#ifndef SLUICE_OFCTL_BRIDGE_EXPLAIN_H
#define SLUICE_OFCTL_BRIDGE_EXPLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct bridges;

/* Devices with their room, refusals by reason, packets by path. A new reference or NULL. */
json_t *explain_status(struct bridges *b);

/* Every megaflow; `type` "offloaded" or "non-offloaded" selects, NULL is all. */
json_t *explain_flows(struct bridges *b, const char *type);

/* Why the megaflows that `what` names are where they are: a ufid, a cookie ("cookie=0x5" or a
 * number), or a match in ovs-ofctl's syntax, "BRIDGE MATCH" where several bridges have it. When no
 * megaflow fits a match, it is said what the first such packet would get. NULL with a message if
 * `what` makes no sense. */
json_t *explain_what(struct bridges *b, const char *what, char *err, size_t n);

/* The last decisions about rules, oldest first: at most `n`, or all that are about one rule. */
struct hal_ufid;
json_t *explain_log(struct bridges *b, unsigned n, const struct hal_ufid *ufid);

struct hal_cmatch;
struct hal_megaflow;
struct hal_reason;

/* The match as ovs-ofctl writes it, with the names of ports. */
void explain_match(struct bridges *b, const struct hal_cmatch *cm, char *buf, size_t n);

/* "device", "code", "reason", "advice", "since_ms" and, where there are, "field" and "action". */
json_t *explain_refusal(struct bridges *b, const char *device, const struct hal_reason *r);

/* ufid, recirc_id, match and actions. */
json_t *explain_megaflow(struct bridges *b, const struct hal_megaflow *mf);

/* A megaflow that nothing has yet, with "devices": for each whether it could be there, and if not
 * why. A new reference. */
json_t *explain_throw_away(struct bridges *b, const struct hal_megaflow *mf);

/* Where a megaflow is: fills "where", "device", "verified", "leaked" and "refusals". True: in a
 * device. */
bool explain_places(struct bridges *b, const struct hal_megaflow *mf, json_t *j);

/* Chains that a megaflow leads to, as "chains" of `j`; fill puts the megaflows there into those of
 * a whole list. */
void explain_parts_want(const struct hal_megaflow *mf, json_t *j);
void explain_parts_fill(struct bridges *b, json_t *list);

#endif
