/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody did to a device behind our back is found, counted, told and repaired.
 */
#include "test_offload.h"

#define MANY 1000 /* rules: several pieces of an audit */

static struct test_mf *many[MANY];

static void fill(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		live(many[i] = mf_new(i + 1, 1, 2));
	barrier();
	CU_ASSERT_EQUAL(fake_rules(fake), n);
}

static void empty(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		withdraw(many[i], NULL);
	barrier();
	for (unsigned i = 0; i < n; i++)
		mf_put(many[i]);
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
}

/* How often the decisions from `since` on say this of the rule. */
static unsigned told(uint64_t since, enum offload_decision_type type, const struct test_mf *t)
{
	uint64_t first, stop;
	unsigned n = 0;

	offload_decisions_range(ol, &first, &stop);
	for (uint64_t i = since > first ? since : first; i < stop; i++) {
		struct offload_decision d;

		CU_ASSERT_EQUAL_FATAL(offload_decision_read(ol, i, &d), 0);
		CU_ASSERT_EQUAL(d.number, i);
		if (d.type == type && hal_ufid_equal(&d.ufid, &t->mf.ufid)) {
			CU_ASSERT(d.match && hal_cmatch_equal(d.match, t->mf.match));
			n++;
		}
		free(d.match);
	}
	return n;
}

static void test_verified(void)
{
	begin("audit");
	fill(2);
	CU_ASSERT_FALSE(slot(many[0]).verified);
	audit();
	CU_ASSERT(slot(many[0]).verified);
	CU_ASSERT_EQUAL(info().audit.passes, 1);
	CU_ASSERT_EQUAL(info().audit.rules, 2);
	CU_ASSERT(info().audit.ended_ms > 0);
	empty(2);
	end();
}

static void test_lost(void)
{
	uint64_t first, next;

	begin("audit");
	fill(3);
	offload_decisions_range(ol, &first, &next);
	CU_ASSERT(fake_remove(fake, &many[1]->mf.ufid));
	audit();
	CU_ASSERT(PLACED(many[1]));
	CU_ASSERT_EQUAL(info().audit.lost, 1);
	CU_ASSERT_EQUAL(info().audit.repaired, 1);
	CU_ASSERT_EQUAL(told(next, DECISION_LOST, many[1]), 1);
	CU_ASSERT_EQUAL(told(next, DECISION_REPAIRED, many[1]), 1);
	CU_ASSERT_EQUAL(told(next, DECISION_LOST, many[0]), 0);
	empty(3);
	end();
}

/* What it counted up to then stays counted, and nothing is counted twice. */
static void test_lost_counts(void)
{
	begin("audit");
	fill(1);
	fake_hit(fake, &many[0]->mf.ufid, 10, 1000);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(many[0]), 10);
	fake_remove(fake, &many[0]->mf.ufid);
	audit();
	CU_ASSERT(PLACED(many[0]));
	fake_hit(fake, &many[0]->mf.ufid, 3, 300);
	refresh();
	CU_ASSERT_EQUAL(hw_packets(many[0]), 13);
	empty(1);
	end();
}

static void test_altered(void)
{
	struct test_mf *other = mf_new(2, 1, 3);
	uint64_t first, next;

	begin("audit");
	fill(3);
	offload_decisions_range(ol, &first, &next);
	CU_ASSERT(fake_spoil(fake, &many[0]->mf.ufid));
	CU_ASSERT(fake_change(fake, &other->rule)); /* the same match, another output */
	audit();
	CU_ASSERT(PLACED(many[0]));
	CU_ASSERT(PLACED(many[1]));
	CU_ASSERT_EQUAL(info().audit.altered, 2);
	CU_ASSERT_EQUAL(info().audit.repaired, 2);
	CU_ASSERT_EQUAL(told(next, DECISION_ALTERED, many[0]), 1);
	CU_ASSERT_EQUAL(told(next, DECISION_REPAIRED, many[1]), 1);
	audit();
	CU_ASSERT_EQUAL(info().audit.altered, 2);
	mf_put(other);
	empty(3);
	end();
}

