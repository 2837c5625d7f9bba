/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/xlate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/conjunction.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/tunnel.h"
#include "ofctl/pipeline/xlate_more.h"

/* ---- bookkeeping ---- */

/* In the room that the translation itself has? */
static bool is_inside(const struct xlate *x, const void *p)
{
	return (uintptr_t)p - (uintptr_t)x < sizeof(*x);
}

void xlate_free_outside(const struct xlate *x, void *p)
{
	if (!is_inside(x, p))
		free(p);
}

void *xlate_vec_add(struct xlate *x, struct xlate_vec *v, size_t size)
{
	void *slot;

	if (v->n == v->capacity) {
		unsigned capacity = v->capacity ? v->capacity * 2 : 8;
		void *data = is_inside(x, v->data) ? malloc(capacity * size)
						   : realloc(v->data, capacity * size);

		if (!data) {
			x->error = -ENOMEM;
			return NULL;
		}
		if (is_inside(x, v->data))
			memcpy(data, v->data, v->n * size);
		v->data = data;
		v->capacity = capacity;
	}
	slot = (uint8_t *)v->data + v->n++ * size;
	memset(slot, 0, size);
	return slot;
}

void xlate_depend(struct xlate *x, struct dep_key key)
{
	struct dep_key *have = x->deps.data, *d;

	for (unsigned i = 0; i < x->deps.n; i++)
		if (dep_key_equal(&have[i], &key))
			return;
	d = xlate_vec_add(x, &x->deps, sizeof(*d));
	if (d)
		*d = key;
}

void xlate_credit(struct xlate *x, const struct credit *c)
{
	struct credit *slot = xlate_vec_add(x, &x->credits, sizeof(*c));

	if (slot)
		*slot = *c;
	else
		credit_drop(c);
}

void credit_drop(const struct credit *c)
{
	if (c->type == CREDIT_FLOW || c->type == CREDIT_FIN)
		flow_unref(c->flow);
	else if (c->type == CREDIT_LEARN)
		learn_unref(c->learn);
	else if (c->type == CREDIT_GROUP)
		group_unref(c->group);
}

void xlate_effect(struct xlate *x, const struct effect *e)
{
	if (x->n_effects < XLATE_MAX_EFFECTS) {
		x->effects[x->n_effects++] = *e;
		return;
	}
	if (e->learn)
		learn_unref(e->learn);
	x->effects_lost++;
}

static void drop_effects(struct xlate *x)
{
	for (unsigned i = 0; i < x->n_effects; i++)
		if (x->effects[i].learn)
			learn_unref(x->effects[i].learn);
	x->n_effects = 0;
}

void xlate_clear(struct xlate *x)
{
	struct visit *visits = x->visits.data;
	struct credit *credits = x->credits.data;
	struct pl_recirc **recircs = x->recircs.data;

	for (unsigned i = 0; i < x->visits.n; i++)
		xlate_free_outside(x, visits[i].known);
	for (unsigned i = 0; i < x->credits.n; i++)
		credit_drop(&credits[i]);
	drop_effects(x);
	for (unsigned i = 0; i < x->recircs.n; i++)
		recirc_unref(recircs[i]);
	xlate_free_outside(x, x->visits.data);
	xlate_free_outside(x, x->deps.data);
	xlate_free_outside(x, x->credits.data);
	free(x->stack.data);
	free(x->recircs.data);
	free(x->forks.data);
	hal_builder_clear(&x->out);
	x->visits = x->deps = x->credits = x->stack = x->recircs = x->forks = (struct xlate_vec){0};
}

#define ROOM(array)                                                             \
	(struct xlate_vec)                                                      \
	{                                                                       \
		.data = (array), .capacity = sizeof(array) / sizeof((array)[0]) \
	}

