/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of offload/ share.
 *
 * What: a *flow* is a megaflow that offload knows; it has a *claim* on each device: the wish to be
 * there. A *rule* is one ufid on one device: what the device holds under it (`have`), which claims
 * there are, and at most one operation on its way. All work is one step, rule_reconcile(): compare
 * what is wanted with what is there and take the next operation towards it. Announcements,
 * withdrawals, retries, replays and audits only put rules on the device's to-do list.
 *
 * Threads and locks: the control thread calls offload's functions under `offload.lock`; each
 * device has a thread that owns everything in struct device but what is said to be under
 * `device.lock`: the event queue, the flags of claims that the control thread writes, slots of
 * megaflows, and the published numbers. No lock is held over a call to the HAL. Order:
 * offload.lock, then device.lock; barrier_lock last.
 */
#ifndef SLUICE_OFFLOAD_INTERNAL_H
#define SLUICE_OFFLOAD_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <time.h>

#include "offload/decision.h"
#include "offload/objects.h"
#include "offload/offload.h"

#define MAX_IN_FLIGHT 1024 /* operations on their way to one device */
#define BATCH 64
#define COUNTER_SLICE 128 /* rules whose counters are read between two looks at the events */
#define HEALTH_MS 200
#define GONE_MS 50          /* the same for a device that is gone */
#define LATER_MS 5          /* before what was refused is tried again "at once" */
#define STALL_MS 2000       /* without a completion: the device stalls */
#define BARRIER_WAIT_MS 500 /* barriers do not wait longer for a device without progress */
#define LEAK_GRACE_MS 1000  /* packets on their way to software when a rule is placed */
#define MAX_ATTEMPTS 4      /* to get one rule right before it has to wait */
#define RULE_PRIORITY 1     /* megaflows of one chain share one */
#define SYNC_WAIT_MS 2000   /* the control thread waits for a device's thread */
#define WARN_MS 2000        /* a stall is not worth a warning before */
#define CHAIN_WAIT_MS 1000  /* a rule of a chain waits for those that lead to it, when they go */
#define MAX_BACKOFF_MS 60000
#define CLAIM_MS 1000 /* for megaflows to come that rules of a former run asked for */

struct device;
struct rule;
struct flow;
struct object;
struct chain;
struct chain_link;
struct connections;
struct object_list;

enum event_type { EVENT_CLAIM, EVENT_COMMAND, EVENT_BARRIER, EVENT_OBJECT };

struct event {
	TAILQ_ENTRY(event) link;
	enum event_type type;
	bool queued; /* device.lock */
};
TAILQ_HEAD(event_queue, event);

/* Waits until every rule that was unsettled when it began has settled. Device thread. */
struct drain {
	TAILQ_ENTRY(drain) link;
	uint64_t epoch;
	unsigned outstanding;
	uint64_t deadline_ms; /* monotonic; UINT64_MAX: none */
	void (*done)(struct device *dev, struct drain *d);
};

/* What a device thinks of a claim, for those that depend on it. */
enum standing {
	STANDING_NEW,     /* not yet judged */
	STANDING_WAITING, /* fits, as soon as the chains that it leads to are complete */
	STANDING_METER,   /* fits, but its meter is elsewhere */
	STANDING_FIT,
	STANDING_MISFIT,
};

struct claim {
	struct event event;
	struct flow *flow;
	/* under device.lock */
	bool attached; /* the device has it */
	bool taken;    /* its thread has seen it */
	bool withdrawn;
	/* device thread */
	bool leaving;
	bool blocked; /* refused for a while: not asked again before it is tried again */
	bool judged;  /* the device has said what it thinks of the rule itself: */
	bool unfit;   /* it will not take it, for `reason` */
	bool waiting; /* in device.waiting */
	bool leak_started;
	bool held;     /* refused for the sake of others: asked again when they change */
	bool kept_out; /* by a hold */
	bool entered;  /* counted by the chains that it leads to as in the device */
	bool counted;  /* counted by its own chain as a member: not leaving */
	bool settled;  /* and that member is in the device */
	bool left;     /* counted by the chains that it leads to as leaving */
	enum standing standing;
	struct hal_program *program; /* as the device gets it, NULL: the megaflow's */
	struct object_list *uses;    /* objects that the program names */
	struct chain *chain;         /* that it belongs to, NULL: none that matters */
	TAILQ_ENTRY(claim) in_chain; /* while counted */
	unsigned n_covered;          /* links in the device whose packets it catches */
	struct chain_link *links;    /* chains that it leads to */
	unsigned n_links;
	uint64_t retry_ms; /* blocked: not before */
	unsigned backoff_ms;
	struct rule *rule;
	TAILQ_ENTRY(claim) in_rule;
	TAILQ_ENTRY(claim) in_waiting;
	uint32_t in_port;         /* datapath port id, 0: the match does not name one */
	struct hal_reason reason; /* why it is blocked or unfit */
	uint64_t placed_ms;
	uint64_t leak_base;             /* software packets that were no leak, or are counted */
	uint64_t heat_ms, heat_packets; /* when the rate was last taken, and the packets then */
	uint64_t rate;                  /* software packets a second */
};
TAILQ_HEAD(claim_list, claim);

