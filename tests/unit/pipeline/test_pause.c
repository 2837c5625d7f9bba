/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller action: what a packet-in tells, and going on after a pause.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "tests/unit/pipeline/special.h"

/* UDP 10.0.0.1 to 10.0.0.2, ports 1000 and 53 */
static const uint8_t frame[] = {0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 32, 0,
	0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x03, 0xe8, 0, 53, 0, 12, 0, 0, 1, 2, 3,
	4};
#define PACKET                                                                             \
	"in_port=1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=10.0.0.1," \
	"nw_dst=10.0.0.2,udp_src=1000,udp_dst=53,nw_ttl=64"

/* What the last packet-in said. */
static struct {
	struct hal_match fields;
	uint8_t userdata[16], continuation[64];
	size_t userdata_len, continuation_len;
} said;

static void keep(const struct of_packet_in *pin)
{
	memset(&said, 0, sizeof(said));
	said.fields = *pin->pipeline_fields;
	said.userdata_len = pin->userdata_len;
	said.continuation_len = pin->continuation_len;
	CU_ASSERT_FATAL(pin->userdata_len <= sizeof(said.userdata));
	CU_ASSERT_FATAL(pin->continuation_len <= sizeof(said.continuation));
	if (pin->userdata)
		memcpy(said.userdata, pin->userdata, pin->userdata_len);
	if (pin->continuation)
		memcpy(said.continuation, pin->continuation, pin->continuation_len);
}

/* Sends the packet and does what its megaflow's controller step says. */
static void send(const char *packet)
{
	struct rte_mbuf pkt = {.buf_addr = (void *)(uintptr_t)frame,
		.pkt_len = sizeof(frame),
		.data_len = sizeof(frame),
		.nb_segs = 1};
	struct hal_key key = rig_key(packet);
	struct hal_megaflow *mf = rig_send(&key, 1);
	unsigned steps = 0;

	rig.on_pin = keep;
	CU_ASSERT_PTR_NOT_NULL_FATAL(mf);
	ACTION_FOR_EACH (a, mf->program)
		if (a->type == ACTION_CONTROLLER) {
			pipeline_to_controller(
				rig.pl, 0, (const struct hal_act_controller *)a, &pkt, &key);
			steps++;
		}
	CU_ASSERT_EQUAL(steps, 1);
	rig_settle();
}

static const struct of_action to_controller = {.type = OFACT_CONTROLLER,
	.max_len = 30,
	.controller_id = 5,
	.reason = OF_REASON_INVALID_TTL,
	.data = (uint8_t *)(uintptr_t) "\1\2\3",
	.data_len = 3};

static void test_fields(void)
{
	rig_ports(4);
	SPECIAL("cookie=7,udp "
		"actions=load:0x1234->NXM_NX_REG3[0..15],set_field:0x77/0xff->metadata,"
		"move:NXM_OF_IP_SRC[]->NXM_NX_REG5[],set_field:9->tun_id",
		to_controller);
	send(PACKET);
	CU_ASSERT_EQUAL(rig.packet_ins, 1);
	CU_ASSERT_EQUAL(rig.pin.len, sizeof(frame));
	CU_ASSERT_EQUAL(rig.pin.controller_id, 5);
	CU_ASSERT_EQUAL(rig.pin.reason, OF_REASON_INVALID_TTL);
	CU_ASSERT_EQUAL(rig.pin.cookie, 7);
	CU_ASSERT_EQUAL(said.userdata_len, 3);
	CU_ASSERT_EQUAL(memcmp(said.userdata, "\1\2\3", 3), 0);
	CU_ASSERT_EQUAL(said.continuation_len, 0);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_REG3, &said.fields.value), 0x1234);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_REG5, &said.fields.value), 0x0a000001);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_METADATA, &said.fields.value), 0x77);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_TUNNEL_ID, &said.fields.value), 9);
	CU_ASSERT_EQUAL(hal_field_get_u64(FIELD_IN_PORT, &said.fields.value), 1);
	CU_ASSERT(!hal_field_any(FIELD_REG0, &said.fields.mask));
	/* What is told is one id for the same thing: a new translation is the same program. */
	rig_check_live("with notes");
}

/* Two flows that differ by what they say only. */
static void test_same(void)
{
	struct hal_megaflow *a, *b;

	rig_ports(4);
	SPECIAL("udp,udp_dst=53 actions=set_field:1->reg0", to_controller);
	SPECIAL("udp,udp_dst=54 actions=set_field:1->reg0", to_controller);
	SPECIAL("udp,udp_dst=55 actions=set_field:2->reg0", to_controller);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
	a = rig_send_text("in_port=1,udp,udp_dst=53", 1);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 1);
	b = rig_send_text("in_port=1,udp,udp_dst=54", 1);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 1);
	CU_ASSERT_FATAL(a && b);
	rig_send_text("in_port=1,udp,udp_dst=55", 1);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 2);
	rig_settle();
	rig_mod(OF_FLOW_DELETE, 4, "");
	rig_settle();
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

/* ---- pause ---- */

static enum of_error resume_with(const struct hal_match *fields)
{
	struct of_resume r = {.data = frame,
		.len = sizeof(frame),
		.pipeline_fields = fields,
		.continuation = said.continuation,
		.continuation_len = said.continuation_len};

