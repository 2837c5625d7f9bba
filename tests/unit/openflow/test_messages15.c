/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow 1.5 on the wire: with contents by chance there and back, and byte by byte where the
 * specification says what there is.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/error.h"
#include "tests/unit/openflow/test.h"

#define ROUNDS 400

static void expect_hex(const struct of_buf *b, const char *hex, const char *what)
{
	EXPECT(is_hex(b, hex), what);
}

/* ---- flow-mods ---- */

static void test_flow_mods(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct of_buf b = {0}, again = {0};
		struct of_flow_mod in, out;

		rnd_flow_mod(&in, false);
		in.version = OFP15;
		in.importance = (uint16_t)rnd();
		of_flow_mod_encode(&b, OFP15, 1, &in);
		CU_ASSERT_EQUAL_FATAL(of_flow_mod13_decode(body15(&b), OFP15, &out), OFERR_OK);
		CU_ASSERT_EQUAL(in.importance, out.importance);
		CU_ASSERT(match_equal(&in.match, &out.match));
		CU_ASSERT_EQUAL(in.ins.has_meter, out.ins.has_meter);
		CU_ASSERT_EQUAL(in.ins.write.n, out.ins.write.n);
		of_flow_mod_encode(&again, OFP15, 1, &out);
		CU_ASSERT(same_bytes(&b, &again));
		of_instructions_free(&in.ins);
		of_instructions_free(&out.ins);
		of_buf_free(&b);
		of_buf_free(&again);
	}
}

/* Fields that got a code of OXM with 1.5. */
static void test_fields(void)
{
	struct hal_match m = {0};
	struct of_buf b = {0};

	hal_match_set_u64(&m, FIELD_ETH_TYPE, 0x800);
	hal_match_set_u64(&m, FIELD_IP_PROTO, 6);
	hal_match_set_u64(&m, FIELD_TCP_FLAGS, 0x12);
	of_match13_encode(&b, OFP15, &m);
	expect_hex(&b, "0001 0015 80000a02 0800 80001401 06 80005402 0012 000000", "1.5");
	of_buf_cut(&b, 0);
	of_match13_encode(&b, OFP14, &m);
	expect_hex(&b, "0001 0015 80000a02 0800 80001401 06 00014402 0012 000000", "1.4");
	of_buf_free(&b);
}

static const struct {
	const char *what, *match;
	enum of_error err;
} packet_types[] = {
	{"IP without Ethernet", "80005804 00010800 80001604 01020304", OFERR_OK},
	{"ARP without Ethernet", "80005804 00010806 80002c04 01020304", OFERR_OK},
	{"IP in ARP", "80005804 00010806 80001604 01020304", OFERR_BAD_PREREQ},
	{"of another namespace", "80005804 00020800 80001604 01020304", OFERR_BAD_PREREQ},
	{"Ethernet", "80005804 00000000 80000a02 0800 80001604 01020304", OFERR_OK},
	{"Ethernet, not said", "80005804 00000000 80001604 01020304", OFERR_BAD_PREREQ},
	{"an Ethernet type beside it", "80005804 00010800 80000a02 0800", OFERR_BAD_PREREQ},
	{"an Ethernet type before it", "80000a02 0800 80005804 00010800", OFERR_BAD_PREREQ},
	{"an Ethernet address", "80005804 00010800 80000806 020000000001", OFERR_BAD_PREREQ},
	{"a VLAN", "80005804 00010800 80000c02 1005", OFERR_BAD_PREREQ},
};

static void test_packet_types(void)
{
	for (unsigned i = 0; i < sizeof(packet_types) / sizeof(packet_types[0]); i++) {
		uint8_t raw[64];
		size_t len = from_hex(packet_types[i].match, raw, sizeof(raw));
		struct of_buf b = {0};
		struct hal_match m;
		enum of_error err = of_oxm_decode(of_rd_make(raw, len), &m, NULL, NULL);

		EXPECT(err == packet_types[i].err, packet_types[i].what);
		if (err)
			continue;
		of_oxm_encode(&b, OF_OXM_15, &m);
		EXPECT(b.len == len && !memcmp(b.data, raw, len), packet_types[i].what);
		of_buf_free(&b);
	}
}

