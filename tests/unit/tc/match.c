/* SPDX-License-Identifier: Apache-2.0 */
#include "test_tc.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>

/* Some of the bytes: each exact, under a mask, or none. */
static void some(void *mask, size_t n)
{
	const unsigned how = test_rand() % 4;

	for (uint8_t *m = mask; how && n--; m++)
		*m = how == 1 ? 0xff : (uint8_t)test_rand();
}

#define SOME(M, MEMBER) some(&(M)->MEMBER, sizeof((M)->MEMBER))
/* The lower byte of two. */
#define SOME_LOW(M, MEMBER) some((uint8_t *)&(M)->MEMBER + 1, 1)

static void tag(const struct hal_key *key, struct hal_key *m, unsigned i)
{
	uint16_t bits = HAL_VLAN_PRESENT;

	if (key->vlan[i].tpid)
		bits |= (uint16_t)((test_rand() % 2 ? 0xfff : 0) | (test_rand() % 2 ? 0xe000 : 0));
	m->vlan[i].tpid = RTE_BE16(0xffff);
	m->vlan[i].tci = rte_cpu_to_be_16(bits);
}

/* Whether an EtherType may be asked for. */
static bool tags(const struct hal_key *key, struct hal_key *m)
{
	if (test_rand() % 8 == 0)
		return false; /* of tags nothing is known */
	tag(key, m, 0);
	if (!key->vlan[0].tpid)
		return true;
	if (test_rand() % 8 == 0)
		return false; /* of an inner one nothing is known */
	tag(key, m, 1);
	return true;
}

static void transport(const struct hal_key *key, struct hal_key *m)
{
	const bool v4 = key->eth_type == RTE_BE16(ETH_P_IP);

	switch (key->ip_proto) {
	case IPPROTO_TCP:
		SOME(m, tcp_flags);
		m->tcp_flags &= RTE_BE16(0xfff);
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		SOME(m, tp_src);
		SOME(m, tp_dst);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (v4 == (key->ip_proto == IPPROTO_ICMPV6))
			break;
		SOME_LOW(m, tp_src);
		SOME_LOW(m, tp_dst);
		break;
	default:
		break;
	}
}

/* Of IPv6: not of later fragments. */
static bool protocol_is_known(const struct hal_key *key, const struct hal_key *m)
{
	if (key->ip_frag & HAL_FRAG_LATER)
		return false;
	return m->ip_frag & (key->ip_frag ? HAL_FRAG_LATER : HAL_FRAG_ANY);
}

static void ip(const struct hal_key *key, struct hal_key *m)
{
	const bool v6 = key->eth_type == RTE_BE16(ETH_P_IPV6);

	if (key->eth_type == RTE_BE16(ETH_P_IP)) {
		SOME(m, ipv4_src);
		SOME(m, ipv4_dst);
	} else {
		SOME(m, ipv6_src);
		SOME(m, ipv6_dst);
	}
	SOME(m, ip_tos);
	SOME(m, ip_ttl);
	if (!(key->ip_frag & HAL_FRAG_ANY))
		m->ip_frag = test_rand() % 2 ? HAL_FRAG_ANY | HAL_FRAG_LATER : 0;
	else if (test_rand() % 2)
		m->ip_frag = test_rand() % 2 ? HAL_FRAG_ANY | HAL_FRAG_LATER : HAL_FRAG_ANY;
	if (test_rand() % 4 == 0 || (v6 && !protocol_is_known(key, m)))
		return;
	m->ip_proto = 0xff;
	if (m->ip_frag && !key->ip_frag)
		transport(key, m);
}

static void arp(const struct hal_key *key, struct hal_key *m)
{
	if (key->arp_op != RTE_BE16(1) && key->arp_op != RTE_BE16(2))
		return;
	m->arp_op = RTE_BE16(0xffff);
	SOME(m, ipv4_src);
	SOME(m, ipv4_dst);
	SOME(m, arp_sha);
	SOME(m, arp_tha);
}