/* A megaflow. `open` counts its claims on devices and the announcement itself. */
struct flow {
	LIST_ENTRY(flow) link; /* in offload.flows; found by hal_megaflow.offload */
	struct hal_megaflow *mf;
	bool withdrawn; /* offload.lock */
	_Atomic unsigned open;
	struct claim *claim[HAL_MAX_DEVICES]; /* by device; NULL: it never had one */
};

enum have {
	HAVE_NONE,
	HAVE_CLAIM,   /* the program of `holder` */
	HAVE_FOREIGN, /* `match`, `program`: found in the device */
	HAVE_UNSURE,  /* something, or nothing */
};

struct rule {
	struct hmap_node node;       /* in device.rules, by ufid */
	struct hmap_node match_node; /* in device.foreign, by match, while HAVE_FOREIGN */
	struct hal_ufid ufid;
	struct claim_list claims; /* oldest first; the newest that stays is wanted */
	enum have have;
	struct claim *holder;
	struct hal_cmatch *match;
	struct hal_program *program;
	uint32_t chain;
	bool busy;    /* an operation is on its way */
	bool listed;  /* in device.work or device.parked */
	bool counted; /* in device.n_used */
	bool unsettled;
	bool in_placed;
	bool found;               /* by the dump in progress */
	bool recheck;             /* ports have changed: judge it again though it is placed */
	bool replay;              /* was lost by the device */
	bool quarantined;         /* the device would not delete it */
	bool unwanted;            /* the DEL on its way removes a foreign rule */
	bool ousted;              /* foreign, and in the way of one of ours */
	bool stale;               /* of a former run, and names what only that knew */
	bool asked;               /* foreign, and its megaflow was asked for */
	bool repair;              /* the audit found it wrong, and it was placed before */
	bool suspect;             /* in audit.suspects */
	struct hal_cmatch *stray; /* suspect since nobody knows of it: its match, or NULL */
	unsigned seen_by;         /* pass of the audit that last found it in the device */
	unsigned changed_in;      /* and that an operation completed in */
	TAILQ_ENTRY(rule) in_suspects;
	struct object_list *in_use,
		*coming;     /* objects of what is there, and of what is on its way */
	uint64_t wait_until; /* for rules that lead here to go first, 0: it does not wait */
	uint64_t rate;       /* packets a second, of late */
	uint64_t rate_ms, rate_packets;
	uint64_t since_ms; /* HAVE_CLAIM: since when */
	enum hal_op_type op;
	struct claim *carried; /* the claim that the operation is for */
	unsigned attempts;     /* to get it in */
	unsigned del_attempts;
	uint64_t epoch;
	uint64_t retry_ms;       /* quarantined: not before */
	uint64_t packets, bytes; /* of the HAL's counter, credited so far */
	uint64_t read_ms;        /* when that was */
	TAILQ_ENTRY(rule) in_work;
	TAILQ_ENTRY(rule) placed;
};
TAILQ_HEAD(work_list, rule);
TAILQ_HEAD(placed_list, rule);

enum mode {
	MODE_RUN,
	MODE_STALLED, /* connected, but it does not answer */
	MODE_RESYNC,  /* takes in what is in flight, then compares */
	MODE_GONE,
};

struct port {
	uint32_t id;
	bool closing; /* its rules are being taken out */
	struct hal_port_handle handle;
	TAILQ_ENTRY(port) link;
};
TAILQ_HEAD(port_list, port);

struct barrier;
struct share;
TAILQ_HEAD(share_list, share);
TAILQ_HEAD(drain_list, drain);

