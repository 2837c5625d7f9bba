/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects: who uses them, meters, groups, mirrors, and what becomes of them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "frame.h"

static void *dev;
static uint8_t sent[1600], got[1600];
static size_t len;

static void start(void)
{
	dev = device_open("nic", NULL);
	device_bind_all(dev);
	len = frame_make(sent, false, false, 50, false);
}

static void stop(void)
{
	device_close(dev, "nic");
}

static int set_meter(uint32_t id, bool pktps, uint32_t rate, uint32_t burst)
{
	struct hal_meter m = {.pktps = pktps,
		.n_bands = 1,
		.band = {{.type = HAL_BAND_DROP, .rate = rate, .burst = burst}}};

	return object_set(dev, HAL_OBJECT_METER, id, &m, sizeof(m), NULL);
}

static int del(enum hal_object_type type, uint32_t id)
{
	return sim_driver.object_del(dev, type, id);
}

/* From port 1 to port 2 through the meter. */
static void meter_rule(struct test_rule *t, uint32_t id)
{
	struct hal_builder b;

	rule_make(t, 500, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_METER, id);
	hal_build_output(&b, 2);
	rule_program(t, &b);
}

static void uses(void)
{
	struct hal_completion c;
	struct hal_object_stats s;
	struct test_rule t, other;

	meter_rule(&t, 7);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), -EAGAIN);
	CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_DEPENDS);
	CU_ASSERT_EQUAL(c.reason.action, ACTION_METER);
	CU_ASSERT_EQUAL(set_meter(7, true, 1000, 10), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, &c), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 7), -EBUSY);
	CU_ASSERT_EQUAL(set_meter(7, true, 2000, 10), 0); /* changed in use */
	CU_ASSERT_EQUAL(set_meter(8, true, 2000, 10), 0);
	meter_rule(&other, 8);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_REPLACE, &other, &c), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 7), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 7), -ENOENT);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 8), -EBUSY);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &other, &c), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 8), 0);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 8, &s), -ENOENT);
	rule_free(&t);
	rule_free(&other);
}

static void bad_objects(void)
{
	struct hal_mirror m = {.port = 99};
	struct hal_tunnel t = {.type = 5, .port = 60};
	struct hal_meter meter = {.n_bands = HAL_METER_BANDS + 1};
	struct hal_reason r;

	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_MIRROR, 1, &m, sizeof(m), &r), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNBOUND_PORT);
	CU_ASSERT_EQUAL(r.port, 99);
	CU_ASSERT(object_set(dev, HAL_OBJECT_TUNNEL, 60, &t, sizeof(t), &r) < 0);
	CU_ASSERT(object_set(dev, HAL_OBJECT_METER, 1, &meter, sizeof(meter), &r) < 0);
	CU_ASSERT(object_set(dev, HAL_OBJECT_METER, 1, &meter, 4, &r) < 0);
	CU_ASSERT(object_set(dev, HAL_OBJECT_FDB, 1, &meter, 4, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_ACTION);
	m.port = 2;
	for (uint32_t i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_MIRROR, i, &m, sizeof(m), &r), 0);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_MIRROR, 64, &m, sizeof(m), &r), -ENOSPC);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NO_ROOM);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_MIRROR, 5, &m, sizeof(m), &r), 0);
	for (uint32_t i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(del(HAL_OBJECT_MIRROR, i), 0);
}

/* Sends for a second more than the meter lets pass, whose burst bridges pauses of this program:
 * what passes is what it says, within 2%. */
static void rate_one(bool pktps, uint32_t rate, uint32_t burst, double expected_rate)
{
	struct hal_object_stats s = {0};
	uint64_t begin, passed;
	struct test_rule t;
	struct hal_builder b;
	double expected;

	CU_ASSERT_EQUAL(set_meter(9, pktps, rate, burst), 0);
	rule_make(&t, 500, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_METER, 9);
	hal_build_output(&b, 2);
	rule_program(&t, &b);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	begin = now_ms();
	while (now_ms() < begin + 1000) {
		for (unsigned i = 0; i < 30; i++)
			wire_send(1, sent, len);
		doze(1);
	}
	doze(50);
	begin = now_ms() - begin - 50;
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 9, &s), 0);
	CU_ASSERT(s.meter.band_packets[0] > s.meter.packets / 10);
	CU_ASSERT_EQUAL(s.meter.bytes, s.meter.packets * len);
	passed = s.meter.packets - s.meter.band_packets[0];
	expected = expected_rate * ((double)begin / 1000 + (double)burst / rate);
	if ((double)passed < expected * 0.98 || (double)passed > expected * 1.02)
		fprintf(stderr, "%lu of %lu passed, expected %.1f\n", passed, s.meter.packets,
			expected);
	CU_ASSERT((double)passed > expected * 0.98 && (double)passed < expected * 1.02);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &t, NULL), 0);
	rule_free(&t);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 9), 0);
	while (wire_recv(2, got, sizeof(got), 1))
		;
}

