/* SPDX-License-Identifier: Apache-2.0
 *
 * TTL and hop limit decremented, or copied between a label and what is below it.
 */
#include <string.h>

#include <rte_ip.h>

#include "swpath/checksum.h"
#include "swpath/edit.h"

#define LSE_LEN 4
#define LSE_TTL 3 /* bytes into a label stack entry */
#define LSE_BOTTOM 2
#define IPV4_LEN sizeof(struct rte_ipv4_hdr)

int swpath_dec_ttl_prepare(struct swpath_packet *p, struct swpath_edit *e)
{
	swpath_packet_layers(p);
	*e = (struct swpath_edit){.size = 1, .decrement = true, .value.byte = {1}};
	switch (p->ly.kind) {
	case SWPATH_L3_IPV4:
		e->at = p->ly.l3 + (uint32_t)offsetof(struct rte_ipv4_hdr, time_to_live);
		e->sum = SWPATH_SUM_IP;
		break;
	case SWPATH_L3_IPV6:
		e->at = p->ly.l3 + (uint32_t)offsetof(struct rte_ipv6_hdr, hop_limits);
		e->sum = SWPATH_SUM_NONE;
		break;
	default:
		return SWPATH_DROP_HEADER;
	}
	swpath_edit_widen(p, e);
	return SWPATH_OK;
}

int swpath_dec_ttl(struct swpath_packet *p)
{
	struct swpath_edit e;
	int drop = swpath_dec_ttl_prepare(p, &e);

	return drop == SWPATH_OK ? swpath_edit_apply(p, &e) : drop;
}

/* Where the TTL of the header at `at` is: of a label, or of the IP header below the last one. 0 if
 * there is none. */
static uint32_t ttl_of(const uint8_t *data, uint32_t len, uint32_t at, bool label)
{
	if (at + (label ? LSE_LEN : IPV4_LEN) > len)
		return 0;
	if (label)
		return at + LSE_TTL;
	if (data[at] >> 4 == 4)
		return at + (uint32_t)offsetof(struct rte_ipv4_hdr, time_to_live);
	return data[at] >> 4 == 6 ? at + (uint32_t)offsetof(struct rte_ipv6_hdr, hop_limits) : 0;
}

/* The IPv4 header at `at` gets another TTL. */
static void write_ipv4_ttl(uint8_t *header, uint8_t ttl)
{
	uint8_t *word = header + offsetof(struct rte_ipv4_hdr, time_to_live), before[2];

	memcpy(before, word, sizeof(before));
	*word = ttl;
	swpath_csum_update(header + offsetof(struct rte_ipv4_hdr, hdr_checksum),
		swpath_csum_delta(before, word, sizeof(before)));
}

int swpath_copy_ttl(struct swpath_packet *p, bool in)
{
	uint32_t outer, below, inner, len;
	bool label;
	uint8_t *data;
	int drop;

	swpath_packet_layers(p);
	if (p->ly.kind != SWPATH_L3_MPLS)
		return SWPATH_DROP_HEADER;
	outer = p->ly.l3;
	below = outer + LSE_LEN;
	len = RTE_MIN(below + (uint32_t)IPV4_LEN, rte_pktmbuf_pkt_len(p->m));
	drop = swpath_packet_writable(p, len);
	if (drop != SWPATH_OK)
		return drop;
	data = rte_pktmbuf_mtod(p->m, uint8_t *);
	label = !(data[outer + LSE_BOTTOM] & 1);
	inner = ttl_of(data, len, below, label);
	if (!inner)
		return SWPATH_OK; /* below is nothing with a TTL: it stays as it is */
	p->key_stale = true;
	if (!in)
		data[outer + LSE_TTL] = data[inner];
	else if (!label && data[below] >> 4 == 4)
		write_ipv4_ttl(data + below, data[outer + LSE_TTL]);
	else
		data[inner] = data[outer + LSE_TTL];
	return SWPATH_OK;
}