/* ---- actions and instructions ---- */

/* What an action is in 1.5 and, if it is another, in 1.4. */
static const struct {
	const char *what, *v15, *v14;
} actions[] = {
	{"set_field", "0019 0010 80000806 020000000001 0000", NULL},
	{"masked set_field", "0019 0010 00010108 00000005 000000ff",
		"ffff 0018 00002320 0007 0007 00010004 0000000000000005"},
	{"copy_field", "001c 0018 0020 0000 0000 0000 00010004 00010204 00000000",
		"ffff 0018 00002320 0006 0020 0000 0000 00010004 00010204"},
	{"copy_field of a part", "001c 0018 0008 0004 0008 0000 80000806 00010204 00000000",
		"ffff 0018 00002320 0006 0008 0004 0008 00000406 00010204"},
	{"copy_field of TCP flags", "001c 0018 000c 0000 0000 0000 80005402 00010204 00000000",
		"ffff 0018 00002320 0006 000c 0000 0000 00014402 00010204"},
	{"masked set_field of a VLAN id", "0019 0010 80000d04 1005 100f 00000000",
		"ffff 0018 00002320 0007 0003 80000c02 0000000000000005"},
	{"set_field of a TTL", "0017 0008 40 000000", NULL},
};

static void test_actions(void)
{
	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const char *v14 = actions[i].v14 ? actions[i].v14 : actions[i].v15;
		struct of_actions acts, older;
		struct of_buf b = {0};
		uint8_t raw[64];
		size_t len = from_hex(actions[i].v15, raw, sizeof(raw));

		EXPECT(of_actions_decode(OFP15, of_rd_make(raw, len), NULL, &acts, NULL) == 0,
			actions[i].what);
		of_actions_encode(&b, OFP15, &acts);
		expect_hex(&b, actions[i].v15, actions[i].what);
		of_buf_cut(&b, 0);
		of_actions_encode(&b, OFP14, &acts);
		expect_hex(&b, v14, actions[i].what);
		/* And from there to 1.5 again. */
		EXPECT(of_actions_decode(OFP14, of_rd_make(b.data, b.len), NULL, &older, NULL) == 0,
			actions[i].what);
		EXPECT(older.n == 1 && older.a[0].type == acts.a[0].type, actions[i].what);
		of_actions_free(&older);
		of_actions_free(&acts);
		of_buf_free(&b);
	}
}

static const struct {
	const char *what, *hex;
	enum of_error err15, err14;
} bad_actions[] = {
	{"bits outside the mask", "0019 0010 00010108 00000105 000000ff", OFERR_BAD_WILDCARDS,
		OFERR_BAD_SET_MASK},
	{"a mask that the field cannot have", "0019 0010 80001102 01 01 0000 00000000",
		OFERR_BAD_SET_MASK, OFERR_BAD_SET_MASK},
	{"a VLAN id that takes the tag away", "0019 0010 80000d04 0005 000f 00000000",
		OFERR_BAD_SET_ARGUMENT, OFERR_BAD_SET_MASK},
	{"half a mask", "0019 0010 00010106 00000005 0000 0000", OFERR_BAD_SET_LEN,
		OFERR_BAD_SET_MASK},
	{"copy_field", "001c 0018 0020 0000 0000 0000 00010004 00010204 00000000", OFERR_OK,
		OFERR_BAD_ACTION_TYPE},
	{"copy_field, cut off", "001c 0010 0020 0000 0000 0000 00010004", OFERR_BAD_ACTION_LEN,
		OFERR_BAD_ACTION_TYPE},
	{"copy_field, too many bits", "001c 0018 0021 0000 0000 0000 00010004 00010204 00000000",
		OFERR_BAD_SET_LEN, OFERR_BAD_ACTION_TYPE},
	{"copy_field, padding", "001c 0018 0020 0000 0000 0000 00010004 00010204 00000001",
		OFERR_MUST_BE_ZERO, OFERR_BAD_ACTION_TYPE},
	{"copy_field to what is not written",
		"001c 0018 000c 0000 0000 0000 00010004 80005402 00000000", OFERR_BAD_SET_ARGUMENT,
		OFERR_BAD_ACTION_TYPE},
	{"a meter", "001d 0008 00000001", OFERR_OK, OFERR_BAD_ACTION_TYPE},
	{"a meter, long", "001d 0010 00000001 0000000000000000", OFERR_BAD_ACTION_LEN,
		OFERR_BAD_ACTION_TYPE},
};

