/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/unit/hal/test.h"

#define ROUNDS 200

/* The model: bit `bit` of the member, counted from its least significant one. */
static bool member_bit(const struct hal_field *f, const uint8_t *key, unsigned bit)
{
	return key[f->offset + f->size - 1 - bit / 8] >> bit % 8 & 1;
}

static void member_bit_put(const struct hal_field *f, uint8_t *key, unsigned bit, bool on)
{
	uint8_t *p = &key[f->offset + f->size - 1 - bit / 8], m = (uint8_t)(1 << bit % 8);

	*p = (uint8_t)(on ? *p | m : *p & ~m);
}

static bool wire_bit(const uint8_t *wire, unsigned bytes, unsigned bit)
{
	return wire[bytes - 1 - bit / 8] >> bit % 8 & 1;
}

/* NW_TOS is the one field that owns only part of its width. */
static bool owns(enum hal_field_id id, unsigned bit)
{
	return id != FIELD_NW_TOS || bit >= 2;
}

static void test_get(void)
{
	for (unsigned i = 0; i < FIELD_MAX * ROUNDS; i++) {
		enum hal_field_id id = (enum hal_field_id)(i % FIELD_MAX);
		const struct hal_field *f = &hal_fields[id];
		unsigned bytes = hal_field_bytes(id);
		uint8_t key[sizeof(struct xlate_key)], value[HAL_VALUE_MAX + 1];
		bool ok = true;

		rnd_bytes(key, sizeof(key));
		memset(value, 0xa5, sizeof(value));
		hal_field_get(id, key, value);
		for (unsigned b = 0; b < bytes * 8; b++) {
			bool want = b < f->bits && owns(id, b) && member_bit(f, key, f->shift + b);

			ok = ok && wire_bit(value, bytes, b) == want;
		}
		EXPECT(ok, f->name);
		EXPECT(value[bytes] == 0xa5, f->name);
	}
}

static void test_set(void)
{
	for (unsigned i = 0; i < FIELD_MAX * ROUNDS; i++) {
		enum hal_field_id id = (enum hal_field_id)(i % FIELD_MAX);
		const struct hal_field *f = &hal_fields[id];
		unsigned bytes = hal_field_bytes(id);
		uint8_t key[sizeof(struct xlate_key)], want[sizeof(key)];
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
		bool whole = rnd_below(2);

		rnd_bytes(key, sizeof(key));
		rnd_bytes(value, bytes); /* bits outside the field must do no harm */
		rnd_bytes(mask, bytes);
		memcpy(want, key, sizeof(key));
		for (unsigned b = 0; b < f->bits; b++)
			if (owns(id, b) && (whole || wire_bit(mask, bytes, b)))
				member_bit_put(f, want, f->shift + b, wire_bit(value, bytes, b));
		hal_field_set(id, key, value, whole ? NULL : mask);
		EXPECT(!memcmp(key, want, sizeof(key)), f->name);
	}
}

static void test_u64(void)
{
	for (unsigned i = 0; i < FIELD_MAX * 20; i++) {
		enum hal_field_id id = (enum hal_field_id)(i % FIELD_MAX);
		const struct hal_field *f = &hal_fields[id];
		struct xlate_key key;
		uint64_t value = rnd();
		uint8_t wire[HAL_VALUE_MAX];
		unsigned bytes = hal_field_bytes(id);
		uint64_t same = 0;

		rnd_bytes(&key, sizeof(key));
		value = f->bits < 64 ? value & ((UINT64_C(1) << f->bits) - 1) : value;
		if (id == FIELD_NW_TOS)
			value &= 0xfc;
		hal_field_set_u64(id, &key, value);
		EXPECT(hal_field_get_u64(id, &key) == value, f->name);
		hal_field_get(id, &key, wire);
		for (unsigned j = 0; j < bytes; j++)
			same = same << 8 | wire[j];
		EXPECT(same == value, f->name);
	}
}

static void test_any_all(void)
{
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		enum hal_field_id id = (enum hal_field_id)i;
		const struct hal_field *f = &hal_fields[id];
		uint8_t mask[sizeof(struct xlate_key)], ones[HAL_VALUE_MAX];

		hal_field_ones(id, ones);
		memset(mask, 0, sizeof(mask));
		EXPECT(!hal_field_any(id, mask) && !hal_field_all(id, mask), f->name);
		hal_field_set(id, mask, ones, NULL);
		EXPECT(hal_field_any(id, mask) && hal_field_all(id, mask), f->name);
		for (unsigned b = 0; b < f->bits; b++) {
			if (!owns(id, b))
				continue;
			member_bit_put(f, mask, f->shift + b, false);
			EXPECT(!hal_field_all(id, mask), f->name);
			member_bit_put(f, mask, f->shift + b, true);
		}
		/* all bits but the field's */
		memset(mask, 0xff, sizeof(mask));
		hal_field_set(id, mask, (const uint8_t[HAL_VALUE_MAX]){0}, NULL);
		EXPECT(!hal_field_any(id, mask), f->name);
		member_bit_put(f, mask, f->shift + f->bits - 1u, true);
		EXPECT(hal_field_any(id, mask) && hal_field_all(id, mask) == (f->bits == 1),
			f->name);
	}
}

