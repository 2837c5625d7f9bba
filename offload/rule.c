/* SPDX-License-Identifier: Apache-2.0
 *
 * One ufid on one device: what is wanted, what is there, and the next step from one to the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "offload/internal.h"

static uint32_t ufid_hash(const struct hal_ufid *ufid)
{
	return hash_mix(ufid->u[0] ^ ufid->u[1]);
}

struct rule *rule_find(struct device *dev, const struct hal_ufid *ufid)
{
	HMAP_FOR_EACH_HASH (rule, struct rule, node, ufid_hash(ufid), &dev->rules) {
		if (hal_ufid_equal(&rule->ufid, ufid))
			return rule;
	}
	return NULL;
}

struct rule *rule_get(struct device *dev, const struct hal_ufid *ufid)
{
	struct rule *rule = rule_find(dev, ufid);

	if (rule)
		return rule;
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return NULL;
	rule->ufid = *ufid;
	TAILQ_INIT(&rule->claims);
	if (hmap_insert(&dev->rules, &rule->node, ufid_hash(ufid))) {
		free(rule);
		return NULL;
	}
	return rule;
}

static void forget_foreign(struct device *dev, struct rule *rule)
{
	if (rule->match)
		hmap_remove(&dev->foreign, &rule->match_node);
	free(rule->match);
	free(rule->program);
	rule->match = NULL;
	rule->program = NULL;
}

void rule_free(struct device *dev, struct rule *rule)
{
	forget_foreign(dev, rule);
	audit_clear(dev, rule);
	free(rule->in_use);
	free(rule->coming);
	free(rule);
}

struct claim *rule_wanted(const struct rule *rule)
{
	struct claim *c;

	TAILQ_FOREACH_REVERSE(c, &rule->claims, claim_list, in_rule)
	{
		if (!c->leaving)
			return c;
	}
	return NULL;
}

void rule_count(struct device *dev, struct rule *rule)
{
	bool counts = rule->have != HAVE_NONE || (rule->busy && rule->op == HAL_OP_ADD);

	if (counts && !rule->counted)
		dev->n_used++;
	if (!counts && rule->counted)
		dev->n_used--;
	rule->counted = counts;
}

void rule_have(struct device *dev, struct rule *rule, enum have have, struct claim *holder)
{
	bool placed = have == HAVE_CLAIM;
	struct claim *former = rule->holder;

	if (have != HAVE_FOREIGN)
		forget_foreign(dev, rule);
	rule->have = have;
	rule->holder = holder;
	if (placed && !rule->in_placed) {
		TAILQ_INSERT_TAIL(&dev->placed, rule, placed);
		dev->n_placed++;
	} else if (!placed && rule->in_placed) {
		TAILQ_REMOVE(&dev->placed, rule, placed);
		dev->n_placed--;
	}
	rule->in_placed = placed;
	rule_count(dev, rule);
	if (former && former != holder) {
		chain_exit(dev, former);
		chain_settle(dev, former, false);
	}
	if (holder) {
		chain_enter(holder);
		chain_settle(dev, holder, true);
	}
	if (placed && former != holder)
		rule->since_ms = now_ms();
}

static void *copy(const void *from, size_t len)
{
	void *to = malloc(len);

	if (to)
		memcpy(to, from, len);
	return to;
}

void rule_set_foreign(struct device *dev, struct rule *rule, const struct hal_dump_entry *e)
{
	forget_foreign(dev, rule);
	rule_have(dev, rule, HAVE_UNSURE, NULL);
	rule->match = hal_cmatch_copy(e->match);
	rule->program = copy(e->program, sizeof(*e->program) + e->program->len);
	rule->chain = e->chain;
	if (!rule->match || !rule->program ||
		hmap_insert(&dev->foreign, &rule->match_node, e->match->hash)) {
		free(rule->match);
		rule->match = NULL;
		return; /* unsure: it will be deleted, not adopted */
	}
	rule_have(dev, rule, HAVE_FOREIGN, NULL);
}

bool rule_has_match(const struct rule *rule, const struct hal_cmatch *match, uint32_t chain)
{
	const struct hal_megaflow *mf;

	if (rule->have == HAVE_FOREIGN)
		return rule->chain == chain && hal_cmatch_equal(rule->match, match);
	if (rule->have != HAVE_CLAIM)
		return false;
	mf = rule->holder->flow->mf;
	return mf->chain == chain && hal_cmatch_equal(mf->match, match);
}

bool rule_holds(const struct rule *rule, const struct claim *c)
{
	const struct hal_megaflow *mf = c->flow->mf;

	if (rule->stale || !rule_has_match(rule, mf->match, mf->chain))
		return false;
	return hal_program_equal(
		rule->have == HAVE_FOREIGN ? rule->program : claim_program(rule->holder),
		claim_program(c));
}

/* ---- claims ---- */

