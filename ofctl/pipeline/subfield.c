/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/subfield.h"

#include <string.h>

#include "ofctl/pipeline/xlate_more.h"

#define BITS (8u * SUBFIELD_BYTES)

static unsigned width(const struct of_subfield *sf)
{
	return sf->n_bits < BITS ? sf->n_bits : BITS;
}

void subfield_expand(const struct of_subfield *sf, const uint8_t value[SUBFIELD_BYTES], uint8_t *v,
	uint8_t *mask)
{
	unsigned last = hal_field_bytes(sf->field) - 1;

	memset(v, 0, HAL_VALUE_MAX);
	memset(mask, 0, HAL_VALUE_MAX);
	for (unsigned i = 0; i < width(sf) && (sf->ofs + i) / 8 <= last; i++) {
		unsigned to = sf->ofs + i;
		uint8_t bit = (uint8_t)(1u << (to % 8));

		mask[last - to / 8] |= bit;
		if (value[SUBFIELD_BYTES - 1 - i / 8] >> (i % 8) & 1)
			v[last - to / 8] |= bit;
	}
}

void subfield_read(struct xlate *x, const struct of_subfield *sf, uint8_t value[SUBFIELD_BYTES])
{
	static const uint8_t zero[SUBFIELD_BYTES];
	uint8_t v[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
	unsigned last = hal_field_bytes(sf->field) - 1;
	struct xlate_key need = {0};

	subfield_expand(sf, zero, v, mask);
	hal_field_set(sf->field, &need, mask, mask);
	hal_field_prereq_mask(sf->field, &need);
	xlate_need_mask(x, &need);
	hal_field_get(sf->field, &x->key, v);
	memset(value, 0, SUBFIELD_BYTES);
	for (unsigned i = 0; i < width(sf) && (sf->ofs + i) / 8 <= last; i++) {
		unsigned from = sf->ofs + i;

		if (v[last - from / 8] >> (from % 8) & 1)
			value[SUBFIELD_BYTES - 1 - i / 8] |= (uint8_t)(1u << (i % 8));
	}
}

uint64_t subfield_u64(const uint8_t value[SUBFIELD_BYTES])
{
	uint64_t u = 0;

	for (unsigned i = SUBFIELD_BYTES - 8; i < SUBFIELD_BYTES; i++)
		u = u << 8 | value[i];
	return u;
}

uint32_t subfield_port(uint64_t value)
{
	if (value >= 0xff00 && value <= 0xffff)
		return 0xffff0000u | (uint32_t)value;
	return value > UINT32_MAX ? OF_PORT_ANY : (uint32_t)value;
}

static void from_u64(uint64_t u, uint8_t value[SUBFIELD_BYTES])
{
	memset(value, 0, SUBFIELD_BYTES);
	for (unsigned i = 0; i < 8; i++)
		value[SUBFIELD_BYTES - 1 - i] = (uint8_t)(u >> (8 * i));
}

void subfield_write(
	struct xlate *x, const struct of_subfield *sf, const uint8_t value[SUBFIELD_BYTES])
{
	uint8_t v[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	subfield_expand(sf, value, v, mask);
	xlate_set_field(x, sf->field, v, mask);
}

void subfield_write_u64(struct xlate *x, const struct of_subfield *sf, uint64_t value)
{
	uint8_t v[SUBFIELD_BYTES];

	from_u64(value, v);
	subfield_write(x, sf, v);
}
