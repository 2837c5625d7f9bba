// SPDX-License-Identifier: GPL-2.0
/*
 * Rules set on a bond whose members are ports of the card: the kernel offers each netdev that has
 * no offload of its own to whom it may concern (flow_indr_dev_register()).
 *
 * Packets that come in by any member are matched; what is sent to the bond leaves by one of the
 * members that are up, by its hash. Members come and go as they like: who they are is asked for
 * each packet, and a rule is taken only if all of them are the card's.
 */
#include <linux/slab.h>
#include <net/bonding.h>
#include <net/flow_dissector.h>
#include <net/pkt_cls.h>

#include "testnic.h"

struct bond_rules {
	struct list_head node; /* of bonds */
	struct net_device *dev;
	struct testnic_table table;
};

static LIST_HEAD(bonds);     /* of struct bond_rules, guarded by testnic_lock */
static LIST_HEAD(block_cbs); /* guarded by RTNL */

struct testnic_table *testnic_bond_table(const struct testnic_port *port)
{
	struct testnic_table *found = NULL;
	const struct net_device *master;
	struct bond_rules *b;

	rcu_read_lock();
	master = netdev_master_upper_dev_get_rcu(port->dev);
	list_for_each_entry(b, &bonds, node) if (b->dev == master) found = &b->table;
	rcu_read_unlock();
	return found;
}

bool testnic_bond_is_ours(struct net_device *bond)
{
	struct net_device *member;
	unsigned int n = 0;
	bool ours = true;

	if (!bond || !netif_is_bond_master(bond))
		return false;
	rcu_read_lock();
	for_each_netdev_in_bond_rcu(bond, member)
	{
		ours &= testnic_port_of(member) != NULL;
		n++;
	}
	rcu_read_unlock();
	return ours && n;
}

struct testnic_port *testnic_bond_member(int ifindex, struct sk_buff *skb)
{
	struct testnic_port *up[TESTNIC_PORTS];
	struct net_device *bond, *member;
	unsigned int n = 0;

	rcu_read_lock();
	bond = dev_get_by_index_rcu(&init_net, ifindex);
	if (bond) {
		for_each_netdev_in_bond_rcu(bond, member)
		{
			struct testnic_port *port = testnic_port_of(member);

			if (port && testnic_port_is_up(port) && n < TESTNIC_PORTS)
				up[n++] = port;
		}
	}
	rcu_read_unlock();
	return n ? up[skb_get_hash(skb) % n] : NULL;
}

static int block_cb(enum tc_setup_type type, void *data, void *priv)
{
	struct flow_cls_offload *cls = data;
	struct bond_rules *b = priv;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	if (cls->command == FLOW_CLS_REPLACE && !testnic_bond_is_ours(b->dev)) {
		NL_SET_ERR_MSG_MOD(
			cls->common.extack, "not all members of the bond are ports of the card");
		return -EOPNOTSUPP;
	}
	return testnic_flower(&b->table, cls);
}

static void release(void *priv)
{
	struct bond_rules *b = priv;

	spin_lock_bh(&testnic_lock);
	list_del(&b->node);
	spin_unlock_bh(&testnic_lock);
	testnic_rules_forget(&b->table);
	kfree(b);
}

static struct bond_rules *find(const struct net_device *dev)
{
	struct bond_rules *b, *found = NULL;

	spin_lock_bh(&testnic_lock);
	list_for_each_entry(b, &bonds, node) if (b->dev == dev) found = b;
	spin_unlock_bh(&testnic_lock);
	return found;
}

static int bind(struct net_device *dev, struct Qdisc *sch, struct flow_block_offload *bo,
	void *data, void (*cleanup)(struct flow_block_cb *cb))
{
	struct flow_block_cb *cb;
	struct bond_rules *b;

	if (find(dev))
		return -EEXIST;
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	b->dev = dev;
	INIT_LIST_HEAD(&b->table.rules);
	cb = flow_indr_block_cb_alloc(block_cb, b, b, release, bo, dev, sch, data, NULL, cleanup);
	if (IS_ERR(cb)) {
		kfree(b);
		return PTR_ERR(cb);
	}
	spin_lock_bh(&testnic_lock);
	list_add(&b->node, &bonds);
	spin_unlock_bh(&testnic_lock);
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &block_cbs);
	return 0;
}

static int unbind(struct net_device *dev, struct flow_block_offload *bo)
{
	struct bond_rules *b = find(dev);
	struct flow_block_cb *cb = b ? flow_block_cb_lookup(bo->block, block_cb, b) : NULL;

	if (!cb)
		return -ENOENT;
	flow_indr_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}

static int setup(struct net_device *dev, struct Qdisc *sch, void *priv, enum tc_setup_type type,
	void *type_data, void *data, void (*cleanup)(struct flow_block_cb *cb))
{
	struct flow_block_offload *bo = type_data;

	if (type != TC_SETUP_BLOCK || !dev || !netif_is_bond_master(dev) ||
		bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	bo->driver_block_list = &block_cbs;
	return bo->command == FLOW_BLOCK_BIND ? bind(dev, sch, bo, data, cleanup) : unbind(dev, bo);
}

int testnic_indirect_init(void)
{
	return flow_indr_dev_register(setup, NULL);
}

void testnic_indirect_exit(void)
{
	flow_indr_dev_unregister(setup, NULL, release);
}
