/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups and meters: what they become, what changes them, and who is told of the packets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/group_text.h"
#include "tests/unit/pipeline/test.h"

static enum of_error group_mod(enum of_group_command command, const char *text)
{
	struct of_group_mod gm;
	enum of_error error;
	char err[256];

	if (of_group_mod_parse(text, command, NULL, &gm, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	error = pl_group_mod(rig.br, &gm);
	of_group_free(&gm.group);
	return error;
}

static void add(const char *text)
{
	EXPECT(group_mod(OF_GROUP_ADD, text) == OFERR_OK, text);
}

static enum of_error meter_mod(enum of_meter_command command, const char *text)
{
	struct of_meter_mod mm;
	char err[256];

	if (of_meter_mod_parse(text, command, &mm, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	return pl_meter_mod(rig.br, &mm);
}

static void link_of(uint32_t port, bool up)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	pl_port_set_status(rig.br, port, true, up, mac, 1000);
}

/* ---- statistics ---- */

static struct of_group_stats last;
static uint64_t bucket_packets[8];

static void keep(void *ctx, const struct of_group_stats *gs)
{
	(void)ctx;
	last = *gs;
	for (unsigned i = 0; i < gs->group->n_buckets && i < 8; i++)
		bucket_packets[i] = gs->bucket_packets[i];
}

static bool stats_of(uint32_t id)
{
	rig_settle();
	credit_all(rig.pl);
	return !pl_group_list(rig.br, id, keep, NULL);
}

/* ---- all, indirect ---- */

/* Every bucket gets the packet as it was, and it is the same after the group. */
static void all_buckets(void)
{
	rig_ports(5);
	add("group_id=1,type=all,bucket=output:2,bucket=set_field:02:00:00:00:00:09->eth_dst,"
	    "output:3,bucket=strip_vlan,output:4");
	rig_flow("actions=group:1,output:5");
	EXPECT_TEXT(rig_program("in_port=1,ip,dl_vlan=4"),
		"output(102),clone(set(eth_dst=02:00:00:00:00:09),output(103)),"
		"clone(pop_vlan,output(104)),output(105)");
	/* The port that it came in by is left out. */
	EXPECT_TEXT(rig_program("in_port=2,ip"),
		"clone(set(eth_dst=02:00:00:00:00:09),output(103)),output(104),output(105)");
	rig_flow("actions=group:1");
	EXPECT_TEXT(rig_program("in_port=1,ip"),
		"output(102),clone(set(eth_dst=02:00:00:00:00:09),output(103)),output(104)");
}

/* A bucket is an action set: in an order of its own, with one way out. */
static void bucket_order(void)
{
	rig_ports(4);
	add("group_id=1,type=indirect,bucket=output:2,set_field:02:00:00:00:00:09->eth_dst,"
	    "push_vlan:0x8100,output:3");
	rig_flow("actions=group:1");
	EXPECT_TEXT(rig_program("in_port=1,ip"),
		"push_vlan(vid=0,pcp=0),set(eth_dst=02:00:00:00:00:09),output(103)");
	add("group_id=2,type=indirect,bucket=set_field:02:00:00:00:00:09->eth_dst");
	rig_flow("actions=group:2,output:4");
	EXPECT_TEXT(rig_program("in_port=1,ip"), "output(104)");
	/* In a flow's action set a group takes precedence over an output. */
	rig_flow("actions=write_actions(output:4,group:1)");
	EXPECT_TEXT(rig_program("in_port=1,ip"),
		"push_vlan(vid=0,pcp=0),set(eth_dst=02:00:00:00:00:09),output(103)");
	/* What a packet lacks is left alone. */
	add("group_id=3,type=indirect,bucket=set_field:1->tcp_dst,dec_ttl,output:3");
	rig_flow("actions=group:3");
	EXPECT_TEXT(rig_program("in_port=1,arp"), "output(103)");
	EXPECT_TEXT(rig_program("in_port=1,udp,nw_ttl=9"), "dec_ttl,output(103)");
	/* What nobody can do, whatever the packet, is an error. */
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=4,type=indirect,bucket=ct(alg=ftp)"),
		OFERR_BAD_ACTION_ARGUMENT);
}

/* ---- fast failover ---- */

static void failover(void)
{
	struct hal_key key;

	rig_ports(4);
	for (uint32_t p = 2; p <= 4; p++)
		link_of(p, true);
	add("group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3");
	add("group_id=2,type=ff,bucket=watch_group:1,output:4,bucket=watch_port:4,LOCAL");
	rig_flow("in_port=1,actions=group:1");
	rig_flow("in_port=3,actions=group:2");
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	EXPECT_TEXT(rig_program("in_port=3"), "output(104)");
	key = rig_key("in_port=1");
	rig_send(&key, 3);
	rig_settle();
	link_of(2, false);
	rig_check_live("the first port is down");
	EXPECT_TEXT(rig_program("in_port=1"), "output(103)");
	rig_send(&key, 4);
	CU_ASSERT(stats_of(1));
	CU_ASSERT_EQUAL(last.packets, 7);
	CU_ASSERT_EQUAL(bucket_packets[0], 3);
	CU_ASSERT_EQUAL(bucket_packets[1], 4);
	link_of(3, false);
	rig_check_live("both are down");
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
	EXPECT_TEXT(rig_program("in_port=3"), "output(100)");
	link_of(2, true);
	rig_check_live("the first is up again");
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	CU_ASSERT_EQUAL(pl_port_remove(rig.br, 2), 0);
	rig_check_live("the first is gone");
	EXPECT_TEXT(rig_program("in_port=1"), "drop");
}

/* ---- select ---- */

/* The port that a packet leaves by, 0 if it is dropped; *recirc is where it is looked up again. */
static uint32_t port_of(const struct pl_megaflow *m, uint32_t *recirc)
{
	uint32_t port = 0;

	*recirc = 0;
	ACTION_FOR_EACH (a, m->mf.program) {
		if (a->type == ACTION_RECIRC)
			*recirc = ((const struct hal_act_recirc *)a)->id;
		else if (a->type == ACTION_OUTPUT)
			port = ((const struct hal_act_output *)a)->port - 100;
	}
	return port;
}

/* How many of 4096 hashes go to each port. */
static void distribution(unsigned count[8])
{
	struct hal_key key = rig_key("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80");
	struct pl_megaflow *m = rig_translate(&key), *n;
	uint32_t recirc, port;

	memset(count, 0, 8 * sizeof(count[0]));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	port_of(m, &recirc);
	key.recirc_id = rte_cpu_to_be_32(recirc);
	for (uint32_t h = 0; h < 4096; h++) {
		uint32_t none;

		key.dp_hash = rte_cpu_to_be_32(h ? h : 4096);
		n = rig_translate(&key);
		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		port = port_of(n, &none);
		EXPECT(port < 8 && !none, "a port");
		count[port & 7]++;
		megaflow_free(&n->mf);
	}
	megaflow_free(&m->mf);
	rig_settle();
}

static void near(unsigned got, double share)
{
	CU_ASSERT(got > 4096 * (share - 0.02));
	CU_ASSERT(got < 4096 * (share + 0.02));
}

static void by_weight(void)
{
	unsigned before[8], after[8];

	rig_ports(5);
	for (uint32_t p = 2; p <= 5; p++)
		link_of(p, true);
	add("group_id=1,type=select,bucket=weight:1,watch_port:2,output:2,"
	    "bucket=weight:3,watch_port:3,output:3,bucket=weight:6,watch_port:4,output:4,"
	    "bucket=weight:0,watch_port:5,output:5");
	rig_flow("actions=group:1");
	EXPECT(strstr(rig_program("in_port=1,tcp"), "hash("), "a hash is computed");
	distribution(before);
	near(before[2], 0.1);
	near(before[3], 0.3);
	near(before[4], 0.6);
	CU_ASSERT_EQUAL(before[5], 0);
	/* What went to a port that is down is spread by weight; the rest stays. */
	link_of(4, false);
	distribution(after);
	near(after[2], 0.25);
	near(after[3], 0.75);
	CU_ASSERT(after[2] >= before[2] && after[3] >= before[3]);
	link_of(3, false);
	distribution(after);
	CU_ASSERT_EQUAL(after[2], 4096);
	link_of(2, false);
	distribution(after);
	CU_ASSERT_EQUAL(after[0], 4096);
	rig_check_live("all are down");
}

/* With one bucket there is nothing to hash for. */
static void single_bucket(void)
{
	rig_ports(3);
	add("group_id=1,type=select,bucket=output:2,bucket=weight:0,output:3");
	rig_flow("actions=group:1");
	EXPECT_TEXT(rig_program("in_port=1,tcp"), "output(102)");
}

/* The megaflow is of the fields that are hashed, and of nothing else. */
static void by_fields(void)
{
	unsigned count[2] = {0};

	rig_ports(3);
	add("group_id=1,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=output:2,"
	    "bucket=output:3");
	rig_flow("actions=group:1");
	EXPECT_TEXT(rig_match("in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=7,tp_dst=80"),
		"tcp,dp_port=101,nw_src=10.0.0.1,tp_dst=80");
	for (unsigned i = 0; i < 1000; i++) {
		char packet[64];

		snprintf(packet, sizeof(packet), "in_port=1,tcp,nw_src=10.0.%u.%u,tp_dst=80",
			i / 250, i % 250);
		count[!strcmp(rig_program(packet), "output(102)")]++;
	}
	CU_ASSERT(count[0] > 400 && count[1] > 400);
}

/* ---- changes and their errors ---- */

static void errors(void)
{
	struct of_group_mod gm = {.command = OF_GROUP_ADD, .group = {.id = OF_GROUP_MAX + 1}};

	rig_ports(3);
	add("group_id=1,type=all,bucket=output:1");
	CU_ASSERT_EQUAL(pl_group_mod(rig.br, &gm), OFERR_GROUP_INVALID);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=1,type=all,bucket=output:1"), OFERR_GROUP_EXISTS);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_MODIFY, "group_id=2,type=all,bucket=output:1"),
		OFERR_GROUP_UNKNOWN);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=2,type=indirect,bucket=output:1,bucket=output:2"),
		OFERR_GROUP_INVALID);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=2,type=ff,bucket=output:1"), OFERR_GROUP_INVALID);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=2,type=all,bucket=weight:2,output:1"),
		OFERR_GROUP_INVALID);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=2,type=all,bucket=watch_port:2,output:1"),
		OFERR_GROUP_WATCH_UNSUPPORTED);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=2,type=ff,bucket=watch_group:9,output:1"),
		OFERR_GROUP_BAD_WATCH);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=2,type=ff,bucket=watch_port:FLOOD,output:1"),
		OFERR_GROUP_BAD_WATCH);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=2,type=all,bucket=group:9"), OFERR_BAD_OUT_GROUP);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_ADD, "group_id=2,type=all,bucket=group:2"), OFERR_BAD_OUT_GROUP);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_MODIFY, "group_id=1,type=all,bucket=group:1"), OFERR_GROUP_LOOP);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=2,type=all,bucket=bucket_id:1,output:1,"
						"bucket=bucket_id:1,output:2"),
		OFERR_GROUP_BAD_BUCKET);
	CU_ASSERT_EQUAL(rig_flow("actions=group:2"), OFERR_BAD_OUT_GROUP);
	CU_ASSERT_EQUAL(rig_flow("actions=write_actions(group:2)"), OFERR_BAD_OUT_GROUP);
	CU_ASSERT_EQUAL(rig_flow("actions=meter:1,output:1"), OFERR_BAD_METER);
}

