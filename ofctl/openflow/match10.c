/* SPDX-License-Identifier: Apache-2.0
 *
 * struct ofp_match of OpenFlow 1.0 (5.2.3).
 */
#include "ofctl/openflow/codec.h"

#include <netinet/in.h>
#include <string.h>

#include "ofctl/openflow/wire.h"

#define ETH_IPV4 0x0800
#define ETH_IPV6 0x86dd
#define ETH_ARP 0x0806

/* The fields of the wire form in its order. */
struct match10 {
	uint32_t wildcards;
	uint16_t in_port;
	uint8_t dl_src[6], dl_dst[6];
	uint16_t dl_vlan;
	uint8_t dl_vlan_pcp;
	uint16_t dl_type;
	uint8_t nw_tos, nw_proto;
	uint32_t nw_src, nw_dst;
	uint16_t tp_src, tp_dst;
};

static void put_match10(struct of_buf *b, const struct match10 *w)
{
	of_put_u32(b, w->wildcards);
	of_put_u16(b, w->in_port);
	of_put_bytes(b, w->dl_src, 6);
	of_put_bytes(b, w->dl_dst, 6);
	of_put_u16(b, w->dl_vlan);
	of_put_u8(b, w->dl_vlan_pcp);
	of_put_zeros(b, 1);
	of_put_u16(b, w->dl_type);
	of_put_u8(b, w->nw_tos);
	of_put_u8(b, w->nw_proto);
	of_put_zeros(b, 2);
	of_put_u32(b, w->nw_src);
	of_put_u32(b, w->nw_dst);
	of_put_u16(b, w->tp_src);
	of_put_u16(b, w->tp_dst);
}

static bool get_match10(struct of_rd *r, struct match10 *w)
{
	const uint8_t *macs;

	w->wildcards = of_get_u32(r) & OFPFW_ALL;
	w->in_port = of_get_u16(r);
	macs = of_get_bytes(r, 12);
	if (!macs)
		return false;
	memcpy(w->dl_src, macs, 6);
	memcpy(w->dl_dst, macs + 6, 6);
	w->dl_vlan = of_get_u16(r);
	w->dl_vlan_pcp = of_get_u8(r);
	of_skip(r, 1);
	w->dl_type = of_get_u16(r);
	w->nw_tos = of_get_u8(r);
	w->nw_proto = of_get_u8(r);
	of_skip(r, 2);
	w->nw_src = of_get_u32(r);
	w->nw_dst = of_get_u32(r);
	w->tp_src = of_get_u16(r);
	w->tp_dst = of_get_u16(r);
	return !r->bad;
}

static void set_prefixed(struct hal_match *m, enum hal_field_id id, uint32_t addr, unsigned ignored)
{
	uint32_t bits = ignored >= 32 ? 0 : 0xffffffffu << ignored;
	uint32_t value = htonl(addr & bits), mask = htonl(bits);

	if (bits)
		hal_match_set(m, id, (const uint8_t *)&value, (const uint8_t *)&mask);
}

static void set_vlan(struct hal_match *m, const struct match10 *w)
{
	bool vid = !(w->wildcards & OFPFW_DL_VLAN), pcp = !(w->wildcards & OFPFW_DL_VLAN_PCP);
	uint16_t value = HAL_VLAN_PRESENT, mask = HAL_VLAN_PRESENT;

	if (!vid && !pcp)
		return;
	if (vid && w->dl_vlan == OFP10_VLAN_NONE) {
		hal_match_set_u64(m, FIELD_VLAN_VID, 0);
		return;
	}
	if (vid) {
		value |= w->dl_vlan & 0xfff;
		mask |= 0xfff;
	}
	if (pcp) {
		value |= (uint16_t)((w->dl_vlan_pcp & 7) << 13);
		mask |= 0xe000;
	}
	value = htons(value);
	mask = htons(mask);
	hal_match_set(m, FIELD_VLAN_TCI, (const uint8_t *)&value, (const uint8_t *)&mask);
}

