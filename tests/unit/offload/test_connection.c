/* SPDX-License-Identifier: Apache-2.0
 *
 * Tracked connections in a device.
 */
#include "test_offload.h"

static _Atomic uint64_t hits[64];

static void on_hit(void *ctx, uint64_t id, uint64_t packets)
{
	(void)ctx;
	if (id < 64)
		hits[id] += packets;
}

static void connect_(uint64_t id, uint16_t zone, uint32_t mark)
{
	struct hal_connection dir[2] = {0};

	for (unsigned d = 0; d < 2; d++) {
		dir[d].zone = zone;
		dir[d].ip_proto = 6;
		dir[d].tp_src = (rte_be16_t)id;
		dir[d].mark = mark;
	}
	CU_ASSERT_EQUAL(offload_connection_set(ol, id, dir), 0);
}

static struct test_mf *tracked(uint32_t n, uint16_t zone)
{
	struct hal_builder b;

	hal_builder_init(&b);
	build_ct(&b, zone);
	hal_build_output(&b, 2);
	return mf_built(n, 1, 0, &b);
}

/* The object that has this connection's first direction, or UINT32_MAX. */
static uint32_t object_of(uint64_t id)
{
	for (uint32_t i = 0; i < 64; i += 2) {
		const struct hal_connection *c = fake_object(fake, HAL_OBJECT_CONNECTION, i, NULL);

		if (c && c->tp_src == (rte_be16_t)id)
			return i;
	}
	return UINT32_MAX;
}

static void start(const char *name)
{
	memset((void *)hits, 0, sizeof(hits));
	config.ops.connection_hit = on_hit;
	begin(name);
}

/* Only those in zones that a rule of the device uses. */
static void test_zones(void)
{
	struct test_mf *t = tracked(1, 5), *u = tracked(2, 5), *v = tracked(3, 6);

	start("ct");
	connect_(1, 5, 0);
	connect_(2, 6, 0);
	barrier();
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	live(t);
	live(u);
	EVENTUALLY(PLACED(t) && PLACED(u));
	EVENTUALLY(info().connections == 1);
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_CONNECTION), 2);
	connect_(3, 5, 0);
	barrier();
	CU_ASSERT_EQUAL(info().connections, 2);
	live(v);
	EVENTUALLY(info().connections == 3);
	withdraw(t, NULL);
	barrier();
	CU_ASSERT_EQUAL(info().connections, 3);
	withdraw(u, NULL);
	EVENTUALLY(info().connections == 1);
	CU_ASSERT_NOT_EQUAL(object_of(2), UINT32_MAX);
	offload_connection_gone(ol, 2);
	offload_connection_gone(ol, 99);
	barrier();
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	CU_ASSERT_EQUAL(info().connections, 0);
	withdraw(v, NULL);
	mf_put(t);
	mf_put(u);
	mf_put(v);
	end();
}

static void test_change_and_count(void)
{
	struct test_mf *t = tracked(1, 5);
	struct hal_object_stats s = {.packets = 10};
	const struct hal_connection *c;
	uint32_t at;

	start("ct");
	live(t);
	connect_(1, 5, 0);
	EVENTUALLY(info().connections == 1);
	at = object_of(1);
	CU_ASSERT_NOT_EQUAL_FATAL(at, UINT32_MAX);
	connect_(1, 5, 77);
	barrier();
	c = fake_object(fake, HAL_OBJECT_CONNECTION, at + 1, NULL);
	CU_ASSERT(c && c->mark == 77);
	CU_ASSERT_EQUAL(info().connections, 1);
	fake_count_object(fake, HAL_OBJECT_CONNECTION, at, &s);
	s.packets = 3;
	fake_count_object(fake, HAL_OBJECT_CONNECTION, at + 1, &s);
	EVENTUALLY(hits[1] == 13);
	sleep_ms(60);
	CU_ASSERT_EQUAL(hits[1], 13);
	fake_reset(fake); /* it comes back, and counts from 0 */
	EVENTUALLY(info().resets == 1);
	EVENTUALLY(PLACED(t) && info().connections == 1);
	at = object_of(1);
	CU_ASSERT_NOT_EQUAL_FATAL(at, UINT32_MAX);
	fake_count_object(fake, HAL_OBJECT_CONNECTION, at, &s);
	EVENTUALLY(hits[1] == 16);
	offload_connection_gone(ol, 1);
	withdraw(t, NULL);
	mf_put(t);
	EVENTUALLY(fake_objects(fake) == 0);
	end();
}

/* Room for two connections, refusals by the device, and a device of a former run. */
static void test_room(void)
{
	struct test_mf *t = tracked(1, 5);

	fake = fake_get("ct_room");
	fake_caps(fake)->max_objects[HAL_OBJECT_CONNECTION] = 4;
	start("ct_room");
	connect_(50, 9, 0); /* of a zone that nobody uses: it makes room */
	live(t);
	EVENTUALLY(PLACED(t));
	fake_refuse_objects(fake, 2, HAL_REASON_NO_ROOM);
	connect_(1, 5, 0);
	connect_(2, 5, 0);
	EVENTUALLY(info().connections == 2);
	CU_ASSERT_EQUAL(info().connections_waiting, 0);
	connect_(3, 5, 0); /* waits for room */
	barrier();
	CU_ASSERT_EQUAL(info().connections, 2);
	CU_ASSERT_EQUAL(info().connections_waiting, 1);
	CU_ASSERT_EQUAL(object_of(3), UINT32_MAX);
	offload_connection_gone(ol, 1);
	EVENTUALLY(object_of(3) != UINT32_MAX);
	EVENTUALLY(info().connections_waiting == 0);
	CU_ASSERT_EQUAL(fake_objects(fake), 4);
	end();
	mf_put(t);
	CU_ASSERT_EQUAL(fake_objects(fake), 4);
	open_engine("ct_room");
	EVENTUALLY(fake_objects(fake) == 0);
	EVENTUALLY(fake_rules(fake) == 0);
	end();
}

/* More than the ring takes while the device is stuck: ends are never lost. */
static void test_overflow(void)
{
	struct test_mf *t = tracked(1, 5);
	struct hal_connection dir[2] = {{.zone = 5}, {.zone = 5}};
	int err = 0;

	start("ct_flood");
	live(t);
	connect_(1, 5, 0);
	EVENTUALLY(info().connections == 1);
	fake_block(fake, true);
	for (uint64_t id = 100; id < 100 + 5000 && !err; id++)
		err = offload_connection_set(ol, id, dir);
	CU_ASSERT_EQUAL(err, -EAGAIN);
	offload_connection_gone(ol, 1);
	fake_block(fake, false);
	EVENTUALLY(object_of(1) == UINT32_MAX);
	EVENTUALLY(fake_objects(fake) == 0);
	connect_(2, 5, 0);
	EVENTUALLY(info().connections == 1);
	withdraw(t, NULL);
	mf_put(t);
	EVENTUALLY(fake_objects(fake) == 0);
	end();
}

void connection_suite(void)
{
	CU_pSuite s = CU_add_suite("connections", NULL, NULL);

	CU_add_test(s, "zones", test_zones);
	CU_add_test(s, "change and counters", test_change_and_count);
	CU_add_test(s, "room", test_room);
	CU_add_test(s, "overflow", test_overflow);
}
