/* SPDX-License-Identifier: Apache-2.0
 *
 * Partial checksums completed and super-frames cut in software.
 *
 * What: for outputs that cannot carry what the kernel's network stack leaves to the hardware
 * (struct swpath_port's comment says how a packet carries it): DPDK ports without offloads,
 * devices, tunnels, the controller. TCP and UDP over IPv4 and IPv6, behind VLAN tags, MPLS labels
 * and extension headers; SCTP checksums. Why not rte_gso: it knows no IPv6, no UDP segments (it
 * makes IP fragments) and no extension headers. Thread-safety: pure functions on the caller's
 * mbufs.
 */
#ifndef SLUICE_SWPATH_PORT_SEGMENT_H
#define SLUICE_SWPATH_PORT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "swpath/port/frame.h"

#define SWPATH_SEG_FLAGS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)
#define SWPATH_OFFLOAD_FLAGS (SWPATH_SEG_FLAGS | RTE_MBUF_F_TX_L4_MASK)

/* Has the packet a partial checksum, or is it a super-frame? */
static inline bool swpath_has_offload(const struct rte_mbuf *m)
{
	return (m->ol_flags & SWPATH_OFFLOAD_FLAGS) != 0;
}

/* A packet whose data may be altered: `m` itself if nobody shares it, else a copy from `pool` (and
 * the reference to `m` is given back). NULL without memory; `m` is then still the caller's. */
struct rte_mbuf *swpath_writable(struct rte_mbuf *m, struct rte_mempool *pool);

/* Completes the partial checksum that the flags of `m` announce and clears the flags; nothing to do
 * without them. `m` must be writable and no super-frame. 0, or -EINVAL if the frame has no such
 * header: then it is unchanged. */
int swpath_checksum_complete(struct rte_mbuf *m);

/* Sums from `start` (bytes) to the end of the packet and puts the complement `offset` bytes after
 * `start`: what virtio's csum_start and csum_offset mean. 0 or -EINVAL if it is out of bounds. */
int swpath_checksum_complete_at(struct rte_mbuf *m, uint32_t start, uint32_t offset);

/* Puts the folded pseudo-header sum into the checksum field (TCP and UDP; zero for SCTP): the
 * partial checksum of a frame whose offload flags are about to be set. */
void swpath_checksum_make_partial(struct rte_mbuf *m, const struct swpath_frame *f);

/* Cuts one super-frame, a few frames at a time. */
struct swpath_segmenter {
	const struct rte_mbuf *super;
	struct swpath_frame frame;
	const struct rte_mbuf *seg; /* the payload's next byte is there */
	uint32_t seg_off;
	uint32_t payload_left, payload_done; /* bytes */
	uint32_t size;                       /* payload bytes of a frame */
	bool tunnelled;                      /* `frame` is inside of `outer` */
	struct swpath_frame outer;
	uint16_t pseudo;          /* folded pseudo-header sum without the length */
	uint16_t outer_id, ip_id; /* host order, of the next frame */
};

/* `super` stays the caller's and must live until the last frame is made. 0, or -EINVAL if it is no
 * TCP or UDP super-frame that can be cut. */
int swpath_segmenter_start(struct swpath_segmenter *s, const struct rte_mbuf *super);

/* The same for a super-frame inside a tunnel (VXLAN, Geneve, GRE, IP in IP), as the kernel hands
 * them to a packet socket: the inner TCP or UDP header is at `l4_off`, super->tso_segsz is set, and
 * its flags do not matter. */
int swpath_segmenter_start_inner(
	struct swpath_segmenter *s, const struct rte_mbuf *super, uint32_t l4_off);

/* Bytes of IP packet in the largest frame: to be compared with an MTU. */
uint32_t swpath_segmenter_ip_len(const struct swpath_segmenter *s);

static inline bool swpath_segmenter_done(const struct swpath_segmenter *s)
{
	return s->payload_left == 0;
}

/* Makes the next frame (checksums complete, no offload flags), NULL without memory. Must not be
 * called after the last one. The frame is the caller's. */
struct rte_mbuf *swpath_segmenter_next(struct swpath_segmenter *s, struct rte_mempool *pool);

/* All frames of a super-frame at once. Returns their number; 0 if it cannot be cut, needs more than
 * `max` frames, or without memory: nothing is left allocated then. `m` stays the caller's. */
unsigned swpath_segment(
	struct rte_mbuf *m, struct rte_mempool *pool, struct rte_mbuf **out, unsigned max);

#endif
