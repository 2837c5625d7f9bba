/* SPDX-License-Identifier: Apache-2.0
 *
 * A program written as TC actions. What is known of the packet is carried along, since vlan and
 * pedit actions differ by it.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_vlan.h>

#include "drivers/tc/action.h"
#include "drivers/tc/flower_keys.h"
#include "drivers/tc/mpls.h"
#include "drivers/tc/pedit.h"
#include "drivers/tc/police.h"
#include "drivers/tc/tags.h"
#include "hal/mutation.h"
#include "drivers/tc/tc.h"

struct encoding {
	struct nl_msg *msg;
	const struct hal_rule *rule;
	const struct tc_action_env *env;
	struct hal_reason *r;
	struct hal_key value, mask;    /* what is known of the packet now */
	struct tc_edits edits;         /* not yet written */
	const struct hal_act_set *tag; /* the last write to the outermost tag that waits, too */
	const struct hal_action *last;
	struct nlattr *action, *options; /* open */
	unsigned n;
	bool two_tags;  /* the packet may have come with two */
	bool inner_tag; /* one may have been pushed before another */
	bool ended;
	int longer; /* bytes that tags and labels made the packet longer than it came */
};

/* ---- one action ---- */

/* What is shared with other filters keeps the cookie that it has. */
static int begin(struct encoding *e, const char *kind, bool shared)
{
	uint8_t cookie[TC_COOKIE_LEN];

	tc_ufid_to_cookie(&e->rule->ufid, cookie);
	if (e->n == TC_MAX_ACTIONS)
		return hal_refuse(e->r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"TC takes no more than %u actions", TC_MAX_ACTIONS);
	e->action = nla_nest_start(e->msg, (int)++e->n);
	if (!e->action || nla_put_string(e->msg, TCA_ACT_KIND, kind) ||
		(!shared && nla_put(e->msg, TCA_ACT_COOKIE, sizeof(cookie), cookie)))
		return -ENOMEM;
	e->options = nla_nest_start(e->msg, TCA_ACT_OPTIONS);
	return e->options ? 0 : -ENOMEM;
}

static int end(struct encoding *e)
{
	nla_nest_end(e->msg, e->options);
	nla_nest_end(e->msg, e->action);
	return 0;
}

static int put(struct encoding *e, const char *kind, int attr, const void *parms, size_t n)
{
	int err = begin(e, kind, false);

	if (!err && nla_put(e->msg, attr, (int)n, parms))
		err = -ENOMEM;
	return err ? err : end(e);
}

static int put_gact(struct encoding *e, uint32_t action)
{
	const struct tc_gact gact = {.action = (int)action};

	e->ended = true;
	return put(e, "gact", TCA_GACT_PARMS, &gact, sizeof(gact));
}

