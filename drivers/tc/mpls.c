/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tc/mpls.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include <linux/tc_act/tc_mpls.h>
#include <rte_common.h>

#define IMPLICIT_NULL 3u

static const enum hal_field_id fields[] = {
	FIELD_MPLS_LABEL, FIELD_MPLS_TC, FIELD_MPLS_BOS, FIELD_MPLS_TTL};

bool tc_mpls_is_field(enum hal_field_id id)
{
	for (unsigned i = 0; i < RTE_DIM(fields); i++)
		if (fields[i] == id)
			return true;
	return false;
}

static bool is_mpls(rte_be16_t type)
{
	return type == RTE_BE16(ETH_P_MPLS_UC) || type == RTE_BE16(ETH_P_MPLS_MC);
}

/* ---- what it can do ---- */

static int refuse(const struct hal_action *a, struct hal_reason *r, const char *why)
{
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type, "%s", why);
}

static int check_part(
	const struct hal_action *a, enum hal_field_id id, rte_be32_t lse, struct hal_reason *r)
{
	if (id == FIELD_MPLS_LABEL && rte_be_to_cpu_32(lse) >> 12 == IMPLICIT_NULL)
		return refuse(a, r, "TC does not write the label 3");
	if (id == FIELD_MPLS_TTL && !(rte_be_to_cpu_32(lse) & 0xff))
		return refuse(a, r, "TC does not write a TTL of 0 into a label stack entry");
	return 0;
}

static int check_set(const struct hal_act_set *set, struct hal_reason *r)
{
	struct hal_key to = {0};

	hal_field_set(set->field, &to, set->value, set->mask);
	return check_part(&set->a, set->field, to.mpls_lse[0], r);
}

static int check_push(
	const struct hal_act_mpls *push, const struct hal_key *value, struct hal_reason *r)
{
	int err = 0;

	if (rte_be_to_cpu_16(value->eth_type) < ETH_P_802_3_MIN)
		return refuse(&push->a, r,
			"there is no EtherType in the packet that could say that labels follow");
	for (unsigned i = 0; i < RTE_DIM(fields) && !err; i++)
		err = check_part(&push->a, fields[i], push->lse, r);
	return err;
}

int tc_mpls_check(const struct hal_action *a, const struct hal_key *value,
	const struct hal_key *mask, struct hal_reason *r)
{
	const struct hal_act_mpls *mpls = (const struct hal_act_mpls *)a;

	if (mask->eth_type != RTE_BE16(0xffff))
		return refuse(a, r, "the packet's EtherType is not known");
	if (value->vlan[1].tpid || mask->vlan[1].tpid != RTE_BE16(0xffff))
		return refuse(
			a, r, "TC looks for labels behind one tag, and the packet may have more");
	if (a->type != ACTION_PUSH_MPLS && !is_mpls(value->eth_type))
		return refuse(a, r, "the packet is known to have no labels");
	if (a->type == ACTION_SET)
		return check_set((const struct hal_act_set *)a, r);
	if (a->type == ACTION_PUSH_MPLS)
		return check_push(mpls, value, r);
	if (rte_be_to_cpu_16(mpls->eth_type) < ETH_P_802_3_MIN)
		return refuse(a, r, "TC does not write a length in the place of an EtherType");
	return 0;
}

/* ---- what is known ---- */

/* From the IP header on; a label stack is not part of it. */
static void forget_payload(struct hal_key *value, struct hal_key *mask)
{
	const size_t from = offsetof(struct hal_key, ip_proto);
	const size_t len = offsetof(struct hal_key, mpls_lse) - from;

	memset((uint8_t *)value + from, 0, len);
	memset((uint8_t *)mask + from, 0, len);
}

static void shift(rte_be32_t lse[3], bool push)
{
	if (push) {
		lse[2] = lse[1];
		lse[1] = lse[0];
		return;
	}
	lse[0] = lse[1];
	lse[1] = lse[2];
	lse[2] = 0;
}

void tc_mpls_follow(const struct hal_action *a, struct hal_key *value, struct hal_key *mask)
{
	const struct hal_act_mpls *mpls = (const struct hal_act_mpls *)a;
	const struct hal_act_set *set = (const struct hal_act_set *)a;

	if (a->type == ACTION_SET) {
		hal_field_set(set->field, value, set->value, set->mask);
		hal_field_set(set->field, mask, set->mask, set->mask);
		return;
	}
	shift(value->mpls_lse, a->type == ACTION_PUSH_MPLS);
	shift(mask->mpls_lse, a->type == ACTION_PUSH_MPLS);
	if (a->type == ACTION_PUSH_MPLS) {
		value->mpls_lse[0] = mpls->lse;
		mask->mpls_lse[0] = UINT32_MAX;
	}
	forget_payload(value, mask);
	value->eth_type = mpls->eth_type;
}

/* ---- to netlink ---- */

static int put_part(struct nl_msg *msg, enum hal_field_id id, rte_be32_t lse)
{
	const struct hal_key key = {.mpls_lse[0] = lse};
	const uint32_t part = (uint32_t)hal_field_get_u64(id, &key);

	switch (id) {
	case FIELD_MPLS_LABEL:
		return nla_put_u32(msg, TCA_MPLS_LABEL, part);
	case FIELD_MPLS_TC:
		return nla_put_u8(msg, TCA_MPLS_TC, (uint8_t)part);
	case FIELD_MPLS_BOS:
		return nla_put_u8(msg, TCA_MPLS_BOS, (uint8_t)part);
	default:
		return nla_put_u8(msg, TCA_MPLS_TTL, (uint8_t)part);
	}
}

