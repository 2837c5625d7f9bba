/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices: coming and going, and the thread of each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_device);

#define EVENTS_A_TURN 256
#define CONNECTION_MS \
	10 /* while connections are in use, workers may announce more without waking us */

/* ---- waking and waiting ---- */

void device_push(struct device *dev, struct event *ev)
{
	ev->queued = true;
	TAILQ_INSERT_TAIL(&dev->events, ev, link);
	pthread_cond_signal(&dev->cond);
}

void device_send(struct device *dev, struct event *ev)
{
	pthread_mutex_lock(&dev->lock);
	device_push(dev, ev);
	pthread_mutex_unlock(&dev->lock);
}

void device_kick(struct device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->woken = true;
	pthread_cond_signal(&dev->cond);
	pthread_mutex_unlock(&dev->lock);
}

/* The driver has a completion or a packet; packets are the workers' business. */
static void device_wake(void *ctx)
{
	struct device *dev = ctx;

	if (atomic_load_explicit(&dev->in_flight, memory_order_relaxed))
		device_kick(dev);
	if (dev->user_env.wake)
		dev->user_env.wake(dev->user_env.wake_ctx);
}

void device_progress(struct device *dev)
{
	atomic_store_explicit(&dev->progress_ms, now_ms(), memory_order_relaxed);
}

static void wait_until(struct device *dev, uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline / 1000),
		.tv_nsec = (long)(deadline % 1000) * 1000000,
	};

	pthread_mutex_lock(&dev->lock);
	if (TAILQ_EMPTY(&dev->events) && !dev->woken && !dev->stop)
		pthread_cond_timedwait(&dev->cond, &dev->lock, &ts);
	dev->woken = false;
	pthread_mutex_unlock(&dev->lock);
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Sleeps until something is to be done. A driver may complete without waking us: while operations
 * are in flight it is asked often at first, then every 10 ms. */
static void device_sleep(struct device *dev, uint64_t now)
{
	uint64_t until = dev->next_health;

	if (dev->n_placed)
		until = min64(until, dev->next_counters);
	if (dev->n_waiting || dev->n_quarantined)
		until = min64(until, dev->next_retry);
	if (!TAILQ_EMPTY(&dev->parked) && dev->mode == MODE_RUN)
		until = min64(until, dev->unpark_ms);
	if (dev->room && dev->n_waiting)
		until = min64(until, dev->next_room);
	if (dev->mode == MODE_RUN)
		until = min64(until, audit_due_ms(dev));
	if (connections_are_used(dev))
		until = min64(until, now + CONNECTION_MS);
	if (atomic_load_explicit(&dev->meters_moved, memory_order_relaxed) ||
		atomic_load_explicit(&dev->holds_moved, memory_order_relaxed))
		until = now;
	if (hal_in_flight(dev->hal))
		until = min64(until, now + (dev->idle_polls++ < 8 ? 1 : 10));
	if (until > now)
		wait_until(dev, until);
}

/* ---- the thread ---- */

static struct event *next_event(struct device *dev, bool *stop)
{
	struct event *ev;

	pthread_mutex_lock(&dev->lock);
	*stop = dev->stop;
	ev = TAILQ_FIRST(&dev->events);
	if (ev) {
		TAILQ_REMOVE(&dev->events, ev, link);
		ev->queued = false;
		if (ev->type == EVENT_CLAIM) {
			struct claim *c = claim_of(ev);

			c->taken = true;
			c->leaving |= c->withdrawn;
		}
	}
	pthread_mutex_unlock(&dev->lock);
	return ev;
}

/* False when the thread is to stop. */
static bool take_events(struct device *dev)
{
	bool stop = false;

	for (unsigned i = 0; i < EVENTS_A_TURN && !stop; i++) {
		struct event *ev = next_event(dev, &stop);

		if (!ev)
			break;
		switch (ev->type) {
		case EVENT_CLAIM:
			rule_take_claim(dev, claim_of(ev));
			break;
		case EVENT_COMMAND:
			command_arrived(dev, ev);
			break;
		case EVENT_BARRIER:
			holds_moved(dev);
			connections_take(dev);
			while (connections_step(dev))
				;
			share_arrived(dev, ev);
			break;
		case EVENT_OBJECT:
			object_arrived(dev, ev);
			break;
		}
	}
	return !stop;
}

static void timers(struct device *dev, uint64_t now)
{
	if (now >= dev->next_health) {
		health_check(dev, now);
		if (dev->mode == MODE_RUN) {
			meters_tick(dev, now);
			hal_objects_sweep(dev->hal);
		}
	}
	drain_expire(dev, now);
	if (dev->mode != MODE_RUN)
		return;
	if (now >= dev->unpark_ms)
		unpark(dev);
	resync_grace(dev, now);
	if (now >= dev->next_counters || !TAILQ_EMPTY(&dev->refreshes))
		counters_begin(dev);
	if (now >= dev->next_retry)
		retry_all(dev, now);
	if (dev->room && now >= dev->next_room)
		retry_room(dev, now);
}

