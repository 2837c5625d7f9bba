/* SPDX-License-Identifier: Apache-2.0
 *
 * Refusals that pass.
 */
#include "test_offload.h"

static void test_busy(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	uint64_t since;

	begin("retry");
	fake_reject(fake, 2, HAL_OP_ADD, HAL_REASON_RETRY);
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, RETRY));
	since = slot(t).reason.since_ms;
	CU_ASSERT(info().failed_ops > 0);
	EVENTUALLY(PLACED(t));
	CU_ASSERT(since > 0);
	CU_ASSERT_EQUAL(info().failed_ops, 2);
	CU_ASSERT_EQUAL(info().refused, 0);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

static void test_late(void)
{
	struct test_mf *t = mf_new(1, 1, 2), *u = mf_new(2, 1, 2);
	uint64_t failed;

	begin("retry");
	fake_fail_late(fake, 1, HAL_OP_ADD, HAL_REASON_DEPENDS);
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, DEPENDS));
	EVENTUALLY(PLACED(t));
	/* An error of the device is tried again too, later each time. */
	fake_fail_late(fake, 3, HAL_OP_ADD, HAL_REASON_DEVICE_ERROR);
	live(u);
	barrier();
	CU_ASSERT(REFUSED(u, DEVICE_ERROR));
	CU_ASSERT_STRING_EQUAL(slot(u).reason.text, "scripted late error");
	failed = info().failed_ops;
	sleep_ms(150); /* 50 ms, then 100 ms */
	CU_ASSERT(REFUSED(u, DEVICE_ERROR));
	CU_ASSERT(info().failed_ops <= failed + 2);
	EVENTUALLY(PLACED(u));
	CU_ASSERT_EQUAL(info().failed_ops, failed + 2);
	withdraw(t, NULL);
	withdraw(u, NULL);
	mf_put(t);
	mf_put(u);
	end();
}

static void test_full(void)
{
	struct test_mf *t[20];
	unsigned placed = 0;

	fake = fake_get("small");
	fake_max_rules(fake, 10);
	config.retry_interval_ms = 10000; /* so that only room brings them in */
	begin("small");
	for (unsigned i = 0; i < 20; i++)
		live(t[i] = mf_new(i, 1, 2));
	barrier();
	for (unsigned i = 0; i < 20; i++) {
		CU_ASSERT(PLACED(t[i]) || REFUSED(t[i], NO_ROOM));
		placed += PLACED(t[i]);
	}
	CU_ASSERT_EQUAL(placed, 10);
	CU_ASSERT_EQUAL(info().refused_by[HAL_REASON_NO_ROOM], 10);
	/* The busiest goes in when there is room. */
	sleep_ms(120);
	sw_packets(t[17], 1000);
	sw_packets(t[13], 500);
	withdraw(t[0], NULL);
	EVENTUALLY(PLACED(t[17]));
	CU_ASSERT(REFUSED(t[13], NO_ROOM));
	withdraw(t[1], NULL);
	EVENTUALLY(PLACED(t[13]));
	CU_ASSERT(REFUSED(t[15], NO_ROOM));
	CU_ASSERT_EQUAL(fake_rules(fake), 10);
	for (unsigned i = 0; i < 20; i++) {
		if (i > 1)
			withdraw(t[i], NULL);
		mf_put(t[i]);
	}
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	end();
}

/* The device knows of less room than it said. */
static void test_full_by_its_word(void)
{
	struct test_mf *t[4];

	begin("retry");
	fake_max_rules(fake, 2); /* its capabilities were read before */
	for (unsigned i = 0; i < 4; i++)
		live(t[i] = mf_new(i, 1, 2));
	barrier();
	CU_ASSERT_EQUAL(info().placed, 2);
	EVENTUALLY(info().refused_by[HAL_REASON_NO_ROOM] == 2);
	CU_ASSERT_STRING_EQUAL(slot(t[3]).reason.text, "the table is full");
	/* However often it is tried, that is why. */
	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT(!REFUSED(t[2], RETRY) && !REFUSED(t[3], RETRY));
		sleep_ms(5);
	}
	fake_max_rules(fake, 4000);
	EVENTUALLY(info().placed == 4);
	for (unsigned i = 0; i < 4; i++) {
		withdraw(t[i], NULL);
		mf_put(t[i]);
	}
	end();
}

/* Idle rules make room for what is busy in software, and not for what is a little busier. */
static void test_evict(void)
{
	struct test_mf *t[12];
	unsigned out = 0;

	fake = fake_get("evict");
	fake_max_rules(fake, 10);
	begin("evict");
	for (unsigned i = 0; i < 12; i++)
		live(t[i] = mf_new(i, 1, 2));
	barrier();
	CU_ASSERT_EQUAL(info().placed, 10);
	/* By the clock, so that no reading of the counters sees a busy one idle. */
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT(fake_stream(fake, &t[i]->mf.ufid, 1000));
	for (unsigned i = 0; i < 5; i++)
		EVENTUALLY(hw_packets(t[i]) > 300);
	for (unsigned k = 0; k < 200 && !PLACED(t[11]); k++) {
		sw_packets(t[11], 50);
		sw_packets(t[10], k % 10 == 0);
		sleep_ms(10);
	}
	EVENTUALLY(PLACED(t[11]));
	CU_ASSERT(REFUSED(t[10], NO_ROOM)); /* not worth it */
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT(PLACED(t[i])); /* they are busy too */
	for (unsigned i = 5; i < 10; i++) {
		out += REFUSED(t[i], NO_ROOM);
		CU_ASSERT(PLACED(t[i]) || strstr(slot(t[i]).reason.text, "busier"));
	}
	CU_ASSERT_EQUAL(out, 1);
	CU_ASSERT_EQUAL(info().placed, 10);
	for (unsigned i = 0; i < 12; i++)
		withdraw(t[i], NULL);
	for (unsigned i = 0; i < 12; i++)
		mf_put(t[i]);
	end();
}

void retry_suite(void)
{
	CU_pSuite s = CU_add_suite("retries", NULL, NULL);

	CU_add_test(s, "busy", test_busy);
	CU_add_test(s, "late errors", test_late);
	CU_add_test(s, "full, and the busiest first", test_full);
	CU_add_test(s, "cold ones make room", test_evict);
	CU_add_test(s, "full by the device's word", test_full_by_its_word);
}
