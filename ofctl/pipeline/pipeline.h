/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow pipeline: tables, flows, translation, and every megaflow.
 *
 * What: struct pipeline holds all bridges and all megaflows. Flow-mods change tables; workers
 * translate packets through them; each megaflow remembers what its translation read (table visits,
 * MAC entries, port sets), so that a change makes only the megaflows that depended on it be
 * translated again.
 *
 * Threads: everything here is called by the control thread, except pipeline_translate() and
 * pipeline_to_controller(), which swpath's workers call through struct swpath_ops, and
 * pipeline_withdrawn(), which offload's device threads call. Tables, ports and MAC entries are
 * read by workers under RCU.
 */
#ifndef SLUICE_OFCTL_PIPELINE_H
#define SLUICE_OFCTL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hal/hal.h"
#include "hal/megaflow.h"
#include "ofctl/host/host.h"
#include "ofctl/openflow/message.h"

struct event_base;
struct offload;
struct pipeline;
struct pl_bridge;
struct rte_mbuf;
struct swpath;

/* Events for controllers, on the control thread. */
struct pipeline_ops {
	void (*packet_in)(void *ctx, struct pl_bridge *br, const struct of_packet_in *pin);
	void (*flow_removed)(void *ctx, struct pl_bridge *br, const struct of_flow_removed *fr);
	void (*port_status)(void *ctx, struct pl_bridge *br, enum of_port_reason why,
		const struct of_port_desc *port);
	/* Of bridges that are monitored (pl_bridge_monitor()): each flow that came, went or was
	 * changed, in order, once all of the change is in force; then that this was all of it.
	 * `lost`: memory ran out, and some were not told. Neither may change the pipeline. */
	void (*flow_changed)(void *ctx, struct pl_bridge *br, const struct of_flow_change *c);
	void (*flow_changes_end)(void *ctx, struct pl_bridge *br, bool lost);
	void *ctx;
};

int pipeline_open(struct event_base *base, const struct pipeline_ops *ops, struct pipeline **out);
void pipeline_close(struct pipeline *pl);

/* As many workers as there will ever be, before the first of them translates; HAL_MAX_WORKERS
 * unless it is said. */
void pipeline_set_workers(struct pipeline *pl, unsigned n);

/* A megaflow that carried nothing for so long is retired; 0: the default, 10 s. */
void pipeline_set_max_idle(struct pipeline *pl, uint32_t ms);

/* With so many megaflows no more are kept: what misses is translated packet by packet. 0: the
 * default, PL_FLOW_LIMIT. */
#define PL_FLOW_LIMIT 4000000u
void pipeline_set_flow_limit(struct pipeline *pl, uint32_t n);

/* While `on`, flows are being restored: a packet is forwarded where there is a megaflow or a rule
 * for it already, and dropped where one would have to be made of tables that are not complete. */
void pipeline_set_restore_wait(struct pipeline *pl, bool on);

/* Wires the layers below; before any port exists. `ol` may be NULL. */
void pipeline_set_paths(struct pipeline *pl, struct swpath *sp, struct offload *ol);

/* What megaflows of ports on this device have to match besides (hal_caps.need); NULL: nothing. It
 * is copied, and holds for what is translated from now on. */
int pipeline_set_need(struct pipeline *pl, const struct hal_caps *caps); /* 0 or -ENOMEM */

/* The host whose routes tunnels use, and what it has to tell. Before any port exists. */
struct host_ops pipeline_host_ops(struct pipeline *pl);
void pipeline_set_host(struct pipeline *pl, struct host *host);

/* Around changes of the TLV table (hal/tlv.h): what used it is translated again. */
void pipeline_tlv_change_begin(struct pipeline *pl);
void pipeline_tlv_change_end(struct pipeline *pl);

/* For struct swpath_ops and struct offload_ops: ctx is the struct pipeline. */
struct hal_megaflow *pipeline_translate(void *ctx, unsigned worker, const struct hal_key *key,
	const struct rte_mbuf *pkt, bool *cache);
