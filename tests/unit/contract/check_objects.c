/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that rules refer to, chains, and steps with lists.
 */
#include "contract.h"

#include <stdio.h>

#define ID 7

/* A description of each type that every device of that type takes. Its length, or 0. */
static uint32_t describe(enum hal_object_type type, uint32_t id, void *arg)
{
	struct hal_meter *meter = arg;
	struct hal_group *group = arg;
	struct hal_mirror *mirror = arg;
	struct hal_tunnel *tunnel = arg;
	struct hal_connection *c = arg;

	switch (type) {
	case HAL_OBJECT_METER:
		*meter = (struct hal_meter){.n_bands = 1, .band = {{HAL_BAND_DROP, 1000, 100, 0}}};
		return sizeof(*meter);
	case HAL_OBJECT_GROUP:
		*group = (struct hal_group){0};
		return sizeof(*group);
	case HAL_OBJECT_MIRROR:
		*mirror = (struct hal_mirror){.port = BASE_PORT + 1};
		return sizeof(*mirror);
	case HAL_OBJECT_TUNNEL:
		*tunnel = (struct hal_tunnel){.udp_dst = 4789, .port = id};
		return sizeof(*tunnel);
	case HAL_OBJECT_CONNECTION:
		*c = (struct hal_connection){.ip_proto = 6, .ct_state = 0x22};
		c->src[0] = c->dst[0] = c->new_src[0] = c->new_dst[0] = 10;
		memcpy(c->src + 1, &id, 3);
		memcpy(c->new_src + 1, &id, 3);
		return sizeof(*c);
	default:
		return 0;
	}
}

static int set(struct contract *ct, enum hal_object_type type, uint32_t id, struct hal_reason *r)
{
	_Alignas(8) uint8_t arg[1024];
	struct hal_object obj = {.type = type, .id = id, .arg = arg};

	obj.len = describe(type, id, arg);
	hal_reason_clear(r);
	return ct->drv.object_set(ct->dev, &obj, r);
}

static void made_and_gone(struct contract *ct)
{
	struct hal_object_stats s;
	struct hal_reason r;
	unsigned tried = 0;

	for (enum hal_object_type type = 0; type < HAL_OBJECT_MAX; type++) {
		if (!ct->caps.object[type])
			continue;
		tried++;
		EXPECT(ct, set(ct, type, ID, &r) == 0);
		EXPECT(ct, set(ct, type, ID, &r) == 0); /* changed */
		memset(&s, 0xff, sizeof(s));
		EXPECT(ct, ct->drv.object_stats(ct->dev, type, ID, &s) == 0);
		EXPECT(ct, s.packets == 0 && s.bytes == 0 && s.meter.packets == 0);
		EXPECT(ct, ct->drv.object_stats(ct->dev, type, ID + 1, &s) == -ENOENT);
		EXPECT(ct, ct->drv.object_del(ct->dev, type, ID) == 0);
		EXPECT(ct, ct->drv.object_del(ct->dev, type, ID) == -ENOENT);
		EXPECT(ct, ct->drv.object_stats(ct->dev, type, ID, &s) == -ENOENT);
	}
	if (!tried)
		contract_skip(ct, "the device has no objects");
}

static void not_there(struct contract *ct)
{
	unsigned tried = 0;

	for (enum hal_object_type type = 0; type < HAL_OBJECT_MAX; type++) {
		struct hal_reason r;

		if (ct->caps.object[type])
			continue;
		tried++;
		EXPECT(ct, set(ct, type, ID, &r) < 0);
	}
	if (!tried)
		contract_skip(ct, "the device has every type of object");
}

static void room_ends(struct contract *ct)
{
	unsigned tried = 0;

	for (enum hal_object_type type = 0; type < HAL_OBJECT_MAX; type++) {
		uint32_t max = ct->caps.max_objects[type], n = 0;
		struct hal_reason r;

		if (!ct->caps.object[type] || !max || max > 5000)
			continue;
		tried++;
		while (n < max && !set(ct, type, 1000 + n, &r))
			n++;
		EXPECT(ct, n == max);
		EXPECT(ct, set(ct, type, 1000 + n, &r) == -ENOSPC);
		EXPECT(ct, r.code == HAL_REASON_NO_ROOM && r.text[0]);
		EXPECT(ct, set(ct, type, 1000, &r) == 0); /* changing needs none */
		while (n)
			EXPECT(ct, ct->drv.object_del(ct->dev, type, 1000 + --n) == 0);
	}
	if (!tried)
		contract_skip(ct, "no objects that end soon enough");
}

