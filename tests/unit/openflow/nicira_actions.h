/* SPDX-License-Identifier: Apache-2.0
 *
 * What stock tools make of actions: the text that a user gives, the bytes in OpenFlow 1.3 and what
 * a dump says of them (NULL: what was given), and both in 1.0 (NULL: as in 1.3).
 */
#ifndef SLUICE_TESTS_UNIT_OPENFLOW_NICIRA_ACTIONS_H
#define SLUICE_TESTS_UNIT_OPENFLOW_NICIRA_ACTIONS_H

struct nicira_action {
	const char *in, *out13, *hex13, *out10, *hex10;
};
extern const struct nicira_action nicira_actions[];
extern const unsigned n_nicira_actions;

#endif