static void chains(void)
{
	char text[80];

	rig_ports(3);
	add("group_id=1,type=all,bucket=output:2");
	for (unsigned i = 2; i <= 8; i++) {
		snprintf(text, sizeof(text), "group_id=%u,type=all,bucket=group:%u", i, i - 1);
		add(text);
	}
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_ADD, "group_id=9,type=all,bucket=group:8"),
		OFERR_GROUP_CHAINING_UNSUPPORTED);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_MODIFY, "group_id=1,type=all,bucket=group:8"), OFERR_GROUP_LOOP);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_MODIFY, "group_id=1,type=ff,bucket=watch_group:8,output:1"),
		OFERR_GROUP_LOOP);
	rig_flow("actions=group:8");
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_DELETE, "group_id=1"), OFERR_GROUP_CHAINED);
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_MODIFY, "group_id=1,type=all,bucket=output:3"), OFERR_OK);
	EXPECT_TEXT(rig_program("in_port=1"), "output(103)");
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_DELETE, ""), OFERR_OK);
	CU_ASSERT_EQUAL(rig_flows(""), 0);
}

/* Deleting a group takes its flows; modifying it makes new megaflows and keeps the counts. */
static void changes(void)
{
	struct hal_key key, other;
	uint64_t before;

	rig_ports(4);
	add("group_id=1,type=all,bucket=output:2,bucket=output:3");
	rig_mod(OF_FLOW_ADD, 4, "cookie=1,in_port=1,send_flow_rem,actions=group:1");
	rig_flow("cookie=2,in_port=2,actions=output:1");
	key = rig_key("in_port=1");
	other = rig_key("in_port=2");
	rig_send(&key, 5);
	rig_send(&other, 1);
	CU_ASSERT(stats_of(1));
	CU_ASSERT_EQUAL(last.packets, 5);
	CU_ASSERT_EQUAL(last.bytes, 500);
	CU_ASSERT_EQUAL(last.ref_count, 1);
	CU_ASSERT_EQUAL(bucket_packets[1], 5);
	before = rig.pl->retranslations;
	CU_ASSERT_EQUAL(
		group_mod(OF_GROUP_MODIFY, "group_id=1,type=all,bucket=output:4"), OFERR_OK);
	CU_ASSERT_EQUAL(rig.pl->retranslations, before + 1);
	rig_check_live("the group is another");
	rig_send(&key, 2);
	CU_ASSERT(stats_of(1));
	CU_ASSERT_EQUAL(last.packets, 7);
	CU_ASSERT_EQUAL(bucket_packets[0], 7);
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_DELETE, "group_id=1"), OFERR_OK);
	rig_settle();
	CU_ASSERT_EQUAL(rig_packets(1), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_packets(2), 1);
	CU_ASSERT_EQUAL(rig.removed, 1);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_GROUP);
	CU_ASSERT(!stats_of(1));
	rig_check_live("the group is gone");
	CU_ASSERT_EQUAL(group_mod(OF_GROUP_DELETE, "group_id=1"), OFERR_OK);
}

