/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/reason.h"
#include "tools/simnic/nic.h"
#include "tools/simnic/profile.h"
#include "tools/simnic/steps.h"

#define MAX_PUSHES 8 /* tags that one program adds */
#define MAX_NESTED 16
#define MAX_TUNNEL_HEADER 384

struct checking {
	const struct nic *nic;
	struct sim_done *done;
	unsigned pushes;
	bool may_hand_up, has_group;
};

static bool check_list(struct checking *c, const uint8_t *at, size_t len, unsigned depth);

static bool refuse(struct checking *c, uint16_t action, uint32_t reason, const char *text)
{
	c->done->error = reason == HAL_REASON_DEPENDS ? -EAGAIN : -EOPNOTSUPP;
	c->done->reason = reason;
	c->done->action = action < ACTION_MAX ? action : ACTION_MAX;
	snprintf(c->done->text, sizeof(c->done->text), "%s", text);
	return false;
}

/* Bytes of an argument, or of what comes before a step's lists or header. */
static size_t argument_bytes(uint16_t type)
{
	static const uint8_t bytes[ACTION_MAX] = {
		[ACTION_OUTPUT] = sizeof(uint32_t),
		[ACTION_RECIRC] = sizeof(uint32_t),
		[ACTION_METER] = sizeof(uint32_t),
		[ACTION_TRUNC] = sizeof(uint32_t),
		[ACTION_GROUP] = sizeof(uint32_t),
		[ACTION_MIRROR] = sizeof(uint32_t),
		[ACTION_PUSH_VLAN] = sizeof(struct sim_act_vlan),
		[ACTION_PUSH_MPLS] = sizeof(struct sim_act_mpls),
		[ACTION_POP_MPLS] = sizeof(struct sim_act_mpls),
		[ACTION_SET] = sizeof(struct sim_act_set),
		[ACTION_HASH] = sizeof(struct sim_act_hash),
		[ACTION_CT] = sizeof(struct sim_act_ct),
		[ACTION_TUNNEL_POP] = sizeof(struct sim_act_tunnel_pop),
		[ACTION_TUNNEL_PUSH] = sizeof(struct sim_act_tunnel_push),
		[ACTION_SAMPLE] = sizeof(struct sim_act_sample),
		[ACTION_CHECK_PKT_LEN] = sizeof(struct sim_act_check_len),
	};

	return bytes[type];
}

static bool has_tail(uint16_t type)
{
	return type == ACTION_TUNNEL_PUSH || type == ACTION_SAMPLE || type == ACTION_CLONE ||
	       type == ACTION_CHECK_PKT_LEN;
}

static bool check_set(struct checking *c, const struct nic_step *s)
{
	struct sim_act_set set;

	memcpy(&set, s->arg, sizeof(set));
	if (set.field < FIELD_MAX && c->nic->profile->caps->set[set.field])
		return true;
	c->done->field = set.field < FIELD_MAX ? set.field : FIELD_MAX;
	return refuse(c, ACTION_SET, HAL_REASON_UNSUPPORTED_ACTION, "cannot write this field");
}

static bool check_port(struct checking *c, const struct nic_step *s)
{
	uint32_t port = nic_step_number(s);

	if (nic_port_find(c->nic, port))
		return true;
	c->done->port = port;
	return refuse(c, s->type, HAL_REASON_UNBOUND_PORT, "no such port");
}

static bool check_push(struct checking *c, const struct nic_step *s)
{
	struct sim_act_tunnel_push push;

	memcpy(&push, s->arg, sizeof(push));
	if (push.header_len == s->len - sizeof(push) && push.header_len >= 14 + 20 + 8 &&
		push.header_len <= MAX_TUNNEL_HEADER)
		return true;
	return refuse(c, s->type, HAL_REASON_UNSUPPORTED_COMBINATION,
		"outer headers of a length that it cannot put before a frame");
}

