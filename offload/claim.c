/* SPDX-License-Identifier: Apache-2.0
 *
 * What a claim is about: the program that its device gets, the objects and chains that it names,
 * and what those who depend on it are told of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/walk.h"
#include "offload/internal.h"

struct scan {
	struct device *dev;
	struct object_list **uses;
};

static int scan_step(void *ctx, const struct hal_action *a)
{
	struct scan *s = ctx;

	switch (a->type) {
	case ACTION_METER:
		return object_use(s->dev, HAL_OBJECT_METER,
			((const struct hal_act_meter *)a)->meter, s->uses);
	case ACTION_TUNNEL_PUSH:
		return object_use(s->dev, HAL_OBJECT_TUNNEL,
			((const struct hal_act_tunnel_push *)a)->port, s->uses);
	case ACTION_TUNNEL_POP:
		return object_use(s->dev, HAL_OBJECT_TUNNEL,
			((const struct hal_act_tunnel_pop *)a)->port, s->uses);
	case ACTION_CT:
		return object_use(s->dev, HAL_OBJECT_CONNECTION,
			((const struct hal_act_ct *)a)->zone, s->uses);
	default:
		return 0;
	}
}

int claim_prepare(struct device *dev, struct claim *c)
{
	struct scan s = {dev, &c->uses};
	const struct hal_program *p = c->flow->mf->program;
	int err;

	judge_prepare(c);
	/* What comes out of a tunnel is known by the tunnel's end. */
	if (tunnel_is_known(dev, c->in_port) &&
		object_use(dev, HAL_OBJECT_TUNNEL, c->in_port, &c->uses))
		return -ENOMEM;
	err = rewrite(dev, p, true, &c->uses, &c->program);
	if (!err && hal_program_walk(p, scan_step, &s) == -ENOMEM)
		err = -ENOMEM; /* a malformed program is refused by the checks */
	if (!err)
		err = chain_join(dev, c);
	if (err)
		claim_clear(dev, c);
	return err;
}

void claim_clear(struct device *dev, struct claim *c)
{
	claim_leave(dev, c);
	chain_clear(dev, c);
	objects_drop(dev, c->uses);
	c->uses = NULL;
	free(c->program);
	c->program = NULL;
}

void claim_free(struct claim *c)
{
	if (!c)
		return;
	free(c->program);
	free(c->uses);
	free(c->links);
	free(c);
}

const struct hal_program *claim_program(const struct claim *c)
{
	return c->program ? c->program : c->flow->mf->program;
}

void claim_rule(const struct claim *c, struct hal_rule *rule)
{
	megaflow_rule(c->flow->mf, rule);
	rule->program = claim_program(c);
}

static void vote(struct device *dev, const struct claim *c, enum standing from, enum standing to,
	const struct hal_reason *r)
{
	for (unsigned i = 0; c->uses && i < c->uses->n; i++)
		if (c->uses->o[i]->type == HAL_OBJECT_METER)
			meter_vote(dev, c->uses->o[i]->id, from, to, r);
}

void claim_stand(
	struct device *dev, struct claim *c, enum standing standing, const struct hal_reason *r)
{
	enum standing from = c->standing;

	if (c->leaving) /* it speaks for nobody any more */
		standing = STANDING_NEW;
	if (from == standing)
		return;
	c->standing = standing;
	chain_stand(dev, c, from, standing, r);
	vote(dev, c, from, standing, r);
}

/* Nobody waits for it any more. It may still be in the device. */
void claim_leave(struct device *dev, struct claim *c)
{
	claim_stand(dev, c, STANDING_NEW, NULL);
	chain_leave(dev, c);
}
