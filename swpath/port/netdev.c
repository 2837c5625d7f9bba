/* SPDX-License-Identifier: Apache-2.0
 *
 * A kernel network device through a packet socket.
 *
 * The socket moves super-frames and partial checksums with the virtio-net header, puts back the
 * VLAN tag that the kernel took off, and does not see what the host sends. It stays the same socket
 * when the netdev vanishes and comes back: it is bound again, so workers keep polling one fd.
 *
 * Where the kernel itself runs rules of a device on the netdev, a socket there would see their
 * packets too. Then a second socket receives, on the netdev that the device hands its misses to,
 * and the first one only sends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/if_packet.h>

#include "hal/base/log.h"
#include "swpath/port/frame.h"
#include "swpath/port/netdev_tx.h"
#include "swpath/port/rtnl.h"
#include "swpath/port/rxbuf.h"
#include "swpath/port/tc_drop.h"

LOG_DEFINE(netdev);

/* Room for a burst of super-frames, bytes. */
enum { RECEIVE_BUFFER = 8 << 20, SEND_BUFFER = 4 << 20 };

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static void set_buffer(int fd, int force, int plain, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static int set_promiscuous(int fd, uint32_t ifindex, bool on)
{
	const struct packet_mreq mr = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};

	if (setsockopt(fd, SOL_PACKET, on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP, &mr,
		    sizeof(mr)) < 0)
		return -errno;
	return 0;
}

/* Protocol 0: receives nothing before it is bound. */
static int make_socket(char *err, size_t n)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = 0;

	if (fd < 0)
		rc = -errno;
	if (rc == 0)
		rc = set_option(fd, PACKET_VNET_HDR, 1);
	if (rc == 0)
		rc = set_option(fd, PACKET_AUXDATA, 1);
	if (rc == 0)
		rc = set_option(fd, PACKET_IGNORE_OUTGOING, 1);
	if (rc < 0) {
		snprintf(err, n, "opening a packet socket failed: %s", strerror(-rc));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER);
	return fd;
}

/* Lets the socket receive nothing although it is still bound (the netdev was renamed). */
static void mute(int fd, bool on)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog prog = {1, none};
	const int ignored = 0;

	if (on)
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
	else
		setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored));
}

/* Protocol 0 receives nothing. */
static int bind_socket(int fd, uint32_t ifindex, uint16_t protocol)
{
	const struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)ifindex};

	return bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

/* Keeps frames from the host, then receives them. */
static int bind_to(struct swpath_port *port, uint32_t ifindex, char *err, size_t n)
{
	struct swpath_netdev *nd = port->priv;
	const uint32_t from = nd->miss_ifindex ? nd->miss_ifindex : ifindex;
	int rc = swpath_tc_drop_attach(from, port->name, err, n);

	if (rc < 0)
		return rc;
	if (nd->miss_ifindex)
		rc = bind_socket(nd->fd, ifindex, 0);
	if (rc == 0)
		rc = bind_socket(nd->rx_fd, from, ETH_P_ALL);
	if (rc == 0)
		rc = set_promiscuous(nd->fd, ifindex, true);
	if (rc < 0) {
		snprintf(err, n, "%s: binding a packet socket failed: %s", port->name,
			strerror(-rc));
		mute(nd->rx_fd, true);
		swpath_tc_drop_detach(from);
		return rc;
	}
	mute(nd->rx_fd, false);
	atomic_store(&nd->ifindex, ifindex);
	return 0;
}

/* `gone`: the kernel has let go of the socket itself. */
static void unbind(struct swpath_port *port, bool gone)
{
	struct swpath_netdev *nd = port->priv;
	uint32_t ifindex = atomic_exchange(&nd->ifindex, 0);

	atomic_store(&port->up, false);
	if (ifindex == 0 || gone)
		return;
	mute(nd->rx_fd, true);
	set_promiscuous(nd->fd, ifindex, false);
	swpath_tc_drop_detach(nd->miss_ifindex ? nd->miss_ifindex : ifindex);
}

static void close_sockets(struct swpath_netdev *nd)
{
	if (nd->rx_fd != nd->fd)
		close(nd->rx_fd);
	close(nd->fd);
}

