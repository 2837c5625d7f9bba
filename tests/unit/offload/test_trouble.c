/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices that are lost, reset, stalled or forgetful.
 */
#include "test_offload.h"

#define N 50

static struct test_mf *t[N];

static void fill(const char *name)
{
	begin(name);
	for (unsigned i = 0; i < N; i++)
		live(t[i] = mf_new(i, 1, 2));
	barrier();
	CU_ASSERT_EQUAL(info().placed, N);
	for (unsigned i = 0; i < N; i++)
		fake_hit(fake, &t[i]->mf.ufid, 10, 100);
	refresh();
}

static void drain(void)
{
	for (unsigned i = 0; i < N; i++) {
		withdraw(t[i], NULL);
		mf_put(t[i]);
	}
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	end();
}

static void assert_back(unsigned packets)
{
	unsigned wrong = 0;

	EVENTUALLY(info().placed == N);
	for (unsigned i = 0; i < N; i++) {
		wrong += !PLACED(t[i]);
		fake_hit(fake, &t[i]->mf.ufid, 1, 1);
	}
	refresh();
	for (unsigned i = 0; i < N; i++)
		wrong += hw_packets(t[i]) != packets + 1;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(fake_bound(fake, 1) && fake_bound(fake, 2));
	CU_ASSERT(info().stats.alive);
}

static void test_killed(void)
{
	struct test_mf *late = mf_new(100, 1, 2), *unfit = mf_new(101, 1, 2);
	struct hal_reason r;

	fill("killed");
	fake_refuse_field(fake, FIELD_ETH_DST);
	live(unfit);
	barrier();
	CU_ASSERT(REFUSED(unfit, UNSUPPORTED_COMBINATION));
	fake_kill(fake);
	EVENTUALLY(!info().stats.alive);
	EVENTUALLY(info().refused_by[HAL_REASON_DEVICE_GONE] == N + 1);
	CU_ASSERT(REFUSED(t[0], DEVICE_GONE));
	CU_ASSERT_EQUAL(device_changes, 1);
	CU_ASSERT(barrier() < 200);
	CU_ASSERT(refresh() < 200);
	/* What is withdrawn while it is gone needs it no more. */
	live(late);
	withdraw(late, NULL);
	EVENTUALLY(late->withdrawn);
	CU_ASSERT(offload_explain(ol, 0, &t[0]->rule, 1, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_DEVICE_GONE);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 0, 9, &(struct hal_port_handle){0}, &r), -ENODEV);
	fake_revive(fake);
	assert_back(10);
	CU_ASSERT_EQUAL(info().resets, 1);
	CU_ASSERT_EQUAL(info().replayed, N);
	CU_ASSERT(REFUSED(unfit, UNSUPPORTED_COMBINATION));
	withdraw(unfit, NULL);
	mf_put(unfit);
	mf_put(late);
	fake_refuse_field(fake, FIELD_INVALID);
	drain();
}

/* The connection was lost, not the rules. */
static void test_cut(void)
{
	unsigned adds;

	fill("cut");
	adds = fake_ops(fake, HAL_OP_ADD);
	fake_cut(fake);
	EVENTUALLY(!info().stats.alive);
	fake_hit(fake, &t[1]->mf.ufid, 5, 50); /* it forwards all the same */
	withdraw(t[0], NULL);
	EVENTUALLY(t[0]->withdrawn);
	mf_put(t[0]);
	fake_revive(fake);
	EVENTUALLY(info().placed == N - 1);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_ADD), adds);
	EVENTUALLY(fake_rules(fake) == N - 1); /* what nobody wants is taken out */
	t[0] = mf_new(0, 1, 2);
	live(t[0]);
	barrier();
	CU_ASSERT(PLACED(t[0]));
	drain();
}

static void test_reset(void)
{
	fill("reset");
	fake_reset(fake);
	EVENTUALLY(info().replayed == N);
	CU_ASSERT_EQUAL(info().resets, 1);
	assert_back(10);
	CU_ASSERT_EQUAL(info().replayed, N);
	drain();
}

