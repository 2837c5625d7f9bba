/* SPDX-License-Identifier: Apache-2.0
 *
 * Outer headers of a tunnel, made once for a megaflow.
 *
 * Thread-safety: pure functions; those about options read the TLV table, under RCU.
 */
#ifndef SLUICE_OFCTL_PIPELINE_TUNNEL_HEADER_H
#define SLUICE_OFCTL_PIPELINE_TUNNEL_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/key.h"
#include "hal/tunnel.h"
#include "ofctl/host/host.h"

/* Ethernet, IPv6, UDP, Geneve with its options */
#define TUNNEL_HEADER_MAX (14 + 40 + 8 + GENEVE_HEADER_LEN + GENEVE_OPTIONS_MAX)

struct tunnel_header {
	uint8_t type; /* enum hal_tunnel_type */
	uint8_t eth_src[6], eth_dst[6];
	struct host_address src, dst; /* of one version */
	uint8_t tos, ttl;
	bool df; /* IPv4: do not fragment */
	uint16_t udp_dst;
	uint64_t key;
	bool gbp, oam;
	uint16_t gbp_id;
	uint8_t gbp_flags;
	uint16_t options_len;
	uint8_t options[GENEVE_OPTIONS_MAX];
};

/* Writes the headers as a TUNNEL_PUSH step has them. Returns their length. */
uint16_t tunnel_header_put(const struct tunnel_header *h, uint8_t out[TUNNEL_HEADER_MAX]);

/* The header members of the key of a packet with them. */
void tunnel_header_key(const struct tunnel_header *h, struct hal_key *key);

/* The bits of tun_opts_present that stand for an option. */
rte_be64_t tunnel_options_mapped(void);

/* Adds the bytes of tun_opts that hold the options present. */
void tunnel_options_mask(rte_be64_t present, uint8_t mask[128]);

/* The bits of tun_opts_present of those options of which `mask` has a bit. */
rte_be64_t tunnel_options_touched(const uint8_t mask[128]);

/* The options present, in the wire form of RFC 8926, 3.5. Returns their length. */
uint16_t tunnel_options_put(
	rte_be64_t present, const uint8_t values[128], uint8_t out[GENEVE_OPTIONS_MAX]);

#endif
