/* SPDX-License-Identifier: Apache-2.0
 *
 * An internal port: a persistent TAP with the port's name, by which the host is on the bridge.
 *
 * What we write the host receives, what it sends we read. Frames carry the virtio-net header both
 * ways, so the host's super-frames and partial checksums pass whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "swpath/port/count.h"
#include "swpath/port/rxbuf.h"
#include "swpath/port/segment.h"
#include "swpath/port/tap.h"
#include "swpath/port/vnet.h"

LOG_DEFINE(internal);

enum { IOVECS = 256 };

struct internal {
	struct swpath_tap tap;
	char driver[32];
	uint8_t mac[6];
	bool moved; /* to another network namespace: its link is not ours to see */
};

/* The netdev is gone. A TAP's fd then reports an error for ever, which would keep a polling worker
 * awake: a silent one takes its place. */
static void silence(struct internal *in)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	in->tap.ifindex = 0;
	if (fd < 0)
		return;
	dup3(fd, in->tap.fd, O_CLOEXEC);
	close(fd);
}

static void take_link(struct swpath_port *port, const struct swpath_link *link)
{
	atomic_store(&port->mtu, link->mtu);
	atomic_store(&port->up, link->admin_up);
}

static int configure(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct internal *in = port->priv;
	struct swpath_rtnl_link link;
	const char *what = "reading it";
	int rc = swpath_rtnl_get_link(port->name, &link);

	if (rc == 0 && cfg->mac && memcmp(cfg->mac, link.link.mac, 6) != 0) {
		what = "setting its address";
		rc = swpath_rtnl_set_mac(in->tap.ifindex, cfg->mac);
	}
	if (rc == 0 && cfg->mtu && cfg->mtu != link.link.mtu) {
		what = "setting its MTU";
		rc = swpath_rtnl_set_mtu(in->tap.ifindex, cfg->mtu);
		link.link.mtu = cfg->mtu;
	}
	if (rc < 0)
		snprintf(
			err, n, "internal port %s: %s failed: %s", port->name, what, strerror(-rc));
	else
		take_link(port, &link.link);
	memcpy(in->mac, cfg->mac ? cfg->mac : link.link.mac, sizeof(in->mac));
	return rc;
}

static int internal_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct swpath_rtnl_link link;
	struct internal *in = calloc(1, sizeof(*in));
	const bool existed = swpath_rtnl_get_link(port->name, &link) == 0;
	int rc;

	if (!in)
		return -ENOMEM;
	rc = swpath_tap_open(swpath_rundir(port->sp), port->name, &in->tap, err, n);
	if (rc < 0)
		goto free_internal;
	port->priv = in;
	rc = configure(port, cfg, err, n);
	if (rc < 0)
		goto close_tap;
	swpath_rxbuf_ref(swpath_n_workers(port->sp));
	return 0;

close_tap:
	swpath_tap_close(&in->tap, !existed);
	port->priv = NULL;
free_internal:
	free(in);
	return rc;
}

static void internal_close(struct swpath_port *port, bool delete_netdev)
{
	struct internal *in = port->priv;

	swpath_tap_close(&in->tap, delete_netdev);
	swpath_rxbuf_unref();
	free(in);
	port->priv = NULL;
}

static unsigned internal_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	struct internal *in = port->priv;
	struct swpath_port_counter *c = &port->counter[worker];
	struct swpath_rxbuf *b = swpath_rxbuf_get(worker, port->pool, &max);
	uint64_t bytes = 0;
	unsigned n = 0;

	(void)meta;
	for (unsigned i = 0; b && i < max; i++) {
		struct rte_mbuf *m;
		ssize_t got = readv(in->tap.fd, b->slot[i].iov, (int)b->slot[i].n_segs + 1);

		if (got < 0) {
			port->drained = errno == EAGAIN;
			/* Deleted where no link event reaches us from. */
			if (errno == EBADFD && in->moved)
				silence(in);
			break;
		}
		b->dirty = RTE_MAX(b->dirty, i + 1);
		m = got > (ssize_t)sizeof(struct virtio_net_hdr)
			    ? swpath_rxbuf_take(
				      b, i, (uint32_t)got - (uint32_t)sizeof(struct virtio_net_hdr))
			    : NULL;
		if (!m || swpath_vnet_to_mbuf(&b->slot[i].vnet, m) != 0) {
			rte_pktmbuf_free(m);
			swpath_count(&c->rx_errors, 1);
			continue;
		}
		bytes += m->pkt_len;
		pkts[n++] = m;
	}
	swpath_count_rx(c, n, bytes);
	return n;
}

