/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tc/police.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/gen_stats.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>

#include "drivers/tc/tc.h"

#define TICK_NS 64u
#define TICKS_PER_S (1000000000u / TICK_NS)
#define SHORTEST 60u   /* bytes of a frame, without its check sequence */
#define LEAST_COST 50u /* ns of the cheapest packet: what is cut off a nanosecond is below 2% */
#define LEAST_TICKS 50u
#define MESSAGE 4096

static const uint8_t magic[4] = {'s', 'l', 'm', 1};

struct cookie {
	uint8_t magic[4];
	uint32_t instance, meter, zero;
};
_Static_assert(sizeof(struct cookie) == TC_COOKIE_LEN, "fills a cookie");

/* ---- what a meter is ---- */

static int check_band(const struct hal_meter *m, struct hal_reason *r)
{
	if (m->n_bands != 1)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"a TC policer has one rate, and the meter %u bands", m->n_bands);
	if (m->band[0].type != HAL_BAND_DROP)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_METER,
			"a TC policer drops what exceeds its rate, it does not remark it");
	if (!m->band[0].rate)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"a TC policer has no rate of 0");
	return 0;
}

/* What the kernel reckons in whole nanoseconds is exact enough only while a packet costs many. */
static int check_cost(const struct hal_meter *m, struct hal_reason *r)
{
	const uint64_t most = m->pktps ? 1000000000u / LEAST_COST
				       : SHORTEST * 8u * UINT64_C(1000000) / LEAST_COST;

	if (m->band[0].rate <= most)
		return 0;
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
		"above %llu %s the kernel's policer lets too much pass", (unsigned long long)most,
		m->pktps ? "packets/s" : "kb/s");
}

/* Ticks that it takes to fill the bucket, rounded. */
static int find_ticks(const struct hal_meter *m, uint64_t *ticks, struct hal_reason *r)
{
	const uint64_t burst = m->band[0].burst ? m->band[0].burst : m->band[0].rate;
	const uint64_t rate = m->band[0].rate;

	*ticks = (burst * TICKS_PER_S + rate / 2) / rate;
	if (*ticks > UINT32_MAX)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"a TC policer's burst is at most %u s of its rate",
			UINT32_MAX / TICKS_PER_S);
	if (*ticks < LEAST_TICKS)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"a TC policer's burst is a time in steps of %u ns, too coarse for so "
			"little "
			"of so high a rate",
			TICK_NS);
	return 0;
}

int tc_police_make(
	const struct hal_meter *m, bool by_kernel, struct tc_policer *out, struct hal_reason *r)
{
	int err = check_band(m, r);

	*out = (struct tc_policer){.pktps = m->pktps};
	if (!err && by_kernel)
		err = check_cost(m, r);
	if (!err)
		err = find_ticks(m, &out->ticks, r);
	if (err)
		return err;
	out->rate = m->pktps ? m->band[0].rate : m->band[0].rate * UINT64_C(125);
	if (!by_kernel && out->rate * (double)out->ticks / TICKS_PER_S > UINT32_MAX)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"a card's burst is less than 4 GiB, or 2^32 packets");
	return 0;
}

/* ---- requests ---- */

static struct nl_msg *request(int type, int flags, struct nlattr **list)
{
	struct tcamsg tca = {.tca_family = AF_UNSPEC};
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE);

	if (!msg)
		return NULL;
	if (nlmsg_put(msg, 0, 0, type, 0, flags) &&
		!nlmsg_append(msg, &tca, sizeof(tca), NLMSG_ALIGNTO)) {
		*list = nla_nest_start(msg, TCA_ACT_TAB);
		if (*list)
			return msg;
	}
	nlmsg_free(msg);
	return NULL;
}

static struct nlattr *begin(struct nl_msg *msg, int n, const char *kind)
{
	struct nlattr *one = nla_nest_start(msg, n);

	return one && !nla_put_string(msg, TCA_ACT_KIND, kind) ? one : NULL;
}

static int end(struct nl_msg *msg, struct nlattr *options, struct nlattr *one)
{
	nla_nest_end(msg, options);
	nla_nest_end(msg, one);
	return 0;
}

static int put_cookie(struct nl_msg *msg, const struct tc_police_owner *owner)
{
	struct cookie c = {.instance = owner->instance, .meter = owner->meter};

	memcpy(c.magic, magic, sizeof(magic));
	return nla_put(msg, TCA_ACT_COOKIE, sizeof(c), &c);
}

/* Filters and the actions that they share have to agree on who runs them. */
static int put_flags(struct nl_msg *msg, bool by_kernel)
{
	const uint32_t flag = by_kernel ? TCA_ACT_FLAGS_SKIP_HW : TCA_ACT_FLAGS_SKIP_SW;
	const struct nla_bitfield32 flags = {.value = flag, .selector = flag};

	return nla_put(msg, TCA_ACT_FLAGS, sizeof(flags), &flags);
}

