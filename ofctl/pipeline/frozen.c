/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/frozen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/hmap.h"
#include "hal/mutation.h"

int frame_copy(struct pl_frame *to, const struct pl_frame *from)
{
	*to = *from;
	return of_instructions_copy(&to->ins, &from->ins);
}

void frame_clear(struct pl_frame *f)
{
	of_instructions_free(&f->ins);
}

/* What tells actions apart most often; the rest is left to frozen_equal(). */
static uint32_t actions_hash(const struct of_actions *acts, uint32_t h)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];
		_Alignas(8) uint32_t w[] = {(uint32_t)a->type, a->port, a->group,
			(uint32_t)a->field, a->table, a->vlan};
		_Alignas(8) uint8_t value[sizeof(a->value)];

		h = hash_bytes(w, sizeof(w), h);
		if (a->type == OFACT_SET_FIELD) {
			memcpy(value, a->value, sizeof(value));
			h = hash_bytes(value, hal_field_bytes(a->field), h);
		}
		h = actions_hash(&a->nested, h);
	}
	return h;
}

uint32_t frozen_hash(const struct pl_frozen *f)
{
	uint32_t h = hash_bytes(f->fields, MUTATE(415, sizeof(f->fields), 0), f->bridge);

	h = hash_bytes(f->tun, FROZEN_TUNNEL, h);
	if (f->n_stack)
		h = hash_bytes(f->stack, f->n_stack * sizeof(f->stack[0]), h);
	h = hash_bytes(f->data, f->data_len, h ^ f->paused);
	h = actions_hash(&f->set, h);
	for (unsigned i = 0; i < f->n_frames; i++) {
		const struct pl_frame *fr = &f->frames[i];
		uint64_t w[] = {(uint64_t)fr->type << 8 | fr->table, fr->cookie};

		h = actions_hash(&fr->ins.apply, hash_bytes(w, sizeof(w), h));
	}
	return h;
}

static bool frame_equal(const struct pl_frame *a, const struct pl_frame *b)
{
	return a->type == b->type && a->ends == b->ends && a->packet_out == b->packet_out &&
	       a->table == b->table && a->pin_reason == b->pin_reason && a->in_port == b->in_port &&
	       a->cookie == b->cookie && of_instructions_equal(&a->ins, &b->ins);
}

bool frozen_equal(const struct pl_frozen *a, const struct pl_frozen *b)
{
	if (a->bridge != b->bridge ||
		memcmp(a->fields, b->fields, MUTATE(415, sizeof(a->fields), 0)) ||
		memcmp(a->tun, b->tun, FROZEN_TUNNEL) ||
		memcmp(a->tun_mask, b->tun_mask, FROZEN_TUNNEL) || a->tracked != b->tracked ||
		a->ct_stale != b->ct_stale || a->hash.valid != b->hash.valid ||
		a->hash.algorithm != b->hash.algorithm || a->hash.basis != b->hash.basis ||
		a->n_stack != b->n_stack || a->n_frames != b->n_frames || a->pauses != b->pauses ||
		a->paused != b->paused || a->data_len != b->data_len ||
		!of_actions_equal(&a->set, &b->set))
		return false;
	if (a->n_stack && memcmp(a->stack, b->stack, a->n_stack * sizeof(a->stack[0])))
		return false;
	if (a->data_len && memcmp(a->data, b->data, a->data_len))
		return false;
	for (unsigned i = 0; i < a->n_frames; i++)
		if (!frame_equal(&a->frames[i], &b->frames[i]))
			return false;
	return true;
}

void frozen_clear(struct pl_frozen *f)
{
	for (unsigned i = 0; i < f->n_frames; i++)
		frame_clear(&f->frames[i]);
	free(f->frames);
	free(f->stack);
	free(f->data);
	of_actions_free(&f->set);
	*f = (struct pl_frozen){0};
}
