/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets translated: addresses, ports, checksums; of an ICMP error the packet inside, too.
 */
#include <netinet/in.h>
#include <stddef.h>

#include <rte_ip.h>

#include "hal/mutation.h"
#include "swpath/checksum.h"
#include "swpath/ct/ct.h"

#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define HEADERS 20 /* of a transport header that may change, bytes */

static uint8_t turned(uint8_t nat)
{
	return nat ? nat ^ (HAL_NAT_SRC | HAL_NAT_DST) : 0;
}

/* What is translated in packets of a direction: the other end in replies. */
static uint8_t nat_of(const struct ct_conn *c, bool reply)
{
	return reply ? turned(c->nat) : c->nat;
}

uint32_t ct_nat_state(const struct ct_conn *c, bool reply)
{
	uint8_t nat = nat_of(c, reply);

	return nat & HAL_NAT_SRC ? HAL_CS_SNAT : nat & HAL_NAT_DST ? HAL_CS_DNAT : 0;
}

static const uint8_t *bytes_at(const struct swpath_packet *p, uint32_t at)
{
	return rte_pktmbuf_mtod_offset(p->m, const uint8_t *, at);
}

static uint32_t address_at(bool ipv6, bool src)
{
	if (ipv6)
		return src ? offsetof(struct rte_ipv6_hdr, src_addr)
			   : offsetof(struct rte_ipv6_hdr, dst_addr);
	return src ? offsetof(struct rte_ipv4_hdr, src_addr)
		   : offsetof(struct rte_ipv4_hdr, dst_addr);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static void put_address(struct swpath_packet *p, const struct ct_tuple *to, bool src)
{
	enum swpath_sum sum = to->ipv6 ? SWPATH_SUM_PSEUDO : SWPATH_SUM_ADDR;
	const uint8_t *addr = src ? to->src : to->dst;
	uint32_t at = p->ly.l3 + address_at(to->ipv6, src);
	unsigned n = to->ipv6 ? 16 : 4;

	if (!memcmp(bytes_at(p, at), addr, n))
		return;
	/* The pseudo-header has the final destination, not the next stop of a source route. */
	if (to->ipv6 && !src && p->ly.routed)
		sum = SWPATH_SUM_NONE;
	swpath_rewrite(p, at, addr, n, MUTATE(424, sum, SWPATH_SUM_NONE));
}

static void put_ports(struct swpath_packet *p, const struct ct_tuple *to)
{
	if (memcmp(bytes_at(p, p->ly.l4), &to->src_port, 2) != 0)
		swpath_rewrite(p, p->ly.l4, &to->src_port, 2, SWPATH_SUM_L4);
	if (memcmp(bytes_at(p, p->ly.l4 + 2u), &to->dst_port, 2) != 0)
		swpath_rewrite(p, p->ly.l4 + 2u, &to->dst_port, 2, SWPATH_SUM_L4);
}

/* Bytes of the inner packet, which the ICMP checksum covers. */
static void put_inner(struct swpath_packet *p, uint32_t at, const void *bytes, unsigned n)
{
	swpath_rewrite(p, at, bytes, n, SWPATH_SUM_L4);
}

/* A checksum within the inner packet, which follows a change there. */
static void follow_sum(
	struct swpath_packet *p, uint32_t at, const void *before, const void *after, unsigned n)
{
	uint8_t sum[2];

	memcpy(sum, bytes_at(p, at), 2);
	swpath_csum_update(sum, swpath_csum_delta(before, after, n));
	put_inner(p, at, sum, 2);
}

/* The inner transport checksum, if the error quotes as much of the packet. */
static void follow_l4(struct swpath_packet *p, const struct ct_look *look, const void *before,
	const void *after, unsigned n)
{
	uint32_t at = look->inner_l4;
	uint16_t none = 0;

	if (look->inner_proto == IPPROTO_TCP)
		at += TCP_CHECKSUM;
	else if (look->inner_proto == IPPROTO_UDP)
		at += UDP_CHECKSUM;
	else if (look->inner_proto == IPPROTO_ICMPV6)
		at += 2;
	else
		return;
	if (at + 2 > p->ly.l3_end || at + 2 > p->m->data_len)
		return;
	if (look->inner_proto == IPPROTO_UDP && !memcmp(bytes_at(p, at), &none, 2))
		return;
	follow_sum(p, at, before, after, n);
}

static void put_inner_address(
	struct swpath_packet *p, const struct ct_look *look, const struct ct_tuple *to, bool src)
{
	uint32_t at = look->inner_l3 + address_at(to->ipv6, src);
	const uint8_t *addr = src ? to->src : to->dst;
	unsigned n = to->ipv6 ? 16 : 4;
	uint8_t before[16];

	memcpy(before, bytes_at(p, at), n);
	if (!memcmp(before, addr, n))
		return;
	put_inner(p, at, addr, n);
	if (!to->ipv6)
		follow_sum(p,
			look->inner_l3 + (uint32_t)offsetof(struct rte_ipv4_hdr, hdr_checksum),
			before, addr, n);
	follow_l4(p, look, before, addr, n);
}

static void put_inner_ports(
	struct swpath_packet *p, const struct ct_look *look, const struct ct_tuple *to)
{
	uint8_t before[4], after[4];

	memcpy(before, bytes_at(p, look->inner_l4), 4);
	memcpy(after, &to->src_port, 2);
	memcpy(after + 2, &to->dst_port, 2);
	if (!memcmp(before, after, 4))
		return;
	put_inner(p, look->inner_l4, after, 4);
	follow_l4(p, look, before, after, 4);
}

static uint32_t changes_end(const struct swpath_packet *p, const struct ct_look *look)
{
	uint32_t end =
		p->ly.l3 + (uint32_t)(p->ly.kind == SWPATH_L3_IPV6 ? sizeof(struct rte_ipv6_hdr)
								   : sizeof(struct rte_ipv4_hdr));

	if (look->related)
		end = look->inner_l4 + HEADERS;
	else if (p->ly.l4)
		end = p->ly.l4 + HEADERS;
	return RTE_MIN(end, p->m->pkt_len);
}

int ct_nat_packet(
	struct swpath_packet *p, const struct ct_look *look, const struct ct_conn *c, bool reply)
{
	uint8_t nat = nat_of(c, reply);
	struct ct_tuple to;
	int drop;

	if (!nat)
		return SWPATH_OK;
	swpath_packet_layers(p);
	drop = swpath_packet_writable(p, changes_end(p, look));
	if (drop != SWPATH_OK)
		return drop;
	/* A packet becomes what the other direction answers. */
	ct_tuple_reverse(&c->tuple[!reply], &to);
	put_address(p, &to, nat & HAL_NAT_SRC);
	if (look->related) {
		/* The inner packet went in the opposite direction. */
		if (MUTATE(422, has_ports(look->inner_proto), false))
			put_inner_ports(p, look, &c->tuple[!reply]);
		put_inner_address(p, look, &c->tuple[!reply], turned(nat) & HAL_NAT_SRC);
	} else if (p->ly.l4 && MUTATE(423, has_ports(p->ly.proto), p->ly.proto == IPPROTO_TCP)) {
		put_ports(p, &to);
	}
	return SWPATH_OK;
}

int ct_nat_follow(struct swpath_packet *p, const struct swpath_packet *first)
{
	bool ipv6 = first->ly.kind == SWPATH_L3_IPV6;
	struct ct_tuple to = {.ipv6 = ipv6};
	unsigned n = ipv6 ? 16 : 4;
	int drop;

	swpath_packet_layers(p);
	drop = swpath_packet_writable(p, p->ly.l3 + address_at(ipv6, false) + n);
	if (drop != SWPATH_OK)
		return drop;
	memcpy(to.src, bytes_at(first, first->ly.l3 + address_at(ipv6, true)), n);
	memcpy(to.dst, bytes_at(first, first->ly.l3 + address_at(ipv6, false)), n);
	put_address(p, &to, true);
	put_address(p, &to, false);
	return SWPATH_OK;
}
