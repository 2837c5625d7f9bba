/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's tables, fed with rtnetlink messages as the kernel sends them: longest prefixes,
 * metrics, replacement, sources, neighbours, what is reported, and messages that lie.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "hal/base/rcu.h"
#include "ofctl/host/host.h"

static struct {
	unsigned begins, ends, routes, neighbours;
	bool inside;
} seen;

static void on_begin(void *ctx)
{
	(void)ctx;
	CU_ASSERT(!seen.inside);
	seen.inside = true;
	seen.begins++;
}

static void on_routes(void *ctx)
{
	(void)ctx;
	CU_ASSERT(seen.inside);
	seen.routes++;
}

static void on_neighbour(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	CU_ASSERT(seen.inside);
	seen.neighbours++;
}

static void on_end(void *ctx)
{
	(void)ctx;
	CU_ASSERT(seen.inside);
	seen.inside = false;
	seen.ends++;
}

static const struct host_ops ops = {.begin = on_begin,
	.routes_changed = on_routes,
	.neighbour_changed = on_neighbour,
	.end = on_end};

/* ---- messages ---- */

static _Alignas(struct nlmsghdr) char buf[2048];

static struct nlmsghdr *begin(uint16_t type, uint16_t flags, const void *header, size_t len)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	memcpy(mnl_nlmsg_put_extra_header(nlh, len), header, len);
	return nlh;
}

static unsigned feed(struct host *h, const struct nlmsghdr *nlh)
{
	return host_feed(h, nlh, nlh->nlmsg_len);
}

static void put_address(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	struct host_address a;

	CU_ASSERT_FATAL(host_address_parse(text, &a));
	mnl_attr_put(nlh, type, a.version == 4 ? 4 : 16, a.bytes);
}

static uint8_t family(const char *text)
{
	return strchr(text, ':') ? AF_INET6 : AF_INET;
}

static void link_is(struct host *h, int index, const char *name, bool up)
{
	const struct ifinfomsg ifi = {
		.ifi_index = index, .ifi_type = 1, .ifi_flags = up ? IFF_UP | 0x10000 : 0};
	const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)index};
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, 0, &ifi, sizeof(ifi));

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, 1500);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	CU_ASSERT_EQUAL(feed(h, nlh), 0);
}

static void address(struct host *h, uint16_t type, int index, const char *text, uint8_t len)
{
	const struct ifaddrmsg ifa = {
		.ifa_family = family(text), .ifa_prefixlen = len, .ifa_index = (uint32_t)index};
	struct nlmsghdr *nlh = begin(type, 0, &ifa, sizeof(ifa));

	put_address(nlh, IFA_ADDRESS, text);
	if (family(text) == AF_INET)
		put_address(nlh, IFA_LOCAL, text);
	CU_ASSERT_EQUAL(feed(h, nlh), 0);
}

struct route {
	const char *prefix;
	uint8_t len;
	int oif;
	const char *gateway, *source;
	uint32_t metric, table;
	uint8_t type;
};

static void route(struct host *h, uint16_t type, uint16_t flags, struct route r)
{
	const struct rtmsg rtm = {.rtm_family = family(r.prefix),
		.rtm_dst_len = r.len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_type = r.type ? r.type : RTN_UNICAST};
	struct nlmsghdr *nlh = begin(type, flags, &rtm, sizeof(rtm));

	if (r.len)
		put_address(nlh, RTA_DST, r.prefix);
	if (r.gateway)
		put_address(nlh, RTA_GATEWAY, r.gateway);
	if (r.source)
		put_address(nlh, RTA_PREFSRC, r.source);
	if (r.oif)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r.oif);
	if (r.metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r.metric);
	mnl_attr_put_u32(nlh, RTA_TABLE, r.table ? r.table : RT_TABLE_MAIN);
	CU_ASSERT_EQUAL(feed(h, nlh), 0);
}

static void neighbour(struct host *h, const char *text, uint16_t state, uint8_t last)
{
	const struct ndmsg ndm = {.ndm_family = family(text), .ndm_ifindex = 1, .ndm_state = state};
	struct nlmsghdr *nlh = begin(RTM_NEWNEIGH, 0, &ndm, sizeof(ndm));
	const uint8_t mac[6] = {2, 0, 0, 0, 9, last};

	put_address(nlh, NDA_DST, text);
	if (last)
		mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	CU_ASSERT_EQUAL(feed(h, nlh), 0);
}

