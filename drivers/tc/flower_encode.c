/* SPDX-License-Identifier: Apache-2.0
 *
 * A match written as flower's keys. Each member is taken off a copy of the mask as it is written:
 * what is left in the end is what flower cannot match.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "drivers/tc/flower.h"
#include "drivers/tc/flower_keys.h"
#include "hal/mutation.h"

struct encoding {
	struct nl_msg *msg;
	const struct hal_key *value;
	struct hal_key rest; /* of the mask */
	struct hal_reason *r;
	rte_be16_t protocol;
	int err;
};

static bool is_full(const void *mask, size_t n)
{
	const uint8_t *p = mask;
	uint8_t all = 0xff;

	while (n--)
		all &= *p++;
	return all == 0xff;
}

static void put(struct encoding *e, int attr, const void *value, size_t n)
{
	if (!e->err && nla_put(e->msg, attr, (int)n, value))
		e->err = -ENOMEM;
}

static void refuse(
	struct encoding *e, enum hal_reason_code code, enum hal_field_id field, const char *why)
{
	if (!e->err)
		e->err = hal_refuse_field(e->r, code, field, "%s", why);
}

/* One member, taken off the rest. */
static void put_key(struct encoding *e, const struct tc_flower_key *k)
{
	const uint8_t *value = (const uint8_t *)e->value + k->at;
	uint8_t *mask = (uint8_t *)&e->rest + k->at;

	if (!tc_any(mask, k->size))
		return;
	if (!k->mask_attr && !is_full(mask, k->size))
		return; /* it stays in the rest */
	put(e, k->attr, value, k->size);
	if (MUTATE(501, k->mask_attr, 0))
		put(e, k->mask_attr, mask, k->size);
	memset(mask, 0, k->size);
}

static void put_keys(struct encoding *e, struct tc_flower_keys keys)
{
	for (unsigned i = 0; i < keys.n; i++)
		put_key(e, &keys.key[i]);
}

/* ---- tags and EtherType ---- */

/* Whether the match knows if there is the tag, and with which TPID. */
static bool knows_tag(const struct hal_vlan *mask)
{
	return is_full(&mask->tpid, 2) && mask->tci & RTE_BE16(HAL_VLAN_PRESENT);
}

static void put_tci(struct encoding *e, unsigned i, int id_attr, int prio_attr)
{
	const uint16_t tci = rte_be_to_cpu_16(e->value->vlan[i].tci);
	rte_be16_t *rest = &e->rest.vlan[i].tci;
	uint16_t mask = rte_be_to_cpu_16(*rest);
	const uint16_t id = tci & MUTATE(542, 0xfff, 0xffe);
	const uint8_t prio = (uint8_t)(tci >> 13);

	if ((mask & 0xfff) == 0xfff) { /* in the host's order, as the kernel reads it */
		put(e, id_attr, &id, sizeof(id));
		mask &= (uint16_t)~0xfff;
	}
	if (mask >> 13 == 7) {
		if (MUTATE(502, true, false))
			put(e, prio_attr, &prio, sizeof(prio));
		mask &= 0x1fff;
	}
	*rest = rte_cpu_to_be_16(mask & (uint16_t)~HAL_VLAN_PRESENT);
	e->rest.vlan[i].tpid = 0;
}

/* How many tags the packets have, -1 if the match leaves that open from some tag on. Writes what it
 * asks of them. */
static int put_tags(struct encoding *e)
{
	static const int id[] = {TCA_FLOWER_KEY_VLAN_ID, TCA_FLOWER_KEY_CVLAN_ID};
	static const int prio[] = {TCA_FLOWER_KEY_VLAN_PRIO, TCA_FLOWER_KEY_CVLAN_PRIO};

	for (unsigned i = 0; i < 2; i++) {
		const rte_be16_t tpid = e->value->vlan[i].tpid;

		if (!knows_tag(&e->rest.vlan[i]))
			return -1;
		if (!tpid) { /* nor is there one behind it */
			memset(&e->rest.vlan[i], 0, (2 - i) * sizeof(e->rest.vlan[i]));
			return (int)i;
		}
		if (i == 0)
			e->protocol = tpid;
		put(e, i ? TCA_FLOWER_KEY_VLAN_ETH_TYPE : TCA_FLOWER_KEY_ETH_TYPE, &tpid,
			sizeof(tpid));
		put_tci(e, i, id[MUTATE(503, i, 0)], prio[MUTATE(503, i, 0)]);
	}
	return 2;
}

