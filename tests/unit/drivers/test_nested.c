/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps with lists of steps, and truncation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/codec.h"
#include "drivers/sim/sim.h"
#include "fixture.h"
#include "frame.h"

static void *dev;
static uint8_t sent[1600], got[1600];

static void start(void)
{
	dev = device_open("nic", NULL);
	device_bind_all(dev);
}

static void stop(void)
{
	device_close(dev, "nic");
}

/* What is done in a clone is done to a copy. */
static void clones(void)
{
	size_t len = frame_make(sent, false, false, 50, false);
	struct test_rule t;
	struct hal_builder b;
	uint32_t at, inner;

	rule_make(&t, 600, 1, "");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(5));
	inner = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_push_vlan(&b, RTE_BE16(0x88a8), RTE_BE16(6));
	hal_build_output(&b, 3);
	hal_build_nested_end(&b, inner);
	hal_build_output(&b, 2);
	hal_build_nested_end(&b, at);
	hal_build_output(&b, 2);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len + 8);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len + 4);
	CU_ASSERT_EQUAL(memcmp(got + 12, "\x81\x00\x00\x05\x08\x00", 6), 0);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	rule_drop(dev, &t, 1);
}

static unsigned count(unsigned wire)
{
	unsigned n = 0;

	while (wire_recv(wire, got, sizeof(got), 50))
		n++;
	return n;
}

/* The same for as many as have to come: a busy machine may take its time. */
static unsigned count_to(unsigned wire, unsigned most)
{
	unsigned n = 0;

	while (n < most && wire_recv(wire, got, sizeof(got), 2000))
		n++;
	return n;
}

/* A fraction: never, always, and about a half of 1000. */
static void samples(void)
{
	static const struct {
		uint32_t probability;
		unsigned least, most;
	} cases[] = {{0, 0, 0}, {UINT32_MAX, 1000, 1000}, {UINT32_MAX / 2, 420, 580}};
	size_t len = frame_make(sent, false, false, 50, false);

	for (unsigned i = 0; i < 3; i++) {
		unsigned out = 0, all = 0;
		struct test_rule t;
		struct hal_builder b;
		uint32_t at;

		rule_make(&t, 610, 1, "");
		hal_builder_init(&b);
		at = hal_build_nested_begin(&b, ACTION_SAMPLE, cases[i].probability);
		hal_build_output(&b, 2);
		hal_build_nested_end(&b, at);
		hal_build_output(&b, 3);
		rule_add(dev, &t, &b);
		for (unsigned k = 0; k < 10; k++) {
			for (unsigned n = 0; n < 100; n++)
				wire_send(1, sent, len);
			all += count_to(3, 100);
			out += count(2);
		}
		CU_ASSERT_EQUAL(all, 1000);
		CU_ASSERT(out >= cases[i].least && out <= cases[i].most);
		rule_drop(dev, &t, 1000);
	}
}

static void lengths(void)
{
	struct test_rule t;
	struct hal_builder b;
	uint32_t at;

	rule_make(&t, 620, 1, "");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 142);
	hal_build_output(&b, 2);
	hal_build_nested_else(&b, at);
	hal_build_output(&b, 3);
	hal_build_nested_end(&b, at);
	rule_add(dev, &t, &b);
	for (size_t payload = 98; payload <= 102; payload++) {
		size_t len = frame_make(sent, false, false, payload, false); /* 42 more */
		unsigned port = len > 142 ? 2 : 3;

		wire_send(1, sent, len);
		CU_ASSERT_EQUAL(wire_recv(port, got, sizeof(got), 1000), len);
	}
	CU_ASSERT_EQUAL(count(2) + count(3), 0);
	rule_drop(dev, &t, 5);
}

