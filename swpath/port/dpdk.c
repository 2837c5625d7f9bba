/* SPDX-License-Identifier: Apache-2.0
 *
 * A DPDK ethdev port, named by its devargs: one receive queue, a transmit queue for each worker
 * where the device has so many.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_spinlock.h>

#include "hal/base/log.h"
#include "swpath/port/count.h"
#include "swpath/port/plain.h"
#include "swpath/port/segment.h"

LOG_DEFINE(dpdk);

enum {
	DESCRIPTORS = 1024,
	/* Attempts at a queue that takes nothing. */
	TX_ATTEMPTS = 4,
};

/* Offloads that are used where the device has them. */
#define CHECKSUM_OFFLOADS                                               \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM)
#define WANTED_OFFLOADS \
	(CHECKSUM_OFFLOADS | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

struct dpdk {
	uint16_t id; /* ethdev port */
	uint16_t n_queues;
	bool shared; /* fewer queues than workers: lock[queue] is taken to send */
	_Atomic bool admin_up, gone;
	uint64_t offloads;
	struct rte_device *device; /* to be removed on close, NULL: was there before */
	struct swpath_plain_output output;
	char driver[32];
	struct {
		rte_spinlock_t lock;
	} __attribute__((aligned(64))) queue[HAL_MAX_WORKERS];
};

static void take_link(struct swpath_port *port)
{
	const struct dpdk *d = port->priv;
	struct rte_eth_link link = {0};

	if (rte_eth_link_get_nowait(d->id, &link) < 0)
		link.link_status = RTE_ETH_LINK_UP;
	atomic_store(&port->up, atomic_load(&d->admin_up) && !atomic_load(&d->gone) &&
					link.link_status == RTE_ETH_LINK_UP);
}

/* On DPDK's interrupt thread. */
static int link_event(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct swpath_port *port = arg;
	struct dpdk *d = port->priv;

	(void)id;
	(void)ret;
	if (type == RTE_ETH_EVENT_INTR_RMV)
		atomic_store(&d->gone, true);
	take_link(port);
	return 0;
}

/* The ethdev that `devargs` names: one that is there, else it is probed. 0 or -errno. */
static int find_port(const char *devargs, struct dpdk *d, char *err, size_t n)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_dev_iterator it;
	struct rte_eth_dev_info info;
	uint16_t id;
	int rc;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (rte_eth_dev_get_port_by_name(name, &d->id) == 0)
		return 0;
	rc = rte_dev_probe(devargs);
	if (rc == -EFAULT) /* what the EAL answers to a name without a driver */
		rc = -ENODEV;
	if (rc < 0) {
		snprintf(err, n, "DPDK device \"%s\" cannot be opened: %s", devargs, strerror(-rc));
		return rc;
	}
	if (rte_eth_dev_get_port_by_name(name, &d->id) < 0) {
		d->id = RTE_MAX_ETHPORTS;
		RTE_ETH_FOREACH_MATCHING_DEV(id, devargs, &it)
		{
			d->id = id;
			rte_eth_iterator_cleanup(&it);
			break;
		}
	}
	if (d->id == RTE_MAX_ETHPORTS || rte_eth_dev_info_get(d->id, &info) < 0) {
		snprintf(err, n, "DPDK device \"%s\" has no Ethernet port", devargs);
		return -ENODEV;
	}
	d->device = info.device;
	return 0;
}

/* One port of ours is one ethdev: a second one for the same is refused. */
static int claim(struct swpath_port *port, const struct dpdk *d, char *err, size_t n)
{
	struct rte_eth_dev_owner owner = {0};
	int rc = rte_eth_dev_owner_new(&owner.id);

	snprintf(owner.name, sizeof(owner.name), "%.*s", (int)sizeof(owner.name) - 1, port->name);
	if (rc == 0)
		rc = rte_eth_dev_owner_set(d->id, &owner);
	if (rc == 0)
		return 0;
	if (rte_eth_dev_owner_get(d->id, &owner) == 0 && owner.name[0])
		snprintf(
			err, n, "port %s: its DPDK device is in use by %s", port->name, owner.name);
	else
		snprintf(err, n, "port %s: its DPDK device is in use", port->name);
	return -EBUSY;
}

