/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded faults (hal/mutation.h) of the program: the driver says which is on when it loads it.
 */
#ifndef SLUICE_DRIVERS_EBPF_MUTATION_BPF_H
#define SLUICE_DRIVERS_EBPF_MUTATION_BPF_H

#ifdef SLUICE_MUTATIONS
#include <linux/types.h>

const volatile int mutation;
#define MUTATE(N, GOOD, BAD) (mutation == (N) ? (BAD) : (GOOD))
#else
#define MUTATE(N, GOOD, BAD) (GOOD)
#endif

#endif
