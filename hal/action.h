/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs: what is done with the packets of a megaflow, in order.
 *
 * What: a program is a list of steps laid one after another in one buffer, each a struct that
 * begins with struct hal_action (type and length, 8-byte aligned). SAMPLE, CLONE and CHECK_PKT_LEN
 * hold nested lists behind their own struct. An empty program drops the packet.
 * Why so: one allocation, no pointers, so a program can be compared, copied and sent.
 * Thread-safety: a finished program never changes.
 */
#ifndef SLUICE_HAL_ACTION_H
#define SLUICE_HAL_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/field.h"

enum hal_action_type {
#define ACTION(ID, ...) ACTION_##ID,
#include "hal/actions.def"
#undef ACTION
	ACTION_MAX,
};

struct hal_action {
	uint16_t type; /* enum hal_action_type */
	uint16_t len;  /* bytes of this step with its nested lists; a multiple of 8 */
	uint32_t pad;
};

struct hal_act_output {
	struct hal_action a;
	uint32_t port; /* datapath port id */
	uint32_t pad;
};

struct hal_act_controller {
	struct hal_action a;
	uint64_t cookie;     /* of the flow that sent it */
	uint32_t bridge;     /* pipeline's id of the bridge */
	uint32_t in_port_of; /* OpenFlow number of the input port in that bridge */
	uint64_t metadata;
	uint16_t max_len;
	uint16_t controller_id;
	uint8_t table;
	uint8_t reason; /* OFPR_* as in OpenFlow 1.3 */
	uint8_t pad[2];
	uint32_t note; /* pipeline's id of what else belongs to it (registers, userdata, how to go
			  on after a pause), 0: nothing; the megaflow keeps it alive */
	uint32_t pad2;
};

struct hal_act_vlan {
	struct hal_action a;
	rte_be16_t tpid;
	rte_be16_t tci; /* without HAL_VLAN_PRESENT */
	uint32_t pad;
};

struct hal_act_mpls {
	struct hal_action a;
	rte_be16_t eth_type; /* push: of the new entry; pop: of what remains */
	uint16_t pad;
	rte_be32_t lse;
};

/* The frame becomes what a backbone frame carries; that has the same addresses. */
struct hal_act_pbb {
	struct hal_action a;
	rte_be16_t eth_type;
	uint16_t pad;
	rte_be32_t itag; /* I-PCP, I-DEI, UCA, I-SID (IEEE 802.1Q, 9.7) */
};

struct hal_act_set {
	struct hal_action a;
	uint16_t field; /* enum hal_field_id: a datapath field of at most 16 bytes */
	uint16_t pad[3];
	uint8_t value[16]; /* wire form, bits outside the mask are 0 */
	uint8_t mask[16];
};

/* Outer Ethernet, IP, UDP and tunnel headers with their options, ready to be put before the packet
 * but for what depends on it: lengths, checksums, the IPv4 identification, the UDP source port,
 * which tells inner flows apart (RFC 7348, 5), and the ECN field, which is the inner packet's (RFC
 * 6040, 4.1). No header at all (header_len 0): it is not known where to send it, the packet is
 * dropped. */
struct hal_act_tunnel_push {
	struct hal_action a;
	uint32_t port;       /* the tunnel port's datapath id, for its counters */
	uint8_t type;        /* enum hal_tunnel_type, see hal/object.h */
	uint8_t flags;       /* HAL_TUNNEL_* */
	uint16_t header_len; /* bytes of header */
	uint8_t header[];    /* lengths, IPv4 identification and checksums in it are 0 */
};
#define HAL_TUNNEL_CSUM 0x01        /* with a UDP checksum over IPv4; always over IPv6 */
#define HAL_TUNNEL_INHERIT_TOS 0x02 /* the inner packet's DSCP goes into the outer header */
#define HAL_TUNNEL_INHERIT_TTL 0x04
#define HAL_TUNNEL_GBP 0x08 /* pop: VXLAN headers may carry a group policy id */

/* The steps after it are for nobody: what comes out is a packet received by `port` (chain 0), with
 * the tunnel's members of the key filled in. */
struct hal_act_tunnel_pop {
	struct hal_action a;
	uint32_t port; /* the tunnel port's datapath id */
	uint8_t type;  /* enum hal_tunnel_type */
	uint8_t flags; /* HAL_TUNNEL_GBP */
	uint8_t pad[2];
};

/* GROUP, MIRROR: names an object of the device. Only offload makes these steps; the software path
 * never sees one. */
struct hal_act_object {
	struct hal_action a;
	uint32_t id;
	uint32_t pad;
};

struct hal_act_recirc {
	struct hal_action a;
	uint32_t id;
	uint32_t pad;
};

enum hal_hash {
	HAL_HASH_SYM_L4, /* both directions of a connection alike */
	HAL_HASH_L4,     /* addresses, protocol and ports; each direction its own */
	HAL_HASH_SYM_L2, /* both directions alike, Ethernet and ARP addresses too */
};

