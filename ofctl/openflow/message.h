/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow's notions in a form that belongs to no version.
 *
 * What: what codecs decode into and encode from, and what the pipeline works on. Port numbers are
 * 32 bits with OpenFlow 1.1's reserved values in every version; fields are hal/field.h's.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_MESSAGE_H
#define SLUICE_OFCTL_OPENFLOW_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/field.h"
#include "hal/match.h"
#include "hal/object.h"

/* OpenFlow 1.3, A.2.1: reserved ports. */
#define OF_PORT_MAX 0xffffff00u
#define OF_PORT_UNSET 0xfffffff7u /* OpenFlow 1.5: no output in the action set */
#define OF_PORT_IN_PORT 0xfffffff8u
#define OF_PORT_TABLE 0xfffffff9u
#define OF_PORT_NORMAL 0xfffffffau
#define OF_PORT_FLOOD 0xfffffffbu
#define OF_PORT_ALL 0xfffffffcu
#define OF_PORT_CONTROLLER 0xfffffffdu
#define OF_PORT_LOCAL 0xfffffffeu
#define OF_PORT_ANY 0xffffffffu

#define OF_GROUP_ANY 0xffffffffu
#define OF_TABLE_ALL 0xff
#define OF_TABLES 254 /* 0 to 253 */
#define OF_NO_BUFFER 0xffffffffu
#define OF_CONTROLLER_MAX 0xffffu /* max_len: the whole packet */

/* What is wrong with a message: errors.def. */
enum of_error {
#define OF_ERROR(ID, ...) OFERR_##ID,
#include "ofctl/openflow/errors.def"
#undef OF_ERROR
	OFERR_MAX,
};

/* ---- actions ---- */

enum of_action_type {
	OFACT_OUTPUT,
	OFACT_SET_FIELD, /* also 1.0's set_* and strip_vlan's relatives by field */
	OFACT_PUSH_VLAN,
	OFACT_POP_VLAN,
	OFACT_PUSH_MPLS,
	OFACT_POP_MPLS,
	OFACT_PUSH_PBB,
	OFACT_POP_PBB,
	OFACT_DEC_NW_TTL,
	OFACT_SET_MPLS_TTL,
	OFACT_DEC_MPLS_TTL,
	OFACT_COPY_TTL_OUT,
	OFACT_COPY_TTL_IN,
	OFACT_SET_QUEUE,
	OFACT_GROUP,
	OFACT_SET_VLAN_VID_10, /* 1.0: pushes a tag if there is none */
	OFACT_SET_VLAN_PCP_10,
	OFACT_ENQUEUE,  /* 1.0 */
	OFACT_MOVE,     /* Nicira reg_move, OpenFlow 1.5 copy_field */
	OFACT_RESUBMIT, /* Nicira resubmit, resubmit_table */
	/* Nicira's further ones, as ovs-actions(7) describes them */
	OFACT_POP_QUEUE,    /* back to the queue before SET_QUEUE */
	OFACT_CONTROLLER,   /* with an id, a reason of its own, userdata, pause or meter */
	OFACT_OUTPUT_REG,   /* to the port whose number is in a field */
	OFACT_OUTPUT_TRUNC, /* a copy cut to a length */
	OFACT_METER,        /* OpenFlow 1.5 */
	OFACT_CT,
	OFACT_CT_CLEAR,
	OFACT_CLONE,
	OFACT_SAMPLE,
	OFACT_CHECK_PKT_LARGER,
	OFACT_STACK_PUSH,
	OFACT_STACK_POP,
	OFACT_LEARN,
	OFACT_CONJUNCTION,
	OFACT_MULTIPATH,
	OFACT_BUNDLE,
	OFACT_FIN_TIMEOUT,
	OFACT_DELETE_FIELD, /* of tunnel metadata */
	OFACT_NOTE,
	OFACT_EXIT,
	OFACT_MAX,
};

/* A run of bits of a field.
 *
 * An option of the TLV table (tun_metadata<n>) is the part of FIELD_TUN_METADATA where its value
 * lies: the byte at offset o of tun_opts holds the bits from 8 * (127 - o) on.
 * NXM has input ports of 16 bits: NXM_OF_IN_PORT[] is the low 16 bits of FIELD_IN_PORT, and as a
 * target stands for all of it (reserved ports are the highest of either width). */
struct of_subfield {
	enum hal_field_id field;
	uint16_t ofs, n_bits;
};

