/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains: rules that lead to other rules, in devices that cannot hand a half-done packet to
 * software.
 *
 * A chain is a recirculation id on one input port, or (id 0) what comes out of a tunnel. Its
 * *members* are the claims in it, its *links* those that lead to it. Such a device takes a chain
 * whole or not at all: a rule that leads to it goes in when every member is in and one of them
 * catches all that can come (cover.c), and comes out before the first member does. A device that
 * resumes has no chains here: it takes each rule by itself. Nor has one that looks ahead those of
 * tunnels. All on the device's thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>

#include "hal/mutation.h"
#include "hal/walk.h"
#include "offload/internal.h"

#define MAX_LOOK 16 /* members that are asked whether they catch all that comes */

struct chain_link {
	TAILQ_ENTRY(chain_link) in_chain;
	struct claim *claim;
	struct chain *chain;
	struct claim *cover; /* entered: the member that catches all of its packets */
};

struct chain {
	struct hmap_node node; /* in device.chains */
	uint32_t id, in_port;
	TAILQ_HEAD(, chain_link) links;
	TAILQ_HEAD(, claim) members; /* that are to stay */
	unsigned n_links;
	unsigned n_claims;       /* that belong here, leaving or not */
	unsigned n_members;      /* that are to stay */
	unsigned n_settled;      /* of these, in the device */
	unsigned n_misfit;       /* of these, cannot be in the device now */
	unsigned n_hard;         /* of these, not just because of their meter */
	unsigned n_entered;      /* links in the device, or on their way */
	unsigned n_leaving;      /* of these, to be taken out for good */
	struct hal_ufid culprit; /* the last misfit, and why */
	struct hal_reason why;
};

static uint32_t chain_hash(uint32_t id, uint32_t in_port)
{
	return hash_mix((uint64_t)id << 32 | in_port);
}

static struct chain *chain_get(struct device *dev, uint32_t id, uint32_t in_port)
{
	struct chain *ch;

	HMAP_FOR_EACH_HASH (have, struct chain, node, chain_hash(id, in_port), &dev->chains) {
		if (have->id == id && have->in_port == in_port)
			return have;
	}
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return NULL;
	ch->id = id;
	ch->in_port = in_port;
	TAILQ_INIT(&ch->links);
	TAILQ_INIT(&ch->members);
	if (!hmap_insert(&dev->chains, &ch->node, chain_hash(id, in_port)))
		return ch;
	free(ch);
	return NULL;
}

static void chain_put(struct device *dev, struct chain *ch)
{
	if (ch->n_claims || ch->n_links)
		return;
	hmap_remove(&dev->chains, &ch->node);
	free(ch);
}

/* Those that lead here are judged again. */
static void wake(struct device *dev, struct chain *ch)
{
	struct chain_link *l;

	TAILQ_FOREACH (l, &ch->links, in_chain) {
		struct rule *rule = l->claim->rule;

		if (!rule || l->claim->leaving)
			continue;
		rule->recheck = true;
		work_add(dev, rule);
	}
}

static void set_cover(struct chain_link *l, struct claim *cover)
{
	if (l->cover)
		l->cover->n_covered--;
	l->cover = cover;
	if (cover)
		cover->n_covered++;
}

static void uncover(struct claim *c)
{
	for (unsigned i = 0; i < c->n_links; i++)
		set_cover(&c->links[i], NULL);
}

/* ---- joining ---- */

struct targets {
	const struct device *dev;
	uint32_t in_port;
	unsigned n, max;
	struct {
		uint32_t id, in_port;
	} at[16];
};

static int find_target(void *ctx, const struct hal_action *a)
{
	struct targets *t = ctx;
	uint32_t id = 0, in_port = t->in_port;

	if (a->type == ACTION_RECIRC)
		id = ((const struct hal_act_recirc *)a)->id;
	else if (a->type == ACTION_TUNNEL_POP && !t->dev->caps->looks_ahead)
		in_port = ((const struct hal_act_tunnel_pop *)a)->port;
	else
		return 0;
	for (unsigned i = 0; i < t->n; i++)
		if (t->at[i].id == id && t->at[i].in_port == in_port)
			return 0;
	if (t->n == RTE_DIM(t->at))
		return -E2BIG;
	t->at[t->n].id = id;
	t->at[t->n++].in_port = in_port;
	return 0;
}

