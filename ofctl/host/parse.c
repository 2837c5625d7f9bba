/* SPDX-License-Identifier: Apache-2.0
 *
 * rtnetlink messages read. The kernel is believed, but not its lengths.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "ofctl/host/host_priv.h"
#include "swpath/port/rtnl.h"

static uint8_t version_of(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

static int get_address(const struct nlattr *attr, uint8_t version, struct host_address *out)
{
	uint16_t len = version == 4 ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) != len)
		return -EINVAL;
	*out = (struct host_address){.version = version};
	memcpy(out->bytes, mnl_attr_get_payload(attr), len);
	return 0;
}

static int get_u32(const struct nlattr *attr, uint32_t *out)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return -EINVAL;
	*out = mnl_attr_get_u32(attr);
	return 0;
}

static int parse_link(const struct nlmsghdr *nlh, struct host_event *out)
{
	struct swpath_rtnl_link l;
	int rc = swpath_rtnl_parse_link(nlh, &l);

	if (rc)
		return rc;
	out->type = HOST_LINK;
	out->gone = l.link.gone;
	out->link = (struct host_link){.ifindex = l.link.ifindex,
		.mtu = l.link.mtu,
		.admin_up = l.link.admin_up,
		.link_up = l.link.link_up};
	memcpy(out->link.name, l.link.name, sizeof(out->link.name));
	memcpy(out->link.mac, l.link.mac, sizeof(out->link.mac));
	return 0;
}

static const void *payload(const struct nlmsghdr *nlh, size_t len)
{
	if (nlh->nlmsg_len < sizeof(*nlh) || mnl_nlmsg_get_payload_len(nlh) < MNL_ALIGN(len))
		return NULL;
	return mnl_nlmsg_get_payload(nlh);
}

/* IFA_LOCAL is ours where the link is point to point, and IFA_ADDRESS then the other end's. */
static int parse_local(const struct nlmsghdr *nlh, struct host_event *out)
{
	const struct ifaddrmsg *ifa = payload(nlh, sizeof(*ifa));
	struct host_address addr = {0}, local = {0};
	const struct nlattr *attr;
	uint32_t flags;
	uint8_t version;

	if (!ifa || !ifa->ifa_index)
		return -EINVAL;
	version = version_of(ifa->ifa_family);
	if (!version)
		return -EAGAIN;
	flags = ifa->ifa_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		int rc = 0;

		if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			rc = get_address(attr, version, &addr);
		else if (mnl_attr_get_type(attr) == IFA_LOCAL)
			rc = get_address(attr, version, &local);
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			rc = get_u32(attr, &flags);
		if (rc)
			return rc;
	}
	if (!addr.version && !local.version)
		return -EINVAL;
	out->type = HOST_LOCAL;
	/* One that another host may have is not ours yet. */
	out->gone = nlh->nlmsg_type == RTM_DELADDR || flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED);
	out->local = (struct host_local){.addr = local.version ? local : addr,
		.prefix_len = ifa->ifa_prefixlen,
		.ifindex = ifa->ifa_index};
	return 0;
}

/* RTA_MULTIPATH: of several next hops the first. */
static int parse_multipath(const struct nlattr *attr, struct host_route *r)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > len)
		return -EINVAL;
	r->ifindex = (uint32_t)hop->rtnh_ifindex;
	mnl_attr_for_each_payload((const struct nlattr *)(hop + 1), hop->rtnh_len - sizeof(*hop))
	{
		if (mnl_attr_get_type(attr) == RTA_GATEWAY &&
			get_address(attr, r->prefix.version, &r->gateway))
			return -EINVAL;
	}
	return 0;
}

/* RTA_VIA: a gateway of another family than the route's. */
static int parse_via(const struct nlattr *attr, struct host_route *r)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < sizeof(*via))
		return -EINVAL;
	if (via->rtvia_family == AF_INET6 && len == sizeof(*via) + 16)
		r->gateway = host_address_6(via->rtvia_addr);
	else if (via->rtvia_family == AF_INET && len == sizeof(*via) + 4)
		r->gateway = host_address_4(via->rtvia_addr);
	else
		return -EINVAL;
	return 0;
}

