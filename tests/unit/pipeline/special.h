/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows with Nicira's actions, built rather than parsed: a flow as text, whose list of actions
 * `n` actions follow.
 */
#ifndef SLUICE_TESTS_UNIT_PIPELINE_SPECIAL_H
#define SLUICE_TESTS_UNIT_PIPELINE_SPECIAL_H

#include "tests/unit/pipeline/test.h"

enum of_error special_mod(enum of_flow_mod_command command, const char *text,
	const struct of_action *acts, unsigned n);
#define SPECIAL(TEXT, ...)                                                        \
	special_mod(OF_FLOW_ADD, (TEXT), (const struct of_action[]){__VA_ARGS__}, \
		sizeof((const struct of_action[]){__VA_ARGS__}) / sizeof(struct of_action))

#define CLAUSE(ID, K, N)                                                                      \
	{                                                                                     \
		.type = OFACT_CONJUNCTION, .conj_id = (ID), .clause = (K)-1, .n_clauses = (N) \
	}

/* The datapath ports that a packet is sent to, as "1,2"; "-": none. */
const char *outputs(const char *packet);

extern CU_TestInfo bundle_tests[], conjunction_tests[], learn_tests[], monitor_tests[],
	pause_tests[], register_tests[];

#endif
