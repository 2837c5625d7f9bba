/* SPDX-License-Identifier: Apache-2.0
 *
 * Link messages, whole, cut short and overwritten.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <CUnit/CUnit.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "swpath/port/rtnl.h"

static struct nlmsghdr *build(char *buf)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info;

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = 42;
	ifi->ifi_type = ARPHRD_ETHER;
	ifi->ifi_flags = IFF_UP | IFF_LOWER_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "slutest0");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1400);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_str(nlh, IFLA_IFALIAS, "sluice:/run/x");
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "tun");
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static void reads_a_link(void)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = build(buf);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct swpath_rtnl_link link;

	CU_ASSERT_EQUAL(swpath_rtnl_parse_link(nlh, &link), 0);
	CU_ASSERT_EQUAL(link.link.ifindex, 42);
	CU_ASSERT_STRING_EQUAL(link.link.name, "slutest0");
	CU_ASSERT_STRING_EQUAL(link.alias, "sluice:/run/x");
	CU_ASSERT_STRING_EQUAL(link.kind, "tun");
	CU_ASSERT_EQUAL(link.link.mtu, 1400);
	CU_ASSERT_EQUAL(link.link.mac[5], 7);
	CU_ASSERT_TRUE(link.link.admin_up && link.link.link_up && link.ethernet);
	CU_ASSERT_FALSE(link.link.gone);
	nlh->nlmsg_type = RTM_DELLINK;
	CU_ASSERT_EQUAL(swpath_rtnl_parse_link(nlh, &link), 0);
	CU_ASSERT_TRUE(link.link.gone);
	/* Leaving a kernel bridge is no going. */
	ifi->ifi_family = AF_BRIDGE;
	CU_ASSERT_EQUAL(swpath_rtnl_parse_link(nlh, &link), -EAGAIN);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = 0;
	CU_ASSERT_EQUAL(swpath_rtnl_parse_link(nlh, &link), -EINVAL);
	nlh->nlmsg_type = RTM_NEWADDR;
	CU_ASSERT_EQUAL(swpath_rtnl_parse_link(nlh, &link), -EAGAIN);
}

/* The message is copied to the end of a heap block, so that a sanitizer sees a step too far. */
static void survives_malformed_messages(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
		struct nlmsghdr *nlh = build(buf);
		uint32_t len = sizeof(*nlh) + rnd_below(nlh->nlmsg_len - sizeof(*nlh) + 1);
		struct swpath_rtnl_link link;
		char *copy;

		for (unsigned k = rnd_below(4); k > 0; k--)
			buf[sizeof(*nlh) + sizeof(struct ifinfomsg) + rnd_below(64)] = (char)rnd();
		nlh->nlmsg_len = len;
		/* A message's end is rounded up to its alignment, as in a receive buffer. */
		copy = calloc(1, MNL_ALIGN(len));
		memcpy(copy, buf, len);
		if (swpath_rtnl_parse_link((struct nlmsghdr *)copy, &link) == 0) {
			CU_ASSERT_TRUE(memchr(link.link.name, '\0', sizeof(link.link.name)) &&
				       memchr(link.alias, '\0', sizeof(link.alias)) &&
				       memchr(link.kind, '\0', sizeof(link.kind)));
		}
		free(copy);
	}
}

void add_netlink_suite(void)
{
	CU_pSuite s = CU_add_suite("netlink", NULL, NULL);

	CU_add_test(s, "reads a link", reads_a_link);
	CU_add_test(s, "survives malformed messages", survives_malformed_messages);
}
