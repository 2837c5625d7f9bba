/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting sluice-simnic: in a session of its own, without our descriptors, logging to
 * `<rundir>/simnic-<name>.log`.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/sim/sim.h"

#define PROGRAM "sluice-simnic"

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

/* In the child: only what is safe after fork() in a process with threads. */
static void become(const char *path, char *const argv[], int log)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setsid();
	if (fork() != 0) /* the parent of the process is init then */
		_exit(0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	close_range(3, ~0U, 0);
	execv(path, argv);
	_exit(127);
}

int sim_launch(const struct sim_dev *dev, struct hal_reason *r)
{
	char path[PATH_MAX], log_path[PATH_MAX];
	char *argv[] = {PROGRAM, "--rundir", (char *)dev->rundir, "--name", (char *)dev->name,
		"--profile", (char *)dev->profile, NULL};
	pid_t pid;
	int log;

	if (!find_program(dev->env.libexec, path))
		return hal_refuse(r, HAL_REASON_DEVICE_GONE,
			PROGRAM " is neither in %s nor beside this program",
			dev->env.libexec ? dev->env.libexec : "its install directory");
	snprintf(log_path, sizeof(log_path), "%s/simnic-%s.log", dev->rundir, dev->name);
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "%s: %s", log_path, strerror(errno));
	pid = fork();
	if (pid == 0)
		become(path, argv, log);
	close(log);
	if (pid < 0)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "fork: %s", strerror(errno));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
