/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole software path: receive, look up, translate, send; megaflows that come and go; sleep.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "hal/base/rcu.h"
#include "rig.h"

static struct frame to_mac(uint8_t last, enum frame_kind kind)
{
	struct frame f;

	frame_make(&f, kind, 0, 20);
	f.b[5] = last;
	return f;
}

static void translated_once(void)
{
	struct swpath_stats stats;
	struct frame f = to_mac(9, FRAME_TCP4);
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = rig_to_out_port;
	r.out_port = 2;
	for (unsigned i = 0; i < 100; i++)
		rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 100));
	CU_ASSERT_EQUAL(r.translated, 1);
	rig_receive(&r, 3, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 101));
	CU_ASSERT_EQUAL(r.translated, 2);
	rig_sync(&r);
	swpath_stats_read(r.sp, &stats);
	CU_ASSERT_EQUAL(stats.packets, 101);
	CU_ASSERT_EQUAL(stats.translated, 2);
	CU_ASSERT_EQUAL(stats.cache_hits + stats.young_hits, 99);
	CU_ASSERT(stats.cache_hits > 0); /* once the scope was known */
	CU_ASSERT_EQUAL(hal_megaflow_sw(r.made[0], 0)->packets, 100);
	CU_ASSERT_EQUAL(hal_megaflow_sw(r.made[0], 0)->bytes, 100 * f.len);
	CU_ASSERT_EQUAL(hal_megaflow_sw(r.made[0], 0)->tcp_flags, 0x18);
	CU_ASSERT(hal_megaflow_sw(r.made[0], 0)->used_ms > 0);
	CU_ASSERT_EQUAL(hal_megaflow_sw(r.made[1], 0)->packets, 1);
	rig_close(&r);
}

/* Many flows: each leaves in order, is translated once, and is found in all tables. */
static void many_flows(void)
{
	struct frame f;
	struct rig r;
	uint8_t seen[64] = {0};

	rig_open(&r, 2, &fake_class);
	r.translate = rig_to_out_port;
	r.out_port = 4;
	for (unsigned i = 0; i < 1280; i++) {
		f = to_mac((uint8_t)(i % 64), FRAME_UDP4);
		f.b[f.len - 1] = (uint8_t)(i / 64);
		rig_receive(&r, 1, &f);
	}
	CU_ASSERT(fake_wait(r.sp, 4, 1280));
	CU_ASSERT_EQUAL(r.translated, 64);
	for (unsigned i = 0; i < fake_sent(r.sp, 4); i++) {
		const struct rte_mbuf *m = fake_frame(r.sp, 4, i);
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

		CU_ASSERT_EQUAL(data[m->pkt_len - 1], seen[data[5]]);
		seen[data[5]]++;
	}
	rig_close(&r);
}

static void installed_and_removed(void)
{
	struct frame f = to_mac(9, FRAME_TCP4);
	struct swpath_stats stats;
	struct hal_megaflow *mf;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = rig_to_out_port;
	r.out_port = 2;
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 1));
	mf = r.made[0];
	mf->state = MEGAFLOW_LIVE;
	CU_ASSERT_EQUAL(swpath_megaflow_install(r.sp, mf), 0);
	CU_ASSERT_EQUAL(swpath_megaflow_install(r.sp, mf), -EEXIST);
	swpath_stats_read(r.sp, &stats);
	CU_ASSERT_EQUAL(stats.megaflows, 1);
	CU_ASSERT_EQUAL(stats.masks, 1);
	rig_sync(&r); /* the young table lets go: rig and classifier hold it */
	CU_ASSERT_EQUAL(mf->refs, 2);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 2));

	mf->state = MEGAFLOW_RETIRING;
	swpath_megaflow_remove(r.sp, mf);
	rig_sync(&r);
	rcu_drain();
	CU_ASSERT_EQUAL(mf->refs, 1); /* nobody but the rig */
	r.out_port = 3;
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 3, 1));
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 2);
	CU_ASSERT_EQUAL(r.translated, 2);
	swpath_stats_read(r.sp, &stats);
	CU_ASSERT_EQUAL(stats.megaflows, 0);
	rig_close(&r);
}

