/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser on frames made by hand, cut off everywhere, and on noise.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "swpath/packet.h"
#include "test_swpath.h"

#define BE16(X) rte_cpu_to_be_16(X)
#define BE32(X) rte_cpu_to_be_32(X)

static struct hal_key parsed(const struct frame *f)
{
	uint8_t *exact = malloc(f->len ? f->len : 1); /* so that a read past the end is seen */
	struct hal_key key;

	memcpy(exact, f->b, f->len);
	swpath_parse(exact, f->len, &key);
	free(exact);
	return key;
}

static void ethernet(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_TCP4, 0, 10);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.eth_type, BE16(0x0800));
	CU_ASSERT(!memcmp(k.eth_dst, "\x02\0\0\0\0\x02", 6));
	CU_ASSERT(!memcmp(k.eth_src, "\x02\0\0\0\0\x01", 6));
	CU_ASSERT_EQUAL(k.vlan[0].tci, 0);

	frame_macs(&f); /* 802.3 without SNAP */
	frame_type(&f, 40);
	frame_bytes(&f, 40);
	CU_ASSERT_EQUAL(parsed(&f).eth_type, BE16(HAL_ETH_TYPE_NONE));

	frame_macs(&f); /* SNAP */
	frame_type(&f, 40);
	memcpy(f.b + f.len, "\xaa\xaa\x03\0\0\0", 6);
	f.len += 6;
	frame_type(&f, 0x0806);
	frame_arp(&f, 2);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.eth_type, BE16(0x0806));
	CU_ASSERT_EQUAL(k.arp_op, BE16(2));
}

static void vlan(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_UDP4, 1, 0);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.vlan[0].tpid, BE16(0x8100));
	CU_ASSERT_EQUAL(k.vlan[0].tci, BE16(0x6000 | 0x1000 | 100));
	CU_ASSERT_EQUAL(k.vlan[1].tpid, 0);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(53));

	frame_make(&f, FRAME_UDP4, 2, 0);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.vlan[0].tpid, BE16(0x88a8));
	CU_ASSERT_EQUAL(k.vlan[1].tpid, BE16(0x8100));
	CU_ASSERT_EQUAL(k.vlan[1].tci, BE16(0x6000 | 0x1000 | 101));
	CU_ASSERT_EQUAL(k.eth_type, BE16(0x0800));

	frame_make(&f, FRAME_UDP4, 3, 0); /* the third tag is what the frame carries */
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.eth_type, BE16(0x8100));
	CU_ASSERT_EQUAL(k.ip_proto, 0);
}

static void ipv4(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_TCP4, 0, 4);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ipv4_src, BE32(0x0a000001));
	CU_ASSERT_EQUAL(k.ipv4_dst, BE32(0x0a000002));
	CU_ASSERT_EQUAL(k.ip_tos, 0x2b);
	CU_ASSERT_EQUAL(k.ip_ttl, 64);
	CU_ASSERT_EQUAL(k.ip_proto, IPPROTO_TCP);
	CU_ASSERT_EQUAL(k.tp_src, BE16(1000));
	CU_ASSERT_EQUAL(k.tcp_flags, BE16(0x018));
	CU_ASSERT_EQUAL(k.ip_frag, 0);

	frame_macs(&f);
	frame_type(&f, 0x0800);
	frame_ipv4(&f, IPPROTO_TCP, 0, 3);
	frame_tcp(&f, 7, 8, 0xfff);
	frame_finish(&f);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(8));
	CU_ASSERT_EQUAL(k.tcp_flags, BE16(0xfff));
}

static void ipv4_fragments(void)
{
	struct frame f;
	struct hal_key k;

	frame_macs(&f);
	frame_type(&f, 0x0800);
	frame_ipv4(&f, IPPROTO_UDP, 0x2000, 0);
	frame_udp(&f, 7, 8);
	frame_finish(&f);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ip_frag, HAL_FRAG_ANY);
	CU_ASSERT_EQUAL(k.tp_src, BE16(7));

	f.b[f.l3 + 7] = 1; /* an offset */
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ip_frag, HAL_FRAG_ANY | HAL_FRAG_LATER);
	CU_ASSERT_EQUAL(k.ip_proto, IPPROTO_UDP);
	CU_ASSERT_EQUAL(k.tp_src, 0);
}

