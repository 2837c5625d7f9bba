/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that sluicectl knows.
 *
 * What: a command is an entry of a table. It either works on the copy of the database (`db`), and
 * then several of them make one transaction, or calls the daemon (`rpc`), and then it stands alone.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_COMMAND_H
#define SLUICE_TOOLS_SLUICECTL_COMMAND_H

#include <jansson.h>
#include <stdio.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/model.h"
#include "tools/sluicectl/options.h"
#include "tools/sluicectl/peer.h"
#include "tools/sluicectl/value.h"

struct session {
	const struct options *o;
	struct peer db;
	struct schema schema;
	struct model model; /* what commands read and change */
	FILE *out;          /* printed once the transaction has succeeded */
	int status;         /* the program's exit status then */
};

typedef void command_db(struct session *s, const struct words *w);
typedef int command_rpc(const struct options *o, const struct words *w); /* the exit status */

#define ANY_NUMBER 1000000u

struct command {
	const char *name;
	const char *usage;   /* the arguments */
	const char *summary; /* in a few words */
	const char *help;    /* what else there is to know, and examples */
	unsigned min, max;   /* arguments */
	unsigned with;       /* WITH_ options that it takes */
	command_db *db;
	command_rpc *rpc;
};

struct command_group {
	const char *title;
	const struct command *commands; /* ended by a NULL name */
};

extern const struct command bridge_commands[], port_commands[], controller_commands[],
	row_commands[], list_commands[], flow_commands[], group_commands[], offload_commands[],
	capture_commands[], daemon_commands[];

/* Ended by a NULL title. */
extern const struct command_group command_groups[];

/* The command that the words name, checked against what it takes. Ends the program with status 2,
 * and the nearest name, if that does not fit. */
const struct command *command_find(const struct words *w);
const struct command *command_named(const char *name);

/* ---- output of database commands ---- */

/* With --json, prints `json` (takes the reference) and returns true. */
bool print_json(struct session *s, json_t *json);

/* ---- what several commands need ---- */

/* The bridge of this name; ends the program, naming the nearest, if there is none. */
struct row *need_bridge(const struct session *s, const char *name);

/* The bridge that a port is attached to, the port that an interface belongs to; NULL if none. */
struct row *bridge_of_port(const struct session *s, const struct row *port);
struct row *port_of_interface(const struct session *s, const struct row *iface);

/* Makes a port with one interface of the same name and attaches it. */
struct row *attach_port(struct session *s, struct row *bridge, const char *name, const char *type);

/* Takes a port and its interfaces away. */
void detach_port(struct session *s, struct row *bridge, struct row *port);

/* Resolves references of values that commands read. */
struct value_reader session_reader(struct session *s);

/* Applies "COLUMN[:KEY]=VALUE" to a row. */
void set_column(struct session *s, struct row *r, const char *text);

/* The row that `text` names: ".", "@NAME", a uuid or its beginning, or a name. With `must`, the
 * program ends if there is none. */
struct row *find_record(struct session *s, const struct table *t, const char *text, bool must);

#endif
