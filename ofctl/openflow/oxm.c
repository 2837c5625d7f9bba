/* SPDX-License-Identifier: Apache-2.0
 *
 * OXM and NXM matches off the wire (OpenFlow 1.3, 7.2.3), from the codes in hal/fields.def.
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "hal/option.h"
#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/wire.h"

#define NXM_COOKIE_FIELD 30
#define ONF_TCP_FLAGS 42
#define ONF_ACTSET_OUTPUT 43

unsigned of_oxm_width(enum hal_field_id field, bool nxm)
{
	switch (field) {
	case FIELD_MPLS_LABEL:
	case FIELD_IPV6_FLABEL:
		return 4; /* 20 bits in 32 (OpenFlow 1.3, table 11) */
	case FIELD_IN_PORT:
		return nxm ? 2 : 4;
	default:
		return hal_field_bytes(field);
	}
}

struct of_subfield of_oxm_whole(const struct of_oxm *h)
{
	struct of_subfield sf = {h->field, 0, 0};

	if (h->field == FIELD_TUN_METADATA)
		of_option_place(h->option, &sf);
	else
		sf.n_bits = (uint16_t)of_field_bits(h->field, h->nxm);
	return sf;
}

static bool class_is_nxm(uint16_t class)
{
	return class == OXM_CLASS_NXM0 || class == OXM_CLASS_NXM1;
}

/* Extensions of the Open Networking Foundation to 1.3 that became OXM fields of 1.5. */
static enum hal_field_id onf_field(uint8_t field)
{
	switch (field) {
	case ONF_TCP_FLAGS:
		return FIELD_TCP_FLAGS;
	case ONF_ACTSET_OUTPUT:
		return FIELD_ACTSET_OUTPUT;
	default:
		return FIELD_INVALID;
	}
}

bool of_oxm_get_header(struct of_rd *r, struct of_oxm *h)
{
	uint16_t class = of_get_u16(r);
	uint8_t field = of_get_u8(r);

	*h = (struct of_oxm){.field = FIELD_INVALID};
	h->has_mask = field & 1;
	field >>= 1;
	h->len = of_get_u8(r);
	if (r->bad)
		return false;
	if (class == OXM_CLASS_EXPERIMENTER) {
		uint32_t experimenter = of_get_u32(r);

		if (r->bad || h->len < 4)
			return false;
		h->len -= 4;
		if (experimenter == EXP_ONF)
			h->field = onf_field(field);
	} else if (class == OXM_CLASS_NXM1 && field == NXM_COOKIE_FIELD &&
		   h->len == (h->has_mask ? 16 : 8)) {
		h->cookie = true;
		h->width = 8;
		return true;
	} else if (class == OXM_CLASS_NXM1 && field >= OF_OXM_OPTION_FIRST &&
		   field < OF_OXM_OPTION_FIRST + OF_OXM_OPTIONS) {
		struct of_subfield whole;

		h->field = FIELD_TUN_METADATA;
		h->nxm = true;
		h->option = field - OF_OXM_OPTION_FIRST;
		if (of_option_place(h->option, &whole))
			h->width = (uint8_t)(whole.n_bits / 8);
		return true;
	} else {
		h->field = hal_field_by_code(class, field);
		h->nxm = class_is_nxm(class);
	}
	if (h->field < FIELD_MAX && hal_field_bytes(h->field) <= OF_OXM_VALUE_MAX)
		h->width = (uint8_t)of_oxm_width(h->field, h->nxm);
	else
		h->field = FIELD_INVALID;
	return true;
}

bool of_oxm_value(const struct of_oxm *h, const uint8_t *wire, uint8_t *value)
{
	unsigned bytes = hal_field_bytes(h->field), bits = hal_fields[h->field].bits;

	if (h->field == FIELD_IN_PORT && h->width == 2) {
		uint32_t port = of_port_from16((uint16_t)(wire[0] << 8 | wire[1]));

		for (unsigned i = 0; i < 4; i++)
			value[i] = (uint8_t)(port >> (24 - 8 * i));
		return true;
	}
	for (unsigned i = 0; i < h->width - bytes; i++)
		if (wire[i])
			return false;
	memcpy(value, wire + (h->width - bytes), bytes);
	return bits % 8 == 0 || !(value[0] >> (bits % 8));
}

bool of_oxm_value_ok(enum hal_field_id field, const uint8_t *value)
{
	switch (field) {
	case FIELD_VLAN_VID:
		/* OFPVID_NONE, or OFPVID_PRESENT with an id. */
		return value[0] & (HAL_VLAN_PRESENT >> 8) || (!value[0] && !value[1]);
	case FIELD_VLAN_TCI:
		return value[0] & (HAL_VLAN_PRESENT >> 8) || (!value[0] && !value[1]);
	case FIELD_NW_TOS:
		return !(value[0] & 3);
	default:
		return true;
	}
}

