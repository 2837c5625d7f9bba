/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/hal/test.h"

/* Builds a match from tokens "tcp" or "name=value" parted by blanks. */
static void build(struct hal_match *m, const char *tokens)
{
	char copy[200], err[200] = "", *save = NULL;

	*m = (struct hal_match){0};
	snprintf(copy, sizeof(copy), "%s", tokens);
	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		char *value = strchr(t, '=');

		if (value)
			*value++ = '\0';
		EXPECT(!hal_match_parse_token(m, t, value, err, sizeof(err)), err);
	}
}

static const struct {
	enum hal_field_id id;
	const char *match;
	bool ok;
} cases[] = {
	{FIELD_ETH_DST, "", true},
	{FIELD_VLAN_PCP, "", false},
	{FIELD_VLAN_PCP, "dl_vlan=5", true},
	{FIELD_VLAN_PCP, "vlan_vid=0x1000/0x1000", true},
	{FIELD_VLAN_PCP, "dl_vlan=0xffff", false},
	{FIELD_PBB_ISID, "dl_type=0x88e7", true},
	{FIELD_PBB_ISID, "ip", false},
	{FIELD_MPLS_LABEL, "mpls", true},
	{FIELD_MPLS_LABEL, "mplsm", true},
	{FIELD_MPLS_LABEL, "ip", false},
	{FIELD_IPV4_SRC, "ip", true},
	{FIELD_IPV4_SRC, "tcp", true},
	{FIELD_IPV4_SRC, "ipv6", false},
	{FIELD_IPV4_SRC, "", false},
	{FIELD_IPV6_SRC, "ipv6", true},
	{FIELD_IPV6_SRC, "ip", false},
	{FIELD_IP_PROTO, "ip", true},
	{FIELD_IP_PROTO, "ipv6", true},
	{FIELD_IP_PROTO, "arp", false},
	{FIELD_ARP_OP, "arp", true},
	{FIELD_ARP_OP, "rarp", true},
	{FIELD_ARP_OP, "ip", false},
	{FIELD_TCP_DST, "tcp", true},
	{FIELD_TCP_DST, "tcp6", true},
	{FIELD_TCP_DST, "ip", false},
	{FIELD_TCP_DST, "udp", false},
	{FIELD_TCP_DST, "tcp nw_frag=no", true},
	{FIELD_TCP_DST, "tcp nw_frag=later", false},
	{FIELD_UDP_DST, "udp", true},
	{FIELD_UDP_DST, "tcp", false},
	{FIELD_SCTP_SRC, "sctp6", true},
	{FIELD_SCTP_SRC, "udp6", false},
	{FIELD_ICMPV4_TYPE, "icmp", true},
	{FIELD_ICMPV4_TYPE, "icmp6", false},
	{FIELD_ICMPV4_TYPE, "ipv6 nw_proto=1", false},
	{FIELD_ICMPV6_TYPE, "icmp6", true},
	{FIELD_ICMPV6_TYPE, "ip nw_proto=58", false},
	{FIELD_ND_TARGET, "icmp6", false},
	{FIELD_ND_TARGET, "icmp6 icmpv6_type=135", true},
	{FIELD_ND_TARGET, "icmp6 icmpv6_type=136", true},
	{FIELD_ND_TARGET, "icmp6 icmpv6_type=135 icmpv6_code=1", false},
	{FIELD_ND_TARGET, "icmp6 icmpv6_type=134", false},
	{FIELD_ND_SLL, "icmp6 icmpv6_type=135", true},
	{FIELD_ND_SLL, "icmp6 icmpv6_type=136", false},
	{FIELD_ND_TLL, "icmp6 icmpv6_type=136", true},
	{FIELD_ND_TLL, "icmp6 icmpv6_type=135", false},
	{FIELD_ETH_SRC, "packet_type=(0,0)", true},
	{FIELD_ETH_SRC, "packet_type=(1,0x800)", false},
	{FIELD_VLAN_VID, "packet_type=(1,0x800)", false},
	{FIELD_IPV4_SRC, "packet_type=(1,0x800)", true},
	{FIELD_IPV4_SRC, "packet_type=(0,0)", false},
	{FIELD_IPV4_SRC, "packet_type=(2,0x800)", false},
	{FIELD_IPV6_SRC, "packet_type=(1,0x800)", false},
	{FIELD_ARP_OP, "packet_type=(1,0x806)", true},
	{FIELD_TCP_SRC, "packet_type=(1,0x86dd) nw_proto=6", true},
	{FIELD_CT_NW_PROTO, "", false},
	{FIELD_CT_NW_PROTO, "ct_state=+trk", false},
	{FIELD_CT_NW_PROTO, "ct_state=+trk-inv", true},
	{FIELD_CT_NW_PROTO, "ct_state=+est", true},
	{FIELD_CT_NW_PROTO, "ct_state=+trk+inv", false},
	{FIELD_CT_NW_SRC, "ct_state=+new", false},
	{FIELD_CT_NW_SRC, "ct_state=+new ip", true},
	{FIELD_CT_NW_SRC, "ct_state=+new ipv6", false},
	{FIELD_CT_IPV6_SRC, "ct_state=+new ipv6", true},
};

static void test_matches(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hal_match m;

		build(&m, cases[i].match);
		EXPECT(hal_field_prereq_ok(cases[i].id, &m.value, &m.mask) == cases[i].ok,
			cases[i].match);
	}
}

/* What a prerequisite is decided by: under that mask alone a packet gets the same answer, and two
 * packets that agree under it get one answer. */
static void test_mask_decides(void)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8847, 0x88e7, 0x1234};
	static const uint8_t protos[] = {1, 6, 17, 58, 132, 47};
	struct xlate_key ones;
	unsigned met = 0;

	memset(&ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < N_ROUNDS(200000); i++) {
		enum hal_field_id id = (enum hal_field_id)rnd_below(FIELD_MAX);
		struct xlate_key a, b, mask = {0};
		const char *name = hal_fields[id].name;
		bool ok;

		rnd_bytes(&a, sizeof(a));
		rnd_bytes(&b, sizeof(b));
		a.dp.packet_type = b.dp.packet_type = 0; /* packets have an Ethernet header */
		a.dp.eth_type = rte_cpu_to_be_16(types[rnd_below(6)]);
		a.dp.ip_proto = protos[rnd_below(6)];
		a.dp.tp_src = rte_cpu_to_be_16((uint16_t)(134 + rnd_below(4)));
		a.dp.tp_dst = rte_cpu_to_be_16((uint16_t)rnd_below(2));
		a.dp.ct_state &= RTE_BE32(0xff);
		a.dp.ct_state &= rnd_below(2) ? RTE_BE32(0x30) : RTE_BE32(0xff);
		hal_field_prereq_mask(id, &mask);
		for (size_t j = 0; j < sizeof(a); j++) {
			uint8_t m = ((uint8_t *)&mask)[j];

			((uint8_t *)&b)[j] =
				(uint8_t)((((uint8_t *)&a)[j] & m) | (((uint8_t *)&b)[j] & ~m));
		}
		ok = hal_field_prereq_ok(id, &a, &ones);
		EXPECT(hal_field_prereq_ok(id, &b, &ones) == ok, name);
		EXPECT(hal_field_prereq_ok(id, &a, &mask) == ok, name);
		met += ok && hal_fields[id].prereq != PREREQ_NONE;
	}
	CU_ASSERT(met > 1000);
}

CU_TestInfo prereq_tests[] = {
	{"matches", test_matches},
	{"the mask decides", test_mask_decides},
	CU_TEST_INFO_NULL,
};
