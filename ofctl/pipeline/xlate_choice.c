/* SPDX-License-Identifier: Apache-2.0
 *
 * multipath and bundle: a choice by a hash of the packet. The same fields give the same choice on
 * every host and in every run.
 */
#include <string.h>

#include <rte_jhash.h>

#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_more.h"

/* What is hashed; zero where the packet lacks it. Symmetric hashes take what differs between the
 * two directions as source XOR destination. */
struct hashed {
	uint8_t eth[6];
	uint16_t vlan[2];
	uint16_t eth_type;
	uint8_t address[16];
	uint16_t ports;
	uint8_t proto;
	uint8_t pad[5];
} __attribute__((aligned(4)));

_Static_assert(sizeof(struct hashed) % 4 == 0, "rte_jhash() reads whole words");

static uint16_t eth_type(struct xlate *x)
{
	xlate_need_field(x, FIELD_ETH_TYPE);
	return rte_be_to_cpu_16(x->key.dp.eth_type);
}

static void xor_bytes(uint8_t *to, const uint8_t *a, const uint8_t *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = (uint8_t)(a[i] ^ (b ? b[i] : 0));
}

/* The source, the destination, or both. False: not IP. */
static bool add_address(struct xlate *x, struct hashed *h, bool src, bool dst)
{
	const struct hal_key *k = &x->key.dp;
	bool v6 = eth_type(x) == 0x86dd;
	const uint8_t *s = v6 ? k->ipv6_src : (const uint8_t *)&k->ipv4_src;
	const uint8_t *d = v6 ? k->ipv6_dst : (const uint8_t *)&k->ipv4_dst;

	if (!v6 && eth_type(x) != 0x0800)
		return false;
	if (src)
		xlate_need_field(x, v6 ? FIELD_IPV6_SRC : FIELD_IPV4_SRC);
	if (dst)
		xlate_need_field(x, v6 ? FIELD_IPV6_DST : FIELD_IPV4_DST);
	xor_bytes(h->address, src ? s : d, src && dst ? d : NULL, v6 ? 16 : 4);
	return true;
}

/* Protocol, and ports of TCP, SCTP and, if asked for, UDP: fragments of UDP have none, so that they
 * would part. */
static void add_transport(struct xlate *x, struct hashed *h, bool udp)
{
	static const struct {
		uint8_t proto;
		enum hal_field_id src, dst;
	} transports[] = {
		{6, FIELD_TCP_SRC, FIELD_TCP_DST},
		{132, FIELD_SCTP_SRC, FIELD_SCTP_DST},
		{17, FIELD_UDP_SRC, FIELD_UDP_DST},
	};

	xlate_need_field(x, FIELD_IP_PROTO);
	h->proto = x->key.dp.ip_proto;
	for (unsigned i = 0; i < (udp ? 3u : 2u); i++) {
		if (transports[i].proto != h->proto)
			continue;
		xlate_need_field(x, transports[i].src);
		xlate_need_field(x, transports[i].dst);
		h->ports = x->key.dp.tp_src ^ x->key.dp.tp_dst;
	}
}

static void add_l4(struct xlate *x, struct hashed *h)
{
	struct xlate_key need = {0};

	xlate_need_field(x, FIELD_ETH_SRC);
	xlate_need_field(x, FIELD_ETH_DST);
	xor_bytes(h->eth, x->key.dp.eth_src, x->key.dp.eth_dst, 6);
	for (unsigned i = 0; i < 2; i++) {
		need.dp.vlan[i].tci = RTE_BE16(0x0fff | HAL_VLAN_PRESENT);
		h->vlan[i] = x->key.dp.vlan[i].tci & need.dp.vlan[i].tci;
	}
	xlate_need_mask(x, &need);
	h->eth_type = eth_type(x);
	if (add_address(x, h, true, true))
		add_transport(x, h, false);
}

