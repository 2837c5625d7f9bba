/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting super-frames and completing checksums, against a byte-by-byte computation.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "tests/unit/swpath_port/frames.h"

enum { FIN = 0x01, PSH = 0x08, ACK = 0x10, CWR = 0x80, MAX_FRAMES = 200 };

static struct built f;

static void completes_checksums(void)
{
	static uint8_t flat[FRAME_MAX];

	for (unsigned i = 0; i < 2000; i++) {
		struct rte_mbuf *m;
		struct spec s;

		spec_random(&s);
		frame_build(&s, &f);
		m = frame_mbuf(&f, rnd_below(2) ? 1 + rnd_below(300) : 0);
		CU_ASSERT_EQUAL(swpath_checksum_complete(m), 0);
		CU_ASSERT_FALSE(swpath_has_offload(m));
		frame_flat(m, flat);
		CU_ASSERT_TRUE(checksums_right(&f, flat, f.end - f.l4));
		/* Nothing else has changed. */
		memset(flat + f.checksum, 0, s.proto == IPPROTO_SCTP ? 4 : 2);
		memset(f.data + f.checksum, 0, s.proto == IPPROTO_SCTP ? 4 : 2);
		CU_ASSERT_EQUAL(memcmp(flat, f.data, f.len), 0);
		rte_pktmbuf_free(m);
	}
}

/* A UDP checksum that comes out as 0 is sent as all ones (RFC 768). */
static void zero_udp_checksum_is_ones(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 2};
	struct rte_mbuf *m;
	uint8_t flat[64];
	unsigned sum;

	frame_build(&s, &f);
	/* The payload that makes the sum all ones. */
	sum = get16(f.data + f.l4) + get16(f.data + f.l4 + 2) + get16(f.data + f.l4 + 4) +
	      get16(f.data + f.checksum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = 0xffff - sum;
	f.data[f.body] = (uint8_t)(sum >> 8);
	f.data[f.body + 1] = (uint8_t)sum;
	m = frame_mbuf(&f, 0);
	CU_ASSERT_EQUAL(swpath_checksum_complete(m), 0);
	frame_flat(m, flat);
	CU_ASSERT_EQUAL(get16(flat + f.checksum), 0xffff);
	rte_pktmbuf_free(m);
}

/* Frame `i` of the super-frame f, `n` bytes of payload from `off`. */
static void judge(const uint8_t *flat, unsigned i, unsigned off, unsigned n, bool last)
{
	const unsigned l4_len = f.body - f.l4 + n;
	const uint8_t *ip = flat + f.l3, *l4 = flat + f.l4;
	const struct spec *s = &f.spec;

	CU_ASSERT_EQUAL(memcmp(flat + f.body, f.data + f.body + off, n), 0);
	CU_ASSERT_TRUE(checksums_right(&f, flat, l4_len));
	CU_ASSERT_EQUAL(memcmp(flat, f.data, f.l3), 0);
	if (s->ipv6) {
		CU_ASSERT_EQUAL(get16(ip + 4), f.body - f.l3 - 40 + n);
		CU_ASSERT_EQUAL(memcmp(ip + 6, f.data + f.l3 + 6, f.l4 - f.l3 - 6), 0);
	} else {
		CU_ASSERT_EQUAL(get16(ip + 2), f.body - f.l3 + n);
		CU_ASSERT_EQUAL(get16(ip + 4), (uint16_t)(get16(f.data + f.l3 + 4) + i));
		CU_ASSERT_EQUAL(memcmp(ip + 6, f.data + f.l3 + 6, 4), 0);
		CU_ASSERT_EQUAL(memcmp(ip + 12, f.data + f.l3 + 12, f.l4 - f.l3 - 12), 0);
	}
	CU_ASSERT_EQUAL(get32(l4), get32(f.data + f.l4)); /* ports */
	if (s->proto == IPPROTO_UDP) {
		CU_ASSERT_EQUAL(get16(l4 + 4), l4_len);
		return;
	}
	CU_ASSERT_EQUAL(get32(l4 + 4), get32(f.data + f.l4 + 4) + off);
	CU_ASSERT_EQUAL(get32(l4 + 8), get32(f.data + f.l4 + 8));
	CU_ASSERT_EQUAL(l4[13], s->tcp_flags & ~((last ? 0 : FIN | PSH) | (i == 0 ? 0 : CWR)));
	CU_ASSERT_EQUAL(memcmp(l4 + 18, f.data + f.l4 + 18, f.body - f.l4 - 18), 0);
}

