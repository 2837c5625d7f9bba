/* SPDX-License-Identifier: Apache-2.0
 *
 * The software path.
 *
 * What: ports, workers, caches, the shared megaflow classifier and action execution. It forwards
 * what no device does. What to do with a packet of no known megaflow it asks through struct
 * swpath_ops; it knows nothing of OpenFlow.
 *
 * Design: a worker takes a burst from a port, parses each packet into a datapath key, looks it up
 * in (1) its own exact-match cache, (2) the shared classifier, (3) its own table of young
 * megaflows, which the control thread has not installed yet, and, failing all, calls
 * ops->translate on the spot. Only the control thread writes the shared classifier, so no lock is
 * taken anywhere on the way.
 *
 * Threads: everything is called by the control thread unless it says otherwise; workers are the
 * only RCU readers of swpath's structures.
 */
#ifndef SLUICE_SWPATH_H
#define SLUICE_SWPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/hal.h"
#include "hal/key.h"
#include "hal/megaflow.h"
#include "hal/object.h"
#include "hal/port.h"

struct event_base;
struct rte_mbuf;
struct swpath;

/* Asked by workers, on the packet path: must not block or take locks. */
struct swpath_ops {
	/* Translates the packet `pkt`, whose key is `key`. Returns a megaflow that covers the key
	 * and that may be cached (the caller may use it until its next quiescent state; a reference
	 * for its young table has been taken for it if *cache is true on return), or one that is
	 * good for this packet only (*cache false). NULL: drop, counted as translation failure. */
	struct hal_megaflow *(*translate)(void *ctx, unsigned worker, const struct hal_key *key,
		const struct rte_mbuf *pkt, bool *cache);

	/* A CONTROLLER step: a copy of the packet for the control plane. The callee copies. */
	void (*to_controller)(void *ctx, unsigned worker, const struct hal_act_controller *act,
		const struct rte_mbuf *pkt, const struct hal_key *key);

	/* Control thread: something of a port changed (link, MTU, address, vanished, appeared). */
	void (*port_changed)(void *ctx, uint32_t port);
	void *ctx;

	/* A connection became established (TCP: both directions; UDP: a reply came), or its mark or
	 * label changed; `dir` describes its original and reply directions, `id` names it. NULL: no
	 * matter. Called by workers: put what is needed on a ring. */
	void (*ct_established)(void *ctx, const struct hal_connection dir[2], uint64_t id);

	/* A connection is not established any more: it is being closed, timed out or was flushed.
	 * Comes at least once after ct_established, perhaps for an id that is not known any more.
	 * Called by workers and the control thread, so also for a ring with many producers. */
	void (*ct_gone)(void *ctx, uint64_t id);
};

struct swpath_config {
	struct event_base *base; /* of the control thread */
	unsigned n_workers;      /* 1 to HAL_MAX_WORKERS */
	uint64_t worker_cpus;    /* CPUs to pin workers to, 0: do not pin */
	unsigned dpdk_memory_mb; /* 0: sized by itself */
	bool dpdk_hugepages;     /* have it in huge pages if there are enough of them */
	const char *dpdk_extra;  /* further EAL arguments, or NULL */
	const char *rundir;
	struct swpath_ops ops;
};

/* Initialises the EAL (once a process) and starts the workers. 0 or -errno, message in err. */
int swpath_open(const struct swpath_config *cfg, struct swpath **out, char *err, size_t n);

/* Stops workers, closes ports. Internal netdevs are left in place when `keep_netdevs`. */
void swpath_close(struct swpath *sp, bool keep_netdevs);

struct rte_mempool *swpath_mbuf_pool(struct swpath *sp);

/* ---- ports ---- */

enum swpath_port_type {
	SWPATH_PORT_NETDEV,   /* a kernel network device */
	SWPATH_PORT_INTERNAL, /* a TAP of our own, with the port's name */
	SWPATH_PORT_DPDK,     /* DPDK devargs */
	SWPATH_PORT_DEVICE,   /* a port behind a hal_device: packets come and go through it */
	SWPATH_PORT_TUNNEL,   /* where tunnels of one kind end: an id and counters, no netdev */
};

struct swpath_port_config {
	const char *name;
	enum swpath_port_type type;
	const char *devargs;       /* DPDK */
	struct hal_device *device; /* DEVICE: already bound there by `id` */
	uint32_t miss_ifindex;     /* NETDEV: where it receives in place of itself, 0: itself */
	const uint8_t *mac;        /* 6 bytes, INTERNAL: address to set, or NULL */
	uint32_t mtu;              /* 0: leave */
	uint32_t id;               /* wanted datapath port id, HAL_PORT_NONE: any free one */
};

/* Opens a port and gives it to a worker. 0 with *id set; or -errno, and a message in err that says
 * what was tried and what the system answered. */
int swpath_port_add(
	struct swpath *sp, const struct swpath_port_config *cfg, uint32_t *id, char *err, size_t n);

/* Takes a port away: after return no packet leaves by it. INTERNAL: `delete_netdev` also removes
 * the netdev. */
int swpath_port_remove(struct swpath *sp, uint32_t id, bool delete_netdev);

struct swpath_port_status {
	bool exists; /* the device below is there */
	bool admin_up, link_up;
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t ifindex;    /* 0 if it has none */
	uint64_t speed_mbps; /* 0: unknown */
	bool full_duplex;
	const char *driver; /* "veth", "tun", "net_pcap", ... */
};
int swpath_port_status(struct swpath *sp, uint32_t id, struct swpath_port_status *out);
int swpath_port_stats(struct swpath *sp, uint32_t id, struct hal_port_stats *out);
int swpath_port_set_admin(struct swpath *sp, uint32_t id, bool up);

