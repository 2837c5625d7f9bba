/* SPDX-License-Identifier: Apache-2.0
 *
 * A megaflow's program as its device wants it: several outputs become one GROUP object where the
 * device sends to several ports that way only, and copies that are cut become MIRROR objects where
 * it has those but cannot cut.
 *
 * The top-level list is taken in segments that end where something else than rewriting headers and
 * sending begins. The buckets of a segment's group each carry what was done to the packet until
 * their output; what follows the segment finds the packet as all of its rewriting left it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "offload/internal.h"

#define MAX_STEPS 64   /* that rewrite the packet, in one segment */
#define MAX_GROUP 8192 /* bytes of buckets */

struct segment {
	const struct hal_action *edits[MAX_STEPS];
	unsigned n_edits;
	const struct hal_act_trunc *trunc; /* for the next output */
	unsigned n_outputs;                /* OUTPUT, not MIRROR */
	struct hal_group *group;           /* MAX_GROUP bytes behind it */
	bool clumsy;                       /* too much of something: stays as it was */
};

struct rewriter {
	struct device *dev;
	struct object_list **uses;
	struct hal_builder out;
	struct segment seg;
	const struct hal_action *from; /* where the segment begins */
	bool make, groups, mirrors;
	int error;
};

static const struct hal_action *next_step(const struct hal_action *a)
{
	return (const struct hal_action *)((const uint8_t *)a + a->len);
}

static bool is_edit(enum hal_action_type type)
{
	switch (type) {
	case ACTION_PUSH_VLAN:
	case ACTION_POP_VLAN:
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
	case ACTION_PUSH_PBB:
	case ACTION_POP_PBB:
	case ACTION_SET:
	case ACTION_DEC_TTL:
	case ACTION_TUNNEL_PUSH:
	case ACTION_HASH:
	case ACTION_CT_CLEAR:
		return true;
	default:
		return false;
	}
}

/* A copy that is only rewritten and sent. */
static bool is_plain_clone(const struct hal_action *a)
{
	const struct hal_act_clone *c = (const struct hal_act_clone *)a;
	const struct hal_action *end = next_step(a);

	if (a->type != ACTION_CLONE || c->nested_len > a->len - sizeof(*c))
		return false;
	for (a = (const struct hal_action *)(c + 1); a < end; a = next_step(a)) {
		if (a->len < sizeof(*a)) /* malformed: the checks will say so */
			return false;
		if (!is_edit(a->type) && a->type != ACTION_OUTPUT && a->type != ACTION_TRUNC)
			return false;
	}
	return true;
}

static void emit(struct rewriter *w, const struct hal_action *a)
{
	void *to = hal_builder_add(&w->out, a->type, a->len);

	if (to)
		memcpy(to, a, a->len);
}

static uint32_t intern(
	struct rewriter *w, enum hal_object_type type, const void *desc, uint32_t len)
{
	uint32_t id = 0;

	if (w->make && !w->error)
		w->error = object_intern(w->dev, type, desc, len, w->uses, &id);
	return id;
}

static struct hal_act_object mirror_step(
	struct rewriter *w, const struct hal_act_output *o, const struct hal_act_trunc *t)
{
	const struct hal_mirror m = {.port = o->port, .max_len = t->max_len};

	return (struct hal_act_object){
		.a = {ACTION_MIRROR, sizeof(struct hal_act_object), 0},
		.id = intern(w, HAL_OBJECT_MIRROR, &m, sizeof(m)),
	};
}

/* ---- buckets ---- */

static void append(struct segment *s, const void *what, size_t len)
{
	if (s->clumsy || s->group->len + len > MAX_GROUP) {
		s->clumsy = true;
		return;
	}
	memcpy((uint8_t *)s->group->buckets + s->group->len, what, len);
	s->group->len += (uint32_t)len;
}

/* What was done so far, then the output. */
static void add_bucket(struct rewriter *w, const struct hal_act_output *o)
{
	struct segment *s = &w->seg;
	bool mirror = s->trunc && w->mirrors;
	struct hal_bucket head = {.len = o->a.len};
	struct hal_act_object m;

	for (unsigned i = 0; i < s->n_edits; i++)
		head.len += s->edits[i]->len;
	if (s->trunc && !mirror)
		head.len += s->trunc->a.len;
	append(s, &head, sizeof(head));
	for (unsigned i = 0; i < s->n_edits; i++)
		append(s, s->edits[i], s->edits[i]->len);
	if (mirror) {
		m = mirror_step(w, o, s->trunc);
		append(s, &m, sizeof(m));
	} else {
		if (s->trunc)
			append(s, s->trunc, s->trunc->a.len);
		append(s, o, o->a.len);
		s->n_outputs++;
	}
	s->group->n_buckets += !s->clumsy;
	s->trunc = NULL;
}

static void take(struct rewriter *w, const struct hal_action *a)
{
	struct segment *s = &w->seg;

	if (a->type == ACTION_OUTPUT) {
		add_bucket(w, (const struct hal_act_output *)a);
	} else if (a->type == ACTION_TRUNC) {
		s->trunc = (const struct hal_act_trunc *)a;
	} else if (a->type == ACTION_CLONE) {
		const struct hal_action *end = next_step(a);
		const struct hal_act_trunc *outer = s->trunc;
		unsigned n = s->n_edits;

		s->trunc = NULL;
		for (a = (const struct hal_action *)((const struct hal_act_clone *)a + 1); a < end;
			a = next_step(a))
			take(w, a);
		s->n_edits = MUTATE(443, n, s->n_edits); /* the packet itself is as before */
		s->trunc = outer;
	} else if (s->n_edits == MAX_STEPS) {
		s->clumsy = true;
	} else {
		s->edits[s->n_edits++] = a;
	}
}