static void cut_and_judge(unsigned size, unsigned piece)
{
	struct rte_mbuf *out[MAX_FRAMES], *m = frame_mbuf(&f, piece);
	const unsigned payload = f.end - f.body;
	unsigned n;

	m->ol_flags |= f.spec.proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
	m->tso_segsz = (uint16_t)size;
	n = swpath_segment(m, test_pool, out, MAX_FRAMES);
	rte_pktmbuf_free(m);
	CU_ASSERT_FATAL(n == (payload + size - 1) / size);
	for (unsigned i = 0; i < n; i++) {
		static uint8_t flat[FRAME_MAX];

		CU_ASSERT_FATAL(out[i]->pkt_len == f.body + RTE_MIN(size, payload - i * size));
		CU_ASSERT_FALSE(swpath_has_offload(out[i]));
		frame_flat(out[i], flat);
		judge(flat, i, i * size, RTE_MIN(size, payload - i * size), i + 1 == n);
	}
	rte_pktmbuf_free_bulk(out, n);
}

static void cuts_random_super_frames(void)
{
	for (unsigned i = 0; i < 600; i++) {
		struct spec s;

		spec_random(&s);
		if (s.proto == IPPROTO_SCTP)
			s.proto = IPPROTO_TCP;
		s.payload = 1 + rnd_below(20000);
		frame_build(&s, &f);
		cut_and_judge(RTE_MAX(100u, 1 + rnd_below(3000)), rnd_below(2) ? 700 : 0);
	}
}

/* The longest IP packet, cut into frames of a common MTU and into ones longer than an mbuf. */
static void cuts_64k(void)
{
	struct spec s = {.proto = IPPROTO_TCP,
		.tcp_options = 3,
		.tcp_flags = CWR | PSH | ACK,
		.payload = 65535 - 20 - 32,
		.vlans = 2};

	frame_build(&s, &f);
	cut_and_judge(1448, 0);
	cut_and_judge(8948, 0);
	s.ipv6 = true;
	s.extensions = 7;
	s.payload = 65535 - 32 - 48;
	frame_build(&s, &f);
	cut_and_judge(1400, 0);
}

/* f becomes the packet inside of `outer`, behind 8 bytes as of VXLAN. */
static void build_tunnel(struct built *outer, bool outer_checksum)
{
	struct spec s;

	do {
		spec_random(&s);
	} while (s.proto == IPPROTO_SCTP);
	s.padding = 0;
	s.payload = 1000 + rnd_below(20000);
	frame_build(&s, &f);
	spec_random(&s);
	s.proto = IPPROTO_UDP;
	s.padding = 0;
	s.payload = 8 + f.len;
	frame_build(&s, outer);
	memcpy(outer->data + outer->body + 8, f.data, f.len);
	if (!outer_checksum)
		memset(outer->data + outer->checksum, 0, 2);
}

static void judge_outer(const struct built *outer, const uint8_t *flat, unsigned len, unsigned i)
{
	const uint8_t *ip = flat + outer->l3, *udp = flat + outer->l4;

	CU_ASSERT_EQUAL(get16(udp + 4), len - outer->l4);
	if (outer->spec.ipv6) {
		CU_ASSERT_EQUAL(get16(ip + 4), len - outer->l3 - 40);
	} else {
		CU_ASSERT_EQUAL(get16(ip + 2), len - outer->l3);
		CU_ASSERT_EQUAL(get16(ip + 4), (uint16_t)(get16(outer->data + outer->l3 + 4) + i));
	}
	if (get16(outer->data + outer->checksum) == 0) {
		CU_ASSERT_EQUAL(get16(flat + outer->checksum), 0);
	} else {
		CU_ASSERT_TRUE(checksums_right(outer, flat, len - outer->l4));
	}
}

