/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains, whole or not at all, in a device that cannot resume; and one by one in one that can.
 */
#include "test_offload.h"

/* From port 1 into chain `to`. */
static struct test_mf *leads(uint32_t n, uint32_t chain, uint32_t to)
{
	struct hal_builder b;

	hal_builder_init(&b);
	build_recirc(&b, to);
	return mf_built(n, 1, chain, &b);
}

static struct test_mf *ends(uint32_t n, uint32_t chain, uint32_t out)
{
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_output(&b, out);
	return mf_built(n, 1, chain, &b);
}

static void done(struct test_mf **t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!t[i]->withdrawn)
			offload_megaflow_withdraw(ol, &t[i]->mf, NULL);
	for (unsigned i = 0; i < n; i++)
		mf_put(t[i]);
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
}

/* The entry comes first in time, but second into the device. */
static void test_order(void)
{
	struct test_mf *entry = leads(1, 0, 7), *end_ = ends(1, 7, 2), *all[] = {entry, end_};

	begin("chain");
	live(entry);
	barrier();
	CU_ASSERT(REFUSED(entry, DEPENDS));
	CU_ASSERT_PTR_NOT_NULL(strstr(slot(entry).reason.text, "recirc(0x7)"));
	live(end_);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	withdraw(end_, NULL); /* asked for in the wrong order */
	withdraw(entry, NULL);
	barrier();
	EVENTUALLY(fake_rules(fake) == 0);
	done(all, 2);
	end();
}

/* A chain loses its last megaflow: what leads there goes before it. */
static void test_last_goes(void)
{
	struct test_mf *entry = leads(1, 0, 7), *end_ = ends(1, 7, 2), *all[] = {entry, end_};

	begin("chain");
	live(entry);
	live(end_);
	EVENTUALLY(PLACED(entry));
	withdraw(end_, NULL);
	EVENTUALLY(end_->withdrawn);
	EVENTUALLY(REFUSED(entry, DEPENDS));
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	done(all, 2);
	end();
}

/* Of three in the chain one cannot be placed. */
static void test_whole(void)
{
	struct test_mf *entry = leads(1, 0, 7), *good = ends(1, 7, 2), *good2 = ends(3, 7, 3),
		       *bad = ends(4, 7, 9);
	struct test_mf *all[] = {entry, good, good2, bad};
	char ufid[HAL_UFID_STR];

	begin("chain");
	live(entry);
	live(good);
	live(good2);
	EVENTUALLY(PLACED(entry));
	live(bad);
	EVENTUALLY(REFUSED(entry, DEPENDS));
	CU_ASSERT(REFUSED(bad, UNBOUND_PORT));
	hal_ufid_format(&bad->mf.ufid, ufid);
	ufid[8] = 0;
	CU_ASSERT_PTR_NOT_NULL(strstr(slot(entry).reason.text, ufid));
	CU_ASSERT(PLACED(good) && PLACED(good2)); /* they do no harm */
	bind_port(9);
	EVENTUALLY(PLACED(entry) && PLACED(bad));
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 9, NULL), 0);
	EVENTUALLY(REFUSED(entry, DEPENDS));
	withdraw(bad, NULL); /* the others are whole without it */
	EVENTUALLY(PLACED(entry));
	done(all, 4);
	end();
}

/* Three levels: the first depends on the last. */
static void test_deep(void)
{
	struct test_mf *a = leads(1, 0, 7), *c = leads(1, 7, 8), *d = ends(1, 8, 9);
	struct test_mf *all[] = {a, c, d};

	begin("chain");
	live(a);
	live(c);
	live(d);
	barrier();
	EVENTUALLY(REFUSED(a, DEPENDS) && REFUSED(c, DEPENDS) && REFUSED(d, UNBOUND_PORT));
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	bind_port(9);
	EVENTUALLY(PLACED(a) && PLACED(c) && PLACED(d));
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 9, NULL), 0);
	EVENTUALLY(fake_rules(fake) == 0);
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	done(all, 3);
	end();
}

/* The device fails a rule of the chain, late; and loses all. */
static void test_faults(void)
{
	struct test_mf *entry = leads(1, 0, 7), *end_ = ends(1, 7, 2), *all[] = {entry, end_};

	begin("chain");
	fake_fail_late(fake, 2, HAL_OP_ADD, HAL_REASON_DEVICE_ERROR);
	live(end_);
	live(entry);
	barrier();
	CU_ASSERT(REFUSED(end_, DEVICE_ERROR));
	CU_ASSERT(REFUSED(entry, DEPENDS));
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	fake_reset(fake);
	EVENTUALLY(info().resets == 1);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	fake_kill(fake);
	EVENTUALLY(REFUSED(entry, DEVICE_GONE));
	fake_revive(fake);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	done(all, 2);
	end();
}

/* Replaced in place: the chain is never without it. */
static void test_replace(void)
{
	struct test_mf *entry = leads(1, 0, 7), *old = ends(1, 7, 2), *new = ends(1, 7, 3);
	struct test_mf *all[] = {entry, old, new};

	begin("chain");
	live(entry);
	live(old);
	EVENTUALLY(PLACED(entry));
	withdraw(old, new);
	EVENTUALLY(PLACED(new) && PLACED(entry));
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	done(all, 3);
	end();
}