static void rates(void)
{
	rate_one(true, 1000, 300, 1000);
	/* 800 kb/s of frames of `len` bytes */
	rate_one(false, 800, 240, 800e3 / 8 / (double)len);
}

/* A band of a higher rate applies when both are exceeded; remarking raises the drop precedence. */
static void bands(void)
{
	static const struct {
		uint8_t before, after;
	} dscp[] = {{10, 12}, {14, 14}, {36, 38}, {0, 0}, {46, 46}, {11, 11}};
	struct hal_meter m = {.pktps = true,
		.n_bands = 2,
		.band = {{.type = HAL_BAND_DSCP_REMARK, .rate = 1, .burst = 1, .prec_level = 1},
			{.type = HAL_BAND_DROP, .rate = 1000, .burst = 1000}}};
	struct hal_object_stats s = {0};
	struct test_rule t;

	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 3, &m, sizeof(m), NULL), 0);
	meter_rule(&t, 3);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	wire_send(1, sent, len); /* takes the only packet of the first band's second */
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	for (unsigned i = 0; i < sizeof(dscp) / sizeof(dscp[0]); i++) {
		uint8_t frame[200];

		frame_make(frame, true, false, 50, false);
		frame[14] = (uint8_t)(0x60 | dscp[i].before >> 2);
		frame[15] = (uint8_t)(dscp[i].before << 6);
		wire_send(1, frame, len + 20);
		CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len + 20);
		CU_ASSERT_EQUAL((got[14] & 15) << 2 | got[15] >> 6, dscp[i].after);
	}
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 3, &s), 0);
	CU_ASSERT_EQUAL(s.meter.packets, 7);
	CU_ASSERT_EQUAL(s.meter.band_packets[0], 6);
	CU_ASSERT_EQUAL(s.meter.band_packets[1], 0);
	m.band[1] = (struct hal_band){.type = HAL_BAND_DROP, .rate = 2, .burst = 1};
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 3, &m, sizeof(m), NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	wire_send(1, sent, len); /* both are exceeded: the drop has the higher rate */
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 30), 0);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 3, &s), 0);
	CU_ASSERT_EQUAL(s.meter.packets, 9); /* a change keeps what was counted */
	CU_ASSERT_EQUAL(s.meter.band_packets[1], 1);
	rule_drop(dev, &t, 9);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 3), 0);
}

/* ---- groups and mirrors ---- */

/* Makes a group of buckets that are given as programs. */
static int set_group(uint32_t id, struct hal_builder *b, unsigned n, struct hal_reason *r)
{
	_Alignas(8) uint8_t buf[1024];
	struct hal_group *g = (struct hal_group *)buf;
	uint8_t *at = (uint8_t *)g->buckets;

	*g = (struct hal_group){.n_buckets = n};
	for (unsigned i = 0; i < n; i++) {
		struct hal_program *p = hal_builder_finish(&b[i]);
		struct hal_bucket bucket = {.len = p->len};

		memcpy(at, &bucket, sizeof(bucket));
		memcpy(at + sizeof(bucket), p->steps, p->len);
		at += sizeof(bucket) + p->len;
		free(p);
	}
	g->len = (uint32_t)(at - (uint8_t *)g->buckets);
	return object_set(dev, HAL_OBJECT_GROUP, id, g, (size_t)(at - buf), r);
}

static void groups(void)
{
	struct hal_object_stats s = {0};
	struct hal_builder b[2], prog;
	struct hal_reason r;
	struct test_rule t;

	hal_builder_init(&b[0]);
	hal_build_push_vlan(&b[0], RTE_BE16(0x8100), RTE_BE16(5));
	hal_build_output(&b[0], 2);
	hal_builder_init(&b[1]);
	build_number(&b[1], ACTION_METER, 4);
	hal_build_output(&b[1], 3);
	CU_ASSERT_EQUAL(set_group(1, b, 2, &r), -EAGAIN); /* no such meter */
	CU_ASSERT_EQUAL(r.code, HAL_REASON_DEPENDS);
	CU_ASSERT_EQUAL(set_meter(4, true, 1000, 1000), 0);
	hal_builder_init(&b[0]);
	hal_build_push_vlan(&b[0], RTE_BE16(0x8100), RTE_BE16(5));
	hal_build_output(&b[0], 2);
	hal_builder_init(&b[1]);
	build_number(&b[1], ACTION_METER, 4);
	hal_build_output(&b[1], 3);
	CU_ASSERT_EQUAL(set_group(1, b, 2, &r), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 4), -EBUSY);
	rule_make(&t, 510, 1, "");
	hal_builder_init(&prog);
	build_number(&prog, ACTION_GROUP, 1);
	hal_build_output(&prog, 2); /* as it was before the group */
	rule_add(dev, &t, &prog);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len + 4);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_GROUP, 1, &s), 0);
	CU_ASSERT_EQUAL(s.packets, 1);
	CU_ASSERT_EQUAL(s.bytes, len);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_GROUP, 1), -EBUSY);
	CU_ASSERT_EQUAL(
		set_group(1, NULL, 0, &r), 0); /* no bucket any more: nor the meter's user */
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 4), 0);
	hal_builder_init(&b[0]);
	build_number(&b[0], ACTION_GROUP, 1);
	CU_ASSERT(set_group(2, b, 1, &r) < 0);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_COMBINATION);
	rule_drop(dev, &t, 1);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_GROUP, 1), 0);
}

