/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/field.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/base/be.h"
#include "hal/field_names.h"

#define TEXT_MAX 300 /* bytes: "0x" and 256 digits, with room */

/* Ports that OpenFlow 1.0 numbers in 16 bits stand for those at the end of the 32-bit range. */
#define OFP10_FIRST_RESERVED 0xfff8u
#define OFP10_LAST_RESERVED 0xffffu

static bool parse_u64(const char *text, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*v = strtoull(text, &end, 0);
	return !errno && !*end;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits of any number of bytes. */
static bool parse_wide_hex(const char *digits, uint8_t *out, unsigned bytes)
{
	unsigned n;

	digits += strspn(digits, "0");
	n = (unsigned)strlen(digits);
	if (n > bytes * 2)
		return false;
	memset(out, 0, bytes);
	for (unsigned i = 0; i < n; i++) {
		int d = hex_digit(digits[n - 1 - i]);

		if (d < 0)
			return false;
		out[bytes - 1 - i / 2] |= (uint8_t)(i % 2 ? d << 4 : d);
	}
	return true;
}

static bool parse_number(enum hal_field_id id, const char *text, uint8_t *out)
{
	unsigned bytes = hal_field_bytes(id), bits = hal_fields[id].bits;
	uint64_t v;

	if (bytes > 8 && !strncasecmp(text, "0x", 2) && text[2])
		return parse_wide_hex(text + 2, out, bytes);
	if (!parse_u64(text, &v) || (bits < 64 && v >> bits))
		return false;
	memset(out, 0, bytes);
	be_store(out + bytes - (bytes < 8 ? bytes : 8), bytes < 8 ? bytes : 8, v);
	return true;
}

static bool parse_mac(const char *text, uint8_t *out)
{
	for (unsigned i = 0; i < 6; i++) {
		int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (hi < 0)
			return false;
		if (lo < 0) { /* one digit will do */
			lo = hi;
			hi = 0;
			text += 1;
		} else {
			text += 2;
		}
		out[i] = (uint8_t)(hi << 4 | lo);
		if (*text++ != (i < 5 ? ':' : '\0'))
			return false;
	}
	return true;
}

static bool parse_prefix_len(const char *text, uint8_t *mask, unsigned bytes)
{
	uint64_t len;

	if (!parse_u64(text, &len) || len > bytes * 8)
		return false;
	memset(mask, 0, bytes);
	for (unsigned i = 0; i < len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return true;
}

static bool parse_port(const char *text, uint8_t *out)
{
	uint64_t v;
	uint32_t port;

	if (hal_port_by_word(text, &port)) {
		be_store(out, 4, port);
		return true;
	}
	if (!parse_u64(text, &v) || v > UINT32_MAX)
		return false;
	if (v >= OFP10_FIRST_RESERVED && v <= OFP10_LAST_RESERVED)
		v |= 0xffff0000;
	be_store(out, 4, v);
	return true;
}

/* "(namespace,type)" */
static bool parse_packet_type(const char *text, uint8_t *out)
{
	char *end;
	unsigned long ns, type;

	if (!isdigit((unsigned char)text[1]))
		return false;
	ns = strtoul(text + 1, &end, 0);
	if (*end != ',' || !isdigit((unsigned char)end[1]))
		return false;
	type = strtoul(end + 1, &end, 0);
	if (strcmp(end, ")") || ns > UINT16_MAX || type > UINT16_MAX)
		return false;
	be_store(out, 4, ns << 16 | type);
	return true;
}

static bool flag_bit(const struct hal_flag *flags, const char *name, size_t len, uint32_t *bit)
{
	for (; flags->name; flags++) {
		if (strncmp(flags->name, name, len) || flags->name[len])
			continue;
		*bit = flags->bit;
		return true;
	}
	return false;
}

/* "+syn-ack": bits that are set and bits that are not; others do not matter. */
static bool parse_signed_flags(
	enum hal_field_id id, const char *text, uint8_t *value, uint8_t *mask)
{
	const struct hal_flag *flags = hal_flags(hal_fields[id].format);
	uint32_t set = 0, care = 0, bit;

	while (*text) {
		char sign = *text++;
		size_t len = strcspn(text, "+-");

		if ((sign != '+' && sign != '-') || !flag_bit(flags, text, len, &bit) || care & bit)
			return false;
		care |= bit;
		set |= sign == '+' ? bit : 0;
		text += len;
	}
	be_store(value, hal_field_bytes(id), set);
	be_store(mask, hal_field_bytes(id), care);
	return true;
}

/* "syn|ack": these bits and no others. */
static bool parse_exact_flags(enum hal_field_id id, const char *text, uint8_t *value)
{
	const struct hal_flag *flags = hal_flags(hal_fields[id].format);
	uint32_t set = 0, bit;

	for (;;) {
		size_t len = strcspn(text, "|");

		if (!flag_bit(flags, text, len, &bit))
			return false;
		set |= bit;
		text += len;
		if (!*text)
			break;
		text++;
	}
	be_store(value, hal_field_bytes(id), set);
	return true;
}

static bool parse_frag_word(const char *text, uint8_t *value, uint8_t *mask)
{
	for (const struct hal_frag_word *w = hal_frag_words; w->word; w++) {
		if (strcmp(w->word, text))
			continue;
		*value = w->value;
		*mask = w->mask;
		return true;
	}
	return false;
}

/* Forms in which a word says value and mask at once. */
static bool parse_words(enum hal_field_id id, const char *text, uint8_t *value, uint8_t *mask)
{
	if (hal_fields[id].format == FMT_FRAG)
		return parse_frag_word(text, value, mask);
	if (!hal_flags(hal_fields[id].format))
		return false;
	if (*text == '+' || *text == '-')
		return parse_signed_flags(id, text, value, mask);
	return parse_exact_flags(id, text, value);
}

static bool parse_value(enum hal_field_id id, const char *text, uint8_t *value)
{
	switch (hal_fields[id].format) {
	case FMT_MAC:
		return parse_mac(text, value);
	case FMT_IPV4:
		return inet_pton(AF_INET, text, value) == 1;
	case FMT_IPV6:
		return inet_pton(AF_INET6, text, value) == 1;
	case FMT_PORT:
		return parse_port(text, value);
	case FMT_PACKET_TYPE:
		if (*text == '(')
			return parse_packet_type(text, value);
		break;
	default:
		break;
	}
	return parse_number(id, text, value);
}

static bool parse_mask(enum hal_field_id id, const char *text, uint8_t *mask)
{
	enum hal_format format = hal_fields[id].format;

	if ((format == FMT_IPV4 || format == FMT_IPV6) && !strpbrk(text, ".:"))
		return parse_prefix_len(text, mask, hal_field_bytes(id));
	if (format == FMT_PORT || format == FMT_PACKET_TYPE)
		return parse_number(id, text, mask);
	return parse_value(id, text, mask);
}

static int fail(enum hal_field_id id, const char *text, char *err, size_t n)
{
	static const char *const expected[] = {
		[FMT_DEC] = "a number",
		[FMT_HEX] = "a number",
		[FMT_MAC] = "an Ethernet address like 00:11:22:aa:bb:cc",
		[FMT_IPV4] = "an IPv4 address like 10.0.0.1",
		[FMT_IPV6] = "an IPv6 address like fd00::1",
		[FMT_PORT] = "a port number, LOCAL, CONTROLLER, IN_PORT, NORMAL, FLOOD, ALL or ANY",
		[FMT_VLAN_VID] = "a VLAN ID with the present bit like 0x1005",
		[FMT_FRAG] = "no, yes, first, later or not_later",
		[FMT_TCP_FLAGS] = "flags like +syn-ack or syn|ack",
		[FMT_CT_STATE] = "flags like +trk-new or est|trk",
		[FMT_TUN_FLAGS] = "flags like +oam-csum",
		[FMT_PACKET_TYPE] = "(NAMESPACE,TYPE)",
	};
	const struct hal_field *f = &hal_fields[id];
	bool address = f->format == FMT_IPV4 || f->format == FMT_IPV6;

	if (n)
		snprintf(err, n, "%s: \"%s\" is not valid: expected %s%s%s (%u bits)", f->name,
			text, expected[f->format], f->maskable == MASK_ANY ? ", or VALUE/MASK" : "",
			f->maskable == MASK_ANY && address ? " or ADDRESS/PREFIX" : "", f->bits);
	return -EINVAL;
}

/* A field that takes no mask can only be matched wholly or not at all. */
static bool mask_allowed(enum hal_field_id id, const uint8_t *mask, const uint8_t *ones)
{
	unsigned bytes = hal_field_bytes(id);

	if (hal_fields[id].maskable == MASK_ANY || !memcmp(mask, ones, bytes))
		return true;
	for (unsigned i = 0; i < bytes; i++)
		if (mask[i])
			return false;
	return true;
}

int hal_field_parse(
	enum hal_field_id id, const char *text, uint8_t *value, uint8_t *mask, char *err, size_t n)
{
	uint8_t v[HAL_VALUE_MAX] = {0}, m[HAL_VALUE_MAX], ones[HAL_VALUE_MAX];
	unsigned bytes = hal_field_bytes(id);
	const char *slash = strchr(text, '/');
	char head[TEXT_MAX];

	hal_field_ones(id, ones);
	memcpy(m, ones, bytes);
	if (!parse_words(id, text, v, m)) {
		size_t len = slash ? (size_t)(slash - text) : strlen(text);

		if (len >= sizeof(head))
			return fail(id, text, err, n);
		memcpy(head, text, len);
		head[len] = '\0';
		if (!parse_value(id, head, v) || (slash && !parse_mask(id, slash + 1, m)))
			return fail(id, text, err, n);
	}
	if (id == FIELD_NW_TOS && v[0] & 0x03) {
		if (n)
			snprintf(err, n,
				"nw_tos: \"%s\" is not valid: expected the ECN bits 0x03 zero",
				text);
		return -EINVAL;
	}
	if (!mask_allowed(id, m, ones)) {
		if (n)
			snprintf(err, n, "%s: \"%s\": this field takes no mask",
				hal_fields[id].name, text);
		return -EINVAL;
	}
	for (unsigned i = 0; i < bytes; i++) {
		mask[i] = m[i] & ones[i];
		value[i] = v[i] & mask[i];
	}
	return 0;
}
