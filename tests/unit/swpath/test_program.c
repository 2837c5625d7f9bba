/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole programs: what leaves by which port.
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "swpath/port/segment.h"

/* Runs a program on a frame and frees it. */
static void run(struct rig *r, const struct frame *f, struct hal_builder *b)
{
	struct hal_key meta = {.in_port = rte_cpu_to_be_32(1)};
	struct hal_program *program = hal_builder_finish(b);

	CU_ASSERT_PTR_NOT_NULL_FATAL(program);
	CU_ASSERT_EQUAL(swpath_inject(r->sp, &meta, f->b, f->len, program), 0);
	rig_sync(r);
	free(program);
}

static void expect(struct rig *r, uint32_t port, unsigned i, const void *bytes, size_t len)
{
	CU_ASSERT_FATAL(fake_sent(r->sp, port) > i);
	CU_ASSERT(test_same_bytes(fake_frame(r->sp, port, i), bytes, len));
}

static void set(struct hal_builder *b, enum hal_field_id id, const char *value)
{
	static const uint8_t ones[16] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

	hal_build_set(b, id, (const uint8_t *)value, ones);
}

static struct frame with_dst(const struct frame *f, const char *mac)
{
	struct frame out = *f;

	memcpy(out.b, mac, 6);
	return out;
}

/* Each output sees the edits before it, none after it. */
static void outputs_between_edits(void)
{
	struct frame f, a, b2;
	struct hal_builder b;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_TCP4, 1, 100);
	a = with_dst(&f, "\x0a\0\0\0\0\x01");
	b2 = with_dst(&f, "\x0a\0\0\0\0\x02");
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	set(&b, FIELD_ETH_DST, "\x0a\0\0\0\0\x01");
	hal_build_output(&b, 3);
	hal_build_output(&b, 2);
	set(&b, FIELD_ETH_DST, "\x0a\0\0\0\0\x02");
	hal_build_output(&b, 4);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 4);
	run(&r, &f, &b);
	expect(&r, 2, 0, f.b, f.len);
	expect(&r, 2, 1, a.b, a.len);
	expect(&r, 3, 0, a.b, a.len);
	expect(&r, 4, 0, b2.b, b2.len);
	memmove(b2.b + 12, b2.b + 16, b2.len - 16);
	expect(&r, 4, 1, b2.b, b2.len - 4);
	rig_close(&r);
}

static void clone_and_sample(void)
{
	struct frame f, a;
	struct hal_builder b;
	struct rig r;
	uint32_t at;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_UDP6, 0, 10);
	a = with_dst(&f, "\x0a\0\0\0\0\x01");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	set(&b, FIELD_ETH_DST, "\x0a\0\0\0\0\x01");
	set(&b, FIELD_PKT_MARK, "\0\0\0\x9");
	hal_build_output(&b, 2);
	hal_build_nested_end(&b, at);
	hal_build_output(&b, 3);
	hal_builder_add(&b, ACTION_CONTROLLER, sizeof(struct hal_act_controller));
	at = hal_build_nested_begin(&b, ACTION_SAMPLE, UINT32_MAX);
	hal_build_output(&b, 4);
	hal_build_nested_end(&b, at);
	at = hal_build_nested_begin(&b, ACTION_SAMPLE, 0);
	hal_build_output(&b, 4);
	hal_build_nested_end(&b, at);
	run(&r, &f, &b);
	expect(&r, 2, 0, a.b, a.len);
	expect(&r, 3, 0, f.b, f.len);
	expect(&r, 4, 0, f.b, f.len);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 4), 1);
	CU_ASSERT_EQUAL(r.controller, 1);
	CU_ASSERT_EQUAL(r.controller_mark, 0); /* the clone's mark is its own */
	rig_close(&r);
}

static void by_length(void)
{
	struct rig r;

	rig_open(&r, 1, &fake_class);
	for (unsigned extra = 0; extra < 2; extra++) {
		struct hal_builder b;
		struct frame f;
		uint32_t at;

		frame_make(&f, FRAME_TCP4, 0, 46 + extra); /* 100 or 101 bytes */
		CU_ASSERT_EQUAL(f.len, 100 + extra);
		hal_builder_init(&b);
		at = hal_build_nested_begin(&b, ACTION_CHECK_PKT_LEN, 100);
		hal_build_output(&b, 2);
		hal_build_nested_else(&b, at);
		hal_build_output(&b, 3);
		hal_build_nested_end(&b, at);
		hal_build_output(&b, 4);
		run(&r, &f, &b);
		CU_ASSERT_EQUAL(fake_sent(r.sp, 2), extra);
		CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 1);
		CU_ASSERT_EQUAL(fake_sent(r.sp, 4), 1 + extra);
	}
	rig_close(&r);
}