void claim_finish(struct device *dev, struct claim *c)
{
	if (c->rule)
		TAILQ_REMOVE(&c->rule->claims, c, in_rule);
	c->rule = NULL;
	retry_forget(dev, c);
	claim_clear(dev, c);
	slot_set(dev, c, PLACEMENT_REMOVED, NULL);
	pthread_mutex_lock(&dev->lock);
	if (c->event.queued)
		TAILQ_REMOVE(&dev->events, &c->event, link);
	c->event.queued = c->attached = false;
	pthread_mutex_unlock(&dev->lock);
	flow_put(dev->ol, c->flow);
}

void claim_refuse(struct device *dev, struct claim *c, const struct hal_reason *r)
{
	slot_set(dev, c, PLACEMENT_REFUSED, r);
	if (c->held || c->blocked) /* woken by what it depends on, or tried again in time */
		return;
	claim_stand(dev, c, STANDING_MISFIT, r);
	if (hal_reason_is_temporary(r->code)) {
		retry_wait(dev, c, r);
	} else if (r->code != HAL_REASON_UNBOUND_PORT) { /* asking again would change nothing */
		c->judged = c->unfit = true;
		c->reason = *r;
	}
}

void claim_fail(struct device *dev, struct claim *c, const struct hal_reason *r)
{
	if (r->code != HAL_REASON_DEVICE_ERROR) {
		claim_refuse(dev, c, r);
		return;
	}
	if (!c->backoff_ms)
		c->backoff_ms = dev->ol->cfg.retry_interval_ms;
	else if (c->backoff_ms < MAX_BACKOFF_MS)
		c->backoff_ms *= 2;
	c->retry_ms = now_ms() + c->backoff_ms;
	slot_set(dev, c, PLACEMENT_REFUSED, r);
	claim_stand(dev, c, STANDING_MISFIT, r);
	retry_wait(dev, c, r);
}

/* A rule of a former run with the same match under another ufid would win or lose by chance. */
static void oust_namesake(struct device *dev, const struct hal_megaflow *mf)
{
	HMAP_FOR_EACH_HASH (rule, struct rule, match_node, mf->match->hash, &dev->foreign) {
		if (hal_ufid_equal(&rule->ufid, &mf->ufid) ||
			!rule_has_match(rule, mf->match, mf->chain))
			continue;
		rule->ousted = true;
		work_add(dev, rule);
	}
}

void rule_take_claim(struct device *dev, struct claim *c)
{
	struct hal_reason r;

	if (c->leaving) {
		if (!c->rule) {
			claim_finish(dev, c);
			return;
		}
		retry_forget(dev, c);
		claim_leave(dev, c);
		work_add(dev, c->rule);
		return;
	}
	c->rule = rule_get(dev, &c->flow->mf->ufid);
	if (!c->rule || claim_prepare(dev, c)) {
		if (c->rule) /* which may be there for nobody else */
			work_add(dev, c->rule);
		c->rule = NULL;
		hal_refuse(&r, HAL_REASON_RETRY, "out of memory");
		claim_refuse(dev, c, &r);
		return;
	}
	TAILQ_INSERT_TAIL(&c->rule->claims, c, in_rule);
	slot_set(dev, c, PLACEMENT_PENDING, NULL);
	if (hmap_count(&dev->foreign))
		oust_namesake(dev, c->flow->mf);
	work_add(dev, c->rule);
}

/* Claims that nothing holds any more; and those that a newer one for the same ufid has overtaken.
 */
static struct claim *sort_claims(struct device *dev, struct rule *rule)
{
	struct claim *want = rule_wanted(rule), *c, *next;

	for (c = TAILQ_FIRST(&rule->claims); c; c = next) {
		next = TAILQ_NEXT(c, in_rule);
		if (c == want || c == rule->holder)
			continue;
		if (c->leaving) {
			claim_finish(dev, c);
			continue;
		}
		retry_forget(dev, c);
		claim_stand(dev, c, STANDING_NEW, NULL);
		slot_set(dev, c, PLACEMENT_REMOVED, NULL);
	}
	return want;
}

void rule_adopt(struct device *dev, struct rule *rule, struct claim *want)
{
	struct hal_counter c;

	/* What it counted before is not this megaflow's. */
	if (!hal_counters_read(dev->hal, &rule->ufid, 1, &c) && c.known) {
		rule->packets = c.packets;
		rule->bytes = c.bytes;
	}
	rule_have(dev, rule, HAVE_CLAIM, want);
	rule->attempts = 0;
	rule->ousted = false;
	want->placed_ms = now_ms();
	want->leak_started = false;
	pthread_mutex_lock(&dev->lock);
	dev->info.adopted++;
	pthread_mutex_unlock(&dev->lock);
	slot_placed_as(dev, want, DECISION_ADOPTED);
	slot_verified(dev, want);
}

/* ---- the next step ---- */

