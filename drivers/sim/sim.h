/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the sim driver.
 *
 * What: struct sim_dev is one device, that is the connection to one sluice-simnic.
 *
 * Life of the connection:
 *
 *   state | what happens                                             | next
 *   DOWN  | poll connects, or starts the process, with backoff       | UP
 *   UP    | operations, packets                                      | DOWN when the socket ends
 *   UP, stalled | a request went unanswered: nothing is waited for   | UP when anything arrives
 *
 * Life of an operation: WAITING for an earlier one on its ufid, QUEUED, SENT; then done, or after
 * SIM_OP_MS without a completion ASKED (the device is asked for the rule, and what it says decides)
 * or, for a DEL that the device refused, RESTING until it is QUEUED again.
 *
 * Threads: everything by the device's thread, but packet.c by workers. up_lock and down_lock hold
 * the rings still while a worker is in them; the device's thread takes both to exchange them.
 */
#ifndef SLUICE_DRIVERS_SIM_SIM_H
#define SLUICE_DRIVERS_SIM_SIM_H

#include <pthread.h>
#include <sys/queue.h>

#include <rte_spinlock.h>

#include "drivers/sim/protocol.h"
#include "drivers/sim/ring.h"
#include "hal/hal_driver.h"

#define SIM_MAX_OPS 1024u  /* in flight; a power of two */
#define SIM_OP_MS 500      /* then a completion counts as lost */
#define SIM_REQUEST_MS 300 /* then the process counts as stalled */
#define SIM_START_MS 3000  /* for the process to answer when it was just started */
#define SIM_REST_MS 50     /* before a refused DEL is tried again */

enum sim_op_state { OP_FREE, OP_WAITING, OP_QUEUED, OP_SENT, OP_ASKED, OP_RESTING, OP_DONE };

struct sim_op {
	TAILQ_ENTRY(sim_op) next; /* in flight, by submission; or done, by completion */
	enum sim_op_state state;
	enum hal_op_type type;
	uint64_t token;
	struct hal_ufid ufid;
	uint32_t id;       /* of its message: slot in the low bits */
	uint32_t ask_id;   /* ASKED: of the GET */
	uint64_t since_ms; /* when the state began */
	uint8_t *msg;      /* its message, `len` bytes */
	size_t len;
	struct hal_completion completion; /* DONE */
};

TAILQ_HEAD(sim_op_list, sim_op);

struct sim_bound {
	LIST_ENTRY(sim_bound) next;
	struct sim_bind bind;
	bool again; /* bound anew by us after a loss: the caller may bind it once more */
	struct hal_port_stats base, last; /* counted before the process was lost; since */
};

/* An end of tunnels that is set in the device. */
struct sim_end {
	LIST_ENTRY(sim_end) next;
	uint32_t port;
};

struct sim_dev {
	struct hal_env env;
	char profile[24], name[48];
	char rundir[96];
	struct hal_caps caps;

	int fd;       /* control socket, -1: DOWN */
	bool stalled; /* see above */
	bool lost;    /* poll has yet to say that the device was lost */
	int32_t pid;
	uint32_t generation;
	uint32_t next_id;
	uint64_t heard_ms; /* when anything last arrived */
	uint64_t retry_ms; /* DOWN: when to try next */
	uint32_t backoff_ms;
	struct sim_stats stats; /* as last heard */
	uint64_t remembered_ms; /* when the ports' counters were last read */

	struct sim_op ops[SIM_MAX_OPS];
	struct sim_op_list in_flight, done;
	LIST_HEAD(, sim_bound) ports;
	LIST_HEAD(, sim_end) ends;

	/* packets */
	rte_spinlock_t up_lock, down_lock;
	void *memory; /* NULL: no rings */
	struct sim_ring up, down;
	int up_fd, down_fd; /* doorbells: ours, the device's */

	/* the thread that calls env.wake */
	pthread_t waker;
	bool has_waker;
	int wake_epoll, wake_stop;
};

uint64_t sim_now_ms(void); /* monotonic */

/* ---- message.c ---- */

/* Sends a message if the socket takes it now: 0, -EAGAIN, or -ENODEV and the device is down. */
int sim_send(struct sim_dev *dev, const void *msg, size_t len);

/* Takes in all that has arrived: completions, answers to GETs. 0 or -ENODEV. */
int sim_receive(struct sim_dev *dev);

/* A request and its answer: the bytes of the answer's body (cut at n), -ETIMEDOUT (stalled) or
 * -ENODEV. Waits at most `timeout_ms`, not at all while stalled. */
int sim_request(struct sim_dev *dev, uint32_t type, const void *body, size_t len, void *answer,
	size_t n, unsigned timeout_ms);

/* ---- link.c ---- */

/* Connects to the process or starts it, within `timeout_ms`. 0 or -errno with a reason. */
int sim_link_open(struct sim_dev *dev, unsigned timeout_ms, struct hal_reason *r);
void sim_link_close(struct sim_dev *dev);
void sim_link_lost(struct sim_dev *dev);  /* fails what is in flight */
void sim_link_retry(struct sim_dev *dev); /* DOWN: one bounded step towards UP */

/* ---- launch.c ---- */

/* Starts sluice-simnic so that it outlives this process. 0 or -errno with a reason. */
int sim_launch(const struct sim_dev *dev, struct hal_reason *r);

/* ---- ops.c ---- */

int sim_submit(void *dev, struct hal_op *ops, unsigned n);
int sim_poll(void *dev, struct hal_completion *out, unsigned max);
void sim_op_done(struct sim_dev *dev, uint32_t id, const struct sim_done *done);
void sim_op_got(struct sim_dev *dev, uint32_t id, const uint8_t *body, size_t len);
void sim_ops_fail(struct sim_dev *dev);

/* ---- check.c ---- */

int sim_check(void *dev, const struct hal_rule *rule, struct hal_reason *r);

/* ---- objects.c ---- */

int sim_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r);
int sim_object_del(void *dev, enum hal_object_type type, uint32_t id);
int sim_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out);
bool sim_tunnel_is_set(const struct sim_dev *dev, uint32_t port);
void sim_objects_forgotten(struct sim_dev *dev); /* the device lost them */

/* ---- query.c ---- */

int sim_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out);
int sim_dump(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx);
int sim_stats(void *dev, struct hal_device_stats *out);
void sim_counter_copy(const struct sim_counter *from, struct hal_raw_counter *to);

/* ---- ports.c ---- */

int sim_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r);
int sim_port_unbind(void *dev, uint32_t port);
int sim_port_stats(void *dev, uint32_t port, struct hal_port_stats *out);
bool sim_port_is_bound(const struct sim_dev *dev, uint32_t port);
void sim_ports_rebind(struct sim_dev *dev);    /* after a new connection */
void sim_ports_remember(struct sim_dev *dev);  /* what they have counted, now and then */
void sim_ports_forgotten(struct sim_dev *dev); /* the device's generation changed */

/* ---- packet.c ---- */

int sim_rings_open(struct sim_dev *dev); /* new memory; a descriptor to hand over, or -errno */
void sim_rings_close(struct sim_dev *dev);
unsigned sim_port_rx(void *dev, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max);
unsigned sim_port_tx(void *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n);
int sim_rx_fd(void *dev);

/* ---- wake.c ---- */

int sim_waker_start(struct sim_dev *dev); /* 0 or -errno */
void sim_waker_stop(struct sim_dev *dev);
void sim_waker_watch(struct sim_dev *dev); /* a new socket */

#endif
