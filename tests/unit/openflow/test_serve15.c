/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of OpenFlow 1.5 to the agent, and what it answers.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

#define ERROR(TYPE, CODE) (0x1000000u | (TYPE) << 8 | (CODE))
#define NO_MATCH                                                                 \
	"ff000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000 " \
	"0001 0004 00000000"

/* `answer`: a message type, ERROR(), or 0 for none. */
static const struct {
	const char *what;
	uint8_t type;
	const char *body;
	unsigned answer;
} requests[] = {
	{"features", OFPT_FEATURES_REQUEST, "", OFPT_FEATURES_REPLY},
	{"set_field with a mask", OFPT_FLOW_MOD,
		"0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff "
		"0000 0005 0001 0004 00000000 0004 0018 00000000 0019 0010 00010108 00000005 "
		"000000ff",
		0},
	{"flow descriptions", OFPT13_MULTIPART_REQUEST, "0001 0000 00000000" NO_MATCH,
		OFPT13_MULTIPART_REPLY},
	{"aggregate", OFPT13_MULTIPART_REQUEST, "0002 0000 00000000" NO_MATCH,
		OFPT13_MULTIPART_REPLY},
	{"flow statistics", OFPT13_MULTIPART_REQUEST, "0011 0000 00000000" NO_MATCH,
		OFPT13_MULTIPART_REPLY},
	{"flow statistics, short", OFPT13_MULTIPART_REQUEST, "0011 0000 00000000 ff000000",
		ERROR(1, 6)},
	{"delete all", OFPT_FLOW_MOD,
		"0000000000000000 0000000000000000 ff 03 0000 0000 8000 ffffffff ffffffff ffffffff "
		"0000 0000 0001 0004 00000000",
		0},
	{"trigger of statistics", OFPT_FLOW_MOD,
		"0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff "
		"0000 0000 0001 0004 00000000 0007 0018 00000000 0000 0010 80020808 "
		"0000000000000001",
		ERROR(3, 1)},
	{"group add", OFPT13_GROUP_MOD, "0000 00 00 00000001 0008 0000 ffffffff 0008 0000 00000005",
		0},
	{"group description", OFPT13_MULTIPART_REQUEST, "0007 0000 00000000 00000001 00000000",
		OFPT13_MULTIPART_REPLY},
	{"group description as before", OFPT13_MULTIPART_REQUEST, "0007 0000 00000000",
		ERROR(1, 6)},
	{"group features", OFPT13_MULTIPART_REQUEST, "0008 0000 00000000", OFPT13_MULTIPART_REPLY},
	{"group delete", OFPT13_GROUP_MOD, "0002 00 00 fffffffc 0000 0000 ffffffff", 0},
	{"port description", OFPT13_MULTIPART_REQUEST, "000d 0000 00000000 00000001 00000000",
		OFPT13_MULTIPART_REPLY},
	{"port description, all", OFPT13_MULTIPART_REQUEST, "000d 0000 00000000 ffffffff 00000000",
		OFPT13_MULTIPART_REPLY},
	{"port description, no port", OFPT13_MULTIPART_REQUEST,
		"000d 0000 00000000 00000063 00000000", ERROR(1, 11)},
	{"table features", OFPT13_MULTIPART_REQUEST, "000c 0000 00000000", OFPT13_MULTIPART_REPLY},
	{"table features, set", OFPT13_MULTIPART_REQUEST, "000c 0000 00000000 0008 00 00 00000000",
		ERROR(13, 5)},
	{"status of controllers", OFPT13_MULTIPART_REQUEST, "0012 0000 00000000", ERROR(1, 2)},
	{"features of bundles", OFPT13_MULTIPART_REQUEST, "0013 0000 00000000 00000000 00000000",
		OFPT13_MULTIPART_REPLY},
	{"features of bundles, tolerances", OFPT13_MULTIPART_REQUEST,
		"0013 0000 00000000 00000002 00000000", ERROR(1, 16)},
	{"features of bundles, short", OFPT13_MULTIPART_REQUEST, "0013 0000 00000000 00000000",
		ERROR(1, 6)},
	{"bundle", OFPT14_BUNDLE_CONTROL, "00000001 0000 0003", OFPT14_BUNDLE_CONTROL},
	{"bundle, discard", OFPT14_BUNDLE_CONTROL, "00000001 0006 0003", OFPT14_BUNDLE_CONTROL},
	{"bundle, scheduled", OFPT14_BUNDLE_CONTROL,
		"00000001 0004 0004 0001 0018 00000000 "
		"0000000000000001 00000000 00000000",
		ERROR(17, 16)},
	{"async", OFPT13_GET_ASYNC_REQUEST, "", OFPT13_GET_ASYNC_REPLY},
	{"set async", OFPT13_SET_ASYNC, "0001 0008 00000007", 0},
	{"set async, status of controllers", OFPT13_SET_ASYNC, "000f 0008 00000007", ERROR(15, 1)},
	{"set async, unknown", OFPT13_SET_ASYNC, "0010 0008 00000007", ERROR(14, 0)},
	{"queues as in 1.3", OFPT13_QUEUE_GET_CONFIG_REQUEST, "00000001 00000000", ERROR(1, 1)},
	{"packet-out", OFPT_PACKET_OUT,
		"ffffffff 0010 0000 0001 0014 80000004 00000002 00010004 00000009 00000000 "
		"0000 0010 00000001 0000 000000000000 01020304",
		0},
	{"packet-out without a port", OFPT_PACKET_OUT, "ffffffff 0000 0000 0001 0004 00000000",
		ERROR(1, 11)},
};

