/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies in the maps that the program and the driver share.
 *
 * What: plain C types, read by both compilers. A map's contents are the driver's to write and the
 * program's to read, but for counters and hits, where it is the other way round.
 *
 * A rule is found in three steps. The packet's words under a mask, with the mask's number and the
 * chain, are a hash key that gives an entry; the entry names a slot; the slot has the steps, and
 * counters of its own. So a rule is replaced by one store into its entry, and a new one counts from
 * 0.
 *
 * EBPF_LAYOUT changes with whatever a program of another version would read wrongly.
 *
 * Thread-safety: words that change under the program's feet are at most 4 bytes wide. What they
 * name is written before them, and written anew only after every run of the program that may have
 * read them has ended.
 */
#ifndef SLUICE_DRIVERS_EBPF_LAYOUT_H
#define SLUICE_DRIVERS_EBPF_LAYOUT_H

#include <linux/bpf.h>
#include <linux/types.h>

#define EBPF_LAYOUT 4u
#define EBPF_MASKS 128u     /* a packet is looked up under so many masks at most */
#define EBPF_KEY_WORDS 20u  /* of a datapath key, that a rule can look at */
#define EBPF_HEAD_WORDS 20u /* of its head, that the program knows */
#define EBPF_WORDS 28u      /* with those of tunnels */
#define EBPF_ROOM_WORDS 32u /* a power of two */
#define EBPF_INLINE 3u      /* steps that a slot has room for */
#define EBPF_STEPS 64u      /* of one program; a power of two */
#define EBPF_RULES (1u << 18)
#define EBPF_SPARE 4096u /* slots for rules that are being replaced */
#define EBPF_SLOTS (EBPF_RULES + EBPF_SPARE)
#define EBPF_PROGRAMS 4096u /* of more steps than EBPF_INLINE */
#define EBPF_PASSES 9u      /* a packet is looked up so often at most: as often as in software */
#define EBPF_HINTS 4096u    /* in a page of them; a power of two */
#define EBPF_HINT_PAGES 16u /* a power of two */
#define EBPF_PORTS 4096u
#define EBPF_METERS 4096u
#define EBPF_BANDS 16u       /* of a meter */
#define EBPF_TUNNELS 256u    /* ends of them */
#define EBPF_HEADER_MAX 128u /* bytes put before a packet */
#define EBPF_DATA 24u        /* bytes of them in one step */

/* Ports are named by their ifindex; ends of tunnels by this with a number that no end of this
 * device had before, and their place among EBPF_TUNNELS in the lowest bits. */
#define EBPF_TUNNEL 0x80000000u
/* With the ifindex of a netdev by which the host itself is at the switch: what it sends there is
 * received, what is sent there it receives. Never together with EBPF_TUNNEL. */
#define EBPF_HOST 0x40000000u

/* What struct hal_key says of the tunnel that a packet came out of, from tun_flags on. */
struct ebpf_tunnel {
	__u16 flags;
	__u8 tos, ttl;
	__u16 gbp_id;
	__u8 gbp_flags, reserved;
	__u8 id[8];
	__u32 ipv4_src, ipv4_dst;
	__u8 ipv6_src[16], ipv6_dst[16];
	__u64 opts_present; /* none: a packet with options is handed up */
};

/* The head of struct hal_key, as the program fills it in. */
struct ebpf_vlan {
	__u16 tpid, tci;
};

struct ebpf_headers {
	__u32 in_port, recirc_id, pkt_mark, dp_hash, ct_state, ct_mark, packet_type;
	__u16 ct_zone;
	__u8 eth_dst[6], eth_src[6];
	__u16 eth_type;
	struct ebpf_vlan vlan[2];
	__u8 ip_proto, ip_tos, ip_ttl, ip_frag;
	__u16 tp_src, tp_dst, tcp_flags, arp_op;
	__u32 ipv4_src, ipv4_dst;
	__u8 ipv6_src[16], ipv6_dst[16];
	__u32 ipv6_flabel, mpls_lse[3];
	__u16 ipv6_exthdr;
	__u8 pbb_uca, ct_nw_proto;
	__u32 pbb_isid;
	__u8 nd_target[16];
	__u8 arp_sha[6], arp_tha[6];
	__u8 rest[4];
	struct ebpf_tunnel tun;
};

/* ---- masks ---- */

/* Words of a hash key: rules of one mask are in the map of the smallest that has room for it. */
enum ebpf_class { EBPF_NARROW = 4, EBPF_MIDDLE = 8, EBPF_WIDE = EBPF_KEY_WORDS };

/* Unused words have mask 0. */
struct ebpf_mask {
	__u32 words; /* enum ebpf_class, 0: unused */
	__u32 n;
	__u8 index[24]; /* in the key */
	__u64 mask[EBPF_KEY_WORDS];
};

/* The masks to try, the most hit first. */
struct ebpf_order {
	__u32 n;
	__u8 mask[EBPF_MASKS + 4];
};

/* By CPU and flow: 1 + the mask under which the last packet found its rule, 0: none yet. */
struct ebpf_hints {
	__u8 mask[EBPF_HINTS];
};

struct ebpf_key4 {
	__u32 mask, chain;
	__u64 w[EBPF_NARROW];
};
struct ebpf_key8 {
	__u32 mask, chain;
	__u64 w[EBPF_MIDDLE];
};
struct ebpf_key20 {
	__u32 mask, chain;
	__u64 w[EBPF_WIDE];
};

