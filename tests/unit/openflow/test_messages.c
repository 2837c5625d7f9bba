/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole messages with contents by chance: what a switch reads is encoded and read by it; what it
 * says is read here, as the specifications have it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/openflow/test.h"

#define ROUNDS 600
#define PACKET_MAX 200

static const uint8_t versions[] = {OFP10, OFP13, OFP14};

#define FOR_EACH_VERSION(V, I)                                   \
	for (unsigned I = 0; I < ROUNDS * sizeof(versions); I++) \
		for (uint8_t V = versions[(I) % sizeof(versions)], once_ = 1; once_; once_ = 0)

/* The same bytes when encoded: sets of bits that are not together may be said as several. */
static void expect_actions(uint8_t version, const struct of_actions *a, const struct of_actions *b)
{
	struct of_buf x = {0}, y = {0};

	of_actions_encode(&x, version, a);
	of_actions_encode(&y, version, b);
	CU_ASSERT(x.len == y.len && (!x.len || !memcmp(x.data, y.data, x.len)));
	of_buf_free(&x);
	of_buf_free(&y);
}

/* The body of a message whose header is right. */
static struct of_rd body(const struct of_buf *b, uint8_t version, uint8_t type)
{
	CU_ASSERT_FATAL(!b->failed && b->len >= OFP_HEADER_LEN);
	CU_ASSERT_EQUAL(b->data[0], version);
	CU_ASSERT_EQUAL(b->data[1], type);
	CU_ASSERT_EQUAL((size_t)(b->data[2] << 8 | b->data[3]), b->len);
	return of_rd_make(b->data + OFP_HEADER_LEN, b->len - OFP_HEADER_LEN);
}

/* ---- groups and meters ---- */

static void rnd_group(struct of_group *g)
{
	*g = (struct of_group){.id = (uint32_t)rnd(), .type = (enum of_group_type)rnd_below(4)};
	g->n_buckets = rnd_below(6);
	g->buckets = calloc(g->n_buckets + 1, sizeof(*g->buckets));
	CU_ASSERT_PTR_NOT_NULL_FATAL(g->buckets);
	for (unsigned i = 0; i < g->n_buckets; i++) {
		g->buckets[i].weight = (uint16_t)rnd();
		g->buckets[i].watch_port = (uint32_t)rnd();
		g->buckets[i].watch_group = (uint32_t)rnd();
		rnd_actions(&g->buckets[i].actions, false);
	}
}

static void expect_group(const struct of_group *a, const struct of_group *b)
{
	CU_ASSERT_EQUAL(a->id, b->id);
	CU_ASSERT_EQUAL(a->type, b->type);
	CU_ASSERT_EQUAL_FATAL(a->n_buckets, b->n_buckets);
	for (unsigned i = 0; i < a->n_buckets; i++) {
		CU_ASSERT_EQUAL(a->buckets[i].weight, b->buckets[i].weight);
		CU_ASSERT_EQUAL(a->buckets[i].watch_port, b->buckets[i].watch_port);
		CU_ASSERT_EQUAL(a->buckets[i].watch_group, b->buckets[i].watch_group);
		expect_actions(OFP13, &a->buckets[i].actions, &b->buckets[i].actions);
	}
}

static void test_groups(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct of_group_mod in = {.command = i % 2 ? OF_GROUP_ADD : OF_GROUP_MODIFY}, out;
		struct of_buf b = {0}, desc = {0};

		if (i % 7 == 0)
			in.command = OF_GROUP_ADD_OR_MODIFY;
		rnd_group(&in.group);
		of_group_mod_encode(&b, OFP13, 1, &in);
		CU_ASSERT_EQUAL_FATAL(
			of_group_mod_decode(body(&b, OFP13, OFPT13_GROUP_MOD), OFP13, &out),
			OFERR_OK);
		CU_ASSERT_EQUAL(in.command, out.command);
		expect_group(&in.group, &out.group);
		of_group_free(&out.group);

		/* A description is a modification with its length in the command's place. */
		of_group_desc_encode(&desc, OFP13, &in.group);
		CU_ASSERT_EQUAL((size_t)(desc.data[0] << 8 | desc.data[1]), desc.len);
		of_set_u16(&desc, 0, OF_GROUP_ADD);
		CU_ASSERT_EQUAL_FATAL(
			of_group_mod_decode(of_rd_make(desc.data, desc.len), OFP13, &out),
			OFERR_OK);
		expect_group(&in.group, &out.group);
		of_group_free(&out.group);
		of_group_free(&in.group);
		of_buf_free(&b);
		of_buf_free(&desc);
	}
}

static void rnd_meter_mod(struct of_meter_mod *mm)
{
	*mm = (struct of_meter_mod){.command = (enum of_meter_command)rnd_below(2),
		.id = (uint32_t)rnd(),
		.flags = (uint16_t)rnd_below(16)};
	mm->meter.pktps = mm->flags & OFPMF_PKTPS;
	mm->meter.n_bands = rnd_below(HAL_METER_BANDS + 1);
	for (unsigned i = 0; i < mm->meter.n_bands; i++) {
		struct hal_band *band = &mm->meter.band[i];

		*band = (struct hal_band){
			.type = HAL_BAND_DROP, .rate = (uint32_t)rnd(), .burst = (uint32_t)rnd()};
		if (rnd_below(2)) {
			band->type = HAL_BAND_DSCP_REMARK;
			band->prec_level = rnd_below(256);
		}
	}
}