static void test_reset_in_flight(void)
{
	struct test_mf *late = mf_new(100, 1, 2);

	fill("reset");
	fake_hold(fake, true);
	live(late);
	EVENTUALLY(fake_has(fake, &late->mf.ufid));
	fake_reset(fake); /* loses it before it has completed */
	sleep_ms(300);
	fake_hold(fake, false);
	EVENTUALLY(info().replayed == N + 1);
	CU_ASSERT_EQUAL(info().resets, 1);
	CU_ASSERT(PLACED(late));
	withdraw(late, NULL);
	mf_put(late);
	assert_back(10);
	drain();
}

static void test_stalled(void)
{
	struct test_mf *late = mf_new(100, 1, 2);
	unsigned ms;

	fill("stalled");
	fake_hold(fake, true);
	live(late);
	ms = barrier();
	CU_ASSERT(ms >= 400 && ms < 1500);
	CU_ASSERT_EQUAL(slot(late).placement, PLACEMENT_PENDING);
	CU_ASSERT_EQUAL(info().placed, N);
	fake_hold(fake, false);
	EVENTUALLY(PLACED(late));
	withdraw(late, NULL);
	mf_put(late);
	drain();
}

/* Its thread hangs in a call; nobody else does. */
static void test_blocked(void)
{
	struct test_mf *late = mf_new(100, 1, 2);
	struct hal_port_stats st;
	unsigned ms;

	fill("blocked");
	fake_block(fake, true);
	live(late);
	ms = barrier();
	CU_ASSERT(ms >= 400 && ms < 1500);
	ms = refresh();
	CU_ASSERT(ms >= 400 && ms < 1500);
	CU_ASSERT_EQUAL(offload_port_stats(ol, 0, 1, &st), -ETIMEDOUT);
	withdraw(late, NULL); /* not even seen: gone at once */
	fake_block(fake, false);
	EVENTUALLY(late->withdrawn);
	barrier();
	CU_ASSERT_EQUAL(fake_rules(fake), N);
	mf_put(late);
	drain();
}

static void test_lost_completions(void)
{
	struct test_mf *late = mf_new(100, 1, 2);

	config.op_timeout_ms = 200;
	fill("lossy");
	fake_lose(fake, 1);
	live(late);
	EVENTUALLY(PLACED(late));
	fake_lose(fake, 1);
	withdraw(late, NULL);
	EVENTUALLY(late->withdrawn);
	CU_ASSERT_FALSE(fake_has(fake, &late->mf.ufid));
	mf_put(late);
	drain();
}

static void test_repeated_completions(void)
{
	fill("echo");
	fake_repeat(fake, N);
	for (unsigned i = 0; i < N; i++) {
		struct test_mf *next = mf_new(i, 1, 3);

		withdraw(t[i], next);
		mf_put(t[i]);
		t[i] = next;
	}
	barrier();
	assert_back(0);
	drain();
}

static void test_remove_blocked(void)
{
	begin("cut");
	struct test_mf *mf = mf_new(1, 1, 2);

	live(mf);
	barrier();
	fake_hold(fake, true);
	CU_ASSERT_EQUAL(offload_device_remove(ol, 0), 0); /* waits 2 s at most */
	fake_hold(fake, false);
	CU_ASSERT_EQUAL(slot(mf).placement, PLACEMENT_NONE);
	withdraw(mf, NULL);
	CU_ASSERT(mf->withdrawn);
	mf_put(mf);
	end();
}

void trouble_suite(void)
{
	CU_pSuite s = CU_add_suite("trouble", NULL, NULL);

	CU_add_test(s, "killed", test_killed);
	CU_add_test(s, "cut off", test_cut);
	CU_add_test(s, "reset", test_reset);
	CU_add_test(s, "reset in flight", test_reset_in_flight);
	CU_add_test(s, "stalled", test_stalled);
	CU_add_test(s, "blocked", test_blocked);
	CU_add_test(s, "lost completions", test_lost_completions);
	CU_add_test(s, "repeated completions", test_repeated_completions);
	CU_add_test(s, "removed while it hangs", test_remove_blocked);
}
