/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "drivers/sim/sim.h"

/* A request that is being waited for. */
struct waiting {
	uint32_t id;
	void *answer;
	size_t n;
	int bytes; /* -1: not answered yet */
};

uint64_t sim_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int sim_send(struct sim_dev *dev, const void *msg, size_t len)
{
	if (dev->fd < 0)
		return -ENODEV;
	if (send(dev->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
		return -EAGAIN;
	sim_link_lost(dev);
	return -ENODEV;
}

static void take(struct sim_dev *dev, const uint8_t *msg, size_t len, struct waiting *w)
{
	struct sim_msg head;
	struct sim_done done;

	memcpy(&head, msg, sizeof(head));
	msg += sizeof(head);
	len -= sizeof(head);
	if (head.type == SIM_DONE && len == sizeof(done)) {
		memcpy(&done, msg, sizeof(done));
		done.text[sizeof(done.text) - 1] = '\0';
		sim_op_done(dev, head.id, &done);
	} else if (head.type == SIM_REPLY && w && head.id == w->id) {
		w->bytes = (int)(len < w->n ? len : w->n);
		memcpy(w->answer, msg, (size_t)w->bytes);
	} else if (head.type == SIM_REPLY) {
		sim_op_got(dev, head.id, msg, len);
	}
}

static int receive(struct sim_dev *dev, struct waiting *w)
{
	uint8_t buf[SIM_MSG_MAX];

	while (dev->fd >= 0) {
		ssize_t n = recv(dev->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < (ssize_t)sizeof(struct sim_msg)) {
			sim_link_lost(dev);
			break;
		}
		dev->heard_ms = sim_now_ms();
		dev->stalled = false;
		take(dev, buf, (size_t)n, w);
	}
	return -ENODEV;
}

int sim_receive(struct sim_dev *dev)
{
	return receive(dev, NULL);
}

/* Waits until the socket can be read (or written), or the deadline has passed. */
static bool wait_for(struct sim_dev *dev, short events, uint64_t deadline)
{
	struct pollfd pfd = {.fd = dev->fd, .events = events};
	uint64_t now = sim_now_ms();

	return now < deadline && poll(&pfd, 1, (int)(deadline - now)) >= 0;
}

int sim_request(struct sim_dev *dev, uint32_t type, const void *body, size_t len, void *answer,
	size_t n, unsigned timeout_ms)
{
	uint64_t deadline = sim_now_ms() + timeout_ms;
	uint8_t buf[SIM_MSG_MAX];
	struct sim_msg head = {type, 0};
	struct waiting w = {.answer = answer, .n = n, .bytes = -1};
	int err = receive(dev, NULL);

	if (err)
		return err;
	if (dev->stalled)
		return -ETIMEDOUT;
	if (len > sizeof(buf) - sizeof(head))
		return -EMSGSIZE;
	w.id = head.id = dev->next_id += SIM_MAX_OPS;
	memcpy(buf, &head, sizeof(head));
	if (len)
		memcpy(buf + sizeof(head), body, len);
	while ((err = sim_send(dev, buf, sizeof(head) + len)) == -EAGAIN) {
		if (!wait_for(dev, POLLOUT, deadline))
			break;
	}
	while (!err && w.bytes < 0) {
		bool more = wait_for(dev, POLLIN, deadline);

		err = receive(dev, &w);
		if (!more)
			break;
	}
	if (err == -ENODEV)
		return err;
	if (w.bytes >= 0)
		return w.bytes;
	dev->stalled = true;
	return -ETIMEDOUT;
}
