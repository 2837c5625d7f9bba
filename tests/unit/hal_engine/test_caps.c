/* SPDX-License-Identifier: Apache-2.0
 *
 * Static checks: each thing that a device lacks is refused by its name.
 */
#include "test_hal_engine.h"

static struct hal_key key, mask;
static struct hal_builder b;
static struct hal_caps caps;
static struct hal_reason r;

/* Matches an IPv4 packet from port 3, and can do everything. */
static void fresh(void)
{
	caps = *fake_caps(fake_get("caps"));
	strcpy(caps.name, "test");
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	hal_field_set_u64(FIELD_DP_PORT, &key, 3);
	hal_field_set_u64(FIELD_DP_PORT, &mask, UINT32_MAX);
	hal_field_set_u64(FIELD_ETH_TYPE, &key, 0x0800);
	hal_field_set_u64(FIELD_ETH_TYPE, &mask, 0xffff);
	hal_builder_init(&b);
}

static int check(uint32_t chain)
{
	struct hal_rule rule = {.chain = chain};
	struct hal_cmatch *m = hal_cmatch_new_dp(&key, &mask);
	struct hal_program *p = hal_builder_finish(&b);
	int err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	rule.match = m;
	rule.program = p;
	err = hal_caps_check(&caps, &rule, &r);
	CU_ASSERT_EQUAL(err != 0, r.code != HAL_REASON_NONE);
	CU_ASSERT_EQUAL(hal_caps_check(&caps, &rule, NULL), err);
	free(m);
	free(p);
	return err;
}

#define REFUSED(CODE, FIELD_ID, ACTION_ID)                                    \
	do {                                                                  \
		CU_ASSERT_EQUAL(r.code, HAL_REASON_##CODE);                   \
		CU_ASSERT_EQUAL(r.field, (enum hal_field_id)(FIELD_ID));      \
		CU_ASSERT_EQUAL(r.action, (enum hal_action_type)(ACTION_ID)); \
	} while (0)

static void test_mask_kinds(void)
{
	uint8_t m[16] = {0};

	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_IPV4_SRC, m), 0);
	m[0] = 0xff, m[1] = 0x80;
	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_IPV4_SRC, m), HAL_MATCH_PREFIX);
	m[3] = 1;
	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_IPV4_SRC, m), HAL_MATCH_ANY);
	memset(m, 0xff, 4);
	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_IPV4_SRC, m), HAL_MATCH_EXACT);
	m[0] = 0x1f, m[1] = 0xff; /* 13 bits in two bytes */
	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_VLAN_VID, m), HAL_MATCH_EXACT);
	m[0] = 0x10, m[1] = 0;
	CU_ASSERT_EQUAL(hal_mask_kind(FIELD_VLAN_VID, m), HAL_MATCH_PREFIX);
}

static void test_every_field_is_judged(void)
{
	static const enum hal_field_id ids[] = {FIELD_DP_PORT, FIELD_ETH_TYPE, FIELD_IPV4_DST};

	for (unsigned i = 0; i < 3; i++) {
		fresh();
		hal_field_set_u64(FIELD_IPV4_DST, &key, 0x0a000000);
		hal_field_set_u64(FIELD_IPV4_DST, &mask, 0xff000000);
		caps.match[ids[i]] = 0;
		CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
		REFUSED(UNSUPPORTED_FIELD, ids[i], ACTION_MAX);
	}
	fresh();
	CU_ASSERT_EQUAL(check(0), 0);
}

static void test_masks(void)
{
	static const struct {
		uint32_t mask;
		uint8_t can;
		bool ok;
	} t[] = {
		{0xffffffff, HAL_MATCH_EXACT, true},
		{0xffffffff, HAL_MATCH_PREFIX, true},
		{0xffffffff, HAL_MATCH_ANY, true},
		{0xffff0000, HAL_MATCH_EXACT, false},
		{0xffff0000, HAL_MATCH_PREFIX, true},
		{0xffff0000, HAL_MATCH_ANY, true},
		{0xff00ff00, HAL_MATCH_EXACT, false},
		{0xff00ff00, HAL_MATCH_EXACT | HAL_MATCH_PREFIX, false},
		{0xff00ff00, HAL_MATCH_ANY, true},
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fresh();
		hal_field_set_u64(FIELD_IPV4_SRC, &mask, t[i].mask);
		caps.match[FIELD_IPV4_SRC] = t[i].can;
		CU_ASSERT_EQUAL(check(0), t[i].ok ? 0 : -EOPNOTSUPP);
		if (!t[i].ok)
			REFUSED(UNSUPPORTED_MASK, FIELD_IPV4_SRC, ACTION_MAX);
	}
}

/* Bits that no field names must not make a wider rule. */
static void test_unnamed_bits(void)
{
	fresh();
	memset(&mask.reserved, 0xff, sizeof(mask.reserved));
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_FIELD);
}

static void test_actions(void)
{
	fresh();
	hal_build_output(&b, 1);
	hal_build_plain(&b, ACTION_POP_VLAN);
	caps.action[ACTION_POP_VLAN] = false;
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_ACTION, FIELD_INVALID, ACTION_POP_VLAN);

	fresh(); /* nested, in the second list */
	uint32_t at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 1500);

	hal_build_output(&b, 1);
	hal_build_nested_else(&b, at);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_nested_end(&b, at);
	caps.action[ACTION_DEC_TTL] = false;
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_ACTION, FIELD_INVALID, ACTION_DEC_TTL);
}

