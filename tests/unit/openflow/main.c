/* SPDX-License-Identifier: Apache-2.0 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/openflow/test.h"

static uint64_t state;

/* xorshift64*, Vigna 2016 */
uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

bool same_bytes(const struct of_buf *a, const struct of_buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

bool is_hex(const struct of_buf *b, const char *hex)
{
	uint8_t raw[1024];
	size_t len = from_hex(hex, raw, sizeof(raw));

	return !b->failed && b->len == len && !memcmp(b->data, raw, len);
}

struct of_rd body15(const struct of_buf *b)
{
	CU_ASSERT_FATAL(!b->failed && b->len >= OFP_HEADER_LEN);
	CU_ASSERT_EQUAL(b->data[0], OFP15);
	CU_ASSERT_EQUAL((size_t)(b->data[2] << 8 | b->data[3]), b->len);
	return of_rd_make(b->data + OFP_HEADER_LEN, b->len - OFP_HEADER_LEN);
}

void expect(bool ok, const char *what, const char *item, const char *file, int line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", item, what);
	CU_assertImplementation(ok, (unsigned)line, text, file, "", CU_FALSE);
}

int main(void)
{
	const char *seed = getenv("SLUICE_SEED");
	CU_SuiteInfo suites[] = {
		{"codec", NULL, NULL, NULL, NULL, codec_tests},
		{"messages", NULL, NULL, NULL, NULL, message_tests},
		{"messages of 1.5", NULL, NULL, NULL, NULL, message15_tests},
		{"groups of 1.5", NULL, NULL, NULL, NULL, group15_tests},
		{"malformed", NULL, NULL, NULL, NULL, malformed_tests},
		{"nicira", NULL, NULL, NULL, NULL, nicira_tests},
		{"text", NULL, NULL, NULL, NULL, text_tests},
		{"agent", NULL, NULL, NULL, NULL, agent_tests},
		{"serve", NULL, NULL, NULL, NULL, serve_tests},
		{"serve 1.5", NULL, NULL, NULL, NULL, serve15_tests},
		{"async", NULL, NULL, NULL, NULL, async_tests},
		{"monitor", NULL, NULL, NULL, NULL, monitor_tests},
		{"remote", NULL, NULL, NULL, NULL, remote_tests},
		{"fuzz", NULL, NULL, NULL, NULL, fuzz_tests},
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("SLUICE_SEED=%llu\n", (unsigned long long)state);
	state = state * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (CU_initialize_registry() || CU_register_suites(suites))
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
