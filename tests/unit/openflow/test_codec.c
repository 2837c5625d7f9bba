/* SPDX-License-Identifier: Apache-2.0
 *
 * What is encoded decodes to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/openflow/test.h"

#define ROUNDS 3000

static void test_match13(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_match in, out;
		struct of_buf b = {0};
		struct of_rd r;

		rnd_match(&in, false);
		of_match13_encode(&b, OFP13, &in);
		CU_ASSERT_EQUAL(b.len % 8, 0);
		r = of_rd_make(b.data, b.len);
		CU_ASSERT_EQUAL(of_match13_decode(&r, &out), OFERR_OK);
		CU_ASSERT_EQUAL(r.left, 0);
		CU_ASSERT(match_equal(&in, &out));
		of_buf_free(&b);
	}
}

static void test_match_nxm(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t cookie, cookie_mask;
		struct hal_match in, out;
		struct of_buf b = {0};
		struct of_rd r;
		size_t len;

		rnd_match(&in, false);
		of_oxm_encode(&b, OF_OXM_NX, &in);
		len = b.len;
		of_put_pad8(&b, 0);
		r = of_rd_make(b.data, b.len);
		CU_ASSERT_EQUAL(of_nxm_decode(&r, len, &out, &cookie, &cookie_mask), OFERR_OK);
		CU_ASSERT_EQUAL(r.left, 0);
		CU_ASSERT_EQUAL(cookie_mask, 0);
		CU_ASSERT(match_equal(&in, &out));
		of_buf_free(&b);
	}
}

static void test_match10(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_match in, out;
		struct of_buf b = {0};
		struct of_rd r;

		rnd_match(&in, true);
		of_match10_encode(&b, &in);
		CU_ASSERT_EQUAL(b.len, OFP10_MATCH_LEN);
		r = of_rd_make(b.data, b.len);
		CU_ASSERT_EQUAL(of_match10_decode(&r, &out), OFERR_OK);
		CU_ASSERT(match_equal(&in, &out));
		of_buf_free(&b);
	}
}

/* Encoded again they are the same bytes: where a version has no masks, a set of bits that are not
 * together is said, and understood, as several. */
static bool same_actions(uint8_t version, const struct of_actions *a, const struct of_actions *b)
{
	struct of_buf x = {0}, y = {0};
	bool same;

	if (of_actions_equal(a, b))
		return true;
	of_actions_encode(&x, version, a);
	of_actions_encode(&y, version, b);
	same = x.len == y.len && x.len && !memcmp(x.data, y.data, x.len);
	of_buf_free(&x);
	of_buf_free(&y);
	return same;
}

static bool same_instructions(
	uint8_t version, const struct of_instructions *a, const struct of_instructions *b)
{
	struct of_instructions x = *a, y = *b;

	x.apply = y.apply = x.write = y.write = (struct of_actions){0};
	return of_instructions_equal(&x, &y) && same_actions(version, &a->apply, &b->apply) &&
	       same_actions(version, &a->write, &b->write);
}

static void test_actions(void)
{
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		uint8_t version = i % 2 ? OFP10 : OFP13;
		struct of_actions in, out;
		struct hal_match tcp = {0};
		struct of_buf b = {0};

		hal_match_set_u64(&tcp, FIELD_ETH_TYPE, 0x0800);
		hal_match_set_u64(&tcp, FIELD_IP_PROTO, 6);
		rnd_actions(&in, version == OFP10);
		of_actions_encode(&b, version, &in);
		CU_ASSERT(!b.failed);
		CU_ASSERT_EQUAL(b.len % 8, 0);
		CU_ASSERT_EQUAL(
			of_actions_decode(version, of_rd_make(b.data, b.len), &tcp, &out, NULL),
			OFERR_OK);
		CU_ASSERT(same_actions(version, &in, &out));
		of_actions_free(&in);
		of_actions_free(&out);
		of_buf_free(&b);
	}
}

