/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of drivers of a contract-test that knows the fake device only.
 */
#include "fake.h"

const struct hal_driver *const hal_drivers[] = {&fake_driver, NULL};
