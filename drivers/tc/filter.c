/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters as messages, and what the kernel tells of them.
 */
#include <errno.h>
#include <string.h>

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "drivers/tc/tc.h"
#include "hal/mutation.h"

#define MESSAGE 4096 /* bytes of the largest request */

/* TC asks for one protocol in a priority. */
uint16_t tc_filter_prio(rte_be16_t protocol)
{
	return (uint16_t)(TC_PRIO + tc_flower_slot(protocol));
}

/* ---- requests ---- */

static uint32_t info_of(const struct tc_place *place)
{
	return TC_H_MAKE((uint32_t)place->prio << 16, place->protocol);
}

struct nl_msg *tc_filter_request(int type, int flags, const struct tc_place *place)
{
	const struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)place->ifindex,
		.tcm_handle = place->handle,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = info_of(place),
	};
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE);

	if (!msg)
		return NULL;
	if (!nlmsg_put(msg, 0, 0, type, 0, flags) ||
		nlmsg_append(msg, (void *)(uintptr_t)&tcm, sizeof(tcm), NLMSG_ALIGNTO) ||
		nla_put_string(msg, TCA_KIND, "flower") ||
		nla_put_u32(msg, TCA_CHAIN, place->chain)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct tcmsg *tcmsg_of(struct nl_msg *msg)
{
	return nlmsg_data(nlmsg_hdr(msg));
}

void tc_filter_set_handle(struct nl_msg *msg, uint32_t handle)
{
	tcmsg_of(msg)->tcm_handle = handle;
}

static uint32_t in_port_of(const struct hal_cmatch *match)
{
	struct hal_match m;

	hal_cmatch_expand(match, &m);
	return m.mask.dp.in_port == UINT32_MAX ? rte_be_to_cpu_32(m.value.dp.in_port) : 0;
}

unsigned tc_uncounted(const struct hal_cmatch *match)
{
	struct hal_match m;

	hal_cmatch_expand(match, &m);
	return TC_LINK_HEADER + (MUTATE(539, m.value.dp.vlan[0].tpid, 0) ? TC_TAG : 0);
}

static int find_place(struct tc_dev *dev, const struct hal_rule *rule, struct tc_place *place,
	struct hal_reason *r)
{
	const uint32_t in_port = in_port_of(rule->match);
	const struct tc_port *port = tc_port_by_id(dev, in_port);

	*place = (struct tc_place){.chain = MUTATE(527, rule->chain, 0)};
	if (!port) {
		int err = hal_refuse_field(r, HAL_REASON_UNBOUND_PORT, FIELD_DP_PORT,
			"port %u is not on this device", in_port);

		if (r)
			r->port = in_port;
		return err;
	}
	if (rule->chain >= TC_MAX_CHAIN) /* the last one is the marker's */
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"TC has chains up to %u, not %u", TC_MAX_CHAIN - 1, rule->chain);
	if (rule->priority != TC_RULE_PRIORITY)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"rules are of priority %u, not %u", TC_RULE_PRIORITY, rule->priority);
	place->ifindex = port->ifindex;
	return 0;
}

/* Bonds change: their switch was last looked up with the port's counters. */
static int check_bond(const struct tc_port *port, struct hal_reason *r)
{
	if (port->switch_id.len)
		return 0;
	return hal_refuse(r, HAL_REASON_RETRY,
		"the members of the bond %s are not ports of one switch now", port->name);
}

/* A card redirects between its own ports. */
static int check_switch(struct tc_dev *dev, const struct hal_rule *rule, const struct tc_port *in,
	struct hal_reason *r)
{
	int err;

	if (dev->policy != TC_POLICY_SKIP_SW)
		return 0;
	err = check_bond(in, r);
	if (err)
		return err;
	ACTION_FOR_EACH (a, rule->program) {
		const struct tc_port *out;

		if (a->type != ACTION_OUTPUT)
			continue;
		out = tc_port_by_id(dev, ((const struct hal_act_output *)a)->port);
		err = out ? check_bond(out, r) : 0;
		if (err)
			return err;
		if (out && memcmp(&out->switch_id, &in->switch_id, sizeof(in->switch_id)))
			return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION,
				ACTION_OUTPUT, "%s and %s are ports of different switches",
				in->name, out->name);
	}
	return 0;
}