static void replaced(void)
{
	struct frame f = to_mac(9, FRAME_TCP4);
	struct hal_megaflow *from, *to;
	struct hal_key key, mask = {.in_port = UINT32_MAX};
	struct rig r;

	rig_open(&r, 1, &fake_class);
	memset(mask.eth_dst, 0xff, 6);
	swpath_parse(f.b, f.len, &key);
	key.in_port = rte_cpu_to_be_32(1);
	from = test_megaflow(&key, &mask, rig_output(2));
	to = test_megaflow(&key, &mask, rig_output(3));
	CU_ASSERT_EQUAL(swpath_megaflow_install(r.sp, from), 0);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 1));
	CU_ASSERT_EQUAL(swpath_megaflow_replace(r.sp, from, to), 0);
	from->state = MEGAFLOW_RETIRING;
	rig_sync(&r);
	hal_megaflow_unref(from);
	rcu_drain();
	CU_ASSERT_EQUAL(test_megaflows_alive(), 1);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 3, 1));
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 1);
	CU_ASSERT_EQUAL(r.translated, 0);
	hal_megaflow_unref(to);
	rig_close(&r);
}

/* After a change and a sync no packet follows the former megaflow, over and over. */
static void never_stale(void)
{
	struct frame f = to_mac(9, FRAME_UDP4);
	unsigned sent[RIG_PORTS + 1] = {0};
	struct rig r;

	rig_open(&r, 2, &fake_class);
	r.translate = rig_to_out_port;
	for (unsigned round = 0; round < 300; round++) {
		struct hal_megaflow *mf;
		uint32_t out = 2 + round % 3;

		r.out_port = out;
		rig_receive(&r, 1, &f);
		rig_receive(&r, 1, &f);
		sent[out] += 2;
		CU_ASSERT_FATAL(fake_wait(r.sp, out, sent[out]));
		CU_ASSERT_EQUAL_FATAL(r.n_made, round + 1);
		mf = r.made[round];
		if (round % 2) {
			mf->state = MEGAFLOW_LIVE;
			CU_ASSERT_EQUAL(swpath_megaflow_install(r.sp, mf), 0);
			rig_receive(&r, 1, &f);
			CU_ASSERT_FATAL(fake_wait(r.sp, out, ++sent[out]));
		}
		mf->state = MEGAFLOW_RETIRING;
		swpath_megaflow_remove(r.sp, mf);
		rig_sync(&r);
		rcu_drain();
		CU_ASSERT_EQUAL(mf->refs, 1);
	}
	rig_close(&r);
}

static struct hal_megaflow *not_cached(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_megaflow *mf = rig_to_out_port(r, key, cache);

	*cache = false;
	hal_megaflow_unref(mf); /* the rig's own reference stays */
	return mf;
}

static struct hal_megaflow *drop_all(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_key mask = {.in_port = UINT32_MAX};
	struct hal_builder b;

	hal_builder_init(&b);
	return rig_made(r, test_megaflow(key, &mask, hal_builder_finish(&b)), cache);
}

/* Always the same megaflow, made by another worker. */
static struct hal_megaflow *anothers(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_key mask = {.in_port = UINT32_MAX};

	if (!r->n_made)
		rig_made(r, test_megaflow(key, &mask, rig_output(r->out_port)), cache);
	else
		hal_megaflow_ref(r->made[0]);
	*cache = true;
	return r->made[0];
}

static void made_by_another(void)
{
	struct frame f = to_mac(9, FRAME_TCP4);
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = anothers;
	r.foreign = true;
	r.out_port = 2;
	for (unsigned i = 0; i < 4; i++) {
		f.b[7] = (uint8_t)i;
		rig_receive(&r, 1, &f); /* only the control plane knows it: asked each time */
		CU_ASSERT(fake_wait(r.sp, 2, i + 1));
		CU_ASSERT_EQUAL(r.translated, i + 1);
	}
	CU_ASSERT_EQUAL(r.made[0]->refs, 1); /* nobody but the rig */
	rig_close(&r);
}

static void odd_answers(void)
{
	struct frame f = to_mac(9, FRAME_TCP4), runt = f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	rig_receive(&r, 1, &f); /* no answer at all */
	while (!rig_drops(&r, SWPATH_DROP_TRANSLATION))
		rig_sync(&r);
	r.translate = not_cached;
	r.out_port = 2;
	rig_receive(&r, 1, &f);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 2));
	CU_ASSERT_EQUAL(r.translated, 3);
	r.translate = drop_all;
	rig_receive(&r, 3, &f);
	while (!rig_drops(&r, SWPATH_DROP_ACTION))
		rig_sync(&r);
	runt.len = 13;
	rig_receive(&r, 3, &runt);
	while (!rig_drops(&r, SWPATH_DROP_MALFORMED))
		rig_sync(&r);
	CU_ASSERT_EQUAL(r.translated, 4);
	rig_close(&r);
}

