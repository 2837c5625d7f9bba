/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "hal/base/log.h"

LOG_DEFINE(eal);

#define DEFAULT_MB 128 /* all of it becomes resident */
#define MAX_ARGS 64
#define POOL_CACHE 256
/* An mbuf with its room, and what the pool adds. */
#define MBUF_FOOTPRINT (RTE_MBUF_DEFAULT_BUF_SIZE + sizeof(struct rte_mbuf) + 64)
#define MIN_MBUFS 2048
#define MAX_MBUFS 262144 /* more would be in nobody's cache */
/* Of DPDK's memory, what rings and queues of devices have: a quarter, but not less than this. */
#define REST_MB 64
#define HUGEPAGES "/sys/kernel/mm/hugepages"

static struct rte_mempool *pool;
static int users;

struct args {
	char text[2048]; /* all arguments, each with its NUL */
	size_t used;
	char *argv[MAX_ARGS];
	int argc;
};

static void add(struct args *a, const char *arg)
{
	size_t len = strlen(arg) + 1;

	if (a->argc >= MAX_ARGS - 1 || a->used + len > sizeof(a->text))
		return;
	a->argv[a->argc++] = memcpy(a->text + a->used, arg, len);
	a->used += len;
}

/* The user's own arguments: separated by blanks. */
static void split(struct args *a, const char *extra)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", extra ? extra : "");
	for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		add(a, word);
}

/* The value of an option in one of its forms: "--name=value", "--name value", "-nvalue" or
 * "-n value". "" if it has none, NULL if it is not among the arguments. */
static const char *option(const struct args *a, const char *name)
{
	const size_t len = strlen(name);
	const bool is_long = name[1] == '-';

	for (int i = 0; i < a->argc; i++) {
		const char *rest = a->argv[i] + len;

		if (strncmp(a->argv[i], name, len) != 0)
			continue;
		if (!*rest)
			return i + 1 < a->argc ? a->argv[i + 1] : "";
		if (!is_long || *rest == '=')
			return rest + is_long;
	}
	return NULL;
}

static bool says(const struct args *a, const char *const names[])
{
	for (; *names; names++)
		if (option(a, *names))
			return true;
	return false;
}

/* MB of all sockets together, which commas separate. */
static unsigned memory_of(const char *value)
{
	unsigned sum = 0;

	for (char *end; *value; value = *end ? end + 1 : end) {
		sum += (unsigned)strtoul(value, &end, 10);
		if (*end != ',')
			break;
	}
	return sum;
}

static size_t read_number(const char *dir, const char *file)
{
	char path[512], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), HUGEPAGES "/%s/%s", dir, file);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	return strtoul(text, NULL, 10);
}

/* MB in huge pages that nobody uses. */
static size_t free_hugepages_mb(void)
{
	DIR *dir = opendir(HUGEPAGES);
	struct dirent *entry;
	size_t kb = 0, each;

	while (dir && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "hugepages-%zukB", &each) == 1)
			kb += each * read_number(entry->d_name, "free_hugepages");
	if (dir)
		closedir(dir);
	return kb / 1024;
}

/* One lcore for this thread, on all CPUs it may use, so that DPDK neither pins it nor starts
 * threads of its own: ours are registered. */
static void add_lcores(struct args *a, const cpu_set_t *cpus)
{
	char text[1024] = "0@(";
	size_t len = strlen(text);

	for (unsigned cpu = 0; cpu < CPU_SETSIZE && len < sizeof(text) - 16; cpu++)
		if (CPU_ISSET(cpu, cpus))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%u,", cpu);
	text[len - 1] = ')';
	add(a, "--lcores");
	add(a, text);
}

/* Where memory is, and how much; returns the latter in MB. */
static unsigned add_memory(
	struct args *a, const struct swpath_config *cfg, const struct args *extra)
{
	static const char *const where[] = {
		"--in-memory", "--huge-dir", "--huge-unlink", "--socket-mem", "--no-huge", NULL};
	const char *asked = option(extra, "--socket-mem");
	unsigned mb = cfg->dpdk_memory_mb ? cfg->dpdk_memory_mb : DEFAULT_MB;
	size_t free_mb;
	char text[16];

