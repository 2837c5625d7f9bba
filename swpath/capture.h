/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets for who wants to look at them.
 *
 * What: a capture names packets (those of some ports, those that match, or those dropped for some
 * reasons). While it is open workers put what they handle of them into a ring of their own, which
 * the control thread reads. A full ring loses the copy, never the packet, and counts it. While no
 * capture is open workers look at one pointer for each burst.
 *
 * What a device forwards by itself does not come here: whoever wants it too brings it here first.
 *
 * Memory: the rings and their counters, in ordinary memory, from open to close.
 * Thread-safety: control thread only.
 */
#ifndef SLUICE_SWPATH_CAPTURE_H
#define SLUICE_SWPATH_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/match.h"
#include "hal/port.h"
#include "swpath/swpath.h"

struct swpath_capture;

#define SWPATH_MAX_CAPTURES 8
#define SWPATH_CAPTURE_PORT_WORDS ((HAL_PORT_MAX + 1) / 64)

enum swpath_capture_what {
	SWPATH_CAPTURE_PORTS, /* what ports receive and send */
	SWPATH_CAPTURE_MATCH, /* what ports receive and `match` covers */
	SWPATH_CAPTURE_DROPS, /* what is dropped */
};

struct swpath_capture_config {
	enum swpath_capture_what what;
	uint64_t *ports;                /* a bit for each datapath port id; NULL: any port */
	const struct hal_cmatch *match; /* over the datapath key, MATCH only */
	uint64_t drops;                 /* a bit for each enum swpath_drop, DROPS only */
	uint32_t snaplen;               /* bytes of a packet that are kept */
	uint32_t ring_bytes;            /* room for each worker, 0: 4 MB */
};

enum swpath_captured_way { SWPATH_CAPTURED_IN, SWPATH_CAPTURED_OUT, SWPATH_CAPTURED_DROP };

/* One copy. */
struct swpath_captured {
	uint64_t time_ns; /* wall clock */
	uint32_t port;    /* where it came in or went out; HAL_PORT_NONE: not known */
	uint32_t len;     /* of the packet */
	uint32_t caplen;  /* of the copy */
	uint8_t way;      /* enum swpath_captured_way */
	uint8_t why;      /* DROP: enum swpath_drop */
	uint8_t pad[10];
};

/* Opens a capture; `cfg` and what it points to stay the caller's and valid until it is closed. 0,
 * -EBUSY if SWPATH_MAX_CAPTURES are open, or -ENOMEM. */
int swpath_capture_open(
	struct swpath *sp, const struct swpath_capture_config *cfg, struct swpath_capture **out);

/* No packet is copied any more; what was can still be read. Waits for the workers' bursts at hand.
 */
void swpath_capture_stop(struct swpath_capture *c);

/* Stops it and frees it with what was not read. */
void swpath_capture_close(struct swpath_capture *c);

/* Takes copies in order of time, as far as workers have put them in, until `max_bytes` of packets
 * or none is left; `data` is in two parts, the second may be empty, both good until the callback
 * returns. Returns how many were taken. */
struct swpath_captured_data {
	const void *part[2];
	uint32_t len[2];
};
typedef void swpath_captured_cb(
	void *ctx, const struct swpath_captured *rec, const struct swpath_captured_data *data);
unsigned swpath_capture_read(
	struct swpath_capture *c, size_t max_bytes, swpath_captured_cb *cb, void *ctx);

/* Copies of packets of this port that found no room. */
uint64_t swpath_capture_lost(const struct swpath_capture *c, uint32_t port);
uint64_t swpath_capture_lost_all(const struct swpath_capture *c);

static inline void swpath_capture_add_port(uint64_t *ports, uint32_t id)
{
	ports[id / 64] |= UINT64_C(1) << id % 64;
}

static inline bool swpath_capture_has_port(const uint64_t *ports, uint32_t id)
{
	return !ports || (id <= HAL_PORT_MAX && ports[id / 64] >> id % 64 & 1);
}

#endif
