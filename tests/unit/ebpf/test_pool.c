/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers: each has one owner at a time, and none is lost.
 */
#include <CUnit/CUnit.h>

#include "test_ebpf.h"

#define MAX 100u

static void one_owner(void)
{
	bool mine[MAX] = {false};
	struct pool p;
	unsigned n = 0;

	CU_ASSERT_FATAL(!pool_init(&p, MAX));
	/* Some are somebody's before any was handed out. */
	for (uint32_t i = 3; i < MAX; i += 7) {
		CU_ASSERT_TRUE(pool_claim(&p, i));
		CU_ASSERT_FALSE(pool_claim(&p, i));
		mine[i] = true;
		n++;
	}
	for (unsigned round = 0; round < 10000; round++) {
		const uint32_t i = test_rand() % MAX;
		uint32_t got;

		if (test_rand() % 2 && mine[i]) {
			pool_put(&p, i);
			mine[i] = false;
			n--;
			continue;
		}
		got = pool_take(&p);
		if (n == MAX) {
			CU_ASSERT_EQUAL(got, POOL_NONE);
			continue;
		}
		CU_ASSERT_FATAL(got < MAX && !mine[got]);
		mine[got] = true;
		n++;
	}
	pool_destroy(&p);
}

static void all_come_back(void)
{
	struct pool p;

	CU_ASSERT_FATAL(!pool_init(&p, MAX));
	CU_ASSERT_FALSE(pool_claim(&p, MAX));
	for (uint32_t i = 0; i < MAX; i++)
		CU_ASSERT_NOT_EQUAL(pool_take(&p), POOL_NONE);
	CU_ASSERT_EQUAL(pool_take(&p), POOL_NONE);
	for (uint32_t i = 0; i < MAX; i++) {
		pool_put(&p, i);
		pool_put(&p, i); /* once more makes no second one of it */
	}
	for (uint32_t i = 0; i < MAX; i++)
		CU_ASSERT_NOT_EQUAL(pool_take(&p), POOL_NONE);
	CU_ASSERT_EQUAL(pool_take(&p), POOL_NONE);
	pool_destroy(&p);
}

void add_pool_suite(void)
{
	CU_pSuite suite = CU_add_suite("ebpf: numbers", NULL, NULL);

	CU_add_test(suite, "each has one owner", one_owner);
	CU_add_test(suite, "all come back", all_come_back);
}
