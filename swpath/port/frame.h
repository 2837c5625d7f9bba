/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the headers of a frame are, as a port needs it to move partial checksums and super-frames.
 *
 * What: a short parse of Ethernet, VLAN tags, MPLS labels, PBB, IPv4 or IPv6 with its extension
 * headers, and the length of the TCP, UDP or SCTP header.
 * Why not the packet's key: actions change headers on the way; what counts is the frame that
 * leaves.
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_SWPATH_PORT_FRAME_H
#define SLUICE_SWPATH_PORT_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* Offsets in bytes from the start of the frame. */
struct swpath_frame {
	uint16_t l3_off;
	uint16_t l4_off;       /* 0: no TCP, UDP or SCTP header that can be reached */
	uint16_t payload_off;  /* after the L4 header, valid with l4_off */
	uint16_t checksum_off; /* of the L4 checksum field, valid with l4_off */
	uint32_t l4_len;       /* L4 header and payload, as the IP header says (no padding) */
	uint8_t ip_version;    /* 4 or 6 */
	uint8_t proto;         /* IP protocol after all extension headers */
	bool fragment;         /* an IP fragment, first ones included: it has no L4 of its own */
	bool plain_l2; /* only Ethernet and VLAN tags before IP: the kernel can segment it */
};

/* False if the frame has no whole IP header. */
bool swpath_frame_parse(const struct rte_mbuf *m, struct swpath_frame *f);

/* The same for the packet inside a tunnel, whose TCP or UDP header is known to be at `l4_off`: its
 * IP header is found backwards, as the one whose length ends with the frame. False without one. */
bool swpath_frame_parse_inner(const struct rte_mbuf *m, uint32_t l4_off, struct swpath_frame *f);

/* Bytes of VLAN tags after the MAC addresses, at most two tags: a frame may be longer than the MTU
 * by the Ethernet header and these. */
unsigned swpath_frame_vlan_bytes(const struct rte_mbuf *m);

/* Does an (unsegmented) frame fit this MTU? 0: unknown, everything fits. */
bool swpath_frame_fits(const struct rte_mbuf *m, uint32_t mtu);

/* Copies `len` bytes to `off` in the data of a (chained) mbuf that may be written. The range must
 * be inside the packet. */
void swpath_frame_write(struct rte_mbuf *m, uint32_t off, const void *data, uint32_t len);

/* Puts a VLAN tag after the MAC addresses. 0, or -EINVAL for a frame without whole addresses, or
 * -ENOMEM without headroom. */
int swpath_frame_push_vlan(struct rte_mbuf *m, uint16_t tpid, uint16_t tci);

#endif