static void cuts_inside_tunnels(void)
{
	static struct built outer;
	static uint8_t flat[FRAME_MAX];

	for (unsigned i = 0; i < 300; i++) {
		const unsigned size = 200 + rnd_below(1500);
		struct swpath_segmenter s;
		struct rte_mbuf *m;
		unsigned inside, off = 0, n = 0;

		build_tunnel(&outer, i & 1);
		inside = outer.body + 8;
		m = frame_mbuf(&outer, i & 2 ? 700 : 0);
		m->ol_flags = 0;
		m->tso_segsz = (uint16_t)size;
		CU_ASSERT_EQUAL_FATAL(swpath_segmenter_start_inner(&s, m, inside + f.l4), 0);
		while (!swpath_segmenter_done(&s)) {
			const unsigned bytes = RTE_MIN(size, f.end - f.body - off);
			struct rte_mbuf *out = swpath_segmenter_next(&s, test_pool);

			CU_ASSERT_PTR_NOT_NULL_FATAL(out);
			CU_ASSERT_EQUAL_FATAL(out->pkt_len, inside + f.body + bytes);
			frame_flat(out, flat);
			judge_outer(&outer, flat, out->pkt_len, n);
			judge(flat + inside, n++, off, bytes, off + bytes == f.end - f.body);
			off += bytes;
			rte_pktmbuf_free(out);
		}
		CU_ASSERT_EQUAL(off, f.end - f.body);
		/* Not where no header is. */
		CU_ASSERT_EQUAL(swpath_segmenter_start_inner(&s, m, inside + f.l4 + 1), -EINVAL);
		rte_pktmbuf_free(m);
	}
}

static struct rte_mbuf *super(uint16_t size)
{
	struct rte_mbuf *m = frame_mbuf(&f, 0);

	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = size;
	return m;
}

static void refuses_what_cannot_be_cut(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 5000};
	struct swpath_segmenter seg;
	struct rte_mbuf *out[4], *m;
	unsigned before = rte_mempool_in_use_count(test_pool);

	frame_build(&s, &f);
	m = super(0);
	CU_ASSERT_EQUAL(swpath_segmenter_start(&seg, m), -EINVAL);
	m->tso_segsz = 1000;
	CU_ASSERT_EQUAL(swpath_segmenter_start(&seg, m), 0);
	CU_ASSERT_EQUAL(swpath_segmenter_ip_len(&seg), 1040);
	/* Too many for the room: nothing is left. */
	CU_ASSERT_EQUAL(swpath_segment(m, test_pool, out, 4), 0);
	m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_UDP_SEG;
	CU_ASSERT_EQUAL(swpath_segmenter_start(&seg, m), -EINVAL);
	rte_pktmbuf_free(m);
	s.payload = 0;
	frame_build(&s, &f);
	m = super(1000);
	CU_ASSERT_EQUAL(swpath_segmenter_start(&seg, m), -EINVAL);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(test_pool), before);
}

static void runs_out_of_mbufs(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 20000};
	struct rte_mbuf *out[32], *m, **hoard;
	unsigned n;

	frame_build(&s, &f);
	m = super(1000);
	n = rte_mempool_avail_count(test_pool) - 5;
	hoard = calloc(n, sizeof(*hoard));
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(test_pool, hoard, n), 0);
	CU_ASSERT_EQUAL(swpath_segment(m, test_pool, out, 32), 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(test_pool), 5);
	rte_pktmbuf_free_bulk(hoard, n);
	free(hoard);
	rte_pktmbuf_free(m);
}

static void shared_packet_is_copied(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 3000};
	struct rte_mbuf *m, *clone, *own;

	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	CU_ASSERT_PTR_EQUAL(swpath_writable(m, test_pool), m);
	clone = rte_pktmbuf_clone(m, test_pool);
	own = swpath_writable(clone, test_pool);
	CU_ASSERT_PTR_NOT_EQUAL(own, clone);
	CU_ASSERT_EQUAL(own->ol_flags, m->ol_flags);
	CU_ASSERT_EQUAL(swpath_checksum_complete(own), 0);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), f.data, 100), 0);
	rte_pktmbuf_free(own);
	rte_pktmbuf_free(m);
}

void add_segment_suite(void)
{
	CU_pSuite s = CU_add_suite("segment", NULL, NULL);

	CU_add_test(s, "completes checksums", completes_checksums);
	CU_add_test(s, "a UDP checksum of 0 is sent as ones", zero_udp_checksum_is_ones);
	CU_add_test(s, "cuts random super-frames", cuts_random_super_frames);
	CU_add_test(s, "cuts 64 KB", cuts_64k);
	CU_add_test(s, "cuts inside tunnels", cuts_inside_tunnels);
	CU_add_test(s, "refuses what cannot be cut", refuses_what_cannot_be_cut);
	CU_add_test(s, "runs out of mbufs", runs_out_of_mbufs);
	CU_add_test(s, "a shared packet is copied", shared_packet_is_copied);
}
