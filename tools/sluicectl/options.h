/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl's command line.
 *
 * What: options of the program, and one or more commands with "--" between them, each with its own
 * options and arguments.
 * Ownership: texts are argv's.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_OPTIONS_H
#define SLUICE_TOOLS_SLUICECTL_OPTIONS_H

#include <stdbool.h>

/* Options that belong to one command, as bits. */
enum {
	WITH_MAY_EXIST = 1 << 0,
	WITH_IF_EXISTS = 1 << 1,
	WITH_STRICT = 1 << 2,
	WITH_ALL = 1 << 3,
	WITH_ID = 1 << 4,
	WITH_COLUMNS = 1 << 5,
};

struct words {
	const char *name; /* the command; NULL if only options were given */
	const char **args;
	unsigned n;
	unsigned with; /* WITH_ bits that were given */
	const char *id, *columns;
};

struct options {
	const char *rundir;
	double timeout_s; /* for each answer; 0 is for ever */
	bool json, no_wait, help, version;
	struct words *commands;
	unsigned n_commands;
};

/* Reads the command line. Ends the program with status 2 at mistakes. */
void options_read(struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* How a WITH_ option is written. */
const char *options_name(unsigned bit);

/* Prints the options that the program as a whole takes. */
void options_help(void);

#endif
