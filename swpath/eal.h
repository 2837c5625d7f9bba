/* SPDX-License-Identifier: Apache-2.0
 *
 * DPDK's environment: started once a process, and the pool of packet buffers.
 *
 * Without anything said it needs no hugepages, no PCI device and no shared configuration, and takes
 * ordinary memory. It stays up until the process ends, since DPDK cannot be started twice.
 * Thread-safety: control thread.
 */
#ifndef SLUICE_SWPATH_EAL_H
#define SLUICE_SWPATH_EAL_H

#include <stddef.h>

#include "swpath/swpath.h"

struct rte_mempool;

/* 0 or -errno with a message; nothing to do when it is up already. */
int swpath_eal_start(const struct swpath_config *cfg, char *err, size_t n);
struct rte_mempool *swpath_eal_pool(void);

/* Counts users: what DPDK left on disk is removed at exit only if nobody uses it any more. */
void swpath_eal_use(int change);

#endif
