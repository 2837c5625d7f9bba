/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's actions: text and bytes as stock tools have them, and whatever is broken in them.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/tlv.h"
#include "ofctl/openflow/error.h"
#include "ofctl/openflow/flow_text.h"
#include "tests/unit/openflow/nicira_actions.h"
#include "tests/unit/openflow/test.h"

static const char *hex_of(const struct nicira_action *n, uint8_t version)
{
	return version == OFP10 && n->hex10 ? n->hex10 : n->hex13;
}

/* Text to bytes, bytes to text, and bytes to the same bytes. */
static void check(const struct nicira_action *n, uint8_t version)
{
	const char *want13 = n->out13 ? n->out13 : n->in;
	const char *want = version == OFP10 && n->out10 ? n->out10 : want13;
	struct of_instructions from_text, from_wire = {0};
	struct of_buf b = {0}, again = {0};
	uint8_t raw[1024];
	char err[256], *text;
	size_t len = from_hex(hex_of(n, version), raw, sizeof(raw));

	EXPECT(!of_instructions_parse(n->in, NULL, &from_text, err, sizeof(err)), n->in);
	of_actions_encode(&b, version, &from_text.apply);
	EXPECT(is_hex(&b, hex_of(n, version)), n->in);
	EXPECT(!of_actions_decode(version, of_rd_make(raw, len), NULL, &from_wire.apply, NULL),
		n->in);
	text = of_instructions_format(&from_wire, NULL);
	EXPECT(text && !strcmp(text, want), text ? text : n->in);
	free(text);
	of_actions_encode(&again, version, &from_wire.apply);
	EXPECT(is_hex(&again, hex_of(n, version)), n->in);
	of_buf_free(&b);
	of_buf_free(&again);
	of_instructions_free(&from_text);
	of_instructions_free(&from_wire);
}

static void test_stock(void)
{
	for (unsigned i = 0; i < n_nicira_actions; i++) {
		check(&nicira_actions[i], OFP13);
		check(&nicira_actions[i], OFP10);
	}
}

static enum of_error decode(uint8_t version, const uint8_t *raw, size_t len)
{
	struct of_actions acts;
	enum of_error err;
	uint8_t *exact = malloc(len ? len : 1); /* so that reading beyond it is seen */

	CU_ASSERT_FATAL(exact != NULL);
	memcpy(exact, raw, len);
	err = of_actions_decode(version, of_rd_make(exact, len), NULL, &acts, NULL);
	of_actions_free(&acts);
	free(exact);
	return err;
}

/* Cut anywhere, with the length that it says and with the length that it has. */
static void test_truncated(void)
{
	for (unsigned i = 0; i < n_nicira_actions; i++) {
		uint8_t raw[1024];
		size_t len = from_hex(nicira_actions[i].hex13, raw, sizeof(raw));
		size_t first = (size_t)raw[2] << 8 | raw[3];

		for (size_t cut = 1; cut < first; cut++)
			EXPECT(decode(OFP13, raw, cut) == OFERR_BAD_ACTION_LEN,
				nicira_actions[i].in);
		for (size_t cut = 8; cut < len; cut += 8) {
			raw[2] = (uint8_t)(cut >> 8);
			raw[3] = (uint8_t)cut;
			decode(OFP13, raw, cut);
		}
		for (size_t more = len + 8; more < len + 32; more += 8) {
			raw[2] = (uint8_t)(more >> 8);
			raw[3] = (uint8_t)more;
			memset(raw + len, 0, more - len);
			decode(OFP13, raw, more);
		}
	}
}

/* Any byte changed: an error, or actions that can be said again. */
static void test_mutated(void)
{
	for (unsigned i = 0; i < 40000; i++) {
		const struct nicira_action *n = &nicira_actions[rnd_below(n_nicira_actions)];
		uint8_t version = rnd_below(2) ? OFP13 : OFP10, raw[1024];
		size_t len = from_hex(hex_of(n, version), raw, sizeof(raw));
		struct of_instructions ins = {0};
		struct of_buf b = {0};
		char *text;

		for (unsigned k = 1 + rnd_below(3); k > 0; k--)
			raw[rnd_below((unsigned)len)] =
				(uint8_t)(rnd_below(2) ? rnd() : rnd_below(2) * 255);
		if (of_actions_decode(version, of_rd_make(raw, len), NULL, &ins.apply, NULL))
			continue;
		text = of_instructions_format(&ins, NULL);
		CU_ASSERT(text != NULL);
		of_actions_encode(&b, version, &ins.apply);
		of_buf_free(&b);
		free(text);
		of_instructions_free(&ins);
	}
}

