/* SPDX-License-Identifier: Apache-2.0
 *
 * What single steps become, and what is refused by name.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "drivers/tc/tc.h"
#include "test_tc.h"

static struct hal_reason refusal(const struct hal_match *m, struct hal_builder *b)
{
	struct hal_program *p = hal_builder_finish(b);
	struct nlattr *list;
	struct hal_reason r;
	struct nl_msg *msg;

	CU_ASSERT_NOT_EQUAL(test_encode(m, p, &msg, &list, &r), 0);
	CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
	free(p);
	nlmsg_free(msg);
	return r;
}

/* ---- meters ---- */

static void check_meter_program(struct hal_builder *b, unsigned n_actions)
{
	struct hal_program *p = hal_builder_finish(b), *back = NULL;
	struct nlattr *list = NULL, *one, *a[TCA_ACT_MAX + 1];
	struct hal_match m = {0};
	struct hal_reason r;
	struct nl_msg *msg;
	unsigned n = 0;
	int left;

	CU_ASSERT_EQUAL_FATAL(test_encode(&m, p, &msg, &list, &r), 0);
	nla_for_each_nested(one, list, left)
	{
		CU_ASSERT_EQUAL_FATAL(nla_parse_nested(a, TCA_ACT_MAX, one, NULL), 0);
		/* What is shared keeps its own cookie; the kernel counts by the first action. */
		CU_ASSERT(a[TCA_ACT_COOKIE] || nla_strcmp(a[TCA_ACT_KIND], "police") == 0 || n);
		if (!n && test_env.by_kernel)
			CU_ASSERT_NOT_EQUAL(nla_strcmp(a[TCA_ACT_KIND], "police"), 0);
		n++;
	}
	CU_ASSERT_EQUAL(n, n_actions);
	CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, &m, &test_env, &back), 0);
	CU_ASSERT(hal_program_equal(p, back));
	free(back);
	free(p);
	nlmsg_free(msg);
}

static void meters_are_shared_policers(void)
{
	struct hal_builder b;

	for (unsigned by_kernel = 0; by_kernel < 2; by_kernel++) {
		test_env.by_kernel = by_kernel;
		hal_builder_init(&b);
		test_add_meter(&b, 7);
		hal_build_output(&b, 1);
		check_meter_program(&b, by_kernel ? 4 : 2);
		/* Dropped then, and counted by the meter all the same. */
		hal_builder_init(&b);
		test_add_meter(&b, 7);
		check_meter_program(&b, by_kernel ? 4 : 2);
		hal_builder_init(&b);
		hal_build_output(&b, 1);
		test_add_meter(&b, 7);
		test_add_meter(&b, 8);
		check_meter_program(&b, by_kernel ? 6 : 4);
	}
}

/* ---- labels ---- */

/* An IP packet with `tags` tags that are known, and no more. */
static void match_ip(struct hal_match *m, unsigned tags)
{
	*m = (struct hal_match){0};
	m->value.dp.eth_type = RTE_BE16(ETH_P_IP);
	m->mask.dp.eth_type = RTE_BE16(0xffff);
	memset(&m->mask.dp.vlan, 0xff, sizeof(m->mask.dp.vlan));
	for (unsigned i = 0; i < tags; i++)
		m->value.dp.vlan[i] =
			(struct hal_vlan){RTE_BE16(ETH_P_8021Q), RTE_BE16(HAL_VLAN_PRESENT)};
}

static void push_mpls(struct hal_builder *b, uint32_t lse)
{
	struct hal_act_mpls *push = hal_builder_add(b, ACTION_PUSH_MPLS, sizeof(*push));

	push->eth_type = RTE_BE16(ETH_P_MPLS_UC);
	push->lse = rte_cpu_to_be_32(lse);
}

static void pop_mpls(struct hal_builder *b, uint16_t eth_type)
{
	struct hal_act_mpls *pop = hal_builder_add(b, ACTION_POP_MPLS, sizeof(*pop));

	pop->eth_type = rte_cpu_to_be_16(eth_type);
}

static void recirc_to(struct hal_builder *b, uint32_t id)
{
	((struct hal_act_recirc *)hal_builder_add(b, ACTION_RECIRC, sizeof(struct hal_act_recirc)))
		->id = id;
}

static void check_comes_back(const struct hal_match *m, struct hal_builder *b)
{
	struct hal_program *p = hal_builder_finish(b), *back = NULL;
	struct nlattr *list = NULL;
	struct hal_reason r;
	struct nl_msg *msg;

	CU_ASSERT_EQUAL_FATAL(test_encode(m, p, &msg, &list, &r), 0);
	CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, m, &test_env, &back), 0);
	CU_ASSERT(hal_program_equal(p, back));
	free(back);
	free(p);
	nlmsg_free(msg);
}