/* What the kernel runs always has a rate of bytes, of which every packet costs as many as the
 * longest where packets are counted. With a rate of packets it would drop some that conform: those
 * that come to one CPU while another one is at the policer. */
static struct tc_ratespec rate_of(
	const struct tc_policer *p, bool by_kernel, unsigned overhead, uint64_t *bytes)
{
	struct tc_ratespec rate = {
		.cell_log = 3, /* the kernel asks for a table, and reckons without it */
		.linklayer = TC_LINKLAYER_ETHERNET,
		.overhead = (unsigned short)overhead,
	};

	*bytes = p->rate;
	if (p->pktps) {
		rate.mpu = UINT16_MAX;
		*bytes = by_kernel ? p->rate * rate.mpu : 0;
	}
	rate.rate = (uint32_t)RTE_MIN(*bytes, (uint64_t)UINT32_MAX);
	return rate;
}

static int put_parms(struct nl_msg *msg, uint32_t index, const struct tc_policer *p, bool by_kernel,
	unsigned overhead)
{
	static const uint8_t table[TC_RTAB_SIZE];
	struct tc_police parms = {.index = index, .action = TC_ACT_SHOT, .mtu = UINT32_MAX};
	uint64_t bytes;
	const struct tc_ratespec rate = rate_of(p, by_kernel, overhead, &bytes);

	if (bytes) {
		parms.burst = (uint32_t)p->ticks;
		parms.rate = rate;
	}
	if (nla_put(msg, TCA_POLICE_TBF, sizeof(parms), &parms) ||
		nla_put_u32(msg, TCA_POLICE_RESULT, TC_ACT_PIPE))
		return -ENOMEM;
	if (!bytes)
		return nla_put_u64(msg, TCA_POLICE_PKTRATE64, p->rate) ||
		       nla_put_u64(msg, TCA_POLICE_PKTBURST64, p->ticks);
	return nla_put(msg, TCA_POLICE_RATE, sizeof(table), table) ||
	       nla_put_u64(msg, TCA_POLICE_RATE64, bytes);
}

static int put_policer(struct nl_msg *msg, uint32_t index, const struct tc_police_owner *owner,
	const struct tc_policer *p, bool by_kernel, unsigned overhead)
{
	struct nlattr *one = begin(msg, 1, "police"), *options;

	if (!one || put_cookie(msg, owner) || put_flags(msg, by_kernel))
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	if (!options || put_parms(msg, index, p, by_kernel, overhead))
		return -ENOMEM;
	return end(msg, options, one);
}

static int put_counter(struct nl_msg *msg, uint32_t index, const struct tc_police_owner *owner)
{
	const struct tc_gact gact = {.index = index, .action = TC_ACT_PIPE};
	struct nlattr *one = begin(msg, 2, "gact"), *options;

	if (!one || put_cookie(msg, owner) || put_flags(msg, true))
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	if (!options || nla_put(msg, TCA_GACT_PARMS, sizeof(gact), &gact))
		return -ENOMEM;
	return end(msg, options, one);
}

struct nl_msg *tc_police_new(int flags, uint32_t index, const struct tc_police_owner *owner,
	const struct tc_policer *p, bool by_kernel, unsigned overhead)
{
	struct nlattr *list;
	struct nl_msg *msg = request(RTM_NEWACTION, NLM_F_CREATE | flags, &list);

	if (!msg)
		return NULL;
	if (put_policer(msg, index, owner, p, by_kernel, overhead) ||
		(by_kernel && put_counter(msg, index, owner))) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, list);
	return msg;
}

static int put_name(struct nl_msg *msg, int n, const char *kind, uint32_t index)
{
	struct nlattr *one = begin(msg, n, kind);

	if (!one || (index && nla_put_u32(msg, TCA_ACT_INDEX, index)))
		return -ENOMEM;
	nla_nest_end(msg, one);
	return 0;
}

struct nl_msg *tc_police_request(int type, uint32_t index, unsigned parts)
{
	struct nlattr *list;
	struct nl_msg *msg = request(type, 0, &list);
	int n = 0, err = 0;

	if (!msg)
		return NULL;
	if (parts & TC_POLICER)
		err = put_name(msg, ++n, "police", index);
	if (!err && parts & TC_COUNTER)
		err = put_name(msg, ++n, "gact", index);
	if (err) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, list);
	return msg;
}

struct nl_msg *tc_police_dump(void)
{
	const struct nla_bitfield32 all = {
		.value = TCA_FLAG_LARGE_DUMP_ON, .selector = TCA_FLAG_LARGE_DUMP_ON};
	struct nl_msg *msg = tc_police_request(RTM_GETACTION, 0, TC_POLICER);

