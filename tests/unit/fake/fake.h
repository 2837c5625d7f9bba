/* SPDX-License-Identifier: Apache-2.0
 *
 * A device in memory that does what a test says, behind the door that real drivers have.
 *
 * What: fake_driver opens "fake:<name>"; fake_get(<name>) is the device behind it, which outlives
 * its opening. Everything is accepted and completes at the next poll unless scripted otherwise.
 * Thread-safety: all functions lock the device.
 */
#ifndef SLUICE_TESTS_FAKE_H
#define SLUICE_TESTS_FAKE_H

#include "hal/device.h"
#include "hal/hal.h"

extern const struct hal_driver fake_driver;

struct fake;

struct fake *fake_get(const char *name); /* made at the first call */
void fake_free_all(void);                /* no device may be open */

struct hal_caps *fake_caps(struct fake *f); /* what the next open says */

/* Scripts; `n` is how often, UINT_MAX: always. */
void fake_reject(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code);
void fake_fail_late(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code);
void fake_lose(struct fake *f, unsigned n);                   /* done, but never completed */
void fake_repeat(struct fake *f, unsigned n);                 /* completed twice */
void fake_refuse_field(struct fake *f, enum hal_field_id id); /* by check: FIELD_INVALID ends it */
void fake_no_bind(struct fake *f, uint32_t port);             /* 0 ends it */
void fake_max_rules(struct fake *f, unsigned n);

void fake_hold(struct fake *f, bool hold);   /* completions wait */
void fake_block(struct fake *f, bool block); /* every call waits, as in a stuck system call */
void fake_kill(struct fake *f);              /* gone, with its rules */
void fake_cut(struct fake *f);               /* gone, but it keeps its rules */
void fake_revive(struct fake *f);
void fake_reset(struct fake *f); /* rules and ports lost without being gone */

/* Packets that hit a rule in the device. False: it has no such rule. */
bool fake_hit(struct fake *f, const struct hal_ufid *ufid, uint64_t packets, uint64_t bytes);
/* Hits by the clock from now on, packets of 64 bytes a second; every reading is up to date. */
bool fake_stream(struct fake *f, const struct hal_ufid *ufid, unsigned pps);
void fake_restart_counters(struct fake *f); /* all at 0, with another generation */

/* What somebody does behind the driver's back. False: there is no such rule, or there is one. */
bool fake_remove(struct fake *f, const struct hal_ufid *ufid);
bool fake_spoil(struct fake *f, const struct hal_ufid *ufid); /* dumped without match and program */
bool fake_change(struct fake *f, const struct hal_rule *rule);
bool fake_plant(struct fake *f, const struct hal_rule *rule);
/* Dumps tell of a rule that is not there, as one that was deleted a moment ago; NULL ends it. */
void fake_ghost(struct fake *f, const struct hal_rule *rule);
void fake_no_dumps(struct fake *f, bool on); /* it cannot list its rules */

/* What it has and has seen. */
unsigned fake_rules(struct fake *f);
bool fake_has(struct fake *f, const struct hal_ufid *ufid);
bool fake_program_is(
	struct fake *f, const struct hal_ufid *ufid, const struct hal_program *program);
bool fake_bound(struct fake *f, uint32_t port);
unsigned fake_ops(struct fake *f, enum hal_op_type type); /* accepted so far */
unsigned fake_checks(struct fake *f);
unsigned fake_dumps(struct fake *f);    /* pieces */
unsigned fake_overlaps(struct fake *f); /* calls at the same time as another one */

/* Objects. */
unsigned fake_objects(struct fake *f);
unsigned fake_objects_of(struct fake *f, enum hal_object_type type);
/* A description, or NULL. Good until the object changes. */
const void *fake_object(struct fake *f, enum hal_object_type type, uint32_t id, uint32_t *len);
bool fake_count_object(
	struct fake *f, enum hal_object_type type, uint32_t id, const struct hal_object_stats *s);
void fake_refuse_objects(struct fake *f, unsigned n, enum hal_reason_code code); /* set fails */
void fake_keep_objects(struct fake *f, unsigned n);                              /* del fails */
/* What must never be: a rule that names an object which is not there, an object deleted under a
 * rule, or (between two operations) a rule that leads to a chain without rules. */
unsigned fake_dangling(struct fake *f);
unsigned fake_broken_chains(struct fake *f);
/* The program that it holds, as text. */
void fake_program(struct fake *f, const struct hal_ufid *ufid, char *buf, size_t n);

/* A rule out of nothing: `in_port` and eth_dst ...:<n>, sending to `out` (0: drop). The caller
 * frees match and program, or uses fake_rule_free(). */
void fake_rule(struct hal_rule *rule, uint32_t n, uint32_t in_port, uint32_t out);
void fake_rule_free(struct hal_rule *rule);

#endif
