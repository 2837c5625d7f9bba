/* SPDX-License-Identifier: Apache-2.0
 *
 * Each malformed thing gets its own error.
 */
#include <stdio.h>
#include <string.h>

#include "ofctl/openflow/error.h"
#include "tests/unit/openflow/test.h"

static const struct {
	const char *what;
	const char *hex; /* OXM fields without type and length */
	enum of_error err;
} matches[] = {
	{"in_port", "80000004 00000001", OFERR_OK},
	{"short header", "8000", OFERR_BAD_MATCH_LEN},
	{"short payload", "80000004 0000", OFERR_BAD_MATCH_LEN},
	{"wrong length", "80000003 000001", OFERR_BAD_MATCH_LEN},
	{"mask without its bytes", "80000504 00000001", OFERR_BAD_MATCH_LEN},
	{"unknown class", "12340004 00000001", OFERR_BAD_MATCH_FIELD},
	{"unknown field", "8000fc04 00000001", OFERR_BAD_MATCH_FIELD},
	{"unknown experimenter", "ffff0008 12345678 00000001", OFERR_BAD_MATCH_FIELD},
	{"experimenter cut off", "ffff0002 1234", OFERR_BAD_MATCH_LEN},
	{"twice", "80000004 00000001 80000004 00000001", OFERR_DUP_FIELD},
	{"same member twice", "80000c02 1005 00000802 1006", OFERR_DUP_FIELD},
	{"no ethertype", "80001604 0a000001", OFERR_BAD_PREREQ},
	{"wrong ethertype", "80000a02 86dd 80001604 0a000001", OFERR_BAD_PREREQ},
	{"no protocol", "80000a02 0800 80001a02 0050", OFERR_BAD_PREREQ},
	{"tcp", "80000a02 0800 80001401 06 80001a02 0050", OFERR_OK},
	{"udp port on tcp", "80000a02 0800 80001401 06 80001e02 0050", OFERR_BAD_PREREQ},
	{"pcp without vid", "80000e01 03", OFERR_BAD_PREREQ},
	{"pcp without tag", "80000c02 0000 80000e01 03", OFERR_BAD_PREREQ},
	{"pcp", "80000c02 1005 80000e01 03", OFERR_OK},
	{"vid without present", "80000c02 0005", OFERR_BAD_MATCH_VALUE},
	{"vid too wide", "80000c02 2005", OFERR_BAD_MATCH_VALUE},
	{"any tag", "80000d04 1000 1000", OFERR_OK},
	{"pcp too wide", "80000c02 1005 80000e01 08", OFERR_BAD_MATCH_VALUE},
	{"dscp too wide", "80000a02 0800 80001001 40", OFERR_BAD_MATCH_VALUE},
	{"ecn too wide", "80000a02 0800 80001201 04", OFERR_BAD_MATCH_VALUE},
	{"flow label too wide", "80000a02 86dd 80003804 00100000", OFERR_BAD_MATCH_VALUE},
	{"label too wide", "80000a02 8847 80004404 00100000", OFERR_BAD_MATCH_VALUE},
	{"bits outside the mask", "80000708 000000000000 000000000000", OFERR_BAD_MATCH_LEN},
	{"value outside mask", "8000070c 010000000001 010000000000", OFERR_BAD_WILDCARDS},
	{"masked mac", "8000070c 010000000000 010000000000", OFERR_OK},
	{"mask on a port", "80000108 00000001 0000ffff", OFERR_BAD_MATCH_MASK},
	{"full mask on a port", "80000108 00000001 ffffffff", OFERR_OK},
	{"mask on a protocol", "80000a02 0800 80001502 06 0f", OFERR_BAD_MATCH_MASK},
	{"ethertype masked", "80000b04 0800 ff00", OFERR_BAD_MATCH_MASK},
	{"tos with ecn bits", "80000a02 0800 00000a01 05", OFERR_BAD_MATCH_VALUE},
	{"nxm tos", "80000a02 0800 00000a01 08", OFERR_OK},
	{"register", "00010004 12345678", OFERR_OK},
	{"cookie outside nx_match", "00013c08 0000000000000001", OFERR_BAD_MATCH_FIELD},
};