static int parse_route_attr(const struct nlattr *attr, struct host_route *r, uint32_t *table)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		return get_address(attr, r->prefix.version, &r->prefix);
	case RTA_GATEWAY:
		return get_address(attr, r->prefix.version, &r->gateway);
	case RTA_PREFSRC:
		return get_address(attr, r->prefix.version, &r->source);
	case RTA_OIF:
		return get_u32(attr, &r->ifindex);
	case RTA_PRIORITY:
		return get_u32(attr, &r->metric);
	case RTA_TABLE:
		return get_u32(attr, table);
	case RTA_MULTIPATH:
		return parse_multipath(attr, r);
	case RTA_VIA:
		return parse_via(attr, r);
	default:
		return 0;
	}
}

static int parse_route(const struct nlmsghdr *nlh, struct host_event *out)
{
	const struct rtmsg *rtm = payload(nlh, sizeof(*rtm));
	struct host_route *r = &out->route;
	const struct nlattr *attr;
	uint32_t table;

	if (!rtm)
		return -EINVAL;
	*r = (struct host_route){.prefix = {.version = version_of(rtm->rtm_family)},
		.prefix_len = rtm->rtm_dst_len,
		.type = rtm->rtm_type};
	if (!r->prefix.version || rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_src_len)
		return -EAGAIN;
	if (rtm->rtm_dst_len > (r->prefix.version == 4 ? 32 : 128))
		return -EINVAL;
	table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		if (parse_route_attr(attr, r, &table))
			return -EINVAL;
	}
	if (table != RT_TABLE_MAIN || rtm->rtm_type == RTN_MULTICAST ||
		rtm->rtm_type == RTN_BROADCAST || rtm->rtm_type == RTN_LOCAL ||
		rtm->rtm_type == RTN_ANYCAST)
		return -EAGAIN;
	if (rtm->rtm_type == RTN_UNICAST && !r->ifindex)
		return -EAGAIN;
	host_prefix_mask(&r->prefix, r->prefix_len);
	out->type = HOST_ROUTE;
	out->gone = nlh->nlmsg_type == RTM_DELROUTE;
	out->replaces = nlh->nlmsg_flags & NLM_F_REPLACE;
	return 0;
}

static int parse_near(const struct nlmsghdr *nlh, struct host_event *out)
{
	const struct ndmsg *ndm = payload(nlh, sizeof(*ndm));
	const uint16_t valid = NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
	struct host_near *near = &out->near;
	const struct nlattr *attr;
	bool has_mac = false;
	uint8_t version;

	if (!ndm)
		return -EINVAL;
	version = version_of(ndm->ndm_family);
	if (!version || ndm->ndm_flags & NTF_PROXY)
		return -EAGAIN;
	*near = (struct host_near){.ifindex = (uint32_t)ndm->ndm_ifindex, .state = ndm->ndm_state};
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) == NDA_DST) {
			if (get_address(attr, version, &near->addr))
				return -EINVAL;
		} else if (mnl_attr_get_type(attr) == NDA_LLADDR &&
			   mnl_attr_get_payload_len(attr) == sizeof(near->mac)) {
			memcpy(near->mac, mnl_attr_get_payload(attr), sizeof(near->mac));
			has_mac = true;
		}
	}
	if (!near->addr.version || !near->ifindex)
		return -EINVAL;
	out->type = HOST_NEAR;
	out->gone = nlh->nlmsg_type == RTM_DELNEIGH || !has_mac || !(near->state & valid);
	return 0;
}

int host_parse(const struct nlmsghdr *nlh, struct host_event *out)
{
	memset(out, 0, sizeof(*out));
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return parse_link(nlh, out);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return parse_local(nlh, out);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_route(nlh, out);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return parse_near(nlh, out);
	default:
		return -EAGAIN;
	}
}