/* Two netdevs with an address of each version. */
static struct host *make(void)
{
	struct host *h = host_new(&ops);

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	link_is(h, 1, "one", true);
	link_is(h, 2, "two", true);
	address(h, RTM_NEWADDR, 1, "10.1.0.1", 16);
	address(h, RTM_NEWADDR, 2, "10.2.0.1", 16);
	address(h, RTM_NEWADDR, 1, "fe80::1", 64);
	address(h, RTM_NEWADDR, 1, "fd00:1::1", 64);
	route(h, RTM_NEWROUTE, 0, (struct route){"10.1.0.0", 16, 1});
	route(h, RTM_NEWROUTE, 0, (struct route){"10.2.0.0", 16, 2});
	route(h, RTM_NEWROUTE, 0, (struct route){"fd00:1::", 64, 1});
	memset(&seen, 0, sizeof(seen));
	return h;
}

static void done(struct host *h)
{
	host_close(h);
	rcu_drain();
}

/* "netdev next source", or "-". */
static void expect_hop(struct host *h, const char *dst, const char *expected)
{
	char next[HOST_ADDRESS_TEXT], source[HOST_ADDRESS_TEXT], got[160] = "-";
	struct host_address a;
	struct host_hop hop;

	CU_ASSERT_FATAL(host_address_parse(dst, &a));
	if (host_route_lookup(h, &a, &hop))
		snprintf(got, sizeof(got), "%s %s %s", hop.netdev,
			host_address_text(&hop.next, next), host_address_text(&hop.source, source));
	if (strcmp(got, expected))
		fprintf(stderr, "to %s: %s, expected %s\n", dst, got, expected);
	CU_ASSERT_STRING_EQUAL(got, expected);
}

/* ---- tests ---- */

static void test_longest_prefix(void)
{
	struct host *h = make();

	expect_hop(h, "10.1.2.3", "one 10.1.2.3 10.1.0.1");
	expect_hop(h, "8.8.8.8", "-");
	expect_hop(h, "10.1.0.1", "-"); /* our own */
	expect_hop(h, "fd00:1::9", "one fd00:1::9 fd00:1::1");
	route(h, RTM_NEWROUTE, 0, (struct route){"0.0.0.0", 0, 2, "10.2.0.254"});
	expect_hop(h, "8.8.8.8", "two 10.2.0.254 10.2.0.1");
	route(h, RTM_NEWROUTE, 0, (struct route){"8.8.8.0", 24, 1, "10.1.0.254"});
	route(h, RTM_NEWROUTE, 0, (struct route){"8.8.8.8", 32, 2, "10.2.0.9"});
	expect_hop(h, "8.8.8.8", "two 10.2.0.9 10.2.0.1");
	expect_hop(h, "8.8.8.9", "one 10.1.0.254 10.1.0.1");
	expect_hop(h, "8.8.9.9", "two 10.2.0.254 10.2.0.1");
	route(h, RTM_DELROUTE, 0, (struct route){"8.8.8.8", 32, 2, "10.2.0.9"});
	expect_hop(h, "8.8.8.8", "one 10.1.0.254 10.1.0.1");
	route(h, RTM_NEWROUTE, 0,
		(struct route){.prefix = "8.8.8.8", .len = 32, .type = RTN_BLACKHOLE});
	expect_hop(h, "8.8.8.8", "-");
	done(h);
}

static void test_metrics(void)
{
	struct host *h = make();

	route(h, RTM_NEWROUTE, 0, (struct route){"9.0.0.0", 8, 1, "10.1.0.9", NULL, 200});
	route(h, RTM_NEWROUTE, 0, (struct route){"9.0.0.0", 8, 2, "10.2.0.9", NULL, 100});
	expect_hop(h, "9.1.1.1", "two 10.2.0.9 10.2.0.1");
	route(h, RTM_NEWROUTE, NLM_F_REPLACE,
		(struct route){"9.0.0.0", 8, 2, "10.2.0.8", NULL, 100});
	expect_hop(h, "9.1.1.1", "two 10.2.0.8 10.2.0.1");
	route(h, RTM_DELROUTE, 0, (struct route){"9.0.0.0", 8, 2, "10.2.0.8", NULL, 100});
	expect_hop(h, "9.1.1.1", "one 10.1.0.9 10.1.0.1");
	/* Other tables do not count. */
	route(h, RTM_NEWROUTE, 0, (struct route){"9.0.0.0", 8, 2, "10.2.0.7", NULL, 1, 100});
	expect_hop(h, "9.1.1.1", "one 10.1.0.9 10.1.0.1");
	route(h, RTM_NEWROUTE, 0, (struct route){"7.0.0.0", 8, 1, "10.1.0.9", "10.2.0.1"});
	expect_hop(h, "7.1.1.1", "one 10.1.0.9 10.2.0.1");
	done(h);
}