static void disown(const struct dpdk *d)
{
	struct rte_eth_dev_owner owner;

	if (rte_eth_dev_owner_get(d->id, &owner) == 0)
		rte_eth_dev_owner_unset(d->id, owner.id);
}

static int set_up_queues(struct swpath_port *port, struct dpdk *d)
{
	const int socket = rte_eth_dev_socket_id(d->id);
	uint16_t n_rx = DESCRIPTORS, n_tx = DESCRIPTORS;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &n_rx, &n_tx);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(d->id, 0, n_rx, (unsigned)socket, NULL, port->pool);
	for (uint16_t q = 0; rc == 0 && q < d->n_queues; q++) {
		rte_spinlock_init(&d->queue[q].lock);
		rc = rte_eth_tx_queue_setup(d->id, q, n_tx, (unsigned)socket, NULL);
	}
	return rc;
}

/* The offloads of the device that are used. net_tap's TSO refuses segments of a full MTU, since it
 * counts the Ethernet header in, and then blocks its queue (DPDK 22.11). */
static uint64_t usable_offloads(const struct rte_eth_dev_info *info)
{
	uint64_t offloads = info->tx_offload_capa & WANTED_OFFLOADS;

	if (strcmp(info->driver_name, "net_tap") == 0)
		offloads &= ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return offloads;
}

static int configure(struct swpath_port *port, struct dpdk *d, uint32_t mtu)
{
	const unsigned workers = swpath_n_workers(port->sp);
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t value;
	int rc = rte_eth_dev_info_get(d->id, &info);

	if (rc < 0)
		return rc;
	d->n_queues = (uint16_t)RTE_MIN(workers, (unsigned)RTE_MAX(info.max_tx_queues, 1));
	d->shared = d->n_queues < workers;
	d->offloads = usable_offloads(&info);
	d->output.linear = !(d->offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	snprintf(d->driver, sizeof(d->driver), "%.31s", info.driver_name);
	conf.txmode.offloads = d->offloads;
	conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	conf.rxmode.mtu = mtu;
	conf.intr_conf.lsc = (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	conf.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	rc = rte_eth_dev_configure(d->id, 1, d->n_queues, &conf);
	if (rc == 0)
		rc = set_up_queues(port, d);
	if (rc < 0)
		return rc;
	/* A device without settable MTU keeps its own. */
	if (mtu && (rc = rte_eth_dev_set_mtu(d->id, (uint16_t)mtu)) < 0 && rc != -ENOTSUP)
		return rc;
	rc = rte_eth_dev_start(d->id);
	if (rc < 0)
		return rc;
	if (rte_eth_dev_get_mtu(d->id, &value) == 0)
		atomic_store(&port->mtu, value);
	/* Virtual devices may have no such modes: they receive everything anyway. */
	rte_eth_promiscuous_enable(d->id);
	rte_eth_allmulticast_enable(d->id);
	return 0;
}

static bool dpdk_carry(struct swpath_port *port, struct rte_mbuf *m);
static unsigned dpdk_send(
	struct swpath_port *port, unsigned worker, struct rte_mbuf **frames, unsigned n);

static void release(struct dpdk *d)
{
	struct rte_device *device = d->device;
	uint16_t id;
	int rc;

	disown(d);
	if (rte_eth_dev_is_valid_port(d->id))
		rte_eth_dev_stop(d->id);
	if (!device)
		return; /* made by EAL arguments: stays, and can be opened again */
	rte_eth_dev_close(d->id);
	/* A device may have several ports: the last one takes it along. */
	id = rte_eth_find_next_of(0, device);
	if (id < RTE_MAX_ETHPORTS)
		return;
	rc = rte_dev_remove(device);
	if (rc < 0)
		log_warn("removing a DPDK device failed: %s", strerror(-rc));
}

static int dpdk_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct dpdk *d;
	int rc;

	if (!cfg->devargs || !cfg->devargs[0]) {
		snprintf(err, n,
			"port %s: type dpdk needs devargs, such as 0000:01:00.0 or net_null0",
			port->name);
		return -EINVAL;
	}
	if (cfg->mtu > UINT16_MAX) {
		snprintf(err, n, "port %s: an MTU is at most %u, not %u", port->name, UINT16_MAX,
			cfg->mtu);
		return -EINVAL;
	}
	d = aligned_alloc(64, sizeof(*d));
	if (!d)
		return -ENOMEM;
	memset(d, 0, sizeof(*d));
	rc = find_port(cfg->devargs, d, err, n);
	if (rc < 0)
		goto free_dpdk;
	rc = claim(port, d, err, n);
	if (rc < 0)
		goto free_dpdk;
	port->priv = d;
	rc = configure(port, d, cfg->mtu);
	if (rc < 0) {
		snprintf(err, n, "port %s: setting up DPDK device \"%s\" failed: %s", port->name,
			cfg->devargs, strerror(-rc));
		goto release_device;
	}
	d->output.send = dpdk_send;
	if (d->offloads & CHECKSUM_OFFLOADS)
		d->output.carry = dpdk_carry;
	atomic_store(&d->admin_up, true);
	rte_eth_dev_callback_register(d->id, RTE_ETH_EVENT_INTR_LSC, link_event, port);
	rte_eth_dev_callback_register(d->id, RTE_ETH_EVENT_INTR_RMV, link_event, port);
	take_link(port);
	return 0;

release_device:
	release(d);
	port->priv = NULL;
free_dpdk:
	free(d);
	return rc;
}

static void dpdk_close(struct swpath_port *port, bool delete_netdev)
{
	struct dpdk *d = port->priv;

	(void)delete_netdev;
	rte_eth_dev_callback_unregister(d->id, RTE_ETH_EVENT_INTR_LSC, link_event, port);
	rte_eth_dev_callback_unregister(d->id, RTE_ETH_EVENT_INTR_RMV, link_event, port);
	release(d);
	free(d);
	port->priv = NULL;
}

static unsigned dpdk_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	const struct dpdk *d = port->priv;
	uint64_t bytes = 0;
	unsigned n = rte_eth_rx_burst(d->id, 0, pkts, (uint16_t)RTE_MIN(max, UINT16_MAX));

	(void)meta;
	for (unsigned i = 0; i < n; i++)
		bytes += pkts[i]->pkt_len;
	if (n)
		swpath_count_rx(&port->counter[worker], n, bytes);
	return n;
}

