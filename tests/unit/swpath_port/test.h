/* SPDX-License-Identifier: Apache-2.0
 *
 * What the port tests share: the suites, mbufs, seeded random numbers and a port to test with.
 */
#ifndef SLUICE_TESTS_UNIT_SWPATH_PORT_TEST_H
#define SLUICE_TESTS_UNIT_SWPATH_PORT_TEST_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "swpath/port/port.h"

void add_frame_suite(void);
void add_segment_suite(void);
void add_vnet_suite(void);
void add_plain_suite(void);
void add_netlink_suite(void);
void add_dpdk_suite(void);
void add_kernel_suite(void);
void add_kernel_link_suite(void);
void add_rxbuf_suite(void);

extern struct rte_mempool *test_pool;
extern unsigned test_workers; /* swpath_n_workers() */
extern char test_rundir[64];  /* swpath_rundir() */

uint64_t rnd(void);
static inline uint32_t rnd_below(uint32_t n)
{
	return (uint32_t)(rnd() >> 16) % n;
}

/* A port of this class, opened; NULL with the message in test_err if that failed. */
extern char test_err[256];
struct swpath_port *port_open(
	const struct swpath_port_class *class, const struct swpath_port_config *cfg);
void port_close(struct swpath_port *port, bool delete_netdev);

/* What a device port of the test sent last (hal_port_tx). */
enum { SENT_MAX = 128 };
extern struct rte_mbuf *device_sent[SENT_MAX];
extern unsigned device_n_sent, device_room;

#endif
