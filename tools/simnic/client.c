/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/sim/protocol.h"

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

int nic_client_main(const char *rundir, const char *name, const char *script, bool stop)
{
	const struct sim_msg quit = {SIM_QUIT, 1};
	int fd = connect_to(rundir, name), ret = EXIT_SUCCESS;

	if (fd < 0) {
		fprintf(stderr, "sluice-simnic: no instance \"%s\" in %s: %s\n", name, rundir,
			strerror(-fd));
		return EXIT_FAILURE;
	}
	if (script)
		ret = send_script(fd, script);
	if (stop && send(fd, &quit, sizeof(quit), MSG_NOSIGNAL) < 0)
		ret = EXIT_FAILURE;
	close(fd);
	return ret;
}