/* Which offload the packet's checksum needs, by RTE_MBUF_F_TX_L4_MASK's value. */
static uint64_t checksum_offload(uint64_t ol_flags)
{
	switch (ol_flags & RTE_MBUF_F_TX_L4_MASK) {
	case RTE_MBUF_F_TX_TCP_CKSUM:
		return RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	case RTE_MBUF_F_TX_UDP_CKSUM:
		return RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	default:
		return RTE_ETH_TX_OFFLOAD_SCTP_CKSUM;
	}
}

/* TSO wants the pseudo-header's sum without the length, and 0 in the IPv4 checksum. */
static void prepare_tso(struct rte_mbuf *m, struct swpath_frame *f)
{
	const uint16_t zero = 0;

	f->l4_len = 0;
	swpath_checksum_make_partial(m, f);
	if (f->ip_version != 4)
		return;
	m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	swpath_frame_write(
		m, f->l3_off + offsetof(struct rte_ipv4_hdr, hdr_checksum), &zero, sizeof(zero));
}

/* Left to software: headers that drivers do not expect (MPLS, PBB, IPv6 extension headers, whose
 * pseudo-header rte_eth_tx_prepare() gets wrong), and UDP super-frames. */
static bool dpdk_carry(struct swpath_port *port, struct rte_mbuf *m)
{
	const struct dpdk *d = port->priv;
	struct swpath_frame f;

	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG || !(d->offloads & checksum_offload(m->ol_flags)))
		return false;
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) &&
		(d->offloads & (RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
				       RTE_ETH_TX_OFFLOAD_MULTI_SEGS)) !=
			(RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
				RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		return false;
	if (!swpath_frame_parse(m, &f) || !f.l4_off || !f.plain_l2 || m->data_len < f.payload_off ||
		(f.ip_version == 6 && f.l4_off != f.l3_off + sizeof(struct rte_ipv6_hdr)))
		return false;
	m->l2_len = f.l3_off;
	m->l3_len = f.l4_off - f.l3_off;
	m->l4_len = f.payload_off - f.l4_off;
	m->ol_flags |= f.ip_version == 4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		prepare_tso(m, &f);
	return true;
}

