/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/action.h"
#include "hal/object.h"
#include "tests/unit/hal/test.h"

static struct hal_program *finish(struct hal_builder *b)
{
	struct hal_program *p = hal_builder_finish(b);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static void expect_program(struct hal_builder *b, const char *want, unsigned outputs)
{
	struct hal_program *p = finish(b);
	char text[500];
	int len = hal_program_format(p, NULL, NULL, text, sizeof(text));

	EXPECT_TEXT(text, want);
	EXPECT((size_t)len == strlen(text), want);
	EXPECT(p->n_outputs == outputs, want);
	EXPECT(p->len % 8 == 0, want);
	free(p);
}

static void test_empty(void)
{
	struct hal_builder b;

	hal_builder_init(&b);
	expect_program(&b, "drop", 0);
}

static void test_steps(void)
{
	struct hal_builder b;
	uint8_t mac[6] = {0, 1, 2, 3, 4, 5};

	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(0x7005));
	hal_build_push_vlan(&b, RTE_BE16(0x88a8), RTE_BE16(6));
	hal_build_set(&b, FIELD_ETH_DST, mac, NULL);
	hal_build_set(&b, FIELD_VLAN_PCP, (const uint8_t[]){0xfd}, NULL);
	hal_build_set(&b, FIELD_IPV4_SRC, (const uint8_t[]){10, 1, 2, 3},
		(const uint8_t[]){255, 0, 0, 0});
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 3);
	hal_build_output(&b, 4);
	expect_program(&b,
		"push_vlan(vid=5,pcp=3),push_vlan(tpid=0x88a8,vid=6,pcp=0),"
		"set(eth_dst=00:01:02:03:04:05),set(vlan_pcp=5),set(ipv4_src=10.0.0.0/8),"
		"pop_vlan,output(3),output(4)",
		2);
}

static void test_nesting(void)
{
	struct hal_builder b;
	uint32_t sample, clone, check, inner;

	hal_builder_init(&b);
	sample = hal_build_nested_begin(&b, ACTION_SAMPLE, UINT32_MAX / 2 + 1);
	hal_build_output(&b, 9);
	clone = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	for (unsigned i = 0; i < 100; i++) /* grows the buffer in the middle of a nest */
		hal_build_plain(&b, ACTION_DEC_TTL);
	inner = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_nested_end(&b, inner);
	hal_build_nested_end(&b, clone);
	hal_build_nested_end(&b, sample);
	check = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 1500);
	hal_build_output(&b, 1);
	hal_build_nested_else(&b, check);
	hal_build_output(&b, 2);
	hal_build_output(&b, 3);
	hal_build_nested_end(&b, check);
	hal_build_output(&b, 4);

	struct hal_program *p = finish(&b);
	char text[3000], want[3000] = "sample(probability=50%,output(9),clone(";

	for (unsigned i = 0; i < 100; i++)
		strcat(want, "dec_ttl,");
	strcat(want, "clone(drop))),check_pkt_len(size=1500,gt(output(1)),"
		     "le(output(2),output(3))),output(4)");
	hal_program_format(p, NULL, NULL, text, sizeof(text));
	EXPECT_TEXT(text, want);
	CU_ASSERT_EQUAL(p->n_outputs, 1);
	unsigned steps = 0;
	ACTION_FOR_EACH (a, p) {
		steps++;
		EXPECT(a->pad == 0, "no trace of the building is left");
	}
	CU_ASSERT_EQUAL(steps, 3);
	free(p);
}

/* One list or the other of CHECK_PKT_LEN may be empty. */
static void test_empty_lists(void)
{
	struct hal_builder b;
	uint32_t at;

	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 100);
	hal_build_nested_else(&b, at);
	hal_build_output(&b, 2);
	hal_build_nested_end(&b, at);
	expect_program(&b, "check_pkt_len(size=100,gt(drop),le(output(2)))", 0);
	at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 100);
	hal_build_output(&b, 2);
	hal_build_nested_end(&b, at);
	expect_program(&b, "check_pkt_len(size=100,gt(output(2)),le(drop))", 0);
}

static void test_ct(void)
{
	struct hal_builder b;
	struct hal_act_ct *ct;

	hal_builder_init(&b);
	ct = hal_builder_add(&b, ACTION_CT, sizeof(*ct));
	ct->zone = 7;
	ct->flags = HAL_CT_COMMIT | HAL_CT_NAT;
	ct->mark = 1;
	ct->mark_mask = 0xf;
	ct->label[15] = 2;
	ct->label_mask[15] = 2;
	ct->nat_flags = HAL_NAT_SRC | HAL_NAT_PERSISTENT;
	memcpy(ct->nat_min, (uint8_t[]){10, 0, 0, 1}, 4);
	memcpy(ct->nat_max, (uint8_t[]){10, 0, 0, 9}, 4);
	ct->nat_port_min = 1000;
	ct->nat_port_max = 2000;
	expect_program(&b,
		"ct(commit,zone=7,ct_mark=0x1/0xf,ct_label=0x2/0x2,"
		"nat(src=10.0.0.1-10.0.0.9:1000-2000,persistent))",
		0);
}

