/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "hal/base/rcu.h"
#include "tests/unit/hal/test.h"

static unsigned order[64], n_run;

static void run(void *arg)
{
	order[n_run++] = (unsigned)(uintptr_t)arg;
}

static void defer(unsigned i)
{
	rcu_defer(run, (void *)(uintptr_t)i);
}

static void test_no_reader(void)
{
	n_run = 0;
	for (unsigned i = 0; i < 10; i++)
		defer(i);
	CU_ASSERT_EQUAL(n_run, 0);
	CU_ASSERT_EQUAL(rcu_reclaim(), 0);
	CU_ASSERT_EQUAL(n_run, 10);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(order[i], i);
}

static void test_waits_for_reader(void)
{
	int a = rcu_reader_register(), b = rcu_reader_register();

	CU_ASSERT(a >= 0 && b >= 0 && a != b);
	n_run = 0;
	defer(1);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1);
	rcu_quiescent(a);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1); /* b may still look at it */
	defer(2);
	rcu_quiescent(b);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1); /* the second one waits for a */
	CU_ASSERT_EQUAL(n_run, 1);
	rcu_offline(a); /* an offline reader holds nothing */
	rcu_quiescent(b);
	CU_ASSERT_EQUAL(rcu_reclaim(), 0);
	CU_ASSERT_EQUAL(n_run, 2);
	rcu_online(a);
	defer(3);
	rcu_quiescent(b);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1);
	rcu_reader_unregister(a);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1); /* b was quiescent before its grace period began */
	rcu_quiescent(b);
	CU_ASSERT_EQUAL(rcu_reclaim(), 0);
	rcu_reader_unregister(b);
}

static void test_numbers(void)
{
	int readers[RCU_MAX_READERS];
	bool seen[RCU_MAX_READERS] = {false};

	for (unsigned i = 0; i < RCU_MAX_READERS; i++) {
		readers[i] = rcu_reader_register();
		CU_ASSERT_FATAL(readers[i] >= 0 && readers[i] < RCU_MAX_READERS);
		CU_ASSERT_FALSE(seen[readers[i]]);
		seen[readers[i]] = true;
	}
	CU_ASSERT_EQUAL(rcu_reader_register(), -ENOSPC);
	rcu_reader_unregister(readers[13]);
	CU_ASSERT_EQUAL(rcu_reader_register(), readers[13]);
	for (unsigned i = 0; i < RCU_MAX_READERS; i++)
		rcu_reader_unregister(readers[i]);
}

static void defer_again(void *arg)
{
	run(arg);
	defer(99);
}

/* A deferred call may defer more; that waits for its turn. */
static void test_nested(void)
{
	n_run = 0;
	rcu_defer(defer_again, (void *)(uintptr_t)1);
	CU_ASSERT_EQUAL(rcu_reclaim(), 1);
	CU_ASSERT_EQUAL(n_run, 1);
	CU_ASSERT_EQUAL(rcu_reclaim(), 0);
	CU_ASSERT_EQUAL(n_run, 2);
}

#define DEFERS 5000u

static atomic_uint freed;

static void count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&freed, 1);
}

static void *deferring(void *arg)
{
	int me = rcu_reader_register();

	for (unsigned i = 0; i < DEFERS; i++) {
		rcu_defer(count, arg);
		if (i % 16 == 0)
			rcu_quiescent(me);
	}
	rcu_reader_unregister(me);
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[3];

	atomic_store(&freed, 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, deferring, NULL);
	for (unsigned i = 0; i < 100; i++)
		rcu_reclaim();
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	rcu_drain();
	CU_ASSERT_EQUAL(atomic_load(&freed), 3 * DEFERS);
}

/* Drain comes back only when what was deferred before has run, and needs the reader for it. */
static atomic_int online;

static void *slow_reader(void *arg)
{
	int me = rcu_reader_register();

	(void)arg;
	atomic_store(&online, 1);
	while (atomic_load(&online) == 1) {
		usleep(500);
		rcu_quiescent(me);
	}
	rcu_reader_unregister(me);
	return NULL;
}

static void test_drain(void)
{
	pthread_t thread;

	n_run = 0;
	pthread_create(&thread, NULL, slow_reader, NULL);
	while (!atomic_load(&online))
		usleep(100);
	defer(1);
	rcu_drain();
	CU_ASSERT_EQUAL(n_run, 1);
	atomic_store(&online, 2);
	pthread_join(thread, NULL);
}

CU_TestInfo rcu_tests[] = {
	{"without readers all is due", test_no_reader},
	{"waits for every online reader", test_waits_for_reader},
	{"reader numbers", test_numbers},
	{"deferred calls that defer", test_nested},
	{"many threads", test_threads},
	{"drain", test_drain},
	CU_TEST_INFO_NULL,
};
