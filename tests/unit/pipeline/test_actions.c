/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows make of packets: the program for each of a list of cases.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

struct action_case {
	const char *flows[5];
	const char *packet, *program;
};

static void run(const struct action_case *cases, unsigned n)
{
	rig_ports(4);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned f = 0; f < 5 && cases[i].flows[f]; f++)
			EXPECT(!rig_flow(cases[i].flows[f]), cases[i].flows[f]);
		if (strcmp(rig_program(cases[i].packet), cases[i].program))
			printf("\ncase %u: %s", i, cases[i].flows[0]);
		EXPECT_TEXT(rig_program(cases[i].packet), cases[i].program);
		pl_flow_flush(rig.br);
	}
}
#define RUN(CASES) run((CASES), sizeof(CASES) / sizeof((CASES)[0]))

static void outputs(void)
{
	static const struct action_case cases[] = {
		{{"actions=output:1,output:2,output:9"}, "in_port=1", "output(102)"},
		{{"actions=IN_PORT,output:2"}, "in_port=1", "output(101),output(102)"},
		{{"actions=LOCAL"}, "in_port=1", "output(100)"},
		{{"actions=output:1,output:3"}, "in_port=LOCAL", "output(101),output(103)"},
		{{"cookie=7,priority=3,actions=CONTROLLER:64,output:2"}, "in_port=1",
			"controller(reason=1,max_len=64,id=0,table=0,cookie=0x7),output(102)"},
		{{"cookie=7,priority=0,actions=CONTROLLER:64"}, "in_port=1",
			"controller(reason=0,max_len=64,id=0,table=0,cookie=0x7)"},
		{{"tcp,actions=output:2"}, "in_port=1,udp", "drop"},
		{{"actions=drop"}, "in_port=1", "drop"},
		/* What is changed for nobody is left out. */
		{{"actions=set_field:02:00:00:00:00:09->eth_dst"}, "in_port=1", "drop"},
	};

	RUN(cases);
}

static unsigned outputs_of(const char *program, uint32_t port)
{
	char text[32];

	snprintf(text, sizeof(text), "output(%u)", port);
	return strstr(program, text) != NULL;
}

static void flooding(void)
{
	struct of_port_mod pm = {.config = OF_PORT_CONFIG_NO_FLOOD,
		.mask = OF_PORT_CONFIG_NO_FLOOD,
		.number = 3,
		.mac = {0, 0, 0, 0, 0, 3}};
	static const char *const sets[] = {"actions=ALL", "actions=FLOOD"};

	rig_ports(4);
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_OK);
	for (unsigned i = 0; i < 2; i++) {
		const char *p;

		rig_flow(sets[i]);
		p = rig_program("in_port=2");
		EXPECT(outputs_of(p, 100) && outputs_of(p, 101) && outputs_of(p, 104), p);
		EXPECT(!outputs_of(p, 102), p); /* where it came from */
		EXPECT(outputs_of(p, 103) == !i, p);
		pl_flow_flush(rig.br);
	}
}

