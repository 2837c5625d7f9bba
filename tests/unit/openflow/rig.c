/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

void rig_open(struct rig *rig)
{
	char err[256] = "";

	memset(rig, 0, sizeof(*rig));
	fake_reset();
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/slu-of-XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(rig->dir) != NULL);
	snprintf(rig->path, sizeof(rig->path), "%s/br0.mgmt", rig->dir);
	snprintf(rig->target, sizeof(rig->target), "punix:%s", rig->path);
	rig->base = event_base_new();
	rig->all = of_agents_create(rig->base);
	of_agents_events(rig->all, &rig->ops);
	rig->agent = of_agent_create(rig->all, NULL, fake_bridge());
	of_agent_set_fail_mode(rig->agent, PL_FAIL_SECURE);
	CU_ASSERT_EQUAL_FATAL(of_agent_listen(rig->agent, rig->target, err, sizeof(err)), 0);
}

void rig_close(struct rig *rig)
{
	of_agent_free(rig->agent);
	of_agents_free(rig->all);
	fake_reset(); /* answers what is still waited for */
	event_base_free(rig->base);
	CU_ASSERT_EQUAL(access(rig->path, F_OK), -1);
	rmdir(rig->dir);
}

void rig_run(struct rig *rig, unsigned ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	/* To accept, to read, to write. */
	for (unsigned i = 0; i < 4 && !ms; i++)
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
	if (!ms)
		return;
	event_base_loopexit(rig->base, &tv);
	event_base_dispatch(rig->base);
}

int peer_open(struct rig *rig)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(un.sun_path, rig->path, sizeof(un.sun_path) - 1);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

int peer_greet(struct rig *rig, uint8_t version)
{
	int fd = peer_open(rig);
	uint8_t msg[64];

	peer_hex(fd, version, OFPT_HELLO, 1, "");
	CU_ASSERT_EQUAL(peer_read(rig, fd, msg, sizeof(msg), 1000), 16);
	CU_ASSERT_EQUAL(msg[1], OFPT_HELLO);
	rig_run(rig, 0);
	return fd;
}

void peer_send(int fd, const void *data, size_t len)
{
	CU_ASSERT_EQUAL(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Reads exactly `n` bytes; the agent runs while there are fewer. */
static int read_all(struct rig *rig, int fd, uint8_t *p, size_t n, unsigned ms)
{
	size_t got = 0;

	for (unsigned waited = 0; got < n;) {
		ssize_t r = recv(fd, p + got, n - got, MSG_DONTWAIT);

		if (r > 0) {
			got += (size_t)r;
			continue;
		}
		if (!r || (errno != EAGAIN && errno != EWOULDBLOCK))
			return 0;
		if (waited >= ms)
			return -1;
		rig_run(rig, waited ? 2 : 0); /* mostly it only has to be let */
		waited += 2;
	}
	return (int)n;
}

int peer_read(struct rig *rig, int fd, uint8_t *msg, size_t n, unsigned ms)
{
	int ret = read_all(rig, fd, msg, 8, ms);
	size_t len;

	if (ret <= 0)
		return ret;
	len = (size_t)(msg[2] << 8 | msg[3]);
	CU_ASSERT_FATAL(len >= 8 && len <= n);
	if (len > 8 && read_all(rig, fd, msg + 8, len - 8, 1000) <= 0)
		return 0;
	return (int)len;
}

size_t from_hex(const char *hex, uint8_t *out, size_t n)
{
	size_t len = 0;
	unsigned byte;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		CU_ASSERT_FATAL(len < n && sscanf(hex, "%2x", &byte) == 1);
		out[len++] = (uint8_t)byte;
		hex += 2;
	}
	return len;
}

void peer_hex(int fd, uint8_t version, uint8_t type, uint32_t xid, const char *body)
{
	uint8_t msg[2048];
	size_t len = 8 + from_hex(body, msg + 8, sizeof(msg) - 8);
	const uint8_t header[8] = {version, type, (uint8_t)(len >> 8), (uint8_t)len,
		(uint8_t)(xid >> 24), (uint8_t)(xid >> 16), (uint8_t)(xid >> 8), (uint8_t)xid};

	memcpy(msg, header, sizeof(header));
	peer_send(fd, msg, len);
}
