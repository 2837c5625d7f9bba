/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow monitors: requests and their errors, and what is told to whom.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ofctl/openflow/monitor.h"
#include "tests/unit/openflow/test.h"

static struct rig rig;
static uint8_t msg[70000];
static struct hal_cmatch *any_match;
static struct of_instructions no_instructions;
static uint64_t seq;

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static unsigned u32(const uint8_t *p)
{
	return u16(p) << 16 | u16(p + 2);
}

static int start(uint8_t version)
{
	static const struct hal_match any;

	rig_open(&rig);
	of_agent_set_versions(rig.agent, 1u << OFP10 | 1u << OFP13 | 1u << OFP14);
	any_match = hal_cmatch_new(&any);
	seq = 0;
	return peer_greet(&rig, version);
}

static void end(int fd)
{
	close(fd);
	rig_run(&rig, 20);
	CU_ASSERT_EQUAL(fake.monitors, 0);
	free(any_match);
	rig_close(&rig);
}

/* ---- requests ---- */

/* `flags` and `command` as the version has them. */
static void ask(int fd, uint8_t version, uint32_t xid, uint32_t id, unsigned flags, unsigned table,
	unsigned command)
{
	char body[256];

	if (version == OFP10)
		snprintf(body, sizeof(body),
			"ffff 0000 00002320 00000002 00000000 %08x %04x ffff 0000 %02x 0000000000",
			id, flags, table);
	else if (version == OFP13)
		snprintf(body, sizeof(body),
			"ffff 0000 00000000 4f4e4600 0000074e"
			" %08x %04x 0000 ffffffff %02x 000000 0001000400000000",
			id, flags, table);
	else
		snprintf(body, sizeof(body),
			"0010 0000 00000000 %08x ffffffff ffffffff %04x %02x %02x 0001000400000000",
			id, flags, table, command);
	peer_hex(fd, version, version == OFP10 ? OFPT10_STATS_REQUEST : OFPT13_MULTIPART_REQUEST,
		xid, body);
}

static void cancel(int fd, uint8_t version, uint32_t xid, uint32_t id)
{
	char body[64];

	if (version >= OFP14) {
		ask(fd, version, xid, id, 0, 0xff, OF_MONITOR_DELETE);
		return;
	}
	snprintf(body, sizeof(body), "%s %08x",
		version == OFP10 ? "00002320 00000015" : "4f4e4600 0000074e", id);
	peer_hex(fd, version, OFPT_EXPERIMENTER, xid, body);
}

/* The next message is an error of this type and code (of Nicira's, if the version has it there). */
static void expect_error(int fd, unsigned type, unsigned code)
{
	unsigned at = 8;

	CU_ASSERT(peer_read(&rig, fd, msg, sizeof(msg), 1000) > 12);
	CU_ASSERT_EQUAL_FATAL(msg[1], OFPT_ERROR);
	if (u16(msg + 8) == 0xb0c2) { /* 1.0: after the experimenter */
		CU_ASSERT_EQUAL(u32(msg + 12), EXP_NICIRA);
		at = 16;
	}
	EXPECT(u16(msg + at) == type && u16(msg + at + 2) == code, "type and code");
}

/* An empty reply; nothing for who cancels in 1.0 and 1.3. */
static void expect_empty(int fd, uint8_t version)
{
	static const int lengths[] = {[OFP10] = 24, [OFP13] = 24, [OFP14] = 16};

	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 1000), lengths[version]);
	CU_ASSERT_EQUAL(msg[1], version == OFP10 ? OFPT10_STATS_REPLY : OFPT13_MULTIPART_REPLY);
}