/* Internal netdevs that a former run left, by name (adopted by swpath_port_add of that name, to be
 * deleted if nobody wants them). They are known by their TAP alias mark, which holds `rundir`. */
int swpath_internal_netdevs(struct swpath *sp, void (*cb)(void *ctx, const char *name), void *ctx);
int swpath_internal_netdev_delete(struct swpath *sp, const char *name);

/* ---- devices ---- */

/* A device whose misses workers have to take. */
int swpath_device_attach(struct swpath *sp, struct hal_device *dev);
int swpath_device_detach(struct swpath *sp, struct hal_device *dev);

/* ---- megaflows ---- */

/* Masks at one input port, those behind recirculations apart, that a lookup should have to try. */
#define SWPATH_MAX_MASKS 48

/* True if the port that `key` came in by has so many, and `mask` would be another one: `all` is
 * then what they look at together. `worker` is the caller's own; HAL_MAX_WORKERS: the control
 * thread. */
bool swpath_masks_full(struct swpath *sp, unsigned worker, const struct hal_key *key,
	const struct hal_key *mask, struct hal_key *all);

/* Puts a megaflow into the shared classifier (takes a reference). 0, -ENOMEM, or -EEXIST if a
 * usable one of the same match and chain is there. */
int swpath_megaflow_install(struct swpath *sp, struct hal_megaflow *mf);

/* Takes it out (drops the reference after a grace period). The caller has set its state to
 * RETIRING before. */
void swpath_megaflow_remove(struct swpath *sp, struct hal_megaflow *mf);

/* Puts `to` in the place of `from`, which has the same match: no packet sees neither. */
int swpath_megaflow_replace(struct swpath *sp, struct hal_megaflow *from, struct hal_megaflow *to);

/* ---- packets from the control plane ---- */

/* Runs `program` on a packet of `len` bytes with the given key metadata (in_port and so on are
 * taken from `meta`, headers are parsed). The program is copied. 0, -ENOMEM, or -ENOBUFS when the
 * ring to the worker is full. */
int swpath_inject(struct swpath *sp, const struct hal_key *meta, const void *data, size_t len,
	const struct hal_program *program);

/* Parses a packet into a key, without metadata. Any thread. */
void swpath_parse(const void *data, size_t len, struct hal_key *key);

/* ---- statistics ---- */

/* DROP(ID, name, what it means): every reason for which the software path drops a packet. */
#define SWPATH_DROPS(DROP)                                                                     \
	DROP(ACTION, "action", "the flow says drop")                                           \
	DROP(MALFORMED, "malformed", "shorter than an Ethernet header")                        \
	DROP(TRANSLATION, "translation",                                                       \
		"translation failed (recursion too deep, no memory), or "                      \
		"other_config:flow-restore-wait holds it")                                     \
	DROP(NO_PORT, "no_port", "output to a port that does not exist any more")              \
	DROP(PORT_DOWN, "port_down", "output to a port that is down")                          \
	DROP(TX_FULL, "tx_full", "the output's queue was full")                                \
	DROP(TX_ERROR, "tx_error", "the output refused the packet")                            \
	DROP(TOO_BIG, "too_big", "longer than the output's MTU and not to be segmented")       \
	DROP(NO_MBUF, "no_mbuf", "no packet buffer left")                                      \
	DROP(TTL, "ttl", "TTL ran out")                                                        \
	DROP(HEADER, "header", "the packet lacks the header that an action needs")             \
	DROP(UNSUPPORTED, "unsupported", "an action that the software path does not have")     \
	DROP(CONTROLLER_FULL, "controller_full", "the ring to the control plane was full")     \
	DROP(RECURSION, "recursion", "recirculated too often")                                 \
	DROP(METER, "meter", "came faster than a meter allows")                                \
	DROP(NO_NEIGHBOUR, "no_neighbour",                                                     \
		"the link-layer address of a tunnel's next hop is not known yet")              \
	DROP(TUNNEL_HEADER, "tunnel_header",                                                   \
		"a tunnel's headers are cut off, contradict themselves or say what we do not " \
		"know")                                                                        \
	DROP(TUNNEL_CHECKSUM, "tunnel_checksum", "a wrong checksum in a tunnel's headers")     \
	DROP(TUNNEL_OPTION, "tunnel_option", "a critical Geneve option that nobody mapped")    \
	DROP(TUNNEL_ECN, "tunnel_ecn",                                                         \
		"congestion met in a tunnel that the inner packet cannot tell (RFC 6040)")     \
	DROP(FRAGMENT, "fragment",                                                             \
		"held for connection tracking, but the datagram never became whole")

enum swpath_drop {
#define DROP(ID, ...) SWPATH_DROP_##ID,
	SWPATH_DROPS(DROP)
#undef DROP
		SWPATH_DROP_MAX,
};

struct swpath_stats {
	uint64_t drops[SWPATH_DROP_MAX];
	uint64_t packets; /* that workers took */
	uint64_t cache_hits, classifier_hits, young_hits, translated;
	uint64_t masks, megaflows; /* in the shared classifier now */
	uint64_t worker_sleeps;
};
void swpath_stats_read(struct swpath *sp, struct swpath_stats *out);
const char *swpath_drop_name(enum swpath_drop d);

/* Counts what ops->to_controller or ops->translate had to drop. By the worker that called them. */
void swpath_drop_count(struct swpath *sp, unsigned worker, enum swpath_drop why);
const char *swpath_drop_meaning(enum swpath_drop d);

/* Waits until every worker has passed a quiescent state and emptied its injection ring: what was
 * changed before is seen by all packets after. Bounded by `timeout_ms`; 0 or -ETIMEDOUT. */
int swpath_sync(struct swpath *sp, unsigned timeout_ms);

#endif
