/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of rows that one transaction inserts ("uuid-name"), so that other
 * operations of it can refer to them as ["named-uuid", NAME], before or
 * after the insert.
 */
#ifndef OFCTL_OVSDB_NAMES_H
#define OFCTL_OVSDB_NAMES_H

#include "ofctl/ovsdb/ovsdb.h"
#include "ofctl/ovsdb/error.h"

struct ovsdb_names; /* created on first use, NULL is the empty set */

struct ovsdb_names *ovsdb_names_new(void);
void ovsdb_names_free(struct ovsdb_names *names);

/* The uuid that 'name' stands for, chosen now if this is its first mention. */
int ovsdb_names_lookup(struct ovsdb_names *names, const char *name, struct ovsdb_uuid *uuid);

/* A row is inserted as 'name': with '*uuid' if 'chosen', which must then be
 * the name's first mention, else '*uuid' is set to the name's uuid. */
int ovsdb_names_insert(struct ovsdb_names *names, const char *name, struct ovsdb_uuid *uuid,
	bool chosen, struct ovsdb_error *error);

/* Fails if a name was mentioned that no insert defined. */
int ovsdb_names_check(const struct ovsdb_names *names, struct ovsdb_error *error);

#endif /* OFCTL_OVSDB_NAMES_H */