	if (msg && nla_put(msg, TCA_ROOT_FLAGS, sizeof(all), &all)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* ---- in a filter ---- */

/* If somebody deleted the policer, this makes one that lets nothing pass. */
int tc_police_put(struct nl_msg *msg, uint32_t index)
{
	const struct tc_police parms = {.index = index, .action = TC_ACT_SHOT, .mtu = UINT32_MAX};

	return nla_put(msg, TCA_POLICE_TBF, sizeof(parms), &parms) ||
			       nla_put_u32(msg, TCA_POLICE_RESULT, TC_ACT_SHOT)
		       ? -ENOMEM
		       : 0;
}

static bool is_ours(uint32_t index)
{
	return index - TC_METER_INDEX < TC_MAX_METERS;
}

/* Before the policer's own members grew. */
#define LEAST_PARMS offsetof(struct tc_police, capab)

static int get_parms(struct nlattr *options, struct tc_police *out)
{
	struct nlattr *a[TCA_POLICE_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (nla_parse_nested(a, TCA_POLICE_MAX, options, NULL) || !a[TCA_POLICE_TBF] ||
		nla_len(a[TCA_POLICE_TBF]) < (int)LEAST_PARMS)
		return -EINVAL;
	nla_memcpy(out, a[TCA_POLICE_TBF], sizeof(*out));
	return 0;
}

uint32_t tc_police_get(struct nlattr *options)
{
	struct tc_police parms;

	return get_parms(options, &parms) || !is_ours(parms.index) ? 0 : parms.index;
}

/* ---- standing alone ---- */

static int get_policer(struct nlattr *options, struct tc_standing *s)
{
	struct tc_police parms;
	int err = get_parms(options, &parms);

	s->polices = true;
	s->index = parms.index;
	s->bound = (uint32_t)parms.bindcnt;
	return err;
}

static int get_counter(struct nlattr *options, struct tc_standing *s)
{
	struct nlattr *a[TCA_GACT_MAX + 1];
	struct tc_gact gact;

	if (nla_parse_nested(a, TCA_GACT_MAX, options, NULL) || !a[TCA_GACT_PARMS] ||
		nla_len(a[TCA_GACT_PARMS]) < (int)sizeof(gact))
		return -EINVAL;
	memcpy(&gact, nla_data(a[TCA_GACT_PARMS]), sizeof(gact));
	s->index = gact.index;
	s->bound = (uint32_t)gact.bindcnt;
	return 0;
}

static void get_owner(struct nlattr *attr, struct tc_standing *s)
{
	struct cookie c;

	if (!attr || nla_len(attr) != sizeof(c))
		return;
	memcpy(&c, nla_data(attr), sizeof(c));
	if (memcmp(c.magic, magic, sizeof(magic)))
		return;
	s->has_owner = true;
	s->owner = (struct tc_police_owner){c.instance, c.meter};
}

static void get_dropped(struct nlattr *attr, struct tc_standing *s)
{
	struct nlattr *stats[TCA_STATS_MAX + 1];
	struct gnet_stats_queue q = {0};

	if (!attr || nla_parse_nested(stats, TCA_STATS_MAX, attr, NULL) || !stats[TCA_STATS_QUEUE])
		return;
	nla_memcpy(&q, stats[TCA_STATS_QUEUE], sizeof(q));
	s->dropped = q.drops;
}

static int get_standing(struct nlattr *one, struct tc_standing *s)
{
	static struct nla_policy policy[TCA_ACT_MAX + 1] = {
		[TCA_ACT_KIND] = {.type = NLA_STRING},
		[TCA_ACT_OPTIONS] = {.type = NLA_NESTED},
	};
	struct nlattr *a[TCA_ACT_MAX + 1];
	int err;

	*s = (struct tc_standing){0};
	if (nla_parse_nested(a, TCA_ACT_MAX, one, policy) || !a[TCA_ACT_KIND] ||
		!a[TCA_ACT_OPTIONS])
		return -EINVAL;
	if (!nla_strcmp(a[TCA_ACT_KIND], "police"))
		err = get_policer(a[TCA_ACT_OPTIONS], s);
	else if (!nla_strcmp(a[TCA_ACT_KIND], "gact"))
		err = get_counter(a[TCA_ACT_OPTIONS], s);
	else
		err = -EINVAL;
	if (err || !is_ours(s->index))
		return -EINVAL;
	get_owner(a[TCA_ACT_COOKIE], s);
	tc_stats_take(a[TCA_ACT_STATS], &s->packets, &s->bytes);
	get_dropped(a[TCA_ACT_STATS], s);
	return 0;
}

void tc_standing_take(
	struct nlmsghdr *h, void (*found)(void *ctx, const struct tc_standing *s), void *ctx)
{
	struct nlattr *root[TCA_ROOT_MAX + 1], *one;
	struct tc_standing s;
	int left;

	if ((h->nlmsg_type != RTM_NEWACTION && h->nlmsg_type != RTM_GETACTION) ||
		h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct tcamsg) ||
		nlmsg_parse(h, sizeof(struct tcamsg), root, TCA_ROOT_MAX, NULL) ||
		!root[TCA_ACT_TAB])
		return;
	nla_for_each_nested(one, root[TCA_ACT_TAB], left)
	{
		if (!get_standing(one, &s))
			found(ctx, &s);
	}
}
