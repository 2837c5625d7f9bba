/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/base/rcu.h"
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <signal.h>

int main(void)
{
	/* A client that goes away while it is written to is no reason to die;
	 * the daemon ignores this signal too. */
	signal(SIGPIPE, SIG_IGN);
	rcu_init();
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	if (suite_datum() || suite_schema() || suite_transact() || suite_integrity() ||
		suite_monitor() || suite_protocol() || suite_store() || suite_api())
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	unsigned int failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	rcu_drain();
	return failures ? 1 : 0;
}
