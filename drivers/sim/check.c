/* SPDX-License-Identifier: Apache-2.0
 *
 * Combinations of steps that the model eSwitch does not do.
 *
 * CT and TUNNEL_POP may hand the packet up as it was when its chain was entered. So nothing that
 * somebody could notice may come before them, and they may not be in nested lists, which are for
 * copies. What TRUNC asks of the next output cannot be carried into another chain.
 */
#include <errno.h>

#include "drivers/sim/codec.h"
#include "drivers/sim/sim.h"
#include "hal/walk.h"

struct checking {
	const struct sim_dev *dev;
	struct hal_reason *r;
	unsigned may_hand_up; /* steps that may, at any depth */
	bool cut;             /* a TRUNC waits for its output */
};

static bool may_hand_up(const struct hal_action *a)
{
	return a->type == ACTION_CT || a->type == ACTION_TUNNEL_POP;
}

static bool is_noticed(const struct hal_action *a)
{
	switch (a->type) {
	case ACTION_OUTPUT:
	case ACTION_METER:
	case ACTION_GROUP:
	case ACTION_MIRROR:
	case ACTION_SAMPLE:
	case ACTION_CLONE:
	case ACTION_CHECK_PKT_LEN:
	case ACTION_TUNNEL_PUSH:
	case ACTION_RECIRC:
		return true;
	default:
		return false;
	}
}

static int unbound(struct hal_reason *r, uint32_t port)
{
	hal_refuse(r, HAL_REASON_UNBOUND_PORT, "port %u", port);
	if (r)
		r->port = port;
	return -EOPNOTSUPP;
}

static int check_step(void *ctx, const struct hal_action *a)
{
	struct checking *c = ctx;
	uint32_t port;

	c->may_hand_up += may_hand_up(a);
	switch (a->type) {
	case ACTION_OUTPUT:
		c->cut = false;
		port = ((const struct hal_act_output *)a)->port;
		return sim_port_is_bound(c->dev, port) ? 0 : unbound(c->r, port);
	case ACTION_TRUNC:
		c->cut = true;
		return 0;
	case ACTION_RECIRC:
	case ACTION_TUNNEL_POP:
	case ACTION_TUNNEL_PUSH:
	case ACTION_GROUP:
		if (c->cut)
			return hal_refuse_action(c->r, HAL_REASON_UNSUPPORTED_COMBINATION,
				ACTION_TRUNC, "no output follows it before %s",
				hal_action_name(a->type));
		return 0;
	default:
		return 0;
	}
}

static int check_order(const struct hal_program *p, unsigned anywhere, struct hal_reason *r)
{
	const struct hal_action *noticed = NULL;
	unsigned here = 0;

	ACTION_FOR_EACH (act, p) {
		if (may_hand_up(act) && noticed)
			return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, act->type,
				"it may hand the packet up, but %s was done before",
				hal_action_name(noticed->type));
		if (may_hand_up(act))
			here++;
		else if (is_noticed(act))
			noticed = act;
	}
	if (here != anywhere)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"ct or tunnel_pop in a nested list may hand a copy up");
	return 0;
}

/* The input port has to be on the device, else the rule would never be hit. */
static int check_in_port(
	const struct sim_dev *dev, const struct hal_rule *rule, struct hal_reason *r)
{
	struct hal_match m;
	uint32_t port;

	hal_cmatch_expand(rule->match, &m);
	if (!hal_field_all(FIELD_DP_PORT, &m.mask))
		return 0;
	port = rte_be_to_cpu_32(m.value.dp.in_port);
	if (port == HAL_PORT_NONE || sim_port_is_bound(dev, port) || sim_tunnel_is_set(dev, port))
		return 0;
	return unbound(r, port);
}

int sim_check(void *priv, const struct hal_rule *rule, struct hal_reason *r)
{
	struct checking c = {.dev = priv, .r = r};
	uint8_t buf[SIM_MSG_MAX - 256];
	int err = sim_rule_encode(rule, buf, sizeof(buf), r);

	if (err < 0)
		return err;
	err = check_in_port(priv, rule, r);
	if (!err)
		err = hal_program_walk(rule->program, check_step, &c);
	return err ? err : check_order(rule->program, c.may_hand_up, r);
}
