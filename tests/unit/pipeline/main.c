/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

#include "hal/base/rcu.h"
#include "tests/unit/pipeline/special.h"

static _Thread_local uint64_t state = 1;

void rnd_seed(uint64_t seed)
{
	state = seed ? seed : 1;
}

/* xorshift64*, Vigna 2016 */
uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Every suite starts from the same numbers, so that one can be run alone. */
static uint64_t seed;

static void setup(void)
{
	rnd_seed(seed);
	rig_open();
}

int main(int argc, char **argv)
{
	const char *text = getenv("SLUICE_SEED");
	CU_SuiteInfo suites[] = {
		{"table", NULL, NULL, setup, rig_close, table_tests},
		{"flow-mod", NULL, NULL, setup, rig_close, flow_mod_tests},
		{"actions", NULL, NULL, setup, rig_close, action_tests},
		{"normal", NULL, NULL, setup, rig_close, normal_tests},
		{"patch", NULL, NULL, setup, rig_close, patch_tests},
		{"packet", NULL, NULL, setup, rig_close, packet_tests},
		{"count", NULL, NULL, setup, rig_close, count_tests},
		{"birth", NULL, NULL, setup, rig_close, birth_tests},
		{"change", NULL, NULL, setup, rig_close, change_tests},
		{"bundle", NULL, NULL, setup, rig_close, bundle_tests},
		{"monitor", NULL, NULL, setup, rig_close, monitor_tests},
		{"conjunction", NULL, NULL, setup, rig_close, conjunction_tests},
		{"buckets", NULL, NULL, setup, rig_close, bucket_tests},
		{"group", NULL, NULL, setup, rig_close, group_tests},
		{"pause", NULL, NULL, setup, rig_close, pause_tests},
		{"register", NULL, NULL, setup, rig_close, register_tests},
		{"learn", NULL, NULL, setup, rig_close, learn_tests},
		{"width", NULL, NULL, setup, rig_close, width_tests},
		{"race", NULL, NULL, setup, rig_close, race_tests},
		{"chain", NULL, NULL, setup, rig_close, chain_tests},
		{"recirc", NULL, NULL, setup, rig_close, recirc_tests},
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	seed = text ? strtoull(text, NULL, 0) : 20240601;
	printf("SLUICE_SEED=%llu\n", (unsigned long long)seed);
	setbuf(stdout, NULL);
	if (rcu_init() || CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	if (CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	/* An argument names the only suite to run. */
	if (argc > 1)
		CU_basic_run_suite(CU_get_suite(argv[1]));
	else
		CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	rcu_drain();
	return failures ? 1 : 0;
}
