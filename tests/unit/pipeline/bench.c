/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast the control side is, without packets: megaflows made by a worker and taken in by the
 * control thread; flow-mods, idle and with megaflows that depend on them; memory a megaflow.
 *
 * The software path holds references as the real one does, and nothing else. Figures go to stdout,
 * one a line: name, value, unit. Usage: bench-pipeline [MEGAFLOWS [FLOWS]].
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "hal/base/rcu.h"
#include "offload/objects.h"
#include "offload/offload.h"
#include "ofctl/openflow/flow_text.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/meter.h"
#include "swpath/swpath.h"

#define HELD 16384 /* young megaflows a worker holds at most */

static struct pipeline *pl;
static struct pl_bridge *br;
static struct event_base *base;
static unsigned installed, removed;

/* ---- the layers below ---- */

static void unref(void *mf)
{
	hal_megaflow_unref(mf);
}

int swpath_megaflow_install(struct swpath *sp, struct hal_megaflow *mf)
{
	(void)sp;
	hal_megaflow_ref(mf);
	atomic_store_explicit(&mf->installed, true, memory_order_release);
	installed++;
	return 0;
}

void swpath_megaflow_remove(struct swpath *sp, struct hal_megaflow *mf)
{
	(void)sp;
	if (atomic_load(&mf->installed))
		rcu_defer(unref, mf);
	removed++;
}

int swpath_megaflow_replace(struct swpath *sp, struct hal_megaflow *from, struct hal_megaflow *to)
{
	(void)sp;
	hal_megaflow_ref(to);
	atomic_store_explicit(&to->installed, true, memory_order_release);
	rcu_defer(unref, from);
	return 0;
}

bool swpath_masks_full(struct swpath *sp, unsigned worker, const struct hal_key *key,
	const struct hal_key *mask, struct hal_key *all)
{
	(void)sp, (void)worker, (void)key, (void)mask, (void)all;
	return false;
}

int swpath_sync(struct swpath *sp, unsigned timeout_ms)
{
	(void)sp, (void)timeout_ms;
	return 0;
}

int swpath_inject(struct swpath *sp, const struct hal_key *meta, const void *data, size_t len,
	const struct hal_program *program)
{
	(void)sp, (void)meta, (void)data, (void)len, (void)program;
	return 0;
}

int swpath_meter_set(struct swpath *sp, uint32_t id, const struct hal_meter *cfg)
{
	(void)sp, (void)id, (void)cfg;
	return 0;
}

void swpath_meter_del(struct swpath *sp, uint32_t id)
{
	(void)sp, (void)id;
}

int swpath_meter_stats_read(struct swpath *sp, uint32_t id, struct hal_meter_stats *out)
{
	(void)sp, (void)id;
	memset(out, 0, sizeof(*out));
	return 0;
}

int swpath_port_stats(struct swpath *sp, uint32_t id, struct hal_port_stats *out)
{
	(void)sp, (void)id;
	memset(out, 0, sizeof(*out));
	return 0;
}

int swpath_port_set_admin(struct swpath *sp, uint32_t id, bool up)
{
	(void)sp, (void)id, (void)up;
	return 0;
}

int offload_meter_set(struct offload *ol, uint32_t id, const struct hal_meter *meter)
{
	(void)ol, (void)id, (void)meter;
	return 0;
}

int offload_meter_del(struct offload *ol, uint32_t id)
{
	(void)ol, (void)id;
	return 0;
}

int offload_meter_stats(struct offload *ol, uint32_t id, struct hal_meter_stats *out)
{
	(void)ol, (void)id;
	memset(out, 0, sizeof(*out));
	return 0;
}

int offload_port_stats(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *out)
{
	(void)ol, (void)device, (void)port;
	memset(out, 0, sizeof(*out));
	return 0;
}

int offload_megaflow_live(struct offload *ol, struct hal_megaflow *mf)
{
	(void)ol, (void)mf;
	return 0;
}

int offload_megaflow_withdraw(
	struct offload *ol, struct hal_megaflow *mf, struct hal_megaflow *successor)
{
	(void)ol, (void)mf, (void)successor;
	return 0;
}

void offload_barrier(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}

void offload_refresh(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}

void offload_audit(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}

/* ---- tools ---- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Of this thread: what others do on the machine counts less. */
static double cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double rss_bytes(void)
{
	unsigned long size, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu %lu", &size, &rss) != 2)
		rss = 0;
	if (f)
		fclose(f);
	return (double)rss * (double)sysconf(_SC_PAGESIZE);
}

