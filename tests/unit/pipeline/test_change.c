/* SPDX-License-Identifier: Apache-2.0
 *
 * After a change exactly the megaflows that it concerns are others, and all are true.
 */
#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

/* ---- random changes ---- */

static void change_port(void)
{
	uint32_t number = 1 + rnd_below(GEN_PORTS);
	struct pl_port_config cfg;
	struct of_port_desc d;

	gen_port(rig.br, number, &cfg);
	if (!pl_port_desc(rig.br, number, &d))
		pl_port_add(rig.br, &cfg);
	else if (one_in(2))
		pl_port_change(rig.br, &cfg);
	else
		pl_port_remove(rig.br, number);
}

static void change_port_config(void)
{
	static const uint32_t bits[] = {OF_PORT_CONFIG_NO_FLOOD, OF_PORT_CONFIG_NO_FWD,
		OF_PORT_CONFIG_NO_RECV, OF_PORT_CONFIG_NO_PACKET_IN};
	struct of_port_mod pm = {.number = 1 + rnd_below(GEN_PORTS)};
	struct of_port_desc d;

	if (!pl_port_desc(rig.br, pm.number, &d))
		return;
	memcpy(pm.mac, d.mac, 6);
	pm.mask = bits[rnd_below(4)];
	pm.config = one_in(2) ? pm.mask : 0;
	pl_port_mod(rig.br, &pm);
}