static uint32_t hash_fields(struct xlate *x, const struct of_choice *c)
{
	struct hashed h = {0};

	switch ((enum of_hash_fields)c->fields) {
	case OF_HASH_ETH_SRC:
		xlate_need_field(x, FIELD_ETH_SRC);
		memcpy(h.eth, x->key.dp.eth_src, 6);
		break;
	case OF_HASH_SYMMETRIC_L4:
		add_l4(x, &h);
		break;
	case OF_HASH_SYMMETRIC_L3L4:
	case OF_HASH_SYMMETRIC_L3L4_UDP:
		if (add_address(x, &h, true, true))
			add_transport(x, &h, c->fields == OF_HASH_SYMMETRIC_L3L4_UDP);
		break;
	case OF_HASH_NW_SRC:
		add_address(x, &h, true, false);
		break;
	case OF_HASH_NW_DST:
		add_address(x, &h, false, true);
		break;
	case OF_HASH_SYMMETRIC_L3:
		add_address(x, &h, true, true);
		break;
	case OF_HASH_MAX:
		break;
	}
	return rte_jhash(&h, sizeof(h), c->basis);
}

static uint32_t weight(uint32_t hash, uint32_t choice)
{
	return rte_jhash_2words(hash, choice, 0);
}

static uint32_t highest_weight(uint32_t hash, uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++)
		if (weight(hash, i) > weight(hash, best))
			best = i;
	return best;
}

#define ITER_MAX 4096 /* what `arg` asks for is bounded */

/* Hashes again until the low bits name a link that there is. */
static uint32_t iter_hash(uint32_t hash, uint32_t n, uint32_t tries)
{
	uint32_t mask = n > 1 ? UINT32_MAX >> __builtin_clz(n - 1) : 0;

	for (uint32_t i = 0; i < tries && i < ITER_MAX; i++) {
		uint32_t link = weight(hash, i) & mask;

		if (link < n)
			return link;
	}
	return hash % n;
}

static uint32_t choose_link(uint32_t hash, const struct of_choice *c)
{
	uint32_t n = c->max_link + 1u;

	switch ((enum of_multipath)c->algorithm) {
	case OF_MP_MODULO_N:
		return hash % n;
	case OF_MP_HASH_THRESHOLD:
		return (uint32_t)((uint64_t)hash * n >> 32);
	case OF_MP_HRW:
		return highest_weight(hash, n);
	case OF_MP_ITER_HASH:
		return iter_hash(hash, n, c->arg);
	case OF_MP_MAX:
		break;
	}
	return 0;
}

void xlate_multipath(struct xlate *x, const struct of_choice *c)
{
	uint32_t link = choose_link(hash_fields(x, c), c);

	xlate_trace(x, "multipath: link %u", link);
	subfield_write_u64(x, &c->dst, link);
}

/* Reserved ports but the bridge's own are not of the kind that can fail. */
static bool is_live(struct xlate *x, uint32_t number)
{
	const struct pl_port *p;

	if (number >= OF_PORT_MAX && number != OF_PORT_LOCAL)
		return true;
	xlate_depend(x, dep_key_port(x->br, number));
	xlate_depend(x, dep_key_live(x->br, number));
	p = bridge_port(x->br, number);
	return p && p->up;
}

static uint32_t choose_port(struct xlate *x, const struct of_choice *c)
{
	uint32_t best = OF_PORT_ANY, best_weight = 0, hash = 0;

	if (c->algorithm == OF_BD_HRW)
		hash = hash_fields(x, c);
	for (unsigned i = 0; i < c->n_ports; i++) {
		uint32_t w = weight(hash, i);

		if (!is_live(x, c->ports[i]))
			continue;
		if (c->algorithm == OF_BD_ACTIVE_BACKUP)
			return c->ports[i];
		if (best == OF_PORT_ANY || w > best_weight) {
			best = c->ports[i];
			best_weight = w;
		}
	}
	return best;
}

void xlate_bundle(struct xlate *x, const struct of_choice *c)
{
	uint32_t port = choose_port(x, c);

	xlate_trace(x, "bundle: port %u", port);
	/* In 16 bits reserved ports are the highest, too: nobody is 65535. */
	if (c->load)
		subfield_write_u64(x, &c->dst, port >= OF_PORT_MAX ? port & 0xffff : port);
	else if (port != OF_PORT_ANY)
		xlate_output(x, port, 0);
}
