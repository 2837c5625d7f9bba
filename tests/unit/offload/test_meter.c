/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter lives in one place, and its flows with it.
 */
#include "test_offload.h"

static const struct hal_meter kbps = {.n_bands = 1, .band = {{.rate = 1000, .burst = 10}}};

static struct test_mf *metered(uint32_t n, uint32_t in_port, uint32_t out, uint32_t meter)
{
	struct hal_builder b;

	hal_builder_init(&b);
	build_meter(&b, meter);
	hal_build_output(&b, out);
	return mf_built(n, in_port, 0, &b);
}

static void test_described(void)
{
	struct test_mf *t = metered(1, 1, 2, 5);
	struct hal_meter changed = kbps, bad = {.n_bands = HAL_METER_BANDS + 1};
	const struct hal_meter *m;

	begin("meter");
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, DEPENDS));
	CU_ASSERT_PTR_NOT_NULL(strstr(slot(t).reason.text, "meter 5"));
	CU_ASSERT_EQUAL(offload_meter_set(ol, 5, &bad), -EINVAL);
	CU_ASSERT_EQUAL(offload_meter_set(ol, 5, &kbps), 0);
	EVENTUALLY(PLACED(t));
	CU_ASSERT_EQUAL(info().objects[HAL_OBJECT_METER], 1);
	changed.band[0].rate = 77;
	CU_ASSERT_EQUAL(offload_meter_set(ol, 5, &changed), 0);
	barrier();
	CU_ASSERT(PLACED(t));
	m = fake_object(fake, HAL_OBJECT_METER, 5, NULL);
	CU_ASSERT(m && m->band[0].rate == 77);
	CU_ASSERT_EQUAL(offload_meter_del(ol, 5), 0);
	CU_ASSERT_EQUAL(offload_meter_del(ol, 5), -ENOENT);
	barrier();
	CU_ASSERT(REFUSED(t, DEPENDS));
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	withdraw(t, NULL);
	mf_put(t);
	end();
}

/* One flow that has to stay in software keeps all of them there; when it goes, they move. */
static void test_one_place(void)
{
	struct test_mf *t[5], *odd = metered(9, 1, 8, 5), *other = metered(10, 1, 2, 6);

	begin("meter");
	offload_meter_set(ol, 5, &kbps);
	offload_meter_set(ol, 6, &kbps);
	live(other);
	for (unsigned i = 0; i < 5; i++)
		live(t[i] = metered(i, 1 + i % 2, 3, 5));
	barrier();
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT(PLACED(t[i]));
	live(odd); /* to a port that is not bound */
	barrier();
	CU_ASSERT(REFUSED(odd, UNBOUND_PORT));
	for (unsigned i = 0; i < 5; i++) {
		EVENTUALLY(REFUSED(t[i], POLICY));
		CU_ASSERT_PTR_NOT_NULL(
			strstr(slot(t[i]).reason.text, "meter 5 is shared with flows that stay in "
						       "software: port not on the device"));
	}
	CU_ASSERT(PLACED(other));
	CU_ASSERT_EQUAL(fake_rules(fake), 1);
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_METER), 1);
	bind_port(8);
	for (unsigned i = 0; i < 5; i++)
		EVENTUALLY(PLACED(t[i]));
	CU_ASSERT(PLACED(odd));
	CU_ASSERT_EQUAL(offload_port_unbind(ol, 0, 8, NULL), 0);
	EVENTUALLY(fake_rules(fake) == 1);
	withdraw(odd, NULL);
	for (unsigned i = 0; i < 5; i++)
		EVENTUALLY(PLACED(t[i]));
	for (unsigned i = 0; i < 5; i++)
		withdraw(t[i], NULL);
	withdraw(other, NULL);
	for (unsigned i = 0; i < 5; i++)
		mf_put(t[i]);
	mf_put(odd);
	mf_put(other);
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	CU_ASSERT_EQUAL(fake_dangling(fake), 0);
	end();
}

