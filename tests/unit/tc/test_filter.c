/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel tells of a filter: whose it is, and which of its actions' counts are its own. And
 * what it is asked before that.
 */
#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <CUnit/CUnit.h>

#include "drivers/tc/tc.h"
#include "test_tc.h"

static const uint8_t ours[TC_COOKIE_LEN] = {1, 2, 3}, other[TC_COOKIE_LEN] = {9};

struct counted {
	const char *kind;
	const uint8_t *cookie;
	uint32_t packets;
};

static void put_counts(struct nl_msg *msg, uint32_t packets)
{
	const struct gnet_stats_basic basic = {.bytes = packets * 100ull, .packets = packets};
	struct nlattr *stats = nla_nest_start(msg, TCA_ACT_STATS);

	nla_put(msg, TCA_STATS_BASIC, sizeof(basic), &basic);
	nla_nest_end(msg, stats);
}

static struct nl_msg *filter_with(const struct counted *action, unsigned n)
{
	const struct tc_place place = {.ifindex = 3, .handle = TC_HANDLE, .prio = TC_PRIO};
	struct nl_msg *msg = tc_filter_request(RTM_NEWTFILTER, 0, &place);
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
	struct nlattr *list = nla_nest_start(msg, TCA_FLOWER_ACT);

	for (unsigned i = 0; i < n; i++) {
		struct nlattr *one = nla_nest_start(msg, (int)i + 1);

		nla_put_string(msg, TCA_ACT_KIND, action[i].kind);
		if (action[i].cookie)
			nla_put(msg, TCA_ACT_COOKIE, TC_COOKIE_LEN, action[i].cookie);
		put_counts(msg, action[i].packets);
		nla_nest_end(msg, one);
	}
	nla_nest_end(msg, list);
	nla_nest_end(msg, options);
	return msg;
}

static void check(const struct counted *action, unsigned n, uint64_t packets)
{
	struct nl_msg *msg = filter_with(action, n);
	struct tc_filter f;

	CU_ASSERT_EQUAL_FATAL(tc_filter_parse(nlmsg_hdr(msg), &f), 0);
	CU_ASSERT(f.has_cookie && !memcmp(f.cookie, ours, TC_COOKIE_LEN));
	CU_ASSERT_EQUAL(f.packets, packets);
	CU_ASSERT_EQUAL(f.bytes, packets * 100);
	nlmsg_free(msg);
}

static void counts_are_of_its_own_actions(void)
{
	/* By kernel: a counter of its own, the meter's policer and counter, the end. */
	static const struct counted metered[] = {{"gact", ours, 10}, {"police", other, 500},
		{"gact", other, 400}, {"mirred", ours, 7}};
	/* By a card, which is heard by all that listen. */
	static const struct counted in_card[] = {
		{"police", other, 500}, {"mpls", ours, 0}, {"mirred", ours, 12}};
	static const struct counted plain[] = {{"vlan", ours, 5}, {"mirred", ours, 5}};

	check(metered, RTE_DIM(metered), 10);
	check(in_card, RTE_DIM(in_card), 12);
	check(plain, RTE_DIM(plain), 5);
}

static void nobodys_has_no_owner(void)
{
	static const struct counted action[] = {{"police", other, 3}, {"mirred", NULL, 3}};
	struct nl_msg *msg = filter_with(action, RTE_DIM(action));
	struct tc_filter f;

	CU_ASSERT_EQUAL(tc_filter_parse(nlmsg_hdr(msg), &f), 0);
	CU_ASSERT(!f.has_cookie);
	nlmsg_free(msg);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Whatever the kernel can do, and whoever we are: it ends, says the same again, and we are where we
 * were. */
static void the_probe_leaves_nothing(void)
{
	struct stat before, after;
	uint64_t start;
	bool finds;

	CU_ASSERT_EQUAL_FATAL(stat("/proc/thread-self/ns/net", &before), 0);
	finds = tc_probe_transport();
	CU_ASSERT_EQUAL_FATAL(stat("/proc/thread-self/ns/net", &after), 0);
	CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
	start = now_ms();
	CU_ASSERT_EQUAL(tc_probe_transport(), finds);
	CU_ASSERT(now_ms() - start < 100);
	CU_ASSERT_EQUAL(if_nametoindex("slprobe"), 0);
}

void add_filter_suite(void)
{
	CU_pSuite s = CU_add_suite("filters", NULL, NULL);

	CU_add_test(s, "counts are of its own actions", counts_are_of_its_own_actions);
	CU_add_test(s, "nobody's has no owner", nobodys_has_no_owner);
	CU_add_test(s, "the probe leaves nothing", the_probe_leaves_nothing);
}
