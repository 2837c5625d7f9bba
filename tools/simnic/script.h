/* SPDX-License-Identifier: Apache-2.0
 *
 * Fault scripts: what goes wrong in this eSwitch, and when.
 *
 * A script is lines of a verb and key=value words; # begins a comment.
 *
 *   refuse every=N [op=add|replace|del|object_set|object_del] [code=REASON] [text="WORDS"]
 *   late   every=N [op=...] [delay=MS] [text="WORDS"]   completes with an error after a while
 *   lose   every=N [op=...]                             done, but never completed
 *   full   after=N                                      no room beyond N rules
 *   reset  after=N | after_ms=MS                        forgets all rules, once
 *   slow   delay=MS                                     every completion takes that long
 *
 * Without op= it concerns operations on rules. On objects only refuse and late do anything, both
 * at once.
 *
 * REASON is a name of hal/reason.h in lower case (no_room, retry, unsupported_field, ...).
 * Threads: one.
 */
#ifndef SLUICE_TOOLS_SIMNIC_SCRIPT_H
#define SLUICE_TOOLS_SIMNIC_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/sim/protocol.h"

#define NIC_MAX_FAULTS 16

enum nic_fault_verb { FAULT_REFUSE, FAULT_LATE, FAULT_LOSE, FAULT_FULL, FAULT_RESET, FAULT_SLOW };

struct nic_fault {
	enum nic_fault_verb verb;
	uint32_t ops; /* bit 1 << SIM_ADD and so on: operations that it concerns */
	uint32_t every, after, after_ms, delay_ms;
	uint32_t code; /* enum hal_reason_code */
	char text[SIM_TEXT];
	uint32_t seen; /* operations that it concerned so far */
	bool over;
};

struct nic_script {
	struct nic_fault faults[NIC_MAX_FAULTS];
	unsigned n;
	uint64_t loaded_ms; /* monotonic */
};

/* What a script makes of one operation. */
struct nic_verdict {
	bool refuse, lose, full, reset;
	bool late; /* fails, but only after delay_ms */
	uint32_t delay_ms;
	uint32_t code;
	const char *text;
};

/* 0, or -EINVAL with words that name the line; *out is then unchanged. */
int nic_script_parse(const char *text, uint64_t now, struct nic_script *out, char err[SIM_TEXT]);

/* 0, -ENOENT if there is no such file, or -errno with words. */
int nic_script_load(const char *path, uint64_t now, struct nic_script *out, char err[SIM_TEXT]);

/* Judges an operation (SIM_ADD, SIM_OBJECT_SET and so on) while the device holds `rules`. */
struct nic_verdict nic_script_judge(struct nic_script *script, uint32_t op, uint32_t rules);

/* True if a reset by time is due. */
bool nic_script_reset_due(struct nic_script *script, uint64_t now);

#endif