static int put_mirred(struct encoding *e, uint32_t ifindex, bool redirect)
{
	const struct tc_mirred mirred = {
		.action = redirect ? TC_ACT_STOLEN : MUTATE(536, TC_ACT_PIPE, TC_ACT_OK),
		.eaction = redirect ? TCA_EGRESS_REDIR : TCA_EGRESS_MIRROR,
		.ifindex = ifindex,
	};

	e->ended = redirect;
	return put(e, "mirred", TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
}

static int put_vlan(struct encoding *e, int what, rte_be16_t tpid, uint16_t tci)
{
	const struct tc_vlan vlan = {.action = TC_ACT_PIPE, .v_action = what};
	int err = begin(e, "vlan", false);

	if (err)
		return err;
	if (nla_put(e->msg, TCA_VLAN_PARMS, sizeof(vlan), &vlan))
		return -ENOMEM;
	if (what != TCA_VLAN_ACT_POP &&
		(nla_put_u16(e->msg, TCA_VLAN_PUSH_VLAN_ID, tci & MUTATE(535, 0xfff, 0xffe)) ||
			nla_put_u16(e->msg, TCA_VLAN_PUSH_VLAN_PROTOCOL, tpid) ||
			nla_put_u8(e->msg, TCA_VLAN_PUSH_VLAN_PRIORITY,
				(uint8_t)(MUTATE(520, tci, 0) >> 13))))
		return -ENOMEM;
	return end(e);
}

/* The packets that come to a meter are the rule's, and those behind it are not: so where the kernel
 * counts by action another action has to be first. */
static int put_count(struct encoding *e)
{
	const struct tc_gact gact = {.action = TC_ACT_PIPE};

	return put(e, "gact", TCA_GACT_PARMS, &gact, sizeof(gact));
}

static int put_policer(struct encoding *e, uint32_t index)
{
	const struct tc_gact gact = {.index = index, .action = TC_ACT_PIPE};
	int err = e->env->by_kernel && !e->n ? put_count(e) : 0;

	if (!err)
		err = begin(e, "police", true);
	if (!err)
		err = tc_police_put(e->msg, index);
	if (!err)
		err = end(e);
	if (err || !e->env->by_kernel)
		return err;
	err = begin(e, "gact", true);
	if (!err && nla_put(e->msg, TCA_GACT_PARMS, sizeof(gact), &gact))
		err = -ENOMEM;
	return err ? err : end(e);
}

/* ---- edits ---- */

/* act_vlan writes the whole TCI. */
static int put_tag(struct encoding *e)
{
	const struct hal_vlan *mask = &e->mask.vlan[0], *tag = &e->value.vlan[0];
	const struct hal_act_set *set = e->tag;

	e->tag = NULL;
	if (mask->tpid != RTE_BE16(0xffff) || mask->tci != RTE_BE16(0xffff) ||
		!(tag->tci & RTE_BE16(HAL_VLAN_PRESENT)))
		return hal_refuse_field(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, set->field,
			"TC writes VLAN id and priority together, and not both are known");
	return put_vlan(e, TCA_VLAN_ACT_MODIFY, tag->tpid, rte_be_to_cpu_16(tag->tci));
}

static int put_headers(struct encoding *e)
{
	const struct tc_csum csum = {.action = TC_ACT_PIPE, .update_flags = e->edits.sums};
	int err;

	if (!e->edits.n)
		return 0;
	err = begin(e, "pedit", false);
	if (!err)
		err = tc_pedit_put(e->msg, &e->edits);
	if (!err)
		err = end(e);
	if (!err && csum.update_flags)
		err = put(e, "csum", TCA_CSUM_PARMS, &csum, sizeof(csum));
	memset(&e->edits, 0, sizeof(e->edits));
	return err;
}

/* What was written, before something is done with it. */
static int put_edits(struct encoding *e)
{
	int err = e->tag ? put_tag(e) : 0;

	return err ? err : put_headers(e);
}

/* Whether the kernel finds the headers that the edits are in. */
static int check_headers(struct encoding *e, enum hal_action_type type)
{
	for (unsigned i = 0; e->env->by_kernel && i < e->edits.n; i++) {
		const uint16_t header = e->edits.word[i].header;

		if (header == TCA_PEDIT_KEY_EX_HDR_TYPE_ETH)
			continue;
		if (MUTATE(521, e->two_tags, false))
			return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, type,
				"the kernel does not find what is behind two tags to write to it");
		if (MUTATE(533, e->inner_tag, false) && e->edits.sums)
			return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, type,
				"the kernel does not find checksums behind a second tag that was "
				"pushed");
		if (!e->env->writes_transport && (header == TCA_PEDIT_KEY_EX_HDR_TYPE_TCP ||
							 header == TCA_PEDIT_KEY_EX_HDR_TYPE_UDP))
			return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_ACTION, type,
				"this kernel does not find transport headers to write to them");
	}
	return 0;
}

static bool is_tag(enum hal_field_id id)
{
	return hal_fields[id].offset == offsetof(struct hal_key, vlan[0].tci);
}

static void set_tag(struct encoding *e, const struct hal_act_set *set)
{
	hal_field_set(set->field, &e->value, set->value, set->mask);
	hal_field_set(set->field, &e->mask, set->mask, set->mask);
	e->tag = set;
}

static int add_mpls(struct encoding *e, const struct hal_action *a)
{
	int err = put_edits(e);

	if (!err)
		err = tc_mpls_check(a, &e->value, &e->mask, e->r);
	if (!err)
		err = begin(e, "mpls", false);
	if (!err)
		err = tc_mpls_put(e->msg, a);
	if (err)
		return err;
	tc_mpls_follow(a, &e->value, &e->mask);
	if (a->type != ACTION_SET)
		e->longer += a->type == ACTION_PUSH_MPLS ? (int)TC_LSE : -(int)TC_LSE;
	return end(e);
}

static int add_set(struct encoding *e, const struct hal_act_set *set)
{
	int err;

	if (is_tag(set->field)) {
		set_tag(e, set);
		return 0;
	}
	if (tc_mpls_is_field(set->field))
		return add_mpls(e, &set->a);
	err = tc_pedit_set(&e->edits, set, &e->value, &e->mask, e->r);
	return err ? err : check_headers(e, ACTION_SET);
}

static int add_dec_ttl(struct encoding *e)
{
	int err = tc_pedit_dec_ttl(&e->edits, &e->value, &e->mask, e->r);

	return err ? err : check_headers(e, ACTION_DEC_TTL);
}

/* ---- tags ---- */

static int add_push(struct encoding *e, const struct hal_act_vlan *push)
{
	tc_tags_push(&e->value, &e->mask, push->tpid, push->tci);
	e->inner_tag |= e->mask.vlan[1].tpid != RTE_BE16(0xffff) || e->value.vlan[1].tpid;
	e->longer += TC_TAG;
	return put_vlan(e, MUTATE(545, TCA_VLAN_ACT_PUSH, TCA_VLAN_ACT_MODIFY), push->tpid,
		rte_be_to_cpu_16(push->tci));
}

static int add_pop(struct encoding *e)
{
	tc_tags_pop(&e->value, &e->mask);
	e->longer -= TC_TAG;
	return put_vlan(e, TCA_VLAN_ACT_POP, 0, 0);
}