/* audit.c's. Device thread. */
struct audit {
	bool running;
	bool impossible; /* the device cannot list its rules */
	bool listed;     /* all pieces were told: the suspects are asked for */
	unsigned pass;   /* of now, or the last */
	uint64_t at;     /* where the next piece begins (hal_dump_some()) */
	uint64_t seen;   /* rules, in this pass */
	uint64_t began_ms, next_piece;
	struct work_list suspects; /* not told of, or told of and not known */
};

struct device {
	struct offload *ol;
	unsigned index;
	struct hal_device *hal;
	const struct hal_caps *caps;
	struct hal_env user_env;
	pthread_t thread;
	_Atomic bool in_flight;       /* a wake-up matters */
	_Atomic bool gone;            /* for barriers */
	_Atomic bool meters_moved;    /* some meter came here or left */
	_Atomic bool holds_moved;     /* a hold began or ended */
	_Atomic uint64_t progress_ms; /* monotonic: last time that an operation completed */
	_Atomic uint64_t read_ms;     /* monotonic: last time that counters were read */
	_Atomic uint64_t audited_ms;  /* monotonic: last time that the audit got on */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	/* under lock */
	struct event_queue events;
	bool stop, woken;
	struct offload_device_info info;

	/* device thread */
	struct hmap rules, foreign;
	struct hmap objects, chains;
	uint32_t next_object; /* id of the next group or mirror */
	struct connections *connections;
	unsigned n_rules;
	unsigned n_used; /* rules that the device has or will have room for */
	struct work_list work;
	struct work_list parked; /* cannot go on while the device stalls, or not yet */
	uint64_t unpark_ms;
	struct placed_list placed;
	unsigned n_placed;
	struct claim_list waiting;
	unsigned n_waiting;
	unsigned n_quarantined;
	struct port_list ports;
	unsigned n_closing;
	struct hal_op batch[BATCH];
	unsigned n_batch;
	enum mode mode;
	bool adopting;    /* rules of a former run may wait to be claimed */
	bool asked;       /* and their megaflows were asked for */
	bool fresh;       /* not yet compared since it was opened or lost its state */
	bool room;        /* room has appeared */
	bool alive;       /* as last shown */
	bool warned;      /* that it is not */
	bool was_gone;    /* and not back yet */
	uint64_t mode_ms; /* since when it is in its mode */
	uint64_t adopt_until_ms;
	uint64_t epoch;
	unsigned n_unsettled;
	struct drain_list drains;
	struct share_list refreshes, audits; /* that wait for a reading of counters, for a pass */
	struct audit audit;
	bool pass; /* a reading of all counters is in progress */
	unsigned pass_left;
	uint64_t next_health, next_counters, next_retry, next_room;
	uint32_t generation;
	unsigned idle_polls;
};

struct offload {
	struct offload_config cfg;
	pthread_mutex_t lock;
	LIST_HEAD(, flow) flows;
	unsigned n_flows;
	struct device *devices[HAL_MAX_DEVICES];
	unsigned n_devices; /* highest index + 1 */
	struct hmap tunnels;
	struct decisions decisions;
	_Atomic bool keeps_former; /* offload_keep_former() */
	_Atomic unsigned audit_ms; /* between passes, 0: none but on demand */

	pthread_mutex_t meter_lock; /* after all others */
	struct hmap meters;
	_Atomic(struct connection_ring *) rings[HAL_MAX_DEVICES];

	pthread_mutex_t hold_lock; /* after all others */
	LIST_HEAD(, offload_hold) holds;
	_Atomic unsigned n_holds;

	pthread_mutex_t barrier_lock;
	pthread_cond_t barrier_cond;
	LIST_HEAD(, barrier) barriers;
	pthread_t clock;
	bool clock_stop; /* barrier_lock */
};

uint64_t wall_ms(void); /* milliseconds since the epoch */

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline struct claim *claim_of(struct event *ev)
{
	return (struct claim *)(void *)((char *)ev - offsetof(struct claim, event));
}

/* engine.c */
void flow_put(struct offload *ol, struct flow *flow); /* any thread, without locks */

