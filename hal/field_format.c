/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/field.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "hal/base/be.h"
#include "hal/field_names.h"
#include "hal/text.h"

/* A value with its mask, ready to be printed. */
struct item {
	enum hal_field_id id;
	unsigned bytes;
	const uint8_t *value, *mask;
	bool exact;
};

/* Hexadecimal without leading zeros, of any width. */
static void put_wide_hex(struct hal_text *t, const uint8_t *p, unsigned n)
{
	while (n > 1 && !*p) {
		p++;
		n--;
	}
	hal_text_put(t, *p ? "0x%x" : "%x", *p);
	while (--n)
		hal_text_put(t, "%02x", *++p);
}

static bool is_decimal(const struct item *it)
{
	enum hal_format format = hal_fields[it->id].format;

	return it->exact &&
	       (format == FMT_DEC || format == FMT_VLAN_VID || it->id == FIELD_CT_ZONE);
}

/* Codes that everybody knows by their four digits. */
static bool is_code(enum hal_field_id id)
{
	return id == FIELD_ETH_TYPE || id == FIELD_VLAN_TCI || id == FIELD_VLAN_TPID ||
	       id == FIELD_VLAN2_TCI || id == FIELD_VLAN2_TPID;
}

static void put_number(struct hal_text *t, const struct item *it)
{
	if (is_decimal(it)) {
		hal_text_put(t, "%" PRIu64, be_load(it->value, it->bytes));
	} else if (is_code(it->id)) {
		hal_text_put(t, "0x%04" PRIx64, be_load(it->value, it->bytes));
		if (!it->exact)
			hal_text_put(t, "/0x%04" PRIx64, be_load(it->mask, it->bytes));
	} else {
		put_wide_hex(t, it->value, it->bytes);
		if (!it->exact) {
			hal_text_put(t, "/");
			put_wide_hex(t, it->mask, it->bytes);
		}
	}
}

static void put_mac(struct hal_text *t, const uint8_t *p)
{
	hal_text_put(t, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

/* Length of the prefix that the mask is, or -1. */
static int prefix_len(const uint8_t *mask, unsigned bytes)
{
	unsigned len = 0;

	while (len < bytes * 8 && mask[len / 8] & 0x80 >> len % 8)
		len++;
	for (unsigned i = len; i < bytes * 8; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return -1;
	return (int)len;
}

static void put_address(struct hal_text *t, const struct item *it, int family)
{
	char text[INET6_ADDRSTRLEN];
	int len = prefix_len(it->mask, it->bytes);

	hal_text_put(t, "%s", inet_ntop(family, it->value, text, sizeof(text)));
	if (it->exact)
		return;
	if (len >= 0)
		hal_text_put(t, "/%d", len);
	else
		hal_text_put(t, "/%s", inet_ntop(family, it->mask, text, sizeof(text)));
}

static void put_port(struct hal_text *t, const struct item *it)
{
	uint32_t port = (uint32_t)be_load(it->value, it->bytes);
	const char *word = hal_port_word(port);

	if (it->exact && word)
		hal_text_put(t, "%s", word);
	else if (it->exact)
		hal_text_put(t, "%" PRIu32, port);
	else
		put_number(t, it);
}

/* A key holds no fragment bits but the two, so a full mask says the same as one of the two. */
static void put_frag(struct hal_text *t, const struct item *it)
{
	const uint8_t both = HAL_FRAG_ANY | HAL_FRAG_LATER;
	uint8_t mask = it->mask[0] == 0xff ? both : it->mask[0];

	for (const struct hal_frag_word *w = hal_frag_words; w->word; w++) {
		if (w->value != it->value[0] || w->mask != mask)
			continue;
		hal_text_put(t, "%s", w->word);
		return;
	}
	put_number(t, it);
}

/* "syn|ack" for an exact value, "+syn-ack" under a mask, a number if a bit has no name. */
static void put_flags(struct hal_text *t, const struct item *it, const struct hal_flag *flags)
{
	uint32_t value = (uint32_t)be_load(it->value, it->bytes);
	uint32_t mask = (uint32_t)be_load(it->mask, it->bytes), named = 0;
	size_t start = t->len;

	for (const struct hal_flag *f = flags; f->name; f++)
		named |= f->bit;
	if ((it->exact ? value : mask) & ~named || !mask) {
		put_number(t, it);
		return;
	}
	if (it->exact && !value) {
		hal_text_put(t, "0");
		return;
	}
	for (const struct hal_flag *f = flags; f->name; f++) {
		if (it->exact && value & f->bit)
			hal_text_put(t, "%s%s", t->len > start ? "|" : "", f->name);
		else if (!it->exact && mask & f->bit)
			hal_text_put(t, "%c%s", value & f->bit ? '+' : '-', f->name);
	}
}

/* "(namespace,type)" */
static void put_packet_type(struct hal_text *t, const struct item *it)
{
	uint32_t type = (uint32_t)be_load(it->value, it->bytes);

	if (it->exact)
		hal_text_put(t, "(%u,0x%x)", type >> 16, type & 0xffff);
	else
		put_number(t, it);
}

static void put_item(struct hal_text *t, const struct item *it)
{
	enum hal_format format = hal_fields[it->id].format;

	switch (format) {
	case FMT_DEC:
	case FMT_HEX:
	case FMT_VLAN_VID:
		put_number(t, it);
		break;
	case FMT_MAC:
		put_mac(t, it->value);
		if (!it->exact) {
			hal_text_put(t, "/");
			put_mac(t, it->mask);
		}
		break;
	case FMT_IPV4:
		put_address(t, it, AF_INET);
		break;
	case FMT_IPV6:
		put_address(t, it, AF_INET6);
		break;
	case FMT_PORT:
		put_port(t, it);
		break;
	case FMT_FRAG:
		put_frag(t, it);
		break;
	case FMT_TCP_FLAGS:
	case FMT_CT_STATE:
	case FMT_TUN_FLAGS:
		put_flags(t, it, hal_flags(format));
		break;
	case FMT_PACKET_TYPE:
		put_packet_type(t, it);
		break;
	}
}

int hal_field_format(
	enum hal_field_id id, const uint8_t *value, const uint8_t *mask, char *buf, size_t n)
{
	struct hal_text t = hal_text_start(buf, n);
	uint8_t ones[HAL_VALUE_MAX];
	struct item it = {id, hal_field_bytes(id), value, mask ? mask : ones, true};

	hal_field_ones(id, ones);
	it.exact = !memcmp(it.mask, ones, it.bytes);
	put_item(&t, &it);
	return hal_text_end(&t);
}
