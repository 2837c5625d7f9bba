/* SPDX-License-Identifier: Apache-2.0
 *
 * SET_FIELD as loads, and how many bits of a field actions know.
 */
#include "ofctl/openflow/oxm.h"

unsigned of_field_bits(enum hal_field_id field, bool nxm)
{
	switch (field) {
	case FIELD_IN_PORT:
		return nxm ? 16 : 32;
	case FIELD_VLAN_VID:
		return 12; /* the bit that says that there is a tag cannot be named */
	case FIELD_IP_FRAG:
		return 2;
	default:
		return hal_fields[field].bits;
	}
}

struct of_set_bytes of_set_bytes(const struct of_action *a)
{
	struct of_set_bytes s = {.value = a->value,
		.mask = a->has_mask ? a->mask : NULL,
		.bytes = hal_field_bytes(a->field),
		.bits = hal_fields[a->field].bits};
	struct of_subfield whole;

	if (a->field != FIELD_TUN_METADATA)
		return s;
	s.bytes = a->data_len / 2;
	s.bits = s.bytes * 8;
	s.value = a->data;
	s.mask = a->has_mask ? a->data + s.bytes : NULL;
	s.base = of_option_place(a->option, &whole) ? whole.ofs : 0;
	return s;
}

static bool bit(const uint8_t *wire, unsigned bytes, unsigned i)
{
	return !wire || wire[bytes - 1 - i / 8] >> (i % 8) & 1;
}

bool of_next_load(const struct of_action *a, struct of_load *l)
{
	struct of_set_bytes s = of_set_bytes(a);
	unsigned i = l->to.n_bits ? l->to.ofs + l->to.n_bits - s.base : 0;

	if (a->field == FIELD_IN_PORT) { /* 16 bits in NXM, where loads are from */
		uint32_t port = (uint32_t)a->value[0] << 24 | a->value[1] << 16 | a->value[2] << 8 |
				a->value[3];

		if (l->to.n_bits)
			return false;
		l->to = (struct of_subfield){FIELD_IN_PORT, 0, 16};
		l->value = of_port_to16(port);
		return true;
	}
	if (a->field == FIELD_VLAN_VID)
		s.bits = of_field_bits(a->field, true);
	while (i < s.bits && !bit(s.mask, s.bytes, i))
		i++;
	l->to = (struct of_subfield){a->field, (uint16_t)(s.base + i), 0};
	l->value = 0;
	for (; i < s.bits && l->to.n_bits < 64 && bit(s.mask, s.bytes, i); i++)
		l->value |= (uint64_t)bit(s.value, s.bytes, i) << l->to.n_bits++;
	return l->to.n_bits > 0;
}
