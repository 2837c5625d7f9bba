/* SPDX-License-Identifier: Apache-2.0
 *
 * CT steps and the connections that they find.
 */
#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "frame.h"
#include "hal/ct_state.h"

#define ZONE 3
#define MARK 0x11
#define TCP_FLAGS_AT (14 + 20 + 13)

static void *dev;
static uint8_t sent[200], got[200];
static size_t len;
static struct hal_key key;
static struct hal_rx_meta meta;
static struct test_rule ct_rule, next_rule;

static void start(void)
{
	dev = device_open("nic", NULL);
	device_bind_all(dev);
	meta.key = &key;
}

static void stop(void)
{
	device_close(dev, "nic");
}

static void flags_set(uint8_t *frame, bool ip6, uint8_t flags)
{
	uint8_t *tcp = frame + (ip6 ? 54 : 34);
	unsigned sum = ~((unsigned)tcp[16] << 8 | tcp[17]) & 0xffff; /* RFC 1624 */

	sum += (~(unsigned)tcp[13] & 0xffff) + flags;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	tcp[13] = flags;
}

/* ct(zone=3 and as said),recirc(9); in chain 9 what is established and marked goes out by port 2.
 */
static void install(uint16_t flags, uint32_t mark, uint32_t mark_mask)
{
	struct hal_act_ct *ct;
	struct hal_builder b;

	rule_make(&ct_rule, 400, 1, "");
	hal_builder_init(&b);
	build_set(&b, FIELD_ETH_SRC, 0x020000000077);
	ct = hal_builder_add(&b, ACTION_CT, sizeof(*ct));
	ct->zone = ZONE;
	ct->flags = flags;
	ct->mark = mark;
	ct->mark_mask = mark_mask;
	build_number(&b, ACTION_RECIRC, 9);
	rule_add(dev, &ct_rule, &b);
	rule_make(&next_rule, 401, 0, "ct_state=+trk+est-new,ct_zone=3,ct_mark=0x11,ct_label=0x55");
	next_rule.rule.chain = 9;
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	rule_add(dev, &next_rule, &b);
}

static void uninstall(uint64_t hits)
{
	rule_drop(dev, &ct_rule, hits);
	rule_drop(dev, &next_rule, hits);
}

/* The frame's tuple, not translated. */
static struct hal_connection connection(const uint8_t *frame, bool ip6)
{
	const uint8_t *ip = frame + 14, *l4 = ip + (ip6 ? 40 : 20);
	struct hal_connection c = {.zone = ZONE,
		.ip_proto = ip6 ? ip[6] : ip[9],
		.ipv6 = ip6,
		.ct_state = HAL_CS_TRK | HAL_CS_EST,
		.mark = MARK};

	c.label[15] = 0x55;
	memcpy(c.src, ip + (ip6 ? 8 : 12), ip6 ? 16 : 4);
	memcpy(c.dst, ip + (ip6 ? 24 : 16), ip6 ? 16 : 4);
	memcpy(&c.tp_src, l4, 2);
	memcpy(&c.tp_dst, l4 + 2, 2);
	memcpy(c.new_src, c.src, 16);
	memcpy(c.new_dst, c.dst, 16);
	memcpy(c.orig_src, c.src, 16);
	memcpy(c.orig_dst, c.dst, 16);
	c.new_tp_src = c.orig_tp_src = c.tp_src;
	c.new_tp_dst = c.orig_tp_dst = c.tp_dst;
	return c;
}

static void set(uint32_t id, const struct hal_connection *c)
{
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_CONNECTION, id, c, sizeof(*c), NULL), 0);
}

static void del(uint32_t id, uint64_t packets)
{
	struct hal_object_stats s = {0};

	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_CONNECTION, id, &s), 0);
	CU_ASSERT_EQUAL(s.packets, packets);
	CU_ASSERT_EQUAL(s.bytes, packets * len);
	CU_ASSERT_EQUAL(sim_driver.object_del(dev, HAL_OBJECT_CONNECTION, id), 0);
}

