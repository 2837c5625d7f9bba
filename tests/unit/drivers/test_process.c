/* SPDX-License-Identifier: Apache-2.0
 *
 * The process: adopted, stopped, continued, killed, left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "frame.h"

static bool forwards(void)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);

	wire_send(1, sent, len);
	return wire_recv(2, got, sizeof(got), 500) == len && !memcmp(sent, got, len);
}

static void forward_rule(struct test_rule *t)
{
	rule_make(t, 7, 1, "ip,nw_dst=10.0.0.2");
	rule_output(t, 2);
}

struct seen {
	unsigned n;
	bool equal;
	const struct test_rule *expected;
};

/* All pieces. */
static int dump_all(void *dev, hal_dump_cb *cb, void *ctx)
{
	uint64_t at = 0;
	int err;

	do {
		err = sim_driver.dump(dev, &at, 0, cb, ctx);
	} while (!err && at);
	return err;
}

static int see(void *ctx, const struct hal_dump_entry *e)
{
	struct seen *s = ctx;

	s->n++;
	s->equal = hal_ufid_equal(&e->ufid, &s->expected->rule.ufid) &&
		   hal_cmatch_equal(e->match, s->expected->match) &&
		   hal_program_equal(e->program, s->expected->program) && e->counter.packets > 0;
	return 0;
}

static void adoption(void)
{
	void *dev = device_open("nic", NULL);
	struct test_rule t;
	struct seen s = {0};
	int pid = device_pid(dev);

	device_bind_all(dev);
	forward_rule(&t);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	CU_ASSERT(forwards());
	device_close(dev, NULL);
	CU_ASSERT(forwards()); /* nobody is there */
	dev = device_open("nic", NULL);
	CU_ASSERT_EQUAL(device_pid(dev), pid);
	s.expected = &t;
	CU_ASSERT_EQUAL(dump_all(dev, see, &s), 0);
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT(s.equal);
	CU_ASSERT(forwards());
	device_bind_all(dev);
	CU_ASSERT(forwards());
	device_close(dev, "nic");
	CU_ASSERT_FALSE(forwards());
	rule_free(&t);
}

static int count_entries(void *ctx, const struct hal_dump_entry *e)
{
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

static void many_rules(void)
{
	void *dev = device_open("nic", NULL);
	unsigned accepted = 0, done = 0, seen = 0;
	uint64_t deadline = now_ms() + 10000;
	struct hal_completion c[256];
	struct test_rule t;

	device_bind_all(dev);
	for (unsigned i = 0; done < 5000 && now_ms() < deadline;) {
		int n;

		if (i < 5000) {
			struct hal_op op = {.type = HAL_OP_ADD, .token = i};
			char match[64];

			snprintf(match, sizeof(match), "ip,nw_dst=10.%u.%u.%u/%u", i >> 16,
				i >> 8 & 255, i & 255, 32);
			rule_make(&t, 100000 + i, 1, match);
			rule_output(&t, 2);
			op.rule = t.rule;
			if (sim_driver.submit(dev, &op, 1) == 1) {
				accepted++;
				i++;
			} else {
				CU_ASSERT_EQUAL(op.reason.code, HAL_REASON_RETRY);
			}
			rule_free(&t);
		}
		n = sim_driver.poll(dev, c, 256);
		CU_ASSERT_FATAL(n >= 0);
		for (int k = 0; k < n; k++)
			CU_ASSERT_EQUAL(c[k].error, 0);
		done += (unsigned)n;
	}
	CU_ASSERT_EQUAL(accepted, 5000);
	CU_ASSERT_EQUAL(done, 5000);
	CU_ASSERT_EQUAL(dump_all(dev, count_entries, &seen), 0);
	CU_ASSERT_EQUAL(seen, 5000);
	device_close(dev, "nic");
}

static void stopped(void)
{
	void *dev = device_open("nic", NULL);
	struct hal_device_stats stats;
	struct hal_completion c[4];
	struct hal_raw_counter counter;
	struct test_rule t;
	uint64_t start;
	int pid = device_pid(dev), n = 0, got;

	device_bind_all(dev);
	forward_rule(&t);
	struct hal_op op = {.type = HAL_OP_ADD, .token = 1, .rule = t.rule};
	kill(pid, SIGSTOP);
	CU_ASSERT_EQUAL(sim_driver.submit(dev, &op, 1), 1);
	start = now_ms();
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &stats), 0);
	CU_ASSERT_FALSE(stats.alive);
	CU_ASSERT_PTR_NOT_NULL(strstr(stats.text, "stalled"));
	CU_ASSERT(sim_driver.counters_read(dev, &t.rule.ufid, 1, &counter) < 0);
	CU_ASSERT(now_ms() - start < 1000);
	start = now_ms();
	for (unsigned i = 0; i < 100; i++, doze(10)) {
		CU_ASSERT_EQUAL(sim_driver.poll(dev, c, 4), 0);
		sim_driver.stats(dev, &stats);
	}
	CU_ASSERT(now_ms() - start < 3000); /* nothing waits any more */
	struct hal_op late = {.type = HAL_OP_DEL, .token = 2, .rule = t.rule};
	CU_ASSERT_EQUAL(sim_driver.submit(dev, &late, 1), 0);
	CU_ASSERT_EQUAL(late.reason.code, HAL_REASON_RETRY);
	kill(pid, SIGCONT);
	for (unsigned i = 0; i < 100; i++, doze(10)) {
		got = sim_driver.poll(dev, c, 4);
		CU_ASSERT_FATAL(got >= 0);
		n += got;
	}
	CU_ASSERT_EQUAL(n, 1); /* once */
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &stats), 0);
	CU_ASSERT(stats.alive);
	CU_ASSERT_EQUAL(stats.rules, 1);
	CU_ASSERT(forwards());
	rule_free(&t);
	device_close(dev, "nic");
}