struct hal_act_hash {
	struct hal_action a;
	uint32_t algorithm; /* enum hal_hash */
	uint32_t basis;
};

struct hal_act_ct {
	struct hal_action a;
	uint16_t zone;
	uint16_t flags; /* HAL_CT_* */
	uint32_t mark, mark_mask;
	uint8_t label[16], label_mask[16];
	uint8_t nat_min[16], nat_max[16];
	uint16_t nat_port_min, nat_port_max;
	uint16_t nat_flags;
	uint16_t alg; /* transport port of the ALG's control protocol, 0: none */
};
#define HAL_CT_COMMIT 0x0001
#define HAL_CT_FORCE 0x0002
#define HAL_CT_NAT 0x0004

/* nat_flags. An IPv4 address lies in the first 4 bytes of nat_min and nat_max; an address of zero
 * means that none is given. */
#define HAL_NAT_SRC 0x0001
#define HAL_NAT_DST 0x0002
#define HAL_NAT_PERSISTENT 0x0004
#define HAL_NAT_HASH 0x0008
#define HAL_NAT_RANDOM 0x0010
#define HAL_NAT_IPV6 0x0020 /* the addresses are IPv6 */

struct hal_act_meter {
	struct hal_action a;
	uint32_t meter; /* datapath meter id */
	uint32_t pad;
};

struct hal_act_trunc {
	struct hal_action a;
	uint32_t max_len; /* bytes from the Ethernet header on */
	uint32_t pad;
};

struct hal_act_sample {
	struct hal_action a;
	uint32_t probability; /* of UINT32_MAX */
	uint32_t nested_len;  /* bytes of steps that follow */
};

struct hal_act_clone {
	struct hal_action a;
	uint32_t nested_len;
	uint32_t pad;
};

struct hal_act_check_len {
	struct hal_action a;
	uint32_t max_len; /* a longer packet takes the first list, others the second */
	uint32_t greater_len, less_len; /* bytes of the two lists that follow, in this order */
	uint32_t pad;
};

/* A finished program. */
struct hal_program {
	uint32_t len;       /* bytes of steps */
	uint32_t n_outputs; /* OUTPUT steps on the top level */
	uint64_t steps[];
};

#define ACTION_FOR_EACH(act, program)                                                          \
	for (const struct hal_action *                                                         \
			act = (const struct hal_action *)(program)->steps,                     \
		       *end_ = (const struct hal_action *)((const uint8_t *)(program)->steps + \
							   (program)->len);                    \
		act < end_; act = (const struct hal_action *)((const uint8_t *)act + act->len))

/* A program being built. `error` becomes non-zero (-ENOMEM, -E2BIG) once and stays. */
struct hal_builder {
	struct hal_program *program;
	uint32_t capacity;
	int error;
};

#define HAL_PROGRAM_MAX 60000 /* bytes */

void hal_builder_init(struct hal_builder *b);
void hal_builder_clear(struct hal_builder *b); /* frees what was built */

/* Appends a step of the type with `len` bytes (rounded up to 8), zeroed but for its header. NULL
 * when the program cannot grow: b->error says why. The pointer is good until the next append. */
void *hal_builder_add(struct hal_builder *b, enum hal_action_type type, size_t len);

void hal_build_output(struct hal_builder *b, uint32_t port);
void hal_build_set(
	struct hal_builder *b, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);
void hal_build_push_vlan(struct hal_builder *b, rte_be16_t tpid, rte_be16_t tci);
void hal_build_plain(struct hal_builder *b, enum hal_action_type type);

/* Nested lists: begin returns the step's offset, which end takes. CHECK_PKT_LEN calls
 * hal_build_nested_else() between its two lists. */
uint32_t hal_build_nested_begin(struct hal_builder *b, enum hal_action_type type, uint32_t arg);
void hal_build_nested_else(struct hal_builder *b, uint32_t at);
void hal_build_nested_end(struct hal_builder *b, uint32_t at);

/* Finishes b->program where it is, for the caller to copy; it stays the builder's. 0 or the error.
 */
int hal_builder_end(struct hal_builder *b);

/* Takes the finished program out of the builder (the caller frees it with free()), or NULL with
 * b->error set. */
struct hal_program *hal_builder_finish(struct hal_builder *b);

bool hal_program_equal(const struct hal_program *a, const struct hal_program *b);

/* Takes the `n` bytes from the step `at` on out of the program. */
void hal_program_cut(struct hal_program *p, const struct hal_action *at, uint32_t n);

const char *hal_action_name(enum hal_action_type type);

/* Prints "push_vlan(vid=5,pcp=0),output(3)" style text, "drop" for an empty program. `port_name`
 * turns a datapath port id into a name, or is NULL for numbers. snprintf's return value. */
typedef const char *hal_port_namer(void *ctx, uint32_t port);
int hal_program_format(
	const struct hal_program *p, hal_port_namer *port_name, void *ctx, char *buf, size_t n);

#endif