static bool check_object(struct checking *c, const struct nic_step *s)
{
	uint32_t type = nic_step_object(s);

	if (type == HAL_OBJECT_MAX || nic_object_find(&c->nic->objects, type, nic_step_number(s)))
		return true;
	return refuse(c, s->type, HAL_REASON_DEPENDS, "the object that it names is not there");
}

static bool check_lists(struct checking *c, const struct nic_step *s, unsigned depth)
{
	struct sim_act_check_len check;
	struct nic_lists lists;

	if (s->type == ACTION_CHECK_PKT_LEN) {
		memcpy(&check, s->arg, sizeof(check));
		if (check.greater_len > s->len - sizeof(check))
			return refuse(c, s->type, HAL_REASON_DEVICE_ERROR, "malformed lists");
	}
	lists = nic_step_lists(s);
	for (unsigned i = 0; i < lists.n; i++) {
		if (!check_list(c, lists.at[i], lists.len[i], depth + 1))
			return false;
	}
	return true;
}

static bool check_step(struct checking *c, const struct nic_step *s, unsigned depth)
{
	size_t bytes = s->type < ACTION_MAX ? argument_bytes(s->type) : 0;

	if (s->type >= ACTION_MAX || !c->nic->profile->caps->action[s->type] || s->len < bytes ||
		(s->len > bytes && !has_tail(s->type)))
		return refuse(c, s->type, HAL_REASON_UNSUPPORTED_ACTION, "no such step");
	c->pushes += s->type == ACTION_PUSH_VLAN || s->type == ACTION_PUSH_MPLS;
	c->may_hand_up |= s->type == ACTION_CT || s->type == ACTION_TUNNEL_POP;
	c->has_group |= s->type == ACTION_GROUP;
	if (c->pushes > MAX_PUSHES)
		return refuse(c, s->type, HAL_REASON_UNSUPPORTED_COMBINATION,
			"more tags than there is room for in front of a frame");
	if (!check_object(c, s))
		return false;
	switch (s->type) {
	case ACTION_OUTPUT:
		return check_port(c, s);
	case ACTION_SET:
		return check_set(c, s);
	case ACTION_TUNNEL_PUSH:
		return check_push(c, s);
	default:
		return check_lists(c, s, depth);
	}
}

static bool check_list(struct checking *c, const uint8_t *at, size_t len, unsigned depth)
{
	struct sim_tlv tlv;

	if (depth > MAX_NESTED)
		return refuse(c, ACTION_MAX, HAL_REASON_UNSUPPORTED_COMBINATION,
			"lists of steps are nested too deep");
	while (len) {
		struct nic_step s;

		if (len >= sizeof(tlv))
			memcpy(&tlv, at, sizeof(tlv));
		if (len < sizeof(tlv) || tlv.len > len - sizeof(tlv))
			return refuse(
				c, ACTION_MAX, HAL_REASON_DEVICE_ERROR, "the program is malformed");
		s = nic_step_read(at);
		if (!check_step(c, &s, depth))
			return false;
		at += sizeof(tlv) + tlv.len;
		len -= sizeof(tlv) + tlv.len;
	}
	return true;
}

bool nic_check_steps(const struct nic *nic, const uint8_t *tlvs, size_t len, bool *may_hand_up,
	struct sim_done *done)
{
	struct checking c = {.nic = nic, .done = done};
	bool ok = check_list(&c, tlvs, len, 0);

	*may_hand_up = c.may_hand_up;
	return ok;
}

bool nic_check_bucket(const struct nic *nic, const uint8_t *tlvs, size_t len, struct sim_done *done)
{
	struct checking c = {.nic = nic, .done = done};

	if (!check_list(&c, tlvs, len, 0))
		return false;
	if (c.may_hand_up)
		return refuse(&c, ACTION_GROUP, HAL_REASON_UNSUPPORTED_COMBINATION,
			"ct or tunnel_pop in a bucket may hand a copy up");
	if (c.has_group)
		return refuse(
			&c, ACTION_GROUP, HAL_REASON_UNSUPPORTED_COMBINATION, "a group in a group");
	return true;
}