/* TRUNC cuts the next output only, and nothing that is shorter. */
static void truncation(void)
{
	size_t len = frame_make(sent, false, false, 50, false);
	struct test_rule t;
	struct hal_builder b;

	rule_make(&t, 630, 1, "");
	hal_builder_init(&b);
	build_number(&b, ACTION_TRUNC, 60);
	hal_build_output(&b, 2);
	hal_build_output(&b, 2);
	build_number(&b, ACTION_TRUNC, 600);
	hal_build_output(&b, 3);
	rule_add(dev, &t, &b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), 60);
	CU_ASSERT_EQUAL(memcmp(got, sent, 60), 0);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 1000), len);
	rule_drop(dev, &t, 1);
}

/* ---- super-frames ---- */

#define SEGMENTS 10
#define SEGMENT 1200
#define HEADERS 54

/* Sends a super-frame through the steps, followed by an output to port 2. Frames and bytes that
 * come out; checksums of those that are whole are right. */
static unsigned send_super(struct hal_builder *b, size_t *bytes, size_t skip)
{
	static uint8_t big[66000];
	size_t len = frame_make(big, false, true, SEGMENTS * SEGMENT, true), n;
	struct test_rule t;
	unsigned frames = 0;

	*bytes = 0;
	rule_make(&t, 640, 1, "");
	hal_build_output(b, 2);
	rule_add(dev, &t, b);
	wire_send_partial(big, len, 34, true, SEGMENT);
	while ((n = wire_recv(2, got, sizeof(got), frames ? 50 : 1000)) > 0) {
		frames++;
		*bytes += n;
		if (n == SEGMENT + HEADERS + skip)
			CU_ASSERT(frame_sums_ok(got + skip, n - skip));
	}
	rule_drop(dev, &t, 1);
	return frames;
}

static void super_frames(void)
{
	const struct hal_tunnel end = {.udp_dst = 4789, .port = 60};
	struct hal_meter m = {.pktps = true, .n_bands = 1, .band = {{.rate = 1, .burst = 4}}};
	struct hal_act_tunnel_push *push;
	struct hal_object_stats s = {0};
	struct hal_builder b;
	size_t bytes;
	uint32_t at;

	hal_builder_init(&b); /* each frame is cut */
	build_number(&b, ACTION_TRUNC, 100);
	CU_ASSERT_EQUAL(send_super(&b, &bytes, 0), SEGMENTS);
	CU_ASSERT_EQUAL(bytes, SEGMENTS * 100);
	hal_builder_init(&b); /* each frame goes into the tunnel */
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_TUNNEL, 60, &end, sizeof(end), NULL), 0);
	push = hal_builder_add(&b, ACTION_TUNNEL_PUSH, sizeof(*push) + 50);
	push->port = 60;
	push->header_len = 50;
	push->header[12] = 8;
	push->header[14] = 0x45;
	CU_ASSERT_EQUAL(send_super(&b, &bytes, 50), SEGMENTS);
	CU_ASSERT_EQUAL(bytes, SEGMENTS * (SEGMENT + HEADERS + 50));
	CU_ASSERT_EQUAL(sim_driver.object_del(dev, HAL_OBJECT_TUNNEL, 60), 0);
	hal_builder_init(&b); /* the meter takes four of them */
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_METER, 5, &m, sizeof(m), NULL), 0);
	build_number(&b, ACTION_METER, 5);
	CU_ASSERT_EQUAL(send_super(&b, &bytes, 0), 4);
	CU_ASSERT_EQUAL(bytes, 4 * (SEGMENT + HEADERS));
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_METER, 5, &s), 0);
	CU_ASSERT_EQUAL(s.meter.packets, SEGMENTS);
	CU_ASSERT_EQUAL(s.meter.band_packets[0], SEGMENTS - 4);
	CU_ASSERT_EQUAL(sim_driver.object_del(dev, HAL_OBJECT_METER, 5), 0);
	hal_builder_init(&b); /* the length is that of a segment */
	at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, SEGMENT + HEADERS);
	hal_build_output(&b, 3);
	hal_build_nested_else(&b, at);
	hal_build_nested_end(&b, at);
	build_number(&b, ACTION_TRUNC, 60);
	CU_ASSERT_EQUAL(send_super(&b, &bytes, 0), SEGMENTS);
	CU_ASSERT_EQUAL(wire_recv(3, got, sizeof(got), 20), 0);
}

