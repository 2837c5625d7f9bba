/* SPDX-License-Identifier: Apache-2.0
 *
 * What the driver and sluice-simnic say to each other.
 *
 * What: messages over a SOCK_SEQPACKET unix socket, `<rundir>/simnic-<name>.sock`: one message a
 * datagram, a struct sim_msg and then a body by type. Numbers are in host order (both ends are on
 * one machine), field values in wire order. Every request carries an id, which its one answer
 * repeats; a rule operation is answered when it is done, others at once.
 *
 *   request       | body                                    | answer
 *   HELLO         | sim_hello, file descriptors if ATTACH   | sim_hello_reply
 *   ADD, REPLACE  | sim_rule, match TLVs, action TLVs       | DONE: sim_done
 *   DEL           | sim_ufid_body                           | DONE: sim_done, final counters
 *   GET           | sim_ufid_body                           | sim_got, then a rule if present
 *   COUNTERS      | n x struct hal_ufid                     | n x sim_counter
 *   DUMP          | sim_dump                                | sim_dump_reply, then rules
 *   BIND          | sim_bind                                | sim_status
 *   UNBIND        | sim_port                                | sim_status
 *   PORT_STATS    | n x sim_port                            | n x sim_port_stats
 *   OBJECT_SET    | sim_object, its description             | sim_object_reply
 *   OBJECT_DEL    | sim_object_name                         | sim_object_reply
 *   OBJECT_STATS  | sim_object_name                         | sim_object_stats
 *   STATS         | -                                       | sim_stats
 *   SCRIPT        | text of a fault script                  | sim_status
 *   QUIT          | -                                       | none, the process ends
 *
 * A rule is match TLVs (u16 field, u16 bytes, value, mask) and action TLVs (u16 type, u16 bytes of
 * argument, argument); fields and actions are numbered by hal/fields.def and hal/actions.def, and a
 * HELLO of a build that numbers them differently is refused. Arguments are as below; what holds
 * nested lists has their action TLVs behind its own struct.
 *
 * An object is described as in hal/object.h, but for a GROUP: sim_group, then for each bucket a
 * sim_bucket and its action TLVs. Objects that the side which attached last has not set are kept
 * for as long as rules use them.
 *
 * Packets do not go over the socket: see drivers/sim/ring.h. The attaching side passes four
 * descriptors with its HELLO: the rings' memory, the eventfd that tells it of packets, the eventfd
 * that tells the device of packets, and its network namespace, into which the device moves.
 *
 * Thread-safety: plain data.
 */
#ifndef SLUICE_DRIVERS_SIM_PROTOCOL_H
#define SLUICE_DRIVERS_SIM_PROTOCOL_H

#include <stdint.h>

#include "hal/caps.h"
#include "hal/object.h"
#include "hal/rule.h"

#define SIM_VERSION 3u
#define SIM_MSG_MAX 65000 /* bytes of a datagram */
#define SIM_TEXT 96

enum sim_msg_type {
	SIM_HELLO = 1,
	SIM_ADD,
	SIM_REPLACE,
	SIM_DEL,
	SIM_GET,
	SIM_COUNTERS,
	SIM_DUMP,
	SIM_BIND,
	SIM_UNBIND,
	SIM_PORT_STATS,
	SIM_STATS,
	SIM_SCRIPT,
	SIM_QUIT,
	SIM_OBJECT_SET,
	SIM_OBJECT_DEL,
	SIM_OBJECT_STATS,
	SIM_REPLY, /* to anything but a rule operation */
	SIM_DONE,  /* to ADD, REPLACE, DEL */
};

struct sim_msg {
	uint32_t type; /* enum sim_msg_type */
	uint32_t id;
};

/* Descriptors of an attaching HELLO, in this order. */
enum sim_fd { SIM_FD_MEMORY, SIM_FD_UP, SIM_FD_DOWN, SIM_FD_NETNS, SIM_FDS };

struct sim_hello {
	uint32_t version;
	uint16_t n_fields, n_actions; /* FIELD_MAX, ACTION_MAX */
	uint32_t attach;              /* this side takes and sends packets */
	uint32_t pad;
};

