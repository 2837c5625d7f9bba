/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/packet.h"

#include <string.h>

#include <rte_ether.h>

#include "swpath/port/segment.h"

/* What a key holds before its headers, in words; of the last one these bits. */
#define META_WORDS 4
#define META_LAST (RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? (1ull << 48) - 1 : ~0xffffull)
_Static_assert(offsetof(struct hal_key, eth_dst) == META_WORDS * 8 - 2, "two bytes are a header's");

#define SCRATCH 256 /* bytes of headers looked at in a packet of several segments */

void swpath_packet_parse(const struct rte_mbuf *m, struct hal_key *key, struct swpath_layers *ly)
{
	uint32_t avail = rte_pktmbuf_data_len(m), len = rte_pktmbuf_pkt_len(m);
	const void *data = rte_pktmbuf_mtod(m, const void *);
	uint8_t scratch[SCRATCH];

	if (unlikely(avail < len && avail < SCRATCH)) {
		avail = RTE_MIN(len, (uint32_t)SCRATCH);
		data = rte_pktmbuf_read(m, 0, avail, scratch);
		if (!data)
			return;
	}
	swpath_parse_frame(data, avail, len, key, ly);
}

bool swpath_packet_parse_common(
	const struct rte_mbuf *m, rte_be32_t in_port, struct hal_key *key, struct swpath_layers *ly)
{
	uint32_t len = rte_pktmbuf_data_len(m);

	return likely(len == rte_pktmbuf_pkt_len(m)) &&
	       swpath_parse_common(rte_pktmbuf_mtod(m, const uint8_t *), len, in_port, key, ly);
}

/* Most packets are parsed the quick way, which takes what is not a header for 0. */
static bool parse_common_again(struct swpath_packet *p)
{
	struct hal_key *key = p->key;
	uint64_t *w = (uint64_t *)key, meta[META_WORDS];
	uint8_t ct_nw_proto = key->ct_nw_proto;

	memcpy(meta, w, sizeof(meta));
	if (!swpath_packet_parse_common(p->m, key->in_port, key, &p->ly))
		return false;
	memcpy(w, meta, sizeof(meta) - sizeof(meta[0]));
	w[META_WORDS - 1] = (w[META_WORDS - 1] & ~META_LAST) | (meta[META_WORDS - 1] & META_LAST);
	key->ct_nw_proto = ct_nw_proto;
	if (!p->lean)
		memset(key->nd_target, 0,
			offsetof(struct hal_key, ct_label) - offsetof(struct hal_key, nd_target));
	return true;
}

void swpath_packet_key(struct swpath_packet *p)
{
	if (!p->key_stale)
		return;
	if (unlikely(!parse_common_again(p))) {
		swpath_key_clear_headers(p->key);
		swpath_packet_parse(p->m, p->key, &p->ly);
		p->lean = false;
	}
	p->key_stale = p->layers_stale = false;
}

void swpath_packet_layers(struct swpath_packet *p)
{
	if (p->layers_stale)
		swpath_packet_key(p);
}

int swpath_mbuf_make_writable(struct rte_mbuf **pm, struct rte_mempool *pool, uint32_t need)
{
	struct rte_mbuf *m;

	if (unlikely(need > rte_pktmbuf_pkt_len(*pm)))
		return SWPATH_DROP_HEADER;
	m = swpath_writable(*pm, pool);
	if (unlikely(!m))
		return SWPATH_DROP_NO_MBUF;
	*pm = m;
	if (likely(need <= rte_pktmbuf_data_len(m)))
		return SWPATH_OK;
	m = rte_pktmbuf_copy(*pm, pool, 0, UINT32_MAX);
	if (!m)
		return SWPATH_DROP_NO_MBUF;
	rte_pktmbuf_free(*pm);
	*pm = m;
	return need <= rte_pktmbuf_data_len(m) ? SWPATH_OK : SWPATH_DROP_HEADER;
}

void swpath_mbuf_cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint32_t left = len;
	uint16_t segs = 1;

	if (len >= m->pkt_len)
		return;
	for (; left > seg->data_len; segs++) {
		left -= seg->data_len;
		seg = seg->next;
	}
	seg->data_len = (uint16_t)left;
	rte_pktmbuf_free(seg->next); /* NULL is fine */
	seg->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
}

uint32_t swpath_packet_frame_len(struct swpath_packet *p)
{
	struct swpath_segmenter s;
	uint32_t len = rte_pktmbuf_pkt_len(p->m), l2, frame;

	if (!(p->m->ol_flags & SWPATH_SEG_FLAGS) || swpath_segmenter_start(&s, p->m))
		return len;
	l2 = s.frame.l3_off;
	frame = l2 + swpath_segmenter_ip_len(&s);
	return RTE_MIN(frame, len);
}

/* Mostly it is the two addresses before a tag. */
static void move_head(uint8_t *to, const uint8_t *from, uint32_t n)
{
	uint8_t macs[2 * RTE_ETHER_ADDR_LEN];

	if (unlikely(n != sizeof(macs))) {
		memmove(to, from, n);
		return;
	}
	memcpy(macs, from, sizeof(macs));
	memcpy(to, macs, sizeof(macs));
}

int swpath_mbuf_insert(struct rte_mbuf **pm, struct rte_mempool *pool, uint32_t at, uint32_t n)
{
	int drop = swpath_mbuf_writable(pm, pool, at);
	struct rte_mbuf *m;
	uint8_t *data;

	if (drop != SWPATH_OK)
		return drop;
	if (rte_pktmbuf_headroom(*pm) < n) {
		m = rte_pktmbuf_copy(*pm, pool, 0, UINT32_MAX);
		if (!m)
			return SWPATH_DROP_NO_MBUF;
		rte_pktmbuf_free(*pm);
		*pm = m;
	}
	data = (uint8_t *)rte_pktmbuf_prepend(*pm, (uint16_t)n);
	if (!data)
		return SWPATH_DROP_NO_MBUF;
	move_head(data, data + n, at);
	return SWPATH_OK;
}

int swpath_packet_insert(struct swpath_packet *p, uint32_t at, uint32_t n)
{
	int drop = swpath_mbuf_insert(&p->m, p->pool, at, n);

	if (drop == SWPATH_OK)
		p->key_stale = p->layers_stale = true;
	return drop;
}

int swpath_packet_delete(struct swpath_packet *p, uint32_t at, uint32_t n)
{
	uint8_t *data;
	int drop;

	drop = swpath_packet_writable(p, at + n);
	if (drop != SWPATH_OK)
		return drop;
	data = rte_pktmbuf_mtod(p->m, uint8_t *);
	move_head(data + n, data, at);
	rte_pktmbuf_adj(p->m, (uint16_t)n);
	p->key_stale = p->layers_stale = true;
	return SWPATH_OK;
}
