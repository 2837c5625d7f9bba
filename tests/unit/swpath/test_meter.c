/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters, by a clock of the test's own.
 */
#include "swpath/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define S 1000000000ull /* ns */

static struct swpath_meter *one_band(bool pktps, uint32_t rate, uint32_t burst)
{
	struct hal_meter cfg = {
		.pktps = pktps, .n_bands = 1, .band[0] = {HAL_BAND_DROP, rate, burst, 0}};

	return swpath_meter_new(&cfg, NULL);
}

/* Offers frames of `bytes` for `ns`, `per_s` of them a second in bursts of `burst`; how many pass.
 */
static uint64_t offer(struct swpath_meter *m, uint64_t from_ns, uint64_t ns, uint64_t per_s,
	unsigned burst, uint32_t bytes)
{
	uint64_t passed = 0;

	for (uint64_t i = 0; i * S / per_s * burst < ns; i++)
		for (unsigned j = 0; j < burst; j++)
			passed += swpath_meter_run(m, from_ns + i * S / per_s * burst, 1, bytes,
					  false) == SWPATH_METER_PASS;
	return passed;
}

static void near(uint64_t got, uint64_t want)
{
	CU_ASSERT(got <= want + want / 50 + 1);
	CU_ASSERT(got + want / 50 + 1 >= want);
}

/* Once the bucket is empty, the rate is what passes: by packets, paced evenly and in bursts. */
static void packet_rates(void)
{
	static const uint32_t rates[] = {1000, 10000, 333333, 1000000};

	for (unsigned i = 0; i < 4; i++)
		for (unsigned burst = 1; burst <= 32; burst *= 32) {
			struct swpath_meter *m = one_band(true, rates[i], 64);

			offer(m, 0, S / 10, 3ull * rates[i], burst, 64);
			near(offer(m, S / 10, S, 3ull * rates[i], burst, 64), rates[i]);
			/* What comes slower than the rate passes whole. */
			near(offer(m, 3 * S, S, rates[i] / 2, burst, 64),
				(rates[i] / 2 + burst - 1) / burst * burst);
			swpath_meter_free(m);
		}
}

static void bit_rates(void)
{
	static const uint32_t kbps[] = {1000, 30000, 1000000};
	static const uint32_t bytes[] = {64, 590, 1514};

	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++) {
			uint64_t want = kbps[i] * 1000ull / 8 / bytes[j];
			struct swpath_meter *m = one_band(false, kbps[i], 400);

			offer(m, 0, S / 2, 2 * want, 16, bytes[j]);
			near(offer(m, S, S, 2 * want, 16, bytes[j]), want + 400000 / 8 / bytes[j]);
			swpath_meter_free(m);
		}
}

/* The bucket is full at first; without a size it holds what comes in a second. */
static void bursts(void)
{
	struct swpath_meter *m = one_band(true, 1000, 0);

	CU_ASSERT_EQUAL(offer(m, S, 1000, 1000000000, 1, 64), 1000);
	swpath_meter_free(m);
	m = one_band(true, 1000, 50);
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(swpath_meter_run(m, S, 1, 64, false), i < 50 ? -1 : 0);
	/* After 10 ms there is room for ten more. */
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(swpath_meter_run(m, S + 10000000, 1, 64, false), i < 10 ? -1 : 0);
	swpath_meter_free(m);
	m = one_band(true, 0, 5);
	CU_ASSERT_EQUAL(swpath_meter_run(m, S, 1, 64, false), 0);
	swpath_meter_free(m);
}

/* Of all bands that are exceeded the one with the highest rate applies, wherever it stands. */
static void highest_band(void)
{
	struct hal_meter cfg = {.pktps = true,
		.n_bands = 3,
		.band = {{HAL_BAND_DROP, 1000, 10, 0}, {HAL_BAND_DROP, 3000, 30, 0},
			{HAL_BAND_DROP, 2000, 20, 0}}};
	struct swpath_meter *m = swpath_meter_new(&cfg, NULL);
	struct hal_meter_stats s;

	for (unsigned i = 0; i < 40; i++)
		CU_ASSERT_EQUAL(swpath_meter_run(m, S, 1, 100, false), i < 10   ? -1
								       : i < 20 ? 0
								       : i < 30 ? 2
										: 1);
	swpath_meter_stats(m, &s);
	CU_ASSERT_EQUAL(s.packets, 40);
	CU_ASSERT_EQUAL(s.bytes, 4000);
	CU_ASSERT_EQUAL(s.band_packets[0], 10);
	CU_ASSERT_EQUAL(s.band_packets[1], 10);
	CU_ASSERT_EQUAL(s.band_bytes[2], 1000);
	swpath_meter_free(m);
}

