/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pipeline/test.h"

CU_TestInfo change_tests[] = {
	CU_TEST_INFO_NULL,
};
