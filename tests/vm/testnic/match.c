// SPDX-License-Identifier: GPL-2.0
/*
 * Does a packet match? The kernel's flow dissector tells what the packet has, in the layout that
 * the rule's key has.
 */
#include <linux/if_vlan.h>
#include <net/flow_dissector.h>

#include "testnic.h"

/* Bytes of a key's members; 0: not to be matched by this card. */
static const u8 key_size[FLOW_DISSECTOR_KEY_MAX] = {
	[FLOW_DISSECTOR_KEY_CONTROL] = sizeof(struct flow_dissector_key_control),
	[FLOW_DISSECTOR_KEY_BASIC] = sizeof(struct flow_dissector_key_basic),
	[FLOW_DISSECTOR_KEY_ETH_ADDRS] = sizeof(struct flow_dissector_key_eth_addrs),
	[FLOW_DISSECTOR_KEY_VLAN] = sizeof(struct flow_dissector_key_vlan),
	[FLOW_DISSECTOR_KEY_CVLAN] = sizeof(struct flow_dissector_key_vlan),
	[FLOW_DISSECTOR_KEY_NUM_OF_VLANS] = sizeof(struct flow_dissector_key_num_of_vlans),
	[FLOW_DISSECTOR_KEY_ARP] = sizeof(struct flow_dissector_key_arp),
	[FLOW_DISSECTOR_KEY_IPV4_ADDRS] = sizeof(struct flow_dissector_key_ipv4_addrs),
	[FLOW_DISSECTOR_KEY_IPV6_ADDRS] = sizeof(struct flow_dissector_key_ipv6_addrs),
	[FLOW_DISSECTOR_KEY_IP] = sizeof(struct flow_dissector_key_ip),
	[FLOW_DISSECTOR_KEY_PORTS] = sizeof(struct flow_dissector_key_ports),
	[FLOW_DISSECTOR_KEY_ICMP] = sizeof(struct flow_dissector_key_icmp),
	[FLOW_DISSECTOR_KEY_TCP] = sizeof(struct flow_dissector_key_tcp),
	[FLOW_DISSECTOR_KEY_MPLS] = sizeof(struct flow_dissector_key_mpls),
};

static bool is_zero(const u8 *at, unsigned int n)
{
	return !memchr_inv(at, 0, n);
}

int testnic_match_init(
	struct testnic_rule *rule, const struct flow_match *match, struct netlink_ext_ack *ack)
{
	const struct flow_dissector *d = match->dissector;
	unsigned int i;

	rule->dissector = *d;
	for (i = 0; i < FLOW_DISSECTOR_KEY_MAX; i++) {
		unsigned int at = d->offset[i];

		if (!dissector_uses_key(d, i))
			continue;
		if (!key_size[i]) {
			/* The ingress port is known by whose rule it is. */
			if (i == FLOW_DISSECTOR_KEY_META &&
				is_zero((u8 *)match->mask + at,
					sizeof(struct flow_dissector_key_meta)))
				continue;
			NL_SET_ERR_MSG_MOD(ack, "the card cannot match one of the keys");
			return -EOPNOTSUPP;
		}
		if (at + key_size[i] > TESTNIC_KEY) {
			NL_SET_ERR_MSG_MOD(ack, "the key is too large for the card");
			return -EOPNOTSUPP;
		}
		memcpy(rule->key + at, (u8 *)match->key + at, key_size[i]);
		memcpy(rule->mask + at, (u8 *)match->mask + at, key_size[i]);
	}
	return 0;
}

bool testnic_match(const struct testnic_rule *rule, struct sk_buff *skb)
{
	struct flow_dissector *d = (struct flow_dissector *)&rule->dissector;
	u8 key[TESTNIC_KEY] __aligned(8) = {};
	unsigned int i, j;

	/* Of unknown protocols the dissector does not tell the EtherType. */
	if (dissector_uses_key(d, FLOW_DISSECTOR_KEY_BASIC))
		((struct flow_dissector_key_basic *)(key + d->offset[FLOW_DISSECTOR_KEY_BASIC]))
			->n_proto = skb_protocol(skb, false);
	skb_flow_dissect(skb, d, key, FLOW_DISSECTOR_F_STOP_BEFORE_ENCAP);
	for (i = 0; i < FLOW_DISSECTOR_KEY_MAX; i++) {
		if (!dissector_uses_key(d, i))
			continue;
		for (j = d->offset[i]; j < d->offset[i] + (unsigned int)key_size[i]; j++)
			if ((key[j] ^ rule->key[j]) & rule->mask[j])
				return false;
	}
	return true;
}
