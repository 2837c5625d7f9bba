/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets put into tunnels and taken out of them, against frames written down by hand.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "hal/object.h"
#include "hal/tlv.h"
#include "rig.h"
#include "swpath/tunnel.h"

#define INNER 60 /* bytes of the packet inside */
#define CLASS 0x0102

/* Ethernet, IPv4 (DF, TTL 64, identification and lengths left out), UDP to 4789, VNI 42. */
static const uint8_t vxlan4[] = {0x02, 0, 0, 0, 0, 0x22, 0x02, 0, 0, 0, 0, 0x11, 0x08, 0x00, 0x45,
	0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 172, 16, 0, 1, 172, 16, 0, 2, 0, 0, 0x12, 0xb5, 0, 0,
	0, 0, 0x08, 0, 0, 0, 0, 0, 42, 0};

/* The same over IPv6 with Geneve and one option of 4 bytes. */
static const uint8_t geneve6[] = {0x02, 0, 0, 0, 0, 0x22, 0x02, 0, 0, 0, 0, 0x11, 0x86, 0xdd, 0x60,
	0, 0, 0, 0, 0, 17, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x17, 0xc1, 0, 0, 0, 0, 0x02, 0, 0x65, 0x58, 0, 0,
	77, 0, 0x01, 0x02, 0x03, 0x01, 0xde, 0xad, 0xbe, 0xef};

struct subject {
	struct hal_key key;
	struct swpath_packet p;
};

static void begin(struct subject *s, const void *bytes, size_t len, size_t seg)
{
	struct frame f = {.len = len};

	memcpy(f.b, bytes, len);
	memset(s, 0, sizeof(*s));
	s->key.in_port = RTE_BE32(7);
	s->p = (struct swpath_packet){.m = test_mbuf(&f, seg),
		.pool = test_pool(),
		.key = &s->key,
		.key_stale = true,
		.layers_stale = true};
	swpath_packet_key(&s->p);
}

static void end(struct subject *s)
{
	rte_pktmbuf_free(s->p.m);
}