static void super_frames(void)
{
	struct swpath_meter *m = one_band(true, 1000, 100);
	struct hal_meter_stats s;

	CU_ASSERT_EQUAL(swpath_meter_run(m, S, 44, 64000, true), SWPATH_METER_PASS);
	CU_ASSERT_EQUAL(swpath_meter_run(m, S, 44, 64000, true), SWPATH_METER_PASS);
	CU_ASSERT_EQUAL(swpath_meter_run(m, S, 44, 64000, true), SWPATH_METER_SPLIT);
	swpath_meter_stats(m, &s);
	CU_ASSERT_EQUAL(s.packets, 88);
	for (unsigned i = 0; i < 44; i++)
		CU_ASSERT_EQUAL(swpath_meter_run(m, S, 1, 1514, false), i < 12 ? -1 : 0);
	swpath_meter_free(m);
}

/* ---- in programs ---- */

static void send_metered(struct rig *r, const struct frame *f, uint32_t id, unsigned n)
{
	struct hal_key meta = {.in_port = rte_cpu_to_be_32(1)};
	struct hal_program *program;
	struct hal_act_meter *act;
	struct hal_builder b;

	hal_builder_init(&b);
	act = hal_builder_add(&b, ACTION_METER, sizeof(*act));
	act->meter = id;
	hal_build_output(&b, 2);
	program = hal_builder_finish(&b);
	while (n--)
		CU_ASSERT_EQUAL(swpath_inject(r->sp, &meta, f->b, f->len, program), 0);
	rig_sync(r);
	free(program);
}

static void drops(void)
{
	struct hal_meter cfg = {.pktps = true, .n_bands = 1, .band[0] = {HAL_BAND_DROP, 1, 5, 0}};
	struct hal_meter_stats s;
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_UDP4, 0, 100);
	CU_ASSERT_EQUAL(swpath_meter_set(r.sp, 700, &cfg), 0);
	send_metered(&r, &f, 700, 20);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 5);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_METER), 15);
	CU_ASSERT_EQUAL(swpath_meter_stats_read(r.sp, 700, &s), 0);
	CU_ASSERT_EQUAL(s.packets, 20);
	CU_ASSERT_EQUAL(s.bytes, 20 * f.len);
	CU_ASSERT_EQUAL(s.band_packets[0], 15);
	/* A changed one starts with a full bucket and goes on counting. */
	CU_ASSERT_EQUAL(swpath_meter_set(r.sp, 700, &cfg), 0);
	send_metered(&r, &f, 700, 20);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 10);
	CU_ASSERT_EQUAL(swpath_meter_stats_read(r.sp, 700, &s), 0);
	CU_ASSERT_EQUAL(s.packets, 40);
	swpath_meter_del(r.sp, 700);
	CU_ASSERT_EQUAL(swpath_meter_stats_read(r.sp, 700, &s), -ENOENT);
	CU_ASSERT_EQUAL(swpath_meter_set(r.sp, SWPATH_METER_MAX, &cfg), -EINVAL);
	rig_close(&r);
}

/* RFC 2597: only the drop precedence of an assured-forwarding DSCP is raised, at most to 3. */
static void remarks(void)
{
	static const uint8_t dscp[][2] = {
		{10, 12}, {12, 14}, {14, 14}, {34, 36}, {0, 0}, {46, 46}, {8, 8}, {11, 11}};
	struct hal_meter cfg = {
		.pktps = true, .n_bands = 1, .band[0] = {HAL_BAND_DSCP_REMARK, 1, 1, 1}};
	struct rig r;

	rig_open(&r, 1, &fake_class);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct frame f, want;

			frame_make(&f, v6 ? FRAME_TCP6 : FRAME_TCP4, 0, 60);
			want = f;
			for (unsigned j = 0; j < 2; j++) {
				struct frame *x = j ? &want : &f;

				if (v6) {
					x->b[x->l3] = (uint8_t)(0x60 | dscp[i][j] >> 2);
					x->b[x->l3 + 1] = (uint8_t)((dscp[i][j] & 3) << 6 |
								    (x->b[x->l3 + 1] & 0x3f));
				} else {
					x->b[x->l3 + 1] = (uint8_t)(dscp[i][j] << 2 | 1);
				}
				frame_checksums(x);
			}
			CU_ASSERT_EQUAL(swpath_meter_set(r.sp, 3, &cfg), 0);
			fake_forget(r.sp, 2);
			send_metered(&r, &f, 3, 2);
			CU_ASSERT_EQUAL_FATAL(fake_sent(r.sp, 2), 2);
			CU_ASSERT(test_same_bytes(fake_frame(r.sp, 2, 0), f.b, f.len));
			CU_ASSERT(test_same_bytes(fake_frame(r.sp, 2, 1), want.b, want.len));
		}
	rig_close(&r);
}

void suite_meter(void)
{
	CU_pSuite s = CU_add_suite("meter", NULL, NULL);

	CU_add_test(s, "packet rates", packet_rates);
	CU_add_test(s, "bit rates", bit_rates);
	CU_add_test(s, "bursts", bursts);
	CU_add_test(s, "the highest band applies", highest_band);
	CU_add_test(s, "super-frames", super_frames);
	CU_add_test(s, "drops", drops);
	CU_add_test(s, "remarks", remarks);
}
