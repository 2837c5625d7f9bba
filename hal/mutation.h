/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded faults, by which the tests are judged.
 *
 * What: MUTATE(n, good, bad) is `good`, always, unless the build has the `mutations` option and
 * the environment variable SLUICE_MUTATION is n: then it is `bad`. Numbers are unique in the tree
 * (a test holds that).
 * Thread-safety: the number is read once.
 */
#ifndef SLUICE_HAL_MUTATION_H
#define SLUICE_HAL_MUTATION_H

#ifdef SLUICE_MUTATIONS
#include <stdlib.h>
static inline int mutation_active(void)
{
	static int n = -1;

	if (n < 0) {
		const char *s = getenv("SLUICE_MUTATION");
		n = s ? atoi(s) : 0;
	}
	return n;
}
#define MUTATE(N, GOOD, BAD) (mutation_active() == (N) ? (BAD) : (GOOD))
#else
#define MUTATE(N, GOOD, BAD) (GOOD)
#endif

#endif