/* Frames that the driver refuses to prepare are sent all the same: it is the driver's to count. */
static unsigned dpdk_send(
	struct swpath_port *port, unsigned worker, struct rte_mbuf **frames, unsigned n)
{
	struct dpdk *d = port->priv;
	const uint16_t q = (uint16_t)(worker % d->n_queues);
	unsigned sent = 0;

	if (d->shared)
		rte_spinlock_lock(&d->queue[q].lock);
	if (d->output.carry)
		rte_eth_tx_prepare(d->id, q, frames, (uint16_t)n);
	for (unsigned attempt = 0; sent < n && attempt < TX_ATTEMPTS;) {
		unsigned k = rte_eth_tx_burst(d->id, q, frames + sent, (uint16_t)(n - sent));

		sent += k;
		attempt += k == 0;
	}
	if (d->shared)
		rte_spinlock_unlock(&d->queue[q].lock);
	return sent;
}

static void dpdk_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX])
{
	const struct dpdk *d = port->priv;

	if (atomic_load_explicit(&port->up, memory_order_relaxed))
		swpath_plain_tx(port, worker, pkts, n, drops, &d->output);
	else
		swpath_drop_tx(port, worker, pkts, n, SWPATH_DROP_PORT_DOWN, drops);
}

static int dpdk_rx_fd(struct swpath_port *port)
{
	(void)port;
	return -1;
}

static int dpdk_status(struct swpath_port *port, struct swpath_port_status *out)
{
	struct dpdk *d = port->priv;
	struct rte_eth_link link = {0};
	struct rte_ether_addr mac;
	uint16_t mtu;

	memset(out, 0, sizeof(*out));
	out->driver = d->driver;
	if (atomic_load(&d->gone) || !rte_eth_dev_is_valid_port(d->id))
		return -ENODEV;
	out->exists = true;
	out->admin_up = atomic_load(&d->admin_up);
	if (rte_eth_link_get_nowait(d->id, &link) == 0) {
		out->link_up = link.link_status == RTE_ETH_LINK_UP;
		out->full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
		if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
			out->speed_mbps = link.link_speed;
	}
	if (rte_eth_macaddr_get(d->id, &mac) == 0)
		memcpy(out->mac, mac.addr_bytes, sizeof(out->mac));
	if (rte_eth_dev_get_mtu(d->id, &mtu) == 0)
		out->mtu = mtu;
	take_link(port);
	return 0;
}

/* What the device cannot switch off is at least not sent to. */
static int dpdk_set_admin(struct swpath_port *port, bool up)
{
	struct dpdk *d = port->priv;
	int rc = up ? rte_eth_dev_set_link_up(d->id) : rte_eth_dev_set_link_down(d->id);

	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	atomic_store(&d->admin_up, up);
	take_link(port);
	return 0;
}

static int dpdk_stats(struct swpath_port *port, struct hal_port_stats *out)
{
	const struct dpdk *d = port->priv;
	struct rte_eth_stats s;
	int rc = rte_eth_stats_get(d->id, &s);

	swpath_count_sum(port, out);
	if (rc < 0)
		return rc;
	out->rx_packets = s.ipackets;
	out->tx_packets = s.opackets;
	/* Some drivers (net_null, net_ring) count no bytes. */
	if (s.ibytes)
		out->rx_bytes = s.ibytes;
	if (s.obytes)
		out->tx_bytes = s.obytes;
	out->rx_dropped += s.imissed + s.rx_nombuf;
	out->rx_errors += s.ierrors;
	out->tx_errors += s.oerrors;
	return 0;
}

const struct swpath_port_class swpath_dpdk_class = {
	.name = "dpdk",
	.open = dpdk_open,
	.close = dpdk_close,
	.rx = dpdk_rx,
	.tx = dpdk_tx,
	.rx_fd = dpdk_rx_fd,
	.status = dpdk_status,
	.set_admin = dpdk_set_admin,
	.stats = dpdk_stats,
};
