/* SPDX-License-Identifier: Apache-2.0
 *
 * The HAL engine over a scripted device: what the suites share.
 */
#ifndef SLUICE_TEST_HAL_ENGINE_H
#define SLUICE_TEST_HAL_ENGINE_H

#include <CUnit/Basic.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "hal/device.h"

void caps_suite(void);
void ops_suite(void);
void counters_suite(void);
void batch_suite(void);

/* Opens the fake of this name; aborts the test if that fails. */
struct hal_device *open_fake(const char *name);

/* Submits one operation. Its token is `token`. True if it was accepted. */
bool submit_one(struct hal_device *dev, enum hal_op_type type, const struct hal_rule *rule,
	uint64_t token, struct hal_reason *r);

/* Submits and polls once: the completion's error, or 1 if it was rejected or none came. */
int run_one(struct hal_device *dev, enum hal_op_type type, const struct hal_rule *rule);

#endif
