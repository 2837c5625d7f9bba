/* SPDX-License-Identifier: Apache-2.0
 *
 * Into the device or not, and why not.
 */
#include "test_offload.h"

static void test_place(void)
{
	struct test_mf *t = mf_new(1, 1, 2), *drop = mf_new(2, 1, 0);

	begin("place");
	live(t);
	live(drop);
	CU_ASSERT_EQUAL(offload_megaflow_live(ol, &t->mf), -EEXIST);
	barrier();
	CU_ASSERT(PLACED(t));
	CU_ASSERT(PLACED(drop));
	CU_ASSERT_FALSE(slot(t).verified);
	CU_ASSERT_EQUAL(info().placed, 2);
	CU_ASSERT_EQUAL(info().pending, 0);
	CU_ASSERT_EQUAL(info().accepted_ops, 2);
	withdraw(t, NULL);
	withdraw(drop, NULL);
	CU_ASSERT_EQUAL(offload_megaflow_withdraw(ol, &t->mf, NULL), -ENOENT);
	barrier();
	CU_ASSERT(t->withdrawn && drop->withdrawn);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	CU_ASSERT_EQUAL(info().placed, 0);
	CU_ASSERT_EQUAL(slot(t).placement, PLACEMENT_REMOVED);
	mf_put(t);
	mf_put(drop);
	end();
}

static void test_unbound(void)
{
	struct test_mf *in = mf_new(1, 9, 2), *out = mf_new(2, 1, 8);
	struct hal_offload_slot s;

	begin("place");
	live(in);
	live(out);
	barrier();
	s = slot(in);
	CU_ASSERT(REFUSED(in, UNBOUND_PORT));
	CU_ASSERT_EQUAL(s.reason.port, 9);
	CU_ASSERT_EQUAL(s.reason.field, FIELD_DP_PORT);
	CU_ASSERT(s.reason.since_ms > 1000000000000ull);
	s = slot(out);
	CU_ASSERT(REFUSED(out, UNBOUND_PORT));
	CU_ASSERT_EQUAL(s.reason.port, 8);
	CU_ASSERT_EQUAL(s.reason.action, ACTION_OUTPUT);
	CU_ASSERT_EQUAL(info().refused, 2);
	CU_ASSERT_EQUAL(info().refused_by[HAL_REASON_UNBOUND_PORT], 2);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	/* They go in when their ports come, and out when they go. */
	bind_port(9);
	bind_port(8);
	barrier();
	CU_ASSERT(PLACED(in));
	CU_ASSERT(PLACED(out));
	CU_ASSERT_EQUAL(info().refused_by[HAL_REASON_UNBOUND_PORT], 0);
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 8, NULL), 0);
	CU_ASSERT(REFUSED(out, UNBOUND_PORT));
	CU_ASSERT(PLACED(in));
	CU_ASSERT_EQUAL(fake_rules(fake), 1);
	CU_ASSERT_FALSE(fake_bound(fake, 8));
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 8, NULL), -ENOENT);
	withdraw(in, NULL);
	withdraw(out, NULL);
	mf_put(in);
	mf_put(out);
	end();
}

static void test_bind_errors(void)
{
	struct hal_port_handle h = {.name = "p7"};
	struct hal_reason r;

	begin("place");
	fake_no_bind(fake, 7);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 0, 7, &h, &r), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "p7"));
	fake_no_bind(fake, 0);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 0, 7, &h, &r), 0);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 0, 7, &h, &r), -EEXIST);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 3, 7, &h, &r), -ENOENT);
	struct hal_port_stats st;
	CU_ASSERT_EQUAL(offload_port_stats(ol, 0, 7, &st), 0);
	CU_ASSERT_EQUAL(st.rx_packets, 70);
	/* What it had counted when it was let go; nothing, if it was not there. */
	st.rx_packets = 1;
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 8, &st), -ENOENT);
	CU_ASSERT_EQUAL(st.rx_packets, 1);
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 7, &st), 0);
	CU_ASSERT_EQUAL(st.rx_packets, 70);
	end();
}

