/* SPDX-License-Identifier: Apache-2.0
 *
 * Front-panel ports: AF_PACKET sockets on kernel netdevs.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "tools/simnic/nic.h"

#define SOCKET_BUFFER (8 << 20) /* bytes each way */
#define BURSTS_A_TURN 4         /* then others have their turn */

struct nic_port *nic_port_find(const struct nic *nic, uint32_t id)
{
	struct nic_port *port;

	TAILQ_FOREACH (port, &nic->ports, next) {
		if (port->id == id)
			return port;
	}
	return NULL;
}

/* ---- out ---- */

static void flush(struct nic_port *port)
{
	struct mmsghdr msgs[NIC_BURST];
	unsigned sent = 0;

	for (unsigned i = 0; i < port->n_out; i++) {
		port->out[i][0] = (struct iovec){&port->out_vnet[i], sizeof(port->out_vnet[i])};
		msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = port->out[i], .msg_iovlen = 2}};
	}
	while (sent < port->n_out) {
		int n = sendmmsg(port->source.fd, msgs + sent, port->n_out - sent, MSG_DONTWAIT);

		if (n <= 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == ENOBUFS)
				port->stats.tx_dropped++;
			else
				port->stats.tx_errors++;
			sent++;
			continue;
		}
		for (int i = 0; i < n; i++, sent++) {
			port->stats.tx_packets++;
			port->stats.tx_bytes += port->out[sent][1].iov_len;
		}
	}
	port->n_out = 0;
}

void nic_port_flush_all(struct nic *nic)
{
	struct nic_port *port;

	if (!nic->dirty)
		return;
	TAILQ_FOREACH (port, &nic->ports, next) {
		if (port->n_out)
			flush(port);
	}
	nic->dirty = false;
}

void nic_port_send(struct nic *nic, struct nic_port *port, const struct nic_packet *p)
{
	if (port->n_out == NIC_BURST)
		flush(port);
	port->out[port->n_out][1] = (struct iovec){p->data, p->len};
	port->out_vnet[port->n_out] = p->vnet;
	port->n_out++;
	nic->dirty = true;
}

/* ---- in ---- */

struct rx_slot {
	struct iovec iov[2];
	struct virtio_net_hdr vnet;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

/* The kernel took the outermost tag out of the frame: puts it back. */
static void restore_tag(struct nic_packet *p, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata aux;
		uint16_t tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || p->len < 14)
			continue;
		tag[0] = htons(
			aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		p->data -= 4;
		p->headroom -= 4;
		p->len += 4;
		memmove(p->data, p->data + 4, 12);
		memcpy(p->data + 12, tag, 4);
		p->vnet.csum_start = (uint16_t)(p->vnet.csum_start + 4);
		p->vnet.hdr_len = (uint16_t)(p->vnet.hdr_len + 4);
	}
}

static void receive_one(struct nic *nic, struct nic_port *port, struct mmsghdr *msg,
	const struct rx_slot *slot, uint8_t *buffer)
{
	struct nic_packet p = {.data = buffer + NIC_HEADROOM,
		.headroom = NIC_HEADROOM,
		.in_port = port->id,
		.vnet = slot->vnet};

	if (msg->msg_len < sizeof(p.vnet) || msg->msg_hdr.msg_flags & MSG_TRUNC) {
		port->stats.rx_errors++;
		return;
	}
	p.len = (uint32_t)(msg->msg_len - sizeof(p.vnet));
	p.vnet.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	restore_tag(&p, &msg->msg_hdr);
	port->stats.rx_packets++;
	port->stats.rx_bytes += p.len;
	nic_pipeline_run(nic, &p);
}

static int receive_burst(struct nic *nic, struct nic_port *port)
{
	static struct rx_slot slots[NIC_BURST];
	static struct mmsghdr msgs[NIC_BURST];
	int n;

	for (unsigned i = 0; i < NIC_BURST; i++) {
		struct rx_slot *s = &slots[i];

		s->iov[0] = (struct iovec){&s->vnet, sizeof(s->vnet)};
		s->iov[1] = (struct iovec){nic->buffers[i] + NIC_HEADROOM, SIM_FRAME_MAX};
		msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = s->iov,
						   .msg_iovlen = 2,
						   .msg_control = s->control,
						   .msg_controllen = sizeof(s->control)}};
	}
	n = recvmmsg(port->source.fd, msgs, NIC_BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		receive_one(nic, port, &msgs[i], &slots[i], nic->buffers[i]);
	nic_port_flush_all(nic);
	return n;
}

