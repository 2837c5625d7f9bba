/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding headers, in frames as they should be and in rubbish.
 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "swpath/port/segment.h"
#include "tests/unit/swpath_port/frames.h"

static struct built f;

static void finds_every_header(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct swpath_frame got;
		struct rte_mbuf *m;
		struct spec s;

		spec_random(&s);
		frame_build(&s, &f);
		m = frame_mbuf(&f, rnd_below(2) ? 100 : 0);
		CU_ASSERT_FATAL(swpath_frame_parse(m, &got));
		CU_ASSERT_EQUAL(got.l3_off, f.l3);
		CU_ASSERT_EQUAL(got.l4_off, f.l4);
		CU_ASSERT_EQUAL(got.payload_off, f.body);
		CU_ASSERT_EQUAL(got.checksum_off, f.checksum);
		CU_ASSERT_EQUAL(got.l4_len, f.end - f.l4);
		CU_ASSERT_EQUAL(got.ip_version, s.ipv6 ? 6 : 4);
		CU_ASSERT_EQUAL(got.proto, s.proto);
		CU_ASSERT_EQUAL(got.plain_l2, !s.labels && !s.pbb);
		CU_ASSERT_FALSE(got.fragment);
		rte_pktmbuf_free(m);
	}
}

static void fragment_has_no_l4(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 100};
	struct swpath_frame got;
	struct rte_mbuf *m;

	frame_build(&s, &f);
	f.data[f.l3 + 6] = 0x20; /* more fragments */
	m = frame_mbuf(&f, 0);
	CU_ASSERT_TRUE(swpath_frame_parse(m, &got));
	CU_ASSERT_TRUE(got.fragment);
	CU_ASSERT_EQUAL(got.l4_off, 0);
	CU_ASSERT_EQUAL(swpath_checksum_complete(m), -EINVAL);
	rte_pktmbuf_free(m);
}

/* Every length of a frame, and random bytes in the headers: offsets stay inside the packet. */
static void survives_rubbish(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		struct swpath_frame got;
		struct rte_mbuf *m;
		struct spec s;

		spec_random(&s);
		s.payload = rnd_below(40);
		frame_build(&s, &f);
		for (unsigned k = rnd_below(4); k > 0; k--)
			f.data[12 + rnd_below(f.body - 12)] = (uint8_t)rnd();
		f.len = rnd_below(f.len + 1);
		m = frame_mbuf(&f, rnd_below(2) ? 20 : 0);
		if (swpath_frame_parse(m, &got) && got.l4_off) {
			CU_ASSERT_TRUE(got.payload_off <= m->pkt_len);
			CU_ASSERT_TRUE(got.l4_off + got.l4_len <= m->pkt_len);
		}
		m->ol_flags |= rnd_below(2) ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
		m->tso_segsz = (uint16_t)(1 + rnd_below(30));
		{
			struct rte_mbuf *out[64];
			unsigned n = swpath_segment(m, test_pool, out, 64);

			rte_pktmbuf_free_bulk(out, n);
		}
		m->ol_flags &= ~SWPATH_SEG_FLAGS;
		swpath_checksum_complete(m);
		rte_pktmbuf_free(m);
	}
}

static void vlan_tag_goes_behind_addresses(void)
{
	struct spec s = {.proto = IPPROTO_UDP, .payload = 10};
	struct rte_mbuf *m;
	uint8_t flat[200];

	frame_build(&s, &f);
	m = frame_mbuf(&f, 0);
	CU_ASSERT_EQUAL(swpath_frame_push_vlan(m, 0x88a8, 0x6123), 0);
	frame_flat(m, flat);
	CU_ASSERT_EQUAL(m->pkt_len, f.len + 4);
	CU_ASSERT_EQUAL(memcmp(flat, f.data, 12), 0);
	CU_ASSERT_EQUAL(get32(flat + 12), 0x88a86123);
	CU_ASSERT_EQUAL(memcmp(flat + 16, f.data + 12, f.len - 12), 0);
	CU_ASSERT_EQUAL(swpath_frame_vlan_bytes(m), 4);
	CU_ASSERT_TRUE(swpath_frame_fits(m, f.len - 14));
	CU_ASSERT_FALSE(swpath_frame_fits(m, f.len - 15));
	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - 11));
	CU_ASSERT_EQUAL(swpath_frame_push_vlan(m, 0x8100, 1), -EINVAL);
	rte_pktmbuf_free(m);
}

void add_frame_suite(void)
{
	CU_pSuite s = CU_add_suite("frame", NULL, NULL);

	CU_add_test(s, "finds every header", finds_every_header);
	CU_add_test(s, "fragment has no L4", fragment_has_no_l4);
	CU_add_test(s, "survives rubbish", survives_rubbish);
	CU_add_test(s, "VLAN tag goes behind the addresses", vlan_tag_goes_behind_addresses);
}
