/* SPDX-License-Identifier: Apache-2.0
 *
 * TUNNEL_POP: what came through a tunnel, checked and taken out.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_geneve.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <rte_vxlan.h>

#include "hal/mutation.h"
#include "hal/object.h"
#include "hal/tlv.h"
#include "hal/tunnel.h"
#include "swpath/port/segment.h"
#include "swpath/tunnel.h"

#define ECN_MASK 0x03
#define ECN_ECT1 0x01
#define ECN_CE 0x03

/* Outer headers, and what is to be taken off. */
struct outer {
	const struct hal_key *key;
	uint32_t payload;     /* where the UDP payload begins */
	uint32_t payload_len; /* bytes of it, as the UDP header says */
	uint32_t tunnel_len;  /* bytes of tunnel header and options */
};

/* Sum over the pseudo-header (RFC 768, RFC 8200 8.1) and the datagram: all ones if it is right. */
static bool udp_sum_ok(
	const struct swpath_packet *p, const struct hal_key *key, uint32_t at, uint32_t len)
{
	struct {
		uint8_t src[16], dst[16];
		rte_be32_t len, proto;
	} pseudo = {.len = rte_cpu_to_be_32(len), .proto = RTE_BE32(IPPROTO_UDP)};
	uint16_t sum;
	uint32_t all;

	if (p->ly.kind == SWPATH_L3_IPV4) {
		memcpy(pseudo.src, &key->ipv4_src, 4);
		memcpy(pseudo.dst, &key->ipv4_dst, 4);
	} else {
		memcpy(pseudo.src, key->ipv6_src, 16);
		memcpy(pseudo.dst, key->ipv6_dst, 16);
	}
	if (rte_raw_cksum_mbuf(p->m, at, len, &sum))
		return false;
	all = (uint32_t)sum + rte_raw_cksum(&pseudo, sizeof(pseudo));
	all = (all & 0xffff) + (all >> 16);
	return all == 0xffff;
}

static bool ipv4_sum_ok(const struct swpath_packet *p)
{
	uint16_t sum;

	if (p->ly.kind != SWPATH_L3_IPV4)
		return true;
	return !rte_raw_cksum_mbuf(p->m, p->ly.l3, (uint32_t)p->ly.l4 - p->ly.l3, &sum) &&
	       sum == 0xffff;
}