/* An EtherType stands behind all tags. */
static void put_eth_type(struct encoding *e, int tags)
{
	static const int attr[] = {TCA_FLOWER_KEY_ETH_TYPE, TCA_FLOWER_KEY_VLAN_ETH_TYPE,
		TCA_FLOWER_KEY_CVLAN_ETH_TYPE};
	const rte_be16_t type = e->value->eth_type;
	const uint8_t number = (uint8_t)tags;

	if (!e->rest.eth_type) {
		if (tags == 0 || tags == 1)
			put(e, TCA_FLOWER_KEY_NUM_OF_VLANS, &number, sizeof(number));
		return;
	}
	if (tags < 0) {
		refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_VLAN_TPID,
			"flower looks for an EtherType behind a known number of tags");
		return;
	}
	if (rte_be_to_cpu_16(type) < ETH_P_802_3_MIN) {
		refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_ETH_TYPE,
			"flower does not see the frames without an EtherType");
		return;
	}
	if (tags < 2 && tc_is_tpid(type)) {
		refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_ETH_TYPE,
			"the kernel drops frames whose tag is cut off");
		return;
	}
	put(e, attr[tags], &type, sizeof(type));
	if (tags == 0 && tc_flower_slot(type))
		e->protocol = type;
	else if (MUTATE(504, tags == 0, false))
		put(e, TCA_FLOWER_KEY_NUM_OF_VLANS, &number, sizeof(number));
	e->rest.eth_type = 0;
}

/* ---- network and transport ---- */

static void put_fragment(struct encoding *e)
{
	const uint8_t value = e->value->ip_frag, mask = e->rest.ip_frag;
	uint32_t flags = 0, known = 0;

	if (!mask)
		return;
	if (mask & HAL_FRAG_ANY)
		known = TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT;
	if (value & HAL_FRAG_ANY)
		flags = TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT;
	/* A packet that is no fragment is no first one for the kernel either. */
	if (mask & HAL_FRAG_LATER && !(known && !flags)) {
		if (!flags)
			return; /* "not a later one" has no key: it stays in the rest */
		known |= TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST;
		flags |= value & MUTATE(505, HAL_FRAG_LATER, 0)
				 ? 0
				 : TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST;
	}
	flags = rte_cpu_to_be_32(flags);
	known = rte_cpu_to_be_32(known);
	put(e, TCA_FLOWER_KEY_FLAGS, &flags, sizeof(flags));
	put(e, TCA_FLOWER_KEY_FLAGS_MASK, &known, sizeof(known));
	e->rest.ip_frag = 0;
}

/* Of a later IPv6 fragment the protocol is that of the fragment header for us (OpenFlow 1.3,
 * 7.2.3.7), and what follows the header for the kernel. */
static void check_ipv6_proto(struct encoding *e, const struct hal_key *mask)
{
	const uint8_t frag = e->value->ip_frag;

	if (!mask->ip_proto || e->value->eth_type != RTE_BE16(RTE_ETHER_TYPE_IPV6) ||
		MUTATE(506, false, true))
		return;
	if (mask->ip_frag & (frag & HAL_FRAG_ANY ? HAL_FRAG_LATER : HAL_FRAG_ANY) &&
		!(frag & HAL_FRAG_LATER))
		return;
	refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_IP_FRAG,
		"flower sees another protocol in later fragments");
}

static void put_ip(struct encoding *e, const struct hal_key *mask)
{
	const rte_be16_t type = e->value->eth_type;
	const struct tc_flower_keys l4 = tc_flower_l4(type, e->value->ip_proto);
	const struct hal_key before = e->rest;

	check_ipv6_proto(e, mask);
	put_fragment(e);
	put_keys(e, tc_flower_ip(type));
	if (mask->ip_proto != 0xff || !l4.n)
		return;
	put_keys(e, l4);
	if (MUTATE(507, true, false) && (tc_any(&before.tp_src, 4) || before.tcp_flags) &&
		(!(mask->ip_frag & HAL_FRAG_ANY) || e->value->ip_frag & HAL_FRAG_ANY))
		refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_IP_FRAG,
			"flower reads transport headers of whole packets only");
	/* A message's type and code are a byte each: the upper one is always 0. */
	if (l4.key->size == 1)
		*(uint8_t *)&e->rest.tp_src = *(uint8_t *)&e->rest.tp_dst = 0;
}

