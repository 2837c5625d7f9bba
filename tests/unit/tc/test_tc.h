/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_TESTS_TC_H
#define SLUICE_TESTS_TC_H

#include <stdint.h>

#include "hal/match.h"

uint32_t test_rand(void);
void test_rand_seed(uint64_t seed);

/* A match that flower has keys for, in the one form that it is read back in (match.c). */
void random_match(struct hal_match *m);
void random_match_of(const struct hal_key *key, struct hal_match *m); /* that covers this packet */

void add_flower_suite(void);
void add_action_suite(void);
void add_answer_suite(void);
void add_bond_suite(void);

#endif
