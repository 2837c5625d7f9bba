/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/key.h"

#include <stddef.h>
#include <string.h>

#include "hal/field.h"

struct where {
	uint16_t offset;
	uint8_t size, shift, bits;
};

#define AT(MEMBER, SHIFT, BITS)                                                                  \
	{                                                                                        \
		offsetof(struct nic_headers, MEMBER), sizeof(((struct nic_headers *)0)->MEMBER), \
			SHIFT, BITS                                                              \
	}

static const struct where places[FIELD_MAX] = {
	[FIELD_DP_PORT] = AT(in_port, 0, 32),
	[FIELD_RECIRC_ID] = AT(recirc, 0, 32),
	[FIELD_PACKET_TYPE] = AT(packet_type, 0, 32),
	[FIELD_PKT_MARK] = AT(meta.pkt_mark, 0, 32),
	[FIELD_DP_HASH] = AT(meta.dp_hash, 0, 32),
	[FIELD_CT_STATE] = AT(meta.ct_state, 0, 32),
	[FIELD_CT_ZONE] = AT(meta.ct_zone, 0, 16),
	[FIELD_CT_MARK] = AT(meta.ct_mark, 0, 32),
	[FIELD_CT_LABEL] = AT(meta.ct_label, 0, 128),
	[FIELD_CT_NW_PROTO] = AT(meta.ct_proto, 0, 8),
	[FIELD_CT_NW_SRC] = AT(meta.ct_src, 0, 32),
	[FIELD_CT_NW_DST] = AT(meta.ct_dst, 0, 32),
	[FIELD_CT_IPV6_SRC] = AT(meta.ct_src6, 0, 128),
	[FIELD_CT_IPV6_DST] = AT(meta.ct_dst6, 0, 128),
	[FIELD_CT_TP_SRC] = AT(meta.ct_sport, 0, 16),
	[FIELD_CT_TP_DST] = AT(meta.ct_dport, 0, 16),
	[FIELD_TUNNEL_ID] = AT(meta.tun_id, 0, 64),
	[FIELD_TUN_IPV4_SRC] = AT(meta.tun_src, 0, 32),
	[FIELD_TUN_IPV4_DST] = AT(meta.tun_dst, 0, 32),
	[FIELD_TUN_IPV6_SRC] = AT(meta.tun_src6, 0, 128),
	[FIELD_TUN_IPV6_DST] = AT(meta.tun_dst6, 0, 128),
	[FIELD_TUN_FLAGS] = AT(meta.tun_flags, 0, 16),
	[FIELD_TUN_TOS] = AT(meta.tun_tos, 0, 8),
	[FIELD_TUN_TTL] = AT(meta.tun_ttl, 0, 8),
	[FIELD_TUN_GBP_ID] = AT(meta.gbp_id, 0, 16),
	[FIELD_TUN_GBP_FLAGS] = AT(meta.gbp_flags, 0, 8),
	[FIELD_TUN_OPTS_PRESENT] = AT(meta.opts_present, 0, 64),
	[FIELD_MPLS_LABEL] = AT(mpls[0], 12, 20),
	[FIELD_MPLS_TC] = AT(mpls[0], 9, 3),
	[FIELD_MPLS_BOS] = AT(mpls[0], 8, 1),
	[FIELD_MPLS_TTL] = AT(mpls[0], 0, 8),
	[FIELD_MPLS_LSE2] = AT(mpls[1], 0, 32),
	[FIELD_MPLS_LSE3] = AT(mpls[2], 0, 32),
	[FIELD_ETH_DST] = AT(dst, 0, 48),
	[FIELD_ETH_SRC] = AT(src, 0, 48),
	[FIELD_ETH_TYPE] = AT(type, 0, 16),
	[FIELD_VLAN_TCI] = AT(tci, 0, 16),
	[FIELD_VLAN_VID] = AT(tci, 0, 13),
	[FIELD_VLAN_PCP] = AT(tci, 13, 3),
	[FIELD_VLAN_TPID] = AT(tpid, 0, 16),
	[FIELD_VLAN2_TCI] = AT(tci2, 0, 16),
	[FIELD_VLAN2_TPID] = AT(tpid2, 0, 16),
	[FIELD_IPV4_SRC] = AT(ip_src, 0, 32),
	[FIELD_IPV4_DST] = AT(ip_dst, 0, 32),
	[FIELD_IPV6_SRC] = AT(ip6_src, 0, 128),
	[FIELD_IPV6_DST] = AT(ip6_dst, 0, 128),
	[FIELD_IPV6_FLABEL] = AT(flow_label, 0, 20),
	[FIELD_IP_PROTO] = AT(proto, 0, 8),
	[FIELD_IP_DSCP] = AT(tos, 2, 6),
	[FIELD_IP_ECN] = AT(tos, 0, 2),
	[FIELD_NW_TOS] = AT(tos, 0, 8),
	[FIELD_IP_TTL] = AT(ttl, 0, 8),
	[FIELD_IP_FRAG] = AT(frag, 0, 8),
	[FIELD_ARP_OP] = AT(arp_op, 0, 16),
	[FIELD_ARP_SPA] = AT(ip_src, 0, 32),
	[FIELD_ARP_TPA] = AT(ip_dst, 0, 32),
	[FIELD_ARP_SHA] = AT(sha, 0, 48),
	[FIELD_ARP_THA] = AT(tha, 0, 48),
	[FIELD_TCP_SRC] = AT(l4_src, 0, 16),
	[FIELD_TCP_DST] = AT(l4_dst, 0, 16),
	[FIELD_TCP_FLAGS] = AT(tcp_flags, 0, 12),
	[FIELD_UDP_SRC] = AT(l4_src, 0, 16),
	[FIELD_UDP_DST] = AT(l4_dst, 0, 16),
	[FIELD_SCTP_SRC] = AT(l4_src, 0, 16),
	[FIELD_SCTP_DST] = AT(l4_dst, 0, 16),
	[FIELD_ICMPV4_TYPE] = AT(l4_src, 0, 8),
	[FIELD_ICMPV4_CODE] = AT(l4_dst, 0, 8),
	[FIELD_ICMPV6_TYPE] = AT(l4_src, 0, 8),
	[FIELD_ICMPV6_CODE] = AT(l4_dst, 0, 8),
	[FIELD_ND_TARGET] = AT(nd_target, 0, 128),
	[FIELD_ND_SLL] = AT(sha, 0, 48),
	[FIELD_ND_TLL] = AT(tha, 0, 48),
};

