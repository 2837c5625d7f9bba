/* SPDX-License-Identifier: Apache-2.0
 *
 * learn and fin_timeout: what a translation leaves for the control thread to do to flows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_more.h"

#define TCP_FIN 0x01
#define TCP_RST 0x04

static void spec_value(
	struct xlate *x, const struct of_learn_spec *s, uint8_t value[SUBFIELD_BYTES])
{
	if (MUTATE(410, s->immediate, true))
		memcpy(value, s->value, SUBFIELD_BYTES);
	else
		subfield_read(x, &s->src, value);
}

/* Value and mask of the destination. Of an input port, which is matched and written as a whole,
 * what was read may be the 16 bits that NXM has. */
static void destination(const struct of_learn_spec *s, const uint8_t value[SUBFIELD_BYTES],
	uint8_t *v, uint8_t *mask)
{
	struct of_subfield dst = s->dst;
	uint8_t port[SUBFIELD_BYTES] = {0};
	rte_be32_t number = rte_cpu_to_be_32(subfield_port(subfield_u64(value)));

	if (dst.field == FIELD_IN_PORT) {
		memcpy(port + SUBFIELD_BYTES - 4, &number, 4);
		dst = (struct of_subfield){FIELD_IN_PORT, 0, 32};
		value = port;
	}
	subfield_expand(&dst, value, v, mask);
}

static void add_match(struct hal_match *m, const struct of_learn_spec *s, const uint8_t *value)
{
	uint8_t v[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	destination(s, value, v, mask);
	hal_field_set(s->dst.field, &m->value, v, mask);
	hal_field_set(s->dst.field, &m->mask, mask, mask);
}

static bool is_whole(enum hal_field_id id, const uint8_t *mask)
{
	uint8_t ones[HAL_VALUE_MAX];

	hal_field_ones(id, ones);
	return !memcmp(ones, mask, hal_field_bytes(id));
}

static void add_load(struct of_action *a, const struct of_learn_spec *s, const uint8_t *value)
{
	uint8_t v[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	destination(s, value, v, mask);
	a->type = OFACT_SET_FIELD;
	a->field = s->dst.field;
	memcpy(a->value, v, sizeof(a->value));
	a->has_mask = MUTATE(411, !is_whole(a->field, mask), false);
	if (a->has_mask)
		memcpy(a->mask, mask, sizeof(a->mask));
}

/* True if there is something to output to: a port, or one of the reserved ones that a flow may name
 * without harm. */
static bool add_output(struct of_action *a, const uint8_t *value)
{
	uint32_t port = subfield_port(subfield_u64(value));

	if (port >= OF_PORT_MAX && port != OF_PORT_IN_PORT && port != OF_PORT_FLOOD &&
		port != OF_PORT_ALL && port != OF_PORT_LOCAL)
		return false;
	a->type = OFACT_OUTPUT;
	a->port = port;
	return true;
}

/* Match and actions of the new flow. */
static int make_flow(
	struct xlate *x, const struct of_learn *l, struct hal_match *m, struct of_actions *acts)
{
	acts->a = calloc(l->n_specs + 1, sizeof(*acts->a));
	if (!acts->a)
		return -ENOMEM;
	if (l->fin_idle_timeout || l->fin_hard_timeout)
		acts->a[acts->n++] = (struct of_action){.type = OFACT_FIN_TIMEOUT,
			.fin_idle = l->fin_idle_timeout,
			.fin_hard = l->fin_hard_timeout};
	for (unsigned i = 0; i < l->n_specs; i++) {
		const struct of_learn_spec *s = &l->specs[i];
		struct of_action *a = &acts->a[acts->n];
		uint8_t value[SUBFIELD_BYTES];

		spec_value(x, s, value);
		if (s->dst_type == OF_LEARN_MATCH) {
			add_match(m, s, value);
		} else if (s->dst_type == OF_LEARN_LOAD) {
			add_load(a, s, value);
			acts->n++;
		} else if (add_output(a, value)) {
			acts->n++;
		}
	}
	return 0;
}

/* With a limit what comes of it depends on the flow, or else on how many there are. */
static bool succeeds(struct xlate *x, const struct pl_learn *l, const struct flow *there)
{
	if (!l->limit)
		return true;
	if (there) {
		xlate_depend(x, dep_key_flow(there));
		return true;
	}
	xlate_depend(x, dep_key_learn(x->br, l->table, l->cookie));
	return learn_has_room(x->br, l);
}

void xlate_learn(struct xlate *x, const struct of_action *a)
{
	const struct of_learn *l = a->learn;
	struct of_instructions ins = {0};
	struct hal_match match = {0};
	struct pl_learn *learn;
	struct flow *there;
	bool ok;

	if (l->table >= OF_TABLES)
		return;
	x->error = make_flow(x, l, &match, &ins.apply);
	if (x->error)
		return;
	learn = learn_new(l, x->br->id, &match, &ins);
	if (!learn) {
		x->error = -ENOMEM;
		return;
	}
	there = learn_flow(x->br, learn);
	ok = succeeds(x, learn, there);
	xlate_trace(x, "learn: %s", there ? "known" : ok ? "new" : "no room");
	if (ok && !there) {
		learn_ref(learn);
		xlate_effect(
			x, &(struct effect){EFFECT_LEARN, .bridge = x->br->id, .learn = learn});
	}
	if (l->has_result)
		subfield_write_u64(x, &l->result, ok);
	if (!ok) {
		learn_unref(learn);
		return;
	}
	xlate_credit(x, &(struct credit){.type = CREDIT_LEARN,
				.br = (struct pl_bridge *)(uintptr_t)x->br,
				.learn = learn});
}

/* FIN and RST are matched: the megaflow that such a segment makes is one of its own, and its first
 * packet is what shortens the timeouts, whoever forwards and whatever flags are reported. */
void xlate_fin_timeout(struct xlate *x, const struct of_action *a)
{
	struct xlate_key need = {0};
	struct flow *f = (struct flow *)(uintptr_t)x->flow;

	need.dp.eth_type = 0xffff;
	xlate_need_mask(x, &need);
	if (x->key.dp.eth_type != RTE_BE16(0x0800) && x->key.dp.eth_type != RTE_BE16(0x86dd))
		return;
	need.dp.ip_proto = 0xff;
	xlate_need_mask(x, &need);
	if (x->key.dp.ip_proto != 6)
		return;
	need.dp.tcp_flags = RTE_BE16(TCP_FIN | TCP_RST);
	xlate_need_mask(x, &need);
	if (!(x->key.dp.tcp_flags & need.dp.tcp_flags) || !f || !flow_ref(f))
		return;
	xlate_credit(x, &(struct credit){.type = CREDIT_FIN,
				.flow = f,
				.fin_idle = a->fin_idle,
				.fin_hard = a->fin_hard});
}
