/* SPDX-License-Identifier: Apache-2.0
 *
 * The program's maps, and what it knows of a packet.
 */
#ifndef SLUICE_DRIVERS_EBPF_MAPS_BPF_H
#define SLUICE_DRIVERS_EBPF_MAPS_BPF_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "drivers/ebpf/layout.h"
#include "drivers/ebpf/mutation.bpf.h"

#define MAPPED (1U << 10) /* BPF_F_MMAPABLE */

#define PIECE 512u /* bytes that the kernel adds up at once */
#define HEAD 128u  /* bytes of a frame that are looked at in one piece */

/* What the kernel may move is named by offsets, never by pointers. */
struct work {
	union {
		struct ebpf_headers key;
		__u64 word[EBPF_ROOM_WORDS];
	};
	union {
		struct ebpf_key4 key4;
		struct ebpf_key8 key8;
		struct ebpf_key20 key20;
	} look;
	__u8 head[HEAD + 48];
	__u8 part[32];
	__u8 outer[EBPF_HEADER_MAX + 64]; /* to be put before the packet */
	__u8 piece[PIECE + 4];            /* of what is added up */
	__u32 chain;
	__u32 tags; /* recognised */
	/* offsets into the data, which lack a tag that the kernel took off; 0: not there */
	__u32 l3, l4, nd, nd_sll, nd_tll;
	__u32 proto;            /* of l4 */
	__u32 base;             /* which header l3 is: enum ebpf_base, EBPF_FRAME: none */
	__u32 routed;           /* an IPv6 routing header has segments left */
	__u32 next, seen, rank; /* while IPv6 extension headers are gone over */
	__u32 stale;            /* the offsets are not those of the packet as it is now */
	__u32 origin;  /* where the frame begins that is looked at: behind this many bytes of a
			  tunnel's headers. Offsets are from there on */
	__u32 popped;  /* it came out of a tunnel */
	__u32 ip_id;   /* of the last outer header */
	__u32 band;    /* of a meter, that is exceeded */
	__u64 highest; /* its rate */
};

#define MAP(NAME, TYPE, FLAGS, ROOM, KEY, VALUE) \
	struct {                                 \
		__uint(type, TYPE);              \
		__uint(map_flags, FLAGS);        \
		__uint(max_entries, ROOM);       \
		__type(key, KEY);                \
		__type(value, VALUE);            \
	} NAME SEC(".maps")

MAP(work, BPF_MAP_TYPE_PERCPU_ARRAY, 0, 1, __u32, struct work);
MAP(control, BPF_MAP_TYPE_ARRAY, MAPPED, 1, __u32, struct ebpf_control);
MAP(ports, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, EBPF_PORTS, __u32, struct ebpf_port);
MAP(masks, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_MASKS, __u32, struct ebpf_mask);
MAP(mask_hits, BPF_MAP_TYPE_PERCPU_ARRAY, 0, EBPF_MASKS, __u32, __u64);
MAP(hints, BPF_MAP_TYPE_PERCPU_ARRAY, 0, EBPF_HINT_PAGES, __u32, struct ebpf_hints);
MAP(rules4, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, EBPF_RULES, struct ebpf_key4, __u32);
MAP(rules8, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, EBPF_RULES, struct ebpf_key8, __u32);
MAP(rules20, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, EBPF_RULES, struct ebpf_key20, __u32);
MAP(entries, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_RULES, __u32, struct ebpf_entry);
MAP(slots, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_SLOTS, __u32, struct ebpf_slot);
MAP(programs, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_PROGRAMS, __u32, struct ebpf_program);
MAP(counts, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_SLOTS, __u32, struct ebpf_count);
MAP(meters, BPF_MAP_TYPE_ARRAY, 0, EBPF_METERS, __u32, struct ebpf_meter);
MAP(meter_counts, BPF_MAP_TYPE_ARRAY, MAPPED, EBPF_METERS, __u32, struct ebpf_meter_count);
MAP(runs, BPF_MAP_TYPE_ARRAY, MAPPED, 1, __u32, struct ebpf_runs);
MAP(tunnels, BPF_MAP_TYPE_PERCPU_ARRAY, 0, EBPF_TUNNELS, __u32, struct ebpf_traffic);
MAP(hosts, BPF_MAP_TYPE_PERCPU_HASH, BPF_F_NO_PREALLOC, EBPF_PORTS, __u32, struct ebpf_traffic);
MAP(stats, BPF_MAP_TYPE_PERCPU_ARRAY, 0, 1, __u32, struct ebpf_stats);

/* Writing to an array of maps ends only after every run of the program that began before it. */
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} grace_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} grace SEC(".maps") = {.values = {&grace_inner}};

static __always_inline struct work *get_work(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&work, &zero);
}

static __always_inline struct ebpf_stats *get_stats(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&stats, &zero);
}

static __always_inline __u16 load16(const void *p)
{
	return *(const __u16 *)p;
}

static __always_inline __u32 load32(const void *p)
{
	return *(const __u32 *)p;
}

static __always_inline __u64 load64(const void *p)
{
	return *(const __u64 *)p;
}

#endif
