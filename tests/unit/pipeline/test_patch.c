/* SPDX-License-Identifier: Apache-2.0
 *
 * Patch ports: two bridges, one translation.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

static void both_bridges(void)
{
	rig_ports(2);
	rig_port(rig.br2, 1, PL_VLAN_TRUNK, 0, NULL);
	rig_port(rig.br2, 2, PL_VLAN_TRUNK, 0, NULL);
	rig_patch(rig.br, 8, "to", "fro");
	rig_patch(rig.br2, 9, "fro", "to");
}

static void there_and_back(void)
{
	struct hal_key key;

	both_bridges();
	rig_flow("cookie=1,actions=output:8,output:2");
	rig_flow_on(rig.br2, "in_port=9,ip,actions=output:1");
	rig_flow_on(rig.br2, "in_port=9,arp,actions=set_field:02:00:00:00:00:09->eth_dst,output:1");
	rig_flow_on(rig.br2, "in_port=2,actions=output:9");
	EXPECT_TEXT(rig_program("in_port=1,ip"), "output(201),output(102)");
	/* What the other bridge writes stays there. */
	EXPECT_TEXT(rig_program("in_port=1,arp"),
		"clone(set(eth_dst=02:00:00:00:00:09),output(201)),output(102)");
	EXPECT_TEXT(rig_program("in_port=1,dl_type=0x88cc"), "output(102)");
	key = rig_key("in_port=1");
	key.in_port = rte_cpu_to_be_32(202);
	rig_send(&key, 3);
	rig_settle();
	CU_ASSERT_EQUAL(rig_packets(1), 3);
}

static void state_is_its_own(void)
{
	both_bridges();
	/* Metadata, registers and the action set do not go over; the tag does. */
	rig_flow("table=0,actions=load:5->NXM_NX_REG0[],write_metadata:7,write_actions(output:2),"
		 "goto_table:1");
	rig_flow("table=1,reg0=5,metadata=7,actions=mod_vlan_vid:4,output:8,goto_table:2");
	rig_flow("table=2,reg0=5,metadata=7,dl_vlan=4,actions=LOCAL");
	rig_flow_on(rig.br2, "table=0,in_port=9,reg0=0,metadata=0,dl_vlan=4,"
			     "actions=load:6->NXM_NX_REG0[],write_actions(output:1)");
	EXPECT_TEXT(rig_program("in_port=1"),
		"push_vlan(vid=4,pcp=0),output(201),output(100),output(102)");
}

static void peers_come_and_go(void)
{
	struct of_port_stats st;
	struct hal_key key;

	both_bridges();
	rig_flow("actions=output:8");
	rig_flow_on(rig.br2, "actions=output:1");
	key = rig_key("in_port=1");
	rig_send(&key, 2);
	rig_settle();
	rig_check_live("with its peer");
	EXPECT_TEXT(rig_program("in_port=1"), "output(201)");
	CU_ASSERT_EQUAL(pl_port_remove(rig.br2, 9), 0);
	rig_settle();
	rig_check_live("without its peer");
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	rig_patch(rig.br2, 9, "fro", "somebody else");
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	rig_check_live("its peer has another");
	rig_patch(rig.br2, 9, "fro", "to");
	EXPECT_TEXT(rig_program("in_port=1"), "output(201)");
	rig_check_live("its peer is back");
	rig_send(&key, 5);
	rig_settle();
	credit_all(rig.pl);
	CU_ASSERT(pl_port_stats(rig.br, 8, &st));
	CU_ASSERT_EQUAL(st.tx_packets, 7);
	CU_ASSERT_EQUAL(st.tx_bytes, 700);
	CU_ASSERT(pl_port_stats(rig.br2, 9, &st));
	CU_ASSERT_EQUAL(st.rx_packets, 5); /* it was made anew */
	pipeline_bridge_remove(rig.pl, rig.br2);
	rig.br2 = NULL;
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	rig_check_live("its bridge is gone");
}

/* Loops end, soon, whatever the number of ways round. */
static void loops(void)
{
	both_bridges();
	for (unsigned i = 0; i < 4; i++) {
		char to[16], fro[16];

		snprintf(to, sizeof(to), "to%u", i);
		snprintf(fro, sizeof(fro), "fro%u", i);
		rig_patch(rig.br, 20 + i, to, fro);
		rig_patch(rig.br2, 20 + i, fro, to);
	}
	rig_flow("actions=NORMAL");
	rig_flow_on(rig.br2, "actions=NORMAL");
	EXPECT_TEXT(rig_program("in_port=1,dl_dst=ff:ff:ff:ff:ff:ff"), "drop");
	pl_bridge_set_standalone(rig.br, true);
	pl_bridge_set_standalone(rig.br2, true);
	EXPECT_TEXT(rig_program("in_port=1,dl_dst=ff:ff:ff:ff:ff:ff"), "drop");
	pl_bridge_set_standalone(rig.br2, false);
	rig_flow_on(rig.br2, "priority=65535,in_port=9,actions=IN_PORT");
	EXPECT_TEXT(rig_program("in_port=1,dl_dst=ff:ff:ff:ff:ff:ff"), "drop");
}

static void learning_goes_over(void)
{
	both_bridges();
	rig_flow("actions=NORMAL");
	rig_flow_on(rig.br2, "actions=NORMAL");
	rig_send_text("in_port=1,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff", 1);
	rig_settle();
	CU_ASSERT(bridge_mac(rig.br, 0, (const uint8_t[]){2, 0, 0, 0, 0, 1}) != NULL);
	CU_ASSERT(bridge_mac(rig.br2, 0, (const uint8_t[]){2, 0, 0, 0, 0, 1}) != NULL);
	rig_learn(rig.br2, 0, "02:00:00:00:00:02", 1);
	rig_learn(rig.br, 0, "02:00:00:00:00:02", 8);
	EXPECT_TEXT(rig_program("in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02"),
		"output(201)");
}

static void reason_is_its_own(void)
{
	both_bridges();
	rig_flow("cookie=1,priority=5,actions=output:8,CONTROLLER");
	rig_flow_on(rig.br2, "cookie=2,priority=0,actions=CONTROLLER");
	EXPECT_TEXT(rig_program("in_port=1"),
		"controller(reason=0,max_len=65535,id=0,table=0,cookie=0x2),"
		"controller(reason=1,max_len=65535,id=0,table=0,cookie=0x1)");
}

CU_TestInfo patch_tests[] = {
	{"there and back", there_and_back},
	{"each bridge has its own state", state_is_its_own},
	{"peers come and go", peers_come_and_go},
	{"loops end", loops},
	{"learning goes over", learning_goes_over},
	{"the reason of a packet-in", reason_is_its_own},
	CU_TEST_INFO_NULL,
};