/* Room for some of them only: none goes in, and it is not tried over and over. */
static void test_no_room(void)
{
	struct test_mf *t[4];
	unsigned adds;

	fake = fake_get("meter_room");
	fake_max_rules(fake, 3);
	config.retry_interval_ms = 200;
	begin("meter_room");
	offload_meter_set(ol, 5, &kbps);
	for (unsigned i = 0; i < 4; i++)
		live(t[i] = metered(i, 1, 3, 5));
	EVENTUALLY(fake_rules(fake) == 0 && info().refused == 4);
	adds = fake_ops(fake, HAL_OP_ADD);
	sleep_ms(600);
	CU_ASSERT(fake_ops(fake, HAL_OP_ADD) <= adds + 12);
	withdraw(t[3], NULL);
	for (unsigned i = 0; i < 3; i++)
		EVENTUALLY(PLACED(t[i]));
	for (unsigned i = 0; i < 3; i++)
		withdraw(t[i], NULL);
	for (unsigned i = 0; i < 4; i++)
		mf_put(t[i]);
	end();
}

/* Two devices: the meter is in one of them, or in none. */
static void test_two_devices(void)
{
	struct hal_port_handle h = {.kind = HAL_PORT_NETDEV, .name = "q"};
	struct test_mf *a = metered(1, 1, 2, 5), *c = metered(2, 11, 12, 5);
	struct hal_offload_slot s;
	struct hal_reason r;

	begin("meter");
	CU_ASSERT_EQUAL_FATAL(offload_device_add(ol, "fake:meter2", NULL, &r), 1);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 1, 11, &h, &r), 0);
	CU_ASSERT_EQUAL(offload_port_bind(ol, 1, 12, &h, &r), 0);
	offload_meter_set(ol, 5, &kbps);
	live(a);
	barrier();
	EVENTUALLY(REFUSED(a, UNBOUND_PORT) || PLACED(a));
	live(c);
	EVENTUALLY(REFUSED(a, POLICY));
	offload_slot_read(ol, &c->mf, 1, &s);
	EVENTUALLY((offload_slot_read(ol, &c->mf, 1, &s), s.reason.code == HAL_REASON_POLICY));
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	CU_ASSERT_EQUAL(fake_rules(fake_get("meter2")), 0);
	withdraw(a, NULL);
	EVENTUALLY((offload_slot_read(ol, &c->mf, 1, &s), s.placement == PLACEMENT_PLACED));
	withdraw(c, NULL);
	mf_put(a);
	mf_put(c);
	end();
}

static void test_stats(void)
{
	struct test_mf *t = metered(1, 1, 2, 5);
	struct hal_object_stats s = {0};
	struct hal_meter_stats sum;

	begin("meter");
	CU_ASSERT_EQUAL(offload_meter_stats(ol, 5, &sum), -ENOENT);
	offload_meter_set(ol, 5, &kbps);
	live(t);
	EVENTUALLY(PLACED(t));
	s.meter.packets = 100, s.meter.bytes = 6400, s.meter.band_packets[0] = 10;
	CU_ASSERT(fake_count_object(fake, HAL_OBJECT_METER, 5, &s));
	refresh();
	CU_ASSERT_EQUAL(offload_meter_stats(ol, 5, &sum), 0);
	CU_ASSERT_EQUAL(sum.packets, 100);
	CU_ASSERT_EQUAL(sum.band_packets[0], 10);
	fake_reset(fake); /* it counts from 0 again */
	EVENTUALLY(info().resets == 1);
	EVENTUALLY(PLACED(t));
	s.meter.packets = 5, s.meter.band_packets[0] = 1;
	CU_ASSERT(fake_count_object(fake, HAL_OBJECT_METER, 5, &s));
	refresh();
	CU_ASSERT_EQUAL(offload_meter_stats(ol, 5, &sum), 0);
	CU_ASSERT_EQUAL(sum.packets, 105);
	CU_ASSERT_EQUAL(sum.band_packets[0], 11);
	s.meter.packets = 9; /* the last reading is taken when it goes */
	CU_ASSERT(fake_count_object(fake, HAL_OBJECT_METER, 5, &s));
	withdraw(t, NULL);
	mf_put(t);
	CU_ASSERT_EQUAL(offload_meter_stats(ol, 5, &sum), 0);
	CU_ASSERT_EQUAL(sum.packets, 109);
	end();
}

void meter_suite(void)
{
	CU_pSuite s = CU_add_suite("meters", NULL, NULL);

	CU_add_test(s, "described, changed, gone", test_described);
	CU_add_test(s, "in one place", test_one_place);
	CU_add_test(s, "room for some", test_no_room);
	CU_add_test(s, "two devices", test_two_devices);
	CU_add_test(s, "statistics", test_stats);
}