static void copy_out(const struct subject *s, uint8_t *bytes)
{
	const void *at = rte_pktmbuf_read(s->p.m, 0, rte_pktmbuf_pkt_len(s->p.m), bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	if (at != bytes)
		memcpy(bytes, at, rte_pktmbuf_pkt_len(s->p.m));
}

static void make_inner(uint8_t inner[INNER])
{
	for (unsigned i = 0; i < INNER; i++)
		inner[i] = (uint8_t)(i * 7);
	inner[12] = 0x88;
	inner[13] = 0xb5;
}

static struct hal_act_tunnel_push *push_of(const uint8_t *header, uint16_t len, uint8_t flags)
{
	struct hal_act_tunnel_push *act = calloc(1, sizeof(*act) + len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(act);
	act->flags = flags;
	act->header_len = len;
	memcpy(act->header, header, len);
	return act;
}

static uint32_t sum_be16(const uint8_t *b, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned get16(const uint8_t *b)
{
	return (unsigned)b[0] << 8 | b[1];
}

static void push_vxlan(void)
{
	static const uint8_t ip[] = {0x45, 0, 0, 0x60, 0x12, 0x34, 0x40, 0, 64, 17, 0xd0, 0x35, 172,
		16, 0, 1, 172, 16, 0, 2};
	uint8_t inner[INNER], out[256];
	struct hal_act_tunnel_push *act = push_of(vxlan4, sizeof(vxlan4), 0);

	make_inner(inner);
	/* In one buffer and in several; own data and shared. */
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *other = NULL;
		struct subject s;

		begin(&s, inner, INNER, i & 1 ? 16 : 0);
		if (i & 2)
			other = rte_pktmbuf_clone(s.p.m, test_pool());
		CU_ASSERT_EQUAL(swpath_tunnel_encapsulate(&s.p, act, 0x1234), SWPATH_OK);
		CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(s.p.m), INNER + sizeof(vxlan4));
		copy_out(&s, out);
		CU_ASSERT(!memcmp(out, vxlan4, 14));
		CU_ASSERT(!memcmp(out + 14, ip, sizeof(ip)));
		CU_ASSERT(get16(out + 34) >= 0xc000);
		CU_ASSERT_EQUAL(get16(out + 36), 4789);
		CU_ASSERT_EQUAL(get16(out + 38), 8 + 8 + INNER);
		CU_ASSERT_EQUAL(get16(out + 40), 0);
		CU_ASSERT(!memcmp(out + 42, vxlan4 + 42, 8));
		CU_ASSERT(!memcmp(out + 50, inner, INNER));
		swpath_packet_key(&s.p);
		CU_ASSERT_EQUAL(s.key.in_port, RTE_BE32(7));
		CU_ASSERT_EQUAL(s.key.tp_dst, RTE_BE16(4789));
		if (other) {
			CU_ASSERT(test_same_bytes(other, inner, INNER));
			rte_pktmbuf_free(other);
		}
		end(&s);
	}
	free(act);
}

static void push_geneve_over_ipv6(void)
{
	struct hal_act_tunnel_push *act = push_of(geneve6, sizeof(geneve6), 0);
	uint8_t inner[INNER], out[256], pseudo[40] = {0};
	struct subject s;

	make_inner(inner);
	begin(&s, inner, INNER, 0);
	CU_ASSERT_EQUAL(swpath_tunnel_encapsulate(&s.p, act, 1), SWPATH_OK);
	copy_out(&s, out);
	CU_ASSERT_EQUAL(get16(out + 18), 8 + 16 + INNER);
	CU_ASSERT_EQUAL(get16(out + 58), 8 + 16 + INNER);
	memcpy(pseudo, out + 22, 32);
	pseudo[35] = 8 + 16 + INNER;
	pseudo[39] = IPPROTO_UDP;
	CU_ASSERT_EQUAL(sum_be16(out + 54, 8 + 16 + INNER, sum_be16(pseudo, 40, 0)), 0xffff);
	CU_ASSERT(!memcmp(out + 62, geneve6 + 62, 16));
	end(&s);
	free(act);
}

static void push_inherits(void)
{
	static const struct {
		uint8_t flags, inner_tos, tos, ttl;
	} cases[] = {{0, 0x28, 0, 64}, {0, 0x2b, 3, 64}, {HAL_TUNNEL_INHERIT_TOS, 0x29, 0x29, 64},
		{HAL_TUNNEL_INHERIT_TTL, 0x02, 2, 33}};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct hal_act_tunnel_push *act = push_of(vxlan4, sizeof(vxlan4), cases[i].flags);
		uint8_t out[512];
		struct subject s;
		struct frame f;

		frame_make(&f, FRAME_UDP4, 0, 20);
		f.b[f.l3 + 1] = cases[i].inner_tos;
		f.b[f.l3 + 8] = 33;
		frame_checksums(&f);
		begin(&s, f.b, f.len, 0);
		CU_ASSERT_EQUAL(swpath_tunnel_encapsulate(&s.p, act, 1), SWPATH_OK);
		copy_out(&s, out);
		CU_ASSERT_EQUAL(out[15], cases[i].tos);
		CU_ASSERT_EQUAL(out[22], cases[i].ttl);
		CU_ASSERT_EQUAL(sum_be16(out + 14, 20, 0), 0xffff);
		end(&s);
		free(act);
	}
}

static void push_without_neighbour(void)
{
	struct hal_act_tunnel_push *act = push_of(vxlan4, 0, 0);
	uint8_t inner[INNER];
	struct subject s;

	make_inner(inner);
	begin(&s, inner, INNER, 0);
	CU_ASSERT_EQUAL(swpath_tunnel_encapsulate(&s.p, act, 1), SWPATH_DROP_NO_NEIGHBOUR);
	end(&s);
	free(act);
}

/* ---- pop ---- */

/* A whole VXLAN packet over IPv4, checksums right, with an IPv4 packet of this TOS inside. */
static size_t vxlan_packet(uint8_t *b, uint8_t outer_tos, uint8_t inner_tos, size_t pad)
{
	struct frame f;
	size_t len;

	frame_make(&f, FRAME_UDP4, 0, 20);
	f.b[f.l3 + 1] = inner_tos;
	frame_checksums(&f);
	memcpy(b, vxlan4, sizeof(vxlan4));
	memcpy(b + sizeof(vxlan4), f.b, f.len);
	len = f.len + 36;
	b[15] = outer_tos;
	b[16] = (uint8_t)(len >> 8);
	b[17] = (uint8_t)len;
	b[38] = (uint8_t)((len - 20) >> 8);
	b[39] = (uint8_t)(len - 20);
	len = ~sum_be16(b + 14, 20, 0) & 0xffff;
	b[24] = (uint8_t)(len >> 8);
	b[25] = (uint8_t)len;
	memset(b + sizeof(vxlan4) + f.len, 0xee, pad);
	return sizeof(vxlan4) + f.len + pad;
}