static void truncated_output(void)
{
	struct hal_act_trunc *trunc;
	struct hal_builder b;
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_TCP4, 0, 200);
	hal_builder_init(&b);
	trunc = hal_builder_add(&b, ACTION_TRUNC, sizeof(*trunc));
	trunc->max_len = 64;
	hal_build_output(&b, 2);
	hal_build_output(&b, 3);
	run(&r, &f, &b);
	expect(&r, 2, 0, f.b, 64);
	expect(&r, 3, 0, f.b, f.len);
	rig_close(&r);
}

static void deep_nesting(void)
{
	struct hal_builder b;
	struct frame f;
	struct rig r;
	uint32_t at[40];

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_TCP4, 0, 0);
	hal_builder_init(&b);
	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		at[i] = hal_build_nested_begin(&b, ACTION_CLONE, 0);
		hal_build_output(&b, 2);
	}
	for (unsigned i = RTE_DIM(at); i-- > 0;)
		hal_build_nested_end(&b, at[i]);
	hal_build_output(&b, 3);
	run(&r, &f, &b);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), SWPATH_MAX_NESTED);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 1);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_RECURSION), 1);
	rig_close(&r);
}

static void drops_are_named(void)
{
	static const struct {
		enum hal_action_type type;
		enum swpath_drop why;
	} t[] = {{ACTION_POP_VLAN, SWPATH_DROP_HEADER}, {ACTION_DEC_TTL, SWPATH_DROP_TTL},
		{ACTION_POP_PBB, SWPATH_DROP_HEADER}, {ACTION_COPY_TTL_IN, SWPATH_DROP_HEADER}};
	struct frame f, big;
	struct hal_builder b;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_TCP4, 0, 0);
	f.b[f.l3 + 8] = 1;
	frame_checksums(&f);
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint64_t before = rig_drops(&r, t[i].why);

		hal_builder_init(&b);
		hal_build_plain(&b, t[i].type);
		hal_build_output(&b, 2);
		run(&r, &f, &b);
		CU_ASSERT_EQUAL(rig_drops(&r, t[i].why), before + 1);
	}
	hal_builder_init(&b);
	hal_build_output(&b, 77);
	run(&r, &f, &b);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_NO_PORT), 1);
	swpath_port_set_admin(r.sp, 2, false);
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	run(&r, &f, &b);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 0);

	frame_make(&big, FRAME_TCP4, 2, 1460); /* an MTU of IP, and tags beside it */
	hal_builder_init(&b);
	hal_build_output(&b, 3);
	run(&r, &big, &b);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 1);
	frame_make(&big, FRAME_TCP4, 0, 1461);
	hal_builder_init(&b);
	hal_build_output(&b, 3);
	run(&r, &big, &b);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 1);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_TOO_BIG), 1);
	rig_close(&r);
}

/* Recirculation 1 pops the tag and goes to 2, which sends by what it then sees. */
static struct hal_megaflow *recirculating(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_key mask = {.in_port = UINT32_MAX, .tp_dst = UINT16_MAX};
	struct hal_act_recirc *recirc;
	struct hal_builder b;

	mask.vlan[0].tci = UINT16_MAX;
	hal_builder_init(&b);
	switch (rte_be_to_cpu_32(key->recirc_id)) {
	case 1:
		hal_build_plain(&b, ACTION_POP_VLAN);
		recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
		recirc->id = 2;
		break;
	case 2:
		CU_ASSERT_EQUAL(key->vlan[0].tci, 0);
		CU_ASSERT_EQUAL(key->tp_dst, RTE_BE16(80));
		CU_ASSERT_EQUAL(key->pkt_mark, RTE_BE32(7));
		hal_build_output(&b, 3);
		break;
	default: /* for ever */
		recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
		recirc->id = rte_be_to_cpu_32(key->recirc_id);
		break;
	}
	return rig_made(r, test_megaflow(key, &mask, hal_builder_finish(&b)), cache);
}

