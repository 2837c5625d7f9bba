/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels: what is pushed at one port comes back by another and is popped.
 */
#include <string.h>

#include "fixture.h"
#include "frame.h"
#include "hal/hash.h"

#define PORT 60 /* the tunnel's */

static void *dev;
static uint8_t sent[400], outer[400], got[400];
static size_t len;
static struct hal_key key;
static struct hal_rx_meta meta;
static struct test_rule push_rule, pop_rule;

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

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Outer headers of VNI 0x123456 with TOS 0x10 and TTL 33. */
static size_t make_header(uint8_t *h, bool ip6, bool geneve)
{
	uint8_t *ip = h + 14, *udp = ip + (ip6 ? 40 : 20), *tun = udp + 8;

	memset(h, 0, 100);
	memcpy(h, "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a", 12);
	put16(h + 12, ip6 ? 0x86dd : 0x0800);
	if (ip6) {
		ip[0] = 0x61;
		ip[6] = 17;
		ip[7] = 33;
		ip[8] = ip[24] = 0xfe;
		ip[23] = 9;
		ip[39] = 8;
	} else {
		ip[0] = 0x45;
		ip[1] = 0x10;
		ip[6] = 0x40;
		ip[8] = 33;
		ip[9] = 17;
		memcpy(ip + 12, "\xac\x10\x00\x01\xac\x10\x00\x02", 8);
	}
	put16(udp + 2, geneve ? 6081 : 4789);
	if (geneve)
		put16(tun + 2, 0x6558);
	else
		tun[0] = 8;
	memcpy(tun + 4, "\x12\x34\x56", 3);
	return (size_t)(tun + 8 - h);
}

/* Port 1 pushes and sends by port 2; port 3 pops, and what is popped goes to chain 0. */
static void install(bool ip6, bool geneve, uint8_t flags)
{
	const struct hal_tunnel end = {.type = geneve ? HAL_TUNNEL_GENEVE : HAL_TUNNEL_VXLAN,
		.udp_dst = geneve ? 6081 : 4789,
		.port = PORT};
	struct hal_act_tunnel_push *push;
	struct hal_act_tunnel_pop *pop;
	struct hal_completion c;
	struct hal_builder b;
	uint8_t header[100];
	size_t n = make_header(header, ip6, geneve);

	rule_make(&push_rule, 700, 1, "");
	hal_builder_init(&b);
	push = hal_builder_add(&b, ACTION_TUNNEL_PUSH, sizeof(*push) + n);
	push->port = PORT;
	push->type = (uint8_t)end.type;
	push->flags = flags;
	push->header_len = (uint16_t)n;
	memcpy(push->header, header, n);
	hal_build_output(&b, 2);
	rule_program(&push_rule, &b);
	CU_ASSERT_NOT_EQUAL(run_op(dev, HAL_OP_ADD, &push_rule, &c), 0);
	CU_ASSERT_EQUAL(c.reason.code, HAL_REASON_DEPENDS);
	CU_ASSERT_EQUAL(object_set(dev, HAL_OBJECT_TUNNEL, PORT, &end, sizeof(end), NULL), 0);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &push_rule, &c), 0);
	rule_make(&pop_rule, 701, 3, "");
	hal_builder_init(&b);
	pop = hal_builder_add(&b, ACTION_TUNNEL_POP, sizeof(*pop));
	pop->port = PORT;
	pop->type = (uint8_t)end.type;
	pop->flags = flags & HAL_TUNNEL_GBP;
	rule_add(dev, &pop_rule, &b);
}

