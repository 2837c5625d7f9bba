/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of the software path: one class for each kind.
 *
 * What: struct swpath_port is what workers see of a port; a class (netdev, internal, dpdk, device)
 * fills it in and moves bursts.
 *
 * Offloads a packet carries: with RTE_MBUF_F_TX_TCP_CKSUM, _UDP_CKSUM or _SCTP_CKSUM its transport
 * checksum is partial (the field holds the folded pseudo-header sum); with RTE_MBUF_F_TX_TCP_SEG
 * or RTE_MBUF_F_TX_UDP_SEG it is a super-frame of segments of tso_segsz bytes (such a packet has
 * the checksum flag too). Inside the software path only these flags and tso_segsz count: l2_len,
 * l3_len and l4_len are worked out by the class when it sends, since headers change on the way. A
 * class that cannot carry such a packet has it completed by swpath/port/segment.h first. Received
 * packets have their VLAN tags in the data, never stripped.
 *
 * Counting: the class counts everything in port->counter[worker]: received and sent frames (a
 * super-frame is one, its bytes are the mbuf's), drops and errors. Callers do not count. What a
 * worker drops before it calls tx is not the port's.
 *
 * Frames handed to tx may be shared (refcnt > 1, or indirect): a class that has to alter one works
 * on a copy.
 *
 * Threads: open and close on the control thread; rx by the one worker that has the port; tx by any
 * worker at the same time (a class locks or uses one queue a worker); status and stats on the
 * control thread.
 */
#ifndef SLUICE_SWPATH_PORT_H
#define SLUICE_SWPATH_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/megaflow.h"
#include "swpath/swpath.h"

struct rte_mbuf;
struct swpath_port;
struct swpath_link;

/* What classes ask of the software path they belong to (swpath/swpath.c). */
const char *swpath_rundir(const struct swpath *sp);
unsigned swpath_n_workers(const struct swpath *sp);

/* Shows packets that are about to be dropped to open captures (swpath/capture.c). By the worker. */
void swpath_tap_drop(struct swpath *sp, unsigned worker, struct rte_mbuf *const *pkts, unsigned n,
	enum swpath_drop why);
bool swpath_has_captures(const struct swpath *sp);

/* Counted by a worker in its own entry. */
struct swpath_port_counter {
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_dropped, tx_dropped,
		rx_errors, tx_errors;
} __attribute__((aligned(64)));

struct swpath_port_class {
	const char *name;
	/* Fills port->priv. 0 or -errno with a message. */
	int (*open)(struct swpath_port *port, const struct swpath_port_config *cfg, char *err,
		size_t n);
	void (*close)(struct swpath_port *port, bool delete_netdev);
	/* Up to `max` packets; `meta` is for classes that carry several ports or chains: it comes
	 * zeroed (port 0: this port, recirc_id 0). */
	unsigned (*rx)(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
		struct hal_rx_meta *meta, unsigned max);
	/* Sends and always consumes all `n`; counts what it dropped in port->counter[worker] and
	 * adds the reasons to `drops`. */
	void (*tx)(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
		uint64_t drops[SWPATH_DROP_MAX]);
	int (*rx_fd)(
		struct swpath_port *port); /* readable when rx has packets; -1: must be polled */
	int (*status)(struct swpath_port *port, struct swpath_port_status *out);
	int (*set_admin)(struct swpath_port *port, bool up);
	/* Counters that the class itself knows better than counter[], or NULL. */
	int (*stats)(struct swpath_port *port, struct hal_port_stats *out);
	/* Optional. Called by the owner of the link watcher (control thread) for every port and
	 * every link event: the class looks itself whether the event is its port's (by name or
	 * index), binds anew to a netdev that came back, and brings port->mtu and port->up up to
	 * date. True if the port changed in any way. */
	bool (*link_changed)(struct swpath_port *port, const struct swpath_link *link);
};

struct swpath_port {
	uint32_t id;
	char name[64];
	enum swpath_port_type type;
	const struct swpath_port_class *class;
	void *priv; /* the class's */
	struct swpath *sp;
	struct rte_mempool *pool;
	uint16_t worker; /* that receives from it */
	/* With an rx_fd: rx found nothing more, and the worker calls it again when the fd is
	 * readable. Set by the class's rx, cleared by the worker: a look at an empty port of the
	 * kernel is a system call, and there may be many. */
	bool drained;
	_Atomic uint32_t mtu; /* bytes of payload after the Ethernet header; 0: unknown */
	_Atomic bool up;      /* admin and link: tx to a port that is down is dropped */
	struct swpath_port_counter counter[HAL_MAX_WORKERS];
};

extern const struct swpath_port_class swpath_netdev_class, swpath_internal_class, swpath_dpdk_class,
	swpath_device_class, swpath_tunnel_class;

/* Link watching (rtnetlink on the control thread): calls `cb` when a netdev of this name or index
 * changed, appeared or vanished. One watcher for a swpath. */
struct swpath_netlink;
struct swpath_link {
	uint32_t ifindex;
	char name[16];
	uint32_t mtu;
	uint8_t mac[6];
	bool admin_up, link_up;
	bool gone;
};
typedef void swpath_link_cb(void *ctx, const struct swpath_link *link);
int swpath_netlink_open(
	struct event_base *base, swpath_link_cb *cb, void *ctx, struct swpath_netlink **out);
void swpath_netlink_close(struct swpath_netlink *nl);

#endif
