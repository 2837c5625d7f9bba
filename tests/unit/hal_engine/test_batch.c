/* SPDX-License-Identifier: Apache-2.0
 *
 * All or nothing.
 */
#include "test_hal_engine.h"

static struct fake *f;
static struct hal_device *dev;
static struct hal_rule old, new, other, third;

/* The device holds `old` and `other`; `new` is `old` with another output. */
static void setup(void)
{
	f = fake_get("batch");
	dev = open_fake("batch");
	fake_rule(&old, 1, 1, 2);
	fake_rule(&new, 1, 1, 3);
	fake_rule(&other, 2, 1, 2);
	fake_rule(&third, 3, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &old), 0);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &other), 0);
}

static void teardown(void)
{
	run_one(dev, HAL_OP_DEL, &old);
	run_one(dev, HAL_OP_DEL, &other);
	run_one(dev, HAL_OP_DEL, &third);
	CU_ASSERT_EQUAL(fake_rules(f), 0);
	hal_device_close(dev);
	fake_rule_free(&old);
	fake_rule_free(&new);
	fake_rule_free(&other);
	fake_rule_free(&third);
}

static void fill(struct hal_op ops[3])
{
	memset(ops, 0, 3 * sizeof(ops[0]));
	ops[0] = (struct hal_op){.type = HAL_OP_REPLACE, .rule = new};
	ops[1] = (struct hal_op){.type = HAL_OP_DEL, .rule = {.ufid = other.ufid}};
	ops[2] = (struct hal_op){.type = HAL_OP_ADD, .rule = third};
}

static void assert_untouched(void)
{
	CU_ASSERT_EQUAL(fake_rules(f), 2);
	CU_ASSERT(fake_program_is(f, &old.ufid, old.program));
	CU_ASSERT(fake_program_is(f, &other.ufid, other.program));
	CU_ASSERT_FALSE(fake_has(f, &third.ufid));
}

static void test_all(void)
{
	struct hal_op ops[3];
	struct hal_reason r;

	setup();
	fill(ops);
	CU_ASSERT_EQUAL(hal_submit_all(dev, ops, 3, 1000, &r), 0);
	CU_ASSERT(fake_program_is(f, &old.ufid, new.program));
	CU_ASSERT_FALSE(fake_has(f, &other.ufid));
	CU_ASSERT(fake_has(f, &third.ufid));
	teardown();
}

static void test_undo_late(void)
{
	struct hal_op ops[3];
	struct hal_reason r;

	setup();
	fill(ops);
	fake_fail_late(f, 1, HAL_OP_ADD, HAL_REASON_NO_ROOM);
	CU_ASSERT_EQUAL(hal_submit_all(dev, ops, 3, 1000, &r), -ENOSPC);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NO_ROOM);
	assert_untouched();
	CU_ASSERT_EQUAL(hal_in_flight(dev), 0);
	teardown();
}

static void test_undo_rejected(void)
{
	struct hal_op ops[3], swap;
	struct hal_reason r;

	setup();
	fill(ops);
	swap = ops[0], ops[0] = ops[2], ops[2] = swap;
	fake_reject(f, 1, HAL_OP_REPLACE, HAL_REASON_RETRY);
	CU_ASSERT_EQUAL(hal_submit_all(dev, ops, 3, 1000, &r), -EAGAIN);
	assert_untouched();
	teardown();
}

static void test_timeout(void)
{
	struct hal_op ops[3];
	struct hal_completion c;
	struct hal_reason r;

	setup();
	fill(ops);
	fake_hold(f, true);
	CU_ASSERT_EQUAL(hal_submit_all(dev, ops, 3, 20, &r), -ETIMEDOUT);
	fake_hold(f, false);
	/* What succeeds after all is taken back, and nobody hears of it. */
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(hal_poll(dev, &c, 1), 0);
	CU_ASSERT_EQUAL(hal_in_flight(dev), 0);
	assert_untouched();
	teardown();
}

/* Completions of other operations that arrive meanwhile are kept for hal_poll(). */
static void test_bystander(void)
{
	struct hal_op ops[3];
	struct hal_completion c;
	struct hal_rule mine;
	struct hal_reason r;

	setup();
	fill(ops);
	fake_rule(&mine, 9, 1, 2);
	CU_ASSERT(submit_one(dev, HAL_OP_ADD, &mine, 99, NULL));
	CU_ASSERT_EQUAL(hal_submit_all(dev, ops, 3, 1000, &r), 0);
	CU_ASSERT_EQUAL(hal_poll(dev, &c, 1), 1);
	CU_ASSERT_EQUAL(c.token, 99);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &mine), 0);
	fake_rule_free(&mine);
	teardown();
}

void batch_suite(void)
{
	CU_pSuite s = CU_add_suite("batches", NULL, NULL);

	CU_add_test(s, "all", test_all);
	CU_add_test(s, "undone after a late error", test_undo_late);
	CU_add_test(s, "undone after a rejection", test_undo_rejected);
	CU_add_test(s, "undone when too late", test_timeout);
	CU_add_test(s, "other operations", test_bystander);
}
