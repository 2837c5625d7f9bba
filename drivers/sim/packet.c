/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets between workers and the device.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "drivers/sim/sim.h"
#include "hal/mutation.h"

int sim_rings_open(struct sim_dev *dev)
{
	int fd = memfd_create("sluice-simnic", MFD_CLOEXEC), err;
	void *memory;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, SIM_MEMORY_BYTES)) {
		err = -errno;
		goto close_memfd;
	}
	memory = mmap(NULL, SIM_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		err = -errno;
		goto close_memfd;
	}
	sim_rings_close(dev);
	rte_spinlock_lock(&dev->up_lock);
	rte_spinlock_lock(&dev->down_lock);
	dev->memory = memory;
	sim_ring_init(memory, &dev->up, &dev->down);
	dev->up.fd = dev->up_fd;
	dev->down.fd = dev->down_fd;
	rte_spinlock_unlock(&dev->down_lock);
	rte_spinlock_unlock(&dev->up_lock);
	return fd;

close_memfd:
	close(fd);
	return err;
}

void sim_rings_close(struct sim_dev *dev)
{
	void *memory;
	uint64_t count;

	rte_spinlock_lock(&dev->up_lock);
	rte_spinlock_lock(&dev->down_lock);
	memory = dev->memory;
	dev->memory = NULL;
	rte_spinlock_unlock(&dev->down_lock);
	rte_spinlock_unlock(&dev->up_lock);
	if (memory)
		munmap(memory, SIM_MEMORY_BYTES);
	/* Doorbells that nobody will answer; not being readable is fine. */
	if (read(dev->up_fd, &count, sizeof(count)) < 0 ||
		read(dev->down_fd, &count, sizeof(count)) < 0)
		return;
}

/* ---- up ---- */

static uint64_t offload_flags(const struct sim_frame *f)
{
	if (f->flags & SIM_FRAME_TCP)
		return f->flags & SIM_FRAME_GSO ? RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG
						: RTE_MBUF_F_TX_TCP_CKSUM;
	if (f->flags & SIM_FRAME_UDP)
		return f->flags & SIM_FRAME_GSO ? RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_UDP_SEG
						: RTE_MBUF_F_TX_UDP_CKSUM;
	return 0;
}

/* The frame at the ring's cursor as a packet of as many buffers as it takes. */
static struct rte_mbuf *take(struct sim_dev *dev, const struct sim_frame *f, uint64_t at)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(dev->env.mbuf_pool), *m = head;
	uint32_t left = f->len;

	while (m) {
		uint16_t room = rte_pktmbuf_tailroom(m);
		uint16_t n = left < room ? (uint16_t)left : room;

		sim_ring_get(&dev->up, &at, rte_pktmbuf_mtod(m, void *), n);
		m->data_len = n;
		left -= n;
		if (!left)
			break;
		m->next = rte_pktmbuf_alloc(dev->env.mbuf_pool);
		m = m->next;
		head->nb_segs += !!m;
	}
	if (!m) {
		rte_pktmbuf_free(head);
		return NULL;
	}
	head->pkt_len = f->len;
	head->ol_flags = offload_flags(f);
	head->tso_segsz = f->gso_size;
	return head;
}