struct sim_hello_reply {
	uint32_t version;
	int32_t error; /* 0 or -EPROTO */
	int32_t pid;
	uint32_t generation;
	struct hal_caps caps;
	uint8_t pad[4];
};

/* Head of an ADD or a REPLACE, and of each rule in a DUMP's answer. */
struct sim_rule {
	struct hal_ufid ufid;
	uint32_t chain, priority;
	uint32_t match_len, action_len; /* bytes that follow */
};

struct sim_tlv {
	uint16_t type;
	uint16_t len;
};

struct sim_act_vlan {
	rte_be16_t tpid, tci;
};

struct sim_act_set {
	uint16_t field;
	uint16_t bytes;
	uint8_t value[16], mask[16];
};

struct sim_act_mpls {
	rte_be16_t eth_type;
	uint16_t pad;
	rte_be32_t lse;
};

struct sim_act_hash {
	uint32_t algorithm, basis;
};

struct sim_act_ct {
	uint16_t zone, flags;
	uint32_t mark, mark_mask;
	uint8_t label[16], label_mask[16];
	uint8_t nat_min[16], nat_max[16];
	uint16_t nat_port_min, nat_port_max;
	uint16_t nat_flags, alg;
};

struct sim_act_sample {
	uint32_t probability;
};

struct sim_act_check_len {
	uint32_t max_len;
	uint32_t greater_len; /* bytes of the first list; the second takes the rest */
};

struct sim_act_tunnel_push {
	uint32_t port;
	uint8_t type, flags;
	uint16_t header_len; /* bytes that follow */
};

struct sim_act_tunnel_pop {
	uint32_t port;
	uint8_t type, flags;
	uint8_t pad[2];
};

struct sim_ufid_body {
	struct hal_ufid ufid;
};

struct sim_counter {
	uint64_t packets, bytes;
	uint32_t generation;
	uint8_t known;
	uint8_t hit;
	uint8_t pad[2];
};

struct sim_done {
	int32_t error;   /* 0 or -errno */
	uint32_t reason; /* enum hal_reason_code */
	uint32_t field;  /* FIELD_MAX: none */
	uint32_t action; /* ACTION_MAX: none */
	uint32_t port;
	uint32_t pad;
	struct sim_counter final;
	char text[SIM_TEXT];
};

enum sim_presence { SIM_ABSENT, SIM_PRESENT, SIM_DELETED };

struct sim_got {
	uint32_t presence; /* DELETED: not long ago, `counter` is its final one */
	uint32_t pad;
	struct sim_counter counter;
};

struct sim_dump {
	uint64_t after; /* `last` of the page before, 0: from the start */
};

struct sim_dump_reply {
	uint64_t last;
	uint32_t n;    /* rules that follow: struct sim_dump_rule and TLVs, padded to 8 bytes */
	uint32_t more; /* there are further pages */
};

struct sim_dump_rule {
	struct sim_counter counter;
	struct sim_rule rule;
};

struct sim_bind {
	uint32_t port;
	uint32_t ifindex;
	char name[64];
};

struct sim_port {
	uint32_t port;
};

struct sim_status {
	int32_t error;
	char text[SIM_TEXT];
};

struct sim_port_stats {
	int32_t error;
	uint32_t pad;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_dropped, tx_dropped, rx_errors, tx_errors;
};

struct sim_stats {
	uint32_t rules, max_rules, ports, generation;
	uint64_t hit_packets, miss_packets, dropped_packets;
	uint64_t chain_misses; /* of the misses: in a chain other than 0, or out of a tunnel */
	uint32_t objects[HAL_OBJECT_MAX];
};

struct sim_object {
	uint32_t type, id;
	uint32_t len; /* bytes of the description, which follows */
	uint32_t pad;
};

struct sim_group {
	uint32_t n_buckets;
	uint32_t len; /* bytes of buckets, which follow */
};

struct sim_bucket {
	uint32_t len; /* bytes of action TLVs, which follow */
	uint32_t pad;
};

struct sim_object_name {
	uint32_t type, id;
};

struct sim_object_reply {
	int32_t error;
	uint32_t reason; /* as in sim_done, like the next three */
	uint32_t field, action, port;
	char text[SIM_TEXT];
};

struct sim_object_stats {
	int32_t error;
	uint32_t pad;
	struct hal_object_stats stats;
};

#endif
