/* SPDX-License-Identifier: Apache-2.0
 *
 * COLUMN[:KEY] of the command line, and comparisons with it.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_CONDITION_H
#define SLUICE_TOOLS_SLUICECTL_CONDITION_H

#include "tools/sluicectl/command.h"

struct column_name {
	const struct column *column;
	json_t *key;      /* an atom, or NULL; the caller drops the reference */
	char *text;       /* the caller frees it */
	const char *rest; /* of what was read: behind the name */
};

/* Reads COLUMN or COLUMN:KEY up to the end or to a character of "=!<>+-" that ends it. */
void column_name_read(
	struct session *s, const struct table *t, const char *text, struct column_name *n);

/* Whether "COLUMN[:KEY] OP VALUE" is true of the row. */
bool condition_holds(struct session *s, const struct row *r, const char *text);

#endif