static void xlate_init(struct xlate *x, struct pipeline *pl, const struct hal_key *key)
{
	memset(x, 0, offsetof(struct xlate, effects));
	memset(&x->n_effects, 0, offsetof(struct xlate, set) - offsetof(struct xlate, n_effects));
	memset(&x->n_set, 0, offsetof(struct xlate, first_visits) - offsetof(struct xlate, n_set));
	x->visits = ROOM(x->first_visits);
	x->deps = ROOM(x->first_deps);
	x->credits = ROOM(x->first_credits);
	x->pl = pl;
	x->version = atomic_load(&pl->version) & ~(uint64_t)1; /* before a change that goes on */
	x->orig = key;
	x->key.dp = *key;
	x->key.actset_output = rte_cpu_to_be_32(OF_PORT_UNSET);
	/* What is not of the packet starts as a constant. */
	memset((uint8_t *)&x->known + sizeof(struct hal_key), 0xff,
		sizeof(struct xlate_key) - sizeof(struct hal_key));
	x->written = x->known;
	x->cookie = UINT64_MAX;
	x->vlan_from[1] = 1;
	x->lse_from[1] = 1;
	x->lse_from[2] = 2;
	hal_builder_init(&x->out);
	/* A megaflow is always of one input port; and of one chain, which it names beside its
	 * match. */
	x->wc.in_port = 0xffffffff;
	x->known.dp.in_port = x->known.dp.recirc_id = 0xffffffff;
}

/* ---- tables ---- */

#define LOOKUP_ATTEMPTS 8

struct flow *xlate_find(struct xlate *x, const struct flow_table *t)
{
	struct flow *winner;

	/* A flow that goes while we look is not found another time. */
	for (unsigned i = 0;
		(winner = flow_table_lookup(t, &x->key, x->version)) && !flow_ref(winner); i++)
		if (i == LOOKUP_ATTEMPTS) {
			x->raced = true;
			return NULL;
		}
	return winner;
}

struct flow *xlate_lookup(struct xlate *x, uint8_t table)
{
	const struct flow_table *t = &x->br->tables[table];
	struct flow *winner;

	if (x->lookups++ > XLATE_MAX_LOOKUPS) {
		x->error = -ELOOP;
		return NULL;
	}
	if (atomic_load_explicit(&t->n_clauses, memory_order_relaxed)) {
		winner = conj_lookup(x, table);
	} else {
		winner = xlate_find(x, t);
		xlate_unwildcard(x, t, winner, NULL, true);
		xlate_visit(x, table, winner, winner ? winner->priority : -1);
	}
	if (winner)
		xlate_credit(x, &(struct credit){.type = CREDIT_FLOW, .flow = winner});
	else
		xlate_credit(x, &(struct credit){.type = CREDIT_MISS,
					.br = (struct pl_bridge *)(uintptr_t)x->br,
					.table = table});
	return winner;
}

static bool is_table_miss_flow(const struct flow *f)
{
	return f->priority == 0 && f->match->n == 0;
}

static void write_set(struct xlate *x, const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];
		unsigned j;

		for (j = 0; j < x->n_set; j++)
			if (x->set[j].type == a->type &&
				(a->type != OFACT_SET_FIELD || x->set[j].field == a->field))
				break;
		if (j == sizeof(x->set) / sizeof(x->set[0])) {
			x->error = -E2BIG;
			return;
		}
		x->set[j] = *a;
		if (j == x->n_set)
			x->n_set++;
		if (a->type == OFACT_OUTPUT)
			x->key.actset_output = rte_cpu_to_be_32(a->port);
	}
}

static void write_metadata(struct xlate *x, const struct of_instructions *ins)
{
	uint64_t old = rte_be_to_cpu_64(x->key.metadata);

	x->key.metadata = rte_cpu_to_be_64(
		(old & ~ins->metadata_mask) | (ins->metadata & MUTATE(8, ins->metadata_mask, 0)));
}

bool xlate_instructions(struct xlate *x, const struct of_instructions *ins, uint8_t *table)
{
	if (ins->clear) {
		x->n_set = 0;
		x->key.actset_output = rte_cpu_to_be_32(OF_PORT_UNSET);
	}
	write_set(x, &ins->write);
	if (ins->has_metadata)
		write_metadata(x, ins);
	if (!ins->has_goto || x->error)
		return false;
	*table = MUTATE(9, ins->goto_table, 1);
	return true;
}

/* OFPC_FRAG_DROP (OpenFlow 1.3, 7.3.2). Otherwise fragments are matched as they are: a first one by
 * its ports, so that it does not slip past a flow that names them; a later one has none (0). */
