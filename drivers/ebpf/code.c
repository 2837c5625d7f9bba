/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs as steps, and back.
 */
#include "drivers/ebpf/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>

#include "hal/caps.h"
#include "hal/mutation.h"

void ebpf_code_caps(struct hal_caps *caps)
{
	static const enum hal_action_type actions[] = {ACTION_OUTPUT, ACTION_PUSH_VLAN,
		ACTION_POP_VLAN, ACTION_SET, ACTION_DEC_TTL, ACTION_RECIRC, ACTION_CT_CLEAR,
		ACTION_METER, ACTION_TUNNEL_PUSH, ACTION_TUNNEL_POP};

	for (unsigned i = 0; i < RTE_DIM(actions); i++)
		caps->action[actions[i]] = true;
	for (enum hal_field_id id = 0; id < FIELD_MAX; id++)
		caps->set[id] = ebpf_set_can(id);
	caps->set_masked = true;
	caps->max_actions = EBPF_STEPS;
}

/* ---- to steps ---- */

struct encoding {
	const struct hal_cmatch *match;
	const struct hal_program *program;
	const struct ebpf_ports *ports;
	struct ebpf_code *code;
	struct hal_reason *r;
	const struct hal_action *last; /* the packet itself goes with it */
	const struct ebpf_code *like;  /* what it was decoded from, or NULL */
};

static struct ebpf_step *add(struct encoding *e, const struct hal_action *a, uint8_t op)
{
	struct ebpf_step *s = &e->code->step[e->code->n];

	if (e->code->n == EBPF_STEPS) {
		hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type,
			"a rule has at most %u steps here", EBPF_STEPS);
		return NULL;
	}
	e->code->n++;
	*s = (struct ebpf_step){.op = op};
	return s;
}

static int add_plain(struct encoding *e, const struct hal_action *a, uint8_t op)
{
	return add(e, a, op) ? 0 : -EOPNOTSUPP;
}

static int add_output(struct encoding *e, const struct hal_action *a)
{
	const uint32_t port = ((const struct hal_act_output *)a)->port;
	const uint32_t ifindex = e->ports->ifindex(e->ports->ctx, port);
	struct ebpf_step *s;
	int err;

	if (!ifindex || ifindex & EBPF_TUNNEL) {
		err = hal_refuse(
			e->r, HAL_REASON_UNBOUND_PORT, "port %u is not on this device", port);
		if (e->r)
			e->r->port = port;
		return err;
	}
	s = add(e, a, EBPF_OUTPUT);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = ifindex;
	s->last = MUTATE(621, a == e->last, true);
	return 0;
}

static int add_push(struct encoding *e, const struct hal_action *a)
{
	const struct hal_act_vlan *push = (const struct hal_act_vlan *)a;
	struct ebpf_step *s;

	if (push->tpid != RTE_BE16(RTE_ETHER_TYPE_VLAN) &&
		push->tpid != RTE_BE16(RTE_ETHER_TYPE_QINQ))
		return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"the kernel knows tags of type 0x8100 and 0x88a8, not 0x%04x",
			rte_be_to_cpu_16(push->tpid));
	s = add(e, a, EBPF_PUSH_VLAN);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = push->tpid;
	s->arg2 = rte_be_to_cpu_16(push->tci) & MUTATE(622, ~(uint32_t)HAL_VLAN_PRESENT, 0xfffu);
	return 0;
}

static int add_recirc(struct encoding *e, const struct hal_action *a)
{
	struct ebpf_step *s;

	if (a != e->last)
		return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_RECIRC,
			"nothing can follow a lookup in another chain here");
	s = add(e, a, EBPF_RECIRC);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = ((const struct hal_act_recirc *)a)->id;
	return 0;
}

/* Two may have the same id: one of a former run, until its rules are gone, and ours. */
static int64_t number_of(const struct encoding *e, uint32_t id)
{
	const struct ebpf_step *s = e->like ? &e->like->step[e->code->n] : NULL;

	if (!e->ports->meter)
		return -1;
	if (s && e->code->n < e->like->n && e->ports->meter_id(e->ports->ctx, s->arg) == id)
		return s->arg;
	return e->ports->meter(e->ports->ctx, id);
}

static int add_meter(struct encoding *e, const struct hal_action *a)
{
	const uint32_t id = ((const struct hal_act_meter *)a)->meter;
	const int64_t number = number_of(e, id);
	struct ebpf_step *s;

	if (number < 0)
		return hal_refuse_action(e->r, HAL_REASON_DEPENDS, ACTION_METER,
			"meter %u is not in the device", id);
	s = add(e, a, EBPF_METER);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = (uint32_t)number;
	return 0;
}