static void uninstall(uint64_t pushed, uint64_t popped)
{
	struct hal_object_stats s = {0};

	rule_drop(dev, &push_rule, pushed);
	rule_drop(dev, &pop_rule, popped);
	CU_ASSERT_EQUAL(sim_driver.object_stats(dev, HAL_OBJECT_TUNNEL, PORT, &s), 0);
	CU_ASSERT_EQUAL(s.tx_packets, pushed);
	CU_ASSERT_EQUAL(s.tx_bytes, pushed * len);
	CU_ASSERT_EQUAL(s.packets, popped);
	CU_ASSERT_EQUAL(s.bytes, popped * len);
	CU_ASSERT_EQUAL(sim_driver.object_del(dev, HAL_OBJECT_TUNNEL, PORT), 0);
}

static unsigned source_port(void)
{
	struct hal_key k = {.eth_type = RTE_BE16(0x0800),
		.ip_proto = 6,
		.ipv4_src = RTE_BE32(0x0a000001),
		.ipv4_dst = RTE_BE32(0x0a000002),
		.tp_src = RTE_BE16(1000),
		.tp_dst = RTE_BE16(2000)};
	struct hal_flow_id id;

	hal_flow_id(&k, &id);
	return hal_tunnel_src_port(&id);
}

/* Through the tunnel and back; the checksum is right where there is one. */
static size_t push_one(bool ip6, bool geneve, uint8_t flags)
{
	uint8_t header[100], *udp = outer + (ip6 ? 54 : 34);
	size_t n = make_header(header, ip6, geneve), m;

	wire_send(1, sent, len);
	m = wire_recv(2, outer, sizeof(outer), 1000);
	CU_ASSERT_EQUAL_FATAL(m, len + n);
	CU_ASSERT_EQUAL(memcmp(outer + n, sent, len), 0);
	CU_ASSERT_EQUAL(memcmp(outer, header, 14), 0);
	CU_ASSERT_EQUAL(memcmp(outer + n - 8, header + n - 8, 8), 0);
	CU_ASSERT_EQUAL((unsigned)udp[0] << 8 | udp[1], source_port());
	CU_ASSERT_EQUAL((size_t)(udp[4] << 8 | udp[5]), m - (ip6 ? 54 : 34));
	CU_ASSERT_EQUAL(udp[6] || udp[7], ip6 || flags & HAL_TUNNEL_CSUM);
	if (udp[6] || udp[7])
		CU_ASSERT(frame_sums_ok(outer, m));
	return m;
}

static void round_trip_one(bool ip6, bool geneve, uint8_t flags)
{
	struct hal_builder b;
	struct test_rule in;
	size_t m;

	len = frame_make(sent, false, true, 60, false);
	install(ip6, geneve, flags);
	m = push_one(ip6, geneve, flags);
	/* Nobody knows the inner packet: it comes up with the tunnel's members. */
	wire_send(3, outer, m);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	CU_ASSERT_EQUAL(meta.port, PORT);
	CU_ASSERT_EQUAL(meta.recirc_id, 0);
	CU_ASSERT(meta.has_key);
	CU_ASSERT_EQUAL(key.tun_id, RTE_BE64(0x123456));
	CU_ASSERT_EQUAL(key.tun_tos, 0x10);
	CU_ASSERT_EQUAL(key.tun_ttl, 33);
	CU_ASSERT_EQUAL(key.tun_ipv6_src[15], ip6 ? 9 : 0);
	CU_ASSERT_EQUAL(key.tun_ipv6_dst[15], ip6 ? 8 : 0);
	CU_ASSERT_EQUAL(key.tun_ipv4_src, ip6 ? 0 : RTE_BE32(0xac100001));
	/* With a rule for it it goes on. */
	rule_make(&in, 702, PORT,
		ip6 ? "tun_id=0x123456,tun_ipv6_dst=fe00::8"
		    : "tun_id=0x123456,tun_dst=172.16.0.2,tcp");
	hal_builder_init(&b);
	hal_build_output(&b, 1);
	rule_add(dev, &in, &b);
	wire_send(3, outer, m);
	CU_ASSERT_EQUAL(wire_recv(1, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got, sent, len), 0);
	rule_drop(dev, &in, 1);
	uninstall(1, 2);
}