/* The rule of contract_rule() with `steps` before its output. */
static void with_steps(struct contract *ct, struct hal_rule *rule, struct hal_builder *b)
{
	contract_rule(ct, rule, 1, 0);
	free((void *)(uintptr_t)rule->program);
	hal_build_output(b, BASE_PORT + 1);
	rule->program = hal_builder_finish(b);
}

static void add_number(struct hal_builder *b, enum hal_action_type type, uint32_t number)
{
	struct hal_act_meter *step = hal_builder_add(b, type, sizeof(*step));

	step->meter = number;
}

/* A rule needs its object, which stays as long as the rule does. */
static void depends(struct contract *ct, enum hal_object_type type, const struct hal_rule *rule)
{
	struct hal_completion c;
	struct hal_reason r;

	EXPECT(ct, contract_op(ct, HAL_OP_ADD, rule, &c) < 0);
	EXPECT(ct, ct->flaky || c.reason.code == HAL_REASON_DEPENDS);
	EXPECT(ct, set(ct, type, ID, &r) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, rule, NULL) == 0);
	EXPECT(ct, contract_look(ct, rule).same);
	EXPECT(ct, ct->drv.object_del(ct->dev, type, ID) == -EBUSY);
	EXPECT(ct, set(ct, type, ID, &r) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, rule, NULL) == 0);
	EXPECT(ct, ct->drv.object_del(ct->dev, type, ID) == 0);
}

static void users(struct contract *ct)
{
	static const struct {
		enum hal_action_type step;
		enum hal_object_type type;
	} pairs[] = {{ACTION_METER, HAL_OBJECT_METER}, {ACTION_GROUP, HAL_OBJECT_GROUP},
		{ACTION_MIRROR, HAL_OBJECT_MIRROR}};
	unsigned tried = 0;

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct hal_builder b;
		struct hal_rule rule;
		uint32_t at;

		if (!ct->caps.action[pairs[i].step] || !ct->caps.object[pairs[i].type])
			continue;
		tried++;
		hal_builder_init(&b);
		if (ct->caps.action[ACTION_CLONE]) { /* named in a list, too */
			at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
			add_number(&b, pairs[i].step, ID);
			hal_build_nested_end(&b, at);
		} else {
			add_number(&b, pairs[i].step, ID);
		}
		with_steps(ct, &rule, &b);
		depends(ct, pairs[i].type, &rule);
		contract_rule_free(&rule);
	}
	if (!tried)
		contract_skip(ct, "no step names an object");
}

/* ---- tunnels ---- */

/* Headers of VXLAN over IPv4. */
static void add_push(struct hal_builder *b)
{
	static const uint8_t header[50] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0,
		0, 0, 0x40, 0, 64, 17, 0, 0, 172, 16, 0, 1, 172, 16, 0, 2, 0, 0, 0x12, 0xb5, 0, 0,
		0, 0, 8, 0, 0, 0, 0, 0, 42, 0};
	struct hal_act_tunnel_push *push =
		hal_builder_add(b, ACTION_TUNNEL_PUSH, sizeof(*push) + sizeof(header));

	push->port = ID;
	push->type = HAL_TUNNEL_VXLAN;
	push->header_len = sizeof(header);
	memcpy(push->header, header, sizeof(header));
}

