/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/field.h"

#include <string.h>

#include "hal/base/be.h"

const struct hal_field hal_fields[FIELD_MAX] = {
#define FIELD(ID, NAME, ALIAS, MEMBER, SIZE, SHIFT, BITS, MASK, PREREQ, WRITABLE, OXM_CLASS, \
	OXM_FIELD, NXM_CLASS, NXM_FIELD, FORMAT)                                             \
	[FIELD_##ID] = {                                                                     \
		.name = NAME,                                                                \
		.alias = ALIAS,                                                              \
		.offset = offsetof(struct xlate_key, MEMBER),                                \
		.size = SIZE,                                                                \
		.shift = SHIFT,                                                              \
		.bits = BITS,                                                                \
		.maskable = MASK_##MASK,                                                     \
		.prereq = PREREQ_##PREREQ,                                                   \
		.writable = WRITABLE,                                                        \
		.oxm_class = OXM_CLASS,                                                      \
		.oxm_field = OXM_FIELD,                                                      \
		.nxm_class = NXM_CLASS,                                                      \
		.nxm_field = NXM_FIELD,                                                      \
		.format = FMT_##FORMAT,                                                      \
	},
#include "hal/fields.def"
#undef FIELD
};

/* A field either is at most 64 bits of a member of at most 8 bytes, or all of a wider member. */
#define FIELD(ID, NAME, ALIAS, MEMBER, SIZE, SHIFT, BITS, ...)                                  \
	_Static_assert((SIZE) <= 8                                                              \
			       ? (SHIFT) + (BITS) <= (SIZE)*8                                   \
			       : (SHIFT) == 0 && (BITS) == (SIZE)*8 && (SIZE) <= HAL_VALUE_MAX, \
		"shape of " NAME);                                                              \
	_Static_assert(offsetof(struct xlate_key, MEMBER) + (SIZE) <= sizeof(struct xlate_key), \
		"size of " NAME);
#include "hal/fields.def"
#undef FIELD

static bool is_wide(const struct hal_field *f)
{
	return f->size > 8;
}

