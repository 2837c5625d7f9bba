/* SPDX-License-Identifier: Apache-2.0
 *
 * A device's to-do list: rules that are not as they should be, the operations that go out for
 * them, and who waits until all have settled.
 */
#include <errno.h>
#include <string.h>

#include "offload/internal.h"

void work_add(struct device *dev, struct rule *rule)
{
	if (!rule->unsettled) {
		rule->unsettled = true;
		rule->epoch = dev->epoch;
		dev->n_unsettled++;
	}
	if (rule->listed || rule->busy)
		return; /* it is looked at again when its operation has completed */
	rule->listed = true;
	TAILQ_INSERT_TAIL(&dev->work, rule, in_work);
}

/* The same, but not at once. */
void work_later(struct device *dev, struct rule *rule)
{
	work_add(dev, rule);
	TAILQ_REMOVE(&dev->work, rule, in_work);
	TAILQ_INSERT_TAIL(&dev->parked, rule, in_work);
	dev->unpark_ms = now_ms() + LATER_MS;
}

void work_settle(struct device *dev, struct rule *rule)
{
	struct drain *d, *next;

	if (!rule->unsettled)
		return;
	rule->unsettled = false;
	dev->n_unsettled--;
	for (d = TAILQ_FIRST(&dev->drains); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (d->epoch <= rule->epoch || --d->outstanding)
			continue;
		TAILQ_REMOVE(&dev->drains, d, link);
		d->done(dev, d);
	}
}

void drain_begin(struct device *dev, struct drain *d, unsigned wait_ms)
{
	d->epoch = ++dev->epoch;
	d->outstanding = dev->n_unsettled;
	d->deadline_ms = wait_ms ? now_ms() + wait_ms : UINT64_MAX;
	if (!d->outstanding || dev->mode == MODE_GONE) {
		d->done(dev, d);
		return;
	}
	TAILQ_INSERT_TAIL(&dev->drains, d, link);
}

void drain_expire(struct device *dev, uint64_t now)
{
	struct drain *d, *next;

	for (d = TAILQ_FIRST(&dev->drains); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (now < d->deadline_ms)
			continue;
		TAILQ_REMOVE(&dev->drains, d, link);
		d->done(dev, d);
	}
}

void drains_drop(struct device *dev)
{
	struct drain *d;

	while ((d = TAILQ_FIRST(&dev->drains))) {
		TAILQ_REMOVE(&dev->drains, d, link);
		d->done(dev, d);
	}
}

void work_op(struct device *dev, struct rule *rule, enum hal_op_type type, struct claim *claim)
{
	struct hal_op *op = &dev->batch[dev->n_batch++];

	memset(op, 0, sizeof(*op));
	op->type = type;
	op->token = (uintptr_t)rule;
	if (claim)
		claim_rule(claim, &op->rule);
	op->rule.ufid = rule->ufid;
	rule->busy = true;
	rule->op = type;
	rule->carried = claim;
	if (claim)
		chain_enter(claim);
	rule_count(dev, rule);
	if (dev->n_batch == BATCH)
		work_flush(dev);
}

void work_flush(struct device *dev)
{
	struct hal_op ops[BATCH];
	unsigned n = dev->n_batch, accepted;

	if (!n)
		return;
	memcpy(ops, dev->batch, n * sizeof(ops[0]));
	dev->n_batch = 0;
	if (!hal_in_flight(dev->hal))
		device_progress(dev); /* it is not to blame for the time before */
	accepted = (unsigned)hal_submit(dev->hal, ops, n);
	pthread_mutex_lock(&dev->lock);
	dev->info.accepted_ops += accepted;
	dev->info.failed_ops += n - accepted;
	pthread_mutex_unlock(&dev->lock);
	for (unsigned i = 0; i < n; i++)
		if (!ops[i].accepted)
			rule_rejected(dev, (struct rule *)(uintptr_t)ops[i].token, &ops[i].reason);
}

unsigned work_poll(struct device *dev)
{
	struct hal_completion c[BATCH];
	unsigned done = 0, failed = 0;
	int n;

	while ((n = hal_poll(dev->hal, c, BATCH)) > 0) {
		device_progress(dev);
		for (int i = 0; i < n; i++) {
			failed += c[i].error != 0;
			rule_completed(dev, (struct rule *)(uintptr_t)c[i].token, &c[i]);
		}
		done += (unsigned)n;
		if (done >= MAX_IN_FLIGHT)
			break;
	}
	if (failed) {
		pthread_mutex_lock(&dev->lock);
		dev->info.failed_ops += failed;
		pthread_mutex_unlock(&dev->lock);
	}
	if (n == -ENODEV && dev->mode != MODE_GONE)
		resync_lost(dev);
	return done;
}

/* Takes steps while there is room in flight. */
void work_run(struct device *dev)
{
	struct rule *rule;

	if (dev->mode == MODE_RESYNC)
		return;
	if (!TAILQ_EMPTY(&dev->work) && !hal_in_flight(dev->hal))
		device_progress(dev);
	while (hal_in_flight(dev->hal) + dev->n_batch < MAX_IN_FLIGHT &&
		(rule = TAILQ_FIRST(&dev->work))) {
		TAILQ_REMOVE(&dev->work, rule, in_work);
		rule->listed = false;
		if (!rule_reconcile(dev, rule)) {
			rule->listed = true;
			TAILQ_INSERT_TAIL(&dev->parked, rule, in_work);
			dev->unpark_ms = UINT64_MAX; /* when it answers again */
		}
	}
	work_flush(dev);
}
