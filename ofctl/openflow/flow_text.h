/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows as text, in the syntax that users of ovs-ofctl type and read.
 *
 * What: "table=0,priority=100,tcp,nw_dst=10.0.0.0/8,actions=output:2" to struct of_flow_mod, and
 * flow statistics to the lines of a flow dump.
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_FLOW_TEXT_H
#define SLUICE_OFCTL_OPENFLOW_FLOW_TEXT_H

#include <stddef.h>

#include "ofctl/openflow/message.h"

/* Port names, for reading (and printing, if by_number is set) them where a port number stands.
 * NULL members, and a NULL struct, mean numbers and reserved names only. */
struct of_port_names {
	uint32_t (*by_name)(void *ctx, const char *name);   /* OF_PORT_ANY: no such port */
	const char *(*by_number)(void *ctx, uint32_t port); /* NULL: no such port */
	void *ctx;
};

/* Parses one flow. For adds and modifies "actions=" must be there; for deletes it must not, and
 * "out_port=", "out_group=" and "cookie=VALUE/MASK" select. Returns 0, -ENOMEM, or -EINVAL with a
 * message in `err` that names the input and what was expected. On success the caller frees `fm`'s
 * instructions with of_instructions_free(). */
int of_flow_mod_parse(const char *text, enum of_flow_mod_command command,
	const struct of_port_names *names, struct of_flow_mod *fm, char *err, size_t n);

/* Parses what selects flows ("table=0,tcp,cookie=0x1/0xf,out_port=2"; "" is every flow). */
int of_flow_filter_parse(const char *text, const struct of_port_names *names,
	struct of_flow_filter *filter, char *err, size_t n);

/* Parses a list of actions and instructions ("output:1,goto_table:2"). */
int of_instructions_parse(const char *text, const struct of_port_names *names,
	struct of_instructions *ins, char *err, size_t n);

/* Parses a match only ("tcp,in_port=1"); for explain and trace. */
int of_match_parse(const char *text, const struct of_port_names *names, struct hal_match *match,
	char *err, size_t n);

/* Prints without surrounding blanks: "cookie=0x0, duration=1.5s, table=0, ... actions=output:2".
 * The text is the caller's to free(); NULL if memory ran out. */
char *of_flow_stats_format(const struct of_flow_stats *fs, const struct of_port_names *names);
char *of_instructions_format(const struct of_instructions *ins, const struct of_port_names *names);
char *of_actions_format(const struct of_actions *acts, const struct of_port_names *names);

/* Prints a port number or a reserved port's name, without allocating. Returns `buf`. */
const char *of_port_format(uint32_t port, const struct of_port_names *names, char *buf, size_t n);

/* Reads a port number or name. False if it is neither. */
bool of_port_parse(const char *text, const struct of_port_names *names, uint32_t *port);

#endif
