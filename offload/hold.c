/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds: megaflows that somebody wants in software for a while, though a device would take them.
 *
 * A hold that begins or ends is noted in a flag of each device, and its thread judges again what
 * the hold is about before it answers the next barrier.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "offload/internal.h"

struct offload_hold {
	LIST_ENTRY(offload_hold) link;
	offload_concerns *concerns;
	void *ctx;
	char why[100];
};

void holds_open(struct offload *ol)
{
	pthread_mutex_init(&ol->hold_lock, NULL);
	LIST_INIT(&ol->holds);
}

void holds_close(struct offload *ol)
{
	struct offload_hold *h;

	while ((h = LIST_FIRST(&ol->holds))) {
		LIST_REMOVE(h, link);
		free(h);
	}
	pthread_mutex_destroy(&ol->hold_lock);
}

static void tell_devices(struct offload *ol)
{
	pthread_mutex_lock(&ol->lock);
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		if (!ol->devices[i])
			continue;
		atomic_store_explicit(&ol->devices[i]->holds_moved, true, memory_order_release);
		device_kick(ol->devices[i]);
	}
	pthread_mutex_unlock(&ol->lock);
}

int offload_hold_begin(struct offload *ol, offload_concerns *concerns, void *ctx, const char *why,
	struct offload_hold **out)
{
	struct offload_hold *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->concerns = concerns;
	h->ctx = ctx;
	snprintf(h->why, sizeof(h->why), "%s", why);
	pthread_mutex_lock(&ol->hold_lock);
	LIST_INSERT_HEAD(&ol->holds, h, link);
	atomic_fetch_add(&ol->n_holds, 1);
	pthread_mutex_unlock(&ol->hold_lock);
	tell_devices(ol);
	*out = h;
	return 0;
}

void offload_hold_end(struct offload *ol, struct offload_hold *h)
{
	pthread_mutex_lock(&ol->hold_lock);
	LIST_REMOVE(h, link);
	atomic_fetch_sub(&ol->n_holds, 1);
	pthread_mutex_unlock(&ol->hold_lock);
	free(h);
	tell_devices(ol);
}

int hold_judge_rule(struct device *dev, const struct hal_rule *rule, struct hal_reason *r)
{
	struct offload *ol = dev->ol;
	struct offload_hold *h;
	int err = 0;

	if (!atomic_load_explicit(&ol->n_holds, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&ol->hold_lock);
	LIST_FOREACH (h, &ol->holds, link)
		if (h->concerns(h->ctx, rule)) {
			err = hal_refuse(r, HAL_REASON_CAPTURED, "%s", h->why);
			break;
		}
	pthread_mutex_unlock(&ol->hold_lock);
	return err;
}

static bool is_held(struct device *dev, const struct hal_megaflow *mf)
{
	struct hal_rule rule;

	megaflow_rule(mf, &rule);
	return hold_judge_rule(dev, &rule, NULL) != 0;
}

int hold_judge(struct device *dev, struct claim *c, struct hal_reason *r)
{
	struct hal_rule rule;
	int err;

	megaflow_rule(c->flow->mf, &rule);
	err = hold_judge_rule(dev, &rule, r);
	c->kept_out = err != 0;
	if (!err)
		return 0;
	c->held = true; /* asked again when the hold ends, and fit then */
	claim_stand(dev, c, STANDING_MISFIT, r);
	return err;
}

bool hold_forbids_adoption(struct device *dev, const struct claim *c)
{
	return atomic_load_explicit(&dev->ol->n_holds, memory_order_acquire) &&
	       is_held(dev, c->flow->mf);
}

/* A rule of a former run that nobody has claimed yet. */
static bool foreign_is_held(struct device *dev, const struct rule *rule)
{
	const struct hal_rule as_found = {.ufid = rule->ufid,
		.match = rule->match,
		.program = rule->program,
		.chain = rule->chain};

	return hold_judge_rule(dev, &as_found, NULL) != 0;
}

void holds_moved(struct device *dev)
{
	if (!atomic_exchange_explicit(&dev->holds_moved, false, memory_order_acquire))
		return;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		const struct claim *c = rule_wanted(rule);

		if (c && c->kept_out != is_held(dev, c->flow->mf)) {
			rule->recheck = true;
			work_add(dev, rule);
		} else if (!c && rule->have == HAVE_FOREIGN && foreign_is_held(dev, rule)) {
			rule->ousted = true;
			work_add(dev, rule);
		}
	}
}