/* CT. Its nested actions set ct_mark and ct_label of the connection. */
struct of_ct {
	uint16_t flags; /* HAL_CT_* of hal/action.h */
	uint16_t zone;
	bool zone_from_field; /* else `zone` */
	struct of_subfield zone_src;
	uint8_t recirc_table; /* OF_TABLE_ALL: none */
	uint16_t alg;
	uint16_t nat_flags; /* HAL_NAT_* */
	uint8_t nat_min[16], nat_max[16];
	uint16_t nat_port_min, nat_port_max;
	uint16_t nat_at; /* nested actions before it, as it was given */
};

/* SAMPLE: to IPFIX, for a Flow_Sample_Collector_Set of the database. */
struct of_sample {
	uint32_t collector_set, obs_domain, obs_point;
	uint32_t sampling_port; /* OF_PORT_ANY: none */
	uint8_t direction;      /* 0 unsaid, 1 ingress, 2 egress */
};

/* One specification of LEARN: what it takes, and what it makes of it in the new flow. */
enum of_learn_dst { OF_LEARN_MATCH, OF_LEARN_LOAD, OF_LEARN_OUTPUT };

struct of_learn_spec {
	bool immediate; /* `value` (the low n_bits of it), else `src` */
	uint8_t value[16];
	struct of_subfield src;
	enum of_learn_dst dst_type;
	struct of_subfield dst; /* MATCH, LOAD */
	uint16_t n_bits;
};

struct of_learn {
	uint16_t idle_timeout, hard_timeout, fin_idle_timeout, fin_hard_timeout;
	uint16_t priority, flags; /* NX_LEARN_F_* */
	uint8_t table;
	uint64_t cookie;
	uint32_t limit;
	bool has_result; /* `result` (one bit) gets 1 if there was room */
	struct of_subfield result;
	unsigned n_specs;
	struct of_learn_spec specs[];
};
#define OF_LEARN_SEND_REMOVED 0x01
#define OF_LEARN_DELETE_LEARNED 0x02
#define OF_LEARN_WRITE_RESULT 0x04

/* MULTIPATH and BUNDLE: a choice by hash. What is hashed, and how a hash becomes a choice; numbers
 * as on the wire. */
enum of_hash_fields {
	OF_HASH_ETH_SRC,
	OF_HASH_SYMMETRIC_L4,
	OF_HASH_SYMMETRIC_L3L4,
	OF_HASH_SYMMETRIC_L3L4_UDP,
	OF_HASH_NW_SRC,
	OF_HASH_NW_DST,
	OF_HASH_SYMMETRIC_L3,
	OF_HASH_MAX,
};
enum of_multipath { OF_MP_MODULO_N, OF_MP_HASH_THRESHOLD, OF_MP_HRW, OF_MP_ITER_HASH, OF_MP_MAX };
enum of_bundle { OF_BD_ACTIVE_BACKUP, OF_BD_HRW, OF_BD_MAX };

struct of_choice {
	uint16_t fields; /* enum of_hash_fields */
	uint16_t basis;
	uint16_t algorithm;     /* enum of_multipath, enum of_bundle */
	uint16_t max_link;      /* MULTIPATH: highest result */
	uint32_t arg;           /* MULTIPATH */
	struct of_subfield dst; /* MULTIPATH; BUNDLE if `load`: where the result goes */
	bool load;
	unsigned n_ports; /* BUNDLE */
	uint32_t ports[];
};

/* How a SET_FIELD was given, which is how it is said again; it does the same. */
enum of_set_form {
	OF_SET_FIELD,
	OF_SET_MOD,   /* an action of its own for the field: OFPAT_SET_NW_SRC, "mod_nw_src:" */
	OF_SET_LOAD,  /* NXAST_REG_LOAD, "load:" */
	OF_SET_LOAD2, /* NXAST_REG_LOAD2 */
};

struct of_actions {
	unsigned n;
	struct of_action *a; /* owned */
};