static void test_match(void)
{
	for (unsigned i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		uint8_t raw[256];
		size_t len = from_hex(matches[i].hex, raw, sizeof(raw));
		struct hal_match m;

		EXPECT(of_oxm_decode(of_rd_make(raw, len), &m, NULL, NULL) == matches[i].err,
			matches[i].what);
	}
}

static const struct {
	const char *what;
	const char *hex;
	enum of_error err10, err13;
} actions[] = {
	{"nothing", "", OFERR_OK, OFERR_OK},
	{"half a header", "0000", OFERR_BAD_ACTION_LEN, OFERR_BAD_ACTION_LEN},
	{"length 0", "0000 0000 00000000", OFERR_BAD_ACTION_LEN, OFERR_BAD_ACTION_LEN},
	{"length 12", "0000 000c 00010000 00000000", OFERR_BAD_ACTION_LEN, OFERR_BAD_ACTION_LEN},
	{"beyond the end", "0000 0010 00010000", OFERR_BAD_ACTION_LEN, OFERR_BAD_ACTION_LEN},
	{"unknown type", "0063 0008 00000000", OFERR_BAD_ACTION_TYPE, OFERR_BAD_ACTION_TYPE},
	{"output of 1.0", "0000 0008 0001 0000", OFERR_OK, OFERR_BAD_ACTION_LEN},
	{"output of 1.3", "0000 0010 00000001 0000 000000000000", OFERR_BAD_ACTION_LEN, OFERR_OK},
	{"output to 0 of 1.0", "0000 0008 0000 0000", OFERR_BAD_OUT_PORT, OFERR_BAD_ACTION_LEN},
	{"output to 0 of 1.3", "0000 0010 00000000 0000 000000000000", OFERR_BAD_ACTION_LEN,
		OFERR_BAD_OUT_PORT},
	{"output to any", "0000 0010 ffffffff 0000 000000000000", OFERR_BAD_ACTION_LEN,
		OFERR_BAD_OUT_PORT},
	{"vlan id 5000", "0001 0008 1388 0000", OFERR_BAD_ACTION_ARGUMENT, OFERR_BAD_ACTION_TYPE},
	{"vlan pcp 8", "0002 0008 08 000000", OFERR_BAD_ACTION_ARGUMENT, OFERR_BAD_ACTION_TYPE},
	{"tos with ecn", "0008 0008 05 000000", OFERR_BAD_ACTION_ARGUMENT, OFERR_BAD_ACTION_TYPE},
	{"push vlan 0x8100", "0011 0008 8100 0000", OFERR_BAD_ACTION_TYPE, OFERR_OK},
	{"push vlan 0x0800", "0011 0008 0800 0000", OFERR_BAD_ACTION_TYPE,
		OFERR_BAD_ACTION_ARGUMENT},
	{"push mpls 0x8100", "0013 0008 8100 0000", OFERR_BAD_ACTION_TYPE,
		OFERR_BAD_ACTION_ARGUMENT},
	{"set eth_src", "0019 0010 80000806 020000000001 0000", OFERR_BAD_ACTION_TYPE, OFERR_OK},
	{"set ethertype", "0019 0010 80000a02 0800 000000000000", OFERR_BAD_ACTION_TYPE, OFERR_OK},
	{"set extension headers", "0019 0010 80004e02 0001 000000000000", OFERR_BAD_ACTION_TYPE,
		OFERR_BAD_SET_TYPE},
	{"set with a mask", "0019 0018 8000090c 020000000001 ffffffffffff 00000000",
		OFERR_BAD_ACTION_TYPE, OFERR_BAD_SET_MASK},
	{"set too long", "0019 0018 80000806 020000000001 0000 0000000000000000",
		OFERR_BAD_ACTION_TYPE, OFERR_BAD_SET_LEN},
	{"set vid without present", "0019 0010 80000c02 0005 000000000000", OFERR_BAD_ACTION_TYPE,
		OFERR_BAD_SET_ARGUMENT},
	{"set dscp 64", "0019 0010 80001001 40 00000000000000", OFERR_BAD_ACTION_TYPE,
		OFERR_BAD_SET_ARGUMENT},
	{"experimenter", "ffff 0010 12345678 0001 000000000000", OFERR_BAD_ACTION_EXPERIMENTER,
		OFERR_BAD_ACTION_EXPERIMENTER},
	{"experimenter's type", "ffff 0010 00002320 00ff 000000000000", OFERR_BAD_ACTION_EXP_TYPE,
		OFERR_BAD_ACTION_EXP_TYPE},
	{"short nicira", "ffff 0008 00002320", OFERR_BAD_ACTION_LEN, OFERR_BAD_ACTION_LEN},
	{"short move", "ffff 0010 00002320 0006 000000000000", OFERR_BAD_ACTION_LEN,
		OFERR_BAD_ACTION_LEN},
	{"move", "ffff 0018 00002320 0006 0020 0000 0000 00010004 00010204", OFERR_OK, OFERR_OK},
	{"move of 0 bits", "ffff 0018 00002320 0006 0000 0000 0000 00010004 00010204",
		OFERR_BAD_SET_LEN, OFERR_BAD_SET_LEN},
	{"move of 33 bits", "ffff 0018 00002320 0006 0021 0000 0000 00010004 00010204",
		OFERR_BAD_SET_LEN, OFERR_BAD_SET_LEN},
	{"move beyond", "ffff 0018 00002320 0006 0010 0011 0000 00010004 00010204",
		OFERR_BAD_SET_LEN, OFERR_BAD_SET_LEN},
	{"load", "ffff 0018 00002320 0007 001f 00010004 0000000012345678", OFERR_OK, OFERR_OK},
	{"load too wide", "ffff 0018 00002320 0007 0007 00010004 0000000000000100",
		OFERR_BAD_ACTION_ARGUMENT, OFERR_BAD_ACTION_ARGUMENT},
	{"load beyond", "ffff 0018 00002320 0007 04 1f 00010004 0000000000000100",
		OFERR_BAD_SET_LEN, OFERR_BAD_SET_LEN},
	{"load of ct_state", "ffff 0018 00002320 0007 001f 0001d204 0000000000000001",
		OFERR_BAD_SET_ARGUMENT, OFERR_BAD_SET_ARGUMENT},
};

