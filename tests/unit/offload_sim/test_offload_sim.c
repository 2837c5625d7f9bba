/* SPDX-License-Identifier: Apache-2.0
 *
 * The offload engine over the model eSwitch, with packets: its process is stopped, continued and
 * killed, lies by script, and outlives the engine.
 *
 *   wire end slcp1 ---- slc1 = port 1 \
 *   wire end slcp2 ---- slc2 = port 2  > sluice-simnic
 *   wire end slcp3 ---- slc3 = port 3 /
 */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <ftw.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"
#include "offload/offload.h"

#define N 40

static struct contract ct; /* for its wires */
static char rundir[] = "/tmp/sluoffload.XXXXXX";
static struct offload *ol;

struct test_mf {
	struct hal_megaflow mf;
	struct hal_rule rule;
	_Atomic bool withdrawn;
};

void contract_doze(unsigned ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&ts, NULL);
}

#define EVENTUALLY(COND)                             \
	do {                                         \
		unsigned ms_ = 0;                    \
		while (!(COND) && (ms_ += 5) < 8000) \
			contract_doze(5);            \
		CU_ASSERT(COND);                     \
	} while (0)

static void on_withdrawn(void *ctx, struct hal_megaflow *mf)
{
	(void)ctx;
	((struct test_mf *)(void *)mf)->withdrawn = true;
}

static void never(struct hal_megaflow *mf)
{
	(void)mf; /* the test holds a reference */
}

static struct test_mf *mf_new(uint32_t n, uint32_t out)
{
	struct test_mf *t = aligned_alloc(HAL_CACHE_LINE, sizeof(*t));
	struct hal_key key = {0}, mask = {0};
	struct hal_builder b;

	memset(t, 0, sizeof(*t));
	t->mf.n_sw = 1;
	key.in_port = rte_cpu_to_be_32(1);
	memset(&mask.in_port, 0xff, sizeof(mask.in_port));
	memcpy(key.eth_dst, (uint8_t[]){2, 0, n >> 24, n >> 16, n >> 8, n}, 6);
	memset(mask.eth_dst, 0xff, 6);
	hal_builder_init(&b);
	hal_build_output(&b, out);
	t->rule.match = hal_cmatch_new_dp(&key, &mask);
	t->rule.program = hal_builder_finish(&b);
	t->mf.ufid = (struct hal_ufid){{0x0ff10ad, n}};
	t->mf.match = t->rule.match;
	t->mf.program = t->rule.program;
	t->mf.refs = 1;
	t->mf.release = never;
	return t;
}

static void mf_free(struct test_mf *t)
{
	CU_ASSERT_EQUAL(t->mf.refs, 1);
	free((void *)(uintptr_t)t->rule.match);
	free((void *)(uintptr_t)t->rule.program);
	free(hal_megaflow_hw(&t->mf));
	free(t);
}

static void open_engine(const char *spec)
{
	const struct offload_config cfg = {
		.ops = {.withdrawn = on_withdrawn},
		.counter_interval_ms = 50,
		.retry_interval_ms = 100,
	};
	const struct hal_env env = {.rundir = rundir};
	struct hal_reason r;

	CU_ASSERT_EQUAL_FATAL(offload_open(&cfg, &ol), 0);
	if (offload_device_add(ol, spec, &env, &r)) {
		fprintf(stderr, "%s: %s\n", spec, r.text);
		CU_FAIL_FATAL("the device does not open");
	}
	for (uint32_t i = 1; i <= PORTS; i++) {
		struct hal_port_handle h = {.kind = HAL_PORT_NETDEV};

		snprintf(h.name, sizeof(h.name), "slc%u", i);
		h.index = if_nametoindex(h.name);
		CU_ASSERT_EQUAL(offload_port_bind(ol, 0, i, &h, &r), 0);
	}
}

static struct offload_device_info info(void)
{
	struct offload_device_info i;

	offload_device_info(ol, 0, &i);
	return i;
}

static void set_flag(void *arg)
{
	*(_Atomic bool *)arg = true;
}

static unsigned wait_for(void (*ask)(struct offload *, void (*)(void *), void *))
{
	_Atomic bool done = false;
	uint64_t start = hal_now_ms();

	ask(ol, set_flag, &done);
	while (!done)
		contract_doze(1);
	return (unsigned)(hal_now_ms() - start);
}

/* Signals the model process that serves our run directory; false if there is none. */
static bool signal_model(int sig)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	bool found = false;

	while (proc && (d = readdir(proc))) {
		char path[300], args[4096];
		size_t n = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", d->d_name);
		f = atoi(d->d_name) > 1 && atoi(d->d_name) != getpid() ? fopen(path, "r") : NULL;
		if (f) {
			n = fread(args, 1, sizeof(args), f);
			fclose(f);
		}
		if (memmem(args, n, rundir, strlen(rundir)))
			found |= !kill(atoi(d->d_name), sig);
	}
	if (proc)
		closedir(proc);
	return found;
}

static struct test_mf *t[N];

static void fill(const char *spec)
{
	open_engine(spec);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(offload_megaflow_live(ol, &(t[i] = mf_new(i, 2))->mf), 0);
	EVENTUALLY(info().placed == N);
}

static void drain(void)
{
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(offload_megaflow_withdraw(ol, &t[i]->mf, NULL), 0);
	for (unsigned i = 0; i < N; i++)
		EVENTUALLY(t[i]->withdrawn);
	EVENTUALLY(info().stats.rules == 0);
	CU_ASSERT_EQUAL(offload_device_remove(ol, 0), 0);
	offload_close(ol);
	for (unsigned i = 0; i < N; i++)
		mf_free(t[i]);
	signal_model(SIGTERM);
	EVENTUALLY(!signal_model(0));
}

