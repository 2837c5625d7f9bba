/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_gact.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/errno.h>
#include <netlink/netlink.h>

#include "drivers/tc/flower.h"

#define PRIO 1
#define HANDLE 1

static struct nl_msg *message(const struct filter *f, int type, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	struct tcmsg tcm = {
		.tcm_ifindex = f->ifindex,
		.tcm_handle = HANDLE,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE(PRIO << 16, f->protocol),
	};

	if (msg && nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int finish(struct filter *f, struct nl_msg *msg)
{
	int err = nl_send_auto(f->sock, msg);

	nlmsg_free(msg);
	if (err < 0)
		return -EIO;
	err = nl_wait_for_ack(f->sock);
	return err < 0 ? -1000 + err : 0;
}

int filter_open(struct filter *f, int ifindex)
{
	f->ifindex = ifindex;
	f->sock = nl_socket_alloc();
	if (!f->sock || nl_connect(f->sock, NETLINK_ROUTE))
		return -EIO;
	return 0;
}

/* One action: drop. */
static int put_drop(struct nl_msg *msg)
{
	const struct tc_gact gact = {.action = TC_ACT_SHOT};
	struct nlattr *list = nla_nest_start(msg, TCA_FLOWER_ACT), *one, *options;

	one = list ? nla_nest_start(msg, 1) : NULL;
	if (!one || nla_put_string(msg, TCA_ACT_KIND, "gact"))
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	if (!options || nla_put(msg, TCA_GACT_PARMS, sizeof(gact), &gact))
		return -ENOMEM;
	nla_nest_end(msg, options);
	nla_nest_end(msg, one);
	nla_nest_end(msg, list);
	return 0;
}

int filter_add(struct filter *f, const struct hal_match *m, struct hal_reason *r)
{
	struct hal_rule rule = {.match = hal_cmatch_new(m)};
	struct nl_msg *msg = message(f, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST);
	struct nlattr *options;
	int err = -ENOMEM;

	if (!msg || nla_put_string(msg, TCA_KIND, "flower"))
		goto free_msg;
	options = nla_nest_start(msg, TCA_OPTIONS);
	if (!options)
		goto free_msg;
	err = tc_flower_encode(msg, &rule, &f->protocol, r) ? 1 : 0;
	if (!err)
		err = put_drop(msg);
	if (err)
		goto free_msg;
	nla_nest_end(msg, options);
	((struct tcmsg *)nlmsg_data(nlmsg_hdr(msg)))->tcm_info = TC_H_MAKE(PRIO << 16, f->protocol);
	free((void *)(uintptr_t)rule.match);
	return finish(f, msg);

free_msg:
	nlmsg_free(msg);
	free((void *)(uintptr_t)rule.match);
	return err;
}

struct reading {
	struct hal_match *m;
	uint64_t *packets;
	int err;
};

static int read_packets(struct nlattr *act, uint64_t *packets)
{
	struct nlattr *one[2], *a[TCA_ACT_MAX + 1], *stats[TCA_STATS_MAX + 1];
	struct gnet_stats_basic basic;

	if (!act || nla_parse_nested(one, 1, act, NULL) || !one[1] ||
		nla_parse_nested(a, TCA_ACT_MAX, one[1], NULL) || !a[TCA_ACT_STATS] ||
		nla_parse_nested(stats, TCA_STATS_MAX, a[TCA_ACT_STATS], NULL) ||
		!stats[TCA_STATS_BASIC])
		return -EINVAL;
	nla_memcpy(&basic, stats[TCA_STATS_BASIC], sizeof(basic));
	*packets = basic.packets;
	return 0;
}

static int on_filter(struct nl_msg *msg, void *ctx)
{
	struct nlattr *tca[TCA_MAX + 1], *keys[TCA_FLOWER_MAX + 1];
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct tcmsg *tcm = nlmsg_data(h);
	struct reading *r = ctx;

	r->err = -EINVAL;
	if (nlmsg_parse(h, sizeof(*tcm), tca, TCA_MAX, NULL) || !tca[TCA_OPTIONS] ||
		nla_parse_nested(keys, TCA_FLOWER_MAX, tca[TCA_OPTIONS], NULL))
		return NL_OK;
	r->err = tc_flower_decode(keys, (rte_be16_t)TC_H_MIN(tcm->tcm_info), r->m);
	if (!r->err)
		r->err = read_packets(keys[TCA_FLOWER_ACT], r->packets);
	return NL_OK;
}

int filter_read(struct filter *f, struct hal_match *m, uint64_t *packets)
{
	struct nl_msg *msg = message(f, RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_ECHO);
	struct reading r = {m, packets, -ENOENT};

	memset(m, 0, sizeof(*m));
	if (!msg || nla_put_string(msg, TCA_KIND, "flower"))
		return -ENOMEM;
	nl_socket_modify_cb(f->sock, NL_CB_VALID, NL_CB_CUSTOM, on_filter, &r);
	if (nl_send_auto(f->sock, msg) < 0)
		r.err = -EIO;
	nlmsg_free(msg);
	/* The filter, then the acknowledgement that libnl asks for. */
	if (nl_recvmsgs_default(f->sock) < 0 || nl_wait_for_ack(f->sock) < 0)
		r.err = -EIO;
	nl_socket_modify_cb(f->sock, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	return r.err;
}

int filter_del(struct filter *f)
{
	struct nl_msg *msg = message(f, RTM_DELTFILTER, NLM_F_REQUEST);

	return msg ? finish(f, msg) : -ENOMEM;
}