static void errors(void)
{
	/* 1.0 and 1.3 have numbers of Nicira's, 1.4 its own. */
	static const struct {
		uint8_t version;
		uint16_t exists[2], unknown[2], flags[2], table[2];
	} v[] = {
		{OFP10, {1, 517}, {1, 519}, {1, 518}, {1, 512}},
		{OFP13, {0xffff, 6}, {0xffff, 8}, {0xffff, 7}, {1, 9}},
		{OFP14, {16, 1}, {16, 3}, {16, 5}, {16, 6}},
	};

	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t version = v[i].version;
		int fd = start(version);

		ask(fd, version, 1, 5, 0x0f, 0xff, OF_MONITOR_ADD);
		expect_empty(fd, version);
		CU_ASSERT_EQUAL(fake.monitors, 1);
		ask(fd, version, 2, 5, 0x0f, 0xff, OF_MONITOR_ADD);
		expect_error(fd, v[i].exists[0], v[i].exists[1]);
		ask(fd, version, 3, 6, 0x01, 0xff, OF_MONITOR_ADD);
		expect_error(fd, v[i].flags[0], v[i].flags[1]);
		ask(fd, version, 3, 6, 0x8f, 0xff, OF_MONITOR_ADD);
		expect_error(fd, v[i].flags[0], v[i].flags[1]);
		ask(fd, version, 3, 6, 0x0f, 0xfe, OF_MONITOR_ADD);
		expect_error(fd, v[i].table[0], v[i].table[1]);
		cancel(fd, version, 4, 6);
		expect_error(fd, v[i].unknown[0], v[i].unknown[1]);
		cancel(fd, version, 5, 5);
		if (version >= OFP14)
			expect_empty(fd, version);
		rig_run(&rig, 10);
		CU_ASSERT_EQUAL(fake.monitors, 0);
		cancel(fd, version, 6, 5);
		expect_error(fd, v[i].unknown[0], v[i].unknown[1]);
		end(fd);
	}
}

/* What only 1.4 has: commands, groups; and several requests, of which none is done if one is bad.
 */
static void errors14(void)
{
	int fd = start(OFP14);

	ask(fd, OFP14, 1, 5, 0x0f, 0xff, OF_MONITOR_MODIFY);
	expect_error(fd, 16, 3);
	ask(fd, OFP14, 2, 5, 0x0f, 0xff, 3);
	expect_error(fd, 16, 4);
	peer_hex(fd, OFP14, OFPT13_MULTIPART_REQUEST, 3,
		"0010 0000 00000000 00000005 ffffff00 ffffffff 000f ff 00 0001000400000000");
	expect_error(fd, 16, 7);
	peer_hex(fd, OFP14, OFPT13_MULTIPART_REQUEST, 4,
		"0010 0000 00000000 00000005 ffffffff fffffffc 000f ff 00 0001000400000000");
	expect_error(fd, 16, 7);
	peer_hex(fd, OFP14, OFPT13_MULTIPART_REQUEST, 5,
		"0010 0000 00000000 00000005 ffffffff ffffffff 000f ff 00");
	expect_error(fd, 4, 1);
	/* One that is good, and the same again. */
	peer_hex(fd, OFP14, OFPT13_MULTIPART_REQUEST, 6,
		"0010 0000 00000000 00000005 ffffffff ffffffff 000f ff 00 0001000400000000"
		" 00000005 ffffffff ffffffff 000f ff 00 0001000400000000");
	expect_error(fd, 16, 1);
	CU_ASSERT_EQUAL(fake.monitors, 0);
	/* Added, changed and taken away by one. */
	peer_hex(fd, OFP14, OFPT13_MULTIPART_REQUEST, 7,
		"0010 0000 00000000 00000005 ffffffff ffffffff 000f ff 00 0001000400000000"
		" 00000005 ffffffff ffffffff 0002 01 01 0001000400000000"
		" 00000005 ffffffff ffffffff 0000 00 02 0001000400000000");
	expect_empty(fd, OFP14);
	CU_ASSERT_EQUAL(fake.monitors, 0);
	end(fd);
}

/* ---- changes ---- */

static struct of_conn *the_conn(void)
{
	return LIST_FIRST(&rig.agent->conns);
}

static void change(enum of_flow_event event, uint64_t cookie, uint64_t added_seq, const void *by)
{
	struct of_flow_change c = {
		.event = event,
		.reason = OF_REMOVED_DELETE,
		.flow = {.match = any_match, .ins = &no_instructions, .cookie = cookie, .table = 3},
		.by = by,
		.xid = 0x1234,
		.seq = ++seq,
	};

	c.flow.added_seq = added_seq ? added_seq : seq;
	c.flow.changed_seq = seq;
	rig.ops.flow_changed(rig.ops.ctx, fake_bridge(), &c);
}

