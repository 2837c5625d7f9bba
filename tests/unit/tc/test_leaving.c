/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters that the kernel does not want to delete. The kernel is this file's: the channel's
 * requests come here (--wrap).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/CUnit.h>
#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"
#include "test_tc.h"

static bool ours;   /* while these tests run */
static int answer;  /* the kernel's, to what is to be deleted */
static bool silent; /* it does not answer at all */
static unsigned n_deletions;

int __wrap_netdev_channel_run(struct netdev_channel *ch, struct nl_msg *const *msgs, unsigned n,
	struct netdev_answer *answers, int (*object)(void *ctx, unsigned i, struct nlmsghdr *h),
	void *ctx);
int __real_netdev_channel_run(struct netdev_channel *ch, struct nl_msg *const *msgs, unsigned n,
	struct netdev_answer *answers, int (*object)(void *ctx, unsigned i, struct nlmsghdr *h),
	void *ctx);

int __wrap_netdev_channel_run(struct netdev_channel *ch, struct nl_msg *const *msgs, unsigned n,
	struct netdev_answer *answers, int (*object)(void *ctx, unsigned i, struct nlmsghdr *h),
	void *ctx)
{
	if (!ours)
		return __real_netdev_channel_run(ch, msgs, n, answers, object, ctx);
	for (unsigned i = 0; i < n; i++) {
		if (nlmsg_hdr(msgs[i])->nlmsg_type == RTM_DELTFILTER)
			n_deletions++;
		answers[i] = (struct netdev_answer){.done = !silent, .error = silent ? 0 : answer};
	}
	return silent ? -ENOBUFS : 0;
}

static const struct hal_ufid ufid = {{7, 9}};

static void make(struct tc_dev *dev)
{
	struct tc_rule *rule;

	memset(dev, 0, sizeof(*dev));
	hmap_init(&dev->ports);
	hmap_init(&dev->ports_by_ifindex);
	hmap_init(&dev->rules);
	hmap_init(&dev->handles);
	hmap_init(&dev->meters);
	hmap_init(&dev->meters_by_index);
	dev->used = calloc(1, TC_MAX_RULES / 8);
	rule = tc_rule_new(dev, &ufid);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
	rule->packets = 12;
	rule->bytes = 1200;
	n_deletions = 0;
	silent = false;
	ours = true;
}

static void drop(struct tc_dev *dev)
{
	ours = false;
	tc_rules_clear(dev);
	hmap_destroy(&dev->ports);
	hmap_destroy(&dev->ports_by_ifindex);
	hmap_destroy(&dev->meters);
	hmap_destroy(&dev->meters_by_index);
	free(dev->used);
	free(dev->done);
}

/* Completions within so many ms. */
static int poll_for(struct tc_dev *dev, struct hal_completion *c, unsigned ms)
{
	int n = tc_poll(dev, c, 1);

	for (unsigned i = 0; !n && i < ms / 10; i++) {
		usleep(10000);
		n = tc_poll(dev, c, 1);
	}
	return n;
}

static void check_kept(int error, bool no_answer)
{
	struct hal_op del = {.type = HAL_OP_DEL, .token = 42, .rule.ufid = ufid};
	struct hal_op again = {.type = HAL_OP_DEL, .token = 43, .rule.ufid = ufid};
	struct hal_op add = {.type = HAL_OP_ADD, .token = 44, .rule.ufid = ufid};
	struct hal_completion c;
	struct tc_dev dev;

	make(&dev);
	answer = error;
	silent = no_answer;
	CU_ASSERT_EQUAL(tc_submit(&dev, &del, 1), 1);
	CU_ASSERT_EQUAL(poll_for(&dev, &c, 200), 0);
	CU_ASSERT(n_deletions >= 2);
	CU_ASSERT_PTR_NOT_NULL(tc_rule_find(&dev, &ufid));
	/* Meanwhile nothing else happens to it. */
	CU_ASSERT_EQUAL(tc_submit(&dev, &again, 1), 0);
	CU_ASSERT_EQUAL(again.reason.code, HAL_REASON_RETRY);
	CU_ASSERT_EQUAL(tc_submit(&dev, &add, 1), 0);
	answer = 0;
	silent = false;
	CU_ASSERT_EQUAL_FATAL(poll_for(&dev, &c, 1000), 1);
	CU_ASSERT_EQUAL(c.token, 42);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT(c.final.known);
	CU_ASSERT_EQUAL(c.final.packets, 12);
	CU_ASSERT_EQUAL(c.final.bytes, 1200);
	CU_ASSERT_PTR_NULL(tc_rule_find(&dev, &ufid));
	CU_ASSERT_EQUAL(tc_poll(&dev, &c, 1), 0);
	drop(&dev);
}

static void test_refused(void)
{
	check_kept(-EBUSY, false);
	check_kept(-EAGAIN, false);
}

static void test_unanswered(void)
{
	check_kept(0, true);
}

static void test_gone_already(void)
{
	struct hal_op del = {.type = HAL_OP_DEL, .token = 42, .rule.ufid = ufid};
	struct hal_completion c;
	struct tc_dev dev;

	make(&dev);
	answer = -ENOENT;
	CU_ASSERT_EQUAL(tc_submit(&dev, &del, 1), 1);
	CU_ASSERT_EQUAL_FATAL(tc_poll(&dev, &c, 1), 1);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT_EQUAL(n_deletions, 1);
	drop(&dev);
}

/* A dump that began before the last reading tells of fewer packets: they are not counted again. */
static void test_late_reading(void)
{
	struct tc_filter was = {.packets = 12, .bytes = 1200}, now = {.packets = 15, .bytes = 1500};
	struct hal_raw_counter first, c = {0};
	struct tc_rule *rule;
	struct tc_dev dev;

	make(&dev);
	rule = tc_rule_find(&dev, &ufid);
	tc_rule_count(&dev, rule, &now, &first);
	CU_ASSERT_EQUAL(first.packets, 15);
	tc_rule_count_late(&dev, rule, &was, &c);
	CU_ASSERT_FALSE(c.known);
	tc_rule_count(&dev, rule, &now, &c);
	CU_ASSERT_EQUAL(c.generation, first.generation);
	/* A reading in its turn that tells of fewer is another filter's. */
	tc_rule_count(&dev, rule, &was, &c);
	CU_ASSERT_NOT_EQUAL(c.generation, first.generation);
	drop(&dev);
}

void add_leaving_suite(void)
{
	CU_pSuite s = CU_add_suite("filters that the kernel does not delete", NULL, NULL);

	CU_add_test(s, "refused", test_refused);
	CU_add_test(s, "not answered", test_unanswered);
	CU_add_test(s, "gone already", test_gone_already);
	CU_add_test(s, "read late", test_late_reading);
}
