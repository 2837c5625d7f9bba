/* SPDX-License-Identifier: Apache-2.0
 *
 * Help: of the program, and of each command.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_HELP_H
#define SLUICE_TOOLS_SLUICECTL_HELP_H

#include "tools/sluicectl/command.h"

void help_program(void);
void help_command(const struct command *c);

#endif
