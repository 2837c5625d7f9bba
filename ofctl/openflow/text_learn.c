/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing learn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/mem.h"
#include "ofctl/openflow/text_action.h"

#define DEFAULT_PRIORITY 32768

static int add_spec(struct of_learn **l, const struct of_learn_spec *s)
{
	struct of_learn *more =
		realloc(*l, sizeof(*more) + ((*l)->n_specs + 1) * sizeof(more->specs[0]));

	if (!more)
		return -ENOMEM;
	more->specs[more->n_specs++] = *s;
	*l = more;
	return 0;
}

static void set_immediate(struct of_learn_spec *s, uint64_t v)
{
	s->immediate = true;
	for (unsigned i = 0; i < 8; i++)
		s->value[15 - i] = (uint8_t)(v >> (8 * i));
}

/* A number of as many bits as the target has. */
static int parse_number(
	struct of_text_parser *p, const char *key, const char *text, struct of_learn_spec *s)
{
	uint64_t v, max = s->n_bits >= 64 ? UINT64_MAX : (UINT64_C(1) << s->n_bits) - 1;

	if (of_text_u64(key, text, max, &v, p->e))
		return -EINVAL;
	set_immediate(s, v);
	return 0;
}

/* "WHAT->FIELD[]" of load. */
static int parse_load(
	struct of_text_parser *p, const char *key, char *value, struct of_learn_spec *s)
{
	char *to = of_text_arrow(p, key, value);

	if (!to || of_text_sub(p, key, to, true, &s->dst))
		return -EINVAL;
	s->dst_type = OF_LEARN_LOAD;
	s->n_bits = s->dst.n_bits;
	if (*value >= '0' && *value <= '9')
		return parse_number(p, key, value, s);
	if (of_text_sub(p, key, value, false, &s->src))
		return -EINVAL;
	if (s->src.n_bits != s->n_bits)
		return of_text_bad(p->e, "learn: %s has %u bits but %s has %u", value,
			s->src.n_bits, to, s->n_bits);
	return 0;
}

static int parse_output(
	struct of_text_parser *p, const char *key, char *value, struct of_learn_spec *s)
{
	if (!value || of_text_sub(p, key, value, false, &s->src))
		return value ? -EINVAL : of_text_bad(p->e, "learn: expected output:FIELD");
	s->dst_type = OF_LEARN_OUTPUT;
	s->n_bits = s->src.n_bits;
	return 0;
}

/* The value of a whole field, in the field's own form. False if it is none. */
static bool parse_value(const char *text, struct of_learn_spec *s)
{
	uint8_t wire[HAL_VALUE_MAX], mask[HAL_VALUE_MAX], ones[HAL_VALUE_MAX];
	unsigned bytes = hal_field_bytes(s->dst.field);
	char none[8];

	if (s->dst.ofs || s->n_bits != of_field_bits(s->dst.field, true) || bytes > 16 ||
		hal_field_parse(s->dst.field, text, wire, mask, none, sizeof(none)))
		return false;
	hal_field_ones(s->dst.field, ones);
	if (memcmp(mask, ones, bytes) != 0)
		return false;
	s->immediate = true;
	memcpy(s->value + 16 - bytes, wire, bytes);
	for (unsigned bit = s->n_bits; bit < 128; bit++)
		s->value[15 - bit / 8] &= (uint8_t) ~(1u << bit % 8);
	return true;
}

/* "FIELD", "FIELD=FIELD", "FIELD=VALUE" */
static int parse_match(struct of_text_parser *p, char *key, char *value, struct of_learn_spec *s)
{
	struct of_err quiet = {0};
	struct of_text_parser probe = *p;

	if (of_text_sub(p, "learn", key, false, &s->dst))
		return -EINVAL;
	s->dst_type = OF_LEARN_MATCH;
	s->n_bits = s->dst.n_bits;
	s->src = s->dst;
	if (!value)
		return 0;
	memset(&s->src, 0, sizeof(s->src));
	if (parse_value(value, s))
		return 0;
	if (*value >= '0' && *value <= '9')
		return parse_number(p, key, value, s);
	probe.e = &quiet;
	if (of_text_sub(&probe, key, value, false, &s->src))
		return of_text_bad(
			p->e, "learn: %s=%s: expected a value or a field after it", key, value);
	if (s->src.n_bits != s->n_bits)
		return of_text_bad(p->e, "learn: %s has %u bits but %s has %u", value,
			s->src.n_bits, key, s->n_bits);
	return 0;
}

static int parse_result(struct of_text_parser *p, char *value, struct of_learn *l)
{
	if (!value || of_text_sub(p, "result_dst", value, true, &l->result))
		return value ? -EINVAL : of_text_bad(p->e, "learn: expected result_dst=FIELD");
	if (l->result.n_bits != 1)
		return of_text_bad(p->e, "learn: result_dst=%s: expected one bit", value);
	l->has_result = true;
	l->flags |= OF_LEARN_WRITE_RESULT;
	return 0;
}

