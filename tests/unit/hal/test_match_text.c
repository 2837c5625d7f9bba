/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hal/test.h"

/* Parses a whole match: tokens at commas outside parentheses. Returns the first error. */
static int parse(struct hal_match *m, const char *text, char *err, size_t n)
{
	char copy[4000], *at = copy;

	*m = (struct hal_match){0};
	snprintf(copy, sizeof(copy), "%s", text);
	while (*at) {
		char *end = at, *value;
		int depth = 0, error;

		while (*end && (*end != ',' || depth)) {
			depth += (*end == '(') - (*end == ')');
			end++;
		}
		if (*end)
			*end++ = '\0';
		value = strchr(at, '=');
		if (value)
			*value++ = '\0';
		error = hal_match_parse_token(m, at, value, err, n);
		if (error)
			return error;
		at = end;
	}
	return 0;
}

static const struct {
	const char *in, *out; /* out NULL: the same */
} known[] = {
	{"", NULL},
	{"in_port=1", NULL},
	{"tcp,in_port=1,dl_vlan=5,nw_dst=10.0.0.0/8,tp_dst=80", NULL},
	{"tp_dst=80", "!"},
	{"in_port=LOCAL,ip", "ip,in_port=LOCAL"},
	{"dl_type=0x0800,nw_proto=17,udp_dst=53", "udp,tp_dst=53"},
	{"eth_type=0x800,ip_proto=6,tcp_dst=80", "tcp,tp_dst=80"},
	{"ip,nw_proto=47", NULL},
	{"dl_type=0x88cc", NULL},
	{"dl_vlan=5,dl_vlan_pcp=3", NULL},
	{"dl_vlan_pcp=3", NULL},
	{"vlan_pcp=3", "dl_vlan_pcp=3"},
	{"dl_vlan=0", NULL},
	{"dl_vlan=0xffff", "vlan_tci=0x0000"},
	{"dl_vlan=65535", "vlan_tci=0x0000"},
	{"vlan_vid=0x1005/0x1fff", "dl_vlan=5"},
	{"vlan_vid=4101", "dl_vlan=5"},
	{"vlan_vid=0x1000/0x1000", "vlan_tci=0x1000/0x1000"},
	{"vlan_vid=0", "vlan_tci=0x0000/0x1fff"},
	{"vlan_tci=0x1123/0x1fff", "dl_vlan=291"},
	{"vlan_tci=0x123", "vlan_tci=0x0123"},
	{"arp,nw_src=10.0.0.1,nw_proto=1", "arp,arp_spa=10.0.0.1,arp_op=1"},
	{"arp,arp_tpa=10.0.0.0/24,arp_sha=00:11:22:33:44:55,arp_op=2",
		"arp,arp_tpa=10.0.0.0/24,arp_op=2,arp_sha=00:11:22:33:44:55"},
	{"rarp", NULL},
	{"icmp,icmp_type=8,icmp_code=0", NULL},
	{"icmp,icmpv4_type=8", "icmp,icmp_type=8"},
	{"icmp6,icmpv6_type=135,nd_target=fd00::1,nd_sll=00:11:22:33:44:55",
		"icmp6,icmp_type=135,nd_target=fd00::1,nd_sll=00:11:22:33:44:55"},
	{"tcp6,ipv6_src=fd00::/8,ipv6_label=0x12345,tp_src=80", NULL},
	{"udp6,udp_dst=53", "udp6,tp_dst=53"},
	{"sctp,sctp_src=7", "sctp,tp_src=7"},
	{"sctp6,tp_dst=7", NULL},
	{"ip,nw_tos=184,nw_ecn=1,nw_ttl=64,nw_frag=later", NULL},
	{"ip,ip_dscp=46", "ip,nw_tos=184"},
	{"mpls,mpls_label=100,mpls_tc=3,mpls_bos=1", NULL},
	{"mplsm,mpls_ttl=9", NULL},
	{"ct_state=+new+trk,ip,reg0=0x5,metadata=0x1", NULL},
	{"ct_state=-new+est,ct_zone=5,ct_mark=0x1/0xf,tcp,in_port=3", NULL},
	{"tcp,tcp_flags=+syn-ack", NULL},
	{"recirc_id=0x1,dp_hash=0x2/0xf", NULL},
	{"pkt_mark=0x7,conj_id=3,actset_output=2", "pkt_mark=0x7,conj_id=3,actset_output=2"},
	{"tun_id=0x5,tun_src=1.2.3.4,tun_dst=5.6.7.8,in_port=1", NULL},
	{"packet_type=(1,0x800),metadata=0x1", NULL},
	{"eth,in_port=1", NULL},
	{"dl_src=00:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff", NULL},
	{"eth_dst=01:00:00:00:00:00/01:00:00:00:00:00",
		"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"},
	{"xreg0=0x100000002", "reg0=0x1,reg1=0x2"},
};

