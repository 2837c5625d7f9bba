/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting sluice-simnic: in a session of its own, without our descriptors, logging to
 * `<rundir>/simnic-<name>.log`.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/sim/sim.h"

#define PROGRAM "sluice-simnic"
#define LISTEN_MS 500 /* it has to listen by then */

/* Looks where it is installed, then beside this program and in its build tree: up from where this
 * program lies, in DIR/, DIR/simnic/ and DIR/tools/simnic/. */
static bool find_program(const char *libexec, char path[PATH_MAX])
{
	static const char *const below[] = {"", "simnic/", "tools/simnic/"};
	char dir[PATH_MAX];
	ssize_t n;

	if (libexec) {
		snprintf(path, PATH_MAX, "%s/" PROGRAM, libexec);
		if (!access(path, X_OK))
			return true;
	}
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	dir[n > 0 ? n : 0] = '\0';
	for (unsigned up = 0; up < 6; up++) {
		char *slash = strrchr(dir, '/');

		if (!slash)
			return false;
		*slash = '\0';
		for (unsigned i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
			if (snprintf(path, PATH_MAX, "%s/%s" PROGRAM, dir, below[i]) < PATH_MAX &&
				!access(path, X_OK))
				return true;
		}
	}
	return false;
}

/* With posix_spawn(), as fork() would copy the page tables of a daemon with much memory. The
 * program detaches itself once it listens. Its process id, or -errno. */
static int spawn(const char *path, char *const argv[], const char *log)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
		&files, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	err = posix_spawn(&pid, path, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return err ? -err : pid;
}

/* The exit status of the process, -1 if it has none after LISTEN_MS. */
static int wait_for_exit(pid_t pid)
{
	const struct timespec step = {.tv_nsec = 2000000};
	int status;

	for (unsigned ms = 0; ms < LISTEN_MS; ms += 2) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
		if (done < 0 && errno != EINTR)
			return 0; /* somebody else reaped it: connecting will show */
		nanosleep(&step, NULL);
	}
	return -1;
}

int sim_launch(const struct sim_dev *dev, struct hal_reason *r)
{
	char path[PATH_MAX], log[PATH_MAX];
	char *argv[] = {PROGRAM, "--rundir", (char *)dev->rundir, "--name", (char *)dev->name,
		"--profile", (char *)dev->profile, "--detach", NULL};
	int pid;

	if (!find_program(dev->env.libexec, path))
		return hal_refuse(r, HAL_REASON_DEVICE_GONE,
			PROGRAM " is neither in %s nor beside this program",
			dev->env.libexec ? dev->env.libexec : "its install directory");
	snprintf(log, sizeof(log), "%s/simnic-%s.log", dev->rundir, dev->name);
	pid = spawn(path, argv, log);
	if (pid < 0)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "%s: %s", path, strerror(-pid));
	if (wait_for_exit(pid) > 0)
		return hal_refuse(
			r, HAL_REASON_DEVICE_GONE, PROGRAM " would not start; %s says why", log);
	return 0;
}
