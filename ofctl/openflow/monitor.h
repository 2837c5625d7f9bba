/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the agent: flow monitors of a connection (OpenFlow 1.4, 7.3.5.17).
 *
 * What: each change of a flow is told to a connection once, whichever of its monitors want it.
 * A connection that leaves more than MONITOR_BACKLOG bytes of that unread is paused: it hears only
 * that flows are gone that it knew, and, when it has read all, of what came and was changed
 * meanwhile. So what is queued for it is bounded by that and the number of flows.
 * Threads: the control thread.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_MONITOR_H
#define SLUICE_OFCTL_OPENFLOW_MONITOR_H

#include "ofctl/openflow/conn.h"

struct hal_cmatch;

#define MONITORS_MAX 1024             /* of a connection */
#define MONITOR_BACKLOG (128 * 1024u) /* bytes */

struct of_monitor {
	LIST_ENTRY(of_monitor) entry;
	uint32_t id;
	uint16_t flags; /* OF_MONITOR_* */
	uint8_t table;
	uint32_t out_port, out_group;
	struct hal_cmatch *match; /* owned */
	bool fresh;               /* of the request that is being answered */
};

LIST_HEAD(of_monitor_list, of_monitor);

struct of_monitors {
	struct of_monitor_list list;
	unsigned n;
	uint64_t seen;   /* number of the last change */
	uint64_t paused; /* of the last one before it paused; 0: it did not */
	/* Updates, in bytes, and where in what the channel queued the last of them ends. */
	uint64_t unread, end;
	/* What is being told: in `updates`, if `telling`. */
	bool telling, abbreviated;
	uint32_t abbrev_xid; /* of the last abbreviation, if `abbreviated` */
	struct of_reply updates;
};

/* A body of requests, or one of Nicira's or the ONF's to cancel. */
enum of_error of_serve_monitor(struct of_conn *conn, const uint8_t *msg, struct of_rd r);
enum of_error of_serve_monitor_cancel(struct of_conn *conn, struct of_rd r);
void of_monitors_free(struct of_conn *conn);

/* For struct pipeline_ops. */
void of_monitors_changed(void *ctx, struct pl_bridge *br, const struct of_flow_change *c);
void of_monitors_changes_end(void *ctx, struct pl_bridge *br, bool lost);

/* Goes on after a pause if all was read. */
void of_monitors_resume(struct of_conn *conn);

/* Answers a request with the flows that its monitors begin with. */
void of_monitors_begin(struct of_conn *conn, const uint8_t *msg, const struct of_monitor *only);

#endif
