/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles: what kinds of eSwitch there are, as data.
 */
#ifndef SLUICE_TOOLS_SIMNIC_PROFILE_H
#define SLUICE_TOOLS_SIMNIC_PROFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "hal/caps.h"

struct nic_profile {
	const char *name;
	const char *summary;
	const struct hal_caps *caps;
	bool scripted; /* reads a fault script when it starts */
};

extern const struct nic_profile nic_profiles[]; /* up to one without a name */

const struct nic_profile *nic_profile_find(const char *name);
const char *nic_object_name(uint32_t type); /* NULL: no profile has such */
void nic_profiles_print(FILE *out, bool json);

#endif
