// SPDX-License-Identifier: GPL-2.0
/*
 * Actions of a rule.
 */
#include <linux/if_vlan.h>

#include "testnic.h"

/* Where a mirror or redirection goes to. */
static int find_port(struct testnic_action *action, struct netlink_ext_ack *ack)
{
	action->to = testnic_port_of(action->entry.dev);
	if (!action->to && !testnic_bond_is_ours(action->entry.dev))
		return REFUSE(ack, "output by a port that is not its own");
	action->bond = action->to ? 0 : action->entry.dev->ifindex;
	return 0;
}

static int action_init(struct testnic_action *action, struct netlink_ext_ack *ack)
{
	switch (action->entry.id) {
	case FLOW_ACTION_DROP:
	case FLOW_ACTION_ACCEPT:
	case FLOW_ACTION_TRAP:
	case FLOW_ACTION_GOTO:
	case FLOW_ACTION_VLAN_PUSH:
	case FLOW_ACTION_VLAN_POP:
	case FLOW_ACTION_VLAN_MANGLE:
	case FLOW_ACTION_CSUM:
	case FLOW_ACTION_MPLS_PUSH:
	case FLOW_ACTION_MPLS_POP:
	case FLOW_ACTION_MPLS_MANGLE:
		return 0;
	case FLOW_ACTION_MANGLE:
	case FLOW_ACTION_ADD:
		if (action->entry.mangle.htype == FLOW_ACT_MANGLE_UNSPEC)
			return REFUSE(ack, "a header written that it does not know");
		return 0;
	case FLOW_ACTION_MIRRED:
	case FLOW_ACTION_REDIRECT:
		return find_port(action, ack);
	case FLOW_ACTION_SAMPLE:
		return REFUSE(ack, "sample");
	case FLOW_ACTION_POLICE:
		return testnic_police_init(action, ack);
	case FLOW_ACTION_CT:
		return REFUSE(ack, "connection tracking");
	case FLOW_ACTION_TUNNEL_ENCAP:
	case FLOW_ACTION_TUNNEL_DECAP:
		return REFUSE(ack, "tunnels");
	default:
		return REFUSE(ack, "an action that it does not know");
	}
}

int testnic_actions_init(
	struct testnic_rule *rule, struct flow_rule *flow, struct netlink_ext_ack *ack)
{
	struct flow_action_entry *entry;
	int i, err;

	flow_action_for_each(i, entry, &flow->action)
	{
		if (i >= TESTNIC_ACTIONS)
			return REFUSE(ack, "so many actions");
		rule->action[i].entry = *entry;
		err = action_init(&rule->action[i], ack);
		if (err)
			return err;
		rule->n_actions = i + 1;
	}
	return 0;
}

void testnic_actions_put(struct testnic_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n_actions; i++)
		testnic_police_put(&rule->action[i]);
}

static int vlan_mangle(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	if (!skb_vlan_tag_present(skb))
		return -EINVAL;
	__vlan_hwaccel_put_tag(skb, entry->vlan.proto,
		entry->vlan.vid | (u16)(entry->vlan.prio << VLAN_PRIO_SHIFT));
	return 0;
}

static void send(const struct testnic_action *action, struct sk_buff *skb)
{
	struct testnic_port *to =
		action->bond ? testnic_bond_member(action->bond, skb) : action->to;

	if (to)
		testnic_send(to, skb);
	else
		kfree_skb(skb);
}

static void send_copy(const struct testnic_action *action, const struct sk_buff *skb)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);

	if (copy)
		send(action, copy);
}

/* An edit; a packet that it cannot be done to is dropped. */
static int edit(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	switch (entry->id) {
	case FLOW_ACTION_VLAN_PUSH:
		return skb_vlan_push(skb, entry->vlan.proto,
			entry->vlan.vid | (u16)(entry->vlan.prio << VLAN_PRIO_SHIFT));
	case FLOW_ACTION_VLAN_POP:
		return skb_vlan_pop(skb);
	case FLOW_ACTION_VLAN_MANGLE:
		return vlan_mangle(skb, entry);
	case FLOW_ACTION_MANGLE:
	case FLOW_ACTION_ADD:
		return testnic_mangle(skb, entry);
	case FLOW_ACTION_MPLS_PUSH:
		return testnic_mpls_push(skb, entry);
	case FLOW_ACTION_MPLS_POP:
		return testnic_mpls_pop(skb, entry);
	case FLOW_ACTION_MPLS_MANGLE:
		return testnic_mpls_mangle(skb, entry);
	case FLOW_ACTION_CSUM:
		return testnic_checksum(skb, entry->csum_flags);
	default:
		return -EINVAL;
	}
}

enum testnic_verdict testnic_actions_run(
	const struct testnic_rule *rule, struct sk_buff **pskb, u32 *chain)
{
	struct sk_buff *skb = *pskb;
	unsigned int i;

	for (i = 0; i < rule->n_actions; i++) {
		const struct testnic_action *action = &rule->action[i];

		switch (action->entry.id) {
		case FLOW_ACTION_ACCEPT:
		case FLOW_ACTION_TRAP:
			return TESTNIC_TO_CPU;
		case FLOW_ACTION_GOTO:
			*chain = action->entry.chain_index;
			return TESTNIC_GOTO;
		case FLOW_ACTION_DROP:
			goto drop;
		case FLOW_ACTION_POLICE:
			if (!testnic_police(action->policer, skb))
				goto drop;
			break;
		case FLOW_ACTION_MIRRED:
			send_copy(action, skb);
			break;
		case FLOW_ACTION_REDIRECT:
			*pskb = NULL;
			send(action, skb);
			return TESTNIC_DONE;
		default:
			if (edit(skb, &action->entry))
				goto drop;
			break;
		}
	}
	/* Nothing said where it goes: the CPU sees it, as after a pipe in TC. */
	return TESTNIC_TO_CPU;

drop:
	*pskb = NULL;
	kfree_skb(skb);
	return TESTNIC_DONE;
}
