/* SPDX-License-Identifier: Apache-2.0
 *
 * Going over action TLVs that check.c has found sound.
 */
#ifndef SLUICE_TOOLS_SIMNIC_STEPS_H
#define SLUICE_TOOLS_SIMNIC_STEPS_H

#include <string.h>

#include "drivers/sim/protocol.h"

struct nic_step {
	uint16_t type;
	uint16_t len;
	const uint8_t *arg;
	const uint8_t *next;
};

static inline struct nic_step nic_step_read(const uint8_t *at)
{
	struct sim_tlv tlv;

	memcpy(&tlv, at, sizeof(tlv));
	return (struct nic_step){tlv.type, tlv.len, at + sizeof(tlv), at + sizeof(tlv) + tlv.len};
}

static inline uint32_t nic_step_number(const struct nic_step *s)
{
	uint32_t number;

	memcpy(&number, s->arg, sizeof(number));
	return number;
}

/* The nested lists of a step: their number, and where they begin and end. */
struct nic_lists {
	unsigned n;
	const uint8_t *at[2];
	uint32_t len[2];
};

static inline struct nic_lists nic_step_lists(const struct nic_step *s)
{
	struct nic_lists l = {0};
	struct sim_act_check_len check;

	if (s->type == ACTION_CLONE) {
		l = (struct nic_lists){1, {s->arg}, {s->len}};
	} else if (s->type == ACTION_SAMPLE) {
		l.n = 1;
		l.at[0] = s->arg + sizeof(struct sim_act_sample);
		l.len[0] = s->len - (uint32_t)sizeof(struct sim_act_sample);
	} else if (s->type == ACTION_CHECK_PKT_LEN) {
		memcpy(&check, s->arg, sizeof(check));
		l.n = 2;
		l.at[0] = s->arg + sizeof(check);
		l.len[0] = check.greater_len;
		l.at[1] = l.at[0] + check.greater_len;
		l.len[1] = s->len - (uint32_t)sizeof(check) - check.greater_len;
	}
	return l;
}

/* The object that a step names: its type, or HAL_OBJECT_MAX. */
static inline uint32_t nic_step_object(const struct nic_step *s)
{
	switch (s->type) {
	case ACTION_METER:
		return HAL_OBJECT_METER;
	case ACTION_GROUP:
		return HAL_OBJECT_GROUP;
	case ACTION_MIRROR:
		return HAL_OBJECT_MIRROR;
	case ACTION_TUNNEL_PUSH: /* the port comes first in both */
	case ACTION_TUNNEL_POP:
		return HAL_OBJECT_TUNNEL;
	default:
		return HAL_OBJECT_MAX;
	}
}

#endif