/* ---- meters ---- */

static void count_meter(void *ctx, const struct of_meter_stats *ms)
{
	*(struct of_meter_stats *)ctx = *ms;
}

static void meters(void)
{
	struct of_meter_stats ms = {0};
	char program[64];

	rig_ports(3);
	CU_ASSERT_EQUAL(meter_mod(OF_METER_ADD, "meter=5,pktps,burst,bands=type=drop,rate=7,"
						"burst_size=3"),
		OFERR_OK);
	CU_ASSERT_EQUAL(paths.meter_cfg.pktps, true);
	CU_ASSERT_EQUAL(paths.meter_cfg.band[0].burst, 3);
	CU_ASSERT_EQUAL(
		meter_mod(OF_METER_ADD, "meter=5,kbps,bands=type=drop,rate=1"), OFERR_METER_EXISTS);
	CU_ASSERT_EQUAL(meter_mod(OF_METER_MODIFY, "meter=6,kbps,bands=type=drop,rate=1"),
		OFERR_METER_UNKNOWN);
	rig_mod(OF_FLOW_ADD, 4, "cookie=1,in_port=1,send_flow_rem,actions=meter:5,output:2");
	rig_flow("cookie=2,in_port=2,actions=output:1");
	snprintf(program, sizeof(program), "meter(%u),output(102)", paths.meter);
	EXPECT_TEXT(rig_program("in_port=1"), program);
	CU_ASSERT_EQUAL(pl_meter_list(rig.br, 5, count_meter, &ms), 0);
	CU_ASSERT_EQUAL(ms.flow_count, 1);
	CU_ASSERT_EQUAL(ms.counters.packets, 1001u * paths.meter); /* of both paths */
	/* Without the flag a burst means nothing. */
	CU_ASSERT_EQUAL(
		meter_mod(OF_METER_MODIFY, "meter=5,kbps,bands=type=drop,rate=9,burst_size=3"),
		OFERR_OK);
	CU_ASSERT_EQUAL(paths.meter_cfg.band[0].burst, 0);
	/* Which packets have another DSCP shows only behind it. */
	CU_ASSERT_EQUAL(meter_mod(OF_METER_MODIFY,
				"meter=5,kbps,bands=type=dscp_remark,rate=9,prec_level=1"),
		OFERR_OK);
	snprintf(program, sizeof(program), "meter(%u),recirc(", paths.meter);
	EXPECT(!strncmp(rig_program("in_port=1"), program, strlen(program)), program);
	CU_ASSERT_EQUAL(meter_mod(OF_METER_DELETE, "meter=5"), OFERR_OK);
	CU_ASSERT_EQUAL(paths.meters_deleted, 1);
	rig_settle();
	CU_ASSERT_EQUAL(rig.removed, 1);
	CU_ASSERT_EQUAL(rig.gone.reason, OF_REMOVED_METER);
	CU_ASSERT_EQUAL(rig_flows(""), 1);
	CU_ASSERT_EQUAL(pl_meter_list(rig.br, 5, count_meter, &ms), -ENOENT);
}

