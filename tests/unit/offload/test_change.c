/* SPDX-License-Identifier: Apache-2.0
 *
 * Withdrawals and successors.
 */
#include "test_offload.h"

static void replace_on(const char *name, bool atomic)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(1, 1, 3);
	unsigned adds;

	fake = fake_get(name);
	fake_caps(fake)->atomic_update = atomic;
	begin(name);
	live(a);
	barrier();
	fake_hit(fake, &a->mf.ufid, 10, 1000);
	adds = fake_ops(fake, HAL_OP_ADD);
	withdraw(a, b);
	barrier();
	CU_ASSERT(PLACED(b));
	CU_ASSERT(a->withdrawn);
	CU_ASSERT_EQUAL(a->final_packets, 10);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_REPLACE), atomic);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_ADD), adds + !atomic);
	CU_ASSERT_EQUAL(slot(a).placement, PLACEMENT_REMOVED);
	CU_ASSERT_EQUAL(info().placed, 1);
	fake_hit(fake, &b->mf.ufid, 7, 700);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(a), 10);
	CU_ASSERT_EQUAL(hw_packets(b), 7);
	withdraw(b, NULL);
	mf_put(a);
	mf_put(b);
	end();
}

static void test_replace(void)
{
	replace_on("atomic", true);
}

static void test_del_add(void)
{
	replace_on("gap", false);
}

/* The device keeps the former rule when it refuses the new one; we must not. */
static void test_replace_refused(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(1, 1, 3);

	begin("change");
	live(a);
	barrier();
	fake_hit(fake, &a->mf.ufid, 5, 50);
	fake_fail_late(fake, 1, HAL_OP_REPLACE, HAL_REASON_DEVICE_ERROR);
	withdraw(a, b);
	barrier();
	CU_ASSERT(a->withdrawn);
	CU_ASSERT_EQUAL(a->final_packets, 5);
	CU_ASSERT_FALSE(fake_has(fake, &a->mf.ufid));
	CU_ASSERT(REFUSED(b, DEVICE_ERROR));
	withdraw(b, NULL);
	mf_put(a);
	mf_put(b);
	end();
}

/* The successor cannot be offloaded at all. */
static void test_successor_unfit(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(1, 1, 9);

	begin("change");
	live(a);
	barrier();
	withdraw(a, b);
	barrier();
	CU_ASSERT_FALSE(fake_has(fake, &a->mf.ufid));
	CU_ASSERT(REFUSED(b, UNBOUND_PORT));
	CU_ASSERT(a->withdrawn);
	withdraw(b, NULL);
	mf_put(a);
	mf_put(b);
	end();
}

/* The same ufid announced again before the first is withdrawn, and the other way round. */
static void test_without_hint(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(1, 1, 3), *c = mf_new(1, 1, 4);

	begin("change");
	live(a);
	live(b);
	withdraw(a, NULL);
	barrier();
	CU_ASSERT(PLACED(b));
	CU_ASSERT(a->withdrawn);
	withdraw(b, NULL);
	live(c);
	barrier();
	CU_ASSERT(PLACED(c));
	CU_ASSERT(b->withdrawn);
	/* The newer one goes: the older one, still live, comes back. */
	struct test_mf *d = mf_new(1, 1, 2);
	live(d);
	barrier();
	CU_ASSERT(PLACED(d));
	CU_ASSERT_EQUAL(slot(c).placement, PLACEMENT_REMOVED);
	withdraw(d, NULL);
	barrier();
	CU_ASSERT(PLACED(c));
	withdraw(c, NULL);
	mf_put(a);
	mf_put(b);
	mf_put(c);
	mf_put(d);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	end();
}

static void test_withdraw_in_flight(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(2, 1, 2);

	begin("change");
	fake_hold(fake, true);
	live(a);
	EVENTUALLY(fake_has(fake, &a->mf.ufid));
	withdraw(a, NULL);
	live(b);
	withdraw(b, NULL); /* perhaps before the device's thread has seen it */
	sleep_ms(20);
	CU_ASSERT_FALSE(a->withdrawn);
	fake_hold(fake, false);
	EVENTUALLY(a->withdrawn && b->withdrawn);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	mf_put(a);
	mf_put(b);
	end();
}

static void test_del_refused(void)
{
	struct test_mf *a = mf_new(1, 1, 2);

	begin("change");
	live(a);
	barrier();
	fake_fail_late(fake, 3, HAL_OP_DEL, HAL_REASON_DEVICE_ERROR);
	withdraw(a, NULL); /* tried again until it is gone */
	EVENTUALLY(a->withdrawn);
	CU_ASSERT_FALSE(fake_has(fake, &a->mf.ufid));
	CU_ASSERT_EQUAL(info().quarantined, 0);
	mf_put(a);

	a = mf_new(1, 1, 2);
	live(a);
	barrier();
	fake_fail_late(fake, UINT_MAX, HAL_OP_DEL, HAL_REASON_DEVICE_ERROR);
	withdraw(a, NULL); /* never fails upward */
	EVENTUALLY(a->withdrawn);
	CU_ASSERT_EQUAL(info().quarantined, 1);
	CU_ASSERT(fake_has(fake, &a->mf.ufid));
	fake_fail_late(fake, 0, HAL_OP_DEL, HAL_REASON_DEVICE_ERROR);
	EVENTUALLY(!fake_has(fake, &a->mf.ufid));
	mf_put(a);
	end();
}

void change_suite(void)
{
	CU_pSuite s = CU_add_suite("changes", NULL, NULL);

	CU_add_test(s, "replaced", test_replace);
	CU_add_test(s, "deleted and added", test_del_add);
	CU_add_test(s, "replacement refused", test_replace_refused);
	CU_add_test(s, "unfit successor", test_successor_unfit);
	CU_add_test(s, "without a hint", test_without_hint);
	CU_add_test(s, "withdrawn in flight", test_withdraw_in_flight);
	CU_add_test(s, "deletion refused", test_del_refused);
}
