/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that flows make: what the learn action asks for (ovs-actions(7), "learn").
 *
 * What: translation makes a struct pl_learn of the action and the packet, which never changes. The
 * control thread carries it out: at once as an effect of the translation, and again whenever the
 * megaflow has carried packets, so that the timeouts of what was learned start anew and what was
 * removed meanwhile comes back.
 *
 * Also here: delete_learned. A flow with such an action holds the cookie that it learns with, in
 * the table that it learns into; when the last holder goes, all flows there with the cookie go.
 *
 * Thread-safety: learn_new(), learn_unref(), learn_flow() and learn_has_room() by any thread, the
 * latter two under RCU; the rest is the control thread's.
 */
#ifndef SLUICE_OFCTL_PIPELINE_LEARN_H
#define SLUICE_OFCTL_PIPELINE_LEARN_H

#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/depend.h"

struct pl_learn {
	_Atomic uint32_t refs;
	_Atomic bool queued; /* to be carried out again */
	uint32_t bridge;     /* id */
	uint32_t limit;      /* flows of that cookie in that table, 0: any number */
	uint16_t idle_timeout, hard_timeout, priority;
	uint16_t flags; /* OF_FLOW_* */
	uint8_t table;
	uint64_t cookie;
	struct hal_cmatch *match;   /* owned */
	struct of_instructions ins; /* owned */
};

/* Takes over the instructions, whatever comes of it. One reference; NULL without memory. */
struct pl_learn *learn_new(const struct of_learn *l, uint32_t bridge, const struct hal_match *match,
	struct of_instructions *ins);
void learn_ref(struct pl_learn *l);
void learn_unref(struct pl_learn *l);
bool learn_equal(const struct pl_learn *a, const struct pl_learn *b);

/* The flow in the table that is what `l` asks for, or NULL. */
struct flow *learn_flow(const struct pl_bridge *br, const struct pl_learn *l);

/* False if the table has `limit` flows of the cookie. */
bool learn_has_room(const struct pl_bridge *br, const struct pl_learn *l);

/* Inside a change. */
void learn_run(struct pl_bridge *br, const struct pl_learn *l);

/* Packets were counted at `used_ms` that came after `after_ms`. False: learn_run() is due, since
 * the flow is not there and nothing was learned in its place later than they can have come. */
bool learn_refresh(
	struct pl_bridge *br, const struct pl_learn *l, uint64_t used_ms, uint64_t after_ms);

/* What a table with limits is told of: a flow with this cookie came or went. */
struct dep_key dep_key_learn(const struct pl_bridge *br, uint8_t table, uint64_t cookie);

/* A flow comes into its table, goes out of it. Inside a change. */
void learn_flow_added(struct flow *f);
void learn_flow_removed(struct flow *f);

/* At the end of a change: removes what nobody holds the cookie of any more. */
void learn_flush(struct pl_bridge *br);
void learn_destroy(struct pl_bridge *br);

#endif
