/* SPDX-License-Identifier: Apache-2.0
 *
 * struct pipeline and struct pl_megaflow: what the files of this folder share.
 *
 * Versions: `version` is odd while the control thread changes what translation reads. A worker
 * reads it before it translates and again after it has registered the megaflow (put it into
 * `births`); only if it is the same even number both times is the megaflow used further. The
 * control thread empties `births` after every change, before it looks for dependents. So a
 * megaflow was either seen by that look, or its maker sees the new version. One that is registered
 * later than the look, but was translated before, is recognised by its own version and dropped.
 *
 * Thread-safety: rings are written by any thread; the rest is the control thread's, but for what
 * says that workers read it.
 */
#ifndef SLUICE_OFCTL_PIPELINE_PRIV_H
#define SLUICE_OFCTL_PIPELINE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <rte_ring.h>

#include "hal/base/hmap.h"
#include "ofctl/pipeline/depend.h"
#include "ofctl/pipeline/oracle.h"
#include "ofctl/pipeline/pipeline.h"
#include "ofctl/pipeline/xlate.h"

struct event;
struct pl_megaflow;

/* A dependency, in the list of those with its key. */
struct dep_node {
	LIST_ENTRY(dep_node) link;
	struct dep_head *head;
	struct dep_key key;
	struct pl_megaflow *mf;
};
LIST_HEAD(dep_list, dep_node);

/* All dependencies with one key; most megaflows share a few (their bridge, their port). */
struct dep_head {
	struct hmap_node node; /* in pl->deps, by key */
	struct dep_key key;
	struct dep_list list; /* never empty */
};

#define VISIT_INDICES 2

struct visit_tuple;

/* A visit in the index of its table (visits.c). */
struct visit_node {
	LIST_ENTRY(visit_node) link; /* in its tuple */
	LIST_ENTRY(visit_node) bucket[VISIT_INDICES];
	struct visit_tuple *tuple;
	struct visit visit;
	struct pl_megaflow *mf;
};
LIST_HEAD(visit_list, visit_node);

/* The words of a key that are not 0. */
struct packed_key {
	uint64_t map;
	uint64_t w[];
};

TAILQ_HEAD(pl_megaflow_list, pl_megaflow);

/* One block of memory holds all of a megaflow but its visits and dependencies, which may be
 * exchanged for newer ones: this struct, the counters of further workers, and then what `match`,
 * `program`, `sample`, `credits` and `recircs` point to. */
struct pl_megaflow {
	struct pipeline *pl;
	struct hmap_node node;         /* in pl->megaflows, by ufid, while LIVE */
	TAILQ_ENTRY(pl_megaflow) link; /* in pl->all */
	struct packed_key *sample;     /* of the packet that made it */
	uint64_t version;              /* of the tables when its translation began */
	uint32_t bridge;               /* id of the bridge that it came in by */
	uint32_t size, lists_size; /* bytes, as allocated; of the block that begins with visits */
	bool transient;            /* good for one packet only */
	bool indexed, stale;
	uint32_t stale_turn; /* of the pipeline when it became so */
	TAILQ_ENTRY(pl_megaflow) stale_link;
	struct visit_node *visits;
	struct dep_node *deps;
	struct credit *credits;
	struct pl_recirc **recircs; /* that its program and its chain refer to; with references */
	unsigned n_visits, n_deps, n_credits, n_recircs;
	uint64_t credited_packets, credited_bytes; /* already given to flows */
	struct hal_megaflow mf;                    /* last: swpath and offload point to it */
};

static inline struct pl_megaflow *pl_megaflow_of(struct hal_megaflow *mf)
{
	return (struct pl_megaflow *)(void *)((char *)mf - offsetof(struct pl_megaflow, mf));
}

/* From a worker or a device thread to the control thread. */
enum note_type { NOTE_EFFECT, NOTE_PACKET_IN, NOTE_CALL };

struct note {
	enum note_type type;
	union {
		struct effect effect;
		struct {
			struct hal_act_controller act;
			struct hal_key key;
			struct pl_recirc *says; /* a reference, or NULL */
			uint32_t len, total_len;
		} pin;
		struct {
			void (*fn)(void *arg);
			void *arg;
		} call;
	};
	uint8_t data[];
};

