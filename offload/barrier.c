/* SPDX-License-Identifier: Apache-2.0
 *
 * Barriers, refreshes and audits: somebody wants to know when every device has done what was asked
 * before, has read its counters, or was compared with what it should hold, and is as it should be.
 * Each device has a share; a device that makes no progress is not waited
 * for: a clock thread, which runs only while there are barriers, finishes its share.
 */
#include <errno.h>
#include <stdlib.h>

#include "offload/internal.h"

#define CLOCK_MS 50

enum kind { BARRIER, REFRESH, AUDIT };

struct share {
	struct event event;
	struct drain drain;
	TAILQ_ENTRY(share) link; /* device.refreshes or device.audits */
	struct barrier *barrier;
	struct device *dev; /* valid until done */
	bool done;          /* barrier_lock */
	bool begun;         /* the reading or audit that it waits for has begun */
	uint64_t asked_ms;
};

struct barrier {
	LIST_ENTRY(barrier) link; /* offload.barriers while pending */
	unsigned pending;         /* shares that are not done */
	unsigned refs;            /* shares that a device's thread may still touch, and the maker */
	enum kind kind;
	void (*done)(void *arg);
	void *arg;
	struct share share[HAL_MAX_DEVICES];
};

/* With barrier_lock. True: that was the last one, and its owner has to be told. */
static bool finish_locked(struct share *s)
{
	if (s->done)
		return false;
	s->done = true;
	if (--s->barrier->pending)
		return false;
	LIST_REMOVE(s->barrier, link);
	return true;
}

static void release(struct offload *ol, struct barrier *b)
{
	unsigned refs;

	pthread_mutex_lock(&ol->barrier_lock);
	refs = --b->refs;
	pthread_mutex_unlock(&ol->barrier_lock);
	if (!refs)
		free(b);
}

/* The device's thread is done with a share. */
static void share_finish(struct device *dev, struct share *s)
{
	struct offload *ol = dev->ol;
	struct barrier *b = s->barrier;
	bool last;

	pthread_mutex_lock(&ol->barrier_lock);
	last = finish_locked(s);
	pthread_mutex_unlock(&ol->barrier_lock);
	if (last)
		b->done(b->arg);
	release(ol, b);
}

static struct share *share_of_event(struct event *ev)
{
	return (struct share *)(void *)((char *)ev - offsetof(struct share, event));
}

static void share_drained(struct device *dev, struct drain *d)
{
	struct share *s = (struct share *)(void *)((char *)d - offsetof(struct share, drain));

	pthread_mutex_lock(&dev->lock);
	dev->info.lag_ms = now_ms() - s->asked_ms;
	pthread_mutex_unlock(&dev->lock);
	share_finish(dev, s);
}

static void share_drain(struct device *dev, struct share *s)
{
	s->drain.done = share_drained;
	drain_begin(dev, &s->drain, 0);
}

void share_arrived(struct device *dev, struct event *ev)
{
	struct share *s = share_of_event(ev);

	if (s->barrier->kind == BARRIER) {
		share_drain(dev, s);
	} else if (dev->mode == MODE_GONE) {
		share_finish(dev, s);
	} else if (s->barrier->kind == REFRESH) {
		TAILQ_INSERT_TAIL(&dev->refreshes, s, link);
	} else {
		TAILQ_INSERT_TAIL(&dev->audits, s, link);
		audit_asked(dev);
	}
}

void shares_begin(struct share_list *list)
{
	struct share *s;

	TAILQ_FOREACH (s, list, link)
		s->begun = true;
}

/* Calls `then` for those that have begun, or for all. */
static void take_shares(struct device *dev, struct share_list *list, bool all,
	void (*then)(struct device *dev, struct share *s))
{
	struct share *s, *next;

	for (s = TAILQ_FIRST(list); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (!all && !s->begun)
			continue;
		TAILQ_REMOVE(list, s, link);
		then(dev, s);
	}
}

void shares_refreshed(struct device *dev)
{
	take_shares(dev, &dev->refreshes, false, share_finish);
}

/* Found is not yet repaired. */
void shares_audited(struct device *dev)
{
	take_shares(dev, &dev->audits, false, share_drain);
}

void shares_drop(struct device *dev)
{
	take_shares(dev, &dev->refreshes, true, share_finish);
	take_shares(dev, &dev->audits, true, share_finish);
}

void share_drop(struct device *dev, struct event *ev)
{
	share_finish(dev, share_of_event(ev));
}

/* ---- asking ---- */

