/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/action.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256u

_Static_assert(HAL_PROGRAM_MAX <= UINT16_MAX, "the length of a step with nested lists fits");

static const char *const names[ACTION_MAX] = {
#define ACTION(ID, NAME, ...) [ACTION_##ID] = NAME,
#include "hal/actions.def"
#undef ACTION
};

const char *hal_action_name(enum hal_action_type type)
{
	return type < ACTION_MAX ? names[type] : "unknown";
}

void hal_builder_init(struct hal_builder *b)
{
	*b = (struct hal_builder){0};
}

void hal_builder_clear(struct hal_builder *b)
{
	free(b->program);
	hal_builder_init(b);
}

/* Makes room for `bytes` of steps in all. */
static int reserve(struct hal_builder *b, uint32_t bytes)
{
	uint32_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
	struct hal_program *p;

	if (b->program && bytes <= b->capacity)
		return 0;
	while (capacity < bytes)
		capacity *= 2;
	p = realloc(b->program, sizeof(*p) + capacity);
	if (!p)
		return -ENOMEM;
	if (!b->program)
		*p = (struct hal_program){0};
	b->program = p;
	b->capacity = capacity;
	return 0;
}

static void *step_at(struct hal_builder *b, uint32_t at)
{
	return (uint8_t *)b->program->steps + at;
}

void *hal_builder_add(struct hal_builder *b, enum hal_action_type type, size_t len)
{
	uint32_t at = b->program ? b->program->len : 0;
	struct hal_action *a;

	if (b->error)
		return NULL;
	len = (len + 7) & ~(size_t)7;
	if (len > HAL_PROGRAM_MAX - at) {
		b->error = -E2BIG;
		return NULL;
	}
	b->error = reserve(b, at + (uint32_t)len);
	if (b->error)
		return NULL;
	a = step_at(b, at);
	memset(a, 0, len);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	b->program->len += (uint32_t)len;
	return a;
}

void hal_build_output(struct hal_builder *b, uint32_t port)
{
	struct hal_act_output *o = hal_builder_add(b, ACTION_OUTPUT, sizeof(*o));

	if (o)
		o->port = port;
}

void hal_build_set(
	struct hal_builder *b, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	unsigned bytes = hal_field_bytes(id);
	struct hal_act_set *s;

	if (bytes > sizeof(s->value) || !hal_field_is_dp(id)) {
		b->error = b->error ? b->error : -EINVAL;
		return;
	}
	s = hal_builder_add(b, ACTION_SET, sizeof(*s));
	if (!s)
		return;
	s->field = (uint16_t)id;
	hal_field_ones(id, s->mask);
	for (unsigned i = 0; i < bytes; i++) {
		s->mask[i] &= mask ? mask[i] : 0xff;
		s->value[i] = value[i] & s->mask[i];
	}
}

void hal_build_push_vlan(struct hal_builder *b, rte_be16_t tpid, rte_be16_t tci)
{
	struct hal_act_vlan *v = hal_builder_add(b, ACTION_PUSH_VLAN, sizeof(*v));

	if (!v)
		return;
	v->tpid = tpid;
	v->tci = tci & (rte_be16_t)~RTE_BE16(HAL_VLAN_PRESENT);
}

void hal_build_plain(struct hal_builder *b, enum hal_action_type type)
{
	hal_builder_add(b, type, sizeof(struct hal_action));
}

static size_t nested_header(enum hal_action_type type)
{
	switch (type) {
	case ACTION_SAMPLE:
		return sizeof(struct hal_act_sample);
	case ACTION_CLONE:
		return sizeof(struct hal_act_clone);
	case ACTION_CHECK_PKT_LEN:
		return sizeof(struct hal_act_check_len);
	default:
		return 0;
	}
}

uint32_t hal_build_nested_begin(struct hal_builder *b, enum hal_action_type type, uint32_t arg)
{
	uint32_t at = b->program ? b->program->len : 0;
	size_t len = nested_header(type);
	void *step;

	if (!len) {
		b->error = b->error ? b->error : -EINVAL;
		return at;
	}
	step = hal_builder_add(b, type, len);
	if (!step)
		return at;
	if (type == ACTION_SAMPLE)
		((struct hal_act_sample *)step)->probability = arg;
	else if (type == ACTION_CHECK_PKT_LEN)
		((struct hal_act_check_len *)step)->max_len = arg;
	return at;
}

/* Bytes of steps behind the header of the step at `at`. */
static uint32_t nested_so_far(const struct hal_builder *b, uint32_t at, size_t header)
{
	return b->program->len - at - (uint32_t)header;
}

/* While a step is built its a.pad says that its second list has begun. */
void hal_build_nested_else(struct hal_builder *b, uint32_t at)
{
	struct hal_act_check_len *c;

	if (b->error)
		return;
	c = step_at(b, at);
	c->greater_len = nested_so_far(b, at, sizeof(*c));
	c->a.pad = 1;
}

void hal_build_nested_end(struct hal_builder *b, uint32_t at)
{
	struct hal_action *a;
	uint32_t nested;

	if (b->error)
		return;
	a = step_at(b, at);
	nested = nested_so_far(b, at, nested_header((enum hal_action_type)a->type));
	a->len = (uint16_t)(b->program->len - at);
	if (a->type == ACTION_SAMPLE) {
		((struct hal_act_sample *)a)->nested_len = nested;
	} else if (a->type == ACTION_CLONE) {
		((struct hal_act_clone *)a)->nested_len = nested;
	} else {
		struct hal_act_check_len *c = (struct hal_act_check_len *)a;

		if (!a->pad)
			c->greater_len = nested;
		c->less_len = nested - c->greater_len;
		a->pad = 0;
	}
}

int hal_builder_end(struct hal_builder *b)
{
	if (!b->error)
		b->error = reserve(b, 0);
	if (b->error)
		return b->error;
	b->program->n_outputs = 0;
	ACTION_FOR_EACH (a, b->program)
		b->program->n_outputs += a->type == ACTION_OUTPUT;
	return 0;
}

struct hal_program *hal_builder_finish(struct hal_builder *b)
{
	struct hal_program *p;

	if (hal_builder_end(b)) {
		free(b->program);
		b->program = NULL;
		b->capacity = 0;
		return NULL;
	}
	p = b->program;
	hal_builder_init(b);
	return p;
}

bool hal_program_equal(const struct hal_program *a, const struct hal_program *b)
{
	return a->len == b->len && !memcmp(a->steps, b->steps, a->len);
}

void hal_program_cut(struct hal_program *p, const struct hal_action *at, uint32_t n)
{
	uint8_t *steps = (uint8_t *)p->steps;
	const size_t from = (size_t)((const uint8_t *)at - steps);

	memmove(steps + from, steps + from + n, p->len - from - n);
	p->len -= n;
}
