/* SPDX-License-Identifier: Apache-2.0 */
#include "test_tc.h"

#include <CUnit/Basic.h>

int main(void)
{
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	add_flower_suite();
	add_action_suite();
	add_step_suite();
	add_answer_suite();
	add_bond_suite();
	add_police_suite();
	add_filter_suite();
	add_leaving_suite();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