static void port_ready(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct nic_port *port = (struct nic_port *)source;
	socklen_t len = sizeof(int);
	int error;

	if (events & EPOLLERR) /* the netdev went down or away: clears the condition */
		getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	for (unsigned i = 0; i < BURSTS_A_TURN; i++) {
		if (receive_burst(nic, port) < NIC_BURST)
			break;
	}
	if (nic->uplink.attached)
		sim_ring_kick(&nic->uplink.up);
}

void nic_port_stats_update(struct nic_port *port)
{
	struct tpacket_stats kernel;
	socklen_t len = sizeof(kernel);

	/* Reading resets them. */
	if (!getsockopt(port->source.fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &len))
		port->stats.rx_dropped += kernel.tp_drops;
}

/* ---- life ---- */

static int set_options(int fd, uint32_t ifindex)
{
	struct packet_mreq all = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};
	int one = 1, buffer = SOCKET_BUFFER;

	/* Larger than the system's limit where we may. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)))
		return -errno;
	return 0;
}

static int open_socket(uint32_t ifindex, char text[SIM_TEXT])
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0) {
		err = -errno;
		snprintf(text, SIM_TEXT, "packet socket: %s", strerror(-err));
		return err;
	}
	err = set_options(fd, ifindex);
	if (!err && bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err = -errno;
	if (err) {
		snprintf(text, SIM_TEXT, "packet socket on netdev %u: %s", ifindex, strerror(-err));
		close(fd);
		return err;
	}
	return fd;
}

static int port_open(struct nic *nic, const struct sim_bind *bind, char text[SIM_TEXT])
{
	struct nic_port *port = calloc(1, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	port->id = bind->port;
	port->ifindex = bind->ifindex;
	memcpy(port->name, bind->name, sizeof(port->name));
	port->claimed = true;
	port->source.ready = port_ready;
	err = nic_tcdrop_add(port, text);
	if (err)
		goto free_port;
	port->source.fd = open_socket(port->ifindex, text);
	if (port->source.fd < 0) {
		err = port->source.fd;
		goto remove_drop;
	}
	err = nic_watch(nic, &port->source, EPOLLIN);
	if (err)
		goto close_socket;
	TAILQ_INSERT_TAIL(&nic->ports, port, next);
	nic->n_ports++;
	return 0;

close_socket:
	close(port->source.fd);
remove_drop:
	nic_tcdrop_remove(port);
free_port:
	free(port);
	return err;
}

void nic_port_close(struct nic *nic, struct nic_port *port)
{
	nic_unwatch(nic, &port->source);
	close(port->source.fd);
	nic_tcdrop_remove(port);
	TAILQ_REMOVE(&nic->ports, port, next);
	nic->n_ports--;
	free(port);
}

int nic_port_bind(struct nic *nic, const struct sim_bind *bind, char text[SIM_TEXT])
{
	struct nic_port *port, *next;
	char name[IF_NAMESIZE];

	if (!if_indextoname(bind->ifindex, name)) {
		snprintf(text, SIM_TEXT, "there is no netdev %.40s with index %u", bind->name,
			bind->ifindex);
		return -ENODEV;
	}
	for (port = TAILQ_FIRST(&nic->ports); port; port = next) {
		next = TAILQ_NEXT(port, next);
		if (port->id == bind->port && port->ifindex == bind->ifindex) {
			port->claimed = true;
			return 0;
		}
		if (port->id == bind->port || port->ifindex == bind->ifindex)
			nic_port_close(nic, port);
	}
	return port_open(nic, bind, text);
}

int nic_port_unbind(struct nic *nic, uint32_t id)
{
	struct nic_port *port = nic_port_find(nic, id);

	if (!port)
		return -ENOENT;
	nic_port_close(nic, port);
	return 0;
}