	if (!asked)
		asked = option(extra, "-m");
	if (asked && memory_of(asked))
		mb = memory_of(asked);
	if (!says(extra, where)) {
		free_mb = cfg->dpdk_hugepages ? free_hugepages_mb() : 0;
		if (cfg->dpdk_hugepages && free_mb < mb)
			log_info("%zu MB of huge pages are free, not %u: memory is in normal pages",
				free_mb, mb);
		if (cfg->dpdk_hugepages && free_mb >= mb) {
			add(a, "--in-memory");
		} else {
			add(a, "--no-huge");
			add(a, "--no-shconf");
		}
		add(a, "--iova-mode=va");
	}
	if (!asked) {
		snprintf(text, sizeof(text), "%u", mb);
		add(a, "-m");
		add(a, text);
	}
	return mb;
}

/* Returns how much memory DPDK has, in MB. */
static unsigned build_args(struct args *a, const struct swpath_config *cfg, const cpu_set_t *cpus)
{
	static const char *const pci[] = {"-a", "--allow", "-b", "--block", "--no-pci", NULL};
	static const char *const lcores[] = {"-c", "-l", "--lcores", NULL};
	struct args extra = {.argc = 0};
	unsigned mb;
	char text[64];

	split(&extra, cfg->dpdk_extra);
	add(a, "sluiced");
	mb = add_memory(a, cfg, &extra);
	if (!says(&extra, pci))
		add(a, "--no-pci");
	add(a, "--no-telemetry");
	add(a, "--log-level=*:error");
	snprintf(text, sizeof(text), "--file-prefix=sluice%ld", (long)getpid());
	add(a, text);
	if (!says(&extra, lcores))
		add_lcores(a, cpus);
	for (int i = 0; i < extra.argc; i++)
		add(a, extra.argv[i]);
	return mb;
}

static int create_pool(unsigned mb, char *err, size_t n)
{
	size_t rest_mb = mb / 4 > REST_MB ? mb / 4 : mb > 2 * REST_MB ? REST_MB : mb / 2;
	unsigned count = (unsigned)(((mb - rest_mb) << 20) / MBUF_FOOTPRINT);

	if (count > MAX_MBUFS)
		count = MAX_MBUFS;
	for (; count >= MIN_MBUFS; count -= count / 4) {
		pool = rte_pktmbuf_pool_create("sluice_mbufs", count, POOL_CACHE, 0,
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		if (pool) {
			log_info("%u packet buffers of %u bytes", count, RTE_MBUF_DEFAULT_BUF_SIZE);
			return 0;
		}
	}
	snprintf(err, n, "cannot make %u packet buffers in %u MB of DPDK memory: %s", MIN_MBUFS, mb,
		rte_strerror(rte_errno));
	return -ENOMEM;
}

/* DPDK wants a directory for its own use, even for nothing: let it be below ours. */
static int eal_init(const struct swpath_config *cfg, struct args *a)
{
	const char *was = getenv("RUNTIME_DIRECTORY");
	char *saved = was ? strdup(was) : NULL;
	int ret;

	if (cfg->rundir)
		setenv("RUNTIME_DIRECTORY", cfg->rundir, 1);
	ret = rte_eal_init(a->argc, a->argv);
	if (saved)
		setenv("RUNTIME_DIRECTORY", saved, 1);
	else
		unsetenv("RUNTIME_DIRECTORY");
	free(saved);
	return ret;
}

/* Without shared configuration DPDK puts nothing into its directory: it goes away at once, since
 * nobody could remove it after a kill. One that is in use is not empty and stays. */
static void remove_runtime_dir(void)
{
	const char *own = rte_eal_get_runtime_dir();
	char dir[512], *slash;

	snprintf(dir, sizeof(dir), "%s", own ? own : "");
	if (!rmdir(dir) && (slash = strrchr(dir, '/'))) {
		*slash = 0;
		rmdir(dir); /* "dpdk", if no other daemon has it */
	}
}

static void cleanup(void)
{
	if (users) /* threads may still run in its memory */
		return;
	rte_eal_cleanup();
}

int swpath_eal_start(const struct swpath_config *cfg, char *err, size_t n)
{
	struct args a = {.argc = 0};
	cpu_set_t cpus;
	unsigned mb;

	if (pool)
		return 0;
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	mb = build_args(&a, cfg, &cpus);
	if (eal_init(cfg, &a) < 0) {
		int error = rte_errno ? rte_errno : EIO;

		snprintf(err, n, "DPDK would not start: %s%s%s", rte_strerror(error),
			cfg->dpdk_extra ? "; extra arguments: " : "",
			cfg->dpdk_extra ? cfg->dpdk_extra : "");
		return -error;
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	remove_runtime_dir();
	atexit(cleanup);
	return create_pool(mb, err, n);
}

void swpath_eal_use(int change)
{
	users += change;
}

struct rte_mempool *swpath_eal_pool(void)
{
	return pool;
}