struct of_action {
	enum of_action_type type;
	uint32_t port;  /* OUTPUT, ENQUEUE; RESUBMIT: input port, OF_PORT_IN_PORT keeps it */
	uint32_t queue; /* SET_QUEUE, ENQUEUE */
	uint32_t group;
	uint16_t max_len;                  /* OUTPUT to the controller */
	uint16_t eth_type;                 /* PUSH_*, POP_MPLS; host order */
	uint8_t ttl;                       /* SET_MPLS_TTL */
	uint8_t table;                     /* RESUBMIT; 0xff: the current one */
	uint16_t vlan;                     /* SET_VLAN_VID_10, SET_VLAN_PCP_10 */
	enum hal_field_id field;           /* SET_FIELD; MOVE: source */
	enum hal_field_id dst_field;       /* MOVE */
	uint16_t src_ofs, dst_ofs, n_bits; /* MOVE */
	bool has_mask;
	bool with_ct;                /* RESUBMIT: in_port as the connection's original tuple */
	bool pause;                  /* CONTROLLER */
	uint8_t reason;              /* CONTROLLER */
	uint16_t controller_id;      /* CONTROLLER */
	uint16_t pkt_len;            /* CHECK_PKT_LARGER */
	uint32_t meter;              /* METER; CONTROLLER: 0 for none */
	uint32_t trunc;              /* OUTPUT_TRUNC: bytes */
	uint16_t probability;        /* SAMPLE: of 65535 */
	uint8_t option;              /* SET_FIELD, DELETE_FIELD of FIELD_TUN_METADATA: which */
	enum of_set_form form;       /* SET_FIELD; POP_VLAN: MOD is 1.0's strip_vlan */
	uint32_t conj_id;            /* CONJUNCTION */
	uint8_t clause, n_clauses;   /* CONJUNCTION; clause counts from 0 */
	uint16_t fin_idle, fin_hard; /* FIN_TIMEOUT */
	uint8_t value[16], mask[16]; /* SET_FIELD, in wire form */
	/* Owned. `field`, `src_ofs` and `n_bits` are the subfield of OUTPUT_REG, STACK_PUSH,
	 * STACK_POP and CHECK_PKT_LARGER. */
	struct of_actions nested; /* CLONE, CT */
	struct of_ct *ct;
	struct of_learn *learn;
	struct of_choice *choice;
	struct of_sample *sample;
	/* CONTROLLER: userdata. NOTE: its bytes. DEC_NW_TTL: ids of the controllers that hear of an
	 * expired TTL, 16 bits each in network order; none: 0 only. SET_FIELD of
	 * FIELD_TUN_METADATA: value and mask, half of the bytes each. */
	uint8_t *data;
	uint16_t data_len;
};

/* Instructions. OpenFlow 1.0's actions are apply_actions. */
struct of_instructions {
	struct of_actions apply, write;
	bool clear;
	bool has_goto, has_metadata, has_meter;
	uint8_t goto_table;
	uint64_t metadata, metadata_mask;
	uint32_t meter;
};

int of_action_copy(struct of_action *to, const struct of_action *from);    /* 0 or -ENOMEM */
int of_actions_copy(struct of_actions *to, const struct of_actions *from); /* 0 or -ENOMEM */
void of_action_free(struct of_action *a);                                  /* what it owns */
void of_actions_free(struct of_actions *acts);
bool of_actions_equal(const struct of_actions *a, const struct of_actions *b);
int of_instructions_copy(struct of_instructions *to, const struct of_instructions *from);
void of_instructions_free(struct of_instructions *ins);
bool of_instructions_equal(const struct of_instructions *a, const struct of_instructions *b);
/* Whether they output to the port, and to the group (OF_PORT_ANY, OF_GROUP_ANY: to any or none), as
 * out_port and out_group of requests ask for it (OpenFlow 1.3, 6.4). */
bool of_instructions_send_to(const struct of_instructions *ins, uint32_t port, uint32_t group);

/* ---- flow-mod ---- */

enum of_flow_mod_command {
	OF_FLOW_ADD,
	OF_FLOW_MODIFY,
	OF_FLOW_MODIFY_STRICT,
	OF_FLOW_DELETE,
	OF_FLOW_DELETE_STRICT,
};

#define OF_FLOW_SEND_REMOVED 0x01
#define OF_FLOW_CHECK_OVERLAP 0x02
#define OF_FLOW_RESET_COUNTS 0x04
#define OF_FLOW_NO_PACKET_COUNTS 0x08
#define OF_FLOW_NO_BYTE_COUNTS 0x10
#define OF_FLOW_EMERGENCY_10 0x8000 /* 1.0's EMERG; refused */

struct of_flow_mod {
	enum of_flow_mod_command command;
	uint8_t version; /* wire version: 1.0's MODIFY adds a flow when none matches */
	uint8_t table;   /* OF_TABLE_ALL for deletes: every table */
	uint16_t priority;
	struct hal_match match;
	uint64_t cookie, cookie_mask; /* mask: for modify and delete */
	bool has_new_cookie;          /* 1.0's modify: selects by a cookie, and sets one */
	uint64_t new_cookie;
	uint16_t idle_timeout, hard_timeout; /* seconds */
	uint16_t flags;
	uint16_t importance;
	uint32_t buffer_id;
	uint32_t out_port, out_group; /* deletes: filters */
	struct of_instructions ins;   /* owned */
	const void *by;               /* who sent it, for flow monitors; NULL: nobody */
	uint32_t xid;                 /* of `by` */
};