static int open_sockets(struct swpath_netdev *nd, char *err, size_t n)
{
	nd->fd = make_socket(err, n);
	if (nd->fd < 0)
		return nd->fd;
	nd->rx_fd = nd->miss_ifindex ? make_socket(err, n) : nd->fd;
	if (nd->rx_fd >= 0)
		return 0;
	close(nd->fd);
	return nd->rx_fd;
}

static void take_link(struct swpath_port *port, const struct swpath_link *link)
{
	atomic_store(&port->mtu, link->mtu);
	atomic_store(&port->up, link->admin_up && link->link_up);
}

static int netdev_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct swpath_rtnl_link link;
	struct swpath_netdev *nd;
	int rc = swpath_rtnl_get_link(port->name, &link);

	if (rc < 0) {
		snprintf(err, n, "network device %s: %s", port->name, strerror(-rc));
		return rc;
	}
	if (!link.ethernet) {
		snprintf(err, n, "network device %s is not of Ethernet type", port->name);
		return -EPFNOSUPPORT;
	}
	if (cfg->mtu && cfg->mtu != link.link.mtu) {
		rc = swpath_rtnl_set_mtu(link.link.ifindex, cfg->mtu);
		if (rc < 0) {
			snprintf(err, n, "network device %s: setting MTU %u failed: %s", port->name,
				cfg->mtu, strerror(-rc));
			return rc;
		}
		link.link.mtu = cfg->mtu;
	}
	nd = calloc(1, sizeof(*nd));
	if (!nd)
		return -ENOMEM;
	port->priv = nd;
	nd->miss_ifindex = cfg->miss_ifindex;
	rc = open_sockets(nd, err, n);
	if (rc < 0)
		goto free_netdev;
	atomic_store(&nd->uso, true);
	rc = bind_to(port, link.link.ifindex, err, n);
	if (rc < 0)
		goto close_sockets;
	swpath_rxbuf_ref(swpath_n_workers(port->sp));
	take_link(port, &link.link);
	return 0;

close_sockets:
	close_sockets(nd);
free_netdev:
	free(nd);
	port->priv = NULL;
	return rc;
}

static void netdev_close(struct swpath_port *port, bool delete_netdev)
{
	struct swpath_netdev *nd = port->priv;

	(void)delete_netdev;
	unbind(port, false);
	close_sockets(nd);
	swpath_rx_cut_clear(&nd->cut);
	swpath_rxbuf_unref();
	free(nd);
	port->priv = NULL;
}

/* The tag that the kernel took off, if it took one. */
static const struct tpacket_auxdata *auxdata(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
			c->cmsg_len >= CMSG_LEN(sizeof(struct tpacket_auxdata)))
			return (const struct tpacket_auxdata *)CMSG_DATA(c);
	return NULL;
}

static int put_back_tag(struct rte_mbuf *m, struct msghdr *msg)
{
	const struct tpacket_auxdata *aux = auxdata(msg);

	if (!aux || !(aux->tp_status & TP_STATUS_VLAN_VALID))
		return 0;
	return swpath_frame_push_vlan(m,
		aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q,
		aux->tp_vlan_tci);
}

/* Packet `i` of the batch, NULL if it is broken; *inner says if it has to be cut (rx_cut.h). */
static struct rte_mbuf *take(struct swpath_rxbuf *b, unsigned i, uint32_t *inner)
{
	struct mmsghdr *msg = &b->msg[i];
	struct rte_mbuf *m;
	uint32_t len;
	int rc;

	if (msg->msg_len <= sizeof(struct virtio_net_hdr))
		return NULL;
	m = swpath_rxbuf_take(b, i, msg->msg_len - (uint32_t)sizeof(struct virtio_net_hdr));
	if (!m)
		return NULL;
	len = m->pkt_len;
	rc = swpath_vnet_to_mbuf(&b->slot[i].vnet, m);
	if ((msg->msg_hdr.msg_flags & MSG_TRUNC) || rc < 0 || put_back_tag(m, &msg->msg_hdr) < 0) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	*inner = rc > 0 ? (uint32_t)rc + (m->pkt_len - len) : 0;
	return m;
}