/* device.c */
void device_push(struct device *dev, struct event *ev); /* with dev->lock */
void device_send(struct device *dev, struct event *ev); /* takes it */
void device_kick(struct device *dev);                   /* any thread */
void device_progress(struct device *dev);
void device_attach(struct device *dev, struct flow *flow);     /* with ol->lock */
void device_close(struct device *dev);                         /* stops its thread */
struct device *device_at(struct offload *ol, unsigned device); /* NULL: none */
void claim_finish(struct device *dev, struct claim *c);

/* work.c: the to-do list */
void work_add(struct device *dev, struct rule *rule);
void work_later(struct device *dev, struct rule *rule);
void work_settle(struct device *dev, struct rule *rule);
void work_run(struct device *dev);
void work_op(struct device *dev, struct rule *rule, enum hal_op_type type, struct claim *claim);
void work_flush(struct device *dev);
unsigned work_poll(struct device *dev); /* completions taken */
void drain_begin(struct device *dev, struct drain *d, unsigned wait_ms);
void drain_expire(struct device *dev, uint64_t now);
void drains_drop(struct device *dev);

/* rule.c */
struct rule *rule_find(struct device *dev, const struct hal_ufid *ufid);
struct rule *rule_get(struct device *dev, const struct hal_ufid *ufid); /* NULL: no memory */
struct claim *rule_wanted(const struct rule *rule);
void rule_take_claim(struct device *dev, struct claim *c); /* a claim's event has arrived */
void rule_have(struct device *dev, struct rule *rule, enum have have, struct claim *holder);
void rule_set_foreign(struct device *dev, struct rule *rule, const struct hal_dump_entry *e);
void rule_count(struct device *dev, struct rule *rule); /* after a change of have or busy */
/* True if what the device has under the ufid is exactly this. */
bool rule_holds(const struct rule *rule, const struct claim *c);
bool rule_has_match(const struct rule *rule, const struct hal_cmatch *match, uint32_t chain);
/* Refused: said, and tried again later if it may change by itself. */
void claim_refuse(struct device *dev, struct claim *c, const struct hal_reason *r);
/* The same for an operation that the device failed to do: an error of its own is tried again, later
 * each time. */
void claim_fail(struct device *dev, struct claim *c, const struct hal_reason *r);
/* Takes the next step. False: it cannot go on now and has to be parked. */
bool rule_reconcile(struct device *dev, struct rule *rule);
void rule_free(struct device *dev, struct rule *rule);
void rule_adopt(struct device *dev, struct rule *rule, struct claim *want);

/* complete.c */
void rule_completed(struct device *dev, struct rule *rule, const struct hal_completion *c);
void rule_rejected(struct device *dev, struct rule *rule, const struct hal_reason *r);

/* claim.c: what a claim is about */
int claim_prepare(struct device *dev, struct claim *c); /* 0 or -ENOMEM */
void claim_clear(struct device *dev, struct claim *c);
void claim_free(struct claim *c); /* its device is no more */
const struct hal_program *claim_program(const struct claim *c);
void claim_rule(const struct claim *c, struct hal_rule *rule);
void claim_leave(struct device *dev, struct claim *c); /* it is to go */
void claim_stand(
	struct device *dev, struct claim *c, enum standing standing, const struct hal_reason *r);

/* rewrite.c: the program as the device wants it */
/* With `make` false nothing is remembered, for explaining: objects have no ids. 0 with *out NULL
 * if the program stays as it is, or -ENOMEM. The objects that it names are added to `uses`. */
int rewrite(struct device *dev, const struct hal_program *p, bool make, struct object_list **uses,
	struct hal_program **out);

/* object.c: objects of a device, and the rules that use them */
struct object {
	struct hmap_node node; /* in device.objects */
	enum hal_object_type type;
	uint32_t id;
	void *desc; /* NULL: nobody has said what it is */
	uint32_t len;
	bool made;      /* it is in the device */
	bool ours;      /* offload thought of it: it goes with its last user */
	unsigned users; /* claims */
	unsigned refs;  /* rules in the device, or on their way */
	struct hal_object_stats last;
};
struct object_list {
	unsigned n;
	struct object *o[];
};
int object_use(struct device *dev, enum hal_object_type type, uint32_t id,
	struct object_list **uses); /* 0 or -ENOMEM */
/* An object of our own with this description. */
int object_intern(struct device *dev, enum hal_object_type type, const void *desc, uint32_t len,
	struct object_list **uses, uint32_t *id);
