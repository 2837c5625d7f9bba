/* SPDX-License-Identifier: Apache-2.0
 *
 * A port class without a wire: tests put frames in and look at what came out.
 */
#ifndef SLUICE_TESTS_SWPATH_FAKE_PORT_H
#define SLUICE_TESTS_SWPATH_FAKE_PORT_H

#include <rte_mbuf.h>

#include "swpath/worker.h"

extern const struct swpath_port_class fake_class;      /* can wake its worker */
extern const struct swpath_port_class fake_deaf_class; /* has to be polled */

/* Test's thread: hands a packet to the port, which takes it over. */
void fake_receive(struct swpath *sp, uint32_t port, struct rte_mbuf *m);

/* Frames that left so far, and the i-th of them (still the port's). */
unsigned fake_sent(struct swpath *sp, uint32_t port);
const struct rte_mbuf *fake_frame(struct swpath *sp, uint32_t port, unsigned i);
/* How often rx was called. */
unsigned fake_looks(struct swpath *sp, uint32_t port);
void fake_forget(struct swpath *sp, uint32_t port);

/* Waits at most two seconds for `n` frames to have left. */
bool fake_wait(struct swpath *sp, uint32_t port, unsigned n);

#endif
