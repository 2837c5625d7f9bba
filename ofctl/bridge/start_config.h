/* SPDX-License-Identifier: Apache-2.0
 *
 * What other_config of Open_vSwitch says that only a start of the daemon applies: CPUs and DPDK's
 * memory, under the names that Open vSwitch's users know.
 */
#ifndef SLUICE_OFCTL_BRIDGE_START_CONFIG_H
#define SLUICE_OFCTL_BRIDGE_START_CONFIG_H

#include <stdint.h>

struct ovsdb;

struct start_config {
	uint64_t pmd_cpus;      /* pmd-cpu-mask: a worker on each of them; 0: not given */
	uint64_t lcore_cpus;    /* dpdk-lcore-mask: for all other threads; 0: not given */
	unsigned socket_mem_mb; /* dpdk-socket-mem, of all sockets; 0: not given */
	char dpdk_extra[512];   /* dpdk-extra: arguments of the EAL, or "" */
};

/* What makes no sense is as if it were not given, and is logged. */
void start_config_read(const struct ovsdb *db, struct start_config *c);

/* Logs what is different in the database from `c`, with the advice to restart, and takes it over
 * into `c`, so that it is logged once. */
void start_config_compare(const struct ovsdb *db, struct start_config *c);

#endif
