/* SPDX-License-Identifier: Apache-2.0
 *
 * Capabilities, statistics, and checks that change nothing.
 */
#include "contract.h"

static void caps_are_sane(struct contract *ct)
{
	const struct hal_caps *c = &ct->caps;
	unsigned fields = 0;

	EXPECT(ct, c->name[0]);
	EXPECT(ct, memchr(c->name, '\0', sizeof(c->name)));
	EXPECT(ct, c->counter_bits <= 64);
	EXPECT(ct, !c->counts_packets || c->counter_bits >= 8);
	EXPECT(ct, c->max_rules > 0);
	for (enum hal_field_id id = 0; id < FIELD_MAX; id++) {
		EXPECT(ct, !(c->match[id] & ~(HAL_MATCH_EXACT | HAL_MATCH_PREFIX | HAL_MATCH_ANY)));
		if (c->match[id])
			EXPECT(ct, hal_field_is_dp(id));
		if (c->set[id])
			EXPECT(ct, hal_field_is_dp(id) && c->action[ACTION_SET]);
		fields += c->match[id] != 0;
	}
	EXPECT(ct, fields > 0);
	EXPECT(ct, c->match[FIELD_DP_PORT] & HAL_MATCH_EXACT);
	EXPECT(ct, c->action[ACTION_OUTPUT]);
	EXPECT(ct, !c->action[ACTION_RECIRC] || c->chains || c->resumes);
}

static void stats_are_sane(struct contract *ct)
{
	struct hal_device_stats st = {0};
	int err = ct->drv.stats(ct->dev, &st);

	if (err == -EOPNOTSUPP) {
		contract_skip(ct, "the driver has no statistics");
		return;
	}
	EXPECT(ct, !err);
	EXPECT(ct, st.alive);
	EXPECT(ct, st.rules == 0);
	EXPECT(ct, st.max_rules == 0 || st.max_rules <= ct->caps.max_rules);
	EXPECT(ct, st.ports <= PORTS);
}

static void check_changes_nothing(struct contract *ct)
{
	struct hal_completion c;
	struct hal_reason r;
	struct hal_rule rule;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	for (unsigned i = 0; i < 10; i++) {
		EXPECT(ct, !hal_caps_check(&ct->caps, &rule, &r));
		EXPECT(ct, !ct->drv.check(ct->dev, &rule, &r));
		EXPECT(ct, !ct->drv.check(ct->dev, &rule, NULL));
	}
	EXPECT(ct, contract_look(ct, &rule).n == 0);
	EXPECT(ct, ct->drv.poll(ct->dev, &c, 1) == 0);
	contract_rule_free(&rule);
}

struct named {
	enum hal_field_id id;
	bool only;
};

static int name_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct named *n = ctx;

	(void)value, (void)mask;
	n->only &= id == n->id;
	return 0;
}

/* Fields that share their bits are told apart by other fields, which are not set here. */
static bool stands_alone(
	enum hal_field_id id, const struct hal_key *key, const struct hal_key *mask)
{
	struct named n = {id, true};

	hal_match_fields(key, mask, sizeof(*key), name_field, &n);
	return n.only;
}

/* Every field and action that the device lacks is refused by its name. */
static void refusals_name_fields(struct contract *ct)
{
	unsigned tried = 0;

	for (enum hal_field_id id = 0; id < FIELD_MAX; id++) {
		struct hal_key key = {0}, mask = {0};
		uint8_t ones[HAL_VALUE_MAX];
		struct hal_rule rule;
		struct hal_reason r;

		if (!hal_field_is_dp(id) || ct->caps.match[id] || id == FIELD_RECIRC_ID)
			continue;
		memset(ones, 0xff, sizeof(ones));
		hal_field_set(id, &mask, ones, NULL);
		if (!stands_alone(id, &key, &mask))
			continue;
		contract_rule(ct, &rule, 1, BASE_PORT + 1);
		free((void *)(uintptr_t)rule.match);
		rule.match = hal_cmatch_new_dp(&key, &mask);
		EXPECT(ct, hal_caps_check(&ct->caps, &rule, &r) == -EOPNOTSUPP);
		EXPECT(ct, r.code == HAL_REASON_UNSUPPORTED_FIELD && r.field == id && r.text[0]);
		contract_rule_free(&rule);
		tried++;
	}
	if (!tried)
		contract_skip(ct, "the device matches every field");
}

static void refusals_name_actions(struct contract *ct)
{
	static const enum hal_action_type plain[] = {
		ACTION_POP_VLAN, ACTION_POP_PBB, ACTION_DEC_TTL, ACTION_CT_CLEAR};
	unsigned tried = 0;

	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct hal_rule rule;
		struct hal_builder b;
		struct hal_reason r;

		if (ct->caps.action[plain[i]])
			continue;
		contract_rule(ct, &rule, 1, BASE_PORT + 1);
		free((void *)(uintptr_t)rule.program);
		hal_builder_init(&b);
		hal_build_plain(&b, plain[i]);
		hal_build_output(&b, BASE_PORT + 1);
		rule.program = hal_builder_finish(&b);
		EXPECT(ct, hal_caps_check(&ct->caps, &rule, &r) == -EOPNOTSUPP);
		EXPECT(ct, r.code == HAL_REASON_UNSUPPORTED_ACTION && r.action == plain[i]);
		contract_rule_free(&rule);
		tried++;
	}
	if (!tried)
		contract_skip(ct, "the device has every action");
}

/* A rule may not send where the device has no port. */
static void unbound_output_is_refused(struct contract *ct)
{
	struct hal_rule rule;
	struct hal_reason r;
	int err;

	contract_rule(ct, &rule, 1, BASE_PORT + 1000);
	hal_reason_clear(&r);
	err = ct->drv.check(ct->dev, &rule, &r);
	if (!err) {
		contract_skip(ct, "the driver leaves ports to its caller");
	} else {
		EXPECT(ct, r.code == HAL_REASON_UNBOUND_PORT);
		EXPECT(ct, r.port == BASE_PORT + 1000);
	}
	contract_rule_free(&rule);
}

const struct contract_check contract_open_checks[] = {
	{"capabilities are sane", caps_are_sane},
	{"statistics are sane", stats_are_sane},
	{"check changes nothing", check_changes_nothing},
	{"refusals name the field", refusals_name_fields},
	{"refusals name the action", refusals_name_actions},
	{"an output to an unbound port is refused", unbound_output_is_refused},
	{0},
};
