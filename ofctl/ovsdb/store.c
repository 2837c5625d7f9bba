/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/store.h"

#include "hal/base/log.h"
#include "ofctl/ovsdb/store_sql.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

LOG_DEFINE(ovsdb_writer);

#define RETRY_SECONDS 1

struct ovsdb_store {
	struct ovsdb_sql sql; /* the writer's, once it runs */
	pthread_t thread;
	bool running;
	int fd; /* eventfd: the writer has news */
	struct event *event;
	ovsdb_store_done_cb *cb;
	void *aux;

	/* Event loop only. */
	uint64_t settled, durable;
	int error;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	struct ovsdb_writes queue;
	uint64_t submitted; /* written by the event loop only */
	uint64_t attempted, succeeded;
	int attempt_error;
	bool stop;
};

void ovsdb_write_free(struct ovsdb_write *write)
{
	free(write->columns);
	free(write);
}

static void free_writes(struct ovsdb_writes *writes)
{
	struct ovsdb_write *write;

	while ((write = STAILQ_FIRST(writes))) {
		STAILQ_REMOVE_HEAD(writes, link);
		ovsdb_write_free(write);
	}
}

int ovsdb_store_open(struct ovsdb_store **storep, const char *path)
{
	struct ovsdb_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	int rc = ovsdb_sql_open(&store->sql, path);
	if (rc) {
		free(store);
		return rc;
	}
	store->fd = -1;
	STAILQ_INIT(&store->queue);
	pthread_mutex_init(&store->mutex, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake, &attr);
	pthread_condattr_destroy(&attr);
	*storep = store;
	return 0;
}

int ovsdb_store_load(struct ovsdb_store *store, ovsdb_store_row_cb *cb, void *aux)
{
	return ovsdb_sql_load(&store->sql, cb, aux);
}

/* Wait for something to write. Called and returns with the mutex held. */
static void wait_for_work(struct ovsdb_store *store, bool retrying)
{
	if (retrying) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += RETRY_SECONDS;
		while (!store->stop &&
			pthread_cond_timedwait(&store->wake, &store->mutex, &until) != ETIMEDOUT)
			;
		return;
	}
	while (!store->stop && STAILQ_EMPTY(&store->queue))
		pthread_cond_wait(&store->wake, &store->mutex);
}

static void tell_loop(struct ovsdb_store *store)
{
	if (eventfd_write(store->fd, 1))
		log_err("eventfd: %s", strerror(errno));
}

static void *writer(void *store_)
{
	struct ovsdb_store *store = store_;
	struct ovsdb_writes writes;
	bool stop = false;

	/* Signals are for the event loop. */
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_setname_np(pthread_self(), "ovsdb-disk");

	STAILQ_INIT(&writes);
	while (!stop) {
		pthread_mutex_lock(&store->mutex);
		wait_for_work(store, !STAILQ_EMPTY(&writes));
		STAILQ_CONCAT(&writes, &store->queue);
		uint64_t last = store->submitted;
		stop = store->stop;
		pthread_mutex_unlock(&store->mutex);
		if (STAILQ_EMPTY(&writes))
			continue;

		int rc = ovsdb_sql_write(&store->sql, &writes);
		if (!rc)
			free_writes(&writes);
		pthread_mutex_lock(&store->mutex);
		store->attempted = last;
		if (!rc)
			store->succeeded = last;
		store->attempt_error = rc;
		pthread_mutex_unlock(&store->mutex);
		tell_loop(store);
	}
	if (!STAILQ_EMPTY(&writes))
		log_err("the last changes could not be written to disk and are lost");
	free_writes(&writes);
	return NULL;
}

static void on_news(evutil_socket_t fd, short what, void *store_)
{
	struct ovsdb_store *store = store_;
	eventfd_t count;

	(void)what;
	if (eventfd_read(fd, &count))
		return;
	pthread_mutex_lock(&store->mutex);
	int error = store->attempt_error;
	store->settled = store->attempted;
	store->durable = store->succeeded;
	pthread_mutex_unlock(&store->mutex);
	if (error && !store->error)
		log_err("the database can't be written (%s); trying again every %d s",
			strerror(-error), RETRY_SECONDS);
	else if (!error && store->error)
		log_info("the database can be written again");
	store->error = error;
	store->cb(store->aux, error);
}

int ovsdb_store_start(
	struct ovsdb_store *store, struct event_base *base, ovsdb_store_done_cb *cb, void *aux)
{
	store->cb = cb;
	store->aux = aux;
	store->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (store->fd < 0)
		return -errno;
	store->event = event_new(base, store->fd, EV_READ | EV_PERSIST, on_news, store);
	if (!store->event || event_add(store->event, NULL))
		return -ENOMEM;
	int rc = pthread_create(&store->thread, NULL, writer, store);
	store->running = !rc;
	return -rc;
}

void ovsdb_store_close(struct ovsdb_store *store)
{
	if (!store)
		return;
	if (store->running) {
		pthread_mutex_lock(&store->mutex);
		store->stop = true;
		pthread_cond_signal(&store->wake);
		pthread_mutex_unlock(&store->mutex);
		pthread_join(store->thread, NULL);
	}
	if (store->event)
		event_free(store->event);
	if (store->fd >= 0)
		close(store->fd);
	ovsdb_sql_close(&store->sql);
	free_writes(&store->queue);
	pthread_cond_destroy(&store->wake);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}

void ovsdb_store_submit(struct ovsdb_store *store, struct ovsdb_writes *writes)
{
	pthread_mutex_lock(&store->mutex);
	STAILQ_CONCAT(&store->queue, writes);
	store->submitted++;
	pthread_cond_signal(&store->wake);
	pthread_mutex_unlock(&store->mutex);
}

uint64_t ovsdb_store_submitted(const struct ovsdb_store *store)
{
	return store->submitted;
}

uint64_t ovsdb_store_settled(const struct ovsdb_store *store)
{
	return store->settled;
}

uint64_t ovsdb_store_durable(const struct ovsdb_store *store)
{
	return store->durable;
}

int ovsdb_store_error(const struct ovsdb_store *store)
{
	return store->error;
}
