/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that are made to hit a program.
 *
 * What: some tens of templates a phase, each made by walking the tables and letting the packet
 * match the flows on the way, some of them bent afterwards; then packets from the templates, most
 * of them alike, so that what one packet put into a cache or a device serves the next.
 * Thread-safety: owned by one thread.
 */
#ifndef SLUICE_TESTS_DIFF_TRAFFIC_H
#define SLUICE_TESTS_DIFF_TRAFFIC_H

#include "program.h"

#define MAX_TEMPLATES 1200

struct traffic {
	struct program *p;
	struct model *templates;
	unsigned n_templates;
};

int traffic_init(struct traffic *t, struct program *p);
void traffic_free(struct traffic *t);

/* New templates for a phase in which about `packets` will be sent. */
void traffic_phase(struct traffic *t, unsigned phase, unsigned packets);

/* The next packet of the phase, number `i` in it. *port: 1 to PORTS, or 0 for LOCAL. */
unsigned traffic_packet(
	struct traffic *t, unsigned i, uint32_t seq, unsigned *port, uint8_t out[PACKET_MAX]);

#endif