LIST_HEAD(pl_bridge_list, pl_bridge);

struct found;
STAILQ_HEAD(found_list, found);

/* found.c */
void found_drop(struct pipeline *pl);

/* What a device wants to know besides (hal_caps.need). */
struct pl_need {
	unsigned n;
	struct hal_need need[HAL_NEEDS];
};

/* monitor.c */
struct flow_change;
struct flow_changes {
	struct flow_change *list;
	unsigned n, max;
	bool lost;     /* no memory to keep one */
	bool off;      /* a bundle is being taken back */
	uint64_t last; /* number of the last one */
};

struct pipeline {
	struct event_base *base;
	struct pipeline_ops ops;
	struct swpath *sp;
	unsigned n_workers;
	struct offload *ol;
	_Atomic uint64_t version;
	uint64_t settled; /* version that every indexed megaflow has been compared with */
	unsigned change_depth;
	struct dep_key *changed_deps; /* in this change */
	struct flow **added_flows;    /* in this change, with a reference */
	unsigned n_changed_deps, max_changed_deps, n_added_flows, max_added_flows;
	struct group_list ended_groups;
	struct flow_list ended;        /* by this change, with their tables' references */
	struct flow_changes changes;   /* for flow monitors, in this change */
	const struct of_flow_mod *mod; /* being applied; NULL: none */
	struct undo *undo;             /* of the bundle that is being applied; NULL: none is */
	bool all_changed;              /* no memory to say what: everything */
	_Atomic(const struct pl_port *) dp_ports[HAL_PORT_MAX + 1]; /* workers, under RCU */
	_Atomic(struct pl_need *) need; /* of megaflows of ports on a device; workers, under RCU */
	struct found_list found; /* rules of a former run, learned from and not yet claimed */
	struct hmap patches;     /* patch ports of all bridges, by name; workers, under RCU */
	struct host *host;       /* or NULL: no tunnel leads anywhere */
	/* Tunnels, for workers under RCU: tunnel.h */
	struct hmap internals, tunnels, tunnel_peers, tunnel_ends;
	struct pl_bridge_list bridges;
	struct pl_bridge_list gone_bridges; /* removed, still credited by old megaflows */
	uint32_t next_bridge_id;
	struct hmap bridge_ids; /* bridges, by id; workers, under RCU */
	uint64_t resume_secret; /* is in every continuation of this run */
	struct recirc_ids *recircs;
	struct width_oracle *oracle;    /* NULL: off */
	uint64_t meter_ids[65536 / 64]; /* datapath ids of meters that are in use */
	uint32_t last_meter;            /* that was given */
	struct hmap megaflows;          /* LIVE ones, by ufid */
	struct pl_megaflow_list all;    /* LIVE and RETIRING */
	struct pl_megaflow *sweep_next; /* in a sweep that has not seen all; NULL: none is */
	uint64_t sweep_began_ms;
	uint64_t swept_ms;       /* all that was carried until then is credited */
	_Atomic uint32_t n_live; /* in megaflows */
	_Atomic uint32_t flow_limit;
	_Atomic uint32_t n_late;  /* made while births was full, not yet adopted */
	_Atomic uint64_t limited; /* translated for one packet because of the limit */
	bool limit_told;
	_Atomic bool restore_wait;     /* pipeline_set_restore_wait() */
	uint32_t max_idle_ms;          /* of a megaflow, 0: the default */
	struct pl_megaflow_list stale; /* to be translated again, oldest first */
	unsigned n_stale;
	struct pl_megaflow
		*last_successor; /* of what was translated again, while it is live; or NULL */
	unsigned turn_left;      /* to be translated again at once in this turn of the event loop */
	bool turn_ends;          /* turn_event is due */
	bool all_now; /* in this change: all that depend on it are translated again at once */
	uint32_t stale_turn;           /* grows with each barrier that waits */
	TAILQ_HEAD(, pending) waiting; /* barriers, until what was stale before them is not */
	struct hmap deps;              /* struct dep_head */
	struct hmap visits;            /* struct visit_head by bridge and table */
	struct rte_ring *births, *notes;
	int wake_fd;
	_Atomic bool woken;
	struct event *wake_event, *sweep_event, *reclaim_event, *turn_event, *slice_event;
	pthread_t control;
	_Atomic uint64_t translations, effects_dropped, raced;
	_Atomic uint64_t bounded; /* megaflows that look at more than they had to: bound.c */
	_Atomic uint64_t failed, failed_recirc, failed_gone;
	uint64_t retranslations, retired;
};

