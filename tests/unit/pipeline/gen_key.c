/* SPDX-License-Identifier: Apache-2.0
 *
 * Random keys, as a parser makes them: few values, so that flows are hit and just missed, and no
 * member without the header that it belongs to.
 */
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

static uint64_t pick(const uint64_t *values, unsigned n)
{
	return values[rnd_below(n)];
}

#define PICK(...)                             \
	pick((const uint64_t[]){__VA_ARGS__}, \
		sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void random_bytes(void *p, size_t n)
{
	for (uint8_t *b = p; n--; b++)
		*b = (uint8_t)(rnd() >> 24);
}

static void gen_mac(uint8_t mac[6])
{
	static const uint8_t macs[][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2},
		{2, 0, 0, 0, 0, 3}, {2, 0, 0, 0, 1, 0}, {1, 0, 0x5e, 0, 0, 1},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0x80, 0xc2, 0, 0, 2}};

	memcpy(mac, macs[rnd_below(one_in(4) ? 7 : 4)], 6);
	if (one_in(16))
		mac[2 + rnd_below(4)] ^= (uint8_t)(1u << rnd_below(8));
}

static void gen_vlan(struct hal_vlan *v)
{
	uint64_t tci = PICK(0, 1, 2, 10, 20, 4095);

	v->tpid = one_in(4) ? RTE_BE16(0x88a8) : RTE_BE16(0x8100);
	tci |= HAL_VLAN_PRESENT | PICK(0, 0, 3, 5) << 13;
	v->tci = one_in(2) ? rte_cpu_to_be_16((uint16_t)tci) : 0;
}

static rte_be32_t gen_ipv4(void)
{
	uint32_t ip = 0x0a000000u | (uint32_t)PICK(0, 1, 2, 3, 0x100, 0x101, 0x10000);

	if (one_in(8))
		ip ^= 1u << rnd_below(32);
	return rte_cpu_to_be_32(ip);
}

static void gen_ipv6(uint8_t ip[16])
{
	memset(ip, 0, 16);
	ip[0] = 0x20;
	ip[1] = 1;
	ip[15] = (uint8_t)PICK(0, 1, 2, 3);
	if (one_in(8))
		ip[rnd_below(16)] ^= (uint8_t)(1u << rnd_below(8));
}

static uint16_t gen_transport(void)
{
	uint64_t port = PICK(0, 8, 22, 53, 80, 81, 135, 136, 443, 8080);

	return rte_cpu_to_be_16((uint16_t)(one_in(8) ? rnd() >> 20 : port));
}

/* A value for every member, whatever the packet is. */
static void gen_raw(struct hal_key *k)
{
	memset(k, 0, sizeof(*k));
	k->in_port = rte_cpu_to_be_32(100 + 1 + rnd_below(GEN_PORTS));
	if (one_in(8))
		k->pkt_mark = rte_cpu_to_be_32(rnd_below(4));
	gen_mac(k->eth_dst);
	gen_mac(k->eth_src);
	k->eth_type = rte_cpu_to_be_16((uint16_t)PICK(0x800, 0x800, 0x800, 0x86dd, 0x86dd, 0x806,
		0x8847, 0x8847, 0x88cc, HAL_ETH_TYPE_NONE));
	gen_vlan(&k->vlan[0]);
	gen_vlan(&k->vlan[1]);
	k->ip_proto = (uint8_t)PICK(6, 6, 17, 132, 1, 58, 58, 2, 47);
	k->ip_tos = (uint8_t)PICK(0, 0, 1, 4, 0xb8, 0xff);
	k->ip_ttl = (uint8_t)PICK(0, 1, 2, 3, 4, 64, 63, 128, 255);
	k->ip_frag = (uint8_t)PICK(0, 0, 0, HAL_FRAG_ANY, HAL_FRAG_ANY | HAL_FRAG_LATER);
	k->tp_src = gen_transport();
	k->tp_dst = gen_transport();
	k->tcp_flags = rte_cpu_to_be_16((uint16_t)PICK(0, 2, 0x10, 0x12, 0xfff));
	k->arp_op = rte_cpu_to_be_16((uint16_t)PICK(1, 2, 3, 300));
	k->ipv4_src = gen_ipv4();
	k->ipv4_dst = gen_ipv4();
	gen_ipv6(k->ipv6_src);
	gen_ipv6(k->ipv6_dst);
	k->ipv6_flabel = rte_cpu_to_be_32((uint32_t)PICK(0, 1, 0xfffff));
	k->ipv6_exthdr = rte_cpu_to_be_16((uint16_t)PICK(0, 0, 1, 0x100));
	for (unsigned i = 0; i < 3; i++)
		k->mpls_lse[i] =
			rte_cpu_to_be_32((uint32_t)(PICK(3, 16, 17, 1000) << 12 | PICK(0, 5) << 9 |
						    PICK(0, 1) << 8 | PICK(0, 1, 2, 64)));
	gen_ipv6(k->nd_target);
	gen_mac(k->arp_sha);
	gen_mac(k->arp_tha);
}

static void tidy_vlan(struct hal_key *k)
{
	for (unsigned i = 0; i < 2; i++) {
		struct hal_vlan *v = &k->vlan[i];

		if (!(v->tci & RTE_BE16(HAL_VLAN_PRESENT)) ||
			(i && !(k->vlan[0].tci & RTE_BE16(HAL_VLAN_PRESENT))))
			*v = (struct hal_vlan){0, 0};
		else if (v->tpid != RTE_BE16(0x88a8))
			v->tpid = RTE_BE16(0x8100);
	}
}