/* ---- segments ---- */

/* CLONE{TRUNC, OUTPUT} is a mirror. */
static const struct hal_act_trunc *cut_copy(const struct hal_action *a)
{
	const struct hal_act_trunc *t =
		(const struct hal_act_trunc *)((const struct hal_act_clone *)a + 1);

	if (a->type != ACTION_CLONE || !is_plain_clone(a) ||
		a->len !=
			sizeof(struct hal_act_clone) + sizeof(*t) + sizeof(struct hal_act_output) ||
		t->a.type != ACTION_TRUNC || next_step(&t->a)->type != ACTION_OUTPUT)
		return NULL;
	return t;
}

static void emit_mirror(struct rewriter *w, const struct hal_act_trunc *t)
{
	struct hal_act_object m =
		mirror_step(w, (const struct hal_act_output *)next_step(&t->a), t);

	emit(w, &m.a);
}

/* As it was, but for mirrors. */
static void emit_steps(
	struct rewriter *w, const struct hal_action *from, const struct hal_action *to)
{
	for (const struct hal_action *a = from; a < to; a = next_step(a)) {
		const struct hal_act_trunc *t = w->mirrors ? cut_copy(a) : NULL;

		if (t) {
			emit_mirror(w, t);
		} else if (w->mirrors && a->type == ACTION_TRUNC && next_step(a) < to &&
			   next_step(a)->type == ACTION_OUTPUT) {
			emit_mirror(w, (const struct hal_act_trunc *)a);
			a = next_step(a);
		} else {
			emit(w, a);
		}
	}
}

static void end_segment(struct rewriter *w, const struct hal_action *to, bool last)
{
	struct segment *s = &w->seg;
	struct hal_act_object *g;
	uint32_t id;

	if (!w->groups || s->clumsy || s->n_outputs < 2) {
		emit_steps(w, w->from, to);
	} else {
		id = intern(
			w, HAL_OBJECT_GROUP, s->group, (uint32_t)sizeof(*s->group) + s->group->len);
		g = hal_builder_add(&w->out, ACTION_GROUP, sizeof(*g));
		if (g)
			g->id = id;
		for (unsigned i = 0; i < s->n_edits && !last; i++)
			emit(w, s->edits[i]);
		if (s->trunc && !last)
			emit(w, &s->trunc->a);
	}
	s->n_edits = s->n_outputs = 0;
	s->trunc = NULL;
	s->clumsy = false;
	memset(s->group, 0, sizeof(*s->group));
}

static bool belongs(const struct hal_action *a)
{
	return is_edit(a->type) || a->type == ACTION_OUTPUT || a->type == ACTION_TRUNC ||
	       is_plain_clone(a);
}

static void rewrite_all(struct rewriter *w, const struct hal_program *p)
{
	const struct hal_action *end;

	w->from = (const struct hal_action *)p->steps;
	end = (const struct hal_action *)((const uint8_t *)p->steps + p->len);
	ACTION_FOR_EACH (a, p) {
		if (belongs(a)) {
			take(w, a);
			continue;
		}
		end_segment(w, a, false);
		emit(w, a);
		w->from = next_step(a);
	}
	end_segment(w, end, true);
}

/* Is there anything to do, and does the list hold together? */
static bool worth_it(const struct rewriter *w, const struct hal_program *p)
{
	unsigned outputs = 0, cuts = 0;

	ACTION_FOR_EACH (a, p) {
		if (a->len < sizeof(*a))
			return false;
		outputs += a->type == ACTION_OUTPUT;
		cuts += a->type == ACTION_TRUNC || cut_copy(a) != NULL;
		outputs += is_plain_clone(a);
	}
	return (w->groups && outputs > 1) || (w->mirrors && cuts);
}

int rewrite(struct device *dev, const struct hal_program *p, bool make, struct object_list **uses,
	struct hal_program **out)
{
	const struct hal_caps *caps = dev->caps;
	struct rewriter w = {
		.dev = dev,
		.uses = uses,
		.make = make,
		.groups = caps->outputs_by_group && caps->object[HAL_OBJECT_GROUP] &&
			  caps->action[ACTION_GROUP],
		.mirrors = caps->object[HAL_OBJECT_MIRROR] && caps->action[ACTION_MIRROR] &&
			   !caps->action[ACTION_TRUNC],
	};

	*out = NULL;
	if (!worth_it(&w, p))
		return 0;
	w.seg.group = calloc(1, sizeof(*w.seg.group) + MAX_GROUP);
	if (!w.seg.group)
		return -ENOMEM;
	hal_builder_init(&w.out);
	rewrite_all(&w, p);
	free(w.seg.group);
	if (w.error)
		hal_builder_clear(&w.out);
	else
		*out = hal_builder_finish(&w.out);
	if (!w.error && !*out)
		w.error = w.out.error ? w.out.error : -ENOMEM;
	return w.error;
}