static bool all_bytes(const uint8_t *p, size_t n, uint8_t v)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != v)
			return false;
	return true;
}

/* A wire mask: every bit of the field, some, or none. */
enum mask_kind { MASK_EXACT, MASK_SOME, MASK_ZERO };

static enum mask_kind mask_kind(const struct of_oxm *h, const uint8_t *wire, const uint8_t *mask)
{
	unsigned bytes = hal_field_bytes(h->field), bits = hal_fields[h->field].bits;
	uint8_t first = bits % 8 ? (uint8_t)((1 << bits % 8) - 1) : 0xff;

	if (all_bytes(wire, h->width, 0))
		return MASK_ZERO;
	if (mask[0] == first && all_bytes(mask + 1, bytes - 1, 0xff))
		return MASK_EXACT;
	return MASK_SOME;
}

static enum of_error add_cookie(
	const struct of_oxm *h, struct of_rd r, uint64_t *cookie, uint64_t *cookie_mask)
{
	if (!cookie || *cookie_mask)
		return cookie ? OFERR_DUP_FIELD : OFERR_BAD_MATCH_FIELD;
	*cookie = of_get_u64(&r);
	*cookie_mask = h->has_mask ? of_get_u64(&r) : UINT64_MAX;
	return *cookie & ~*cookie_mask ? OFERR_BAD_WILDCARDS : OFERR_OK;
}

static enum of_error add_masked(
	struct hal_match *m, const struct of_oxm *h, const uint8_t *wire, const uint8_t *value)
{
	const uint8_t *wire_mask = wire + h->width;
	uint8_t mask[OF_OXM_VALUE_MAX];
	enum hal_field_id id = h->field;

	/* Bits that no field has may be set in a mask; ports are never masked partly. */
	for (unsigned i = 0; i < h->width; i++)
		if (wire[i] & ~wire_mask[i])
			return OFERR_BAD_WILDCARDS;
	if (h->width < hal_field_bytes(id)) {
		memset(mask, 0xff, sizeof(mask));
		if (!all_bytes(wire_mask, h->width, 0xff))
			return OFERR_BAD_MATCH_MASK;
	} else {
		unsigned bits = hal_fields[id].bits;

		memcpy(mask, wire_mask + h->width - hal_field_bytes(id), hal_field_bytes(id));
		if (bits % 8)
			mask[0] &= (uint8_t)((1 << bits % 8) - 1);
	}
	switch (mask_kind(h, wire_mask, mask)) {
	case MASK_ZERO:
		return hal_fields[id].maskable == MASK_NONE ? OFERR_BAD_MATCH_MASK : OFERR_OK;
	case MASK_EXACT:
		if (!of_oxm_value_ok(id, value))
			return OFERR_BAD_MATCH_VALUE;
		hal_match_set(m, id, value, NULL);
		return OFERR_OK;
	case MASK_SOME:
		break;
	}
	if (hal_fields[id].maskable == MASK_NONE)
		return OFERR_BAD_MATCH_MASK;
	hal_match_set(m, id, value, mask);
	return OFERR_OK;
}

/* A value that is shorter or longer than the option has zeros before it, or what is cut off is. */
bool of_oxm_widen(const uint8_t *wire, unsigned len, uint8_t *to, unsigned width)
{
	memset(to, 0, width);
	for (; len > width; wire++, len--)
		if (*wire)
			return false;
	memcpy(to + width - len, wire, len);
	return true;
}

/* A match on an option needs the option to be there; an empty mask says nothing else. */
static enum of_error add_option(struct hal_match *m, const struct of_oxm *h, const uint8_t *wire)
{
	uint8_t value[HAL_OPTION_MAX], mask[HAL_OPTION_MAX];
	unsigned len = h->has_mask ? h->len / 2u : h->len;

	if (h->has_mask && h->len % 2)
		return OFERR_BAD_MATCH_LEN;
	if (!of_oxm_widen(wire, len, value, h->width) ||
		(h->has_mask && !of_oxm_widen(wire + len, len, mask, h->width)))
		return OFERR_BAD_MATCH_LEN;
	for (unsigned i = 0; h->has_mask && i < h->width; i++)
		if (value[i] & ~mask[i])
			return OFERR_BAD_WILDCARDS;
	hal_option_match(m, h->option, value, h->has_mask ? mask : NULL);
	return OFERR_OK;
}

