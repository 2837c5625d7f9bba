/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch's side of OpenFlow: connections of a bridge, and what is done with their messages.
 *
 * What: struct of_agents is all of the daemon's agents; struct of_agent serves one bridge: it
 * listens (the management socket, ptcp:, pssl:, punix:), keeps connections to controllers (tcp:,
 * ssl:, unix:) with back-off and inactivity probes, decodes requests, calls the pipeline, and fans
 * the pipeline's events out to those connections that want them. Why: only this folder knows wire
 * formats; the bridge layer configures, the pipeline acts. Threads: the control thread only.
 * Nothing here blocks: what a slow controller does not read is queued up to a bound, and packet-ins
 * beyond it are dropped and counted.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_AGENT_H
#define SLUICE_OFCTL_OPENFLOW_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ofctl/pipeline/pipeline.h"

struct conntrack_match;
struct event_base;
struct of_agent;
struct of_agents;

/* Wire versions, for of_agent_set_versions(). */
#define OF_VERSION_10 0x01
#define OF_VERSION_13 0x04

/* All agents of the daemon. NULL if memory ran out. Free after every agent is gone. */
struct of_agents *of_agents_create(struct event_base *base);
void of_agents_free(struct of_agents *all);

/* Fills `ops` for pipeline_open(): events go to the agent of the bridge that they are about. */
void of_agents_events(struct of_agents *all, struct pipeline_ops *ops);

/* What the agents ask of others than the pipeline; NULL members: it cannot be done. Thread: the
 * control thread. */
struct of_agents_ops {
	/* Forgets the tracked connections that match; NULL: all. */
	void (*ct_flush)(void *ctx, const struct conntrack_match *match);
	void *ctx;
};
void of_agents_set_ops(struct of_agents *all, const struct of_agents_ops *ops);

/* Files in PEM form that ssl: and pssl: targets need; "" where one is not known. They are read
 * again when they changed. */
struct of_tls_config {
	const char *private_key, *certificate;
	const char *ca_cert; /* who signs the certificates of peers */
	bool bootstrap; /* takes ca_cert from the first controller, where there is no such file */
};
/* For connections made from now on, which are tried at once if the files are others than before;
 * NULL: there are none. */
void of_agents_set_tls(struct of_agents *all, const struct of_tls_config *cfg);

/* What multipart "description" says; texts are copied, NULL leaves a default. */
struct of_agent_desc {
	const char *manufacturer, *hardware, *software, *serial, *datapath;
};

/* A new agent without listeners and controllers, in fail mode standalone: table 0 gets a flow
 * "priority=0 actions=NORMAL" if it is so. `br` must outlive the agent. NULL if memory ran out. */
struct of_agent *of_agent_create(struct of_agents *all, struct pipeline *pl, struct pl_bridge *br);

/* Closes every connection (telling nobody) and unlinks sockets that it made. */
void of_agent_free(struct of_agent *agent);

struct of_agent *of_agent_find(struct of_agents *all, const struct pl_bridge *br);

void of_agent_set_desc(struct of_agent *agent, const struct of_agent_desc *desc);

/* Versions that may be spoken: bit (1 << wire version); 0 means all that are known. What is
 * not spoken here is not allowed, even if that leaves none. Connections that speak another one are
 * closed. */
void of_agent_set_versions(struct of_agent *agent, uint32_t bitmap);

/* "standalone": while there is no controller, or none was connected for three inactivity probe
 * intervals, the bridge forwards as a learning switch. "secure": only flows decide. A change
 * removes every flow when no controller is configured (and, to standalone, adds the flow that
 * forwards normally); so does going from no controller to some and back. */
void of_agent_set_fail_mode(struct of_agent *agent, enum pl_fail_mode mode);

/* Listens at "punix:PATH", "ptcp:[PORT][:HOST]" (default 6653, any address), "pssl:..." alike, for
 * service connections. 0 or -errno with a message. Connections accepted here get no asynchronous
 * messages but those that they ask for. An old socket at PATH is replaced. */
int of_agent_listen(struct of_agent *agent, const char *target, char *err, size_t n);
void of_agent_unlisten(struct of_agent *agent, const char *target);

#define OF_AUXILIARIES_MAX 15u

/* A row of the database's Controller table. */
struct of_controller_config {
	const char *target;        /* "tcp:HOST[:PORT]", "ssl:...", "unix:PATH", or passive */
	int inactivity_probe_ms;   /* < 0: default (5000), 0: never probe */
	unsigned max_backoff_ms;   /* 0: default (8000) */
	unsigned local_backoff_ms; /* first step, 0: default (1000) */
	bool no_async;             /* enable_async_messages=false */
	bool held;                 /* configured, but not connected to */
	unsigned auxiliaries;      /* connections beside the main one, at most OF_AUXILIARIES_MAX */
	unsigned rate_limit, burst; /* packet-ins a second; 0: unlimited */
};

/* Makes the agent's controllers these: same targets keep their connection. A target that cannot be
 * used shows its error in its status; others work. 0 or -ENOMEM. */
int of_agent_set_controllers(
	struct of_agent *agent, const struct of_controller_config *cfg, size_t n);

enum of_role { OF_ROLE_OTHER, OF_ROLE_MASTER, OF_ROLE_SLAVE };

struct of_packet_in_count {
	uint64_t sent, dropped; /* its queue was full, or its rate limit reached */
};

struct of_controller_status {
	bool is_connected;
	enum of_role role;
	const char *state;            /* "VOID", "BACKOFF", "CONNECTING", "ACTIVE", "IDLE" */
	char last_error[256];         /* "" if none */
	int64_t sec_since_connect;    /* -1: never connected */
	int64_t sec_since_disconnect; /* -1: never disconnected */
	uint8_t version;              /* wire version while connected */
	struct of_packet_in_count packet_in[2]; /* since it was configured: of actions, of misses */
};

/* Status of a configured controller. 0, or -ENOENT if there is no such target. */
int of_agent_controller_status(
	const struct of_agent *agent, const char *target, struct of_controller_status *out);
const char *of_role_name(enum of_role role);

/* Called when a controller connected, disconnected, failed or changed its role; read its status
 * then. Not for service connections. The callback must not free the agent. */
typedef void of_agent_changed_cb(void *ctx, struct of_agent *agent, const char *target);
void of_agent_on_change(struct of_agent *agent, of_agent_changed_cb *cb, void *ctx);

struct of_agent_stats {
	unsigned connections;
	uint64_t rx_messages, tx_messages;
	uint64_t errors_sent; /* requests answered with an error */
	uint64_t packet_ins_sent;
	uint64_t packet_ins_dropped; /* a connection's queue was full, or its rate limit reached */
	uint64_t events_dropped;     /* flow-removed, port-status: the same */
};
void of_agent_stats_read(const struct of_agent *agent, struct of_agent_stats *out);

#endif