static int put_set(struct nl_msg *msg, const struct hal_act_set *set)
{
	struct hal_key to = {0};

	hal_field_set(set->field, &to, set->value, set->mask);
	return put_part(msg, set->field, to.mpls_lse[0]);
}

static int put_entry(struct nl_msg *msg, rte_be32_t lse)
{
	for (unsigned i = 0; i < RTE_DIM(fields); i++)
		if (put_part(msg, fields[i], lse))
			return -ENOMEM;
	return 0;
}

int tc_mpls_put(struct nl_msg *msg, const struct hal_action *a)
{
	const struct hal_act_mpls *mpls = (const struct hal_act_mpls *)a;
	struct tc_mpls parms = {.action = TC_ACT_PIPE,
		.m_action = a->type == ACTION_SET         ? TCA_MPLS_ACT_MODIFY
			    : a->type == ACTION_PUSH_MPLS ? TCA_MPLS_ACT_PUSH
							  : TCA_MPLS_ACT_POP};

	if (nla_put(msg, TCA_MPLS_PARMS, sizeof(parms), &parms))
		return -ENOMEM;
	if (a->type == ACTION_SET)
		return put_set(msg, (const struct hal_act_set *)a);
	if (nla_put_u16(msg, TCA_MPLS_PROTO, mpls->eth_type))
		return -ENOMEM;
	return a->type == ACTION_PUSH_MPLS ? put_entry(msg, mpls->lse) : 0;
}

/* ---- and back ---- */

static int attr_of(enum hal_field_id id)
{
	return id == FIELD_MPLS_LABEL ? TCA_MPLS_LABEL
	       : id == FIELD_MPLS_TC  ? TCA_MPLS_TC
	       : id == FIELD_MPLS_BOS ? TCA_MPLS_BOS
				      : TCA_MPLS_TTL;
}

/* Writes the part into the key if the attribute is there and is no more than it holds. */
static int get_part(struct nlattr *const a[], enum hal_field_id id, struct hal_key *key)
{
	struct nlattr *attr = a[attr_of(id)];
	const int len = id == FIELD_MPLS_LABEL ? 4 : 1;
	uint32_t part;

	if (!attr || nla_len(attr) < len)
		return -EINVAL;
	part = len == 4 ? nla_get_u32(attr) : nla_get_u8(attr);
	hal_field_set_u64(id, key, part);
	return hal_field_get_u64(id, key) == part ? 0 : -EINVAL;
}

static int add_sets(struct nlattr *const a[], struct hal_key *value, struct hal_key *mask,
	struct hal_builder *b)
{
	for (unsigned i = 0; i < RTE_DIM(fields); i++) {
		uint8_t to[HAL_VALUE_MAX] = {0}, ones[HAL_VALUE_MAX] = {0};
		struct hal_key key = {0};

		if (!a[attr_of(fields[i])])
			continue;
		if (get_part(a, fields[i], &key))
			return -EINVAL;
		hal_field_get(fields[i], &key, to);
		hal_field_ones(fields[i], ones);
		hal_build_set(b, fields[i], to, ones);
		hal_field_set(fields[i], value, to, ones);
		hal_field_set(fields[i], mask, ones, ones);
	}
	return 0;
}

static int get_entry(struct nlattr *const a[], rte_be32_t *lse)
{
	struct hal_key key = {0};

	for (unsigned i = 0; i < RTE_DIM(fields); i++)
		if (get_part(a, fields[i], &key))
			return -EINVAL;
	*lse = key.mpls_lse[0];
	return 0;
}

static int add_step(struct nlattr *const a[], enum hal_action_type type, struct hal_key *value,
	struct hal_key *mask, struct hal_builder *b)
{
	struct hal_act_mpls *step;
	rte_be32_t lse = 0;

	if (!a[TCA_MPLS_PROTO] || nla_len(a[TCA_MPLS_PROTO]) < 2 ||
		(type == ACTION_PUSH_MPLS && get_entry(a, &lse)))
		return -EINVAL;
	step = hal_builder_add(b, type, sizeof(*step));
	if (!step)
		return -ENOMEM;
	step->eth_type = nla_get_u16(a[TCA_MPLS_PROTO]);
	step->lse = lse;
	tc_mpls_follow(&step->a, value, mask);
	return 0;
}

int tc_mpls_get(
	struct nlattr *options, struct hal_key *value, struct hal_key *mask, struct hal_builder *b)
{
	struct nlattr *a[TCA_MPLS_MAX + 1];
	struct tc_mpls parms;

	if (nla_parse_nested(a, TCA_MPLS_MAX, options, NULL) || !a[TCA_MPLS_PARMS] ||
		nla_len(a[TCA_MPLS_PARMS]) < (int)sizeof(parms))
		return -EINVAL;
	memcpy(&parms, nla_data(a[TCA_MPLS_PARMS]), sizeof(parms));
	if (parms.action != TC_ACT_PIPE)
		return -EINVAL;
	switch (parms.m_action) {
	case TCA_MPLS_ACT_PUSH:
		return add_step(a, ACTION_PUSH_MPLS, value, mask, b);
	case TCA_MPLS_ACT_POP:
		return add_step(a, ACTION_POP_MPLS, value, mask, b);
	case TCA_MPLS_ACT_MODIFY:
		return add_sets(a, value, mask, b);
	default:
		return -EINVAL;
	}
}