static void ipv4_bad(void)
{
	static const struct {
		unsigned at;
		uint8_t byte;
	} bad[] = {{0, 0x44}, {0, 0x4f}, {2, 0xff}, {3, 10}};
	struct frame f;
	struct hal_key k;

	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		frame_make(&f, FRAME_TCP4, 0, 4);
		f.b[f.l3 + bad[i].at] = bad[i].byte;
		k = parsed(&f);
		CU_ASSERT_EQUAL(k.eth_type, BE16(0x0800));
		CU_ASSERT_EQUAL(k.ip_proto, 0);
		CU_ASSERT_EQUAL(k.ipv4_src, 0);
		CU_ASSERT_EQUAL(k.tp_src, 0);
	}
}

static void padding_is_no_header(void)
{
	struct frame f;

	frame_macs(&f);
	frame_type(&f, 0x0800);
	frame_ipv4(&f, IPPROTO_TCP, 0, 0);
	frame_finish(&f);
	frame_bytes(&f, 26); /* padding to 60 bytes, not a TCP header */
	CU_ASSERT_EQUAL(parsed(&f).tp_src, 0);
	CU_ASSERT_EQUAL(parsed(&f).ip_proto, IPPROTO_TCP);
}

static void ipv6(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_TCP6, 0, 4);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ipv6_src[15], 1);
	CU_ASSERT_EQUAL(k.ipv6_dst[15], 2);
	CU_ASSERT_EQUAL(k.ip_tos, 0x2b);
	CU_ASSERT_EQUAL(k.ipv6_flabel, BE32(0x12345));
	CU_ASSERT_EQUAL(k.ip_ttl, 255);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(80));
	CU_ASSERT_EQUAL(k.ipv6_exthdr, 0);

	frame_macs(&f);
	frame_type(&f, 0x86dd);
	frame_ipv6(&f, IPPROTO_HOPOPTS);
	frame_exthdr(&f, IPPROTO_AH, 0);
	frame_ah(&f, IPPROTO_TCP);
	frame_tcp(&f, 1, 2, 2);
	frame_finish(&f);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ipv6_exthdr, BE16(68)); /* hop-by-hop and AH */
	CU_ASSERT_EQUAL(k.ip_proto, IPPROTO_TCP);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(2));
}

static uint16_t exthdrs_of(const uint8_t *next, unsigned n)
{
	struct frame f;

	frame_macs(&f);
	frame_type(&f, 0x86dd);
	frame_ipv6(&f, next[0]);
	for (unsigned i = 0; i < n; i++) {
		uint8_t after = i + 1 < n ? next[i + 1] : IPPROTO_NONE;

		if (next[i] == IPPROTO_AH)
			frame_ah(&f, after);
		else
			frame_exthdr(&f, after, 0);
	}
	frame_finish(&f);
	return rte_be_to_cpu_16(parsed(&f).ipv6_exthdr);
}

static void ipv6_exthdr_order(void)
{
	const uint8_t good[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};
	const uint8_t order[] = {IPPROTO_ROUTING, IPPROTO_HOPOPTS};
	const uint8_t twice[] = {IPPROTO_ROUTING, IPPROTO_ROUTING};

	CU_ASSERT_EQUAL(exthdrs_of(good, 4), 1 | 8 | 32 | 64);
	CU_ASSERT_EQUAL(exthdrs_of(order, 2), 1 | 32 | 64 | 256);
	CU_ASSERT_EQUAL(exthdrs_of(twice, 2), 1 | 32 | 128);
}

static void ipv6_fragments(void)
{
	struct frame f;
	struct hal_key k;

	frame_macs(&f);
	frame_type(&f, 0x86dd);
	frame_ipv6(&f, IPPROTO_FRAGMENT);
	frame_fragment(&f, IPPROTO_UDP, 0x0001);
	frame_udp(&f, 7, 8);
	frame_finish(&f);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ip_frag, HAL_FRAG_ANY);
	CU_ASSERT_EQUAL(k.ip_proto, IPPROTO_UDP);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(8));
	CU_ASSERT_EQUAL(k.ipv6_exthdr, BE16(16));

	f.b[f.l3 + 40 + 3] = 0x09;
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ip_frag, HAL_FRAG_ANY | HAL_FRAG_LATER);
	CU_ASSERT_EQUAL(k.ip_proto, IPPROTO_FRAGMENT);
	CU_ASSERT_EQUAL(k.tp_dst, 0);

	f.b[f.l3 + 40 + 2] = f.b[f.l3 + 40 + 3] = 0; /* an atomic fragment is no fragment */
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.ip_frag, 0);
	CU_ASSERT_EQUAL(k.tp_dst, BE16(8));
}

