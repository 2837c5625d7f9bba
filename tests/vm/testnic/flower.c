// SPDX-License-Identifier: GPL-2.0
/*
 * Rules that TC sets: added, deleted, counted.
 */
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/pkt_cls.h>

#include "testnic.h"

unsigned int testnic_max_rules = 100000;
module_param_named(max_rules, testnic_max_rules, uint, 0644);
MODULE_PARM_DESC(max_rules, "rules that the card has room for");

static unsigned int n_rules;
module_param_named(rules, n_rules, uint, 0444);
MODULE_PARM_DESC(rules, "rules that the card holds");

static LIST_HEAD(block_cbs);

static DEFINE_HASHTABLE(by_cookie, 12);

static struct testnic_rule *find(const struct testnic_table *table, unsigned long cookie)
{
	struct testnic_rule *rule;

	hash_for_each_possible(by_cookie, rule, by_cookie,
		cookie) if (rule->cookie == cookie && rule->table == table) return rule;
	return NULL;
}

static void insert(struct testnic_table *table, struct testnic_rule *rule)
{
	struct testnic_rule *other;

	rule->table = table;
	list_for_each_entry_reverse(
		other, &table->rules, node) if (other->prio <= rule->prio) break;
	list_add(&rule->node, &other->node);
	hash_add(by_cookie, &rule->by_cookie, rule->cookie);
	n_rules++;
}

static void remove(struct testnic_rule *rule)
{
	list_del(&rule->node);
	hash_del(&rule->by_cookie);
	testnic_actions_put(rule);
	kfree(rule);
	n_rules--;
}

static int replace(struct testnic_table *table, struct flow_cls_offload *cls)
{
	struct flow_rule *flow = flow_cls_offload_flow_rule(cls);
	struct netlink_ext_ack *ack = cls->common.extack;
	struct testnic_rule *rule, *was;
	int err;

	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return -ENOMEM;
	rule->cookie = cls->cookie;
	rule->prio = cls->common.prio;
	rule->chain = cls->common.chain_index;
	rule->protocol = cls->common.protocol;
	err = testnic_match_init(rule, &flow->match, ack);
	if (!err)
		err = testnic_actions_init(rule, flow, ack);
	if (err)
		goto free_rule;
	spin_lock_bh(&testnic_lock);
	was = find(table, cls->cookie);
	if (!was && n_rules >= testnic_max_rules) {
		spin_unlock_bh(&testnic_lock);
		NL_SET_ERR_MSG_MOD(ack, "the rule table of the card is full");
		err = -ENOSPC;
		goto free_rule;
	}
	if (was)
		remove(was);
	insert(table, rule);
	spin_unlock_bh(&testnic_lock);
	return 0;

free_rule:
	spin_lock_bh(&testnic_lock);
	testnic_actions_put(rule);
	spin_unlock_bh(&testnic_lock);
	kfree(rule);
	return err;
}

static int destroy(struct testnic_table *table, const struct flow_cls_offload *cls)
{
	struct testnic_rule *rule;

	spin_lock_bh(&testnic_lock);
	rule = find(table, cls->cookie);
	if (rule)
		remove(rule);
	spin_unlock_bh(&testnic_lock);
	return rule ? 0 : -ENOENT;
}

static int stats(struct testnic_table *table, struct flow_cls_offload *cls)
{
	struct testnic_rule *rule;

	spin_lock_bh(&testnic_lock);
	rule = find(table, cls->cookie);
	if (rule) {
		flow_stats_update(&cls->stats, rule->bytes - rule->told_bytes,
			rule->packets - rule->told_packets, 0, rule->used,
			FLOW_ACTION_HW_STATS_DELAYED);
		rule->told_bytes = rule->bytes;
		rule->told_packets = rule->packets;
	}
	spin_unlock_bh(&testnic_lock);
	return rule ? 0 : -ENOENT;
}

int testnic_flower(struct testnic_table *table, struct flow_cls_offload *cls)
{
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		return replace(table, cls);
	case FLOW_CLS_DESTROY:
		return destroy(table, cls);
	case FLOW_CLS_STATS:
		return stats(table, cls);
	default:
		return -EOPNOTSUPP;
	}
}

static int block_cb(enum tc_setup_type type, void *data, void *priv)
{
	struct flow_cls_offload *cls = data;
	struct testnic_port *port = priv;

	if (type != TC_SETUP_CLSFLOWER || !tc_can_offload_extack(port->dev, cls->common.extack))
		return -EOPNOTSUPP;
	return testnic_flower(&port->table, cls);
}

int testnic_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data)
{
	struct testnic_port *port = testnic_port_of(dev);

	if (type != TC_SETUP_BLOCK || !port)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(data, &block_cbs, block_cb, port, port, true);
}

void testnic_rules_forget(struct testnic_table *table)
{
	struct testnic_rule *rule, *next;

	spin_lock_bh(&testnic_lock);
	list_for_each_entry_safe(rule, next, &table->rules, node) remove(rule);
	spin_unlock_bh(&testnic_lock);
}
