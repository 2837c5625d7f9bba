/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/tunnel_header.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "hal/object.h"
#include "hal/tlv.h"

static uint8_t *put_ipv4(const struct tunnel_header *h, uint8_t *p)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = h->tos,
		.fragment_offset = h->df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
		.time_to_live = h->ttl,
		.next_proto_id = IPPROTO_UDP};

	memcpy(&ip.src_addr, h->src.bytes, 4);
	memcpy(&ip.dst_addr, h->dst.bytes, 4);
	memcpy(p, &ip, sizeof(ip));
	return p + sizeof(ip);
}

static uint8_t *put_ipv6(const struct tunnel_header *h, uint8_t *p)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)h->tos << RTE_IPV6_HDR_TC_SHIFT),
		.proto = IPPROTO_UDP,
		.hop_limits = h->ttl};

	memcpy(ip.src_addr, h->src.bytes, 16);
	memcpy(ip.dst_addr, h->dst.bytes, 16);
	memcpy(p, &ip, sizeof(ip));
	return p + sizeof(ip);
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	rte_be32_t be = rte_cpu_to_be_32(v);

	memcpy(p, &be, sizeof(be));
	return p + sizeof(be);
}

static uint8_t *put_vxlan(const struct tunnel_header *h, uint8_t *p)
{
	uint32_t flags = VXLAN_VNI_VALID;

	if (h->gbp && (h->gbp_id || h->gbp_flags))
		flags |= VXLAN_GBP | h->gbp_id |
			 (((uint32_t)h->gbp_flags << 16) &
				 (VXLAN_GBP_DONT_LEARN | VXLAN_GBP_APPLIED));
	return put_u32(put_u32(p, flags), (uint32_t)h->key << 8);
}

static bool has_critical(const struct tunnel_header *h)
{
	for (unsigned at = 0; at < h->options_len; at += 4u + (h->options[at + 3] & 0x1f) * 4u)
		if (h->options[at + 2] & GENEVE_OPTION_CRITICAL)
			return true;
	return false;
}

static uint8_t *put_geneve(const struct tunnel_header *h, uint8_t *p)
{
	p[0] = (uint8_t)(h->options_len / 4);
	p[1] = (uint8_t)((h->oam ? GENEVE_OAM : 0) | (has_critical(h) ? GENEVE_CRITICAL : 0));
	p[2] = 0x65;
	p[3] = 0x58;
	p = put_u32(p + 4, (uint32_t)h->key << 8);
	memcpy(p, h->options, h->options_len);
	return p + h->options_len;
}

uint16_t tunnel_header_put(const struct tunnel_header *h, uint8_t out[TUNNEL_HEADER_MAX])
{
	bool v4 = h->dst.version == 4;
	struct rte_udp_hdr udp = {.dst_port = rte_cpu_to_be_16(h->udp_dst)};
	rte_be16_t type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	uint8_t *p = out;

	memcpy(p, h->eth_dst, 6);
	memcpy(p + 6, h->eth_src, 6);
	memcpy(p + 12, &type, 2);
	p = v4 ? put_ipv4(h, p + 14) : put_ipv6(h, p + 14);
	memcpy(p, &udp, sizeof(udp));
	p += sizeof(udp);
	p = h->type == HAL_TUNNEL_GENEVE ? put_geneve(h, p) : put_vxlan(h, p);
	return (uint16_t)(p - out);
}

void tunnel_header_key(const struct tunnel_header *h, struct hal_key *key)
{
	memcpy(key->eth_dst, h->eth_dst, 6);
	memcpy(key->eth_src, h->eth_src, 6);
	key->ip_proto = IPPROTO_UDP;
	key->ip_tos = h->tos;
	key->ip_ttl = h->ttl;
	key->tp_dst = rte_cpu_to_be_16(h->udp_dst);
	if (h->dst.version == 4) {
		key->eth_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
		memcpy(&key->ipv4_src, h->src.bytes, 4);
		memcpy(&key->ipv4_dst, h->dst.bytes, 4);
	} else {
		key->eth_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
		memcpy(key->ipv6_src, h->src.bytes, 16);
		memcpy(key->ipv6_dst, h->dst.bytes, 16);
	}
}

/* ---- options ---- */

static bool is_present(rte_be64_t present, unsigned i)
{
	return rte_be_to_cpu_64(present) >> i & 1;
}

rte_be64_t tunnel_options_mapped(void)
{
	const struct hal_tlv_table *t = hal_tlv_table();
	uint64_t bits = 0;

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		bits |= (uint64_t)t->entry[i].used << i;
	return rte_cpu_to_be_64(bits);
}

void tunnel_options_mask(rte_be64_t present, uint8_t mask[128])
{
	const struct hal_tlv_table *t = hal_tlv_table();

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		if (t->entry[i].used && is_present(present, i))
			memset(mask + t->entry[i].offset, 0xff, t->entry[i].len);
}

rte_be64_t tunnel_options_touched(const uint8_t mask[128])
{
	const struct hal_tlv_table *t = hal_tlv_table();
	uint64_t bits = 0;

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		for (unsigned b = 0; t->entry[i].used && b < t->entry[i].len; b++)
			if (mask[t->entry[i].offset + b])
				bits |= 1ull << i;
	return rte_cpu_to_be_64(bits);
}

uint16_t tunnel_options_put(
	rte_be64_t present, const uint8_t values[128], uint8_t out[GENEVE_OPTIONS_MAX])
{
	const struct hal_tlv_table *t = hal_tlv_table();
	uint16_t at = 0;

	for (unsigned i = 0; i < HAL_TLV_MAX; i++) {
		const struct hal_tlv *e = &t->entry[i];

		if (!e->used || !is_present(present, i) || at + 4u + e->len > GENEVE_OPTIONS_MAX)
			continue;
		out[at] = (uint8_t)(e->class >> 8);
		out[at + 1] = (uint8_t)e->class;
		out[at + 2] = e->type;
		out[at + 3] = (uint8_t)(e->len / 4);
		memcpy(out + at + 4, values + e->offset, e->len);
		at = (uint16_t)(at + 4 + e->len);
	}
	return at;
}
