/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a device answers: gone, stalled, reset, or well.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_health);

void unpark(struct device *dev)
{
	struct rule *rule;

	while ((rule = TAILQ_FIRST(&dev->parked))) {
		TAILQ_REMOVE(&dev->parked, rule, in_work);
		TAILQ_INSERT_TAIL(&dev->work, rule, in_work);
	}
}

static void warn_once(struct device *dev, const char *text)
{
	if (!dev->warned)
		log_warn("%s: %s", dev->info.name, text);
	dev->warned = true;
}

static void tell(struct device *dev, enum offload_decision_type type)
{
	const struct offload_decision d = {.device = dev->index, .type = type};

	decision_add(&dev->ol->decisions, &d, NULL, NULL);
}

/* Enters a mode and shows it. A stall is common on a busy host: it is worth a warning only when it
 * lasts. */
void device_mode(struct device *dev, enum mode mode, const char *text)
{
	bool alive = mode == MODE_RUN, changed = alive != dev->alive;

	if (dev->mode != mode)
		dev->mode_ms = now_ms();
	dev->mode = mode;
	dev->alive = alive;
	atomic_store_explicit(&dev->gone, mode == MODE_GONE, memory_order_relaxed);
	pthread_mutex_lock(&dev->lock);
	dev->info.stats.alive = alive;
	if (!alive)
		snprintf(dev->info.stats.text, sizeof(dev->info.stats.text), "%s", text);
	pthread_mutex_unlock(&dev->lock);
	if (alive) {
		unpark(dev);
		dev->next_retry = 0;
	}
	if (!changed)
		return;
	if (mode == MODE_GONE)
		warn_once(dev, text);
	else if (alive && dev->warned)
		log_info("%s: is back", dev->info.name);
	if (mode == MODE_GONE)
		tell(dev, DECISION_GONE);
	else if (alive && dev->was_gone)
		tell(dev, DECISION_BACK);
	dev->was_gone = mode == MODE_GONE || (dev->was_gone && !alive);
	if (alive)
		dev->warned = false;
	if (dev->ol->cfg.ops.device_changed)
		dev->ol->cfg.ops.device_changed(dev->ol->cfg.ops.ctx, dev->index);
}

static void publish(struct device *dev, const struct hal_device_stats *st)
{
	char text[sizeof(dev->info.stats.text)];

	pthread_mutex_lock(&dev->lock);
	memcpy(text, dev->info.stats.text, sizeof(text));
	dev->info.stats = *st;
	dev->info.stats.alive = dev->alive;
	if (!dev->alive) /* the mode's own words */
		memcpy(dev->info.stats.text, text, sizeof(text));
	pthread_mutex_unlock(&dev->lock);
}

static void was_reset(struct device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->info.resets++;
	pthread_mutex_unlock(&dev->lock);
	log_warn("%s: lost its state; %u rules are put back", dev->info.name, dev->n_placed);
	tell(dev, DECISION_RESET);
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (!rule->busy)
			rule_lost(dev, rule);
	}
	resync_begin(dev);
	if (dev->ol->cfg.ops.device_changed)
		dev->ol->cfg.ops.device_changed(dev->ol->cfg.ops.ctx, dev->index);
}

static bool no_progress(const struct device *dev, uint64_t now)
{
	return hal_in_flight(dev->hal) &&
	       now > atomic_load_explicit(&dev->progress_ms, memory_order_relaxed) + STALL_MS;
}

static void judge_running(struct device *dev, const struct hal_device_stats *st, uint64_t now)
{
	bool stuck = no_progress(dev, now);

	if (st->alive && st->generation != dev->generation && dev->mode != MODE_RESYNC) {
		was_reset(dev);
		return;
	}
	if (st->alive)
		hal_expire(dev->hal, dev->ol->cfg.op_timeout_ms);
	if (dev->mode == MODE_RUN && !st->alive)
		device_mode(
			dev, MODE_STALLED, st->text[0] ? st->text : "the device does not answer");
	else if (dev->mode == MODE_RUN && stuck)
		device_mode(dev, MODE_STALLED, "the device completes nothing");
	else if (dev->mode == MODE_STALLED && st->alive && !stuck)
		device_mode(dev, MODE_RUN, "");
}

void health_check(struct device *dev, uint64_t now)
{
	struct hal_device_stats st;
	int err = hal_stats(dev->hal, &st);

	dev->next_health = now + (dev->mode == MODE_GONE ? GONE_MS : HEALTH_MS);
	if (err == -EOPNOTSUPP) {
		st.alive = true;
		st.generation = dev->generation;
	} else if (err) {
		st.alive = false;
	}
	if (dev->mode != MODE_GONE)
		judge_running(dev, &st, now);
	else if (st.alive) {
		if (st.generation != dev->generation && !dev->fresh)
			was_reset(dev);
		else
			resync_begin(dev);
	}
	if (dev->mode == MODE_STALLED && now >= dev->mode_ms + WARN_MS)
		warn_once(dev, dev->info.stats.text);
	publish(dev, &st);
}