/* The packet comes up as it was sent. */
static void expect_up(void)
{
	memset(&key, 0xff, sizeof(key));
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	CU_ASSERT_EQUAL(meta.recirc_id, 0);
	CU_ASSERT_FALSE(meta.has_key);
}

static void expect_out(void)
{
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT(frame_sums_ok(got, len));
	CU_ASSERT_EQUAL(memcmp(got + 6, "\x02\x00\x00\x00\x00\x77", 6), 0);
}

static void hit_one(bool ip6, bool tcp)
{
	struct hal_connection c;

	len = frame_make(sent, ip6, tcp, 50, false);
	c = connection(sent, ip6);
	install(0, 0, 0);
	expect_up();
	set(1, &c);
	expect_out();
	c.zone++; /* another zone knows nothing of it */
	set(1, &c);
	expect_up();
	c.zone--;
	set(1, &c);
	expect_out();
	del(1, 2);
	expect_up();
	uninstall(2);
}

static void hits_and_misses(void)
{
	hit_one(false, false);
	hit_one(false, true);
	hit_one(true, false);
	hit_one(true, true);
}

/* What begins or ends a connection, or is not sound, is the software's. */
static void not_the_device_s(void)
{
	static const uint8_t flags[] = {0x02, 0x12, 0x11, 0x04, 0x14};
	struct hal_connection c;

	len = frame_make(sent, false, true, 50, false);
	c = connection(sent, false);
	install(0, 0, 0);
	set(1, &c);
	for (unsigned i = 0; i < sizeof(flags); i++) {
		flags_set(sent, false, flags[i]);
		CU_ASSERT(frame_sums_ok(sent, len));
		expect_up();
	}
	flags_set(sent, false, 0x10);
	expect_out();
	sent[60] ^= 1; /* the checksum is wrong now */
	expect_up();
	sent[60] ^= 1;
	sent[20] ^= 0x20; /* a first fragment, and the IP checksum is wrong */
	expect_up();
	sent[20] ^= 0x20;
	expect_out();
	del(1, 2);
	uninstall(2);
}

/* A commit passes when all that it asks for is so already. */
static void commits(void)
{
	struct hal_connection c;

	len = frame_make(sent, false, true, 50, false);
	c = connection(sent, false);
	set(1, &c);
	install(HAL_CT_COMMIT, MARK, 0xff);
	expect_out();
	uninstall(1);
	install(HAL_CT_COMMIT, MARK ^ 4, 0xff);
	expect_up();
	uninstall(0);
	install(HAL_CT_COMMIT, MARK ^ 4, 0xf0); /* the bit that differs is not asked for */
	expect_out();
	uninstall(1);
	c.ct_state |= HAL_CS_RPL;
	set(1, &c);
	install(HAL_CT_COMMIT | HAL_CT_FORCE, 0, 0);
	expect_up();
	uninstall(0);
	del(1, 2);
}

static void translate_one(bool ip6, bool tcp)
{
	struct hal_connection c;
	size_t l3 = 14, l4 = ip6 ? 54 : 34;

	len = frame_make(sent, ip6, tcp, 51, false);
	c = connection(sent, ip6);
	c.ct_state |= HAL_CS_SNAT;
	c.new_src[3] = 0xee;
	c.new_tp_src = RTE_BE16(40000);
	set(1, &c);
	install(HAL_CT_NAT, 0, 0);
	expect_out();
	CU_ASSERT_EQUAL(got[l3 + (ip6 ? 8 : 12) + 3], 0xee);
	CU_ASSERT_EQUAL(got[l4] << 8 | got[l4 + 1], 40000);
	uninstall(1);
	install(0, 0, 0); /* a step that does not ask for translation */
	expect_up();
	uninstall(0);
	del(1, 1);
}

static void translation(void)
{
	translate_one(false, false);
	translate_one(false, true);
	translate_one(true, false);
	translate_one(true, true);
}

