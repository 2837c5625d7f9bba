/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading and printing actions has in common, one file for each family of them.
 *
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_TEXT_ACTION_H
#define SLUICE_OFCTL_OPENFLOW_TEXT_ACTION_H

#include "ofctl/openflow/actions.h"
#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/text.h"

/* A list of actions being read. */
struct of_text_parser {
	const struct of_port_names *names;
	const struct hal_match *match;
	struct of_actions *acts;
	struct of_instructions *ins; /* NULL: none may stand here */
	struct of_err *e;
	unsigned depth; /* of actions in actions */
};

/* Reads one action named `key`. `value` is what follows it (NULL: nothing), and may be cut up.
 * 0, -ENOMEM, or -EINVAL with a message. */
typedef int of_text_parse_fn(struct of_text_parser *p, const char *key, char *value);

of_text_parse_fn of_text_ct;
of_text_parse_fn of_text_learn;
of_text_parse_fn of_text_multipath;
of_text_parse_fn of_text_bundle;
of_text_parse_fn of_text_controller;
of_text_parse_fn of_text_output; /* to ports, to what a field says, of a part of the packet */
of_text_parse_fn of_text_clone;
of_text_parse_fn of_text_sample;
of_text_parse_fn of_text_stack; /* push, pop */
of_text_parse_fn of_text_check_pkt_larger;
of_text_parse_fn of_text_conjunction;
of_text_parse_fn of_text_fin_timeout;
of_text_parse_fn of_text_note;
of_text_parse_fn of_text_delete_field;
of_text_parse_fn of_text_dec_ttl;

/* Actions inside of `a`: a list that may hold no instructions. */
int of_text_nested(struct of_text_parser *p, char *text, struct of_actions *acts);

/* Appends, or frees what `a` owns. */
int of_text_push(struct of_text_parser *p, struct of_action *a);

/* A number into 8, 16 or 32 bits. 0 or -EINVAL. */
int of_text_u8(struct of_text_parser *p, const char *what, const char *s, uint8_t *v);
int of_text_u16(struct of_text_parser *p, const char *what, const char *s, uint16_t *v);
int of_text_u32(struct of_text_parser *p, const char *what, const char *s, uint32_t *v);

/* The part after "->", which is cut off; NULL with a message if there is none. */
char *of_text_arrow(struct of_text_parser *p, const char *key, char *value);

/* Bits of a field; `write`: that can be written. 0 or -EINVAL with a message. */
int of_text_sub(
	struct of_text_parser *p, const char *key, char *s, bool write, struct of_subfield *sf);

/* Bytes as "01.02.03". 0, -ENOMEM, -EINVAL. `*data` is the caller's to free. */
int of_text_hex(
	struct of_text_parser *p, const char *key, const char *s, uint8_t **data, uint16_t *len);

/* ---- printing ---- */

typedef void of_text_print_fn(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names);

of_text_print_fn of_text_put_ct;
of_text_print_fn of_text_put_learn;
of_text_print_fn of_text_put_multipath;
of_text_print_fn of_text_put_bundle;
of_text_print_fn of_text_put_controller;
of_text_print_fn of_text_put_nx; /* the rest */

void of_text_put_sub(struct of_text *t, const struct of_subfield *sf);
/* A field's value as actions have it; `mask` NULL: exact. */
void of_text_put_value(
	struct of_text *t, enum hal_field_id field, const uint8_t *value, const uint8_t *mask);
void of_text_put_hex(struct of_text *t, const uint8_t *data, size_t len); /* "01.02.03" */

/* "name(" was put and members with commas behind them: the last comma becomes the parenthesis. */
void of_text_close(struct of_text *t);

#endif