/* clone(clone(...)) */
static enum of_error nested(unsigned depth)
{
	struct of_buf b = {0};
	enum of_error err;

	for (unsigned i = depth; i > 0; i--) {
		of_put_u16(&b, OFPAT_EXPERIMENTER);
		of_put_u16(&b, (uint16_t)(16 * i));
		of_put_u32(&b, EXP_NICIRA);
		of_put_u16(&b, NXAST_CLONE);
		of_put_zeros(&b, 6);
	}
	err = decode(OFP13, b.data, b.len);
	of_buf_free(&b);
	return err;
}

static void test_depth(void)
{
	char text[64 * 6 + 8 + 64 + 1] = "", err[128];
	struct of_instructions ins;

	CU_ASSERT_EQUAL(nested(60), OFERR_OK);
	CU_ASSERT_EQUAL(nested(66), OFERR_TOO_MANY_ACTIONS);
	CU_ASSERT_EQUAL(nested(4000), OFERR_TOO_MANY_ACTIONS);
	for (unsigned i = 0; i < 64; i++)
		strcat(text, "clone(");
	strcat(text, "output:1");
	for (unsigned i = 0; i < 64; i++)
		strcat(text, ")");
	CU_ASSERT_NOT_EQUAL(of_instructions_parse(text, NULL, &ins, err, sizeof(err)), 0);
	EXPECT(strstr(err, "too deeply") != NULL, err);
}

static const struct {
	const char *what, *hex;
	enum of_error err;
} broken[] = {
	{"ct force without commit", "ffff001800002320002300020000 00000005ff0000000000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"ct zone of an unknown field", "ffff001800002320002300010000 00010005ff0000000000",
		OFERR_BAD_SET_TYPE},
	{"ct zone of 6 bits", "ffff001800002320002300010001 00040005ff0000000000",
		OFERR_BAD_SET_LEN},
	{"nat(src) without commit",
		"ffff0028000023200023000000000000000001 0000000000ffff0010000023200024000000010000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"nat of both",
		"ffff0028000023200023000100000000000001 0000000000ffff0010000023200024000000030000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"nat max below min",
		"ffff00300000232000230001000000000000ff0000000000"
		"ffff00180000232000240000000200030a0000050a000001",
		OFERR_BAD_ACTION_ARGUMENT},
	{"nat alone", "ffff0010000023200024000000000000", OFERR_BAD_SET_ARGUMENT},
	{"conjunction 2 of 1", "ffff0010000023200022010100000005", OFERR_BAD_CONJUNCTION},
	{"conjunction of 65", "ffff0010000023200022004100000005", OFERR_BAD_CONJUNCTION},
	{"controller2's unknown property", "ffff00180000232000250000000000000009000800000000",
		OFERR_PROP_BAD_TYPE},
	{"controller2's long property", "ffff00180000232000250000000000000003000c01000000",
		OFERR_PROP_BAD_LEN},
	{"output_reg's padding", "ffff001800002320000f001f00010004ffff000000000001",
		OFERR_BAD_ACTION_ARGUMENT},
	{"output_reg2's padding", "ffff0018000023200020001fffff00010004000000000001",
		OFERR_MUST_BE_ZERO},
	{"pop to ct_state", "ffff001800002320001c00000001d2040020000000000000",
		OFERR_BAD_SET_ARGUMENT},
	{"truncated to 13", "ffff001000002320002700050000000d", OFERR_BAD_ACTION_ARGUMENT},
	{"learn in table 255", "ffff002000002320001000000000800000000000000000000000ff0000000000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"learn's padding", "ffff002000002320001000000000800000000000000000000000010100000000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"learn2's padding",
		"ffff002800002320002d000000008000000000000000000000000100000000000000000500000001",
		OFERR_ACTION_MUST_BE_ZERO},
	{"multipath into too few bits",
		"ffff002000002320000a0001003200000002008000000000000000c600010404",
		OFERR_BAD_ACTION_ARGUMENT},
	{"bundle's hash",
		"ffff002800002320000c000100070000000000020002000000000000000000000004000800000000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"bundle of more than there is",
		"ffff002800002320000c000100000000000000020005000000000000000000000004000800000000",
		OFERR_BAD_ACTION_LEN},
	{"sample of nothing", "ffff001800002320001d0000000000020000000300000004",
		OFERR_BAD_ACTION_ARGUMENT},
	{"delete_field of a register", "ffff00180000232000320001000400000000000000000000",
		OFERR_BAD_ACTION_ARGUMENT},
	{"an option that is not mapped", "ffff001800002320001b0000000150080010000000000000",
		OFERR_INVALID_TLV_FIELD},
	{"dec_ttl's controllers", "ffff00180000232000150005000000000001000200000000",
		OFERR_BAD_ACTION_LEN},
};