static void test_meters(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct of_buf b = {0}, config = {0};
		struct of_meter_mod in, out;

		rnd_meter_mod(&in);
		of_meter_mod_encode(&b, 1, &in);
		CU_ASSERT_EQUAL(
			of_meter_mod_decode(body(&b, OFP13, OFPT13_METER_MOD), &out), OFERR_OK);
		CU_ASSERT(!memcmp(&in, &out, sizeof(in)));

		/* A configuration has its length in the command's place. */
		of_meter_config_encode(
			&config, &(struct of_meter_stats){
					 .id = in.id, .flags = in.flags, .meter = &in.meter});
		CU_ASSERT_EQUAL((size_t)(config.data[0] << 8 | config.data[1]), config.len);
		of_set_u16(&config, 0, (size_t)in.command);
		CU_ASSERT_EQUAL(
			of_meter_mod_decode(of_rd_make(config.data, config.len), &out), OFERR_OK);
		CU_ASSERT(!memcmp(&in, &out, sizeof(in)));
		of_buf_free(&b);
		of_buf_free(&config);
	}
}

/* ---- flows ---- */

/* 1.4's has an importance besides what 1.3's has. */
static void test_flow_mod14(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct of_flow_mod in, out;
		struct of_buf b = {0}, again = {0};

		rnd_flow_mod(&in, false);
		in.version = OFP14;
		in.importance = (uint16_t)rnd();
		of_flow_mod_encode(&b, OFP14, 1, &in);
		CU_ASSERT_EQUAL_FATAL(
			of_flow_mod13_decode(body(&b, OFP14, OFPT_FLOW_MOD), OFP14, &out),
			OFERR_OK);
		CU_ASSERT_EQUAL(in.importance, out.importance);
		CU_ASSERT_EQUAL(in.command, out.command);
		CU_ASSERT_EQUAL(in.priority, out.priority);
		CU_ASSERT(match_equal(&in.match, &out.match));
		of_flow_mod_encode(&again, OFP14, 1, &out);
		CU_ASSERT(b.len == again.len && !memcmp(b.data, again.data, b.len));
		of_instructions_free(&in.ins);
		of_instructions_free(&out.ins);
		of_buf_free(&b);
		of_buf_free(&again);
	}
}

static void rnd_stats(struct of_flow_stats *fs, uint8_t version)
{
	*fs = (struct of_flow_stats){.table = (uint8_t)rnd_below(OF_TABLES),
		.priority = (uint16_t)rnd(),
		.cookie = rnd(),
		.packets = rnd(),
		.bytes = rnd(),
		.duration_ns = (uint64_t)(uint32_t)rnd() * 1000000,
		.idle_timeout = (uint16_t)rnd(),
		.hard_timeout = (uint16_t)rnd(),
		.flags = (uint16_t)rnd_below(version == OFP10 ? 4 : 32),
		.importance = (uint16_t)rnd()};
}

static uint64_t get_duration(struct of_rd *r)
{
	uint64_t s = of_get_u32(r);

	return s * 1000000000 + of_get_u32(r);
}

static void expect_removed10(struct of_rd r, const struct of_flow_removed *fr, struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;

	CU_ASSERT_EQUAL(of_match10_decode(&r, m), OFERR_OK);
	CU_ASSERT_EQUAL(of_get_u64(&r), fs->cookie);
	CU_ASSERT_EQUAL(of_get_u16(&r), fs->priority);
	CU_ASSERT_EQUAL(of_get_u8(&r), fr->reason);
	of_skip(&r, 1);
	CU_ASSERT_EQUAL(get_duration(&r), fs->duration_ns);
	CU_ASSERT_EQUAL(of_get_u16(&r), fs->idle_timeout);
	of_skip(&r, 2);
	CU_ASSERT_EQUAL(of_get_u64(&r), fs->packets);
	CU_ASSERT_EQUAL(of_get_u64(&r), fs->bytes);
	CU_ASSERT(!r.bad && !r.left);
}

static void expect_removed13(struct of_rd r, const struct of_flow_removed *fr, struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;

	CU_ASSERT_EQUAL(of_get_u64(&r), fs->cookie);
	CU_ASSERT_EQUAL(of_get_u16(&r), fs->priority);
	CU_ASSERT_EQUAL(of_get_u8(&r), fr->reason);
	CU_ASSERT_EQUAL(of_get_u8(&r), fs->table);
	CU_ASSERT_EQUAL(get_duration(&r), fs->duration_ns);
	CU_ASSERT_EQUAL(of_get_u16(&r), fs->idle_timeout);
	CU_ASSERT_EQUAL(of_get_u16(&r), fs->hard_timeout);
	CU_ASSERT_EQUAL(of_get_u64(&r), fs->packets);
	CU_ASSERT_EQUAL(of_get_u64(&r), fs->bytes);
	CU_ASSERT_EQUAL(of_match13_decode(&r, m), OFERR_OK);
	CU_ASSERT(!r.bad && !r.left);
}