/* ---- groups: OpenFlow 1.3, 5.6 ---- */

enum of_group_type { OF_GROUP_ALL, OF_GROUP_SELECT, OF_GROUP_INDIRECT, OF_GROUP_FF };

struct of_bucket {
	uint32_t id; /* OpenFlow 1.5; else its index */
	uint16_t weight;
	uint32_t watch_port, watch_group; /* OF_PORT_ANY, OF_GROUP_ANY: none */
	struct of_actions actions;        /* owned */
};

/* How a select group chooses: OpenFlow 1.5's group property of Nicira. */
enum of_select {
	OF_SELECT_DEFAULT, /* DP_HASH */
	OF_SELECT_HASH,    /* over `fields`, in translation */
	OF_SELECT_DP_HASH, /* the datapath's hash */
};

struct of_group {
	uint32_t id;
	enum of_group_type type;
	enum of_select select;
	uint64_t select_param;
	struct hal_match fields; /* HASH: the mask says which bits; empty: the 5-tuple */
	unsigned n_buckets;
	struct of_bucket *buckets; /* owned */
};

enum of_group_command {
	OF_GROUP_ADD,
	OF_GROUP_MODIFY,
	OF_GROUP_DELETE,
	OF_GROUP_ADD_OR_MODIFY, /* an extension: "ovs-ofctl --may-create mod-group" */
	OF_GROUP_INSERT_BUCKET, /* 1.5 */
	OF_GROUP_REMOVE_BUCKET,
};

#define OF_GROUP_MAX 0xffffff00u
#define OF_BUCKET_MAX 0xffffff00u
#define OF_BUCKET_FIRST 0xfffffffdu
#define OF_BUCKET_LAST 0xfffffffeu
#define OF_BUCKET_ALL 0xffffffffu   /* of REMOVE_BUCKET */
#define OF_GROUP_ALL_ID 0xfffffffcu /* every group, for delete and statistics */

struct of_group_mod {
	enum of_group_command command;
	uint32_t bucket;       /* INSERT_BUCKET: behind which; REMOVE_BUCKET: which */
	struct of_group group; /* DELETE, REMOVE_BUCKET: only id; INSERT_BUCKET: id, buckets */
};

void of_group_free(struct of_group *g);                              /* what it owns */
int of_group_copy(struct of_group *to, const struct of_group *from); /* 0 or -ENOMEM */

struct of_group_stats {
	const struct of_group *group;
	uint32_t ref_count; /* flows and groups that send to it */
	uint64_t packets, bytes;
	uint64_t duration_ns;
	const uint64_t *bucket_packets, *bucket_bytes; /* n_buckets each */
};

/* ---- meters: OpenFlow 1.3, 5.7 ---- */

#define OFPMF_KBPS 0x1
#define OFPMF_PKTPS 0x2
#define OFPMF_BURST 0x4
#define OFPMF_STATS 0x8

#define OF_METER_MAX 0xffff0000u
#define OF_METER_SLOWPATH 0xfffffffdu
#define OF_METER_CONTROLLER 0xfffffffeu
#define OF_METER_ALL 0xffffffffu

enum of_meter_command { OF_METER_ADD, OF_METER_MODIFY, OF_METER_DELETE };

struct of_meter_mod {
	enum of_meter_command command;
	uint32_t id;
	uint16_t flags;         /* OFPMF_* */
	struct hal_meter meter; /* bands in the order given */
};

struct of_meter_stats {
	uint32_t id;
	uint16_t flags;
	const struct hal_meter *meter;
	uint32_t flow_count;
	uint64_t duration_ns;
	struct hal_meter_stats counters;
};

/* ---- statistics ---- */

struct of_flow_filter {
	uint8_t table; /* OF_TABLE_ALL: every one */
	struct hal_match match;
	uint64_t cookie, cookie_mask;
	uint32_t out_port, out_group;
};

struct of_flow_stats {
	uint8_t table;
	uint16_t priority;
	const struct hal_cmatch *match;
	const struct of_instructions *ins;
	uint64_t cookie;
	uint64_t packets, bytes; /* UINT64_MAX: unknown */
	uint64_t duration_ns, idle_age_ms, hard_age_ms;
	uint16_t idle_timeout, hard_timeout, flags, importance;
	/* Numbers of the changes (struct of_flow_change) by which it came and was changed last; 0:
	 * nobody monitored flows then. */
	uint64_t added_seq, changed_seq;
};

