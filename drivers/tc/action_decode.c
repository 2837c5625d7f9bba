/* SPDX-License-Identifier: Apache-2.0
 *
 * TC actions read back as a program. What the kernel tells is not trusted: anything that is not as
 * action_encode.c writes it makes the filter a foreign one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_vlan.h>

#include "drivers/tc/action.h"
#include "drivers/tc/mpls.h"
#include "drivers/tc/pedit.h"
#include "drivers/tc/police.h"
#include "drivers/tc/tags.h"
#include "hal/mutation.h"

struct decoding {
	const struct tc_action_env *env;
	struct hal_builder b;
	struct hal_key value, mask; /* what is known of the packet now */
	bool ended;
};

static int parms(struct nlattr *options, int attr, int max, void *out, size_t n)
{
	struct nlattr *a[16];

	if (max > 15 || nla_parse_nested(a, max, options, NULL) || !a[attr] ||
		nla_len(a[attr]) < (int)n)
		return -EINVAL;
	memcpy(out, nla_data(a[attr]), n);
	return 0;
}

static int get_gact(struct decoding *d, struct nlattr *options)
{
	struct tc_gact gact;
	struct hal_act_recirc *recirc;

	if (parms(options, TCA_GACT_PARMS, TCA_GACT_MAX, &gact, sizeof(gact)))
		return -EINVAL;
	if (gact.action == TC_ACT_PIPE) /* it only counts */
		return 0;
	d->ended = true;
	if (MUTATE(551, gact.action == TC_ACT_SHOT, false))
		return 0;
	if (!TC_ACT_EXT_CMP(gact.action, TC_ACT_GOTO_CHAIN))
		return -EINVAL;
	recirc = hal_builder_add(&d->b, ACTION_RECIRC, sizeof(*recirc));
	if (!recirc)
		return -ENOMEM;
	recirc->id = (uint32_t)gact.action & TC_ACT_EXT_VAL_MASK;
	return 0;
}

static int get_mirred(struct decoding *d, struct nlattr *options)
{
	struct tc_mirred mirred;
	uint32_t port;

	if (parms(options, TCA_MIRRED_PARMS, TCA_MIRRED_MAX, &mirred, sizeof(mirred)))
		return -EINVAL;
	if (mirred.eaction == TCA_EGRESS_REDIR && mirred.action == TC_ACT_STOLEN)
		d->ended = true;
	else if (mirred.eaction != TCA_EGRESS_MIRROR || mirred.action != TC_ACT_PIPE)
		return -EINVAL;
	port = d->env->port(d->env->ctx, mirred.ifindex);
	if (!port)
		return -EINVAL;
	hal_build_output(&d->b, port);
	return 0;
}

static void pop(struct decoding *d)
{
	hal_build_plain(&d->b, ACTION_POP_VLAN);
	tc_tags_pop(&d->value, &d->mask);
}

static void push(struct decoding *d, rte_be16_t tpid, rte_be16_t tci)
{
	hal_build_push_vlan(&d->b, tpid, tci);
	tc_tags_push(&d->value, &d->mask, tpid, tci);
}

/* The part of the TCI that was not known, or is another now. */
static void modify(struct decoding *d, rte_be16_t tci)
{
	static const enum hal_field_id parts[] = {FIELD_VLAN_VID, FIELD_VLAN_PCP};
	struct hal_key to = d->value;

	to.vlan[0].tci = tci | RTE_BE16(HAL_VLAN_PRESENT);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t is[HAL_VALUE_MAX] = {0}, was[HAL_VALUE_MAX] = {0}, ones[HAL_VALUE_MAX];

		memset(ones, 0, sizeof(ones));
		hal_field_ones(parts[i], ones);
		hal_field_get(parts[i], &to, is);
		hal_field_get(parts[i], &d->value, was);
		if (!hal_field_all(parts[i], &d->mask) ||
			(MUTATE(550, true, false) && memcmp(is, was, sizeof(is))))
			hal_build_set(&d->b, parts[i], is, ones);
	}
	d->value.vlan[0].tci = to.vlan[0].tci;
	d->mask.vlan[0].tci = RTE_BE16(0xffff);
}

