/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors in the form of RFC 7047: a short tag that programs compare, and
 * details for people. Functions that can fail for the client's fault return
 * -EINVAL and fill one of these.
 */
#ifndef OFCTL_OVSDB_ERROR_H
#define OFCTL_OVSDB_ERROR_H

#include <jansson.h>

#define OVSDB_E_SYNTAX "syntax error"
#define OVSDB_E_CONSTRAINT "constraint violation"
#define OVSDB_E_REFERENCE "referential integrity violation"
#define OVSDB_E_DOMAIN "domain error"
#define OVSDB_E_RANGE "range error"
#define OVSDB_E_TIMED_OUT "timed out"
#define OVSDB_E_ABORTED "aborted"
#define OVSDB_E_NOT_OWNER "not owner"
#define OVSDB_E_IO "I/O error"
#define OVSDB_E_UNKNOWN_FUNCTION "unknown function"
#define OVSDB_E_UNKNOWN_MUTATOR "unknown mutator"
#define OVSDB_E_UNKNOWN_COLUMN "unknown column"
#define OVSDB_E_UNKNOWN_DATABASE "unknown database"
#define OVSDB_E_UNKNOWN_MONITOR "unknown monitor"
#define OVSDB_E_DUPLICATE_UUID "duplicate uuid"
#define OVSDB_E_DUPLICATE_NAME "duplicate uuid-name"
#define OVSDB_E_NOT_ALLOWED "not allowed"
#define OVSDB_E_RESOURCES "resources exhausted"

struct ovsdb_error {
	const char *tag; /* one of the above, or NULL: no error */
	char details[256];
};

/* Fill 'error' (unless it already holds one); always -EINVAL. */
int ovsdb_fail(struct ovsdb_error *error, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* {"error": tag, "details": text}, a new reference. */
json_t *ovsdb_error_json(const struct ovsdb_error *error);

#endif /* OFCTL_OVSDB_ERROR_H */
