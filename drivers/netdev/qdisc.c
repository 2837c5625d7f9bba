/* SPDX-License-Identifier: Apache-2.0
 *
 * The clsact qdisc, which filters at the ingress hang on. One that somebody else made is used and
 * left alone.
 */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "drivers/netdev/netdev.h"

static struct nl_msg *request(int type, int flags, uint32_t ifindex)
{
	const struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_handle = ifindex ? TC_H_MAKE(TC_H_CLSACT, 0) : 0,
		.tcm_parent = ifindex ? TC_H_CLSACT : 0,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && (nlmsg_append(msg, (void *)(uintptr_t)&tcm, sizeof(tcm), NLMSG_ALIGNTO) ||
			   (ifindex && nla_put_string(msg, TCA_KIND, "clsact")))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int run(struct netdev_channel *ch, struct nl_msg *msg, struct netdev_answer *answer)
{
	int err = msg ? netdev_channel_run(ch, &msg, 1, answer, NULL, NULL) : -ENOMEM;

	nlmsg_free(msg);
	return err ? err : answer->error;
}

struct dump {
	int (*found)(void *ctx, uint32_t ifindex);
	void *ctx;
};

int netdev_qdisc_take(struct nlmsghdr *h, int (*found)(void *ctx, uint32_t ifindex), void *ctx)
{
	static struct nla_policy policy[TCA_MAX + 1] = {[TCA_KIND] = {.type = NLA_STRING}};
	struct nlattr *a[TCA_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(h);

	if (h->nlmsg_type != RTM_NEWQDISC || h->nlmsg_len < NLMSG_HDRLEN + sizeof(*tcm) ||
		nlmsg_parse(h, sizeof(*tcm), a, TCA_MAX, policy) || !a[TCA_KIND] ||
		nla_strcmp(a[TCA_KIND], "clsact"))
		return 0;
	return found(ctx, (uint32_t)tcm->tcm_ifindex);
}

static int take_qdisc(void *ctx, unsigned i, struct nlmsghdr *h)
{
	const struct dump *d = ctx;

	(void)i;
	return netdev_qdisc_take(h, d->found, d->ctx);
}

int netdev_qdisc_dump(
	struct netdev_channel *ch, int (*found)(void *ctx, uint32_t ifindex), void *ctx)
{
	struct nl_msg *msg = request(RTM_GETQDISC, 0, 0);
	struct dump d = {found, ctx};
	int err = msg ? netdev_channel_dump(ch, msg, take_qdisc, &d) : -ENOMEM;

	nlmsg_free(msg);
	return err;
}

struct search {
	uint32_t ifindex;
	bool found;
};

static int match_ifindex(void *ctx, uint32_t ifindex)
{
	struct search *s = ctx;

	s->found |= s->ifindex == ifindex;
	return 0;
}

int netdev_qdisc_make(struct netdev_channel *ch, uint32_t ifindex, bool *made, struct hal_reason *r)
{
	struct search s = {ifindex, false};
	struct netdev_answer answer = {0};
	int err = run(ch, request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex), &answer);

	*made = !err;
	if (!err)
		return 0;
	if (err == -EEXIST && !netdev_qdisc_dump(ch, match_ifindex, &s) && s.found)
		return 0;
	if (err == -EEXIST)
		hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"the netdev has an ingress qdisc of another kind than clsact");
	else
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "no clsact qdisc: %s",
			answer.text[0] ? answer.text : strerror(-err));
	return err;
}

static int count_filter(void *ctx, unsigned i, struct nlmsghdr *h)
{
	const struct tcmsg *tcm = nlmsg_data(h);
	unsigned *n = ctx;

	(void)i;
	/* A priority is listed before its filters, without a handle. */
	if (h->nlmsg_type == RTM_NEWTFILTER && h->nlmsg_len >= NLMSG_HDRLEN + sizeof(*tcm))
		*n += tcm->tcm_handle != 0;
	return 0;
}

static unsigned count_filters(struct netdev_channel *ch, uint32_t ifindex)
{
	static const uint32_t hooks[] = {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS};
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct tcmsg tcm = {.tcm_ifindex = (int)ifindex,
			.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hooks[i])};
		struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETTFILTER, 0);

		if (!msg || nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO) ||
			netdev_channel_dump(ch, msg, count_filter, &n))
			n++; /* it is not known: nothing is taken away */
		nlmsg_free(msg);
	}
	return n;
}

void netdev_qdisc_drop(struct netdev_channel *ch, uint32_t ifindex)
{
	struct netdev_answer answer;

	if (!count_filters(ch, ifindex))
		run(ch, request(RTM_DELQDISC, 0, ifindex), &answer);
}