static void copy_meta(const struct sim_meta *m, struct hal_key *key)
{
#define MEMBER(TO, FROM)                                                     \
	do {                                                                 \
		_Static_assert(sizeof(key->TO) == sizeof(m->FROM), "alike"); \
		memcpy(&key->TO, m->FROM, sizeof(m->FROM));                  \
	} while (0)
	memset(key, 0, sizeof(*key));
	MEMBER(pkt_mark, pkt_mark);
	MEMBER(dp_hash, dp_hash);
	MEMBER(ct_state, ct_state);
	MEMBER(ct_mark, ct_mark);
	MEMBER(ct_label, ct_label);
	MEMBER(ct_zone, ct_zone);
	MEMBER(ct_nw_proto, ct_proto);
	MEMBER(ct_nw_src, ct_src);
	MEMBER(ct_nw_dst, ct_dst);
	MEMBER(ct_ipv6_src, ct_src6);
	MEMBER(ct_ipv6_dst, ct_dst6);
	MEMBER(ct_tp_src, ct_sport);
	MEMBER(ct_tp_dst, ct_dport);
	MEMBER(tun_flags, tun_flags);
	MEMBER(tun_tos, tun_tos);
	MEMBER(tun_ttl, tun_ttl);
	MEMBER(tun_gbp_id, gbp_id);
	MEMBER(tun_gbp_flags, gbp_flags);
	MEMBER(tun_id, tun_id);
	MEMBER(tun_ipv4_src, tun_src);
	MEMBER(tun_ipv4_dst, tun_dst);
	MEMBER(tun_ipv6_src, tun_src6);
	MEMBER(tun_ipv6_dst, tun_dst6);
#undef MEMBER
}

unsigned sim_port_rx(void *priv, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max)
{
	struct sim_dev *dev = priv;
	struct sim_meta known;
	struct sim_frame f;
	unsigned n = 0;
	uint64_t at;

	if (!dev->env.mbuf_pool || !rte_spinlock_trylock(&dev->up_lock))
		return 0;
	while (dev->memory && n < max && sim_ring_next(&dev->up, &f, &at) > 0) {
		if (f.flags & SIM_FRAME_META)
			sim_ring_get(&dev->up, &at, &known, sizeof(known));
		pkts[n] = take(dev, &f, at);
		if (!pkts[n])
			break; /* it stays in the ring until there are buffers */
		sim_ring_release(&dev->up, &f);
		meta[n].port = MUTATE(208, f.port, 1);
		meta[n].recirc_id = f.recirc;
		meta[n].has_key = f.flags & SIM_FRAME_META && meta[n].key;
		if (meta[n].has_key)
			copy_meta(&known, meta[n].key);
		n++;
	}
	rte_spinlock_unlock(&dev->up_lock);
	return n;
}

int sim_rx_fd(void *priv)
{
	return ((struct sim_dev *)priv)->up_fd;
}

/* ---- down ---- */

static struct sim_frame describe(uint32_t port, const struct rte_mbuf *m)
{
	struct sim_frame f = {.len = m->pkt_len, .port = port};

	switch (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) {
	case RTE_MBUF_F_TX_TCP_CKSUM:
		f.flags = SIM_FRAME_TCP;
		break;
	case RTE_MBUF_F_TX_UDP_CKSUM:
		f.flags = SIM_FRAME_UDP;
		break;
	case RTE_MBUF_F_TX_SCTP_CKSUM:
		f.flags = SIM_FRAME_SCTP;
		break;
	}
	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) {
		f.flags |= SIM_FRAME_GSO;
		f.gso_size = m->tso_segsz;
	}
	return f;
}

unsigned sim_port_tx(void *priv, uint32_t port, struct rte_mbuf **pkts, unsigned n)
{
	struct sim_dev *dev = priv;
	unsigned sent = 0;

	rte_spinlock_lock(&dev->down_lock);
	for (; dev->memory && sent < n; sent++) {
		struct sim_frame f = describe(port, pkts[sent]);
		uint64_t at;

		if (!sim_ring_begin(&dev->down, &f, &at))
			break;
		for (struct rte_mbuf *m = pkts[sent]; m; m = m->next)
			sim_ring_put(&dev->down, &at, rte_pktmbuf_mtod(m, void *), m->data_len);
		sim_ring_commit(&dev->down, at);
	}
	if (sent)
		sim_ring_kick(&dev->down);
	rte_spinlock_unlock(&dev->down_lock);
	for (unsigned i = 0; i < sent; i++)
		rte_pktmbuf_free(pkts[i]);
	return sent;
}
