/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/codec.h"
#include "fixture.h"

static const char *const matches[] = {
	"",
	"eth_dst=02:00:00:00:00:02,eth_src=01:00:00:00:00:00/01:00:00:00:00:00",
	"dl_vlan=5,dl_vlan_pcp=3",
	"arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_sha=02:00:00:00:00:01",
	"tcp,nw_src=10.0.0.0/255.0.0.255,nw_dst=10.1.2.3,tcp_src=80,tcp_dst=0x100/0xff00",
	"udp6,ipv6_src=fd00::/64,ipv6_dst=fd00::1,udp_dst=53",
	"icmp,icmp_type=8,icmp_code=0",
	"icmp6,icmpv6_type=135,icmpv6_code=0,nd_target=fe80::1",
	"ip,nw_frag=no,nw_ttl=64,nw_tos=32",
	"ct_state=+trk+est,ct_zone=5,ct_mark=1/3,ct_label=7,pkt_mark=0x10,dp_hash=3/15",
	"tun_id=5,tun_src=10.0.0.1,tun_ipv6_dst=fd00::1,tun_flags=+oam",
	"dl_type=0x8847,mpls_label=5,mpls_bos=1",
};

/* Every step of the datapath model that the device has. */
static void fill_model(struct hal_builder *b)
{
	static const enum hal_action_type numbers[] = {
		ACTION_METER, ACTION_TRUNC, ACTION_GROUP, ACTION_MIRROR};
	struct hal_act_tunnel_push *push;
	struct hal_act_tunnel_pop *pop;
	struct hal_act_mpls *mpls;
	struct hal_act_hash *hash;
	struct hal_act_ct *ct;
	uint32_t at, inner;

	ct = hal_builder_add(b, ACTION_CT, sizeof(*ct));
	memset((uint8_t *)ct + sizeof(ct->a), 0x5a, sizeof(*ct) - sizeof(ct->a));
	hash = hal_builder_add(b, ACTION_HASH, sizeof(*hash));
	hash->algorithm = HAL_HASH_L4;
	hash->basis = 99;
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		build_number(b, numbers[i], 1000 + i);
	at = hal_build_nested_begin(b, ACTION_SAMPLE, 12345);
	inner = hal_build_nested_begin(b, ACTION_CHECK_PKT_LEN, 1400);
	hal_build_output(b, 1);
	hal_build_nested_else(b, inner);
	hal_build_plain(b, ACTION_CT_CLEAR);
	hal_build_output(b, 2);
	hal_build_nested_end(b, inner);
	hal_build_nested_end(b, at);
	at = hal_build_nested_begin(b, ACTION_CLONE, 0);
	hal_build_nested_end(b, at);
	for (enum hal_action_type type = ACTION_PUSH_MPLS; type <= ACTION_POP_MPLS; type++) {
		mpls = hal_builder_add(b, type, sizeof(*mpls));
		mpls->eth_type = RTE_BE16(0x8847);
		mpls->lse = RTE_BE32(0x12345140);
	}
	push = hal_builder_add(b, ACTION_TUNNEL_PUSH, sizeof(*push) + 51);
	push->port = 9;
	push->type = HAL_TUNNEL_GENEVE;
	push->flags = HAL_TUNNEL_CSUM;
	push->header_len = 51;
	memset(push->header, 0xee, 51);
	pop = hal_builder_add(b, ACTION_TUNNEL_POP, sizeof(*pop));
	pop->port = 8;
	pop->type = HAL_TUNNEL_GENEVE;
	pop->flags = HAL_TUNNEL_GBP;
}

static void fill_program(struct test_rule *t)
{
	const uint8_t vid[2] = {0x10, 7}, vid_mask[2] = {0x1f, 0xff};
	const uint8_t addr[4] = {10, 0, 0, 9}, addr_mask[4] = {255, 255, 0, 255};
	struct hal_builder b;
	struct hal_act_recirc *recirc;

	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IPV4_DST, addr, addr_mask);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 3);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(0x6005));
	hal_build_set(&b, FIELD_VLAN_VID, vid, vid_mask);
	hal_build_output(&b, 70000);
	hal_build_plain(&b, ACTION_POP_VLAN);
	fill_model(&b);
	recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
	recirc->id = 77;
	rule_program(t, &b);
}

static void round_trip(void)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		struct hal_program *program = NULL;
		struct hal_cmatch *match = NULL;
		struct hal_rule out;
		struct hal_reason r;
		struct test_rule t;
		uint8_t buf[4096];
		int len;

		rule_make(&t, i + 1, 4, matches[i]);
		t.rule.chain = 5;
		t.rule.priority = 99;
		fill_program(&t);
		len = sim_rule_encode(&t.rule, buf, sizeof(buf), &r);
		CU_ASSERT_FATAL(len > 0);
		CU_ASSERT_EQUAL(sim_rule_decode(buf, (size_t)len, &out, &match, &program), len);
		CU_ASSERT(hal_cmatch_equal(match, t.match));
		CU_ASSERT(hal_program_equal(program, t.program));
		CU_ASSERT(hal_ufid_equal(&out.ufid, &t.rule.ufid));
		CU_ASSERT_EQUAL(out.chain, 5);
		CU_ASSERT_EQUAL(out.priority, 99);
		free(match);
		free(program);
		/* A rule cut short anywhere is refused, never read past its end. */
		for (int cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc((size_t)cut + 1);

			memcpy(copy, buf, (size_t)cut);
			CU_ASSERT_EQUAL(sim_rule_decode(copy, (size_t)cut, &out, &match, &program),
				-EBADMSG);
			free(copy);
		}
		/* One with no room for it says so. */
		CU_ASSERT(sim_rule_encode(&t.rule, buf, (size_t)len - 1, &r) < 0);
		rule_free(&t);
	}
}

static void damaged(void)
{
	struct hal_program *program;
	struct hal_cmatch *match;
	struct hal_rule out;
	struct hal_reason r;
	struct test_rule t;
	uint8_t buf[4096], bad[4096];
	int len;

	rule_make(&t, 1, 4, matches[4]);
	fill_program(&t);
	len = sim_rule_encode(&t.rule, buf, sizeof(buf), &r);
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		memcpy(bad, buf, sizeof(bad));
		bad[rand() % len] ^= (uint8_t)(1 << rand() % 8);
		if (sim_rule_decode(bad, (size_t)len, &out, &match, &program) > 0) {
			free(match);
			free(program);
		}
	}
	rule_free(&t);
}

static void unsayable_step(void)
{
	struct hal_reason r = {0};
	struct hal_builder b;
	struct test_rule t;
	uint8_t buf[4096];

	rule_make(&t, 1, 4, "");
	hal_builder_init(&b);
	hal_build_plain(&b, ACTION_POP_PBB);
	rule_program(&t, &b);
	CU_ASSERT(sim_rule_encode(&t.rule, buf, sizeof(buf), &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_ACTION);
	CU_ASSERT_EQUAL(r.action, ACTION_POP_PBB);
	rule_free(&t);
}

void codec_suite(void)
{
	CU_pSuite s = CU_add_suite("codec", NULL, NULL);

	CU_add_test(s, "rules survive the round trip", round_trip);
	CU_add_test(s, "damaged rules do no harm", damaged);
	CU_add_test(s, "a step without a form is named", unsayable_step);
}
