/* SPDX-License-Identifier: Apache-2.0
 *
 * The marker of a bound netdev: whose filters it has, and which port it is.
 *
 * Under skip_sw it is a filter in a chain that nothing leads to. Otherwise it is the rule that
 * takes what no other took, and sends it to the netdev of the port's misses.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>

#include "drivers/tc/tc.h"

#define PRIO 0xffe0u /* after everybody else's */
#define HANDLE (TC_HANDLE | 0xffffffu)

static const uint8_t magic[4] = {'s', 'l', 'u', 1};

struct cookie {
	uint8_t magic[4];
	uint32_t instance, port, qdisc_is_ours;
};
_Static_assert(sizeof(struct cookie) == TC_COOKIE_LEN, "fills a cookie");

/* In both chains, since a daemon may be started again under another policy. */
static struct tc_place place_of(uint32_t ifindex, bool miss)
{
	return (struct tc_place){
		.ifindex = ifindex,
		.chain = miss ? 0 : TC_MAX_CHAIN,
		.handle = HANDLE,
		.prio = PRIO,
		.protocol = RTE_BE16(ETH_P_ALL),
	};
}

bool tc_marker_is_place(const struct tc_place *place)
{
	return place->prio == PRIO && place->handle == HANDLE;
}

bool tc_marker_take(struct tc_marker *m, struct nlmsghdr *h)
{
	struct tc_filter f;
	struct cookie c;

	if (tc_filter_parse(h, &f) || !tc_marker_is_place(&f.place) || !f.has_cookie)
		return false;
	memcpy(&c, f.cookie, sizeof(c));
	if (memcmp(c.magic, magic, sizeof(magic)) || c.port > HAL_PORT_MAX)
		return false;
	*m = (struct tc_marker){c.instance, c.port, c.qdisc_is_ours != 0};
	return true;
}

static int take_marker(void *ctx, unsigned i, struct nlmsghdr *h)
{
	(void)i;
	tc_marker_take(ctx, h);
	return 0;
}

int tc_marker_get(struct tc_dev *dev, uint32_t ifindex, struct tc_marker *m)
{
	struct nl_msg *msgs[2] = {NULL, NULL};
	struct netdev_answer answers[2];
	int err = -ENOMEM;

	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < 2; i++) {
		const struct tc_place place = place_of(ifindex, i);

		msgs[i] = tc_filter_request(RTM_GETTFILTER, 0, &place);
		if (!msgs[i])
			goto free_messages;
	}
	err = netdev_channel_run(dev->ch, msgs, 2, answers, take_marker, m);
	if (!err && !m->port)
		err = -ENOENT;

free_messages:
	nlmsg_free(msgs[0]);
	nlmsg_free(msgs[1]);
	return err;
}

/* One action with the cookie: to the misses' netdev, or nothing at all. */
static int put_action(struct nl_msg *msg, const struct cookie *c, uint32_t miss)
{
	const struct tc_gact gact = {.action = TC_ACT_OK};
	const struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN, .eaction = TCA_INGRESS_REDIR, .ifindex = miss};
	struct nlattr *list = nla_nest_start(msg, TCA_FLOWER_ACT), *one, *options;

	one = list ? nla_nest_start(msg, 1) : NULL;
	if (!one || nla_put_string(msg, TCA_ACT_KIND, miss ? "mirred" : "gact") ||
		nla_put(msg, TCA_ACT_COOKIE, sizeof(*c), c))
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	if (!options || (miss ? nla_put(msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred)
			      : nla_put(msg, TCA_GACT_PARMS, sizeof(gact), &gact)))
		return -ENOMEM;
	nla_nest_end(msg, options);
	nla_nest_end(msg, one);
	nla_nest_end(msg, list);
	return 0;
}

static struct nl_msg *make(uint32_t ifindex, const struct tc_marker *m, uint32_t miss)
{
	const struct tc_place place = place_of(ifindex, miss != 0);
	struct nl_msg *msg =
		tc_filter_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, &place);
	struct cookie c = {
		.instance = m->instance, .port = m->port, .qdisc_is_ours = m->qdisc_is_ours};
	struct nlattr *options;

	if (!msg)
		return NULL;
	memcpy(c.magic, magic, sizeof(magic));
	options = nla_nest_start(msg, TCA_OPTIONS);
	if (!options || put_action(msg, &c, miss) ||
		nla_put_u32(msg, TCA_FLOWER_FLAGS, TCA_CLS_FLAGS_SKIP_HW)) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, options);
	return msg;
}

static int drop(struct tc_dev *dev, uint32_t ifindex, bool miss)
{
	const struct tc_place place = place_of(ifindex, miss);
	struct nl_msg *msg = tc_filter_request(RTM_DELTFILTER, 0, &place);
	struct netdev_answer answer;
	int err = msg ? netdev_channel_run(dev->ch, &msg, 1, &answer, NULL, NULL) : -ENOMEM;

	nlmsg_free(msg);
	return err ? err : answer.error;
}

int tc_marker_set(struct tc_dev *dev, uint32_t ifindex, const struct tc_marker *m, uint32_t miss,
	struct hal_reason *r)
{
	struct nl_msg *msg = make(ifindex, m, miss);
	struct netdev_answer answer = {0};
	int err = msg ? netdev_channel_run(dev->ch, &msg, 1, &answer, NULL, NULL) : -ENOMEM;

	nlmsg_free(msg);
	if (!err)
		err = answer.error;
	if (err)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "no filter can be added: %s",
			answer.text[0] ? answer.text : strerror(-err));
	drop(dev, ifindex, !miss); /* that of another policy */
	return 0;
}

int tc_marker_drop(struct tc_dev *dev, uint32_t ifindex)
{
	drop(dev, ifindex, true);
	return drop(dev, ifindex, false);
}