/* Nobody catches all that may come: what would be lost stays in software. */
static void test_cover(void)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};
	struct test_mf *entry = leads(1, 0, 7), *elsewhere = ends(2, 7, 2), *cover, *changed;
	struct test_mf *all[4];
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_set(&b, FIELD_ETH_DST, mac, NULL);
	build_recirc(&b, 7);
	changed = mf_built(5, 1, 0, &b);
	cover = ends(1, 7, 3);
	all[0] = entry, all[1] = elsewhere, all[2] = cover, all[3] = changed;
	begin("chain");
	live(entry);
	live(elsewhere);
	live(changed);
	barrier();
	EVENTUALLY(PLACED(elsewhere));
	CU_ASSERT(REFUSED(entry, DEPENDS));
	EVENTUALLY(strstr(slot(entry).reason.text, "would lose packets") != NULL);
	live(cover);
	EVENTUALLY(PLACED(entry) && PLACED(cover));
	CU_ASSERT(REFUSED(changed, DEPENDS)); /* it writes what they look at */
	withdraw(cover, NULL);
	EVENTUALLY(cover->withdrawn);
	CU_ASSERT_FALSE(fake_has(fake, &entry->mf.ufid));
	EVENTUALLY(REFUSED(entry, DEPENDS));
	done(all, 4);
	end();
}

/* Each by itself. */
static void test_resumes(void)
{
	struct test_mf *entry = leads(1, 0, 7), *end_ = ends(2, 7, 9), *other = ends(3, 8, 2);
	struct test_mf *all[] = {entry, end_, other};

	fake = fake_get("resumes");
	fake_caps(fake)->resumes = true;
	begin("resumes");
	for (unsigned i = 0; i < 3; i++)
		live(all[i]);
	barrier();
	CU_ASSERT(PLACED(entry));
	CU_ASSERT(PLACED(other));
	CU_ASSERT(REFUSED(end_, UNBOUND_PORT));
	done(all, 3);
	end();
}

/* A meter in the chain and before it. */
static void test_metered(void)
{
	const struct hal_meter m = {.n_bands = 1, .band = {{.rate = 1000}}};
	struct test_mf *entry, *end_, *odd, *all[3];
	struct hal_builder b;

	hal_builder_init(&b);
	build_meter(&b, 5);
	build_recirc(&b, 7);
	all[0] = entry = mf_built(1, 1, 0, &b);
	hal_builder_init(&b);
	build_meter(&b, 5);
	hal_build_output(&b, 2);
	all[1] = end_ = mf_built(1, 1, 7, &b);
	hal_builder_init(&b);
	build_meter(&b, 5);
	hal_build_output(&b, 9);
	all[2] = odd = mf_built(3, 2, 0, &b);
	begin("chain");
	offload_meter_set(ol, 5, &m);
	live(entry);
	barrier();
	CU_ASSERT(REFUSED(entry, DEPENDS));
	live(end_);
	EVENTUALLY(PLACED(entry) && PLACED(end_));
	live(odd);
	EVENTUALLY(fake_rules(fake) == 0);
	EVENTUALLY(REFUSED(end_, POLICY));
	CU_ASSERT(REFUSED(entry, DEPENDS));
	bind_port(9);
	EVENTUALLY(PLACED(entry) && PLACED(end_) && PLACED(odd));
	done(all, 3);
	end();
}

/* Many of both come and go at random: no packet ever finds a rule that leads nowhere. */
static void test_churn(void)
{
	struct test_mf *t[200];
	unsigned n = 0;

	srand(7);
	begin("chain");
	for (unsigned i = 0; i < 200; i++) {
		unsigned chain = 1 + (unsigned)rand() % 5;

		if (i % 3)
			t[n] = ends(i % 4, chain, rand() % 8 ? 2 : 9);
		else
			t[n] = leads(i % 4, 0, chain);
		t[n]->mf.ufid.u[1] = 0x5000 + i;
		t[n]->rule.ufid = t[n]->mf.ufid;
		live(t[n++]);
		if (i % 7 == 0) {
			unsigned at = (unsigned)rand() % n;

			offload_megaflow_withdraw(ol, &t[at]->mf, NULL);
		}
		if (i % 50 == 49)
			barrier();
	}
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	bind_port(9);
	barrier();
	EVENTUALLY(info().refused_by[HAL_REASON_UNBOUND_PORT] == 0);
	done(t, n);
	end();
}

void chain_suite(void)
{
	CU_pSuite s = CU_add_suite("chains", NULL, NULL);

	CU_add_test(s, "order", test_order);
	CU_add_test(s, "the last one goes", test_last_goes);
	CU_add_test(s, "whole or not at all", test_whole);
	CU_add_test(s, "three levels", test_deep);
	CU_add_test(s, "faults", test_faults);
	CU_add_test(s, "replaced", test_replace);
	CU_add_test(s, "nothing is lost", test_cover);
	CU_add_test(s, "a device that resumes", test_resumes);
	CU_add_test(s, "with a meter", test_metered);
	CU_add_test(s, "at random", test_churn);
}
