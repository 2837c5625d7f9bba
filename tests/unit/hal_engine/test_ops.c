/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, and operations: accepted or rejected, completed exactly once.
 */
#include "test_hal_engine.h"

static void test_open(void)
{
	struct hal_env env = {0};
	struct hal_device *dev;
	struct hal_reason r;

	CU_ASSERT_EQUAL(hal_device_open("nosuch:x", &env, &dev, &r), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "fake"));
	CU_ASSERT(hal_device_open("fake:broken", &env, &dev, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_DEVICE_ERROR);
	CU_ASSERT_EQUAL_FATAL(hal_device_open("fake:ops", &env, &dev, &r), 0);
	CU_ASSERT_STRING_EQUAL(hal_device_name(dev), "fake:ops");
	hal_device_close(dev);
}

static void test_empty_driver(void)
{
	static const struct hal_driver empty = {.name = "empty"};
	struct hal_driver filled = empty;
	struct hal_device *dev;
	struct hal_reason r;
	struct hal_rule rule;
	struct hal_op op = {.type = HAL_OP_ADD};
	struct hal_raw_counter c;
	struct hal_ufid ufid = {{1, 2}};

	CU_ASSERT(hal_device_open_driver(&empty, "", NULL, &dev, &r) < 0);
	hal_driver_fill(&filled);
	for (void **slot = (void **)&filled.open; slot <= (void **)&filled.stats; slot++)
		CU_ASSERT_PTR_NOT_NULL(*slot);
	fake_rule(&rule, 1, 1, 2);
	op.rule = rule;
	CU_ASSERT_EQUAL(filled.submit(NULL, &op, 1), 0);
	CU_ASSERT_NOT_EQUAL(op.reason.code, HAL_REASON_NONE);
	CU_ASSERT_EQUAL(filled.counters_read(NULL, &ufid, 1, &c), -EOPNOTSUPP);
	CU_ASSERT_FALSE(c.known);
	CU_ASSERT_EQUAL(filled.dump(NULL, NULL, 0, NULL, NULL), -EOPNOTSUPP);
	fake_rule_free(&rule);
}

static void test_once(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_completion c[8];
	struct hal_rule rule;

	fake_rule(&rule, 1, 1, 2);
	fake_repeat(f, 1);
	CU_ASSERT(submit_one(dev, HAL_OP_ADD, &rule, 42, NULL));
	CU_ASSERT_EQUAL(hal_in_flight(dev), 1);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 1);
	CU_ASSERT_EQUAL(c[0].token, 42);
	CU_ASSERT_EQUAL(c[0].error, 0);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 0);
	CU_ASSERT_EQUAL(dev->strays, 1);
	/* A stale token whose record is in use again is still stale. */
	fake_hold(f, true);
	fake_repeat(f, 1);
	CU_ASSERT(submit_one(dev, HAL_OP_DEL, &rule, 43, NULL));
	fake_hold(f, false);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 1);
	CU_ASSERT_EQUAL(dev->strays, 2);
	CU_ASSERT_EQUAL(hal_in_flight(dev), 0);
	hal_device_close(dev);
	fake_rule_free(&rule);
}

/* A second completion that comes when its record carries another operation. */
static void test_stale(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_completion c[8];
	struct hal_rule a, b;

	fake_rule(&a, 1, 1, 2);
	fake_rule(&b, 2, 1, 2);
	fake_hold(f, true);
	CU_ASSERT(submit_one(dev, HAL_OP_ADD, &a, 1, NULL));
	CU_ASSERT_EQUAL(hal_expire(dev, 0), 1);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 1);
	CU_ASSERT_EQUAL(c[0].error, -ETIMEDOUT);
	CU_ASSERT_EQUAL(c[0].reason.code, HAL_REASON_RETRY);
	CU_ASSERT(submit_one(dev, HAL_OP_ADD, &b, 2, NULL));
	fake_hold(f, false);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 1);
	CU_ASSERT_EQUAL(c[0].token, 2);
	CU_ASSERT_EQUAL(dev->strays, 1);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &a), 0);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &b), 0);
	hal_device_close(dev);
	fake_rule_free(&a);
	fake_rule_free(&b);
}

