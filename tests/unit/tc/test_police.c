/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters as policers: what they become, what they cannot, and whose a policer is.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "drivers/tc/police.h"
#include "test_tc.h"

#define INDEX (TC_METER_INDEX + 5)

static struct hal_meter meter_of(bool pktps, uint32_t rate, uint32_t burst)
{
	return (struct hal_meter){
		.pktps = pktps, .n_bands = 1, .band = {{HAL_BAND_DROP, rate, burst, 0}}};
}

static void check(
	bool pktps, uint32_t rate, uint32_t burst, uint64_t want_rate, uint64_t want_ticks)
{
	const struct hal_meter m = meter_of(pktps, rate, burst);
	struct tc_policer p;
	struct hal_reason r;

	for (unsigned by_kernel = 0; by_kernel < 2; by_kernel++) {
		CU_ASSERT_EQUAL_FATAL(tc_police_make(&m, by_kernel, &p, &r), 0);
		CU_ASSERT_EQUAL(p.pktps, pktps);
		CU_ASSERT_EQUAL(p.rate, want_rate);
		CU_ASSERT_EQUAL(p.ticks, want_ticks);
	}
}

/* A tick is 64 ns. */
static void rates_and_bursts(void)
{
	check(false, 1000, 100, 125000, 1562500);         /* 100 ms at 1 Mb/s */
	check(false, 1, 1, 125, 15625000);                /* a second */
	check(false, 4000000, 0, 500000000, 15625000);    /* no burst given: a second's */
	check(true, 800, 100, 800, 1953125);              /* 125 ms */
	check(true, 3, 1, 3, 5208333);                    /* rounded */
	check(true, 1, 274, 1, 274 * UINT64_C(15625000)); /* the largest */
}

static void check_refused(struct hal_meter m, bool by_kernel, const char *words)
{
	struct tc_policer p;
	struct hal_reason r;

	hal_reason_clear(&r);
	CU_ASSERT_EQUAL(tc_police_make(&m, by_kernel, &p, &r), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.action, ACTION_METER);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, words));
}

static void what_a_policer_cannot_be(void)
{
	struct hal_meter m = meter_of(false, 1000, 100);
	struct hal_reason r;
	struct tc_policer p;

	m.n_bands = 2;
	m.band[1] = m.band[0];
	check_refused(m, true, "one rate");
	m.n_bands = 0;
	check_refused(m, false, "0 bands");
	m = meter_of(false, 1000, 100);
	m.band[0].type = HAL_BAND_DSCP_REMARK;
	check_refused(m, false, "remark");
	check_refused(meter_of(false, 0, 100), false, "rate of 0");
	check_refused(meter_of(false, 1000, 275000), false, "274 s");
	check_refused(meter_of(false, 4000000, 1), false, "too coarse");
	/* Nanoseconds of short packets, and what a card's bucket holds. */
	check_refused(meter_of(false, 9600001, 9600000), true, "9600000 kb/s");
	check_refused(meter_of(true, 20000001, 0), true, "20000000 packets/s");
	check_refused(meter_of(false, 40000000, 40000000), false, "4 GiB");
	m = meter_of(false, 9600001, 9600000);
	CU_ASSERT_EQUAL(tc_police_make(&m, false, &p, &r), 0);
	m = meter_of(false, 9600000, 96000000);
	CU_ASSERT_EQUAL(tc_police_make(&m, true, &p, &r), 0);
}

/* ---- messages ---- */

struct seen {
	unsigned n;
	struct tc_standing at[4];
};

static void note(void *ctx, const struct tc_standing *s)
{
	struct seen *seen = ctx;

	CU_ASSERT_FATAL(seen->n < 4);
	seen->at[seen->n++] = *s;
}

static void owners_are_known_again(void)
{
	const struct tc_police_owner owner = {0x1234, 77};
	const struct hal_meter m = meter_of(false, 1000, 100);
	struct tc_policer p;
	struct hal_reason r;

	CU_ASSERT_EQUAL_FATAL(tc_police_make(&m, true, &p, &r), 0);
	for (unsigned by_kernel = 0; by_kernel < 2; by_kernel++) {
		struct nl_msg *msg = tc_police_new(0, INDEX, &owner, &p, by_kernel, 14);
		struct seen seen = {0};

		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		nlmsg_hdr(msg)->nlmsg_type = RTM_GETACTION;
		tc_standing_take(nlmsg_hdr(msg), note, &seen);
		CU_ASSERT_EQUAL(seen.n, by_kernel ? 2 : 1);
		CU_ASSERT(seen.at[0].polices && !seen.at[1].polices);
		for (unsigned i = 0; i < seen.n; i++) {
			CU_ASSERT_EQUAL(seen.at[i].index, INDEX);
			CU_ASSERT(seen.at[i].has_owner);
			CU_ASSERT_EQUAL(seen.at[i].owner.instance, 0x1234);
			CU_ASSERT_EQUAL(seen.at[i].owner.meter, 77);
		}
		nlmsg_free(msg);
	}
}