static int link_chains(struct device *dev, struct claim *c, const struct targets *t)
{
	c->links = calloc(t->n, sizeof(*c->links));
	if (!c->links)
		return -ENOMEM;
	for (unsigned i = 0; i < t->n; i++) {
		struct chain *ch = chain_get(dev, t->at[i].id, t->at[i].in_port);

		if (!ch)
			return -ENOMEM; /* the links so far are undone by chain_clear() */
		c->links[i].claim = c;
		c->links[i].chain = ch;
		TAILQ_INSERT_TAIL(&ch->links, &c->links[i], in_chain);
		ch->n_links++;
		c->n_links = i + 1;
	}
	return 0;
}

int chain_join(struct device *dev, struct claim *c)
{
	const struct hal_megaflow *mf = c->flow->mf;
	struct targets t = {.dev = dev, .in_port = c->in_port};
	int err;

	if (dev->caps->resumes)
		return 0;
	err = hal_program_walk(mf->program, find_target, &t);
	if (err == -E2BIG) { /* more than anybody has: never complete */
		c->judged = c->unfit = true;
		hal_refuse_action(&c->reason, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_RECIRC,
			"it leads to more than %u chains", (unsigned)RTE_DIM(t.at));
	}
	if (t.n && link_chains(dev, c, &t))
		return -ENOMEM;
	c->chain = chain_get(dev, mf->chain, c->in_port);
	if (!c->chain)
		return -ENOMEM;
	c->counted = true;
	c->chain->n_claims++;
	TAILQ_INSERT_TAIL(&c->chain->members, c, in_chain);
	if (!c->chain->n_members++)
		wake(dev, c->chain);
	return 0;
}

void chain_leave(struct device *dev, struct claim *c)
{
	struct chain *ch = c->chain;

	for (unsigned i = 0; c->entered && c->leaving && !c->left && i < c->n_links; i++)
		c->links[i].chain->n_leaving++;
	c->left = c->entered && c->leaving;
	if (!ch || !c->counted)
		return;
	c->counted = false;
	TAILQ_REMOVE(&ch->members, c, in_chain);
	if (c->settled)
		ch->n_settled--;
	if (!--ch->n_members || ch->n_settled == ch->n_members || c->n_covered)
		wake(dev, ch);
}

void chain_clear(struct device *dev, struct claim *c)
{
	struct chain_link *l;

	chain_exit(dev, c);
	for (unsigned i = 0; i < c->n_links; i++) {
		struct chain *ch = c->links[i].chain;

		set_cover(&c->links[i], NULL);
		TAILQ_REMOVE(&ch->links, &c->links[i], in_chain);
		ch->n_links--;
		chain_put(dev, ch);
	}
	free(c->links);
	c->links = NULL;
	c->n_links = 0;
	if (!c->chain)
		return;
	TAILQ_FOREACH (l, &c->chain->links, in_chain) {
		if (c->n_covered && l->cover == c)
			set_cover(l, NULL);
	}
	c->chain->n_claims--;
	chain_put(dev, c->chain);
	c->chain = NULL;
}

/* ---- what becomes of members ---- */

static bool is_misfit(enum standing s)
{
	return s == STANDING_MISFIT || s == STANDING_METER;
}

void chain_stand(struct device *dev, struct claim *c, enum standing from, enum standing to,
	const struct hal_reason *r)
{
	struct chain *ch = c->chain;
	unsigned misfits, hard;

	if (to != STANDING_FIT && !c->entered)
		uncover(c);
	if (!ch || !c->counted)
		return;
	misfits = ch->n_misfit;
	hard = ch->n_hard;
	ch->n_misfit += (unsigned)is_misfit(to) - (unsigned)is_misfit(from);
	ch->n_hard += (unsigned)(to == STANDING_MISFIT) - (unsigned)(from == STANDING_MISFIT);
	if (is_misfit(to) && r) {
		ch->culprit = c->flow->mf->ufid;
		ch->why = *r;
	}
	if (!misfits != !ch->n_misfit || !hard != !ch->n_hard)
		wake(dev, ch);
}

/* A member has come into the device, or is no longer there. */
void chain_settle(struct device *dev, struct claim *c, bool in)
{
	struct chain *ch = c->chain;

	if (c->settled == in)
		return;
	c->settled = in;
	if (!ch || !c->counted)
		return;
	ch->n_settled += in ? 1 : -1u;
	if (in && ch->n_settled == ch->n_members && ch->n_entered < ch->n_links)
		wake(dev, ch);
}