static void test_known(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *want = known[i].out ? known[i].out : known[i].in;
		struct hal_match m;
		char err[300] = "", text[500];
		int error = parse(&m, known[i].in, err, sizeof(err));

		if (!strcmp(want, "!")) {
			EXPECT(error == -EINVAL && strstr(err, "tp_dst"), known[i].in);
			continue;
		}
		EXPECT(!error, known[i].in);
		hal_match_format(&m.value, &m.mask, false, text, sizeof(text));
		EXPECT_TEXT(text, want);
	}
}

static const struct {
	const char *text;
	int error;
	const char *says;
} refused[] = {
	{"foo=1", -ENOENT, ""},
	{"tcp4", -ENOENT, ""},
	{"tcp=1", -EINVAL, "takes no value"},
	{"in_port", -EINVAL, "in_port=VALUE"},
	{"in_port=", -EINVAL, "in_port=VALUE"},
	{"dl_vlan=4096", -EINVAL, "dl_vlan"},
	{"dl_vlan=x", -EINVAL, "dl_vlan"},
	{"tcp,udp", -EINVAL, "udp: contradicts"},
	{"tcp,nw_proto=17", -EINVAL, "nw_proto: contradicts"},
	{"nw_src=10.0.0.0/8,nw_src=11.0.0.0/8", -EINVAL, "contradicts"},
	{"tcp,tp_dst=65536", -EINVAL, "65536"},
	{"tp_src=1", -EINVAL, "tp_src"},
};

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct hal_match m;
		char err[300] = "";

		EXPECT(parse(&m, refused[i].text, err, sizeof(err)) == refused[i].error,
			refused[i].text);
		EXPECT(strstr(err, refused[i].says) != NULL, err);
	}
}

/* A refused token changes nothing. */
static void test_refusal_changes_nothing(void)
{
	struct hal_match m = {0}, before;
	char err[300];

	CU_ASSERT_EQUAL(hal_match_parse_token(&m, "tcp", NULL, err, sizeof(err)), 0);
	before = m;
	CU_ASSERT_EQUAL(hal_match_parse_token(&m, "udp", NULL, err, sizeof(err)), -EINVAL);
	CU_ASSERT_EQUAL(hal_match_parse_token(&m, "tp_dst", "x", err, sizeof(err)), -EINVAL);
	CU_ASSERT_EQUAL(memcmp(&m, &before, sizeof(m)), 0);
}

/* Fields that a text can name under any protocol, and those of one. */
static const enum hal_field_id common[] = {FIELD_IN_PORT, FIELD_METADATA, FIELD_PKT_MARK,
	FIELD_DP_HASH, FIELD_RECIRC_ID, FIELD_PACKET_TYPE, FIELD_ACTSET_OUTPUT, FIELD_CONJ_ID,
	FIELD_CT_STATE, FIELD_CT_ZONE, FIELD_CT_MARK, FIELD_CT_LABEL, FIELD_TUNNEL_ID,
	FIELD_TUN_IPV4_SRC, FIELD_TUN_IPV6_DST, FIELD_TUN_FLAGS, FIELD_TUN_GBP_ID,
	FIELD_TUN_METADATA, FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_TCI, FIELD_VLAN_VID,
	FIELD_VLAN2_TCI, FIELD_REG0, FIELD_REG15, FIELD_XREG3, FIELD_XXREG2, FIELD_IN_PHY_PORT,
	FIELD_DP_PORT};

