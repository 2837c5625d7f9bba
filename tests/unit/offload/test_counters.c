/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device counted ends at the right megaflow, once.
 */
#include "test_offload.h"

static void test_credit(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	struct hal_offload_slot s;

	begin("counters");
	live(t);
	barrier();
	fake_hit(fake, &t->mf.ufid, 3, 300);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(t), 3);
	CU_ASSERT_EQUAL(hal_megaflow_hw(&t->mf)->bytes, 300);
	CU_ASSERT(hal_megaflow_hw(&t->mf)->used_ms > 0);
	s = slot(t);
	CU_ASSERT(s.verified);
	CU_ASSERT_EQUAL(s.packets, 3);
	fake_hit(fake, &t->mf.ufid, 2, 200);
	EVENTUALLY(hw_packets(t) == 5); /* by itself */
	refresh();
	CU_ASSERT_EQUAL(hw_packets(t), 5);
	fake_hit(fake, &t->mf.ufid, 4, 400);
	withdraw(t, NULL);
	EVENTUALLY(t->withdrawn);
	CU_ASSERT_EQUAL(t->final_packets, 9);
	CU_ASSERT_EQUAL(hal_megaflow_hw(&t->mf)->bytes, 900);
	mf_put(t);
	end();
}

static void test_many(void)
{
	static struct test_mf *t[1000];
	unsigned wrong = 0;

	begin("counters");
	for (unsigned i = 0; i < 1000; i++)
		live(t[i] = mf_new(i, 1, 2));
	barrier();
	CU_ASSERT_EQUAL(info().placed, 1000);
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < 1000; i++)
			fake_hit(fake, &t[i]->mf.ufid, i, i);
		refresh();
		for (unsigned i = 0; i < 1000; i++)
			wrong += hw_packets(t[i]) != (uint64_t)i * round;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (unsigned i = 0; i < 1000; i++) {
		fake_hit(fake, &t[i]->mf.ufid, 1, 1);
		withdraw(t[i], NULL);
	}
	barrier();
	for (unsigned i = 0; i < 1000; i++) {
		wrong += t[i]->final_packets != (uint64_t)i * 3 + 1;
		mf_put(t[i]);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void test_leaked(void)
{
	struct test_mf *t = mf_new(1, 1, 2);

	begin("counters");
	sw_packets(t, 10);
	live(t);
	barrier();
	sw_packets(t, 5); /* was on its way */
	sleep_ms(1200);
	CU_ASSERT_EQUAL(slot(t).leaked, 0);
	CU_ASSERT_EQUAL(slot(t).placed_sw_packets, 15);
	sw_packets(t, 4);
	refresh();
	CU_ASSERT_EQUAL(slot(t).leaked, 4);
	CU_ASSERT_EQUAL(info().leaked_packets, 4);
	CU_ASSERT_FALSE(slot(t).verified);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

static void test_uncounted(void)
{
	struct test_mf *t = mf_new(1, 1, 2);

	fake = fake_get("uncounted");
	fake_caps(fake)->counts_packets = false;
	begin("uncounted");
	live(t);
	barrier();
	fake_hit(fake, &t->mf.ufid, 3, 300);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(t), 0);
	CU_ASSERT_FALSE(slot(t).verified);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

void counters_suite(void)
{
	CU_pSuite s = CU_add_suite("counters", NULL, NULL);

	CU_add_test(s, "credited once, to the end", test_credit);
	CU_add_test(s, "a thousand", test_many);
	CU_add_test(s, "leaked", test_leaked);
	CU_add_test(s, "a device without counters", test_uncounted);
}
