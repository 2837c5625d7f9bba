/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/eal.h"

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
static void add_extra(struct args *a, const char *extra)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", extra);
	for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		add(a, word);
}

static bool says(const char *extra, const char *const words[])
{
	for (; extra && *words; words++)
		if (strstr(extra, *words))
			return true;
	return false;
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

static void build_args(struct args *a, const struct swpath_config *cfg, const cpu_set_t *cpus)
{
	static const char *const huge[] = {
		"--in-memory", "--huge", "--socket-mem", "--no-huge", NULL};
	static const char *const pci[] = {"-a ", "--allow", "-b ", "--block", "--no-pci", NULL};
	char text[64];

	add(a, "sluiced");
	if (!says(cfg->dpdk_extra, huge)) {
		add(a, "--no-huge");
		add(a, "--no-shconf");
		add(a, "--iova-mode=va");
	}
	if (!says(cfg->dpdk_extra, pci))
		add(a, "--no-pci");
	snprintf(text, sizeof(text), "%u", cfg->dpdk_memory_mb ? cfg->dpdk_memory_mb : DEFAULT_MB);
	add(a, "-m");
	add(a, text);
	add(a, "--no-telemetry");
	add(a, "--log-level=*:error");
	snprintf(text, sizeof(text), "--file-prefix=sluice%ld", (long)getpid());
	add(a, text);
	add_lcores(a, cpus);
	if (cfg->dpdk_extra)
		add_extra(a, cfg->dpdk_extra);
}

static int create_pool(const struct swpath_config *cfg, char *err, size_t n)
{
	size_t mb = cfg->dpdk_memory_mb ? cfg->dpdk_memory_mb : DEFAULT_MB;
	unsigned count = (unsigned)((mb << 20) / 2 / MBUF_FOOTPRINT);

	for (; count >= MIN_MBUFS; count -= count / 4) {
		pool = rte_pktmbuf_pool_create("sluice_mbufs", count, POOL_CACHE, 0,
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		if (pool) {
			log_info("%u packet buffers of %u bytes", count, RTE_MBUF_DEFAULT_BUF_SIZE);
			return 0;
		}
	}
	snprintf(err, n, "cannot make %u packet buffers in %zu MB of DPDK memory: %s", MIN_MBUFS,
		mb, rte_strerror(rte_errno));
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

	if (pool)
		return 0;
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	build_args(&a, cfg, &cpus);
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
	return create_pool(cfg, err, n);
}

void swpath_eal_use(int change)
{
	users += change;
}

struct rte_mempool *swpath_eal_pool(void)
{
	return pool;
}
