// SPDX-License-Identifier: GPL-2.0
/*
 * Policers: token buckets by index, shared by all rules that name one. They are made for an action
 * that stands alone, or by the first rule that has one of its own, and live as long as either.
 *
 * A packet costs all of its frame as it is when it comes to the policer.
 */
#include <linux/hashtable.h>
#include <linux/if_vlan.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <net/pkt_cls.h>

#include "testnic.h"

struct testnic_policer {
	struct hlist_node by_index;
	u32 index;
	unsigned int refs;
	bool alone;         /* one of the refs is that of an action that stands alone */
	u64 rate, capacity; /* bytes or packets a second; of the bucket, each times 10^9 */
	bool packets_only;
	u64 tokens, filled_ns;
	u64 packets, bytes, drops, used; /* used: jiffies */
	u64 told_packets, told_bytes, told_drops;
};

/* All with testnic_lock. */
static DEFINE_HASHTABLE(by_index, 8);

static struct testnic_policer *find(u32 index)
{
	struct testnic_policer *p;

	hash_for_each_possible(by_index, p, by_index, index) if (p->index == index) return p;
	return NULL;
}

static int check(const struct flow_action_entry *entry, struct netlink_ext_ack *ack)
{
	if (entry->police.peakrate_bytes_ps || entry->police.avrate)
		return REFUSE(ack, "two rates of a policer");
	if (entry->police.overhead)
		return REFUSE(ack, "count more of a frame than there is");
	if (entry->police.exceed.act_id != FLOW_ACTION_DROP)
		return REFUSE(ack, "go on with what exceeds a rate");
	if (entry->police.notexceed.act_id != FLOW_ACTION_PIPE)
		return REFUSE(ack, "end with what conforms to a rate");
	if (!entry->police.rate_bytes_ps == !entry->police.rate_pkt_ps)
		return REFUSE(ack, "police other than bytes or packets");
	return 0;
}

static void set_up(struct testnic_policer *p, const struct flow_action_entry *entry)
{
	p->packets_only = entry->police.rate_pkt_ps != 0;
	p->rate = p->packets_only ? entry->police.rate_pkt_ps : entry->police.rate_bytes_ps;
	p->capacity =
		(p->packets_only ? entry->police.burst_pkt : entry->police.burst) * NSEC_PER_SEC;
	p->tokens = p->capacity;
	p->filled_ns = ktime_get_ns();
}

/* The policer of an action, made if it is new, with one reference more. */
static struct testnic_policer *get(u32 index, const struct flow_action_entry *entry, bool change)
{
	struct testnic_policer *new = kzalloc(sizeof(*new), GFP_KERNEL), *p;

	spin_lock_bh(&testnic_lock);
	p = find(index);
	if (!p && new) {
		p = new;
		new = NULL;
		p->index = index;
		set_up(p, entry);
		hash_add(by_index, &p->by_index, index);
	} else if (p && change) {
		set_up(p, entry);
	}
	if (p)
		p->refs++;
	spin_unlock_bh(&testnic_lock);
	kfree(new);
	return p;
}

/* With testnic_lock. */
static void put(struct testnic_policer *p)
{
	if (--p->refs)
		return;
	hash_del(&p->by_index);
	kfree(p);
}

/* ---- rules ---- */

int testnic_police_init(struct testnic_action *action, struct netlink_ext_ack *ack)
{
	int err = check(&action->entry, ack);

	if (err)
		return err;
	action->policer = get(action->entry.hw_index, &action->entry, false);
	return action->policer ? 0 : -ENOMEM;
}

void testnic_police_put(struct testnic_action *action)
{
	if (action->policer)
		put(action->policer);
	action->policer = NULL;
}

static void fill(struct testnic_policer *p)
{
	u64 now = ktime_get_ns(), ns = now - p->filled_ns;

	p->filled_ns = now;
	if (ns > div64_u64(p->capacity - p->tokens, p->rate))
		p->tokens = p->capacity;
	else
		p->tokens += ns * p->rate;
}

bool testnic_police(struct testnic_policer *p, const struct sk_buff *skb)
{
	unsigned int len = skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	u64 cost = (p->packets_only ? 1 : len) * (u64)NSEC_PER_SEC;

	p->packets++;
	p->bytes += len;
	p->used = jiffies;
	fill(p);
	if (p->tokens < cost) {
		p->drops++;
		return false;
	}
	p->tokens -= cost;
	return true;
}

/* ---- actions that stand alone ---- */

static int act_replace(struct flow_offload_action *act)
{
	const struct flow_action_entry *entry = &act->action.entries[0];
	struct testnic_policer *p;
	int err = check(entry, act->extack);

	if (err)
		return err;
	p = get(act->index, entry, true);
	if (!p)
		return -ENOMEM;
	spin_lock_bh(&testnic_lock);
	if (p->alone) /* it was changed */
		put(p);
	p->alone = true;
	spin_unlock_bh(&testnic_lock);
	return 0;
}

static int act_destroy(const struct flow_offload_action *act)
{
	struct testnic_policer *p;
	int err = -ENOENT;

	spin_lock_bh(&testnic_lock);
	p = find(act->index);
	if (p && p->alone) {
		p->alone = false;
		put(p);
		err = 0;
	}
	spin_unlock_bh(&testnic_lock);
	return err;
}

static int act_stats(struct flow_offload_action *act)
{
	struct testnic_policer *p;

	spin_lock_bh(&testnic_lock);
	p = find(act->index);
	if (p) {
		flow_stats_update(&act->stats, p->bytes - p->told_bytes,
			p->packets - p->told_packets, p->drops - p->told_drops, p->used,
			FLOW_ACTION_HW_STATS_DELAYED);
		p->told_bytes = p->bytes;
		p->told_packets = p->packets;
		p->told_drops = p->drops;
	}
	spin_unlock_bh(&testnic_lock);
	return p ? 0 : -ENOENT;
}

static int setup_cb(struct net_device *dev, struct Qdisc *sch, void *priv, enum tc_setup_type type,
	void *type_data, void *data, void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_offload_action *act = data;

	if (type != TC_SETUP_ACT || act->id != FLOW_ACTION_POLICE)
		return -EOPNOTSUPP;
	switch (act->command) {
	case FLOW_ACT_REPLACE:
		return act_replace(act);
	case FLOW_ACT_DESTROY:
		return act_destroy(act);
	case FLOW_ACT_STATS:
		return act_stats(act);
	default:
		return -EOPNOTSUPP;
	}
}

static void release(void *priv)
{
}

int testnic_police_register(void)
{
	return flow_indr_dev_register(setup_cb, NULL);
}

void testnic_police_unregister(void)
{
	flow_indr_dev_unregister(setup_cb, NULL, release);
}
