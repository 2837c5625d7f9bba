/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that tells the device's thread when the process has said something: the driver has no
 * other thread to notice it with.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "drivers/sim/sim.h"

static void *run(void *arg)
{
	struct sim_dev *dev = arg;
	struct epoll_event ev;

	for (;;) {
		int n = epoll_wait(dev->wake_epoll, &ev, 1, -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && ev.data.fd == dev->wake_stop)
			break;
		if (n > 0)
			dev->env.wake(dev->env.wake_ctx);
	}
	return NULL;
}

void sim_waker_watch(struct sim_dev *dev)
{
	/* Edge-triggered: once for each arrival. A closed socket leaves the set by itself. */
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = dev->fd};

	if (dev->has_waker)
		epoll_ctl(dev->wake_epoll, EPOLL_CTL_ADD, dev->fd, &ev);
}

int sim_waker_start(struct sim_dev *dev)
{
	struct epoll_event ev = {.events = EPOLLIN};
	sigset_t all, old;
	int err;

	if (!dev->env.wake)
		return 0;
	dev->wake_epoll = epoll_create1(EPOLL_CLOEXEC);
	dev->wake_stop = eventfd(0, EFD_CLOEXEC);
	ev.data.fd = dev->wake_stop;
	if (dev->wake_epoll < 0 || dev->wake_stop < 0 ||
		epoll_ctl(dev->wake_epoll, EPOLL_CTL_ADD, dev->wake_stop, &ev)) {
		err = errno;
		goto close_fds;
	}
	sigfillset(&all); /* signals are for other threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&dev->waker, NULL, run, dev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		goto close_fds;
	pthread_setname_np(dev->waker, "sim-wake");
	dev->has_waker = true;
	return 0;

close_fds:
	if (dev->wake_epoll >= 0)
		close(dev->wake_epoll);
	if (dev->wake_stop >= 0)
		close(dev->wake_stop);
	return -err;
}

void sim_waker_stop(struct sim_dev *dev)
{
	uint64_t one = 1;

	if (!dev->has_waker)
		return;
	if (write(dev->wake_stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(dev->waker, NULL);
	close(dev->wake_epoll);
	close(dev->wake_stop);
	dev->has_waker = false;
}
