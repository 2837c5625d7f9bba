/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing what a device holds with what it should hold: when it is opened (rules of a former run
 * are adopted), and when it lost its state or came back. Nothing else goes on meanwhile; an audit
 * is for the rest of the time.
 */
#include <errno.h>
#include <string.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_resync);

static int dump_one(void *ctx, const struct hal_dump_entry *e)
{
	struct device *dev = ctx;
	struct rule *rule = rule_get(dev, &e->ufid);
	const struct hal_megaflow *mf;
	bool ours;

	if (!rule)
		return -ENOMEM;
	ours = rule->have != HAVE_NONE && rule->have != HAVE_FOREIGN;
	rule->found = true;
	if (!e->match) {
		if (rule->holder)
			slot_set(dev, rule->holder, PLACEMENT_PENDING, NULL);
		rule_have(dev, rule, HAVE_UNSURE, NULL);
		return 0;
	}
	hal_adopt(dev->hal, e);
	if (rule->have == HAVE_CLAIM) {
		mf = rule->holder->flow->mf;
		if (mf->chain == e->chain && hal_cmatch_equal(mf->match, e->match) &&
			hal_program_equal(claim_program(rule->holder), e->program)) {
			slot_verified(dev, rule->holder);
			return 0;
		}
		slot_set(dev, rule->holder, PLACEMENT_PENDING, NULL);
	}
	rule_set_foreign(dev, rule, e);
	/* Recirculation ids and objects of a former run mean nothing in this one. */
	rule->stale = !ours && (e->chain || program_names_objects(e->program));
	/* If nobody wants it any more, it does not wait to be claimed. */
	rule->ousted |= ours || rule->stale;
	return 0;
}

/* The device has it no more. */
void rule_lost(struct device *dev, struct rule *rule)
{
	if (rule->have == HAVE_NONE)
		return;
	if (rule->holder)
		slot_set(dev, rule->holder, PLACEMENT_PENDING, NULL);
	objects_release(dev, rule);
	rule->replay = rule_wanted(rule) != NULL;
	rule->packets = rule->bytes = 0;
	rule->ousted = rule->stale = false;
	rule_have(dev, rule, HAVE_NONE, NULL);
}

static void forgive(struct device *dev, struct rule *rule)
{
	struct claim *c;

	rule->attempts = 0;
	TAILQ_FOREACH (c, &rule->claims, in_rule) {
		if (c->blocked)
			retry_forget(dev, c);
		c->backoff_ms = 0;
		if (c->unfit && c->reason.code == HAL_REASON_DEVICE_ERROR)
			c->judged = c->unfit = false; /* it may have got over it */
	}
}

static void compare(struct device *dev, bool fresh, bool dumped)
{
	/* What leads to chains goes before them. */
	HMAP_FOR_EACH (entry, struct rule, node, &dev->rules) {
		if (entry->stale && !entry->chain)
			work_add(dev, entry);
	}
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (!rule->found && (dumped || fresh))
			rule_lost(dev, rule);
		forgive(dev, rule);
		work_add(dev, rule);
		rule->found = false;
	}
}

/* New state: the books start again, and what was credited of the former counters stays credited. */
static void start_again(struct device *dev)
{
	hal_forget_state(dev->hal);
	objects_forget(dev);
	connections_forget(dev, dev->fresh);
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		rule->packets = rule->bytes = 0;
	}
	ports_rebind(dev);
}

void resync_begin(struct device *dev)
{
	dev->mode = MODE_RESYNC;
	dev->pass = false;
	audit_stop(dev);
}

/* Once nothing is in flight, what the device says is the truth. */
void resync_step(struct device *dev)
{
	struct hal_device_stats st;
	bool fresh;
	int err;

	work_flush(dev);
	if (hal_in_flight(dev->hal))
		return;
	err = hal_stats(dev->hal, &st);
	if (err == -ENODEV || (!err && !st.alive)) {
		resync_lost(dev);
		return;
	}
	fresh = dev->fresh || (!err && st.generation != dev->generation);
	if (fresh)
		start_again(dev);
	err = hal_dump(dev->hal, dump_one, dev);
	if (err == -ENODEV) {
		resync_lost(dev);
		return;
	}
	if (err && err != -EOPNOTSUPP)
		log_warn("%s: its rules cannot be listed: %s", dev->info.name, strerror(-err));
	compare(dev, fresh, !err);
	dev->fresh = false;
	dev->generation = st.generation;
	device_progress(dev);
	device_mode(dev, MODE_RUN, "");
}

/* Gone: everything in flight has been completed. What it may still hold is told when it is back. */
void resync_lost(struct device *dev)
{
	device_mode(dev, MODE_GONE, "the device is gone");
	dev->pass = false;
	shares_drop(dev);
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (rule->have != HAVE_NONE)
			rule_have(dev, rule, HAVE_UNSURE, NULL);
		work_add(dev, rule);
	}
	unpark(dev);
}

/* What a device takes never comes up as a packet, so its megaflows are asked for. False: not all
 * were. */
static bool ask_for_megaflows(struct device *dev)
{
	const struct offload_ops *ops = &dev->ol->cfg.ops;

	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (rule->have != HAVE_FOREIGN || rule->stale || rule->asked ||
			!TAILQ_EMPTY(&rule->claims))
			continue;
		rule->asked = ops->found(ops->ctx, &rule->ufid, rule->match, rule->program);
		if (!rule->asked)
			return false;
	}
	return ops->found(ops->ctx, NULL, NULL, NULL);
}

void adopting_ends(struct device *dev)
{
	dev->adopting = false;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (rule->have == HAVE_FOREIGN)
			work_add(dev, rule);
	}
}

void offload_keep_former(struct offload *ol, bool on)
{
	atomic_store(&ol->keeps_former, on);
}

void resync_grace(struct device *dev, uint64_t now)
{
	if (dev->adopting && atomic_load(&dev->ol->keeps_former))
		dev->adopt_until_ms = now + dev->ol->cfg.adopt_grace_ms;
	if (!dev->adopting || now < dev->adopt_until_ms)
		return;
	if (dev->ol->cfg.ops.found && !dev->asked) {
		dev->asked = ask_for_megaflows(dev);
		dev->adopt_until_ms = now + (dev->asked ? CLAIM_MS : LATER_MS);
		return;
	}
	adopting_ends(dev);
}
