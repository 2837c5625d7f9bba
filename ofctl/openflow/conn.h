/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the agent: the state of an agent and of its connections.
 *
 * Threads: the control thread.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_CONN_H
#define SLUICE_OFCTL_OPENFLOW_CONN_H

#include <sys/queue.h>

#include "ofctl/openflow/agent.h"
#include "ofctl/openflow/channel.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/error.h"
#include "ofctl/openflow/wire.h"

struct event;
struct evconnlistener;
struct of_conn;
struct of_remote;
struct of_tls;
struct ssl_st;

LIST_HEAD(of_conn_list, of_conn);
LIST_HEAD(of_remote_list, of_remote);
LIST_HEAD(of_agent_list, of_agent);
LIST_HEAD(of_bundle_list, of_conn_bundle);

struct of_agents {
	struct event_base *base;
	struct of_agents_ops ops;
	struct evdns_base *dns; /* made when first needed */
	struct of_tls *tls;
	struct of_agent_list list;
};

struct of_agent {
	LIST_ENTRY(of_agent) entry;
	struct of_agents *all;
	struct pipeline *pl;
	struct pl_bridge *br;
	uint16_t fragments; /* OFPC_FRAG_*, as set-config said last */
	uint32_t versions;  /* bit 1 << wire version */
	enum pl_fail_mode fail_mode;
	char manufacturer[256], hardware[256], software[256], serial[32], datapath[256];

	struct of_conn_list conns;
	struct of_remote_list controllers; /* rows of the Controller table */
	struct of_remote_list services;    /* of_agent_listen() */

	/* Master and slave requests carry a growing number (OpenFlow 1.3, 6.3.6). */
	bool has_generation;
	uint64_t generation;

	/* Fail mode standalone: fires when no controller was connected for long enough. */
	struct event *alone;

	of_agent_changed_cb *changed;
	void *changed_ctx;
	struct of_agent_stats stats;
};

/* Which reasons a connection hears of: [0] as master or equal, [1] as slave. */
struct of_async {
	uint32_t packet_in[2], port_status[2], flow_removed[2];
};

#define PEER_TEXT 64 /* an address with its port */

/* A request that waits for the pipeline; owned by itself until the pipeline answers. */
struct of_wait {
	struct of_conn *conn; /* NULL: closed in the meantime */
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len);
	size_t len;
	uint8_t msg[];
};

struct of_conn {
	LIST_ENTRY(of_conn) entry;
	struct of_agent *agent;
	struct of_channel *ch;
	struct of_remote *remote; /* the row that it belongs to */
	bool service;             /* asynchronous messages only if asked for */
	bool up;                  /* the transport is connected */
	char peer[PEER_TEXT];     /* who was accepted */
	bool no_async;
	uint8_t version; /* 0: before the peer's hello */
	enum of_role role;
	uint16_t short_id; /* 1.5: of the controller; 0: none */
	struct of_async async;
	uint16_t config_flags, miss_send_len;

	/* Nicira's extensions to 1.0. */
	bool table_ids, nxm_flows;
	uint8_t packet_in_format; /* NX_PACKET_IN_*; in every version */
	uint16_t controller_id;

	struct of_wait *wait;

	/* Bundles that are not committed yet, and the bytes that their messages take. */
	struct of_bundle_list bundles;
	unsigned n_bundles;
	size_t bundled;

	struct of_monitors *monitors; /* monitor.h; NULL: none */
	const char *end; /* why it is to be closed from the event loop; NULL: it is not */

	struct event *probe_timer;
	unsigned probe_ms; /* 0: never */
	bool probing;      /* an echo request is out */

	/* Token bucket for packet-ins; rate 0: unlimited. */
	unsigned rate, burst;
	double tokens;
	uint64_t tokens_ms;
};

/* ---- conn.c ---- */

/* A connection over an accepted socket (`t` NULL) or to a target; consumes the TLS session, if it
 * is to have one. NULL if memory ran out; *errp is the reason (-errno) otherwise. */
struct of_conn *of_conn_new(
	struct of_remote *remote, int fd, const struct of_target *t, struct ssl_st *ssl, int *errp);