static bool settled(struct device *dev, struct rule *rule)
{
	work_settle(dev, rule);
	if (rule->have == HAVE_NONE && TAILQ_EMPTY(&rule->claims)) {
		hmap_remove(&dev->rules, &rule->node);
		rule_free(dev, rule);
	}
	return true;
}

/* A rule of a chain goes after those that lead to it, if they are to go too. */
static bool waits(struct rule *rule)
{
	uint64_t now = now_ms();

	if (!rule->holder || !chain_has_to_wait(rule->holder)) {
		rule->wait_until = 0;
		return false;
	}
	if (!rule->wait_until)
		rule->wait_until = now + CHAIN_WAIT_MS;
	return now < rule->wait_until;
}

static bool take_out(struct device *dev, struct rule *rule)
{
	if (waits(rule)) {
		rule->recheck = true;
		work_later(dev, rule);
		return true;
	}
	rule->wait_until = 0;
	if (rule->holder)
		slot_set(dev, rule->holder, PLACEMENT_REMOVING, NULL);
	rule->unwanted |= rule->have == HAVE_FOREIGN;
	work_op(dev, rule, HAL_OP_DEL, NULL);
	return true;
}

/* Nothing of ours may be there. */
static bool step_out(struct device *dev, struct rule *rule, const struct claim *want)
{
	if (rule->have == HAVE_NONE)
		return settled(dev, rule);
	if (rule->have == HAVE_FOREIGN && !want && dev->adopting && !rule->ousted)
		return settled(dev, rule);
	if (rule->quarantined && now_ms() < rule->retry_ms)
		return settled(dev, rule);
	if (MUTATE(304, false, rule->have == HAVE_CLAIM && !want)) {
		rule_have(dev, rule, HAVE_NONE, NULL);
		sort_claims(dev, rule);
		return settled(dev, rule);
	}
	return take_out(dev, rule);
}

static bool can_replace(const struct device *dev, const struct rule *rule, const struct claim *want)
{
	const struct hal_megaflow *mf = want->flow->mf;

	return dev->caps->atomic_update && rule_has_match(rule, mf->match, mf->chain);
}

static bool step_in(struct device *dev, struct rule *rule, struct claim *want)
{
	struct hal_reason r;

	if (rule->have == HAVE_CLAIM && rule->holder == want)
		return settled(dev, rule);
	if (++rule->attempts > MAX_ATTEMPTS) {
		rule->attempts = 0;
		hal_refuse(&r, HAL_REASON_RETRY, "the device would not get it right %u times",
			MAX_ATTEMPTS);
		claim_refuse(dev, want, &r);
		return settled(dev, rule);
	}
	if (rule->have != HAVE_NONE && !can_replace(dev, rule, want))
		return take_out(dev, rule);
	if (objects_hold(dev, rule, want, &r)) {
		rule->attempts = 0;
		claim_fail(dev, want, &r);
		return rule->have == HAVE_NONE ? settled(dev, rule) : take_out(dev, rule);
	}
	slot_set(dev, want, PLACEMENT_PENDING, NULL);
	if (rule->have == HAVE_NONE)
		work_op(dev, rule, HAL_OP_ADD, want);
	else
		work_op(dev, rule, HAL_OP_REPLACE, want);
	return true;
}

bool rule_reconcile(struct device *dev, struct rule *rule)
{
	struct claim *want = sort_claims(dev, rule);
	struct hal_reason r;
	int err;

	if (dev->mode == MODE_GONE) {
		hal_refuse(&r, HAL_REASON_DEVICE_GONE, "%s", dev->info.stats.text);
		if (want)
			claim_refuse(dev, want, &r);
		return settled(dev, rule);
	}
	if (want && rule->have == HAVE_CLAIM && rule->holder == want && !rule->recheck)
		return settled(dev, rule);
	if (dev->mode == MODE_STALLED && rule->have != HAVE_NONE)
		return false;
	if (!want)
		return step_out(dev, rule, NULL);
	rule->recheck = false;
	if (rule->have == HAVE_FOREIGN && rule_holds(rule, want) &&
		!hold_forbids_adoption(dev, want)) {
		err = judge_ports(dev, want->in_port, want->flow->mf->program, &r);
		if (!err) {
			rule_adopt(dev, rule, want);
			return settled(dev, rule);
		}
		if (dev->adopting) { /* its ports may still come */
			claim_refuse(dev, want, &r);
			return settled(dev, rule);
		}
	}
	err = judge(dev, want, &r);
	if (!err)
		err = judge_others(dev, want, &r);
	if (!err)
		return step_in(dev, rule, want);
	if (rule->holder != want)
		claim_refuse(dev, want, &r);
	else if (!want->held) /* it is said when it is out, but others have to know */
		claim_stand(dev, want, STANDING_MISFIT, &r);
	return step_out(dev, rule, want);
}