static void put_arp(struct encoding *e, const struct hal_key *mask)
{
	const uint16_t op = rte_be_to_cpu_16(e->value->arp_op);
	const struct hal_key before = e->rest;

	put_keys(e, tc_flower_arp);
	*(uint8_t *)&e->rest.arp_op = 0;
	if (!memcmp(&before, &e->rest, sizeof(before)))
		return;
	if (!is_full(&mask->arp_op, 2) || (op != 1 && op != 2))
		refuse(e, HAL_REASON_UNSUPPORTED_COMBINATION, FIELD_ARP_OP,
			"flower sees the members of ARP requests and replies only");
}

static void put_mpls(struct encoding *e)
{
	const uint32_t lse = rte_be_to_cpu_32(e->value->mpls_lse[0]), label = lse >> 12;
	uint32_t mask = rte_be_to_cpu_32(e->rest.mpls_lse[0]);
	const uint8_t tc = lse >> 9 & 7, bos = lse >> 8 & 1, ttl = lse & 0xff;

	if (mask >> 12 == 0xfffff)
		put(e, TCA_FLOWER_KEY_MPLS_LABEL, &label, sizeof(label)), mask &= 0xfff;
	if ((mask & 0xe00) == 0xe00)
		put(e, TCA_FLOWER_KEY_MPLS_TC, &tc, sizeof(tc)), mask &= ~0xe00u;
	if (mask & 0x100)
		put(e, TCA_FLOWER_KEY_MPLS_BOS, &bos, sizeof(bos)), mask &= ~0x100u;
	if ((mask & 0xff) == 0xff)
		put(e, TCA_FLOWER_KEY_MPLS_TTL, &ttl, sizeof(ttl)), mask &= ~0xffu;
	e->rest.mpls_lse[0] = rte_cpu_to_be_32(mask);
}

static void put_payload(struct encoding *e, const struct hal_key *mask)
{
	if (!is_full(&mask->eth_type, 2))
		return;
	if (!tc_flower_ip(e->value->eth_type).n && !e->value->ip_frag)
		e->rest.ip_frag = 0; /* what is not IP is no fragment */
	switch (rte_be_to_cpu_16(e->value->eth_type)) {
	case RTE_ETHER_TYPE_IPV4:
	case RTE_ETHER_TYPE_IPV6:
		put_ip(e, mask);
		break;
	case RTE_ETHER_TYPE_ARP:
		put_arp(e, mask);
		break;
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		put_mpls(e);
		break;
	default:
		break;
	}
}

/* ---- the whole ---- */

static int left_over(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct encoding *e = ctx;

	(void)value, (void)mask;
	refuse(e, HAL_REASON_UNSUPPORTED_MASK, id, "flower has no key for these bits of it");
	return 1;
}

static void check_rest(struct encoding *e)
{
	e->rest.in_port = e->rest.recirc_id = 0;
	if (!e->value->packet_type)
		e->rest.packet_type = 0;
	if (e->err || !tc_any(&e->rest, sizeof(e->rest)) || MUTATE(508, false, true))
		return;
	hal_match_fields(e->value, &e->rest, sizeof(e->rest), left_over, e);
	if (!e->err)
		e->err = hal_refuse(e->r, HAL_REASON_UNSUPPORTED_FIELD,
			"the match has bits that flower has no key for");
}

int tc_flower_encode(
	struct nl_msg *msg, const struct hal_rule *rule, rte_be16_t *protocol, struct hal_reason *r)
{
	struct hal_match m;
	struct encoding e = {.msg = msg, .r = r, .protocol = RTE_BE16(ETH_P_ALL)};

	hal_cmatch_expand(rule->match, &m);
	e.value = &m.value.dp;
	e.rest = m.mask.dp;
	put_keys(&e, tc_flower_ethernet);
	put_eth_type(&e, put_tags(&e));
	put_payload(&e, &m.mask.dp);
	check_rest(&e);
	*protocol = e.protocol;
	return e.err;
}