static void test_bad_actions(void)
{
	for (unsigned i = 0; i < sizeof(bad_actions) / sizeof(bad_actions[0]); i++) {
		struct of_actions acts;
		uint8_t raw[64];
		size_t len = from_hex(bad_actions[i].hex, raw, sizeof(raw));
		enum of_error err;

		err = of_actions_decode(OFP15, of_rd_make(raw, len), NULL, &acts, NULL);
		EXPECT(err == bad_actions[i].err15, bad_actions[i].what);
		of_actions_free(&acts);
		err = of_actions_decode(OFP14, of_rd_make(raw, len), NULL, &acts, NULL);
		EXPECT(err == bad_actions[i].err14, bad_actions[i].what);
		of_actions_free(&acts);
	}
}

/* The instruction of earlier versions is the first action here; a later one is an action only. */
static void test_meters(void)
{
	static const char first[] = "0004 0020 00000000 001d 0008 00000007 "
				    "0000 0010 00000001 0000 000000000000";
	static const char later[] = "0004 0020 00000000 0000 0010 00000001 0000 000000000000 "
				    "001d 0008 00000007";
	struct of_instructions ins;
	struct of_buf b = {0};
	uint8_t raw[64];
	size_t len = from_hex(first, raw, sizeof(raw));

	CU_ASSERT_EQUAL(of_instructions_decode(of_rd_make(raw, len), OFP15, &ins), OFERR_OK);
	CU_ASSERT(ins.has_meter && ins.meter == 7 && ins.apply.n == 1);
	of_instructions_encode(&b, OFP15, &ins);
	expect_hex(&b, first, "a meter before all");
	of_buf_cut(&b, 0);
	of_instructions_encode(&b, OFP13, &ins);
	expect_hex(&b, "0006 0008 00000007 0004 0018 00000000 0000 0010 00000001 0000 000000000000",
		"1.3");
	of_instructions_free(&ins);
	of_buf_cut(&b, 0);

	len = from_hex(later, raw, sizeof(raw));
	CU_ASSERT_EQUAL(of_instructions_decode(of_rd_make(raw, len), OFP15, &ins), OFERR_OK);
	CU_ASSERT(!ins.has_meter && ins.apply.n == 2);
	of_instructions_encode(&b, OFP15, &ins);
	expect_hex(&b, later, "a meter behind another action");
	of_instructions_free(&ins);
	of_buf_free(&b);

	len = from_hex("0006 0008 00000007", raw, sizeof(raw));
	CU_ASSERT_EQUAL(
		of_instructions_decode(of_rd_make(raw, len), OFP15, &ins), OFERR_BAD_INSTRUCTION);
	len = from_hex("0007 0018 00000000 0000 0010 80020808 0000000000000001", raw, sizeof(raw));
	CU_ASSERT_EQUAL(
		of_instructions_decode(of_rd_make(raw, len), OFP15, &ins), OFERR_UNSUP_INSTRUCTION);
	CU_ASSERT_EQUAL(
		of_instructions_decode(of_rd_make(raw, len), OFP14, &ins), OFERR_BAD_INSTRUCTION);
}

