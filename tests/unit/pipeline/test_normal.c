/* SPDX-License-Identifier: Apache-2.0
 *
 * NORMAL: a learning bridge with VLANs (IEEE 802.1Q).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

#define A "02:00:00:00:00:01"
#define B "02:00:00:00:00:02"

/* Ports: 1 trunk of all, 2 trunk of 10 and 20, 3 access 10, 4 access 10, 5 native-untagged 10 with
 * 20, 6 native-tagged 10. */
static void ports(void)
{
	rig_port(rig.br, 1, PL_VLAN_TRUNK, 0, NULL);
	rig_port(rig.br, 2, PL_VLAN_TRUNK, 0, "10,20");
	rig_port(rig.br, 3, PL_VLAN_ACCESS, 10, NULL);
	rig_port(rig.br, 4, PL_VLAN_ACCESS, 10, NULL);
	rig_port(rig.br, 5, PL_VLAN_NATIVE_UNTAGGED, 10, "20");
	rig_port(rig.br, 6, PL_VLAN_NATIVE_TAGGED, 10, NULL);
	rig_flow("actions=NORMAL");
}

/* What each port gets of a program: "-" nothing, "u" the packet without tag, or the tag as
 * "VID.PCP", "*" if more than once. As ports "1 2 3 ...". */
static const char *delivered(const char *packet)
{
	static char out[256];
	struct hal_key key = rig_key(packet);
	struct pl_megaflow *m = rig_translate(&key);
	char got[8][16] = {"", "-", "-", "-", "-", "-", "-", "-"};
	uint16_t tci[4] = {rte_be_to_cpu_16(key.vlan[0].tci), rte_be_to_cpu_16(key.vlan[1].tci)};

	if (!m)
		return "error";
	ACTION_FOR_EACH (a, m->mf.program) {
		const struct hal_act_set *s = (const struct hal_act_set *)a;
		uint32_t port = ((const struct hal_act_output *)a)->port - 100;

		switch (a->type) {
		case ACTION_OUTPUT:
			if (port > 7)
				break;
			if (strcmp(got[port], "-"))
				strcpy(got[port], "*");
			else if (!tci[0])
				strcpy(got[port], "u");
			else
				snprintf(got[port], 16, "%u.%u", tci[0] & 0xfff, tci[0] >> 13);
			break;
		case ACTION_PUSH_VLAN:
			memmove(tci + 1, tci, 2 * sizeof(tci[0]));
			tci[0] = rte_be_to_cpu_16(((const struct hal_act_vlan *)a)->tci) |
				 HAL_VLAN_PRESENT;
			break;
		case ACTION_POP_VLAN:
			memmove(tci, tci + 1, 3 * sizeof(tci[0]));
			break;
		case ACTION_SET:
			EXPECT(s->field == FIELD_VLAN_VID, "only the VID is written");
			EXPECT(tci[0] != 0, "into a tag that is there");
			tci[0] = (uint16_t)((tci[0] & 0xf000) | s->value[0] << 8 | s->value[1]);
			break;
		default:
			EXPECT(false, "no other step");
			break;
		}
	}
	megaflow_free(&m->mf);
	snprintf(out, sizeof(out), "%s %s %s %s %s %s", got[1], got[2], got[3], got[4], got[5],
		got[6]);
	return out;
}

