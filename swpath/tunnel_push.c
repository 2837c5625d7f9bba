/* SPDX-License-Identifier: Apache-2.0
 *
 * TUNNEL_PUSH. The headers come ready made; what depends on the packet is filled in here.
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "hal/hash.h"
#include "hal/mutation.h"
#include "hal/object.h"
#include "swpath/checksum.h"
#include "swpath/port/segment.h"
#include "swpath/tunnel.h"

#define ECN_MASK 0x03

/* What the outer headers take from the packet. */
struct inner {
	bool ip;
	uint8_t tos, ttl;
	uint16_t port; /* the UDP source port, by the flow */
};

static struct inner look_inside(const struct hal_key *key)
{
	struct hal_flow_id id;

	hal_flow_id(key, &id);
	return (struct inner){
		.ip = key->eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		      key->eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV6),
		.tos = key->ip_tos,
		.ttl = key->ip_ttl,
		.port = hal_tunnel_src_port(&id),
	};
}

/* The outer TOS or traffic class: RFC 6040, 4.1 for its ECN field. */
static uint8_t outer_tos(
	const struct hal_act_tunnel_push *act, const struct inner *inner, uint8_t tos)
{
	uint8_t inherit = MUTATE(434, ECN_MASK, 0);

	if (!inner->ip)
		return tos;
	if (act->flags & HAL_TUNNEL_INHERIT_TOS)
		inherit = 0xff;
	return (uint8_t)((tos & ~inherit) | (inner->tos & inherit));
}

static uint8_t outer_ttl(
	const struct hal_act_tunnel_push *act, const struct inner *inner, uint8_t ttl)
{
	return act->flags & HAL_TUNNEL_INHERIT_TTL && inner->ip ? inner->ttl : ttl;
}

/* Partial checksums inside of the tunnel are completed: nobody could do it later. */
static int complete_inner(struct swpath_packet *p)
{
	struct rte_mbuf *m;

	if (!swpath_has_offload(p->m))
		return SWPATH_OK;
	m = swpath_writable(p->m, p->pool);
	if (!m)
		return SWPATH_DROP_NO_MBUF;
	p->m = m;
	return swpath_checksum_complete(m) ? SWPATH_DROP_HEADER : SWPATH_OK;
}

/* Room for `n` bytes before the packet. Where there is none, or where the data are shared, the
 * headers get a segment of their own. */
static uint8_t *prepend(struct swpath_packet *p, uint16_t n)
{
	struct rte_mbuf *head;

	if (RTE_MBUF_DIRECT(p->m) && rte_mbuf_refcnt_read(p->m) == 1 &&
		rte_pktmbuf_headroom(p->m) >= n)
		return (uint8_t *)rte_pktmbuf_prepend(p->m, n);
	head = rte_pktmbuf_alloc(p->pool);
	if (!head)
		return NULL;
	if (!rte_pktmbuf_append(head, n) || rte_pktmbuf_chain(head, p->m)) {
		rte_pktmbuf_free(head);
		return NULL;
	}
	p->m = head;
	return rte_pktmbuf_mtod(head, uint8_t *);
}

/* `ip`: the header before it if there is to be a checksum, else NULL. It is not left to the port:
 * who gets the packet over a virtual wire may not know that it is partial. */
static void finish_udp(struct swpath_packet *p, struct rte_udp_hdr *udp, uint16_t len,
	uint16_t port, const void *ip)
{
	udp->src_port = rte_cpu_to_be_16(port);
	udp->dgram_len = rte_cpu_to_be_16(len);
	udp->dgram_cksum = 0;
	if (!ip)
		return;
	udp->dgram_cksum = *(const uint8_t *)ip >> 4 == 4 ? rte_ipv4_phdr_cksum(ip, 0)
							  : rte_ipv6_phdr_cksum(ip, 0);
	p->m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	swpath_checksum_complete(p->m);
}

/* That of the ready header (without length, identification and checksum), and of what was filled
 * in. The header in the packet was just written in small parts: to read it at once would take long.
 */