static void test_unwanted(void)
{
	struct test_mf *planted = mf_new(77, 1, 3);
	uint64_t first, next;

	begin("audit");
	fill(1);
	offload_decisions_range(ol, &first, &next);
	CU_ASSERT(fake_plant(fake, &planted->rule));
	audit();
	CU_ASSERT_FALSE(fake_has(fake, &planted->mf.ufid));
	CU_ASSERT(PLACED(many[0]));
	CU_ASSERT_EQUAL(info().audit.unwanted, 1);
	CU_ASSERT_EQUAL(info().removed_foreign, 1);
	CU_ASSERT_EQUAL(told(next, DECISION_UNWANTED, planted), 1);
	mf_put(planted);
	empty(1);
	end();
}

/* What the device tells may be of a moment ago. */
static void test_ghost(void)
{
	struct test_mf *t = mf_new(9, 1, 2);

	begin("audit");
	fill(2);
	fake_ghost(fake, &t->rule);
	audit();
	fake_ghost(fake, NULL);
	CU_ASSERT_EQUAL(info().audit.unwanted, 0);
	CU_ASSERT_EQUAL(info().removed_foreign, 0);
	live(t);
	barrier();
	CU_ASSERT(PLACED(t));
	withdraw(t, NULL);
	barrier();
	mf_put(t);
	empty(2);
	end();
}

/* In pieces, with operations between them that it must not take for somebody else's. */
static void test_pieces(void)
{
	unsigned before;

	begin("audit");
	fill(MANY);
	before = fake_dumps(fake);
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT(fake_remove(fake, &many[i * 10]->mf.ufid));
	offload_audit_interval(ol, 1);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 1; i < MANY; i += 10) {
			struct test_mf *next = mf_new(i + 1, 1, 2 + round % 2);

			withdraw(many[i], next);
			EVENTUALLY(many[i]->withdrawn);
			mf_put(many[i]);
			many[i] = next;
		}
	}
	offload_audit_interval(ol, 0);
	audit();
	for (unsigned i = 0; i < MANY; i++)
		CU_ASSERT(PLACED(many[i]));
	CU_ASSERT(fake_dumps(fake) >= before + 8);
	CU_ASSERT_EQUAL(info().audit.lost, 100);
	CU_ASSERT_EQUAL(info().audit.altered, 0);
	CU_ASSERT_EQUAL(info().audit.unwanted, 0);
	CU_ASSERT_EQUAL(info().audit.repaired, 100);
	empty(MANY);
	end();
}

static void test_interval(void)
{
	uint64_t passes;

	begin("audit");
	offload_audit_interval(ol, 20);
	audit(); /* the interval counts from here */
	fill(1);
	fake_remove(fake, &many[0]->mf.ufid);
	EVENTUALLY(info().audit.repaired == 1);
	offload_audit_interval(ol, 0);
	audit();
	passes = info().audit.passes;
	sleep_ms(100);
	CU_ASSERT_EQUAL(info().audit.passes, passes);
	empty(1);
	end();
}

/* Whoever asks is answered though the device is gone, or never answers. */
static void test_gone(void)
{
	begin("audit");
	fill(1);
	fake_cut(fake);
	EVENTUALLY(!info().stats.alive);
	CU_ASSERT(audit() < 1000);
	fake_revive(fake);
	EVENTUALLY(info().stats.alive);
	for (unsigned i = 1; i <= 4; i++)
		if (!fake_bound(fake, i))
			bind_port(i);
	EVENTUALLY(PLACED(many[0]));
	fake_hold(fake, true);
	fake_remove(fake, &many[0]->mf.ufid);
	CU_ASSERT(audit() < 2000);
	fake_hold(fake, false);
	EVENTUALLY(PLACED(many[0]));
	empty(1);
	end();
}

