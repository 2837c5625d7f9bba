/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers, and the software path that they share: swpath's inner header.
 *
 * What a worker owns is written by its thread only. What the control thread gives it (ports,
 * devices, injected packets, requests) comes through RCU-published arrays, a ring and atomics.
 */
#ifndef SLUICE_SWPATH_WORKER_H
#define SLUICE_SWPATH_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/hal.h"
#include "swpath/cache.h"
#include "swpath/capture.h"
#include "swpath/classifier.h"
#include "swpath/packet.h"
#include "swpath/port/port.h"
#include "swpath/swpath.h"
#include "swpath/young.h"

#define SWPATH_BURST 32
#define SWPATH_INJECT_RING 1024 /* a power of two */
#define SWPATH_MAX_RECIRC 8     /* recirculations of a packet */
#define SWPATH_MAX_NESTED 16    /* lists of steps within each other, recirculation included */

struct conntrack;
struct ct_frags;
struct event;
struct rte_ring;
struct swpath_batch;
struct swpath_meters;

/* Packets that wait for the end of the burst to leave by one port. */
struct swpath_tx_batch {
	struct swpath_tx_batch *next; /* of the worker's batches that are not empty */
	struct swpath_port *port;
	unsigned n;
	struct rte_mbuf *pkts[SWPATH_BURST];
};

/* A port, with what workers need to send through it. */
struct swpath_port_entry {
	struct swpath_port port;
	int fd; /* in its worker's epoll set, or -1 */
	struct swpath_tx_batch tx[HAL_MAX_WORKERS];
};

/* What one worker polls: RCU-published, replaced whole. */
struct swpath_poll_list {
	unsigned n_ports, n_devices;
	bool no_fd; /* something in it cannot wake the worker */
	struct swpath_port **ports;
	struct hal_device **devices;
};

struct swpath_worker_stats {
	uint64_t packets, cache_hits, classifier_hits, young_hits, translated, sleeps;
};

struct swpath_worker {
	struct swpath *sp;
	unsigned id;
	pthread_t thread;
	int reader; /* in hal/base/rcu.h */
	int start_error;

	/* the worker's own */
	uint64_t now_ms, now_ns; /* monotonic, of this burst */
	uint64_t look_ns;        /* when a busy worker next asks which ports have packets */
	uint16_t ip_id;          /* identification of the next IPv4 packet that we make */
	struct swpath_tx_batch *tx_dirty;
	uint64_t drops[SWPATH_DROP_MAX];
	struct swpath_worker_stats stats;
	struct swpath_young young;
	struct swpath_cache cache;
	struct { /* the scope that was looked up last in this round of the loop, or NULL */
		const struct swpath_scope *scope;
		rte_be32_t in_port;
		bool chained;
	} seen;
	struct swpath_batch *batch; /* burst.c */
	struct ct_frags *ct_frags;

	/* from the control thread */
	_Atomic(struct swpath_poll_list *) poll;
	struct rte_ring *inject;
	int epoll_fd, event_fd;
	_Atomic bool stop;
	_Atomic bool asleep;
	_Atomic uint64_t sync_wanted, sync_done;
};

struct swpath {
	struct swpath_config cfg;
	char rundir[256];
	struct rte_mempool *pool;
	struct swpath_cls cls;
	_Atomic(struct swpath_port_entry *) *ports; /* by datapath port id */
	uint32_t next_port;                         /* where the search for a free id starts */
	_Atomic(struct swpath_meters *) meters;     /* meter_step.c */
	struct hal_device *devices[HAL_MAX_DEVICES];
	int device_fd[HAL_MAX_DEVICES];
	unsigned n_devices;
	uint64_t sync_last;
	sem_t sync_answer;
	_Atomic unsigned n_captures; /* open now */
	_Atomic(struct swpath_capture *) capture[SWPATH_MAX_CAPTURES];
	struct swpath_netlink *netlink;
	struct event *tick, *ct_tick;
	struct conntrack *ct;
	unsigned n_workers;
	struct swpath_worker worker[HAL_MAX_WORKERS];
};

