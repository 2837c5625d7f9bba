/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame inside the eSwitch, its parser and its checksums.
 *
 * What: struct nic_packet is a frame in a buffer with headroom, what the kernel said of its
 * checksum and segmentation (struct virtio_net_hdr, see virtio 1.2, 5.1.6), and where its headers
 * are.
 * Threads: one, as everywhere in this program.
 */
#ifndef SLUICE_TOOLS_SIMNIC_PACKET_H
#define SLUICE_TOOLS_SIMNIC_PACKET_H

#include <linux/virtio_net.h>

#include "tools/simnic/key.h"

struct nic_packet {
	uint8_t *data;     /* Ethernet header */
	uint32_t len;      /* bytes */
	uint32_t headroom; /* bytes before data */
	uint32_t in_port, recirc;
	struct sim_meta meta; /* what steps have found out */
	uint8_t recircs;      /* chains that it was sent to */
	uint32_t max_len;     /* TRUNC: at most so many bytes at the next output, 0: all */
	struct virtio_net_hdr vnet;
	bool queued; /* an output still points at data: flush before writing */

	/* Offsets from data, 0: no such header. */
	uint32_t type; /* the EtherType of what follows; 0 if there is only a length */
	uint32_t mpls; /* label stack */
	uint32_t l3, l4, payload;
	uint8_t tags;     /* VLAN tags parsed */
	uint8_t l4_proto; /* of the header at l4 */
	bool ip4, ip6;
	bool routed; /* IPv6 with segments left: its checksum uses another destination */
};

/* Finds the headers, and fills `key` if that is not NULL. */
void nic_parse(struct nic_packet *p, union nic_key *key);

/* True if the transport checksum is partial: the field holds the sum of the pseudo-header and the
 * rest is to be added on the way out. */
static inline bool nic_partial(const struct nic_packet *p)
{
	return p->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

/* True if the frame carries UDP or TCP and its checksums are right, or partial. */
bool nic_checksum_right(const struct nic_packet *p);

/* The sum, not complemented, over bytes and over the pseudo-header of an IP packet. */
uint32_t nic_sum(uint32_t sum, const uint8_t *bytes, uint32_t n);
uint32_t nic_sum_pseudo(const uint8_t *ip, bool ip6, uint8_t proto, uint32_t l4_len);

/* Finishes a partial checksum in place; not for super-frames. */
void nic_checksum_finish(struct nic_packet *p);

/* Completes what the kernel cannot say in a virtio header (SCTP's CRC32c). */
void nic_checksum_normalise(struct nic_packet *p);

/* Accounts in the IPv4 header checksum for `n` bytes (even) that were `from` and are now `to`. */
void nic_checksum_ip(struct nic_packet *p, const uint8_t *from, const uint8_t *to, unsigned n);

/* The same in the transport checksum; `pseudo` says that the bytes belong to its pseudo-header. */
void nic_checksum_l4(
	struct nic_packet *p, const uint8_t *from, const uint8_t *to, unsigned n, bool pseudo);

#endif
