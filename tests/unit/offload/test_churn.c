/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded random histories against a flaky device: in the end the device holds exactly what is
 * live, and every packet was credited.
 */
#include "test_offload.h"

#define SLOTS 64
#define STEPS 4000

static unsigned seed;
static bool held;

static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void ignore(void *arg)
{
	(void)arg;
}

static void disturb(const struct test_mf *some)
{
	switch (rnd(some ? 11 : 8)) {
	case 0:
		fake_reject(fake, 1 + rnd(3), rnd(3), HAL_REASON_RETRY);
		break;
	case 1:
		fake_fail_late(fake, 1 + rnd(3), rnd(3), HAL_REASON_RETRY);
		break;
	case 2:
		fake_fail_late(fake, 1, HAL_OP_ADD, HAL_REASON_NO_ROOM);
		break;
	case 3:
		fake_repeat(fake, 3);
		break;
	case 4:
		fake_hold(fake, held = true);
		break;
	case 5:
		fake_hold(fake, held = false);
		break;
	case 6:
		fake_max_rules(fake, 20 + rnd(60));
		break;
	case 7:
		fake_restart_counters(fake);
		break;
	case 8:
		fake_spoil(fake, &some->mf.ufid);
		break;
	case 9:
		fake_remove(fake, &some->mf.ufid);
		break;
	default:
		offload_audit(ol, ignore, NULL);
	}
}

static void calm(void)
{
	fake_reject(fake, 0, 0, 0);
	fake_fail_late(fake, 0, 0, 0);
	fake_repeat(fake, 0);
	fake_hold(fake, held = false);
	fake_max_rules(fake, 4000);
}

static void churn(unsigned with_seed)
{
	struct test_mf *now[SLOTS] = {NULL}, **old = calloc(STEPS, sizeof(*old));
	unsigned n_old = 0, wrong = 0;

	seed = with_seed;
	begin("churn");
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = rnd(SLOTS);

		if (rnd(40) == 0)
			disturb(now[i]);
		if (!now[i]) {
			live(now[i] = mf_new(i, 1, 1 + rnd(4)));
		} else if (rnd(3)) {
			struct test_mf *next = rnd(2) ? mf_new(i, 1, 1 + rnd(4)) : NULL;

			withdraw(now[i], next);
			old[n_old++] = now[i];
			now[i] = next;
		} else {
			fake_hit(fake, &now[i]->mf.ufid, 1, 1);
		}
		if (rnd(100) == 0 && !held)
			barrier();
	}
	calm();
	audit();
	for (unsigned i = 0; i < SLOTS; i++)
		if (now[i])
			EVENTUALLY(PLACED(now[i]));
	barrier();
	for (unsigned i = 0; i < n_old; i++)
		EVENTUALLY(old[i]->withdrawn);
	CU_ASSERT_EQUAL(info().placed, fake_rules(fake));
	CU_ASSERT_EQUAL(info().pending + info().refused, 0);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct test_mf *t = now[i];

		if (!t)
			continue;
		uint64_t before;

		refresh();
		before = hw_packets(t);
		fake_hit(fake, &t->mf.ufid, 9, 9);
		withdraw(t, NULL);
		EVENTUALLY(t->withdrawn);
		wrong += t->final_packets != before + 9;
		mf_put(t);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	for (unsigned i = 0; i < n_old; i++)
		mf_put(old[i]);
	free(old);
	end();
}

static void test_churn(void)
{
	for (unsigned s = 1; s <= 5; s++)
		churn(s);
}

void churn_suite(void)
{
	CU_pSuite s = CU_add_suite("churn", NULL, NULL);

	CU_add_test(s, "random histories", test_churn);
}