static void test_flow_removed(void)
{
	FOR_EACH_VERSION(version, i)
	{
		struct of_flow_removed fr = {.reason = (enum of_removed_reason)rnd_below(3)};
		struct hal_match in, out;
		struct of_buf b = {0};
		struct hal_cmatch *cm;

		rnd_match(&in, version == OFP10);
		cm = hal_cmatch_new(&in);
		rnd_stats(&fr.stats, version);
		fr.stats.match = cm;
		of_flow_removed_encode(&b, version, false, &fr);
		if (version == OFP10)
			expect_removed10(body(&b, version, OFPT_FLOW_REMOVED), &fr, &out);
		else
			expect_removed13(body(&b, version, OFPT_FLOW_REMOVED), &fr, &out);
		CU_ASSERT(match_equal(&in, &out));
		free(cm);
		of_buf_free(&b);
	}
}

/* ---- packets ---- */

static unsigned rnd_packet(uint8_t *packet)
{
	unsigned n = rnd_below(PACKET_MAX);

	for (unsigned i = 0; i < n; i++)
		packet[i] = (uint8_t)rnd();
	return n;
}

static void test_packet_in(void)
{
	FOR_EACH_VERSION(version, i)
	{
		uint8_t packet[PACKET_MAX];
		struct of_packet_in pin = {.reason = (enum of_packet_in_reason)rnd_below(3),
			.table = (uint8_t)rnd(),
			.cookie = rnd(),
			.in_port = 1 + rnd_below(0xfeff),
			.metadata = rnd(),
			.data = packet,
			.len = rnd_packet(packet),
			.total_len = rnd_below(65536)};
		struct of_buf b = {0};
		struct hal_match m = {0}, want = {0};
		struct of_rd r;

		of_packet_in_encode(&b, version, 0, &pin);
		r = body(&b, version, OFPT_PACKET_IN);
		CU_ASSERT_EQUAL(of_get_u32(&r), OF_NO_BUFFER);
		CU_ASSERT_EQUAL(of_get_u16(&r), pin.total_len);
		if (version == OFP10)
			CU_ASSERT_EQUAL(of_get_port(&r, version), pin.in_port);
		CU_ASSERT_EQUAL(of_get_u8(&r), pin.reason);
		if (version == OFP10) {
			of_skip(&r, 1);
		} else {
			CU_ASSERT_EQUAL(of_get_u8(&r), pin.table);
			CU_ASSERT_EQUAL(of_get_u64(&r), pin.cookie);
			CU_ASSERT_EQUAL(of_match13_decode(&r, &m), OFERR_OK);
			hal_match_set_u64(&want, FIELD_IN_PORT, pin.in_port);
			if (pin.metadata)
				hal_match_set_u64(&want, FIELD_METADATA, pin.metadata);
			CU_ASSERT(match_equal(&m, &want));
			of_skip(&r, 2);
		}
		CU_ASSERT(!r.bad && r.left == pin.len && !memcmp(r.p, packet, pin.len));
		of_buf_free(&b);
	}
}

static void test_packet_out(void)
{
	FOR_EACH_VERSION(version, i)
	{
		uint32_t port = rnd_below(4) ? 1 + rnd_below(0xfeff) : OF_PORT_CONTROLLER;
		uint8_t packet[PACKET_MAX];
		unsigned len = rnd_packet(packet);
		struct of_buf b = {0}, list = {0};
		struct of_packet_out out;
		struct of_actions acts;

		rnd_actions(&acts, version == OFP10);
		of_actions_encode(&list, version, &acts);
		of_put_u32(&b, OF_NO_BUFFER);
		of_put_port(&b, version, port);
		of_put_u16(&b, (uint16_t)list.len);
		of_put_zeros(&b, version == OFP10 ? 0 : 6);
		of_put_bytes(&b, list.data, list.len);
		of_put_bytes(&b, packet, len);
		CU_ASSERT_EQUAL_FATAL(
			of_packet_out_decode(of_rd_make(b.data, b.len), version, &out), OFERR_OK);
		CU_ASSERT_EQUAL(out.buffer_id, OF_NO_BUFFER);
		CU_ASSERT_EQUAL(out.in_port, port);
		CU_ASSERT(out.len == len && !memcmp(out.data, packet, len));
		expect_actions(version, &acts, &out.actions);
		of_actions_free(&acts);
		of_actions_free(&out.actions);
		of_buf_free(&b);
		of_buf_free(&list);
	}
}

CU_TestInfo message_tests[] = {
	{"groups", test_groups},
	{"meters", test_meters},
	{"flow-mods of 1.4", test_flow_mod14},
	{"flow-removed", test_flow_removed},
	{"packet-ins", test_packet_in},
	{"packet-outs", test_packet_out},
	CU_TEST_INFO_NULL,
};
