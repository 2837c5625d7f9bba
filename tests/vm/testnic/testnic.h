/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A switchdev NIC without hardware, for tests: it takes flower rules as the eSwitch of a card
 * would, says in_hw of them, and runs them on the frames that its cables bring.
 *
 * What: each port is two netdevs. swpN is the representor, the one that a switch sees: rules are
 * set on it, what no rule takes arrives by it, and what is sent by it leaves by the cable. wireN is
 * the far end of the cable: what is sent by it comes in at the port.
 *
 *   wire0 --frames--> [ rules of swp0 ] --hit--> actions --> wire1
 *                            |
 *                            +--miss--> swp0 (a packet received there)
 *
 * Whatever the kernel's flow dissector can tell is matched, not what one certain driver asks for.
 *
 * Locking: rules are read in softirqs and changed by TC under its own locks; testnic_lock guards
 * the lists and the counters.
 */
#ifndef TESTNIC_H
#define TESTNIC_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/devlink.h>
#include <net/flow_offload.h>

#define TESTNIC_PORTS 16
#define TESTNIC_ACTIONS 32
#define TESTNIC_KEY 512 /* bytes of the largest key that flower has */

struct testnic_policer;

struct testnic_action {
	struct flow_action_entry entry;  /* of it only plain values */
	struct testnic_port *to;         /* MIRRED, REDIRECT; NULL: to a bond */
	int bond;                        /* its ifindex */
	struct testnic_policer *policer; /* POLICE */
};

/* The rules of one netdev: of a representor, or of a bond (indirect.c). */
struct testnic_table {
	struct list_head rules; /* the lowest prio first */
};

struct testnic_rule {
	struct list_head node; /* of the table's */
	struct hlist_node by_cookie;
	struct testnic_table *table;
	unsigned long cookie;
	u32 prio, chain;
	__be16 protocol; /* the outermost, a tag's if there is one; ETH_P_ALL: any */
	struct flow_dissector dissector;
	u8 key[TESTNIC_KEY], mask[TESTNIC_KEY];
	unsigned int n_actions;
	struct testnic_action action[TESTNIC_ACTIONS];
	u64 packets, bytes, told_packets, told_bytes, used; /* used: jiffies */
};

struct testnic_port {
	unsigned int index;
	struct net_device *dev, *wire; /* NULL: it is not there */
	struct testnic_table table;
	struct devlink_port devlink;
};

extern struct testnic_port testnic_ports[TESTNIC_PORTS];
extern unsigned int testnic_n_ports;
extern spinlock_t testnic_lock;

/* ---- flower.c: rules set by TC ---- */

extern unsigned int testnic_max_rules;
int testnic_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data);
/* A rule set, taken away or read. */
int testnic_flower(struct testnic_table *table, struct flow_cls_offload *cls);
void testnic_rules_forget(struct testnic_table *table); /* all that are left when it goes */

/* ---- indirect.c: rules set on a netdev that is not the card's, a bond of its ports ---- */

int testnic_indirect_init(void); /* 0 or -errno */
void testnic_indirect_exit(void);
/* The rules of the bond that the port is in, or NULL. With testnic_lock held. */
struct testnic_table *testnic_bond_table(const struct testnic_port *port);
/* Whether all members of the netdev, a bond, are ports of the card. */
bool testnic_bond_is_ours(struct net_device *bond);
/* The member that a packet leaves by, or NULL: none of them is up. */
struct testnic_port *testnic_bond_member(int ifindex, struct sk_buff *skb);

/* ---- match.c ---- */

/* 0, or an error with words in `ack`. */
int testnic_match_init(
	struct testnic_rule *rule, const struct flow_match *match, struct netlink_ext_ack *ack);
bool testnic_match(const struct testnic_rule *rule, struct sk_buff *skb);

/* ---- action.c ---- */

#define REFUSE(ack, what)                                                  \
	({                                                                 \
		NL_SET_ERR_MSG_MOD(ack, "the card cannot do this: " what); \
		-EOPNOTSUPP;                                               \
	})

int testnic_actions_init(
	struct testnic_rule *rule, struct flow_rule *flow, struct netlink_ext_ack *ack);

void testnic_actions_put(struct testnic_rule *rule); /* with testnic_lock */

enum testnic_verdict { TESTNIC_DONE, TESTNIC_TO_CPU, TESTNIC_GOTO };

/* Runs a rule's actions. Consumes the packet (then *skb is NULL), or leaves it for the CPU or for
 * *chain. */
enum testnic_verdict testnic_actions_run(
	const struct testnic_rule *rule, struct sk_buff **skb, u32 *chain);

/* ---- police.c: policers ---- */

int testnic_police_register(void);
void testnic_police_unregister(void);
int testnic_police_init(struct testnic_action *action, struct netlink_ext_ack *ack);
void testnic_police_put(struct testnic_action *action); /* with testnic_lock */
/* Whether the packet conforms. With testnic_lock. */
bool testnic_police(struct testnic_policer *p, const struct sk_buff *skb);

/* ---- edit.c: headers written, checksums put right ---- */

/* Where the network header begins behind the tags, and its EtherType. */
int testnic_l3_offset(struct sk_buff *skb, __be16 *proto);
int testnic_mangle(struct sk_buff *skb, const struct flow_action_entry *entry);
int testnic_checksum(struct sk_buff *skb, u32 flags);

/* ---- mpls.c: label stack entries, behind all tags ---- */

int testnic_mpls_push(struct sk_buff *skb, const struct flow_action_entry *entry);
int testnic_mpls_pop(struct sk_buff *skb, const struct flow_action_entry *entry);
int testnic_mpls_mangle(struct sk_buff *skb, const struct flow_action_entry *entry);

/* ---- port.c ---- */

struct testnic_port *testnic_port_of(const struct net_device *dev); /* NULL: none of ours */
bool testnic_port_is_up(const struct testnic_port *port);           /* and its cable */
void testnic_send(struct testnic_port *port, struct sk_buff *skb);  /* out by the cable */

/* Brings frames that were sent by the wire in (receive.c). */
void testnic_receive(struct testnic_port *port, struct sk_buff *skb);

#endif
