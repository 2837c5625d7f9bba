/* SPDX-License-Identifier: Apache-2.0
 *
 * The two keys.
 *
 * What: struct hal_key is the datapath key, all that workers and devices can see of a packet:
 * headers, input port, tunnel, recirculation id, conntrack state, hash and mark. struct xlate_key
 * is the translation key: the datapath key plus what exists only inside the OpenFlow pipeline
 * (OpenFlow port numbers, metadata, registers).
 *
 * Why so: every member is in network byte order and neither struct has padding, so that a key is
 * also an array of 64-bit words. Matching, hashing and mask arithmetic work on words and never
 * need to know a field. A datapath key has at most 64 words: one bit of a uint64_t for each. The
 * structs are may_alias because they are written by members and read by words, which the compiler
 * would otherwise take for different memory.
 *
 * Tunnel options (Geneve: RFC 8926, 3.5) are not kept as they were on the wire, where they may come
 * in any order: those that the TLV table names (hal/tlv.h) lie at the offsets that it gives them,
 * so that they can be matched by mask like everything else.
 *
 * The first two cache lines hold what nearly every lookup needs.
 *
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_KEY_H
#define SLUICE_HAL_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

struct hal_vlan {
	rte_be16_t tpid; /* 0x8100 or 0x88a8; 0 when there is no tag */
	rte_be16_t tci;  /* PCP, and VID with HAL_VLAN_PRESENT set; 0 when there is no tag */
};

/* In a TCI of a key this bit (the tag's CFI/DEI on the wire) says that there is a tag at all. */
#define HAL_VLAN_PRESENT 0x1000

/* hal_key.ip_frag */
#define HAL_FRAG_ANY 0x01   /* a fragment */
#define HAL_FRAG_LATER 0x02 /* with an offset other than 0: it has no transport header */

/* eth_type of a frame whose length/type field is a length without SNAP (OpenFlow 1.0, 3.4) */
#define HAL_ETH_TYPE_NONE 0x05ff

struct __attribute__((may_alias)) hal_key {
	/* cache line 0 */
	rte_be32_t in_port; /* datapath port id, see hal/port.h */
	rte_be32_t recirc_id;
	rte_be32_t pkt_mark;
	rte_be32_t dp_hash;
	rte_be32_t ct_state;
	rte_be32_t ct_mark;
	rte_be32_t packet_type; /* OpenFlow 1.5: namespace and type; 0 is Ethernet */
	rte_be16_t ct_zone;
	uint8_t eth_dst[6];
	uint8_t eth_src[6];
	rte_be16_t eth_type; /* of the payload, after all known VLAN tags */
	struct hal_vlan vlan[2];
	uint8_t ip_proto;
	uint8_t ip_tos;
	uint8_t ip_ttl;
	uint8_t ip_frag;
	rte_be16_t tp_src; /* TCP, UDP, SCTP source; ICMP type */
	rte_be16_t tp_dst; /* TCP, UDP, SCTP destination; ICMP code */
	rte_be16_t tcp_flags;
	rte_be16_t arp_op;
	/* cache line 1 */
	rte_be32_t ipv4_src; /* ARP: sender protocol address */
	rte_be32_t ipv4_dst; /* ARP: target protocol address */
	uint8_t ipv6_src[16];
	uint8_t ipv6_dst[16];
	rte_be32_t ipv6_flabel;
	rte_be32_t mpls_lse[3];
	rte_be16_t ipv6_exthdr; /* OpenFlow 1.3, OFPIEH_* */
	uint8_t pbb_uca;
	uint8_t ct_nw_proto;
	rte_be32_t pbb_isid;
	/* cold */
	uint8_t nd_target[16];
	uint8_t arp_sha[6]; /* ND: source link-layer address */
	uint8_t arp_tha[6]; /* ND: target link-layer address */
	uint8_t ct_label[16];
	uint8_t ct_ipv6_src[16];
	uint8_t ct_ipv6_dst[16];
	rte_be32_t ct_nw_src;
	rte_be32_t ct_nw_dst;
	rte_be16_t ct_tp_src;
	rte_be16_t ct_tp_dst;
	rte_be16_t tun_flags;
	uint8_t tun_tos;
	uint8_t tun_ttl;
	rte_be16_t tun_gbp_id;
	uint8_t tun_gbp_flags;
	uint8_t reserved;
	rte_be64_t tun_id;
	rte_be32_t tun_ipv4_src;
	rte_be32_t tun_ipv4_dst;
	uint8_t tun_ipv6_src[16];
	uint8_t tun_ipv6_dst[16];
	rte_be64_t tun_opts_present; /* bit n: option n of the TLV table is there */
	uint8_t tun_opts[128];       /* values of options, each where the TLV table puts it */
};

struct __attribute__((may_alias)) xlate_key {
	struct hal_key dp;
	rte_be64_t metadata;
	rte_be32_t in_port_of;  /* OpenFlow number of the input port */
	rte_be32_t in_phy_port; /* OpenFlow number of the port below a tunnel or a bond */
	rte_be32_t actset_output;
	rte_be32_t conj_id;
	rte_be32_t reg[16];
};

#define HAL_KEY_WORDS (sizeof(struct hal_key) / 8)
#define XLATE_KEY_WORDS (sizeof(struct xlate_key) / 8)

_Static_assert(sizeof(struct hal_key) % 8 == 0, "a datapath key is whole words");
_Static_assert(sizeof(struct hal_key) <= 512, "a datapath key has at most 64 words");
_Static_assert(offsetof(struct hal_key, ipv4_src) == 64, "the hot part is two cache lines");
_Static_assert(offsetof(struct hal_key, nd_target) == 128, "the hot part is two cache lines");
_Static_assert(sizeof(struct xlate_key) % 8 == 0, "a translation key is whole words");
_Static_assert(sizeof(struct xlate_key) <= 1024, "a translation key has at most 128 words");

#endif