static void changes_end(void)
{
	rig.ops.flow_changes_end(rig.ops.ctx, fake_bridge(), false);
}

/* The next message is a multipart reply with xid 0; its first update's event, or -1. */
static int next_event(int fd, unsigned ms, unsigned *len)
{
	int n = peer_read(&rig, fd, msg, sizeof(msg), ms);

	if (n < 20 || msg[1] != OFPT13_MULTIPART_REPLY)
		return -1;
	CU_ASSERT_EQUAL(u32(msg + 4), 0);
	CU_ASSERT_EQUAL(u16(msg + 8), OFPMP_FLOW_MONITOR);
	*len = (unsigned)n;
	return (int)u16(msg + 18);
}

static void updates(void)
{
	int fd = start(OFP14), other;
	unsigned len;

	ask(fd, OFP14, 1, 1, 0x0e, 3, OF_MONITOR_ADD);
	expect_empty(fd, OFP14);
	/* One change of two flows is one message; another table's is none. */
	change(OF_FLOW_ADDED, 0x11, 0, NULL);
	change(OF_FLOW_REMOVED, 0x12, 0, NULL);
	changes_end();
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_ADDED);
	CU_ASSERT_EQUAL(len, 16 + 2 * 32);
	CU_ASSERT_EQUAL(msg[20], 3);
	CU_ASSERT_EQUAL(msg[39], 0x11);
	CU_ASSERT_EQUAL(u16(msg + 48 + 2), OF_FLOW_REMOVED);
	CU_ASSERT_EQUAL(msg[48 + 5], OF_REMOVED_DELETE);
	/* Its own changes: one abbreviation for one request, until it wants them in full. */
	change(OF_FLOW_ADDED, 1, 0, the_conn());
	change(OF_FLOW_ADDED, 2, 0, the_conn());
	changes_end();
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), 4);
	CU_ASSERT_EQUAL(len, 16 + 8);
	CU_ASSERT_EQUAL(u32(msg + 20), 0x1234);
	/* Flag 0x40 without 0x20 is how Open vSwitch's tools ask for all in full. */
	ask(fd, OFP14, 2, 1, 0x4e, 3, OF_MONITOR_MODIFY);
	expect_empty(fd, OFP14);
	change(OF_FLOW_MODIFIED, 1, 0, the_conn());
	changes_end();
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_MODIFIED);
	/* With it, what others do is not told. */
	ask(fd, OFP14, 3, 1, 0x6e, 3, OF_MONITOR_MODIFY);
	expect_empty(fd, OFP14);
	change(OF_FLOW_MODIFIED, 1, 0, NULL);
	change(OF_FLOW_MODIFIED, 2, 0, the_conn());
	changes_end();
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_MODIFIED);
	CU_ASSERT_EQUAL(len, 16 + 32);
	CU_ASSERT_EQUAL(msg[39], 2);
	/* Who monitors nothing hears nothing. */
	other = peer_greet(&rig, OFP14);
	change(OF_FLOW_ADDED, 3, 0, NULL);
	changes_end();
	CU_ASSERT_EQUAL(peer_read(&rig, other, msg, sizeof(msg), 30), -1);
	close(other);
	end(fd);
}

#define FLOOD 200000u

/* A peer that does not read is paused, at a bounded cost; then it hears what went that it knew, and
 * once it has read all, what there is that is new. */