static void tables(void)
{
	static const struct action_case cases[] = {
		{{"table=0,actions=output:1,goto_table:2", "table=2,actions=output:2",
			 "table=1,actions=output:4"},
			"in_port=3", "output(101),output(102)"},
		{{"table=0,actions=write_metadata:0x5,goto_table:2",
			 "table=2,priority=2,metadata=0x5,actions=output:2",
			 "table=2,priority=1,actions=output:4"},
			"in_port=3", "output(102)"},
		{{"table=0,actions=write_metadata:0xff,goto_table:2",
			 "table=2,actions=write_metadata:0x0/0xf0,goto_table:3",
			 "table=3,metadata=0xf,actions=output:2"},
			"in_port=3", "output(102)"},
		{{"table=0,actions=resubmit(,4),output:1", "table=4,actions=output:2"}, "in_port=3",
			"output(102),output(101)"},
		/* The other input port is for the lookup only. */
		{{"table=0,actions=resubmit(2,4)", "table=4,in_port=2,actions=IN_PORT,output:2"},
			"in_port=3", "output(103),output(102)"},
		{{"table=0,actions=resubmit(2,4)", "table=4,in_port=2,actions=goto_table:5",
			 "table=5,in_port=3,actions=output:1",
			 "table=5,in_port=2,actions=output:4"},
			"in_port=3", "output(101)"},
		{{"table=0,actions=load:3->NXM_NX_REG0[],resubmit(,1)",
			 "table=1,reg0=3,actions=output:2"},
			"in_port=1", "output(102)"},
		{{"table=0,tcp,actions=set_field:10.9.9.9->nw_dst,goto_table:1",
			 "table=1,tcp,nw_dst=10.9.9.9,actions=output:2"},
			"in_port=1,tcp,nw_dst=10.0.0.1", "set(ipv4_dst=10.9.9.9),output(102)"},
		{{"table=0,actions=goto_table:1", "table=1,actions=goto_table:2"}, "in_port=1",
			"drop"},
		/* Without end. */
		{{"table=0,actions=resubmit(,0)"}, "in_port=1", "drop"},
	};

	RUN(cases);
}

static void action_sets(void)
{
	static const struct action_case cases[] = {
		/* The set is executed last, in the order of 1.3, 5.10, and holds one of a kind. */
		{{"table=0,ip,actions=write_actions(output:2,dec_ttl,push_vlan:0x8100),output:1"},
			"in_port=3,ip,nw_ttl=9",
			"output(101),push_vlan(vid=0,pcp=0),dec_ttl,output(102)"},
		{{"table=0,actions=write_actions(output:2),goto_table:1",
			 "table=1,actions=write_actions(output:1)"},
			"in_port=3", "output(101)"},
		{{"table=0,actions=write_actions(output:2),goto_table:1",
			 "table=1,actions=clear_actions,output:1"},
			"in_port=3", "output(101)"},
		{{"table=0,actions=write_actions(output:2),goto_table:1",
			 "table=1,actions=clear_actions,write_actions(output:4)"},
			"in_port=3", "output(104)"},
		{{"table=0,actions=write_actions(output:2),goto_table:1"}, "in_port=3",
			"output(102)"},
		/* Without an output it does nothing. */
		{{"table=0,actions=write_actions(pop_vlan)"}, "in_port=3,dl_vlan=1", "drop"},
		{{"table=0,cookie=3,priority=2,actions=write_actions(CONTROLLER)"}, "in_port=3",
			"controller(reason=3,max_len=65535,id=0,table=0,cookie="
			"0xffffffffffffffff)"},
	};

	RUN(cases);
}

/* OpenFlow 1.5's actset_output follows the set, and clearing it too. */
static void actset_output(void)
{
	rig_ports(4);
	rig_flow("table=0,in_port=1,actions=write_actions(output:2),goto_table:2");
	rig_flow("table=0,in_port=3,actions=write_actions(output:2),goto_table:1");
	rig_flow("table=1,actions=clear_actions,goto_table:2");
	rig_flow("table=2,priority=2,actset_output=2,actions=output:4");
	rig_flow("table=2,priority=1,actset_output=unset,actions=LOCAL");
	EXPECT_TEXT(rig_program("in_port=1"), "output(104),output(102)");
	EXPECT_TEXT(rig_program("in_port=3"), "output(100)");
}

