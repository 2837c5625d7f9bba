/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose port a bond is, by its members.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "drivers/tc/tc.h"
#include "test_tc.h"

static void add(struct tc_members *m, const char *name, const char *switch_id)
{
	struct netdev_link link = {.ifindex = 1 + m->n, .master = 100};

	snprintf(link.name, sizeof(link.name), "%s", name);
	link.switch_id.len = (uint8_t)strlen(switch_id);
	memcpy(link.switch_id.id, switch_id, link.switch_id.len);
	tc_members_add(m, &link);
}

/* Refused in these words. */
static void expect_refused(const struct tc_members *m, const char *text)
{
	struct netdev_switch_id id = {.len = 9};
	struct hal_reason r;

	hal_reason_clear(&r);
	CU_ASSERT(tc_members_switch(m, "bond0", &id, &r) < 0);
	CU_ASSERT_EQUAL(id.len, 0);
	CU_ASSERT_STRING_EQUAL(r.text, text);
}

static void members_of_one_switch(void)
{
	struct tc_members m = {0};
	struct netdev_switch_id id;

	add(&m, "p0", "card");
	CU_ASSERT_EQUAL(tc_members_switch(&m, "bond0", &id, NULL), 0);
	add(&m, "p1", "card");
	CU_ASSERT_EQUAL(tc_members_switch(&m, "bond0", &id, NULL), 0);
	CU_ASSERT_EQUAL(id.len, 4);
	CU_ASSERT_EQUAL(memcmp(id.id, "card", 4), 0);
}

static void members_in_the_way(void)
{
	struct tc_members none = {0}, m = {0}, longer = {0}, late = {0};

	expect_refused(&none, "the bond bond0 has no members, whose switch could take its rules");
	add(&m, "p0", "card");
	add(&m, "q0", "else");
	add(&m, "p1", "card");
	expect_refused(&m, "p0 and q0, members of the bond bond0, are ports of different switches");
	add(&longer, "p0", "card");
	add(&longer, "q0", "card1");
	expect_refused(
		&longer, "p0 and q0, members of the bond bond0, are ports of different switches");
	add(&late, "veth0", "");
	add(&late, "p0", "card");
	expect_refused(&late, "veth0, a member of the bond bond0, is no port of a switch");
}

/* What the kernel tells of a link. */
static void expect_link(const char *kind, uint32_t master, bool is_bond)
{
	const struct ifinfomsg info = {.ifi_index = 7};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct netdev_link link = {0};
	struct nlattr *linkinfo;

	nlmsg_append(msg, (void *)(uintptr_t)&info, sizeof(info), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, "it");
	if (master)
		nla_put_u32(msg, IFLA_MASTER, master);
	if (kind) {
		linkinfo = nla_nest_start(msg, IFLA_LINKINFO);
		nla_put_string(msg, IFLA_INFO_KIND, kind);
		nla_nest_end(msg, linkinfo);
	}
	CU_ASSERT_TRUE(netdev_link_take(&link, nlmsg_hdr(msg)));
	CU_ASSERT_EQUAL(link.ifindex, 7);
	CU_ASSERT_EQUAL(link.master, master);
	CU_ASSERT_EQUAL(link.is_bond, is_bond);
	nlmsg_free(msg);
}

static void links(void)
{
	expect_link("bond", 0, true);
	expect_link("bon", 0, false);
	expect_link("bonds", 0, false);
	expect_link("veth", 12, false);
	expect_link(NULL, 12, false);
}

void add_bond_suite(void)
{
	CU_pSuite s = CU_add_suite("bonds", NULL, NULL);

	CU_add_test(s, "members of one switch", members_of_one_switch);
	CU_add_test(s, "members in the way", members_in_the_way);
	CU_add_test(s, "links", links);
}
