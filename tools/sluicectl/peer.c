/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/sluicectl/fail.h"

#define READ_SIZE 65536 /* bytes */

void peer_not_running(const char *rundir, int error)
{
	if (error == EACCES || error == EPERM)
		fail("%s: %s\n  Its sockets belong to whoever runs sluiced: try again as root.",
			rundir, strerror(error));
	fail("no sluiced answers in %s: %s\n"
	     "  To start one: systemctl start sluiced, or by hand: sluiced --rundir %s\n"
	     "  If it runs elsewhere, name its run directory with --rundir DIR or OVS_RUNDIR.",
		rundir, strerror(error), rundir);
}

void peer_open(struct peer *p, const char *rundir, const char *path, double timeout_s)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	*p = (struct peer){.timeout_s = timeout_s, .awaiting = "an answer"};
	if (strlen(path) >= sizeof(sa.sun_path))
		fail("%s: the path is too long for a socket (at most %zu characters)", path,
			sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		fail("socket: %s", strerror(errno));
	if (connect(p->fd, (struct sockaddr *)&sa, sizeof(sa)))
		peer_not_running(rundir, errno);
}

void peer_close(struct peer *p)
{
	close(p->fd);
	free(p->buf);
	p->buf = NULL;
}

static void send_message(struct peer *p, json_t *msg)
{
	char *text = need(json_dumps(msg, JSON_COMPACT));
	size_t n = strlen(text), done = 0;

	json_decref(msg);
	while (done < n) {
		ssize_t sent = send(p->fd, text + done, n - done, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			fail("sluiced hung up: %s", strerror(errno));
		done += (size_t)sent;
	}
	free(text);
}

long long peer_send(struct peer *p, const char *method, json_t *params)
{
	long long id = p->next_id++;

	send_message(p, need(json_pack("{s:s, s:o, s:I}", "method", method, "params", need(params),
				"id", (json_int_t)id)));
	return id;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void wait_readable(struct peer *p, double deadline)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};
	int ms = -1, n;

	do {
		double left = deadline - now_s();

		/* Rounded up, so that it does not ask again at the very end. */
		if (p->timeout_s > 0)
			ms = left > 0 ? (int)(left * 1000) + 1 : 0;
		n = poll(&pfd, 1, ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		fail("poll: %s", strerror(errno));
	if (n == 0)
		fail("%s did not come within %g s (--timeout SECONDS waits longer, 0 for ever)",
			p->awaiting, p->timeout_s);
}

static void read_some(struct peer *p, double deadline)
{
	ssize_t n;

	if (p->room - p->n < READ_SIZE) {
		p->room = (p->room + READ_SIZE) * 2;
		p->buf = need(realloc(p->buf, p->room));
	}
	wait_readable(p, deadline);
	n = recv(p->fd, p->buf + p->n, p->room - p->n, 0);
	if (n < 0 && errno == EINTR)
		return;
	if (n < 0)
		fail("sluiced hung up: %s", strerror(errno));
	if (n == 0)
		fail("sluiced hung up before it answered; its log may say why");
	p->n += (size_t)n;
}

/* The length of the message at the front of the buffer, 0 if its end is not there yet. */
static size_t message_length(struct peer *p)
{
	for (; p->scanned < p->n; p->scanned++) {
		char c = p->buf[p->scanned];

		if (p->in_string) {
			if (p->escaped)
				p->escaped = false;
			else if (c == '\\')
				p->escaped = true;
			else if (c == '"')
				p->in_string = false;
		} else if (c == '"') {
			p->in_string = true;
		} else if (c == '{' || c == '[') {
			p->depth++;
		} else if ((c == '}' || c == ']') && --p->depth <= 0) {
			return p->scanned + 1;
		}
	}
	return 0;
}

static json_t *take_message(struct peer *p, size_t n)
{
	json_error_t why;
	json_t *msg = json_loadb(p->buf, n, JSON_DISABLE_EOF_CHECK, &why);

	if (!json_is_object(msg))
		fail("sluiced sent what is no JSON-RPC message: %s", msg ? "no object" : why.text);
	memmove(p->buf, p->buf + n, p->n - n);
	p->n -= n;
	p->scanned = 0;
	p->depth = 0;
	return msg;
}

static bool answered_echo(struct peer *p, json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	json_t *id = json_object_get(msg, "id");

	if (!method || strcmp(method, "echo") || !id)
		return false;
	send_message(p, need(json_pack("{s:O, s:n, s:O}", "result", json_object_get(msg, "params"),
				"error", "id", id)));
	json_decref(msg);
	return true;
}

json_t *peer_receive(struct peer *p)
{
	double deadline = now_s() + p->timeout_s;

	for (;;) {
		size_t n = message_length(p);
		json_t *msg;

		if (!n) {
			read_some(p, deadline);
			continue;
		}
		msg = take_message(p, n);
		if (!answered_echo(p, msg))
			return msg;
	}
}

json_t *peer_call(struct peer *p, const char *method, json_t *params)
{
	long long id = peer_send(p, method, params);

	for (;;) {
		json_t *msg = peer_receive(p), *got = json_object_get(msg, "id");

		if (!json_object_get(msg, "method") && json_is_integer(got) &&
			json_integer_value(got) == id)
			return msg;
		json_decref(msg);
	}
}
