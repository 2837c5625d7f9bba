/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/learn.h"

#include <stdlib.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/pipeline_priv.h"

LOG_DEFINE(learn);

struct pl_learn *learn_new(const struct of_learn *l, uint32_t bridge, const struct hal_match *match,
	struct of_instructions *ins)
{
	struct pl_learn *n = calloc(1, sizeof(*n));

	if (!n) {
		of_instructions_free(ins);
		return NULL;
	}
	atomic_store(&n->refs, 1);
	n->bridge = bridge;
	n->limit = l->limit;
	n->idle_timeout = l->idle_timeout;
	n->hard_timeout = l->hard_timeout;
	n->priority = l->priority;
	n->flags = l->flags & OF_LEARN_SEND_REMOVED ? OF_FLOW_SEND_REMOVED : 0;
	n->table = l->table;
	n->cookie = l->cookie;
	n->ins = *ins;
	n->match = hal_cmatch_new(match);
	if (!n->match) {
		learn_unref(n);
		return NULL;
	}
	return n;
}

void learn_ref(struct pl_learn *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
}

void learn_unref(struct pl_learn *l)
{
	if (atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
		return;
	of_instructions_free(&l->ins);
	free(l->match);
	free(l);
}

bool learn_equal(const struct pl_learn *a, const struct pl_learn *b)
{
	return a->bridge == b->bridge && a->limit == b->limit &&
	       a->idle_timeout == b->idle_timeout && a->hard_timeout == b->hard_timeout &&
	       a->priority == b->priority && a->flags == b->flags && a->table == b->table &&
	       a->cookie == b->cookie && hal_cmatch_equal(a->match, b->match) &&
	       of_instructions_equal(&a->ins, &b->ins);
}

static struct flow *same_match(const struct pl_bridge *br, const struct pl_learn *l)
{
	return flow_table_find(&br->tables[l->table], l->match, l->priority);
}

/* Timeouts may differ: they are those that the flow was made with, or shorter after a FIN. */
static bool is_flow(const struct flow *f, const struct pl_learn *l)
{
	return f->cookie == l->cookie && of_instructions_equal(&f->ins, &l->ins);
}

struct flow *learn_flow(const struct pl_bridge *br, const struct pl_learn *l)
{
	struct flow *f = same_match(br, l);

	return f && is_flow(f, l) ? f : NULL;
}

bool learn_has_room(const struct pl_bridge *br, const struct pl_learn *l)
{
	const struct flow_table *t = &br->tables[l->table];
	const struct subtable_vec *vec = atomic_load_explicit(&t->subtables, memory_order_acquire);
	uint32_t n = 0;

	if (!l->limit)
		return true;
	for (unsigned i = 0; vec && i < vec->n; i++)
		HMAP_FOR_EACH (f, struct flow, node, &vec->sub[i]->flows)
			if (f->cookie == l->cookie && flow_seen(f, VERSION_NOW) && ++n >= l->limit)
				return false;
	return true;
}

void learn_run(struct pl_bridge *br, const struct pl_learn *l)
{
	struct flow *old = same_match(br, l);
	struct of_flow_mod fm = {
		.command = OF_FLOW_ADD,
		.version = 4,
		.table = l->table,
		.priority = l->priority,
		.cookie = l->cookie,
		.idle_timeout = l->idle_timeout,
		.hard_timeout = l->hard_timeout,
		.flags = l->flags,
		.buffer_id = OF_NO_BUFFER,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
		.ins = l->ins,
	};
	enum of_error error;

	if (old && is_flow(old, l)) {
		old->counter->modified_ms = clock_ms();
		return;
	}
	if (!old && !learn_has_room(br, l))
		return;
	hal_cmatch_expand(l->match, &fm.match);
	error = flow_mod_learn(br, &fm, old);
	if (error)
		log_dbg("%s: a learned flow for table %u was refused: error %d", br->name, l->table,
			(int)error);
}

bool learn_refresh(
	struct pl_bridge *br, const struct pl_learn *l, uint64_t used_ms, uint64_t after_ms)
{
	struct flow *f = same_match(br, l);

	if (!f)
		return false;
	/* Packets from before something else was learned in its place teach nothing any more. */
	if (!is_flow(f, l))
		return after_ms <= f->counter->modified_ms;
	if (used_ms > f->counter->modified_ms)
		f->counter->modified_ms = used_ms;
	return true;
}

struct dep_key dep_key_learn(const struct pl_bridge *br, uint8_t table, uint64_t cookie)
{
	return (struct dep_key){DEP_LEARN, br->id, cookie ^ (uint64_t)table << 56};
}

/* ---- delete_learned ---- */

struct learn_cookie {
	struct hmap_node node; /* in br->learn_cookies */
	uint64_t cookie;
	uint8_t table;
	uint32_t holders; /* actions; 0: to be flushed */
};

static uint32_t cookie_hash(uint8_t table, uint64_t cookie)
{
	return hash_mix(cookie * 31 + table);
}

static struct learn_cookie *cookie_find(struct pl_bridge *br, const struct of_learn *l)
{
	HMAP_FOR_EACH_HASH (
		c, struct learn_cookie, node, cookie_hash(l->table, l->cookie), &br->learn_cookies)
		if (c->table == l->table && c->cookie == l->cookie)
			return c;
	return NULL;
}

static void cookie_hold(struct pl_bridge *br, const struct of_learn *l)
{
	struct learn_cookie *c = cookie_find(br, l);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return;
		c->cookie = l->cookie;
		c->table = l->table;
		if (hmap_insert(&br->learn_cookies, &c->node, cookie_hash(l->table, l->cookie))) {
			free(c);
			return;
		}
	}
	c->holders++;
}

