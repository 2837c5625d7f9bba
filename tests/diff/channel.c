/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

/* OpenFlow 1.3.5, 7.1 and 7.4.1. */
enum {
	OFPT_HELLO,
	OFPT_ERROR,
	OFPT_ECHO_REQUEST,
	OFPT_ECHO_REPLY,
	OFPT_SET_CONFIG = 9,
	OFPT_PACKET_IN
};

struct channel {
	int fd;
	unsigned have;
	uint8_t buf[70000];
};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

struct channel *channel_open(const char *path)
{
	static const uint8_t hello[] = {4, OFPT_HELLO, 0, 8, 0, 0, 0, 1};
	/* A miss_send_len tells the switch that this client wants asynchronous messages. */
	static const uint8_t config[] = {4, OFPT_SET_CONFIG, 0, 12, 0, 0, 0, 2, 0, 0, 0xff, 0xff};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
		write(c->fd, hello, sizeof(hello)) < 0 ||
		write(c->fd, config, sizeof(config)) < 0) {
		int e = errno;

		channel_close(c);
		errno = e;
		return NULL;
	}
	return c;
}

void channel_close(struct channel *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

int channel_fd(const struct channel *c)
{
	return c->fd;
}

/* struct ofp_packet_in: the header, buffer_id 4, total_len 2, reason 1, table 1, cookie 8, an OXM
 * match padded to 8, 2 bytes of padding, the frame. */
static void packet_in(struct wire *w, struct peer *p, const uint8_t *msg, unsigned len)
{
	uint8_t prefix[6], cookie[8];
	unsigned match_len, at;

	if (len < 32)
		return;
	memcpy(prefix, msg + 14, 2); /* reason, table */
	memcpy(cookie, msg + 16, 8);
	match_len = get16(msg + 26);
	at = 24 + (match_len + 7) / 8 * 8 + 2;
	if (at > len || match_len < 12 || get16(msg + 28) != 0x8000 || msg[30] != 0)
		return;
	memcpy(prefix + 2, msg + 32, 4); /* in_port, the first of the match */
	peer_output(w, p, PORT_CONTROLLER, prefix, sizeof(prefix), msg + at, len - at, cookie);
}

static void message(struct channel *c, struct wire *w, struct peer *p, uint8_t *msg, unsigned len)
{
	switch (msg[1]) {
	case OFPT_ECHO_REQUEST:
		msg[1] = OFPT_ECHO_REPLY;
		if (write(c->fd, msg, len) < 0)
			perror("echo");
		break;
	case OFPT_PACKET_IN:
		packet_in(w, p, msg, len);
		break;
	case OFPT_ERROR:
		fprintf(stderr, "%s: OpenFlow error type %u code %u\n", p->name, get16(msg + 8),
			get16(msg + 10));
		break;
	}
}

int channel_read(struct channel *c, struct wire *w, struct peer *p)
{
	ssize_t n = recv(c->fd, c->buf + c->have, sizeof(c->buf) - c->have, MSG_DONTWAIT);
	unsigned at = 0;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -ECONNRESET;
	c->have += (unsigned)n;
	while (c->have - at >= 8) {
		unsigned len = get16(c->buf + at + 2);

		if (len < 8)
			return -EPROTO;
		if (c->have - at < len)
			break;
		message(c, w, p, c->buf + at, len);
		at += len;
	}
	memmove(c->buf, c->buf + at, c->have - at);
	c->have -= at;
	return 0;
}
