/* SPDX-License-Identifier: Apache-2.0
 *
 * Translation: runs a packet's key through the OpenFlow pipeline.
 *
 * What: struct xlate takes a key and leaves a mask (what the decision needed), an action program,
 * the list of what was read (visits, dependencies), whom to credit, and effects. It changes
 * nothing: learning and packet-ins are effects, carried out by the control thread.
 *
 * How un-wildcarding is kept small: `known` holds the bits of the current key that are the same
 * for every packet of the megaflow, either because they are in the mask (`wc`) or because an
 * action wrote a constant over them. Needing a bit that is known costs nothing; needing another
 * puts the bit of the original packet it came from into the mask.
 *
 * Freezing: an action that needs to see what the packet has become (below a popped label, its hash,
 * its connection) interrupts the translation. What is still to be done becomes a recirculation id,
 * the program ends with RECIRC(id), and the packet is translated from there when it comes back. It
 * ends at the boundary of a branch (bridge, clone, bucket): what is outside goes on.
 *
 * Thread-safety: one thread uses one struct xlate; what it reads is under RCU.
 */
#ifndef SLUICE_OFCTL_PIPELINE_XLATE_H
#define SLUICE_OFCTL_PIPELINE_XLATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hal/action.h"
#include "hal/match.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/depend.h"
#include "ofctl/pipeline/group.h"
#include "ofctl/pipeline/recirc.h"

/* One table lookup. */
struct visit {
	const struct pl_bridge *br;
	uint8_t table;
	bool plain;               /* nothing of the packet had been written or moved */
	int priority;             /* a flow of a lower one changes nothing; -1: a miss */
	struct hal_cmatch *known; /* what was known of the key there; in the translation's arena, or
				     owned */
};

enum credit_type {
	CREDIT_FLOW,
	CREDIT_MISS,
	CREDIT_MAC,
	CREDIT_PATCH,
	CREDIT_GROUP,
	CREDIT_LEARN, /* what was learned is used */
	CREDIT_FIN,   /* a connection ends: the flow's timeouts get shorter */
};

/* Who is told of the megaflow's packets. */
struct credit {
	enum credit_type type;
	struct pl_bridge *br;        /* MAC, MISS, PATCH */
	struct flow *flow;           /* FLOW, FIN: with a reference */
	struct pl_group *group;      /* GROUP: with a reference */
	uint32_t bucket;             /* GROUP: its slot, UINT32_MAX: the group as a whole */
	struct pl_learn *learn;      /* LEARN: with a reference */
	uint16_t fin_idle, fin_hard; /* FIN: seconds, 0: as it is */
	uint32_t port;               /* MAC: where; PATCH: number */
	uint16_t vlan;
	uint8_t mac[6];
	uint8_t table; /* MISS */
	bool rx;       /* PATCH: received there, else sent */
};

enum effect_type { EFFECT_MAC, EFFECT_LEARN, EFFECT_NEIGHBOUR };

struct effect {
	enum effect_type type;
	uint32_t bridge; /* id */
	uint32_t port;   /* MAC */
	uint16_t vlan;
	uint8_t mac[6];
	struct pl_learn *learn;   /* LEARN: with a reference */
	struct host_address addr; /* NEIGHBOUR: to be found on the netdev */
	uint32_t ifindex;
};

#define XLATE_CONSTANT -1 /* does not come from the packet */
#define XLATE_UNPARSED -2 /* from a part of the packet that the key does not hold */

#define XLATE_MAX_DEPTH 64      /* patch ports, clones, resubmits to the same table or one before */
#define XLATE_MAX_LOOKUPS 4096  /* table lookups of one translation */
#define XLATE_MAX_ACTIONS 65536 /* actions of one translation */
#define XLATE_FORK_ACTIONS 64   /* what it takes to keep the state and take it back, in actions */
#define XLATE_MAX_EFFECTS 64
#define XLATE_MAX_STACK 4096 /* entries */

/* A value on the stack: its low `n_bits` are known, as all that is pushed is needed. */
struct xlate_stack_entry {
	uint8_t value[16];
};

/* Is the packet one that a tunnel's headers were put before? Their source port is not the same for
 * all packets of a megaflow; what they took over from the inner packet is found where that has it,
 * unless it could not be seen there. */
enum xlate_outer { XLATE_NOT_OUTER, XLATE_OUTER, XLATE_OUTER_UNPARSED };