static struct rig rig;
static uint8_t msg[65536];

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The type of what comes before a barrier's reply, or its error. */
static unsigned ask(int fd, uint8_t type, const char *body)
{
	unsigned got = 0;

	peer_hex(fd, OFP15, type, 100, body);
	peer_hex(fd, OFP15, OFPT13_BARRIER_REQUEST, 5, "");
	while (peer_read(&rig, fd, msg, sizeof(msg), 1000) > 0 && u16(msg + 6) != 5) {
		CU_ASSERT_EQUAL(msg[0], OFP15);
		got = msg[1] == OFPT_ERROR ? ERROR(u16(msg + 8), u16(msg + 10)) : msg[1];
	}
	return got;
}

static void test_requests(void)
{
	int fd;

	rig_open(&rig);
	of_agent_set_versions(rig.agent, 1u << OFP13 | 1u << OFP15);
	fd = peer_greet(&rig, OFP15);
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		unsigned got = ask(fd, requests[i].type, requests[i].body);

		EXPECT(got == requests[i].answer, requests[i].what);
		if (got != requests[i].answer)
			printf("  got %#x\n", got);
	}
	CU_ASSERT_EQUAL(fake.packet_outs, 1);
	CU_ASSERT_EQUAL(fake.last_out_len, 4);
	CU_ASSERT_EQUAL(fake.last_out.in_port, 2);
	CU_ASSERT(fake.last_out.has_fields);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_REG0, &fake.last_out.fields.value), 9);
	close(fd);
	rig_close(&rig);
}

/* The short id that the reply says, or the error. */
static unsigned ask_id(int fd, const char *role_and_id)
{
	char body[64];

	snprintf(body, sizeof(body), "%s 0000 0000000000000000", role_and_id);
	peer_hex(fd, OFP15, OFPT13_ROLE_REQUEST, 1, body);
	CU_ASSERT_FATAL(peer_read(&rig, fd, msg, sizeof(msg), 1000) > 0);
	return msg[1] == OFPT_ERROR ? ERROR(u16(msg + 8), u16(msg + 10)) : u16(msg + 12);
}

static void test_short_ids(void)
{
	int a, b;

	rig_open(&rig);
	of_agent_set_versions(rig.agent, 1u << OFP15);
	a = peer_greet(&rig, OFP15);
	b = peer_greet(&rig, OFP15);
	CU_ASSERT_EQUAL(ask_id(a, "00000000 0000"), 0);
	CU_ASSERT_EQUAL(ask_id(a, "00000000 0007"), 7);
	CU_ASSERT_EQUAL(ask_id(a, "00000000 0000"), 7);
	CU_ASSERT_EQUAL(ask_id(b, "00000000 0007"), ERROR(11, 4));
	CU_ASSERT_EQUAL(ask_id(b, "00000000 0008"), 8);
	CU_ASSERT_EQUAL(ask_id(a, "00000000 0009"), 9);
	CU_ASSERT_EQUAL(ask_id(b, "00000000 0007"), 7);
	close(a);
	close(b);
	rig_close(&rig);
}

CU_TestInfo serve15_tests[] = {
	{"requests of 1.5", test_requests},
	{"short ids of controllers", test_short_ids},
	CU_TEST_INFO_NULL,
};