static void test_reject_and_late(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_completion c;
	struct hal_reason r;
	struct hal_rule rule;

	fake_rule(&rule, 1, 1, 2);
	fake_reject(f, 1, HAL_OP_ADD, HAL_REASON_NO_ROOM);
	CU_ASSERT_FALSE(submit_one(dev, HAL_OP_ADD, &rule, 1, &r));
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NO_ROOM);
	CU_ASSERT_EQUAL(hal_in_flight(dev), 0);
	CU_ASSERT_EQUAL(hal_poll(dev, &c, 1), 0);
	fake_fail_late(f, 1, HAL_OP_ADD, HAL_REASON_DEVICE_ERROR);
	CU_ASSERT(submit_one(dev, HAL_OP_ADD, &rule, 2, NULL));
	CU_ASSERT_EQUAL(hal_poll(dev, &c, 1), 1);
	CU_ASSERT_EQUAL(c.error, -EIO);
	CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_DEVICE_ERROR);
	CU_ASSERT_PTR_NULL(hal_held_find(dev, &rule.ufid));
	hal_device_close(dev);
	fake_rule_free(&rule);
}

static void test_many(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_op ops[500];
	struct hal_completion c[64];
	uint8_t seen[500] = {0};
	unsigned n = 0;

	fake_hold(f, true);
	for (unsigned i = 0; i < 500; i++) {
		memset(&ops[i], 0, sizeof(ops[i]));
		fake_rule(&ops[i].rule, i, 1, 2);
		ops[i].token = i;
	}
	CU_ASSERT_EQUAL(hal_submit(dev, ops, 500), 500);
	CU_ASSERT_EQUAL(hal_in_flight(dev), 500);
	fake_hold(f, false);
	for (int k; (k = hal_poll(dev, c, 64)) > 0; n += (unsigned)k)
		for (int i = 0; i < k; i++)
			seen[c[i].token]++;
	CU_ASSERT_EQUAL(n, 500);
	for (unsigned i = 0; i < 500; i++) {
		CU_ASSERT_EQUAL(seen[i], 1);
		CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &ops[i].rule), 0);
		fake_rule_free(&ops[i].rule);
	}
	CU_ASSERT_EQUAL(fake_rules(f), 0);
	hal_device_close(dev);
}

static void test_lost(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_completion c[8];
	struct hal_rule rule[3];

	fake_hold(f, true);
	for (unsigned i = 0; i < 3; i++) {
		fake_rule(&rule[i], i, 1, 2);
		CU_ASSERT(submit_one(dev, HAL_OP_ADD, &rule[i], i, NULL));
	}
	fake_kill(f);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 2), 2);
	CU_ASSERT_EQUAL(c[0].error, -ENODEV);
	CU_ASSERT_EQUAL(c[0].reason.code, HAL_REASON_DEVICE_GONE);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), 1);
	CU_ASSERT_EQUAL(hal_poll(dev, c, 8), -ENODEV);
	CU_ASSERT_EQUAL(hal_in_flight(dev), 0);
	fake_revive(f);
	fake_hold(f, false);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_ADD, &rule[0]), 0);
	CU_ASSERT_EQUAL(run_one(dev, HAL_OP_DEL, &rule[0]), 0);
	for (unsigned i = 0; i < 3; i++)
		fake_rule_free(&rule[i]);
	hal_device_close(dev);
}

static void test_ports(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_port_handle h = {.kind = HAL_PORT_NETDEV, .name = "p5"};
	struct hal_reason r;

	CU_ASSERT_EQUAL(hal_port_bind(dev, 5, &h, &r), 0);
	CU_ASSERT(hal_port_is_bound(dev, 5));
	CU_ASSERT_EQUAL(hal_port_bind(dev, 5, &h, &r), -EEXIST);
	CU_ASSERT_EQUAL(hal_port_bind(dev, 0, &h, &r), -EINVAL);
	CU_ASSERT_EQUAL(hal_port_bind(dev, HAL_PORT_MAX + 1, &h, &r), -EINVAL);
	fake_no_bind(f, 6);
	CU_ASSERT_EQUAL(hal_port_bind(dev, 6, &h, &r), -ENODEV);
	CU_ASSERT_EQUAL(r.port, 6);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "p5"));
	CU_ASSERT_FALSE(hal_port_is_bound(dev, 6));
	CU_ASSERT_EQUAL(hal_port_unbind(dev, 5), 0);
	CU_ASSERT_FALSE(hal_port_is_bound(dev, 5));
	CU_ASSERT_EQUAL(hal_port_unbind(dev, 5), -ENOENT);
	fake_no_bind(f, 0);
	hal_device_close(dev);
}