static void test_permanent(void)
{
	struct test_mf *t = mf_new(1, 1, 2), *nested;
	struct hal_offload_slot s;
	uint64_t since;
	unsigned checks;

	fake = fake_get("limited");
	fake_caps(fake)->match[FIELD_ETH_DST] = 0;
	begin("limited");
	live(t);
	barrier();
	s = slot(t);
	CU_ASSERT(REFUSED(t, UNSUPPORTED_FIELD));
	CU_ASSERT_EQUAL(s.reason.field, FIELD_ETH_DST);
	since = s.reason.since_ms;
	sleep_ms(150); /* several retry intervals: it is not asked again */
	CU_ASSERT_EQUAL(slot(t).reason.since_ms, since);
	withdraw(t, NULL);
	mf_put(t);
	end();

	nested = mf_new(2, 1, 2);
	begin("place");
	fake_refuse_field(fake, FIELD_ETH_DST);
	checks = fake_checks(fake);
	live(nested);
	barrier();
	CU_ASSERT(REFUSED(nested, UNSUPPORTED_COMBINATION));
	CU_ASSERT_EQUAL(slot(nested).reason.field, FIELD_ETH_DST);
	bind_port(9); /* judged again, but the device's word is known */
	barrier();
	CU_ASSERT_EQUAL(fake_checks(fake), checks + 1);
	fake_refuse_field(fake, FIELD_INVALID);
	withdraw(nested, NULL);
	mf_put(nested);
	end();
}

static void test_no_in_port(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	struct hal_key key = {0}, mask = {0};

	memset(mask.eth_dst, 0xff, 6);
	free((void *)(uintptr_t)t->rule.match);
	t->mf.match = t->rule.match = hal_cmatch_new_dp(&key, &mask);
	begin("place");
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, UNSUPPORTED_MASK));
	CU_ASSERT_EQUAL(slot(t).reason.field, FIELD_DP_PORT);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

static void test_explain(void)
{
	struct test_mf *t = mf_new(1, 1, 2), *bad = mf_new(2, 1, 9);
	struct hal_reason r;

	t->rule.priority = 0; /* which is offload's to say */
	begin("place");
	CU_ASSERT_EQUAL(offload_explain(ol, 0, &t->rule, 1, &r), 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NONE);
	CU_ASSERT(offload_explain(ol, 0, &bad->rule, 1, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNBOUND_PORT);
	CU_ASSERT_EQUAL(r.port, 9);
	CU_ASSERT(offload_explain(ol, 0, &t->rule, 7, &r) < 0);
	CU_ASSERT_EQUAL(r.port, 7);
	CU_ASSERT_EQUAL(offload_explain(ol, 2, &t->rule, 1, &r), -ENOENT);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	mf_put(t);
	mf_put(bad);
	end();
}

/* Without a device everything is said at once. */
static void test_no_device(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	struct hal_reason r;

	config.ops.withdrawn = NULL;
	open_engine("place");
	CU_ASSERT_EQUAL(offload_device_remove(ol, 0), 0);
	CU_ASSERT_EQUAL(offload_device_remove(ol, 0), -ENOENT);
	CU_ASSERT_EQUAL(offload_device_count(ol), 0);
	live(t);
	CU_ASSERT(barrier() < 50);
	CU_ASSERT_EQUAL(slot(t).placement, PLACEMENT_NONE);
	withdraw(t, NULL);
	CU_ASSERT(t->withdrawn);
	mf_put(t);
	CU_ASSERT(offload_device_add(ol, "fake:broken", NULL, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_DEVICE_ERROR);
	CU_ASSERT_EQUAL(offload_device_add(ol, "none:x", NULL, &r), -ENOENT);
	end();
}

/* A device that comes later gets what is there; one that goes gives its rules back. */
static void test_add_remove(void)
{
	struct test_mf *t = mf_new(1, 1, 2);
	struct hal_reason r;

	begin("place");
	live(t);
	barrier();
	CU_ASSERT(PLACED(t));
	CU_ASSERT_EQUAL(offload_device_remove(ol, 0), 0);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	CU_ASSERT_FALSE(t->withdrawn);
	CU_ASSERT_EQUAL(slot(t).placement, PLACEMENT_NONE);
	CU_ASSERT_EQUAL(offload_device_add(ol, "fake:place", NULL, &r), 0);
	bind_port(1);
	bind_port(2);
	barrier();
	CU_ASSERT(PLACED(t));
	withdraw(t, NULL);
	mf_put(t);
	end();
}

void place_suite(void)
{
	CU_pSuite s = CU_add_suite("placement", NULL, NULL);

	CU_add_test(s, "in and out", test_place);
	CU_add_test(s, "unbound ports", test_unbound);
	CU_add_test(s, "bind errors", test_bind_errors);
	CU_add_test(s, "permanent refusals", test_permanent);
	CU_add_test(s, "no input port", test_no_in_port);
	CU_add_test(s, "explain", test_explain);
	CU_add_test(s, "no device", test_no_device);
	CU_add_test(s, "devices come and go", test_add_remove);
}