static void killed(void)
{
	void *dev = device_open("nic", NULL);
	struct hal_device_stats before, after;
	struct hal_port_stats ports, later;
	struct hal_completion c[4];
	struct test_rule t;
	int pid = device_pid(dev), n = 0, got = 0;

	device_bind_all(dev);
	forward_rule(&t);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	CU_ASSERT(forwards());
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &before), 0);
	CU_ASSERT_EQUAL(sim_driver.port_stats(dev, 2, &ports), 0);
	kill(pid, SIGSTOP);
	struct hal_op ops[2] = {{.type = HAL_OP_REPLACE, .token = 1, .rule = t.rule},
		{.type = HAL_OP_DEL, .token = 2, .rule = t.rule}};
	CU_ASSERT_EQUAL(sim_driver.submit(dev, ops, 2), 2);
	kill(pid, SIGKILL);
	for (unsigned i = 0; i < 100 && got >= 0; i++, doze(1)) {
		got = sim_driver.poll(dev, c, 4);
		for (int k = 0; k < got; k++) {
			CU_ASSERT_EQUAL(c[k].error, -ENODEV);
			CU_ASSERT_EQUAL(c[k].reason.code, HAL_REASON_DEVICE_GONE);
		}
		n += got > 0 ? got : 0;
	}
	CU_ASSERT_EQUAL(got, -ENODEV);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &after), 0);
	CU_ASSERT_FALSE(after.alive);
	for (unsigned i = 0; i < 300 && got < 0; i++, doze(10))
		got = sim_driver.poll(dev, c, 4);
	CU_ASSERT_EQUAL_FATAL(got, 0);
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &after), 0);
	CU_ASSERT(after.alive);
	CU_ASSERT_NOT_EQUAL(after.generation, before.generation);
	CU_ASSERT_EQUAL(after.rules, 0);
	CU_ASSERT_EQUAL(after.ports, WIRES); /* bound again by the driver */
	CU_ASSERT_NOT_EQUAL(device_pid(dev), pid);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	CU_ASSERT(forwards());
	CU_ASSERT_EQUAL(sim_driver.port_stats(dev, 2, &later), 0);
	CU_ASSERT_EQUAL(later.tx_packets, ports.tx_packets + 1);
	device_bind_all(dev); /* a caller that forgot its bindings may bind once more */
	rule_free(&t);
	device_close(dev, "nic");
}

/* clock ticks of CPU time that the process has used */
static unsigned long cpu_ticks(int pid)
{
	unsigned long user, sys;
	char path[64], line[512] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	fclose(f);
	sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		&user, &sys);
	return user + sys;
}

static void idle(void)
{
	void *dev = device_open("nic", NULL);
	unsigned long before;

	device_bind_all(dev);
	doze(100);
	before = cpu_ticks(device_pid(dev));
	doze(1500);
	CU_ASSERT(cpu_ticks(device_pid(dev)) - before <= 2);
	device_close(dev, "nic");
}

/* Frames on a port are the device's alone; a port that is given back is as it was before. */
static void host_stack(void)
{
	char filters[256] = "";
	void *dev = device_open("nic", NULL);
	FILE *p;

	device_bind_all(dev);
	p = popen("tc filter show dev slu1 ingress | grep -c sluice-simnic", "r");
	CU_ASSERT_PTR_NOT_NULL(fgets(filters, sizeof(filters), p));
	pclose(p);
	CU_ASSERT_EQUAL(atoi(filters), 1);
	CU_ASSERT_EQUAL(sim_driver.port_unbind(dev, 1), 0);
	p = popen("tc qdisc show dev slu1 | grep -c clsact", "r");
	CU_ASSERT_PTR_NOT_NULL(fgets(filters, sizeof(filters), p));
	pclose(p);
	CU_ASSERT_EQUAL(atoi(filters), 0);
	device_close(dev, "nic");
}

static void run_directory_gone(void)
{
	const struct hal_env env = {.rundir = "/tmp/slugone", .mbuf_pool = NULL};
	struct hal_caps caps;
	struct hal_reason r = {0};
	void *dev = NULL;
	int pid;

	shell("rm -rf /tmp/slugone; mkdir /tmp/slugone");
	CU_ASSERT_EQUAL_FATAL(sim_driver.open("nic", &env, &dev, &caps, &r), 0);
	pid = device_pid(dev);
	sim_driver.close(dev);
	shell("rm -rf /tmp/slugone");
	for (unsigned i = 0; i < 300 && process_alive(pid); i++)
		doze(10);
	CU_ASSERT_FALSE(process_alive(pid));
}

static void bad_arguments(void)
{
	static const char *const bad[] = {"", "nosuch", "nic,x=y", "nic,name=", "nic,name=a/b"};
	const struct hal_env env = {.rundir = fx.rundir};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hal_caps caps;
		struct hal_reason r = {0};
		void *dev = NULL;

		CU_ASSERT(sim_driver.open(bad[i], &env, &dev, &caps, &r) < 0);
		CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
	}
}

void process_suite(void)
{
	CU_pSuite s = CU_add_suite("process", NULL, NULL);

	CU_add_test(s, "it outlives the driver and is adopted", adoption);
	CU_add_test(s, "5000 rules in and listed", many_rules);
	CU_add_test(s, "stopped and continued", stopped);
	CU_add_test(s, "killed and back", killed);
	CU_add_test(s, "idle it uses no CPU", idle);
	CU_add_test(s, "the host's stack does not see its frames", host_stack);
	CU_add_test(s, "it ends with its run directory", run_directory_gone);
	CU_add_test(s, "bad arguments", bad_arguments);
}
