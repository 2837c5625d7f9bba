/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch at a glance.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_SHOW_H
#define SLUICE_TOOLS_SLUICECTL_SHOW_H

#include "tools/sluicectl/command.h"

void show(struct session *s);

#endif
