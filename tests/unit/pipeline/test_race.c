/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pipeline/test.h"

CU_TestInfo race_tests[] = {
	CU_TEST_INFO_NULL,
};
