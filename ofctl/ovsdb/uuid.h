/* SPDX-License-Identifier: Apache-2.0
 *
 * UUIDs: text form and generation. Public parts are in ovsdb.h.
 */
#ifndef OFCTL_OVSDB_UUID_H
#define OFCTL_OVSDB_UUID_H

#include "ofctl/ovsdb/ovsdb.h"

/* A random (version 4) uuid. Not for secrets: the generator is seeded by the
 * kernel, then runs in user space. Event-loop thread only. */
struct ovsdb_uuid ovsdb_uuid_random(void);

/* Parse the 36-character text form; false if 'text' is anything else. */
bool ovsdb_uuid_parse(struct ovsdb_uuid *uuid, const char *text);
bool ovsdb_uuid_is_nil(const struct ovsdb_uuid *uuid);
int ovsdb_uuid_compare(const struct ovsdb_uuid *a, const struct ovsdb_uuid *b);
uint32_t ovsdb_uuid_hash(const struct ovsdb_uuid *uuid);

#endif /* OFCTL_OVSDB_UUID_H */