/* ---- packet-outs ---- */

#define OUTPUT1 " 0000 0010 00000001 0000 000000000000 "

static const struct {
	const char *what, *hex;
	enum of_error err;
	bool fields;
} packet_outs[] = {
	{"plain", "ffffffff 0010 0000 0001 000c 80000004 00000002 00000000" OUTPUT1 "0102",
		OFERR_OK, false},
	{"from the controller",
		"ffffffff 0010 0000 0001 000c 80000004 fffffffd 00000000" OUTPUT1 "0102", OFERR_OK,
		false},
	{"without a port", "ffffffff 0010 0000 0001 0004 00000000" OUTPUT1, OFERR_BAD_PORT, false},
	{"from nowhere", "ffffffff 0010 0000 0001 000c 80000004 fffffffb 00000000" OUTPUT1,
		OFERR_BAD_PORT, false},
	{"registers and metadata",
		"ffffffff 0010 0000 0001 0020 80000004 00000002 80000408 0000000000000005 "
		"00010004 00000009" OUTPUT1 "0102",
		OFERR_OK, true},
	{"an Ethernet packet",
		"ffffffff 0010 0000 0001 0014 80005804 00000000 80000004 00000002 00000000" OUTPUT1
		"0102",
		OFERR_OK, false},
	{"a packet without Ethernet",
		"ffffffff 0010 0000 0001 0014 80005804 00010800 80000004 00000002 00000000" OUTPUT1
		"0102",
		OFERR_BAD_PACKET, false},
	{"a field of the packet",
		"ffffffff 0010 0000 0001 0012 80000004 00000002 80000a02 0800 000000000000" OUTPUT1,
		OFERR_PIPELINE_FIELDS_ONLY, false},
	{"a buffer", "00000001 0010 0000 0001 000c 80000004 00000002 00000000" OUTPUT1,
		OFERR_BUFFER_UNKNOWN, false},
	{"actions cut off", "ffffffff 0018 0000 0001 000c 80000004 00000002 00000000" OUTPUT1,
		OFERR_BAD_LEN, false},
};

static void test_packet_outs(void)
{
	for (unsigned i = 0; i < sizeof(packet_outs) / sizeof(packet_outs[0]); i++) {
		struct of_packet_out po;
		uint8_t raw[128];
		size_t len = from_hex(packet_outs[i].hex, raw, sizeof(raw));
		enum of_error err = of_packet_out_decode(of_rd_make(raw, len), OFP15, &po);

		EXPECT(err == packet_outs[i].err, packet_outs[i].what);
		if (err)
			continue;
		EXPECT(po.has_fields == packet_outs[i].fields, packet_outs[i].what);
		EXPECT(po.len == 2 && po.actions.n == 1, packet_outs[i].what);
		EXPECT(po.in_port == 2 || po.in_port == OF_PORT_CONTROLLER, packet_outs[i].what);
		if (po.has_fields) {
			EXPECT(hal_field_get_u64(FIELD_REG0, &po.fields.value) == 9,
				packet_outs[i].what);
			EXPECT(hal_field_get_u64(FIELD_METADATA, &po.fields.value) == 5,
				packet_outs[i].what);
		}
		of_actions_free(&po.actions);
	}
}

/* ---- what the switch says ---- */

static struct of_flow_stats flow_stats(
	const struct hal_cmatch *cm, const struct of_instructions *ins)
{
	return (struct of_flow_stats){.table = 3,
		.priority = 0x1234,
		.match = cm,
		.ins = ins,
		.cookie = 0x77,
		.packets = 5,
		.bytes = 500,
		.duration_ns = UINT64_C(7002000000),
		.idle_age_ms = 1500,
		.idle_timeout = 10,
		.hard_timeout = 20,
		.flags = 1,
		.importance = 9};
}