/* 1.0 does not say which protocol's ports it sets. */
static void test_transport_ports(void)
{
	static const uint8_t set_dst[] = {0, OFPAT10_SET_TP_DST, 0, 8, 0, 80, 0, 0};
	struct of_actions acts;
	struct of_buf b = {0};

	CU_ASSERT_EQUAL(
		of_actions_decode(OFP10, of_rd_make(set_dst, sizeof(set_dst)), NULL, &acts, NULL),
		OFERR_OK);
	CU_ASSERT_EQUAL_FATAL(acts.n, 3);
	CU_ASSERT_EQUAL(acts.a[0].field, FIELD_TCP_DST);
	CU_ASSERT_EQUAL(acts.a[1].field, FIELD_UDP_DST);
	CU_ASSERT_EQUAL(acts.a[2].field, FIELD_SCTP_DST);
	of_actions_encode(&b, OFP10, &acts);
	CU_ASSERT_EQUAL(b.len, sizeof(set_dst));
	CU_ASSERT(!memcmp(b.data, set_dst, b.len));
	of_buf_free(&b);
	of_actions_free(&acts);
}

static void expect_same_flow_mod(const struct of_flow_mod *a, const struct of_flow_mod *b)
{
	CU_ASSERT_EQUAL(a->command, b->command);
	CU_ASSERT_EQUAL(a->version, b->version);
	CU_ASSERT_EQUAL(a->table, b->table);
	CU_ASSERT_EQUAL(a->priority, b->priority);
	CU_ASSERT_EQUAL(a->cookie, b->cookie);
	CU_ASSERT_EQUAL(a->cookie_mask, b->cookie_mask);
	CU_ASSERT_EQUAL(a->idle_timeout, b->idle_timeout);
	CU_ASSERT_EQUAL(a->hard_timeout, b->hard_timeout);
	CU_ASSERT_EQUAL(a->flags, b->flags);
	CU_ASSERT_EQUAL(a->out_port, b->out_port);
	CU_ASSERT_EQUAL(a->out_group, b->out_group);
	CU_ASSERT(match_equal(&a->match, &b->match));
	CU_ASSERT(same_instructions(a->version, &a->ins, &b->ins));
}

static void test_flow_mod(void)
{
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		bool v10 = i % 2;
		struct of_flow_mod in, out;
		struct of_buf b = {0};
		enum of_error err;
		struct of_rd r;

		rnd_flow_mod(&in, v10);
		of_flow_mod_encode(&b, in.version, 7, &in);
		CU_ASSERT_FATAL(!b.failed && b.len >= 8);
		CU_ASSERT_EQUAL((size_t)(b.data[2] << 8 | b.data[3]), b.len);
		r = of_rd_make(b.data + 8, b.len - 8);
		err = v10 ? of_flow_mod10_decode(r, false, &out)
			  : of_flow_mod13_decode(r, OFP13, &out);
		CU_ASSERT_EQUAL(err, OFERR_OK);
		if (!err) {
			expect_same_flow_mod(&in, &out);
			of_instructions_free(&out.ins);
		}
		of_instructions_free(&in.ins);
		of_buf_free(&b);
	}
}

static void test_hello(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t in = (1u << OFP13 | (uint32_t)rnd()) & 0x7e, out;
		struct of_buf b = {0};

		of_hello_encode(&b, in, 1);
		CU_ASSERT_EQUAL(of_hello_decode(b.data, b.len, &out), OFERR_OK);
		CU_ASSERT_EQUAL(in, out);
		of_buf_free(&b);
	}
}

