/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits after which the packet is of another kind: backbone headers, EtherTypes, protocols; and
 * TTLs between a label and what is below it.
 */
#include <netinet/in.h>
#include <string.h>

#include "subject.h"

/* A frame goes whole into a backbone frame and comes out as it was. */
static void backbone(void)
{
	static const uint8_t head[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xe7, 0x60, 0, 0, 100};
	struct hal_act_pbb push = {.a = {ACTION_PUSH_PBB, sizeof(push), 0},
		.eth_type = RTE_BE16(0x88e7),
		.itag = RTE_BE32(0x60000064)};

	for (unsigned tags = 0; tags < 3; tags++)
		for (size_t seg = 0; seg < 60; seg += 19) {
			const uint8_t *data;
			struct subject s;
			struct frame f;

			frame_make(&f, FRAME_TCP4, tags, 30);
			take(&s, test_mbuf(&f, seg));
			CU_ASSERT_EQUAL(swpath_push_pbb(&s.p, &push), SWPATH_OK);
			data = rte_pktmbuf_mtod(s.p.m, const uint8_t *);
			CU_ASSERT(!memcmp(data, f.b, 12) && !memcmp(data + 12, head + 12, 6));
			CU_ASSERT(!memcmp(data + 18, f.b, 12));
			CU_ASSERT_EQUAL(set(&s, FIELD_ETH_DST, "\xaa\xaa\xaa\xaa\xaa\xaa", NULL),
				SWPATH_OK);
			CU_ASSERT_EQUAL(set(&s, FIELD_PBB_ISID, "\1\2\3", NULL), SWPATH_OK);
			CU_ASSERT_EQUAL(set(&s, FIELD_PBB_UCA, "\1", NULL), SWPATH_OK);
			swpath_packet_key(&s.p);
			CU_ASSERT_EQUAL(s.key.pbb_isid, RTE_BE32(0x010203));
			CU_ASSERT_EQUAL(s.key.pbb_uca, 1);
			data = rte_pktmbuf_mtod(s.p.m, const uint8_t *);
			CU_ASSERT(!memcmp(data + 14, "\x68\1\2\3", 4));
			CU_ASSERT_EQUAL(
				set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_DROP_HEADER);
			CU_ASSERT_EQUAL(swpath_pop_pbb(&s.p), SWPATH_OK);
			CU_ASSERT(test_same_bytes(s.p.m, f.b, f.len));
			CU_ASSERT_EQUAL(swpath_pop_pbb(&s.p), SWPATH_DROP_HEADER);
			CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_OK);
			CU_ASSERT(checksums_right(s.p.m, &f));
			rte_pktmbuf_free(s.p.m);
		}
}

/* What ends inside the header is left alone. */
static void backbone_cut_off(void)
{
	struct hal_act_pbb push = {
		.a = {ACTION_PUSH_PBB, sizeof(push), 0}, .eth_type = RTE_BE16(0x88e7)};

	for (uint16_t len = 14; len < 32; len++) {
		struct subject s;
		struct frame f;

		frame_make(&f, FRAME_TCP4, 0, 0);
		take(&s, test_mbuf(&f, 0));
		CU_ASSERT_EQUAL(swpath_push_pbb(&s.p, &push), SWPATH_OK);
		swpath_mbuf_cut(s.p.m, len);
		s.p.key_stale = s.p.layers_stale = true;
		CU_ASSERT_EQUAL(swpath_pop_pbb(&s.p), SWPATH_DROP_HEADER);
		rte_pktmbuf_free(s.p.m);
	}
}

