/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters that never run backwards.
 */
#include "test_hal_engine.h"

static uint64_t packets(struct hal_device *dev, const struct hal_rule *rule)
{
	struct hal_counter c;

	CU_ASSERT_EQUAL(hal_counters_read(dev, &rule->ufid, 1, &c), 0);
	CU_ASSERT(c.known);
	return c.packets;
}

static void test_wrap(void)
{
	struct fake *f = fake_get("narrow");
	struct hal_device *dev;
	struct hal_rule rule;
	uint64_t sum = 0;

	fake_caps(f)->counter_bits = 8;
	dev = open_fake("narrow");
	fake_rule(&rule, 1, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	for (unsigned i = 0; i < 20; i++) {
		fake_hit(f, &rule.ufid, 100 + i, 1);
		sum += 100 + i;
		CU_ASSERT_EQUAL(packets(dev, &rule), sum);
	}
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

static void test_backwards(void)
{
	struct hal_extender e = {0};
	struct hal_counter c;
	struct hal_raw_counter raw = {.packets = 100, .bytes = 1000, .known = true};

	hal_extend(&e, &raw, 64, &c);
	raw.packets = 60; /* a broken device */
	hal_extend(&e, &raw, 64, &c);
	CU_ASSERT_EQUAL(c.packets, 100);
	raw.packets = 70;
	hal_extend(&e, &raw, 64, &c);
	CU_ASSERT_EQUAL(c.packets, 110);
	raw.known = false;
	raw.packets = 0;
	hal_extend(&e, &raw, 64, &c);
	CU_ASSERT_EQUAL(c.packets, 110);
	CU_ASSERT_FALSE(c.known);
}

static void test_generation(void)
{
	struct fake *f = fake_get("counters");
	struct hal_device *dev = open_fake("counters");
	struct hal_rule rule;

	fake_rule(&rule, 1, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	fake_hit(f, &rule.ufid, 50, 500);
	CU_ASSERT_EQUAL(packets(dev, &rule), 50);
	fake_restart_counters(f);
	CU_ASSERT_EQUAL(packets(dev, &rule), 50);
	fake_hit(f, &rule.ufid, 60, 600); /* above the former value: only the generation tells */
	CU_ASSERT_EQUAL(packets(dev, &rule), 110);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

static void test_final(void)
{
	struct fake *f = fake_get("counters");
	struct hal_device *dev = open_fake("counters");
	struct hal_counter c;
	struct hal_rule rule;

	fake_rule(&rule, 1, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	CU_ASSERT_EQUAL(hal_counter_final(dev, &rule.ufid, &c), -ENOENT);
	fake_hit(f, &rule.ufid, 3, 30);
	CU_ASSERT_EQUAL(packets(dev, &rule), 3);
	fake_hit(f, &rule.ufid, 4, 40); /* after the last reading */
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_REPLACE, &rule), 0);
	CU_ASSERT_EQUAL(hal_counter_final(dev, &rule.ufid, &c), 0);
	CU_ASSERT_EQUAL(c.packets, 7);
	fake_hit(f, &rule.ufid, 5, 50);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	CU_ASSERT_EQUAL(hal_counter_final(dev, &rule.ufid, &c), 0);
	CU_ASSERT_EQUAL(c.packets, 12);
	CU_ASSERT_EQUAL(c.bytes, 120);
	CU_ASSERT(c.known);
	hal_counter_forget(dev, &rule.ufid);
	CU_ASSERT_EQUAL(hal_counter_final(dev, &rule.ufid, &c), -ENOENT);
	/* A new life starts at 0. */
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	CU_ASSERT_EQUAL(packets(dev, &rule), 0);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

static void test_unknown(void)
{
	struct fake *f = fake_get("uncounted");
	struct hal_device *dev;
	struct hal_counter c;
	struct hal_rule rule;

	fake_caps(f)->counts_packets = false;
	dev = open_fake("uncounted");
	fake_rule(&rule, 1, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	CU_ASSERT_EQUAL(hal_counters_read(dev, &rule.ufid, 1, &c), 0);
	CU_ASSERT_FALSE(c.known);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	CU_ASSERT_EQUAL(hal_counter_final(dev, &rule.ufid, &c), 0);
	CU_ASSERT_FALSE(c.known);
	CU_ASSERT_EQUAL(hal_counters_read(dev, &rule.ufid, 1, &c), 0);
	CU_ASSERT_FALSE(c.known);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

static int adopt(void *ctx, const struct hal_dump_entry *e)
{
	return hal_adopt(ctx, e);
}

static void test_adopt(void)
{
	struct fake *f = fake_get("counters");
	struct hal_device *dev = open_fake("counters");
	struct hal_rule rule;

	fake_rule(&rule, 1, 1, 2);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule), 0);
	fake_hit(f, &rule.ufid, 1000, 10000);
	hal_device_close(dev);
	CU_ASSERT_EQUAL(fake_rules(f), 1);
	dev = open_fake("counters");
	CU_ASSERT_EQUAL(hal_dump(dev, adopt, dev), 0);
	fake_hit(f, &rule.ufid, 5, 50);
	CU_ASSERT_EQUAL(packets(dev, &rule), 5);
	hal_forget_state(dev);
	CU_ASSERT_PTR_NULL(hal_held_find(dev, &rule.ufid));
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule), 0);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

void counters_suite(void)
{
	CU_pSuite s = CU_add_suite("counters", NULL, NULL);

	CU_add_test(s, "wraps", test_wrap);
	CU_add_test(s, "a device that counts backwards", test_backwards);
	CU_add_test(s, "generations", test_generation);
	CU_add_test(s, "final readings", test_final);
	CU_add_test(s, "unknown is not 0", test_unknown);
	CU_add_test(s, "adopted rules", test_adopt);
}
