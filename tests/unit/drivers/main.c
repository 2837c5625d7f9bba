/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

int main(void)
{
	unsigned failures;
	int skip = fixture_open();

	if (skip)
		return skip;
	if (CU_initialize_registry())
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	codec_suite();
	ring_suite();
	forward_suite();
	rewrite_suite();
	faults_suite();
	process_suite();
	chain_suite();
	connection_suite();
	object_suite();
	nested_suite();
	tunnel_suite();
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	fixture_close();
	return failures != 0;
}