static int pop(
	struct subject *s, const uint8_t *b, size_t len, size_t seg, uint8_t flags, uint8_t type)
{
	struct hal_act_tunnel_pop act = {.port = 99, .type = type, .flags = flags};

	begin(s, b, len, seg);
	return swpath_tunnel_decapsulate(&s->p, &act);
}

static void pop_vxlan(void)
{
	uint8_t b[512], out[512];
	size_t len = vxlan_packet(b, 0x20, 0, 6);

	for (size_t seg = 0; seg <= 32; seg += 16) {
		struct subject s;

		CU_ASSERT_EQUAL(pop(&s, b, len, seg, 0, HAL_TUNNEL_VXLAN), SWPATH_OK);
		CU_ASSERT_EQUAL(s.key.in_port, RTE_BE32(99));
		CU_ASSERT_EQUAL(s.key.tun_id, RTE_BE64(42));
		CU_ASSERT_EQUAL(s.key.tun_ipv4_src, RTE_BE32(0xac100001));
		CU_ASSERT_EQUAL(s.key.tun_ipv4_dst, RTE_BE32(0xac100002));
		CU_ASSERT_EQUAL(s.key.tun_tos, 0x20);
		CU_ASSERT_EQUAL(s.key.tun_ttl, 64);
		CU_ASSERT_EQUAL(s.key.ip_proto, IPPROTO_UDP);
		CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(s.p.m), len - 6 - sizeof(vxlan4));
		copy_out(&s, out);
		CU_ASSERT(!memcmp(out, b + sizeof(vxlan4), len - 6 - sizeof(vxlan4)));
		end(&s);
	}
}

static void expect_drop(uint8_t *b, size_t len, int drop, uint8_t flags, uint8_t type)
{
	struct subject s;

	CU_ASSERT_EQUAL(pop(&s, b, len, 0, flags, type), drop);
	end(&s);
}

static void pop_refuses(void)
{
	static const struct {
		uint16_t at;
		uint8_t byte;
		int drop;
	} faults[] = {
		{42, 0x00, SWPATH_DROP_TUNNEL_HEADER}, /* no VNI */
		{42, 0x88, SWPATH_DROP_TUNNEL_HEADER}, /* a group policy that nobody asked for */
		{43, 0x01, SWPATH_DROP_TUNNEL_HEADER}, /* reserved */
		{49, 0x01, SWPATH_DROP_TUNNEL_HEADER},
		{39, 0x07, SWPATH_DROP_TUNNEL_HEADER}, /* shorter than a UDP header */
		{39, 0x17, SWPATH_DROP_TUNNEL_HEADER}, /* no room for an Ethernet header */
		{38, 0x10, SWPATH_DROP_TUNNEL_HEADER}, /* longer than the IP packet */
		{24, 0x55, SWPATH_DROP_TUNNEL_CHECKSUM},
		{41, 0x01, SWPATH_DROP_TUNNEL_CHECKSUM},
	};
	uint8_t b[512];

	for (unsigned i = 0; i < RTE_DIM(faults); i++) {
		size_t len = vxlan_packet(b, 0, 0, 0);

		b[faults[i].at] = faults[i].byte;
		expect_drop(b, len, faults[i].drop, 0, HAL_TUNNEL_VXLAN);
	}
	/* Not a byte is read behind the end, however short it is cut. */
	for (size_t len = vxlan_packet(b, 0, 0, 0) - 1; len >= 14; len--)
		expect_drop(b, len, SWPATH_DROP_TUNNEL_HEADER, 0, HAL_TUNNEL_VXLAN);
}

static void pop_group_policy(void)
{
	uint8_t b[512];
	size_t len = vxlan_packet(b, 0, 0, 0);
	struct subject s;

	b[42] = 0x88;
	b[43] = 0x48;
	b[44] = 0x12;
	b[45] = 0x34;
	CU_ASSERT_EQUAL(pop(&s, b, len, 0, HAL_TUNNEL_GBP, HAL_TUNNEL_VXLAN), SWPATH_OK);
	CU_ASSERT_EQUAL(s.key.tun_gbp_id, RTE_BE16(0x1234));
	CU_ASSERT_EQUAL(s.key.tun_gbp_flags, 0x48);
	end(&s);
}

