/* SPDX-License-Identifier: Apache-2.0
 *
 * sluiced's command line.
 */
#ifndef SLUICE_TOOLS_SLUICED_OPTIONS_H
#define SLUICE_TOOLS_SLUICED_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *rundir;
	char *db_file; /* NULL: "<rundir>/conf.db" when the run directory was given */
	const char *log_file;
	const char *libexec;
	const char *remotes[16]; /* further database sockets */
	unsigned n_remotes;
	unsigned workers; /* 0: not given, as the next two */
	uint64_t worker_cpus;
	unsigned memory_mb;
	int log_level; /* enum log_level, or -1 */
	bool cleanup;  /* delete internal netdevs at exit */
};

/* Reads the command line; prints and exits on --help, --version and mistakes. */
void options_read(struct options *o, int argc, char **argv);

#endif