static void ask(struct offload *ol, enum kind kind, void (*done)(void *arg), void *arg)
{
	struct barrier *b = calloc(1, sizeof(*b));

	if (b) {
		b->kind = kind;
		b->done = done;
		b->arg = arg;
		b->refs = 1;
		for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
			b->pending += ol->devices[i] != NULL;
	}
	if (!b || !b->pending) {
		free(b);
		done(arg);
		return;
	}
	pthread_mutex_lock(&ol->barrier_lock);
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		struct share *s = &b->share[i];

		s->barrier = b;
		s->event.type = EVENT_BARRIER;
		s->asked_ms = now_ms();
		s->dev = ol->devices[i];
		s->done = !s->dev;
		b->refs += !s->done;
	}
	LIST_INSERT_HEAD(&ol->barriers, b, link);
	pthread_cond_signal(&ol->barrier_cond);
	pthread_mutex_unlock(&ol->barrier_lock);
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		if (ol->devices[i])
			device_send(ol->devices[i], &b->share[i].event);
	release(ol, b);
}

void offload_barrier(struct offload *ol, void (*done)(void *arg), void *arg)
{
	ask(ol, BARRIER, done, arg);
}

void offload_refresh(struct offload *ol, void (*done)(void *arg), void *arg)
{
	ask(ol, REFRESH, done, arg);
}

void offload_audit(struct offload *ol, void (*done)(void *arg), void *arg)
{
	ask(ol, AUDIT, done, arg);
}

/* ---- the clock ---- */

/* When the device last got on with what the share waits for. */
static uint64_t progress_ms(const struct share *s)
{
	const struct device *dev = s->dev;
	const uint64_t done = atomic_load_explicit(&dev->progress_ms, memory_order_relaxed);
	uint64_t audited;

	switch (s->barrier->kind) {
	case REFRESH:
		return atomic_load_explicit(&dev->read_ms, memory_order_relaxed);
	case AUDIT:
		audited = atomic_load_explicit(&dev->audited_ms, memory_order_relaxed);
		return audited > done ? audited : done;
	default:
		return done;
	}
}

static bool too_slow(const struct share *s, uint64_t now)
{
	uint64_t last = progress_ms(s);

	if (atomic_load_explicit(&s->dev->gone, memory_order_relaxed))
		return true;
	if (last < s->asked_ms)
		last = s->asked_ms;
	return now >= last + BARRIER_WAIT_MS;
}

/* Finishes what waits in vain. Returns one barrier whose owner has to be told, or NULL. With
 * barrier_lock; the barrier keeps a reference for the caller. */
static struct barrier *sweep(struct offload *ol)
{
	uint64_t now = now_ms();
	struct barrier *b;

	LIST_FOREACH (b, &ol->barriers, link) {
		for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
			struct share *s = &b->share[i];

			if (s->done || !too_slow(s, now) || !finish_locked(s))
				continue;
			b->refs++;
			return b;
		}
	}
	return NULL;
}

static void *clock_main(void *arg)
{
	struct offload *ol = arg;

	pthread_mutex_lock(&ol->barrier_lock);
	while (!ol->clock_stop) {
		uint64_t next = now_ms() + CLOCK_MS;
		const struct timespec ts = {
			.tv_sec = (time_t)(next / 1000),
			.tv_nsec = (long)(next % 1000) * 1000000,
		};
		struct barrier *b = sweep(ol);

		if (b) {
			pthread_mutex_unlock(&ol->barrier_lock);
			b->done(b->arg);
			release(ol, b);
			pthread_mutex_lock(&ol->barrier_lock);
		} else if (LIST_EMPTY(&ol->barriers)) {
			pthread_cond_wait(&ol->barrier_cond, &ol->barrier_lock);
		} else {
			pthread_cond_timedwait(&ol->barrier_cond, &ol->barrier_lock, &ts);
		}
	}
	pthread_mutex_unlock(&ol->barrier_lock);
	return NULL;
}

int barriers_open(struct offload *ol)
{
	pthread_condattr_t attr;
	int err;

	LIST_INIT(&ol->barriers);
	pthread_mutex_init(&ol->barrier_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ol->barrier_cond, &attr);
	pthread_condattr_destroy(&attr);
	err = -pthread_create(&ol->clock, NULL, clock_main, ol);
	if (!err)
		return 0;
	pthread_cond_destroy(&ol->barrier_cond);
	pthread_mutex_destroy(&ol->barrier_lock);
	return err;
}

/* After all devices have been closed: none is pending. */
void barriers_close(struct offload *ol)
{
	pthread_mutex_lock(&ol->barrier_lock);
	ol->clock_stop = true;
	pthread_cond_signal(&ol->barrier_cond);
	pthread_mutex_unlock(&ol->barrier_lock);
	pthread_join(ol->clock, NULL);
	pthread_cond_destroy(&ol->barrier_cond);
	pthread_mutex_destroy(&ol->barrier_lock);
}