static void labels_stand_behind_one_tag(void)
{
	struct hal_builder b;
	struct hal_match m;

	for (unsigned tags = 0; tags < 3; tags++) {
		match_ip(&m, tags);
		hal_builder_init(&b);
		push_mpls(&b, 0x10040);
		push_mpls(&b, 0x20140);
		pop_mpls(&b, ETH_P_MPLS_UC);
		pop_mpls(&b, ETH_P_IP);
		hal_build_output(&b, 1);
		if (tags < 2) {
			check_comes_back(&m, &b);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(refusal(&m, &b).text, "one tag"));
		/* With one of them off. */
		hal_builder_init(&b);
		hal_build_plain(&b, ACTION_POP_VLAN);
		push_mpls(&b, 0x10140);
		hal_build_output(&b, 1);
		CU_ASSERT_EQUAL(refusal(&m, &b).action, ACTION_PUSH_MPLS);
	}
}

static void what_labels_cannot_be(void)
{
	static const uint8_t ones[HAL_VALUE_MAX] = {0xff, 0xff, 0xff, 0xff};
	struct hal_reason r;
	struct hal_builder b;
	struct hal_match m;

	match_ip(&m, 0);
	hal_builder_init(&b);
	push_mpls(&b, 3u << 12 | 0x140);
	hal_build_output(&b, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(&m, &b).text, "label 3"));
	hal_builder_init(&b);
	push_mpls(&b, 5u << 12 | 0x100);
	hal_build_output(&b, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(&m, &b).text, "TTL of 0"));
	hal_builder_init(&b);
	pop_mpls(&b, ETH_P_IP);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.action == ACTION_POP_MPLS && strstr(r.text, "no labels"));
	/* What is behind a label is not looked into, and what comes out is not known. */
	m.mask.dp.ip_frag = 3;
	hal_builder_init(&b);
	push_mpls(&b, 0x10140);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(refusal(&m, &b).field, FIELD_IPV4_SRC);
	hal_builder_init(&b);
	push_mpls(&b, 0x10140);
	pop_mpls(&b, ETH_P_IP);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(refusal(&m, &b).field, FIELD_IPV4_SRC);
	/* A length is no EtherType. */
	m.value.dp.eth_type = RTE_BE16(0x5ff);
	hal_builder_init(&b);
	push_mpls(&b, 0x10140);
	hal_build_output(&b, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(&m, &b).text, "EtherType"));
}

static void check_jump(const struct hal_match *m, struct hal_builder *b, bool refused)
{
	if (!refused) {
		check_comes_back(m, b);
		return;
	}
	CU_ASSERT_EQUAL(refusal(m, b).action, ACTION_RECIRC);
}

/* The kernel counts bytes as packets came, and another chain does not know how they came. */
static void chains_count_what_came(void)
{
	struct hal_builder b;
	struct hal_match m;

	for (unsigned by_kernel = 0; by_kernel < 2; by_kernel++) {
		test_env.by_kernel = by_kernel;
		match_ip(&m, 1);
		hal_builder_init(&b);
		hal_build_plain(&b, ACTION_POP_VLAN); /* that is made up for */
		recirc_to(&b, 4);
		check_comes_back(&m, &b);
		hal_builder_init(&b);
		push_mpls(&b, 0x10140);
		recirc_to(&b, 4);
		check_jump(&m, &b, by_kernel);
		match_ip(&m, 2);
		hal_builder_init(&b);
		hal_build_plain(&b, ACTION_POP_VLAN);
		recirc_to(&b, 4);
		check_jump(&m, &b, by_kernel);
	}
}

/* ---- refusals ---- */

static void refusals_name_the_step(void)
{
	static const uint8_t ones[HAL_VALUE_MAX] = {0xff, 0xff, 0xff, 0xff};
	struct hal_match m = {0};
	struct hal_builder b;
	struct hal_reason r;

	hal_builder_init(&b);
	hal_build_output(&b, 200);
	r = refusal(&m, &b);
	CU_ASSERT(r.code == HAL_REASON_UNBOUND_PORT && r.port == 200);

	hal_builder_init(&b);
	hal_build_plain(&b, ACTION_POP_PBB);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.code == HAL_REASON_UNSUPPORTED_ACTION && r.action == ACTION_POP_PBB);

	/* Addresses of what may be a fragment: sums would go wrong. */
	m.mask.dp.eth_type = RTE_BE16(0xffff);
	m.value.dp.eth_type = RTE_BE16(ETH_P_IP);
	memset(&m.mask.dp.vlan, 0xff, sizeof(m.mask.dp.vlan));
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT_EQUAL(r.field, FIELD_IPV4_SRC);

	/* Behind two tags the kernel writes to the wrong place. */
	m.mask.dp.ip_frag = 3;
	m.value.dp.vlan[0].tpid = m.value.dp.vlan[1].tpid = RTE_BE16(ETH_P_8021Q);
	test_env.by_kernel = true;
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.action == ACTION_SET && strstr(r.text, "two tags"));

	/* A jump is the end. */
	hal_builder_init(&b);
	((struct hal_act_recirc *)hal_builder_add(&b, ACTION_RECIRC, sizeof(struct hal_act_recirc)))
		->id = 7;
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT_EQUAL(r.action, ACTION_RECIRC);
}

