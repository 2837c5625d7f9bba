/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets to and from controllers, and what users ask about packets.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "ofctl/openflow/flow_text.h"
#include "tests/unit/pipeline/test.h"

/* IPv4 and UDP from 02:..:01 to 02:..:02, TTL 9. */
static const uint8_t frame[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 0, 0,
	0, 9, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0, 53, 0, 8, 0, 0};

static enum of_error send_out(uint32_t in_port, const char *actions, size_t len)
{
	struct of_instructions ins = {0};
	struct of_packet_out po = {.in_port = in_port, .data = frame, .len = len};
	enum of_error error;
	char err[256];

	paths.injects = 0;
	if (of_instructions_parse(actions, NULL, &ins, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	po.actions = ins.apply;
	error = pl_packet_out(rig.br, &po);
	of_instructions_free(&ins);
	return error;
}

static void packet_out(void)
{
	rig_ports(3);
	CU_ASSERT_EQUAL(
		send_out(OF_PORT_CONTROLLER, "output:2,dec_ttl,output:3", sizeof(frame)), 0);
	CU_ASSERT_EQUAL(paths.injects, 1);
	EXPECT_TEXT(paths.injected, "output(102),dec_ttl,output(103)");
	CU_ASSERT_EQUAL(send_out(1, "ALL", sizeof(frame)), 0);
	CU_ASSERT_EQUAL(paths.inject_key.in_port, rte_cpu_to_be_32(101));
	CU_ASSERT(!strstr(paths.injected, "101") && strstr(paths.injected, "100"));
	CU_ASSERT_EQUAL(send_out(2, "IN_PORT", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "output(102)");
	CU_ASSERT_EQUAL(send_out(OF_PORT_LOCAL, "output:1", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "output(101)");
	CU_ASSERT_EQUAL(send_out(OF_PORT_CONTROLLER, "drop", sizeof(frame)), 0);
	CU_ASSERT_EQUAL(paths.injects, 0);
	CU_ASSERT_EQUAL(send_out(77, "output:1", sizeof(frame)), OFERR_BAD_PORT);
	CU_ASSERT_EQUAL(send_out(1, "output:1", 13), OFERR_BAD_PACKET);
	/* Judged by the packet itself. */
	CU_ASSERT_EQUAL(send_out(1, "set_field:1->tcp_dst,output:2", sizeof(frame)),
		OFERR_MATCH_INCONSISTENT);
	CU_ASSERT_EQUAL(send_out(1, "set_field:1->udp_dst,output:2", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "set(udp_dst=1),output(102)");
	CU_ASSERT_EQUAL(paths.injects, 1);
}

/* What the controller says of metadata, registers and the tunnel holds in the pipeline. */
static void packet_out_fields(void)
{
	struct of_packet_out po = {
		.in_port = 1, .data = frame, .len = sizeof(frame), .has_fields = true};
	struct of_instructions ins = {0};
	char err[256];

	rig_ports(4);
	rig_flow("table=1,priority=5,reg3=7,metadata=9,tun_id=5,in_port=1,actions=output:2");
	rig_flow("table=1,priority=1,actions=output:3");
	CU_ASSERT_EQUAL_FATAL(
		of_instructions_parse("resubmit(,1)", NULL, &ins, err, sizeof(err)), 0);
	po.actions = ins.apply;
	hal_match_set_u64(&po.fields, FIELD_REG3, 7);
	hal_match_set_u64(&po.fields, FIELD_METADATA, 9);
	hal_match_set_u64(&po.fields, FIELD_TUNNEL_ID, 5);
	CU_ASSERT_EQUAL(pl_packet_out(rig.br, &po), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(102)");
	hal_match_set_u64(&po.fields, FIELD_METADATA, 8);
	CU_ASSERT_EQUAL(pl_packet_out(rig.br, &po), OFERR_OK);
	EXPECT_TEXT(paths.injected, "output(103)");
	of_instructions_free(&ins);
}

static void packet_out_table(void)
{
	struct of_table_stats ts;

	rig_ports(3);
	rig_flow("table=0,cookie=5,udp,actions=goto_table:1");
	rig_flow("table=1,cookie=6,udp,in_port=1,actions=output:2");
	rig_flow("table=1,cookie=7,priority=1,actions=write_actions(output:3)");
	CU_ASSERT_EQUAL(send_out(1, "TABLE", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "output(102)");
	CU_ASSERT_EQUAL(send_out(OF_PORT_CONTROLLER, "TABLE", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "output(103)");
	pl_table_stats(rig.br, 0, &ts);
	CU_ASSERT_EQUAL(ts.lookups, 2);
	CU_ASSERT_EQUAL(ts.matched, 2);
	rig_settle();
	CU_ASSERT(TAILQ_FIRST(&rig.br->tables[0].flows)->counter->packets == 2);
	CU_ASSERT(TAILQ_FIRST(&rig.br->tables[0].flows)->counter->bytes == 2 * sizeof(frame));
}

static void packet_out_normal(void)
{
	rig_port(rig.br, 1, PL_VLAN_TRUNK, 0, NULL);
	rig_port(rig.br, 2, PL_VLAN_TRUNK, 0, NULL);
	rig_port(rig.br, 3, PL_VLAN_ACCESS, 10, NULL);
	rig_patch(rig.br, 8, "to", "fro");
	rig_patch(rig.br2, 8, "fro", "to");
	rig_port(rig.br2, 1, PL_VLAN_TRUNK, 0, NULL);
	rig_flow_on(rig.br2, "actions=NORMAL");
	/* From a port it teaches, in the bridges behind patch ports too. */
	CU_ASSERT_EQUAL(send_out(1, "NORMAL", sizeof(frame)), 0);
	CU_ASSERT(strstr(paths.injected, "output(102)") && strstr(paths.injected, "output(201)"));
	CU_ASSERT(bridge_mac(rig.br, 0, frame + 6) != NULL);
	CU_ASSERT(bridge_mac(rig.br2, 0, frame + 6) != NULL);
	pl_fdb_flush(rig.br);
	/* From a controller it goes to all, or to where the station is, and teaches nothing. */
	CU_ASSERT_EQUAL(send_out(OF_PORT_CONTROLLER, "NORMAL", sizeof(frame)), 0);
	CU_ASSERT(strstr(paths.injected, "output(101)") && strstr(paths.injected, "output(102)") &&
		  !strstr(paths.injected, "103"));
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 0);
	rig_learn(rig.br, 0, "02:00:00:00:00:02", 2);
	CU_ASSERT_EQUAL(send_out(OF_PORT_CONTROLLER, "NORMAL", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "output(102)");
	rig_learn(rig.br, 10, "02:00:00:00:00:02", 3);
	CU_ASSERT_EQUAL(send_out(OF_PORT_ANY, "mod_vlan_vid:10,NORMAL", sizeof(frame)), 0);
	EXPECT_TEXT(paths.injected, "push_vlan(vid=10,pcp=0),pop_vlan,output(103)");
}

static void packet_in(void)
{
	struct hal_act_controller act = {.cookie = 9,
		.bridge = rig.br->id,
		.in_port_of = 2,
		.metadata = 7,
		.max_len = 20,
		.table = 3,
		.reason = OF_REASON_ACTION};
	struct rte_mbuf pkt = {.buf_addr = (void *)(uintptr_t)frame,
		.pkt_len = sizeof(frame),
		.data_len = sizeof(frame),
		.nb_segs = 1};
	struct hal_key key = rig_key("in_port=2");

	rig_ports(2);
	pipeline_to_controller(rig.pl, 0, &act, &pkt, &key);
	rig_settle();
	CU_ASSERT_EQUAL(rig.packet_ins, 1);
	CU_ASSERT_EQUAL(rig.pin.len, sizeof(frame)); /* there is no buffer with the rest */
	CU_ASSERT_EQUAL(rig.pin.total_len, sizeof(frame));
	CU_ASSERT_EQUAL(rig.pin.in_port, 2);
	CU_ASSERT_EQUAL(rig.pin.cookie, 9);
	CU_ASSERT_EQUAL(rig.pin.metadata, 7);
	CU_ASSERT_EQUAL(rig.pin.table, 3);
	act.max_len = 0xffff;
	pipeline_to_controller(rig.pl, 0, &act, &pkt, &key);
	rig_settle();
	CU_ASSERT_EQUAL(rig.pin.len, sizeof(frame));
	/* A bridge that is gone has no controllers. Nor does anybody wait for what is left. */
	act.bridge = 99;
	pipeline_to_controller(rig.pl, 0, &act, &pkt, &key);
	rig_settle();
	CU_ASSERT_EQUAL(rig.packet_ins, 2);
	act.bridge = rig.br->id;
	pipeline_to_controller(rig.pl, 0, &act, &pkt, &key);
}

static void tracing(void)
{
	struct hal_match m = {0};
	struct hal_megaflow *mf;
	char err[128], *text;

	rig_ports(2);
	rig_flow("table=0,cookie=0x5,tcp,actions=goto_table:2");
	rig_flow("table=2,cookie=0x6,priority=7,actions=NORMAL");
	CU_ASSERT_EQUAL(of_match_parse("in_port=1,tcp,dl_src=02:00:00:00:00:01", NULL, &m, err,
				sizeof(err)),
		0);
	text = pipeline_trace(rig.br, &m.value, NULL, 0, NULL, NULL);
	CU_ASSERT_FATAL(text != NULL);
	EXPECT(!strncmp(text, "Flow: tcp,in_port=1,dl_src=02:00:00:00:00:01\n", 45), text);
	EXPECT(strstr(text, "\n    goto_table:2\n 2. ") != NULL, text);
	EXPECT(strstr(text, "\n    NORMAL\n    NORMAL: flood\n") != NULL, text);
	EXPECT(strstr(text, "\nFinal flow: unchanged\n") != NULL, text);
	CU_ASSERT(strstr(text, " 0. tcp, priority 32768, cookie 0x5") != NULL);
	CU_ASSERT(strstr(text, " 2. priority 7, cookie 0x6") != NULL);
	CU_ASSERT(strstr(text, "NORMAL: flood") != NULL);
	CU_ASSERT(strstr(text, "Megaflow: tcp,dp_port=101,") != NULL);
	CU_ASSERT(strstr(text, "Datapath actions: output(1") != NULL);
	free(text);
	CU_ASSERT_FATAL(pipeline_probe(rig.br, &m.value, &mf, 1) == 1);
	CU_ASSERT_EQUAL(mf->program->n_outputs, 2);
	pipeline_probe_free(mf);
	/* Neither has taught anything. */
	rig_settle();
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 0);
	CU_ASSERT_EQUAL(rig_packets(6), 0);
}

/* What is inside of something else is further in; what the packet became is told. */
static void tracing_inside(void)
{
	struct hal_match m = {0};
	char err[128], *text;

	rig_ports(2);
	rig_flow("table=0,ip,actions=load:5->NXM_NX_REG1[],resubmit(,1),output:2");
	rig_flow("table=1,ip,reg1=5,actions=dec_ttl");
	CU_ASSERT_EQUAL(of_match_parse("in_port=1,ip,nw_ttl=64", NULL, &m, err, sizeof(err)), 0);
	text = pipeline_trace(rig.br, &m.value, NULL, 0, NULL, NULL);
	CU_ASSERT_FATAL(text != NULL);
	EXPECT(strstr(text, "\n    resubmit(,1)\n     1. ip,reg1=0x5, priority 32768, cookie 0x0\n"
			    "        dec_ttl\n    output:2\n") != NULL,
		text);
	EXPECT(strstr(text, "\nFinal flow: ip,reg1=0x5,in_port=1,nw_ttl=63\n") != NULL, text);
	free(text);
	hal_match_set_u64(&m, FIELD_IN_PORT, 77);
	text = pipeline_trace(rig.br, &m.value, NULL, 0, NULL, NULL);
	CU_ASSERT_FATAL(text != NULL);
	EXPECT(strstr(text, "\nno port has the number 77\n") != NULL, text);
	free(text);
}

/* What is there already goes on. */
static void restore_wait(void)
{
	struct hal_key key;
	bool cache;

	rig_ports(2);
	rig_flow("actions=output:2");
	key = rig_key("in_port=1,tcp");
	pipeline_set_restore_wait(rig.pl, true);
	CU_ASSERT_PTR_NULL(pipeline_translate(rig.pl, 0, &key, NULL, &cache));
	CU_ASSERT_FALSE(cache);
	pipeline_set_restore_wait(rig.pl, false);
	CU_ASSERT_PTR_NOT_NULL(rig_send(&key, 1));
}

CU_TestInfo packet_tests[] = {
	{"packet-out", packet_out},
	{"packet-out with fields", packet_out_fields},
	{"packet-out to the tables", packet_out_table},
	{"packet-out as a bridge", packet_out_normal},
	{"packet-in", packet_in},
	{"trace and probe", tracing},
	{"traces of lists in lists", tracing_inside},
	{"while flows are restored", restore_wait},
	CU_TEST_INFO_NULL,
};
