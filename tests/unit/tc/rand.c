/* SPDX-License-Identifier: Apache-2.0 */
#include "test_tc.h"

static uint64_t state = 1;

/* xorshift64*, Vigna 2016 */
uint32_t test_rand(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

void test_rand_seed(uint64_t seed)
{
	state = seed * 2 + 1;
}