void pipeline_to_controller(void *ctx, unsigned worker, const struct hal_act_controller *act,
	const struct rte_mbuf *pkt, const struct hal_key *key);
void pipeline_withdrawn(void *ctx, struct hal_megaflow *mf);
/* Any thread. NULL: those were all, now claim them. False: it was not taken. */
bool pipeline_found(void *ctx, const struct hal_ufid *ufid, const struct hal_cmatch *match,
	const struct hal_program *program);

/* ---- bridges and ports ---- */

enum pl_fail_mode { PL_FAIL_STANDALONE, PL_FAIL_SECURE };

struct pl_bridge *pipeline_bridge_add(struct pipeline *pl, const char *name, uint64_t dpid);
void pipeline_bridge_remove(struct pipeline *pl, struct pl_bridge *br);
struct pl_bridge *pipeline_bridge_find(struct pipeline *pl, const char *name);
void pipeline_bridges(struct pipeline *pl, void (*cb)(void *ctx, struct pl_bridge *br), void *ctx);

const char *pl_bridge_name(const struct pl_bridge *br);
uint64_t pl_bridge_dpid(const struct pl_bridge *br);
void pl_bridge_set_dpid(struct pl_bridge *br, uint64_t dpid);
void pl_bridge_set_mac_aging(struct pl_bridge *br, unsigned seconds, unsigned max_entries);

/* Standalone: `on` makes the bridge act as a learning switch for every packet (OpenFlow 1.3,
 * 6.4), whatever its tables hold. */
void pl_bridge_set_standalone(struct pl_bridge *br, bool on);

/* How a table is called ("" or NULL: by its number), and how many flows it may have (above
 * PL_FLOWS_MAX: so many); flows that it has stay. */
void pl_bridge_set_table(struct pl_bridge *br, uint8_t table, const char *name, uint64_t limit);

/* What happens to packets that match no flow of a table: to the controller as OpenFlow 1.0 says, or
 * dropped as 1.3 says (the default). */
void pl_bridge_set_table_miss(struct pl_bridge *br, bool to_controller);

/* IP fragments are dropped, or matched as they are (the default): a first one by its ports, a later
 * one as having ports 0. */
void pl_bridge_set_drop_fragments(struct pl_bridge *br, bool on);

enum pl_vlan_mode { PL_VLAN_TRUNK, PL_VLAN_ACCESS, PL_VLAN_NATIVE_TAGGED, PL_VLAN_NATIVE_UNTAGGED };

/* A tunnel port. What is "flow" comes from the tunnel fields of each packet. */
struct pl_tunnel {
	bool on;          /* the port is one */
	uint8_t type;     /* enum hal_tunnel_type */
	uint16_t udp_dst; /* where it listens, and sends to */
	uint32_t end;     /* datapath id of the end that all tunnels of this type and port share */
	struct host_address remote, local; /* version 0: flow, and any (local, when it receives) */
	bool in_key_flow, out_key_flow;
	uint64_t in_key, out_key;
	bool inherit_tos, inherit_ttl, csum, df, gbp, has_mark;
	uint8_t tos, ttl;
	bool local_flow; /* the source is the packet's tunnel source */
	uint32_t mark;   /* of encapsulated packets */
};
bool pl_tunnel_equal(const struct pl_tunnel *a, const struct pl_tunnel *b);

struct pl_port_config {
	char name[64];
	uint32_t number;  /* OpenFlow number, OF_PORT_LOCAL for the bridge's own */
	uint32_t dp_port; /* datapath port id, HAL_PORT_NONE for a patch or tunnel port */
	enum pl_vlan_mode vlan_mode;
	uint16_t tag;        /* access and native VLAN, 0: none */
	uint64_t trunks[64]; /* bit n: VLAN n is carried; all zero: every VLAN */
	bool on_device;      /* behind a hardware device: */
	uint8_t device;      /* offload's index of it */
	bool internal;       /* the host's own: a netdev of the same name */
	struct pl_tunnel tunnel;
	char patch_peer[64]; /* name of the peer patch port on any bridge, "" if none */
	uint8_t mac[6];
};

