/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int ovsdb_fail(struct ovsdb_error *error, const char *tag, const char *format, ...)
{
	if (error->tag)
		return -EINVAL;
	error->tag = tag;
	va_list args;
	va_start(args, format);
	vsnprintf(error->details, sizeof(error->details), format, args);
	va_end(args);
	return -EINVAL;
}

json_t *ovsdb_error_json(const struct ovsdb_error *error)
{
	json_t *json = json_pack("{s:s}", "error", error->tag);

	/* Details may quote a client's string cut inside a character, which
	 * strict UTF-8 checking refuses; they are always valid when short. */
	json_t *details = json_string(error->details);
	if (!details)
		details = json_string_nocheck("(not valid UTF-8)");
	json_object_set_new(json, "details", details);
	return json;
}
