/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the software path share.
 */
#ifndef SLUICE_TESTS_SWPATH_TEST_SWPATH_H
#define SLUICE_TESTS_SWPATH_TEST_SWPATH_H

#include <CUnit/CUnit.h>

#include <rte_mbuf.h>

#include "frames.h"
#include "hal/megaflow.h"

void suite_parse(void);
void suite_classifier(void);
void suite_edit(void);
void suite_kinds(void);
void suite_datapath(void);
void suite_program(void);
void suite_many(void);
void suite_meter(void);
void suite_tunnel(void);
void suite_capture(void);

/* A repeatable sequence. */
uint32_t test_rand(void);

struct rte_mempool *test_pool(void);

/* The frame in mbufs of at most `seg` bytes each (0: one). */
struct rte_mbuf *test_mbuf(const struct frame *f, size_t seg);

/* True if the packet has exactly these bytes. */
bool test_same_bytes(const struct rte_mbuf *m, const uint8_t *bytes, size_t len);

/* A megaflow with one reference, which is the caller's. `program` is taken over. */
struct hal_megaflow *test_megaflow(
	const struct hal_key *key, const struct hal_key *mask, struct hal_program *program);
unsigned test_megaflows_alive(void);

#endif
