/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

/* Longest headers, Ethernet to TCP, of a super-frame that is cut. */
enum { MAX_HEADERS = 512 };

/* Sum of one's complement of `len` (host order, 32 bits) and `sum`, folded. */
static uint16_t sum_add(uint16_t sum, uint32_t len)
{
	uint32_t s = sum;

	s += rte_cpu_to_be_16((uint16_t)(len >> 16));
	s += rte_cpu_to_be_16((uint16_t)len);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)((s & 0xffff) + (s >> 16));
}

static uint16_t sum_sub(uint16_t sum, uint32_t len)
{
	return (uint16_t)~sum_add((uint16_t)~sum, len);
}

struct rte_mbuf *swpath_writable(struct rte_mbuf *m, struct rte_mempool *pool)
{
	const struct rte_mbuf *s;
	struct rte_mbuf *copy;

	for (s = m; s; s = s->next)
		if (!RTE_MBUF_DIRECT(s) || rte_mbuf_refcnt_read(s) != 1)
			break;
	if (!s)
		return m;
	copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	if (copy)
		rte_pktmbuf_free(m);
	return copy;
}

static uint8_t flags_proto(uint64_t ol_flags)
{
	switch (ol_flags & RTE_MBUF_F_TX_L4_MASK) {
	case RTE_MBUF_F_TX_TCP_CKSUM:
		return IPPROTO_TCP;
	case RTE_MBUF_F_TX_UDP_CKSUM:
		return IPPROTO_UDP;
	case RTE_MBUF_F_TX_SCTP_CKSUM:
		return IPPROTO_SCTP;
	default:
		return 0;
	}
}

/* Folded sum of [off, off + len). rte_raw_cksum_mbuf() is not used: it loses carries in segments
 * that begin at an odd offset (DPDK 22.11). */
static uint16_t sum_range(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t sum = 0, done = 0;

	while (off >= m->data_len && m->next) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m && done < len; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(len - done, m->data_len - off);
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, off), n);

		sum += done & 1 ? rte_bswap16(part) : part;
		done += n;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Completes [start, start + len), where the field holds the pseudo-header's sum. */
static void complete_inet(struct rte_mbuf *m, uint32_t start, uint32_t len, uint32_t field)
{
	uint16_t sum = (uint16_t)~sum_range(m, start, len);

	/* RFC 768: in UDP 0 says that there is no checksum; elsewhere both mean the same. */
	if (sum == 0)
		sum = 0xffff;
	swpath_frame_write(m, field, &sum, sizeof(sum));
}

/* rte_hash_crc() reads misaligned words; headers are rarely aligned. */
static uint32_t crc32c_update(const uint8_t *p, uint32_t n, uint32_t crc)
{
	uint64_t v;

	for (; n >= sizeof(v); n -= sizeof(v), p += sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		crc = rte_hash_crc_8byte(v, crc);
	}
	while (n-- > 0)
		crc = rte_hash_crc_1byte(*p++, crc);
	return crc;
}

/* CRC32c over [start, start + len) with the field as 0 (RFC 9260, appendix A). */
static void complete_sctp(struct rte_mbuf *m, uint32_t start, uint32_t len, uint32_t field)
{
	uint32_t crc = 0, done = 0, off = start;
	const struct rte_mbuf *s = m;

	swpath_frame_write(m, field, &crc, sizeof(crc));
	crc = UINT32_MAX;
	while (off >= s->data_len && s->next) {
		off -= s->data_len;
		s = s->next;
	}
	for (; s && done < len; s = s->next, off = 0) {
		uint32_t n = RTE_MIN(len - done, s->data_len - off);

		crc = crc32c_update(rte_pktmbuf_mtod_offset(s, const uint8_t *, off), n, crc);
		done += n;
	}
	crc = rte_cpu_to_le_32(~crc);
	swpath_frame_write(m, field, &crc, sizeof(crc));
}

int swpath_checksum_complete(struct rte_mbuf *m)
{
	uint8_t proto = flags_proto(m->ol_flags);
	struct swpath_frame f;

	if (!proto)
		return 0;
	if (!swpath_frame_parse(m, &f) || !f.l4_off || f.proto != proto)
		return -EINVAL;
	if (proto == IPPROTO_SCTP)
		complete_sctp(m, f.l4_off, f.l4_len, f.checksum_off);
	else
		complete_inet(m, f.l4_off, f.l4_len, f.checksum_off);
	m->ol_flags &= ~SWPATH_OFFLOAD_FLAGS;
	return 0;
}

int swpath_checksum_complete_at(struct rte_mbuf *m, uint32_t start, uint32_t offset)
{
	const bool sctp = offset == offsetof(struct rte_sctp_hdr, cksum);

	if (start + offset + (sctp ? 4 : 2) > m->pkt_len)
		return -EINVAL;
	if (sctp)
		complete_sctp(m, start, m->pkt_len - start, start + offset);
	else
		complete_inet(m, start, m->pkt_len - start, start + offset);
	return 0;
}

