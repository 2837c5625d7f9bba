/* SPDX-License-Identifier: Apache-2.0
 *
 * sluice-simnic as a client of an instance that runs.
 */
#ifndef SLUICE_TOOLS_SIMNIC_CLIENT_H
#define SLUICE_TOOLS_SIMNIC_CLIENT_H

#include <stdbool.h>

/* Gives the instance a fault script (a file, "-": standard input, NULL: none), or ends it. Returns
 * the exit status, after a line on stderr if it failed. */
int nic_client_main(const char *rundir, const char *name, const char *script, bool stop);

/* Prints what the instance holds and has counted. Exit status. */
int nic_client_stats(const char *rundir, const char *name);

#endif