static bool drops_fragment(struct xlate *x)
{
	struct xlate_key need = {.dp.eth_type = 0xffff};
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	if (!atomic_load(&x->br->drop_fragments))
		return false;
	xlate_need_mask(x, &need);
	if (type != 0x0800 && type != 0x86dd)
		return false;
	need.dp.ip_frag = HAL_FRAG_ANY;
	xlate_need_mask(x, &need);
	if (!(x->key.dp.ip_frag & HAL_FRAG_ANY))
		return false;
	xlate_trace(x, "a fragment: dropped by the switch's configuration");
	return true;
}

/* Looks the table up and runs the winner's actions. Returns what follows them, or NULL: nothing,
 * at least not now. */
static const struct of_instructions *run_table(struct xlate *x, uint8_t table, rte_be32_t in_port)
{
	rte_be32_t real_in_port = x->key.in_port_of;
	struct xlate_list l = {.table = table};
	bool first_tuple = x->first_tuple;
	struct flow *f;

	x->first_tuple = false;
	if (x->unparsed) {
		/* The lookup has to see what lies below the label that was popped. */
		x->freezing = true;
		xlate_frame_table(x, table, in_port);
		return NULL;
	}
	if (drops_fragment(x))
		return NULL;
	x->key.in_port_of = in_port;
	f = first_tuple ? xlate_lookup_first_tuple(x, table) : xlate_lookup(x, table);
	x->key.in_port_of = real_in_port;
	xlate_trace_flow(x, table, f);
	if (x->error || x->raced)
		return NULL;
	x->table = table;
	x->flow = f;
	x->cookie = f ? f->cookie : UINT64_MAX;
	if (!f) {
		if (atomic_load(&x->br->miss_to_controller))
			xlate_emit_controller(x, 128, OF_REASON_NO_MATCH);
		return NULL;
	}
	x->pin_reason = is_table_miss_flow(f) ? OF_REASON_NO_MATCH : OF_REASON_ACTION;
	l.acts = &f->ins.apply;
	l.then = &f->ins;
	if (f->ins.has_meter)
		xlate_meter(x, f->ins.meter);
	if (!x->freezing)
		xlate_list_run(x, &l);
	if (x->freezing)
		xlate_frame_list(x, &l, true);
	if (xlate_halted(x))
		return NULL;
	xlate_trace_rest(x, l.then);
	return l.then;
}

void xlate_table(struct xlate *x, uint8_t table, rte_be32_t in_port)
{
	const struct of_instructions *then;
	const struct flow *outer = x->flow;
	uint8_t outer_table = x->table, outer_reason = x->pin_reason;
	uint64_t outer_cookie = x->cookie;

	do {
		then = run_table(x, table, in_port);
		in_port = x->key.in_port_of;
	} while (then && xlate_instructions(x, then, &table));
	/* What stopped is the list of actions and the way to further tables. The action set
	 * collected so far is still executed, as Open vSwitch does. */
	x->stop = false;
	x->flow = outer;
	x->cookie = outer_cookie;
	x->table = outer_table;
	x->pin_reason = outer_reason;
}

void xlate_bridge(struct xlate *x)
{
	xlate_depend(x, dep_key_bridge(x->br, DEP_BRIDGE));
	if (x->in_port && x->in_port->no_recv)
		return;
	if (atomic_load(&x->br->standalone)) {
		xlate_normal(x);
		return;
	}
	xlate_table(x, 0, x->key.in_port_of);
	if (x->freezing)
		xlate_frame_set(x);
	else if (!x->error)
		xlate_action_set(x);
}

/* ---- ways in ---- */

/* A device of the input port may have to know more of the packet than the decision did. */
static void need_for_device(struct xlate *x)
{
	const uint32_t dp = rte_be_to_cpu_32(x->orig->in_port);
	const struct pl_need *need = atomic_load_explicit(&x->pl->need, memory_order_acquire);
	const struct pl_port *port;

	if (!need || dp > HAL_PORT_MAX)
		return;
	port = atomic_load_explicit(&x->pl->dp_ports[dp], memory_order_acquire);
	if (port && port->cfg.on_device)
		hal_caps_need(need->need, need->n, x->orig, &x->wc);
}

