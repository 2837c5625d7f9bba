/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets to and from the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netinet/in.h>

#include "tools/simnic/nic.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* virtio 1.3; older kernel headers lack it */
#endif

#define FRAMES_A_TURN 256

/* ---- up ---- */

/* What the driver has to know to cut or finish the frame; false if it could not. */
static bool describe(const struct nic_packet *p, struct sim_frame *f)
{
	if (!nic_partial(p) && !p->vnet.gso_type)
		return true;
	if (!p->l4 || p->vnet.csum_start != p->l4)
		return false;
	f->flags = p->l4_proto == IPPROTO_TCP ? SIM_FRAME_TCP : SIM_FRAME_UDP;
	if (p->l4_proto != IPPROTO_TCP && p->l4_proto != IPPROTO_UDP)
		return false;
	if (p->vnet.gso_type) {
		f->flags |= SIM_FRAME_GSO;
		f->gso_size = p->vnet.gso_size;
	}
	return true;
}

static bool has_meta(const struct nic_packet *p)
{
	static const struct sim_meta none;

	return memcmp(&p->meta, &none, sizeof(none)) != 0;
}

bool nic_uplink_send(struct nic *nic, const struct nic_packet *original)
{
	struct nic_uplink *up = &nic->uplink;
	struct nic_packet p = *original;
	struct sim_frame f = {.port = p.in_port, .recirc = p.recirc};
	uint64_t at;

	if (!up->attached)
		return false;
	if (!describe(&p, &f)) { /* a checksum deep inside: finished here */
		if (p.vnet.gso_type)
			return false;
		if (p.queued)
			nic_port_flush_all(nic);
		nic_checksum_finish(&p);
		f.flags = 0;
	}
	f.len = p.len;
	if (has_meta(&p))
		f.flags |= SIM_FRAME_META;
	if (!sim_ring_begin(&up->up, &f, &at)) {
		sim_ring_kick(&up->up);
		return false;
	}
	if (f.flags & SIM_FRAME_META)
		sim_ring_put(&up->up, &at, &p.meta, sizeof(p.meta));
	sim_ring_put(&up->up, &at, p.data, p.len);
	sim_ring_commit(&up->up, at);
	return true;
}

/* ---- down ---- */

/* Makes the virtio header of a frame that the driver says is partial or a super-frame. */
static bool prepare(struct nic_packet *p, const struct sim_frame *f)
{
	struct virtio_net_hdr *v = &p->vnet;

	if (!(f->flags & (SIM_FRAME_TCP | SIM_FRAME_UDP | SIM_FRAME_SCTP)))
		return !(f->flags & SIM_FRAME_GSO);
	nic_parse(p, NULL);
	if (!p->l4)
		return false;
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = (uint16_t)p->l4;
	v->csum_offset = f->flags & SIM_FRAME_TCP ? 16 : f->flags & SIM_FRAME_UDP ? 6 : 8;
	nic_checksum_normalise(p);
	if (!(f->flags & SIM_FRAME_GSO))
		return true;
	v->hdr_len = (uint16_t)p->payload;
	v->gso_size = f->gso_size;
	v->gso_type = f->flags & SIM_FRAME_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
		      : p->ip4                 ? VIRTIO_NET_HDR_GSO_TCPV4
					       : VIRTIO_NET_HDR_GSO_TCPV6;
	return true;
}

static void send_down(struct nic *nic, const struct sim_frame *f, uint8_t *buffer)
{
	struct nic_packet p = {.data = buffer + NIC_HEADROOM, .len = f->len};
	struct nic_port *port = nic_port_find(nic, f->port);

	if (!port || !prepare(&p, f)) {
		nic->drops++;
		return;
	}
	nic_port_send(nic, port, &p);
}

static void doorbell(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct sim_ring *down = &((struct nic_uplink *)source)->down;
	struct sim_frame f;
	uint64_t at;
	int more = 1;

	(void)events;
	for (unsigned i = 0; i < FRAMES_A_TURN; i++) {
		uint8_t *buffer = nic->buffers[i % NIC_BURST];

		if (i % NIC_BURST == 0)
			nic_port_flush_all(nic);
		more = sim_ring_next(down, &f, &at);
		if (more <= 0)
			break;
		if (f.flags & SIM_FRAME_META)
			break; /* nobody says so on the way down */
		sim_ring_get(down, &at, buffer + NIC_HEADROOM, f.len);
		sim_ring_release(down, &f);
		send_down(nic, &f, buffer);
	}
	nic_port_flush_all(nic);
	if (more < 0)
		nic_uplink_detach(nic);
}

/* ---- life ---- */

/* Ports are netdevs of the driver's network namespace. */
static int join_netns(int fd)
{
	struct stat theirs, ours;

	if (fstat(fd, &theirs) || stat("/proc/self/ns/net", &ours))
		return -errno;
	if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
		return 0;
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int nic_uplink_attach(struct nic *nic, const int fds[SIM_FDS])
{
	struct nic_uplink *up = &nic->uplink;
	struct stat st;
	int err;

	nic_uplink_detach(nic);
	if (fstat(fds[SIM_FD_MEMORY], &st) || st.st_size != (off_t)SIM_MEMORY_BYTES)
		return -EBADMSG;
	err = join_netns(fds[SIM_FD_NETNS]);
	if (err)
		return err;
	up->memory = mmap(
		NULL, SIM_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[SIM_FD_MEMORY], 0);
	if (up->memory == MAP_FAILED)
		return -errno;
	sim_ring_init(up->memory, &up->up, &up->down);
	up->up.fd = fcntl(fds[SIM_FD_UP], F_DUPFD_CLOEXEC, 3);
	up->down.fd = fcntl(fds[SIM_FD_DOWN], F_DUPFD_CLOEXEC, 3);
	up->source = (struct nic_source){.fd = up->down.fd, .ready = doorbell};
	err = up->up.fd < 0 || up->down.fd < 0 ? -EMFILE : nic_watch(nic, &up->source, EPOLLIN);
	if (err) {
		close(up->up.fd);
		close(up->down.fd);
		munmap(up->memory, SIM_MEMORY_BYTES);
		return err;
	}
	up->attached = true;
	return 0;
}

void nic_uplink_detach(struct nic *nic)
{
	struct nic_uplink *up = &nic->uplink;

	if (!up->attached)
		return;
	up->attached = false;
	nic_unwatch(nic, &up->source);
	close(up->up.fd);
	close(up->down.fd);
	munmap(up->memory, SIM_MEMORY_BYTES);
}