static enum swpath_drop reason_of(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return SWPATH_DROP_TX_FULL;
	case EIO: /* admin down */
	case EBADFD:
		return SWPATH_DROP_PORT_DOWN;
	default:
		return SWPATH_DROP_TX_ERROR;
	}
}

/* Writes one frame and consumes it. */
static void write_frame(struct swpath_port *port, unsigned worker, struct rte_mbuf *m,
	struct virtio_net_hdr *vnet, uint64_t drops[SWPATH_DROP_MAX])
{
	const struct internal *in = port->priv;
	struct iovec iov[IOVECS];
	int n = 0;

	if (m->nb_segs + 1u > IOVECS) {
		swpath_drop_tx(port, worker, &m, 1, SWPATH_DROP_TX_ERROR, drops);
		return;
	}
	iov[n++] = (struct iovec){vnet, sizeof(*vnet)};
	for (const struct rte_mbuf *s = m; s; s = s->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	if (writev(in->tap.fd, iov, n) < 0) {
		swpath_drop_tx(port, worker, &m, 1, reason_of(errno), drops);
		return;
	}
	swpath_count_tx(&port->counter[worker], 1, m->pkt_len);
	rte_pktmbuf_free(m);
}

/* For a super-frame that the kernel cannot cut. */
static void write_cut(struct swpath_port *port, unsigned worker, struct rte_mbuf *super,
	uint64_t drops[SWPATH_DROP_MAX])
{
	struct swpath_segmenter s;

	if (swpath_segmenter_start(&s, super) < 0) {
		swpath_drop_tx(port, worker, &super, 1, SWPATH_DROP_TX_ERROR, drops);
		return;
	}
	while (!swpath_segmenter_done(&s)) {
		struct virtio_net_hdr vnet = {0};
		struct rte_mbuf *m = swpath_segmenter_next(&s, port->pool);

		if (!m) {
			swpath_drop_tx(port, worker, &super, 1, SWPATH_DROP_NO_MBUF, drops);
			return;
		}
		write_frame(port, worker, m, &vnet, drops);
	}
	rte_pktmbuf_free(super);
}

static void internal_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	unsigned n, uint64_t drops[SWPATH_DROP_MAX])
{
	const struct internal *in = port->priv;
	const struct swpath_vnet_peer peer = {
		.mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed),
		.uso = in->tap.uso,
	};

	if (!atomic_load_explicit(&port->up, memory_order_relaxed)) {
		swpath_drop_tx(port, worker, pkts, n, SWPATH_DROP_PORT_DOWN, drops);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct virtio_net_hdr vnet;

		switch (swpath_vnet_from_mbuf(pkts[i], &peer, &vnet)) {
		case 0:
			write_frame(port, worker, pkts[i], &vnet, drops);
			break;
		case -EOPNOTSUPP:
			write_cut(port, worker, pkts[i], drops);
			break;
		case -EMSGSIZE:
			swpath_drop_tx(port, worker, &pkts[i], 1, SWPATH_DROP_TOO_BIG, drops);
			break;
		default:
			swpath_drop_tx(port, worker, &pkts[i], 1, SWPATH_DROP_TX_ERROR, drops);
			break;
		}
	}
}

static int internal_rx_fd(struct swpath_port *port)
{
	const struct internal *in = port->priv;

	return in->tap.fd;
}

/* The TAP behind the descriptor still lives, though perhaps in another network namespace. */
static bool tap_lives(const struct internal *in)
{
	struct ifreq ifr = {0};

	return ioctl(in->tap.fd, TUNGETIFF, &ifr) == 0;
}

