/* SPDX-License-Identifier: Apache-2.0
 *
 * The virtio-net header, both ways.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "swpath/port/vnet.h"
#include "tests/unit/swpath_port/frames.h"

static struct built f;
static const struct swpath_vnet_peer peer = {.mtu = 9000, .uso = true};

static struct virtio_net_hdr partial_header(void)
{
	return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)f.l4,
		.csum_offset = (uint16_t)(f.checksum - f.l4)};
}

/* What comes in goes out the same, wherever tags and extension headers put the offsets. */
static void round_trip(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct virtio_net_hdr in, out;
		struct rte_mbuf *m;
		struct spec s;
		bool super;

		spec_random(&s);
		s.labels = 0;
		s.pbb = false;
		super = s.proto != IPPROTO_SCTP && rnd_below(2);
		if (super)
			s.payload = 1500 + rnd_below(40000);
		s.tcp_flags &= 0x7f;
		frame_build(&s, &f);
		in = partial_header();
		if (super) {
			in.gso_type = s.proto == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
				      : s.ipv6               ? VIRTIO_NET_HDR_GSO_TCPV6
							     : VIRTIO_NET_HDR_GSO_TCPV4;
			in.gso_size = (uint16_t)(500 + rnd_below(900));
			in.hdr_len = (uint16_t)f.body;
		}
		m = frame_mbuf(&f, rnd_below(2) ? 2000 : 0);
		m->ol_flags = 0;
		CU_ASSERT_EQUAL(swpath_vnet_to_mbuf(&in, m), 0);
		CU_ASSERT_TRUE(swpath_has_offload(m));
		CU_ASSERT_EQUAL(m->tso_segsz, super ? in.gso_size : 0);
		CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &peer, &out), 0);
		CU_ASSERT_EQUAL(memcmp(&in, &out, sizeof(in)), 0);
		rte_pktmbuf_free(m);
	}
}

/* A tag pushed on the way moves the offsets. */
static void offsets_follow_the_headers(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 5000, .tcp_flags = 0x90};
	struct virtio_net_hdr h;
	struct rte_mbuf *m;

	frame_build(&s, &f);
	h = partial_header();
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
	h.gso_size = 1400;
	m = frame_mbuf(&f, 0);
	m->ol_flags = 0;
	CU_ASSERT_EQUAL(swpath_vnet_to_mbuf(&h, m), 0);
	CU_ASSERT_EQUAL(swpath_frame_push_vlan(m, 0x8100, 5), 0);
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &peer, &h), 0);
	CU_ASSERT_EQUAL(h.csum_start, f.l4 + 4);
	CU_ASSERT_EQUAL(h.csum_offset, 16);
	CU_ASSERT_EQUAL(h.hdr_len, f.body + 4);
	CU_ASSERT_EQUAL(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	rte_pktmbuf_free(m);
}

/* A checksum inside a tunnel is completed at once: no flag can speak of it. */
static void inner_checksum_is_completed(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 200};
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM};
	uint8_t before[400], after[400];
	uint32_t sum = 0;
	struct rte_mbuf *m;

	frame_build(&s, &f);
	h.csum_start = (uint16_t)(f.body + 50);
	h.csum_offset = 16;
	m = frame_mbuf(&f, 90);
	m->ol_flags = 0;
	CU_ASSERT_EQUAL(swpath_vnet_to_mbuf(&h, m), 0);
	CU_ASSERT_FALSE(swpath_has_offload(m));
	frame_flat(m, after);
	memcpy(before, f.data, f.len);
	for (unsigned i = h.csum_start; i < f.len; i += 2)
		sum += get16(before + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = (uint16_t)~sum;
	CU_ASSERT_EQUAL(get16(after + h.csum_start + 16), sum ? sum : 0xffff);
	rte_pktmbuf_free(m);
}