/* Receives one batch: to `pkts`, and from the first packet that has to be cut on, to nd->cut. */
static unsigned receive(struct swpath_port *port, struct swpath_rxbuf *b, struct rte_mbuf **pkts,
	unsigned max, uint64_t *errors)
{
	struct swpath_netdev *nd = port->priv;
	int got = recvmmsg(nd->rx_fd, b->msg, max, MSG_DONTWAIT, NULL);
	unsigned n = 0;

	if (got < 0) {
		/* EINVAL: a frame that the kernel itself could not describe. */
		*errors += errno == EINVAL;
		port->drained = errno == EAGAIN;
		return 0;
	}
	b->dirty = RTE_MAX(b->dirty, (unsigned)got);
	for (int i = 0; i < got; i++) {
		uint32_t inner = 0;
		struct rte_mbuf *m = take(b, (unsigned)i, &inner);

		if (!m)
			++*errors;
		else if (inner || !swpath_rx_cut_empty(&nd->cut))
			swpath_rx_cut_push(&nd->cut, m, inner);
		else
			pkts[n++] = m;
	}
	port->drained = (unsigned)got < max && swpath_rx_cut_empty(&nd->cut);
	return n;
}

static unsigned netdev_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	struct swpath_netdev *nd = port->priv;
	struct swpath_port_counter *c = &port->counter[worker];
	unsigned slots = max, n = 0;
	uint64_t bytes = 0, errors = 0;

	(void)meta;
	if (swpath_rx_cut_empty(&nd->cut)) {
		struct swpath_rxbuf *b = swpath_rxbuf_get(worker, port->pool, &slots);

		if (!b || slots == 0)
			return 0;
		n = receive(port, b, pkts, slots, &errors);
	}
	n += swpath_rx_cut_take(&nd->cut, port->pool, pkts + n, max - n, &errors);
	for (unsigned i = 0; i < n; i++)
		bytes += pkts[i]->pkt_len;
	swpath_count_rx(c, n, bytes);
	if (errors)
		swpath_count(&c->rx_errors, errors);
	return n;
}

static int netdev_rx_fd(struct swpath_port *port)
{
	const struct swpath_netdev *nd = port->priv;

	return nd->rx_fd;
}

static int netdev_status(struct swpath_port *port, struct swpath_port_status *out)
{
	struct swpath_netdev *nd = port->priv;

	return swpath_rtnl_status(port->name, out, nd->driver);
}

static int netdev_set_admin(struct swpath_port *port, bool up)
{
	const struct swpath_netdev *nd = port->priv;
	uint32_t ifindex = atomic_load(&nd->ifindex);

	return ifindex ? swpath_rtnl_set_admin(ifindex, up) : -ENODEV;
}

static int netdev_stats(struct swpath_port *port, struct hal_port_stats *out)
{
	struct swpath_netdev *nd = port->priv;
	struct tpacket_stats s;
	socklen_t len = sizeof(s);

	swpath_count_sum(port, out);
	/* Reading resets them. */
	if (getsockopt(nd->rx_fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		nd->socket_drops += s.tp_drops;
	out->rx_dropped += nd->socket_drops;
	return 0;
}

static bool netdev_link_changed(struct swpath_port *port, const struct swpath_link *link)
{
	struct swpath_netdev *nd = port->priv;
	uint32_t ifindex = atomic_load(&nd->ifindex);
	const bool named = strcmp(link->name, port->name) == 0;
	const bool bound = ifindex != 0 && link->ifindex == ifindex;
	char err[256];

	if (bound && (link->gone || !named)) {
		log_info("%s: the network device %s", port->name,
			link->gone ? "is gone" : "has another name now");
		unbind(port, link->gone);
		return true;
	}
	if (!named || link->gone)
		return false;
	if (!bound) {
		unbind(port, false);
		if (bind_to(port, link->ifindex, err, sizeof(err)) < 0) {
			log_err("%s", err);
			return true;
		}
		log_info("%s: bound to the network device again", port->name);
	}
	take_link(port, link);
	return true;
}

const struct swpath_port_class swpath_netdev_class = {
	.name = "netdev",
	.open = netdev_open,
	.close = netdev_close,
	.rx = netdev_rx,
	.tx = swpath_netdev_tx,
	.rx_fd = netdev_rx_fd,
	.status = netdev_status,
	.set_admin = netdev_set_admin,
	.stats = netdev_stats,
	.link_changed = netdev_link_changed,
};
