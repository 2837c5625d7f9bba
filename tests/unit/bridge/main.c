/* SPDX-License-Identifier: Apache-2.0 */
#include <CUnit/Basic.h>

#include "hal/device.h"
#include "test_bridge.h"

const struct hal_driver *const hal_drivers[] = {NULL}; /* no device is opened here */

int main(void)
{
	unsigned failed;

	if (CU_initialize_registry())
		return 1;
	suite_capture();
	suite_pcapng();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
