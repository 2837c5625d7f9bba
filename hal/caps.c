/* SPDX-License-Identifier: Apache-2.0
 *
 * Static checks: what a device's capabilities alone decide about a rule.
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "hal/caps.h"
#include "hal/rule.h"
#include "hal/walk.h"

void hal_caps_need(
	const struct hal_need *need, unsigned n, const struct hal_key *key, struct hal_key *mask)
{
	uint64_t *to = (uint64_t *)mask;

	for (unsigned i = 0; i < n; i++) {
		const uint64_t *when = (const uint64_t *)&need[i].when;
		const uint64_t *bits = (const uint64_t *)&need[i].bits;
		uint64_t any = 0;

		if (need[i].eth_type && need[i].eth_type != key->eth_type)
			continue;
		for (unsigned w = 0; w < HAL_KEY_WORDS; w++)
			any |= to[w] & when[w];
		for (unsigned w = 0; any && w < HAL_KEY_WORDS; w++)
			to[w] |= bits[w];
	}
}

const char *hal_object_name(enum hal_object_type type)
{
	static const char *const names[HAL_OBJECT_MAX] = {
		[HAL_OBJECT_GROUP] = "group",
		[HAL_OBJECT_LAG] = "lag",
		[HAL_OBJECT_METER] = "meter",
		[HAL_OBJECT_MIRROR] = "mirror",
		[HAL_OBJECT_SAMPLER] = "sampler",
		[HAL_OBJECT_TUNNEL] = "tunnel",
		[HAL_OBJECT_VLAN_MEMBER] = "vlan_member",
		[HAL_OBJECT_FDB] = "fdb",
		[HAL_OBJECT_PORT_STATE] = "port_state",
		[HAL_OBJECT_CONNECTION] = "connection",
	};

	return (unsigned)type < HAL_OBJECT_MAX ? names[type] : "unknown";
}

/* Bit `i` of a field in wire form, counted from its most significant bit. */
static bool wire_bit(const uint8_t *wire, unsigned bytes, unsigned bits, unsigned i)
{
	unsigned at = bytes * 8 - bits + i;

	return wire[at / 8] >> (7 - at % 8) & 1;
}

uint8_t hal_mask_kind(enum hal_field_id id, const uint8_t *mask)
{
	unsigned bits = hal_fields[id].bits, bytes = hal_field_bytes(id), ones = 0, lead = 0;

	for (unsigned i = 0; i < bits; i++) {
		if (!wire_bit(mask, bytes, bits, i))
			continue;
		if (lead == i)
			lead++;
		ones++;
	}
	if (!ones)
		return 0;
	if (ones == bits)
		return HAL_MATCH_EXACT;
	return ones == lead ? HAL_MATCH_PREFIX : HAL_MATCH_ANY;
}

static const char *kind_name(uint8_t kind)
{
	return kind == HAL_MATCH_EXACT ? "exact" : kind == HAL_MATCH_PREFIX ? "prefix" : "any";
}

struct match_check {
	const struct hal_caps *caps;
	const struct hal_rule *rule;
	struct hal_reason *r;
	struct hal_key rest; /* mask bits that no field has accounted for yet */
};

/* A field takes its bits off what is left to account for. */
static void account(struct match_check *c, enum hal_field_id id, const uint8_t *mask)
{
	static const uint8_t zero[HAL_VALUE_MAX];

	hal_field_set(id, &c->rest, zero, mask);
}

static int check_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct match_check *c = ctx;
	uint8_t can = c->caps->match[id], kind = hal_mask_kind(id, mask);

	(void)value;
	account(c, id, mask);
	/* The id that leads to the chain is what the chain is; caps->chains has judged it. */
	if (id == FIELD_RECIRC_ID && c->rule->chain)
		return 0;
	if (!can)
		return hal_refuse_field(c->r, HAL_REASON_UNSUPPORTED_FIELD, id,
			"%s cannot match it", c->caps->name);
	/* A device that takes wider kinds takes narrower ones too. */
	if (can & HAL_MATCH_ANY)
		return 0;
	if (can & HAL_MATCH_PREFIX && (kind & (HAL_MATCH_EXACT | HAL_MATCH_PREFIX)))
		return 0;
	if (!(can & kind))
		return hal_refuse_field(c->r, HAL_REASON_UNSUPPORTED_MASK, id,
			"%s matches it %s only, not under %s mask", c->caps->name, kind_name(can),
			kind == HAL_MATCH_PREFIX ? "a prefix" : "an arbitrary");
	return 0;
}

/* Bits that hal_match_fields() named no field for: an honest refusal, not a wider rule. */
static int refuse_rest(const struct match_check *c)
{
	for (enum hal_field_id id = 0; id < FIELD_MAX; id++)
		if (hal_field_is_dp(id) && hal_field_any(id, &c->rest))
			return hal_refuse_field(c->r, HAL_REASON_UNSUPPORTED_FIELD, id,
				"the match has bits of it that make no whole field");
	return hal_refuse(
		c->r, HAL_REASON_UNSUPPORTED_FIELD, "the match has bits that belong to no field");
}