static void icmp_and_nd(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_ICMP4, 0, 8);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.tp_src, BE16(8));
	CU_ASSERT_EQUAL(k.tp_dst, 0);

	frame_make(&f, FRAME_NS, 0, 0);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.tp_src, BE16(135));
	CU_ASSERT_EQUAL(k.nd_target[15], 0x55);
	CU_ASSERT(!memcmp(k.arp_sha, "\2\3\4\5\6\7", 6));
	CU_ASSERT(!memcmp(k.arp_tha, "\0\0\0\0\0\0", 6));

	frame_make(&f, FRAME_NA, 0, 0);
	k = parsed(&f);
	CU_ASSERT(!memcmp(k.arp_tha, "\2\3\4\5\6\7", 6));

	frame_make(&f, FRAME_NS, 0, 0); /* the same option twice: none of it counts */
	memcpy(f.b + f.len, f.b + f.len - 8, 8);
	f.len += 8;
	frame_finish(&f);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.nd_target[15], 0);
	CU_ASSERT(!memcmp(k.arp_sha, "\0\0\0\0\0\0", 6));
	CU_ASSERT_EQUAL(k.tp_src, BE16(135));

	frame_make(&f, FRAME_NS, 0, 0); /* an option without a length */
	f.b[f.len - 7] = 0;
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.nd_target[15], 0x55);
	CU_ASSERT(!memcmp(k.arp_sha, "\0\0\0\0\0\0", 6));
}

static void arp(void)
{
	struct frame f;
	struct hal_key k;

	frame_make(&f, FRAME_ARP, 1, 18);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.arp_op, BE16(1));
	CU_ASSERT_EQUAL(k.ipv4_src, BE32(0x0a000001));
	CU_ASSERT_EQUAL(k.ipv4_dst, BE32(0x0a000002));
	CU_ASSERT_EQUAL(k.arp_sha[5], 1);
	CU_ASSERT_EQUAL(k.arp_tha[5], 2);

	f.b[f.l3 + 7] = 0x34; /* all 16 bits of the operation count */
	f.b[f.l3 + 6] = 0x12;
	CU_ASSERT_EQUAL(parsed(&f).arp_op, BE16(0x1234));
	f.b[f.l3 + 4] = 8;
	CU_ASSERT_EQUAL(parsed(&f).arp_op, 0);
}

static void mpls_and_pbb(void)
{
	struct frame f;
	struct hal_key k;

	frame_macs(&f);
	frame_type(&f, 0x8847);
	for (uint32_t i = 1; i <= 4; i++)
		frame_lse(&f, i << 12 | 64);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.mpls_lse[0], BE32(1 << 12 | 64));
	CU_ASSERT_EQUAL(k.mpls_lse[2], BE32(3 << 12 | 64));

	frame_make(&f, FRAME_MPLS, 0, 20); /* the bottom of the stack ends it */
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.mpls_lse[0], BE32(0x00064140));
	CU_ASSERT_EQUAL(k.mpls_lse[1], 0);

	frame_macs(&f);
	frame_type(&f, 0x88e7);
	frame_lse(&f, 0x08123456);
	frame_bytes(&f, 20);
	k = parsed(&f);
	CU_ASSERT_EQUAL(k.pbb_isid, BE32(0x123456));
	CU_ASSERT_EQUAL(k.pbb_uca, 1);
}

/* Every prefix of every kind: nothing past its end is read (the sanitizer watches), and headers
 * below the cut are as in the whole frame. */