static const struct {
	const char *word;
	enum hal_field_id ids[12];
	unsigned n;
} protocols[] = {
	{"ip",
		{FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_NW_TOS, FIELD_IP_ECN, FIELD_IP_TTL,
			FIELD_IP_FRAG, FIELD_IP_PROTO},
		7},
	{"ipv6",
		{FIELD_IPV6_SRC, FIELD_IPV6_DST, FIELD_IPV6_FLABEL, FIELD_IPV6_EXTHDR,
			FIELD_IP_DSCP},
		5},
	{"arp", {FIELD_ARP_OP, FIELD_ARP_SPA, FIELD_ARP_TPA, FIELD_ARP_SHA, FIELD_ARP_THA}, 5},
	{"tcp", {FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_TCP_FLAGS, FIELD_IPV4_DST}, 4},
	{"tcp6", {FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_TCP_FLAGS, FIELD_IPV6_DST}, 4},
	{"udp", {FIELD_UDP_SRC, FIELD_UDP_DST}, 2},
	{"sctp6", {FIELD_SCTP_SRC, FIELD_SCTP_DST}, 2},
	{"icmp", {FIELD_ICMPV4_TYPE, FIELD_ICMPV4_CODE}, 2},
	{"icmp6",
		{FIELD_ICMPV6_TYPE, FIELD_ICMPV6_CODE, FIELD_ND_TARGET, FIELD_ND_SLL, FIELD_ND_TLL},
		5},
	{"mpls", {FIELD_MPLS_LABEL, FIELD_MPLS_TC, FIELD_MPLS_BOS, FIELD_MPLS_TTL, FIELD_MPLS_LSE2},
		5},
};

static void set_random(struct hal_match *m, enum hal_field_id id)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	rnd_value(id, value);
	rnd_mask(id, mask);
	if (hal_fields[id].format == FMT_PORT)
		value[2] &= 0xfe; /* 65528 to 65535 are read as reserved ports */
	if (id == FIELD_IP_FRAG) {
		mask[0] = 1 + (uint8_t)rnd_below(3);
		canonical_frag(value, mask);
	}
	hal_match_set(m, id, value, mask);
}

static void test_round_trip(void)
{
	for (unsigned i = 0; i < N_ROUNDS(30000); i++) {
		unsigned p = rnd_below(sizeof(protocols) / sizeof(protocols[0]));
		unsigned n = rnd_below(5);
		struct hal_match m = {0}, back;
		char text[4000], err[300] = "";
		int len;

		hal_match_parse_token(&m, protocols[p].word, NULL, err, sizeof(err));
		while (n--)
			set_random(&m, common[rnd_below(sizeof(common) / sizeof(common[0]))]);
		for (n = rnd_below(4); n--;)
			set_random(&m, protocols[p].ids[rnd_below(protocols[p].n)]);
		len = hal_match_format(&m.value, &m.mask, false, text, sizeof(text));
		EXPECT((size_t)len == strlen(text), text);
		EXPECT(!parse(&back, text, err, sizeof(err)), err);
		EXPECT(!memcmp(&m, &back, sizeof(m)), text);
	}
}

/* Every field alone is told of, so no match looks wider than it is. */
static void test_nothing_is_left_out(void)
{
	for (unsigned id = 0; id < FIELD_MAX; id++) {
		struct hal_match m = {0};
		char text[1000], again[1000];
		struct hal_cmatch *cm;

		hal_match_set(&m, (enum hal_field_id)id, (const uint8_t[HAL_VALUE_MAX]){0}, NULL);
		EXPECT(hal_match_format(&m.value, &m.mask, false, text, sizeof(text)) > 0,
			hal_fields[id].name);
		cm = hal_cmatch_new(&m);
		hal_cmatch_format(cm, again, sizeof(again));
		EXPECT_TEXT(again, text);
		free(cm);
		if (!hal_field_is_dp((enum hal_field_id)id))
			continue;
		hal_match_format(&m.value.dp, &m.mask.dp, true, again, sizeof(again));
		EXPECT_TEXT(again, text);
	}
}

static void test_short_buffers(void)
{
	struct hal_match m;
	char whole[300], part[300], err[100];
	int len;

	parse(&m, "tcp,in_port=1,dl_vlan=5,nw_dst=10.0.0.0/8,tp_dst=80", err, sizeof(err));
	len = hal_match_format(&m.value, &m.mask, false, whole, sizeof(whole));
	CU_ASSERT_EQUAL(hal_match_format(&m.value, &m.mask, false, NULL, 0), len);
	for (int n = 1; n <= len + 1; n++) {
		memset(part, '#', sizeof(part));
		hal_match_format(&m.value, &m.mask, false, part, (size_t)n);
		EXPECT(part[n] == '#' && strlen(part) == (size_t)n - 1 &&
				!strncmp(part, whole, (size_t)n - 1),
			part);
	}
}

CU_TestInfo match_text_tests[] = {
	{"texts as ovs-ofctl writes them", test_known},
	{"bad tokens are named and refused", test_refused},
	{"a refusal changes nothing", test_refusal_changes_nothing},
	{"random matches come back", test_round_trip},
	{"nothing is left out", test_nothing_is_left_out},
	{"short buffers", test_short_buffers},
	CU_TEST_INFO_NULL,
};
