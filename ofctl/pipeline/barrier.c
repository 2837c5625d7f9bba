/* SPDX-License-Identifier: Apache-2.0
 *
 * When what was asked for has come true: megaflows that depend on a change are translated again a
 * share in each turn of the event loop, so that a flow with 100,000 of them does not keep
 * everything else waiting; barriers and requests for statistics wait for those that were concerned
 * before them, then for the workers, then for the devices.
 */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "offload/offload.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/swpath.h"

LOG_DEFINE(barrier);

/* Translated again in one turn: about a millisecond. */
#define REVALIDATE_A_TURN 1024

static void end_turn(struct pipeline *pl)
{
	const struct timeval now = {0, 0};

	if (!pl->turn_ends)
		pl->turn_ends = !event_add(pl->turn_event, &now);
}

void revalidate_soon(struct pipeline *pl)
{
	unsigned n;

	if (!pl->n_stale)
		return;
	n = revalidate(pl, pl->turn_left);
	pl->turn_left -= n;
	end_turn(pl);
}

#define SYNC_MS 100

enum kind { BARRIER, REFRESH, AUDIT };

struct pending {
	TAILQ_ENTRY(pending) link; /* in pl->waiting */
	uint32_t turn;
	struct pipeline *pl;
	void (*done)(void *arg);
	void *arg;
	enum kind kind;
	struct note *note;
};

static void finish(void *arg)
{
	struct pending *p = arg;

	if (p->kind == REFRESH)
		credit_all(p->pl);
	p->done(p->arg);
	free(p);
}

/* On a device thread, or on ours when nothing is outstanding. */
static void devices_done(void *arg)
{
	struct pending *p = arg;
	struct pipeline *pl = p->pl;

	if (pthread_equal(pthread_self(), pl->control)) {
		free(p->note);
		finish(p);
		return;
	}
	/* Somebody waits for this one: it must not get lost. */
	while (rte_ring_mp_enqueue(pl->notes, p->note))
		usleep(100);
	pipeline_wake(pl);
}

/* Nothing is stale any more that was when it began. */
static void go_on(struct pending *p)
{
	struct pipeline *pl = p->pl;

	registry_take_births(pl);
	if (pl->sp && swpath_sync(pl->sp, SYNC_MS))
		log_warn("workers did not come to rest within %d ms", SYNC_MS);
	registry_take_births(pl);
	if (!pl->ol)
		devices_done(p);
	else if (p->kind == REFRESH)
		offload_refresh(pl->ol, devices_done, p);
	else if (p->kind == AUDIT)
		offload_audit(pl->ol, devices_done, p);
	else
		offload_barrier(pl->ol, devices_done, p);
}

static void synchronise(struct pipeline *pl, enum kind kind, void (*done)(void *arg), void *arg)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p || !(p->note = note_new(NOTE_CALL, 0))) {
		free(p);
		revalidate(pl, UINT_MAX);
		if (kind == REFRESH)
			credit_all(pl);
		done(arg);
		return;
	}
	p->pl = pl;
	p->done = done;
	p->arg = arg;
	p->kind = kind;
	p->note->call.fn = finish;
	p->note->call.arg = p;
	p->turn = pl->stale_turn++;
	if (pl->n_stale <= REVALIDATE_A_TURN)
		revalidate(pl, UINT_MAX);
	if (!pl->n_stale && TAILQ_EMPTY(&pl->waiting)) {
		go_on(p);
		return;
	}
	TAILQ_INSERT_TAIL(&pl->waiting, p, link);
	end_turn(pl);
}

void pipeline_barrier(struct pipeline *pl, void (*done)(void *arg), void *arg)
{
	synchronise(pl, BARRIER, done, arg);
}

void pipeline_refresh(struct pipeline *pl, void (*done)(void *arg), void *arg)
{
	synchronise(pl, REFRESH, done, arg);
}

void pipeline_audit(struct pipeline *pl, void (*done)(void *arg), void *arg)
{
	synchronise(pl, AUDIT, done, arg);
}

/* ---- turns ---- */

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *pl = arg;
	struct pl_megaflow *oldest;
	struct pending *p;

	(void)fd;
	(void)what;
	pl->turn_ends = false;
	pl->turn_left = REVALIDATE_A_TURN;
	revalidate_soon(pl);
	while ((p = TAILQ_FIRST(&pl->waiting))) {
		oldest = TAILQ_FIRST(&pl->stale);
		if (oldest && (int32_t)(oldest->stale_turn - p->turn) <= 0)
			break;
		TAILQ_REMOVE(&pl->waiting, p, link);
		go_on(p);
	}
}

int turns_open(struct pipeline *pl)
{
	pl->turn_left = REVALIDATE_A_TURN;
	pl->turn_event = event_new(pl->base, -1, 0, on_turn, pl);
	return pl->turn_event ? 0 : -ENOMEM;
}

void turns_close(struct pipeline *pl)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(&pl->waiting))) {
		TAILQ_REMOVE(&pl->waiting, p, link);
		free(p->note);
		free(p);
	}
	if (pl->turn_event)
		event_free(pl->turn_event);
	pl->turn_event = NULL;
}