void objects_drop(struct device *dev, struct object_list *uses); /* a claim's */
int objects_judge(struct device *dev, const struct object_list *uses, struct hal_reason *r);
/* Puts what the claim's program names into the device, for the rule. */
int objects_hold(struct device *dev, struct rule *rule, struct claim *c, struct hal_reason *r);
void objects_settle(struct device *dev, struct rule *rule, struct claim *carried);
void objects_release(struct device *dev, struct rule *rule);
void objects_forget(struct device *dev); /* the device has none any more */
void objects_read(struct device *dev);
void objects_free(struct device *dev);
void tunnels_free(struct offload *ol);
void objects_drop_foreign(struct device *dev, const struct hal_program *p);
bool program_names_objects(const struct hal_program *p);
bool tunnel_is_known(struct device *dev, uint32_t port);
void object_arrived(struct device *dev, struct event *ev);
void object_event_free(struct event *ev);
void objects_describe(struct offload *ol, struct device *dev); /* all; with ol->lock */
int object_send(struct device *dev, enum hal_object_type type, uint32_t id, const void *desc,
	uint32_t len); /* desc NULL: gone; with ol->lock */
void objects_recheck(struct device *dev, enum hal_object_type type, uint32_t id);
struct object *object_get(struct device *dev, enum hal_object_type type, uint32_t id);
bool object_is_listed(const struct object_list *l, const struct object *o);
void object_free_if_idle(struct device *dev, struct object *o);
int object_push(struct device *dev, const struct object *o, struct hal_reason *r);
struct object *object_find(struct device *dev, enum hal_object_type type, uint32_t id);

/* meter.c */
void meters_open(struct offload *ol);
void meters_close(struct offload *ol);
void meters_describe(struct offload *ol, struct device *dev); /* with ol->lock */
void meter_vote(struct device *dev, uint32_t id, enum standing from, enum standing to,
	const struct hal_reason *r);
int meter_judge(struct device *dev, const struct claim *c, struct hal_reason *r);
void meter_count(struct device *dev, uint32_t id, const struct hal_meter_stats *more);
void meters_tick(struct device *dev, uint64_t now);
void meters_moved(struct device *dev); /* if they have */
void meters_forget(struct offload *ol, unsigned device);

/* chain.c */
int chain_join(struct device *dev, struct claim *c); /* 0 or -ENOMEM */
void chain_clear(struct device *dev, struct claim *c);
void chain_leave(struct device *dev, struct claim *c);
void chain_stand(struct device *dev, struct claim *c, enum standing from, enum standing to,
	const struct hal_reason *r);
void chain_enter(struct claim *c);
void chain_exit(struct device *dev, struct claim *c);
void chain_settle(struct device *dev, struct claim *c, bool in);
/* 0, or why the claim cannot be in the device as things are, with its standing. */
int chain_judge(struct device *dev, struct claim *c, struct hal_reason *r, enum standing *standing);
/* Every packet that the entry sends to the member's chain matches the member. */
bool megaflow_covers(const struct hal_megaflow *member, const struct hal_megaflow *entry);
bool chain_has_to_wait(const struct claim *c);
bool chain_matters(const struct claim *c); /* taking it out alone would break a chain */
void chains_free(struct device *dev);

/* connection.c */
int connections_open(struct device *dev);
void connections_close(struct device *dev);
void connections_zone(struct device *dev, uint16_t zone, bool used);
void connections_take(struct device *dev);              /* what was announced */
bool connections_step(struct device *dev);              /* true: there is more to do */
void connections_count(struct device *dev);             /* what the device counted */
void connections_forget(struct device *dev, bool wipe); /* the device has none any more */
bool connections_are_used(const struct device *dev);
void connections_free_rings(struct offload *ol);

/* evict.c */
void evict_cold(struct device *dev, struct claim **hot, unsigned n, uint64_t now);
void rule_rate(struct rule *rule, uint64_t now);

/* judge.c */
int judge(struct device *dev, struct claim *c, struct hal_reason *r);
/* Of a claim that fits by itself: do those that it depends on allow it? */
int judge_others(struct device *dev, struct claim *c, struct hal_reason *r);
int judge_ports(
	struct device *dev, uint32_t in_port, const struct hal_program *p, struct hal_reason *r);
void judge_prepare(struct claim *c);
int judge_rule(
	struct device *dev, const struct hal_rule *rule, uint32_t in_port, struct hal_reason *r);
void megaflow_rule(const struct hal_megaflow *mf, struct hal_rule *rule);