/* Adds, changes or removes a port. 0 or -errno (-EEXIST: number taken). */
int pl_port_add(struct pl_bridge *br, const struct pl_port_config *cfg);
/* Adds a port without telling controllers: its datapath port can then be opened with no packet
 * coming too early, and pl_port_announce() or pl_port_remove() follows. */
int pl_port_reserve(struct pl_bridge *br, const struct pl_port_config *cfg);
void pl_port_announce(struct pl_bridge *br, uint32_t number);
int pl_port_change(struct pl_bridge *br, const struct pl_port_config *cfg);
int pl_port_remove(struct pl_bridge *br, uint32_t number);
uint32_t pl_port_free_number(
	struct pl_bridge *br, uint32_t wanted); /* wanted if free, else one that is */

/* Link, speed and address changed; emits port-status when something is new. */
void pl_port_set_status(struct pl_bridge *br, uint32_t number, bool admin_up, bool link_up,
	const uint8_t mac[6], uint64_t speed_mbps);

int pl_port_mod(struct pl_bridge *br, const struct of_port_mod *pm); /* enum of_error */
void pl_port_list(
	struct pl_bridge *br, void (*cb)(void *ctx, const struct of_port_desc *p), void *ctx);
bool pl_port_desc(struct pl_bridge *br, uint32_t number, struct of_port_desc *out);
bool pl_port_stats(struct pl_bridge *br, uint32_t number, struct of_port_stats *out);
/* What its device told last, for who hears more of it; NULL: no such port. Until the port changes.
 */
struct hal_port_stats *pl_port_told(struct pl_bridge *br, uint32_t number);
uint32_t pl_port_by_name(struct pl_bridge *br, const char *name); /* OF_PORT_ANY if none */

/* ---- flows ---- */

/* Applies a flow-mod: all of it or nothing. */
enum of_error pl_flow_mod(struct pl_bridge *br, const struct of_flow_mod *fm);

/* Checks actions as a flow-mod would (ports, groups, tables, prerequisites by `match`). */
enum of_error pl_actions_check(
	struct pl_bridge *br, const struct of_actions *acts, const struct hal_match *match);

/* Calls `cb` for each flow that the filter selects, by table, then in order of insertion. */
void pl_flow_list(struct pl_bridge *br, const struct of_flow_filter *filter,
	void (*cb)(void *ctx, const struct of_flow_stats *fs), void *ctx);

/* Somebody begins to monitor its flows, or (not `on`) one who did so ends. */
void pl_bridge_monitor(struct pl_bridge *br, bool on);

void pl_table_stats(struct pl_bridge *br, uint8_t table, struct of_table_stats *out);

enum of_error pl_packet_out(struct pl_bridge *br, const struct of_packet_out *po);
/* Whether it would be sent, but for what its actions do to the packet. */
enum of_error pl_packet_out_check(struct pl_bridge *br, const struct of_packet_out *po);

/* Goes on where a controller action with `pause` stopped. NX_NOT_SUPPORTED: not a continuation;
 * NX_STALE: one of another bridge or run, or too old. Then nothing changes. */
enum of_error pl_resume(struct pl_bridge *br, const struct of_resume *r);

/* ---- groups and meters ---- */

#define PL_FLOWS_MAX 1000000u  /* of a table */
#define PL_GROUPS_MAX 1000000u /* of a bridge */
#define PL_METERS_MAX 65535u   /* of all bridges */

/* Apply a group-mod or meter-mod: all of it or nothing. */
enum of_error pl_group_mod(struct pl_bridge *br, const struct of_group_mod *gm);
enum of_error pl_meter_mod(struct pl_bridge *br, const struct of_meter_mod *mm);

/* Call `cb` for the one with the id, or for all (OF_GROUP_ALL_ID, OF_METER_ALL), by id. -ENOENT if
 * there is no such one. */
int pl_group_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_group_stats *gs), void *ctx);
int pl_meter_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_meter_stats *ms), void *ctx);

