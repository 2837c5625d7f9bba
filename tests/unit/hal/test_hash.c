/* SPDX-License-Identifier: Apache-2.0
 *
 * The flow hash: what it depends on, and what not.
 */
#include "hal/hash.h"

#include "tests/unit/hal/test.h"

static struct hal_key tcp4(void)
{
	return (struct hal_key){.eth_src = {2, 0, 0, 0, 0, 1},
		.eth_dst = {2, 0, 0, 0, 0, 2},
		.eth_type = RTE_BE16(0x0800),
		.ip_proto = IPPROTO_TCP,
		.ipv4_src = RTE_BE32(0x0a000001),
		.ipv4_dst = RTE_BE32(0x0a000002),
		.tp_src = RTE_BE16(1000),
		.tp_dst = RTE_BE16(80)};
}

static struct hal_key turned(struct hal_key k)
{
	struct hal_key t = k;

	memcpy(t.eth_src, k.eth_dst, 6);
	memcpy(t.eth_dst, k.eth_src, 6);
	t.ipv4_src = k.ipv4_dst;
	t.ipv4_dst = k.ipv4_src;
	t.tp_src = k.tp_dst;
	t.tp_dst = k.tp_src;
	return t;
}

static uint32_t hash_of(struct hal_key k, enum hal_hash algorithm, uint32_t basis)
{
	struct hal_flow_id id;

	hal_flow_id(&k, &id);
	return hal_flow_hash(&id, algorithm, basis);
}

static void directions(void)
{
	struct hal_key k = tcp4(), arp = {.eth_type = RTE_BE16(0x0806), .eth_src = {2, 1}};

	CU_ASSERT_EQUAL(hash_of(k, HAL_HASH_SYM_L4, 7), hash_of(turned(k), HAL_HASH_SYM_L4, 7));
	CU_ASSERT_NOT_EQUAL(hash_of(k, HAL_HASH_L4, 7), hash_of(turned(k), HAL_HASH_L4, 7));
	CU_ASSERT_NOT_EQUAL(hash_of(k, HAL_HASH_SYM_L4, 7), hash_of(k, HAL_HASH_SYM_L4, 8));
	CU_ASSERT_EQUAL(hash_of(arp, HAL_HASH_SYM_L4, 0), hash_of(turned(arp), HAL_HASH_SYM_L4, 0));
}

/* What has the same transport, or none, is told apart by its Ethernet or ARP addresses. */
static void link_addresses(void)
{
	struct hal_key k = tcp4(), arp = {.eth_type = RTE_BE16(0x0806)};
	uint32_t h = hash_of(k, HAL_HASH_SYM_L2, 7);

	CU_ASSERT_EQUAL(hash_of(turned(k), HAL_HASH_SYM_L2, 7), h);
	k.eth_src[5] ^= 1;
	CU_ASSERT_NOT_EQUAL(hash_of(k, HAL_HASH_SYM_L2, 7), h);
	k = tcp4();
	k.tp_src ^= RTE_BE16(4);
	CU_ASSERT_NOT_EQUAL(hash_of(k, HAL_HASH_SYM_L2, 7), h);
	h = hash_of(arp, HAL_HASH_SYM_L2, 7);
	arp.ipv4_dst ^= RTE_BE32(1);
	CU_ASSERT_NOT_EQUAL(hash_of(arp, HAL_HASH_SYM_L2, 7), h);
	CU_ASSERT_EQUAL(hash_of(turned(arp), HAL_HASH_SYM_L2, 7), hash_of(arp, HAL_HASH_SYM_L2, 7));
}

/* Each member of the 5-tuple counts in both, what is not of it in none. */
static void members(void)
{
	for (enum hal_hash a = HAL_HASH_SYM_L4; a <= HAL_HASH_L4; a++) {
		struct hal_key k = tcp4(), icmp = tcp4();
		uint32_t h = hash_of(k, a, 0);

		k.ipv4_src ^= RTE_BE32(4);
		CU_ASSERT_NOT_EQUAL(hash_of(k, a, 0), h);
		k = tcp4();
		k.tp_dst ^= RTE_BE16(4);
		CU_ASSERT_NOT_EQUAL(hash_of(k, a, 0), h);
		k = tcp4();
		k.ip_proto = IPPROTO_UDP;
		CU_ASSERT_NOT_EQUAL(hash_of(k, a, 0), h);
		k = tcp4();
		k.eth_src[5] ^= 4;
		k.ip_ttl = 3;
		k.vlan[0].tci = RTE_BE16(0x1005);
		CU_ASSERT_EQUAL(hash_of(k, a, 0), h);
		icmp.ip_proto = IPPROTO_ICMP;
		h = hash_of(icmp, a, 0);
		icmp.tp_src = 0; /* type and code are no ports */
		CU_ASSERT_EQUAL(hash_of(icmp, a, 0), h);
	}
}

/* Flows spread: no bucket of 8 gets more than twice its share of 8000. */
static void spread(void)
{
	unsigned n[2][8] = {{0}};

	for (unsigned i = 0; i < 8000; i++) {
		struct hal_key k = tcp4();

		k.tp_src = rte_cpu_to_be_16((uint16_t)(1024 + i));
		n[0][hash_of(k, HAL_HASH_SYM_L4, 0) % 8]++;
		n[1][hash_of(k, HAL_HASH_L4, 0) % 8]++;
	}
	for (unsigned i = 0; i < 8; i++) {
		CU_ASSERT(n[0][i] > 500 && n[0][i] < 2000);
		CU_ASSERT(n[1][i] > 500 && n[1][i] < 2000);
	}
}

static void tunnel_port(void)
{
	struct hal_key k = tcp4();
	struct hal_flow_id id;

	for (unsigned i = 0; i < 100; i++) {
		k.tp_src = rte_cpu_to_be_16((uint16_t)i);
		hal_flow_id(&k, &id);
		CU_ASSERT(hal_tunnel_src_port(&id) >= 49152);
	}
}

CU_TestInfo hash_tests[] = {
	{"directions", directions},
	{"link addresses", link_addresses},
	{"members", members},
	{"spread", spread},
	{"tunnel source port", tunnel_port},
	CU_TEST_INFO_NULL,
};