/* The version that is in force when the change ends; control thread. */
static inline uint64_t next_version(const struct pipeline *pl)
{
	return atomic_load_explicit(&pl->version, memory_order_relaxed) + 1;
}

/* Under RCU; NULL: it is gone. */
struct pl_bridge *pipeline_bridge_by_id(struct pipeline *pl, uint32_t id);

/* megaflow.c: makes a megaflow of a finished translation, which it takes apart. */
struct pl_megaflow *megaflow_new(struct pipeline *pl, struct xlate *x);
void megaflow_free(struct hal_megaflow *mf);
void megaflow_free_later(struct pl_megaflow *m); /* any thread; nobody else knows of it */
void megaflow_sample(const struct pl_megaflow *m, struct hal_key *key);
bool megaflow_same_credits(const struct pl_megaflow *a, const struct pl_megaflow *b);

/* bound.c: makes the mask of a new megaflow one of a few. `worker`: the caller's, or
 * HAL_MAX_WORKERS. */
void bound_mask(
	struct pipeline *pl, unsigned worker, const struct hal_key *key, struct hal_key *mask);

/* registry.c: control thread. */
void registry_adopt(struct pipeline *pl, struct pl_megaflow *m);
struct pl_megaflow *registry_find(struct pipeline *pl, const struct hal_ufid *ufid);
void registry_take_births(struct pipeline *pl);
unsigned registry_take_some(struct pipeline *pl, unsigned max); /* returns how many are left */
void registry_retire(struct pipeline *pl, struct pl_megaflow *m, struct pl_megaflow *successor);
void registry_retranslate(struct pipeline *pl, struct pl_megaflow *m);

/* barrier.c */
void revalidate_soon(struct pipeline *pl); /* some now, the rest in further turns */
int turns_open(struct pipeline *pl);
void turns_close(struct pipeline *pl);

/* depend.c */
unsigned revalidate(struct pipeline *pl, unsigned max); /* translates again so many at most */
void mark_fresh(struct pipeline *pl, struct pl_megaflow *m);
int depend_index(struct pipeline *pl, struct pl_megaflow *m);
void depend_unindex(struct pipeline *pl, struct pl_megaflow *m);
void depend_destroy(struct pipeline *pl);

/* visits.c */
int visit_add(struct pipeline *pl, struct visit_node *v);
void visit_remove(struct visit_node *v);
/* Calls `cb` for each visit that the flow, if it is new, would have won for some packet. */
void visits_meet(struct pipeline *pl, const struct flow *f,
	void (*cb)(struct pipeline *pl, struct pl_megaflow *m));
void visits_destroy(struct pipeline *pl);

/* credit.c */
/* `alive`: what it learned may be learned again. */
void credit_megaflow(struct pl_megaflow *m, bool alive);
void credit_packet(const struct xlate *x, uint64_t bytes, uint64_t now_ms); /* that has none */
void credit_all(struct pipeline *pl);
void credit_slice(struct pipeline *pl, uint64_t now_ms); /* goes on with a sweep */
void credit_sweep(struct pipeline *pl, uint64_t now_ms);
void megaflow_totals(
	const struct pl_megaflow *m, uint64_t *packets, uint64_t *bytes, uint64_t *used_ms);

/* packet_in.c: control thread */
void packet_in_send(struct pipeline *pl, struct pl_bridge *br, const struct note *n);

/* notes.c */
struct note *note_new(enum note_type type, size_t extra);
bool note_post(struct pipeline *pl, struct note *n); /* frees it if there is no room */
void note_free(struct note *n);                      /* with what it refers to */
void notes_run(struct pipeline *pl);
void notes_drop(struct pipeline *pl); /* all that are left; nobody waits any more */
void effect_run(struct pipeline *pl, const struct effect *e); /* inside a change */
void pipeline_wake(struct pipeline *pl);
void effects_post(struct pipeline *pl, const struct xlate *x);

#endif