static void vlans(void)
{
	static const struct action_case cases[] = {
		{{"actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2"}, "in_port=1",
			"push_vlan(vid=5,pcp=0),output(102)"},
		{{"actions=push_vlan:0x88a8,set_field:3->vlan_pcp,output:2"}, "in_port=1",
			"push_vlan(tpid=0x88a8,vid=0,pcp=3),output(102)"},
		{{"actions=push_vlan:0x88a8,output:2"}, "in_port=1,dl_vlan=100,dl_vlan_pcp=3",
			"push_vlan(tpid=0x88a8,vid=100,pcp=3),output(102)"},
		{{"actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2"},
			"in_port=1,dl_vlan=100,dl_vlan_pcp=3",
			"push_vlan(vid=5,pcp=3),output(102)"},
		{{"actions=pop_vlan,output:2"}, "in_port=1", "output(102)"},
		{{"actions=pop_vlan,output:2"}, "in_port=1,dl_vlan=5", "pop_vlan,output(102)"},
		{{"actions=pop_vlan,pop_vlan,output:2"}, "in_port=1,dl_vlan=5,vlan_tci1=0x1006",
			"pop_vlan,pop_vlan,output(102)"},
		{{"table=0,actions=pop_vlan,goto_table:1", "table=1,dl_vlan=6,actions=output:2"},
			"in_port=1,dl_vlan=5,vlan_tci1=0x1006", "pop_vlan,output(102)"},
		/* 1.0: written into the tag, or a new one. */
		{{"actions=mod_vlan_vid:9,output:2"}, "in_port=1,dl_vlan=5",
			"set(vlan_vid=0x9/0xfff),output(102)"},
		{{"actions=mod_vlan_vid:9,mod_vlan_pcp:2,output:2"}, "in_port=1",
			"push_vlan(vid=9,pcp=2),output(102)"},
		/* A tag that is not there is not written to. */
		{{"actions=set_field:4105->vlan_vid,output:2"}, "in_port=1", "output(102)"},
		{{"actions=load:0->NXM_OF_VLAN_TCI[],output:2"}, "in_port=1,dl_vlan=5",
			"pop_vlan,output(102)"},
		{{"actions=load:0->NXM_OF_VLAN_TCI[],output:2"}, "in_port=1", "output(102)"},
		{{"actions=load:0x3009->NXM_OF_VLAN_TCI[],output:2"}, "in_port=1",
			"push_vlan(vid=9,pcp=1),output(102)"},
	};

	RUN(cases);
}

