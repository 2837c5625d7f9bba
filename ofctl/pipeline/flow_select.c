/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/flow_select.h"

#include <errno.h>
#include <stdlib.h>

static bool sends_to(const struct of_actions *acts, uint32_t port, uint32_t group)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];

		if (port != OF_PORT_ANY && a->port == port &&
			(a->type == OFACT_OUTPUT || a->type == OFACT_ENQUEUE))
			return true;
		if (group != OF_GROUP_ANY && a->type == OFACT_GROUP && a->group == group)
			return true;
	}
	return false;
}

static bool output_fits(const struct flow *f, uint32_t port, uint32_t group)
{
	if (port != OF_PORT_ANY && !sends_to(&f->ins.apply, port, OF_GROUP_ANY) &&
		!sends_to(&f->ins.write, port, OF_GROUP_ANY))
		return false;
	return group == OF_GROUP_ANY || sends_to(&f->ins.apply, OF_PORT_ANY, group) ||
	       sends_to(&f->ins.write, OF_PORT_ANY, group);
}

static bool cookie_fits(const struct flow *f, uint64_t cookie, uint64_t mask)
{
	return !((f->cookie ^ cookie) & mask);
}

static int select_add(struct flow_selection *s, struct flow *f)
{
	if (s->n == s->capacity) {
		unsigned capacity = s->capacity ? s->capacity * 2 : 64;
		struct flow **p = realloc(s->flows, capacity * sizeof(struct flow *));

		if (!p)
			return -ENOMEM;
		s->flows = p;
		s->capacity = capacity;
	}
	s->flows[s->n++] = f;
	return 0;
}

enum of_error flow_select(
	struct pl_bridge *br, const struct of_flow_mod *fm, bool strict, struct flow_selection *s)
{
	bool all = fm->table == OF_TABLE_ALL;
	struct hal_cmatch *match;
	enum of_error error = OFERR_OK;

	if (!all && fm->table >= OF_TABLES)
		return OFERR_FLOW_MOD_BAD_TABLE;
	match = hal_cmatch_new(&fm->match);
	if (!match)
		return OFERR_FLOW_MOD_UNKNOWN;
	for (unsigned i = all ? 0 : fm->table; i <= (all ? OF_TABLES - 1u : fm->table); i++) {
		struct flow *f;

		TAILQ_FOREACH (f, &br->tables[i].flows, order) {
			if (strict ? f->priority != fm->priority ||
						!hal_cmatch_equal(f->match, match)
				   : !hal_cmatch_contains(match, f->match))
				continue;
			if (!cookie_fits(f, fm->cookie, fm->cookie_mask) ||
				!output_fits(f, fm->out_port, fm->out_group))
				continue;
			if (select_add(s, f))
				error = OFERR_FLOW_MOD_UNKNOWN;
		}
	}
	free(match);
	return error;
}