static int check_match(
	const struct hal_caps *caps, const struct hal_rule *rule, struct hal_reason *r)
{
	static const struct hal_key none;
	struct match_check c = {.caps = caps, .rule = rule, .r = r};
	struct hal_match m;
	int err;

	hal_cmatch_expand(rule->match, &m);
	if (rule->match->map[1])
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_FIELD,
			"the match has fields that exist only inside the pipeline");
	c.rest = m.mask.dp;
	err = hal_match_fields(&m.value.dp, &m.mask.dp, sizeof(struct hal_key), check_field, &c);
	if (err)
		return err;
	if (!caps->any_bits && memcmp(&c.rest, &none, sizeof(none)))
		return refuse_rest(&c);
	return 0;
}

struct action_check {
	const struct hal_caps *caps;
	struct hal_reason *r;
	unsigned steps, outputs;
};

static int check_set(struct action_check *c, const struct hal_act_set *set)
{
	enum hal_field_id id = set->field;

	if (id >= FIELD_MAX)
		return hal_refuse_action(
			c->r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_SET, "no such field");
	if (!c->caps->set[id]) {
		int err = hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_SET,
			"%s cannot write it", c->caps->name);
		if (c->r)
			c->r->field = id;
		return err;
	}
	if (!c->caps->set_masked && hal_mask_kind(id, set->mask) != HAL_MATCH_EXACT) {
		int err = hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_SET,
			"%s writes it as a whole only", c->caps->name);
		if (c->r)
			c->r->field = id;
		return err;
	}
	return 0;
}

/* Objects that a step refers to. */
static const struct {
	enum hal_action_type action;
	enum hal_object_type object;
} needs[] = {
	{ACTION_METER, HAL_OBJECT_METER},
	{ACTION_CT, HAL_OBJECT_CONNECTION},
	{ACTION_TUNNEL_PUSH, HAL_OBJECT_TUNNEL},
	{ACTION_TUNNEL_POP, HAL_OBJECT_TUNNEL},
	{ACTION_GROUP, HAL_OBJECT_GROUP},
	{ACTION_MIRROR, HAL_OBJECT_MIRROR},
};

static int check_object(const struct action_check *c, const struct hal_action *a)
{
	for (unsigned i = 0; i < RTE_DIM(needs); i++)
		if (needs[i].action == a->type && !c->caps->object[needs[i].object])
			return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
				"%s has no %s objects", c->caps->name,
				hal_object_name(needs[i].object));
	return 0;
}

/* What no device is asked to do. */
static int check_tunnel(const struct action_check *c, const struct hal_action *a)
{
	const struct hal_act_tunnel_push *push = (const struct hal_act_tunnel_push *)a;

	if (a->type == ACTION_TUNNEL_PUSH && !push->header_len)
		return hal_refuse_action(c->r, HAL_REASON_DEPENDS, a->type,
			"the link-layer address of the next hop is not known yet");
	return 0;
}

static int check_number(const struct action_check *c, const struct hal_action *a)
{
	if (c->caps->max_actions && c->steps > c->caps->max_actions)
		return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type,
			"%s does at most %u actions", c->caps->name, c->caps->max_actions);
	if (c->caps->max_outputs && c->outputs > c->caps->max_outputs)
		return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type,
			"%s sends to at most %u ports", c->caps->name, c->caps->max_outputs);
	if (c->caps->outputs_by_group && c->outputs > 1)
		return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type,
			"%s sends to several ports by a group only", c->caps->name);
	return 0;
}

static int check_step(void *ctx, const struct hal_action *a)
{
	struct action_check *c = ctx;
	int err;

	if (a->type >= ACTION_MAX)
		return hal_refuse(c->r, HAL_REASON_UNSUPPORTED_ACTION, "no such action");
	if (!c->caps->action[a->type])
		return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"%s does not have it", c->caps->name);
	if (a->type == ACTION_RECIRC && !c->caps->chains && !c->caps->resumes)
		return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"%s looks packets up once", c->caps->name);
	c->steps++;
	if (a->type == ACTION_OUTPUT || a->type == ACTION_GROUP)
		c->outputs++;
	err = check_number(c, a);
	if (!err)
		err = check_object(c, a);
	if (err)
		return err;
	err = check_tunnel(c, a);
	if (err)
		return err;
	return a->type == ACTION_SET ? check_set(c, (const struct hal_act_set *)a) : 0;
}

int hal_caps_check(const struct hal_caps *caps, const struct hal_rule *rule, struct hal_reason *r)
{
	struct action_check c = {.caps = caps, .r = r};
	struct hal_reason mine;
	int err;

	/* The walk below tells a malformed program from a refusal by the reason. */
	if (!r)
		c.r = r = &mine;
	hal_reason_clear(r);
	if (rule->chain && !caps->chains)
		return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_FIELD, FIELD_RECIRC_ID,
			"%s looks packets up once", caps->name);
	err = check_match(caps, rule, r);
	if (err)
		return err;
	err = hal_program_walk(rule->program, check_step, &c);
	if (err && r->code == HAL_REASON_NONE)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "the program is malformed");
	return err;
}
