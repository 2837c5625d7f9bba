/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets between the driver and sluice-simnic: two rings of bytes in shared memory.
 *
 * What: the driver makes a memfd with one ring up (device to driver) and one down, and hands it
 * over with its HELLO. A ring has one producer and one consumer; a record is a struct sim_frame,
 * perhaps a struct sim_meta, and the frame's bytes, padded to 8. Super-frames go as they are, with
 * what is needed to cut them.
 *
 * Why not DPDK's memif: its PMD frees the shared regions in the EAL's interrupt thread as soon as
 * the peer dies, while a worker may be in the middle of a burst, and it has no receive interrupt,
 * so that a sleeping worker could not be woken. Here each side unmaps only what it knows to be
 * unused, and the doorbell is an eventfd.
 *
 * Doorbell: the producer writes the eventfd and then sets `rung`; it does neither while `rung` is
 * set. The consumer, once it finds the ring empty, reads the eventfd, clears `rung` and looks
 * again. So the eventfd stays readable while packets wait, and a busy consumer costs no system
 * call.
 *
 * Trust: a consumer checks every length before it uses it; a ring that makes no sense is reported
 * as broken.
 *
 * Threads: one producer and one consumer at a time for each ring.
 */
#ifndef SLUICE_DRIVERS_SIM_RING_H
#define SLUICE_DRIVERS_SIM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_RING_BYTES (4u << 20) /* of records in one ring; a power of two */
#define SIM_FRAME_MAX 65600u      /* bytes of a frame: 64 KiB of IP and its Ethernet header */

/* sim_frame.flags: whose checksum is partial (as in hal: the field holds the pseudo-header sum) */
#define SIM_FRAME_TCP 0x01
#define SIM_FRAME_UDP 0x02
#define SIM_FRAME_SCTP 0x04
#define SIM_FRAME_GSO 0x08  /* to be cut into segments of gso_size bytes of payload */
#define SIM_FRAME_META 0x10 /* a struct sim_meta comes before the frame */

/* What a device has found out about a packet besides its headers, in wire order: members of struct
 * hal_key. */
struct sim_meta {
	uint8_t pkt_mark[4], dp_hash[4];
	uint8_t ct_state[4], ct_mark[4], ct_label[16], ct_zone[2], ct_proto[1], pad0[1];
	uint8_t ct_src[4], ct_dst[4], ct_src6[16], ct_dst6[16], ct_sport[2], ct_dport[2];
	uint8_t tun_flags[2], tun_tos[1], tun_ttl[1], gbp_id[2], gbp_flags[1], pad1[1];
	uint8_t tun_id[8], tun_src[4], tun_dst[4], tun_src6[16], tun_dst6[16];
	uint8_t opts_present[8]; /* always 0: the device takes no options */
};

struct sim_frame {
	uint32_t len;    /* bytes of the frame, which follows */
	uint32_t port;   /* up: came in by; down: goes out by */
	uint32_t recirc; /* up: chain that it missed in */
	uint16_t flags;  /* SIM_FRAME_* */
	uint16_t gso_size;
};

/* Bytes behind a struct sim_frame. */
static inline uint64_t sim_frame_bytes(const struct sim_frame *f)
{
	return (f->flags & SIM_FRAME_META ? sizeof(struct sim_meta) : 0) + (uint64_t)f->len;
}

struct sim_ring_head {
	_Atomic uint64_t head; /* bytes ever written, by the producer */
	uint8_t pad0[56];
	_Atomic uint64_t tail; /* bytes ever read, by the consumer */
	uint8_t pad1[56];
	_Atomic uint32_t rung;
	uint8_t pad2[60];
};

/* One end of a ring. */
struct sim_ring {
	struct sim_ring_head *head;
	uint8_t *data;
	int fd; /* its doorbell */
};

#define SIM_MEMORY_BYTES (2 * (sizeof(struct sim_ring_head) + (size_t)SIM_RING_BYTES))

/* Finds the rings in the mapped memory. */
void sim_ring_init(void *memory, struct sim_ring *up, struct sim_ring *down);

/* Producer: begins a record; false if there is no room for it. Then sim_ring_put() the frame's
 * bytes in one or more pieces, sim_frame_bytes() in all, and sim_ring_commit(). `at` is the
 * caller's cursor.
 */
bool sim_ring_begin(struct sim_ring *r, const struct sim_frame *f, uint64_t *at);
void sim_ring_put(struct sim_ring *r, uint64_t *at, const void *data, size_t len);
void sim_ring_commit(struct sim_ring *r, uint64_t at);
void sim_ring_kick(struct sim_ring *r); /* after a burst: tells the consumer */

/* Consumer: begins the next record: 1; 0 if there is none (the doorbell is then quiet), -EBADMSG if
 * the ring is broken. Then get its bytes, in pieces or not, and release it. */
int sim_ring_next(struct sim_ring *r, struct sim_frame *f, uint64_t *at);
void sim_ring_get(struct sim_ring *r, uint64_t *at, void *data, size_t len);
void sim_ring_release(struct sim_ring *r, const struct sim_frame *f);

#endif
