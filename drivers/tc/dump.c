/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules in the kernel, told in pieces: netdev by netdev, and of each what one datagram of the
 * kernel's brings.
 *
 * What is told is the kernel's word alone. A filter in the place of one of ours that is not as we
 * write them is told of as one that somebody altered.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/tc/tc.h"
#include "hal/mutation.h"

struct netdev {
	uint32_t ifindex, port;
};

struct tc_dump {
	struct tc_dev *dev;
	struct netdev_channel *ch; /* other requests go over the device's */
	/* Netdevs that carry our marker: bound ports, and those of a former run. */
	struct netdev *netdev;
	unsigned n, cap;
	unsigned next;  /* netdev whose filters come next */
	bool under_way; /* those of the one before are not all here */
	struct tc_action_env env;
	/* while a piece is told */
	hal_dump_cb *cb;
	void *ctx;
	unsigned told;
	int err;
};

int tc_dump_open(struct tc_dev *dev)
{
	struct tc_dump *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	err = netdev_channel_open(&d->ch);
	if (err) {
		free(d);
		return err;
	}
	d->dev = dev;
	dev->dump = d;
	return 0;
}

void tc_dump_close(struct tc_dev *dev)
{
	netdev_channel_close(dev->dump->ch);
	free(dev->dump->netdev);
	free(dev->dump);
}

/* ---- netdevs ---- */

static int add_netdev(void *ctx, uint32_t ifindex)
{
	struct tc_dump *d = ctx;
	struct netdev *more;

	if (d->n == d->cap) {
		more = realloc(d->netdev, (d->cap + 64) * sizeof(*more));
		if (!more) {
			d->err = -ENOMEM;
			return 0;
		}
		d->netdev = more;
		d->cap += 64;
	}
	d->netdev[d->n++] = (struct netdev){.ifindex = ifindex};
	return 0;
}

static void keep_ours(struct tc_dump *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n; i++) {
		struct netdev *nd = &d->netdev[i];
		struct tc_marker m;

		if (tc_marker_get(d->dev, nd->ifindex, &m) || m.instance != d->dev->instance)
			continue;
		nd->port = m.port;
		d->netdev[n++] = *nd;
	}
	d->n = n;
}

static uint32_t netdev_port(void *ctx, uint32_t ifindex)
{
	const struct tc_dump *d = ctx;
	const struct tc_port *port = tc_port_by_ifindex(d->dev, ifindex);

	if (port)
		return port->id;
	for (unsigned i = 0; i < d->n; i++)
		if (d->netdev[i].ifindex == ifindex)
			return d->netdev[i].port;
	return HAL_PORT_NONE;
}

static int begin(struct tc_dump *d)
{
	int err;

	tc_ports_mend(d->dev);
	d->n = d->next = 0;
	d->under_way = false;
	d->err = 0;
	err = netdev_qdisc_dump(d->dev->ch, add_netdev, d);
	if (!err)
		err = d->err;
	if (err)
		return err;
	keep_ours(d);
	tc_env(d->dev, &d->env);
	d->env.port = netdev_port;
	d->env.ctx = d;
	return 0;
}

/* ---- filters ---- */

/* The rule whose place the filter has, entered in the book if it is of a former run. NULL: the
 * filter is none of ours. */
static struct tc_rule *rule_of(struct tc_dev *dev, const struct tc_filter *f)
{
	struct tc_rule *rule;

	if (!tc_place_is_ours(&f->place))
		return NULL;
	rule = tc_rule_at(dev, &f->place);
	if (rule || !f->has_cookie || tc_rule_find(dev, &f->ufid))
		return rule;
	return tc_rule_found(dev, &f->ufid, &f->place);
}

/* At a port that is not bound again yet it may be either; at one whose rules a card was to take and
 * the kernel does not let alone, the card must still have it. */
