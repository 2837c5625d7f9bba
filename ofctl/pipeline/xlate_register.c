/* SPDX-License-Identifier: Apache-2.0
 *
 * Output to a port that a field names, and the stack of push and pop.
 */
#include <errno.h>
#include <string.h>

#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_more.h"

void xlate_output_reg(struct xlate *x, const struct of_action *a)
{
	struct of_subfield sf = {a->field, a->src_ofs, a->n_bits};
	uint8_t value[SUBFIELD_BYTES];
	uint32_t port;

	subfield_read(x, &sf, value);
	port = subfield_port(subfield_u64(value));
	xlate_trace(x, "output:%s[] is port %u", hal_fields[a->field].name, port);
	/* Only a packet-out may go to the tables (OpenFlow 1.3, 4.5), and it does so by number. */
	if (port != OF_PORT_TABLE)
		xlate_output(x, port, a->max_len);
}

static void push(struct xlate *x, const struct of_subfield *sf)
{
	struct xlate_stack_entry *e;

	if (x->stack.n >= XLATE_MAX_STACK) {
		x->error = -ELOOP;
		return;
	}
	e = xlate_vec_add(x, &x->stack, sizeof(*e));
	if (e)
		subfield_read(x, sf, e->value);
}

/* Nothing to pop does nothing. */
static void pop(struct xlate *x, const struct of_subfield *sf)
{
	struct xlate_stack_entry *e = x->stack.data;

	if (x->stack.n)
		subfield_write(x, sf, e[--x->stack.n].value);
}

void xlate_stack(struct xlate *x, const struct of_action *a)
{
	struct of_subfield sf = {a->field, a->src_ofs, a->n_bits};

	if (a->type == OFACT_STACK_PUSH)
		push(x, &sf);
	else
		pop(x, &sf);
}