/* Verbose is what lets a card say why it does not take a filter without skip_sw. Where the kernel
 * and a card could both run it, a meter would be in two places. */
uint32_t tc_filter_policy(const struct tc_dev *dev, const struct tc_port *in, bool metered)
{
	switch (dev->policy) {
	case TC_POLICY_SKIP_SW:
		return in->indirect ? TCA_CLS_FLAGS_VERBOSE : TCA_CLS_FLAGS_SKIP_SW;
	case TC_POLICY_SKIP_HW:
		return TCA_CLS_FLAGS_SKIP_HW;
	default:
		return metered ? TCA_CLS_FLAGS_SKIP_HW : 0;
	}
}

static int put_options(struct tc_dev *dev, const struct hal_rule *rule, struct nl_msg *msg,
	struct tc_place *place, struct hal_reason *r)
{
	const struct tc_port *in = tc_port_by_ifindex(dev, place->ifindex);
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
	struct tc_action_env env;
	int err;

	if (!options)
		return -ENOMEM;
	err = tc_flower_encode(msg, rule, &place->protocol, r);
	if (err)
		return err;
	place->prio = tc_filter_prio(place->protocol);
	tc_env(dev, &env);
	env.by_kernel = tc_port_by_kernel(dev, in);
	err = tc_actions_encode(msg, rule, &env, r);
	if (err)
		return err;
	if (nla_put_u32(
		    msg, TCA_FLOWER_FLAGS, tc_filter_policy(dev, in, tc_uses_meter(rule->program))))
		return -ENOMEM;
	nla_nest_end(msg, options);
	tcmsg_of(msg)->tcm_info = info_of(place);
	return 0;
}

int tc_filter_make(struct tc_dev *dev, const struct hal_rule *rule, int flags,
	struct tc_place *place, struct nl_msg **msg, struct hal_reason *r)
{
	int err = find_place(dev, rule, place, r);

	if (!err)
		err = check_switch(dev, rule, tc_port_by_ifindex(dev, place->ifindex), r);
	if (!err)
		err = tc_meters_prepare(
			dev, tc_port_by_ifindex(dev, place->ifindex), rule, flags != 0, r);
	if (err)
		return err;
	*msg = tc_filter_request(RTM_NEWTFILTER, flags, place);
	if (!*msg)
		return -ENOMEM;
	err = put_options(dev, rule, *msg, place, r);
	if (!err)
		return 0;
	nlmsg_free(*msg);
	*msg = NULL;
	return err;
}

struct nl_msg *tc_filter_dump_request(uint32_t ifindex)
{
	struct tcmsg tcm = {.tcm_ifindex = (int)ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETTFILTER, 0);

