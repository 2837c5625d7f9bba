/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "hal/base/stable.h"
#include "tests/unit/hal/test.h"

#define SIZE 5000 /* of no other test */

/* Whoever kept a pointer to a block of one type never finds another type there. */
static void test_types(void)
{
	void *was = stable_alloc(STABLE_MEGAFLOW, SIZE), *other;

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	stable_free(STABLE_MEGAFLOW, was, SIZE);
	other = stable_alloc(STABLE_DEPENDENCY, SIZE);
	CU_ASSERT_PTR_NOT_EQUAL(other, was);
	CU_ASSERT_PTR_EQUAL(stable_alloc(STABLE_MEGAFLOW, SIZE), was);
	stable_free(STABLE_MEGAFLOW, was, SIZE);
	stable_free(STABLE_DEPENDENCY, other, SIZE);
}

/* Blocks do not overlap, lie on cache lines, and keep what was in them but for 8 bytes. */
static void test_blocks(void)
{
	static const size_t sizes[] = {1, 127, 128, 129, 2048, 2049, SIZE, 2u << 20};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	uint8_t *block[N];

	for (unsigned i = 0; i < N; i++) {
		block[i] = stable_alloc(STABLE_DEPENDENCY, sizes[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(block[i]);
		CU_ASSERT_EQUAL((uintptr_t)block[i] % 64, 0);
		memset(block[i], (int)i + 1, sizes[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(block[i][0], i + 1);
		CU_ASSERT_EQUAL(block[i][sizes[i] - 1], i + 1);
		stable_free(STABLE_DEPENDENCY, block[i], sizes[i]);
		if (sizes[i] > 8)
			CU_ASSERT_EQUAL(block[i][sizes[i] - 1], i + 1);
	}
	CU_ASSERT_PTR_NULL(stable_alloc(STABLE_DEPENDENCY, 1u << 30));
}

CU_TestInfo stable_tests[] = {
	{"types", test_types},
	{"blocks", test_blocks},
	CU_TEST_INFO_NULL,
};
