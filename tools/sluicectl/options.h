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
	WITH_WRITE = 1 << 6,
	WITH_COUNT = 1 << 7,
	WITH_SECONDS = 1 << 8,
	WITH_SNAPLEN = 1 << 9,
	WITH_LAST = WITH_SNAPLEN,
};

struct words {
	const char *name; /* the command; NULL if only options were given */
	const char **args;
	unsigned n;
	unsigned with; /* WITH_ bits that were given */
	const char *id, *columns, *write, *count, *seconds, *snaplen;
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

/* How a WITH_ option is written, and what its value is: "=FILE", or "". */
const char *options_name(unsigned bit);
const char *options_value(unsigned bit);

/* Arguments from the one at `first` on as one, with spaces between: a match may be given in pieces.
 * The caller frees it. */
char *words_joined(const struct words *w, unsigned first);

/* Prints the options that the program as a whole takes. */
void options_help(void);

#endif
