/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/base/rcu.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

#include "hal/base/log.h"

LOG_DEFINE(rcu);

struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
	uint64_t token; /* due once every online reader has passed it */
};

/* `lock` guards the queue, the reader numbers, and that tokens in the queue ascend. */
static struct {
	pthread_mutex_t lock;
	struct rte_rcu_qsbr *qsv; /* NULL before rcu_init(): then there are no readers */
	uint64_t readers;         /* bit i: reader number i is taken */
	struct deferred *head, **tail;
	unsigned pending;
} rcu = {.lock = PTHREAD_MUTEX_INITIALIZER, .tail = &rcu.head};

_Static_assert(RCU_MAX_READERS <= 64, "reader numbers are bits of a uint64_t");

int rcu_init(void)
{
	size_t size = rte_rcu_qsbr_get_memsize(RCU_MAX_READERS);
	struct rte_rcu_qsbr *qsv;

	if (rcu.qsv)
		return 0;
	size = (size + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;
	qsv = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	if (!qsv)
		return -ENOMEM;
	rte_rcu_qsbr_init(qsv, RCU_MAX_READERS);
	rcu.qsv = qsv;
	return 0;
}

int rcu_reader_register(void)
{
	int reader = -ENOSPC;

	pthread_mutex_lock(&rcu.lock);
	for (int i = 0; i < RCU_MAX_READERS && rcu.qsv; i++) {
		if (rcu.readers & UINT64_C(1) << i)
			continue;
		rcu.readers |= UINT64_C(1) << i;
		reader = i;
		break;
	}
	pthread_mutex_unlock(&rcu.lock);
	if (reader < 0)
		return reader;
	rte_rcu_qsbr_thread_register(rcu.qsv, (unsigned)reader);
	rte_rcu_qsbr_thread_online(rcu.qsv, (unsigned)reader);
	return reader;
}

void rcu_reader_unregister(int reader)
{
	rte_rcu_qsbr_thread_offline(rcu.qsv, (unsigned)reader);
	rte_rcu_qsbr_thread_unregister(rcu.qsv, (unsigned)reader);
	pthread_mutex_lock(&rcu.lock);
	rcu.readers &= ~(UINT64_C(1) << reader);
	pthread_mutex_unlock(&rcu.lock);
}

void rcu_quiescent(int reader)
{
	rte_rcu_qsbr_quiescent(rcu.qsv, (unsigned)reader);
}

void rcu_offline(int reader)
{
	rte_rcu_qsbr_thread_offline(rcu.qsv, (unsigned)reader);
}

void rcu_online(int reader)
{
	rte_rcu_qsbr_thread_online(rcu.qsv, (unsigned)reader);
}

void rcu_defer(void (*fn)(void *arg), void *arg)
{
	struct deferred *d = malloc(sizeof(*d));

	if (!d) {
		/* Leaking is the only answer that no reader can notice. */
		log_err("out of memory: a deferred release is lost");
		return;
	}
	*d = (struct deferred){.fn = fn, .arg = arg};
	pthread_mutex_lock(&rcu.lock);
	d->token = rcu.qsv ? rte_rcu_qsbr_start(rcu.qsv) : 0;
	*rcu.tail = d;
	rcu.tail = &d->next;
	rcu.pending++;
	pthread_mutex_unlock(&rcu.lock);
}

static bool is_due(uint64_t token)
{
	return !token || rte_rcu_qsbr_check(rcu.qsv, token, false) == 1;
}

/* Takes the first call off the queue if it is due and not after `last`. */
static struct deferred *take_due(uint64_t last)
{
	struct deferred *d;

	pthread_mutex_lock(&rcu.lock);
	d = rcu.head;
	if (d && d->token <= last && is_due(d->token)) {
		rcu.head = d->next;
		if (!rcu.head)
			rcu.tail = &rcu.head;
		rcu.pending--;
	} else {
		d = NULL;
	}
	pthread_mutex_unlock(&rcu.lock);
	return d;
}

static void run_due(uint64_t last)
{
	struct deferred *d;

	/* Called without the lock: what runs may defer more. */
	while ((d = take_due(last))) {
		d->fn(d->arg);
		free(d);
	}
}

unsigned rcu_reclaim(void)
{
	unsigned pending;

	/* What the calls themselves defer waits for the next time. */
	run_due(rcu.qsv ? rte_rcu_qsbr_start(rcu.qsv) : 0);
	pthread_mutex_lock(&rcu.lock);
	pending = rcu.pending;
	pthread_mutex_unlock(&rcu.lock);
	return pending;
}

void rcu_drain(void)
{
	const struct timespec pause = {.tv_nsec = 100000};
	uint64_t last = rcu.qsv ? rte_rcu_qsbr_start(rcu.qsv) : 0;

	while (!is_due(last))
		nanosleep(&pause, NULL);
	run_due(last);
}