static void test_broken(void)
{
	for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint8_t raw[256];
		size_t len = from_hex(broken[i].hex, raw, sizeof(raw));

		EXPECT(decode(OFP13, raw, len) == broken[i].err, broken[i].what);
	}
}

/* ---- tunnel options ---- */

static const struct {
	const char *in, *out;
} options[] = {
	{"tun_metadata0=5,actions=drop", "tun_metadata0=0x5 actions=drop"},
	{"tun_metadata0,actions=drop", "tun_metadata0 actions=drop"},
	{"tun_metadata0=0x1234/0xffff,tun_metadata3=7,tun_id=1,metadata=2,actions=drop",
		"tun_id=0x1,tun_metadata0=0x1234/0xffff,tun_metadata3=0x7,metadata=0x2 "
		"actions=drop"},
	{"tun_metadata3=0,actions=drop", "tun_metadata3=0 actions=drop"},
	{"actions=move:NXM_NX_TUN_METADATA0[0..31]->NXM_NX_REG0[]", NULL},
	{"actions=set_field:0x5->tun_metadata0,set_field:0x5/0xff->tun_metadata3", NULL},
	{"actions=load:0x5->NXM_NX_TUN_METADATA0[8..15],push:NXM_NX_TUN_METADATA3[]", NULL},
	{"actions=delete_field:tun_metadata0", NULL},
};

/* Text to wire (in both forms of a match) to text. */
static void check_option(const char *in, const char *want, bool nxm)
{
	struct of_flow_mod fm, back;
	struct of_flow_stats fs = {.priority = 32768};
	struct of_buf b = {0};
	struct hal_cmatch *cm;
	char err[256] = "", *text;
	struct of_rd r;

	EXPECT(!of_flow_mod_parse(in, OF_FLOW_ADD, NULL, &fm, err, sizeof(err)), in);
	memset(&back, 0, sizeof(back));
	if (nxm) {
		of_oxm_encode(&b, OF_OXM_NX, &fm.match);
		EXPECT(!of_oxm_decode(of_rd_make(b.data, b.len), &back.match, NULL, NULL), in);
		of_buf_cut(&b, 0);
		of_actions_encode(&b, OFP10, &fm.ins.apply);
		EXPECT(!of_actions_decode(
			       OFP10, of_rd_make(b.data, b.len), NULL, &back.ins.apply, NULL),
			in);
	} else {
		of_flow_mod_encode(&b, OFP13, 1, &fm);
		r = of_rd_make(b.data + 8, b.len - 8);
		EXPECT(!of_flow_mod13_decode(r, OFP13, &back), in);
	}
	EXPECT(match_equal(&fm.match, &back.match), in);
	cm = hal_cmatch_new(&fm.match);
	fs.match = cm;
	fs.ins = &fm.ins;
	text = of_flow_stats_format(&fs, NULL);
	EXPECT(text && strstr(text, want), text ? text : in);
	free(text);
	free(cm);
	of_buf_free(&b);
	of_instructions_free(&fm.ins);
	of_instructions_free(&back.ins);
}

