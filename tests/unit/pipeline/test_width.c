/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a megaflow no wider than the decision? Every packet that its match covers must be translated
 * to the same program and credit the same flows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/pipeline/test.h"

#define PROGRAMS 220
#define PACKETS 40
#define LIKE 8

struct tally {
	unsigned packets, errors, empty, like, wide, chains, steps[ACTION_MAX];
};

static void mask_of(const struct hal_cmatch *cm, struct hal_key *mask)
{
	struct hal_match m;

	hal_cmatch_expand(cm, &m);
	*mask = m.mask.dp;
}

static void show(const char *name, const struct hal_key *key, const struct pl_megaflow *m)
{
	static const struct hal_key ones;
	struct hal_key all = ones;
	char text[4096];

	memset(&all, 0xff, sizeof(all));
	hal_match_format(key, &all, true, text, sizeof(text));
	printf("\n%s packet %s", name, text);
	if (!m) {
		printf("\n  not translated");
		return;
	}
	hal_cmatch_format(m->mf.match, text, sizeof(text));
	printf("\n  match %s", text);
	hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	printf("\n  program %s, %u credits", text, m->n_credits);
}

static bool compare(const struct hal_key *key, const struct pl_megaflow *m,
	const struct hal_key *like, unsigned program)
{
	struct pl_megaflow *n = rig_translate(like);
	bool ok =
		n && hal_program_equal(m->mf.program, n->mf.program) && megaflow_same_credits(m, n);

	if (!ok) {
		printf("\nprogram %u: one megaflow, two decisions", program);
		show("first", key, m);
		show("second", like, n);
		EXPECT(ok, "same program, same credits");
	}
	if (n)
		megaflow_free(&n->mf);
	return ok;
}

static bool tried(unsigned program, const struct hal_key *key, struct tally *t, unsigned depth);

/* Whatever comes back by one of the ids. */
static bool chains(unsigned program, const struct pl_megaflow *m, const struct hal_key *key,
	struct tally *t, unsigned depth)
{
	static const uint32_t states[] = {0, 0x20, 0x21, 0x22, 0x2a, 0x30, 0x3f};
	bool ok = true;

	for (unsigned i = 0; i < m->n_recircs && ok; i++) {
		struct hal_key again;

		if (m->recircs[i]->id == m->mf.chain)
			continue;
		gen_key(&again);
		again.in_port = key->in_port;
		again.recirc_id = rte_cpu_to_be_32(m->recircs[i]->id);
		again.ct_state = rte_cpu_to_be_32(states[rnd_below(7)]);
		t->chains++;
		ok = tried(program, &again, t, depth + 1);
	}
	return ok;
}

static bool tried(unsigned program, const struct hal_key *key, struct tally *t, unsigned depth)
{
	struct hal_key mask, like;
	struct pl_megaflow *m = rig_translate(key);
	bool ok = true;

	t->packets++;
	if (!m) {
		t->errors++;
		return true;
	}
	EXPECT(hal_cmatch_covers(m->mf.match, key), "a megaflow covers its packet");
	t->empty += !m->mf.program->len;
	t->wide += m->mf.match->n < 6;
	ACTION_FOR_EACH (a, m->mf.program)
		t->steps[a->type]++;
	mask_of(m->mf.match, &mask);
	EXPECT(!(mask.ip_frag & ~(HAL_FRAG_ANY | HAL_FRAG_LATER)), "bits that are something");
	mask.recirc_id = 0xffffffff;
	for (unsigned i = 0; i < LIKE && ok; i++)
		if (gen_key_like(key, &mask, &like)) {
			t->like++;
			ok = compare(key, m, &like, program);
		}
	/* The oracle of the running pipeline comes to the same. */
	EXPECT(!oracle_check(rig.pl, m, key, 4), "no packet is treated otherwise");
	if (ok && depth < 3)
		ok = chains(program, m, key, t, depth);
	megaflow_free(&m->mf);
	return ok;
}

static bool one_packet(unsigned program, struct tally *t)
{
	struct hal_key key;

	gen_key(&key);
	return tried(program, &key, t, 0);
}

/* The steps that the pipeline makes so far. */
static bool made(unsigned action)
{
	return action <= ACTION_POP_MPLS || action == ACTION_SET || action == ACTION_DEC_TTL ||
	       action == ACTION_CLONE || action == ACTION_CT || action == ACTION_CT_CLEAR ||
	       action == ACTION_RECIRC || action == ACTION_TRUNC || action == ACTION_CHECK_PKT_LEN;
}

