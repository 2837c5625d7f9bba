/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches to flower's keys and back.
 */
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "drivers/tc/flower.h"
#include "test_tc.h"

#define ROUNDS 20000

static struct nlattr *keys[TCA_FLOWER_MAX + 1];

/* A filter's keys, as they would come out of a message; the caller frees the message. */
static int encode(
	const struct hal_match *m, struct nl_msg **msg, rte_be16_t *protocol, struct hal_reason *r)
{
	struct hal_rule rule = {.match = hal_cmatch_new(m)};
	int err;

	*msg = nlmsg_alloc_simple(0, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*msg);
	hal_reason_clear(r);
	err = tc_flower_encode(*msg, &rule, protocol, r);
	free((void *)(uintptr_t)rule.match);
	if (!err)
		nlmsg_parse(nlmsg_hdr(*msg), 0, keys, TCA_FLOWER_MAX, NULL);
	return err;
}

static void come_back_as_they_were(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_match m, back;
		struct hal_reason r;
		struct nl_msg *msg;
		rte_be16_t protocol;
		char text[512];
		bool same;

		random_match(&m);
		CU_ASSERT_EQUAL_FATAL(encode(&m, &msg, &protocol, &r), 0);
		memset(&back, 0, sizeof(back));
		CU_ASSERT_EQUAL(tc_flower_decode(keys, protocol, &back), 0);
		m.value.dp.in_port = m.mask.dp.in_port = 0;
		same = !memcmp(&m, &back, sizeof(m));
		CU_ASSERT(same);
		if (!same) {
			hal_match_format(&m.value, &m.mask, true, text, sizeof(text));
			printf("\n  sent %s\n", text);
			hal_match_format(&back.value, &back.mask, true, text, sizeof(text));
			printf("  came back as %s\n", text);
		}
		nlmsg_free(msg);
	}
}

/* Bits that are nobody's, and combinations that the kernel would take for something else. */
static void refusals_name_the_field(void)
{
	static const struct {
		const char *match[8];
		enum hal_field_id field;
	} cases[] = {
		{{"eth_type=0x800"}, FIELD_VLAN_TPID},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "udp", "udp_dst=53"}, FIELD_IP_FRAG},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "arp", "arp_spa=10.0.0.1"}, FIELD_ARP_OP},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "arp", "arp_op=3"}, FIELD_ARP_OP},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "eth_type=0x5ff"}, FIELD_ETH_TYPE},
		{{"vlan_tpid=0x8100", "vlan_tci=0x1005/0x100f"}, FIELD_VLAN_VID},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "ipv6", "ipv6_label=7"}, FIELD_IPV6_FLABEL},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "udp6"}, FIELD_IP_FRAG},
		{{"vlan_tpid=0", "vlan_tci=0/0x1000", "eth_type=0x8100"}, FIELD_ETH_TYPE},
		{{"pkt_mark=7"}, FIELD_PKT_MARK},
		{{"tun_id=7"}, FIELD_TUNNEL_ID},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hal_match m = {0};
		struct hal_reason r;
		struct nl_msg *msg;
		rte_be16_t protocol;
		char err[200] = "";

		for (unsigned j = 0; j < 8 && cases[i].match[j]; j++) {
			char *name = strdup(cases[i].match[j]), *value = strchr(name, '=');

			if (value)
				*value++ = '\0';
			CU_ASSERT_EQUAL(
				hal_match_parse_token(&m, name, value, err, sizeof(err)), 0);
			if (*err)
				printf("\n  %s\n", err);
			free(name);
		}
		CU_ASSERT_NOT_EQUAL(encode(&m, &msg, &protocol, &r), 0);
		CU_ASSERT_NOT_EQUAL(r.code, HAL_REASON_NONE);
		CU_ASSERT_EQUAL(r.field, cases[i].field);
		if (r.field != cases[i].field)
			printf("\n  case %u: %s\n", i, r.text);
		CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
		nlmsg_free(msg);
	}
}

/* Any attribute of a filter that came damaged, or that is not ours, is noticed or harmless. */
static void damaged_keys_are_foreign(void)
{
	unsigned noticed = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_match m, back = {0};
		struct hal_reason r;
		struct nl_msg *msg;
		rte_be16_t protocol;
		unsigned at;

		random_match(&m);
		CU_ASSERT_EQUAL_FATAL(encode(&m, &msg, &protocol, &r), 0);
		at = 1 + test_rand() % TCA_FLOWER_MAX;
		if (keys[at] && nla_len(keys[at]) > 0)
			keys[at]->nla_len = (uint16_t)(keys[at]->nla_len - 1);
		else
			keys[at] = keys[1 + test_rand() % TCA_FLOWER_MAX];
		noticed += tc_flower_decode(keys, protocol, &back) == -EINVAL;
		nlmsg_free(msg);
	}
	CU_ASSERT(noticed > ROUNDS / 10);
}

static void what_is_refused_statically(void)
{
	struct hal_caps caps = {.name = "tc"};

	tc_flower_caps(&caps);
	CU_ASSERT_EQUAL(caps.match[FIELD_IPV6_FLABEL], 0);
	CU_ASSERT_EQUAL(caps.match[FIELD_ND_TARGET], 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_match m;
		struct hal_program empty = {0, 0};
		struct hal_rule rule = {.program = &empty};
		struct hal_reason r;

		random_match(&m);
		rule.match = hal_cmatch_new(&m);
		CU_ASSERT_EQUAL(hal_caps_check(&caps, &rule, &r), 0);
		free((void *)(uintptr_t)rule.match);
	}
}

void add_flower_suite(void)
{
	CU_pSuite s = CU_add_suite("flower", NULL, NULL);

	CU_add_test(s, "matches come back as they were", come_back_as_they_were);
	CU_add_test(s, "refusals name the field", refusals_name_the_field);
	CU_add_test(s, "damaged keys are foreign", damaged_keys_are_foreign);
	CU_add_test(s, "static checks let through what has keys", what_is_refused_statically);
}
