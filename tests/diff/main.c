/* SPDX-License-Identifier: Apache-2.0
 *
 * sluice-diff: the packet side of the differential test, driven by diff.py through stdin.
 *
 *   sluice-diff NAME,NETNS,MGMT,LOCAL[,lossy] ...     the first one is the reference
 *
 *   rare match|set FIELD...         seldom occur in programs   ok
 *   rare unbound                    ports that no device has, as outputs, too  ok
 *   program SEED INDEX PHASES DIR   makes a program            ok PROFILE PHASES TABLES
 *   rules PHASE                     writes DIR/rules.PHASE     ok FLOWS
 *   send PACKETS [MS]               sends a phase's packets; after the first of each kind it waits
 *                                   so long                    ok MISSING_FENCES STRAYS
 *   burst PACKETS                   the same, with no fence    ok 0 STRAYS
 *   begin INDEX DIR                 packets come from files    ok
 *   replay PHASE FILE               sends a file's packets     ok MISSING_FENCES STRAYS
 *   mute PORT...                    sends no fences to these    ok
 *   ports                           what each port carried     NAME PORT RXP RXB TXP TXB ..., ok
 *   verdict                         compares; DIR/divergences
 *                                            ok PACKETS FORWARDED DIVERGENT LOST HARMED COPIES
 *
 * A file of packets has lines "PORT HEX" (0: LOCAL), each frame ending in its id (packet.h), and
 * lines "settle": what comes after waits until the switches are done with what was before; "fence"
 * makes sure of it; "pause MS" waits that long.
 *
 * Without switches, `program` and `rules` work: to look at programs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "compare.h"
#include "traffic.h"
#include "wire.h"

#define WINDOW 48 /* packets on their way at a time: no queue overflows */
#define MAX_REPORTED 5

struct run {
	struct wire wire;
	struct program program;
	struct traffic traffic;
	char dir[256];
	unsigned phase;
	struct sent *sent;
	unsigned n_sent, cap_sent;
	bool active;    /* there is a program, */
	bool generated; /* made here */
	struct rare rare;
};

static void sent_clear(struct run *r)
{
	for (unsigned i = 0; i < r->n_sent; i++)
		free(r->sent[i].frame);
	r->n_sent = 0;
}

static void program_end(struct run *r)
{
	if (r->generated) {
		traffic_free(&r->traffic);
		program_free(&r->program);
	}
	r->active = r->generated = false;
	sent_clear(r);
}

static int cmd_program(struct run *r, const char *args)
{
	unsigned long long seed;
	unsigned index, phases;

	if (sscanf(args, "%llu %u %u %255s", &seed, &index, &phases, r->dir) != 4 ||
		phases > MAX_PHASES)
		return -EINVAL;
	program_end(r);
	if (program_init(&r->program, seed, index, phases, &r->rare))
		return -ENOMEM;
	if (traffic_init(&r->traffic, &r->program)) {
		program_free(&r->program);
		return -ENOMEM;
	}
	r->active = r->generated = true;
	wire_reset(&r->wire, (uint16_t)index);
	printf("ok %s %u %u\n", profile_name[r->program.profile], r->program.n_phases,
		r->program.n_tables);
	return 0;
}

static FILE *file_open(const struct run *r, const char *name, const char *mode)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, mode);
	if (!f)
		perror(path);
	return f;
}

static int cmd_rules(struct run *r, const char *args)
{
	char name[32];
	FILE *flows, *meta;

	r->phase = (unsigned)atoi(args);
	snprintf(name, sizeof(name), "rules.%u", r->phase);
	flows = file_open(r, name, "w");
	meta = file_open(r, "meta", r->phase ? "a" : "w");
	if (!flows || !meta)
		return -EIO;
	program_phase(&r->program, r->phase, flows, meta);
	fclose(flows);
	fclose(meta);
	printf("ok %u\n", r->program.n_flows);
	return 0;
}