/* Many flows of one mask: then the whole mask is needed, not what tells flows apart. */
static void gen_crowd(void)
{
	for (unsigned i = 0; i < 100; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			"priority=%u,tcp,nw_dst=10.0.%u.%u,tp_dst=%u,actions=output:%u", 20 + i % 3,
			i % 2, i % 5, i, 1 + i % 5);
		rig_flow(text);
	}
}

static void random_widths(void)
{
	uint64_t begin = rnd();
	struct tally t = {0};
	bool ok = true;

	for (unsigned p = 0; p < PROGRAMS && ok; p++) {
		unsigned flows = 4 + rnd_below(40);

		rig_close();
		rig_open();
		paths.masks_full = p % 3 == 2;
		rnd_seed(begin + p * 7919ull);
		gen_ports();
		if (one_in(10))
			gen_crowd();
		while (flows--)
			gen_flow_add();
		for (unsigned i = 0; i < PACKETS && ok; i++)
			ok = one_packet(p, &t);
		rig_settle();
		EXPECT(!recirc_count(rig.pl->recircs), "ids are let go");
	}
	paths.masks_full = false;
	printf("%u packets, %u of chains, %u like them, %u drop, %u errors ... ", t.packets,
		t.chains, t.like, t.empty, t.errors);
	CU_ASSERT(ok);
	/* Worth something only if packets are forwarded and megaflows leave something open. */
	CU_ASSERT(t.empty + t.errors < t.packets * 2 / 3);
	CU_ASSERT(t.errors < t.packets / 5);
	CU_ASSERT(t.like > t.packets * LIKE / 2);
	CU_ASSERT(t.wide > t.packets / 4);
	for (unsigned a = 0; a < ACTION_MAX; a++)
		if (made(a))
			EXPECT(t.steps[a] > (a == ACTION_CT_CLEAR ? 2u : 20u),
				hal_action_name((enum hal_action_type)a));
}