static void mirrors(void)
{
	struct hal_mirror m = {.port = 3, .max_len = 40};
	struct hal_object_stats s = {0};
	struct hal_builder b;
	struct test_rule t;

	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_MIRROR, 1, &m, sizeof(m), NULL), 0);
	rule_make(&t, 520, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_MIRROR, 1);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 2);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), 40);
	CU_ASSERT_EQUAL(memcmp(got, sent, 40), 0);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(got[22], 63);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_MIRROR, 1, &s), 0);
	CU_ASSERT_EQUAL(s.packets, 1);
	rule_drop(dev, &t, 1);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_MIRROR, 1), 0);
}

/* ---- life ---- */

static uint32_t count_objects(void)
{
	struct hal_device_stats s;
	uint32_t n = 0;

	CU_ASSERT_EQUAL(sim_driver.stats(dev, &s), 0);
	for (unsigned i = 0; i < HAL_OBJECT_MAX; i++)
		n += s.objects[i];
	return n;
}

/* A driver that comes after finds rules with their objects. What it does not claim goes away, with
 * the rules that use it or, unused, after a while. */
static void adopted(void)
{
	struct hal_object_stats s = {0};
	struct test_rule t;

	/* A process that waits for less long. */
	stop();
	setenv("SIMNIC_CLAIM_MS", "1500", 1);
	start();
	unsetenv("SIMNIC_CLAIM_MS");
	CU_ASSERT_EQUAL(set_meter(1, true, 1000, 1000), 0);
	CU_ASSERT_EQUAL(set_meter(2, true, 1000, 1000), 0);
	CU_ASSERT_EQUAL(set_meter(3, true, 1000, 1000), 0);
	meter_rule(&t, 1);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &t, NULL), 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	device_close(dev, NULL);
	start();
	CU_ASSERT_EQUAL(count_objects(), 3);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 1, &s), 0);
	CU_ASSERT_EQUAL(s.meter.packets, 1);
	CU_ASSERT_EQUAL(set_meter(3, true, 1000, 1000), 0);
	for (unsigned i = 0; i < 40 && count_objects() > 2; i++)
		doze(100);
	CU_ASSERT_EQUAL(count_objects(), 2); /* 1 is in use, 3 is claimed */
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 2, &s), -ENOENT);
	rule_drop(dev, &t, 1);
	CU_ASSERT_EQUAL(count_objects(), 1);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 3), 0);
}

static void killed(void)
{
	struct hal_completion c[4];
	int alive = 0;

	CU_ASSERT_EQUAL(set_meter(1, true, 1000, 1000), 0);
	kill(device_pid(dev), SIGKILL);
	for (unsigned i = 0; i < 300 && !alive; i++, doze(10))
		alive = sim_driver.poll(dev, c, 4);
	CU_ASSERT_EQUAL(alive, -ENODEV);
	for (unsigned i = 0; i < 300 && alive; i++, doze(10))
		alive = sim_driver.poll(dev, c, 4);
	CU_ASSERT_EQUAL_FATAL(alive, 0);
	CU_ASSERT_EQUAL(count_objects(), 0);
	CU_ASSERT_EQUAL(set_meter(1, true, 1000, 1000), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 1), 0);
}

static void scripted(void)
{
	struct hal_meter m = {.n_bands = 0};
	struct hal_reason r;

	stop();
	device_script("flaky", "refuse every=2 op=object_set code=no_room text=\"no such luck\"\n"
			       "refuse every=2 op=object_del code=retry\n");
	dev = device_open("flaky", NULL);
	device_bind_all(dev);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 1, &m, sizeof(m), &r), 0);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 2, &m, sizeof(m), &r), -ENOSPC);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_NO_ROOM);
	CU_ASSERT_STRING_EQUAL(r.text, "no such luck");
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 2, &m, sizeof(m), &r), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 1), 0);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 2), -EAGAIN);
	CU_ASSERT_EQUAL(del(HAL_OBJECT_METER, 2), 0);
	device_close(dev, "flaky");
	start();
}

void object_suite(void)
{
	CU_pSuite s = CU_add_suite("objects", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "who uses them", uses);
	CU_add_test(s, "what is refused", bad_objects);
	CU_add_test(s, "rates of meters", rates);
	CU_add_test(s, "bands of meters", bands);
	CU_add_test(s, "groups", groups);
	CU_add_test(s, "mirrors", mirrors);
	CU_add_test(s, "scripted refusals", scripted);
	CU_add_test(s, "lost with the process", killed);
	CU_add_test(s, "kept for the next driver", adopted);
	CU_add_test(s, "it ends", stop);
}
