/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule operations of the eSwitch.
 */
#ifndef SLUICE_TOOLS_SIMNIC_OPERATION_H
#define SLUICE_TOOLS_SIMNIC_OPERATION_H

#include "tools/simnic/nic.h"

/* Does an ADD, REPLACE or DEL, and completes it as the fault script wants it. */
void nic_operation(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const uint8_t *body, size_t len);

/* The final counter of a rule that was deleted not long ago. */
bool nic_tomb_find(const struct nic *nic, const struct hal_ufid *ufid, struct sim_counter *out);

/* The errno that goes with a reason that a fault script names. */
int nic_reason_errno(uint32_t reason);

#endif
