/* SPDX-License-Identifier: Apache-2.0
 *
 * Who hears of what.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

static struct rig rig;
static uint8_t msg[70000];
static uint8_t packet[1000];

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void emit_packet_in(enum of_packet_in_reason reason)
{
	struct of_packet_in pin = {
		.reason = reason,
		.cookie = UINT64_MAX,
		.in_port = 2,
		.data = packet,
		.len = sizeof(packet),
		.total_len = 1500,
	};

	rig.ops.packet_in(rig.ops.ctx, fake_bridge(), &pin);
}

static int next_of(int fd, unsigned ms)
{
	int len = peer_read(&rig, fd, msg, sizeof(msg), ms);

	return len <= 0 ? -1 : msg[1];
}

static void test_packet_in(void)
{
	int fd10, fd13;

	rig_open(&rig);
	fd10 = peer_greet(&rig, OFP10);
	fd13 = peer_greet(&rig, OFP13);
	emit_packet_in(OF_REASON_ACTION);
	/* Nobody has asked yet. */
	CU_ASSERT_EQUAL(next_of(fd10, 30), -1);
	CU_ASSERT_EQUAL(next_of(fd13, 30), -1);
	peer_hex(fd10, OFP10, OFPT_SET_CONFIG, 1, "0000 0080");
	peer_hex(fd13, OFP13, OFPT_SET_CONFIG, 1, "0000 0080");
	rig_run(&rig, 20);
	emit_packet_in(OF_REASON_ACTION);
	CU_ASSERT_EQUAL(next_of(fd10, 1000), OFPT_PACKET_IN);
	CU_ASSERT_EQUAL(u16(msg + 2), 8 + 10 + sizeof(packet));
	CU_ASSERT_EQUAL(u16(msg + 12), 1500);
	CU_ASSERT_EQUAL(u16(msg + 14), 2);
	CU_ASSERT_EQUAL(msg[16], 1);
	CU_ASSERT_EQUAL(next_of(fd13, 1000), OFPT_PACKET_IN);
	CU_ASSERT_EQUAL(u16(msg + 2), 24 + 16 + 2 + sizeof(packet));
	CU_ASSERT_EQUAL(msg[14], 1);
	/* Invalid TTLs are for those who name them. */
	emit_packet_in(OF_REASON_INVALID_TTL);
	CU_ASSERT_EQUAL(next_of(fd13, 30), -1);
	peer_hex(fd13, OFP13, OFPT13_SET_ASYNC, 1,
		"00000004 00000000 00000000 00000000 00000000 00000000");
	rig_run(&rig, 20);
	emit_packet_in(OF_REASON_ACTION);
	emit_packet_in(OF_REASON_INVALID_TTL);
	CU_ASSERT_EQUAL(next_of(fd13, 1000), OFPT_PACKET_IN);
	CU_ASSERT_EQUAL(msg[14], 2);
	CU_ASSERT_EQUAL(next_of(fd13, 30), -1);
	close(fd10);
	close(fd13);
	rig_close(&rig);
}

