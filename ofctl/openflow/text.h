/* SPDX-License-Identifier: Apache-2.0
 *
 * What the text parser and printer share: tokens, numbers, names of fields and bits of them.
 *
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_TEXT_H
#define SLUICE_OFCTL_OPENFLOW_TEXT_H

#include "ofctl/openflow/flow_text.h"

/* Where a parser's message goes. */
struct of_err {
	char *text;
	size_t n;
};

/* Writes the message and returns -EINVAL. */
int of_text_bad(struct of_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cuts the next "key", "key=value", "key:value" or "key(value)" off `*rest`, in place. `value` is
 * NULL if there is none; of "key(value)->target" it is "value)->target". 0, -ENOENT at the end, or
 * -EINVAL with a message. */
int of_text_next(char **rest, char **key, char **value, struct of_err *e);

/* An unsigned number, decimal or 0x hexadecimal, "-1" being all ones. 0 or -EINVAL with a message
 * that names `what`. */
int of_text_u64(const char *what, const char *s, uint64_t max, uint64_t *out, struct of_err *e);

/* "NXM_NX_REG0[0..15]", "reg0[]", "reg0[3]", "reg0". 0 or -EINVAL with a message. */
int of_subfield_parse(char *s, struct of_subfield *sf, struct of_err *e);
/* A field's name where a value is set or learned: as stock tools print it. */
const char *of_field_name(enum hal_field_id field);
int of_subfield_format(const struct of_subfield *sf, char *buf, size_t n);

/* Parses a list of actions; instructions in it go to `ins` (NULL: they are errors). `match` says
 * what "mod_tp_src" means; it may be NULL. */
int of_text_actions(char *text, const struct of_port_names *names, const struct hal_match *match,
	struct of_actions *acts, struct of_instructions *ins, struct of_err *e);

/* Text that grows; `failed` once memory ran out. */
struct of_text {
	char *s; /* owned */
	size_t len, cap;
	bool failed;
};
void of_text_put(struct of_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Gives the text to the caller, NULL if memory ran out. */
char *of_text_take(struct of_text *t);

void of_text_put_actions(
	struct of_text *t, const struct of_actions *acts, const struct of_port_names *names);
void of_text_put_instructions(
	struct of_text *t, const struct of_instructions *ins, const struct of_port_names *names);

#endif
