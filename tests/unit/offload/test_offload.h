/* SPDX-License-Identifier: Apache-2.0
 *
 * The offload engine over a scripted device: what the suites share.
 *
 * Every test begins with begin() and ends with end(): one engine, the fake device of the given
 * name with ports 1 to 4 bound, and megaflows made by mf_new().
 */
#ifndef SLUICE_TEST_OFFLOAD_H
#define SLUICE_TEST_OFFLOAD_H

#include <CUnit/Basic.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "offload/objects.h"
#include "offload/offload.h"

void place_suite(void);
void retry_suite(void);
void change_suite(void);
void counters_suite(void);
void trouble_suite(void);
void adopt_suite(void);
void audit_suite(void);
void churn_suite(void);
void objects_suite(void);
void meter_suite(void);
void chain_suite(void);
void connection_suite(void);
void hold_suite(void);

struct test_mf {
	struct hal_megaflow mf;
	struct hal_sw_counter sw1 __attribute__((aligned(HAL_CACHE_LINE))); /* of a second worker */
	struct hal_rule rule; /* owns match and program */
	_Atomic bool withdrawn;
	_Atomic bool released;
	uint64_t final_packets; /* hw_packets when it was said to be withdrawn */
};

extern struct offload *ol;
extern struct fake *fake;
extern struct offload_config config; /* for the next begin() */
extern _Atomic unsigned device_changes;

void begin(const char *name); /* opens an engine with one device */
void end(void);
void open_engine(const char *name); /* the same without ports */
void bind_port(uint32_t port);

/* From `in_port` to eth_dst `n`, sending to `out` (0: drop). The test holds a reference. */
struct test_mf *mf_new(uint32_t n, uint32_t in_port, uint32_t out);
/* The same with any program, which is taken over; in a chain if `chain` is not 0. */
struct test_mf *mf_built(uint32_t n, uint32_t in_port, uint32_t chain, struct hal_builder *b);
/* Steps for it. */
void build_meter(struct hal_builder *b, uint32_t id);
void build_recirc(struct hal_builder *b, uint32_t id);
void build_trunc(struct hal_builder *b, uint32_t max_len);
void build_ct(struct hal_builder *b, uint16_t zone);
void mf_put(struct test_mf *t); /* the test's reference; checks that it was the last one */

void live(struct test_mf *t);
void withdraw(struct test_mf *t, struct test_mf *successor);
void sw_packets(struct test_mf *t, uint64_t n); /* n packets pass in software */
uint64_t hw_packets(struct test_mf *t);

/* Barrier, refresh and audit, waited for. Milliseconds that it took. */
unsigned barrier(void);
unsigned refresh(void);
unsigned audit(void);

struct hal_offload_slot slot(struct test_mf *t);
struct offload_device_info info(void);

/* Waits until the condition is true, at most 3 s. */
#define EVENTUALLY(COND)                        \
	do {                                    \
		unsigned ms_ = 0;               \
		while (!(COND) && ms_++ < 3000) \
			sleep_ms(1);            \
		CU_ASSERT(COND);                \
	} while (0)
void sleep_ms(unsigned ms);

#define PLACED(T)                                                                  \
	(slot(T).placement == PLACEMENT_PLACED && fake_has(fake, &(T)->mf.ufid) && \
		fake_program_is(fake, &(T)->mf.ufid, (T)->mf.program))
/* In the device, with a program of the device's own. */
#define PLACED_AS(T, TEXT) (slot(T).placement == PLACEMENT_PLACED && program_matches(T, TEXT))
bool program_matches(struct test_mf *t, const char *text); /* '#' stands for a number */
#define REFUSED(T, CODE) \
	(slot(T).placement == PLACEMENT_REFUSED && slot(T).reason.code == HAL_REASON_##CODE)

#endif