struct of_table_stats {
	uint8_t table;
	char name[32]; /* "": none, tools print its number then */
	uint32_t active;
	uint32_t max_entries;
	uint64_t lookups, matched;
};

/* OpenFlow 1.3 port configuration and state bits; 1.0's are mapped. */
#define OF_PORT_CONFIG_DOWN 0x01
#define OF_PORT_CONFIG_NO_RECV 0x04
#define OF_PORT_CONFIG_NO_FWD 0x20
#define OF_PORT_CONFIG_NO_PACKET_IN 0x40
#define OF_PORT_CONFIG_NO_FLOOD 0x10 /* 1.0 only */
#define OF_PORT_STATE_LINK_DOWN 0x01
#define OF_PORT_STATE_BLOCKED 0x02
#define OF_PORT_STATE_LIVE 0x04

struct of_port_desc {
	uint32_t number;
	uint8_t mac[6];
	char name[64];
	uint32_t config, state;
	uint32_t curr, advertised, supported, peer; /* OFPPF_* of 1.3 */
	uint32_t curr_kbps, max_kbps;
};

struct of_port_stats {
	uint32_t number;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_dropped, tx_dropped, rx_errors, tx_errors;
	uint64_t duration_ns;
};

/* ---- asynchronous events ---- */

enum of_packet_in_reason {
	OF_REASON_NO_MATCH,
	OF_REASON_ACTION,
	OF_REASON_INVALID_TTL,
	OF_REASON_ACTION_SET,
	OF_REASON_GROUP,
	OF_REASON_PACKET_OUT,
};

struct of_packet_in {
	enum of_packet_in_reason reason;
	uint8_t table;
	uint64_t cookie; /* all-ones: none */
	uint32_t in_port;
	uint64_t metadata;
	uint16_t controller_id;
	const struct hal_key *key; /* for further pipeline fields (tunnel), or NULL */
	/* Registers, metadata, tunnel, connection, ports, as Nicira's packet-ins carry them; NULL:
	 * not known. */
	const struct hal_match *pipeline_fields;
	const uint8_t *userdata; /* of the controller action; NULL: none */
	size_t userdata_len;
	const uint8_t *continuation; /* of a pause; NULL: none. Opaque to everybody else */
	size_t continuation_len;
	const uint8_t *data;
	size_t len; /* bytes given */
	size_t total_len;
};

/* NXT_RESUME: a packet-in with a continuation that comes back, perhaps with another packet and
 * other pipeline fields. */
struct of_resume {
	const uint8_t *data;
	size_t len;
	const struct hal_match *pipeline_fields; /* NULL: none */
	const uint8_t *continuation;
	size_t continuation_len;
};

enum of_removed_reason {
	OF_REMOVED_IDLE,
	OF_REMOVED_HARD,
	OF_REMOVED_DELETE,
	OF_REMOVED_GROUP,
	OF_REMOVED_METER,
	OF_REMOVED_EVICTION,
};

struct of_flow_removed {
	enum of_removed_reason reason;
	struct of_flow_stats stats; /* final */
};

/* Numbers are OpenFlow 1.4's (7.3.5.17.2). */
enum of_flow_event {
	OF_FLOW_INITIAL, /* was there when the monitor came */
	OF_FLOW_ADDED,
	OF_FLOW_REMOVED,
	OF_FLOW_MODIFIED,
};

/* What flow monitors hear of. */
struct of_flow_change {
	enum of_flow_event event;
	enum of_removed_reason reason;     /* REMOVED */
	struct of_flow_stats flow;         /* as it is now; REMOVED: as it was */
	const struct of_instructions *old; /* that it had before; NULL: these, or none */
	const void *by;                    /* of the flow-mod that did it; NULL: none did */
	uint32_t xid;
	uint64_t seq; /* grows with each change of any bridge */
};

enum of_port_reason { OF_PORT_ADD, OF_PORT_DELETE, OF_PORT_MODIFY };

struct of_packet_out {
	uint32_t buffer_id;
	uint32_t in_port;
	bool has_fields;         /* 1.5: others than the port */
	struct hal_match fields; /* tunnel, metadata, registers; as a match says them */
	const uint8_t *data;
	size_t len;
	struct of_actions actions; /* owned */
};

struct of_port_mod {
	uint32_t number;
	uint8_t mac[6];
	uint32_t config, mask;
};

#endif