unsigned nic_field_bytes(unsigned id)
{
	return id < FIELD_MAX ? (places[id].bits + 7u) / 8 : 0;
}

void nic_field_put(unsigned id, union nic_key *key, const uint8_t *wire)
{
	const struct where *at = &places[id];
	uint8_t *member = key->bytes + at->offset;
	unsigned bytes = nic_field_bytes(id);
	uint64_t value = 0, bits;

	if (at->bits > 64) {
		memcpy(member, wire, bytes);
		return;
	}
	bits = (at->bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << at->bits) - 1) << at->shift;
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | wire[i];
	value <<= at->shift;
	for (unsigned i = at->size; i-- > 0; value >>= 8, bits >>= 8)
		member[i] = (uint8_t)((member[i] & ~bits) | (value & bits));
}

bool nic_field_is_meta(unsigned id)
{
	return id == FIELD_PKT_MARK || id == FIELD_DP_HASH;
}

void nic_meta_set(unsigned id, struct sim_meta *meta, const uint8_t *value, const uint8_t *mask)
{
	const struct where *at = &places[id];
	uint8_t *member = (uint8_t *)meta + at->offset - offsetof(struct nic_headers, meta);

	for (unsigned i = 0; i < at->size; i++)
		member[i] = (uint8_t)((member[i] & ~mask[i]) | (value[i] & mask[i]));
}