static void recirculation(void)
{
	struct hal_act_recirc *recirc;
	struct hal_builder b;
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = recirculating;
	frame_make(&f, FRAME_TCP4, 1, 0);
	for (unsigned round = 0; round < 2; round++) {
		hal_builder_init(&b);
		set(&b, FIELD_PKT_MARK, "\0\0\0\x7");
		recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
		recirc->id = 1;
		hal_build_output(&b, 2);
		run(&r, &f, &b);
	}
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 2);
	expect(&r, 2, 0, f.b, f.len);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 3), 2);
	CU_ASSERT_EQUAL(fake_frame(r.sp, 3, 0)->pkt_len, f.len - 4);
	CU_ASSERT_EQUAL(r.translated, 2); /* the second time both are known */

	hal_builder_init(&b);
	recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
	recirc->id = 9;
	run(&r, &f, &b);
	CU_ASSERT_EQUAL(rig_drops(&r, SWPATH_DROP_RECURSION), 1);
	rig_close(&r);
}

static void hash_is_symmetric(void)
{
	uint32_t marks[2] = {0, 0};
	struct rig r;

	rig_open(&r, 1, &fake_class);
	(void)r;
	for (unsigned way = 0; way < 2; way++) {
		struct hal_act_hash act = {.basis = 5};
		struct swpath_packet p = {.pool = test_pool()};
		struct hal_key key = {0};
		struct frame f;

		frame_make(&f, FRAME_TCP4, 0, 0);
		if (way) {
			uint8_t addr[4];

			memcpy(addr, f.b + f.l3 + 12, 4);
			memcpy(f.b + f.l3 + 12, f.b + f.l3 + 16, 4);
			memcpy(f.b + f.l3 + 16, addr, 4);
			memcpy(addr, f.b + f.l4, 2);
			memcpy(f.b + f.l4, f.b + f.l4 + 2, 2);
			memcpy(f.b + f.l4 + 2, addr, 2);
		}
		act.a = (struct hal_action){ACTION_HASH, sizeof(act), 0};
		p.m = test_mbuf(&f, 0);
		p.key = &key;
		swpath_packet_parse(p.m, &key, &p.ly);
		swpath_execute(&r.sp->worker[0], &p, &act, sizeof(act), 0);
		marks[way] = key.dp_hash;
	}
	CU_ASSERT_NOT_EQUAL(marks[0], 0);
	CU_ASSERT_EQUAL(marks[0], marks[1]);
	rig_close(&r);
}

/* What leaves the datapath's own world leaves complete: a super-frame cut short, or for the
 * controller, is segmented. */
static void super_frames(void)
{
	struct hal_act_trunc trunc = {.a = {ACTION_TRUNC, sizeof(trunc), 0}, .max_len = 60};
	uint8_t steps[sizeof(trunc) + sizeof(struct hal_act_output) +
		      sizeof(struct hal_act_controller)];
	struct hal_act_output out = {.a = {ACTION_OUTPUT, sizeof(out), 0}, .port = 2};
	struct hal_act_controller ctl = {.a = {ACTION_CONTROLLER, sizeof(ctl), 0}};
	struct swpath_packet p = {.pool = test_pool()};
	struct hal_key key = {0};
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	frame_make(&f, FRAME_TCP6, 0, 3000);
	p.m = test_mbuf(&f, 1500);
	p.key = &key;
	p.m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
	p.m->tso_segsz = 1000;
	swpath_packet_parse(p.m, &key, &p.ly);
	CU_ASSERT_EQUAL(swpath_packet_frame_len(&p), 14 + 40 + 20 + 1000);
	memcpy(steps, &ctl, sizeof(ctl));
	memcpy(steps + sizeof(ctl), &trunc, sizeof(trunc));
	memcpy(steps + sizeof(ctl) + sizeof(trunc), &out, sizeof(out));
	swpath_execute(&r.sp->worker[0], &p, steps, sizeof(steps), 0);
	swpath_flush(&r.sp->worker[0]);
	CU_ASSERT_EQUAL(r.controller, 3);
	CU_ASSERT_EQUAL(r.controller_len, 14 + 40 + 20 + 1000);
	CU_ASSERT_EQUAL(fake_sent(r.sp, 2), 3);
	CU_ASSERT_EQUAL(fake_frame(r.sp, 2, 2)->pkt_len, 60);
	rig_close(&r);
}

void suite_program(void)
{
	CU_pSuite s = CU_add_suite("program", NULL, NULL);

	CU_add_test(s, "outputs between edits", outputs_between_edits);
	CU_add_test(s, "clone and sample", clone_and_sample);
	CU_add_test(s, "by length", by_length);
	CU_add_test(s, "truncated output", truncated_output);
	CU_add_test(s, "deep nesting", deep_nesting);
	CU_add_test(s, "drops are named", drops_are_named);
	CU_add_test(s, "recirculation", recirculation);
	CU_add_test(s, "hash is symmetric", hash_is_symmetric);
	CU_add_test(s, "super-frames", super_frames);
}