/* The pair of fields that tp_src and tp_dst stand for; FIELD_INVALID if none. */
static void transport_fields(
	uint16_t eth_type, uint8_t proto, enum hal_field_id *src, enum hal_field_id *dst)
{
	*src = *dst = FIELD_INVALID;
	if (eth_type != ETH_IPV4 && eth_type != ETH_IPV6)
		return;
	if (proto == IPPROTO_TCP) {
		*src = FIELD_TCP_SRC;
		*dst = FIELD_TCP_DST;
	} else if (proto == IPPROTO_UDP) {
		*src = FIELD_UDP_SRC;
		*dst = FIELD_UDP_DST;
	} else if (proto == IPPROTO_SCTP) {
		*src = FIELD_SCTP_SRC;
		*dst = FIELD_SCTP_DST;
	} else if (eth_type == ETH_IPV4 && proto == IPPROTO_ICMP) {
		*src = FIELD_ICMPV4_TYPE;
		*dst = FIELD_ICMPV4_CODE;
	} else if (eth_type == ETH_IPV6 && proto == IPPROTO_ICMPV6) {
		*src = FIELD_ICMPV6_TYPE;
		*dst = FIELD_ICMPV6_CODE;
	}
}

static enum of_error set_transport(struct hal_match *m, const struct match10 *w)
{
	enum hal_field_id src, dst;

	transport_fields(w->dl_type, w->nw_proto, &src, &dst);
	if (src == FIELD_INVALID)
		return OFERR_OK;
	for (int i = 0; i < 2; i++) {
		enum hal_field_id id = i ? dst : src;
		uint16_t v = i ? w->tp_dst : w->tp_src;

		if (w->wildcards & (i ? OFPFW_TP_DST : OFPFW_TP_SRC))
			continue;
		if (hal_fields[id].bits < 16 && v >> hal_fields[id].bits)
			return OFERR_BAD_MATCH_VALUE;
		hal_match_set_u64(m, id, v);
	}
	return OFERR_OK;
}

static enum of_error set_network(struct hal_match *m, const struct match10 *w)
{
	bool ip = w->dl_type == ETH_IPV4 || w->dl_type == ETH_IPV6, arp = w->dl_type == ETH_ARP;
	unsigned src = w->wildcards >> OFPFW_NW_SRC_SHIFT & 63;
	unsigned dst = w->wildcards >> OFPFW_NW_DST_SHIFT & 63;

	if (w->dl_type == ETH_IPV4 || arp) {
		set_prefixed(m, arp ? FIELD_ARP_SPA : FIELD_IPV4_SRC, w->nw_src, src);
		set_prefixed(m, arp ? FIELD_ARP_TPA : FIELD_IPV4_DST, w->nw_dst, dst);
	}
	if (ip && !(w->wildcards & OFPFW_NW_TOS))
		hal_match_set_u64(m, FIELD_IP_DSCP, w->nw_tos >> 2);
	if (w->wildcards & OFPFW_NW_PROTO)
		return OFERR_OK;
	if (arp)
		hal_match_set_u64(m, FIELD_ARP_OP, w->nw_proto);
	if (!ip)
		return OFERR_OK;
	hal_match_set_u64(m, FIELD_IP_PROTO, w->nw_proto);
	return set_transport(m, w);
}

enum of_error of_match10_decode(struct of_rd *r, struct hal_match *m)
{
	struct match10 w;

	memset(m, 0, sizeof(*m));
	if (!get_match10(r, &w))
		return OFERR_BAD_LEN;
	if (!(w.wildcards & OFPFW_IN_PORT))
		hal_match_set_u64(m, FIELD_IN_PORT, of_port_from16(w.in_port));
	if (!(w.wildcards & OFPFW_DL_SRC))
		hal_match_set(m, FIELD_ETH_SRC, w.dl_src, NULL);
	if (!(w.wildcards & OFPFW_DL_DST))
		hal_match_set(m, FIELD_ETH_DST, w.dl_dst, NULL);
	set_vlan(m, &w);
	if (w.wildcards & OFPFW_DL_TYPE)
		return OFERR_OK;
	hal_match_set_u64(m, FIELD_ETH_TYPE, w.dl_type);
	return set_network(m, &w);
}

/* Bits that a mask leaves out at its low end, for 1.0's prefix lengths: what is not a prefix is cut
 * to the leading bits that are. */
static unsigned ignored_bits(uint32_t mask)
{
	return mask == 0xffffffffu ? 0 : 32 - (unsigned)__builtin_clz(~mask);
}

static void get_prefixed(const struct hal_match *m, enum hal_field_id id, struct match10 *w,
	uint32_t *addr, unsigned shift)
{
	unsigned ignored = ignored_bits((uint32_t)hal_field_get_u64(id, &m->mask));

	*addr = (uint32_t)hal_field_get_u64(id, &m->value);
	if (ignored < 32)
		*addr &= 0xffffffffu << ignored;
	else
		*addr = 0;
	w->wildcards &= ~(63u << shift);
	w->wildcards |= ignored << shift;
}

