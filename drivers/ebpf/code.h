/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs as the kernel's program runs them, and back.
 *
 * What: a program becomes steps of fixed size that say where in a packet what is written; which
 * header that is follows from the match. Decoding is exact: what encodes to the same steps is the
 * same program.
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_EBPF_CODE_H
#define SLUICE_DRIVERS_EBPF_CODE_H

#include "drivers/ebpf/layout.h"
#include "hal/port.h"
#include "hal/reason.h"
#include "hal/rule.h"

struct hal_caps;

struct ebpf_code {
	uint32_t n;
	struct ebpf_step step[EBPF_STEPS];
};

/* How ports and meters are named there. */
struct ebpf_ports {
	uint32_t (*ifindex)(const void *ctx, uint32_t port); /* 0: not on this device */
	uint32_t (*port)(const void *ctx, uint32_t ifindex); /* HAL_PORT_NONE: no port of it */
	const void *ctx;
	/* NULL: there are no meters. -1: not on this device. */
	int64_t (*meter)(const void *ctx, uint32_t id);        /* its number */
	int64_t (*meter_id)(const void *ctx, uint32_t number); /* also of a former run */
};

/* 0, or -errno with `r`. */
int ebpf_code_encode(const struct hal_cmatch *match, const struct hal_program *program,
	const struct ebpf_ports *ports, struct ebpf_code *code, struct hal_reason *r);

/* 0, -EINVAL if nothing of ours is written like this, or -ENOMEM. */
int ebpf_code_decode(const struct hal_cmatch *match, const struct ebpf_code *code,
	const struct ebpf_ports *ports, struct hal_program **out);

/* Actions, and fields that can be set. */
void ebpf_code_caps(struct hal_caps *caps);

/* ---- encap.c ---- */

/* Adds the steps of a TUNNEL_PUSH or a TUNNEL_POP, of which `program` has no other. 0, or -errno
 * with `r`. */
int ebpf_encap_encode(const struct hal_program *program, const struct hal_action *a,
	const struct ebpf_ports *ports, struct ebpf_code *code, struct hal_reason *r);
/* Before all others: what packets have to be like for the program's steps. */
int ebpf_encap_begin(
	const struct hal_program *program, struct ebpf_code *code, struct hal_reason *r);
/* The step that begins with step i, and how many steps it has; -EINVAL: none of ours. */
int ebpf_encap_decode(struct hal_builder *b, const struct ebpf_ports *ports,
	const struct ebpf_code *code, unsigned i);
/* Whether the steps have to do with tunnels. */
bool ebpf_encap_is_in(const struct ebpf_code *code);

/* ---- set.c ---- */

/* Adds the steps of a SET. 0, or -errno with `r`. */
int ebpf_set_encode(const struct hal_cmatch *match, const struct hal_act_set *set,
	struct ebpf_code *code, struct hal_reason *r);
/* The SET that begins with step i, and how many steps it has; 0: none of ours. */
unsigned ebpf_set_decode(const struct ebpf_code *code, unsigned i, struct hal_act_set *out);
bool ebpf_set_can(enum hal_field_id field);

#endif