/* Grows by doubling; `error` of the xlate tells when it could not. */
struct xlate_vec {
	void *data;
	unsigned n, capacity;
};

/* A list of actions that is being executed. */
struct xlate_list {
	const struct of_actions *acts;
	unsigned next;                      /* the one after the current one */
	const struct of_instructions *then; /* what follows the list, or NULL */
	uint8_t table;                      /* that these instructions belong to */
	struct xlate_list *outer;
};

/* What a packet was when it came to a RECIRC; for traces and probes. */
struct xlate_fork {
	struct pl_recirc *to; /* held by x->recircs */
	struct hal_key key;
	bool ct;
};

struct xlate;
typedef void xlate_frozen_cb(struct xlate *x, struct pl_recirc *r, const void *arg);

struct xlate {
	struct pipeline *pl;
	uint64_t version;              /* of flows and groups that it sees; even */
	const struct pl_bridge *br;    /* where the packet is now */
	const struct pl_port *in_port; /* NULL: from the controller */
	const struct hal_key *orig;
	struct xlate_key key;     /* now */
	struct xlate_key known;   /* mask over key */
	struct xlate_key written; /* mask over key: bits that an action wrote */
	struct hal_key wc;        /* mask over orig: the megaflow's */
	int8_t vlan_from[2];      /* which tag of orig each tag is, or XLATE_CONSTANT */
	int8_t lse_from[3];       /* the same of MPLS label stack entries, or XLATE_UNPARSED */
	uint8_t outer;            /* enum xlate_outer */
	bool look_again;          /* outer packets are parsed before a bridge sees them */
	bool lost;                /* what each outer packet has of its own was needed */
	bool unparsed;            /* the last label was popped: what lies below is not in the key */
	uint8_t ttl_dec;          /* decrements of an IP TTL that is not known */
	struct hal_builder out;
	uint32_t useful;   /* bytes of the program up to the last step with an effect */
	uint32_t push_end; /* where the program ended after its last PUSH_VLAN */
	struct xlate_vec visits, deps, credits;
	struct xlate_vec stack; /* of push and pop: struct xlate_stack_entry */
	struct effect effects[XLATE_MAX_EFFECTS];
	unsigned n_effects, effects_lost;
	unsigned depth, lookups, n_actions;
	uint8_t table;            /* of the flow being executed */
	uint8_t pin_reason;       /* for CONTROLLER */
	const struct flow *flow;  /* being executed */
	struct of_action set[32]; /* the action set */
	unsigned n_set;
	uint64_t cookie; /* of the flow being executed, or of the one that was when frozen */
	struct xlate_list *list; /* the innermost */
	bool tracked;  /* conntrack has seen the packet in this chain: ct_* mean something */
	bool ct_stale; /* the packet's ct_* are not what the key says: it says that there are none
			*/
	struct pl_hash_basis hash; /* that the packet's dp_hash was computed with */
	unsigned hash_used;        /* bits of it that groups have chosen by */
	bool freezing;             /* everything stops, frames are collected */
	struct xlate_vec frames;   /* struct pl_frame, innermost first */
	struct xlate_vec recircs; /* struct pl_recirc *: references; the megaflow takes them over */
	struct xlate_vec forks;   /* struct xlate_fork; only when probing */
	bool probing;             /* nobody's packet: started by xlate_key_at() */
	const struct hal_match *resume_fields; /* given back by a controller, or NULL */
	xlate_frozen_cb *frozen;               /* called in the place of a RECIRC step */
	const void *frozen_arg;
	uint64_t paused_cookie; /* of the flow whose controller action pauses, */
	uint8_t paused_table;   /* and its table */
	bool raced;             /* a flow vanished under our eyes */
	bool stop;              /* the list of actions ends here (TTL ran out) */
	bool exit;              /* so do all that led to it, but for the action set */
	bool first_tuple; /* resubmit(ct): the next lookup is to be xlate_lookup_first_tuple() */
	bool ct_swapped; /* addresses, ports and protocol are those of the connection's first packet
			    (xlate_resubmit.c) */
	bool packet_out; /* TABLE is allowed, no port is "in" */
	int error;
	FILE *trace; /* steps are written to it, or NULL */
	/* Room for what an ordinary translation notes, so that it allocates next to nothing; last,
	 * because it is not cleared. */
	unsigned arena_used; /* bytes */
	struct visit first_visits[4];
	struct dep_key first_deps[8];
	struct credit first_credits[4];
	uint64_t arena[160]; /* for `known` of visits */
};