static void test_objects(void)
{
	struct fake *f = fake_get("ops");
	struct hal_device *dev = open_fake("ops");
	struct hal_object o = {.type = HAL_OBJECT_METER, .id = 9, .len = 4, .arg = "abc"};
	struct hal_reason r;

	CU_ASSERT_EQUAL(hal_object_ref(dev, HAL_OBJECT_METER, 9), -ENOENT);
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), 0);
	CU_ASSERT_EQUAL(hal_object_unref(dev, HAL_OBJECT_METER, 9), -EINVAL);
	CU_ASSERT_EQUAL(hal_object_ref(dev, HAL_OBJECT_METER, 9), 0);
	CU_ASSERT_EQUAL(hal_object_ref(dev, HAL_OBJECT_METER, 9), 0);
	CU_ASSERT_EQUAL(hal_object_unref(dev, HAL_OBJECT_METER, 9), 0);
	CU_ASSERT_EQUAL(fake_objects(f), 1);
	CU_ASSERT_EQUAL(hal_object_unref(dev, HAL_OBJECT_METER, 9), 0);
	CU_ASSERT_EQUAL(fake_objects(f), 0);
	CU_ASSERT_EQUAL(hal_object_unref(dev, HAL_OBJECT_METER, 9), -ENOENT);
	o.len = 5000; /* refused by the device: it does not exist afterwards */
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), -ENOSPC);
	CU_ASSERT_EQUAL(hal_object_ref(dev, HAL_OBJECT_METER, 9), -ENOENT);
	hal_device_close(dev);
}

/* Room by type, and what the device would not delete at once. */
static void test_object_room(void)
{
	static const char big[5000];
	struct fake *f = fake_get("object_room");
	struct hal_device *dev;
	struct hal_object o = {.type = HAL_OBJECT_METER, .id = 1, .len = 4, .arg = "abc"};
	struct hal_reason r;

	fake_caps(f)->max_objects[HAL_OBJECT_METER] = 2;
	fake_caps(f)->object[HAL_OBJECT_LAG] = false;
	dev = open_fake("object_room");
	for (o.id = 1; o.id <= 2; o.id++) {
		CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), 0);
		CU_ASSERT_EQUAL(hal_object_ref(dev, o.type, o.id), 0);
	}
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), -ENOSPC);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NO_ROOM);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "meter"));
	o.id = 2; /* a change needs no room; one that fails leaves it there */
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), 0);
	o.len = sizeof(big), o.arg = big;
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, NULL), -ENOSPC);
	o.len = 4, o.arg = "abc";
	CU_ASSERT_EQUAL(fake_objects(f), 2);
	fake_keep_objects(f, 2);
	CU_ASSERT_EQUAL(hal_object_unref(dev, o.type, 1), -EAGAIN);
	CU_ASSERT_EQUAL(fake_objects(f), 2);
	CU_ASSERT_EQUAL(hal_object_ref(dev, o.type, 1), -ENOENT);
	CU_ASSERT_EQUAL(hal_objects_sweep(dev), 1);
	o.id = 3; /* the one that lingers makes room */
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), 0);
	CU_ASSERT_EQUAL(fake_objects(f), 2);
	CU_ASSERT_EQUAL(hal_objects_sweep(dev), 0);
	CU_ASSERT_EQUAL(hal_object_drop(dev, o.type, 3), -EBUSY);
	CU_ASSERT_EQUAL(hal_object_drop(dev, o.type, 77), -ENOENT);
	CU_ASSERT_EQUAL(hal_object_drop(dev, HAL_OBJECT_LAG, 1), -EOPNOTSUPP);
	o.type = HAL_OBJECT_LAG;
	CU_ASSERT_EQUAL(hal_object_set(dev, &o, &r), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "no lag objects"));
	hal_forget_state(dev);
	CU_ASSERT_EQUAL(hal_object_drop(dev, HAL_OBJECT_METER, HAL_OBJECT_ALL), 0);
	CU_ASSERT_EQUAL(fake_objects(f), 0);
	hal_device_close(dev);
}

void ops_suite(void)
{
	CU_pSuite s = CU_add_suite("operations", NULL, NULL);

	CU_add_test(s, "open", test_open);
	CU_add_test(s, "a driver without slots", test_empty_driver);
	CU_add_test(s, "completed once", test_once);
	CU_add_test(s, "stale completions", test_stale);
	CU_add_test(s, "rejected and late", test_reject_and_late);
	CU_add_test(s, "hundreds in flight", test_many);
	CU_add_test(s, "a lost device", test_lost);
	CU_add_test(s, "ports", test_ports);
	CU_add_test(s, "objects", test_objects);
	CU_add_test(s, "room for objects", test_object_room);
}