static void *device_main(void *arg)
{
	struct device *dev = arg;

	resync_begin(dev);
	resync_step(dev); /* before anything is asked of it */
	for (;;) {
		uint64_t now;
		bool running = take_events(dev);
		unsigned done;

		if (!running)
			return NULL;
		done = work_poll(dev);
		if (dev->mode == MODE_RESYNC)
			resync_step(dev);
		meters_moved(dev);
		holds_moved(dev);
		work_run(dev);
		connections_take(dev);
		connections_step(dev);
		now = now_ms();
		timers(dev, now);
		if (dev->pass && dev->mode == MODE_RUN)
			counters_slice(dev, now);
		if (dev->mode == MODE_RUN)
			audit_run(dev, now);
		work_flush(dev);
		atomic_store_explicit(
			&dev->in_flight, hal_in_flight(dev->hal) > 0, memory_order_relaxed);
		if (done || !hal_in_flight(dev->hal))
			dev->idle_polls = 0;
		if (!done && !dev->pass && (TAILQ_EMPTY(&dev->work) || hal_in_flight(dev->hal)))
			device_sleep(dev, now);
	}
}

/* ---- coming and going ---- */

struct device *device_at(struct offload *ol, unsigned device)
{
	return device < HAL_MAX_DEVICES ? ol->devices[device] : NULL;
}

void device_attach(struct device *dev, struct flow *flow)
{
	struct claim *c = flow->claim[dev->index];
	struct hal_reason r;

	if (!hal_megaflow_hw_make(flow->mf)) {
		log_warn("out of memory: a megaflow stays out of %s", dev->info.name);
		return;
	}
	if (!c)
		c = flow->claim[dev->index] = malloc(sizeof(*c));
	if (!c) {
		hal_refuse(&r, HAL_REASON_DEVICE_ERROR, "out of memory");
		slot_write(dev, flow->mf, PLACEMENT_REFUSED, &r);
		return;
	}
	atomic_fetch_add_explicit(&flow->open, 1, memory_order_relaxed);
	pthread_mutex_lock(&dev->lock);
	memset(c, 0, sizeof(*c));
	c->flow = flow;
	c->event.type = EVENT_CLAIM;
	c->attached = true;
	device_push(dev, &c->event);
	pthread_mutex_unlock(&dev->lock);
}

static struct device *device_new(struct offload *ol, unsigned index, const struct hal_env *env)
{
	struct device *dev = calloc(1, sizeof(*dev));
	pthread_condattr_t attr;

	if (!dev)
		return NULL;
	dev->ol = ol;
	dev->index = index;
	if (env)
		dev->user_env = *env;
	pthread_mutex_init(&dev->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dev->cond, &attr);
	pthread_condattr_destroy(&attr);
	hmap_init(&dev->rules);
	hmap_init(&dev->foreign);
	hmap_init(&dev->objects);
	hmap_init(&dev->chains);
	dev->next_object = hash_mix((uint64_t)now_ms() << 8 | index);
	TAILQ_INIT(&dev->events);
	TAILQ_INIT(&dev->work);
	TAILQ_INIT(&dev->parked);
	TAILQ_INIT(&dev->placed);
	TAILQ_INIT(&dev->waiting);
	TAILQ_INIT(&dev->ports);
	TAILQ_INIT(&dev->drains);
	TAILQ_INIT(&dev->refreshes);
	TAILQ_INIT(&dev->audits);
	TAILQ_INIT(&dev->audit.suspects);
	dev->audit.began_ms = now_ms();
	dev->fresh = dev->adopting = dev->alive = true;
	dev->adopt_until_ms = now_ms() + ol->cfg.adopt_grace_ms;
	return dev;
}

static void device_free(struct device *dev)
{
	objects_free(dev);
	chains_free(dev);
	connections_close(dev);
	hmap_destroy(&dev->objects);
	hmap_destroy(&dev->chains);
	hmap_destroy(&dev->rules);
	hmap_destroy(&dev->foreign);
	pthread_cond_destroy(&dev->cond);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

static int device_start(struct device *dev, const char *spec, struct hal_reason *r)
{
	struct hal_env env = dev->user_env;
	int err;

	env.wake = device_wake;
	env.wake_ctx = dev;
	err = hal_device_open(spec, &env, &dev->hal, r);
	if (err)
		return err;
	dev->caps = hal_device_caps(dev->hal);
	snprintf(dev->info.name, sizeof(dev->info.name), "%.31s", hal_device_name(dev->hal));
	dev->info.stats.alive = true;
	device_progress(dev);
	err = connections_open(dev);
	if (!err)
		err = -pthread_create(&dev->thread, NULL, device_main, dev);
	if (err) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "it cannot be run: %s", strerror(-err));
		hal_device_close(dev->hal);
	}
	return err;
}

int offload_device_add(
	struct offload *ol, const char *spec, const struct hal_env *env, struct hal_reason *r)
{
	struct device *dev;
	struct flow *flow;
	unsigned i = 0;
	int err;