/* Prepares and runs a translation of a packet that came in by a datapath port. */
void xlate_packet(struct xlate *x, struct pipeline *pl, const struct hal_key *key);

/* One way to say the same of a megaflow that a packet made: what a device tells of its rules is
 * compared with what it was given. Where there is no tag there is no id either, and of fragments
 * two bits are told apart; ICMP's types and codes are a byte each. */
void xlate_simplify(const struct hal_key *key, struct hal_key *mask);

/* Takes out of a whole program what is for nobody: a copy for steps that nothing follows, and marks
 * that nothing reads any more. */
void xlate_tidy(struct hal_program *p);

/* As xlate_packet(), for actions of a packet-out; `in_port` may be NULL. `fields` (NULL: none) is
 * what the controller says of the tunnel, the metadata and the registers. */
void xlate_packet_out(struct xlate *x, struct pl_bridge *br, const struct pl_port *in_port,
	const struct hal_key *key, const struct hal_match *fields, const struct of_actions *acts);

/* The same, starting at table 0 of a bridge, or where its recirculation id says, with a key of its
 * own (tracing, probing). */
void xlate_key_at(struct xlate *x, struct pl_bridge *br, const struct xlate_key *key, FILE *trace);

/* Drops what the translation holds, but for what was taken out of it. */
void xlate_clear(struct xlate *x);

/* ---- inside translation ---- */

/* The decision needs these bits of the current key. */
void xlate_need_word(struct xlate *x, unsigned word, uint64_t bits);
void xlate_need_field(struct xlate *x, enum hal_field_id id);
void xlate_need_mask(struct xlate *x, const struct xlate_key *mask);

/* The same of a tag that was taken off: tag `from` of the original packet, of which `known` was
 * known then. */
void xlate_need_tag(
	struct xlate *x, int8_t from, const struct hal_vlan *known, struct hal_vlan bits);

/* Writes a constant into the current key. */
void xlate_write_field(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);

/* Looks up a table, notes visit and credit, and returns the winner (NULL: miss). */
struct flow *xlate_lookup(struct xlate *x, uint8_t table);

/* The pieces of a lookup (conjunction.h). The ordinary flow that wins, with a reference, or NULL;
 * and the record of the lookup, for which a flow of `priority` or above would count. */
struct flow *xlate_find(struct xlate *x, const struct flow_table *t);
void xlate_visit(struct xlate *x, uint8_t table, struct flow *winner, int priority);

/* At the end, when `wc` is final: all packets of the megaflow are alike in it, and were at every
 * visit before which nothing was written. */
void xlate_visits_end(struct xlate *x);

/* Frees what is not in the room that the translation itself has. */
void xlate_free_outside(const struct xlate *x, void *p);

/* A conjunction whose clauses are all met. */
struct conj_won {
	int priority; /* of its clauses */
	uint32_t id;
};

/* Needs enough bits to be sure that nothing beats `winner` (NULL: that nothing matches) or, if
 * given, the conjunction (need.c). `plain`: clauses do not count. */
void xlate_unwildcard(struct xlate *x, const struct flow_table *t, const struct flow *winner,
	const struct conj_won *conj, bool plain);

/* Runs the packet through its bridge from table 0, or as a plain learning switch. */
void xlate_bridge(struct xlate *x);

/* From a table on. The first lookup takes `in_port` for the OpenFlow port that the packet came in
 * by; actions do not. */
void xlate_table(struct xlate *x, uint8_t table, rte_be32_t in_port);
void xlate_actions(struct xlate *x, const struct of_actions *acts);
/* From l->next on. */
void xlate_list_run(struct xlate *x, struct xlate_list *l);
/* What follows a list of actions in a flow: clear, write, metadata. True if it goes on in *table.
 */
bool xlate_instructions(struct xlate *x, const struct of_instructions *ins, uint8_t *table);
void xlate_action_set(struct xlate *x);
void xlate_output(struct xlate *x, uint32_t port, uint16_t max_len);
void xlate_normal(struct xlate *x);
/* To a port of whatever kind, which is allowed. */
void xlate_send(struct xlate *x, const struct pl_port *port);
void xlate_enter_patch(struct xlate *x, const struct pl_port *out);

