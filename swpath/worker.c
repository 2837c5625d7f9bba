/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's thread: polls, sleeps when idle, answers requests, lets go of what was retired.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "hal/base/rcu.h"
#include "swpath/ct/ct.h"
#include "swpath/worker.h"

#define EVENTS 32       /* descriptors that one system call tells about */
#define LOOK_NS 20000   /* how long a drained port may wait for a busy worker */
#define SPINS 32        /* empty rounds before sleeping */
#define DEAF_SPINS 2000 /* the same with a port that cannot wake us */
#define NAP_MIN_US 50   /* first sleep beside a port that cannot wake us, doubled up to */
#define NAP_MAX_US 2000
#define SLEEP_US 100000    /* longest sleep: young megaflows are let go at least so often */
#define VAIN_WAKES 64      /* wake-ups without a packet before a pause of */
#define VAIN_PAUSE_US 1000 /* so that a descriptor that is always ready does no harm */
#define SLICE_NS 100000    /* the shortest that the kernel knows */

struct idle {
	unsigned rounds; /* without a packet */
	unsigned nap_us;
	unsigned vain_wakes; /* in a row */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static unsigned poll_port(struct swpath_worker *w, struct swpath_port *port)
{
	struct rte_mbuf *pkts[SWPATH_BURST];
	unsigned n = port->class->rx(port, (uint16_t)w->id, pkts, NULL, SWPATH_BURST);

	if (n)
		swpath_burst(w, pkts, NULL, n, port->id);
	return n;
}

static unsigned poll_device(struct swpath_worker *w, struct hal_device *dev)
{
	struct hal_rx_meta meta[SWPATH_BURST] = {{0}};
	struct rte_mbuf *pkts[SWPATH_BURST];
	struct hal_key keys[SWPATH_BURST];
	unsigned n;

	for (unsigned i = 0; i < SWPATH_BURST; i++)
		meta[i].key = &keys[i];
	n = hal_port_rx(dev, pkts, meta, SWPATH_BURST);
	if (n)
		swpath_burst(w, pkts, meta, n, HAL_PORT_NONE);
	return n;
}

static struct swpath_poll_list *poll_list(const struct swpath_worker *w)
{
	return atomic_load_explicit(&w->poll, memory_order_acquire);
}

static unsigned poll_all(struct swpath_worker *w)
{
	const struct swpath_poll_list *list = poll_list(w);
	unsigned n = 0;

	for (unsigned i = 0; list && i < list->n_ports; i++)
		n += list->ports[i]->drained ? 0 : poll_port(w, list->ports[i]);
	for (unsigned i = 0; list && i < list->n_devices; i++)
		n += poll_device(w, list->devices[i]);
	return n + swpath_inject_run(w);
}

/* swpath_sync() asked: everything injected before has been run. */
static void answer_sync(struct swpath_worker *w, uint64_t wanted)
{
	if (!rte_ring_empty(w->inject))
		return;
	swpath_young_settle(&w->young);
	rcu_quiescent(w->reader);
	atomic_store_explicit(&w->sync_done, wanted, memory_order_release);
	sem_post(&w->sp->sync_answer);
}

static bool has_work(struct swpath_worker *w)
{
	return atomic_load(&w->stop) || !rte_ring_empty(w->inject) ||
	       atomic_load(&w->sync_wanted) != atomic_load(&w->sync_done);
}

static void pause_us(unsigned us)
{
	const struct timespec ts = {.tv_nsec = (long)us * 1000};

	nanosleep(&ts, NULL);
}

/* Data of an event: the descriptor below, the id of its port above. */
static uint64_t event_data(int fd, uint32_t port)
{
	return (uint64_t)port << 32 | (uint32_t)fd;
}

static int wait_events(struct swpath_worker *w, unsigned us, struct epoll_event events[EVENTS])
{
	const struct timespec ts = {.tv_nsec = (long)us * 1000};
	int n = epoll_pwait2(w->epoll_fd, events, EVENTS, &ts, NULL);

	if (n < 0 && errno == ENOSYS) /* Linux before 5.11 */
		n = epoll_wait(w->epoll_fd, events, EVENTS, (int)(us + 999) / 1000);
	return n;
}

/* Ports that have packets are polled again. Returns whether a port or device said so. */
static bool note_events(struct swpath_worker *w, const struct epoll_event events[EVENTS], int n)
{
	bool ready = false;
	uint64_t count;

	for (int i = 0; i < n; i++) {
		const uint32_t id = (uint32_t)(events[i].data.u64 >> 32);
		/* A port may have gone, and another one have its id: it is looked at in vain. */
		struct swpath_port_entry *e = swpath_port_get(w->sp, id);

		if (events[i].data.u64 == event_data(w->event_fd, HAL_PORT_NONE)) {
			if (read(w->event_fd, &count, sizeof(count)) < 0)
				continue;
		} else {
			ready = true;
			if (e && e->port.worker == w->id)
				e->port.drained = false;
		}
	}
	return ready;
}

/* Nothing was said for a while: all are looked at, should one not be heard. */
static void poll_drained(struct swpath_worker *w)
{
	const struct swpath_poll_list *list = poll_list(w);

	for (unsigned i = 0; list && i < list->n_ports; i++)
		list->ports[i]->drained = false;
}

/* Asks all drained ports at once. */
static void look_around(struct swpath_worker *w)
{
	struct epoll_event events[EVENTS];

	w->look_ns = w->now_ns + LOOK_NS;
	note_events(w, events, epoll_wait(w->epoll_fd, events, EVENTS, 0));
}

/* Sleeps until something comes in. No RCU reference is held meanwhile. */
static void sleep_idle(struct swpath_worker *w, struct idle *idle, bool no_fd)
{
	struct epoll_event events[EVENTS];
	unsigned us = SLEEP_US;
	int n = 0;

	swpath_young_settle(&w->young);
	if (no_fd) {
		us = idle->nap_us;
		idle->nap_us = RTE_MIN(idle->nap_us * 2, (unsigned)NAP_MAX_US);
	}
	rcu_offline(w->reader);
	/* Announced before the last look: whoever gives us work after that look sees it. */
	atomic_store(&w->asleep, true);
	if (!has_work(w)) {
		w->stats.sleeps++;
		if (idle->vain_wakes > VAIN_WAKES)
			pause_us(VAIN_PAUSE_US);
		n = wait_events(w, us, events);
	}
	atomic_store(&w->asleep, false);
	rcu_online(w->reader);
	idle->vain_wakes += note_events(w, events, n);
	if (n == 0)
		poll_drained(w);
}

static void round_empty(struct swpath_worker *w, struct idle *idle)
{
	const struct swpath_poll_list *list = poll_list(w);
	bool no_fd = list && list->no_fd;

	if (idle->rounds < (no_fd && idle->nap_us == NAP_MIN_US ? DEAF_SPINS : SPINS)) {
		if (no_fd && w->now_ns < w->look_ns)
			rte_pause();
		else
			look_around(w);
		return;
	}
	sleep_idle(w, idle, no_fd); /* then one look around, and back to sleep */
}

static void drop_fragment(void *w, struct rte_mbuf *m)
{
	swpath_count_drop(w, m, SWPATH_DROP_FRAGMENT);
}

static void loop(struct swpath_worker *w)
{
	struct idle idle = {0, NAP_MIN_US, 0};

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		uint64_t wanted = atomic_load_explicit(&w->sync_wanted, memory_order_acquire);

		w->now_ns = now_ns();
		w->now_ms = w->now_ns / 1000000;
		w->seen.scope = NULL; /* RCU: good until we are quiescent */
		ct_frag_expire(w->ct_frags, w->sp->ct, w->id, w->now_ms, drop_fragment, w);
		if (poll_all(w))
			idle = (struct idle){0, NAP_MIN_US, 0};
		else
			idle.rounds++;
		if (wanted != atomic_load_explicit(&w->sync_done, memory_order_relaxed))
			answer_sync(w, wanted);
		rcu_quiescent(w->reader);
		if (idle.rounds)
			round_empty(w, &idle);
		else
			swpath_young_settle(&w->young);
		if (!idle.rounds && w->now_ns >= w->look_ns)
			look_around(w);
	}
}