static int read_udp(struct swpath_packet *p, struct outer *o)
{
	const struct rte_udp_hdr *udp;
	struct rte_udp_hdr scratch;
	uint32_t len;

	if (!p->ly.l4 || p->ly.proto != IPPROTO_UDP || o->key->ip_frag)
		return SWPATH_DROP_TUNNEL_HEADER;
	udp = rte_pktmbuf_read(p->m, p->ly.l4, sizeof(scratch), &scratch);
	if (!udp)
		return SWPATH_DROP_TUNNEL_HEADER;
	len = rte_be_to_cpu_16(udp->dgram_len);
	if (len < sizeof(*udp) || p->ly.l4 + len > p->ly.l3_end ||
		p->ly.l4 + len > rte_pktmbuf_pkt_len(p->m))
		return SWPATH_DROP_TUNNEL_HEADER;
	if (!ipv4_sum_ok(p))
		return SWPATH_DROP_TUNNEL_CHECKSUM;
	/* A partial checksum is one that our host has not finished: nothing was sent yet. */
	if (udp->dgram_cksum &&
		(p->m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_UDP_CKSUM &&
		!udp_sum_ok(p, o->key, p->ly.l4, len))
		return SWPATH_DROP_TUNNEL_CHECKSUM;
	o->payload = p->ly.l4 + (uint32_t)sizeof(*udp);
	o->payload_len = len - (uint32_t)sizeof(*udp);
	return SWPATH_OK;
}

static int read_vxlan(
	const struct swpath_packet *p, struct outer *o, struct hal_key *key, bool gbp_known)
{
	const struct rte_vxlan_hdr *h;
	struct rte_vxlan_hdr scratch;
	uint32_t flags, vni, allowed = VXLAN_VNI_VALID;

	o->tunnel_len = sizeof(*h);
	if (o->payload_len < sizeof(*h))
		return SWPATH_DROP_TUNNEL_HEADER;
	h = rte_pktmbuf_read(p->m, o->payload, sizeof(*h), &scratch);
	if (!h)
		return SWPATH_DROP_TUNNEL_HEADER;
	flags = rte_be_to_cpu_32(h->vx_flags);
	vni = rte_be_to_cpu_32(h->vx_vni);
	if (gbp_known && flags & VXLAN_GBP) {
		allowed |= VXLAN_GBP | VXLAN_GBP_DONT_LEARN | VXLAN_GBP_APPLIED | VXLAN_GBP_ID;
		key->tun_gbp_id = rte_cpu_to_be_16((uint16_t)(flags & VXLAN_GBP_ID));
		key->tun_gbp_flags =
			(uint8_t)((flags & (VXLAN_GBP_DONT_LEARN | VXLAN_GBP_APPLIED)) >> 16);
	}
	/* What is reserved today means something tomorrow that we would miss. */
	if (!(flags & VXLAN_VNI_VALID) || flags & ~allowed || vni & 0xff)
		return SWPATH_DROP_TUNNEL_HEADER;
	key->tun_id = rte_cpu_to_be_64(vni >> 8);
	return SWPATH_OK;
}

static const struct hal_tlv *find_option(
	const struct hal_tlv_table *table, uint16_t class, uint8_t type, unsigned *index)
{
	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		if (table->entry[i].used && table->entry[i].class == class &&
			table->entry[i].type == type) {
			*index = i;
			return &table->entry[i];
		}
	return NULL;
}

/* RFC 8926, 3.5. Options that the table does not name are skipped, unless they are critical. */
static int read_options(const uint8_t *opt, uint32_t left, struct hal_key *key)
{
	const struct hal_tlv_table *table = hal_tlv_table();
	uint64_t present = 0;

	while (left) {
		const struct hal_tlv *known;
		uint8_t len;
		unsigned i;

		if (left < 4)
			return SWPATH_DROP_TUNNEL_HEADER;
		len = (uint8_t)((opt[3] & 0x1f) * 4);
		if (left < 4u + len)
			return SWPATH_DROP_TUNNEL_HEADER;
		known = find_option(table, (uint16_t)(opt[0] << 8 | opt[1]), opt[2], &i);
		if (known && known->len == len) {
			memcpy(key->tun_opts + known->offset, opt + 4, len);
			present |= 1ull << i;
		} else if (opt[2] & GENEVE_OPTION_CRITICAL) {
			return SWPATH_DROP_TUNNEL_OPTION;
		}
		opt += 4u + len;
		left -= 4u + len;
	}
	key->tun_opts_present = rte_cpu_to_be_64(present);
	return SWPATH_OK;
}

/* RFC 8926, 3.4: the version is 0, the payload is Ethernet. */
static int read_geneve(const struct swpath_packet *p, struct outer *o, struct hal_key *key)
{
	uint8_t scratch[GENEVE_HEADER_LEN], options[GENEVE_OPTIONS_MAX];
	const uint8_t *h, *opt;
	uint32_t len;

	if (o->payload_len < sizeof(scratch))
		return SWPATH_DROP_TUNNEL_HEADER;
	h = rte_pktmbuf_read(p->m, o->payload, sizeof(scratch), scratch);
	if (!h)
		return SWPATH_DROP_TUNNEL_HEADER;
	len = (h[0] & 0x3fu) * 4u;
	if (h[0] >> 6 || h[2] != 0x65 || h[3] != 0x58 || o->payload_len < sizeof(scratch) + len)
		return SWPATH_DROP_TUNNEL_HEADER;
	o->tunnel_len = (uint32_t)sizeof(scratch) + len;
	key->tun_id = rte_cpu_to_be_64((uint64_t)h[4] << 16 | (uint64_t)h[5] << 8 | h[6]);
	if (h[1] & GENEVE_OAM)
		key->tun_flags = RTE_BE16(TUN_FLAG_OAM);
	if (!len)
		return SWPATH_OK;
	opt = rte_pktmbuf_read(p->m, o->payload + (uint32_t)sizeof(scratch), len, options);
	return opt ? read_options(opt, len, key) : SWPATH_DROP_TUNNEL_HEADER;
}

/* Takes off what is before the inner packet, and what is padding behind it. */
static int strip(struct swpath_packet *p, const struct outer *o)
{
	uint32_t head = o->payload + o->tunnel_len, len = o->payload_len - o->tunnel_len;
	struct rte_mbuf *m;

	if (len < RTE_ETHER_HDR_LEN)
		return SWPATH_DROP_TUNNEL_HEADER;
	if (unlikely(rte_pktmbuf_data_len(p->m) < head)) {
		m = rte_pktmbuf_copy(p->m, p->pool, 0, UINT32_MAX);
		if (!m)
			return SWPATH_DROP_NO_MBUF;
		rte_pktmbuf_free(p->m);
		p->m = m;
	}
	if (!rte_pktmbuf_adj(p->m, (uint16_t)head))
		return SWPATH_DROP_TUNNEL_HEADER;
	swpath_mbuf_cut(p->m, len);
	p->m->ol_flags &= ~(uint64_t)SWPATH_OFFLOAD_FLAGS;
	return SWPATH_OK;
}

/* RFC 6040, 4.2: congestion that was met in the tunnel is told to the inner packet, and lost with
 * it where its ends would not understand. */
static int decapsulate_ecn(struct swpath_packet *p)
{
	uint8_t outer = p->key->tun_tos & ECN_MASK, inner = p->key->ip_tos & ECN_MASK;
	struct hal_act_set set = {.field = FIELD_IP_ECN, .mask = {ECN_MASK}};
	int drop;

	if ((outer != ECN_CE && outer != ECN_ECT1) || inner == ECN_CE || inner == outer)
		return SWPATH_OK;
	if (p->ly.kind != SWPATH_L3_IPV4 && p->ly.kind != SWPATH_L3_IPV6)
		return SWPATH_OK;
	if (!inner)
		return outer == ECN_CE ? SWPATH_DROP_TUNNEL_ECN : SWPATH_OK;
	set.value[0] = outer;
	drop = swpath_set_field(p, &set);
	if (drop == SWPATH_OK)
		swpath_packet_key(p);
	return drop;
}

int swpath_tunnel_decapsulate(struct swpath_packet *p, const struct hal_act_tunnel_pop *act)
{
	struct outer o = {.key = p->key};
	struct hal_key key = {.in_port = rte_cpu_to_be_32(act->port)};
	int drop;

	swpath_packet_key(p);
	drop = read_udp(p, &o);
	if (drop == SWPATH_OK)
		drop = act->type == HAL_TUNNEL_GENEVE
			       ? read_geneve(p, &o, &key)
			       : read_vxlan(p, &o, &key, act->flags & HAL_TUNNEL_GBP);
	if (drop != SWPATH_OK)
		return drop;
	key.tun_tos = p->key->ip_tos;
	key.tun_ttl = p->key->ip_ttl;
	if (p->ly.kind == SWPATH_L3_IPV4) {
		key.tun_ipv4_src = MUTATE(435, p->key->ipv4_src, p->key->ipv4_dst);
		key.tun_ipv4_dst = p->key->ipv4_dst;
	} else {
		memcpy(key.tun_ipv6_src, p->key->ipv6_src, 16);
		memcpy(key.tun_ipv6_dst, p->key->ipv6_dst, 16);
	}
	drop = strip(p, &o);
	if (drop != SWPATH_OK)
		return drop;
	*p->key = key;
	p->lean = false;
	p->key_stale = p->layers_stale = true;
	p->max_len = 0;
	swpath_packet_key(p);
	return decapsulate_ecn(p);
}