void swpath_checksum_make_partial(struct rte_mbuf *m, const struct swpath_frame *f)
{
	const uint32_t addresses = f->ip_version == 4 ? offsetof(struct rte_ipv4_hdr, src_addr)
						      : offsetof(struct rte_ipv6_hdr, src_addr);
	const uint32_t zero = 0;
	uint16_t sum;

	if (f->proto == IPPROTO_SCTP) {
		swpath_frame_write(m, f->checksum_off, &zero, sizeof(zero));
		return;
	}
	sum = sum_range(m, f->l3_off + addresses, f->ip_version == 4 ? 8 : 32);
	sum = sum_add(sum_add(sum, f->proto), f->l4_len);
	swpath_frame_write(m, f->checksum_off, &sum, sizeof(sum));
}

static uint16_t read_ip_id(const struct rte_mbuf *m, const struct swpath_frame *f)
{
	uint16_t id;

	if (f->ip_version != 4)
		return 0;
	memcpy(&id,
		rte_pktmbuf_read(m, f->l3_off + offsetof(struct rte_ipv4_hdr, packet_id), 2, &id),
		2);
	return rte_be_to_cpu_16(id);
}

/* s->frame is parsed. */
static int start(struct swpath_segmenter *s, const struct rte_mbuf *super)
{
	const struct swpath_frame *f = &s->frame;
	uint16_t sum;

	if (super->tso_segsz == 0 || f->payload_off > MAX_HEADERS)
		return -EINVAL;
	s->super = super;
	s->size = super->tso_segsz;
	s->payload_left = f->l4_len - (f->payload_off - f->l4_off);
	if (s->payload_left == 0)
		return -EINVAL;
	memcpy(&sum, rte_pktmbuf_read(super, f->checksum_off, 2, &sum), 2);
	s->pseudo = sum_sub(sum, f->l4_len);
	s->ip_id = read_ip_id(super, f);
	s->seg_off = f->payload_off;
	for (s->seg = super; s->seg_off >= s->seg->data_len; s->seg = s->seg->next)
		s->seg_off -= s->seg->data_len;
	return 0;
}

int swpath_segmenter_start(struct swpath_segmenter *s, const struct rte_mbuf *super)
{
	const uint8_t proto = super->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? IPPROTO_TCP : IPPROTO_UDP;

	memset(s, 0, sizeof(*s));
	if (!(super->ol_flags & SWPATH_SEG_FLAGS))
		return -EINVAL;
	if (!swpath_frame_parse(super, &s->frame) || !s->frame.l4_off || s->frame.proto != proto)
		return -EINVAL;
	return start(s, super);
}

/* GRE's own checksum (RFC 2784) would have to be made for each frame: such are refused. */
static bool has_gre_checksum(
	const struct rte_mbuf *m, const struct swpath_frame *outer, uint32_t l4)
{
	uint8_t buf;
	const uint8_t *flags = rte_pktmbuf_read(m, l4, 1, &buf);

	return outer->proto == IPPROTO_GRE && (!flags || *flags & 0x80);
}

int swpath_segmenter_start_inner(
	struct swpath_segmenter *s, const struct rte_mbuf *super, uint32_t l4_off)
{
	const struct swpath_frame *f = &s->frame;
	uint32_t outer_l4;

	memset(s, 0, sizeof(*s));
	if (!swpath_frame_parse(super, &s->outer) || s->outer.fragment ||
		s->outer.proto == IPPROTO_TCP || s->outer.proto == IPPROTO_SCTP)
		return -EINVAL;
	if (!swpath_frame_parse_inner(super, l4_off, &s->frame) || f->proto == IPPROTO_SCTP)
		return -EINVAL;
	outer_l4 = super->pkt_len - s->outer.l4_len;
	if (outer_l4 > f->l3_off || has_gre_checksum(super, &s->outer, outer_l4))
		return -EINVAL;
	s->tunnelled = true;
	s->outer_id = read_ip_id(super, &s->outer);
	return start(s, super);
}

uint32_t swpath_segmenter_ip_len(const struct swpath_segmenter *s)
{
	const struct swpath_frame *ip = s->tunnelled ? &s->outer : &s->frame;

	return s->frame.payload_off - ip->l3_off + RTE_MIN(s->size, s->payload_left);
}

/* Sets the length and, for IPv4, the identification and checksum of the IP header of `f` in a
 * frame of `len` bytes. */
static void make_ip(const struct swpath_frame *f, uint8_t *h, uint32_t len, uint16_t id)
{
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)(h + f->l3_off);
	struct rte_ipv6_hdr *ip6 = (struct rte_ipv6_hdr *)(h + f->l3_off);

	len -= f->l3_off;
	if (f->ip_version == 6) {
		ip6->payload_len = rte_cpu_to_be_16((uint16_t)(len - sizeof(*ip6)));
		return;
	}
	ip4->total_length = rte_cpu_to_be_16((uint16_t)len);
	ip4->packet_id = rte_cpu_to_be_16(id);
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = rte_ipv4_cksum(ip4);
}

