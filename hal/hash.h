/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash of a packet's flow: dp_hash, and the source port of a tunnel's outer UDP header.
 *
 * What: one definition over what identifies a flow. The software path and the model eSwitch both
 * call it, each with what its own parser found.
 * Why: a packet that misses half-way in a device goes on in software, where it has to take the
 * bucket that its flow takes in the device.
 * Thread-safety: functions touch only their arguments.
 */
#ifndef SLUICE_HAL_HASH_H
#define SLUICE_HAL_HASH_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include "hal/action.h"
#include "hal/key.h"

/* IP addresses; of a packet without a network layer (ip_proto 0) Ethernet addresses. Those of 4 or
 * 6 bytes lie in the first bytes of their words, the others being 0. */
struct hal_flow_id {
	uint64_t src[2], dst[2];
	uint64_t eth[2], arp[2]; /* source and target; ARP: protocol addresses, else 0 */
	rte_be16_t eth_type;
	rte_be16_t tp_src, tp_dst; /* looked at for TCP, UDP and SCTP only */
	uint8_t ip_proto;
};

static inline bool hal_flow_has_ports(const struct hal_flow_id *id)
{
	return id->ip_proto == IPPROTO_TCP || id->ip_proto == IPPROTO_UDP ||
	       id->ip_proto == IPPROTO_SCTP;
}

/* A word that begins with the 4 bytes. Not by memcpy: what is stored in parts is slow to be read as
 * a whole. */
static inline uint64_t hal_hash_address(rte_be32_t ipv4)
{
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? ipv4 : (uint64_t)ipv4 << 32;
}

/* What the software path knows of a packet. */
static inline void hal_flow_id(const struct hal_key *key, struct hal_flow_id *id)
{
	*id = (struct hal_flow_id){.eth_type = key->eth_type,
		.tp_src = key->tp_src,
		.tp_dst = key->tp_dst,
		.ip_proto = key->ip_proto};
	memcpy(&id->eth[0], key->eth_src, 6);
	memcpy(&id->eth[1], key->eth_dst, 6);
	if (key->eth_type == RTE_BE16(0x0806)) {
		id->arp[0] = hal_hash_address(key->ipv4_src);
		id->arp[1] = hal_hash_address(key->ipv4_dst);
	}
	if (!key->ip_proto) {
		id->src[0] = id->eth[0];
		id->dst[0] = id->eth[1];
	} else if (key->eth_type == RTE_BE16(0x0800)) {
		id->src[0] = hal_hash_address(key->ipv4_src);
		id->dst[0] = hal_hash_address(key->ipv4_dst);
	} else {
		memcpy(id->src, key->ipv6_src, 16);
		memcpy(id->dst, key->ipv6_dst, 16);
	}
}

static inline uint64_t hal_hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

/* Never 0, which says in dp_hash that there is none. The symmetric one folds the two ends together,
 * so that both directions have the same. */
static inline uint32_t hal_flow_hash(
	const struct hal_flow_id *id, enum hal_hash algorithm, uint32_t basis)
{
	uint64_t tail = (uint64_t)id->ip_proto << 16 | rte_be_to_cpu_16(id->eth_type);
	bool ports = hal_flow_has_ports(id);
	uint32_t tp_src = ports ? rte_be_to_cpu_16(id->tp_src) : 0;
	uint32_t tp_dst = ports ? rte_be_to_cpu_16(id->tp_dst) : 0;
	uint64_t src[2] = {id->src[0], id->src[1]};
	uint64_t h = basis;

	if (algorithm == HAL_HASH_SYM_L2) {
		h = hal_hash_word(h, id->eth[0] ^ id->eth[1]);
		h = hal_hash_word(h, id->arp[0] ^ id->arp[1]);
	}
	if (algorithm != HAL_HASH_L4) {
		src[0] ^= id->dst[0];
		src[1] ^= id->dst[1];
		tail = tail << 32 | (tp_src ^ tp_dst);
	} else {
		tail = tail << 32 | tp_src << 16 | tp_dst;
		h = hal_hash_word(h, id->dst[0]);
		if (id->dst[1])
			h = hal_hash_word(h, id->dst[1]);
	}
	h = hal_hash_word(h, src[0]);
	if (src[1])
		h = hal_hash_word(h, src[1]);
	h = hal_hash_word(h, tail) * 0xc4ceb9fe1a85ec53ull;
	h ^= h >> 32;
	return (uint32_t)h ? (uint32_t)h : 1;
}

/* UDP source port of an encapsulated packet, host order: of the dynamic range, by the inner flow
 * (RFC 7348, 5). */
static inline uint16_t hal_tunnel_src_port(const struct hal_flow_id *inner)
{
	return (uint16_t)(0xc000 | (hal_flow_hash(inner, HAL_HASH_L4, 0) & 0x3fff));
}

#endif
