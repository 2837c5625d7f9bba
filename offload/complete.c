/* SPDX-License-Identifier: Apache-2.0
 *
 * What the outcome of an operation means for its rule.
 */
#include <errno.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_rule);

static void set_quarantined(struct device *dev, struct rule *rule, bool on)
{
	dev->n_quarantined += (unsigned)on - (unsigned)rule->quarantined;
	rule->quarantined = on;
}

static void placed(struct device *dev, struct rule *rule, struct claim *claim)
{
	rule_have(dev, rule, HAVE_CLAIM, claim);
	rule->attempts = 0;
	rule->ousted = false;
	set_quarantined(dev, rule, false);
	claim->placed_ms = now_ms();
	claim->leak_started = false;
	claim->backoff_ms = 0;
	if (rule->replay) {
		rule->replay = false;
		pthread_mutex_lock(&dev->lock);
		dev->info.replayed++;
		pthread_mutex_unlock(&dev->lock);
	}
	slot_placed_as(dev, claim, rule->repair ? DECISION_REPAIRED : DECISION_PLACED);
	if (rule->repair) {
		rule->repair = false;
		pthread_mutex_lock(&dev->lock);
		dev->info.audit.repaired++;
		pthread_mutex_unlock(&dev->lock);
	}
}

static void add_done(
	struct device *dev, struct rule *rule, struct claim *claim, const struct hal_completion *c)
{
	if (!c->error) {
		rule->packets = rule->bytes = 0;
		placed(dev, rule, claim);
		return;
	}
	if (c->error == -EEXIST || c->error == -ETIMEDOUT || c->error == -ENODEV)
		rule_have(dev, rule, HAVE_UNSURE, NULL);
	/* A rule that is there already is deleted and the ADD tried again at once. */
	if (c->error == -EEXIST)
		return;
	rule->attempts = 0;
	claim_fail(dev, claim, &c->reason);
}

static void replace_done(
	struct device *dev, struct rule *rule, struct claim *claim, const struct hal_completion *c)
{
	switch (c->error) {
	case 0:
		credit_final(dev, rule, true);
		placed(dev, rule, claim);
		return;
	case -ENOENT: /* what was there has gone: added at the next step */
		rule_have(dev, rule, HAVE_NONE, NULL);
		return;
	case -ETIMEDOUT:
	case -ENODEV:
		rule_have(dev, rule, HAVE_UNSURE, NULL);
		break;
	}
	claim_fail(dev, claim, &c->reason);
}

static void quarantine(struct device *dev, struct rule *rule, const struct hal_completion *c)
{
	char why[200];

	hal_reason_format(&c->reason, why, sizeof(why));
	if (!rule->quarantined)
		log_warn("%s: a rule could not be deleted and is tried again: %s", dev->info.name,
			why);
	pthread_mutex_lock(&dev->lock);
	dev->info.quarantined += !rule->quarantined;
	pthread_mutex_unlock(&dev->lock);
	set_quarantined(dev, rule, true);
	rule->retry_ms = now_ms() + dev->ol->cfg.retry_interval_ms;
	rule_have(dev, rule, HAVE_UNSURE, NULL);
}

/* A rule that should be gone is not. At first it is tried again soon, then at intervals. A device
 * that is only busy gets more time: it may be about to stall. */
static bool del_failed(struct device *dev, struct rule *rule, const struct hal_completion *c)
{
	unsigned limit = c->error == -EAGAIN ? BARRIER_WAIT_MS / LATER_MS : 2 * MAX_ATTEMPTS;

	if (c->error == -ETIMEDOUT || c->error == -ENODEV)
		rule_have(dev, rule, HAVE_UNSURE, NULL);
	if (c->error == -ENODEV)
		return false;
	if (++rule->del_attempts <= limit && !rule->quarantined)
		return true;
	quarantine(dev, rule, c);
	return false;
}

/* True if it is to be tried again soon. */
static bool del_done(struct device *dev, struct rule *rule, const struct hal_completion *c)
{
	if (c->error && c->error != -ENOENT)
		return del_failed(dev, rule, c);
	if (!c->error)
		credit_final(dev, rule, false);
	if (rule->unwanted) {
		pthread_mutex_lock(&dev->lock);
		dev->info.removed_foreign++;
		pthread_mutex_unlock(&dev->lock);
		rule->unwanted = false;
	}
	set_quarantined(dev, rule, false);
	if (rule->stale && rule->program)
		objects_drop_foreign(dev, rule->program);
	rule->stale = rule->ousted = false;
	rule->del_attempts = 0;
	rule->packets = rule->bytes = 0;
	rule_have(dev, rule, HAVE_NONE, NULL);
	dev->room = true;
	return false;
}

void rule_completed(struct device *dev, struct rule *rule, const struct hal_completion *c)
{
	struct claim *claim = rule->carried;
	bool later = false;

	rule->busy = false;
	rule->changed_in = dev->audit.pass;
	rule->carried = NULL;
	switch (rule->op) {
	case HAL_OP_ADD:
		add_done(dev, rule, claim, c);
		break;
	case HAL_OP_REPLACE:
		replace_done(dev, rule, claim, c);
		break;
	case HAL_OP_DEL:
		later = del_done(dev, rule, c);
		break;
	}
	rule_count(dev, rule);
	objects_settle(dev, rule, claim);
	if (claim && rule->holder != claim)
		chain_exit(dev, claim);
	if (later)
		work_later(dev, rule);
	else
		work_add(dev, rule);
}

void rule_rejected(struct device *dev, struct rule *rule, const struct hal_reason *r)
{
	struct hal_completion c = {.reason = *r};

	c.error = r->error ? -r->error : hal_refuse(NULL, r->code, "%s", "");
	/* It never went out, so nothing is unsure. */
	if (c.error == -ETIMEDOUT)
		c.error = -EAGAIN;
	rule_completed(dev, rule, &c);
}