	if (r)
		hal_reason_clear(r);
	while (i < HAL_MAX_DEVICES && ol->devices[i])
		i++;
	if (i == HAL_MAX_DEVICES) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "there are %u devices already", i);
		return -ENOSPC;
	}
	dev = device_new(ol, i, env);
	if (!dev)
		return -ENOMEM;
	err = device_start(dev, spec, r);
	if (err) {
		device_free(dev);
		return err;
	}
	pthread_mutex_lock(&ol->lock);
	ol->devices[i] = dev;
	if (i >= ol->n_devices)
		ol->n_devices = i + 1;
	objects_describe(ol, dev);
	LIST_FOREACH (flow, &ol->flows, link) {
		if (!flow->withdrawn)
			device_attach(dev, flow);
	}
	pthread_mutex_unlock(&ol->lock);
	log_info("%s: opened", dev->info.name);
	return (int)i;
}

/* The thread has ended: what it had is ours. */
static void free_work(struct device *dev)
{
	struct port *port;

	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		hmap_remove(&dev->rules, &rule->node);
		rule_free(dev, rule);
	}
	while ((port = TAILQ_FIRST(&dev->ports))) {
		TAILQ_REMOVE(&dev->ports, port, link);
		free(port);
	}
}

/* Commands and barriers that the thread has not come to. */
static void drop_events(struct device *dev)
{
	struct event *ev;
	bool stop;

	while ((ev = next_event(dev, &stop))) {
		if (ev->type == EVENT_COMMAND)
			command_drop(ev);
		else if (ev->type == EVENT_BARRIER)
			share_drop(dev, ev);
		else if (ev->type == EVENT_OBJECT)
			object_event_free(ev);
	}
}

static void device_stop(struct device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->stop = true;
	pthread_cond_signal(&dev->cond);
	pthread_mutex_unlock(&dev->lock);
	pthread_join(dev->thread, NULL);
	shares_drop(dev);
	drop_events(dev);
	drains_drop(dev);
}

void device_close(struct device *dev)
{
	device_stop(dev);
	hal_device_close(dev->hal);
	free_work(dev);
	device_free(dev);
}

static void removed(struct device *dev, struct drain *d)
{
	struct command *cmd = command_of(d);

	(void)dev;
	command_done(cmd, 0);
	command_put(cmd);
}

static bool run_remove(struct device *dev, struct command *cmd)
{
	dev->adopting = false;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		struct claim *c;

		TAILQ_FOREACH (c, &rule->claims, in_rule) {
			c->leaving = true;
			claim_leave(dev, c);
		}
		work_add(dev, rule);
	}
	cmd->drain.done = removed;
	drain_begin(dev, &cmd->drain, SYNC_WAIT_MS);
	return false;
}

/* After the thread has ended: the device is done with all of its claims. */
static void detach_all(struct offload *ol, struct device *dev)
{
	struct flow **list = NULL, *flow;
	unsigned n = 0;

	pthread_mutex_lock(&ol->lock);
	list = calloc(ol->n_flows + 1, sizeof(*list));
	LIST_FOREACH (flow, &ol->flows, link) {
		struct claim *c = flow->claim[dev->index];

		if (!c || !c->attached)
			continue;
		flow->claim[dev->index] = NULL;
		claim_free(c);
		memset(&hal_megaflow_hw(flow->mf)->slot[dev->index], 0,
			sizeof(struct hal_offload_slot));
		if (list)
			list[n++] = flow;
	}
	pthread_mutex_unlock(&ol->lock);
	for (unsigned i = 0; i < n; i++)
		flow_put(ol, list[i]);
	free(list);
}

int offload_device_remove(struct offload *ol, unsigned device)
{
	struct device *dev = device_at(ol, device);
	struct command *cmd;

	if (!dev)
		return -ENOENT;
	cmd = command_new(run_remove);
	if (!cmd)
		return -ENOMEM;
	pthread_mutex_lock(&ol->lock);
	ol->devices[device] = NULL; /* no new claims */
	while (ol->n_devices && !ol->devices[ol->n_devices - 1])
		ol->n_devices--;
	pthread_mutex_unlock(&ol->lock);
	if (command_wait(dev, cmd, SYNC_WAIT_MS + 200))
		log_warn("%s: did not give its rules back in time", dev->info.name);
	command_put(cmd);
	device_stop(dev);
	detach_all(ol, dev);
	meters_forget(ol, device);
	log_info("%s: closed", dev->info.name);
	hal_device_close(dev->hal);
	free_work(dev);
	device_free(dev);
	return 0;
}

struct hal_device *offload_device(struct offload *ol, unsigned device)
{
	struct device *dev = device_at(ol, device);

	return dev ? dev->hal : NULL;
}

unsigned offload_device_count(const struct offload *ol)
{
	return ol->n_devices;
}

int offload_device_info(struct offload *ol, unsigned device, struct offload_device_info *out)
{
	struct device *dev = device_at(ol, device);

	memset(out, 0, sizeof(*out));
	if (!dev)
		return -ENOENT;
	pthread_mutex_lock(&dev->lock);
	*out = dev->info;
	pthread_mutex_unlock(&dev->lock);
	return 0;
}