static const char *change_something(void)
{
	static const uint8_t mac[6];

	switch (rnd_below(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		gen_flow_add();
		return "a flow was added";
	case 4:
	case 5:
	case 6:
		gen_flow_change(OF_FLOW_DELETE_STRICT, OF_FLOW_CHECK_OVERLAP);
		return "a flow was deleted";
	case 7:
	case 8:
		gen_flow_change(OF_FLOW_MODIFY_STRICT, OF_FLOW_CHECK_OVERLAP);
		return "a flow was modified";
	case 9:
		gen_flow_change(OF_FLOW_ADD, OF_FLOW_CHECK_OVERLAP);
		return "a flow was replaced";
	case 10:
	case 11:
		gen_station();
		return "a station came or moved";
	case 12:
		change_port();
		return "a port came, changed or went";
	case 13:
		change_port_config();
		return "a port was configured";
	case 14:
		if (one_in(4))
			pl_fdb_flush(rig.br);
		else
			pl_port_set_status(
				rig.br, 1 + rnd_below(GEN_PORTS), true, one_in(2), mac, 1000);
		return "stations were forgotten, or a link went up or down";
	default:
		if (one_in(8))
			pl_bridge_set_standalone(rig.br, !atomic_load(&rig.br->standalone));
		else
			pl_bridge_set_table_miss(rig.br, !atomic_load(&rig.br->miss_to_controller));
		return "the bridge was set";
	}
}

/* ---- before and after ---- */

struct before {
	struct pl_megaflow *m; /* with a reference */
	struct hal_key sample;
};

static unsigned snapshot(struct before **out)
{
	struct pl_megaflow *m;
	unsigned n = 0;

	*out = calloc(hmap_count(&rig.pl->megaflows) + 1, sizeof(**out));
	TAILQ_FOREACH (m, &rig.pl->all, link)
		if (m->indexed) {
			hal_megaflow_ref(&m->mf);
			megaflow_sample(m, &(*out)[n].sample);
			(*out)[n++].m = m;
		}
	return n;
}

static bool wants_to_learn(const struct hal_key *key)
{
	struct xlate x;
	bool wants;

	xlate_packet(&x, rig.pl, key);
	wants = x.n_effects;
	xlate_clear(&x);
	return wants;
}

/* How a megaflow of before fares: kept if nothing of it changed, gone if something did. */
static void check_before(const struct before *b, const char *when, unsigned tally[2])
{
	struct pl_megaflow *fresh = rig_translate(&b->sample);
	bool same = fresh && hal_program_equal(fresh->mf.program, b->m->mf.program) &&
		    megaflow_same_credits(fresh, b->m);
	bool kept = b->m->indexed;

	if (same && hal_cmatch_equal(fresh->mf.match, b->m->mf.match) &&
		!wants_to_learn(&b->sample)) {
		EXPECT(kept, when);
		tally[0]++;
	} else if (!same) {
		EXPECT(!kept, when);
		tally[1]++;
	}
	if (fresh)
		megaflow_free(&fresh->mf);
}

/* Packets of live megaflows, other than those that made them, are still treated as a fresh
 * translation would. */
static void check_likes(const char *when)
{
	struct pl_megaflow *m;

	TAILQ_FOREACH (m, &rig.pl->all, link) {
		struct hal_match match;
		struct hal_key key, like;
		struct pl_megaflow *fresh;

		if (!m->indexed || !one_in(3))
			continue;
		megaflow_sample(m, &key);
		hal_cmatch_expand(m->mf.match, &match);
		if (!gen_key_like(&key, &match.mask.dp, &like))
			continue;
		fresh = rig_translate(&like);
		EXPECT(fresh && hal_program_equal(fresh->mf.program, m->mf.program) &&
				megaflow_same_credits(fresh, m),
			when);
		if (fresh)
			megaflow_free(&fresh->mf);
	}
}

static void send_many(unsigned n)
{
	struct hal_key key;

	while (n--) {
		gen_key(&key);
		rig_send(&key, 1);
		if (one_in(4))
			rig_settle();
	}
	rig_settle();
}

static void one_change(unsigned tally[2])
{
	struct before *before;
	unsigned n = snapshot(&before);
	const char *when = change_something();

	revalidate(rig.pl, UINT_MAX); /* as a barrier waits for it */
	for (unsigned i = 0; i < n; i++)
		check_before(&before[i], when, tally);
	rig_check_live(when);
	check_likes(when);
	for (unsigned i = 0; i < n; i++)
		hal_megaflow_unref(&before[i].m->mf);
	free(before);
	rig_settle();
}

static void random_changes(void)
{
	unsigned tally[2] = {0, 0};

	for (unsigned p = 0; p < 25; p++) {
		rig_close();
		rig_open();
		gen_ports();
		for (unsigned i = 0; i < 25; i++)
			gen_flow_add();
		for (unsigned round = 0; round < 40; round++) {
			send_many(12);
			one_change(tally);
		}
	}
	printf("%u kept, %u changed ... ", tally[0], tally[1]);
	CU_ASSERT(tally[0] > 4 * tally[1]);
	CU_ASSERT(tally[1] > 200);
}

/* ---- known ones ---- */

static struct pl_megaflow *live(const char *packet)
{
	struct hal_key key = rig_key(packet);

	return rig_live(&key);
}

static void precise(void)
{
	struct pl_megaflow *web, *dns;
	unsigned retranslations;

	rig_ports(4);
	rig_flow("cookie=1,priority=10,tcp,tp_dst=80,actions=output:2");
	rig_flow("cookie=2,priority=10,udp,actions=output:3");
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_send_text("in_port=1,udp,tp_dst=53", 1);
	rig_settle();
	web = live("in_port=1,tcp,tp_dst=80");
	dns = live("in_port=1,udp,tp_dst=53");
	CU_ASSERT_FATAL(web && dns);
	retranslations = (unsigned)rig.pl->retranslations;
	/* Of lower priority, or of other packets. */
	rig_flow("priority=5,tcp,actions=output:4");
	rig_flow("priority=20,arp,actions=output:4");
	rig_flow("priority=20,tcp,tp_dst=81,actions=output:4");
	rig_mod(OF_FLOW_DELETE_STRICT, 4, "priority=20,arp");
	CU_ASSERT_EQUAL(rig.pl->retranslations, retranslations);
	/* A higher one takes its packets away. */
	rig_flow("priority=20,tcp,nw_src=10.0.0.1,actions=output:4");
	CU_ASSERT_PTR_EQUAL(live("in_port=1,udp,tp_dst=53"), dns);
	CU_ASSERT_EQUAL(rig.pl->retranslations, retranslations + 1);
	CU_ASSERT(!live("in_port=1,tcp,tp_dst=80,nw_src=10.0.0.1"));
	CU_ASSERT_EQUAL(rig_check_live("narrowed"), 2);
	/* Same match, new actions: one takes the other's place in all paths at once. */
	paths.replaces = paths.succeeded = 0;
	rig_mod(OF_FLOW_MODIFY_STRICT, 4, "priority=10,udp,actions=output:4");
	CU_ASSERT_EQUAL(paths.replaces, 1);
	CU_ASSERT_EQUAL(paths.succeeded, 1);
	CU_ASSERT(live("in_port=1,udp,tp_dst=53") != dns);
	CU_ASSERT_EQUAL(rig_check_live("replaced"), 2);
	/* A link that goes down, or another speed, changes no flow. */
	retranslations = (unsigned)rig.pl->retranslations;
	pl_port_set_status(rig.br, 2, true, false, (const uint8_t[6]){0, 0, 0, 0, 0, 2}, 100);
	CU_ASSERT_EQUAL(rig.pl->retranslations, retranslations);
	CU_ASSERT_EQUAL(rig.port_reason, OF_PORT_MODIFY);
	CU_ASSERT_EQUAL(rig.port_desc.state, OF_PORT_STATE_LINK_DOWN);
}

static void missing_port(void)
{
	rig_ports(2);
	rig_flow("actions=output:2,output:7");
	rig_send_text("in_port=1", 1);
	rig_settle();
	EXPECT_TEXT(rig_program("in_port=1"), "output(102)");
	rig_port(rig.br, 7, PL_VLAN_TRUNK, 0, NULL);
	EXPECT_TEXT(rig_program("in_port=1"), "output(102),output(107)");
	CU_ASSERT_EQUAL(rig_check_live("the port came"), 1);
	CU_ASSERT_EQUAL(pl_port_remove(rig.br, 1), 0);
	CU_ASSERT_EQUAL(rig_check_live("the input port went"), 0);
	CU_ASSERT_EQUAL(pl_port_remove(rig.br, 1), -ENOENT);
}

static void ports_api(void)
{
	struct pl_port_config cfg = {
		.name = "br1-p1", .number = 1, .dp_port = 101, .mac = {0, 0, 0, 0, 0, 1}};
	struct of_port_mod pm = {.number = 2,
		.mac = {0, 0, 0, 0, 0, 2},
		.config = OF_PORT_CONFIG_DOWN,
		.mask = OF_PORT_CONFIG_DOWN};
	struct of_port_stats st;
	unsigned events;

	rig_ports(2);
	events = rig.port_events;
	CU_ASSERT_EQUAL(pl_port_add(rig.br, &cfg), -EEXIST);
	cfg.number = 9;
	CU_ASSERT_EQUAL(pl_port_add(rig.br, &cfg), -EEXIST); /* the name is taken */
	CU_ASSERT_EQUAL(pl_port_change(rig.br, &cfg), -ENOENT);
	cfg.number = 1;
	CU_ASSERT_EQUAL(pl_port_change(rig.br, &cfg), 0);
	CU_ASSERT_EQUAL(rig.port_events, events); /* nothing is new */
	CU_ASSERT_EQUAL(pl_port_free_number(rig.br, 2), 3);
	CU_ASSERT_EQUAL(pl_port_free_number(rig.br, 5), 5);
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_OK);
	CU_ASSERT(paths.admin_port == 102 && !paths.admin_up);
	CU_ASSERT_EQUAL(rig.port_desc.config, OF_PORT_CONFIG_DOWN);
	CU_ASSERT_EQUAL(rig.port_events, events + 1);
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_OK);
	CU_ASSERT_EQUAL(rig.port_events, events + 1);
	/* From one kind of port to another: the counters are those of the kind. */
	CU_ASSERT(pl_port_stats(rig.br, 1, &st) && st.rx_packets == 101);
	cfg.on_device = true;
	cfg.device = 1;
	CU_ASSERT_EQUAL(pl_port_change(rig.br, &cfg), 0);
	CU_ASSERT(pl_port_stats(rig.br, 1, &st) && st.rx_packets == 2000101);
	cfg.on_device = false;
	cfg.dp_port = HAL_PORT_NONE;
	strcpy(cfg.patch_peer, "nobody");
	CU_ASSERT_EQUAL(pl_port_change(rig.br, &cfg), 0);
	CU_ASSERT(pl_port_stats(rig.br, 1, &st) && st.rx_packets == 0);
	cfg.dp_port = 101;
	cfg.patch_peer[0] = '\0';
	CU_ASSERT_EQUAL(pl_port_change(rig.br, &cfg), 0);
	CU_ASSERT(pl_port_stats(rig.br, 1, &st) && st.rx_packets == 101);
	CU_ASSERT(!pl_port_stats(rig.br, 77, &st));
}

CU_TestInfo change_tests[] = {
	{"only what a change concerns", precise},
	{"ports that come and go", missing_port},
	{"ports as they are asked for", ports_api},
	{"random changes", random_changes},
	CU_TEST_INFO_NULL,
};