static int sent_add(struct run *r, const uint8_t *frame, unsigned len, unsigned port)
{
	struct sent *s;

	if (r->n_sent == r->cap_sent) {
		unsigned cap = r->cap_sent ? r->cap_sent * 2 : 1024;

		s = realloc(r->sent, cap * sizeof(*s));
		if (!s)
			return -ENOMEM;
		r->sent = s;
		r->cap_sent = cap;
	}
	s = &r->sent[r->n_sent];
	*s = (struct sent){.frame = malloc(len), .len = (uint16_t)len, .port = (uint8_t)port};
	if (!s->frame)
		return -ENOMEM;
	memcpy(s->frame, frame, len);
	s->phase = (uint8_t)r->phase;
	r->n_sent++;
	return 0;
}

static void sent_done(struct run *r, bool fence)
{
	unsigned missing = 0;
	uint64_t strays = 0;

	if (fence) {
		missing = wire_fence(&r->wire);
		wire_settle(&r->wire, 4, 400);
	}
	for (unsigned i = 0; i < r->wire.n_peers; i++)
		strays += r->wire.peer[i].strays;
	printf("ok %u %llu\n", missing, (unsigned long long)strays);
}

static int cmd_begin(struct run *r, const char *args)
{
	unsigned index;

	if (sscanf(args, "%u %255s", &index, r->dir) != 2)
		return -EINVAL;
	program_end(r);
	r->active = true;
	wire_reset(&r->wire, (uint16_t)index);
	printf("ok\n");
	return 0;
}

static int field_find(const char *name)
{
	for (int id = 0; id < D_MAX; id++)
		if (!strcmp(fields[id].name, name))
			return id;
	return -EINVAL;
}

/* What programs seldom do, since a device under test cannot, and all such packets run in software.
 */
static int cmd_rare(struct run *r, char *words)
{
	const char *what = strtok(words, " \n");
	bool *rare = what && !strcmp(what, "match") ? r->rare.match : r->rare.set;

	if (!what)
		return -EINVAL;
	if (!strcmp(what, "unbound"))
		r->rare.unbound = true;
	for (char *name = strtok(NULL, " \n"); name; name = strtok(NULL, " \n")) {
		int id = field_find(name);

		if (id < 0)
			return id;
		rare[id] = true;
	}
	printf("ok\n");
	return 0;
}

static int hex_read(const char *text, uint8_t out[PACKET_MAX], unsigned *len)
{
	for (*len = 0; *len < PACKET_MAX && text[0] > ' ' && text[1] > ' '; text += 2)
		if (sscanf(text, "%2hhx", &out[(*len)++]) != 1)
			return -EINVAL;
	return text[0] > ' ' ? -EINVAL : 0;
}

static int replay(struct run *r, FILE *in)
{
	char line[2 * PACKET_MAX + 16];
	unsigned pending = 0;

	while (fgets(line, sizeof(line), in)) {
		uint8_t frame[PACKET_MAX];
		unsigned port, len;
		int at;

		if (!strncmp(line, "settle", 6)) {
			wire_settle(&r->wire, 2, 60);
			pending = 0;
			continue;
		}
		if (!strncmp(line, "fence", 5)) {
			wire_fence(&r->wire);
			continue;
		}
		if (!strncmp(line, "pause ", 6)) {
			wire_settle(&r->wire, 1, 1);
			usleep((useconds_t)atoi(line + 6) * 1000);
			continue;
		}
		if (sscanf(line, "%u %n", &port, &at) != 1 || port > UNDERLAY ||
			hex_read(line + at, frame, &len))
			return -EINVAL;
		if (sent_add(r, frame, len, port))
			return -ENOMEM;
		wire_send(&r->wire, port, frame, len);
		if (++pending % WINDOW == 0)
			wire_settle(&r->wire, 1, 25);
	}
	return 0;
}

static int cmd_replay(struct run *r, const char *args)
{
	char path[256];
	FILE *in;
	int err;

	if (sscanf(args, "%u %255s", &r->phase, path) != 2)
		return -EINVAL;
	in = fopen(path, "r");
	if (!in)
		return -errno;
	err = replay(r, in);
	fclose(in);
	if (!err)
		sent_done(r, true);
	return err;
}