/* Where masks are kept few, a megaflow looks at all that the packet has, and at nothing else. */
static void few_masks(void)
{
	rig_ports(4);
	rig_flow("actions=output:2");
	EXPECT_TEXT(rig_match("in_port=1,arp,arp_op=1,arp_spa=10.0.0.1"), "dp_port=101");
	paths.masks_full = true;
	CU_ASSERT_PTR_NOT_NULL(
		strstr(rig_match("in_port=1,arp,arp_op=1,arp_spa=10.0.0.1"), "arp_spa=10.0.0.1"));
	CU_ASSERT_PTR_NULL(strstr(rig_match("in_port=1,arp,arp_op=1"), "tp_"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(rig_match("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80"), "tp_dst=80"));
	CU_ASSERT_PTR_NULL(strstr(rig_match("in_port=1,tcp,tp_dst=80"), "ipv6"));
	CU_ASSERT_PTR_NULL(strstr(rig_match("in_port=1,dl_type=0x1234"), "nw_"));
	CU_ASSERT(atomic_load(&rig.pl->bounded) > 0);
	paths.masks_full = false;
}

/* Known decisions need these bits, and no others. */
static void exact_widths(void)
{
	static const struct {
		const char *flows[4];
		const char *packet, *match;
	} cases[] = {
		{{"actions=output:2"}, "in_port=1,tcp,tp_dst=80", "dp_port=101"},
		{{"ip,actions=output:2"}, "in_port=1,tcp,tp_dst=80", "ip,dp_port=101"},
		/* What a flow of higher priority is told apart by. */
		{{"priority=9,tcp,tp_dst=80,actions=output:2", "priority=1,actions=output:3"},
			"in_port=1,udp,tp_dst=80", "udp,dp_port=101"},
		{{"priority=9,tcp,tp_dst=80,actions=output:2", "priority=1,actions=output:3"},
			"in_port=1,tcp,tp_dst=0x8050", "tcp,dp_port=101,tp_dst=0x8000/0x8000"},
		{{"priority=9,ip,nw_dst=10.0.0.0/8,actions=output:2",
			 "priority=1,actions=output:3"},
			"in_port=1,ip,nw_dst=11.1.1.1", "ip,dp_port=101,nw_dst=11.0.0.0/8"},
		{{"priority=9,ip,nw_dst=10.0.0.0/8,actions=output:2",
			 "priority=1,actions=output:3"},
			"in_port=1,ip,nw_dst=192.168.1.1", "ip,dp_port=101,nw_dst=128.0.0.0/1"},
		/* Not what lower ones match. */
		{{"priority=9,ip,actions=output:2", "priority=1,tcp,tp_dst=80,actions=output:3"},
			"in_port=1,tcp,tp_dst=80", "ip,dp_port=101"},
		{{"in_port=2,priority=9,tcp,tp_dst=80,actions=output:2", "actions=output:3"},
			"in_port=1,tcp,tp_dst=80", "dp_port=101"},
		/* The highest bit proves a TTL. */
		{{"ip,actions=dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=65",
			"ip,dp_port=101,nw_ttl=0x40/0x40"},
		{{"ip,actions=dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=3",
			"ip,dp_port=101,nw_ttl=0x2/0x2"},
		{{"ip,actions=dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=1",
			"ip,dp_port=101,nw_ttl=0/0xfe"},
		{{"ip,actions=dec_ttl,dec_ttl,output:2"}, "in_port=1,ip,nw_ttl=9",
			"ip,dp_port=101,nw_ttl=9"},
		/* A tag is there or not; the rest of it is written over. */
		{{"actions=mod_vlan_vid:5,output:2"}, "in_port=1,dl_vlan=9",
			"dp_port=101,vlan_tci=0x1000/0x1000"},
		{{"actions=pop_vlan,output:2"}, "in_port=1", "dp_port=101,vlan_tci=0x0000/0x1000"},
		{{"actions=push_vlan:0x8100,set_field:4101->vlan_vid,set_field:3->vlan_pcp,goto_"
		  "table:1",
			 "table=1,dl_vlan=5,actions=output:2"},
			"in_port=1,dl_vlan=9", "dp_port=101,vlan_tci=0x1000/0x1000"},
		/* What a pushed tag takes from the one below, and is not written over. */
		{{"actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2"},
			"in_port=1,dl_vlan=9,dl_vlan_pcp=3", "dp_port=101,dl_vlan_pcp=3"},
		{{"actions=push_vlan:0x8100,output:2"}, "in_port=1,dl_vlan=9,dl_vlan_pcp=3",
			"dp_port=101,dl_vlan=9,dl_vlan_pcp=3"},
		/* What was written is known; what was moved is where it came from. */
		{{"tcp,actions=mod_tp_dst:80,goto_table:1",
			 "table=1,tcp,tp_dst=80,actions=output:2"},
			"in_port=1,tcp,tp_dst=7", "tcp,dp_port=101,nw_frag=not_later"},
		{{"actions=pop_vlan,goto_table:1", "table=1,dl_vlan=6,actions=output:2"},
			"in_port=1,dl_vlan=5,vlan_tci1=0x1006",
			"dp_port=101,vlan_tci=0x1000/0x1000,vlan_tci1=0x1006/0x1fff"},
		{{"dl_type=0x8847,actions=pop_mpls:0x8847,goto_table:1",
			 "table=1,dl_type=0x8847,mpls_label=6,actions=output:2"},
			"in_port=1,mpls,mpls_label=5,mpls_lse1=0x6100",
			"mpls,dp_port=101,mpls_bos=0,mpls_lse1=0x6000/0xfffff000"},
	};

	rig_ports(4);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned f = 0; f < 4 && cases[i].flows[f]; f++)
			EXPECT(!rig_flow(cases[i].flows[f]), cases[i].flows[f]);
		EXPECT_TEXT(rig_match(cases[i].packet), cases[i].match);
		pl_flow_flush(rig.br);
	}
}

/* Of many flows with one mask each costs time; beyond a number the mask as a whole is needed. */
static void crowded(void)
{
	char text[128];

	rig_ports(4);
	rig_flow("priority=1,actions=output:2");
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "priority=5,tcp,tp_dst=%u,actions=output:3", i);
		rig_flow(text);
	}
	EXPECT_TEXT(rig_match("in_port=1,udp,tp_dst=5"), "udp,dp_port=101");
	rig_flow("priority=5,tcp,tp_dst=64,actions=output:3");
	EXPECT_TEXT(rig_match("in_port=1,udp,tp_dst=5"), "udp,dp_port=101,tp_dst=5");
}

CU_TestInfo width_tests[] = {
	{"known decisions", exact_widths},
	{"few masks", few_masks},
	{"a crowd of flows", crowded},
	{"a megaflow's packets are all treated alike", random_widths},
	CU_TEST_INFO_NULL,
};