/* -ENOENT if `key` is no property of the flow. */
static int parse_property(
	struct of_text_parser *p, const char *key, char *value, struct of_learn *l)
{
	const struct {
		const char *name;
		uint16_t *v;
	} numbers[] = {
		{"idle_timeout", &l->idle_timeout},
		{"hard_timeout", &l->hard_timeout},
		{"fin_idle_timeout", &l->fin_idle_timeout},
		{"fin_hard_timeout", &l->fin_hard_timeout},
		{"priority", &l->priority},
	};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i].name, key))
			return of_text_u16(p, key, value, numbers[i].v);
	if (!strcmp(key, "table")) {
		if (of_text_u8(p, "learn's table", value, &l->table))
			return -EINVAL;
		return l->table >= OF_TABLES
			       ? of_text_bad(p->e, "learn: table=%s: there is no such table", value)
			       : 0;
	}
	if (!strcmp(key, "cookie"))
		return of_text_u64(key, value, UINT64_MAX, &l->cookie, p->e);
	if (!strcmp(key, "limit"))
		return of_text_u32(p, key, value, &l->limit);
	if (!strcmp(key, "result_dst"))
		return parse_result(p, value, l);
	if (!strcmp(key, "send_flow_rem"))
		l->flags |= OF_LEARN_SEND_REMOVED;
	else if (!strcmp(key, "delete_learned"))
		l->flags |= OF_LEARN_DELETE_LEARNED;
	else
		return -ENOENT;
	return value ? of_text_bad(p->e, "learn: %s: it takes no value", key) : 0;
}

static int parse_member(struct of_text_parser *p, char *key, char *value, struct of_learn **lp)
{
	struct of_learn_spec s;
	int err = parse_property(p, key, value, *lp);

	if (err != -ENOENT)
		return err;
	memset(&s, 0, sizeof(s)); /* compared as bytes */
	if (!strcmp(key, "load"))
		err = parse_load(p, key, value, &s);
	else if (!strcmp(key, "output"))
		err = parse_output(p, key, value, &s);
	else
		err = parse_match(p, key, value, &s);
	return err ? err : add_spec(lp, &s);
}

int of_text_learn(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_LEARN};
	char *name, *arg;
	int err = 0;

	(void)key;
	a.learn = calloc(1, sizeof(*a.learn));
	if (!a.learn)
		return -ENOMEM;
	a.learn->priority = DEFAULT_PRIORITY;
	a.learn->table = 1;
	while (value && !(err = of_text_next(&value, &name, &arg, p->e))) {
		err = parse_member(p, name, arg, &a.learn);
		if (err)
			break;
	}
	if (!err || err == -ENOENT)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err;
}

/* ---- printing ---- */

static void put_value_hex(struct of_text *t, const struct of_learn_spec *s)
{
	const uint8_t *v = s->value;
	size_t n = sizeof(s->value);

	if (mem_is_zero(v, n)) {
		of_text_put(t, "0");
		return;
	}
	while (!*v) {
		v++;
		n--;
	}
	of_text_put(t, "0x%x", *v);
	while (--n)
		of_text_put(t, "%02x", *++v);
}

static void put_immediate_match(struct of_text *t, const struct of_learn_spec *s)
{
	unsigned bytes = hal_field_bytes(s->dst.field);

	if (s->dst.ofs || s->n_bits != of_field_bits(s->dst.field, true) || bytes > 16) {
		of_text_put_sub(t, &s->dst);
		of_text_put(t, "=");
		put_value_hex(t, s);
		return;
	}
	of_text_put(t, "%s=", of_field_name(s->dst.field));
	of_text_put_value(t, s->dst.field, s->value + 16 - bytes, NULL);
}

static void put_spec(struct of_text *t, const struct of_learn_spec *s)
{
	of_text_put(t, ",");
	if (s->dst_type == OF_LEARN_OUTPUT) {
		of_text_put(t, "output:");
		of_text_put_sub(t, &s->src);
	} else if (s->dst_type == OF_LEARN_LOAD) {
		of_text_put(t, "load:");
		if (s->immediate)
			put_value_hex(t, s);
		else
			of_text_put_sub(t, &s->src);
		of_text_put(t, "->");
		of_text_put_sub(t, &s->dst);
	} else if (s->immediate) {
		put_immediate_match(t, s);
	} else {
		of_text_put_sub(t, &s->dst);
		if (s->src.field != s->dst.field || s->src.ofs != s->dst.ofs) {
			of_text_put(t, "=");
			of_text_put_sub(t, &s->src);
		}
	}
}

void of_text_put_learn(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	const struct of_learn *l = a->learn;
	const struct {
		const char *name;
		uint16_t v;
	} timeouts[] = {
		{"idle_timeout", l->idle_timeout},
		{"hard_timeout", l->hard_timeout},
		{"fin_idle_timeout", l->fin_idle_timeout},
		{"fin_hard_timeout", l->fin_hard_timeout},
	};

	(void)names;
	of_text_put(t, "learn(table=%u", l->table);
	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		if (timeouts[i].v)
			of_text_put(t, ",%s=%u", timeouts[i].name, timeouts[i].v);
	if (l->priority != DEFAULT_PRIORITY)
		of_text_put(t, ",priority=%u", l->priority);
	if (l->flags & OF_LEARN_SEND_REMOVED)
		of_text_put(t, ",send_flow_rem");
	if (l->flags & OF_LEARN_DELETE_LEARNED)
		of_text_put(t, ",delete_learned");
	if (l->cookie)
		of_text_put(t, ",cookie=0x%llx", (unsigned long long)l->cookie);
	if (l->limit)
		of_text_put(t, ",limit=%u", l->limit);
	if (l->has_result) {
		of_text_put(t, ",result_dst=");
		of_text_put_sub(t, &l->result);
	}
	for (unsigned i = 0; i < l->n_specs; i++)
		put_spec(t, &l->specs[i]);
	of_text_put(t, ")");
}
