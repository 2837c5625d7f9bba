/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of actions that run on a copy: nothing that they do to the packet is left after them.
 */
#include "ofctl/pipeline/xlate_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the packet is before, to be found again after. */
struct xlate_state {
	struct xlate_key key, known, written;
	int8_t vlan_from[2];
	int8_t lse_from[3];
	uint8_t ttl_dec;
	const struct pl_bridge *br;
	const struct pl_port *in_port;
	const struct flow *flow;
	uint64_t cookie;
	struct xlate_list *list;
	struct pl_hash_basis hash;
	uint8_t table, pin_reason;
	struct of_action set[32];
	unsigned n_set;
	struct xlate_vec stack;
	bool stop, exit, packet_out, unparsed, tracked, ct_stale;
	uint8_t outer;
};

struct xlate_copy {
	struct xlate_state *before;
	uint32_t at; /* of its CLONE in the program */
};

static void save(const struct xlate *x, struct xlate_state *s)
{
	s->key = x->key;
	s->known = x->known;
	s->written = x->written;
	memcpy(s->vlan_from, x->vlan_from, sizeof(s->vlan_from));
	memcpy(s->lse_from, x->lse_from, sizeof(s->lse_from));
	s->ttl_dec = x->ttl_dec;
	s->br = x->br;
	s->in_port = x->in_port;
	s->flow = x->flow;
	s->cookie = x->cookie;
	s->list = x->list;
	s->hash = x->hash;
	s->tracked = x->tracked;
	s->ct_stale = x->ct_stale;
	s->table = x->table;
	s->pin_reason = x->pin_reason;
	memcpy(s->set, x->set, x->n_set * sizeof(s->set[0]));
	s->n_set = x->n_set;
	s->stop = x->stop;
	s->exit = x->exit;
	s->packet_out = x->packet_out;
	s->unparsed = x->unparsed;
	s->outer = x->outer;
}

/* Bits of the original packet that were needed meanwhile are known now too, but `known` of before
 * is a subset of that and still right. */
static void restore(struct xlate *x, const struct xlate_state *s)
{
	x->key = s->key;
	x->known = s->known;
	x->written = s->written;
	memcpy(x->vlan_from, s->vlan_from, sizeof(x->vlan_from));
	memcpy(x->lse_from, s->lse_from, sizeof(x->lse_from));
	x->ttl_dec = s->ttl_dec;
	x->br = s->br;
	x->in_port = s->in_port;
	x->flow = s->flow;
	x->cookie = s->cookie;
	x->list = s->list;
	x->hash = s->hash;
	x->tracked = s->tracked;
	x->ct_stale = s->ct_stale;
	x->table = s->table;
	x->pin_reason = s->pin_reason;
	memcpy(x->set, s->set, s->n_set * sizeof(x->set[0]));
	x->n_set = s->n_set;
	x->stop = s->stop;
	x->exit = s->exit;
	x->packet_out = s->packet_out;
	x->unparsed = s->unparsed;
	x->outer = s->outer;
	x->push_end = 0;
}

/* The copy has the stack as it is, and leaves it so. */
static int keep_stack(const struct xlate *x, struct xlate_state *s)
{
	size_t len = x->stack.n * sizeof(struct xlate_stack_entry);

	s->stack = (struct xlate_vec){0};
	if (!len)
		return 0;
	s->stack.data = malloc(len);
	if (!s->stack.data)
		return -ENOMEM;
	memcpy(s->stack.data, x->stack.data, len);
	s->stack.n = s->stack.capacity = x->stack.n;
	return 0;
}

/* Steps that act on a copy of their own. */
static bool leaves_packet(const struct hal_action *a)
{
	switch (a->type) {
	case ACTION_OUTPUT:
	case ACTION_CONTROLLER:
	case ACTION_CLONE:
	case ACTION_SAMPLE:
	case ACTION_CHECK_PKT_LEN:
	case ACTION_RECIRC:
	case ACTION_TRUNC: /* an output follows, where it ends */
		return true;
	default:
		return false;
	}
}

static bool all_leave_packet(const struct hal_program *p, uint32_t from)
{
	for (uint32_t at = from; at < p->len;) {
		const struct hal_action *a =
			(const struct hal_action *)((const uint8_t *)p->steps + at);

		if (!leaves_packet(a))
			return false;
		at += a->len;
	}
	return true;
}

/* Removes the CLONE around steps that leave the packet as it is. */
static void unwrap_clone(struct xlate *x, uint32_t at)
{
	struct hal_program *p = x->out.program;
	const uint32_t head = sizeof(struct hal_act_clone);
	const struct hal_act_clone *c =
		(const struct hal_act_clone *)((const uint8_t *)p->steps + at);

	if (c->nested_len && !all_leave_packet(p, at + head))
		return;
	hal_program_cut(p, &c->a, head);
}

struct xlate_state *xlate_state_save(struct xlate *x)
{
	struct xlate_state *s = malloc(sizeof(*s));

	if (!s)
		goto no_memory;
	save(x, s);
	if (keep_stack(x, s))
		goto no_memory;
	return s;

no_memory:
	free(s);
	x->error = -ENOMEM;
	return NULL;
}

void xlate_state_restore(struct xlate *x, struct xlate_state *s)
{
	restore(x, s);
	free(x->stack.data);
	x->stack = s->stack;
	free(s);
}

struct xlate_copy *xlate_copy_begin(struct xlate *x)
{
	struct xlate_copy *c;

	if (x->error)
		return NULL;
	if (x->depth >= XLATE_MAX_DEPTH) {
		x->error = -ELOOP;
		return NULL;
	}
	c = malloc(sizeof(*c));
	if (!c) {
		x->error = -ENOMEM;
		return NULL;
	}
	c->before = xlate_state_save(x);
	if (!c->before) {
		free(c);
		return NULL;
	}
	c->at = hal_build_nested_begin(&x->out, ACTION_CLONE, 0);
	x->push_end = 0;
	x->depth++;
	return c;
}

void xlate_copy_end(struct xlate *x, struct xlate_copy *c)
{
	uint32_t at = c->at;

	xlate_freeze_end(x);
	x->depth--;
	xlate_state_restore(x, c->before);
	free(c);
	if (x->out.error)
		return;
	/* Only what sends counts inside too. */
	if (x->out.program->len > x->useful && x->useful > at)
		x->out.program->len = x->useful;
	if (x->useful <= at) {
		x->out.program->len = at;
		return;
	}
	hal_build_nested_end(&x->out, at);
	unwrap_clone(x, at);
	x->useful = x->out.program->len;
}
