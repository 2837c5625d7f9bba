/* SPDX-License-Identifier: Apache-2.0
 *
 * Interrupting a translation: whoever notices sets `freezing`, and on the way out everybody who
 * still had something to do leaves a frame of it. At the boundary of the branch the frames and the
 * pipeline's own state become a recirculation id.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/xlate.h"

#define TUN_OFFSET offsetof(struct hal_key, tun_flags)

_Static_assert(sizeof(struct xlate_stack_entry) == 16, "frozen stacks hold such values");
_Static_assert(FROZEN_TUNNEL == sizeof(struct hal_key) - TUN_OFFSET,
	"the tunnel is the end of a datapath key");

void xlate_freeze(struct xlate *x)
{
	x->freezing = true;
	if (x->list)
		x->list->next--;
}

void xlate_freeze_after(struct xlate *x, xlate_frozen_cb *frozen, const void *arg)
{
	x->freezing = true;
	x->frozen = frozen;
	x->frozen_arg = arg;
}

/* ---- frames ---- */

static struct pl_frame *frame_add(struct xlate *x, enum pl_frame_type type)
{
	struct pl_frame *f = xlate_vec_add(x, &x->frames, sizeof(*f));

	if (f)
		f->type = (uint8_t)type;
	return f;
}

static bool has_rest(const struct xlate_list *l)
{
	const struct of_instructions *t = l->then;

	return l->next < l->acts->n ||
	       (t && (t->clear || t->write.n || t->has_metadata || t->has_goto));
}

void xlate_frame_list(struct xlate *x, const struct xlate_list *l, bool ends)
{
	struct of_instructions ins = {0};
	struct pl_frame *f;

	if (!has_rest(l))
		return;
	f = frame_add(x, FRAME_LIST);
	if (!f)
		return;
	f->ends = ends;
	f->packet_out = x->packet_out;
	f->table = x->table;
	f->pin_reason = x->pin_reason;
	f->cookie = x->cookie;
	if (l->then)
		ins = *l->then;
	ins.apply.n = l->acts->n - l->next;
	ins.apply.a = l->acts->a + l->next;
	if (of_instructions_copy(&f->ins, &ins)) {
		f->ins = (struct of_instructions){0};
		x->error = -ENOMEM;
	}
}

void xlate_frame_table(struct xlate *x, uint8_t table, rte_be32_t in_port)
{
	struct pl_frame *f = frame_add(x, FRAME_TABLE);

	if (!f)
		return;
	f->table = table;
	f->in_port = MUTATE(416, in_port, 0);
	f->packet_out = x->packet_out;
}

void xlate_frame_set(struct xlate *x)
{
	frame_add(x, FRAME_SET);
}

/* ---- the state ---- */

static void clear_frames(struct xlate *x)
{
	struct pl_frame *f = x->frames.data;

	for (unsigned i = 0; i < x->frames.n; i++)
		frame_clear(&f[i]);
	free(f);
	x->frames = (struct xlate_vec){0};
}

/* Of the tunnel only what actions wrote is the translation's; the rest comes with the packet. */
static void freeze_tunnel(const struct xlate *x, struct pl_frozen *s)
{
	const uint8_t *key = (const uint8_t *)&x->key.dp + TUN_OFFSET;

	memcpy(s->tun_mask, (const uint8_t *)&x->written.dp + TUN_OFFSET, FROZEN_TUNNEL);
	for (unsigned i = 0; i < FROZEN_TUNNEL; i++)
		s->tun[i] = key[i] & s->tun_mask[i];
}

void xlate_freeze_fields(const struct xlate *x, struct pl_frozen *s)
{
	memcpy(s->fields, (const uint8_t *)&x->key + sizeof(struct hal_key),
		MUTATE(414, FROZEN_FIELDS, 0));
	freeze_tunnel(x, s);
}

/* Takes the frames. */
static int freeze_state(struct xlate *x, struct pl_frozen *s)
{
	struct of_actions set = {x->n_set, x->set};

	*s = (struct pl_frozen){.bridge = x->br->id,
		.tracked = x->tracked,
		.ct_stale = x->ct_stale,
		.pauses = x->frozen != NULL,
		.hash = x->hash,
		.n_frames = x->frames.n,
		.frames = x->frames.data};
	x->frames = (struct xlate_vec){0};
	xlate_freeze_fields(x, s);
	if (of_actions_copy(&s->set, &set))
		return -ENOMEM;
	if (!x->stack.n)
		return 0;
	s->stack = malloc(x->stack.n * sizeof(s->stack[0]));
	if (!s->stack)
		return -ENOMEM;
	memcpy(s->stack, x->stack.data, x->stack.n * sizeof(s->stack[0]));
	s->n_stack = x->stack.n;
	return 0;
}

/* The id is the megaflow's: it has the reference. NULL: x->error says why. */
static struct pl_recirc *state_id(struct xlate *x)
{
	struct pl_recirc **slot, *r;
	struct pl_frozen s;
	int error;

	if (x->error)
		return NULL;
	slot = xlate_vec_add(x, &x->recircs, sizeof(struct pl_recirc *));
	if (!slot)
		return NULL;
	x->recircs.n--;
	x->error = freeze_state(x, &s);
	if (x->error) {
		frozen_clear(&s);
		return NULL;
	}
	r = recirc_get(x->pl->recircs, &s, &error);
	if (!r) {
		x->error = error;
		return NULL;
	}
	*slot = r;
	x->recircs.n++;
	return r;
}

static void emit_recirc(struct xlate *x, struct pl_recirc *r, int zone)
{
	struct hal_act_recirc *a = hal_builder_add(&x->out, ACTION_RECIRC, sizeof(*a));
	struct xlate_fork *f;

	if (!a)
		return;
	a->id = r->id;
	xlate_useful(x);
	xlate_trace(x, "recirc(0x%x)", r->id);
	if (!x->probing)
		return;
	f = xlate_vec_add(x, &x->forks, sizeof(*f));
	if (!f)
		return;
	*f = (struct xlate_fork){.to = r, .key = x->key.dp, .ct = zone >= 0};
	if (zone >= 0)
		f->key.ct_zone = rte_cpu_to_be_16((uint16_t)zone);
}

void xlate_freeze_end(struct xlate *x)
{
	xlate_frozen_cb *frozen = x->frozen;
	struct pl_recirc *r;

	if (!x->freezing)
		return;
	r = state_id(x);
	clear_frames(x);
	x->freezing = false;
	x->frozen = NULL;
	if (r && frozen)
		frozen(x, r, x->frozen_arg);
	else if (r)
		emit_recirc(x, r, -1);
}

void xlate_fork_table(struct xlate *x, uint8_t table, int zone)
{
	struct pl_recirc *r;

	xlate_frame_table(x, table, x->key.in_port_of);
	xlate_frame_set(x);
	r = state_id(x);
	clear_frames(x);
	if (r)
		emit_recirc(x, r, zone);
}