static void writing_keeps_its_order(void)
{
	const uint8_t ones[HAL_VALUE_MAX] = {0xff}, five[HAL_VALUE_MAX] = {5},
		      nine[HAL_VALUE_MAX] = {9};
	struct hal_match m;
	struct hal_builder b;

	test_env.by_kernel = true;
	match_ip(&m, 0);
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IP_TTL, five, ones);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 1);
	hal_build_set(&b, FIELD_IP_TTL, nine, ones);
	hal_build_output(&b, 2);
	check_comes_back(&m, &b);
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IP_TTL, five, ones);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_set(&b, FIELD_IP_TTL, nine, ones);
	hal_build_output(&b, 1);
	check_comes_back(&m, &b);
}

static void a_tag_is_known_again_once_it_is_the_outermost(void)
{
	const uint8_t vid[HAL_VALUE_MAX] = {0x10, 9}, all[HAL_VALUE_MAX] = {0x1f, 0xff};
	struct hal_match m;
	struct hal_builder b;

	match_ip(&m, 1);
	memset(&m.mask.dp.vlan[1], 0, sizeof(m.mask.dp.vlan[1]));
	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(ETH_P_8021AD), RTE_BE16(5));
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_set(&b, FIELD_VLAN_VID, vid, all);
	hal_build_output(&b, 1);
	check_comes_back(&m, &b);
}

/* As the kernel was seen to do: it writes, and leaves the sum as it was. */
static void sums_are_not_put_right_behind_two_tags(void)
{
	struct hal_reason r;
	struct hal_match m;
	struct hal_builder b;

	test_env.by_kernel = true;
	match_ip(&m, 1);
	hal_builder_init(&b);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_push_vlan(&b, RTE_BE16(ETH_P_8021AD), RTE_BE16(5));
	hal_build_output(&b, 1);
	check_comes_back(&m, &b);
	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(ETH_P_8021AD), RTE_BE16(5));
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.action == ACTION_DEC_TTL && strstr(r.text, "second tag"));
	match_ip(&m, 0);
	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(ETH_P_8021AD), RTE_BE16(5));
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 1);
	check_comes_back(&m, &b);
}

static void set(struct hal_builder *b, enum hal_field_id field, uint8_t high, uint8_t low)
{
	const uint8_t value[] = {high, low};

	hal_build_set(b, field, value, NULL);
}

/* How often the actions write, push or pop a tag. */
static unsigned vlan_actions(const struct hal_match *m, struct hal_builder *b)
{
	struct hal_program *p = hal_builder_finish(b);
	struct nlattr *list, *one, *a[TCA_ACT_MAX + 1];
	struct hal_reason r;
	struct nl_msg *msg;
	unsigned n = 0;
	int left;

	CU_ASSERT_EQUAL_FATAL(test_encode(m, p, &msg, &list, &r), 0);
	nla_for_each_nested(one, list, left)
	{
		CU_ASSERT_EQUAL_FATAL(nla_parse_nested(a, TCA_ACT_MAX, one, NULL), 0);
		n += nla_strcmp(a[TCA_ACT_KIND], "vlan") == 0;
	}
	free(p);
	nlmsg_free(msg);
	return n;
}

/* Neither the id nor the priority of the tag is known before both were written. */
static void a_tag_is_written_as_a_whole(void)
{
	struct hal_builder b;
	struct hal_match m;

	match_ip(&m, 1);
	m.mask.dp.vlan[0].tci = RTE_BE16(HAL_VLAN_PRESENT);
	hal_builder_init(&b);
	set(&b, FIELD_VLAN_VID, HAL_VLAN_PRESENT >> 8, 5);
	set(&b, FIELD_VLAN_PCP, 3, 0);
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(vlan_actions(&m, &b), 1);
	hal_builder_init(&b);
	set(&b, FIELD_VLAN_VID, HAL_VLAN_PRESENT >> 8, 5);
	hal_build_output(&b, 1);
	set(&b, FIELD_VLAN_PCP, 3, 0);
	hal_build_output(&b, 2);
	CU_ASSERT_EQUAL(refusal(&m, &b).field, FIELD_VLAN_VID);
	/* What is written to a tag that goes is for nobody. */
	hal_builder_init(&b);
	set(&b, FIELD_VLAN_VID, HAL_VLAN_PRESENT >> 8, 5);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(vlan_actions(&m, &b), 1);
}

void add_step_suite(void)
{
	CU_pSuite s = CU_add_suite("steps", NULL, NULL);

	CU_add_test(s, "meters are shared policers", meters_are_shared_policers);
	CU_add_test(s, "labels stand behind one tag", labels_stand_behind_one_tag);
	CU_add_test(s, "what labels cannot be", what_labels_cannot_be);
	CU_add_test(s, "chains count what came", chains_count_what_came);
	CU_add_test(s, "refusals name the step", refusals_name_the_step);
	CU_add_test(s, "writing keeps its order", writing_keeps_its_order);
	CU_add_test(s, "a tag is known again once it is the outermost",
		a_tag_is_known_again_once_it_is_the_outermost);
	CU_add_test(s, "a tag is written as a whole", a_tag_is_written_as_a_whole);
	CU_add_test(s, "sums are not put right behind two tags",
		sums_are_not_put_right_behind_two_tags);
}