/* A packet type that has no Ethernet header may stand behind what is in one. */
static bool ethernet_ok(const struct hal_match *m)
{
	static const enum hal_field_id fields[] = {
		FIELD_ETH_SRC, FIELD_ETH_DST, FIELD_ETH_TYPE, FIELD_VLAN_TCI};

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (hal_field_any(fields[i], &m->mask) &&
			!hal_field_prereq_ok(fields[i], &m->value, &m->mask))
			return false;
	return true;
}

static enum of_error add_field(struct hal_match *m, const struct of_oxm *h, const uint8_t *wire)
{
	uint8_t value[OF_OXM_VALUE_MAX];
	uint8_t dscp;

	if (!of_oxm_value(h, wire, value))
		return OFERR_BAD_MATCH_VALUE;
	if (hal_field_any(h->field, &m->mask))
		return OFERR_DUP_FIELD;
	if (!hal_field_prereq_ok(h->field, &m->value, &m->mask))
		return OFERR_BAD_PREREQ;
	if (h->has_mask)
		return add_masked(m, h, wire, value);
	if (!of_oxm_value_ok(h->field, value))
		return OFERR_BAD_MATCH_VALUE;
	if (h->field == FIELD_NW_TOS) {
		dscp = value[0] >> 2;
		hal_match_set(m, FIELD_IP_DSCP, &dscp, NULL);
		return OFERR_OK;
	}
	hal_match_set(m, h->field, value, NULL);
	return h->field != FIELD_PACKET_TYPE || ethernet_ok(m) ? OFERR_OK : OFERR_BAD_PREREQ;
}

enum of_error of_oxm_decode(
	struct of_rd r, struct hal_match *m, uint64_t *cookie, uint64_t *cookie_mask)
{
	bool seen[FIELD_MAX] = {false};
	uint64_t options = 0; /* seen */
	enum of_error err;

	memset(m, 0, sizeof(*m));
	if (cookie)
		*cookie = *cookie_mask = 0;
	while (r.left) {
		struct of_oxm h;
		struct of_rd payload;

		if (!of_oxm_get_header(&r, &h))
			return OFERR_BAD_MATCH_LEN;
		payload = of_get_rd(&r, h.len);
		if (payload.bad)
			return OFERR_BAD_MATCH_LEN;
		if (h.cookie) {
			err = add_cookie(&h, payload, cookie, cookie_mask);
		} else if (h.field == FIELD_INVALID) {
			err = OFERR_BAD_MATCH_FIELD;
		} else if (!h.width) {
			err = OFERR_INVALID_TLV_FIELD;
		} else if (h.field == FIELD_TUN_METADATA) {
			err = options >> h.option & 1 ? OFERR_DUP_FIELD
						      : add_option(m, &h, payload.p);
			options |= UINT64_C(1) << h.option;
		} else if (h.len != h.width * (h.has_mask ? 2 : 1)) {
			err = OFERR_BAD_MATCH_LEN;
		} else if (seen[h.field]) {
			err = OFERR_DUP_FIELD;
		} else {
			seen[h.field] = true;
			err = add_field(m, &h, payload.p);
		}
		if (err)
			return err;
	}
	return OFERR_OK;
}

enum of_error of_nxm_decode(
	struct of_rd *r, size_t len, struct hal_match *m, uint64_t *cookie, uint64_t *cookie_mask)
{
	struct of_rd fields = of_get_rd(r, len);

	of_skip(r, of_pad8(len) - len);
	if (r->bad)
		return OFERR_BAD_MATCH_LEN;
	return of_oxm_decode(fields, m, cookie, cookie_mask);
}

void of_nxm_encode(struct of_buf *b, size_t len_at, const struct hal_match *m)
{
	size_t start = b->len;

	of_oxm_encode(b, OF_OXM_NX, m);
	of_set_u16(b, len_at, b->len - start);
	of_put_pad8(b, start);
}

enum of_error of_match13_decode(struct of_rd *r, struct hal_match *m)
{
	uint16_t type = of_get_u16(r), len = of_get_u16(r);
	struct of_rd fields;

	if (r->bad || len < 4)
		return OFERR_BAD_MATCH_LEN;
	if (type != 1) /* OFPMT_OXM */
		return OFERR_BAD_MATCH_TYPE;
	fields = of_get_rd(r, len - 4u);
	of_skip(r, of_pad8(len) - len);
	if (r->bad)
		return OFERR_BAD_MATCH_LEN;
	return of_oxm_decode(fields, m, NULL, NULL);
}
