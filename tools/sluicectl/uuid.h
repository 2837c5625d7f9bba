/* SPDX-License-Identifier: Apache-2.0
 *
 * The text form of a UUID (RFC 4122), as rows are named.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_UUID_H
#define SLUICE_TOOLS_SLUICECTL_UUID_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define UUID_LEN 36

/* Whether `s` could be the beginning of one. */
static inline bool uuid_is_beginning(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (i >= UUID_LEN || (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i])))
			return false;
	}
	return true;
}

static inline bool uuid_is_valid(const char *s)
{
	return strlen(s) == UUID_LEN && uuid_is_beginning(s);
}

#endif
