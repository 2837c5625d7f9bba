/* SPDX-License-Identifier: Apache-2.0
 *
 * The bridge layer: turns the database into running bridges and writes status back.
 *
 * What: after every client transaction the rows of Open_vSwitch, Bridge, Port, Interface and
 * Controller are compared with what runs; what differs is made so. What comes of it (port
 * numbers, errors, link state, statistics) is written back, and cur_cfg follows next_cfg only
 * after everything was applied. It also answers the RPC socket.
 * Thread-safety: control thread only.
 */
#ifndef SLUICE_OFCTL_BRIDGE_H
#define SLUICE_OFCTL_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ofctl/bridge/start_config.h"

struct bridges;
struct event_base;
struct host;
struct offload;
struct of_agents;
struct ovsdb;
struct pipeline;
struct swpath;

struct bridges_config {
	struct event_base *base;
	struct ovsdb *db;
	struct swpath *sp;
	struct offload *ol;
	struct pipeline *pl;
	struct of_agents *agents;
	const char *rundir;
	const char *libexec; /* where helper programs are, or NULL */
	struct host *host;
	struct start_config start; /* with which the daemon was started */
};

/* Brings the database's configuration to life. 0 or -errno. */
int bridges_open(const struct bridges_config *cfg, struct bridges **out);

/* Takes bridges down. Internal netdevs stay when `keep_netdevs`. */
void bridges_close(struct bridges *b, bool keep_netdevs);

/* For struct swpath_ops: ctx is a struct bridges **, filled by bridges_open's caller. */
void bridges_port_changed(struct bridges *b, unsigned port);

#endif