void chain_enter(struct claim *c)
{
	if (c->entered)
		return;
	c->entered = true;
	c->left = c->leaving;
	for (unsigned i = 0; i < c->n_links; i++) {
		c->links[i].chain->n_entered++;
		c->links[i].chain->n_leaving += c->left;
	}
}

void chain_exit(struct device *dev, struct claim *c)
{
	(void)dev;
	if (!c->entered)
		return;
	for (unsigned i = 0; i < c->n_links; i++) {
		c->links[i].chain->n_entered--;
		c->links[i].chain->n_leaving -= c->left;
		set_cover(&c->links[i], NULL);
	}
	c->entered = c->left = false;
}

/* ---- judging ---- */

static void name(const struct chain *ch, char *buf, size_t n)
{
	if (ch->id)
		snprintf(buf, n, "recirc(%#x)", ch->id);
	else
		snprintf(buf, n, "tunnel port %u", ch->in_port);
}

static int broken(const struct chain *ch, struct hal_reason *r)
{
	char ufid[HAL_UFID_STR], why[80], where[32];

	hal_ufid_format(&ch->culprit, ufid);
	hal_reason_format(&ch->why, why, sizeof(why));
	name(ch, where, sizeof(where));
	return hal_refuse(r, HAL_REASON_DEPENDS, "%s: megaflow %.8s stays in software: %.60s",
		where, ufid, why);
}

/* A member that is about to take the place of another one under the same ufid is as good. */
static bool is_there(const struct device *dev, const struct claim *member)
{
	const struct rule *rule = member->rule;

	return member->settled || (dev->caps->atomic_update && rule && rule->have == HAVE_CLAIM);
}

static bool is_covered(const struct device *dev, const struct claim *c, struct chain_link *l)
{
	struct claim *member;
	unsigned looked = 0;

	if (l->cover && l->cover->counted && is_there(dev, l->cover))
		return true;
	TAILQ_FOREACH (member, &l->chain->members, in_chain) {
		if (looked++ == MAX_LOOK)
			break;
		if (!is_there(dev, member) || !megaflow_covers(member->flow->mf, c->flow->mf))
			continue;
		set_cover(l, member);
		return true;
	}
	return false;
}

static int judge_link(struct device *dev, const struct claim *c, struct chain_link *l,
	struct hal_reason *r, enum standing *standing)
{
	const struct chain *ch = l->chain;
	char where[32];

	*standing = STANDING_MISFIT;
	if (ch->n_misfit) {
		*standing = ch->n_hard ? STANDING_MISFIT : STANDING_METER;
		return broken(ch, r);
	}
	name(ch, where, sizeof(where));
	if (!ch->n_members)
		return hal_refuse(r, HAL_REASON_DEPENDS, "%s: no packet has gone there yet", where);
	if (!c->entered && ch->n_settled != ch->n_members) {
		*standing = STANDING_WAITING;
		return hal_refuse(r, HAL_REASON_DEPENDS, "%s: %u of %u megaflows are in the device",
			where, ch->n_settled, ch->n_members);
	}
	if (MUTATE(439, !is_covered(dev, c, l), false))
		return hal_refuse(r, HAL_REASON_DEPENDS,
			"%s: this device would lose packets that no megaflow there matches", where);
	return 0;
}

int chain_judge(struct device *dev, struct claim *c, struct hal_reason *r, enum standing *standing)
{
	for (unsigned i = 0; i < c->n_links; i++) {
		int err = judge_link(dev, c, &c->links[i], r, standing);

		if (!err)
			continue;
		if (!c->entered)
			uncover(c);
		return err;
	}
	return 0;
}

void chains_free(struct device *dev)
{
	HMAP_FOR_EACH (ch, struct chain, node, &dev->chains) {
		hmap_remove(&dev->chains, &ch->node);
		free(ch);
	}
}

bool chain_has_to_wait(const struct claim *c)
{
	const struct chain *ch = c->chain;

	if (!ch)
		return false;
	if (c->n_covered)
		return true;
	if (!ch->n_members || ch->n_misfit)
		return ch->n_entered != 0;
	return ch->n_leaving != 0;
}

bool chain_matters(const struct claim *c)
{
	return c->n_links || (c->chain && c->chain->n_links);
}