/* Flow-mods, group-mods and port-mods between the two are seen by packets all at once; without
 * `keep` they are taken back, and flows, groups and ports are as they were before, counters and
 * times included. Within one call from the event loop: packets that miss meanwhile are not cached.
 * What could not be taken back for want of memory is refused: -ENOMEM (then there is no end to be
 * called), or the error of a mod. */
int pl_bundle_begin(struct pl_bridge *br);
void pl_bundle_end(struct pl_bridge *br, bool keep);

/* Removes every flow (fail mode changes, del-br). */
void pl_flow_flush(struct pl_bridge *br);

/* ---- synchronisation ---- */

/* Calls `done` when every change made before is seen by every packet after: in software always,
 * in devices after at most half a second. May call it before it returns. */
void pipeline_barrier(struct pipeline *pl, void (*done)(void *arg), void *arg);

/* Calls `done` when statistics include everything that was forwarded before the call. */
void pipeline_refresh(struct pipeline *pl, void (*done)(void *arg), void *arg);

/* Calls `done` when every device has been compared with what it should hold, and repaired
 * (offload_audit()). */
void pipeline_audit(struct pipeline *pl, void (*done)(void *arg), void *arg);

/* ---- what users ask ---- */

struct pl_megaflow_info {
	const struct hal_megaflow *mf;
	uint64_t sw_packets, sw_bytes, hw_packets, hw_bytes;
	uint64_t used_ms; /* ago; UINT64_MAX: never */
	uint16_t tcp_flags;
	const uint64_t *cookies; /* of the flows that it credits */
	unsigned n_cookies;
};
void pipeline_megaflows(
	struct pipeline *pl, void (*cb)(void *ctx, const struct pl_megaflow_info *info), void *ctx);

struct pl_fdb_entry {
	uint32_t port;
	uint16_t vlan;
	uint8_t mac[6];
	unsigned age_s;
};
void pl_fdb_list(
	struct pl_bridge *br, void (*cb)(void *ctx, const struct pl_fdb_entry *e), void *ctx);
void pl_fdb_flush(struct pl_bridge *br);

struct pipeline_stats {
	uint64_t megaflows, translations, retranslations, retired, raced;
	uint64_t limited;         /* translated for one packet because of the limit */
	uint64_t bounded;         /* look at more than they had to, so that masks stay few */
	uint64_t effects_dropped; /* learning or packet-ins lost to full rings */
	uint64_t recircs;         /* recirculation ids in use */
	uint64_t failed;          /* packets that could not be translated */
	uint64_t failed_recirc;   /* because all recirculation ids were in use */
	uint64_t failed_gone;     /* because their recirculation id was gone */
	/* The width oracle (oracle.h): packets tried, and those that found a megaflow too wide. */
	uint64_t width_checks, width_violations;
};
void pipeline_stats_read(const struct pipeline *pl, struct pipeline_stats *out);

/* Translates a packet's key without side effects and prints the steps: table, flow, actions, and
 * the megaflow that comes out; then the same for each time that the packet comes back. `ct_next` is
 * the ct_state with which it comes back from connection tracking, time after time; what is missing
 * begins a connection. `result` prints each megaflow (NULL: by datapath numbers). Returns text that
 * the caller frees. */
typedef void pl_trace_result_cb(void *ctx, FILE *trace, const struct hal_megaflow *mf);
char *pipeline_trace(struct pl_bridge *br, const struct xlate_key *key, const uint32_t *ct_next,
	unsigned n_ct_next, pl_trace_result_cb *result, void *ctx);

/* The megaflows (throw-aways, each to be freed with pipeline_probe_free) that a packet with this
 * key would get now: the first, and those of its chains; for explaining flows that no packet has
 * used. Returns their number, `max` at most. */
unsigned pipeline_probe(
	struct pl_bridge *br, const struct xlate_key *key, struct hal_megaflow **mfs, unsigned max);
void pipeline_probe_free(struct hal_megaflow *mf);

#endif
