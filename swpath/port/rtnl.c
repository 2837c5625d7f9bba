/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/rtnl.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A dump that changes under way is taken again so often. */
enum { DUMP_ATTEMPTS = 10, RECEIVE_TIMEOUT_S = 5 };

struct nlmsghdr *swpath_rtnl_begin(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = 1;
	return nlh;
}

/* The kernel's own words behind an error (NLMSGERR_ATTR_MSG). */
static void extack_text(const struct nlmsghdr *nlh, char *err, size_t n)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(*e);

	if (!err || !(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (mnl_nlmsg_get_payload_len(nlh) < skip)
		return;
	mnl_attr_for_each(attr, nlh, skip) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
					       mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(err, n, "%s", mnl_attr_get_str(attr));
}

/* 1: more to come, 0: the end, or -errno. */
static int take_message(
	const struct nlmsghdr *nlh, swpath_rtnl_cb *cb, void *ctx, char *err, size_t n)
{
	const struct nlmsgerr *e;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
			return -EBADMSG;
		e = mnl_nlmsg_get_payload(nlh);
		if (e->error < 0)
			extack_text(nlh, err, n);
		return e->error > 0 ? -e->error : e->error;
	case NLMSG_DONE:
		return 0;
	case NLMSG_NOOP:
	case NLMSG_OVERRUN:
		return 1;
	default:
		if (cb) {
			int rc = cb(nlh, ctx);

			if (rc < 0)
				return rc;
		}
		return 1;
	}
}

static int receive_answer(
	struct mnl_socket *sock, swpath_rtnl_cb *cb, void *ctx, char *err, size_t n)
{
	/* A link message holds statistics, VF lists and so on: 32 KB is the kernel's own bound. */
	_Alignas(struct nlmsghdr) char buf[32768];

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int len;

		if (got < 0)
			return -errno;
		for (len = (int)got; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			int rc = take_message(nlh, cb, ctx, err, n);

			if (rc <= 0)
				return rc;
		}
	}
}

int swpath_rtnl_request(struct nlmsghdr *nlh, swpath_rtnl_cb *cb, void *ctx, char *err, size_t n)
{
	const struct timeval timeout = {.tv_sec = RECEIVE_TIMEOUT_S};
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int one = 1, rc;

	if (!sock)
		return -errno;
	/* NLM_F_DUMP is two bits that mean something else in other requests. */
	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &one, sizeof(one));
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		rc = -errno;
	else
		rc = receive_answer(sock, cb, ctx, err, n);
	mnl_socket_close(sock);
	return rc;
}

static int parse_linkinfo(const struct nlattr *info, struct swpath_rtnl_link *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) != IFLA_INFO_KIND)
			continue;
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			return -EINVAL;
		snprintf(out->kind, sizeof(out->kind), "%s", mnl_attr_get_str(attr));
	}
	return 0;
}

