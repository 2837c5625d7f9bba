/* SPDX-License-Identifier: Apache-2.0
 *
 * The model's own lookup key.
 *
 * What: the header fields that this eSwitch can look at, one after another, in wire order, and what
 * it knows of a packet besides (struct sim_meta). A match is a value and a mask over it.
 * Why: nothing of the software path's key, parser or classifier is used, so that comparing the two
 * means something. Only the numbers of fields are shared (hal/fields.def).
 * Thread-safety: plain data.
 */
#ifndef SLUICE_TOOLS_SIMNIC_KEY_H
#define SLUICE_TOOLS_SIMNIC_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/sim/ring.h"

#define NIC_FRAG_ANY 1     /* a fragment */
#define NIC_FRAG_LATER 2   /* not the first: without a transport header */
#define NIC_TAG_THERE 0x10 /* in the first byte of a TCI: there is a tag */

struct nic_headers {
	uint8_t in_port[4], recirc[4], packet_type[4];
	uint8_t dst[6], src[6], type[2];
	uint8_t tpid[2], tci[2], tpid2[2], tci2[2];
	uint8_t proto, tos, ttl, frag;
	uint8_t l4_src[2], l4_dst[2], tcp_flags[2]; /* ICMP: type and code in the low bytes */
	uint8_t arp_op[2];
	uint8_t ip_src[4], ip_dst[4]; /* IPv4, or ARP's sender and target */
	uint8_t ip6_src[16], ip6_dst[16], flow_label[4];
	uint8_t nd_target[16];
	uint8_t sha[6], tha[6]; /* ARP's hardware addresses, or ND's link-layer options */
	uint8_t mpls[3][4];     /* label stack entries, the outermost first */
	struct sim_meta meta;
};

#define NIC_KEY_WORDS ((sizeof(struct nic_headers) + 7) / 8)

union nic_key {
	struct nic_headers h;
	uint8_t bytes[NIC_KEY_WORDS * 8];
	uint64_t words[NIC_KEY_WORDS];
};

/* Bytes of field number `id` on the control socket, 0 if this eSwitch cannot look at it. */
unsigned nic_field_bytes(unsigned id);

/* True if the field lies in struct sim_meta and a SET may write it. */
bool nic_field_is_meta(unsigned id);

/* Writes a field of the metadata under a mask, both given as on the control socket. */
void nic_meta_set(unsigned id, struct sim_meta *meta, const uint8_t *value, const uint8_t *mask);

/* Writes a field given as on the control socket (big-endian, right-aligned) into a key. */
void nic_field_put(unsigned id, union nic_key *key, const uint8_t *wire);

#endif