/* The bits of a field of at most 64 bits. NW_TOS leaves ECN, which shares its byte, alone. */
static uint64_t field_ones(enum hal_field_id id)
{
	unsigned bits = hal_fields[id].bits;

	if (id == FIELD_NW_TOS)
		return 0xfc;
	return bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

uint64_t hal_field_get_u64(enum hal_field_id id, const void *key)
{
	const struct hal_field *f = &hal_fields[id];
	const uint8_t *p = (const uint8_t *)key + f->offset;

	if (is_wide(f))
		return be_load(p + f->size - 8, 8);
	return be_load(p, f->size) >> f->shift & field_ones(id);
}

static void set_masked_u64(enum hal_field_id id, void *key, uint64_t value, uint64_t mask)
{
	const struct hal_field *f = &hal_fields[id];
	uint8_t *p = (uint8_t *)key + f->offset;
	uint64_t old = be_load(p, f->size);

	mask = (mask & field_ones(id)) << f->shift;
	be_store(p, f->size, (old & ~mask) | (value << f->shift & mask));
}

void hal_field_set_u64(enum hal_field_id id, void *key, uint64_t value)
{
	const struct hal_field *f = &hal_fields[id];

	if (is_wide(f)) {
		memset((uint8_t *)key + f->offset, 0, f->size - 8u);
		be_store((uint8_t *)key + f->offset + f->size - 8, 8, value);
		return;
	}
	set_masked_u64(id, key, value, UINT64_MAX);
}

void hal_field_get(enum hal_field_id id, const void *key, uint8_t *value)
{
	const struct hal_field *f = &hal_fields[id];

	if (is_wide(f))
		memcpy(value, (const uint8_t *)key + f->offset, f->size);
	else
		be_store(value, hal_field_bytes(id), hal_field_get_u64(id, key));
}

void hal_field_set(enum hal_field_id id, void *key, const uint8_t *value, const uint8_t *mask)
{
	const struct hal_field *f = &hal_fields[id];
	unsigned bytes = hal_field_bytes(id);

	if (!is_wide(f)) {
		set_masked_u64(
			id, key, be_load(value, bytes), mask ? be_load(mask, bytes) : UINT64_MAX);
		return;
	}
	for (unsigned i = 0; i < f->size; i++) {
		uint8_t *p = (uint8_t *)key + f->offset + i;
		uint8_t m = mask ? mask[i] : 0xff;

		*p = (uint8_t)((*p & ~m) | (value[i] & m));
	}
}

void hal_field_ones(enum hal_field_id id, uint8_t *mask)
{
	if (is_wide(&hal_fields[id]))
		memset(mask, 0xff, hal_fields[id].size);
	else
		be_store(mask, hal_field_bytes(id), field_ones(id));
}

bool hal_field_any(enum hal_field_id id, const void *mask)
{
	const struct hal_field *f = &hal_fields[id];
	const uint8_t *p = (const uint8_t *)mask + f->offset;

	if (!is_wide(f))
		return hal_field_get_u64(id, mask) != 0;
	for (unsigned i = 0; i < f->size; i++)
		if (p[i])
			return true;
	return false;
}

bool hal_field_all(enum hal_field_id id, const void *mask)
{
	const struct hal_field *f = &hal_fields[id];
	const uint8_t *p = (const uint8_t *)mask + f->offset;

	if (!is_wide(f))
		return hal_field_get_u64(id, mask) == field_ones(id);
	for (unsigned i = 0; i < f->size; i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

static bool name_is(const char *name, const char *text, size_t len)
{
	return name && !strncmp(name, text, len) && !name[len];
}

/* Third names, which users of ovs-ofctl know. */
static const struct {
	const char *name;
	enum hal_field_id id;
} further[] = {
	{"ip_src", FIELD_IPV4_SRC},
	{"ip_dst", FIELD_IPV4_DST},
	{"ip_ttl", FIELD_IP_TTL},
	{"in_port_oxm", FIELD_IN_PORT},
};

enum hal_field_id hal_field_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(further) / sizeof(further[0]); i++)
		if (name_is(further[i].name, name, len))
			return further[i].id;
	for (unsigned id = 0; id < FIELD_MAX; id++)
		if (name_is(hal_fields[id].name, name, len) ||
			name_is(hal_fields[id].alias, name, len))
			return (enum hal_field_id)id;
	return FIELD_INVALID;
}

/* Codes of the four classes there are, so that a codec need not search: field id + 1 by class and
 * field number. */
#define CODES 128
static uint8_t by_code[4][CODES];

static int class_index(uint16_t class)
{
	switch (class) {
	case 0x0000:
		return 0;
	case 0x0001:
		return 1;
	case 0x8000:
		return 2;
	case 0x8001:
		return 3;
	default:
		return -1;
	}
}

_Static_assert(FIELD_MAX < 255, "by_code holds bytes");

__attribute__((constructor)) static void index_codes(void)
{
	for (unsigned id = 0; id < FIELD_MAX; id++) {
		const struct hal_field *f = &hal_fields[id];
		int oxm = class_index(f->oxm_class), nxm = class_index(f->nxm_class);

		if (oxm >= 0 && f->oxm_field < CODES)
			by_code[oxm][f->oxm_field] = (uint8_t)(id + 1);
		if (nxm >= 0 && f->nxm_field < CODES)
			by_code[nxm][f->nxm_field] = (uint8_t)(id + 1);
	}
}

enum hal_field_id hal_field_by_code(uint16_t oxm_class, uint16_t oxm_field)
{
	int class = class_index(oxm_class);

	if (class < 0 || oxm_field >= CODES || !by_code[class][oxm_field])
		return FIELD_INVALID;
	return (enum hal_field_id)(by_code[class][oxm_field] - 1);
}