	if (msg && nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int tc_filter_dump(struct tc_dev *dev, uint32_t ifindex,
	int (*found)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx)
{
	struct nl_msg *msg = tc_filter_dump_request(ifindex);
	int err = msg ? netdev_channel_dump(dev->ch, msg, found, ctx) : -ENOMEM;

	nlmsg_free(msg);
	return err;
}

bool tc_place_is_ours(const struct tc_place *place)
{
	return (place->handle & ~(TC_MAX_RULES - 1)) == TC_HANDLE &&
	       place->prio == tc_filter_prio(place->protocol);
}

/* ---- what the kernel tells ---- */

static void get_counts(
	struct nlattr *stats[], int basic, int wide, uint64_t *packets, uint64_t *bytes)
{
	struct gnet_stats_basic b;

	if (!stats[basic] || nla_len(stats[basic]) < (int)sizeof(b.bytes) + 4)
		return;
	memset(&b, 0, sizeof(b));
	nla_memcpy(&b, stats[basic], sizeof(b));
	*bytes = b.bytes;
	*packets = b.packets;
	/* More packets than 32 bits hold come beside it. */
	if (wide && stats[wide] && nla_len(stats[wide]) >= 8)
		*packets = nla_get_u64(stats[wide]);
}

void tc_stats_take(struct nlattr *attr, uint64_t *packets, uint64_t *bytes)
{
	struct nlattr *stats[TCA_STATS_MAX + 1];

	if (attr && !nla_parse_nested(stats, TCA_STATS_MAX, attr, NULL))
		get_counts(stats, TCA_STATS_BASIC, TCA_STATS_PKT64, packets, bytes);
}

/* The kernel's own count of an action, and what hardware told of it. */
static void get_stats(struct nlattr *attr, struct tc_filter *f)
{
	struct nlattr *stats[TCA_STATS_MAX + 1];
	uint64_t packets = 0, bytes = 0;

	if (!attr || nla_parse_nested(stats, TCA_STATS_MAX, attr, NULL))
		return;
	get_counts(stats, TCA_STATS_BASIC, TCA_STATS_PKT64, &packets, &bytes);
	if (packets <= f->packets)
		return;
	f->packets = packets;
	f->bytes = bytes;
	f->hw_packets = f->hw_bytes = 0;
	get_counts(stats, TCA_STATS_BASIC_HW, 0, &f->hw_packets, &f->hw_bytes);
}

/* Whether the action is the filter's own, which the first cookie that is not a policer's tells. */
static bool is_own(struct nlattr *const a[], struct tc_filter *f)
{
	struct nlattr *cookie = a[TCA_ACT_COOKIE];

	if (a[TCA_ACT_KIND] && !nla_strcmp(a[TCA_ACT_KIND], "police"))
		return false;
	if (!cookie || nla_len(cookie) != TC_COOKIE_LEN)
		return false;
	if (!f->has_cookie) {
		f->has_cookie = true;
		memcpy(f->cookie, nla_data(cookie), TC_COOKIE_LEN);
		tc_ufid_from_cookie(f->cookie, &f->ufid);
	}
	return !memcmp(f->cookie, nla_data(cookie), TC_COOKIE_LEN);
}

/* By kernel the first action of its own sees every packet as it came, and others no more than that.
 * What hardware counted is told of each alike, but for some that do not hear of it (mpls). */
static void get_actions(struct nlattr *list, struct tc_filter *f)
{
	static struct nla_policy policy[TCA_ACT_MAX + 1] = {
		[TCA_ACT_KIND] = {.type = NLA_STRING},
	};
	struct nlattr *a[TCA_ACT_MAX + 1], *one;
	int left;

	nla_for_each_nested(one, list, left)
	{
		if (nla_parse_nested(a, TCA_ACT_MAX, one, policy))
			return;
		if (is_own(a, f))
			get_stats(a[TCA_ACT_STATS], f);
	}
}

int tc_filter_parse(struct nlmsghdr *h, struct tc_filter *f)
{
	static struct nla_policy policy[TCA_MAX + 1] = {
		[TCA_KIND] = {.type = NLA_STRING},
		[TCA_OPTIONS] = {.type = NLA_NESTED},
		[TCA_CHAIN] = {.type = NLA_U32},
	};
	struct nlattr *tca[TCA_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(h);

	memset(f, 0, sizeof(*f));
	if ((h->nlmsg_type != RTM_NEWTFILTER && h->nlmsg_type != RTM_DELTFILTER) ||
		h->nlmsg_len < NLMSG_HDRLEN + sizeof(*tcm) ||
		nlmsg_parse(h, sizeof(*tcm), tca, TCA_MAX, policy) || !tca[TCA_KIND] ||
		nla_strcmp(tca[TCA_KIND], "flower") || !tca[TCA_OPTIONS] ||
		nla_parse_nested(f->keys, TCA_FLOWER_MAX, tca[TCA_OPTIONS], NULL))
		return -EINVAL;
	f->place = (struct tc_place){
		.ifindex = (uint32_t)tcm->tcm_ifindex,
		.chain = tca[TCA_CHAIN] ? nla_get_u32(tca[TCA_CHAIN]) : 0,
		.handle = tcm->tcm_handle,
		.prio = (uint16_t)(TC_H_MAJ(tcm->tcm_info) >> 16),
		.protocol = (rte_be16_t)TC_H_MIN(tcm->tcm_info),
	};
	if (f->keys[TCA_FLOWER_FLAGS] && nla_len(f->keys[TCA_FLOWER_FLAGS]) >= 4)
		f->flags = nla_get_u32(f->keys[TCA_FLOWER_FLAGS]);
	if (f->keys[TCA_FLOWER_ACT])
		get_actions(f->keys[TCA_FLOWER_ACT], f);
	return 0;
}
