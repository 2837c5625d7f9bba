/* SPDX-License-Identifier: Apache-2.0 */
#include "test_offload.h"

#include <stdio.h>
#include <time.h>

const struct hal_driver *const hal_drivers[] = {&fake_driver, NULL};

struct offload *ol;
struct fake *fake;
struct offload_config config;
_Atomic unsigned device_changes;

void sleep_ms(unsigned ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&ts, NULL);
}

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void on_withdrawn(void *ctx, struct hal_megaflow *mf)
{
	struct test_mf *t = (struct test_mf *)(void *)mf;

	(void)ctx;
	CU_ASSERT_FALSE(t->withdrawn);
	t->final_packets = hw_packets(t);
	t->withdrawn = true;
}

static void on_changed(void *ctx, unsigned device)
{
	(void)ctx, (void)device;
	device_changes++;
}

void open_engine(const char *name)
{
	char spec[64];
	struct hal_reason r;

	config.ops.withdrawn = on_withdrawn;
	config.ops.device_changed = on_changed;
	if (!config.counter_interval_ms)
		config.counter_interval_ms = 20;
	if (!config.retry_interval_ms)
		config.retry_interval_ms = 50;
	device_changes = 0;
	fake = fake_get(name);
	CU_ASSERT_EQUAL_FATAL(offload_open(&config, &ol), 0);
	snprintf(spec, sizeof(spec), "fake:%s", name);
	CU_ASSERT_EQUAL_FATAL(offload_device_add(ol, spec, NULL, &r), 0);
}

void bind_port(uint32_t port)
{
	struct hal_port_handle h = {.kind = HAL_PORT_NETDEV};
	struct hal_reason r;

	snprintf(h.name, sizeof(h.name), "p%u", port);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 0, port, &h, &r), 0);
}

void begin(const char *name)
{
	open_engine(name);
	for (uint32_t i = 1; i <= 4; i++)
		bind_port(i);
}

void end(void)
{
	offload_close(ol);
	CU_ASSERT_EQUAL(fake_overlaps(fake), 0);
	memset(&config, 0, sizeof(config));
}

static void released(struct hal_megaflow *mf)
{
	((struct test_mf *)(void *)mf)->released = true;
}

struct test_mf *mf_new(uint32_t n, uint32_t in_port, uint32_t out)
{
	struct test_mf *t = aligned_alloc(HAL_CACHE_LINE, sizeof(*t));

	memset(t, 0, sizeof(*t));
	t->mf.n_sw = 2;
	fake_rule(&t->rule, n, in_port, out);
	t->mf.ufid = t->rule.ufid;
	t->mf.match = t->rule.match;
	t->mf.program = t->rule.program;
	t->mf.refs = 1;
	t->mf.release = released;
	return t;
}

struct test_mf *mf_built(uint32_t n, uint32_t in_port, uint32_t chain, struct hal_builder *b)
{
	struct test_mf *t = mf_new(n, in_port, 0);

	free((void *)(uintptr_t)t->rule.program);
	t->mf.program = t->rule.program = hal_builder_finish(b);
	t->mf.chain = t->rule.chain = chain;
	t->mf.ufid.u[0] += (uint64_t)chain << 32;
	t->rule.ufid = t->mf.ufid;
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->mf.program);
	return t;
}

void build_meter(struct hal_builder *b, uint32_t id)
{
	struct hal_act_meter *m = hal_builder_add(b, ACTION_METER, sizeof(*m));

	m->meter = id;
}

void build_recirc(struct hal_builder *b, uint32_t id)
{
	struct hal_act_recirc *r = hal_builder_add(b, ACTION_RECIRC, sizeof(*r));

	r->id = id;
}

void build_trunc(struct hal_builder *b, uint32_t max_len)
{
	struct hal_act_trunc *t = hal_builder_add(b, ACTION_TRUNC, sizeof(*t));

	t->max_len = max_len;
}

void build_ct(struct hal_builder *b, uint16_t zone)
{
	struct hal_act_ct *c = hal_builder_add(b, ACTION_CT, sizeof(*c));

	c->zone = zone;
}

bool program_matches(struct test_mf *t, const char *text)
{
	char buf[1000];
	const char *p = buf;

	fake_program(fake, &t->mf.ufid, buf, sizeof(buf));
	for (; *text; text++) {
		if (*text == '#' && *p >= '0' && *p <= '9') {
			strtoull(p, (char **)(uintptr_t)&p, 10);
		} else if (*text != *p++) {
			fprintf(stderr, "%s\n", buf);
			return false;
		}
	}
	return !*p;
}

void mf_put(struct test_mf *t)
{
	hal_megaflow_unref(&t->mf);
	EVENTUALLY(t->released);
	fake_rule_free(&t->rule);
	free(hal_megaflow_hw(&t->mf));
	free(t);
}

void live(struct test_mf *t)
{
	CU_ASSERT_EQUAL(offload_megaflow_live(ol, &t->mf), 0);
}

void withdraw(struct test_mf *t, struct test_mf *successor)
{
	CU_ASSERT_EQUAL(
		offload_megaflow_withdraw(ol, &t->mf, successor ? &successor->mf : NULL), 0);
}

void sw_packets(struct test_mf *t, uint64_t n)
{
	atomic_fetch_add(&hal_megaflow_sw(&t->mf, 1)->packets, n);
}

uint64_t hw_packets(struct test_mf *t)
{
	struct hal_megaflow_hw *hw = hal_megaflow_hw(&t->mf);

	return hw ? atomic_load(&hw->packets) : 0;
}

static void set_flag(void *arg)
{
	*(_Atomic bool *)arg = true;
}

static unsigned wait_for(void (*ask)(struct offload *, void (*)(void *), void *))
{
	_Atomic bool done = false;
	uint64_t start = clock_ms();

	ask(ol, set_flag, &done);
	while (!done)
		sleep_ms(1);
	return (unsigned)(clock_ms() - start);
}

unsigned barrier(void)
{
	return wait_for(offload_barrier);
}

unsigned refresh(void)
{
	return wait_for(offload_refresh);
}

unsigned audit(void)
{
	return wait_for(offload_audit);
}

struct hal_offload_slot slot(struct test_mf *t)
{
	struct hal_offload_slot s;

	offload_slot_read(ol, &t->mf, 0, &s);
	return s;
}

struct offload_device_info info(void)
{
	struct offload_device_info i;

	CU_ASSERT_EQUAL(offload_device_info(ol, 0, &i), 0);
	return i;
}

int main(void)
{
	if (CU_initialize_registry())
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	place_suite();
	retry_suite();
	change_suite();
	counters_suite();
	trouble_suite();
	adopt_suite();
	audit_suite();
	churn_suite();
	objects_suite();
	meter_suite();
	chain_suite();
	connection_suite();
	hold_suite();
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();

	CU_cleanup_registry();
	fake_free_all();
	return failures != 0;
}