#define MATCH "0001 000c 80000004 00000002 00000000 "
#define DURATION "80020008 00000007 001e8480 "
#define IDLE "80020208 00000001 1dcd6500 "
#define COUNTS "80020808 0000000000000005 80020a08 00000000000001f4 "

static void test_statistics(void)
{
	struct of_aggregate agg = {.packets = 5, .bytes = UINT64_MAX, .flows = 2};
	struct of_instructions ins = {.clear = true};
	struct of_flow_removed fr = {.reason = OF_REMOVED_HARD};
	struct of_flow_stats fs;
	struct hal_cmatch *cm;
	struct of_buf b = {0};
	struct hal_match m = {0};

	hal_match_set_u64(&m, FIELD_IN_PORT, 2);
	cm = hal_cmatch_new(&m);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cm);
	fs = flow_stats(cm, &ins);
	of_flow_stats_encode(&b, OFP15, &fs);
	expect_hex(&b,
		"0068 0000 03 00 1234 000a 0014 0001 0009 0000000000000077 " MATCH
		"0000 0034 " DURATION IDLE COUNTS "00000000 0005 0008 00000000",
		"the description of a flow");
	of_buf_cut(&b, 0);
	of_flow_counts_encode(&b, &fs);
	expect_hex(&b, "0050 0000 03 00 1234 " MATCH "0000 0034 " DURATION IDLE COUNTS "00000000",
		"the statistics of a flow");
	of_buf_cut(&b, 0);
	of_aggregate_encode(&b, OFP15, &agg);
	expect_hex(&b, "0000 0018 80020808 0000000000000005 80020604 00000002",
		"an aggregate; what is not known is not in it");
	of_buf_cut(&b, 0);
	fr.stats = fs;
	of_flow_removed_encode(&b, OFP15, false, &fr);
	expect_hex(&b,
		"060b 0050 00000000 03 01 1234 000a 0014 0000000000000077 " MATCH
		"0000 0028 " DURATION COUNTS,
		"a flow that was removed");
	of_buf_free(&b);
	free(cm);
}

/* ---- errors ---- */

static void test_errors(void)
{
	static const struct {
		enum of_error err;
		uint16_t type, code;
	} errors[] = {
		{OFERR_BAD_SCHEDULE, 1, 16},
		{OFERR_PIPELINE_FIELDS_ONLY, 1, 17},
		{OFERR_BAD_SET_MASK, 2, 16},
		{OFERR_BAD_METER, 2, 17},
		{OFERR_UNSUP_INSTRUCTION, 3, 1},
		{OFERR_GROUP_UNKNOWN_BUCKET, 6, 15},
		{OFERR_GROUP_BUCKET_EXISTS, 6, 16},
		{OFERR_ROLE_ID_IN_USE, 11, 4},
		{OFERR_PROP_BAD_EXPERIMENTER, 14, 5},
		{OFERR_PROP_BAD_EXP_TYPE, 14, 6},
		{OFERR_ASYNC_UNSUPPORTED, 15, 1},
		{OFERR_BUNDLE_SCHED_UNSUP, 17, 16},
	};

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct of_error_code c = of_error_code(OFP15, errors[i].err);

		EXPECT(c.type == errors[i].type && c.code == errors[i].code,
			of_error_text(errors[i].err));
	}
}

CU_TestInfo message15_tests[] = {
	{"flow-mods of 1.5", test_flow_mods},
	{"fields of 1.5", test_fields},
	{"packet types", test_packet_types},
	{"actions of 1.5 and before", test_actions},
	{"actions that 1.5 refuses", test_bad_actions},
	{"meters as actions", test_meters},
	{"packet-outs of 1.5", test_packet_outs},
	{"statistics of 1.5", test_statistics},
	{"errors of 1.5", test_errors},
	CU_TEST_INFO_NULL,
};
