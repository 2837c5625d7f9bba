/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and the tables that hold them.
 *
 * What: a table is a set of subtables, one for each distinct mask, ordered by their highest
 * priority; a subtable hashes its flows by value.
 * Why: a lookup hashes once for each mask and stops at the first subtable that cannot beat what it
 * has. What a lookup read is told to the caller, who un-wildcards no more than the decision needed
 * (unwildcard.c).
 * Versions: a flow is seen by translations of the versions (struct pipeline) from `since` to before
 * `until`, so that a change with many flows is seen all at once. What a change takes out stays in
 * its subtable until the change ends; what takes its place there leads to it by `older`.
 * Thread-safety: the control thread writes; workers read under RCU. A flow's match, priority and
 * instructions never change: modifying a flow puts a new one in its place, which shares the
 * counters (struct flow_counter).
 */
#ifndef SLUICE_OFCTL_PIPELINE_FLOW_H
#define SLUICE_OFCTL_PIPELINE_FLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "hal/base/hmap.h"
#include "hal/match.h"
#include "ofctl/openflow/message.h"

struct pl_bridge;

/* Counters and times of an OpenFlow flow; control thread only. They outlive a modify. */
struct flow_counter {
	uint32_t refs;
	uint64_t packets, bytes;
	bool unknown; /* a device without counters carried some of it */
	uint64_t created_ms, modified_ms, used_ms; /* monotonic */
};

struct flow {
	struct hmap_node node;    /* in its subtable */
	struct hal_cmatch *match; /* over a translation key */
	struct of_instructions ins;
	struct pl_bridge *br;
	uint64_t cookie;
	uint16_t priority;
	uint16_t idle_timeout, hard_timeout; /* seconds */
	uint16_t flags, importance;
	uint8_t table;
	bool clause;            /* of a conjunction: never wins by itself */
	bool removed;           /* control: out of its table */
	bool announce;          /* control: flow-removed is due when it is gone */
	uint8_t removed_reason; /* enum of_removed_reason */
	uint64_t removed_ms;
	_Atomic uint32_t refs; /* the table's, and one for each megaflow that credits it */
	struct flow_counter *counter;
	_Atomic uint64_t since, until;
	_Atomic(struct flow *) older; /* of the same match and priority; NULL: none */
	struct flow *newer;           /* control: whose `older` this is */
	TAILQ_ENTRY(flow) order;      /* in table->flows, by insertion; then in pipeline->ended */
	uint64_t seq;                 /* control: the same order, as a number */
	uint64_t added_seq, changed_seq; /* control: struct of_flow_stats */
	LIST_ENTRY(flow) timed;          /* in br->timed, if it has a timeout */
};

TAILQ_HEAD(flow_list, flow);

#define VERSION_FOREVER UINT64_MAX
#define VERSION_NOW (UINT64_MAX - 1) /* a version that sees what is there now */

/* What a translation of this version sees in the place of the flow, or NULL. */
static inline struct flow *flow_seen(struct flow *f, uint64_t version)
{
	while (f && atomic_load_explicit(&f->since, memory_order_relaxed) > version)
		f = atomic_load_explicit(&f->older, memory_order_acquire);
	return f && atomic_load_explicit(&f->until, memory_order_relaxed) > version ? f : NULL;
}

/* Flows of one priority in a subtable. */
struct priority_count {
	uint16_t priority;
	uint32_t n;
};

struct subtable {
	struct hal_cmatch *mask; /* values are 0 */
	struct hmap flows;
	_Atomic uint32_t n;
	_Atomic uint32_t max_priority;
	/* control thread: */
	struct hmap_node by_mask; /* in table->by_mask */
	uint32_t rank;            /* max_priority as the next array of subtables orders it */
	unsigned at;              /* in the array */
	struct priority_count *priorities; /* highest first */
	unsigned n_priorities, max_priorities;
};

/* An immutable array of subtables, highest max_priority first. */
struct subtable_vec {
	unsigned n;
	struct subtable *sub[];
};

struct flow_table {
	_Atomic(struct subtable_vec *) subtables; /* NULL: none */
	struct flow_list flows;
	struct hmap by_mask; /* struct subtable; control thread */
	uint64_t last_seq;
	uint32_t n;
	uint32_t limit;             /* of n; control thread */
	char name[32];              /* "": by its number */
	_Atomic uint32_t n_clauses; /* flows that are clauses of conjunctions */
	uint64_t lookups, matched;
};

void flow_table_init(struct flow_table *t);
void flow_table_destroy(struct flow_table *t); /* must be empty */

/* Creates a flow; copies match and instructions. NULL without memory. */
struct flow *flow_new(struct pl_bridge *br, const struct of_flow_mod *fm, uint8_t table,
	struct flow_counter *counter);

/* Takes a reference; false if the flow is already going. Any thread under RCU. */
bool flow_ref(struct flow *f);
/* Any thread. After the last one the flow is announced as removed, if it wants that, and freed. */
void flow_unref(struct flow *f);

/* Changes that are seen from `version` on. */
int flow_table_insert(struct flow_table *t, struct flow *f, uint64_t version); /* 0 or -ENOMEM */
void flow_table_remove(struct flow_table *t, struct flow *f, uint64_t version);
void flow_table_replace(struct flow_table *t, struct flow *from, struct flow *to, uint64_t version);
/* No version sees it any more: takes it out of its subtable. In the order in which they went. */
void flow_table_drop(struct flow_table *t, struct flow *f);

/* The subtable of flows with exactly this mask, or NULL. Control thread. */
struct subtable *flow_table_subtable(const struct flow_table *t, const struct hal_cmatch *mask);

/* The flow with exactly this match and priority, or NULL. */
struct flow *flow_table_find(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority);

/* The winner among the flows that are no clauses, or NULL. Any thread under RCU. */
struct flow *flow_table_lookup(
	const struct flow_table *t, const struct xlate_key *key, uint64_t version);

/* True if a flow with the same priority overlaps `match`. */
bool flow_table_overlaps(
	const struct flow_table *t, const struct hal_cmatch *match, uint16_t priority);

#endif