/* Receive offload of the kernel leaves super-frames whose checksum it has verified. */
static void whole_checksum_becomes_partial(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .ipv6 = true, .extensions = 2, .payload = 4000};
	struct virtio_net_hdr h = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1000};
	static uint8_t flat[FRAME_MAX];
	struct rte_mbuf *m;

	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	CU_ASSERT_EQUAL(swpath_checksum_complete(m), 0);
	CU_ASSERT_EQUAL(swpath_vnet_to_mbuf(&h, m), 0);
	CU_ASSERT_EQUAL(m->ol_flags, RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM);
	frame_flat(m, flat);
	CU_ASSERT_EQUAL(memcmp(flat, f.data, f.len), 0);
	rte_pktmbuf_free(m);
}

static int to_mbuf(const struct virtio_net_hdr *h)
{
	struct rte_mbuf *m = frame_mbuf(&f, 0);
	int rc;

	m->ol_flags = 0;
	rc = swpath_vnet_to_mbuf(h, m);
	if (rc == 0 && swpath_has_offload(m)) {
		CU_ASSERT_EQUAL(m->tso_segsz, 0);
	}
	rte_pktmbuf_free(m);
	return rc;
}

static void refuses_contradictions(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 3000};
	struct virtio_net_hdr h;

	frame_build(&s, &f);
	h = partial_header();
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	h.gso_size = 1000;
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL); /* it is IPv4 */
	h.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL); /* it is TCP */
	h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL); /* fragments */
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h.gso_size = 0;
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL);
	h.gso_size = 1000;
	h.csum_start += 2; /* inside a tunnel: super-frames of that kind have no flags */
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL);
	h.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	h.csum_start = (uint16_t)(f.len - 1);
	CU_ASSERT_EQUAL(to_mbuf(&h), -EINVAL);
	/* One segment only is no super-frame. */
	h = partial_header();
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h.gso_size = 3000;
	CU_ASSERT_EQUAL(to_mbuf(&h), 0);
}

static void survives_random_headers(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		struct virtio_net_hdr h;
		struct rte_mbuf *m;
		struct spec s;
		uint64_t bits = rnd();

		spec_random(&s);
		s.payload = rnd_below(200);
		frame_build(&s, &f);
		f.len = rnd_below(f.len + 1);
		memcpy(&h, &bits, 8);
		h.csum_offset = (uint16_t)(rnd_below(2) ? rnd() : rnd_below(20));
		h.csum_start = (uint16_t)(rnd_below(2) ? h.csum_start : rnd_below(100));
		h.gso_type = (uint8_t)rnd_below(7);
		m = frame_mbuf(&f, 100);
		m->ol_flags = 0;
		if (swpath_vnet_to_mbuf(&h, m) == 0)
			swpath_vnet_from_mbuf(m, &peer, &h);
		rte_pktmbuf_free(m);
	}
}

static void says_what_the_kernel_cannot_carry(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 3000, .labels = 1};
	struct swpath_vnet_peer old = {.mtu = 1500, .uso = false};
	struct virtio_net_hdr h;
	struct rte_mbuf *m;

	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &old, &h), -EMSGSIZE);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = 1461; /* 1501 bytes of IP */
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &old, &h), -EMSGSIZE);
	m->tso_segsz = 1460;
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &old, &h), -EOPNOTSUPP); /* MPLS */
	m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM;
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &peer, &h), -EINVAL); /* it is TCP */
	rte_pktmbuf_free(m);
	s = (struct spec){.proto = IPPROTO_UDP, .payload = 3000};
	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	m->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
	m->tso_segsz = 1000;
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &old, &h), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(swpath_vnet_from_mbuf(m, &peer, &h), 0);
	rte_pktmbuf_free(m);
}

void add_vnet_suite(void)
{
	CU_pSuite s = CU_add_suite("vnet", NULL, NULL);

	CU_add_test(s, "round trip", round_trip);
	CU_add_test(s, "offsets follow the headers", offsets_follow_the_headers);
	CU_add_test(s, "inner checksum is completed", inner_checksum_is_completed);
	CU_add_test(s, "whole checksum becomes partial", whole_checksum_becomes_partial);
	CU_add_test(s, "refuses contradictions", refuses_contradictions);
	CU_add_test(s, "survives random headers", survives_random_headers);
	CU_add_test(s, "says what the kernel cannot carry", says_what_the_kernel_cannot_carry);
}
