/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares what the switches made of each packet.
 */
#ifndef SLUICE_TESTS_DIFF_COMPARE_H
#define SLUICE_TESTS_DIFF_COMPARE_H

#include "wire.h"

/* What was sent. */
struct sent {
	uint8_t *frame;
	uint16_t len;
	uint8_t port, phase;
};

struct verdict {
	unsigned forwarded; /* packets of which something came out of the first switch */
	unsigned divergent; /* packets that a switch treated otherwise than the first one */
	unsigned lost;      /* outputs that lossy switches owe, */
	unsigned harmed;    /* and packets that these are of */
	unsigned copies;    /* the most outputs of one packet by one port of the first switch */
};

/* Compares the outputs for packets [0, n) with the first peer's, writes at most `limit` divergences
 * to `report`. */
struct verdict compare(
	struct wire *w, const struct sent *sent, unsigned n, unsigned limit, FILE *report);

#endif