/* 1.4 has a length, and properties behind what is the same for all ports. */
static void test_ports14(void)
{
	static const struct of_port_desc desc = {
		.number = 5, .name = "p5", .curr = 0x20, .curr_kbps = 7, .max_kbps = 9};
	static const struct of_port_stats stats = {
		.number = 5, .rx_packets = 1, .tx_errors = 8, .duration_ns = 2000000003};
	struct of_buf b = {0};
	struct of_rd r;

	of_port_desc_encode(&b, OFP14, &desc);
	CU_ASSERT_EQUAL_FATAL(b.len, 72);
	r = of_rd_make(b.data, b.len);
	CU_ASSERT_EQUAL(of_get_u32(&r), 5);
	CU_ASSERT_EQUAL(of_get_u16(&r), 72);
	of_skip(&r, 34);
	CU_ASSERT_EQUAL(of_get_u32(&r), 32); /* Ethernet's property */
	of_skip(&r, 4);
	CU_ASSERT_EQUAL(of_get_u32(&r), 0x20);
	of_skip(&r, 12);
	CU_ASSERT_EQUAL(of_get_u32(&r), 7);
	CU_ASSERT_EQUAL(of_get_u32(&r), 9);
	of_buf_free(&b);

	b = (struct of_buf){0};
	of_port_stats_encode(&b, OFP14, &stats);
	CU_ASSERT_EQUAL_FATAL(b.len, 120);
	r = of_rd_make(b.data, b.len);
	CU_ASSERT_EQUAL(of_get_u16(&r), 120);
	of_skip(&r, 2);
	CU_ASSERT_EQUAL(of_get_u32(&r), 5);
	CU_ASSERT_EQUAL(of_get_u32(&r), 2);
	CU_ASSERT_EQUAL(of_get_u32(&r), 3);
	CU_ASSERT_EQUAL(of_get_u64(&r), 1);
	of_skip(&r, 48);
	CU_ASSERT_EQUAL(of_get_u64(&r), 8);
	CU_ASSERT_EQUAL(of_get_u32(&r), 40);
	of_buf_free(&b);
}

/* An importance is 1.4's. */
static void test_importance(void)
{
	for (uint8_t version = OFP13; version <= OFP14; version++) {
		struct of_flow_mod in = {.version = version,
					   .importance = 77,
					   .buffer_id = OF_NO_BUFFER,
					   .out_port = OF_PORT_ANY,
					   .out_group = OF_GROUP_ANY},
				   out;
		struct of_buf b = {0};

		of_flow_mod_encode(&b, version, 7, &in);
		CU_ASSERT_EQUAL(b.data[0], version);
		CU_ASSERT_EQUAL(
			of_flow_mod13_decode(of_rd_make(b.data + 8, b.len - 8), version, &out),
			OFERR_OK);
		CU_ASSERT_EQUAL(out.importance, version == OFP14 ? 77 : 0);
		CU_ASSERT_EQUAL(out.version, version);
		of_buf_free(&b);
	}
}

static void test_reasons(void)
{
	CU_ASSERT_EQUAL(of_packet_in_reason_to(OFP13, OF_REASON_GROUP), OF_REASON_ACTION);
	CU_ASSERT_EQUAL(of_packet_in_reason_to(OFP14, OF_REASON_GROUP), 4);
	CU_ASSERT_EQUAL(of_packet_in_reason_to(OFP13, OF_REASON_INVALID_TTL), 2);
}

static void test_ports16(void)
{
	CU_ASSERT_EQUAL(of_port_from16(1), 1);
	CU_ASSERT_EQUAL(of_port_from16(0xfeff), 0xfeff);
	CU_ASSERT_EQUAL(of_port_from16(0xfffe), OF_PORT_LOCAL);
	CU_ASSERT_EQUAL(of_port_from16(0xffff), OF_PORT_ANY);
	CU_ASSERT_EQUAL(of_port_to16(OF_PORT_LOCAL), 0xfffe);
	CU_ASSERT_EQUAL(of_port_to16(0x12345), OFPP10_NONE);
	for (unsigned p = 0; p < 0x10000; p++)
		CU_ASSERT(of_port_to16(of_port_from16((uint16_t)p)) == p);
}

CU_TestInfo codec_tests[] = {
	{"matches of 1.3", test_match13},
	{"matches in NXM", test_match_nxm},
	{"matches of 1.0", test_match10},
	{"actions", test_actions},
	{"transport ports of 1.0", test_transport_ports},
	{"flow-mods", test_flow_mod},
	{"hello", test_hello},
	{"ports of 16 bits", test_ports16},
	{"ports of 1.4", test_ports14},
	{"importance", test_importance},
	{"reasons of packet-ins", test_reasons},
	CU_TEST_INFO_NULL,
};
