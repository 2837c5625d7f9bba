/* SPDX-License-Identifier: Apache-2.0
 *
 * What readers and printers of actions share.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/text_action.h"

int of_text_push(struct of_text_parser *p, struct of_action *a)
{
	int err = of_actions_push(p->acts, a);

	if (err)
		of_action_free(a);
	return err;
}

int of_text_u8(struct of_text_parser *p, const char *what, const char *s, uint8_t *v)
{
	uint64_t u;
	int err = of_text_u64(what, s, UINT8_MAX, &u, p->e);

	if (!err)
		*v = (uint8_t)u;
	return err;
}

int of_text_u16(struct of_text_parser *p, const char *what, const char *s, uint16_t *v)
{
	uint64_t u;
	int err = of_text_u64(what, s, UINT16_MAX, &u, p->e);

	if (!err)
		*v = (uint16_t)u;
	return err;
}

int of_text_u32(struct of_text_parser *p, const char *what, const char *s, uint32_t *v)
{
	uint64_t u;
	int err = of_text_u64(what, s, UINT32_MAX, &u, p->e);

	if (!err)
		*v = (uint32_t)u;
	return err;
}

char *of_text_arrow(struct of_text_parser *p, const char *key, char *value)
{
	char *to = value ? strstr(value, "->") : NULL;

	if (!to) {
		of_text_bad(
			p->e, "%s: \"%s\": expected %s:WHAT->FIELD", key, value ? value : "", key);
		return NULL;
	}
	*to = '\0';
	return to + 2;
}

int of_text_sub(
	struct of_text_parser *p, const char *key, char *s, bool write, struct of_subfield *sf)
{
	if (of_subfield_parse(s, sf, p->e))
		return -EINVAL;
	if (write && !hal_fields[sf->field].writable)
		return of_text_bad(p->e, "%s: \"%s\" is no field that can be set", key, s);
	return 0;
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

int of_text_hex(
	struct of_text_parser *p, const char *key, const char *s, uint8_t **data, uint16_t *len)
{
	size_t max = s ? strlen(s) / 2 + 1 : 1;
	uint8_t *out = malloc(max);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (const char *at = s; at && *at;) {
		if (*at == '.') {
			at++;
			continue;
		}
		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]) ||
			n >= UINT16_MAX) {
			free(out);
			return of_text_bad(p->e,
				"%s: \"%s\": expected bytes as pairs of hexadecimal digits, such "
				"as 01.23.4f",
				key, s);
		}
		out[n++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
		at += 2;
	}
	*data = out;
	*len = (uint16_t)n;
	return 0;
}

void of_text_put_sub(struct of_text *t, const struct of_subfield *sf)
{
	char text[96];

	of_subfield_format(sf, text, sizeof(text));
	of_text_put(t, "%s", text);
}

/* Numbers that have four digits in a match have no more than they need here. */
void of_text_put_value(
	struct of_text *t, enum hal_field_id field, const uint8_t *value, const uint8_t *mask)
{
	char text[HAL_VALUE_MAX * 4 + 8];

	if (field == FIELD_ETH_TYPE || field == FIELD_VLAN_TCI) {
		unsigned v = (unsigned)value[0] << 8 | value[1];

		of_text_put(t, v ? "0x%x" : "%x", v);
		if (mask)
			of_text_put(t, "/0x%x", (unsigned)mask[0] << 8 | mask[1]);
		return;
	}
	hal_field_format(field, value, mask, text, sizeof(text));
	of_text_put(t, "%s", text);
}

void of_text_put_hex(struct of_text *t, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		of_text_put(t, "%s%02x", i ? "." : "", data[i]);
}

void of_text_close(struct of_text *t)
{
	if (!t->failed && t->len && t->s[t->len - 1] == ',')
		t->len--;
	of_text_put(t, ")");
}