static void finish(struct xlate *x)
{
	struct hal_program *p = x->out.program;

	need_for_device(x);
	xlate_simplify(x->orig, &x->wc);
	/* Steps behind the last one that sends are for nobody. */
	if (p && p->len > x->useful)
		p->len = x->useful;
	if (p && !x->out.error)
		xlate_tidy(p);
	if (x->out.error && !x->error)
		x->error = x->out.error;
}

void xlate_resume_paused(struct xlate *x, struct pipeline *pl, const struct hal_key *key,
	const struct hal_match *fields)
{
	xlate_init(x, pl, key);
	x->resume_fields = fields;
	xlate_resume(x);
	finish(x);
}

/* What leads through tables without end is dropped, as in Open vSwitch, by a megaflow: not each of
 * its packets is led so again. */
static void drop_loop(struct xlate *x)
{
	if (x->error != -ELOOP || x->out.error)
		return;
	xlate_trace(x, "too many lookups, one inside another or in all: dropped");
	drop_effects(x);
	x->useful = 0;
	if (x->out.program)
		x->out.program->len = x->out.program->n_outputs = 0;
	x->error = 0;
}

static void run_packet(
	struct xlate *x, struct pipeline *pl, const struct hal_key *key, bool look_again)
{
	uint32_t dp = rte_be_to_cpu_32(key->in_port);

	xlate_init(x, pl, key);
	x->look_again = look_again;
	if (key->recirc_id) {
		xlate_resume(x);
		finish(x);
		drop_loop(x);
		return;
	}
	x->in_port = dp <= HAL_PORT_MAX
			     ? atomic_load_explicit(&pl->dp_ports[dp], memory_order_acquire)
			     : NULL;
	if (!x->in_port && tunnel_end(pl, dp)) {
		x->in_port = xlate_tunnel_port(x, dp);
		if (!x->in_port)
			return; /* a key that nobody has: dropped */
	}
	if (!x->in_port) {
		x->error = -ENODEV;
		return;
	}
	x->br = x->in_port->br;
	x->key.in_port_of = rte_cpu_to_be_32(x->in_port->cfg.number);
	x->key.in_phy_port = x->key.in_port_of;
	xlate_depend(x, dep_key_port(x->br, x->in_port->cfg.number));
	xlate_bridge(x);
	xlate_freeze_end(x);
	finish(x);
	drop_loop(x);
}

void xlate_packet(struct xlate *x, struct pipeline *pl, const struct hal_key *key)
{
	run_packet(x, pl, key, false);
	if (!x->lost)
		return;
	/* A bridge wants to see of an outer packet what only the packet itself can tell. */
	xlate_clear(x);
	run_packet(x, pl, key, true);
}

void xlate_packet_out(struct xlate *x, struct pl_bridge *br, const struct pl_port *in_port,
	const struct hal_key *key, const struct hal_match *fields, const struct of_actions *acts)
{
	xlate_init(x, br->pl, key);
	x->br = br;
	x->in_port = in_port;
	x->packet_out = true;
	x->pin_reason = OF_REASON_PACKET_OUT;
	x->key.in_port_of = rte_cpu_to_be_32(in_port ? in_port->cfg.number : OF_PORT_CONTROLLER);
	x->key.in_phy_port = x->key.in_port_of;
	if (fields)
		xlate_override_fields(x, fields);
	xlate_actions(x, acts);
	xlate_freeze_end(x);
	finish(x);
}

void xlate_key_at(struct xlate *x, struct pl_bridge *br, const struct xlate_key *key, FILE *trace)
{
	xlate_init(x, br->pl, &key->dp);
	x->br = br;
	x->trace = trace;
	x->probing = true;
	if (key->dp.recirc_id) {
		xlate_resume(x);
		finish(x);
		return;
	}
	x->key.metadata = key->metadata;
	memcpy(x->key.reg, key->reg, sizeof(x->key.reg));
	x->key.in_port_of = x->key.in_phy_port = key->in_port_of;
	x->in_port = bridge_port(br, rte_be_to_cpu_32(key->in_port_of));
	if (x->in_port)
		xlate_depend(x, dep_key_port(br, x->in_port->cfg.number));
	xlate_bridge(x);
	xlate_freeze_end(x);
	finish(x);
	drop_loop(x);
}