/* Between labels, and between the last one and IP, in both directions. */
static void copied_ttls(void)
{
	static const struct {
		enum frame_kind kind;
		unsigned labels, at; /* of the TTL below, behind the labels */
	} t[] = {{FRAME_TCP4, 1, 8}, {FRAME_TCP6, 1, 7}, {FRAME_TCP4, 2, 0}, {FRAME_ARP, 1, 0}};

	for (unsigned i = 0; i < RTE_DIM(t) * 2; i++) {
		struct hal_act_mpls push = {
			.a = {ACTION_PUSH_MPLS, sizeof(push), 0}, .eth_type = RTE_BE16(0x8847)};
		struct hal_act_mpls pop = {.a = {ACTION_POP_MPLS, sizeof(pop), 0}};
		bool in = i & 1, arp = t[i / 2].kind == FRAME_ARP;
		unsigned n = t[i / 2].labels, below;
		uint8_t inner, *data;
		struct subject s;
		struct frame f;

		frame_make(&f, t[i / 2].kind, 0, 20);
		memcpy(&pop.eth_type, f.b + 12, 2);
		take(&s, test_mbuf(&f, 0));
		for (unsigned j = 0; j < n; j++) {
			push.lse = rte_cpu_to_be_32(0x1000 | (j ? 99 : 0x100 | 33));
			CU_ASSERT_EQUAL(swpath_push_mpls(&s.p, &push), SWPATH_OK);
		}
		data = rte_pktmbuf_mtod(s.p.m, uint8_t *);
		below = n == 2 ? 14 + 4 + 3 : 14 + 4 + t[i / 2].at;
		inner = data[below];
		CU_ASSERT_EQUAL(swpath_copy_ttl(&s.p, in), SWPATH_OK);
		data = rte_pktmbuf_mtod(s.p.m, uint8_t *);
		CU_ASSERT_EQUAL(data[17], !in && !arp ? inner : n == 2 ? 99 : 33);
		CU_ASSERT_EQUAL(data[below], in && !arp ? data[17] : inner);
		for (unsigned j = 0; j < n; j++)
			CU_ASSERT_EQUAL(
				swpath_pop_mpls(&s.p,
					j + 1 < n ? &(struct hal_act_mpls){.eth_type =
										   RTE_BE16(0x8847)}
						  : &pop),
				SWPATH_OK);
		CU_ASSERT(checksums_right(s.p.m, &f));
		rte_pktmbuf_free(s.p.m);
	}
}

/* The protocol is in the IPv4 header's checksum and in the pseudo-header. */
static void protocols(void)
{
	static const enum frame_kind kinds[] = {FRAME_TCP4, FRAME_UDP4, FRAME_TCP6, FRAME_UDP6};

	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		for (unsigned tags = 0; tags < 2; tags++) {
			struct subject s;
			struct frame f;

			frame_make(&f, kinds[i], tags, 20);
			take(&s, test_mbuf(&f, 0));
			CU_ASSERT_EQUAL(set(&s, FIELD_IP_PROTO, "\xfd", NULL), SWPATH_OK);
			swpath_packet_key(&s.p);
			CU_ASSERT_EQUAL(s.key.ip_proto, 0xfd);
			CU_ASSERT_EQUAL(s.p.ly.l4, 0);
			/* And back: all sums are as before, whatever they were between. */
			CU_ASSERT_EQUAL(set(&s, FIELD_IP_PROTO, &f.proto, NULL), SWPATH_OK);
			swpath_packet_key(&s.p);
			CU_ASSERT_EQUAL(s.key.ip_proto, f.proto);
			rte_pktmbuf_free(s.p.m);
		}
}

/* Behind extension headers it is the last of them that says the protocol. */
static void protocol_behind_headers(void)
{
	struct subject s;
	struct frame f = {0};

	frame_macs(&f);
	frame_type(&f, 0x86dd);
	frame_ipv6(&f, IPPROTO_HOPOPTS);
	frame_exthdr(&f, IPPROTO_DSTOPTS, 0);
	frame_exthdr(&f, IPPROTO_TCP, 0);
	frame_tcp(&f, 1, 2, 0x10);
	frame_finish(&f);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_IP_PROTO, "\x2f", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(rte_pktmbuf_mtod(s.p.m, uint8_t *)[14 + 40 + 8], 0x2f);
	CU_ASSERT_EQUAL(rte_pktmbuf_mtod(s.p.m, uint8_t *)[14 + 6], IPPROTO_HOPOPTS);
	rte_pktmbuf_free(s.p.m);
}

/* The rest of the frame is another thing then. */
static void ethertypes(void)
{
	struct subject s;
	struct frame f;

	for (unsigned tags = 0; tags < 3; tags++) {
		frame_make(&f, FRAME_TCP4, tags, 20);
		take(&s, test_mbuf(&f, 0));
		CU_ASSERT_EQUAL(set(&s, FIELD_ETH_TYPE, "\x88\x48", NULL), SWPATH_OK);
		CU_ASSERT(
			!memcmp(rte_pktmbuf_mtod(s.p.m, uint8_t *) + 12 + 4 * tags, "\x88\x48", 2));
		CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_DROP_HEADER);
		CU_ASSERT_EQUAL(set(&s, FIELD_ETH_TYPE, "\x08\x00", NULL), SWPATH_OK);
		CU_ASSERT(test_same_bytes(s.p.m, f.b, f.len));
		rte_pktmbuf_free(s.p.m);
	}
}

void suite_kinds(void)
{
	CU_pSuite s = CU_add_suite("kinds", NULL, NULL);

	CU_add_test(s, "backbone", backbone);
	CU_add_test(s, "backbone, cut off", backbone_cut_off);
	CU_add_test(s, "copied ttls", copied_ttls);
	CU_add_test(s, "protocols", protocols);
	CU_add_test(s, "protocol behind headers", protocol_behind_headers);
	CU_add_test(s, "ethertypes", ethertypes);
}