static void test_options(void)
{
	struct of_flow_mod fm;
	char err[256];

	CU_ASSERT_EQUAL(hal_tlv_add(0, 0x102, 3, 8), 0);
	CU_ASSERT_EQUAL(hal_tlv_add(3, 0xffff, 0x80, 4), 0);
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *want = options[i].out ? options[i].out : options[i].in;

		check_option(options[i].in, want, false);
		check_option(options[i].in, want, true);
	}
	EXPECT(of_flow_mod_parse("tun_metadata1=5,actions=drop", OF_FLOW_ADD, NULL, &fm, err,
		       sizeof(err)) != 0,
		err);
	EXPECT(strstr(err, "tun_metadata1") != NULL, err);
	EXPECT(of_flow_mod_parse("tun_metadata3=0x123456789,actions=drop", OF_FLOW_ADD, NULL, &fm,
		       err, sizeof(err)) != 0,
		err);
	hal_tlv_clear();
}

/* ---- what comes back from a pause ---- */

static void test_resume(void)
{
	static const uint8_t packet[60] = {2}, continuation[13] = {7};
	struct of_packet_in pin = {.reason = OF_REASON_ACTION,
		.in_port = 2,
		.data = packet,
		.len = sizeof(packet),
		.total_len = 100,
		.continuation = continuation,
		.continuation_len = sizeof(continuation)};
	struct hal_match fields = {0}, back;
	struct of_resume res;
	struct of_buf b = {0};

	hal_match_set_u64(&fields, FIELD_REG3, 0x1234);
	of_packet_in2_encode(&b, OFP13, OF_REASON_ACTION, &fields, &pin);
	CU_ASSERT_EQUAL(
		of_resume_decode(of_rd_make(b.data + 16, b.len - 16), &back, &res), OFERR_OK);
	CU_ASSERT_EQUAL_FATAL(res.len, sizeof(packet));
	CU_ASSERT(!memcmp(res.data, packet, res.len));
	CU_ASSERT_EQUAL_FATAL(res.continuation_len, sizeof(continuation));
	CU_ASSERT(!memcmp(res.continuation, continuation, res.continuation_len));
	CU_ASSERT(res.pipeline_fields && match_equal(&fields, res.pipeline_fields));
	for (size_t cut = 17; cut < b.len; cut++) {
		uint8_t *part = malloc(cut - 16);

		CU_ASSERT_FATAL(part != NULL);
		memcpy(part, b.data + 16, cut - 16);
		of_resume_decode(of_rd_make(part, cut - 16), &back, &res);
		free(part);
	}
	of_buf_cut(&b, 0);
	pin.continuation = NULL;
	of_packet_in2_encode(&b, OFP13, OF_REASON_ACTION, &fields, &pin);
	CU_ASSERT_EQUAL(of_resume_decode(of_rd_make(b.data + 16, b.len - 16), &back, &res),
		OFERR_NX_NOT_SUPPORTED);
	of_buf_free(&b);
}

static void test_ct_flush(void)
{
	uint8_t raw[128];
	size_t len = from_hex("0600000000000000 00000020 00000000 00000014"
			      "00000000000000000000ffff0a000001 00000000 0002000800050000",
		raw, sizeof(raw));
	struct conntrack_match m;

	CU_ASSERT_EQUAL(of_ct_flush_decode(of_rd_make(raw, len), &m), OFERR_OK);
	CU_ASSERT_EQUAL(m.has, CONNTRACK_HAS_PROTO | CONNTRACK_HAS_ZONE | CONNTRACK_HAS_FAMILY |
				       CONNTRACK_HAS_SRC);
	CU_ASSERT_EQUAL(m.entry.proto, 6);
	CU_ASSERT_EQUAL(m.entry.zone, 5);
	CU_ASSERT_EQUAL(m.entry.orig.src[0], 10);
	CU_ASSERT_EQUAL(of_ct_flush_decode(of_rd_make(raw, 4), &m), OFERR_BAD_LEN);
	CU_ASSERT_EQUAL(of_ct_flush_decode(of_rd_make(raw, 20), &m), OFERR_PROP_BAD_LEN);
	raw[9] = 9;
	CU_ASSERT_EQUAL(of_ct_flush_decode(of_rd_make(raw, len), &m), OFERR_PROP_BAD_TYPE);
}

CU_TestInfo nicira_tests[] = {
	{"as stock tools have them", test_stock},
	{"truncated", test_truncated},
	{"mutated", test_mutated},
	{"nested too deeply", test_depth},
	{"broken", test_broken},
	{"tunnel options", test_options},
	{"resume", test_resume},
	{"connections to forget", test_ct_flush},
	CU_TEST_INFO_NULL,
};