static void mpls(struct hal_key *m)
{
	static const uint32_t parts[] = {0xfffff000, 0xe00, 0x100, 0xff};
	uint32_t mask = 0;

	for (unsigned i = 0; i < RTE_DIM(parts); i++)
		mask |= test_rand() % 2 ? parts[i] : 0;
	m->mpls_lse[0] = rte_cpu_to_be_32(mask);
}

static void random_mask(const struct hal_key *key, struct hal_key *m)
{
	const uint16_t type = rte_be_to_cpu_16(key->eth_type);

	m->in_port = RTE_BE32(0xffffffff);
	SOME(m, eth_dst);
	SOME(m, eth_src);
	if (!tags(key, m) || test_rand() % 8 == 0 || type < ETH_P_802_3_MIN ||
		type == ETH_P_8021Q || type == ETH_P_8021AD)
		return;
	m->eth_type = RTE_BE16(0xffff);
	if (type == ETH_P_IP || type == ETH_P_IPV6)
		ip(key, m);
	else if (type == ETH_P_ARP)
		arp(key, m);
	else if (type == ETH_P_MPLS_UC || type == ETH_P_MPLS_MC)
		mpls(m);
}

static bool is_ip(const struct hal_key *key)
{
	return key->eth_type == RTE_BE16(ETH_P_IP) || key->eth_type == RTE_BE16(ETH_P_IPV6);
}

/* What is read back with it. */
static void imply(const struct hal_key *key, struct hal_key *m)
{
	if (!m->eth_type)
		return;
	if (!key->vlan[0].tpid)
		m->vlan[1] = (struct hal_vlan){RTE_BE16(0xffff), RTE_BE16(HAL_VLAN_PRESENT)};
	if (!is_ip(key))
		m->ip_frag = HAL_FRAG_ANY | HAL_FRAG_LATER;
}

void random_match_of(const struct hal_key *key, struct hal_match *m)
{
	const uint8_t *k = (const uint8_t *)key;
	uint8_t *value = (uint8_t *)&m->value.dp, *mask = (uint8_t *)&m->mask.dp;

	memset(m, 0, sizeof(*m));
	random_mask(key, &m->mask.dp);
	imply(key, &m->mask.dp);
	for (unsigned i = 0; i < sizeof(*key); i++)
		value[i] = k[i] & mask[i];
}

void random_match(struct hal_match *m)
{
	static const uint16_t types[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_IP, ETH_P_IPV6, ETH_P_ARP,
		ETH_P_MPLS_UC, ETH_P_MPLS_MC, ETH_P_LLDP};
	static const uint8_t protos[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE};
	const unsigned n_tags = test_rand() % 3;
	struct hal_key key;

	for (unsigned i = 0; i < sizeof(key); i++)
		((uint8_t *)&key)[i] = (uint8_t)test_rand();
	memset(key.vlan, 0, sizeof(key.vlan));
	for (unsigned i = 0; i < n_tags; i++) {
		key.vlan[i].tpid = test_rand() % 2 ? RTE_BE16(RTE_ETHER_TYPE_VLAN)
						   : RTE_BE16(RTE_ETHER_TYPE_QINQ);
		key.vlan[i].tci = rte_cpu_to_be_16((uint16_t)test_rand() | HAL_VLAN_PRESENT);
	}
	key.eth_type = rte_cpu_to_be_16(types[test_rand() % RTE_DIM(types)]);
	key.ip_proto = protos[test_rand() % RTE_DIM(protos)];
	if (!is_ip(&key))
		key.ip_frag = 0;
	else
		key.ip_frag = test_rand() % 2   ? 0
			      : test_rand() % 2 ? HAL_FRAG_ANY
						: HAL_FRAG_ANY | HAL_FRAG_LATER;
	key.arp_op = rte_cpu_to_be_16((uint16_t)(1 + test_rand() % 2));
	random_match_of(&key, m);
}
