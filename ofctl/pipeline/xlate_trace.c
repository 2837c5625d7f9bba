/* SPDX-License-Identifier: Apache-2.0
 *
 * What a translation says of its steps, for those who ask where a packet would go: the flow that
 * each table has for it, each action before it is done, and what the packet has become.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/mem.h"
#include "ofctl/openflow/flow_text.h"
#include "ofctl/pipeline/flow.h"
#include "ofctl/pipeline/xlate_more.h"

#define INDENT 4 /* columns for each list of actions inside of another */

static void put_line(struct xlate *x, unsigned deeper, const char *fmt, va_list ap)
{
	for (const struct xlate_list *l = x->list; l; l = l->outer)
		deeper++;
	fprintf(x->trace, "%*s", (int)deeper * INDENT, "");
	vfprintf(x->trace, fmt, ap);
	fputc('\n', x->trace);
}

void xlate_trace(struct xlate *x, const char *fmt, ...)
{
	va_list ap;

	if (!x->trace)
		return;
	va_start(ap, fmt);
	put_line(x, 0, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
trace_inside(struct xlate *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(x, 1, fmt, ap);
	va_end(ap);
}

void xlate_trace_flow(struct xlate *x, uint8_t table, const struct flow *f)
{
	char match[512];

	if (!x->trace)
		return;
	if (!f) {
		xlate_trace(x, "%2u. No match.", table);
		return;
	}
	hal_cmatch_format(f->match, match, sizeof(match));
	xlate_trace(x, "%2u. %s%spriority %u, cookie 0x%llx", table, match, match[0] ? ", " : "",
		f->priority, (unsigned long long)f->cookie);
	if (f->ins.has_meter)
		trace_inside(x, "meter:%u", f->ins.meter);
}

void xlate_trace_action(struct xlate *x, const struct of_action *a)
{
	struct of_action one;
	struct of_actions list = {1, &one};
	char *text;

	if (!x->trace)
		return;
	one = *a;
	text = of_actions_format(&list, NULL);
	if (text)
		xlate_trace(x, "%s", text);
	free(text);
}

void xlate_trace_rest(struct xlate *x, const struct of_instructions *ins)
{
	struct of_instructions rest;
	char *text;

	if (!x->trace || !ins)
		return;
	rest = *ins;
	rest.has_meter = false;
	rest.apply = (struct of_actions){0};
	text = of_instructions_format(&rest, NULL);
	if (text && (!ins->apply.n || strcmp(text, "drop") != 0))
		trace_inside(x, "%s", text);
	free(text);
}

/* Fields that are no news: the datapath's own, what goes without saying, and several registers
 * taken as one. */
static bool is_left_out(enum hal_field_id id, const struct hal_match *so_far)
{
	return id == FIELD_DP_PORT || id == FIELD_RECIRC_ID || id == FIELD_IN_PHY_PORT ||
	       id == FIELD_ACTSET_OUTPUT || hal_field_any(id, &so_far->mask);
}

/* All that is not 0 of a packet and what the pipeline knows of it; nothing of the datapath's own.
 */
void xlate_trace_key(FILE *out, const char *what, const struct xlate_key *key)
{
	struct hal_match m = {0};
	char text[2048];

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		const enum hal_field_id id = (enum hal_field_id)i;
		uint8_t value[HAL_VALUE_MAX];

		hal_field_get(id, key, value);
		if (!is_left_out(id, &m) && !mem_is_zero(value, hal_field_bytes(id)))
			hal_match_set(&m, id, value, NULL);
	}
	hal_match_format(&m.value, &m.mask, false, text, sizeof(text));
	fprintf(out, "%s: %s\n", what, text);
}
