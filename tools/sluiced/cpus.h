/* SPDX-License-Identifier: Apache-2.0
 *
 * Which CPUs the daemon's threads run on.
 */
#ifndef SLUICE_TOOLS_SLUICED_CPUS_H
#define SLUICE_TOOLS_SLUICED_CPUS_H

#include <stdint.h>

/* Of the CPUs 0 to 63, those that this thread may use. */
uint64_t cpus_allowed(void);

/* Those that it may have for the asking: all that are there, less what a cpuset withholds. */
uint64_t cpus_usable(void);

/* Moves all threads that the process has now to the CPUs of the mask; those that they start later
 * are there too, unless they are pinned elsewhere as workers are. */
void cpus_confine(uint64_t cpus);

#endif
