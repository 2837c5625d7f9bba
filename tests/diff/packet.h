/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets for the differential test: field by field, then as bytes.
 *
 * What: struct model holds what a packet says; packet_render() lays it out with right lengths and
 * checksums. Every frame ends in 8 bytes that name it, so that it is known again wherever, however
 * often and however altered it comes out.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_TESTS_DIFF_PACKET_H
#define SLUICE_TESTS_DIFF_PACKET_H

#include "field.h"

#define PACKET_MAX 1514
#define PACKET_ID_LEN 8
#define FENCE_ETH_TYPE 0x88b6

enum frag { FRAG_NO, FRAG_FIRST, FRAG_LATER, FRAG_NOT_LATER };

struct model {
	struct value f[D_MAX];
	unsigned n_tags; /* 0 to 2; the outer tag's VID and PCP are fields */
	uint16_t outer_tpid;
	uint16_t inner_tci;
	unsigned payload;                     /* bytes before the id */
	bool udp_no_checksum;                 /* IPv4 only */
	bool ip_options;                      /* 4 bytes of them */
	bool hop_by_hop, destination_options; /* IPv6 extension headers */
	bool no_nd_option;
	bool trailer;  /* the id comes behind the IP packet, as padding does */
	uint32_t salt; /* of the payload and of IDs that no field shows */
};

uint16_t model_eth_type(const struct model *m);
uint8_t model_proto(const struct model *m);

/* Writes the frame; returns its length. `program` and `seq` become its id. */
unsigned packet_render(
	const struct model *m, uint16_t program, uint32_t seq, uint8_t out[PACKET_MAX]);

/* Reads the id at the frame's end. False if there is none. */
bool packet_id(const uint8_t *frame, unsigned len, uint16_t *program, uint32_t *seq);

/* A fence: a frame that every switch sends to its controller. */
unsigned packet_fence(uint16_t program, uint32_t seq, uint8_t out[PACKET_MAX]);

#endif