/* Places that the standards give: a slip in the list would agree with itself. */
static void test_places(void)
{
	struct xlate_key key = {0};

	key.dp.vlan[0].tci = RTE_BE16(0xb123);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_VLAN_VID, &key), 0x1123);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_VLAN_PCP, &key), 5);
	key.dp.mpls_lse[0] = RTE_BE32(0x1234575au);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_MPLS_LABEL, &key), 0x12345);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_MPLS_TC, &key), 3);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_MPLS_BOS, &key), 1);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_MPLS_TTL, &key), 0x5a);
	key.dp.ip_tos = 0xbb;
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_IP_DSCP, &key), 46);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_IP_ECN, &key), 3);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_NW_TOS, &key), 0xb8);
	hal_field_set_u64(FIELD_XREG1, &key, UINT64_C(0x1122334455667788));
	CU_ASSERT_EQUAL(key.reg[2], RTE_BE32(0x11223344));
	CU_ASSERT_EQUAL(key.reg[3], RTE_BE32(0x55667788));
	hal_field_set_u64(FIELD_XXREG1, &key, 7);
	CU_ASSERT_EQUAL(key.reg[7], RTE_BE32(7));
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_REG7, &key), 7);
	CU_ASSERT_EQUAL(hal_field_bytes(FIELD_VLAN_VID), 2);
	CU_ASSERT_EQUAL(hal_field_bytes(FIELD_MPLS_LABEL), 3);
	CU_ASSERT_EQUAL(hal_field_bytes(FIELD_IPV6_FLABEL), 3);
	CU_ASSERT_TRUE(hal_field_is_dp(FIELD_TUN_METADATA));
	CU_ASSERT_FALSE(hal_field_is_dp(FIELD_REG0));
	CU_ASSERT_FALSE(hal_field_is_dp(FIELD_IN_PORT));
}

static void test_names(void)
{
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		const struct hal_field *f = &hal_fields[i];

		EXPECT(hal_field_by_name(f->name, strlen(f->name)) == i, f->name);
		if (f->alias)
			EXPECT(hal_field_by_name(f->alias, strlen(f->alias)) == i, f->alias);
	}
	CU_ASSERT_EQUAL(hal_field_by_name("tcp_srcs", 7), FIELD_TCP_SRC);
	CU_ASSERT_EQUAL(hal_field_by_name("tcp_srcs", 8), FIELD_INVALID);
	CU_ASSERT_EQUAL(hal_field_by_name("tcp_sr", 6), FIELD_INVALID);
	CU_ASSERT_EQUAL(hal_field_by_name("", 0), FIELD_INVALID);
	CU_ASSERT_EQUAL(hal_field_by_name("reg1", 4), FIELD_REG1);
	CU_ASSERT_EQUAL(hal_field_by_name("reg15", 5), FIELD_REG15);
}

static void test_codes(void)
{
	unsigned found = 0, codes = 0;

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		const struct hal_field *f = &hal_fields[i];

		codes += (f->oxm_class != NOCODE) + (f->nxm_class != NOCODE);
		if (f->oxm_class != NOCODE)
			EXPECT(hal_field_by_code(f->oxm_class, f->oxm_field) == i, f->name);
		if (f->nxm_class != NOCODE)
			EXPECT(hal_field_by_code(f->nxm_class, f->nxm_field) == i, f->name);
	}
	/* No code stands for two fields, and no other code stands for any. */
	for (unsigned code = 0; code < 0x20000; code++) {
		uint16_t class = (uint16_t)(code >> 16 ? 0x8000 + (code >> 8 & 1) : code >> 8 & 1);

		if ((code >> 8 & 0xff) < 2)
			found += hal_field_by_code(class, code & 0xff) != FIELD_INVALID;
	}
	CU_ASSERT_EQUAL(found, codes);
	CU_ASSERT_EQUAL(hal_field_by_code(0x8000, 10), FIELD_IP_PROTO);
	CU_ASSERT_EQUAL(hal_field_by_code(0x0000, 4), FIELD_VLAN_TCI);
	CU_ASSERT_EQUAL(hal_field_by_code(0xffff, 0), FIELD_INVALID);
	CU_ASSERT_EQUAL(hal_field_by_code(0x0002, 0), FIELD_INVALID);
	CU_ASSERT_EQUAL(hal_field_by_code(0x8000, 0xffff), FIELD_INVALID);
}

CU_TestInfo field_tests[] = {
	{"get reads the bits of the member", test_get},
	{"set writes them and no others", test_set},
	{"integers are the wire form", test_u64},
	{"any and all", test_any_all},
	{"fields are where the standards put them", test_places},
	{"names", test_names},
	{"codes", test_codes},
	CU_TEST_INFO_NULL,
};