/* What is put into a tunnel and taken out of one, and what came out of it. */
static void tunnels(struct contract *ct)
{
	struct hal_rule push, pop, inner;
	struct hal_act_tunnel_pop *step;
	struct hal_builder b;
	struct hal_reason r;

	if (!ct->caps.action[ACTION_TUNNEL_PUSH] || !ct->caps.action[ACTION_TUNNEL_POP]) {
		contract_skip(ct, "the device has no tunnels, or one way only");
		return;
	}
	hal_builder_init(&b);
	add_push(&b);
	with_steps(ct, &push, &b);
	depends(ct, HAL_OBJECT_TUNNEL, &push);
	contract_rule(ct, &pop, 2, 0);
	free((void *)(uintptr_t)pop.program);
	hal_builder_init(&b);
	step = hal_builder_add(&b, ACTION_TUNNEL_POP, sizeof(*step));
	step->port = ID;
	pop.program = hal_builder_finish(&b);
	depends(ct, HAL_OBJECT_TUNNEL, &pop);
	contract_rule(ct, &inner, 3, BASE_PORT + 1);
	free((void *)(uintptr_t)inner.match);
	inner.match = hal_cmatch_new_dp(&(struct hal_key){.in_port = rte_cpu_to_be_32(ID)},
		&(struct hal_key){.in_port = UINT32_MAX});
	EXPECT(ct, set(ct, HAL_OBJECT_TUNNEL, ID, &r) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &inner, NULL) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &pop, NULL) == 0);
	EXPECT(ct, contract_look(ct, &inner).same && contract_look(ct, &pop).same);
	/* No rule names the end any more, but one is for what came out of it. */
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &pop, NULL) == 0);
	EXPECT(ct, ct->drv.object_del(ct->dev, HAL_OBJECT_TUNNEL, HAL_OBJECT_ALL) == 0);
	EXPECT(ct, contract_look(ct, &inner).same);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &inner, NULL) == 0);
	contract_rule_free(&push);
	contract_rule_free(&pop);
	contract_rule_free(&inner);
}

/* ---- chains and lists ---- */

static void chains(struct contract *ct)
{
	struct hal_rule rule, on;
	struct hal_builder b;

	if (!ct->caps.chains) {
		contract_skip(ct, "the device looks packets up once");
		return;
	}
	contract_rule(ct, &rule, 1, 0);
	free((void *)(uintptr_t)rule.program);
	hal_builder_init(&b);
	add_number(&b, ACTION_RECIRC, 5);
	rule.program = hal_builder_finish(&b);
	contract_rule(ct, &on, 1, BASE_PORT + 1);
	on.ufid.u[1] = 2;
	on.chain = 5;
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &on, NULL) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_look(ct, &on).same);
	EXPECT(ct, contract_look(ct, &rule).same);
	if (ct->wires) {
		EXPECT(ct, contract_send(ct, 1, 10));
		EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
		EXPECT(ct,
			!ct->caps.counts_packets || contract_look(ct, &rule).counter.packets == 10);
		EXPECT(ct,
			!ct->caps.counts_packets || contract_look(ct, &on).counter.packets == 10);
		/* Without its second half nothing leaves. */
		EXPECT(ct, contract_do(ct, HAL_OP_DEL, &on, NULL) == 0);
		EXPECT(ct, contract_send(ct, 1, 10));
		EXPECT(ct, contract_receive(ct, 1, 1, 50) == 0);
	}
	contract_rule_free(&rule);
	contract_rule_free(&on);
}

static void lists(struct contract *ct)
{
	static const enum hal_action_type steps[] = {
		ACTION_CLONE, ACTION_SAMPLE, ACTION_CHECK_PKT_LEN};
	unsigned tried = 0;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct hal_builder b;
		struct hal_rule rule;
		uint32_t at;

		if (!ct->caps.action[steps[i]])
			continue;
		tried++;
		hal_builder_init(&b);
		at = hal_build_nested_begin(
			&b, steps[i], steps[i] == ACTION_CHECK_PKT_LEN ? 59 : UINT32_MAX);
		hal_build_output(&b, BASE_PORT + 2);
		if (steps[i] == ACTION_CHECK_PKT_LEN)
			hal_build_nested_else(&b, at);
		hal_build_nested_end(&b, at);
		with_steps(ct, &rule, &b);
		EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
		EXPECT(ct, contract_look(ct, &rule).same);
		if (ct->wires) {
			EXPECT(ct, contract_send(ct, 1, 10));
			EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
			EXPECT(ct, contract_receive(ct, 2, 10, 1000) == 10);
		}
		EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, NULL) == 0);
		contract_rule_free(&rule);
	}
	if (!tried)
		contract_skip(ct, "the device has no steps with lists");
}

const struct contract_check contract_object_checks[] = {
	{"objects are made, changed and deleted", made_and_gone},
	{"objects that the device has not are refused", not_there},
	{"room for objects ends", room_ends},
	{"rules depend on their objects", users},
	{"tunnels", tunnels},
	{"chains", chains},
	{"steps with lists", lists},
	{0},
};