static rte_be16_t ipv4_checksum(
	const struct hal_act_tunnel_push *act, const struct rte_ipv4_hdr *ip)
{
	const struct rte_ipv4_hdr *ready =
		(const struct rte_ipv4_hdr *)(act->header + RTE_ETHER_HDR_LEN);
	uint64_t sum = swpath_sum_ipv4(ready) + ip->total_length + ip->packet_id;

	sum += rte_cpu_to_be_16(ip->type_of_service);
	sum += (uint16_t)~rte_cpu_to_be_16(ready->type_of_service);
	sum += rte_cpu_to_be_16((uint16_t)(ip->time_to_live << 8));
	sum += (uint16_t)~rte_cpu_to_be_16((uint16_t)(ready->time_to_live << 8));
	return (rte_be16_t)~swpath_sum_fold(sum);
}

static int finish_ipv4(struct swpath_packet *p, const struct hal_act_tunnel_push *act,
	struct rte_ipv4_hdr *ip, const struct inner *inner, uint16_t ip_id)
{
	uint32_t len = rte_pktmbuf_pkt_len(p->m) - RTE_ETHER_HDR_LEN;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	if (len > UINT16_MAX)
		return SWPATH_DROP_TOO_BIG;
	ip->total_length = rte_cpu_to_be_16((uint16_t)len);
	ip->packet_id = rte_cpu_to_be_16(ip_id);
	ip->type_of_service = outer_tos(act, inner, ip->type_of_service);
	ip->time_to_live = outer_ttl(act, inner, ip->time_to_live);
	ip->hdr_checksum = ipv4_checksum(act, ip);
	finish_udp(p, udp, (uint16_t)(len - sizeof(*ip)), inner->port,
		act->flags & HAL_TUNNEL_CSUM ? ip : NULL);
	return SWPATH_OK;
}

static int finish_ipv6(struct swpath_packet *p, const struct hal_act_tunnel_push *act,
	struct rte_ipv6_hdr *ip, const struct inner *inner)
{
	uint32_t len = rte_pktmbuf_pkt_len(p->m) - RTE_ETHER_HDR_LEN - (uint32_t)sizeof(*ip);
	uint32_t flow = rte_be_to_cpu_32(ip->vtc_flow);
	uint8_t tos = outer_tos(act, inner, (uint8_t)(flow >> RTE_IPV6_HDR_TC_SHIFT));

	if (len > UINT16_MAX)
		return SWPATH_DROP_TOO_BIG;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)len);
	flow &= ~(0xffu << RTE_IPV6_HDR_TC_SHIFT);
	ip->vtc_flow = rte_cpu_to_be_32(flow | (uint32_t)tos << RTE_IPV6_HDR_TC_SHIFT);
	ip->hop_limits = outer_ttl(act, inner, ip->hop_limits);
	finish_udp(p, (struct rte_udp_hdr *)(ip + 1), (uint16_t)len, inner->port, ip);
	return SWPATH_OK;
}

/* What follows sees a packet of our own. */
static void clear_metadata(struct swpath_packet *p)
{
	struct hal_key *key = p->key;
	rte_be32_t in_port = key->in_port, recirc_id = key->recirc_id, mark = key->pkt_mark;

	if (p->lean)
		memset(key, 0, SWPATH_KEY_HOT);
	else
		memset(key, 0, sizeof(*key));
	p->lean = true;
	key->in_port = in_port;
	key->recirc_id = recirc_id;
	key->pkt_mark = mark;
}

int swpath_tunnel_encapsulate(
	struct swpath_packet *p, const struct hal_act_tunnel_push *act, uint16_t ip_id)
{
	struct rte_ether_hdr *eth;
	struct inner inner;
	uint8_t *header;
	int drop;

	if (!act->header_len)
		return SWPATH_DROP_NO_NEIGHBOUR;
	swpath_packet_key(p);
	inner = look_inside(p->key);
	drop = complete_inner(p);
	if (drop != SWPATH_OK)
		return drop;
	header = prepend(p, act->header_len);
	if (!header)
		return SWPATH_DROP_NO_MBUF;
	memcpy(header, act->header, act->header_len);
	eth = (struct rte_ether_hdr *)header;
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		drop = finish_ipv4(p, act, (struct rte_ipv4_hdr *)(eth + 1), &inner, ip_id);
	else
		drop = finish_ipv6(p, act, (struct rte_ipv6_hdr *)(eth + 1), &inner);
	clear_metadata(p);
	p->key_stale = p->layers_stale = true;
	return drop;
}
