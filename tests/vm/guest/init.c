/* SPDX-License-Identifier: Apache-2.0
 *
 * The first process of a guest: it loads the modules that reach the host's root, makes that the
 * root with what is written there kept in memory, runs the script that it finds in the folder of
 * the run, and leaves exit status and kernel log there.
 *
 * Why a program: starting others takes a guest without KVM a tenth of a second from memory, and
 * half a second from the host's root.
 *
 * The folder has `script` (run by bash), `kernel` (path of the unpacked kernel package), and gets
 * `output`, `dmesg` and, last, `status`.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define P9 "trans=virtio,version=9p2000.L,msize=500000,"

/* A reset ends QEMU at once. */
static void end(void)
{
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void need(int result, const char *what)
{
	if (!result)
		return;
	printf("init: %s: %s\n", what, strerror(errno));
	end();
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		need(-1, path);
	fputs(text, f);
	need(fclose(f), path);
}

/* A file's text without its last newline, cut at `n`. */
static void get(const char *path, char *text, size_t n)
{
	FILE *f = fopen(path, "r");

	if (!f)
		need(-1, path);
	n = fread(text, 1, n - 1, f);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
}

static void load_modules(void)
{
	char name[128], path[160];
	FILE *f = fopen("/modules/list", "r");

	if (!f)
		need(-1, "/modules/list");
	while (fscanf(f, "%127s", name) == 1) {
		int fd;

		snprintf(path, sizeof path, "/modules/%s", name);
		fd = open(path, O_RDONLY);
		need(fd < 0, path);
		need((int)syscall(SYS_finit_module, fd, "", 0), path);
		close(fd);
	}
	fclose(f);
}

static void make_root(void)
{
	static const char *const made[] = {"/written/upper", "/written/work", "/written/lower"};
	unsigned i;

	need(mount("tmpfs", "/written", "tmpfs", 0, "mode=755,size=50%"), "/written");
	for (i = 0; i < 3; i++)
		need(mkdir(made[i], 0755), made[i]);
	need(mount("hostroot", "/written/lower", "9p", MS_RDONLY, P9 "cache=loose"), "host root");
	need(mount("overlay", "/root", "overlay", 0,
		     "lowerdir=/written/lower,upperdir=/written/upper,workdir=/written/work"),
		"overlay");
	need(mount("run", "/root/mnt", "9p", 0, P9 "cache=none"), "the run's folder");
	need(mount("dev", "/root/dev", "devtmpfs", 0, NULL), "/dev");
	need(mount("proc", "/root/proc", "proc", 0, NULL), "/proc");
	need(mount("sys", "/root/sys", "sysfs", 0, NULL), "/sys");
	need(mount("run", "/root/run", "tmpfs", 0, NULL), "/run");
	need(mount("debug", "/root/sys/kernel/debug", "debugfs", 0, NULL), "debugfs");
	need(mount("bpf", "/root/sys/fs/bpf", "bpf", 0, NULL), "bpffs");
	mkdir("/root/dev/pts", 0755);
	mkdir("/root/dev/shm", 0755);
	need(mount("pts", "/root/dev/pts", "devpts", 0, NULL), "devpts");
	need(mount("shm", "/root/dev/shm", "tmpfs", 0, NULL), "/dev/shm");
	need(chdir("/root"), "/root");
	need(mount(".", "/", NULL, MS_MOVE, NULL), "the new root");
	need(chroot("."), "chroot");
}

/* Where modprobe looks. */
static void link_modules(void)
{
	char kernel[512], target[600], where[128];
	struct utsname name;

	get("/mnt/kernel", kernel, sizeof kernel);
	uname(&name);
	snprintf(target, sizeof target, "%s/lib/modules/%s", kernel, name.release);
	snprintf(where, sizeof where, "/lib/modules/%s", name.release);
	mkdir("/lib/modules", 0755);
	need(symlink(target, where) && errno != EEXIST, where);
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	need(fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r), "lo");
	close(fd);
}

/* Exit status of the script, whose output is in the run's folder. */
static int run_script(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		setsid();
		if (!freopen("/dev/null", "r", stdin) || !freopen("/mnt/output", "w", stdout) ||
			dup2(1, 2) < 0)
			_exit(127);
		execl("/bin/bash", "bash", "/mnt/script", NULL);
		_exit(127);
	}
	need(pid < 0, "fork");
	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void save_kernel_log(void)
{
	int n = klogctl(10, NULL, 0); /* its size */
	char *text = n < 0 ? NULL : calloc(1, (size_t)n + 1);

	if (text && klogctl(3, text, n) >= 0)
		put("/mnt/dmesg", text);
	free(text);
}

int main(void)
{
	char text[16];
	int status;

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	load_modules();
	make_root();
	link_modules();
	loopback_up();
	put("/proc/sys/kernel/printk", "1 4 1 7");
	status = run_script();
	save_kernel_log();
	snprintf(text, sizeof text, "%d\n", status);
	put("/mnt/status", text);
	end();
}