/* Whoever asks is answered at once, again and again. */
static void test_impossible(void)
{
	fake_no_dumps(fake_get("audit"), true);
	begin("audit");
	fill(1);
	CU_ASSERT(audit() < 400);
	CU_ASSERT(audit() < 400);
	CU_ASSERT_EQUAL(info().audit.passes, 0);
	CU_ASSERT(PLACED(many[0]));
	empty(1);
	end();
	fake_no_dumps(fake_get("audit"), false);
}

/* Two who ask at once, and one who asks while a pass is under way, are all told the truth. */
static void set(void *arg)
{
	*(_Atomic bool *)arg = true;
}

static void test_asked_together(void)
{
	_Atomic bool one = false, two = false;

	begin("audit");
	fill(MANY);
	offload_audit(ol, set, &one);
	fake_remove(fake, &many[0]->mf.ufid);
	offload_audit(ol, set, &two);
	EVENTUALLY(one && two);
	CU_ASSERT(PLACED(many[0]));
	empty(MANY);
	end();
}

/* The ring keeps the last ones. */
static void test_ring(void)
{
	uint64_t first, stop;
	struct offload_decision d;

	begin("audit");
	for (unsigned round = 0; round < 6; round++) {
		fill(MANY);
		empty(MANY);
	}
	offload_decisions_range(ol, &first, &stop);
	CU_ASSERT_EQUAL(stop, 2 * 6 * MANY + 1);
	CU_ASSERT_EQUAL(stop - first, OFFLOAD_DECISIONS);
	CU_ASSERT_EQUAL(offload_decision_read(ol, first - 1, &d), -ENOENT);
	CU_ASSERT_EQUAL(offload_decision_read(ol, stop, &d), -ENOENT);
	CU_ASSERT_EQUAL(offload_decision_read(ol, 0, &d), -ENOENT);
	CU_ASSERT_EQUAL(offload_decision_read(ol, stop - 1, &d), 0);
	CU_ASSERT_EQUAL(d.type, DECISION_REMOVED);
	free(d.match);
	end();
}

/* A refusal is told once, with its reason. */
static void test_refused(void)
{
	uint64_t first, stop;
	struct offload_decision d;

	begin("audit");
	fake_refuse_field(fake, FIELD_ETH_DST);
	live(many[0] = mf_new(1, 1, 2));
	EVENTUALLY(REFUSED(many[0], UNSUPPORTED_COMBINATION));
	offload_decisions_range(ol, &first, &stop);
	CU_ASSERT_EQUAL(told(first, DECISION_REFUSED, many[0]), 1);
	CU_ASSERT_EQUAL_FATAL(offload_decision_read(ol, stop - 1, &d), 0);
	CU_ASSERT_EQUAL(d.reason.field, FIELD_ETH_DST);
	free(d.match);
	sleep_ms(150);
	CU_ASSERT_EQUAL(told(first, DECISION_REFUSED, many[0]), 1);
	fake_refuse_field(fake, FIELD_INVALID);
	empty(1);
	end();
}

void audit_suite(void)
{
	CU_pSuite s = CU_add_suite("audit", NULL, NULL);

	CU_add_test(s, "read back", test_verified);
	CU_add_test(s, "lost", test_lost);
	CU_add_test(s, "lost, and its counters", test_lost_counts);
	CU_add_test(s, "altered", test_altered);
	CU_add_test(s, "unwanted", test_unwanted);
	CU_add_test(s, "told of, and not there", test_ghost);
	CU_add_test(s, "in pieces", test_pieces);
	CU_add_test(s, "at intervals", test_interval);
	CU_add_test(s, "of a device that is gone or stuck", test_gone);
	CU_add_test(s, "of a device that cannot list its rules", test_impossible);
	CU_add_test(s, "asked for together", test_asked_together);
	CU_add_test(s, "the last decisions", test_ring);
	CU_add_test(s, "a refusal among them", test_refused);
}