static bool has_policy(const struct tc_dev *dev, const struct tc_filter *f)
{
	const uint32_t policy = TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_SKIP_HW;
	const struct tc_port *in = tc_port_by_ifindex(dev, f->place.ifindex);

	if (!in)
		return true;
	if (dev->policy == TC_POLICY_SKIP_SW && !(f->flags & TCA_CLS_FLAGS_IN_HW))
		return false;
	/* Which of both it is depends on what it does, and both are exact. */
	if (dev->policy == TC_POLICY_NONE)
		return !(f->flags & TCA_CLS_FLAGS_SKIP_SW);
	return (f->flags & policy) == (tc_filter_policy(dev, in, false) & policy);
}

static bool is_as_written(
	const struct tc_dev *dev, const struct tc_filter *f, const struct tc_rule *rule)
{
	return f->has_cookie && hal_ufid_equal(&f->ufid, &rule->ufid) &&
	       f->place.chain == rule->place.chain && f->place.prio == rule->place.prio &&
	       has_policy(dev, f) && f->keys[TCA_FLOWER_ACT] && MUTATE(530, true, false);
}

/* 0, -ENOMEM, or -EINVAL: no rule of ours would be written like this. */
static int decode(struct tc_dump *d, const struct tc_filter *f, struct tc_rule *rule,
	struct hal_dump_entry *entry)
{
	struct hal_match m = {0};
	int err = is_as_written(d->dev, f, rule) ? 0 : -EINVAL;

	if (!err)
		err = tc_flower_decode(f->keys, f->place.protocol, &m);
	if (err)
		return err;
	m.value.dp.in_port = rte_cpu_to_be_32(netdev_port(d, f->place.ifindex));
	m.mask.dp.in_port = UINT32_MAX;
	err = tc_actions_decode(f->keys[TCA_FLOWER_ACT], &m, &d->env, &entry->program);
	if (err)
		return err;
	entry->match = hal_cmatch_new_dp(&m.value.dp, &m.mask.dp);
	if (!entry->match) {
		free(entry->program);
		entry->program = NULL;
		return -ENOMEM;
	}
	rule->uncounted = tc_uncounted(entry->match);
	return 0;
}

static int tell(struct tc_dump *d, const struct tc_filter *f, struct tc_rule *rule)
{
	struct hal_dump_entry entry = {
		.ufid = rule->ufid, .chain = f->place.chain, .priority = TC_RULE_PRIORITY};
	struct hal_program *program;
	int err = decode(d, f, rule, &entry);

	if (err == -ENOMEM)
		return err;
	program = entry.program;
	if (program) {
		if (rule->canonical && hal_program_equal(program, rule->canonical))
			entry.program = rule->program;
		tc_rule_count_late(d->dev, rule, f, &entry.counter);
	}
	d->told++;
	err = d->cb(d->ctx, &entry);
	free(entry.match);
	free(program);
	return err;
}

static int take_filter(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct tc_dump *d = ctx;
	struct tc_rule *rule;
	struct tc_filter f;

	(void)i;
	if (d->err || tc_filter_parse(h, &f))
		return 0;
	rule = rule_of(d->dev, &f);
	if (rule)
		d->err = tell(d, &f, rule);
	return 0;
}

/* A datagram of the netdev at hand, or the request for the next. A netdev that went away meanwhile
 * has no rules. */
static int go_on(struct tc_dump *d)
{
	struct nl_msg *msg;
	int err;

	if (d->under_way) {
		err = netdev_channel_dump_more(d->ch, take_filter, d);
		d->under_way = err > 0;
	} else {
		msg = tc_filter_dump_request(d->netdev[d->next++].ifindex);
		err = msg ? netdev_channel_dump_begin(d->ch, msg) : -ENOMEM;
		d->under_way = !err;
		nlmsg_free(msg);
	}
	return err == -ENODEV || err == -EINVAL || err > 0 ? 0 : err;
}

int tc_dump(void *ctx, uint64_t *at, unsigned max, hal_dump_cb *cb, void *cb_ctx)
{
	struct tc_dev *dev = ctx;
	struct tc_dump *d = dev->dump;
	int err = *at ? 0 : begin(d);

	d->cb = cb;
	d->ctx = cb_ctx;
	d->told = 0;
	while (!err && (d->under_way || d->next < d->n) && (!max || d->told < max)) {
		err = go_on(d);
		if (!err)
			err = d->err;
	}
	*at = !err && (d->under_way || d->next < d->n);
	return err;
}