static void pauses(void)
{
	int fd = start(OFP14), event;
	uint64_t known = 0, most = 0;
	unsigned len, added = 0, removed = 0;

	ask(fd, OFP14, 1, 1, 0x0e, 0xff, OF_MONITOR_ADD);
	expect_empty(fd, OFP14);
	for (unsigned i = 0; i < FLOOD; i++) {
		struct of_channel *ch = the_conn()->ch;
		uint64_t waits;

		change(OF_FLOW_ADDED, i, 0, NULL);
		if (!(i % 50))
			changes_end();
		waits = of_channel_queued(ch) - of_channel_sent(ch);
		most = waits > most ? waits : most;
	}
	changes_end();
	known = the_conn()->monitors->paused;
	CU_ASSERT(known > 0 && known < FLOOD);
	CU_ASSERT(most < 3 * MONITOR_BACKLOG);
	change(OF_FLOW_REMOVED, 7, known, NULL);
	change(OF_FLOW_REMOVED, 8, known + 1, NULL);
	changes_end();
	/* What the flow table says when all is read: one flow that is new, or that was changed. */
	pl_flow_mod(fake_bridge(), &(struct of_flow_mod){.command = OF_FLOW_ADD,
					   .cookie = 99,
					   .out_port = OF_PORT_ANY,
					   .out_group = OF_GROUP_ANY});
	fake.added_seq = known;
	fake.changed_seq = seq;
	while ((event = next_event(fd, 1000, &len)) == OF_FLOW_ADDED)
		for (unsigned at = 16; at < len; at += u16(msg + at))
			added += u16(msg + at + 2) == OF_FLOW_ADDED;
	CU_ASSERT_EQUAL(event, 5); /* paused */
	CU_ASSERT_EQUAL(added, known);
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_REMOVED);
	removed += len == 16 + 32 && msg[39] == 7;
	CU_ASSERT_EQUAL(removed, 1);
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_MODIFIED);
	CU_ASSERT_EQUAL(msg[39], 99);
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), 6); /* resumed */
	change(OF_FLOW_ADDED, 5, 0, NULL);
	changes_end();
	CU_ASSERT_EQUAL(next_event(fd, 1000, &len), OF_FLOW_ADDED);
	end(fd);
}

/* The pause of each version. */
static void pause_messages(void)
{
	static const struct {
		uint8_t version;
		const char *paused, *resumed;
	} v[] = {
		{OFP10, "0104001000000000 0000232000000016", "0104001000000000 0000232000000017"},
		{OFP13, "0404001000000000 4f4e46000000074f", "0404001000000000 4f4e460000000750"},
		{OFP14, "0513001800000000 0010000000000000 0008000500000000",
			"0513001800000000 0010000000000000 0008000600000000"},
	};

	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		for (unsigned paused = 0; paused < 2; paused++) {
			struct of_buf b = {0};
			uint8_t want[64];
			size_t n =
				from_hex(paused ? v[i].paused : v[i].resumed, want, sizeof(want));

			of_monitor_pause_encode(&b, v[i].version, paused);
			CU_ASSERT_EQUAL_FATAL(b.len, n);
			CU_ASSERT_EQUAL(memcmp(b.data, want, n), 0);
			of_buf_free(&b);
		}
}

/* Changes that could not be kept: the connection ends, so that its peer begins anew. */
static void lost(void)
{
	int fd = start(OFP13);

	ask(fd, OFP13, 1, 1, 0x0e, 0xff, OF_MONITOR_ADD);
	expect_empty(fd, OFP13);
	rig.ops.flow_changes_end(rig.ops.ctx, fake_bridge(), true);
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 1000), 0);
	end(fd);
}

/* A bundle that there is no memory to take back is refused. */
static void bundle_memory(void)
{
	int fd = start(OFP14);

	peer_hex(fd, OFP14, OFPT14_BUNDLE_CONTROL, 1, "00000001 0000 0003");
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 1000), 16);
	fake.no_memory = true;
	peer_hex(fd, OFP14, OFPT14_BUNDLE_CONTROL, 2, "00000001 0004 0003");
	expect_error(fd, 17, 5);
	end(fd);
}

CU_TestInfo monitor_tests[] = {
	{"errors of requests", errors},
	{"errors of 1.4's requests", errors14},
	{"updates", updates},
	{"a slow peer pauses", pauses},
	{"pause messages", pause_messages},
	{"changes that were lost", lost},
	{"no memory for a bundle", bundle_memory},
	CU_TEST_INFO_NULL,
};