/* ---- requests that make no sense ---- */

/* A group with one bucket, which sends by port 2. */
static struct hal_object one_bucket(uint64_t space[16])
{
	const struct hal_bucket bucket = {sizeof(struct hal_act_output), 0};
	const struct hal_act_output out = {{ACTION_OUTPUT, sizeof(struct hal_act_output), 0}, 2, 0};
	struct hal_group *group = (struct hal_group *)space;

	group->n_buckets = 1;
	group->len = sizeof(bucket) + sizeof(out);
	memcpy(group->buckets, &bucket, sizeof(bucket));
	memcpy((uint8_t *)group->buckets + sizeof(bucket), &out, sizeof(out));
	return (struct hal_object){HAL_OBJECT_GROUP, 3, sizeof(*group) + group->len, group};
}

/* Whatever a rule's or an object's bytes say, the process lives and answers. */
static void damaged(void)
{
	uint8_t rule_bytes[1024], group_bytes[512], msg[1100];
	uint64_t space[16];
	const struct hal_object obj = one_bucket(space);
	struct sim_dev *sim = dev;
	struct hal_device_stats s;
	struct test_rule t;
	struct hal_builder b;
	uint32_t at;
	int rule_len, group_len;

	rule_make(&t, 650, 1, "tcp,nw_src=10.0.0.0/8");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 100);
	hal_build_output(&b, 2);
	hal_build_nested_else(&b, at);
	hal_build_plain(&b, ACTION_CT_CLEAR);
	hal_build_nested_end(&b, at);
	hal_builder_add(&b, ACTION_CT, sizeof(struct hal_act_ct));
	build_number(&b, ACTION_METER, 1);
	build_set(&b, FIELD_PKT_MARK, 1);
	rule_program(&t, &b);
	rule_len = sim_rule_encode(&t.rule, rule_bytes, sizeof(rule_bytes), NULL);
	group_len = sim_object_encode(&obj, group_bytes, sizeof(group_bytes), NULL);
	CU_ASSERT_FATAL(rule_len > 0 && group_len > 0);
	srand(7);
	for (unsigned i = 0; i < 4000; i++) {
		bool rule = i % 2;
		int len = rule ? rule_len : group_len;
		const struct sim_msg head = {rule ? SIM_ADD : SIM_OBJECT_SET, 1 + i};

		memcpy(msg, &head, sizeof(head));
		memcpy(msg + sizeof(head), rule ? rule_bytes : group_bytes, (size_t)len);
		for (unsigned k = 0; k < 1 + i % 3; k++)
			msg[sizeof(head) + (size_t)(rand() % len)] ^= (uint8_t)(1 << rand() % 8);
		while (sim_send(sim, msg, sizeof(head) + (size_t)len) == -EAGAIN)
			doze(1);
		if (i % 100 == 0)
			wire_send(1, got, frame_make(got, false, true, 50, false));
	}
	CU_ASSERT_EQUAL(sim_driver.stats(dev, &s), 0);
	CU_ASSERT(s.alive);
	for (unsigned i = 1; i <= WIRES; i++)
		count(i); /* what rules that made sense after all let through */
	rule_free(&t);
}

void nested_suite(void)
{
	CU_pSuite s = CU_add_suite("nested steps", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "clones", clones);
	CU_add_test(s, "samples", samples);
	CU_add_test(s, "packet lengths", lengths);
	CU_add_test(s, "truncation", truncation);
	CU_add_test(s, "super-frames", super_frames);
	CU_add_test(s, "requests that make no sense", damaged);
	CU_add_test(s, "it ends", stop);
}