/* Closes. Tells its remote, with `why` as the reason (NULL: does not tell). */
void of_conn_close(struct of_conn *conn, const char *why);

/* The same when the caller has returned to the event loop. `why` outlives the connection. */
void of_conn_close_soon(struct of_conn *conn, const char *why);

void of_conn_send(struct of_conn *conn, struct of_buf *b);
void of_conn_error(struct of_conn *conn, enum of_error err, const uint8_t *msg, size_t len);

/* Suspends the connection, asks the pipeline for a barrier or for fresh counters, then calls
 * `answer` with a copy of the request, and goes on with what came after it. */
void of_conn_after_barrier(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len));
void of_conn_after_refresh(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len));

void of_conn_set_role(struct of_conn *conn, enum of_role role);
const char *of_conn_state(const struct of_conn *conn);

/* ---- requests; each returns an error to be sent, or OK ---- */

static inline uint32_t of_msg_xid(const uint8_t *msg)
{
	return (uint32_t)msg[4] << 24 | (uint32_t)msg[5] << 16 | (uint32_t)msg[6] << 8 | msg[7];
}

static inline struct of_rd of_msg_body(const uint8_t *msg, size_t len)
{
	return of_rd_make(msg + OFP_HEADER_LEN, len - OFP_HEADER_LEN);
}

enum of_error of_serve(struct of_conn *conn, const uint8_t *msg, size_t len);

