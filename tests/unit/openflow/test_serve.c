/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and their replies or errors.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

#define ERROR(type, code) (0x10000u | (type) << 8 | (code))

static struct rig rig;
static uint8_t msg[70000];

/* A request, and the type of message that answers it (or the error). A barrier shows that one that
 * has no answer (0) was taken. */
static const struct {
	const char *what;
	uint8_t version, type;
	const char *body;
	unsigned answer;
} requests[] = {
	{"features", 4, OFPT_FEATURES_REQUEST, "", OFPT_FEATURES_REPLY},
	{"features, long", 4, OFPT_FEATURES_REQUEST, "00", ERROR(1, 6)},
	{"config", 4, OFPT_GET_CONFIG_REQUEST, "", OFPT_GET_CONFIG_REPLY},
	{"set config", 4, OFPT_SET_CONFIG, "0000 0080", 0},
	{"set config, drop fragments", 4, OFPT_SET_CONFIG, "0001 0080", 0},
	{"set config, reassemble fragments", 4, OFPT_SET_CONFIG, "0002 0080", ERROR(10, 0)},
	{"set config, short", 4, OFPT_SET_CONFIG, "0000", ERROR(1, 6)},
	{"a reply", 4, OFPT_FEATURES_REPLY, "", ERROR(1, 1)},
	{"unknown", 4, 99, "", ERROR(1, 1)},
	{"experimenter", 4, OFPT_EXPERIMENTER, "12345678 00000000", ERROR(1, 3)},
	{"experimenter's type", 4, OFPT_EXPERIMENTER, "00002320 000000ff", ERROR(1, 4)},
	{"experimenter, short", 4, OFPT_EXPERIMENTER, "0000", ERROR(1, 6)},
	{"flow-mod, short", 4, OFPT_FLOW_MOD, "0000000000000000", ERROR(1, 6)},
	{"packet-out, short", 4, OFPT_PACKET_OUT, "00000000", ERROR(1, 6)},
	{"packet-out", 4, OFPT_PACKET_OUT,
		"ffffffff fffffffd 0010 000000000000 0000 0010 00000001 0000 000000000000 01020304",
		0},
	{"packet-out, buffer", 4, OFPT_PACKET_OUT, "00000001 fffffffd 0000 000000000000",
		ERROR(1, 8)},
	{"packet-out from 0", 4, OFPT_PACKET_OUT, "ffffffff 00000000 0000 000000000000",
		ERROR(1, 11)},
	{"packet-out, actions too long", 4, OFPT_PACKET_OUT,
		"ffffffff fffffffd 0010 000000000000 0000", ERROR(1, 6)},
	{"group add", 4, OFPT13_GROUP_MOD, "0000 00 00 00000001", 0},
	{"group again", 4, OFPT13_GROUP_MOD, "0000 00 00 00000001", ERROR(6, 0)},
	{"group modify, none", 4, OFPT13_GROUP_MOD, "0001 00 00 00000002", ERROR(6, 8)},
	{"group type", 4, OFPT13_GROUP_MOD, "0000 04 00 00000003", ERROR(6, 10)},
	{"group command", 4, OFPT13_GROUP_MOD, "0003 00 00 00000003", ERROR(6, 11)},
	{"bucket, short", 4, OFPT13_GROUP_MOD, "0000 00 00 00000003 0010 0000 ffffffff",
		ERROR(6, 12)},
	{"bucket, length", 4, OFPT13_GROUP_MOD,
		"0000 00 00 00000003 000c 0000 ffffffff ffffffff 00000000", ERROR(6, 12)},
	{"bucket, bad action", 4, OFPT13_GROUP_MOD,
		"0000 00 00 00000003 0018 0000 ffffffff ffffffff 00000000 0063 0008 00000000",
		ERROR(2, 0)},
	{"group stats", 4, OFPT13_MULTIPART_REQUEST, "0006 0000 00000000 00000001 00000000",
		OFPT13_MULTIPART_REPLY},
	{"group stats, none", 4, OFPT13_MULTIPART_REQUEST, "0006 0000 00000000 00000002 00000000",
		OFPT13_MULTIPART_REPLY},
	{"group stats, short", 4, OFPT13_MULTIPART_REQUEST, "0006 0000 00000000 00000002",
		ERROR(1, 6)},
	{"group delete", 4, OFPT13_GROUP_MOD, "0002 00 00 fffffffc", 0},
	{"meter add", 4, OFPT13_METER_MOD, "0000 0000 00000001", 0},
	{"meter again", 4, OFPT13_METER_MOD, "0000 0000 00000001", ERROR(12, 1)},
	{"meter modify, none", 4, OFPT13_METER_MOD, "0001 0000 00000002", ERROR(12, 3)},
	{"meter 0", 4, OFPT13_METER_MOD, "0000 0000 00000000", ERROR(12, 2)},
	{"meter command", 4, OFPT13_METER_MOD, "0003 0000 00000002", ERROR(12, 4)},
	{"band type", 4, OFPT13_METER_MOD,
		"0000 0001 00000002 0009 0010 00000001 00000001 00000000", ERROR(12, 8)},
	{"band, short", 4, OFPT13_METER_MOD, "0000 0001 00000002 0001 0010 00000001", ERROR(1, 6)},
	{"meter stats", 4, OFPT13_MULTIPART_REQUEST, "0009 0000 00000000 ffffffff 00000000",
		OFPT13_MULTIPART_REPLY},
	{"meter stats, none", 4, OFPT13_MULTIPART_REQUEST, "0009 0000 00000000 00000005 00000000",
		ERROR(12, 3)},
	{"meter config, none", 4, OFPT13_MULTIPART_REQUEST, "000a 0000 00000000 00000005 00000000",
		ERROR(12, 3)},
	{"meter delete", 4, OFPT13_METER_MOD, "0002 0000 ffffffff", 0},
	{"port-mod", 4, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000001 00000001 00000000 00000000", 0},
	{"port-mod, no port", 4, OFPT13_PORT_MOD,
		"00000009 00000000 020000000001 0000 00000001 00000001 00000000 00000000",
		ERROR(7, 0)},
	{"port-mod, other address", 4, OFPT13_PORT_MOD,
		"00000001 00000000 020000000009 0000 00000001 00000001 00000000 00000000",
		ERROR(7, 1)},
	{"port-mod, configuration", 4, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000000 00000100 00000000 00000000",
		ERROR(7, 2)},
	{"table-mod", 4, OFPT13_TABLE_MOD, "ff 000000 00000000", 0},
	{"table-mod, table 254", 4, OFPT13_TABLE_MOD, "fe 000000 00000000", ERROR(8, 0)},
	{"table-mod, configuration", 4, OFPT13_TABLE_MOD, "ff 000000 00000010", ERROR(8, 1)},
	{"role, bad", 4, OFPT13_ROLE_REQUEST, "00000004 00000000 0000000000000000", ERROR(11, 2)},
	{"role, none", 4, OFPT13_ROLE_REQUEST, "00000000 00000000 0000000000000000",
		OFPT13_ROLE_REPLY},
	{"async", 4, OFPT13_GET_ASYNC_REQUEST, "", OFPT13_GET_ASYNC_REPLY},
	{"async, short", 4, OFPT13_SET_ASYNC, "00000000", ERROR(1, 6)},
	{"queues", 4, OFPT13_QUEUE_GET_CONFIG_REQUEST, "00000001 00000000",
		OFPT13_QUEUE_GET_CONFIG_REPLY},
	{"queues, no port", 4, OFPT13_QUEUE_GET_CONFIG_REQUEST, "00000009 00000000", ERROR(9, 0)},
	{"description", 4, OFPT13_MULTIPART_REQUEST, "0000 0000 00000000", OFPT13_MULTIPART_REPLY},
	{"description, long", 4, OFPT13_MULTIPART_REQUEST, "0000 0000 00000000 00", ERROR(1, 6)},
	{"multipart, short", 4, OFPT13_MULTIPART_REQUEST, "0000", ERROR(1, 6)},
	{"multipart, unknown", 4, OFPT13_MULTIPART_REQUEST, "00aa 0000 00000000", ERROR(1, 2)},
	{"multipart, in pieces", 4, OFPT13_MULTIPART_REQUEST, "0000 0001 00000000", ERROR(1, 13)},
	{"flow stats, short", 4, OFPT13_MULTIPART_REQUEST, "0001 0000 00000000 00", ERROR(1, 6)},
	{"flow stats, table 254", 4, OFPT13_MULTIPART_REQUEST,
		"0001 0000 00000000 fe000000 ffffffff ffffffff 00000000 0000000000000000 "
		"0000000000000000 0001 0004 00000000",
		ERROR(1, 9)},
	{"flow stats, match type", 4, OFPT13_MULTIPART_REQUEST,
		"0001 0000 00000000 ff000000 ffffffff ffffffff 00000000 0000000000000000 "
		"0000000000000000 0000 0004 00000000",
		ERROR(4, 0)},
	{"flow stats", 4, OFPT13_MULTIPART_REQUEST,
		"0001 0000 00000000 ff000000 ffffffff ffffffff 00000000 0000000000000000 "
		"0000000000000000 0001 0004 00000000",
		OFPT13_MULTIPART_REPLY},
	{"port stats", 4, OFPT13_MULTIPART_REQUEST, "0004 0000 00000000 ffffffff 00000000",
		OFPT13_MULTIPART_REPLY},
	{"port stats, no port", 4, OFPT13_MULTIPART_REQUEST, "0004 0000 00000000 00000009 00000000",
		ERROR(1, 11)},
	{"queue stats, no queue", 4, OFPT13_MULTIPART_REQUEST,
		"0005 0000 00000000 ffffffff 00000001", ERROR(9, 1)},
	{"table features, set", 4, OFPT13_MULTIPART_REQUEST, "000c 0000 00000000 0000000000000000",
		ERROR(13, 5)},
	{"multipart experimenter", 4, OFPT13_MULTIPART_REQUEST,
		"ffff 0000 00000000 12345678 00000000", ERROR(1, 3)},
	{"port-mod of 1.4", 5, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000001 00000001", 0},
	{"port-mod of 1.4, advertised", 5, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000001 00000001 0000 0008 00000000", 0},
	{"port-mod of 1.4, property", 5, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000001 00000001 0001 0008 00000000",
		ERROR(14, 0)},
	{"port-mod of 1.4, property's length", 5, OFPT13_PORT_MOD,
		"00000001 00000000 020000000001 0000 00000001 00000001 0000 0010 00000000",
		ERROR(14, 1)},
	{"table-mod of 1.4", 5, OFPT13_TABLE_MOD, "ff 000000 00000000", 0},
	{"table-mod of 1.4, eviction", 5, OFPT13_TABLE_MOD, "ff 000000 00000004", ERROR(8, 1)},
	{"table-mod of 1.4, property", 5, OFPT13_TABLE_MOD, "ff 000000 00000000 0002 0008 00000000",
		ERROR(14, 0)},
	{"async of 1.4", 5, OFPT13_GET_ASYNC_REQUEST, "", OFPT13_GET_ASYNC_REPLY},
	{"set async of 1.4", 5, OFPT13_SET_ASYNC, "0001 0008 00000007 0007 0008 00000000", 0},
	{"set async of 1.4, property", 5, OFPT13_SET_ASYNC, "000c 0008 00000007", ERROR(14, 0)},
	{"set async of 1.4, short", 5, OFPT13_SET_ASYNC, "0001 0006 0000", ERROR(14, 1)},
	{"queues in 1.4", 5, OFPT13_QUEUE_GET_CONFIG_REQUEST, "00000001 00000000", ERROR(1, 1)},
	{"queue description of 1.4", 5, OFPT13_MULTIPART_REQUEST,
		"000f 0000 00000000 ffffffff ffffffff", OFPT13_MULTIPART_REPLY},
	{"queue description of 1.4, no port", 5, OFPT13_MULTIPART_REQUEST,
		"000f 0000 00000000 00000009 ffffffff", ERROR(9, 0)},
	{"table description of 1.4", 5, OFPT13_MULTIPART_REQUEST, "000e 0000 00000000",
		OFPT13_MULTIPART_REPLY},
	{"table description in 1.3", 4, OFPT13_MULTIPART_REQUEST, "000e 0000 00000000",
		ERROR(1, 2)},
	{"role of 1.4", 5, OFPT13_ROLE_REQUEST, "00000000 00000000 0000000000000000",
		OFPT13_ROLE_REPLY},
	{"features of 1.0", 1, OFPT_FEATURES_REQUEST, "", OFPT_FEATURES_REPLY},
	{"role in 1.0", 1, OFPT13_ROLE_REQUEST, "00000000 00000000 0000000000000000", ERROR(1, 1)},
	{"nicira role", 1, OFPT_EXPERIMENTER, "00002320 0000000a 00000000", OFPT_EXPERIMENTER},
	{"port stats of 1.0", 1, OFPT10_STATS_REQUEST, "0004 0000 ffff 000000000000",
		OFPT10_STATS_REPLY},
	{"group stats in 1.0", 1, OFPT10_STATS_REQUEST, "0006 0000 0000000000000000", ERROR(1, 2)},
	{"emergency flow", 1, OFPT_FLOW_MOD,
		"003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 "
		"00000000 0000 0000 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0004",
		ERROR(3, 0)},
	{"command 9 of 1.0", 1, OFPT_FLOW_MOD,
		"003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 "
		"00000000 0000 0000 0000000000000000 0009 0000 0000 8000 ffffffff ffff 0000",
		ERROR(3, 4)},
	{"nx flow-mod, bad match", 1, OFPT_EXPERIMENTER,
		"00002320 0000000d 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0000 0008 "
		"000000000000 12340004 00000001",
		ERROR(0xb0c2, 0)},
};

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void test_requests(void)
{
	int fd10, fd13, fd14;

	rig_open(&rig);
	of_agent_set_versions(rig.agent, 1u << OFP10 | 1u << OFP13 | 1u << OFP14);
	fd10 = peer_greet(&rig, OFP10);
	fd13 = peer_greet(&rig, OFP13);
	fd14 = peer_greet(&rig, OFP14);
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		bool v10 = requests[i].version == OFP10;
		int fd = v10 ? fd10 : requests[i].version == OFP13 ? fd13 : fd14;
		unsigned got = 0;

		peer_hex(fd, requests[i].version, requests[i].type, 100 + i, requests[i].body);
		peer_hex(fd, requests[i].version,
			v10 ? OFPT10_BARRIER_REQUEST : OFPT13_BARRIER_REQUEST, 5, "");
		while (peer_read(&rig, fd, msg, sizeof(msg), 1000) > 0 && u16(msg + 6) != 5) {
			EXPECT(u16(msg + 6) == 100 + i, requests[i].what);
			got = msg[1];
			if (got == OFPT_ERROR)
				got = ERROR(u16(msg + 8), u16(msg + 10));
		}
		EXPECT(got == requests[i].answer, requests[i].what);
		if (got != requests[i].answer)
			printf("  got %#x\n", got);
	}
	CU_ASSERT_EQUAL(fake.packet_outs, 1);
	CU_ASSERT_EQUAL(fake.last_out_actions, 1);
	CU_ASSERT_EQUAL(fake.last_out_len, 4);
	CU_ASSERT_EQUAL(fake.last_out.in_port, OF_PORT_CONTROLLER);
	CU_ASSERT_EQUAL(fake_n_flows(), 0);
	close(fd10);
	close(fd13);
	close(fd14);
	rig_close(&rig);
}

/* Random flow-mods arrive at the pipeline, and come back in statistics cut into messages. */
static void test_flows_and_stats(void)
{
	unsigned n = 0, entries = 0, more = 0;
	struct of_flow_mod fm;
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, OFP13);
	for (unsigned i = 0; i < 1500; i++) {
		struct of_buf b = {0};

		rnd_flow_mod(&fm, false);
		fm.command = OF_FLOW_ADD;
		fm.table = 0;
		fm.priority = (uint16_t)i;
		fm.ins.has_goto = false;
		of_flow_mod_encode(&b, OFP13, 1, &fm);
		peer_send(fd, b.data, b.len);
		rig_run(&rig, 0);
		of_buf_free(&b);
		of_instructions_free(&fm.ins);
		n++;
	}
	rig_run(&rig, 50);
	CU_ASSERT_EQUAL(fake_n_flows(), n);
	peer_hex(fd, OFP13, OFPT13_MULTIPART_REQUEST, 3,
		"0001 0000 00000000 ff000000 ffffffff ffffffff 00000000 0000000000000000 "
		"0000000000000000 0001 0004 00000000");
	do {
		int len = peer_read(&rig, fd, msg, sizeof(msg), 2000);

		CU_ASSERT_FATAL(len >= 16);
		CU_ASSERT_EQUAL(msg[1], OFPT13_MULTIPART_REPLY);
		for (int at = 16; at < len; at += (int)u16(msg + at)) {
			CU_ASSERT_FATAL(u16(msg + at) >= 56);
			entries++;
		}
		more += u16(msg + 10) & 1;
	} while (u16(msg + 10) & 1);
	CU_ASSERT_EQUAL(entries, n);
	CU_ASSERT(more >= 1);
	CU_ASSERT_EQUAL(fake.refreshes, 1);
	close(fd);
	rig_close(&rig);
}

static unsigned ask_role(int fd, unsigned role, const char *generation)
{
	char body[64];

	snprintf(body, sizeof(body), "%08x 00000000 %s", role, generation);
	peer_hex(fd, OFP13, OFPT13_ROLE_REQUEST, 1, body);
	if (peer_read(&rig, fd, msg, sizeof(msg), 1000) < 0)
		return 0;
	return msg[1] == OFPT_ERROR ? ERROR(u16(msg + 8), u16(msg + 10)) : u16(msg + 10);
}

static void test_roles(void)
{
	int a, b;

	rig_open(&rig);
	a = peer_greet(&rig, OFP13);
	b = peer_greet(&rig, OFP13);
	CU_ASSERT_EQUAL(ask_role(a, 0, "0000000000000000"), 1);
	CU_ASSERT_EQUAL(ask_role(a, 2, "0000000000000005"), 2);
	CU_ASSERT_EQUAL(ask_role(b, 2, "0000000000000004"), ERROR(11, 0));
	CU_ASSERT_EQUAL(ask_role(b, 0, "0000000000000000"), 1);
	CU_ASSERT_EQUAL(ask_role(b, 2, "0000000000000006"), 2);
	CU_ASSERT_EQUAL(ask_role(a, 0, "0000000000000000"), 3);
	peer_hex(a, OFP13, OFPT13_TABLE_MOD, 2, "ff 000000 00000000");
	CU_ASSERT_EQUAL(peer_read(&rig, a, msg, sizeof(msg), 1000), 12 + 16);
	CU_ASSERT_EQUAL(u16(msg + 8), 1);
	CU_ASSERT_EQUAL(u16(msg + 10), 10);
	CU_ASSERT_EQUAL(ask_role(a, 1, "0000000000000000"), 1);
	/* Numbers wrap. */
	CU_ASSERT_EQUAL(ask_role(a, 3, "8000000000000005"), 3);
	CU_ASSERT_EQUAL(ask_role(a, 3, "0000000000000001"), 3);
	close(a);
	close(b);
	rig_close(&rig);
}

CU_TestInfo serve_tests[] = {
	{"requests", test_requests},
	{"flows and their statistics", test_flows_and_stats},
	{"roles", test_roles},
	CU_TEST_INFO_NULL,
};