static void ports_come_and_go(void)
{
	struct frame f = to_mac(9, FRAME_TCP4);
	struct swpath_port_config cfg = {.name = "late"};
	char err[128];
	uint32_t id;
	struct rig r;

	rig_open(&r, 2, &fake_class);
	r.translate = rig_to_out_port;
	cfg.id = 2;
	CU_ASSERT_EQUAL(
		swpath_port_add_class(r.sp, &cfg, &fake_class, &id, err, sizeof(err)), -EEXIST);
	cfg.id = HAL_PORT_NONE;
	for (unsigned round = 0; round < 20; round++) {
		CU_ASSERT_EQUAL_FATAL(
			swpath_port_add_class(r.sp, &cfg, &fake_class, &id, err, sizeof(err)), 0);
		CU_ASSERT(id > RIG_PORTS);
		r.out_port = 1 + round % 2;
		fake_forget(r.sp, r.out_port);
		rig_receive(&r, id, &f);
		CU_ASSERT(fake_wait(r.sp, r.out_port, 1));
		CU_ASSERT_EQUAL(swpath_port_remove(r.sp, id, false), 0);
		CU_ASSERT_EQUAL(swpath_port_remove(r.sp, id, false), -ENOENT);
	}
	cfg.id = HAL_PORT_MAX + 1;
	CU_ASSERT_EQUAL(
		swpath_port_add_class(r.sp, &cfg, &fake_class, &id, err, sizeof(err)), -EINVAL);
	rig_close(&r);
}

static void injected_packets(void)
{
	struct hal_key meta = {.in_port = RTE_BE32(1)};
	struct hal_program *program = rig_output(3);
	struct frame f = to_mac(1, FRAME_TCP6);
	int full = 0;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	for (unsigned i = 0; i < 500; i++)
		CU_ASSERT_EQUAL(swpath_inject(r.sp, &meta, f.b, f.len, program), 0);
	rig_sync(&r);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 500);
	CU_ASSERT_EQUAL(swpath_inject(r.sp, &meta, f.b, 10, program), -EINVAL);
	for (unsigned i = 0; i < 100000 && !full; i++)
		full = swpath_inject(r.sp, &meta, f.b, f.len, program);
	CU_ASSERT(!full || full == -ENOBUFS);
	free(program);
	rig_close(&r);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Idle workers sleep, and a packet wakes them. */
static void idle(const struct swpath_port_class *class, double share)
{
	const struct timespec half = {.tv_nsec = 500000000};
	struct frame f = to_mac(9, FRAME_TCP4);
	struct swpath_stats stats;
	struct rig r;
	double before;

	rig_open(&r, 2, class);
	r.translate = rig_to_out_port;
	r.out_port = 2;
	rig_sync(&r);
	before = cpu_seconds();
	nanosleep(&half, NULL);
	CU_ASSERT(cpu_seconds() - before < 0.5 * share);
	swpath_stats_read(r.sp, &stats);
	CU_ASSERT(stats.worker_sleeps > 0);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 1));
	rig_close(&r);
}

/* Ports that can wake the worker are not looked at when they have nothing, and heard at once when
 * they have. */
static void drained_ports_are_left_alone(void)
{
	struct frame f = to_mac(9, FRAME_TCP4);
	uint64_t start_ms, took_ms;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = rig_to_out_port;
	r.out_port = 2;
	rig_sync(&r);
	start_ms = now_ms();
	for (unsigned i = 0; i < 300; i++) {
		rig_receive(&r, 1 + i % 2 * 2, &f);
		CU_ASSERT_FATAL(fake_wait(r.sp, 2, i + 1));
	}
	took_ms = now_ms() - start_ms;
	/* Not heard, each would wait for the end of a sleep of 100 ms. */
	CU_ASSERT(took_ms < 300 * 100 / 4);
	/* Only those sleeps end with a look. */
	CU_ASSERT(fake_looks(r.sp, 4) < 10 + took_ms / 50);
	CU_ASSERT(fake_looks(r.sp, 1) >= 150);
	rig_close(&r);
}

static void idle_with_descriptor(void)
{
	idle(&fake_class, 0.03);
}

static void idle_without_descriptor(void)
{
	idle(&fake_deaf_class, 0.25);
}

void suite_datapath(void)
{
	CU_pSuite s = CU_add_suite("datapath", NULL, NULL);

	CU_add_test(s, "translated once", translated_once);
	CU_add_test(s, "many flows", many_flows);
	CU_add_test(s, "installed and removed", installed_and_removed);
	CU_add_test(s, "replaced", replaced);
	CU_add_test(s, "never stale", never_stale);
	CU_add_test(s, "odd answers", odd_answers);
	CU_add_test(s, "made by another worker", made_by_another);
	CU_add_test(s, "ports come and go", ports_come_and_go);
	CU_add_test(s, "injected packets", injected_packets);
	CU_add_test(s, "drained ports are left alone", drained_ports_are_left_alone);
	CU_add_test(s, "idle, with a descriptor", idle_with_descriptor);
	CU_add_test(s, "idle, without", idle_without_descriptor);
}
