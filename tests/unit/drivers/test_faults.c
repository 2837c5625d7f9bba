/* SPDX-License-Identifier: Apache-2.0
 *
 * The flaky profile: what the script says happens, and the driver tells it as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

static void *dev;

static void begin(const char *script)
{
	device_script("flaky", script);
	dev = device_open("flaky", NULL);
	device_bind_all(dev);
}

static void end(void)
{
	device_close(dev, "flaky");
}

static void rule_n(struct test_rule *t, unsigned n)
{
	char match[64];

	snprintf(match, sizeof(match), "ip,nw_dst=10.1.%u.%u", n / 256, n % 256);
	rule_make(t, 5000 + n, 1, match);
	rule_output(t, 2);
}

static uint32_t rules_held(void)
{
	struct hal_device_stats s;

	CU_ASSERT_EQUAL(sim_driver.stats(dev, &s), 0);
	return s.rules;
}

static void refusals(void)
{
	struct hal_completion c;
	struct test_rule t;

	begin("refuse every=3 op=add code=unsupported_combination text=\"no such luck\"\n");
	for (unsigned i = 1; i <= 9; i++) {
		rule_n(&t, i);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), i % 3 ? 0 : -EOPNOTSUPP);
		if (i % 3 == 0) {
			CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_UNSUPPORTED_COMBINATION);
			CU_ASSERT_STRING_EQUAL(c.reason.text, "no such luck");
		}
		rule_free(&t);
	}
	CU_ASSERT_EQUAL(rules_held(), 6);
	end();
}

static void late_errors(void)
{
	struct hal_completion c;
	struct test_rule t;
	uint64_t start;

	begin("late every=1 op=add delay=100\n");
	rule_n(&t, 1);
	start = now_ms();
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), -EIO);
	CU_ASSERT(now_ms() - start >= 90);
	CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_DEVICE_ERROR);
	CU_ASSERT_EQUAL(rules_held(), 0);
	rule_free(&t);
	end();
}

/* Each operation completes once, in time, with what really became of it. */
static void lost_completions(void)
{
	struct hal_completion c;
	struct test_rule t;

	begin("lose every=2\n");
	for (unsigned i = 1; i <= 4; i++) {
		rule_n(&t, i);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), 0);
		CU_ASSERT_EQUAL(rules_held(), i);
		rule_free(&t);
	}
	for (unsigned i = 1; i <= 4; i++) {
		rule_n(&t, i);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, &c), 0);
		CU_ASSERT(c.final.known); /* also where the completion was lost */
		CU_ASSERT_EQUAL(rules_held(), 4 - i);
		rule_free(&t);
	}
	doze(100);
	CU_ASSERT_EQUAL(sim_driver.poll(dev, &c, 1), 0);
	end();
}

static void full_table(void)
{
	struct hal_completion c;
	struct test_rule t;

	begin("full after=2\n");
	for (unsigned i = 1; i <= 3; i++) {
		rule_n(&t, i);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), i > 2 ? -ENOSPC : 0);
		rule_free(&t);
	}
	CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_NO_ROOM);
	end();
}

static void refused_delete(void)
{
	struct hal_completion c;
	struct test_rule t;

	/* The first two tries of a DEL fail, the third does it. */
	begin("");
	rule_n(&t, 1);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), 0);
	end();
	begin("refuse every=1 op=del code=device_error\n");
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), 0);
	struct hal_op op = {.type = HAL_OP_DEL, .token = 9, .rule = t.rule};
	CU_ASSERT_EQUAL(sim_driver.submit(dev, &op, 1), 1);
	for (unsigned i = 0; i < 30; i++, doze(10))
		CU_ASSERT_EQUAL(sim_driver.poll(dev, &c, 1), 0);
	CU_ASSERT_EQUAL(rules_held(), 1);
	device_script("flaky", "");
	CU_ASSERT_EQUAL(device_load_script("flaky"), 0);
	int n = 0;
	for (unsigned i = 0; i < 100 && !n; i++, doze(10))
		n = sim_driver.poll(dev, &c, 1);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT_EQUAL(c.token, 9);
	CU_ASSERT_EQUAL(rules_held(), 0);
	rule_free(&t);
	end();
}

static void reset(void)
{
	struct hal_device_stats before, after;
	struct hal_raw_counter counter;
	struct test_rule t;

	begin("reset after=3\n");
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &before), 0);
	for (unsigned i = 1; i <= 3; i++) {
		rule_n(&t, i);
		CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
		if (i < 3)
			rule_free(&t);
	}
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &after), 0);
	CU_ASSERT_EQUAL(after.rules, 0);
	CU_ASSERT_NOT_EQUAL(after.generation, before.generation);
	CU_ASSERT(after.alive);
	CU_ASSERT_EQUAL(sim_driver.counters_read(dev, &t.rule.ufid, 1, &counter), 0);
	CU_ASSERT_FALSE(counter.known);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	rule_free(&t);
	end();
}

static void bad_scripts(void)
{
	static const char *const bad[] = {"explode every=3\n", "refuse\n", "refuse every=x\n",
		"lose every=2 code=\n", "refuse every=1 code=nonsense\n"};

	begin("");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		device_script("flaky", bad[i]);
		CU_ASSERT_NOT_EQUAL(device_load_script("flaky"), 0);
	}
	end();
}

void faults_suite(void)
{
	CU_pSuite s = CU_add_suite("faults", NULL, NULL);

	CU_add_test(s, "refusals with the scripted reason", refusals);
	CU_add_test(s, "late errors", late_errors);
	CU_add_test(s, "lost completions are found out", lost_completions);
	CU_add_test(s, "a full table", full_table);
	CU_add_test(s, "a refused delete is tried until it is done", refused_delete);
	CU_add_test(s, "a reset changes the generation", reset);
	CU_add_test(s, "bad scripts are refused", bad_scripts);
}
