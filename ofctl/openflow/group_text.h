/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups and meters as text, in the syntax that users of ovs-ofctl type and read.
 *
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_GROUP_TEXT_H
#define SLUICE_OFCTL_OPENFLOW_GROUP_TEXT_H

#include "ofctl/openflow/flow_text.h"

/* "group_id=1,type=select,selection_method=dp_hash,bucket=weight:10,actions=output:1,bucket=...".
 * To delete: "group_id=1", or "" for all. 0, -ENOMEM, or -EINVAL with a message in `err` that names
 * the input and what was expected. On success the caller frees gm->group with of_group_free(). */
int of_group_mod_parse(const char *text, enum of_group_command command,
	const struct of_port_names *names, struct of_group_mod *gm, char *err, size_t n);

/* "meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100,type=...". To delete:
 * "meter=1", or "" for all. */
int of_meter_mod_parse(const char *text, enum of_meter_command command, struct of_meter_mod *mm,
	char *err, size_t n);

/* An id alone, as it selects what to print: "group_id=1", "meter=1" (`key`=...), or "" for all. */
int of_id_parse(const char *text, const char *key, uint32_t all, uint32_t *id, char *err, size_t n);

/* Print. The text is the caller's to free(); NULL if memory ran out. */
char *of_group_format(const struct of_group *g, const struct of_port_names *names);
char *of_group_stats_format(const struct of_group_stats *gs);
char *of_meter_format(const struct of_meter_stats *ms);
char *of_meter_stats_format(const struct of_meter_stats *ms);

/* "all", "select", "indirect", "ff"; "default", "hash", "dp_hash". */
const char *of_group_type_name(enum of_group_type type);
const char *of_select_name(enum of_select select);

#endif