	paths.injects = 0;
	return pl_resume(rig.br, &r);
}

static void pausing(void)
{
	struct of_action pause = to_controller;
	struct of_action then = {
		.type = OFACT_OUTPUT_REG, .field = FIELD_REG0, .src_ofs = 0, .n_bits = 16};
	struct of_action acts[] = {
		pause, then, {.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 2}};

	acts[0].pause = true;
	rig_ports(4);
	special_mod(
		OF_FLOW_ADD, "cookie=7,udp actions=set_field:2->reg0,set_field:8->reg1", acts, 3);
	rig_flow("cookie=8,table=2,reg1=8 actions=output:3");
	rig_flow("cookie=9,table=2,reg1=9 actions=output:4");
	send(PACKET);
	CU_ASSERT_EQUAL(rig.packet_ins, 1);
	CU_ASSERT(said.continuation_len > 0);
	CU_ASSERT_EQUAL(said.userdata_len, 3);
}

static void test_pause(void)
{
	struct hal_match fields;

	pausing();
	/* Nothing is sent before. */
	EXPECT_TEXT(outputs(PACKET), "-");
	CU_ASSERT_EQUAL(resume_with(&said.fields), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(102),output(103)");
	CU_ASSERT_EQUAL(rig_packets(7), 0 + 1);
	/* The controller may say otherwise. */
	fields = said.fields;
	hal_match_set_u64(&fields, FIELD_REG0, 1);
	hal_match_set_u64(&fields, FIELD_REG1, 9);
	hal_match_set_u64(&fields, FIELD_IN_PORT, 2);
	CU_ASSERT_EQUAL(resume_with(&fields), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(101),output(104)");
	/* Tables are as they are now. */
	rig_mod(OF_FLOW_DELETE, 4, "table=2");
	CU_ASSERT_EQUAL(resume_with(&said.fields), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(102)");
	/* It is good although the flow is gone. */
	rig_mod(OF_FLOW_DELETE, 4, "");
	rig_settle();
	CU_ASSERT_EQUAL(resume_with(&said.fields), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(102)");
}

static void test_bad_continuations(void)
{
	struct of_resume r = {.data = frame, .len = sizeof(frame)};
	size_t len;

	pausing();
	paths.injects = 0;
	CU_ASSERT_EQUAL(pl_resume(rig.br, &r), OFERR_NX_NOT_SUPPORTED);
	r.continuation = said.continuation;
	for (len = 0; len < said.continuation_len; len++) {
		r.continuation_len = len;
		CU_ASSERT_EQUAL(pl_resume(rig.br, &r), OFERR_NX_NOT_SUPPORTED);
	}
	r.continuation_len = len;
	/* Another bridge's, and one with any byte changed. */
	CU_ASSERT_EQUAL(pl_resume(rig.br2, &r), OFERR_NX_STALE);
	for (size_t i = 0; i < len; i++) {
		said.continuation[i] ^= 0x40;
		CU_ASSERT_NOT_EQUAL(pl_resume(rig.br, &r), OFERR_OK);
		said.continuation[i] ^= 0x40;
	}
	r.len = 13;
	CU_ASSERT_EQUAL(pl_resume(rig.br, &r), OFERR_BAD_PACKET);
	CU_ASSERT_EQUAL(paths.injects, 0);
	r.len = sizeof(frame);
	CU_ASSERT_EQUAL(pl_resume(rig.br, &r), OFERR_OK);
	/* Too old. */
	rig_mod(OF_FLOW_DELETE, 4, "");
	rig_sweep(400000);
	rig_sweep(1000);
	CU_ASSERT_EQUAL(pl_resume(rig.br, &r), OFERR_NX_STALE);
	CU_ASSERT_EQUAL(recirc_count(rig.pl->recircs), 0);
}

static enum of_error out(const struct of_action *acts, unsigned n)
{
	struct of_packet_out po = {.in_port = 1,
		.buffer_id = OF_NO_BUFFER,
		.data = frame,
		.len = sizeof(frame),
		.actions = {n, (struct of_action *)(uintptr_t)acts}};

	return pl_packet_out(rig.br, &po);
}

static void test_packet_out(void)
{
	struct of_action acts[] = {
		{.type = OFACT_SET_FIELD, .field = FIELD_REG0, .value = {0, 0, 0, 3}},
		{.type = OFACT_STACK_PUSH, .field = FIELD_REG0, .n_bits = 32},
		{.type = OFACT_STACK_POP, .field = FIELD_REG1, .n_bits = 32},
		{.type = OFACT_OUTPUT_REG, .field = FIELD_REG1, .n_bits = 32},
		to_controller,
	};

	rig_ports(4);
	CU_ASSERT_EQUAL(out(acts, 5), OFERR_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(paths.injected, "output(103),controller"));
}

CU_TestInfo pause_tests[] = {
	{"what a packet-in tells", test_fields},
	{"the same is told by one id", test_same},
	{"pause and resume", test_pause},
	{"bad continuations", test_bad_continuations},
	{"packet-out", test_packet_out},
	CU_TEST_INFO_NULL,
};