/* The headers around, in a frame of `len` bytes. */
static void make_outer(struct swpath_segmenter *s, uint8_t *h, uint32_t len)
{
	const struct swpath_frame *f = &s->outer;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(h + f->l4_off);

	make_ip(f, h, len, s->outer_id++);
	if (f->proto == IPPROTO_UDP)
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)(len - f->l4_off));
}

/* A tunnel's UDP checksum, where it has one, covers the whole inner packet. */
static void complete_outer(struct rte_mbuf *m, const struct swpath_frame *outer)
{
	struct swpath_frame f = *outer;
	uint16_t sum;

	if (f.proto != IPPROTO_UDP)
		return;
	memcpy(&sum, rte_pktmbuf_read(m, f.checksum_off, 2, &sum), 2);
	if (sum == 0)
		return;
	f.l4_len = m->pkt_len - f.l4_off;
	swpath_checksum_make_partial(m, &f);
	complete_inet(m, f.l4_off, f.l4_len, f.checksum_off);
}

/* The headers of the next frame, which has `n` bytes of payload; checksum partial. */
static void make_headers(struct swpath_segmenter *s, uint8_t *h, uint32_t n)
{
	const struct swpath_frame *f = &s->frame;
	const uint32_t l4_len = f->payload_off - f->l4_off + n;
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(h + f->l4_off);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(h + f->l4_off);
	const uint16_t sum = sum_add(s->pseudo, l4_len);

	make_ip(f, h, f->payload_off + n, s->ip_id++);
	if (s->tunnelled)
		make_outer(s, h, f->payload_off + n);
	if (f->proto == IPPROTO_UDP) {
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)l4_len);
		udp->dgram_cksum = sum;
		return;
	}
	tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + s->payload_done);
	if (s->payload_done > 0)
		tcp->tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
	if (n < s->payload_left)
		tcp->tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
	tcp->cksum = sum;
}

/* Appends `len` bytes to the chain `m`, whose last segment is *last. 0 or -ENOMEM. */
static int append(struct rte_mbuf *m, struct rte_mbuf **last, struct rte_mempool *pool,
	const void *data, uint32_t len)
{
	const uint8_t *src = data;

	while (len > 0) {
		uint32_t n = RTE_MIN(len, rte_pktmbuf_tailroom(*last));

		if (n == 0) {
			struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

			if (!more)
				return -ENOMEM;
			(*last)->next = more;
			*last = more;
			m->nb_segs++;
			continue;
		}
		memcpy(rte_pktmbuf_mtod_offset(*last, void *, (*last)->data_len), src, n);
		(*last)->data_len += (uint16_t)n;
		m->pkt_len += n;
		src += n;
		len -= n;
	}
	return 0;
}

struct rte_mbuf *swpath_segmenter_next(struct swpath_segmenter *s, struct rte_mempool *pool)
{
	const struct swpath_frame *f = &s->frame;
	const uint32_t n = RTE_MIN(s->size, s->payload_left);
	uint8_t headers[MAX_HEADERS];
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;
	const void *p;

	if (!m)
		return NULL;
	__rte_pktmbuf_copy_hdr(m, s->super);
	m->ol_flags &= ~SWPATH_OFFLOAD_FLAGS;
	m->tso_segsz = 0;
	p = rte_pktmbuf_read(s->super, 0, f->payload_off, headers);
	if (p != headers)
		memcpy(headers, p, f->payload_off);
	make_headers(s, headers, n);
	if (append(m, &last, pool, headers, f->payload_off) < 0)
		goto free_frame;
	for (uint32_t left = n; left > 0;) {
		uint32_t chunk = RTE_MIN(left, s->seg->data_len - s->seg_off);

		if (append(m, &last, pool,
			    rte_pktmbuf_mtod_offset(s->seg, const void *, s->seg_off), chunk) < 0)
			goto free_frame;
		left -= chunk;
		s->seg_off += chunk;
		while (s->seg_off == s->seg->data_len && s->seg->next) {
			s->seg = s->seg->next;
			s->seg_off = 0;
		}
	}
	complete_inet(m, f->l4_off, f->payload_off - f->l4_off + n, f->checksum_off);
	if (s->tunnelled)
		complete_outer(m, &s->outer);
	s->payload_left -= n;
	s->payload_done += n;
	return m;

free_frame:
	rte_pktmbuf_free(m);
	return NULL;
}

unsigned swpath_segment(
	struct rte_mbuf *m, struct rte_mempool *pool, struct rte_mbuf **out, unsigned max)
{
	struct swpath_segmenter s;
	unsigned n = 0;

	if (swpath_segmenter_start(&s, m) < 0)
		return 0;
	while (!swpath_segmenter_done(&s)) {
		struct rte_mbuf *frame = n < max ? swpath_segmenter_next(&s, pool) : NULL;

		if (!frame)
			goto free_frames;
		out[n++] = frame;
	}
	return n;

free_frames:
	rte_pktmbuf_free_bulk(out, n);
	return 0;
}
