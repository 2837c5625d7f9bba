/* SPDX-License-Identifier: Apache-2.0
 *
 * The virtio-net header that AF_PACKET and TAP put before each frame, from and to mbuf flags.
 *
 * What: how the kernel says "this checksum is partial" and "this is a super-frame" (linux
 * virtio_net.h; virtio 1.2, 5.1.6), and how struct swpath_port's comment says it.
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_SWPATH_PORT_VNET_H
#define SLUICE_SWPATH_PORT_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_net.h>
#include <rte_mbuf.h>

/* Not in the headers of older kernels: a UDP super-frame (Linux 6.2). */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* Takes over what `h` says of the received frame `m`, which must be writable. A partial checksum
 * that is not the outer transport header's (inside a tunnel) is completed on the spot. 0;
 * -EINVAL for a header that contradicts its frame or a super-frame of a kind that has no flags
 * here; or, for a super-frame inside a tunnel, the offset of its inner transport header: it has to
 * be cut with swpath_segmenter_start_inner(), and only m->tso_segsz is set. */
int swpath_vnet_to_mbuf(const struct virtio_net_hdr *h, struct rte_mbuf *m);

/* What the kernel at the other end takes. */
struct swpath_vnet_peer {
	uint32_t mtu; /* 0: unknown */
	bool uso;     /* UDP super-frames */
};

/* Fills `h` for sending `m`. 0; -EMSGSIZE if it, or the frames that it is cut into, exceed the MTU;
 * -EOPNOTSUPP if the kernel could not cut it: segment it first; -EINVAL if the frame lacks the
 * header that its flags speak of. */
int swpath_vnet_from_mbuf(
	const struct rte_mbuf *m, const struct swpath_vnet_peer *peer, struct virtio_net_hdr *h);

#endif