/* All packet-ins are under one meter, but those that name another. */
static void controller_meter(void)
{
	struct of_meter_mod mm = {.command = OF_METER_ADD,
		.id = OF_METER_CONTROLLER,
		.flags = OFPMF_PKTPS,
		.meter = {.n_bands = 1, .band[0] = {.type = HAL_BAND_DSCP_REMARK, .rate = 5}}};
	char program[64], text[128];

	rig_ports(2);
	rig_flow("in_port=1,actions=controller,output:2");
	snprintf(text, sizeof(text), "%s", rig_program("in_port=1"));
	CU_ASSERT_EQUAL(pl_meter_mod(rig.br, &mm), OFERR_METER_BAD_BAND);
	mm.meter.band[0] = (struct hal_band){.type = HAL_BAND_DROP};
	CU_ASSERT_EQUAL(pl_meter_mod(rig.br, &mm), OFERR_METER_BAD_RATE);
	mm.meter.band[0].rate = 5;
	mm.id = OF_METER_SLOWPATH;
	CU_ASSERT_EQUAL(pl_meter_mod(rig.br, &mm), OFERR_METER_INVALID);
	mm.id = OF_METER_CONTROLLER;
	rig_send_text("in_port=1", 1);
	CU_ASSERT_EQUAL(pl_meter_mod(rig.br, &mm), OFERR_OK);
	snprintf(program, sizeof(program), "clone(meter(%u),controller(", paths.meter);
	EXPECT(!strncmp(rig_program("in_port=1"), program, strlen(program)),
		rig_program("in_port=1"));
	EXPECT(strstr(rig_program("in_port=1"), ",output(102)") != NULL, rig_program("in_port=1"));
	rig_settle();
	rig_check_live("after the meter of packet-ins came");
	mm.command = OF_METER_DELETE;
	CU_ASSERT_EQUAL(pl_meter_mod(rig.br, &mm), OFERR_OK);
	EXPECT_TEXT(rig_program("in_port=1"), text);
	rig_settle();
	rig_check_live("after it went");
	CU_ASSERT_EQUAL(rig_flows(""), 1);
}

CU_TestInfo group_tests[] = {
	{"all buckets", all_buckets},
	{"order in a bucket", bucket_order},
	{"fast failover", failover},
	{"select by weight", by_weight},
	{"select among one", single_bucket},
	{"select by fields", by_fields},
	{"errors", errors},
	{"chains", chains},
	{"changes", changes},
	{"meters", meters},
	{"the meter of packet-ins", controller_meter},
	CU_TEST_INFO_NULL,
};