static int get_vlan(struct decoding *d, struct nlattr *options)
{
	struct nlattr *a[TCA_VLAN_MAX + 1];
	struct tc_vlan vlan;
	rte_be16_t tpid, tci;

	if (nla_parse_nested(a, TCA_VLAN_MAX, options, NULL) || !a[TCA_VLAN_PARMS] ||
		nla_len(a[TCA_VLAN_PARMS]) < (int)sizeof(vlan))
		return -EINVAL;
	memcpy(&vlan, nla_data(a[TCA_VLAN_PARMS]), sizeof(vlan));
	if (vlan.action != TC_ACT_PIPE)
		return -EINVAL;
	if (vlan.v_action == TCA_VLAN_ACT_POP) {
		pop(d);
		return 0;
	}
	if (!a[TCA_VLAN_PUSH_VLAN_ID] || nla_len(a[TCA_VLAN_PUSH_VLAN_ID]) < 2 ||
		!a[TCA_VLAN_PUSH_VLAN_PROTOCOL] || nla_len(a[TCA_VLAN_PUSH_VLAN_PROTOCOL]) < 2 ||
		!a[TCA_VLAN_PUSH_VLAN_PRIORITY] || nla_len(a[TCA_VLAN_PUSH_VLAN_PRIORITY]) < 1)
		return -EINVAL;
	tpid = nla_get_u16(a[TCA_VLAN_PUSH_VLAN_PROTOCOL]);
	tci = rte_cpu_to_be_16(
		(uint16_t)((nla_get_u16(a[TCA_VLAN_PUSH_VLAN_ID]) & 0xfff) |
			   (nla_get_u8(a[TCA_VLAN_PUSH_VLAN_PRIORITY]) & MUTATE(552, 7, 0)) << 13));
	if (vlan.v_action == TCA_VLAN_ACT_PUSH)
		push(d, tpid, tci);
	else if (vlan.v_action == TCA_VLAN_ACT_MODIFY && tpid == d->value.vlan[0].tpid)
		modify(d, tci);
	else
		return -EINVAL;
	return 0;
}

static int get_pedit(struct decoding *d, struct nlattr *options)
{
	struct tc_edits e;
	int err = tc_pedit_parse(options, &e);

	return err || MUTATE(553, false, true) ? err
					       : tc_pedit_steps(&e, &d->value, &d->mask, &d->b);
}

static int get_csum(struct decoding *d, struct nlattr *options)
{
	struct tc_csum csum;

	(void)d;
	if (parms(options, TCA_CSUM_PARMS, TCA_CSUM_MAX, &csum, sizeof(csum)))
		return -EINVAL;
	return csum.action == TC_ACT_PIPE ? 0 : -EINVAL;
}

static int get_mpls(struct decoding *d, struct nlattr *options)
{
	return tc_mpls_get(options, &d->value, &d->mask, &d->b);
}

static int get_policer(struct decoding *d, struct nlattr *options)
{
	const uint32_t index = tc_police_get(options);
	struct hal_act_meter *meter;
	uint32_t id;

	if (!index || d->env->meter(d->env->meters, index, &id))
		return -EINVAL;
	meter = hal_builder_add(&d->b, ACTION_METER, sizeof(*meter));
	if (!meter)
		return -ENOMEM;
	meter->meter = id;
	return 0;
}

static int get_action(struct decoding *d, struct nlattr *one)
{
	static const struct {
		const char *kind;
		int (*get)(struct decoding *d, struct nlattr *options);
	} kinds[] = {
		{"gact", get_gact},
		{"mirred", get_mirred},
		{"vlan", get_vlan},
		{"pedit", get_pedit},
		{"csum", get_csum},
		{"police", get_policer},
		{"mpls", get_mpls},
	};
	static struct nla_policy policy[TCA_ACT_MAX + 1] = {
		[TCA_ACT_KIND] = {.type = NLA_STRING},
		[TCA_ACT_OPTIONS] = {.type = NLA_NESTED},
	};
	struct nlattr *a[TCA_ACT_MAX + 1];

	if (d->ended || nla_parse_nested(a, TCA_ACT_MAX, one, policy) || !a[TCA_ACT_KIND] ||
		!a[TCA_ACT_OPTIONS])
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!nla_strcmp(a[TCA_ACT_KIND], kinds[i].kind))
			return kinds[i].get(d, a[TCA_ACT_OPTIONS]);
	return -EINVAL;
}

int tc_actions_decode(struct nlattr *list, const struct hal_match *m,
	const struct tc_action_env *env, struct hal_program **out)
{
	struct decoding d = {.env = env, .value = m->value.dp, .mask = m->mask.dp};
	struct nlattr *one;
	int err = 0, left;

	*out = NULL;
	hal_builder_init(&d.b);
	nla_for_each_nested(one, list, left)
	{
		err = get_action(&d, one);
		if (err)
			break;
	}
	if (!err && !d.ended)
		err = -EINVAL;
	if (!err) {
		*out = hal_builder_finish(&d.b);
		err = *out ? 0 : -ENOMEM;
	}
	if (err)
		hal_builder_clear(&d.b);
	return err;
}