static void take_move(struct swpath_port *port)
{
	struct internal *in = port->priv;

	log_info("%s: moved to another network namespace", port->name);
	in->moved = true;
	in->tap.ifindex = 0;
	atomic_store(&port->up, true);
}

static int internal_status(struct swpath_port *port, struct swpath_port_status *out)
{
	struct internal *in = port->priv;
	int error = swpath_rtnl_status(port->name, out, in->driver);
	char name[IF_NAMESIZE];

	/* The event that says so may be still to come. */
	if (error && in->tap.ifindex && !if_indextoname(in->tap.ifindex, name) && tap_lives(in))
		take_move(port);
	if (in->moved && tap_lives(in)) {
		/* Its link cannot be asked from here; frames pass as its user wants. */
		memset(out, 0, sizeof(*out));
		out->exists = out->admin_up = out->link_up = true;
		memcpy(out->mac, in->mac, sizeof(out->mac));
		out->mtu = atomic_load(&port->mtu);
		out->driver = in->driver;
		return 0;
	}
	return error;
}

static int internal_set_admin(struct swpath_port *port, bool up)
{
	const struct internal *in = port->priv;

	return in->tap.ifindex ? swpath_rtnl_set_admin(in->tap.ifindex, up) : -ENODEV;
}

/* What the host sent while the TAP's queue was full never reached us. */
static int internal_stats(struct swpath_port *port, struct hal_port_stats *out)
{
	struct swpath_rtnl_link link;

	swpath_count_sum(port, out);
	if (swpath_rtnl_get_link(port->name, &link) == 0 && link.has_stats)
		out->rx_dropped += link.tx_dropped;
	return 0;
}

static bool internal_link_changed(struct swpath_port *port, const struct swpath_link *link)
{
	struct internal *in = port->priv;

	if (in->tap.ifindex == 0 || link->ifindex != in->tap.ifindex)
		return false;
	if (link->gone && tap_lives(in)) {
		take_move(port);
		return true;
	}
	if (link->gone) {
		log_warn("%s: somebody deleted this internal port's network device", port->name);
		atomic_store(&port->up, false);
		silence(in);
		return true;
	}
	take_link(port, link);
	return true;
}

const struct swpath_port_class swpath_internal_class = {
	.name = "internal",
	.open = internal_open,
	.close = internal_close,
	.rx = internal_rx,
	.tx = internal_tx,
	.rx_fd = internal_rx_fd,
	.status = internal_status,
	.set_admin = internal_set_admin,
	.stats = internal_stats,
	.link_changed = internal_link_changed,
};

struct listing {
	const char *rundir;
	char (*names)[16];
	size_t n, room;
	bool failed;
};

static void begin_listing(void *ctx)
{
	struct listing *l = ctx;

	l->n = 0;
}

static void list_link(void *ctx, const struct swpath_rtnl_link *link)
{
	struct listing *l = ctx;

	if (!swpath_tap_is_ours(l->rundir, link))
		return;
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		char(*more)[16] = realloc(l->names, room * sizeof(*more));

		if (!more) {
			l->failed = true;
			return;
		}
		l->names = more;
		l->room = room;
	}
	memcpy(l->names[l->n++], link->link.name, sizeof(l->names[0]));
}

int swpath_internal_netdevs(struct swpath *sp, void (*cb)(void *ctx, const char *name), void *ctx)
{
	struct listing l = {.rundir = swpath_rundir(sp)};
	int rc = swpath_rtnl_dump_links(begin_listing, list_link, &l);

	if (rc == 0 && l.failed)
		rc = -ENOMEM;
	/* Called after the dump: the callback may delete. */
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		cb(ctx, l.names[i]);
	free(l.names);
	return rc;
}

int swpath_internal_netdev_delete(struct swpath *sp, const char *name)
{
	struct swpath_rtnl_link link;
	int rc = swpath_rtnl_get_link(name, &link);

	if (rc < 0)
		return rc;
	if (!swpath_tap_is_ours(swpath_rundir(sp), &link))
		return -EPERM;
	return swpath_rtnl_delete_link(link.link.ifindex);
}