/* ---- rules ---- */

enum ebpf_op {
	EBPF_OUTPUT = 1, /* arg: the port's name */
	EBPF_PUSH_VLAN,  /* arg: TPID, arg2: TCI, host order */
	EBPF_POP_VLAN,
	EBPF_SET,
	EBPF_SET_VLAN, /* value, mask: TCI, host order */
	EBPF_SET_MARK, /* value, mask: as in the key */
	EBPF_DEC_TTL,
	EBPF_RECIRC, /* arg: chain */
	EBPF_FITS,   /* first of all; what does not fit is handed up. arg: tags that it may have,
			arg2:   bytes that it will be longer by */
	EBPF_HEADER, /* at: which piece of a tunnel's headers; from arg on: EBPF_DATA bytes of it */
	EBPF_ENCAPSULATE, /* into the headers, of `size` bytes. arg: the tunnel's end, at: enum
			     ebpf_tunnel_type, field: EBPF_INHERIT_TOS and its like */
	EBPF_DECAPSULATE, /* the only step; arg, field, at: the same */
	EBPF_METER,       /* arg: its number */
	EBPF_NOTHING,
};

enum ebpf_tunnel_type { EBPF_VXLAN, EBPF_GENEVE };
#define EBPF_INHERIT_TOS 0x02
#define EBPF_INHERIT_TTL 0x04
#define EBPF_GBP 0x08

/* Which header a SET is about. A packet without it is dropped; without the transport header it goes
 * on as it is. */
enum ebpf_base {
	EBPF_FRAME,
	EBPF_IPV4,
	EBPF_IPV6,
	EBPF_ARP,
	EBPF_MPLS,
	EBPF_L4,
	EBPF_ND_TARGET,
	EBPF_ND_SLL,
	EBPF_ND_TLL,
};

/* Checksums that cover what a SET writes. */
#define EBPF_SUM_IP 0x01
#define EBPF_SUM_PSEUDO 0x02
#define EBPF_SUM_L4 0x04

struct ebpf_step {
	__u8 op;    /* enum ebpf_op */
	__u8 field; /* of SETs: enum hal_field_id */
	__u8 base;  /* enum ebpf_base */
	__u8 at;    /* bytes into that header; even where a checksum covers it */
	__u8 size;  /* bytes, at most 8 */
	__u8 sum;   /* EBPF_SUM_* */
	__u8 proto; /* of EBPF_L4 */
	__u8 last;  /* OUTPUT: the packet itself goes, no copy */
	__u32 arg, arg2;
	__u64 value, mask; /* as they lie in the packet, from the first byte on */
};

struct ebpf_slot {
	__u64 ufid[2];
	__u32 n;       /* steps */
	__u32 program; /* n > EBPF_INLINE: where they are */
	__u32 pad[2];
	struct ebpf_step step[EBPF_INLINE];
};

struct ebpf_program {
	struct ebpf_step step[EBPF_STEPS];
};

struct ebpf_entry {
	__u32 slot, pad;
};

/* By CPU and slot: [cpu * EBPF_SLOTS + slot]. */
struct ebpf_count {
	__u64 packets, bytes;
	__u64 used; /* jiffies */
};

/* ---- meters ---- */

/* A token bucket is the time at which it will be full again (ITU-T I.371). Times are in 1/64 ns, as
 * in the software path. */
#define EBPF_UNITS_PER_NS 64u
#define EBPF_UNITS_PER_S (EBPF_UNITS_PER_NS * 1000000000ull)

struct ebpf_band {
	__u64 rate;  /* bits or packets a second, 0: nothing conforms */
	__u64 depth; /* what it takes to fill the bucket from nothing */
};

/* Of all bands that a packet exceeds the one with the highest rate drops it. */
struct ebpf_meter {
	struct bpf_spin_lock lock; /* of all below */
	__u32 pktps;               /* rates are in packets */
	__u32 n, pad;              /* bands */
	struct ebpf_band band[EBPF_BANDS];
	__u64 full_at[EBPF_BANDS];
};

struct ebpf_meter_count {
	__u32 used;
	__u32 id; /* of the meter that has the number */
	__u64 packets, bytes;
	struct {
		__u64 packets, bytes;
	} band[EBPF_BANDS];
};

/* ---- the device ---- */

/* By CPU and end of tunnels, or port of the host: what rules moved, which no netdev counts.
 * Received is what comes to the switch: out of the tunnel, or from the host. */
struct ebpf_traffic {
	__u64 rx_packets, rx_bytes;
	__u64 tx_packets, tx_bytes;
};

struct ebpf_port {
	__u32 id;   /* datapath port id */
	__u32 miss; /* ifindex of the netdev for what no rule takes, 0: the host's stack */
};

struct ebpf_control {
	__u32 layout;
	__u32 which; /* of the orders */
	__u32 instance;
	__u32 tunnels; /* ends that it had so far */
	__u64 netns;   /* its cookie */
	struct ebpf_order order[2];
};

/* By CPU: runs of the program that began and ended. Where both are the same none is under way, and
 * one that begins sees all that was written before they were read. */
struct ebpf_runs {
	__u64 begun, ended;
	__u64 pad[6];
};

/* By CPU. */
struct ebpf_stats {
	__u64 hits, misses;
	__u64 lost; /* half-way in a chain, where nobody can go on */
};

#endif
