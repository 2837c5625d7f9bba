/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits that were made ready are done.
 */
#include <string.h>

#include <rte_ip.h>

#include "swpath/checksum.h"
#include "swpath/edit.h"

/* `n` bytes, as a word that would be stored to them would have them. By parts: what was stored in
 * parts could not be read as a whole at once. */
static inline uint64_t load(const uint8_t *p, unsigned n)
{
	const unsigned high = RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? 64 - 8 * n : 0;
	uint64_t v = 0;
	uint32_t w;
	uint16_t h;

	switch (n) {
	case 1:
		return (uint64_t)*p << high;
	case 2:
		memcpy(&h, p, 2);
		return (uint64_t)h << high;
	case 4:
		memcpy(&w, p, 4);
		return (uint64_t)w << high;
	case 6:
		memcpy(&w, p, 4);
		memcpy(&h, p + 4, 2);
		return RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? (uint64_t)w << 32 | (uint64_t)h << 16
							: w | (uint64_t)h << 32;
	default:
		memcpy(&v, p, 8);
		return v;
	}
}

static inline void store(uint8_t *p, unsigned n, uint64_t v)
{
	const unsigned high = RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? 64 - 8 * n : 0;
	uint32_t w;
	uint16_t h;

	switch (n) {
	case 1:
		*p = (uint8_t)(v >> high);
		break;
	case 2:
		h = (uint16_t)(v >> high);
		memcpy(p, &h, 2);
		break;
	case 4:
		w = (uint32_t)(v >> high);
		memcpy(p, &w, 4);
		break;
	case 6:
		w = (uint32_t)(RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? v >> 32 : v);
		h = (uint16_t)(RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? v >> 16 : v >> 32);
		memcpy(p, &w, 4);
		memcpy(p + 4, &h, 2);
		break;
	default:
		memcpy(p, &v, 8);
		break;
	}
}

/* A member that is longer than a word, or one of SCTP. */
static void apply_long(struct swpath_packet *p, const struct swpath_edit *e)
{
	const uint8_t *old = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, e->at);
	uint8_t new[16];

	for (unsigned i = 0; i < e->size; i++)
		new[i] = (uint8_t)((old[i] & ~e->mask.byte[i]) | e->value.byte[i]);
	swpath_rewrite(p, e->at, new, e->size, (enum swpath_sum)e->sum);
}

void swpath_edit_widen(const struct swpath_packet *p, struct swpath_edit *e)
{
	uint32_t base = e->sum == SWPATH_SUM_L4 ? p->ly.l4 : p->ly.l3;

	/* A checksum is of 16-bit words: a byte is taken with its neighbour, which stays. */
	if (e->size == 1 && e->sum != SWPATH_SUM_NONE) {
		/* An IPv6 pseudo-header has the protocol in a low byte, wherever the header has it.
		 */
		bool odd = ((e->at - base) & 1) || e->sum == SWPATH_SUM_PSEUDO;

		e->at -= odd;
		e->size = 2;
		e->value.byte[1] = odd ? e->value.byte[0] : 0;
		e->mask.byte[1] = odd ? e->mask.byte[0] : 0;
		if (odd)
			e->value.byte[0] = e->mask.byte[0] = 0;
	}
	memset(e->value.byte + e->size, 0, 8u - e->size);
	memset(e->mask.byte + e->size, 0, 8u - e->size);
	/* A header may lie in several segments: its checksum is written, too. */
	e->need = RTE_MAX(e->need, e->at + e->size);
	if (e->sum & SWPATH_SUM_IP)
		e->need = RTE_MAX(e->need, p->ly.l3 + (uint32_t)sizeof(struct rte_ipv4_hdr));
	e->bytes = 0;
	memset(&e->bytes, 0xff, e->size);
}

/* The bytes are writable. `which` sums are to be corrected. */
static inline int apply(
	struct swpath_packet *p, const struct swpath_edit *edit, unsigned n, uint32_t which)
{
	uint8_t *base = rte_pktmbuf_mtod(p->m, uint8_t *);
	uint64_t ip = 0, pseudo = 0, l4 = 0;

	p->key_stale = true;
	for (const struct swpath_edit *e = edit; e < edit + n; e++) {
		uint8_t *at = base + e->at;
		uint64_t old, new, delta;

		if (unlikely(!e->bytes)) {
			apply_long(p, e);
			continue;
		}
		old = load(at, e->size);
		new = (old & ~e->mask.word) | e->value.word;
		if (e->decrement) {
			if (unlikely(*at <= 1))
				return SWPATH_DROP_TTL;
			new = old - e->value.word;
		}
		store(at, e->size, new);
		if (e->sum == SWPATH_SUM_NONE)
			continue;
		delta = swpath_csum_delta_word(old, new, e->bytes);
		ip += e->sum & SWPATH_SUM_IP ? delta : 0;
		pseudo += e->sum & SWPATH_SUM_PSEUDO ? delta : 0;
		l4 += e->sum & SWPATH_SUM_L4 ? delta : 0;
	}
	if (which)
		swpath_sums_changed(p, which, &(struct swpath_sums){ip, pseudo, l4});
	return SWPATH_OK;
}

int swpath_edit_apply(struct swpath_packet *p, const struct swpath_edit *e)
{
	/* A packet may be shorter than its transport header could be. */
	uint32_t need = RTE_MAX(e->at + e->size, RTE_MIN(e->need, rte_pktmbuf_pkt_len(p->m)));
	int drop = e->size ? swpath_packet_writable(p, need) : SWPATH_OK;

	if (drop != SWPATH_OK || !e->size)
		return drop;
	p->layers_stale |= e->moves;
	return apply(p, e, 1, e->bytes ? e->sum : 0);
}

int swpath_edits_apply(struct swpath_packet *p, const struct swpath_edits *edits)
{
	int drop = SWPATH_OK;

	if (unlikely(edits->need > rte_pktmbuf_pkt_len(p->m))) {
		for (unsigned i = 0; i < edits->n && drop == SWPATH_OK; i++)
			drop = swpath_edit_apply(p, &edits->edit[i]);
		return drop;
	}
	drop = swpath_packet_writable(p, edits->need);
	if (drop != SWPATH_OK)
		return drop;
	p->layers_stale |= edits->moves;
	return apply(p, edits->edit, edits->n, edits->sums);
}