enum of_error of_serve_features(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_get_config(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_set_config(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_port_mod(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_table_mod(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_group_mod(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_meter_mod(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_queue_config(struct of_conn *conn, const uint8_t *msg, size_t len);

enum of_error of_serve_flow_mod(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_packet_out(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_barrier(struct of_conn *conn, const uint8_t *msg, size_t len);
/* A decoded flow-mod of either form, of the message `xid`; consumes its instructions. */
enum of_error of_apply_flow_mod(struct of_conn *conn, uint32_t xid, struct of_flow_mod *fm);

enum of_error of_serve_role(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_get_async(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_set_async(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_read_async(struct of_conn *conn, struct of_rd r);
enum of_error of_nx_role(struct of_conn *conn, const uint8_t *msg, struct of_rd r);

enum of_error of_serve_ct_flush(struct of_conn *conn, struct of_rd r);
enum of_error of_serve_ct_flush_zone(struct of_conn *conn, struct of_rd r);
enum of_error of_serve_tlv_mod(struct of_conn *conn, struct of_rd r);
enum of_error of_serve_tlv_request(struct of_conn *conn, const uint8_t *msg, struct of_rd r);

enum of_error of_serve_bundle_control(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_bundle_add(struct of_conn *conn, const uint8_t *msg, size_t len);
/* Bundles as 1.3 has them: by the ONF's extension. */
enum of_error of_serve_onf(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_bundle_features(struct of_conn *conn, const uint8_t *msg, size_t len);
void of_bundles_free(struct of_conn *conn);

enum of_error of_serve_multipart(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_nicira(struct of_conn *conn, const uint8_t *msg, size_t len);

/* Multipart replies of any size: entries are appended between the two, and the reply is cut into
 * messages between entries. */
struct of_reply {
	struct of_conn *conn;
	struct of_buf b;
	uint32_t xid;
	uint16_t type;
	uint32_t exp_type; /* for OFPMP_EXPERIMENTER: Nicira's in 1.0, the ONF's later */
	size_t start;      /* of the message being filled */
	size_t entry;      /* end of the last whole entry */
};
void of_reply_begin(struct of_reply *rep, struct of_conn *conn, const uint8_t *msg, uint16_t type,
	uint32_t exp_type);
void of_reply_begin_xid(
	struct of_reply *rep, struct of_conn *conn, uint32_t xid, uint16_t type, uint32_t exp_type);
void of_reply_entry(struct of_reply *rep); /* an entry was appended to rep->b */
void of_reply_end(struct of_reply *rep);   /* sends */

/* The body of a multipart request, after its own header. */
struct of_rd of_multipart_body(const struct of_conn *conn, const uint8_t *msg, size_t len);

enum of_error of_serve_flow_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
/* OpenFlow 1.5's statistics, which do not describe the flows. */
enum of_error of_serve_flow_counts(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_aggregate(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_nx_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_table_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_port_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_group_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_group_desc(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_group_features(struct of_conn *conn, const uint8_t *msg, size_t len);
/* Nicira's for 1.0: the body of a group-mod; a request for statistics (NXST_GROUP and its kin). */
enum of_error of_serve_nx_group_mod(struct of_conn *conn, struct of_rd r);
enum of_error of_serve_nx_groups(
	struct of_conn *conn, const uint8_t *msg, size_t len, uint32_t subtype);
enum of_error of_serve_meter_stats(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_meter_config(struct of_conn *conn, const uint8_t *msg, size_t len);
enum of_error of_serve_meter_features(struct of_conn *conn, const uint8_t *msg, size_t len);

/* ---- remote.c ---- */

struct of_remote {
	LIST_ENTRY(of_remote) entry;
	struct of_agent *agent;
	char *target;
	struct of_target t;
	bool service;
	bool primary; /* a controller that the bridge depends on: one that is connected to */
	unsigned probe_ms, max_backoff_ms, min_backoff_ms;
	bool no_async, held;
	unsigned rate, burst;

	/* auxiliary.c */
	struct of_remote_list auxiliaries; /* of an active one that is main itself */
	struct of_remote *main;            /* whose auxiliary this is; NULL: nobody's */
	uint8_t auxiliary_id;              /* 0: main */

	struct evconnlistener *listener; /* passive */
	bool owns_path;                  /* of the listener's socket */
	struct of_conn *conn;            /* active: the connection, in any state */
	struct event *retry;             /* active: the next attempt */
	unsigned backoff_ms;
	unsigned n_up; /* connections that have said hello */
	char last_error[256];
	uint64_t connect_ms, disconnect_ms;     /* 0: never */
	struct of_packet_in_count packet_in[2]; /* struct of_controller_status */
};

/* A row's or a listener's remote; starts to listen or to connect. NULL if memory ran out. What else
 * goes wrong is in last_error. */
struct of_remote *of_remote_new(
	struct of_agent *agent, const struct of_controller_config *cfg, bool service);
void of_remote_free(struct of_remote *remote);
void of_remote_configure(struct of_remote *remote, const struct of_controller_config *cfg);
struct of_remote *of_remote_find(const struct of_remote_list *list, const char *target);

/* Its connection has negotiated a version, or was closed (and is gone). */
void of_remote_up(struct of_remote *remote);
void of_remote_down(struct of_remote *remote, struct of_conn *conn, const char *why);
void of_remote_changed(struct of_remote *remote);
/* Connects at once, if it does not yet. */
void of_remote_retry(struct of_remote *remote);

/* ---- auxiliary.c ---- */

/* Makes them so many; they connect while the main connection is up. */
void of_auxiliaries_configure(struct of_remote *main, const struct of_controller_config *cfg);
void of_auxiliaries_free(struct of_remote *main);
/* The main connection has said hello, or was closed. */
void of_auxiliaries_up(struct of_remote *main);
void of_auxiliaries_down(struct of_remote *main);
/* Versions that a connection may speak. */
uint32_t of_conn_versions(const struct of_conn *conn);
/* True if both are connections to one controller. */
bool of_conn_same_controller(const struct of_conn *a, const struct of_conn *b);

/* ---- fail_mode.c ---- */

/* True if a primary controller is configured. */
bool of_agent_has_controllers(const struct of_agent *agent);
/* Goes over to or back from forwarding without a controller, as connections stand now. */
void of_fail_mode_update(struct of_agent *agent);
/* Empties the tables and lets them be as a bridge without controllers has them. */
void of_fail_mode_reset(struct of_agent *agent);
int of_fail_mode_init(struct of_agent *agent);
void of_fail_mode_free(struct of_agent *agent);

/* ---- async.c ---- */

void of_async_default(struct of_async *async);
void of_async_packet_in(void *ctx, struct pl_bridge *br, const struct of_packet_in *pin);
void of_async_flow_removed(void *ctx, struct pl_bridge *br, const struct of_flow_removed *fr);
void of_async_port_status(
	void *ctx, struct pl_bridge *br, enum of_port_reason why, const struct of_port_desc *port);

#endif
