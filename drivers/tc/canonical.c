/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that are read back as others of the same effect: successive SETs become one action, and
 * what comes after the last output none. What the kernel tells is compared with what it would tell
 * of the program that was written.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"

/* Steps that are read back one by one. */
static bool is_plain(const struct hal_program *p)
{
	bool ended = false;

	ACTION_FOR_EACH (a, p) {
		switch (a->type) {
		case ACTION_OUTPUT:
		case ACTION_RECIRC:
		case ACTION_METER:
			ended = true;
			break;
		case ACTION_PUSH_VLAN:
		case ACTION_POP_VLAN:
		case ACTION_PUSH_MPLS:
		case ACTION_POP_MPLS:
			ended = false;
			break;
		default:
			return false;
		}
	}
	return ended || !p->len;
}

static struct hal_program *copy_of(const struct hal_program *p)
{
	struct hal_program *copy = malloc(sizeof(*p) + p->len);

	if (copy)
		memcpy(copy, p, sizeof(*p) + p->len);
	return copy;
}

static struct hal_program *read_back(struct tc_dev *dev, const struct hal_rule *as)
{
	struct hal_program *out = NULL;
	struct tc_action_env env;
	struct tc_place place;
	struct tc_filter f;
	struct hal_match m;
	struct nl_msg *msg;

	if (tc_filter_make(dev, as, 0, &place, &msg, NULL))
		return NULL;
	tc_env(dev, &env);
	hal_cmatch_expand(as->match, &m);
	if (!tc_filter_parse(nlmsg_hdr(msg), &f) && f.keys[TCA_FLOWER_ACT])
		tc_actions_decode(f.keys[TCA_FLOWER_ACT], &m, &env, &out);
	nlmsg_free(msg);
	return out;
}

void tc_rule_remember(struct tc_dev *dev, struct tc_rule *rule, const struct hal_rule *as)
{
	free(rule->program);
	free(rule->canonical);
	rule->program = rule->canonical = NULL;
	if (is_plain(as->program))
		return;
	rule->canonical = read_back(dev, as);
	if (!rule->canonical || hal_program_equal(rule->canonical, as->program))
		goto forget;
	rule->program = copy_of(as->program);
	if (rule->program)
		return;

forget:
	free(rule->canonical);
	rule->canonical = NULL;
}
