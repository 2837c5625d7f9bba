/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a packet's VLAN tags after one was pushed or popped.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_TC_TAGS_H
#define SLUICE_DRIVERS_TC_TAGS_H

#include <stdbool.h>
#include <string.h>

#include "hal/key.h"
#include "hal/mutation.h"

static inline void tc_tags_push(
	struct hal_key *value, struct hal_key *mask, rte_be16_t tpid, rte_be16_t tci)
{
	value->vlan[1] = value->vlan[0];
	if (MUTATE(509, true, false))
		mask->vlan[1] = mask->vlan[0];
	value->vlan[0] = (struct hal_vlan){tpid, tci | RTE_BE16(HAL_VLAN_PRESENT)};
	memset(&mask->vlan[0], 0xff, sizeof(mask->vlan[0]));
}

/* Of a third tag nothing is known. */
static inline void tc_tags_pop(struct hal_key *value, struct hal_key *mask)
{
	value->vlan[0] = value->vlan[1];
	mask->vlan[0] = mask->vlan[1];
	memset(&value->vlan[1], 0, sizeof(value->vlan[1]));
	memset(&mask->vlan[1], 0, sizeof(mask->vlan[1]));
}

#endif
