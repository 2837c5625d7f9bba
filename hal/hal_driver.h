/* SPDX-License-Identifier: Apache-2.0
 *
 * The door to hardware, driver side: what a driver implements.
 *
 * What: one const struct hal_driver for each kind of device. Slots that a driver leaves NULL
 * answer -EOPNOTSUPP (hal/driver_defaults.c).
 *
 * Operations: `submit` accepts or rejects each operation at once; an accepted one completes
 * exactly once, through `poll`, with the caller's token and a reason. A driver that works
 * synchronously completes in `poll` too. Operations on one ufid complete in the order they were
 * submitted. A DEL never fails for a rule that exists: what the device would not delete the driver
 * keeps trying to delete; its completion carries the rule's final counters.
 *
 *   operation | the ufid is in the device             | it is not
 *   ADD       | -EEXIST, the rule there stays         | the rule is put in
 *   REPLACE   | swapped whole; if that fails the       | -ENOENT
 *             | former rule stays                      |
 *   DEL       | taken out                              | -ENOENT
 *
 * The errno comes either as a rejection (the reason's `error`) or in the completion. A REPLACE
 * whose completion has final.known gives the counters of the former rule at the moment of the
 * swap. port_bind of a port id that is bound is -EEXIST, port_unbind of one that is not -ENOENT.
 * counters_read says known = false for a ufid that is not there.
 *
 * Objects: object_set of an id that exists changes it; object_del of one that rules of the device
 * still use is -EBUSY; object_del of HAL_OBJECT_ALL deletes all of the type that no rule uses. A
 * rule that names an object which is not there is refused with HAL_REASON_DEPENDS.
 *
 * A dump tells of the rules in pieces of about `max` (0: as the driver likes): *at is 0 for the
 * first, and is left as the next one needs it, 0 after the last. Other calls may come between; a
 * rule that they change is told of as before, as after, or not at all.
 *
 * A device that is gone answers -ENODEV from poll, and stats says alive = false. It may come back
 * under the same handle: stats then says alive = true, with another generation if rules, port
 * bindings and objects were lost.
 *
 * Packets: where caps.kernel_ports is set, ports are netdevs that the software path reads and
 * writes by itself, and port_rx and port_tx stay NULL. port_miss then names the netdev where the
 * packets of a port arrive that no rule took, and -ENOENT says that it is the port's own. A port of
 * kind HAL_PORT_INTERNAL, where caps.internal_ports is set, is one by which the host sends and
 * receives: the software path counts what it reads and writes there, the device what its rules
 * move.
 *
 * forget takes away what a former run with this environment left on netdevs, so that no packet is
 * forwarded there and by the software path too. It is called instead of open, by the opener.
 *
 * Counters: raw values as the device has them, monotonic within caps.counter_bits, with a
 * generation that changes whenever the device restarted them. Extending them is the HAL's work.
 *
 * Threads: open, close, check, submit, poll, counters_read, dump, object calls, port_bind,
 * port_unbind and stats are called by one thread at a time (the device's submit thread or, before
 * it runs, its opener). port_rx and port_tx are called by workers, at the same time as the
 * others: port_rx by one worker at a time, port_tx by any number.
 */
#ifndef SLUICE_HAL_DRIVER_H
#define SLUICE_HAL_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/caps.h"
#include "hal/key.h"
#include "hal/object.h"
#include "hal/port.h"
#include "hal/reason.h"
#include "hal/rule.h"

struct rte_mbuf;

enum hal_op_type { HAL_OP_ADD, HAL_OP_REPLACE, HAL_OP_DEL };

struct hal_op {
	enum hal_op_type type;
	uint64_t token;           /* the caller's, returned in the completion */
	struct hal_rule rule;     /* DEL: only ufid counts */
	struct hal_reason reason; /* filled if rejected */
	bool accepted;            /* filled by submit */
};

struct hal_raw_counter {
	uint64_t packets, bytes;
	uint32_t generation;
	bool known;     /* false: this device cannot say */
	bool hit;       /* moved since it was last read */
	bool in_kernel; /* by_kernel devices: no hardware has the rule, the kernel runs it */
};

