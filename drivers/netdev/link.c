/* SPDX-License-Identifier: Apache-2.0
 *
 * Netdevs: their names, switches and counters.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "drivers/netdev/netdev.h"

static bool is_bond(struct nlattr *linkinfo)
{
	char kind[IFNAMSIZ] = "";
	struct nlattr *attr =
		linkinfo ? nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_KIND) : NULL;

	if (attr)
		nla_strlcpy(kind, attr, sizeof(kind));
	return !strcmp(kind, "bond");
}

static struct nl_msg *request(int type, uint32_t ifindex, unsigned flags)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = flags,
		.ifi_change = flags};
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);

	if (msg && nlmsg_append(msg, (void *)(uintptr_t)&info, sizeof(info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int run(struct netdev_channel *ch, struct nl_msg *msg,
	int (*object)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx)
{
	struct netdev_answer answer;
	int err = msg ? netdev_channel_run(ch, &msg, 1, &answer, object, ctx) : -ENOMEM;

	nlmsg_free(msg);
	return err ? err : answer.error;
}

static void take_stats(struct nlattr *attr, struct hal_port_stats *out)
{
	struct rtnl_link_stats64 s = {0};

	if (!attr)
		return;
	nla_memcpy(&s, attr, sizeof(s));
	*out = (struct hal_port_stats){
		.rx_packets = s.rx_packets,
		.tx_packets = s.tx_packets,
		.rx_bytes = s.rx_bytes,
		.tx_bytes = s.tx_bytes,
		.rx_dropped = s.rx_dropped,
		.tx_dropped = s.tx_dropped,
		.rx_errors = s.rx_errors,
		.tx_errors = s.tx_errors,
	};
}

bool netdev_link_take(struct netdev_link *out, struct nlmsghdr *h)
{
	static struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_IFNAME] = {.type = NLA_STRING},
		[IFLA_MASTER] = {.type = NLA_U32},
		[IFLA_LINKINFO] = {.type = NLA_NESTED},
	};
	struct nlattr *a[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(h);

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_HDRLEN + sizeof(*info) ||
		nlmsg_parse(h, sizeof(*info), a, IFLA_MAX, policy) || !a[IFLA_IFNAME])
		return false;
	out->ifindex = (uint32_t)info->ifi_index;
	nla_strlcpy(out->name, a[IFLA_IFNAME], sizeof(out->name));
	out->master = a[IFLA_MASTER] ? nla_get_u32(a[IFLA_MASTER]) : 0;
	out->is_loopback = info->ifi_flags & IFF_LOOPBACK;
	out->is_bond = is_bond(a[IFLA_LINKINFO]);
	if (a[IFLA_LINK] && nla_len(a[IFLA_LINK]) >= 4 && !a[IFLA_LINK_NETNSID])
		out->peer = nla_get_u32(a[IFLA_LINK]);
	if (a[IFLA_PHYS_SWITCH_ID] &&
		nla_len(a[IFLA_PHYS_SWITCH_ID]) <= (int)sizeof(out->switch_id.id)) {
		out->switch_id.len = (uint8_t)nla_len(a[IFLA_PHYS_SWITCH_ID]);
		memcpy(out->switch_id.id, nla_data(a[IFLA_PHYS_SWITCH_ID]), out->switch_id.len);
	}
	take_stats(a[IFLA_STATS64], &out->stats);
	return true;
}

static int take_link(void *ctx, unsigned i, struct nlmsghdr *h)
{
	(void)i;
	netdev_link_take(ctx, h);
	return 0;
}

int netdev_link_get(struct netdev_channel *ch, uint32_t ifindex, struct netdev_link *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = run(ch, request(RTM_GETLINK, ifindex, 0), take_link, out);
	return !err && out->ifindex != ifindex ? -ENODEV : err;
}

struct search {
	uint32_t master;
	void (*found)(void *ctx, const struct netdev_link *member);
	void *ctx;
};

static int take_member(void *ctx, unsigned i, struct nlmsghdr *h)
{
	const struct search *s = ctx;
	struct netdev_link link = {0};

	(void)i;
	if (netdev_link_take(&link, h) && link.master == s->master)
		s->found(s->ctx, &link);
	return 0;
}

int netdev_link_members(struct netdev_channel *ch, uint32_t master,
	void (*found)(void *ctx, const struct netdev_link *member), void *ctx)
{
	struct nl_msg *msg = request(RTM_GETLINK, 0, 0);
	struct search s = {master, found, ctx};
	int err = -ENOMEM;

	if (msg && !nla_put_u32(msg, IFLA_MASTER, master))
		err = netdev_channel_dump(ch, msg, take_member, &s);
	nlmsg_free(msg);
	return err;
}

int netdev_link_up(struct netdev_channel *ch, uint32_t ifindex)
{
	return run(ch, request(RTM_NEWLINK, ifindex, IFF_UP), NULL, NULL);
}

void netdev_stats_since(struct hal_port_stats *stats, const struct hal_port_stats *base)
{
	stats->rx_packets -= base->rx_packets;
	stats->tx_packets -= base->tx_packets;
	stats->rx_bytes -= base->rx_bytes;
	stats->tx_bytes -= base->tx_bytes;
	stats->rx_dropped -= base->rx_dropped;
	stats->tx_dropped -= base->tx_dropped;
	stats->rx_errors -= base->rx_errors;
	stats->tx_errors -= base->tx_errors;
}
