/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/flow.h"

#include <errno.h>
#include <stdlib.h>

#include "hal/base/rcu.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/conjunction.h"

struct flow *flow_new(struct pl_bridge *br, const struct of_flow_mod *fm, uint8_t table,
	struct flow_counter *counter)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->match = hal_cmatch_new(&fm->match);
	if (!f->match)
		goto free_flow;
	if (of_instructions_copy(&f->ins, &fm->ins))
		goto free_match;
	if (!counter) {
		counter = calloc(1, sizeof(*counter));
		if (!counter)
			goto free_instructions;
		counter->created_ms = counter->modified_ms = counter->used_ms = clock_ms();
	}
	counter->refs++;
	f->counter = counter;
	f->br = br;
	f->table = table;
	f->priority = fm->priority;
	f->cookie = fm->cookie;
	f->idle_timeout = fm->idle_timeout;
	f->hard_timeout = fm->hard_timeout;
	f->flags = fm->flags;
	f->importance = fm->importance;
	f->clause = conj_is_clause(&f->ins);
	atomic_store(&f->refs, 1);
	atomic_store(&f->until, VERSION_FOREVER);
	return f;

free_instructions:
	of_instructions_free(&f->ins);
free_match:
	free(f->match);
free_flow:
	free(f);
	return NULL;
}

bool flow_ref(struct flow *f)
{
	uint32_t n = atomic_load_explicit(&f->refs, memory_order_relaxed);

	while (n)
		if (atomic_compare_exchange_weak_explicit(
			    &f->refs, &n, n + 1, memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

/* Control thread, when nobody can have found the flow any more. */
static void flow_gone(void *arg)
{
	struct flow *f = arg;

	bridge_flow_gone(f->br, f);
	if (--f->counter->refs == 0)
		free(f->counter);
	of_instructions_free(&f->ins);
	free(f->match);
	free(f);
}

void flow_unref(struct flow *f)
{
	if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
		rcu_defer(flow_gone, f);
}