static void pin(const struct swpath_worker *w)
{
	uint64_t cpus = w->sp->cfg.worker_cpus;
	unsigned nth = cpus ? w->id % (unsigned)__builtin_popcountll(cpus) : 0;
	cpu_set_t set;

	if (!cpus)
		return;
	while (nth--)
		cpus &= cpus - 1;
	CPU_ZERO(&set);
	CPU_SET(__builtin_ctzll(cpus), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Packets wait while this thread waits for the CPU. A short slice lets it have its turn sooner, not
 * longer: its share stays the same. Linux 6.12; older ones take no notice of the value. */
static void take_short_slices(void)
{
	/* sched_setattr(2); the kernel's header cannot be had beside <sched.h>. */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attr;

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0 || attr.policy != SCHED_OTHER)
		return;
	attr.runtime_ns = SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &attr, 0); /* it works without */
}

static void *thread_main(void *arg)
{
	struct swpath_worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "worker%u", w->id);
	pthread_setname_np(pthread_self(), name);
	if (rte_thread_register() < 0) {
		w->start_error = -rte_errno;
		goto tell;
	}
	pin(w); /* after DPDK has read the affinity */
	take_short_slices();
	w->reader = rcu_reader_register();
	if (w->reader < 0) {
		w->start_error = w->reader;
		goto unregister_lcore;
	}
	sem_post(&w->sp->sync_answer);
	loop(w);
	rcu_reader_unregister(w->reader);
	rte_thread_unregister();
	return NULL;

