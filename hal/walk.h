/* SPDX-License-Identifier: Apache-2.0
 *
 * Going over all steps of a program, nested lists included.
 *
 * Thread-safety: reads its arguments only.
 */
#ifndef SLUICE_HAL_WALK_H
#define SLUICE_HAL_WALK_H

#include "hal/action.h"

/* Calls `cb` for each step, a nesting one before what it nests; stops when it returns non-zero and
 * returns that. -EINVAL if the steps do not fill their list. */
typedef int hal_step_cb(void *ctx, const struct hal_action *step);
int hal_program_walk(const struct hal_program *p, hal_step_cb *cb, void *ctx);

#endif