static void test_tunnel(void)
{
	struct hal_builder b;
	struct hal_act_tunnel_push *t;
	struct hal_act_tunnel_pop *pop;

	hal_builder_init(&b);
	t = hal_builder_add(&b, ACTION_TUNNEL_PUSH, sizeof(*t) + 3);
	t->port = 6;
	t->type = HAL_TUNNEL_GENEVE;
	t->header_len = 3;
	memcpy(t->header, (uint8_t[]){1, 2, 0xff}, 3);
	expect_program(&b, "tunnel_push(6,geneve,header=0102ff)", 0);
	pop = hal_builder_add(&b, ACTION_TUNNEL_POP, sizeof(*pop));
	pop->port = 6;
	expect_program(&b, "tunnel_pop(6)", 0);
}

/* Every step has a name and can be printed. */
static void test_names(void)
{
	for (unsigned type = 0; type < ACTION_MAX; type++) {
		struct hal_builder b;
		struct hal_program *p;
		const char *name = hal_action_name((enum hal_action_type)type);
		char text[600];

		hal_builder_init(&b);
		hal_builder_add(&b, (enum hal_action_type)type, sizeof(struct hal_act_ct));
		p = finish(&b);
		hal_program_format(p, NULL, NULL, text, sizeof(text));
		EXPECT(!strncmp(text, name, strlen(name)), text);
		for (unsigned other = 0; other < type; other++)
			EXPECT(strcmp(name, hal_action_name((enum hal_action_type)other)), name);
		free(p);
	}
}

static const char *name_of(void *ctx, uint32_t port)
{
	return port == *(uint32_t *)ctx ? "eth0" : NULL;
}

static void test_port_names(void)
{
	struct hal_builder b;
	struct hal_program *p;
	uint32_t known = 5;
	char text[100];

	hal_builder_init(&b);
	hal_build_output(&b, 5);
	hal_build_output(&b, 6);
	p = finish(&b);
	hal_program_format(p, name_of, &known, text, sizeof(text));
	EXPECT_TEXT(text, "output(eth0),output(6)");
	free(p);
}

static void test_equal(void)
{
	struct hal_program *p[3];

	for (unsigned i = 0; i < 3; i++) {
		struct hal_builder b;

		hal_builder_init(&b);
		hal_build_output(&b, i == 2);
		hal_build_plain(&b, ACTION_POP_VLAN);
		p[i] = finish(&b);
	}
	CU_ASSERT_TRUE(hal_program_equal(p[0], p[1]));
	CU_ASSERT_FALSE(hal_program_equal(p[0], p[2]));
	p[1]->len -= sizeof(struct hal_action);
	CU_ASSERT_FALSE(hal_program_equal(p[0], p[1]));
	for (unsigned i = 0; i < 3; i++)
		free(p[i]);
}

static void test_too_big(void)
{
	struct hal_builder b;
	unsigned n = 0;
	uint32_t at;

	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	while (!b.error && n < 100000) {
		hal_build_output(&b, 1);
		n++;
	}
	CU_ASSERT_EQUAL(b.error, -E2BIG);
	CU_ASSERT(n > HAL_PROGRAM_MAX / 16 - 3);
	hal_build_nested_end(&b, at);
	CU_ASSERT_PTR_NULL(hal_builder_add(&b, ACTION_POP_VLAN, 8));
	CU_ASSERT_PTR_NULL(hal_builder_finish(&b));
	CU_ASSERT_EQUAL(b.error, -E2BIG);
	hal_builder_clear(&b);
	CU_ASSERT_EQUAL(b.error, 0);
	hal_build_set(&b, FIELD_TUN_METADATA, (const uint8_t[HAL_VALUE_MAX]){0}, NULL);
	CU_ASSERT_EQUAL(b.error, -EINVAL);
	hal_builder_clear(&b);
	hal_build_set(&b, FIELD_METADATA, (const uint8_t[8]){0}, NULL);
	CU_ASSERT_EQUAL(b.error, -EINVAL);
	hal_builder_clear(&b);
}

CU_TestInfo action_tests[] = {
	{"an empty program drops", test_empty},
	{"steps", test_steps},
	{"nested lists", test_nesting},
	{"empty nested lists", test_empty_lists},
	{"conntrack and NAT", test_ct},
	{"tunnels", test_tunnel},
	{"every step has a name", test_names},
	{"port names", test_port_names},
	{"equality", test_equal},
	{"limits", test_too_big},
	CU_TEST_INFO_NULL,
};
