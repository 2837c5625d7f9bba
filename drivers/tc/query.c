/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, and how the device is.
 */
#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"

/* ---- counters ---- */

struct reading {
	struct tc_dev *dev;
	struct tc_rule *rule[NETDEV_BATCH];
	struct hal_raw_counter *out[NETDEV_BATCH];
	struct nl_msg *msg[NETDEV_BATCH];
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
	struct netdev_answer answers[NETDEV_BATCH];
	int err = netdev_channel_run(r->dev->ch, r->msg, r->n, answers, take_counter, r);

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
		else if (++r.n == NETDEV_BATCH)
			err = read_batch(&r);
	}
	if (err) {
		while (r.n)
			nlmsg_free(r.msg[--r.n]);
		return err;
	}
	return read_batch(&r);
}

/* ---- the device ---- */

int tc_stats(void *ctx, struct hal_device_stats *out)
{
	struct tc_dev *dev = ctx;

	tc_meters_sweep(dev);
	*out = (struct hal_device_stats){
		.rules = hmap_count(&dev->rules),
		.ports = hmap_count(&dev->ports),
		.objects[HAL_OBJECT_METER] = hmap_count(&dev->meters) - dev->n_ending,
		.hit_packets = dev->hits,
		.generation = 1,
		.alive = true,
	};
	return 0;
}
