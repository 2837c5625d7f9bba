/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames built by hand, and their checksums worked out from scratch: nothing here uses the code
 * under test.
 */
#ifndef SLUICE_TESTS_SWPATH_FRAMES_H
#define SLUICE_TESTS_SWPATH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	uint8_t b[4096];
	size_t len;
	size_t l3, l4; /* 0: none */
	uint8_t proto;
	bool v6;
};

/* Pieces, in the order of the wire. MAC addresses are 02:00:00:00:00:01 to 02:00:00:00:00:02. */
void frame_macs(struct frame *f);
void frame_tag(struct frame *f, uint16_t tpid, uint16_t tci);
void frame_type(struct frame *f, uint16_t type);
void frame_lse(struct frame *f, uint32_t lse);
void frame_ipv4(struct frame *f, uint8_t proto, uint16_t frag, unsigned option_words);
void frame_ipv6(struct frame *f, uint8_t next);
/* A hop-by-hop, routing or destination header of 8 bytes; AH and fragment headers. */
void frame_exthdr(struct frame *f, uint8_t next, uint8_t byte3);
void frame_ah(struct frame *f, uint8_t next);
void frame_fragment(struct frame *f, uint8_t next, uint16_t field);
void frame_tcp(struct frame *f, uint16_t src, uint16_t dst, uint16_t flags);
void frame_udp(struct frame *f, uint16_t src, uint16_t dst);
void frame_sctp(struct frame *f, uint16_t src, uint16_t dst);
void frame_icmp(struct frame *f, uint8_t proto, uint8_t type, uint8_t code);
void frame_nd(struct frame *f, uint8_t type, uint8_t option);
void frame_arp(struct frame *f, uint16_t op);
void frame_bytes(struct frame *f, size_t n); /* payload */

/* Fills in lengths and checksums. */
void frame_finish(struct frame *f);

/* Works out the checksums anew (zero UDP ones are kept). */
void frame_checksums(struct frame *f);

/* A whole frame of one of these kinds. */
enum frame_kind {
	FRAME_TCP4,
	FRAME_UDP4,
	FRAME_SCTP4,
	FRAME_ICMP4,
	FRAME_TCP6,
	FRAME_UDP6,
	FRAME_SCTP6,
	FRAME_ICMP6,
	FRAME_NS,
	FRAME_NA,
	FRAME_ARP,
	FRAME_MPLS,
	FRAME_KINDS
};
void frame_make(struct frame *f, enum frame_kind kind, unsigned tags, size_t payload);

#endif