unregister_lcore:
	rte_thread_unregister();
tell:
	sem_post(&w->sp->sync_answer);
	return NULL;
}

void swpath_worker_wake(struct swpath_worker *w)
{
	const uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	/* A full counter wakes too. */
	if (atomic_load(&w->asleep) && write(w->event_fd, &one, sizeof(one)) < 0)
		return;
}

void swpath_worker_watch(struct swpath_worker *w, int fd, uint32_t port)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = event_data(fd, port)};

	if (fd >= 0)
		epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

void swpath_worker_unwatch(struct swpath_worker *w, int fd)
{
	if (fd >= 0)
		epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void free_parts(struct swpath_worker *w)
{
	swpath_cache_destroy(&w->cache);
	free(w->batch);
	swpath_young_destroy(&w->young);
	ct_frags_destroy(w->ct_frags);
	w->ct_frags = NULL;
	if (w->inject) {
		swpath_inject_clear(w);
		rte_ring_free(w->inject);
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->event_fd >= 0)
		close(w->event_fd);
	free(atomic_load(&w->poll));
	w->batch = NULL;
	w->inject = NULL;
	w->epoll_fd = w->event_fd = -1;
	atomic_store(&w->poll, NULL);
}

static int make_parts(struct swpath_worker *w)
{
	char name[RTE_RING_NAMESIZE];
	int err = swpath_young_init(&w->young);

	if (err)
		return err;
	err = ct_frags_init(&w->ct_frags);
	if (err)
		return err;
	err = swpath_cache_init(&w->cache, w->id);
	if (err)
		return err;
	w->batch = swpath_batch_create();
	if (!w->batch)
		return -ENOMEM;
	snprintf(name, sizeof(name), "inject%u_%p", w->id, (void *)w->sp);
	w->inject = rte_ring_create(name, SWPATH_INJECT_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (!w->inject)
		return -rte_errno;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll_fd < 0 || w->event_fd < 0)
		return -errno;
	swpath_worker_watch(w, w->event_fd, HAL_PORT_NONE);
	return 0;
}

/* Signals are the control thread's. */
static int thread_start(struct swpath_worker *w)
{
	sigset_t all, was;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	err = -pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (err)
		return err;
	while (sem_wait(&w->sp->sync_answer) && errno == EINTR)
		;
	if (w->start_error)
		pthread_join(w->thread, NULL);
	return w->start_error;
}

int swpath_worker_start(
	struct swpath_worker *w, struct swpath *sp, unsigned id, char *err, size_t n)
{
	int error;

	w->sp = sp;
	w->id = id;
	w->epoll_fd = w->event_fd = -1;
	error = make_parts(w);
	if (!error)
		error = thread_start(w);
	if (error) {
		free_parts(w);
		snprintf(err, n, "worker %u would not start: %s", id, strerror(-error));
	}
	return error;
}

void swpath_worker_stop(struct swpath_worker *w)
{
	const uint64_t one = 1;

	atomic_store(&w->stop, true);
	if (write(w->event_fd, &one, sizeof(one)) < 0)
		atomic_store(&w->stop, true); /* the counter is full: it wakes without us */
	pthread_join(w->thread, NULL);
	free_parts(w);
}