static void test_links_and_addresses(void)
{
	struct host_address a = host_address_4("\x0a\x01\x00\x01");
	struct host *h = make();
	uint8_t mac[6];

	CU_ASSERT(host_has_address(h, &a, "one", mac));
	CU_ASSERT_EQUAL(mac[5], 1);
	CU_ASSERT(!host_has_address(h, &a, "two", mac));
	link_is(h, 1, "one", false);
	expect_hop(h, "10.1.2.3", "-");
	link_is(h, 1, "renamed", true);
	expect_hop(h, "10.1.2.3", "renamed 10.1.2.3 10.1.0.1");
	CU_ASSERT(host_has_address(h, &a, "renamed", mac));
	address(h, RTM_DELADDR, 1, "10.1.0.1", 16);
	CU_ASSERT(!host_has_address(h, &a, "renamed", mac));
	expect_hop(h, "10.1.2.3", "-"); /* there is no source */
	done(h);
}

static void test_neighbours(void)
{
	struct host_address a = host_address_4("\x0a\x01\x00\x09");
	struct host *h = make();
	uint8_t mac[6];

	CU_ASSERT(!host_neighbour(h, &a, 1, mac));
	neighbour(h, "10.1.0.9", NUD_INCOMPLETE, 0);
	CU_ASSERT(!host_neighbour(h, &a, 1, mac));
	CU_ASSERT_EQUAL(seen.begins, 0);
	neighbour(h, "10.1.0.9", NUD_REACHABLE, 5);
	CU_ASSERT(host_neighbour(h, &a, 1, mac) && mac[5] == 5);
	CU_ASSERT(!host_neighbour(h, &a, 2, mac));
	CU_ASSERT_EQUAL(seen.neighbours, 1);
	neighbour(h, "10.1.0.9", NUD_STALE, 5); /* nothing that a packet would notice */
	CU_ASSERT_EQUAL(seen.neighbours, 1);
	neighbour(h, "10.1.0.9", NUD_REACHABLE, 6);
	CU_ASSERT(host_neighbour(h, &a, 1, mac) && mac[5] == 6);
	neighbour(h, "10.1.0.9", NUD_FAILED, 0);
	CU_ASSERT(!host_neighbour(h, &a, 1, mac));
	CU_ASSERT_EQUAL(seen.neighbours, 3);
	CU_ASSERT_EQUAL(seen.routes, 0);
	CU_ASSERT_EQUAL(seen.begins, seen.ends);
	done(h);
}

static void test_reports(void)
{
	struct host *h = make();

	route(h, RTM_NEWROUTE, 0, (struct route){"10.1.0.0", 16, 1}); /* known */
	link_is(h, 1, "one", true);
	address(h, RTM_NEWADDR, 1, "10.1.0.1", 16);
	CU_ASSERT_EQUAL(seen.begins, 0);
	route(h, RTM_NEWROUTE, 0, (struct route){"10.9.0.0", 16, 1});
	CU_ASSERT_EQUAL(seen.routes, 1);
	route(h, RTM_DELROUTE, 0, (struct route){"10.9.0.0", 16, 1});
	CU_ASSERT_EQUAL(seen.routes, 2);
	CU_ASSERT_EQUAL(seen.begins, 2);
	CU_ASSERT_EQUAL(seen.ends, 2);
	done(h);
}

/* Every byte of messages changed, and every length cut: nothing is read that is not there. */
static void test_damaged_messages(void)
{
	const struct rtmsg rtm = {
		.rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = 254, .rtm_type = 1};
	_Alignas(struct nlmsghdr) uint8_t whole[256], part[256 + 4];
	struct host *h = make();
	struct nlmsghdr *nlh = begin(RTM_NEWROUTE, 0, &rtm, sizeof(rtm));
	struct nlattr *multi;
	unsigned malformed = 0;
	size_t len;

	put_address(nlh, RTA_DST, "1.2.3.0");
	multi = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	mnl_attr_nest_end(nlh, multi);
	mnl_attr_put_u32(nlh, RTA_OIF, 1);
	put_address(nlh, RTA_GATEWAY, "10.1.0.5");
	len = nlh->nlmsg_len;
	memcpy(whole, nlh, len);
	for (size_t at = 4; at < len; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(part, whole, len);
			part[at] ^= (uint8_t)(1u << bit);
			malformed += host_feed(h, part, len);
		}
	for (size_t cut = sizeof(*nlh); cut < len; cut++) {
		uint32_t n = (uint32_t)cut;

		memcpy(part, whole, len);
		memcpy(part, &n, sizeof(n));
		malformed += host_feed(h, part, cut);
	}
	CU_ASSERT(malformed > 10);
	expect_hop(h, "10.1.2.3", "one 10.1.2.3 10.1.0.1");
	done(h);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"longest prefix", test_longest_prefix},
		{"metrics", test_metrics},
		{"links and addresses", test_links_and_addresses},
		{"neighbours", test_neighbours},
		{"reports", test_reports},
		{"damaged messages", test_damaged_messages},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"host", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (rcu_init() || CU_initialize_registry() != CUE_SUCCESS ||
		CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	rcu_drain();
	return failures ? 1 : 0;
}
