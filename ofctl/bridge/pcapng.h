/* SPDX-License-Identifier: Apache-2.0
 *
 * pcapng, the file format of packet captures (draft-ietf-opsawg-pcapng).
 *
 * What: blocks, appended to a buffer. DPDK 22.11's rte_pcapng knows ethdev ports only, most of ours
 * are none, and has no comments; so the blocks are written here.
 * Thread-safety: the writer's owner.
 */
#ifndef SLUICE_OFCTL_BRIDGE_PCAPNG_H
#define SLUICE_OFCTL_BRIDGE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

struct pcapng {
	struct evbuffer *out;
	uint32_t snaplen;      /* of all interfaces */
	uint32_t n_interfaces; /* so far */
	bool failed;           /* memory ran out: what is in `out` breaks off */
};

enum pcapng_way { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT }; /* as epb_flags has it */

struct pcapng_packet {
	uint32_t interface;
	uint64_t time_ns; /* since the epoch */
	enum pcapng_way way;
	uint32_t len; /* of the packet; the parts are what is kept of it */
	const void *part[2];
	uint32_t part_len[2];
	const char *comment; /* or NULL */
};

/* Begins the file: `comment` says what is captured. */
void pcapng_begin(struct pcapng *p, struct evbuffer *out, uint32_t snaplen, const char *application,
	const char *comment);

/* Returns the new interface's number. */
uint32_t pcapng_interface(struct pcapng *p, const char *name, const char *description);

void pcapng_packet(struct pcapng *p, const struct pcapng_packet *pkt);

/* How many packets an interface has seen, and how many of them found no room. */
void pcapng_statistics(struct pcapng *p, uint32_t interface, uint64_t start_ns, uint64_t end_ns,
	uint64_t seen, uint64_t lost);

#endif
