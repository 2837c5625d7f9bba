/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists within actions: on a copy of the packet, or one of two by its length; and truncation.
 */
#include <errno.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_copy.h"
#include "ofctl/pipeline/xlate_more.h"

/* As in Open vSwitch, the action set is executed on the copy too, and what exits in a clone exits
 * what is around it. */
void xlate_clone(struct xlate *x, const struct of_actions *acts)
{
	struct xlate_copy *copy = xlate_copy_begin(x);
	bool exit;

	if (!copy)
		return;
	xlate_actions(x, acts);
	x->stop = false;
	exit = x->exit;
	if (x->freezing)
		xlate_frame_set(x);
	else if (!x->error && !exit)
		xlate_action_set(x);
	xlate_copy_end(x, copy);
	x->exit = exit;
}

/* What is left of the list, and of the flow behind it, with the bit as it is now. */
static void run_rest(struct xlate *x, const struct xlate_list *l)
{
	struct xlate_list rest = {
		.acts = l->acts, .next = l->next, .then = l->then, .table = l->table};
	uint8_t table;

	xlate_list_run(x, &rest);
	if (x->freezing)
		xlate_frame_list(x, &rest, true);
	else if (!xlate_halted(x) && rest.then && xlate_instructions(x, rest.then, &table))
		xlate_table(x, table, x->key.in_port_of);
	x->stop = false;
	if (x->freezing)
		xlate_frame_set(x);
	else if (!x->error && !x->exit)
		xlate_action_set(x);
}

/* One of the two lists, which begins where the program ends. Returns whether it exits. */
static bool one_length(struct xlate *x, const struct of_action *a, bool larger)
{
	struct of_subfield dst = {a->field, a->src_ofs, a->n_bits};
	uint32_t from = x->out.program ? x->out.program->len : 0;
	struct xlate_state *before = xlate_state_save(x);
	bool exit;

	if (!before)
		return false;
	x->n_actions += XLATE_FORK_ACTIONS;
	subfield_write_u64(x, &dst, MUTATE(407, larger, true));
	xlate_trace(x, "%s:", larger ? "larger" : "not larger");
	run_rest(x, x->list);
	xlate_freeze_end(x);
	exit = x->exit;
	xlate_state_restore(x, before);
	/* Only what sends counts inside too. */
	if (!x->out.error && x->out.program->len > from)
		x->out.program->len = x->useful > from ? x->useful : from;
	return exit;
}

/* What is still to be done in this flow is done in both lists, and the action set with it; what
 * led to this flow goes on after them, with the bit as it was. */
void xlate_check_pkt_larger(struct xlate *x, const struct of_action *a)
{
	struct xlate_list *l = x->list;
	uint32_t at, header = sizeof(struct hal_act_check_len);
	bool exit;

	if (x->depth >= XLATE_MAX_DEPTH) {
		x->error = -ELOOP;
		return;
	}
	x->depth++;
	at = hal_build_nested_begin(&x->out, ACTION_CHECK_PKT_LEN, a->pkt_len);
	exit = one_length(x, a, true);
	hal_build_nested_else(&x->out, at);
	one_length(x, a, false);
	x->depth--;
	if (x->out.error || x->error)
		return;
	if (x->useful <= at + header) {
		x->out.program->len = at;
	} else {
		hal_build_nested_end(&x->out, at);
		xlate_useful(x);
	}
	l->next = l->acts->n;
	l->then = NULL;
	x->n_set = 0;
	x->exit = exit;
}

/* The step says how the next output is cut, so it needs a port that is one output. */
void xlate_output_trunc(struct xlate *x, const struct of_action *a)
{
	struct hal_act_trunc *t;
	const struct pl_port *port;
	uint32_t number = a->port;

	if (number == OF_PORT_IN_PORT)
		number = rte_be_to_cpu_32(x->key.in_port_of);
	else if (number == rte_be_to_cpu_32(x->key.in_port_of))
		return;
	xlate_depend(x, dep_key_port(x->br, number));
	port = bridge_port(x->br, number);
	if (!port || port->no_fwd || port->cfg.dp_port == HAL_PORT_NONE)
		return;
	t = hal_builder_add(&x->out, ACTION_TRUNC, sizeof(*t));
	if (!t)
		return;
	t->max_len = MUTATE(408, a->trunc, a->trunc + 4);
	xlate_output(x, a->port, 0);
}
