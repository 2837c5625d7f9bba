/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules and objects in the form of drivers/sim/protocol.h.
 *
 * Thread-safety: functions touch only their arguments.
 */
#ifndef SLUICE_DRIVERS_SIM_CODEC_H
#define SLUICE_DRIVERS_SIM_CODEC_H

#include <stddef.h>

#include "drivers/sim/protocol.h"
#include "hal/hal_driver.h"

/* Writes the rule into `buf`: struct sim_rule and its TLVs. Returns the bytes written, or -errno
 * with a reason: a bit of the match that no field names, a step that the protocol has no form for,
 * or a rule longer than `n` bytes. */
int sim_rule_encode(const struct hal_rule *rule, void *buf, size_t n, struct hal_reason *r);

/* Reads a rule from at most `n` bytes of `buf`. Returns the bytes it took, or -EBADMSG, -ENOMEM.
 * The caller frees *match and *program with free(). */
int sim_rule_decode(const void *buf, size_t n, struct hal_rule *rule, struct hal_cmatch **match,
	struct hal_program **program);

/* Writes the object into `buf`: struct sim_object and its description. Returns the bytes written,
 * or -errno with a reason. */
int sim_object_encode(const struct hal_object *obj, void *buf, size_t n, struct hal_reason *r);

#endif