static int cmd_send(struct run *r, const char *args, bool fence)
{
	unsigned n = 0, pause = 0;

	if (sscanf(args, "%u %u", &n, &pause) < 1)
		return -EINVAL;
	traffic_phase(&r->traffic, r->phase, n);
	for (unsigned i = 0; i < n; i++) {
		uint8_t frame[PACKET_MAX];
		unsigned port, len;

		len = traffic_packet(&r->traffic, i, r->n_sent, &port, frame);
		if (sent_add(r, frame, len, port))
			return -ENOMEM;
		wire_send(&r->wire, port, frame, len);
		if (i % WINDOW == WINDOW - 1)
			wire_settle(&r->wire, 1, 25);
		if (pause && i + 1 == r->traffic.n_templates) {
			wire_settle(&r->wire, 1, 25);
			usleep(pause * 1000);
		}
	}
	sent_done(r, fence);
	return 0;
}

static int cmd_mute(struct run *r, const char *args)
{
	unsigned port;
	int at;

	for (r->wire.muted = 0; sscanf(args, "%u%n", &port, &at) == 1; args += at) {
		if (port > PORTS)
			return -EINVAL;
		r->wire.muted |= 1u << port;
	}
	printf("ok\n");
	return 0;
}

static int cmd_ports(struct run *r)
{
	for (unsigned i = 0; i < r->wire.n_peers; i++)
		for (unsigned j = 0; j <= PORTS; j++) {
			const struct port_count *c = &r->wire.peer[i].count[j];

			printf("%s %u %llu %llu %llu %llu\n", r->wire.peer[i].name, j,
				(unsigned long long)c->rx_packets, (unsigned long long)c->rx_bytes,
				(unsigned long long)c->tx_packets, (unsigned long long)c->tx_bytes);
		}
	printf("ok\n");
	return 0;
}

static int cmd_verdict(struct run *r)
{
	FILE *report = file_open(r, "divergences", "w");
	struct verdict v;

	if (!report)
		return -EIO;
	v = compare(&r->wire, r->sent, r->n_sent, MAX_REPORTED, report);
	fclose(report);
	printf("ok %u %u %u %u %u %u\n", r->n_sent, v.forwarded, v.divergent, v.lost, v.harmed,
		v.copies);
	return 0;
}

static int command(struct run *r, char *line)
{
	if (!strncmp(line, "program ", 8))
		return cmd_program(r, line + 8);
	if (!strncmp(line, "begin ", 6))
		return cmd_begin(r, line + 6);
	if (!strncmp(line, "rare ", 5))
		return cmd_rare(r, line + 5);
	if (!r->active)
		return -EINVAL;
	if (!strncmp(line, "replay ", 7))
		return cmd_replay(r, line + 7);
	if (!strncmp(line, "mute", 4))
		return cmd_mute(r, line + 4);
	if (!strncmp(line, "ports", 5))
		return cmd_ports(r);
	if (!strncmp(line, "verdict", 7))
		return cmd_verdict(r);
	if (!r->generated)
		return -EINVAL;
	if (!strncmp(line, "rules ", 6))
		return cmd_rules(r, line + 6);
	if (!strncmp(line, "send ", 5))
		return cmd_send(r, line + 5, true);
	if (!strncmp(line, "burst ", 6))
		return cmd_send(r, line + 6, false);
	return -EINVAL;
}

static int peer_parse(struct wire *w, const char *arg)
{
	struct peer *p = &w->peer[w->n_peers];
	char lossy[8] = "";

	if (w->n_peers == MAX_SWITCHES || sscanf(arg, "%31[^,],%63[^,],%255[^,],%15[^,],%7s",
						  p->name, p->netns, p->mgmt, p->local, lossy) < 4)
		return -EINVAL;
	p->lossy = !strcmp(lossy, "lossy");
	w->n_peers++;
	return wire_open(w, p);
}

int main(int argc, char **argv)
{
	static struct run run;
	char line[1024];

	run.wire.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 1; i < argc; i++) {
		if (peer_parse(&run.wire, argv[i])) {
			fprintf(stderr, "sluice-diff: cannot use %s\n", argv[i]);
			return 2;
		}
	}
	while (fgets(line, sizeof(line), stdin)) {
		int err = command(&run, line);

		if (err)
			printf("error %s\n", strerror(-err));
		fflush(stdout);
	}
	program_end(&run);
	free(run.sent);
	wire_close(&run.wire);
	return 0;
}