static int parse_attr(const struct nlattr *attr, struct swpath_rtnl_link *out)
{
	struct rtnl_link_stats64 stats;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			return -EINVAL;
		snprintf(out->link.name, sizeof(out->link.name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_IFALIAS:
		/* Not always terminated. */
		snprintf(out->alias, sizeof(out->alias), "%.*s",
			(int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
		break;
	case IFLA_MTU:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return -EINVAL;
		out->link.mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == sizeof(out->link.mac))
			memcpy(out->link.mac, mnl_attr_get_payload(attr), sizeof(out->link.mac));
		break;
	case IFLA_LINKINFO:
		if (mnl_attr_validate(attr, MNL_TYPE_NESTED) < 0)
			return -EINVAL;
		return parse_linkinfo(attr, out);
	case IFLA_STATS64:
		if (mnl_attr_get_payload_len(attr) < offsetof(struct rtnl_link_stats64, multicast))
			break;
		memcpy(&stats, mnl_attr_get_payload(attr),
			offsetof(struct rtnl_link_stats64, multicast));
		out->rx_dropped = stats.rx_dropped;
		out->tx_dropped = stats.tx_dropped;
		out->has_stats = true;
		break;
	default:
		break;
	}
	return 0;
}

int swpath_rtnl_parse_link(const struct nlmsghdr *nlh, struct swpath_rtnl_link *out)
{
	const struct ifinfomsg *ifi;
	const struct nlattr *attr;

	memset(out, 0, sizeof(*out));
	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return -EAGAIN;
	if (nlh->nlmsg_len < sizeof(*nlh) ||
		mnl_nlmsg_get_payload_len(nlh) < MNL_ALIGN(sizeof(*ifi)))
		return -EINVAL;
	ifi = mnl_nlmsg_get_payload(nlh);
	/* Leaving a kernel bridge is a RTM_DELLINK too, of family AF_BRIDGE. */
	if (ifi->ifi_family != AF_UNSPEC)
		return -EAGAIN;
	if (ifi->ifi_index <= 0)
		return -EINVAL;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) if (parse_attr(attr, out) < 0) return -EINVAL;
	if (!out->link.name[0])
		return -EINVAL;
	out->link.ifindex = (uint32_t)ifi->ifi_index;
	out->link.admin_up = (ifi->ifi_flags & IFF_UP) != 0;
	out->link.link_up = (ifi->ifi_flags & IFF_LOWER_UP) != 0;
	out->link.gone = nlh->nlmsg_type == RTM_DELLINK;
	out->ethernet = ifi->ifi_type == ARPHRD_ETHER || ifi->ifi_type == ARPHRD_LOOPBACK;
	return 0;
}

static int get_link_cb(const struct nlmsghdr *nlh, void *ctx)
{
	int rc = swpath_rtnl_parse_link(nlh, ctx);

	return rc == -EAGAIN ? 0 : rc;
}

int swpath_rtnl_get_link(const char *name, struct swpath_rtnl_link *out)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_GETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	int rc;

	memset(out, 0, sizeof(*out));
	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	rc = swpath_rtnl_request(nlh, get_link_cb, out, NULL, 0);
	if (rc == 0 && out->link.ifindex == 0)
		return -ENODEV;
	return rc;
}

struct dump {
	swpath_rtnl_link_cb *cb;
	void *ctx;
};

static int dump_cb(const struct nlmsghdr *nlh, void *ctx)
{
	const struct dump *d = ctx;
	struct swpath_rtnl_link link;

	if (swpath_rtnl_parse_link(nlh, &link) == 0)
		d->cb(d->ctx, &link);
	return 0;
}

int swpath_rtnl_dump_links(void (*begin)(void *ctx), swpath_rtnl_link_cb *cb, void *ctx)
{
	int rc = -EINTR;

	for (unsigned i = 0; i < DUMP_ATTEMPTS && rc == -EINTR; i++) {
		_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
		struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_GETLINK, NLM_F_DUMP);
		struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
		struct dump d = {cb, ctx};

		ifi->ifi_family = AF_UNSPEC;
		if (begin)
			begin(ctx);
		rc = swpath_rtnl_request(nlh, dump_cb, &d, NULL, 0);
	}
	return rc;
}

/* A RTM_NEWLINK request on one link, to be given its attributes. */
static struct nlmsghdr *begin_change(void *buf, uint32_t ifindex, struct ifinfomsg **ifi)
{
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_NEWLINK, 0);

	*ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(**ifi));
	(*ifi)->ifi_family = AF_UNSPEC;
	(*ifi)->ifi_index = (int)ifindex;
	return nlh;
}

int swpath_rtnl_set_admin(uint32_t ifindex, bool up)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = begin_change(buf, ifindex, &ifi);

	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

int swpath_rtnl_set_mac(uint32_t ifindex, const uint8_t mac[6])
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = begin_change(buf, ifindex, &ifi);

	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

int swpath_rtnl_set_mtu(uint32_t ifindex, uint32_t mtu)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = begin_change(buf, ifindex, &ifi);

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

int swpath_rtnl_set_alias(uint32_t ifindex, const char *alias)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = begin_change(buf, ifindex, &ifi);

	if (strlen(alias) >= 256)
		return -ENAMETOOLONG;
	mnl_attr_put_str(nlh, IFLA_IFALIAS, alias);
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

int swpath_rtnl_delete_link(uint32_t ifindex)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, RTM_DELLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)ifindex;
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}