static void round_trips(void)
{
	round_trip_one(false, false, 0);
	round_trip_one(false, false, HAL_TUNNEL_CSUM);
	round_trip_one(true, false, 0);
	round_trip_one(false, true, 0);
	round_trip_one(true, true, 0);
}

static void inheritance(void)
{
	len = frame_make(sent, true, false, 60, false);
	sent[14] = 0x6b; /* traffic class 0xb9: DSCP 46, ECT(1) */
	sent[15] = 0x90;
	sent[21] = 77;
	install(false, false, HAL_TUNNEL_INHERIT_TOS | HAL_TUNNEL_INHERIT_TTL);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, outer, sizeof(outer), 1000), len + 50);
	CU_ASSERT_EQUAL(outer[15], 0xb9);
	CU_ASSERT_EQUAL(outer[22], 77);
	uninstall(1, 0);
	install(false, false, 0); /* ECN is inherited always */
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL(wire_recv(2, outer, sizeof(outer), 1000), len + 50);
	CU_ASSERT_EQUAL(outer[15], 0x11);
	CU_ASSERT_EQUAL(outer[22], 33);
	uninstall(1, 0);
}

static void expect_up(const uint8_t *frame, size_t n)
{
	wire_send(3, frame, n);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), n);
	CU_ASSERT_EQUAL(memcmp(got, frame, n), 0);
	CU_ASSERT_EQUAL(meta.port, 3);
	CU_ASSERT_FALSE(meta.has_key);
}

/* Anything that is not plain is handed up whole. */
static void not_plain(void)
{
	/* byte of the frame, and what is changed there: VXLAN flags and reserved bits, the UDP
	 * port, the UDP length */
	static const struct {
		size_t at;
		uint8_t bits;
	} vxlan[] = {{42, 0x80}, {42, 0x08}, {45, 1}, {49, 1}, {37, 1}, {38, 1}};
	size_t m;

	len = frame_make(sent, false, true, 60, false);
	install(false, false, 0);
	m = push_one(false, false, 0);
	for (unsigned i = 0; i < sizeof(vxlan) / sizeof(vxlan[0]); i++) {
		outer[vxlan[i].at] ^= vxlan[i].bits;
		expect_up(outer, m);
		outer[vxlan[i].at] ^= vxlan[i].bits;
	}
	outer[40] = 1; /* a checksum, and a wrong one */
	expect_up(outer, m);
	uninstall(1, 0);
	install(false, true, 0);
	m = push_one(false, true, 0);
	outer[42] = 1; /* an option's length */
	expect_up(outer, m);
	outer[42] = 0;
	outer[43] = 0x80; /* OAM */
	expect_up(outer, m);
	uninstall(1, 0);
}

/* The group policy is taken where it is asked for; the bits that are reserved are not. */
static void group_policy(void)
{
	size_t m;

	len = frame_make(sent, false, true, 60, false);
	install(false, false, HAL_TUNNEL_GBP);
	m = push_one(false, false, 0);
	memcpy(outer + 42, "\x88\x48\x12\x34", 4);
	wire_send(3, outer, m);
	CU_ASSERT_EQUAL(device_recv(dev, got, sizeof(got), &meta, 1000), len);
	CU_ASSERT_EQUAL(meta.port, PORT);
	CU_ASSERT_EQUAL(key.tun_gbp_id, RTE_BE16(0x1234));
	CU_ASSERT_EQUAL(key.tun_gbp_flags, 0x48);
	outer[43] |= 1;
	expect_up(outer, m);
	uninstall(1, 1);
}

void tunnel_suite(void)
{
	CU_pSuite s = CU_add_suite("tunnels", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "in and out", round_trips);
	CU_add_test(s, "TOS and TTL", inheritance);
	CU_add_test(s, "what is not plain", not_plain);
	CU_add_test(s, "group policy", group_policy);
	CU_add_test(s, "it ends", stop);
}
