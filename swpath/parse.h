/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser: from the bytes of a frame to a datapath key, and to the places of its headers.
 *
 * What is recognised: Ethernet II and 802.3 with LLC/SNAP, two VLAN tags, MPLS (three entries),
 * the 802.1ah I-TAG, ARP, IPv4, IPv6 with its extension headers, TCP, UDP, SCTP, ICMP, IGMP,
 * ICMPv6 with neighbour discovery. A header that is cut off or contradicts itself leaves its
 * members and those of the layers above at 0.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_SWPATH_PARSE_H
#define SLUICE_SWPATH_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/key.h"

enum swpath_l3 {
	SWPATH_L3_NONE,
	SWPATH_L3_IPV4,
	SWPATH_L3_IPV6,
	SWPATH_L3_ARP,
	SWPATH_L3_MPLS,
	SWPATH_L3_PBB, /* the I-TAG behind its EtherType */
};

/* Where the headers are: bytes from the start of the frame, 0 for what is not there. */
struct swpath_layers {
	uint16_t type;     /* the EtherType in force (after tags and SNAP); 0 if it is a length */
	uint16_t l3;       /* the header that kind names */
	uint16_t l4;       /* a whole transport header, in the first fragment */
	uint16_t nd;       /* ND: target address */
	uint16_t nd_sll;   /* ND: source link-layer address */
	uint16_t nd_tll;   /* ND: target link-layer address */
	uint16_t proto_at; /* the byte that says the IP protocol */
	uint16_t pad;
	uint8_t kind;  /* enum swpath_l3 */
	uint8_t proto; /* of l4 */
	uint8_t vlans; /* tags recognised, 0 to 2 */
	bool routed;   /* an IPv6 routing header has segments left */
	/* Packets with the same members before this one are edited alike (swpath/edit.h). */
	uint32_t l3_end; /* end of the IP packet: what follows is padding */
};

/* Parses a frame of `len` bytes, of which the first `avail` are at `data`, into the header members
 * of `key`, which must be 0, and into `ly`. Metadata members are left alone. */
void swpath_parse_frame(const void *data, uint32_t avail, uint32_t len, struct hal_key *key,
	struct swpath_layers *ly);

/* The same, quickly, for whole frames with TCP or UDP over IPv4, without options and not
 * fragmented, or over IPv6 without extension headers, untagged or with one VLAN tag. Sets the whole
 * hot part of the key, whatever was in it: of the metadata only in_port is not 0. False for all
 * others, and then nothing was written. */
bool swpath_parse_common(const uint8_t *data, uint32_t len, rte_be32_t in_port, struct hal_key *key,
	struct swpath_layers *ly);

/* Sets all header members of a key to 0 and keeps the metadata. */
void swpath_key_clear_headers(struct hal_key *key);

#endif
