/* SPDX-License-Identifier: Apache-2.0
 *
 * The few values of each field that a program knows: few, so that flows overlap and packets hit.
 */
#include "pools.h"

#include <string.h>

static struct value mac(struct rng *r, uint8_t first, uint8_t second)
{
	struct value v = {{first, second, 0, 0, 0, 0}};

	rng_bytes(r, v.b + 3, 3);
	v.b[3] &= 3;
	return v;
}

static struct value ipv4(struct rng *r, uint8_t net)
{
	struct value v = {{10, net, 0, 0}};

	v.b[2] = (uint8_t)rng_below(r, 4);
	v.b[3] = (uint8_t)rng_u32(r);
	return v;
}

static struct value ipv6(struct rng *r, uint8_t net)
{
	struct value v = {{0xfd, net}};

	v.b[7] = (uint8_t)rng_below(r, 3);
	v.b[11] = (uint8_t)rng_below(r, 4);
	rng_bytes(r, v.b + 14, 2);
	return v;
}

static uint64_t number(struct rng *r, enum fid id, unsigned i)
{
	static const uint8_t ttl[POOL] = {64, 255, 2, 63, 1, 64};
	static const uint16_t tcp_flags[POOL] = {0x002, 0x010, 0x012, 0x018, 0x011, 0x004};
	static const uint8_t icmp[POOL] = {8, 3, 11, 5, 13, 8};
	static const uint8_t icmp6[POOL] = {128, 129, 1, 3, 128, 2};
	static const uint16_t types[POOL] = {0x88b5, 0x9999, 0x88b5, 0xb00b, 0x88f7, 0x7777};

	switch (id) {
	case D_IN_PORT:
		return 1 + i % (PORTS - 1);
	case D_ETH_TYPE:
		return types[i];
	case D_VLAN_VID:
		return 0x1000 | rng_range(r, 1, 4094);
	case D_IP_PROTO:
		return i % 2 ? 253 : 89;
	case D_IP_TTL:
		return ttl[i];
	case D_IP_FRAG:
		return i % 4;
	case D_ARP_OP:
		return 1 + i % 3;
	case D_TCP_FLAGS:
		return tcp_flags[i];
	case D_ICMP_TYPE:
		return icmp[i];
	case D_ICMP6_TYPE:
		return icmp6[i];
	case D_ICMP_CODE:
	case D_ICMP6_CODE:
		return i % 4;
	default:
		break;
	}
	return rng_range(r, 1, (1u << (fields[id].bits < 16 ? fields[id].bits : 16)) - 1);
}

static struct value pool_value(struct rng *r, enum fid id, unsigned i, uint8_t net)
{
	struct value v = {{0}};

	switch (id) {
	case D_ETH_DST:
		/* Never an address that packets come from, so that NORMAL floods. */
		return i == POOL - 1 ? mac(r, 0x07, net) : mac(r, 0x06, net);
	case D_ETH_SRC:
	case D_ARP_SHA:
	case D_ARP_THA:
	case D_ND_SLL:
	case D_ND_TLL:
		return mac(r, 0x02, net);
	case D_IPV4_SRC:
	case D_IPV4_DST:
	case D_ARP_SPA:
	case D_ARP_TPA:
		return ipv4(r, net);
	case D_IPV6_SRC:
	case D_IPV6_DST:
	case D_ND_TARGET:
		return ipv6(r, net);
	default:
		break;
	}
	if (id == D_METADATA || id == D_PKT_MARK || id >= D_FIRST_REG) {
		/* What a packet starts with, and the two values that flows write. */
		if (i == 1 || i == 2)
			rng_bytes(r, v.b, fields[id].bytes);
		return v;
	}
	if (id == D_IPV6_FLABEL)
		return value_u64(id, rng_range(r, 1, 0xfffff));
	return value_u64(id, number(r, id, i));
}

void pools_fill(struct rng *r, struct value pool[D_MAX][POOL])
{
	uint8_t net = (uint8_t)rng_u32(r);

	for (unsigned id = 0; id < D_MAX; id++)
		for (unsigned i = 0; i < POOL; i++)
			pool[id][i] = pool_value(r, (enum fid)id, i, net);
	for (unsigned id = 0; id < D_MAX; id++)
		if (id == D_METADATA || id == D_PKT_MARK || id >= D_FIRST_REG)
			for (unsigned i = 3; i < POOL; i++)
				pool[id][i] = pool[id][i % 2 + 1];
}
