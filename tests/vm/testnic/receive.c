// SPDX-License-Identifier: GPL-2.0
/*
 * A frame comes in by the cable: rules of the port, chain by chain; what none takes goes to the
 * CPU.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "testnic.h"

#define MAX_CHAINS 16 /* that a packet goes through, against loops */

/* As TC sees a packet: its outermost tag beside it, the data from the Ethernet header on. */
static struct sk_buff *prepare(struct testnic_port *port, struct sk_buff *skb)
{
	skb = skb_unshare(skb, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_orphan(skb);
	skb_scrub_packet(skb, true);
	skb->protocol = eth_type_trans(skb, port->dev);
	if (eth_type_vlan(skb->protocol)) {
		skb = skb_vlan_untag(skb);
		if (!skb)
			return NULL;
	}
	skb_push(skb, ETH_HLEN);
	return skb;
}

/* After edits: where the headers are now. */
static void look_again(struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb_reset_mac_len(skb);
	skb->protocol = eth_hdr(skb)->h_proto;
}

static struct testnic_rule *lookup(struct testnic_table *table, u32 chain, struct sk_buff *skb)
{
	struct testnic_rule *rule;

	look_again(skb);
	list_for_each_entry(rule, &table->rules, node)
	{
		if (rule->chain != chain || (rule->protocol != htons(ETH_P_ALL) &&
						    rule->protocol != skb_protocol(skb, false)))
			continue;
		if (testnic_match(rule, skb))
			return rule;
	}
	return NULL;
}

static void count(struct testnic_rule *rule, const struct sk_buff *skb)
{
	rule->packets++;
	rule->bytes += skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	rule->used = jiffies;
}

static void to_cpu(struct testnic_port *port, struct sk_buff *skb)
{
	look_again(skb);
	skb->protocol = eth_type_trans(skb, port->dev);
	netif_rx(skb);
}

/* Chain by chain, to a packet that *rule takes. */
static enum testnic_verdict run(
	struct testnic_table *table, struct testnic_rule *rule, struct sk_buff **skb)
{
	enum testnic_verdict verdict = TESTNIC_GOTO;
	unsigned int chains = 0;
	u32 chain = 0;

	while (rule) {
		count(rule, *skb);
		verdict = testnic_actions_run(rule, skb, &chain);
		if (verdict != TESTNIC_GOTO)
			return verdict;
		rule = ++chains < MAX_CHAINS ? lookup(table, chain, *skb) : NULL;
	}
	return TESTNIC_TO_CPU;
}

/* The port's own rules come first, as they would in the kernel. True: rules did with it what they
 * say. */
static bool hardware(struct testnic_port *port, struct sk_buff **skb)
{
	enum testnic_verdict verdict = TESTNIC_TO_CPU;
	struct testnic_table *table = &port->table;
	struct testnic_rule *rule;

	spin_lock_bh(&testnic_lock);
	rule = lookup(table, 0, *skb);
	if (!rule) {
		table = testnic_bond_table(port);
		rule = table ? lookup(table, 0, *skb) : NULL;
	}
	if (rule)
		verdict = run(table, rule, skb);
	spin_unlock_bh(&testnic_lock);
	return verdict == TESTNIC_DONE;
}

void testnic_receive(struct testnic_port *port, struct sk_buff *skb)
{
	if (!port->dev || !netif_running(port->dev)) {
		kfree_skb(skb);
		return;
	}
	dev_sw_netstats_rx_add(port->dev, skb->len);
	skb = prepare(port, skb);
	if (skb && !hardware(port, &skb))
		to_cpu(port, skb);
}