static int add_step(struct encoding *e, const struct hal_action *a)
{
	const struct hal_act_set *set = (const struct hal_act_set *)a;

	switch (a->type) {
	case ACTION_OUTPUT:
		return add_output(e, a);
	case ACTION_PUSH_VLAN:
		return add_push(e, a);
	case ACTION_POP_VLAN:
		return add_plain(e, a, EBPF_POP_VLAN);
	case ACTION_DEC_TTL:
		return add_plain(e, a, EBPF_DEC_TTL);
	case ACTION_CT_CLEAR: /* nothing here gives a packet a state */
		return add_plain(e, a, EBPF_NOTHING);
	case ACTION_RECIRC:
		return add_recirc(e, a);
	case ACTION_METER:
		return add_meter(e, a);
	case ACTION_TUNNEL_PUSH:
	case ACTION_TUNNEL_POP:
		return ebpf_encap_encode(e->program, a, e->ports, e->code, e->r);
	case ACTION_SET:
		if (ebpf_set_can(set->field))
			return ebpf_set_encode(e->match, set, e->code, e->r);
		return hal_refuse_field(e->r, HAL_REASON_UNSUPPORTED_ACTION, set->field,
			"it cannot be written here");
	default:
		return hal_refuse_action(
			e->r, HAL_REASON_UNSUPPORTED_ACTION, a->type, "there is no step for it");
	}
}

static int encode(struct encoding *e, const struct hal_program *program)
{
	int err;

	e->program = program;
	e->code->n = 0;
	err = ebpf_encap_begin(program, e->code, e->r);
	if (err)
		return err;
	ACTION_FOR_EACH (a, program) {
		if (a->type == ACTION_OUTPUT || a->type == ACTION_RECIRC)
			e->last = a;
	}
	ACTION_FOR_EACH (a, program) {
		err = add_step(e, a);
		if (err)
			return err;
	}
	return 0;
}

int ebpf_code_encode(const struct hal_cmatch *match, const struct hal_program *program,
	const struct ebpf_ports *ports, struct ebpf_code *code, struct hal_reason *r)
{
	struct encoding e = {.match = match, .ports = ports, .code = code, .r = r};

	return encode(&e, program);
}

/* ---- and back ---- */

static int get_output(
	struct hal_builder *b, const struct ebpf_ports *ports, const struct ebpf_step *s)
{
	const uint32_t port = ports->port(ports->ctx, s->arg);

	if (port == HAL_PORT_NONE)
		return -EINVAL;
	hal_build_output(b, port);
	return 0;
}

static int get_meter(
	struct hal_builder *b, const struct ebpf_ports *ports, const struct ebpf_step *s)
{
	const int64_t id = ports->meter_id ? ports->meter_id(ports->ctx, s->arg) : -1;
	struct hal_act_meter *meter;

	if (id < 0)
		return -EINVAL;
	meter = hal_builder_add(b, ACTION_METER, sizeof(*meter));
	if (meter)
		meter->meter = (uint32_t)id;
	return 0;
}

/* Step i, and how many steps it takes up; -EINVAL: none of ours. */
static int get_step(struct hal_builder *b, const struct ebpf_ports *ports,
	const struct ebpf_code *code, unsigned i)
{
	const struct ebpf_step *s = &code->step[i];
	struct hal_act_recirc *recirc;
	struct hal_act_set set;
	unsigned n = 1;

	switch (s->op) {
	case EBPF_OUTPUT:
		return get_output(b, ports, s) ? -EINVAL : 1;
	case EBPF_PUSH_VLAN:
		hal_build_push_vlan(b, (rte_be16_t)s->arg, rte_cpu_to_be_16((uint16_t)s->arg2));
		return 1;
	case EBPF_POP_VLAN:
		hal_build_plain(b, ACTION_POP_VLAN);
		return 1;
	case EBPF_DEC_TTL:
		hal_build_plain(b, ACTION_DEC_TTL);
		return 1;
	case EBPF_NOTHING:
		hal_build_plain(b, ACTION_CT_CLEAR);
		return 1;
	case EBPF_METER:
		return get_meter(b, ports, s) ? -EINVAL : 1;
	case EBPF_RECIRC:
		recirc = hal_builder_add(b, ACTION_RECIRC, sizeof(*recirc));
		if (recirc)
			recirc->id = s->arg;
		return 1;
	case EBPF_FITS:
	case EBPF_HEADER:
	case EBPF_ENCAPSULATE:
	case EBPF_DECAPSULATE:
		return ebpf_encap_decode(b, ports, code, i);
	case EBPF_SET:
	case EBPF_SET_VLAN:
	case EBPF_SET_MARK:
		n = ebpf_set_decode(code, i, &set);
		if (n)
			hal_build_set(b, set.field, set.value, set.mask);
		return n ? (int)n : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int build(
	const struct ebpf_code *code, const struct ebpf_ports *ports, struct hal_program **out)
{
	struct hal_builder b;
	int n;

	hal_builder_init(&b);
	for (unsigned i = 0; i < code->n; i += (unsigned)n) {
		n = get_step(&b, ports, code, i);
		if (n < 0) {
			hal_builder_clear(&b);
			return n;
		}
	}
	*out = hal_builder_finish(&b);
	return *out ? 0 : -ENOMEM;
}

int ebpf_code_decode(const struct hal_cmatch *match, const struct ebpf_code *code,
	const struct ebpf_ports *ports, struct hal_program **out)
{
	struct ebpf_code again;
	struct encoding e = {.match = match, .ports = ports, .code = &again, .like = code};
	int err = code->n > EBPF_STEPS ? -EINVAL : build(code, ports, out);

	if (err)
		return err;
	/* Whatever else is in the steps than what we read out of them. */
	err = encode(&e, *out);
	if (!err && again.n == code->n &&
		!memcmp(again.step, code->step, code->n * sizeof(code->step[0])))
		return 0;
	free(*out);
	*out = NULL;
	return -EINVAL;
}