/* Others' policers have other indexes, or no cookie of ours. */
static void others_are_left_alone(void)
{
	const struct tc_police_owner owner = {1, 2};
	const struct tc_policer p = {.pktps = true, .rate = 5, .ticks = 100};
	struct nl_msg *msg = tc_police_new(0, TC_METER_INDEX - 1, &owner, &p, true, 14);
	struct seen seen = {0};

	tc_standing_take(nlmsg_hdr(msg), note, &seen);
	nlmsg_free(msg);
	msg = tc_police_new(0, TC_METER_INDEX + TC_MAX_METERS, &owner, &p, true, 14);
	tc_standing_take(nlmsg_hdr(msg), note, &seen);
	nlmsg_free(msg);
	CU_ASSERT_EQUAL(seen.n, 0);
	/* Somebody else's cookie. */
	msg = tc_police_new(0, INDEX, &owner, &p, true, 14);
	for (uint8_t *at = (uint8_t *)nlmsg_hdr(msg);
		at < (uint8_t *)nlmsg_tail(nlmsg_hdr(msg)) - 3; at++)
		if (!memcmp(at, "slm\1", 4))
			*at = 'x';
	tc_standing_take(nlmsg_hdr(msg), note, &seen);
	nlmsg_free(msg);
	CU_ASSERT_EQUAL(seen.n, 2);
	CU_ASSERT(!seen.at[0].has_owner && !seen.at[1].has_owner);
}

/* What the policer in a request is told. */
static void options_of(struct nl_msg *msg, struct nlattr *out[TCA_POLICE_MAX + 1])
{
	struct nlattr *root[TCA_ROOT_MAX + 1], *one[TCA_ACT_MAX + 1];

	CU_ASSERT_EQUAL_FATAL(
		nlmsg_parse(nlmsg_hdr(msg), sizeof(struct tcamsg), root, TCA_ROOT_MAX, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
		nla_parse_nested(one, TCA_ACT_MAX, nla_data(root[TCA_ACT_TAB]), NULL), 0);
	CU_ASSERT_EQUAL_FATAL(nla_parse_nested(out, TCA_POLICE_MAX, one[TCA_ACT_OPTIONS], NULL), 0);
}

/* A card polices packets. The kernel polices bytes, of which each packet costs the same. */
static void packets_are_policed(void)
{
	const struct tc_police_owner owner = {1, 2};
	const struct tc_policer p = {.pktps = true, .rate = 1000, .ticks = 5000};
	struct nlattr *a[TCA_POLICE_MAX + 1];
	struct tc_police parms;
	struct nl_msg *msg = tc_police_new(0, INDEX, &owner, &p, false, 0);

	options_of(msg, a);
	CU_ASSERT_EQUAL(nla_get_u64(a[TCA_POLICE_PKTRATE64]), 1000);
	CU_ASSERT_EQUAL(nla_get_u64(a[TCA_POLICE_PKTBURST64]), 5000);
	CU_ASSERT_PTR_NULL(a[TCA_POLICE_RATE64]);
	nlmsg_free(msg);
	msg = tc_police_new(0, INDEX, &owner, &p, true, 14);
	options_of(msg, a);
	CU_ASSERT_PTR_NULL(a[TCA_POLICE_PKTRATE64]);
	CU_ASSERT_EQUAL(nla_get_u64(a[TCA_POLICE_RATE64]), 65535 * 1000);
	memcpy(&parms, nla_data(a[TCA_POLICE_TBF]), sizeof(parms));
	CU_ASSERT(parms.rate.mpu == 65535 && parms.burst == 5000 && parms.index == INDEX);
	nlmsg_free(msg);
}

static void ignore(void *ctx, const struct tc_standing *s)
{
	*(uint64_t *)ctx += s->packets + s->index;
}

static void damage_is_harmless(void)
{
	const struct tc_police_owner owner = {1, 2};
	const struct tc_policer p = {.rate = 1000, .ticks = 100};
	uint64_t sum = 0;

	for (unsigned i = 0; i < 5000; i++) {
		struct nl_msg *msg = tc_police_new(0, INDEX, &owner, &p, true, 14);
		struct nlmsghdr *h = nlmsg_hdr(msg);
		uint8_t *at = (uint8_t *)h + NLMSG_HDRLEN;

		for (unsigned n = test_rand() % 4 + 1; n; n--)
			at[test_rand() % (h->nlmsg_len - NLMSG_HDRLEN)] ^=
				(uint8_t)(1u << test_rand() % 8);
		tc_standing_take(h, ignore, &sum);
		nlmsg_free(msg);
	}
	CU_ASSERT_NOT_EQUAL(sum, 0);
}

void add_police_suite(void)
{
	CU_pSuite s = CU_add_suite("policers", NULL, NULL);

	CU_add_test(s, "rates and bursts", rates_and_bursts);
	CU_add_test(s, "what a policer cannot be", what_a_policer_cannot_be);
	CU_add_test(s, "packets are policed", packets_are_policed);
	CU_add_test(s, "owners are known again", owners_are_known_again);
	CU_add_test(s, "others are left alone", others_are_left_alone);
	CU_add_test(s, "damage is harmless", damage_is_harmless);
}
