/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/hal/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <CUnit/Basic.h>

#include "hal/base/rcu.h"

static uint64_t state;

/* xorshift64*, Vigna 2016 */
uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

void rnd_bytes(void *p, size_t n)
{
	for (uint8_t *b = p; n--; b++)
		*b = (uint8_t)(rnd() >> 32);
}

void rnd_value(enum hal_field_id id, uint8_t *value)
{
	unsigned bytes = hal_field_bytes(id);
	uint8_t ones[HAL_VALUE_MAX];

	hal_field_ones(id, ones);
	rnd_bytes(value, bytes);
	for (unsigned i = 0; i < bytes; i++)
		value[i] &= ones[i];
}

void rnd_mask(enum hal_field_id id, uint8_t *mask)
{
	unsigned bytes = hal_field_bytes(id), kind = rnd_below(4), any = 0;
	uint8_t ones[HAL_VALUE_MAX];
	unsigned len = 1 + rnd_below(bytes * 8);

	hal_field_ones(id, ones);
	if (hal_fields[id].maskable == MASK_NONE)
		kind = 0;
	for (unsigned i = 0; i < bytes; i++) {
		if (kind == 1) /* a prefix of the wire form */
			mask[i] = (uint8_t)(i * 8 >= len       ? 0
					    : i * 8 + 8 <= len ? 0xff
							       : 0xff00 >> (len - i * 8));
		else
			mask[i] = (uint8_t)(kind == 0 ? 0xff : kind == 2 ? rnd() & rnd() : rnd());
		mask[i] &= ones[i];
		any |= mask[i];
	}
	if (!any)
		memcpy(mask, ones, bytes);
}

void canonical_frag(uint8_t *value, uint8_t *mask)
{
	if (*mask == 0xff)
		*mask = HAL_FRAG_ANY | HAL_FRAG_LATER;
	*value &= *mask;
	if (*value == (HAL_FRAG_ANY | HAL_FRAG_LATER) && *mask == *value)
		*value = *mask = HAL_FRAG_LATER;
	else if (!*value && *mask == HAL_FRAG_ANY)
		*mask = HAL_FRAG_ANY | HAL_FRAG_LATER;
}

void expect_text(const char *got, const char *want, const char *file, int line)
{
	char message[1024];
	bool same = !strcmp(got, want);

	if (!same) {
		snprintf(message, sizeof(message), "got \"%s\", want \"%s\"", got, want);
		printf("\n%s:%d: %s", file, line, message);
	}
	CU_assertImplementation(same, (unsigned)line, "text as expected", file, "", CU_FALSE);
}

void expect(bool ok, const char *what, const char *item, const char *file, int line)
{
	if (!ok)
		printf("\n%s:%d: %s: %s", file, line, item, what);
	CU_assertImplementation(ok, (unsigned)line, what, file, "", CU_FALSE);
}

int main(void)
{
	const char *seed = getenv("SLUICE_SEED");
	CU_SuiteInfo suites[] = {
		{"field", NULL, NULL, NULL, NULL, field_tests},
		{"field text", NULL, NULL, NULL, NULL, field_text_tests},
		{"prerequisites", NULL, NULL, NULL, NULL, prereq_tests},
		{"match", NULL, NULL, NULL, NULL, match_tests},
		{"match text", NULL, NULL, NULL, NULL, match_text_tests},
		{"compact match", NULL, NULL, NULL, NULL, cmatch_tests},
		{"action program", NULL, NULL, NULL, NULL, action_tests},
		{"reason and rule", NULL, NULL, NULL, NULL, reason_tests},
		{"flow hash", NULL, NULL, NULL, NULL, hash_tests},
		{"tlv table", NULL, NULL, NULL, NULL, tlv_tests},
		{"hash map", NULL, NULL, NULL, NULL, hmap_tests},
		{"rcu", NULL, NULL, NULL, NULL, rcu_tests},
		{"type-stable memory", NULL, NULL, NULL, NULL, stable_tests},
		{"log", NULL, NULL, NULL, NULL, log_tests},
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	state = state ? state : 1;
	printf("SLUICE_SEED=%llu\n", (unsigned long long)state);
	if (rcu_init() || CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	if (CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	rcu_drain();
	return failures ? 1 : 0;
}