/* A miss in the next chain comes up with all that is known of the connection. */
static void resumption(void)
{
	struct hal_connection c;

	len = frame_make(sent, false, true, 50, false);
	c = connection(sent, false);
	c.mark = 0x99;
	c.orig_src[0] = 11;
	set(1, &c);
	install(0, 0, 0);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(meta.recirc_id, 9);
	CU_ASSERT(meta.has_key);
	CU_ASSERT_EQUAL(key.ct_state, RTE_BE32(HAL_CS_TRK | HAL_CS_EST));
	CU_ASSERT_EQUAL(key.ct_zone, RTE_BE16(ZONE));
	CU_ASSERT_EQUAL(key.ct_mark, RTE_BE32(0x99));
	CU_ASSERT_EQUAL(key.ct_label[15], 0x55);
	CU_ASSERT_EQUAL(key.ct_nw_proto, 6);
	CU_ASSERT_EQUAL(key.ct_nw_src, RTE_BE32(0x0b000001));
	CU_ASSERT_EQUAL(key.ct_nw_dst, RTE_BE32(0x0a000002));
	CU_ASSERT_EQUAL(key.ct_tp_src, RTE_BE16(1000));
	CU_ASSERT_EQUAL(key.ct_tp_dst, RTE_BE16(2000));
	del(1, 1);
	rule_drop(dev, &ct_rule, 1);
	rule_drop(dev, &next_rule, 0);
}

/* Two steps, of which the second finds nothing: neither has happened. */
static void all_or_nothing(void)
{
	struct hal_object_stats s = {0};
	struct hal_connection c;
	struct hal_act_ct *ct;
	struct test_rule t;
	struct hal_builder b;

	len = frame_make(sent, false, true, 50, false);
	c = connection(sent, false);
	c.new_src[3] = 0xee;
	set(1, &c);
	rule_make(&t, 410, 1, "");
	hal_builder_init(&b);
	for (unsigned i = 0; i < 2; i++) {
		ct = hal_builder_add(&b, ACTION_CT, sizeof(*ct));
		ct->zone = (uint16_t)(ZONE + i);
		ct->flags = HAL_CT_NAT;
	}
	hal_build_output(&b, 2);
	rule_add(dev, &t, &b);
	expect_up();
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_CONNECTION, 1, &s), 0);
	CU_ASSERT_EQUAL(s.packets, 0);
	CU_ASSERT_EQUAL(sim_driver.object_del(dev, HAL_OBJECT_CONNECTION, 1), 0);
	rule_drop(dev, &t, 0);
}

static void expect_refused(struct hal_builder *b, const char *why)
{
	struct hal_reason r = {0};
	struct test_rule t;

	rule_make(&t, 420, 1, "");
	rule_program(&t, b);
	CU_ASSERT_EQUAL(sim_driver.check(dev, &t.rule, &r), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_COMBINATION);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, why));
	rule_free(&t);
}

static void refusals(void)
{
	struct hal_connection c;
	struct hal_builder b;
	struct hal_reason r;
	uint32_t at;

	hal_builder_init(&b);
	hal_build_output(&b, 2);
	hal_builder_add(&b, ACTION_CT, sizeof(struct hal_act_ct));
	expect_refused(&b, "output");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_builder_add(&b, ACTION_CT, sizeof(struct hal_act_ct));
	hal_build_nested_end(&b, at);
	expect_refused(&b, "nested");
	hal_builder_init(&b);
	build_number(&b, ACTION_TRUNC, 20);
	build_number(&b, ACTION_RECIRC, 3);
	expect_refused(&b, "recirc");
	/* One tuple belongs to one connection. */
	len = frame_make(sent, false, true, 50, false);
	c = connection(sent, false);
	set(1, &c);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_CONNECTION, 2, &c, sizeof(c), &r), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "tuple"));
	del(1, 0);
}

void connection_suite(void)
{
	CU_pSuite s = CU_add_suite("connections", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "hits and misses", hits_and_misses);
	CU_add_test(s, "what the device leaves to software", not_the_device_s);
	CU_add_test(s, "commits", commits);
	CU_add_test(s, "translation", translation);
	CU_add_test(s, "resumption", resumption);
	CU_add_test(s, "all steps or none", all_or_nothing);
	CU_add_test(s, "what is refused", refusals);
	CU_add_test(s, "it ends", stop);
}