/* hold.c */
void holds_open(struct offload *ol);
void holds_close(struct offload *ol);
/* 0, or why a hold keeps it out of the device. `r` may be NULL. */
int hold_judge_rule(struct device *dev, const struct hal_rule *rule, struct hal_reason *r);
int hold_judge(struct device *dev, struct claim *c, struct hal_reason *r);
bool hold_forbids_adoption(struct device *dev, const struct claim *c);
void holds_moved(struct device *dev); /* if they have */

/* slot.c: what is shown of a megaflow on a device */
void slot_write(struct device *dev, struct hal_megaflow *mf, enum hal_placement p,
	const struct hal_reason *r);
void slot_set(
	struct device *dev, struct claim *c, enum hal_placement p, const struct hal_reason *r);
/* Placed, and `type` says more of it than DECISION_PLACED. */
void slot_placed_as(struct device *dev, struct claim *c, enum offload_decision_type type);
void slot_verified(struct device *dev, struct claim *c);
void slot_in_kernel(struct device *dev, struct claim *c, bool in_kernel);

/* credit.c: counters */
void credit(struct device *dev, struct rule *rule, const struct hal_counter *c);
void credit_final(struct device *dev, struct rule *rule, bool replaced);
void counters_begin(struct device *dev);
void counters_slice(struct device *dev, uint64_t now);

/* retry.c */
void retry_wait(struct device *dev, struct claim *c, const struct hal_reason *r);
void retry_forget(struct device *dev, struct claim *c);
void retry_all(struct device *dev, uint64_t now);
void retry_room(struct device *dev, uint64_t now);
void retry_ports(struct device *dev); /* ports were bound or unbound: judge all again */

/* resync.c */
void rule_lost(struct device *dev, struct rule *rule);
void resync_lost(struct device *dev);
void resync_begin(struct device *dev);
void resync_step(struct device *dev);
void resync_grace(struct device *dev, uint64_t now);
void adopting_ends(struct device *dev);
void health_check(struct device *dev, uint64_t now);
void device_mode(struct device *dev, enum mode mode, const char *text);
void unpark(struct device *dev);

/* audit.c */
void audit_run(struct device *dev, uint64_t now); /* a piece, if it is time */
uint64_t audit_due_ms(const struct device *dev);  /* monotonic, UINT64_MAX: never */
void audit_asked(struct device *dev);
void audit_stop(struct device *dev); /* the device's state is not what the pass began with */
void audit_clear(struct device *dev, struct rule *rule);

/* ports.c */
bool port_is_bound(const struct device *dev, uint32_t port);
void ports_rebind(struct device *dev);

/* barrier.c */
int barriers_open(struct offload *ol);
void barriers_close(struct offload *ol);
void share_arrived(struct device *dev, struct event *ev);
void shares_begin(struct share_list *list); /* a reading of all counters, or an audit, begins */
void shares_refreshed(struct device *dev);  /* and has ended */
void shares_audited(struct device *dev);
void shares_drop(struct device *dev);
void share_drop(struct device *dev, struct event *ev);

/* command.c: things that the control thread has a device's thread do */
struct command {
	struct event event;
	struct drain drain;
	/* On the device's thread. True: done; false: whoever finishes it also puts it. */
	bool (*run)(struct device *dev, struct command *cmd);
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned refs;
	bool done, cancelled;
	bool keep; /* to be done though nobody waits any more */
	int error;
	uint32_t port;
	struct hal_port_handle handle;
	struct hal_port_stats stats;
	bool count, counted; /* the stats are wanted, are there */
	struct hal_reason reason;
	struct hal_rule rule; /* owned copy */
	uint32_t in_port;
};
static inline struct command *command_of(struct drain *d)
{
	return (struct command *)(void *)((char *)d - offsetof(struct command, drain));
}

struct command *command_new(bool (*run)(struct device *dev, struct command *cmd));
/* Sends it and waits. 0 or -ETIMEDOUT: it was cancelled. The caller still has to put it. */
int command_wait(struct device *dev, struct command *cmd, unsigned timeout_ms);
void command_send(struct device *dev, struct command *cmd);
void command_arrived(struct device *dev, struct event *ev);
/* By the device's thread. False: the caller has given up. */
bool command_done(struct command *cmd, int error);
void command_drop(struct event *ev);
void command_put(struct command *cmd);

#endif
