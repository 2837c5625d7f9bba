/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection table without a software path around it: packets go through one CT step each, and
 * the test holds the clock.
 */
#ifndef SLUICE_TESTS_CONNTRACK_LAB_H
#define SLUICE_TESTS_CONNTRACK_LAB_H

#include <CUnit/CUnit.h>

#include "frames.h"
#include "swpath/ct/ct.h"

struct lab {
	struct conntrack *ct;
	struct ct_frags *frags;
	uint64_t now_ms;
	unsigned established, gone; /* calls */
	struct hal_connection dir[2];
	uint64_t id;
	unsigned passes;
};

void lab_open(struct lab *l, uint32_t max_conns);
void lab_close(struct lab *l);
void lab_sleep(struct lab *l, uint64_t ms); /* in steps, with ticks */

/* The ends of the tests' connections, as "10.0.0.1" or "2001:db8::1". */
struct ends {
	const char *src, *dst;
	uint16_t sport, dport;
};

/* Frames; checksums are right. */
void lab_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t seq, uint32_t ack,
	uint16_t win, int wscale, size_t payload);
void lab_udp(struct frame *f, const struct ends *e, size_t payload);
void lab_echo(struct frame *f, const struct ends *e, uint16_t id, bool reply, size_t payload);
/* An ICMP error (unreachable) from e->src to e->dst that quotes a frame's IP packet, cut to
 * `quoted` bytes (0: whole). */
void lab_error(struct frame *f, const struct ends *e, const struct frame *inner, size_t quoted);
/* The nth fragment of a frame, in fragments of `size` bytes of payload (a multiple of 8). */
void lab_fragment(struct frame *f, const struct frame *whole, unsigned nth, size_t size);

/* What came of a packet. */
struct outcome {
	uint32_t state; /* HAL_CS_* */
	int drop;
	struct hal_key key; /* parsed anew */
	struct frame out;
	bool sums_right;
};

/* A CT step. */
struct hal_act_ct lab_ct(uint16_t zone, uint16_t flags);
struct hal_act_ct lab_nat(uint16_t zone, uint16_t nat_flags, const char *min, const char *max,
	uint16_t port_min, uint16_t port_max);

/* Passes a frame through the step, as a packet that is new. */
uint32_t lab_pass(
	struct lab *l, const struct frame *f, const struct hal_act_ct *act, struct outcome *out);

/* The same with the metadata of `meta` (ct_state and so on) to begin with. */
uint32_t lab_pass_on(struct lab *l, const struct frame *f, const struct hal_act_ct *act,
	const struct hal_key *meta, struct outcome *out);

/* The address of an outcome's key, as text in a static buffer. */
const char *lab_src(const struct outcome *o);
const char *lab_dst(const struct outcome *o);

/* The only connection of a zone; false if there is none or more than one. */
bool lab_only(struct lab *l, int zone, struct conntrack_entry *e);

struct rte_mbuf *lab_mbuf(const struct frame *f);

void suite_tcp(void);
void suite_proto(void);
void suite_nat(void);
void suite_bounds(void);
void suite_fragments(void);
void suite_threads(void);

#define NEW (HAL_CS_TRK | HAL_CS_NEW)
#define EST (HAL_CS_TRK | HAL_CS_EST)
#define RPL (HAL_CS_TRK | HAL_CS_EST | HAL_CS_RPL)
#define INV (HAL_CS_TRK | HAL_CS_INV)

#endif
