/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-test [--flaky] [--wires] [--netdevs PORT WIRE] [--file NAME TEXT] DRIVER:ARGS
 *
 * --netdevs: ports are the netdevs PORT0, PORT1 and PORT2 that are there, with the far ends WIRE0
 * to WIRE2, instead of veth pairs in a namespace of its own.
 * --file puts a file into the run directory before the device is opened (a fault script).
 * Exit status 77 (meson: skipped) if wires are asked for and cannot be had.
 */
#include "contract.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* True if the process was started with our run directory among its arguments. */
static bool is_ours(const char *pid, const char *rundir)
{
	char path[300], args[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	n = fread(args, 1, sizeof(args), f);
	fclose(f);
	return memmem(args, n, rundir, strlen(rundir)) && atoi(pid) != getpid();
}

/* Ends the model processes that serve our run directory; they outlive their driver. */
static void stop_models(const char *rundir)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc && (d = readdir(proc)))
		if (atoi(d->d_name) > 1 && is_ours(d->d_name, rundir))
			kill(atoi(d->d_name), SIGTERM);
	if (proc)
		closedir(proc);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int put_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(path);
		return -EIO;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct contract ct;
	char rundir[] = "/tmp/slucontract.XXXXXX";
	bool want_wires = false;
	char **file = NULL;
	int err;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		if (!strcmp(argv[1], "--flaky"))
			ct.flaky = true;
		else if (!strcmp(argv[1], "--wires"))
			want_wires = true;
		else if (!strcmp(argv[1], "--netdevs") && argc > 3) {
			ct.port_name = argv[2];
			ct.wire_name = argv[3];
			want_wires = true;
			argc -= 2;
			argv += 2;
		} else if (!strcmp(argv[1], "--file") && argc > 3) {
			file = argv + 2;
			argc -= 2;
			argv += 2;
		} else
			argc = 1;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: contract-test [--flaky] [--wires] [--netdevs PORT WIRE] "
				"[--file NAME TEXT] DRIVER:ARGS\n");
		return 2;
	}
	if (want_wires && wires_make(&ct)) {
		fprintf(stderr, "skipped: needs root for a network namespace with veth pairs\n");
		return 77;
	}
	if (!mkdtemp(rundir) || (file && put_file(rundir, file[0], file[1])))
		return 1;
	ct.env.rundir = rundir;
	err = contract_run(&ct, argv[1]);
	stop_models(rundir);
	contract_doze(100);
	nftw(rundir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return err;
}
