/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/sim/protocol.h"
#include "tools/simnic/profile.h"

struct message {
	struct sim_msg head;
	char text[SIM_MSG_MAX - sizeof(struct sim_msg)];
};

static int connect_to(const char *rundir, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 2};
	int fd;

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/simnic-%s.sock", rundir, name) >=
		(int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int read_script(const char *path, struct message *msg)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t n;

	if (!f)
		return -errno;
	n = fread(msg->text, 1, sizeof(msg->text), f);
	if (f != stdin)
		fclose(f);
	return (int)n;
}

static int send_script(int fd, const char *path)
{
	static struct message msg;
	struct {
		struct sim_msg head;
		struct sim_status status;
	} answer = {0};
	int n;

	msg.head = (struct sim_msg){SIM_SCRIPT, 1};
	n = read_script(path, &msg);
	if (n < 0) {
		fprintf(stderr, "sluice-simnic: %s: %s\n", path, strerror(-n));
		return EXIT_FAILURE;
	}
	if (send(fd, &msg, sizeof(msg.head) + (size_t)n, MSG_NOSIGNAL) < 0 ||
		recv(fd, &answer, sizeof(answer), 0) != sizeof(answer)) {
		fprintf(stderr, "sluice-simnic: the instance does not answer\n");
		return EXIT_FAILURE;
	}
	if (answer.status.error) {
		answer.status.text[SIM_TEXT - 1] = '\0';
		fprintf(stderr, "sluice-simnic: %s: %s\n", path, answer.status.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* Connects, or says on stderr why not. */
static int connect_or_say(const char *rundir, const char *name)
{
	int fd = connect_to(rundir, name);

	if (fd < 0)
		fprintf(stderr, "sluice-simnic: no instance \"%s\" in %s: %s\n", name, rundir,
			strerror(-fd));
	return fd;
}

int nic_client_stats(const char *rundir, const char *name)
{
	const struct sim_msg ask = {SIM_STATS, 1};
	struct {
		struct sim_msg head;
		struct sim_stats stats;
	} answer;
	int fd = connect_or_say(rundir, name);
	const struct sim_stats *s = &answer.stats;
	bool ok;

	if (fd < 0)
		return EXIT_FAILURE;
	ok = send(fd, &ask, sizeof(ask), MSG_NOSIGNAL) == sizeof(ask) &&
	     recv(fd, &answer, sizeof(answer), 0) == sizeof(answer);
	close(fd);
	if (!ok) {
		fprintf(stderr, "sluice-simnic: the instance does not answer\n");
		return EXIT_FAILURE;
	}
	printf("rules: %u of %u\nports: %u\n", s->rules, s->max_rules, s->ports);
	for (unsigned i = 0; i < HAL_OBJECT_MAX; i++) {
		if (nic_object_name(i))
			printf("%ss: %u\n", nic_object_name(i), s->objects[i]);
	}
	printf("packets: %" PRIu64 " hits, %" PRIu64 " misses (%" PRIu64 " half-way), %" PRIu64
	       " dropped\n",
		s->hit_packets, s->miss_packets, s->chain_misses, s->dropped_packets);
	return EXIT_SUCCESS;
}

int nic_client_main(const char *rundir, const char *name, const char *script, bool stop)
{
	const struct sim_msg quit = {SIM_QUIT, 1};
	int fd = connect_or_say(rundir, name), ret = EXIT_SUCCESS;

	if (fd < 0)
		return EXIT_FAILURE;
	if (script)
		ret = send_script(fd, script);
	if (stop && send(fd, &quit, sizeof(quit), MSG_NOSIGNAL) < 0)
		ret = EXIT_FAILURE;
	close(fd);
	return ret;
}