static void test_actions(void)
{
	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		uint8_t raw[256];
		size_t len = from_hex(actions[i].hex, raw, sizeof(raw));
		struct of_actions acts;
		enum of_error err =
			of_actions_decode(OFP10, of_rd_make(raw, len), NULL, &acts, NULL);

		EXPECT(err == actions[i].err10, actions[i].what);
		of_actions_free(&acts);
		err = of_actions_decode(OFP13, of_rd_make(raw, len), NULL, &acts, NULL);
		EXPECT(err == actions[i].err13, actions[i].what);
		of_actions_free(&acts);
	}
}

static const struct {
	const char *what;
	const char *hex;
	enum of_error err;
} instructions[] = {
	{"none", "", OFERR_OK},
	{"goto", "0001 0008 05 000000", OFERR_OK},
	{"goto 254", "0001 0008 fe 000000", OFERR_BAD_GOTO_TABLE},
	{"goto too long", "0001 0010 05 000000 0000000000000000", OFERR_BAD_INSTRUCTION_LEN},
	{"twice", "0001 0008 05 000000 0001 0008 06 000000", OFERR_DUP_INSTRUCTION},
	{"unknown", "0063 0008 00000000", OFERR_BAD_INSTRUCTION},
	{"experimenter", "ffff 0008 00002320", OFERR_BAD_INSTRUCTION_EXPERIMENTER},
	{"length 4", "0005 0004", OFERR_BAD_INSTRUCTION_LEN},
	{"beyond the end", "0005 0010 00000000", OFERR_BAD_INSTRUCTION_LEN},
	{"short metadata", "0002 0010 00000000 0000000000000001", OFERR_BAD_INSTRUCTION_LEN},
	{"bad action", "0004 0010 00000000 0063 0008 00000000", OFERR_BAD_ACTION_TYPE},
	{"clear", "0005 0008 00000000", OFERR_OK},
};