/* ---- control thread ---- */

int swpath_worker_start(
	struct swpath_worker *w, struct swpath *sp, unsigned id, char *err, size_t n);
void swpath_worker_stop(struct swpath_worker *w);

/* Wakes a worker that sleeps. Any thread. */
void swpath_worker_wake(struct swpath_worker *w);

/* Adds or takes away a descriptor that wakes the worker; -1 is ignored. `port`: its id if the
 * descriptor says when rx of a port has packets, else HAL_PORT_NONE. */
void swpath_worker_watch(struct swpath_worker *w, int fd, uint32_t port);
void swpath_worker_unwatch(struct swpath_worker *w, int fd);

/* Publishes the ports and devices that a worker polls, after a change of them (ports.c). */
int swpath_poll_publish(struct swpath *sp, unsigned worker);

/* Adds a port of the class given (swpath_port_add chooses the class by type). */
int swpath_port_add_class(struct swpath *sp, const struct swpath_port_config *cfg,
	const struct swpath_port_class *class, uint32_t *id, char *err, size_t n);
void swpath_ports_close(struct swpath *sp, bool delete_netdevs);
void swpath_ports_link_changed(void *sp, const struct swpath_link *link);

/* ---- worker ---- */

static inline struct swpath_port_entry *swpath_port_get(const struct swpath *sp, uint32_t id)
{
	return likely(id <= HAL_PORT_MAX)
		       ? atomic_load_explicit(&sp->ports[id], memory_order_acquire)
		       : NULL;
}

/* Does somebody look on? Then what passes is shown to swpath/tap.h. */
static inline bool swpath_is_captured(const struct swpath *sp)
{
	return unlikely(atomic_load_explicit(&sp->n_captures, memory_order_relaxed) != 0);
}

static inline void swpath_count_drop(
	struct swpath_worker *w, struct rte_mbuf *m, enum swpath_drop why)
{
	w->drops[why]++;
	if (swpath_is_captured(w->sp))
		swpath_tap_drop(w->sp, w->id, &m, 1, why);
}

static inline void swpath_drop(struct swpath_worker *w, struct rte_mbuf *m, enum swpath_drop why)
{
	swpath_count_drop(w, m, why);
	rte_pktmbuf_free(m);
}

struct swpath_batch *swpath_batch_create(void); /* NULL: no memory; the caller frees it */

/* Runs up to SWPATH_BURST packets through lookup and actions. `port` is where they came from
 * unless meta, where it is given, says otherwise. */
void swpath_burst(struct swpath_worker *w, struct rte_mbuf **pkts, const struct hal_rx_meta *meta,
	unsigned n, uint32_t port);

/* Looks a key up everywhere, translating in the end. Counts the packet on the megaflow. NULL: the
 * packet is to be dropped as TRANSLATION. */
struct hal_megaflow *swpath_lookup(
	struct swpath_worker *w, const struct hal_key *key, const struct rte_mbuf *m);

/* Runs steps on a packet, which is consumed. `nested` counts lists within each other. */
void swpath_execute(struct swpath_worker *w, struct swpath_packet *p, const void *steps,
	uint32_t len, unsigned nested);

/* The same for up to a burst of packets, in their order. */
void swpath_execute_many(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const void *steps, uint32_t len);

/* The same for packets of which nothing was looked at yet, if their program does not look at them
 * either. False: it does, and nothing was done. Alters `m`. */
bool swpath_execute_unseen(struct swpath_worker *w, struct rte_mbuf **m, unsigned n,
	const struct hal_program *program);

/* Puts a packet into the port's batch; consumes it. */
void swpath_output(struct swpath_worker *w, struct rte_mbuf *m, uint32_t port);

void swpath_output_many(struct swpath_worker *w, struct rte_mbuf **pkts, unsigned n, uint32_t port);

/* Sends all batches. */
void swpath_flush(struct swpath_worker *w);

/* Takes up to a burst of injected packets. Returns their number. */
unsigned swpath_inject_run(struct swpath_worker *w);
void swpath_inject_clear(struct swpath_worker *w); /* frees those that wait */

#endif