/* Steps with bookkeeping: what is useful, and merging with the step before. */
void xlate_emit_output(struct xlate *x, const struct pl_port *port);
void xlate_emit_controller(struct xlate *x, uint16_t max_len, uint8_t reason);
void xlate_emit_set(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);
void xlate_push_vlan(struct xlate *x, uint16_t tpid, uint16_t tci);
void xlate_pop_vlan(struct xlate *x);
void xlate_set_vlan_bits(struct xlate *x, uint16_t tci, uint16_t mask);
void xlate_push_mpls(struct xlate *x, uint16_t eth_type);
void xlate_pop_mpls(struct xlate *x, uint16_t eth_type);
void xlate_push_pbb(struct xlate *x, uint16_t eth_type);
/* Afterwards the packet is looked at again: what these uncover or copy is not in the key. */
void xlate_pop_pbb(struct xlate *x);
void xlate_copy_ttl(struct xlate *x, bool in);
bool xlate_dec_ttl(struct xlate *x); /* false: ran out, stop */

void xlate_depend(struct xlate *x, struct dep_key key);
void *xlate_vec_add(struct xlate *x, struct xlate_vec *v, size_t size);
/* Take over the references that they are given. */
void xlate_credit(struct xlate *x, const struct credit *c);
void xlate_effect(struct xlate *x, const struct effect *e);
void credit_drop(const struct credit *c); /* lets its reference go */

/* ---- interrupting a translation (freeze.c, resume.c) ---- */

/* To be called by the handler of an action, before it has changed or emitted anything but what must
 * come before the recirculation: the translation stops here. The action runs again after it. What
 * tells that it has been here before is what the packet brings along: its hash (x->hash), its
 * parsed headers. Returns at once; the handler then returns too. */
void xlate_freeze(struct xlate *x);

/* The same, but what comes next is the action after this one, and in the place of the RECIRC step
 * `frozen` is called, to emit another (a controller that pauses). The id that it is given lives as
 * long as the megaflow; recirc_linger() keeps it longer. `arg` must last that long, as everything
 * does that belongs to the flow. */
void xlate_freeze_after(struct xlate *x, xlate_frozen_cb *frozen, const void *arg);

/* Recirculates a copy to a table, with the action set to be executed after it; goes on here.
 * `zone`: where conntrack has just looked it up, or -1. */
void xlate_fork_table(struct xlate *x, uint8_t table, int zone);

/* True if no further action is to be executed in this translation. */
static inline bool xlate_halted(const struct xlate *x)
{
	return x->error || x->stop || x->exit || x->freezing;
}

/* Ends what xlate_freeze() began, at the boundary of a branch (xlate_copy.h does so): emits RECIRC.
 */
void xlate_freeze_end(struct xlate *x);

/* Frames, by those that were interrupted, from the inside out. */
void xlate_frame_list(struct xlate *x, const struct xlate_list *l, bool ends);
void xlate_frame_table(struct xlate *x, uint8_t table, rte_be32_t in_port);
void xlate_frame_set(struct xlate *x);

/* Goes on from a frozen state: x->key.recirc_id names it. */
void xlate_resume(struct xlate *x);

/* Takes the tunnel, the metadata and the registers from what a controller says of a packet that it
 * gives (back): what it leaves out is 0. */
void xlate_override_fields(struct xlate *x, const struct hal_match *fields);

/* The same for a packet that a controller gives back: `fields`, unless NULL, are what the
 * pipeline's own fields and the tunnel are now; others of them are 0. */
void xlate_resume_paused(struct xlate *x, struct pipeline *pl, const struct hal_key *key,
	const struct hal_match *fields);

/* Fields and tunnel of a state. */
void xlate_freeze_fields(const struct xlate *x, struct pl_frozen *s);

/* The program so far has an effect: it is kept. */
void xlate_useful(struct xlate *x);

/* The ct_* fields of the current key are 0 from now on, and known to be. */
void xlate_forget_ct(struct xlate *x);

/* ---- traces (xlate_trace.c): nothing is said where nobody asked ---- */

/* One line, indented as the list of actions that is being run. */
void xlate_trace(struct xlate *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What a table has for the packet (NULL: nothing), an action that comes next, and a flow's
 * instructions but for the actions and the meter (NULL: they come later). */
void xlate_trace_flow(struct xlate *x, uint8_t table, const struct flow *f);
void xlate_trace_action(struct xlate *x, const struct of_action *a);
void xlate_trace_rest(struct xlate *x, const struct of_instructions *ins);
/* "WHAT: FIELDS": what is not 0 of a packet, and of what the pipeline knows of it. */
void xlate_trace_key(FILE *out, const char *what, const struct xlate_key *key);

#endif