/* RFC 6040, figure 4: rows by the inner field, columns by the outer one. */
static void pop_ecn(void)
{
	static const int expected[4][4] = {
		{0, 0, 0, -1},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};

	for (uint8_t inner = 0; inner < 4; inner++)
		for (uint8_t outer = 0; outer < 4; outer++) {
			uint8_t b[512], out[512];
			size_t len = vxlan_packet(b, outer, inner, 0);
			int drop, want = expected[inner][outer];
			struct subject s;

			drop = pop(&s, b, len, 0, 0, HAL_TUNNEL_VXLAN);
			CU_ASSERT_EQUAL(drop, want < 0 ? SWPATH_DROP_TUNNEL_ECN : SWPATH_OK);
			if (want >= 0) {
				copy_out(&s, out);
				CU_ASSERT_EQUAL(out[15], want);
				CU_ASSERT_EQUAL(s.key.ip_tos, want);
				CU_ASSERT_EQUAL(sum_be16(out + 14, 20, 0), 0xffff);
			}
			end(&s);
		}
}

/* A Geneve packet over IPv6 whose UDP checksum is left out, with these options. */
static size_t geneve_packet(uint8_t *b, const uint8_t *options, uint8_t len)
{
	size_t total = 62 + 8u + len + INNER;

	memcpy(b, geneve6, 70);
	b[62] = len / 4;
	memcpy(b + 70, options, len);
	make_inner(b + 70 + len);
	b[18] = b[58] = (uint8_t)((total - 54) >> 8);
	b[19] = b[59] = (uint8_t)(total - 54);
	return total;
}

static void pop_geneve(void)
{
	static const uint8_t two[] = {0x01, 0x02, 0x99, 0x00, 0x01, 0x02, 0x03, 0x01, 1, 2, 3, 4};
	static const uint8_t critical[] = {0x01, 0x02, 0x80, 0x00};
	static const uint8_t unknown[] = {0x01, 0x02, 0x05, 0x01, 1, 2, 3, 4};
	static const uint8_t too_long[] = {0x01, 0x02, 0x03, 0x02, 1, 2, 3, 4};
	uint8_t b[512];
	struct subject s;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(hal_tlv_add(5, CLASS, 3, 4), 0);
	len = geneve_packet(b, two + 4, 8);
	CU_ASSERT_EQUAL(pop(&s, b, len, 0, 0, HAL_TUNNEL_GENEVE), SWPATH_OK);
	CU_ASSERT_EQUAL(s.key.tun_id, RTE_BE64(77));
	CU_ASSERT_EQUAL(s.key.tun_ipv6_dst[15], 2);
	CU_ASSERT_EQUAL(s.key.tun_opts_present, RTE_BE64(1u << 5));
	CU_ASSERT(!memcmp(s.key.tun_opts + hal_tlv_table()->entry[5].offset, "\1\2\3\4", 4));
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(s.p.m), INNER);
	end(&s);
	expect_drop(b, geneve_packet(b, two, sizeof(two)), SWPATH_DROP_TUNNEL_OPTION, 0,
		HAL_TUNNEL_GENEVE);
	expect_drop(
		b, geneve_packet(b, critical, 4), SWPATH_DROP_TUNNEL_OPTION, 0, HAL_TUNNEL_GENEVE);
	expect_drop(b, geneve_packet(b, unknown, 8), SWPATH_OK, 0, HAL_TUNNEL_GENEVE);
	expect_drop(
		b, geneve_packet(b, too_long, 8), SWPATH_DROP_TUNNEL_HEADER, 0, HAL_TUNNEL_GENEVE);
	len = geneve_packet(b, unknown, 8);
	b[62] |= 0x40; /* another version */
	expect_drop(b, len, SWPATH_DROP_TUNNEL_HEADER, 0, HAL_TUNNEL_GENEVE);
	len = geneve_packet(b, unknown, 8);
	b[63] = 0x80;
	CU_ASSERT_EQUAL(pop(&s, b, len, 0, 0, HAL_TUNNEL_GENEVE), SWPATH_OK);
	CU_ASSERT_EQUAL(s.key.tun_flags, RTE_BE16(1));
	end(&s);
	hal_tlv_clear();
}

void suite_tunnel(void)
{
	CU_pSuite s = CU_add_suite("tunnel", NULL, NULL);

	CU_add_test(s, "push: vxlan", push_vxlan);
	CU_add_test(s, "push: geneve over ipv6", push_geneve_over_ipv6);
	CU_add_test(s, "push: what is inherited", push_inherits);
	CU_add_test(s, "push: no neighbour", push_without_neighbour);
	CU_add_test(s, "pop: vxlan", pop_vxlan);
	CU_add_test(s, "pop: what is refused", pop_refuses);
	CU_add_test(s, "pop: group policy", pop_group_policy);
	CU_add_test(s, "pop: congestion", pop_ecn);
	CU_add_test(s, "pop: geneve", pop_geneve);
}
