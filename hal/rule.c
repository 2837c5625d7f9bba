/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/rule.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where the dashes are in a UUID's text (RFC 4122, 3). */
static bool is_dash(unsigned i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void hal_ufid_format(const struct hal_ufid *ufid, char buf[HAL_UFID_STR])
{
	snprintf(buf, HAL_UFID_STR,
		"%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		ufid->u[0] >> 32, ufid->u[0] >> 16 & 0xffff, ufid->u[0] & 0xffff, ufid->u[1] >> 48,
		ufid->u[1] & UINT64_C(0xffffffffffff));
}

int hal_ufid_parse(const char *text, struct hal_ufid *ufid)
{
	struct hal_ufid u = {{0, 0}};
	unsigned digits = 0;

	if (strlen(text) != HAL_UFID_STR - 1)
		return -EINVAL;
	for (unsigned i = 0; i < HAL_UFID_STR - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_dash(i)) {
			if (c != '-')
				return -EINVAL;
			continue;
		}
		if (!isxdigit(c))
			return -EINVAL;
		c = (unsigned char)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
		u.u[digits / 16] = u.u[digits / 16] << 4 | c;
		digits++;
	}
	*ufid = u;
	return 0;
}