static void tidy_transport(struct hal_key *k, bool v4, bool v6)
{
	bool later = k->ip_frag & HAL_FRAG_LATER;
	bool ports = k->ip_proto == IPPROTO_TCP || k->ip_proto == IPPROTO_UDP ||
		     k->ip_proto == IPPROTO_SCTP;
	bool icmp = (v4 && (k->ip_proto == IPPROTO_ICMP || k->ip_proto == IPPROTO_IGMP)) ||
		    (v6 && k->ip_proto == IPPROTO_ICMPV6);

	if (later || !(v4 || v6) || !(ports || icmp))
		k->tp_src = k->tp_dst = 0;
	else if (icmp) {
		k->tp_src &= RTE_BE16(0xff);
		k->tp_dst &= RTE_BE16(0xff);
	}
	if (later || !(v4 || v6) || k->ip_proto != IPPROTO_TCP)
		k->tcp_flags = 0;
	else
		k->tcp_flags &= RTE_BE16(0xfff);
}

static bool is_nd(const struct hal_key *k, bool v6)
{
	return v6 && k->ip_proto == IPPROTO_ICMPV6 && !(k->ip_frag & HAL_FRAG_LATER) &&
	       (k->tp_src == RTE_BE16(135) || k->tp_src == RTE_BE16(136)) && !k->tp_dst;
}

static void tidy_mpls(struct hal_key *k, bool mpls)
{
	bool more = mpls;

	for (unsigned i = 0; i < 3; i++) {
		if (!more)
			k->mpls_lse[i] = 0;
		else
			more = !(k->mpls_lse[i] & RTE_BE32(0x100));
	}
}

void gen_key_tidy(struct hal_key *k)
{
	bool v4 = k->eth_type == RTE_BE16(0x800), v6 = k->eth_type == RTE_BE16(0x86dd);
	bool arp = k->eth_type == RTE_BE16(0x806) || k->eth_type == RTE_BE16(0x8035);

	tidy_vlan(k);
	if (!v4 && !arp)
		k->ipv4_src = k->ipv4_dst = 0;
	if (!arp)
		k->arp_op = 0;
	if (!v6) {
		memset(k->ipv6_src, 0, 16);
		memset(k->ipv6_dst, 0, 16);
		k->ipv6_flabel = 0;
		k->ipv6_exthdr = 0;
	}
	k->ipv6_flabel &= RTE_BE32(0xfffff);
	k->ipv6_exthdr &= RTE_BE16(0x1ff);
	if (!v4 && !v6)
		k->ip_proto = k->ip_tos = k->ip_ttl = k->ip_frag = 0;
	k->ip_frag &= HAL_FRAG_ANY | HAL_FRAG_LATER;
	if (k->ip_frag & HAL_FRAG_LATER)
		k->ip_frag |= HAL_FRAG_ANY;
	tidy_transport(k, v4, v6);
	tidy_mpls(k, k->eth_type == RTE_BE16(0x8847) || k->eth_type == RTE_BE16(0x8848));
	if (!is_nd(k, v6))
		memset(k->nd_target, 0, 16);
	if (!is_nd(k, v6) && !arp) {
		memset(k->arp_sha, 0, 6);
		memset(k->arp_tha, 0, 6);
	}
}

/* A header that was cut off leaves everything behind it 0. */
static void cut_off(struct hal_key *k)
{
	size_t from =
		one_in(2) ? offsetof(struct hal_key, ip_proto) : offsetof(struct hal_key, tp_src);
	rte_be32_t src = k->ipv4_src, dst = k->ipv4_dst;

	memset((uint8_t *)k + from, 0, offsetof(struct hal_key, ct_label) - from);
	if (from == offsetof(struct hal_key, tp_src) && k->eth_type == RTE_BE16(0x800)) {
		k->ipv4_src = src;
		k->ipv4_dst = dst;
	}
}

void gen_key(struct hal_key *key)
{
	gen_raw(key);
	gen_key_tidy(key);
	if (one_in(20))
		cut_off(key);
}

static bool same_under(const struct hal_key *a, const struct hal_key *b, const struct hal_key *mask)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b,
		       *m = (const uint64_t *)mask;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

/* Takes from `other` what the mask leaves open, word by word or in parts of words. */
static void mix(struct hal_key *k, const struct hal_key *other, const struct hal_key *mask)
{
	uint64_t *w = (uint64_t *)k;
	const uint64_t *o = (const uint64_t *)other, *m = (const uint64_t *)mask;
	unsigned kind = rnd_below(4);

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++) {
		uint64_t take = ~m[i];

		if (kind == 0 && one_in(2))
			continue;
		if (kind == 1)
			take &= rnd();
		if (kind == 2 && one_in(4))
			take &= rnd() & rnd();
		w[i] = (w[i] & ~take) | (o[i] & take);
	}
}

bool gen_key_like(const struct hal_key *key, const struct hal_key *mask, struct hal_key *like)
{
	for (unsigned attempt = 0; attempt < 8; attempt++) {
		struct hal_key other;

		/* Members that the other packet does not have may still be interesting here. */
		gen_raw(&other);
		if (one_in(2))
			gen_key_tidy(&other);
		if (one_in(4)) {
			random_bytes(&other.ipv4_src, 8);
			random_bytes(&other.eth_dst, 12);
			random_bytes(&other.tp_src, 4);
			random_bytes(&other.ip_tos, 2);
		}
		*like = *key;
		mix(like, &other, mask);
		gen_key_tidy(like);
		if (one_in(20))
			cut_off(like);
		if (same_under(like, key, mask) && memcmp(like, key, sizeof(*like)))
			return true;
	}
	return false;
}