static void test_instructions(void)
{
	for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		uint8_t raw[256];
		size_t len = from_hex(instructions[i].hex, raw, sizeof(raw));
		struct of_instructions ins;

		EXPECT(of_instructions_decode(of_rd_make(raw, len), OFP13, &ins) ==
				instructions[i].err,
			instructions[i].what);
		of_instructions_free(&ins);
	}
}

/* What flow-mods as a whole may not be. */
static void test_flow_mod(void)
{
	const struct {
		const char *what;
		struct of_flow_mod fm;
		enum of_error err;
	} cases[] = {
		{"add to all tables", {.table = OF_TABLE_ALL}, OFERR_FLOW_MOD_BAD_TABLE},
		{"add to table 254", {.table = 254}, OFERR_FLOW_MOD_BAD_TABLE},
		{"delete from table 254", {.command = OF_FLOW_DELETE, .table = 254},
			OFERR_FLOW_MOD_BAD_TABLE},
		{"delete from all", {.command = OF_FLOW_DELETE, .table = OF_TABLE_ALL}, OFERR_OK},
		{"command 5", {.command = (enum of_flow_mod_command)5}, OFERR_BAD_COMMAND},
		{"flags", {.flags = 0x20}, OFERR_BAD_FLAGS},
		{"goto same", {.table = 5, .ins = {.has_goto = true, .goto_table = 5}},
			OFERR_BAD_GOTO_TABLE},
		{"goto back", {.table = 5, .ins = {.has_goto = true, .goto_table = 4}},
			OFERR_BAD_GOTO_TABLE},
		{"goto on", {.table = 5, .ins = {.has_goto = true, .goto_table = 6}}, OFERR_OK},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct of_flow_mod fm = cases[i].fm, out;
		struct of_buf b = {0};
		enum of_error err;

		fm.buffer_id = OF_NO_BUFFER;
		of_flow_mod_encode(&b, OFP13, 1, &fm);
		err = of_flow_mod13_decode(of_rd_make(b.data + 8, b.len - 8), OFP13, &out);
		EXPECT(err == cases[i].err, cases[i].what);
		if (!err)
			of_instructions_free(&out.ins);
		of_buf_free(&b);
	}
}

static void test_error_numbers(void)
{
	for (enum of_error err = OFERR_OK + 1; err < OFERR_MAX; err++) {
		struct of_error_code c10 = of_error_code(OFP10, err),
				     c13 = of_error_code(OFP13, err);

		/* Only "no common version" is type 0. */
		EXPECT(c10.type || c10.code > 255 || err == OFERR_HELLO_INCOMPATIBLE,
			of_error_text(err));
		EXPECT(c13.type || err == OFERR_HELLO_INCOMPATIBLE, of_error_text(err));
		/* 0xffff: an experimenter's, with its own numbers. */
		EXPECT(c13.type == 0xffff || (c13.type <= 13 && c13.code <= 15),
			of_error_text(err));
	}
}

CU_TestInfo malformed_tests[] = {
	{"matches", test_match},
	{"actions", test_actions},
	{"instructions", test_instructions},
	{"flow-mods", test_flow_mod},
	{"numbers of errors", test_error_numbers},
	CU_TEST_INFO_NULL,
};
