/* SPDX-License-Identifier: Apache-2.0
 *
 * sluice-simnic: starts the model eSwitch, or speaks to one that runs.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "tools/simnic/client.h"
#include "tools/simnic/nic.h"
#include "tools/simnic/profile.h"

#define TICK_MS 1000
#define CLAIM_MS 10000 /* a driver that attached has this long to claim what it wants */

struct options {
	const char *rundir, *name, *profile, *script;
	bool list, json, stats, stop, detach;
};

enum {
	KEY_RUNDIR = 256,
	KEY_NAME,
	KEY_PROFILE,
	KEY_SCRIPT,
	KEY_LIST,
	KEY_JSON,
	KEY_STATS,
	KEY_STOP,
	KEY_DETACH
};

static const struct argp_option arguments[] = {
	{"rundir", KEY_RUNDIR, "DIR", 0, "directory of its socket, lock and script", 0},
	{"name", KEY_NAME, "NAME", 0, "instance (default: the profile's name)", 0},
	{"profile", KEY_PROFILE, "PROFILE", 0, "what kind of eSwitch to be (default: nic)", 0},
	{"detach", KEY_DETACH, NULL, 0, "go on in the background once it listens", 0},
	{"list-profiles", KEY_LIST, NULL, 0, "say what profiles there are, and end", 0},
	{"json", KEY_JSON, NULL, 0, "with --list-profiles: as JSON", 0},
	{"script", KEY_SCRIPT, "FILE", 0,
		"give the running instance this fault script (\"-\": standard input), and end", 0},
	{"stats", KEY_STATS, NULL, 0, "print what the running instance holds, and end", 0},
	{"stop", KEY_STOP, NULL, 0, "end the running instance", 0},
	{0},
};

const char *argp_program_version = "sluice-simnic " SIMNIC_VERSION;

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_RUNDIR:
		o->rundir = arg;
		return 0;
	case KEY_NAME:
		if (!*arg || strchr(arg, '/') || strlen(arg) > 40)
			argp_error(state,
				"--name: \"%s\" is not a name of 1 to 40 characters "
				"without \"/\"",
				arg);
		o->name = arg;
		return 0;
	case KEY_PROFILE:
		o->profile = arg;
		return 0;
	case KEY_SCRIPT:
		o->script = arg;
		return 0;
	case KEY_LIST:
		o->list = true;
		return 0;
	case KEY_JSON:
		o->json = true;
		return 0;
	case KEY_DETACH:
		o->detach = true;
		return 0;
	case KEY_STATS:
		o->stats = true;
		return 0;
	case KEY_STOP:
		o->stop = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

uint64_t nic_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int nic_watch(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = source};

	return epoll_ctl(nic->epoll, EPOLL_CTL_ADD, source->fd, &ev) ? -errno : 0;
}

