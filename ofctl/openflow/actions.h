/* SPDX-License-Identifier: Apache-2.0
 *
 * What the action codecs of the versions and the text parser share.
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_ACTIONS_H
#define SLUICE_OFCTL_OPENFLOW_ACTIONS_H

#include "ofctl/openflow/buf.h"
#include "ofctl/openflow/message.h"

/* Appends `a`, and takes over what it owns. 0 or -ENOMEM (the list is as before, and so is `a`). */
int of_actions_push(struct of_actions *acts, const struct of_action *a);

/* Appends SET_FIELD, as a set_field; `mask` NULL: the whole field. Value and mask have
 * hal_field_bytes(). */
int of_actions_push_set(struct of_actions *acts, enum hal_field_id field, const uint8_t *value,
	const uint8_t *mask);
/* Appends SET_FIELD, as an action that the field has of its own. */
int of_actions_push_mod(struct of_actions *acts, enum hal_field_id field, const uint8_t *value);
int of_actions_push_mod_u64(struct of_actions *acts, enum hal_field_id field, uint64_t value);

/* Appends what sets the transport source or destination port of any protocol that `match` leaves
 * possible: 1.0 and the text "mod_tp_src" do not say which. */
int of_actions_push_set_tp(
	struct of_actions *acts, bool dst, uint16_t port, const struct hal_match *match);

/* How many actions from `i` on are such a set of one port: 0 if none. */
unsigned of_actions_tp_run(const struct of_actions *acts, unsigned i);

/* Appends SET_FIELD, in the form of a load, of at most 64 bits of a field. 0, -ENOMEM or -EINVAL.
 */
int of_actions_push_load(struct of_actions *acts, const struct of_subfield *sf, uint64_t value);

/* True if packets can be sent to this port by an action. */
bool of_out_port_ok(uint32_t port);

/* What actions are read with. */
struct of_decode {
	uint8_t version;
	const struct hal_match *match; /* may be NULL: as for of_actions_decode() */
	struct of_instructions *ins;   /* may be NULL: what is an instruction is refused */
	unsigned depth;                /* how many actions it is nested in */
};
#define OF_MAX_DEPTH 64 /* of actions nested in actions */

/* Takes one action off `r`. */
enum of_error of_action_decode(
	const struct of_decode *ctx, struct of_rd *r, struct of_actions *acts);

/* One action of a version: `r` holds its body after type and length. */
enum of_error of_action10_decode(
	uint16_t type, struct of_rd r, const struct hal_match *match, struct of_actions *acts);
enum of_error of_action13_decode(
	uint16_t type, struct of_rd r, uint8_t version, struct of_actions *acts);
enum of_error of_action_nx_decode(
	struct of_rd r, const struct of_decode *ctx, struct of_actions *acts);

void of_action10_encode(struct of_buf *b, const struct of_action *a);
void of_action13_encode(struct of_buf *b, uint8_t version, const struct of_action *a);
/* Actions that only the extension has; `a` of any other type is left out. */
void of_action_nx_encode(struct of_buf *b, uint8_t version, const struct of_action *a);
size_t of_action_nx_begin(struct of_buf *b, uint16_t subtype);
void of_action_end(struct of_buf *b, size_t start); /* pads, and fills in the length */

#endif