static void cookie_let_go(struct pl_bridge *br, const struct of_learn *l)
{
	struct learn_cookie *c = cookie_find(br, l);

	if (c && c->holders && --c->holders == 0)
		br->learn_flush_due = true;
}

typedef void learn_cb(struct pl_bridge *br, const struct of_learn *l);

static void each_learn(struct pl_bridge *br, const struct of_actions *acts, learn_cb *cb)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];

		if (a->type == OFACT_LEARN && a->learn->flags & OF_LEARN_DELETE_LEARNED)
			cb(br, a->learn);
		each_learn(br, &a->nested, cb);
	}
}

static void tell_limits(struct flow *f)
{
	struct dep_key key = dep_key_learn(f->br, f->table, f->cookie);

	pipeline_changed_dep(f->br->pl, &key);
}

void learn_flow_added(struct flow *f)
{
	each_learn(f->br, &f->ins.apply, cookie_hold);
	each_learn(f->br, &f->ins.write, cookie_hold);
	tell_limits(f);
}

void learn_flow_removed(struct flow *f)
{
	each_learn(f->br, &f->ins.apply, cookie_let_go);
	each_learn(f->br, &f->ins.write, cookie_let_go);
	tell_limits(f);
}

static void remove_learned(struct pl_bridge *br, uint8_t table, uint64_t cookie)
{
	struct flow *f, *next;

	for (f = TAILQ_FIRST(&br->tables[table].flows); f; f = next) {
		next = TAILQ_NEXT(f, order);
		if (f->cookie == cookie)
			flow_mod_remove(f, OF_REMOVED_DELETE);
	}
}

void learn_flush(struct pl_bridge *br)
{
	/* What goes may have held other cookies. */
	while (br->learn_flush_due) {
		br->learn_flush_due = false;
		HMAP_FOR_EACH (c, struct learn_cookie, node, &br->learn_cookies) {
			if (c->holders)
				continue;
			hmap_remove(&br->learn_cookies, &c->node);
			remove_learned(br, c->table, c->cookie);
			free(c);
		}
	}
}

void learn_destroy(struct pl_bridge *br)
{
	HMAP_FOR_EACH (c, struct learn_cookie, node, &br->learn_cookies) {
		hmap_remove(&br->learn_cookies, &c->node);
		free(c);
	}
	hmap_destroy(&br->learn_cookies);
}
