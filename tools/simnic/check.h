/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging programs: what the eSwitch has of steps, arguments, ports and objects.
 */
#ifndef SLUICE_TOOLS_SIMNIC_CHECK_H
#define SLUICE_TOOLS_SIMNIC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/sim/protocol.h"

struct nic;

/* True if the eSwitch can do the steps; else `done` says what blocks it. *may_hand_up says that one
 * of them may hand the packet up. */
bool nic_check_steps(const struct nic *nic, const uint8_t *tlvs, size_t len, bool *may_hand_up,
	struct sim_done *done);

/* The same of a group's bucket: it may not hand the packet up, nor hold another group. */
bool nic_check_bucket(
	const struct nic *nic, const uint8_t *tlvs, size_t len, struct sim_done *done);

#endif
