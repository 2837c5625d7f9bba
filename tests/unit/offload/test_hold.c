/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds: megaflows that are wanted in software for a while.
 */
#include "test_offload.h"

/* Rules that send to the port that ctx points to. */
static bool sends_to(void *ctx, const struct hal_rule *rule)
{
	const struct hal_act_output *out = (const struct hal_act_output *)rule->program->steps;

	return rule->program->len && out->a.type == ACTION_OUTPUT &&
	       out->port == *(const uint32_t *)ctx;
}

static struct offload_hold *hold(uint32_t *port)
{
	struct offload_hold *h = NULL;

	CU_ASSERT_EQUAL_FATAL(offload_hold_begin(ol, sends_to, port, "a test looks on", &h), 0);
	return h;
}

/* What a hold concerns leaves the device, what comes while it lasts stays out, others do not move,
 * and all is back after. */
static void test_out_and_back(void)
{
	struct test_mf *held = mf_new(1, 1, 2), *other = mf_new(2, 1, 3), *late = mf_new(3, 1, 2);
	struct hal_reason r;
	struct offload_hold *h;
	uint32_t port = 2;
	unsigned adds;

	begin("hold");
	live(held);
	live(other);
	barrier();
	CU_ASSERT(PLACED(held) && PLACED(other));
	fake_hit(fake, &held->mf.ufid, 5, 500);
	adds = fake_ops(fake, HAL_OP_ADD);
	h = hold(&port);
	barrier();
	CU_ASSERT(REFUSED(held, CAPTURED));
	CU_ASSERT_STRING_EQUAL(slot(held).reason.text, "a test looks on");
	CU_ASSERT_FALSE(fake_has(fake, &held->mf.ufid));
	CU_ASSERT_EQUAL(hw_packets(held), 5); /* what the device counted is not lost */
	CU_ASSERT(PLACED(other));
	live(late);
	barrier();
	CU_ASSERT(REFUSED(late, CAPTURED));
	CU_ASSERT_EQUAL(fake_ops(fake, HAL_OP_ADD), adds);
	CU_ASSERT_EQUAL(info().refused_by[HAL_REASON_CAPTURED], 2);
	CU_ASSERT(offload_explain(ol, 0, &held->rule, 1, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_CAPTURED);
	offload_hold_end(ol, h);
	barrier();
	CU_ASSERT(PLACED(held) && PLACED(other) && PLACED(late));
	CU_ASSERT_EQUAL(offload_explain(ol, 0, &held->rule, 1, &r), 0);
	withdraw(held, NULL);
	withdraw(other, NULL);
	withdraw(late, NULL);
	mf_put(held);
	mf_put(other);
	mf_put(late);
	end();
}

/* Two holds on one megaflow: the first that ends does not free it. A hold that nobody ended is no
 * obstacle to closing. */
static void test_two(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	struct offload_hold *a, *b;
	uint32_t port = 2, none = 99;

	begin("hold");
	a = hold(&port);
	b = hold(&port);
	hold(&none);
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, CAPTURED));
	offload_hold_end(ol, b);
	barrier();
	CU_ASSERT(REFUSED(t, CAPTURED));
	offload_hold_end(ol, a);
	barrier();
	CU_ASSERT(PLACED(t));
	withdraw(t, NULL);
	mf_put(t);
	end();
}

/* Replaced and withdrawn meanwhile; what is refused for good anyway says that rather. */
static void test_changes_meanwhile(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(1, 1, 3), *c = mf_new(2, 1, 2),
		       *unfit = mf_new(3, 9, 2);
	struct offload_hold *h;
	uint32_t port = 2;

	begin("hold");
	live(a);
	live(c);
	live(unfit);
	barrier();
	h = hold(&port);
	barrier();
	CU_ASSERT(REFUSED(unfit, UNBOUND_PORT));
	withdraw(a, b); /* which does not go to port 2 any more */
	withdraw(c, NULL);
	barrier();
	CU_ASSERT(a->withdrawn && c->withdrawn);
	CU_ASSERT(PLACED(b));
	offload_hold_end(ol, h);
	bind_port(9);
	barrier();
	EVENTUALLY(PLACED(unfit));
	withdraw(b, NULL);
	withdraw(unfit, NULL);
	mf_put(a);
	mf_put(b);
	mf_put(c);
	mf_put(unfit);
	end();
}

/* Part of a chain is wanted in a device that cannot resume one: the whole chain comes. */
static void test_chain(void)
{
	struct test_mf *entry, *end_;
	struct hal_builder b;
	struct offload_hold *h;
	uint32_t port = 2;

	hal_builder_init(&b);
	build_recirc(&b, 7);
	entry = mf_built(1, 1, 0, &b);
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	end_ = mf_built(1, 1, 7, &b);
	begin("chain");
	live(entry);
	live(end_);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	h = hold(&port);
	EVENTUALLY(REFUSED(end_, CAPTURED) && REFUSED(entry, DEPENDS));
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	offload_hold_end(ol, h);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	withdraw(entry, NULL);
	withdraw(end_, NULL);
	mf_put(entry);
	mf_put(end_);
	end();
}

/* Rules of a former run, claimed or not, forward what somebody wants to see. */
static void test_former_run(void)
{
	struct test_mf *a = mf_new(1, 1, 2), *b = mf_new(2, 1, 2), *claim = mf_new(1, 1, 2);
	struct offload_hold *h;
	uint32_t port = 2;

	begin("former");
	live(a);
	live(b);
	barrier();
	fake_stream(fake, &a->mf.ufid, 1000); /* in use: they wait to be claimed */
	fake_stream(fake, &b->mf.ufid, 1000);
	end();
	mf_put(a);
	mf_put(b);
	CU_ASSERT_EQUAL(fake_rules(fake), 2);
	config.adopt_grace_ms = 5000;
	begin("former");
	barrier();
	CU_ASSERT_EQUAL(fake_rules(fake), 2);
	h = hold(&port);
	live(claim);
	barrier();
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	CU_ASSERT(REFUSED(claim, CAPTURED));
	offload_hold_end(ol, h);
	barrier();
	CU_ASSERT(PLACED(claim));
	withdraw(claim, NULL);
	mf_put(claim);
	config.adopt_grace_ms = 0;
	end();
}

void hold_suite(void)
{
	CU_pSuite s = CU_add_suite("holds", NULL, NULL);

	CU_add_test(s, "out and back", test_out_and_back);
	CU_add_test(s, "two at once", test_two);
	CU_add_test(s, "changes meanwhile", test_changes_meanwhile);
	CU_add_test(s, "a chain", test_chain);
	CU_add_test(s, "rules of a former run", test_former_run);
}