/* `n` frames of every megaflow go through the device. */
static void traffic(unsigned n)
{
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT(contract_send(&ct, i, n));
	CU_ASSERT_EQUAL(contract_receive(&ct, 1, N * n, 2000), N * n);
}

static unsigned wrong_counts(uint64_t packets)
{
	unsigned wrong = 0;

	wait_for(offload_refresh);
	for (unsigned i = 0; i < N; i++)
		wrong += hal_megaflow_hw(&t[i]->mf)->packets != packets;
	return wrong;
}

static void test_forward(void)
{
	struct test_mf *next;

	fill("sim:nic");
	traffic(5);
	CU_ASSERT_EQUAL(wrong_counts(5), 0);
	next = mf_new(0, 3);
	CU_ASSERT_EQUAL(offload_megaflow_withdraw(ol, &t[0]->mf, &next->mf), 0);
	wait_for(offload_barrier);
	CU_ASSERT(t[0]->withdrawn);
	CU_ASSERT(contract_send(&ct, 0, 4));
	CU_ASSERT_EQUAL(contract_receive(&ct, 2, 4, 1000), 4);
	wait_for(offload_refresh);
	CU_ASSERT_EQUAL(hal_megaflow_hw(&next->mf)->packets, 4);
	CU_ASSERT_EQUAL(hal_megaflow_hw(&t[0]->mf)->packets, 5);
	mf_free(t[0]);
	t[0] = next;
	drain();
}

/* The engine ends and begins again; the device forwards all the while. */
static void test_restart(void)
{
	fill("sim:nic");
	traffic(2);
	offload_close(ol);
	for (unsigned i = 0; i < N; i++)
		mf_free(t[i]);
	traffic(2);
	open_engine("sim:nic");
	traffic(2);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(offload_megaflow_live(ol, &(t[i] = mf_new(i, 2))->mf), 0);
	wait_for(offload_barrier);
	CU_ASSERT_EQUAL(info().adopted, N);
	CU_ASSERT_EQUAL(info().accepted_ops, 0);
	traffic(3);
	CU_ASSERT_EQUAL(wrong_counts(3), 0);
	drain();
}

static void test_killed(void)
{
	fill("sim:nic");
	traffic(3);
	CU_ASSERT_EQUAL(wrong_counts(3), 0);
	signal_model(SIGKILL);
	EVENTUALLY(!info().stats.alive || info().replayed);
	EVENTUALLY(info().replayed == N && info().placed == N);
	CU_ASSERT(info().stats.alive);
	traffic(4);
	CU_ASSERT_EQUAL(wrong_counts(7), 0);
	drain();
}

static void test_stopped(void)
{
	struct test_mf *late = mf_new(1000, 2);
	struct hal_offload_slot slot;

	fill("sim:nic");
	signal_model(SIGSTOP);
	CU_ASSERT_EQUAL(offload_megaflow_live(ol, &late->mf), 0);
	CU_ASSERT(wait_for(offload_barrier) < 1500);
	EVENTUALLY(!info().stats.alive);
	CU_ASSERT_EQUAL(info().placed, N);
	CU_ASSERT(wait_for(offload_refresh) < 1500);
	signal_model(SIGCONT);
	EVENTUALLY(info().stats.alive);
	EVENTUALLY(info().placed == N + 1);
	offload_slot_read(ol, &late->mf, 0, &slot);
	CU_ASSERT_EQUAL(slot.placement, PLACEMENT_PLACED);
	traffic(2);
	CU_ASSERT_EQUAL(wrong_counts(2), 0);
	offload_megaflow_withdraw(ol, &late->mf, NULL);
	EVENTUALLY(late->withdrawn);
	contract_doze(50);
	drain();
	mf_free(late);
}

static void test_flaky(void)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/simnic-flaky.script", rundir);
	f = fopen(path, "w");
	fputs("refuse every=4 code=retry\nlate every=5 delay=20 op=add\nlose every=7\n", f);
	fclose(f);
	open_engine("sim:flaky");
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(offload_megaflow_live(ol, &(t[i] = mf_new(i, 2))->mf), 0);
	wait_for(offload_barrier);
	/* Late errors are the device's last word; everything else passes. */
	EVENTUALLY(info().pending == 0 && info().refused_by[HAL_REASON_RETRY] == 0);
	CU_ASSERT_EQUAL(info().placed + info().refused_by[HAL_REASON_DEVICE_ERROR], N);
	CU_ASSERT(info().placed > N / 2);
	CU_ASSERT_EQUAL(info().stats.rules, info().placed);
	drain();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int main(void)
{
	CU_pSuite s;
	unsigned failures;

	if (wires_make(&ct)) {
		fprintf(stderr, "skipped: needs root for a network namespace with veth pairs\n");
		return 77;
	}
	if (!mkdtemp(rundir) || CU_initialize_registry())
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	s = CU_add_suite("offload over sim", NULL, NULL);
	CU_add_test(s, "forwarded, counted, replaced", test_forward);
	CU_add_test(s, "restarted", test_restart);
	CU_add_test(s, "killed", test_killed);
	CU_add_test(s, "stopped and continued", test_stopped);
	CU_add_test(s, "flaky", test_flaky);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	signal_model(SIGTERM);
	contract_doze(100);
	nftw(rundir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failures != 0;
}
