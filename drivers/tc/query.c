/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, dumps, and how the device is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"

/* ---- counters ---- */

struct reading {
	struct tc_dev *dev;
	struct tc_rule *rule[TC_BATCH];
	struct hal_raw_counter *out[TC_BATCH];
	struct nl_msg *msg[TC_BATCH];
	unsigned n;
};

static int take_counter(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct reading *r = ctx;
	struct tc_filter f;

	if (!tc_filter_parse(h, &f) && f.place.handle == r->rule[i]->place.handle && f.has_cookie &&
		hal_ufid_equal(&f.ufid, &r->rule[i]->ufid))
		tc_rule_count(r->dev, r->rule[i], &f, r->out[i]);
	return 0;
}

static int read_batch(struct reading *r)
{
	struct tc_answer answers[TC_BATCH];
	int err = tc_channel_run(r->dev->ch, r->msg, r->n, answers, take_counter, r);

	while (r->n)
		nlmsg_free(r->msg[--r->n]);
	return err;
}

int tc_counters_read(
	void *ctx, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	struct reading r = {.dev = ctx};
	int err = 0;

	memset(out, 0, n * sizeof(*out));
	for (unsigned i = 0; i < n && !err; i++) {
		struct tc_rule *rule = tc_rule_find(ctx, &ufids[i]);

		if (!rule)
			continue;
		r.rule[r.n] = rule;
		r.out[r.n] = &out[i];
		r.msg[r.n] = tc_filter_request(RTM_GETTFILTER, 0, &rule->place);
		if (!r.msg[r.n])
			err = -ENOMEM;
		else if (++r.n == TC_BATCH)
			err = read_batch(&r);
	}
	if (err) {
		while (r.n)
			nlmsg_free(r.msg[--r.n]);
		return err;
	}
	return read_batch(&r);
}

/* ---- dump ---- */

/* Netdevs that carry our marker: bound ports, and those of a former run. */
struct netdevs {
	struct tc_dev *dev;
	struct netdev {
		uint32_t ifindex, port;
	} * netdev;
	unsigned n, cap;
	int err;
};

static int add_netdev(void *ctx, uint32_t ifindex)
{
	struct netdevs *all = ctx;
	struct netdev *more;

	if (all->n == all->cap) {
		more = realloc(all->netdev, (all->cap + 64) * sizeof(*more));
		if (!more) {
			all->err = -ENOMEM;
			return 0;
		}
		all->netdev = more;
		all->cap += 64;
	}
	all->netdev[all->n++] = (struct netdev){.ifindex = ifindex};
	return 0;
}

static void keep_ours(struct netdevs *all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < all->n; i++) {
		struct netdev *nd = &all->netdev[i];
		struct tc_marker m;

		if (tc_marker_get(all->dev, nd->ifindex, &m) || m.instance != all->dev->instance)
			continue;
		nd->port = m.port;
		all->netdev[n++] = *nd;
	}
	all->n = n;
}

static uint32_t netdev_port(void *ctx, uint32_t ifindex)
{
	const struct netdevs *all = ctx;

	for (unsigned i = 0; i < all->n; i++)
		if (all->netdev[i].ifindex == ifindex)
			return all->netdev[i].port;
	return HAL_PORT_NONE;
}

struct dump {
	struct netdevs all;
	struct tc_action_env env;
	uint32_t in_port; /* of the netdev that is being dumped */
	hal_dump_cb *cb;
	void *ctx;
	int err;
};

/* The rule that the filter is for, entered in the book if it is of a former run. NULL: the filter
 * is not one of ours, or one that was altered beyond recognition. */
static struct tc_rule *rule_of(struct tc_dev *dev, const struct tc_filter *f)
{
	struct tc_rule *rule;

	if (!tc_place_is_ours(&f->place) || !f->has_cookie)
		return NULL;
	rule = tc_rule_find(dev, &f->ufid);
	if (!rule)
		rule = tc_rule_found(dev, &f->ufid, &f->place);
	return rule && rule->place.handle == f->place.handle &&
			       rule->place.ifindex == f->place.ifindex
		       ? rule
		       : NULL;
}

static int describe(struct dump *d, const struct tc_filter *f, struct tc_rule *rule)
{
	struct hal_match m = {0};
	struct hal_program *program = NULL;
	struct hal_dump_entry entry = {
		.ufid = f->ufid, .chain = f->place.chain, .priority = TC_RULE_PRIORITY};
	int err = tc_flower_decode(f->keys, f->place.protocol, &m);

	if (err || !f->keys[TCA_FLOWER_ACT])
		return -EINVAL;
	m.value.dp.in_port = rte_cpu_to_be_32(d->in_port);
	m.mask.dp.in_port = UINT32_MAX;
	rule->uncounted = TC_LINK_HEADER + (m.value.dp.vlan[0].tpid ? TC_TAG : 0);
	err = tc_actions_decode(f->keys[TCA_FLOWER_ACT], &m, &d->env, &program);
	if (err)
		return err;
	entry.match = hal_cmatch_new_dp(&m.value.dp, &m.mask.dp);
	entry.program = program;
	if (rule->canonical && hal_program_equal(program, rule->canonical))
		entry.program = rule->program;
	tc_rule_count(d->all.dev, rule, f, &entry.counter);
	if (entry.match)
		err = d->cb(d->ctx, &entry);
	else
		err = -ENOMEM;
	free(entry.match);
	free(program);
	return err;
}

static int take_filter(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct dump *d = ctx;
	struct tc_rule *rule;
	struct tc_filter f;
	int err;

	(void)i;
	if (d->err || tc_filter_parse(h, &f))
		return 0;
	rule = rule_of(d->all.dev, &f);
	err = rule ? describe(d, &f, rule) : 0;
	if (err && err != -EINVAL)
		d->err = err;
	return 0;
}

int tc_dump(void *ctx, hal_dump_cb *cb, void *cb_ctx)
{
	struct dump d = {.all = {.dev = ctx}, .cb = cb, .ctx = cb_ctx};
	int err = tc_qdisc_dump(ctx, add_netdev, &d.all);

	if (!err)
		err = d.all.err;
	if (err)
		goto free_netdevs;
	keep_ours(&d.all);
	tc_env(ctx, &d.env);
	d.env.port = netdev_port;
	d.env.ctx = &d.all;
	for (unsigned i = 0; i < d.all.n && !err; i++) {
		d.in_port = d.all.netdev[i].port;
		err = tc_filter_dump(ctx, d.all.netdev[i].ifindex, take_filter, &d);
		if (!err)
			err = d.err;
	}

free_netdevs:
	free(d.all.netdev);
	return err;
}

/* ---- the device ---- */

int tc_stats(void *ctx, struct hal_device_stats *out)
{
	const struct tc_dev *dev = ctx;

	*out = (struct hal_device_stats){
		.rules = hmap_count(&dev->rules),
		.ports = hmap_count(&dev->ports),
		.hit_packets = dev->hits,
		.generation = 1,
		.alive = true,
	};
	return 0;
}
