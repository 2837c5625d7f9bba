/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/sim/codec.h"

#include <errno.h>
#include <string.h>

#include "hal/mutation.h"

struct writer {
	uint8_t *buf;
	size_t n, len;
	bool full;
	/* Bits of the match that no field has named yet. */
	struct xlate_key rest;
};

static void put(struct writer *w, const void *data, size_t len)
{
	if (!len)
		return;
	if (w->full || len > w->n - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->buf + w->len, data, len);
	w->len += len;
}

static void put_tlv(struct writer *w, uint16_t type, const void *data, size_t len)
{
	const struct sim_tlv tlv = {.type = type, .len = (uint16_t)len};

	put(w, &tlv, sizeof(tlv));
	put(w, data, len);
}

static int put_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct writer *w = ctx;
	unsigned bytes = hal_field_bytes(id);
	const struct sim_tlv tlv = {.type = (uint16_t)id, .len = (uint16_t)bytes};
	uint8_t zero[HAL_VALUE_MAX] = {0};

	if (MUTATE(206, true, id != FIELD_ETH_SRC)) {
		put(w, &tlv, sizeof(tlv));
		put(w, value, bytes);
		put(w, mask, bytes);
	}
	hal_field_set(id, &w->rest, zero, mask);
	return 0;
}

/* Each field clears its bits in a copy of the mask; what is left there could not be said. */
static int put_match(struct writer *w, const struct hal_cmatch *cm, struct hal_reason *r)
{
	struct hal_match m;
	const uint8_t *left = (const uint8_t *)&w->rest;

	hal_cmatch_expand(cm, &m);
	w->rest = m.mask;
	hal_match_fields(&m.value, &m.mask, sizeof(struct hal_key), put_field, w);
	for (size_t i = 0; i < sizeof(w->rest); i++) {
		if (left[i])
			return hal_refuse(r, HAL_REASON_UNSUPPORTED_FIELD,
				"no field names the match bits at byte %zu of the key", i);
	}
	return 0;
}

static void put_set(struct writer *w, const struct hal_act_set *set)
{
	struct sim_act_set out = {.field = set->field};

	out.bytes = (uint16_t)hal_field_bytes(set->field);
	memcpy(out.value, set->value, sizeof(out.value));
	memcpy(out.mask, set->mask, sizeof(out.mask));
	if (MUTATE(210, false, true))
		memset(out.value, 0, sizeof(out.value));
	put_tlv(w, ACTION_SET, &out, sizeof(out));
}

static int put_action(struct writer *w, const struct hal_action *a, struct hal_reason *r)
{
	switch (a->type) {
	case ACTION_OUTPUT:
		put_tlv(w, a->type, &((const struct hal_act_output *)a)->port, sizeof(uint32_t));
		return 0;
	case ACTION_PUSH_VLAN: {
		const struct hal_act_vlan *v = (const struct hal_act_vlan *)a;
		const struct sim_act_vlan out = {v->tpid, MUTATE(209, v->tci, 0)};

		put_tlv(w, a->type, &out, sizeof(out));
		return 0;
	}
	case ACTION_SET:
		put_set(w, (const struct hal_act_set *)a);
		return 0;
	case ACTION_RECIRC:
		put_tlv(w, a->type, &((const struct hal_act_recirc *)a)->id, sizeof(uint32_t));
		return 0;
	case ACTION_POP_VLAN:
	case ACTION_DEC_TTL:
		put_tlv(w, a->type, NULL, 0);
		return 0;
	default:
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, a->type,
			"the model eSwitch has no such step");
	}
}

int sim_rule_encode(const struct hal_rule *rule, void *buf, size_t n, struct hal_reason *r)
{
	struct writer w = {.buf = buf, .n = n, .len = sizeof(struct sim_rule)};
	struct sim_rule head = {
		.ufid = rule->ufid, .chain = rule->chain, .priority = rule->priority};
	int err;

	if (n < sizeof(head))
		return -EMSGSIZE;
	err = put_match(&w, rule->match, r);
	if (err)
		return err;
	head.match_len = (uint32_t)(w.len - sizeof(head));
	ACTION_FOR_EACH (act, rule->program) {
		err = put_action(&w, act, r);
		if (err)
			return err;
	}
	if (w.full)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"the rule is longer than the %zu bytes that fit a message", n);
	head.action_len = (uint32_t)(w.len - sizeof(head) - head.match_len);
	memcpy(buf, &head, sizeof(head));
	return (int)w.len;
}