static void truncated(void)
{
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		struct frame f;
		struct hal_key whole;

		frame_make(&f, kind, kind % 3, 0);
		whole = parsed(&f);
		for (size_t len = f.len; len-- > 0;) {
			struct frame cut = f;
			struct hal_key k;

			cut.len = len;
			k = parsed(&cut);
			if (len >= f.l3 && f.l3)
				CU_ASSERT_EQUAL(k.eth_type, whole.eth_type);
			if (f.l4 && !f.v6)
				CU_ASSERT_EQUAL(k.ip_proto, 0);
		}
	}
}

static void noise(void)
{
	for (unsigned round = 0; round < 50000; round++) {
		struct frame f;

		frame_make(&f, test_rand() % FRAME_KINDS, test_rand() % 4, test_rand() % 40);
		for (unsigned i = test_rand() % 6; i-- > 0;)
			f.b[12 + test_rand() % (f.len - 12)] = (uint8_t)test_rand();
		f.len = test_rand() % 4 ? f.len : test_rand() % (f.len + 1);
		parsed(&f);
	}
	CU_PASS("no read past the end");
}

/* However the packet is cut into segments, the key is the same as long as its headers lie in what
 * is looked at. */
static void segments(void)
{
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		struct frame f;
		struct hal_key whole;

		frame_make(&f, kind, 2, 300);
		whole = parsed(&f);
		for (size_t seg = 1; seg < 120; seg += 7) {
			struct rte_mbuf *m = test_mbuf(&f, seg);
			struct hal_key k = {0};
			struct swpath_layers ly;

			swpath_packet_parse(m, &k, &ly);
			CU_ASSERT(!memcmp(&k, &whole, sizeof(k)));
			rte_pktmbuf_free(m);
		}
	}
}

/* The quick parser says of a frame what the other one says, or nothing. */
static void common_shapes(void)
{
	unsigned quick = 0;

	for (unsigned round = 0; round < 40000; round++) {
		struct hal_key general, common;
		struct swpath_layers ly[2];
		struct frame f;

		memset(ly, 0, sizeof(ly));
		memset(&general, 0, sizeof(general));
		memset(&common, 0, sizeof(common));
		memset(&common, 0xa5, offsetof(struct hal_key, nd_target));
		frame_make(&f, (enum frame_kind)(round % FRAME_KINDS), round / FRAME_KINDS % 3, 20);
		for (unsigned i = test_rand() % 3; i--;)
			f.b[test_rand() % f.len] ^= (uint8_t)(1u << test_rand() % 8);
		if (test_rand() % 4 == 0)
			f.len = test_rand() % (f.len + 1);
		swpath_parse_frame(f.b, (uint32_t)f.len, (uint32_t)f.len, &general, &ly[0]);
		general.in_port = rte_cpu_to_be_32(round);
		if (!swpath_parse_common(f.b, (uint32_t)f.len, general.in_port, &common, &ly[1])) {
			CU_ASSERT_EQUAL(common.in_port, 0xa5a5a5a5);
			continue;
		}
		quick++;
		CU_ASSERT(!memcmp(&general, &common, sizeof(common)));
		CU_ASSERT(!memcmp(&ly[0], &ly[1], sizeof(ly[0])));
	}
	CU_ASSERT(quick > 5000);
}

void suite_parse(void)
{
	CU_pSuite s = CU_add_suite("parse", NULL, NULL);

	CU_add_test(s, "ethernet", ethernet);
	CU_add_test(s, "vlan", vlan);
	CU_add_test(s, "ipv4", ipv4);
	CU_add_test(s, "ipv4 fragments", ipv4_fragments);
	CU_add_test(s, "ipv4 that contradicts itself", ipv4_bad);
	CU_add_test(s, "padding is no header", padding_is_no_header);
	CU_add_test(s, "ipv6", ipv6);
	CU_add_test(s, "ipv6 order of extension headers", ipv6_exthdr_order);
	CU_add_test(s, "ipv6 fragments", ipv6_fragments);
	CU_add_test(s, "icmp and neighbour discovery", icmp_and_nd);
	CU_add_test(s, "arp", arp);
	CU_add_test(s, "mpls and pbb", mpls_and_pbb);
	CU_add_test(s, "truncated anywhere", truncated);
	CU_add_test(s, "common shapes", common_shapes);
	CU_add_test(s, "noise", noise);
	CU_add_test(s, "segments", segments);
}