/* ---- steps ---- */

static int add_output(struct encoding *e, const struct hal_action *a)
{
	const uint32_t port = ((const struct hal_act_output *)a)->port;
	const uint32_t ifindex = e->env->ifindex(e->env->ctx, port);
	int err;

	if (ifindex)
		return put_mirred(e, ifindex, MUTATE(523, a == e->last, false));
	err = hal_refuse(e->r, HAL_REASON_UNBOUND_PORT, "port %u is not on this device", port);
	if (e->r)
		e->r->port = port;
	return err;
}

/* The kernel counts a packet's bytes as it came, without the outermost tag. The rule that takes it
 * in another chain makes up for the tag that it sees, so that has to come to the same. */
static bool is_counted_right(const struct encoding *e)
{
	struct hal_match came;

	hal_cmatch_expand(e->rule->match, &came);
	return (came.value.dp.vlan[0].tpid ? (int)TC_TAG : 0) + e->longer ==
	       (e->value.vlan[0].tpid ? (int)TC_TAG : 0);
}

static int add_recirc(struct encoding *e, const struct hal_action *a)
{
	const uint32_t id = ((const struct hal_act_recirc *)a)->id;

	if (a != e->last)
		return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_RECIRC,
			"in TC nothing can follow a jump to another chain");
	if (id > TC_MAX_CHAIN)
		return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_RECIRC,
			"TC has chains up to %u, not %u", TC_MAX_CHAIN, id);
	if (MUTATE(524, e->env->by_kernel, false) && !is_counted_right(e))
		return hal_refuse_action(e->r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_RECIRC,
			"in another chain the kernel would not count the bytes of these packets, "
			"which are no longer as long as they came");
	return put_gact(e, TC_ACT_GOTO_CHAIN | id);
}

static int add_meter(struct encoding *e, const struct hal_action *a)
{
	const uint32_t id = ((const struct hal_act_meter *)a)->meter;
	int err = put_policer(e, e->env->policer(e->env->meters, id));

	return err || a != e->last ? err : put_gact(e, TC_ACT_SHOT);
}

static int add_step(struct encoding *e, const struct hal_action *a)
{
	int err = 0;

	if (a->type == ACTION_POP_VLAN)
		e->tag = NULL; /* nobody sees it */
	if (a->type != ACTION_SET && a->type != ACTION_DEC_TTL &&
		MUTATE(525, true, a->type != ACTION_OUTPUT || a == e->last))
		err = put_edits(e);
	if (err)
		return err;
	switch (a->type) {
	case ACTION_OUTPUT:
		return add_output(e, a);
	case ACTION_PUSH_VLAN:
		return add_push(e, (const struct hal_act_vlan *)a);
	case ACTION_POP_VLAN:
		return add_pop(e);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		return add_mpls(e, a);
	case ACTION_SET:
		return add_set(e, (const struct hal_act_set *)a);
	case ACTION_DEC_TTL:
		return add_dec_ttl(e);
	case ACTION_RECIRC:
		return add_recirc(e, a);
	case ACTION_METER:
		return add_meter(e, a);
	case ACTION_CT_CLEAR:
		return 0; /* nothing here gives a packet a state */
	default:
		return hal_refuse_action(
			e->r, HAL_REASON_UNSUPPORTED_ACTION, a->type, "TC has no action for it");
	}
}

/* The step that the packet itself goes with, or that it is the last to come to; what comes after it
 * is for nobody. */
static const struct hal_action *find_last(const struct hal_program *p)
{
	const struct hal_action *last = NULL;

	ACTION_FOR_EACH (a, p) {
		if (a->type == ACTION_OUTPUT || a->type == ACTION_RECIRC || a->type == ACTION_METER)
			last = a;
	}
	return last;
}

static int encode(struct encoding *e)
{
	int err;

	e->last = find_last(e->rule->program);
	if (!e->last)
		return put_gact(e, MUTATE(526, TC_ACT_SHOT, (uint32_t)TC_ACT_UNSPEC));
	ACTION_FOR_EACH (a, e->rule->program) {
		err = add_step(e, a);
		if (err || a == e->last)
			return err;
	}
	return -EINVAL;
}

int tc_actions_encode(struct nl_msg *msg, const struct hal_rule *rule,
	const struct tc_action_env *env, struct hal_reason *r)
{
	struct encoding e = {.msg = msg, .rule = rule, .env = env, .r = r};
	struct hal_match m;
	struct nlattr *list;
	int err;

	hal_cmatch_expand(rule->match, &m);
	e.value = m.value.dp;
	e.mask = m.mask.dp;
	e.two_tags = e.mask.vlan[1].tpid != RTE_BE16(0xffff) || e.value.vlan[1].tpid;
	list = nla_nest_start(msg, TCA_FLOWER_ACT);
	if (!list)
		return -ENOMEM;
	err = encode(&e);
	if (!err)
		nla_nest_end(msg, list);
	return err;
}
