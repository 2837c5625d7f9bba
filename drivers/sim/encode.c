/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/sim/codec.h"

#include <errno.h>
#include <string.h>

#include "drivers/sim/wire.h"
#include "hal/mutation.h"

struct match_writer {
	struct sim_writer *w;
	struct xlate_key rest; /* bits of the match that no field has named yet */
};

static int put_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct match_writer *m = ctx;
	unsigned bytes = hal_field_bytes(id);
	const struct sim_tlv tlv = {.type = (uint16_t)id, .len = (uint16_t)bytes};
	uint8_t zero[HAL_VALUE_MAX] = {0};

	if (MUTATE(206, true, id != FIELD_ETH_SRC)) {
		sim_put(m->w, &tlv, sizeof(tlv));
		sim_put(m->w, value, bytes);
		sim_put(m->w, mask, bytes);
	}
	hal_field_set(id, &m->rest, zero, mask);
	return 0;
}

/* Each field clears its bits in a copy of the mask; what is left there could not be said. */
static int put_match(struct sim_writer *w, const struct hal_cmatch *cm, struct hal_reason *r)
{
	struct match_writer mw = {.w = w};
	const uint8_t *left = (const uint8_t *)&mw.rest;
	struct hal_match m;

	hal_cmatch_expand(cm, &m);
	mw.rest = m.mask;
	hal_match_fields(&m.value, &m.mask, sizeof(struct hal_key), put_field, &mw);
	for (size_t i = 0; i < sizeof(mw.rest); i++) {
		if (left[i])
			return hal_refuse(r, HAL_REASON_UNSUPPORTED_FIELD,
				"no field names the match bits at byte %zu of the key", i);
	}
	return 0;
}

int sim_rule_encode(const struct hal_rule *rule, void *buf, size_t n, struct hal_reason *r)
{
	struct sim_writer w = {.buf = buf, .n = n, .len = sizeof(struct sim_rule)};
	struct sim_rule head = {
		.ufid = rule->ufid, .chain = rule->chain, .priority = rule->priority};
	int err;

	if (n < sizeof(head))
		return -EMSGSIZE;
	err = put_match(&w, rule->match, r);
	if (err)
		return err;
	head.match_len = (uint32_t)(w.len - sizeof(head));
	err = sim_put_steps(&w, rule->program->steps, rule->program->len, r);
	if (err)
		return err;
	if (w.full)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"the rule is longer than the %zu bytes that fit a message", n);
	head.action_len = (uint32_t)(w.len - sizeof(head) - head.match_len);
	memcpy(buf, &head, sizeof(head));
	return (int)w.len;
}

/* ---- objects ---- */

static int put_group(
	struct sim_writer *w, const struct hal_group *g, size_t len, struct hal_reason *r)
{
	const uint8_t *at = (const uint8_t *)g->buckets;
	size_t start = w->len, left = g->len;
	struct sim_group out = {.n_buckets = g->n_buckets};

	if (len < sizeof(*g) || left > len - sizeof(*g))
		goto malformed;
	sim_put(w, &out, sizeof(out));
	for (uint32_t i = 0; i < g->n_buckets; i++) {
		struct sim_bucket bucket = {0};
		struct hal_bucket in;
		size_t head = w->len;
		int err;

		if (left < sizeof(in))
			goto malformed;
		memcpy(&in, at, sizeof(in));
		at += sizeof(in);
		left -= sizeof(in);
		if (in.len > left)
			goto malformed;
		sim_put(w, &bucket, sizeof(bucket));
		err = sim_put_steps(w, at, in.len, r);
		if (err)
			return err;
		at += in.len;
		left -= in.len;
		if (w->full)
			return 0;
		bucket.len = (uint32_t)(w->len - head - sizeof(bucket));
		memcpy(w->buf + head, &bucket, sizeof(bucket));
	}
	if (!w->full) {
		out.len = (uint32_t)(w->len - start - sizeof(out));
		memcpy(w->buf + start, &out, sizeof(out));
	}
	return 0;

malformed:
	return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION, "the group is malformed");
}

static size_t fixed_bytes(enum hal_object_type type)
{
	switch (type) {
	case HAL_OBJECT_METER:
		return sizeof(struct hal_meter);
	case HAL_OBJECT_MIRROR:
		return sizeof(struct hal_mirror);
	case HAL_OBJECT_TUNNEL:
		return sizeof(struct hal_tunnel);
	case HAL_OBJECT_CONNECTION:
		return sizeof(struct hal_connection);
	default:
		return 0;
	}
}

int sim_object_encode(const struct hal_object *obj, void *buf, size_t n, struct hal_reason *r)
{
	struct sim_writer w = {.buf = buf, .n = n};
	struct sim_object head = {.type = obj->type, .id = obj->id};
	size_t fixed = fixed_bytes(obj->type);
	int err = 0;

	sim_put(&w, &head, sizeof(head));
	if (obj->type != HAL_OBJECT_GROUP && !fixed)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION,
			"the model eSwitch has no %s objects", hal_object_name(obj->type));
	if (obj->type == HAL_OBJECT_GROUP)
		err = put_group(&w, obj->arg, obj->len, r);
	else if (obj->len != fixed)
		err = hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"a description of %u bytes, where a %s has %zu", obj->len,
			hal_object_name(obj->type), fixed);
	else
		sim_put(&w, obj->arg, fixed);
	if (err)
		return err;
	if (w.full)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"the object is longer than the %zu bytes that fit a message", n);
	head.len = (uint32_t)(w.len - sizeof(head));
	memcpy(buf, &head, sizeof(head));
	return (int)w.len;
}
