/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "drivers/sim/sim.h"
#include "hal/base/log.h"

#define FIRST_BACKOFF_MS 50
#define MAX_BACKOFF_MS 2000
#define CONNECT_MS 20 /* between two tries when the process was just started */
#define SEND_BUFFER (4 << 20)

LOG_DEFINE(sim);

static int connect_socket(const struct sim_dev *dev)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int size = SEND_BUFFER, fd, err;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.60s/simnic-%.30s.sock", dev->rundir,
		dev->name);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Sends HELLO with the descriptors. 0 or -errno. */
static int send_hello(struct sim_dev *dev, int memory, int netns)
{
	struct {
		struct sim_msg head;
		struct sim_hello hello;
	} msg = {{SIM_HELLO, 0}, {SIM_VERSION, FIELD_MAX, ACTION_MAX, 1, 0}};
	const int fds[SIM_FDS] = {memory, dev->up_fd, dev->down_fd, netns};
	union {
		char buf[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&msg, sizeof(msg)};
	struct msghdr mh = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(dev->fd, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The answer to HELLO is the first message on the socket. */
static int receive_hello(struct sim_dev *dev, struct sim_hello_reply *reply)
{
	struct {
		struct sim_msg head;
		struct sim_hello_reply reply;
	} msg;
	struct timeval limit = {.tv_usec = SIM_REQUEST_MS * 1000};
	ssize_t n;
	int flags = fcntl(dev->fd, F_GETFL);

	setsockopt(dev->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	fcntl(dev->fd, F_SETFL, flags & ~O_NONBLOCK);
	n = recv(dev->fd, &msg, sizeof(msg), 0);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	fcntl(dev->fd, F_SETFL, flags);
	/* A process of another version may have an answer of another size. */
	if (n < (ssize_t)(sizeof(msg.head) + 8))
		return -EPROTO;
	*reply = msg.reply;
	if (n != sizeof(msg) || reply->version != SIM_VERSION)
		return -EPROTO;
	return reply->error;
}

static int hello(struct sim_dev *dev, struct sim_hello_reply *reply)
{
	int memory = sim_rings_open(dev), netns, err;

	if (memory < 0)
		return memory;
	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	err = netns < 0 ? -errno : send_hello(dev, memory, netns);
	if (netns >= 0)
		close(netns);
	close(memory);
	return err ? err : receive_hello(dev, reply);
}

/* A process that we cannot talk to makes room for one that we can. */
static void replace_process(struct sim_dev *dev)
{
	const struct sim_msg quit = {SIM_QUIT, 0};

	log_warn("sim:%s: the process that runs is of another version; starting a new one",
		dev->name);
	if (send(dev->fd, &quit, sizeof(quit), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_warn("sim:%s: it does not listen: %s", dev->name, strerror(errno));
}

static int try_link(struct sim_dev *dev, struct hal_reason *r)
{
	struct sim_hello_reply reply;
	int err;

	dev->fd = connect_socket(dev);
	if (dev->fd < 0) {
		err = dev->fd;
		dev->fd = -1;
		return err;
	}
	err = hello(dev, &reply);
	if (!err && strncmp(reply.caps.name, dev->profile, sizeof(reply.caps.name))) {
		err = -EEXIST;
		hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"the process \"%s\" that runs has the profile %.31s, not %s", dev->name,
			reply.caps.name, dev->profile);
	}
	if (err == -EPROTO)
		replace_process(dev);
	if (err) {
		sim_link_close(dev);
		return err;
	}
	if (dev->pid && dev->generation != reply.generation) {
		sim_ports_forgotten(dev);
		sim_objects_forgotten(dev);
	}
	dev->pid = reply.pid;
	dev->generation = reply.generation;
	dev->caps = reply.caps;
	dev->stalled = false;
	dev->heard_ms = sim_now_ms();
	dev->backoff_ms = FIRST_BACKOFF_MS;
	sim_waker_watch(dev);
	return 0;
}

/* The errors of a socket behind which no process is. */
static bool nobody_there(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -EPROTO || err == -ECONNRESET;
}

static void doze(unsigned ms)
{
	const struct timespec ts = {.tv_nsec = (long)ms * 1000000};

	nanosleep(&ts, NULL);
}

int sim_link_open(struct sim_dev *dev, unsigned timeout_ms, struct hal_reason *r)
{
	uint64_t deadline = sim_now_ms() + timeout_ms, started = 0;
	int err;

	for (;;) {
		err = try_link(dev, r);
		if (!err || err == -EEXIST)
			return err;
		if (nobody_there(err) && (!started || sim_now_ms() - started > 1000)) {
			err = sim_launch(dev, r);
			if (err)
				return err;
			started = sim_now_ms();
		} else if (err == -ETIMEDOUT) {
			return hal_refuse(r, HAL_REASON_DEVICE_GONE,
				"the process \"%s\" is there but does not answer (stopped?)",
				dev->name);
		}
		if (sim_now_ms() >= deadline)
			break;
		doze(CONNECT_MS);
	}
	return hal_refuse(r, HAL_REASON_DEVICE_GONE, "%s/simnic-%s.sock: %s (see simnic-%s.log)",
		dev->rundir, dev->name, strerror(-err), dev->name);
}

void sim_link_close(struct sim_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
	sim_rings_close(dev);
}

void sim_link_lost(struct sim_dev *dev)
{
	if (dev->fd < 0)
		return;
	log_warn("sim:%s: the device is gone", dev->name);
	sim_link_close(dev);
	dev->stalled = false;
	dev->lost = true;
	dev->retry_ms = sim_now_ms() + dev->backoff_ms;
	sim_ops_fail(dev);
}

void sim_link_retry(struct sim_dev *dev)
{
	struct hal_reason r;
	int err;

	if (sim_now_ms() < dev->retry_ms)
		return;
	err = try_link(dev, &r);
	if (nobody_there(err)) {
		err = sim_launch(dev, &r); /* returns when it listens */
		if (err)
			log_warn("sim:%s: %s", dev->name, r.text);
		else
			err = try_link(dev, &r);
	}
	if (!err) {
		log_info("sim:%s: the device is back", dev->name);
		sim_ports_rebind(dev);
		return;
	}
	dev->retry_ms = sim_now_ms() + dev->backoff_ms;
	dev->backoff_ms =
		dev->backoff_ms < MAX_BACKOFF_MS / 2 ? dev->backoff_ms * 2 : MAX_BACKOFF_MS;
}
