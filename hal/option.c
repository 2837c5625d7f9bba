/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/base/mem.h"
#include "hal/tlv.h"

#define PREFIX "tun_metadata"

bool hal_option_by_name(const char *name, size_t len, unsigned *n)
{
	size_t prefix = strlen(PREFIX);
	unsigned v = 0;

	if (len <= prefix || len > prefix + 2 || strncmp(name, PREFIX, prefix) != 0)
		return false;
	for (size_t i = prefix; i < len; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
		v = v * 10 + (unsigned)(name[i] - '0');
	}
	*n = v;
	return v < HAL_TLV_MAX;
}

static const struct hal_tlv *entry_of(unsigned n)
{
	const struct hal_tlv *e = &hal_tlv_table()->entry[n];

	return n < HAL_TLV_MAX && e->used ? e : NULL;
}

unsigned hal_option_bytes(unsigned n)
{
	const struct hal_tlv *e = entry_of(n);

	return e ? e->len : 0;
}

static rte_be64_t presence(unsigned n)
{
	return rte_cpu_to_be_64(UINT64_C(1) << n);
}

void hal_option_match(struct hal_match *m, unsigned n, const uint8_t *value, const uint8_t *mask)
{
	const struct hal_tlv *e = entry_of(n);

	if (!e)
		return;
	m->value.dp.tun_opts_present |= presence(n);
	m->mask.dp.tun_opts_present |= presence(n);
	for (unsigned i = 0; i < e->len; i++) {
		uint8_t care = mask ? mask[i] : 0xff;

		m->mask.dp.tun_opts[e->offset + i] = care;
		m->value.dp.tun_opts[e->offset + i] = value[i] & care;
	}
}

bool hal_option_matched(
	const void *value, const void *mask, unsigned n, uint8_t *v, uint8_t *v_mask, bool *exact)
{
	const struct hal_key *kv = value, *km = mask;
	const struct hal_tlv *e = entry_of(n);
	bool any = false;

	if (!e)
		return false;
	*exact = true;
	for (unsigned i = 0; i < e->len; i++) {
		v_mask[i] = km->tun_opts[e->offset + i];
		v[i] = kv->tun_opts[e->offset + i] & v_mask[i];
		any |= v_mask[i];
		*exact &= v_mask[i] == 0xff;
	}
	return any || km->tun_opts_present & presence(n);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `len` characters of a number. */
static bool parse_number(const char *s, size_t len, uint8_t *out, unsigned bytes)
{
	memset(out, 0, bytes);
	if (len > 2 && !strncasecmp(s, "0x", 2)) {
		for (size_t i = 0; i < len - 2; i++) {
			int d = hex_digit(s[len - 1 - i]);

			if (d < 0 || (d && i / 2 >= bytes))
				return false;
			if (d)
				out[bytes - 1 - i / 2] |= (uint8_t)(i % 2 ? d << 4 : d);
		}
		return true;
	}
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned carry = (unsigned)(s[i] - '0');

		if (!isdigit((unsigned char)s[i]))
			return false;
		for (unsigned b = bytes; b-- > 0;) {
			carry += out[b] * 10u;
			out[b] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return false;
	}
	return true;
}

int hal_option_parse(unsigned n, unsigned bytes, const char *text, uint8_t *value, uint8_t *mask,
	char *err, size_t err_n)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	memset(mask, 0xff, bytes);
	if (!parse_number(text, len, value, bytes) ||
		(slash && !parse_number(slash + 1, strlen(slash + 1), mask, bytes))) {
		if (err_n)
			snprintf(err, err_n,
				PREFIX "%u: \"%s\" is not valid: expected a number, or VALUE/MASK "
				       "(%u bytes)",
				n, text, bytes);
		return -EINVAL;
	}
	for (unsigned i = 0; i < bytes; i++)
		value[i] &= mask[i];
	return 0;
}

static void put_hex(struct hal_text *t, const uint8_t *p, unsigned n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	if (!n) {
		hal_text_put(t, "0");
		return;
	}
	hal_text_put(t, "0x%x", *p);
	while (--n)
		hal_text_put(t, "%02x", *++p);
}

void hal_option_put(struct hal_text *t, const uint8_t *value, const uint8_t *mask, unsigned bytes)
{
	put_hex(t, value, bytes);
	if (!mask)
		return;
	hal_text_put(t, "/");
	put_hex(t, mask, bytes);
}

void hal_options_put(
	struct hal_text *t, const void *value, const void *mask, bool *present, bool *opts)
{
	const struct hal_key *kv = value, *km = mask;
	uint64_t there = rte_be_to_cpu_64(kv->tun_opts_present & km->tun_opts_present);
	uint64_t left = rte_be_to_cpu_64(km->tun_opts_present);
	uint8_t rest[sizeof(km->tun_opts)], v[HAL_OPTION_MAX], m[HAL_OPTION_MAX];
	bool exact;

	memcpy(rest, km->tun_opts, sizeof(rest));
	for (unsigned n = 0; n < HAL_TLV_MAX; n++) {
		const struct hal_tlv *e = entry_of(n);

		if (!e || !(there >> n & 1) || !hal_option_matched(value, mask, n, v, m, &exact))
			continue;
		hal_text_comma(t, 0);
		hal_text_put(t, PREFIX "%u", n);
		if (!mem_is_zero(m, e->len)) {
			hal_text_put(t, "=");
			hal_option_put(t, v, exact ? NULL : m, e->len);
		}
		left &= ~(UINT64_C(1) << n);
		memset(rest + e->offset, 0, e->len);
	}
	*present = left != 0;
	*opts = !mem_is_zero(rest, sizeof(rest));
}
