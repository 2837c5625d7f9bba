/* SPDX-License-Identifier: Apache-2.0
 *
 * Capturing packets: the daemon sends a pcapng file, block by block, and it is written out.
 *
 * Only whole blocks are written, so that the file is good however this ends. When enough has come
 * our side of the connection is closed; the daemon answers with what was on its way and with each
 * interface's statistics.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/nearest.h"
#include "tools/sluicectl/rpc.h"

#define READ_SIZE 262144     /* bytes */
#define MAX_BLOCK (8u << 20) /* bytes; the daemon's are far smaller */
#define MIN_BLOCK 12         /* type, length, and length again */
#define MAX_INTERFACES 65537

enum { /* of pcapng */
	INTERFACE_DESCRIPTION = 1,
	INTERFACE_STATISTICS = 5,
	ENHANCED_PACKET = 6,
	IF_NAME = 2,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

struct face {
	char name[256];
	uint64_t seen, lost; /* as the daemon counted */
};

struct capture {
	const struct options *o;
	const struct words *w;
	struct peer peer;
	json_t *reply;
	const char *name; /* of the file, for messages */
	int fd;
	uint8_t *buf;
	size_t n, room;
	uint64_t packets;     /* written */
	uint64_t deadline_ms; /* 0: none */
	bool asked_end;       /* our side of the connection is closed */
	bool closed_pipe;     /* nobody reads any more */
	bool complete;        /* the statistics came */
	struct face *faces;
	unsigned n_faces;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = interrupted ? 2 : 1;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- what is asked ---- */

/* Adds the nearest name that can be captured to the daemon's words. */
static _Noreturn void refused(struct capture *c, const char *what, const char *err)
{
	char *more, *list, *line, *save = NULL;
	struct nearest near;
	struct peer p;

	nearest_start(&near, what);
	rpc_open(&p, c->o);
	list = rpc_ask(&p, "capture/list", NULL, 0, &more);
	for (line = list ? strtok_r(list, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		char name[64];

		if (sscanf(line, "%63s", name) == 1)
			nearest_try(&near, name);
	}
	fail("%s%s", err, what[strcspn(what, " ,=")] ? "" : nearest_hint(&near));
}

static void ask(struct capture *c, const char *what)
{
	const char *args[2] = {what};
	char snaplen[40], *err, *text;
	unsigned n = 1;

	if (c->w->snaplen) {
		snprintf(snaplen, sizeof(snaplen), "snaplen=%s", c->w->snaplen);
		args[n++] = snaplen;
	}
	rpc_open(&c->peer, c->o);
	text = rpc_ask(&c->peer, "capture/start", args, n, &err);
	if (!text)
		refused(c, what, err);
	c->reply = need(json_loads(text, 0, NULL));
	free(text);
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* Says by which way the packets come. */
static void say_way(const struct capture *c)
{
	const json_t *devices = json_object_get(c->reply, "devices"), *d;
	bool any = false;
	size_t i;

	json_array_foreach (devices, i, d) {
		long long software = json_integer_value(json_object_get(d, "software"));
		long long hardware = json_integer_value(json_object_get(d, "hardware"));

		if (software)
			fprintf(stderr,
				"%lld flow%s of %s run%s in software while this capture "
				"lasts\n",
				software, software == 1 ? "" : "s", text_of(d, "device"),
				software == 1 ? "s" : "");
		if (hardware)
			fprintf(stderr,
				"%s does not let go of %lld flow%s: packets that it "
				"forwards itself are missing\n",
				text_of(d, "device"), hardware, hardware == 1 ? "" : "s");
		any |= software || hardware;
	}
	if (!any)
		fprintf(stderr, "no device carries any of it: everything passes in software\n");
	if (*text_of(c->reply, "note"))
		fprintf(stderr, "%s\n", text_of(c->reply, "note"));
	fprintf(stderr, "capturing %s to %s; Ctrl-C ends it\n", text_of(c->reply, "what"), c->name);
}

/* ---- the file ---- */

static void check_output(const struct words *w)
{
	if (!w->write && isatty(STDOUT_FILENO))
		fail_usage("capture: packets are not for a terminal: write them to a file with "
			   "-w FILE, or pipe them, as in \"sluicectl capture %s | tcpdump -r -\"",
			w->n ? w->args[0] : "PORT");
}

static void open_output(struct capture *c)
{
	c->fd = STDOUT_FILENO;
	c->name = "standard output";
	if (!c->w->write || !strcmp(c->w->write, "-"))
		return;
	c->name = c->w->write;
	c->fd = open(c->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (c->fd < 0)
		fail("%s: %s", c->name, strerror(errno));
}

static void write_out(struct capture *c, const uint8_t *from, size_t n)
{
	while (n && !c->closed_pipe) {
		ssize_t done = write(c->fd, from, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EPIPE)
			c->closed_pipe = true;
		else if (done < 0)
			fail("%s: %s", c->name, strerror(errno));
		else {
			from += done;
			n -= (size_t)done;
		}
	}
}

static uint32_t word(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* The value of an option of at least `min` bytes, NULL if the block has none. Options begin at
 * `at`, the block's last word is at `end`. */
static const uint8_t *option(const uint8_t *at, const uint8_t *end, unsigned code, uint16_t *len)
{
	while (at + 4 <= end) {
		uint16_t head[2];

		memcpy(head, at, sizeof(head));
		if (!head[0] || at + 4 + head[1] > end)
			return NULL;
		if (head[0] == code) {
			*len = head[1];
			return at + 4;
		}
		at += 4u + ((head[1] + 3u) & ~3u);
	}
	return NULL;
}

static void take_interface(struct capture *c, const uint8_t *b, uint32_t len)
{
	struct face *f;
	const uint8_t *name;
	uint16_t n = 0;

	if (len < MIN_BLOCK + 8 || c->n_faces == MAX_INTERFACES)
		return;
	c->faces = need(realloc(c->faces, (c->n_faces + 1) * sizeof(*c->faces)));
	f = &c->faces[c->n_faces++];
	*f = (struct face){.seen = 0};
	name = option(b + 16, b + len - 4, IF_NAME, &n);
	if (name)
		snprintf(f->name, sizeof(f->name), "%.*s", n, (const char *)name);
}

static uint64_t number(const uint8_t *b, uint32_t len, unsigned code)
{
	uint16_t n = 0;
	const uint8_t *at = option(b + 20, b + len - 4, code, &n);
	uint64_t v = 0;

	if (at && n == sizeof(v))
		memcpy(&v, at, sizeof(v));
	return v;
}

static void take_statistics(struct capture *c, const uint8_t *b, uint32_t len)
{
	uint32_t i = len >= MIN_BLOCK + 12 ? word(b + 8) : UINT32_MAX;

	c->complete = true;
	if (i >= c->n_faces)
		return;
	c->faces[i].seen = number(b, len, ISB_IFRECV);
	c->faces[i].lost = number(b, len, ISB_IFDROP);
}

static bool is_enough(const struct capture *c)
{
	return c->w->count && c->packets >= strtoull(c->w->count, NULL, 10);
}

/* True if the block belongs into the file. */
static bool take_block(struct capture *c, const uint8_t *b, uint32_t len)
{
	switch (word(b)) {
	case INTERFACE_DESCRIPTION:
		take_interface(c, b, len);
		return true;
	case INTERFACE_STATISTICS:
		take_statistics(c, b, len);
		return true;
	case ENHANCED_PACKET:
		if (is_enough(c))
			return false;
		c->packets++;
		return true;
	default:
		return true;
	}
}

/* Writes the blocks that have come whole. */
static void take_blocks(struct capture *c)
{
	size_t at = 0, from = 0;

	while (c->n - at >= MIN_BLOCK) {
		uint32_t len = word(c->buf + at + 4);

		if (len < MIN_BLOCK || len % 4 || len > MAX_BLOCK)
			fail("sluiced sent what is no pcapng");
		if (c->n - at < len)
			break;
		if (!take_block(c, c->buf + at, len)) {
			write_out(c, c->buf + from, at - from);
			from = at + len;
		}
		at += len;
	}
	write_out(c, c->buf + from, at - from);
	c->n -= at;
	memmove(c->buf, c->buf + at, c->n);
}

/* ---- the stream ---- */

static void end_soon(struct capture *c)
{
	if (!c->asked_end)
		shutdown(c->peer.fd, SHUT_WR);
	c->asked_end = true;
}

/* Waits for more, for the end of whoever reads what we write, or for a signal: these come only
 * here. True: there is more. */
static bool wait_more(struct capture *c, const sigset_t *mask)
{
	struct pollfd pfd[2] = {{.fd = c->peer.fd, .events = POLLIN},
		{.fd = c->closed_pipe ? -1 : c->fd, .events = 0}};
	uint64_t now = now_ms(), left = c->deadline_ms > now ? c->deadline_ms - now : 0;
	const struct timespec ts = {
		.tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000};
	bool timed = c->deadline_ms && !c->asked_end;

	if (ppoll(pfd, 2, timed ? &ts : NULL, mask) <= 0)
		return false;
	c->closed_pipe |= pfd[1].revents != 0;
	return pfd[0].revents != 0;
}

static bool is_over(const struct capture *c)
{
	return interrupted || c->closed_pipe || is_enough(c) ||
	       (c->deadline_ms && now_ms() >= c->deadline_ms);
}

static void stream(struct capture *c, const sigset_t *mask)
{
	for (;;) {
		ssize_t n;

		if (is_over(c))
			end_soon(c);
		if (interrupted > 1) /* the daemon takes too long */
			return;
		if (!wait_more(c, mask))
			continue;
		if (c->room - c->n < READ_SIZE) {
			c->room = (c->room + READ_SIZE) * 2;
			c->buf = need(realloc(c->buf, c->room));
		}
		n = recv(c->peer.fd, c->buf + c->n, c->room - c->n, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		c->n += (size_t)n;
		take_blocks(c);
	}
}

static void catch_signals(sigset_t *outside)
{
	struct sigaction sa = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
	sigset_t inside;

	sigemptyset(&inside);
	sigaddset(&inside, SIGINT);
	sigaddset(&inside, SIGTERM);
	sigaddset(&inside, SIGHUP);
	sigprocmask(SIG_BLOCK, &inside, outside);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- in the end ---- */

static uint64_t lost(const struct capture *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->n_faces; i++)
		n += c->faces[i].lost;
	return n;
}

static json_t *interfaces_json(const struct capture *c)
{
	json_t *list = need(json_array());

	for (unsigned i = 0; i < c->n_faces; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", c->faces[i].name,
						    "seen", (json_int_t)c->faces[i].seen, "lost",
						    (json_int_t)c->faces[i].lost));
	return list;
}

static void print_summary(const struct capture *c)
{
	FILE *out = c->fd == STDOUT_FILENO ? stderr : stdout;
	json_t *j;

	if (!c->o->json) {
		fprintf(stderr, "%llu packets captured, %llu lost for want of room\n",
			(unsigned long long)c->packets, (unsigned long long)lost(c));
		return;
	}
	j = need(json_pack("{s:s, s:s, s:I, s:I, s:o, s:O}", "what", text_of(c->reply, "what"),
		"file", c->w->write ? c->w->write : "-", "packets", (json_int_t)c->packets, "lost",
		(json_int_t)lost(c), "interfaces", interfaces_json(c), "devices",
		json_object_get(c->reply, "devices")));
	json_dumpf(j, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(j);
}

static double read_number(const char *option, const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (!*text || *end || !(v >= min) || v > max)
		fail_usage("--%s=%s: expected a number of %.0f to %.0f", option, text, min, max);
	return v;
}

static unsigned long long read_count(const char *option, const char *text, unsigned long long max)
{
	if (!*text || text[strspn(text, "0123456789")])
		fail_usage("--%s=%s: expected a whole number of 1 to %llu", option, text, max);
	return (unsigned long long)read_number(option, text, 1, (double)max);
}

static int capture(const struct options *o, const struct words *w)
{
	struct capture c = {.o = o, .w = w};
	char *what = words_joined(w, 0);
	double seconds = 0;
	sigset_t outside;

	if (w->count)
		read_count("count", w->count, 1000000000000000);
	if (w->snaplen)
		read_count("snaplen", w->snaplen, 262144);
	if (w->seconds)
		seconds = read_number("seconds", w->seconds, 0, 1e9);
	check_output(w);
	ask(&c, what);
	open_output(&c);
	catch_signals(&outside);
	say_way(&c);
	if (w->seconds)
		c.deadline_ms = now_ms() + (uint64_t)(seconds * 1000);
	c.buf = (uint8_t *)c.peer.buf;
	c.n = c.peer.n;
	c.room = c.peer.room;
	c.peer.buf = NULL;
	take_blocks(&c);
	stream(&c, &outside);
	if (c.fd != STDOUT_FILENO && close(c.fd))
		fail("%s: %s", c.name, strerror(errno));
	print_summary(&c);
	if (!c.complete)
		warn("sluiced hung up: what came before is in %s", c.name);
	peer_close(&c.peer);
	json_decref(c.reply);
	free(c.faces);
	free(c.buf);
	free(what);
	return c.complete ? 0 : EXIT_FAILED;
}

const struct command capture_commands[] = {
	{"capture", "PORT|MATCH|DROP-REASON|drops", "packets, as a pcapng file",
		"PORT         what a port receives and sends, marked in or out\n"
		"MATCH        packets that match as they come in, in ovs-ofctl's words (with the "
		"bridge "
		"before\n"
		"             it where there are several)\n"
		"DROP-REASON  packets that are dropped for a reason of \"sluicectl drops\", with "
		"the "
		"reason as\n"
		"             comment; drops: for any\n\n"
		"-w FILE, --write=FILE  where to (default: standard output, unless that is a "
		"terminal)\n"
		"-c N, --count=N        end after so many packets\n"
		"--seconds=N            end after so many seconds\n"
		"--snaplen=BYTES        keep at most so much of each packet\n\n"
		"Flows that a device carries and that are concerned run in software while the "
		"capture lasts;\n"
		"how many is said at the start. Ctrl-C ends it with a whole file.\n\n"
		"Examples:\n"
		"  sluicectl capture p1 -w p1.pcapng\n"
		"  sluicectl capture p1 | tcpdump -n -r -\n"
		"  sluicectl capture br0 in_port=p1,tcp,tp_dst=80 -c 100 -w web.pcapng\n"
		"  sluicectl capture ttl --seconds=10 -w ttl.pcapng\n"
		"  sluicectl capture drops --json -w drops.pcapng\n",
		1, ANY_NUMBER, WITH_WRITE | WITH_COUNT | WITH_SECONDS | WITH_SNAPLEN, NULL,
		capture},
	{NULL},
};