static void get_vlan(const struct hal_match *m, struct match10 *w)
{
	uint16_t value = (uint16_t)hal_field_get_u64(FIELD_VLAN_TCI, &m->value);
	uint16_t mask = (uint16_t)hal_field_get_u64(FIELD_VLAN_TCI, &m->mask);

	if (!(mask & HAL_VLAN_PRESENT))
		return;
	if (!(value & HAL_VLAN_PRESENT)) {
		w->dl_vlan = OFP10_VLAN_NONE;
		w->wildcards &= ~(uint32_t)OFPFW_DL_VLAN;
		return;
	}
	if ((mask & 0xfff) == 0xfff) {
		w->dl_vlan = value & 0xfff;
		w->wildcards &= ~(uint32_t)OFPFW_DL_VLAN;
	}
	if ((mask & 0xe000) == 0xe000) {
		w->dl_vlan_pcp = (uint8_t)(value >> 13);
		w->wildcards &= ~(uint32_t)OFPFW_DL_VLAN_PCP;
	}
}

/* If every bit of `id` is matched: its value, and the wildcard is cleared. */
static uint64_t get_exact(
	const struct hal_match *m, enum hal_field_id id, struct match10 *w, uint32_t wildcard)
{
	if (!hal_field_all(id, &m->mask))
		return 0;
	w->wildcards &= ~wildcard;
	return hal_field_get_u64(id, &m->value);
}

static void get_network(const struct hal_match *m, struct match10 *w)
{
	bool ip = w->dl_type == ETH_IPV4 || w->dl_type == ETH_IPV6, arp = w->dl_type == ETH_ARP;
	enum hal_field_id src, dst;

	if (w->dl_type == ETH_IPV4 || arp) {
		get_prefixed(m, FIELD_IPV4_SRC, w, &w->nw_src, OFPFW_NW_SRC_SHIFT);
		get_prefixed(m, FIELD_IPV4_DST, w, &w->nw_dst, OFPFW_NW_DST_SHIFT);
	}
	if (arp)
		w->nw_proto = (uint8_t)get_exact(m, FIELD_ARP_OP, w, OFPFW_NW_PROTO);
	if (!ip)
		return;
	w->nw_tos = (uint8_t)(get_exact(m, FIELD_IP_DSCP, w, OFPFW_NW_TOS) << 2);
	w->nw_proto = (uint8_t)get_exact(m, FIELD_IP_PROTO, w, OFPFW_NW_PROTO);
	if (w->wildcards & OFPFW_NW_PROTO)
		return;
	transport_fields(w->dl_type, w->nw_proto, &src, &dst);
	if (src == FIELD_INVALID)
		return;
	w->tp_src = (uint16_t)get_exact(m, src, w, OFPFW_TP_SRC);
	w->tp_dst = (uint16_t)get_exact(m, dst, w, OFPFW_TP_DST);
}

void of_match10_encode(struct of_buf *b, const struct hal_match *m)
{
	/* Every address bit ignored: 32 is enough, larger numbers mean the same. */
	struct match10 w = {.wildcards = (OFPFW_ALL & ~(63u << OFPFW_NW_SRC_SHIFT |
							      63u << OFPFW_NW_DST_SHIFT)) |
					 32u << OFPFW_NW_SRC_SHIFT | 32u << OFPFW_NW_DST_SHIFT};

	w.in_port = of_port_to16((uint32_t)get_exact(m, FIELD_IN_PORT, &w, OFPFW_IN_PORT));
	if (hal_field_all(FIELD_ETH_SRC, &m->mask)) {
		hal_field_get(FIELD_ETH_SRC, &m->value, w.dl_src);
		w.wildcards &= ~(uint32_t)OFPFW_DL_SRC;
	}
	if (hal_field_all(FIELD_ETH_DST, &m->mask)) {
		hal_field_get(FIELD_ETH_DST, &m->value, w.dl_dst);
		w.wildcards &= ~(uint32_t)OFPFW_DL_DST;
	}
	get_vlan(m, &w);
	w.dl_type = (uint16_t)get_exact(m, FIELD_ETH_TYPE, &w, OFPFW_DL_TYPE);
	if (!(w.wildcards & OFPFW_DL_TYPE))
		get_network(m, &w);
	put_match10(b, &w);
}