static void ttls(void)
{
	static const struct action_case cases[] = {
		{{"ip,actions=dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=64", "dec_ttl,output(102)"},
		{{"ip,cookie=1,priority=1,actions=dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=1",
			"controller(reason=2,max_len=128,id=0,table=0,cookie=0x1)"},
		{{"ip,cookie=1,priority=1,actions=output:3,dec_ttl,output:2"},
			"in_port=1,ip,nw_ttl=0",
			"output(103),controller(reason=2,max_len=128,id=0,table=0,cookie=0x1)"},
		{{"ip,cookie=1,priority=1,actions=dec_ttl,dec_ttl,output:2"},
			"in_port=1,ip,nw_ttl=2",
			"dec_ttl,controller(reason=2,max_len=128,id=0,table=0,cookie=0x1)"},
		{{"ip,actions=dec_ttl,goto_table:1", "table=1,ip,nw_ttl=63,actions=output:2",
			 "table=1,ip,nw_ttl=64,actions=output:3"},
			"in_port=1,ip,nw_ttl=64", "dec_ttl,output(102)"},
		{{"ip,actions=mod_nw_ttl:9,dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=1",
			"set(nw_ttl=9),set(nw_ttl=8),output(102)"},
		{{"ipv6,actions=dec_ttl,output:2"}, "in_port=1,ipv6,nw_ttl=2",
			"dec_ttl,output(102)"},
	};

	RUN(cases);
}

static void mpls(void)
{
	static const struct action_case cases[] = {
		{{"ip,actions=push_mpls:0x8847,output:2"}, "in_port=1,ip,nw_ttl=7",
			"push_mpls(eth_type=0x8847,label=0,tc=0,bos=1,ttl=7),output(102)"},
		{{"ip,actions=push_mpls:0x8847,output:2"}, "in_port=1,ip,nw_tos=28,nw_ttl=7",
			"push_mpls(eth_type=0x8847,label=0,tc=0,bos=1,ttl=7),output(102)"},
		{{"ipv6,actions=push_mpls:0x8847,output:2"}, "in_port=1,ipv6,nw_ttl=7",
			"push_mpls(eth_type=0x8847,label=0,tc=0,bos=1,ttl=7),output(102)"},
		{{"arp,actions=push_mpls:0x8847,output:2"}, "in_port=1,arp",
			"push_mpls(eth_type=0x8847,label=0,tc=0,bos=1,ttl=0),output(102)"},
		{{"mpls,actions=copy_ttl_in,copy_ttl_out,output:2"}, "in_port=1,mpls,mpls_bos=1",
			"copy_ttl_in,recirc(#)"},
		{{"mpls,actions=copy_ttl_out,output:2"}, "in_port=1,mpls,mpls_bos=1",
			"copy_ttl_out,recirc(#)"},
		{{"mpls,actions=pop_mpls:0x800,output:2"}, "in_port=1,mpls,mpls_label=5,mpls_bos=1",
			"pop_mpls(eth_type=0x0800),output(102)"},
		/* The second label counts then. */
		{{"mpls,actions=pop_mpls:0x8847,goto_table:1",
			 "table=1,mpls,mpls_label=6,actions=output:2"},
			"in_port=1,mpls,mpls_label=5,mpls_lse1=0x6100",
			"pop_mpls(eth_type=0x8847),output(102)"},
		/* What lies below the last label is seen when the packet comes back. */
		{{"mpls,actions=pop_mpls:0x800,goto_table:1",
			 "table=1,ip,nw_dst=0.0.0.0,actions=output:2"},
			"in_port=1,mpls,mpls_bos=1", "pop_mpls(eth_type=0x0800),recirc(#)"},
		{{"mpls,actions=set_field:7->mpls_label,dec_mpls_ttl,output:2"},
			"in_port=1,mpls,mpls_label=5,mpls_ttl=9",
			"set(mpls_label=7),set(mpls_ttl=8),output(102)"},
	};

	RUN(cases);
}

static void backbone(void)
{
	static const struct action_case cases[] = {
		{{"ip,actions=push_pbb:0x88e7,output:2"}, "in_port=1,ip",
			"push_pbb(isid=0x0,pcp=0),output(102)"},
		/* Priority and service are those of what is outermost; the tag goes inside. */
		{{"ip,actions=push_pbb:0x88e7,pop_vlan,output:2"},
			"in_port=1,ip,dl_vlan=7,dl_vlan_pcp=3",
			"push_pbb(isid=0x0,pcp=3),output(102)"},
		{{"dl_type=0x88e7,actions=push_pbb:0x88e7,output:2"},
			"in_port=1,dl_type=0x88e7,pbb_isid=0x64",
			"push_pbb(isid=0x64,pcp=0),output(102)"},
		{{"ip,actions=push_pbb:0x88e7,set_field:0x65->pbb_isid,goto_table:1",
			 "table=1,dl_type=0x88e7,pbb_isid=0x65,actions=push_vlan:0x88a8,output:2"},
			"in_port=1,ip",
			"push_pbb(isid=0x0,pcp=0),set(pbb_isid=0x65),"
			"push_vlan(tpid=0x88a8,vid=0,pcp=0),output(102)"},
		/* What was inside is seen when the packet comes back. */
		{{"dl_type=0x88e7,actions=output:1,pop_pbb,goto_table:1",
			 "table=1,ip,actions=output:2"},
			"in_port=3,dl_type=0x88e7", "output(101),pop_pbb,recirc(#)"},
	};

	RUN(cases);
}

/* The packet is another one then, and looked at again. */
static void other_kinds(void)
{
	static const struct action_case cases[] = {
		{{"ip,actions=set_field:0x8848->eth_type,output:2"}, "in_port=1,ip",
			"set(eth_type=0x8848),recirc(#)"},
		{{"tcp,actions=set_field:17->ip_proto,goto_table:1",
			 "table=1,udp,actions=output:2"},
			"in_port=1,tcp", "set(ip_proto=17),recirc(#)"},
	};

	RUN(cases);
}

/* A PUSH_VLAN that was taken back must not be taken for the last step. */
static void forgotten_push(void)
{
	rig_ports(4);
	rig_patch(rig.br, 8, "to", "fro");
	rig_patch(rig.br2, 8, "fro", "to");
	rig_flow_on(rig.br2, "actions=push_vlan:0x8100,output:77");
	rig_flow("actions=output:8,output:1,output:2,set_field:4101->vlan_vid,output:3");
	EXPECT_TEXT(rig_program("in_port=4,dl_vlan=9"),
		"output(101),output(102),set(vlan_vid=0x5/0xfff),output(103)");
}

static void moves(void)
{
	static const struct action_case cases[] = {
		{{"ip,actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],output:2"},
			"in_port=1,ip,nw_src=10.0.0.7", "set(ipv4_dst=10.0.0.7),output(102)"},
		{{"ip,actions=move:NXM_OF_IP_SRC[0..7]->NXM_NX_REG1[8..15],goto_table:1",
			 "table=1,reg1=0x700,actions=output:2"},
			"in_port=1,ip,nw_src=10.0.0.7", "output(102)"},
	};

	RUN(cases);
}

static void misses(void)
{
	struct of_port_mod pm = {.config = OF_PORT_CONFIG_NO_PACKET_IN,
		.mask = OF_PORT_CONFIG_NO_PACKET_IN,
		.number = 2,
		.mac = {0, 0, 0, 0, 0, 2}};

	rig_ports(3);
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	pl_bridge_set_table_miss(rig.br, true);
	EXPECT_TEXT(rig_program("in_port=1"),
		"controller(reason=0,max_len=128,id=0,table=0,cookie=0xffffffffffffffff)");
	pl_port_mod(rig.br, &pm);
	EXPECT_TEXT(rig_program("in_port=2"), "drop");
	pl_bridge_set_standalone(rig.br, true);
	EXPECT_TEXT(rig_program("in_port=1,dl_dst=01:80:c2:00:00:00"), "drop");
	CU_ASSERT(outputs_of(rig_program("in_port=1,dl_dst=02:00:00:00:00:01"), 103));
}

/* Ports send no mark along: it is written for who looks at the packet again. */
static void marks(void)
{
	static const struct action_case cases[] = {
		{{"table=0,actions=set_field:7->pkt_mark,output:2,goto_table:1",
			 "table=1,pkt_mark=7,actions=set_field:8->pkt_mark,output:3"},
			"in_port=1", "output(102),output(103)"},
		{{"cookie=7,actions=set_field:7->pkt_mark,CONTROLLER:64,set_field:8->pkt_mark,"
		  "output:2"},
			"in_port=1",
			"set(pkt_mark=0x7),controller(reason=1,max_len=64,id=0,table=0,cookie=0x7),"
			"output(102)"},
	};

	RUN(cases);
}

/* A device that matches types by the byte is not asked for half of what it has no name for. */
static void icmp_widths(void)
{
	rig_ports(4);
	rig_flow("priority=9,icmp6,icmp_type=136,icmp_code=0,actions=output:2");
	rig_flow("priority=8,icmp6,icmp_type=130,actions=output:3");
	EXPECT_TEXT(rig_match("in_port=1,icmp6,icmp_type=136,icmp_code=0"),
		"icmp6,dp_port=101,icmp_type=136,icmp_code=0");
}

CU_TestInfo action_tests[] = {
	{"outputs", outputs},
	{"ALL and FLOOD", flooding},
	{"tables, metadata, resubmit", tables},
	{"action sets", action_sets},
	{"actset_output", actset_output},
	{"VLAN tags", vlans},
	{"TTL", ttls},
	{"MPLS", mpls},
	{"backbone", backbone},
	{"other kinds", other_kinds},
	{"a push that came to nothing", forgotten_push},
	{"move", moves},
	{"marks", marks},
	{"widths of ICMP", icmp_widths},
	{"misses", misses},
	CU_TEST_INFO_NULL,
};