static void say(const char *name, double value, const char *unit)
{
	printf("%-32s %12.1f %s\n", name, value, unit);
	fflush(stdout);
}

static void port(uint32_t number)
{
	struct pl_port_config cfg = {.number = number, .dp_port = 100 + number};

	snprintf(cfg.name, sizeof(cfg.name), "p%u", number);
	if (pl_port_add(br, &cfg))
		abort();
}

static void mod(enum of_flow_mod_command command, const char *text)
{
	struct of_flow_mod fm;
	char err[256];

	if (of_flow_mod_parse(text, command, NULL, &fm, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	fm.version = 4;
	if (pl_flow_mod(br, &fm))
		abort();
	of_instructions_free(&fm.ins);
}

/* The i-th of the flows: UDP to one address and port. */
static void flow_of(struct of_flow_mod *fm, unsigned i, uint32_t out)
{
	struct hal_match *m = &fm->match;

	memset(m, 0, sizeof(*m));
	hal_match_set_u64(m, FIELD_ETH_TYPE, 0x0800);
	hal_match_set_u64(m, FIELD_IP_PROTO, 17);
	hal_match_set_u64(m, FIELD_IPV4_DST, 0x0a000000 + i);
	hal_match_set_u64(m, FIELD_UDP_DST, 5000);
	fm->ins.apply.a[0].port = out;
}

/* n flow-mods like it from the first on; a second. */
static double mods(enum of_flow_mod_command command, unsigned first, unsigned n, uint32_t out)
{
	struct of_flow_mod fm;
	char err[256];
	double t;

	if (of_flow_mod_parse(
		    "priority=100,actions=output:1", OF_FLOW_ADD, NULL, &fm, err, sizeof(err)))
		abort();
	fm.version = 4;
	fm.command = command;
	fm.out_port = OF_PORT_ANY;
	fm.out_group = OF_GROUP_ANY;
	t = cpu();
	for (unsigned i = first; i < first + n; i++) {
		flow_of(&fm, i, out);
		if (pl_flow_mod(br, &fm))
			abort();
		if (i % 64 == 63)
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	t = cpu() - t;
	of_instructions_free(&fm.ins);
	return n / t;
}

static void settle(void)
{
	for (unsigned i = 0; i < 8; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		rcu_drain();
	}
}

/* ---- a worker ---- */

struct maker {
	pthread_t thread;
	unsigned n, dropped;
	unsigned destinations;
	double made_s;
	_Atomic bool done;
};

static void nth_key(struct hal_key *key, unsigned i, unsigned destinations)
{
	memset(key, 0, sizeof(*key));
	key->in_port = rte_cpu_to_be_32(101);
	memcpy(key->eth_dst, "\2\0\0\0\0\2", 6);
	memcpy(key->eth_src, "\2\0\0\0\0\1", 6);
	key->eth_type = RTE_BE16(0x0800);
	key->ip_proto = 17;
	key->ip_ttl = 64;
	key->ipv4_src = RTE_BE32(0xc0a80001);
	key->ipv4_dst = rte_cpu_to_be_32(0x0a000000 + i % destinations);
	key->tp_src = RTE_BE16(4000);
	key->tp_dst = rte_cpu_to_be_16((uint16_t)(5000 + i / destinations));
}

static void *make(void *arg)
{
	static struct hal_megaflow *held[HELD];
	int reader = rcu_reader_register();
	struct maker *mk = arg;
	unsigned head = 0, tail = 0;
	double t = cpu();

	for (unsigned i = 0; i < mk->n; i++) {
		struct hal_megaflow *mf;
		struct hal_key key;
		bool cache;

		nth_key(&key, i, mk->destinations);
		mf = pipeline_translate(pl, 0, &key, NULL, &cache);
		if (!mf) {
			mk->dropped++;
			i--;
			rcu_quiescent(reader);
			usleep(50);
			continue;
		}
		atomic_store(&hal_megaflow_sw(mf, 0)->packets, 1);
		atomic_store(&hal_megaflow_sw(mf, 0)->bytes, 60);
		atomic_store(&hal_megaflow_sw(mf, 0)->used_ms, clock_ms());
		if (cache && tail - head == HELD)
			hal_megaflow_unref(mf);
		else if (cache)
			held[tail++ % HELD] = mf;
		if (i % 32)
			continue;
		while (head != tail && atomic_load(&held[head % HELD]->installed))
			hal_megaflow_unref(held[head++ % HELD]);
		rcu_quiescent(reader);
	}
	mk->made_s = cpu() - t;
	while (head != tail)
		hal_megaflow_unref(held[head++ % HELD]);
	rcu_reader_unregister(reader);
	atomic_store(&mk->done, true);
	return NULL;
}

/* n megaflows over so many destinations: seconds until all are installed. */
static void set_up(const char *name, unsigned n, unsigned destinations)
{
	struct maker mk = {.n = n, .destinations = destinations};
	unsigned before = installed;
	double rss, t, longest = 0, c = cpu();

	settle();
	rss = rss_bytes();
	t = now();
	if (pthread_create(&mk.thread, NULL, make, &mk))
		abort();
	while (!atomic_load(&mk.done) || rte_ring_count(pl->births)) {
		double loop = now();

		event_base_loop(base, EVLOOP_ONCE);
		loop = now() - loop;
		if (loop > longest)
			longest = loop;
	}
	t = now() - t;
	c = cpu() - c;
	pthread_join(mk.thread, NULL);
	printf("# %s: %u megaflows\n", name, n);
	say("installed", installed - before, "");
	say("setup", n / t / 1000, "k/s");
	say("  worker", mk.made_s / n * 1e9, "ns of CPU each");
	say("  control", c / n * 1e9, "ns of CPU each");
	say("refused at first", mk.dropped, "");
	say("longest turn", longest * 1e3, "ms");
	settle();
	say("memory", (rss_bytes() - rss) / n, "bytes a megaflow");
}

static void sweep(void)
{
	double t = cpu();

	credit_sweep(pl, clock_ms());
	say("sweep", (cpu() - t) * 1e3, "ms");
	t = cpu();
	credit_sweep(pl, clock_ms());
	say("sweep, nothing moved", (cpu() - t) * 1e3, "ms");
}

static void change_default(const char *text, const char *name)
{
	double t = cpu();

	mod(OF_FLOW_ADD, text);
	say(name, (cpu() - t) * 1e3, "ms");
	t = cpu();
	settle();
	say("  until at rest", (cpu() - t) * 1e3, "ms");
}

int main(int argc, char **argv)
{
	unsigned megaflows = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
	unsigned flows = argc > 2 ? (unsigned)atoi(argv[2]) : 100000;

	base = event_base_new();
	if (rcu_init() || !base || pipeline_open(base, NULL, &pl))
		return 1;
	pipeline_set_workers(pl, 1);
	pipeline_set_paths(
		pl, (struct swpath *)&pl, getenv("BENCH_OFFLOAD") ? (struct offload *)&pl : NULL);
	br = pipeline_bridge_add(pl, "br", 1);
	for (uint32_t i = 1; i <= 4; i++)
		port(i);
	mod(OF_FLOW_ADD, "priority=1,actions=output:2");
	printf("# idle: %u flows\n", flows);
	say("add", mods(OF_FLOW_ADD, 0, flows, 1) / 1000, "k/s");
	say("modify strict", mods(OF_FLOW_MODIFY_STRICT, 0, flows, 2) / 1000, "k/s");
	say("modify", mods(OF_FLOW_MODIFY, 0, flows, 3) / 1000, "k/s");
	say("add again", mods(OF_FLOW_ADD, 0, flows, 4) / 1000, "k/s");
	say("delete strict", mods(OF_FLOW_DELETE_STRICT, 0, flows, 1) / 1000, "k/s");
	settle();
	say("add", mods(OF_FLOW_ADD, 0, flows, 1) / 1000, "k/s");
	/* Ten ports for each destination: one is of a flow, the others of the default. */
	set_up("setup", megaflows, megaflows / 10);
	sweep();
	printf("# with %u megaflows\n", megaflows);
	say("modify half of the winners",
		mods(OF_FLOW_MODIFY_STRICT, megaflows / 20, megaflows / 10, 3) / 1000, "k/s");
	say("add elsewhere", mods(OF_FLOW_ADD, 5000000, flows / 2, 3) / 1000, "k/s");
	say("retranslations", (double)pl->retranslations, "");
	change_default("priority=1,actions=output:3", "default changes");
	change_default("priority=2,udp,actions=output:4", "default is overlapped");
	say("retranslations", (double)pl->retranslations, "");
	say("delete", mods(OF_FLOW_DELETE, 0, flows, 1) / 1000, "k/s");
	pipeline_close(pl);
	event_base_free(base);
	return 0;
}
