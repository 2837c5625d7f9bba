/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the unit tests of hal/: the suites, and random numbers that a seed reproduces
 * (environment variable SLUICE_SEED; the seed in use is printed).
 */
#ifndef SLUICE_TESTS_UNIT_HAL_TEST_H
#define SLUICE_TESTS_UNIT_HAL_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CUnit/CUnit.h>

#include "hal/field.h"
#include "hal/match.h"

/* Rounds of a random test: a tenth where sanitizers make each ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define N_ROUNDS(N) ((N) / 10)
#else
#define N_ROUNDS(N) (N)
#endif

uint64_t rnd(void);
void rnd_bytes(void *p, size_t n);

static inline unsigned rnd_below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

/* A value or mask of the field in wire form, with no bit outside the field. */
void rnd_value(enum hal_field_id id, uint8_t *value);

/* A mask that the field allows: exact for those that take none, else exact, prefix, sparse or any,
 * never zero. */
void rnd_mask(enum hal_field_id id, uint8_t *mask);

/* Turns value and mask of ip_frag into the pair that stands for all that say the same of packets
 * that exist, which is the one that text is read as. */
void canonical_frag(uint8_t *value, uint8_t *mask);

/* Fails with the text of what was compared. */
void expect_text(const char *got, const char *want, const char *file, int line);
#define EXPECT_TEXT(GOT, WANT) expect_text((GOT), (WANT), __FILE__, __LINE__)

/* Fails with a name that says where in a table or loop it happened. */
void expect(bool ok, const char *what, const char *item, const char *file, int line);
#define EXPECT(OK, ITEM) expect((OK), #OK, (ITEM), __FILE__, __LINE__)

extern CU_TestInfo action_tests[], cmatch_tests[], field_tests[], field_text_tests[], hash_tests[],
	hmap_tests[], log_tests[], match_tests[], match_text_tests[], prereq_tests[], rcu_tests[],
	stable_tests[], reason_tests[], tlv_tests[];

#endif
