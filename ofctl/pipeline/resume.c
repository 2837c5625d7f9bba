/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on with a translation that was interrupted.
 */
#include <errno.h>
#include <string.h>

#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/xlate.h"

#define TUN_OFFSET offsetof(struct hal_key, tun_flags)

/* Everything of it is a constant to this translation. */
static void restore_state(struct xlate *x, const struct pl_frozen *s)
{
	uint8_t *key = (uint8_t *)&x->key, *known = (uint8_t *)&x->known.dp;
	uint8_t *written = (uint8_t *)&x->written.dp;

	memcpy(key + sizeof(struct hal_key), s->fields, FROZEN_FIELDS);
	for (unsigned i = 0; i < FROZEN_TUNNEL; i++) {
		unsigned at = TUN_OFFSET + i;

		key[at] = (uint8_t)((key[at] & ~s->tun_mask[i]) | s->tun[i]);
		known[at] |= s->tun_mask[i];
		written[at] |= s->tun_mask[i];
	}
	x->ct_stale = s->ct_stale;
	x->tracked = s->tracked;
	if (!x->tracked)
		xlate_forget_ct(x);
	x->hash = s->hash;
	x->n_set = s->set.n;
	if (s->set.n)
		memcpy(x->set, s->set.a, s->set.n * sizeof(x->set[0]));
	for (unsigned i = 0; i < s->n_stack; i++) {
		struct xlate_stack_entry *e = xlate_vec_add(x, &x->stack, sizeof(*e));

		if (e)
			memcpy(e->value, s->stack[i], sizeof(e->value));
	}
}

void xlate_override_fields(struct xlate *x, const struct hal_match *fields)
{
	const size_t tail = offsetof(struct xlate_key, metadata);
	uint8_t *key = (uint8_t *)&x->key;
	const uint8_t *value = (const uint8_t *)&fields->value;

	memcpy(key + TUN_OFFSET, value + TUN_OFFSET, FROZEN_TUNNEL);
	memset((uint8_t *)&x->known.dp + TUN_OFFSET, 0xff, FROZEN_TUNNEL);
	memset((uint8_t *)&x->written.dp + TUN_OFFSET, 0xff, FROZEN_TUNNEL);
	memcpy(x->key.reg, fields->value.reg, sizeof(x->key.reg));
	memcpy(key + tail, value + tail, sizeof(x->key.metadata));
	if (fields->mask.in_port_of)
		x->key.in_port_of = fields->value.in_port_of;
}

static void run_frame(struct xlate *x, const struct pl_frame *f)
{
	struct xlate_list l = {.acts = &f->ins.apply, .then = &f->ins, .table = f->table};
	uint8_t table;

	switch ((enum pl_frame_type)f->type) {
	case FRAME_LIST:
		x->table = f->table;
		x->cookie = f->cookie;
		x->pin_reason = f->pin_reason;
		x->packet_out = f->packet_out;
		xlate_list_run(x, &l);
		if (x->freezing)
			xlate_frame_list(x, &l, f->ends);
		else if (!xlate_halted(x) && l.then && xlate_instructions(x, l.then, &table))
			xlate_table(x, table, x->key.in_port_of);
		break;
	case FRAME_TABLE:
		xlate_table(x, f->table, f->in_port);
		break;
	case FRAME_SET:
		x->stop = false;
		xlate_action_set(x);
		break;
	}
}

/* If it is interrupted again, the frames behind are still to be done. */
static void run_frames(struct xlate *x, const struct pl_frozen *s)
{
	for (unsigned i = 0; i < s->n_frames && !x->error; i++) {
		const struct pl_frame *f = &s->frames[i];

		if (x->freezing) {
			struct pl_frame *copy = xlate_vec_add(x, &x->frames, sizeof(*copy));

			if (copy && frame_copy(copy, f)) {
				*copy = (struct pl_frame){0};
				x->error = -ENOMEM;
			}
			continue;
		}
		if ((!x->stop && !x->exit) || f->type == FRAME_SET)
			run_frame(x, f);
		if (f->ends)
			x->stop = false;
	}
}

void xlate_resume(struct xlate *x)
{
	struct pl_recirc *r = recirc_find(x->pl->recircs, rte_be_to_cpu_32(x->orig->recirc_id)),
			 **slot;

	if (!r) {
		x->error = -ENOENT;
		return;
	}
	slot = xlate_vec_add(x, &x->recircs, sizeof(struct pl_recirc *));
	if (!slot) {
		recirc_unref(r);
		return;
	}
	*slot = r;
	x->br = pipeline_bridge_by_id(x->pl, r->state.bridge);
	if (!x->br) {
		x->error = -ENODEV;
		return;
	}
	restore_state(x, &r->state);
	if (x->resume_fields)
		xlate_override_fields(x, x->resume_fields);
	x->in_port = bridge_port(x->br, rte_be_to_cpu_32(x->key.in_port_of));
	xlate_depend(x, dep_key_bridge(x->br, DEP_BRIDGE));
	xlate_depend(x, dep_key_port(x->br, rte_be_to_cpu_32(x->key.in_port_of)));
	xlate_trace(x, "thaw: bridge(\"%s\")", x->br->name);
	run_frames(x, &r->state);
	xlate_freeze_end(x);
}
