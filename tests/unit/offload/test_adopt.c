/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of a former run.
 */
#include "test_offload.h"

#include <unistd.h>

/* A former run left rules 1 to 3 in the device. */
static void former_run(void)
{
	struct test_mf *t[3];

	begin("adopt");
	for (unsigned i = 0; i < 3; i++)
		live(t[i] = mf_new(i + 1, 1, 2));
	barrier();
	for (unsigned i = 0; i < 3; i++)
		fake_hit(fake, &t[i]->mf.ufid, 1000, 1000);
	end();
	for (unsigned i = 0; i < 3; i++)
		mf_put(t[i]);
	CU_ASSERT_EQUAL(fake_rules(fake), 3);
}

static void test_adopt(void)
{
	struct test_mf *same = mf_new(1, 1, 2), *other = mf_new(2, 1, 3);
	unsigned ops;

	former_run();
	config.adopt_grace_ms = 400;
	ops = fake_ops(fake, HAL_OP_ADD);
	begin("adopt");
	fake_hit(fake, &same->mf.ufid, 50, 50); /* nobody's yet */
	live(same);
	live(other);
	barrier();
	CU_ASSERT(PLACED(same));
	CU_ASSERT(slot(same).verified);
	CU_ASSERT(PLACED(other));
	CU_ASSERT_EQUAL(info().adopted, 1);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_ADD), ops);
	CU_ASSERT_EQUAL(fake_rules(fake), 3); /* the third waits to be claimed */
	fake_hit(fake, &same->mf.ufid, 7, 7);
	fake_hit(fake, &other->mf.ufid, 8, 8);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(same), 7);
	CU_ASSERT_EQUAL(hw_packets(other), 8);
	EVENTUALLY(fake_rules(fake) == 2);
	EVENTUALLY(info().removed_foreign == 1);
	withdraw(same, NULL);
	withdraw(other, NULL);
	mf_put(same);
	mf_put(other);
	end();
}

static void test_audit_now(void)
{
	struct test_mf *t = mf_new(1, 1, 2);

	former_run();
	begin("adopt");
	live(t);
	barrier();
	CU_ASSERT_EQUAL(fake_rules(fake), 3);
	audit();
	CU_ASSERT_EQUAL(info().removed_foreign, 2);
	CU_ASSERT_EQUAL(fake_rules(fake), 1);
	CU_ASSERT(PLACED(t));
	withdraw(t, NULL);
	mf_put(t);
	end();
}

static _Atomic unsigned asked, refused_asks;
static _Atomic uint64_t asked_for; /* a bit for each rule, by its number */

static bool on_found(void *ctx, const struct hal_ufid *ufid, const struct hal_cmatch *match,
	const struct hal_program *program)
{
	(void)ctx;
	if (asked++ == 0) {
		refused_asks++;
		return false; /* busy: it asks again */
	}
	if (!ufid) {
		CU_ASSERT_EQUAL(asked_for, 0xc); /* that were all */
		return true;
	}
	for (unsigned i = 1; i < 64; i++) {
		struct test_mf *t = mf_new(i, 1, 2);

		if (hal_ufid_equal(&t->mf.ufid, ufid)) {
			asked_for |= 1ull << i;
			CU_ASSERT(hal_cmatch_equal(match, t->mf.match));
			CU_ASSERT(hal_program_equal(program, t->mf.program));
		}
		mf_put(t);
	}
	return true;
}

/* No packet comes for what a device handles: its megaflows are asked for, and nobody else's rules
 * stay. */
static void test_found(void)
{
	struct test_mf *t = mf_new(1, 1, 2), *u = mf_new(2, 1, 2);
	unsigned ops;

	former_run();
	asked = refused_asks = 0;
	asked_for = 0;
	config.ops.found = on_found;
	config.adopt_grace_ms = 100;
	ops = fake_ops(fake, HAL_OP_ADD);
	begin("adopt");
	live(t); /* this one has come by itself */
	EVENTUALLY(asked_for == 0xc);
	CU_ASSERT_EQUAL(refused_asks, 1);
	CU_ASSERT_EQUAL(fake_rules(fake), 3);
	live(u);
	barrier();
	CU_ASSERT(PLACED(t) && PLACED(u));
	CU_ASSERT_EQUAL(info().adopted, 2);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_ADD), ops);
	EVENTUALLY(info().removed_foreign == 1);
	CU_ASSERT_EQUAL(fake_rules(fake), 2);
	config.ops.found = NULL;
	withdraw(t, NULL);
	withdraw(u, NULL);
	mf_put(t);
	mf_put(u);
	end();
}

/* As long as somebody restores flows, nothing goes; then the time to claim begins. */
static void test_kept(void)
{
	struct test_mf *t = mf_new(1, 1, 2);

	former_run();
	config.adopt_grace_ms = 100;
	begin("adopt");
	offload_keep_former(ol, true);
	usleep(400000);
	CU_ASSERT_EQUAL(info().removed_foreign, 0);
	CU_ASSERT_EQUAL(fake_rules(fake), 3);
	offload_keep_former(ol, false);
	live(t);
	barrier();
	CU_ASSERT_EQUAL(info().adopted, 1);
	EVENTUALLY(info().removed_foreign == 2);
	CU_ASSERT_EQUAL(fake_rules(fake), 1);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

/* The same match under another name. */
static void test_namesake(void)
{
	struct test_mf *t = mf_new(1, 1, 2);

	former_run();
	t->mf.ufid.u[1] = 777;
	begin("adopt");
	live(t);
	barrier();
	CU_ASSERT(PLACED(t));
	CU_ASSERT_FALSE(fake_has(fake, &t->rule.ufid));
	CU_ASSERT_EQUAL(fake_rules(fake), 3);
	audit();
	CU_ASSERT_EQUAL(fake_rules(fake), 1);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

/* Its port comes after the megaflow: the rule is not thrown away meanwhile. */
static void test_port_later(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	unsigned dels;

	former_run();
	open_engine("adopt");
	dels = fake_ops(fake, HAL_OP_DEL);
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, UNBOUND_PORT));
	bind_port(1);
	bind_port(2);
	barrier();
	CU_ASSERT(PLACED(t));
	CU_ASSERT_EQUAL(info().adopted, 1);
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_DEL), dels);
	audit();
	withdraw(t, NULL);
	mf_put(t);
	EVENTUALLY(fake_rules(fake) == 0);
	end();
}

void adopt_suite(void)
{
	CU_pSuite s = CU_add_suite("adoption", NULL, NULL);

	CU_add_test(s, "asked for", test_found);
	CU_add_test(s, "claimed, changed, removed", test_adopt);
	CU_add_test(s, "audit now", test_audit_now);
	CU_add_test(s, "kept while flows are restored", test_kept);
	CU_add_test(s, "another name", test_namesake);
	CU_add_test(s, "the port comes later", test_port_later);
}