static void test_set(void)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, part[6] = {0xff, 0xff, 0xff, 0, 0, 0};

	fresh();
	hal_build_set(&b, FIELD_ETH_SRC, mac, NULL);
	caps.set[FIELD_ETH_SRC] = false;
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_ACTION, FIELD_ETH_SRC, ACTION_SET);

	fresh();
	hal_build_set(&b, FIELD_ETH_SRC, mac, part);
	caps.set_masked = false;
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_ACTION, FIELD_ETH_SRC, ACTION_SET);

	fresh();
	hal_build_set(&b, FIELD_ETH_SRC, mac, NULL);
	caps.set_masked = false;
	CU_ASSERT_EQUAL(check(0), 0);
}

static void test_limits(void)
{
	fresh();
	caps.max_outputs = 2;
	for (unsigned i = 1; i <= 2; i++)
		hal_build_output(&b, i);
	CU_ASSERT_EQUAL(check(0), 0);
	fresh();
	caps.max_outputs = 2;
	for (unsigned i = 1; i <= 3; i++)
		hal_build_output(&b, i);
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_COMBINATION, FIELD_INVALID, ACTION_OUTPUT);
	fresh();
	caps.max_actions = 1;
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_COMBINATION, FIELD_INVALID, ACTION_OUTPUT);
}

/* Each step that refers to an object, and the object. */
static void test_objects(void)
{
	static const struct {
		enum hal_action_type action;
		enum hal_object_type object;
		size_t len;
	} steps[] = {
		{ACTION_METER, HAL_OBJECT_METER, sizeof(struct hal_act_meter)},
		{ACTION_CT, HAL_OBJECT_CONNECTION, sizeof(struct hal_act_ct)},
		{ACTION_TUNNEL_PUSH, HAL_OBJECT_TUNNEL, sizeof(struct hal_act_tunnel_push)},
		{ACTION_TUNNEL_POP, HAL_OBJECT_TUNNEL, sizeof(struct hal_act_tunnel_pop)},
		{ACTION_GROUP, HAL_OBJECT_GROUP, sizeof(struct hal_act_object)},
		{ACTION_MIRROR, HAL_OBJECT_MIRROR, sizeof(struct hal_act_object)},
	};
	void *step;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (unsigned depth = 0; depth < 3; depth++) {
			uint32_t at[2];

			fresh();
			caps.object[steps[i].object] = false;
			for (unsigned d = 0; d < depth; d++)
				at[d] = hal_build_nested_begin(
					&b, d ? ACTION_SAMPLE : ACTION_CHECK_PKT_LEN, 100);
			hal_builder_add(&b, steps[i].action, steps[i].len);
			for (unsigned d = depth; d-- > 0;)
				hal_build_nested_end(&b, at[d]);
			CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
			REFUSED(UNSUPPORTED_ACTION, FIELD_INVALID, steps[i].action);
			CU_ASSERT_PTR_NOT_NULL(strstr(r.text, hal_object_name(steps[i].object)));
		}
		if (steps[i].action == ACTION_TUNNEL_PUSH) {
			fresh();
			hal_builder_add(&b, ACTION_TUNNEL_PUSH, steps[i].len);
			CU_ASSERT_EQUAL(check(0), -EAGAIN); /* to nobody knows where */
		}
		fresh();
		step = hal_builder_add(&b, steps[i].action, steps[i].len + 8);
		if (steps[i].action == ACTION_TUNNEL_PUSH)
			((struct hal_act_tunnel_push *)step)->header_len = 8;
		CU_ASSERT_EQUAL(check(0), 0);
	}
}

static void test_outputs_by_group(void)
{
	uint32_t at;

	fresh();
	caps.outputs_by_group = true;
	hal_build_output(&b, 1);
	CU_ASSERT_EQUAL(check(0), 0);
	fresh();
	caps.outputs_by_group = true;
	hal_build_output(&b, 1);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_output(&b, 2);
	hal_build_nested_end(&b, at);
	CU_ASSERT_EQUAL(check(0), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_COMBINATION, FIELD_INVALID, ACTION_OUTPUT);
}

static void test_chains(void)
{
	fresh();
	caps.chains = false;
	CU_ASSERT_EQUAL(check(7), -EOPNOTSUPP);
	REFUSED(UNSUPPORTED_FIELD, FIELD_RECIRC_ID, ACTION_MAX);
	fresh(); /* the chain's own id needs no match capability */
	hal_field_set_u64(FIELD_RECIRC_ID, &key, 7);
	hal_field_set_u64(FIELD_RECIRC_ID, &mask, UINT32_MAX);
	caps.match[FIELD_RECIRC_ID] = 0;
	CU_ASSERT_EQUAL(check(7), 0);
}

void caps_suite(void)
{
	CU_pSuite s = CU_add_suite("caps", NULL, NULL);

	CU_add_test(s, "kinds of masks", test_mask_kinds);
	CU_add_test(s, "every field is judged", test_every_field_is_judged);
	CU_add_test(s, "exact, prefix and any", test_masks);
	CU_add_test(s, "bits without a field", test_unnamed_bits);
	CU_add_test(s, "actions, nested too", test_actions);
	CU_add_test(s, "set fields", test_set);
	CU_add_test(s, "limits", test_limits);
	CU_add_test(s, "chains", test_chains);
	CU_add_test(s, "objects", test_objects);
	CU_add_test(s, "outputs by group", test_outputs_by_group);
}