struct hal_completion {
	uint64_t token;
	int error; /* 0 or -errno */
	struct hal_reason reason;
	struct hal_raw_counter final; /* DEL, and REPLACE where known: of the former rule */
};

/* What a dump says of each rule in the device. */
struct hal_dump_entry {
	struct hal_ufid ufid;
	/* Freed by the callee's caller after the callback. NULL, and all below means nothing: what
	 * is in the rule's place no operation of ours put there. */
	struct hal_cmatch *match;
	struct hal_program *program;
	uint32_t chain, priority;
	struct hal_raw_counter counter;
};
typedef int hal_dump_cb(void *ctx, const struct hal_dump_entry *entry);

struct hal_device_stats {
	uint32_t rules, max_rules, ports;
	uint32_t objects[HAL_OBJECT_MAX];
	uint64_t hit_packets, miss_packets, dropped_packets;
	uint32_t generation; /* changes when the device lost its state */
	bool alive;          /* false: gone or stalled; `text` says which */
	char text[80];
};

/* Meta of a packet that a device hands up: the port it came in by, how far it got, and what the
 * device had found out about it by then. A packet handed up in a chain is as the steps before left
 * it; one out of a tunnel came in by the tunnel's port. */
struct hal_rx_meta {
	uint32_t port;       /* datapath port id */
	uint32_t recirc_id;  /* chain that missed, 0: from the start */
	struct hal_key *key; /* the caller's room for the members below, NULL: none */
	bool has_key; /* `key` holds pkt_mark, dp_hash, conntrack's and the tunnel's members; all
			 others are 0 */
};

/* An object that rules refer to. `id` is the caller's and unique by type. */
struct hal_object {
	enum hal_object_type type;
	uint32_t id;
	uint32_t len;    /* bytes of arg */
	const void *arg; /* its description, by type */
};

/* What a driver may ask of its surroundings; constant while the device is open. */
struct hal_env {
	const char *rundir;            /* for sockets */
	const char *libexec;           /* where helper programs are installed, or NULL */
	struct rte_mempool *mbuf_pool; /* for port_rx; NULL: packets are not moved */
	void (*wake)(void *ctx);       /* a completion or a packet is waiting */
	void *wake_ctx;
};

struct hal_driver {
	const char *name; /* "sim"; a device is named "<driver>:<args>" */
	int (*open)(const char *args, const struct hal_env *env, void **dev, struct hal_caps *caps,
		struct hal_reason *r);
	void (*close)(void *dev);
	void (*forget)(const struct hal_env *env); /* NULL: there is nothing of that kind */
	int (*check)(void *dev, const struct hal_rule *rule, struct hal_reason *r);
	int (*submit)(void *dev, struct hal_op *ops, unsigned n);         /* number accepted */
	int (*poll)(void *dev, struct hal_completion *out, unsigned max); /* number, or -errno */
	int (*counters_read)(void *dev, const struct hal_ufid *ufids, unsigned n,
		struct hal_raw_counter *out); /* 0 or -errno */
	int (*dump)(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx);
	int (*object_set)(void *dev, const struct hal_object *obj, struct hal_reason *r);
	int (*object_del)(void *dev, enum hal_object_type type, uint32_t id);
	int (*object_stats)(void *dev, enum hal_object_type type, uint32_t id,
		struct hal_object_stats *out); /* 0 or -errno (-ENOENT) */
	int (*port_bind)(void *dev, uint32_t port, const struct hal_port_handle *handle,
		struct hal_reason *r);
	int (*port_unbind)(void *dev, uint32_t port);
	int (*port_stats)(void *dev, uint32_t port, struct hal_port_stats *out);
	int (*port_miss)(void *dev, uint32_t port, struct hal_port_handle *out);
	unsigned (*port_rx)(
		void *dev, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max);
	unsigned (*port_tx)(void *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n);
	int (*rx_fd)(void *dev); /* readable when port_rx has packets, or -1 */
	int (*stats)(void *dev, struct hal_device_stats *out);
};

/* All drivers in this build, NULL at the end (drivers/drivers.c). */
extern const struct hal_driver *const hal_drivers[];

#endif
