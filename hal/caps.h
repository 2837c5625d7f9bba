/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device can do, as data.
 *
 * What: struct hal_caps, filled by a driver when it opens a device (probed where it can be), and
 * the static checks that need nothing else.
 * Why: what can be decided from data is decided once, here; a driver's `check` judges only
 * combinations.
 * Thread-safety: constant once the device is open.
 */
#ifndef SLUICE_HAL_CAPS_H
#define SLUICE_HAL_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/key.h"
#include "hal/reason.h"

struct hal_rule;

/* How a device can match a field: bits of hal_caps.match[]. */
#define HAL_MATCH_EXACT 0x01
#define HAL_MATCH_PREFIX 0x02
#define HAL_MATCH_ANY 0x04

enum hal_object_type {
	HAL_OBJECT_GROUP,
	HAL_OBJECT_LAG,
	HAL_OBJECT_METER,
	HAL_OBJECT_MIRROR,
	HAL_OBJECT_SAMPLER,
	HAL_OBJECT_TUNNEL,
	HAL_OBJECT_VLAN_MEMBER,
	HAL_OBJECT_FDB,
	HAL_OBJECT_PORT_STATE,
	HAL_OBJECT_CONNECTION,
	HAL_OBJECT_MAX,
};

/* A match that covers any of the bits in `when` has to cover `bits` too: for packets of `eth_type`,
 * or all of them if that is 0. */
#define HAL_NEEDS 3
struct hal_need {
	struct hal_key when, bits;
	rte_be16_t eth_type;
};

struct hal_caps {
	char name[32];               /* "sim:nic" */
	uint8_t match[FIELD_MAX];    /* HAL_MATCH_* by field; 0: cannot match it */
	bool action[ACTION_MAX];     /* steps it can do */
	bool set[FIELD_MAX];         /* fields that its SET can write */
	bool set_masked;             /* SET can write part of a field */
	bool object[HAL_OBJECT_MAX]; /* objects it has */
	uint32_t max_rules;
	uint32_t max_actions; /* steps in one program, 0: no limit */
	uint32_t max_outputs; /* OUTPUT steps in one program, 0: no limit */
	uint32_t max_ports;
	uint32_t max_vlan_tags; /* tags that it parses */
	bool counts_packets, counts_bytes;
	uint8_t counter_bits;  /* width of a raw counter, 1 to 64 */
	bool chains;           /* rules in chains other than 0 */
	bool outputs_by_group; /* several outputs of a program have to be a GROUP object */
	uint32_t max_objects[HAL_OBJECT_MAX]; /* room by type, 0: no limit */
	bool resumes;                         /* can hand a half-done chain to software */
	bool looks_ahead;      /* what no rule takes behind a TUNNEL_POP is handed up as it came */
	bool priorities;       /* several rules may match: the highest priority wins */
	bool atomic_update;    /* REPLACE takes effect with no packet in between */
	bool survives_restart; /* rules outlive the daemon and can be adopted */
	bool by_kernel;      /* the kernel runs what no hardware took (hal_raw_counter.in_kernel) */
	bool kernel_ports;   /* ports are netdevs whose packets it does not move (port_miss) */
	bool internal_ports; /* with them, HAL_PORT_INTERNAL; it counts only what it moves itself */
	bool any_bits;       /* also matches bits that make no whole field (half an ICMP type) */
	/* What a match has to cover besides, so that the device can tell what a packet is.
	 * Translations for such a device look at it. */
	struct hal_need need[HAL_NEEDS];
	unsigned n_needs;
};

/* Judges `rule` by the data in `caps` alone: fields and mask kinds, actions, set fields, chains,
 * number of steps and outputs. Every bit of the match must be accounted for. Returns 0 or -errno
 * with the first thing that blocks it in `r`. */
int hal_caps_check(const struct hal_caps *caps, const struct hal_rule *rule, struct hal_reason *r);

/* The kind of a mask over a field: HAL_MATCH_EXACT, _PREFIX or _ANY, or 0 for an empty mask. */
uint8_t hal_mask_kind(enum hal_field_id id, const uint8_t *mask);

/* Adds to the mask over `key` what the device needs besides. */
void hal_caps_need(
	const struct hal_need *need, unsigned n, const struct hal_key *key, struct hal_key *mask);

const char *hal_object_name(enum hal_object_type type);

#endif
