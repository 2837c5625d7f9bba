/* SPDX-License-Identifier: Apache-2.0
 *
 * The TC flower classifier's view of a rule (linux/pkt_cls.h, TCA_FLOWER_*).
 *
 * What: matches to and from the attributes of a filter. A filter is written only if it takes
 * exactly the packets that the match covers; everything else is a refusal that names the field.
 *
 * How the kernel sees packets differs from how OpenFlow does, and what follows from that is here:
 *
 *   - A filter is for one protocol, which is the outermost tag's TPID if there is a tag, and an
 *     EtherType is asked for behind a known number of tags. So a match that looks at an EtherType
 *     has to know which tags there are.
 *   - Transport headers of fragments are not looked at, not even in the first one: ports read as 0.
 *     So a match that looks at them has to know that the packet is none.
 *   - Of later IPv6 fragments another protocol is told.
 *   - ARP is dissected for requests and replies only, over Ethernet and IPv4.
 *
 * Two differences stay. A filter does not take packets with an IPv6 authentication header, behind
 * which the kernel does not look: they go to software. And it takes packets that are shorter than
 * their IP header says by the headers that they seem to have, while for us they have none.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_TC_FLOWER_H
#define SLUICE_DRIVERS_TC_FLOWER_H

#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "hal/caps.h"
#include "hal/match.h"
#include "hal/rule.h"

/* What flower can match, by field. */
void tc_flower_caps(struct hal_caps *caps);

/* Protocols that have filters of their own, numbered from 1 on; 0: the filter is for all protocols.
 */
#define TC_FLOWER_SLOTS 8
unsigned tc_flower_slot(rte_be16_t protocol);

/* Appends the keys of the rule's match to the attribute that is open in `msg`, and says which
 * protocol the filter has to be for. The input port and the chain are not keys. 0, -EOPNOTSUPP with
 * `r`, or -ENOMEM if the message is full. */
int tc_flower_encode(struct nl_msg *msg, const struct hal_rule *rule, rte_be16_t *protocol,
	struct hal_reason *r);

/* The match of a filter that the kernel tells of: its keys, indexed by TCA_FLOWER_*, are written
 * into `m`, which has to be clear, with the bits of hal_caps.need that follow from them. -EINVAL
 * for one that tc_flower_encode() never makes. */
int tc_flower_decode(
	struct nlattr *const keys[TCA_FLOWER_MAX + 1], rte_be16_t protocol, struct hal_match *m);

#endif
