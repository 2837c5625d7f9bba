/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps with lists of steps, and truncation.
 */
#include <string.h>

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
			all += count(3);
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

void nested_suite(void)
{
	CU_pSuite s = CU_add_suite("nested steps", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "clones", clones);
	CU_add_test(s, "samples", samples);
	CU_add_test(s, "packet lengths", lengths);
	CU_add_test(s, "truncation", truncation);
	CU_add_test(s, "it ends", stop);
}