static void test_others(void)
{
	struct of_port_desc port = {.number = 5, .name = "p5"};
	struct of_instructions none = {0};
	struct hal_match m;
	struct of_flow_removed fr = {
		.reason = OF_REMOVED_HARD, .stats = {.ins = &none, .table = 7}};
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, OFP13);
	peer_hex(fd, OFP13, OFPT_SET_CONFIG, 1, "0000 0080");
	rig_run(&rig, 20);
	rnd_match(&m, false);
	fr.stats.match = hal_cmatch_new(&m);
	rig.ops.flow_removed(rig.ops.ctx, fake_bridge(), &fr);
	CU_ASSERT_EQUAL(next_of(fd, 1000), OFPT_FLOW_REMOVED);
	CU_ASSERT_EQUAL(msg[18], OF_REMOVED_HARD);
	CU_ASSERT_EQUAL(msg[19], 7);
	rig.ops.port_status(rig.ops.ctx, fake_bridge(), OF_PORT_MODIFY, &port);
	CU_ASSERT_EQUAL(next_of(fd, 1000), OFPT_PORT_STATUS);
	CU_ASSERT_EQUAL(u16(msg + 2), 80);
	CU_ASSERT_EQUAL(msg[8], 2);
	CU_ASSERT(!strcmp((char *)msg + 32, "p5"));
	/* A slave hears of ports only. */
	peer_hex(fd, OFP13, OFPT13_ROLE_REQUEST, 1, "00000003 00000000 0000000000000000");
	CU_ASSERT_EQUAL(next_of(fd, 1000), OFPT13_ROLE_REPLY);
	emit_packet_in(OF_REASON_ACTION);
	rig.ops.flow_removed(rig.ops.ctx, fake_bridge(), &fr);
	rig.ops.port_status(rig.ops.ctx, fake_bridge(), OF_PORT_DELETE, &port);
	CU_ASSERT_EQUAL(next_of(fd, 1000), OFPT_PORT_STATUS);
	CU_ASSERT_EQUAL(next_of(fd, 30), -1);
	free((void *)fr.stats.match);
	close(fd);
	rig_close(&rig);
}

/* A reason that 1.3 does not know is asked for by its own bit in 1.4. */
static void test_removed_by_meter(void)
{
	struct of_instructions none = {0};
	struct hal_match m = {0};
	struct of_flow_removed fr = {.reason = OF_REMOVED_METER, .stats = {.ins = &none}};
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, OFP14);
	peer_hex(fd, OFP14, OFPT13_SET_ASYNC, 1, "0005 0008 00000010");
	rig_run(&rig, 20);
	fr.stats.match = hal_cmatch_new(&m);
	rig.ops.flow_removed(rig.ops.ctx, fake_bridge(), &fr);
	CU_ASSERT_EQUAL(next_of(fd, 1000), OFPT_FLOW_REMOVED);
	CU_ASSERT_EQUAL(msg[18], OF_REMOVED_METER);
	fr.reason = OF_REMOVED_DELETE;
	rig.ops.flow_removed(rig.ops.ctx, fake_bridge(), &fr);
	CU_ASSERT_EQUAL(next_of(fd, 30), -1);
	free((void *)fr.stats.match);
	close(fd);
	rig_close(&rig);
}

/* Who does not read loses packet-ins, which are counted; what was queued is whole. */
static void test_slow_reader(void)
{
	struct of_agent_stats stats;
	unsigned got = 0;
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, OFP13);
	peer_hex(fd, OFP13, OFPT_SET_CONFIG, 1, "0000 0080");
	rig_run(&rig, 20);
	for (unsigned i = 0; i < 5000; i++) {
		emit_packet_in(OF_REASON_ACTION);
		if (i % 100 == 0)
			rig_run(&rig, 0);
	}
	of_agent_stats_read(rig.agent, &stats);
	CU_ASSERT_EQUAL(stats.packet_ins_sent + stats.packet_ins_dropped, 5000);
	CU_ASSERT(stats.packet_ins_dropped > 2000);
	CU_ASSERT(stats.packet_ins_sent > 300);
	while (next_of(fd, 30) == OFPT_PACKET_IN)
		got++;
	CU_ASSERT_EQUAL(got, stats.packet_ins_sent);
	/* Replies are never lost: requests wait instead. */
	for (unsigned i = 0; i < 50; i++)
		peer_hex(fd, OFP13, OFPT13_MULTIPART_REQUEST, i, "000c 0000 00000000");
	for (unsigned i = 0; i < 50; i++) {
		do {
			CU_ASSERT_EQUAL_FATAL(next_of(fd, 2000), OFPT13_MULTIPART_REPLY);
		} while (u16(msg + 10) & 1);
		CU_ASSERT_EQUAL(msg[7], i);
	}
	close(fd);
	rig_close(&rig);
}

CU_TestInfo async_tests[] = {
	{"packet-ins", test_packet_in},
	{"other events", test_others},
	{"flows removed with a meter", test_removed_by_meter},
	{"slow readers", test_slow_reader},
	CU_TEST_INFO_NULL,
};
