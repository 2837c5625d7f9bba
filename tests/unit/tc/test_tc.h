/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_TESTS_TC_H
#define SLUICE_TESTS_TC_H

#include <stdint.h>

#include "drivers/tc/action.h"
#include "hal/match.h"

uint32_t test_rand(void);
void test_rand_seed(uint64_t seed);

/* A match that flower has keys for, in the one form that it is read back in (match.c). */
void random_match(struct hal_match *m);
void random_match_of(const struct hal_key *key, struct hal_match *m); /* that covers this packet */

#define TEST_METERS 50u /* that are there, from 1 on */

extern struct tc_action_env test_env;
/* The whole message; *list is the program's attribute in it. */
int test_encode(const struct hal_match *m, const struct hal_program *p, struct nl_msg **msg,
	struct nlattr **list, struct hal_reason *r);
void test_add_meter(struct hal_builder *b, uint32_t id);

void add_flower_suite(void);
void add_action_suite(void);
void add_answer_suite(void);
void add_bond_suite(void);
void add_step_suite(void);
void add_police_suite(void);
void add_filter_suite(void);
void add_leaving_suite(void);

#endif
