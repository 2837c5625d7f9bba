/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames built from a description, and judged by code that shares nothing with the ports'.
 */
#ifndef SLUICE_TESTS_UNIT_SWPATH_PORT_FRAMES_H
#define SLUICE_TESTS_UNIT_SWPATH_PORT_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum { FRAME_MAX = 70000 };

struct spec {
	unsigned vlans;  /* the outer one of two is 802.1ad */
	unsigned labels; /* MPLS */
	bool pbb;
	bool ipv6;
	unsigned extensions;  /* bits: 1 hop-by-hop, 2 routing, 4 destination options */
	unsigned ip_options;  /* IPv4, 4-byte words */
	uint8_t proto;        /* IPPROTO_TCP, _UDP or _SCTP */
	unsigned tcp_options; /* 4-byte words */
	uint8_t tcp_flags;
	unsigned payload; /* bytes */
	unsigned padding; /* bytes after the IP packet */
};

struct built {
	struct spec spec;
	unsigned l3, l4, body, end; /* offsets: IP, L4, payload, end of the payload */
	unsigned len;               /* with padding */
	unsigned checksum;          /* offset of the L4 checksum */
	uint8_t data[FRAME_MAX];
};

/* Random payload and addresses; the L4 checksum is partial, as port.h says. */
void frame_build(const struct spec *spec, struct built *out);
void spec_random(struct spec *spec);

/* A chain of random pieces of at most `piece` bytes (0: as few mbufs as possible), with the
 * checksum flag of the protocol. */
struct rte_mbuf *frame_mbuf(const struct built *f, unsigned piece);
void frame_flat(const struct rte_mbuf *m, uint8_t *out);

/* Are the IPv4 header's and the L4 checksum right? `f` gives the offsets; `l4_len` bytes from l4.
 */
bool checksums_right(const struct built *f, const uint8_t *data, unsigned l4_len);

/* One's complement sum of the pseudo-header, network order in memory. */
uint16_t pseudo_sum(const struct built *f, const uint8_t *data, unsigned l4_len);

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

#endif
