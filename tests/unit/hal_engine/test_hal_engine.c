/* SPDX-License-Identifier: Apache-2.0 */
#include "test_hal_engine.h"

const struct hal_driver *const hal_drivers[] = {&fake_driver, NULL};

struct hal_device *open_fake(const char *name)
{
	struct hal_device *dev = NULL;
	struct hal_reason r;

	CU_ASSERT_EQUAL_FATAL(
		hal_device_open_driver(&fake_driver, name, &(struct hal_env){0}, &dev, &r), 0);
	return dev;
}

bool submit_one(struct hal_device *dev, enum hal_op_type type, const struct hal_rule *rule,
	uint64_t token, struct hal_reason *r)
{
	struct hal_op op = {.type = type, .token = token, .rule = *rule};
	int n = hal_submit(dev, &op, 1);

	CU_ASSERT_EQUAL(n, op.accepted);
	CU_ASSERT_EQUAL(op.token, token);
	CU_ASSERT_PTR_EQUAL(op.rule.match, rule->match);
	if (r)
		*r = op.reason;
	return op.accepted;
}

int run_one(struct hal_device *dev, enum hal_op_type type, const struct hal_rule *rule)
{
	struct hal_completion c;

	if (!submit_one(dev, type, rule, 77, NULL) || hal_poll(dev, &c, 1) != 1)
		return 1;
	CU_ASSERT_EQUAL(c.token, 77);
	return c.error;
}

int main(void)
{
	if (CU_initialize_registry())
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	caps_suite();
	ops_suite();
	counters_suite();
	batch_suite();
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();

	CU_cleanup_registry();
	fake_free_all();
	return failures != 0;
}
