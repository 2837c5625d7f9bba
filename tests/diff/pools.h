/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_TESTS_DIFF_POOLS_H
#define SLUICE_TESTS_DIFF_POOLS_H

#include "program.h"

/* Chooses the values that occur in a program. */
void pools_fill(struct rng *r, struct value pool[D_MAX][POOL]);

#endif
