/* SPDX-License-Identifier: Apache-2.0
 *
 * Suites of tests about bridges.
 */
#ifndef SLUICE_TESTS_BRIDGE_TEST_BRIDGE_H
#define SLUICE_TESTS_BRIDGE_TEST_BRIDGE_H

#include <CUnit/CUnit.h>

void suite_capture(void);
void suite_pcapng(void);

#endif
