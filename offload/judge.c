/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a device would take a megaflow: its ports, its capabilities, its room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/walk.h"
#include "offload/internal.h"

void megaflow_rule(const struct hal_megaflow *mf, struct hal_rule *rule)
{
	*rule = (struct hal_rule){
		.ufid = mf->ufid,
		.match = mf->match,
		.program = mf->program,
		.chain = mf->chain,
		.priority = RULE_PRIORITY,
	};
}

/* The input port that a match names, or 0. It is in the first word of a key. */
void judge_prepare(struct claim *c)
{
	const struct hal_cmatch *m = c->flow->mf->match;
	struct hal_key key = {0}, mask = {0};

	c->in_port = HAL_PORT_NONE;
	if (m->map[0] & 1) {
		memcpy(&mask, &m->w[0], sizeof(m->w[0]));
		memcpy(&key, &m->w[m->n], sizeof(m->w[0]));
		if (mask.in_port == UINT32_MAX)
			c->in_port = rte_be_to_cpu_32(key.in_port);
	}
	c->heat_ms = now_ms();
	c->heat_packets = hal_megaflow_sw_packets(c->flow->mf);
}

static int refuse_port(struct hal_reason *r, uint32_t port)
{
	int err = hal_refuse(r, HAL_REASON_UNBOUND_PORT, "port %u is not on this device", port);

	r->port = port;
	return err;
}

struct outputs {
	struct device *dev;
	struct hal_reason *r;
};

static int check_output(void *ctx, const struct hal_action *a)
{
	struct outputs *o = ctx;
	uint32_t port;
	int err;

	if (a->type != ACTION_OUTPUT)
		return 0;
	port = ((const struct hal_act_output *)a)->port;
	if (port_is_bound(o->dev, port))
		return 0;
	err = refuse_port(o->r, port);
	o->r->action = ACTION_OUTPUT;
	return err;
}

static int judge_in_port(struct device *dev, uint32_t in_port, struct hal_reason *r)
{
	int err;

	if (in_port == HAL_PORT_NONE)
		return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_MASK, FIELD_DP_PORT,
			"a rule has to be for one input port");
	if (port_is_bound(dev, in_port) || tunnel_is_known(dev, in_port))
		return 0;
	err = refuse_port(r, in_port);
	r->field = FIELD_DP_PORT;
	return err;
}

static int judge_outputs(struct device *dev, const struct hal_program *p, struct hal_reason *r)
{
	struct outputs o = {dev, r};

	return hal_program_walk(p, check_output, &o);
}

int judge_ports(
	struct device *dev, uint32_t in_port, const struct hal_program *p, struct hal_reason *r)
{
	int err = judge_in_port(dev, in_port, r);

	return err ? err : judge_outputs(dev, p, r);
}

static int judge_room(struct device *dev, struct hal_reason *r)
{
	if (!dev->caps->max_rules || dev->n_used < dev->caps->max_rules)
		return 0;
	return hal_refuse(r, HAL_REASON_NO_ROOM, "all %u rules are in use", dev->caps->max_rules);
}

/* The rule itself, whatever ports and room there are: capabilities first, since what can never be
 * is worth more to know than a port that is missing; then ports; then the driver. */
static int judge_itself(struct device *dev, const struct hal_rule *rule,
	const struct hal_program *p, struct hal_reason *r)
{
	int err = hal_caps_check(dev->caps, rule, r);

	if (!err)
		err = judge_outputs(dev, p, r);
	return err ? err : hal_check(dev->hal, rule, r);
}

int judge_rule(
	struct device *dev, const struct hal_rule *rule, uint32_t in_port, struct hal_reason *r)
{
	struct hal_rule as_asked = *rule;
	struct hal_program *p;
	int err;

	hal_reason_clear(r);
	if (dev->mode == MODE_GONE)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "%s", dev->info.stats.text);
	err = judge_in_port(dev, in_port, r);
	if (!err && rewrite(dev, rule->program, false, NULL, &p))
		err = hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	if (err)
		return err;
	if (p)
		as_asked.program = p;
	err = judge_itself(dev, &as_asked, rule->program, r);
	free(p);
	if (!err && dev->mode == MODE_STALLED)
		err = hal_refuse(r, HAL_REASON_RETRY, "%s", dev->info.stats.text);
	if (!err)
		err = hold_judge_rule(dev, rule, r);
	return err ? err : judge_room(dev, r);
}

/* The device's word on the rule is asked once; ports and room change. */
static int verdict(struct device *dev, struct claim *c, struct hal_reason *r)
{
	struct hal_rule rule;
	int err;

	if (c->judged && c->unfit) {
		*r = c->reason;
		return -EOPNOTSUPP;
	}
	if (c->judged)
		return judge_outputs(dev, c->flow->mf->program, r);
	claim_rule(c, &rule);
	err = judge_itself(dev, &rule, c->flow->mf->program, r);
	if (err && (hal_reason_is_temporary(r->code) || r->code == HAL_REASON_UNBOUND_PORT))
		return err;
	c->judged = true;
	c->unfit = err != 0;
	if (err)
		c->reason = *r;
	return err;
}

int judge(struct device *dev, struct claim *c, struct hal_reason *r)
{
	int err;

	hal_reason_clear(r);
	c->held = false;
	if (c->blocked) {
		*r = c->reason;
		return -EAGAIN;
	}
	err = judge_in_port(dev, c->in_port, r);
	if (!err && dev->mode == MODE_STALLED)
		err = hal_refuse(r, HAL_REASON_RETRY, "%s", dev->info.stats.text);
	if (!err)
		err = verdict(dev, c, r);
	if (!err)
		err = hold_judge(dev, c, r);
	if (!err && c->rule->have == HAVE_NONE)
		err = judge_room(dev, r);
	return err;
}

static bool uses_meter(const struct claim *c)
{
	for (unsigned i = 0; c->uses && i < c->uses->n; i++)
		if (c->uses->o[i]->type == HAL_OBJECT_METER)
			return true;
	return false;
}

int judge_others(struct device *dev, struct claim *c, struct hal_reason *r)
{
	enum standing standing = STANDING_MISFIT;
	int err = objects_judge(dev, c->uses, r);

	if (!err)
		err = chain_judge(dev, c, r, &standing);
	if (!err && uses_meter(c)) {
		standing = STANDING_METER;
		if (c->standing != STANDING_FIT) /* its word is heard before it is asked */
			claim_stand(dev, c, standing, r);
		err = meter_judge(dev, c, r);
	}
	c->held = err != 0;
	claim_stand(dev, c, err ? standing : STANDING_FIT, r);
	return err;
}