static void vlan_modes(void)
{
	static const struct {
		const char *packet, *delivered;
	} cases[] = {
		/* Untagged and priority-tagged frames: VLAN 0 on a trunk, the port's own else. */
		{"in_port=1", "- - - - - u"},
		{"in_port=3", "10.0 10.0 - u u 10.0"},
		{"in_port=5", "10.0 10.0 u u - 10.0"},
		{"in_port=6", "10.0 10.0 u u u -"},
		{"in_port=3,dl_vlan=0,dl_vlan_pcp=3", "10.3 10.3 - u u 10.3"},
		{"in_port=6,dl_vlan=0,dl_vlan_pcp=3", "10.3 10.3 u u u -"},
		/* A trunk that lists its VLANs does not carry untagged frames. */
		{"in_port=2", "- - - - - -"},
		{"in_port=2,dl_vlan=30", "- - - - - -"},
		{"in_port=1,dl_vlan=10,dl_vlan_pcp=5", "- 10.5 u u u 10.5"},
		{"in_port=1,dl_vlan=20", "- 20.0 - - 20.0 20.0"},
		{"in_port=5,dl_vlan=20", "20.0 20.0 - - - 20.0"},
		{"in_port=5,dl_vlan=30", "- - - - - -"},
		{"in_port=5,dl_vlan=10,dl_vlan_pcp=1", "10.1 10.1 u u - 10.1"},
		/* An access port takes no tagged frames, not even of its own VLAN. */
		{"in_port=3,dl_vlan=10", "- - - - - -"},
		{"in_port=3,dl_vlan=20", "- - - - - -"},
		/* Whatever lies below the tag goes along. */
		{"in_port=1,dl_vlan=10,dl_vlan_pcp=5,vlan_tci1=0x1007", "- 10.5 7.0 7.0 7.0 10.5"},
		{"in_port=3,dl_dst=01:00:5e:00:00:01", "10.0 10.0 - u u 10.0"},
		{"in_port=3,dl_dst=01:80:c2:00:00:0f", "- - - - - -"},
		{"in_port=3,dl_dst=01:80:c2:00:00:10", "10.0 10.0 - u u 10.0"},
	};

	ports();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(delivered(cases[i].packet), cases[i].delivered))
			printf("\n%s", cases[i].packet);
		EXPECT_TEXT(delivered(cases[i].packet), cases[i].delivered);
	}
}

/* What was done to the tag is undone for what comes after. */
static void tag_comes_back(void)
{
	struct hal_key key;
	struct pl_megaflow *m;

	ports();
	rig_flow("priority=40000,dl_src=" A ",actions=NORMAL,output:1");
	EXPECT_TEXT(delivered("in_port=2,dl_src=" A ",dl_vlan=10,dl_vlan_pcp=5,dl_dst=" B),
		"* - u u u 10.5");
	rig_learn(rig.br, 10, B, 3);
	EXPECT_TEXT(delivered("in_port=2,dl_src=" A ",dl_vlan=10,dl_vlan_pcp=5,dl_dst=" B),
		"10.5 - u - - -");
	/* Also if it was an 802.1ad one. */
	key = rig_key("in_port=2,dl_src=" A ",dl_vlan=10,dl_dst=" B);
	key.vlan[0].tpid = RTE_BE16(0x88a8);
	m = rig_translate(&key);
	CU_ASSERT_FATAL(m != NULL);
	{
		char text[256];

		hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
		EXPECT_TEXT(text,
			"pop_vlan,output(103),push_vlan(tpid=0x88a8,vid=10,pcp=0),output(101)");
	}
	megaflow_free(&m->mf);
	EXPECT_TEXT(
		delivered("in_port=3,dl_src=" A ",dl_dst=02:00:00:00:00:0a"), "* 10.0 - u u 10.0");
}

static void learning(void)
{
	struct hal_key key;

	ports();
	/* The first packet floods and teaches; then both ends are known. */
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=" B), "10.0 10.0 - u u 10.0");
	rig_send_text("in_port=3,dl_src=" A ",dl_dst=" B, 1);
	rig_settle();
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 1);
	EXPECT_TEXT(delivered("in_port=4,dl_src=" B ",dl_dst=" A), "- - u - - -");
	EXPECT_TEXT(delivered("in_port=1,dl_vlan=10,dl_src=" B ",dl_dst=" A), "- - u - - -");
	/* Another VLAN is another address. */
	EXPECT_TEXT(
		delivered("in_port=1,dl_vlan=20,dl_src=" B ",dl_dst=" A), "- 20.0 - - 20.0 20.0");
	/* Not back to where it came from. */
	EXPECT_TEXT(delivered("in_port=3,dl_src=" B ",dl_dst=" A), "- - - - - -");
	/* A move: what was sent to the old place goes to the new one. */
	rig_send_text("in_port=4,dl_src=" B ",dl_dst=" A, 1);
	rig_settle();
	rig_send_text("in_port=1,dl_vlan=10,dl_src=" A ",dl_dst=" B, 1);
	rig_settle();
	key = rig_key("in_port=4,dl_src=" B ",dl_dst=" A);
	CU_ASSERT_FATAL(rig_live(&key) != NULL);
	EXPECT_TEXT(delivered("in_port=4,dl_src=" B ",dl_dst=" A), "10.0 - - - - -");
	rig_check_live("after a move");
	/* A group address is nobody's. */
	rig_send_text("in_port=4,dl_src=03:00:00:00:00:09,dl_dst=" A, 1);
	/* A packet that is not for this port teaches nothing. */
	rig_send_text("in_port=3,dl_vlan=20,dl_src=02:00:00:00:00:77,dl_dst=" A, 1);
	rig_settle();
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 2);
}

