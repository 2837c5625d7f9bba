/* SPDX-License-Identifier: Apache-2.0
 *
 * Read-copy-update with quiescent states (DPDK's rte_rcu_qsbr).
 *
 * What: one domain for the whole process. A reader thread registers, goes online, and reports a
 * quiescent state now and then: between two reports it may use what it found under RCU. A writer
 * unlinks something and hands it to rcu_defer(), which frees it once every online reader has
 * passed a quiescent state.
 * Threads: readers are workers and every thread that reads shared structures. rcu_defer() may be
 * called by any thread; deferred calls run in rcu_reclaim(), which the control thread calls.
 */
#ifndef SLUICE_HAL_BASE_RCU_H
#define SLUICE_HAL_BASE_RCU_H

#include <stdint.h>

#define RCU_MAX_READERS 64

int rcu_init(void); /* once, before any thread; 0 or -ENOMEM */

/* Registers the calling thread and puts it online. Returns its reader number, which the other
 * calls take, or -ENOSPC. */
int rcu_reader_register(void);
void rcu_reader_unregister(int reader);

void rcu_quiescent(int reader); /* holds no reference from before */
void rcu_offline(int reader);   /* about to sleep */
void rcu_online(int reader);

/* Calls fn(arg) after a grace period, which begins with the next rcu_reclaim() or rcu_drain(), in
 * order of the defers of one thread. */
void rcu_defer(void (*fn)(void *arg), void *arg);

/* Runs what is due; never waits. Returns the number of calls still pending. Control thread, which
 * must itself be quiescent (it registers no reader). */
unsigned rcu_reclaim(void);

/* Waits for a grace period and runs everything deferred before. Not from a reader. */
void rcu_drain(void);

#endif
