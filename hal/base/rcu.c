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
	uint64_t token; /* due once every online reader has passed it; of a fresh one it means
			   nothing */
};

struct queue {
	struct deferred *head, **tail;
};

#define SPARE_MAX 65536 /* entries kept to be used again */

/* `lock` guards the queues, the reader numbers, and that tokens in the queue ascend. Calls get
 * their token when the next reclaim begins, all the same one: each token is an atomic operation on
 * a line that all readers look at. */
static struct {
	pthread_mutex_t lock;
	struct rte_rcu_qsbr *qsv; /* NULL before rcu_init(): then there are no readers */
	uint64_t readers;         /* bit i: reader number i is taken */
	struct queue fresh, waiting;
	struct deferred *spare;
	unsigned pending, n_spare;
} rcu = {.lock = PTHREAD_MUTEX_INITIALIZER,
	.fresh.tail = &rcu.fresh.head,
	.waiting.tail = &rcu.waiting.head};

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

/* With the lock. */
static struct deferred *entry_new(void)
{
	struct deferred *d = rcu.spare;

	if (!d)
		return malloc(sizeof(*d));
	rcu.spare = d->next;
	rcu.n_spare--;
	return d;
}

void rcu_defer(void (*fn)(void *arg), void *arg)
{
	struct deferred *d;

	pthread_mutex_lock(&rcu.lock);
	d = entry_new();
	if (d) {
		*d = (struct deferred){.fn = fn, .arg = arg};
		*rcu.fresh.tail = d;
		rcu.fresh.tail = &d->next;
		rcu.pending++;
	}
	pthread_mutex_unlock(&rcu.lock);
	if (!d) /* leaking is the only answer that no reader can notice */
		log_err("out of memory: a deferred release is lost");
}

static bool is_due(uint64_t token)
{
	return !token || rte_rcu_qsbr_check(rcu.qsv, token, false) == 1;
}

/* Gives all fresh calls a token, which is returned. */
static uint64_t start(void)
{
	uint64_t token;

	pthread_mutex_lock(&rcu.lock);
	token = rcu.qsv ? rte_rcu_qsbr_start(rcu.qsv) : 0;
	if (rcu.fresh.head) {
		for (struct deferred *d = rcu.fresh.head; d; d = d->next)
			d->token = token;
		*rcu.waiting.tail = rcu.fresh.head;
		rcu.waiting.tail = rcu.fresh.tail;
		rcu.fresh.head = NULL;
		rcu.fresh.tail = &rcu.fresh.head;
	}
	pthread_mutex_unlock(&rcu.lock);
	return token;
}

/* Takes the calls that are due, and not after `last`, off the queue. */
static struct deferred *take_due(uint64_t last)
{
	struct deferred *first, **end;
	uint64_t due = 0;
	unsigned n = 0;

	pthread_mutex_lock(&rcu.lock);
	first = rcu.waiting.head;
	for (end = &rcu.waiting.head; *end && (*end)->token <= last; end = &(*end)->next, n++) {
		if ((*end)->token != due && !is_due((*end)->token))
			break;
		due = (*end)->token;
	}
	if (n) {
		rcu.waiting.head = *end;
		if (!rcu.waiting.head)
			rcu.waiting.tail = &rcu.waiting.head;
		*end = NULL;
	}
	rcu.pending -= n;
	pthread_mutex_unlock(&rcu.lock);
	return n ? first : NULL;
}

static void keep_spare(struct deferred *d)
{
	pthread_mutex_lock(&rcu.lock);
	while (d && rcu.n_spare < SPARE_MAX) {
		struct deferred *next = d->next;

		d->next = rcu.spare;
		rcu.spare = d;
		rcu.n_spare++;
		d = next;
	}
	pthread_mutex_unlock(&rcu.lock);
	while (d) {
		struct deferred *next = d->next;

		free(d);
		d = next;
	}
}

static void run_due(uint64_t last)
{
	struct deferred *due = take_due(last);

	/* Called without the lock: what runs may defer more. */
	for (struct deferred *d = due; d; d = d->next)
		d->fn(d->arg);
	if (due)
		keep_spare(due);
}

unsigned rcu_reclaim(void)
{
	unsigned pending;

	/* What the calls themselves defer waits for the next time. */
	run_due(start());
	pthread_mutex_lock(&rcu.lock);
	pending = rcu.pending;
	pthread_mutex_unlock(&rcu.lock);
	return pending;
}

void rcu_drain(void)
{
	const struct timespec pause = {.tv_nsec = 100000};
	uint64_t last = start();

	while (!is_due(last))
		nanosleep(&pause, NULL);
	run_due(last);
}
