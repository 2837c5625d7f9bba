/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLV table: places, conflicts, several users, and random changes that keep it sound.
 */
#include <errno.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "hal/tlv.h"
#include "test.h"

static const struct hal_tlv *entry(unsigned i)
{
	return &hal_tlv_table()->entry[i];
}

static void test_add(void)
{
	CU_ASSERT_EQUAL(hal_tlv_add(0, 0x102, 0x80, 4), 0);
	CU_ASSERT_EQUAL(hal_tlv_add(63, 0x102, 0x81, 124), 0);
	CU_ASSERT(entry(0)->used && entry(0)->class == 0x102 && entry(0)->type == 0x80);
	CU_ASSERT_EQUAL(entry(0)->offset, 0);
	CU_ASSERT_EQUAL(entry(63)->offset, 4);
	CU_ASSERT_EQUAL(hal_tlv_add(1, 0xffff, 0, 4), -ENOSPC);
	CU_ASSERT(!entry(1)->used);
	CU_ASSERT_EQUAL(hal_tlv_remove(63), 0);
	CU_ASSERT_EQUAL(hal_tlv_add(1, 0xffff, 0, 4), 0);
	hal_tlv_clear();
	CU_ASSERT(!entry(0)->used && !entry(1)->used);
}

static void test_refusals(void)
{
	CU_ASSERT_EQUAL(hal_tlv_add(64, 1, 1, 4), -EINVAL);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 1, 6), -EINVAL);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 1, 128), -EINVAL);
	CU_ASSERT_EQUAL(hal_tlv_remove(0), -ENOENT);
	CU_ASSERT_EQUAL(hal_tlv_remove(64), -ENOENT);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 1, 4), 0);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 2, 4), -EEXIST);
	CU_ASSERT_EQUAL(hal_tlv_add(0, 1, 1, 8), -EEXIST);
	CU_ASSERT_EQUAL(hal_tlv_add(1, 1, 1, 4), -EEXIST);
	hal_tlv_clear();
}

static void test_two_users(void)
{
	CU_ASSERT_EQUAL(hal_tlv_add(3, 7, 7, 8), 0);
	CU_ASSERT_EQUAL(hal_tlv_add(3, 7, 7, 8), 0);
	CU_ASSERT_EQUAL(hal_tlv_remove(3), 0);
	CU_ASSERT(entry(3)->used);
	CU_ASSERT_EQUAL(hal_tlv_remove(3), 0);
	CU_ASSERT(!entry(3)->used);
	CU_ASSERT_EQUAL(hal_tlv_remove(3), -ENOENT);
}

/* Whatever was done, no two entries share a byte. */
static bool is_sound(void)
{
	unsigned char taken[128] = {0};

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		for (unsigned b = 0; entry(i)->used && b < entry(i)->len; b++)
			if (entry(i)->offset + b >= 128 || taken[entry(i)->offset + b]++)
				return false;
	return true;
}

static void test_random_changes(void)
{
	unsigned added = 0;

	for (unsigned i = 0; i < N_ROUNDS(20000); i++) {
		unsigned index = rnd_below(HAL_TLV_MAX);

		if (rnd_below(2))
			added += !hal_tlv_add(index, (uint16_t)rnd_below(4), (uint8_t)rnd_below(8),
				(uint8_t)(4 * (1 + rnd_below(8))));
		else
			hal_tlv_remove(index);
		if (!is_sound()) {
			CU_FAIL("two options share a place");
			break;
		}
	}
	CU_ASSERT(added > 100);
	hal_tlv_clear();
	rcu_drain();
}

CU_TestInfo tlv_tests[] = {
	{"places", test_add},
	{"refusals", test_refusals},
	{"two users", test_two_users},
	{"random changes", test_random_changes},
	CU_TEST_INFO_NULL,
};