void nic_unwatch(struct nic *nic, struct nic_source *source)
{
	epoll_ctl(nic->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

static void signal_ready(struct nic *nic, struct nic_source *source, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		nic->stop = true;
}

/* Ports that the driver before wanted and this one does not go back to the host; objects that no
 * rule uses any more go away. */
static void drop_unclaimed(struct nic *nic)
{
	struct nic_port *port, *next;

	nic->unclaimed = false;
	for (port = TAILQ_FIRST(&nic->ports); port; port = next) {
		next = TAILQ_NEXT(port, next);
		if (!port->claimed)
			nic_port_close(nic, port);
	}
	nic_objects_drop_unclaimed(nic);
}

/* How long that is; SIMNIC_CLAIM_MS says it otherwise. */
static uint64_t claim_ms(void)
{
	const char *text = getenv("SIMNIC_CLAIM_MS");
	uint64_t ms = text ? strtoull(text, NULL, 10) : 0;

	return ms ? ms : CLAIM_MS;
}

/* Housekeeping. Returns how long the loop may sleep, milliseconds. */
static int tick(struct nic *nic)
{
	static uint64_t looked_ms;
	uint64_t now = nic_now_ms();
	int wait = nic_control_due(nic, now);

	if (nic_script_reset_due(&nic->script, now))
		nic_rules_reset(nic);
	if (nic->unclaimed && nic->driver && now - nic->attached_ms >= claim_ms())
		drop_unclaimed(nic);
	if (now - looked_ms >= TICK_MS) {
		looked_ms = now;
		if (!nic_server_reachable(nic))
			nic->stop = true;
	}
	return wait >= 0 && wait < TICK_MS ? wait : nic->script.n ? 20 : TICK_MS;
}

/* One event at a time: a handler may close other sources. */
static void run(struct nic *nic)
{
	while (!nic->stop) {
		struct epoll_event ev;
		int n = epoll_wait(nic->epoll, &ev, 1, tick(nic));

		if (n == 1) {
			struct nic_source *source = ev.data.ptr;

			source->ready(nic, source, ev.events);
		}
	}
}

/* The lock of the name: its holder owns the socket. A descriptor or -errno. */
static int lock_name(const struct nic *nic)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/simnic-%s.lock", nic->rundir, nic->name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

static int load_script(struct nic *nic)
{
	char path[4096], err[SIM_TEXT] = "";
	int ret;

	snprintf(path, sizeof(path), "%s/simnic-%s.script", nic->rundir, nic->name);
	ret = nic_script_load(path, nic_now_ms(), &nic->script, err);
	if (ret && ret != -ENOENT)
		fprintf(stderr, "sluice-simnic: %s: %s\n", path, err);
	return ret == -ENOENT ? 0 : ret;
}

static int open_nic(struct nic *nic, struct nic_source *signals)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	nic->epoll = epoll_create1(EPOLL_CLOEXEC);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signals->ready = signal_ready;
	nic->buffers = calloc(NIC_BURST, sizeof(*nic->buffers));
	if (nic->epoll < 0 || signals->fd < 0 || !nic->buffers)
		return -ENOMEM;
	TAILQ_INIT(&nic->ports);
	LIST_INIT(&nic->clients);
	if (getrandom(&nic->generation, sizeof(nic->generation), 0) < 0)
		nic->generation = (uint32_t)time(NULL);
	err = nic_rules_init(&nic->rules);
	if (!err)
		err = nic_objects_init(&nic->objects);
	if (!err)
		err = nic_watch(nic, signals, EPOLLIN);
	return err;
}

static int start(struct nic *nic, struct nic_source *signals)
{
	int err = lock_name(nic);

	if (err < 0) {
		fprintf(stderr, "sluice-simnic: %s/simnic-%s.lock: %s\n", nic->rundir, nic->name,
			strerror(-err));
		return err;
	}
	err = open_nic(nic, signals);
	if (!err && nic->profile->scripted)
		err = load_script(nic);
	if (!err)
		err = nic_server_open(nic);
	if (err)
		fprintf(stderr, "sluice-simnic: cannot start in %s: %s\n", nic->rundir,
			strerror(-err));
	return err;
}

static int serve(const struct options *o, const struct nic_profile *profile, int ready)
{
	static struct nic nic;
	struct nic_source signals;
	struct nic_port *port;

	nic.profile = profile;
	nic.rundir = o->rundir;
	nic.name = o->name ? o->name : profile->name;
	if (start(&nic, &signals))
		return EXIT_FAILURE;
	if (ready >= 0) {
		if (write(ready, "", 1) != 1)
			fprintf(stderr, "sluice-simnic: nobody waits for it\n");
		close(ready);
	}
	run(&nic);
	nic_server_close(&nic);
	while ((port = TAILQ_FIRST(&nic.ports)))
		nic_port_close(&nic, port);
	nic_rules_destroy(&nic.rules);
	nic_objects_destroy(&nic.objects);
	nic_copies_free(&nic);
	free(nic.buffers);
	return EXIT_SUCCESS;
}

/* Forks before anything is opened (a signalfd in an epoll set stays with the process that put it
 * there) and leaves when the child listens or has failed. */
static int serve_detached(const struct options *o, const struct nic_profile *profile)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) || (pid = fork()) < 0) {
		perror("sluice-simnic");
		return EXIT_FAILURE;
	}
	if (!pid) {
		setsid();
		close(ready[0]);
		return serve(o, profile, ready[1]);
	}
	close(ready[1]);
	return read(ready[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {.options = arguments,
		.parser = parse_option,
		.doc = "A model eSwitch: forwards between kernel netdevs by the rules of sluiced's "
		       "\"sim\" device. sluiced starts it by itself."};
	struct options o = {.profile = "nic"};
	const struct nic_profile *profile;

	if (argp_parse(&argp, argc, argv, 0, NULL, &o))
		return EXIT_FAILURE;
	if (o.list) {
		nic_profiles_print(stdout, o.json);
		return EXIT_SUCCESS;
	}
	if (!o.rundir) {
		fprintf(stderr, "sluice-simnic: --rundir DIR is needed (see --help)\n");
		return EXIT_FAILURE;
	}
	if (o.stats)
		return nic_client_stats(o.rundir, o.name ? o.name : o.profile);
	if (o.script || o.stop)
		return nic_client_main(o.rundir, o.name ? o.name : o.profile, o.script, o.stop);
	profile = nic_profile_find(o.profile);
	if (!profile) {
		fprintf(stderr, "sluice-simnic: no profile \"%s\" (see --list-profiles)\n",
			o.profile);
		return EXIT_FAILURE;
	}
	return o.detach ? serve_detached(&o, profile) : serve(&o, profile, -1);
}