static void flush_and_age(void)
{
	struct pl_port_config cfg = {.number = 4};

	ports();
	pl_bridge_set_mac_aging(rig.br, 30, 3);
	rig_send_text("in_port=3,dl_src=" A ",dl_dst=" B, 1);
	rig_settle();
	rig_send_text("in_port=4,dl_src=" B ",dl_dst=" A, 1);
	rig_settle();
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 2);
	for (unsigned i = 0; i < 5; i++) {
		rig_send_text("in_port=3,dl_src=" A ",dl_dst=" B, 1);
		rig_sweep(8000);
	}
	/* B was silent for 40 s; A was heard of. */
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 1);
	CU_ASSERT(bridge_mac(rig.br, 10, (const uint8_t[]){2, 0, 0, 0, 0, 1}) != NULL);
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=" B), "10.0 10.0 - u u 10.0");
	/* A full table forgets who was silent for longest. */
	rig_learn(rig.br, 10, "02:00:00:00:00:0a", 4);
	rig.ahead_ms += 2000;
	rig_learn(rig.br, 10, "02:00:00:00:00:0b", 4);
	rig.ahead_ms += 2000;
	rig_learn(rig.br, 10, "02:00:00:00:00:0c", 4);
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 3);
	CU_ASSERT(!bridge_mac(rig.br, 10, (const uint8_t[]){2, 0, 0, 0, 0, 1}));
	CU_ASSERT_EQUAL(pl_port_remove(rig.br, cfg.number), 0);
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 0);
	rig_learn(rig.br, 10, A, 3);
	rig_learn(rig.br, 10, B, 4);
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 1); /* there is no port 4 */
	pl_fdb_flush(rig.br);
	CU_ASSERT_EQUAL(hmap_count(&rig.br->macs), 0);
}

static void excluded(void)
{
	struct of_port_mod pm = {.number = 4, .mac = {0, 0, 0, 0, 0, 4}};

	ports();
	pm.config = pm.mask = OF_PORT_CONFIG_NO_FLOOD;
	pl_port_mod(rig.br, &pm);
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=" B), "10.0 10.0 - - u 10.0");
	rig_learn(rig.br, 10, B, 4);
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=" B), "- - - u - -");
	pm.config = pm.mask = OF_PORT_CONFIG_NO_FWD;
	pl_port_mod(rig.br, &pm);
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=" B), "- - - - - -");
	pm = (struct of_port_mod){.number = 3, .mac = {0, 0, 0, 0, 0, 3}};
	pm.config = pm.mask = OF_PORT_CONFIG_NO_RECV;
	pl_port_mod(rig.br, &pm);
	EXPECT_TEXT(delivered("in_port=3,dl_src=" A ",dl_dst=ff:ff:ff:ff:ff:ff"), "- - - - - -");
	pm.mac[0] = 9;
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_PORT_MOD_BAD_HW_ADDR);
	pm.number = 33;
	CU_ASSERT_EQUAL(pl_port_mod(rig.br, &pm), OFERR_PORT_MOD_BAD_PORT);
}

CU_TestInfo normal_tests[] = {
	{"VLAN modes, floods, reserved addresses", vlan_modes},
	{"the tag comes back", tag_comes_back},
	{"learning", learning},
	{"flush and age", flush_and_age},
	{"ports that take no part", excluded},
	CU_TEST_INFO_NULL,
};
